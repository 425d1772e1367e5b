#include "scan.h"

#include <string.h>

enum form { AS_IS, PERCENT, PLUS, BASE64_0, BASE64_1, BASE64_2, BASE64_3, FORMS };

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t
percent(struct view text, bool plus, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		int high = -1, low = -1;

		if (c == '%' && i + 2 < text.len) {
			high = hex_digit(text.data[i + 1]);
			low = hex_digit(text.data[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			c = (uint8_t)(high * 16 + low);
			i += 2;
		} else if (plus && c == '+')
			c = ' ';
		out[n++] = c;
	}
	return n;
}

static int
sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/*
 * Decode every run of base64 characters, from its skip-th one on, so that
 * one of the four beginnings is that of the encoded text, whatever stands
 * before it.
 */
static size_t
base64(struct view text, unsigned skip, uint8_t *out)
{
	uint32_t bits = 0;
	unsigned have = 0, left = skip;
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		int v = sextet(text.data[i]);

		if (v < 0) {
			/* A wrapped line goes on; all else ends the run. */
			if (text.data[i] != '\n' && text.data[i] != '\r') {
				have = 0;
				left = skip;
				out[n++] = 0;
			}
			continue;
		}
		if (left > 0) {
			left--;
			continue;
		}
		bits = (bits << 6 | (uint32_t)v) & 0xffffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[n++] = (uint8_t)(bits >> have);
	}
	return n;
}

static size_t
put_form(enum form form, struct view text, uint8_t *out)
{
	switch (form) {
	case AS_IS:
		if (text.len > 0)
			memcpy(out, text.data, text.len);
		return text.len;
	case PERCENT:
		return percent(text, false, out);
	case PLUS:
		return percent(text, true, out);
	case BASE64_0:
	case BASE64_1:
	case BASE64_2:
	case BASE64_3:
		return base64(text, (unsigned)(form - BASE64_0), out);
	case FORMS:
		break;
	}
	return 0;
}

bool
scan_lay_out(struct list texts, uint8_t *out, size_t cap, size_t *used)
{
	struct wire_reader r = list_reader(texts);
	struct text_item item;
	size_t n = 0;

	for (uint32_t i = 0; i < texts.count; i++) {
		text_item_get(&r, &item);
		/* No form is longer than the text. */
		if (r.bad || cap - n < SCAN_ROOM(item.text.len, 1))
			return false;
		for (unsigned f = AS_IS; f < FORMS; f++) {
			n += put_form((enum form)f, item.text, out + n);
			out[n++] = 0;
		}
	}
	*used = n;
	return wire_reader_done(&r);
}

/* The whole text, or all behind its first '='. */
static bool
is_all_of(struct view text, struct view value)
{
	const uint8_t *sign;

	if (view_equal(text, value))
		return true;
	if (text.len == 0 || (sign = memchr(text.data, '=', text.len)) == NULL)
		return false;
	sign++;
	return view_equal((struct view){ sign,
		text.len - (size_t)(sign - text.data) }, value);
}

static bool
is_in(struct view text, struct view value)
{
	return text.len >= value.len &&
	    memmem(text.data, text.len, value.data, value.len) != NULL;
}

/* How many bytes of laid this text takes, and whether the value is there. */
static bool
is_in_text(struct view text, const uint8_t **at, struct view value)
{
	bool found = false;

	for (unsigned f = AS_IS; f < FORMS; f++) {
		/* Measured by doing it again, over what is there already. */
		uint8_t *to;
		size_t n;

		memcpy(&to, at, sizeof(to));
		n = put_form((enum form)f, text, to);
		found |= is_in((struct view){ *at, n }, value);
		*at += n + 1;
	}
	return found;
}

uint32_t
scan_find(struct list texts, struct view laid, struct view value)
{
	bool anywhere = value.len >= SCAN_ANYWHERE;
	struct wire_reader r = list_reader(texts);
	const uint8_t *at = laid.data;
	struct text_item item;

	if (value.len < SCAN_SHORTEST || (anywhere && !is_in(laid, value)))
		return 0;
	for (uint32_t i = 0; i < texts.count; i++) {
		text_item_get(&r, &item);
		if (anywhere ? is_in_text(item.text, &at, value) :
			       is_all_of(item.text, value))
			return i + 1;
	}
	return 0;
}
