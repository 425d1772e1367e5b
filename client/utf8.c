#include "utf8.h"

/* The length that a first byte announces, and the bits that it holds. */
static size_t
start(uint8_t b, uint32_t *c)
{
	if (b < 0x80) {
		*c = b;
		return 1;
	}
	if (b >= 0xc2 && b <= 0xdf) {
		*c = b & 0x1fu;
		return 2;
	}
	if (b >= 0xe0 && b <= 0xef) {
		*c = b & 0x0fu;
		return 3;
	}
	if (b >= 0xf0 && b <= 0xf4) {
		*c = b & 0x07u;
		return 4;
	}
	return 0;
}

size_t
utf8_next(struct view v, uint32_t *c)
{
	/* The least code point of each length: a smaller one is overlong. */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code;
	size_t n;

	if (v.len == 0 || (n = start(v.data[0], &code)) == 0 || n > v.len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((v.data[i] & 0xc0u) != 0x80)
			return 0;
		code = code << 6 | (v.data[i] & 0x3fu);
	}
	if (code < least[n] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*c = code;
	return n;
}

/* True when it is UTF-8 and no character is below least. */
static bool
is_from(struct view v, uint32_t least)
{
	uint32_t c;

	while (v.len > 0) {
		size_t n = utf8_next(v, &c);

		if (n == 0 || c < least)
			return false;
		v = (struct view){ v.data + n, v.len - n };
	}
	return true;
}

bool
utf8_is_text(struct view v)
{
	return is_from(v, 0);
}

bool
utf8_is_plain(struct view v)
{
	return is_from(v, 1);
}

bool
utf8_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad ||
	    c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	    (c >= 0xe0000 && c <= 0xe007f);
}
