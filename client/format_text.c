#include "format_text.h"

#include <stdio.h>
#include <string.h>

#include "names.h"
#include "utf8.h"

bool
text_fail(struct text_fault *fault, const char *field, const char *why)
{
	fault->status = COFRE_FORMAT;
	(void)snprintf(fault->text, sizeof(fault->text), "%s%s%s",
	    field == NULL ? "" : field, field == NULL ? "" : ": ", why);
	return false;
}

/*
 * Looking at values.
 */

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(uint8_t c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool
is_in(uint8_t c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

bool
text_is(struct view v, const char *s)
{
	if (v.len != strlen(s))
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (lower(v.data[i]) != lower((uint8_t)s[i]))
			return false;
	return true;
}

bool
text_only(struct view v, const char *extra)
{
	for (size_t i = 0; i < v.len; i++)
		if (!is_alnum(v.data[i]) && !is_in(v.data[i], extra))
			return false;
	return true;
}

struct view
text_from(struct view v, size_t n)
{
	return n == 0 ? v : (struct view){ v.data + n, v.len - n };
}

size_t
text_index(struct view v, char c)
{
	const uint8_t *p = v.len == 0 ? NULL : memchr(v.data, c, v.len);

	return p == NULL ? v.len : (size_t)(p - v.data);
}

/* The six bits of a base64 digit, or -1. */
static int
base64_bits(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

int
text_base64_len(struct view v)
{
	size_t pad = 0;
	int unused;

	if (v.len == 0 || v.len % 4 != 0)
		return -1;
	while (pad < 2 && v.data[v.len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < v.len - pad; i++)
		if (base64_bits(v.data[i]) == -1)
			return -1;
	/* Bits that stand for nothing are 0 in the canonical form. */
	unused = pad == 0 ? 0 : pad == 1 ? 0x3 : 0xf;
	if ((base64_bits(v.data[v.len - pad - 1]) & unused) != 0)
		return -1;
	return (int)(v.len / 4 * 3 - pad);
}

const char *
text_check_filled(struct view value)
{
	return value.len == 0 ? "the value is empty" : NULL;
}

const char *
text_check_port(struct view value)
{
	unsigned port = 0;

	if (value.len > 5)
		return "not a port from 1 to 65535";
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.data[i]))
			return "not a port from 1 to 65535";
		port = port * 10 + (unsigned)(value.data[i] - '0');
	}
	return port < 1 || port > 65535 ? "not a port from 1 to 65535" : NULL;
}

const char *
text_check_boolean(struct view value)
{
	if (text_is(value, "true") || text_is(value, "false") ||
	    text_is(value, "yes") || text_is(value, "no"))
		return NULL;
	return "neither true nor false";
}

/*
 * Reading.
 */

struct view
text_until(struct text_in *in, const char *stop)
{
	struct view v = in->left;

	for (v.len = 0; v.len < in->left.len; v.len++)
		if (is_in(in->left.data[v.len], stop))
			break;
	in->left = text_from(in->left, v.len);
	return v;
}

int
text_peek(const struct text_in *in)
{
	return in->left.len == 0 ? -1 : in->left.data[0];
}

bool
text_skip(struct text_in *in, char c)
{
	if (text_peek(in) != (uint8_t)c)
		return false;
	in->left = text_from(in->left, 1);
	return true;
}

void
text_skip_blanks(struct text_in *in)
{
	size_t n = 0;

	while (n < in->left.len && is_in(in->left.data[n], TEXT_BLANKS))
		n++;
	in->left = text_from(in->left, n);
}

void
text_pair(struct text_in *in)
{
	in->scratch.len = 0;
	in->pairs++;
}

bool
text_fail_pair(struct text_in *in, const char *why)
{
	char place[128];

	(void)snprintf(place, sizeof(place), "pair %u%s%s", in->pairs,
	    in->last == NULL ? "" : ", after ",
	    in->last == NULL ? "" : in->last);
	return text_fail(in->fault, place, why);
}

/* What no value may hold, so that every format can write it on one line. */
static const char *
check_text(struct view v)
{
	if (text_index(v, '\0') < v.len)
		return "the value has a NUL";
	if (text_index(v, '\r') < v.len || text_index(v, '\n') < v.len)
		return "the value has a line break";
	return utf8_is_text(v) ? NULL : "the value is not UTF-8";
}

bool
text_field(struct text_in *in, const char *field, struct view value,
    text_check *check)
{
	uint8_t kind = (uint8_t)cofre_secret_kind(in->secret);
	const char *why = check_text(value);
	enum cofre_status s;

	if (text_has(in, field))
		why = "given twice";
	if (why == NULL && check != NULL)
		why = check(value);
	if (why != NULL)
		return text_fail(in->fault, field, why);
	s = secret_add(in->secret, view_of(field),
	    field_is_secret(kind, view_of(field)), value);
	if (s != COFRE_OK) {
		(void)text_fail(in->fault, field, cofre_status_text(s));
		in->fault->status = s;
		return false;
	}
	in->last = field;
	return true;
}

bool
text_has(const struct text_in *in, const char *field)
{
	return cofre_secret_field(in->secret, field, NULL) != NULL;
}

static int
hex_digit(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%41" at the start of v stands for, or -1. */
static int
decode_one(struct view v)
{
	int high;
	int low;

	if (v.len < 3)
		return -1;
	high = hex_digit(v.data[1]);
	low = hex_digit(v.data[2]);
	return high == -1 || low == -1 ? -1 : high * 16 + low;
}

bool
text_decode(struct text_in *in, const char *field, struct view raw,
    const char *extra)
{
	while (raw.len > 0) {
		int c = raw.data[0];
		size_t n = 1;

		if (c == '%') {
			c = decode_one(raw);
			if (c == -1)
				return text_fail(in->fault, field,
				    "a '%' without two hex digits after it");
			n = 3;
		} else if (!is_alnum((uint8_t)c) &&
		    !is_in((uint8_t)c, "-._~") && !is_in((uint8_t)c, extra)) {
			return text_fail(in->fault, field,
			    "a character that must be percent-encoded");
		}
		wire_put_u8(&in->scratch, (uint64_t)c);
		raw = text_from(raw, n);
	}
	return true;
}

struct view
text_scratch(const struct text_in *in)
{
	return (struct view){ in->scratch.data, in->scratch.len };
}

/*
 * Writing.
 */

struct view
text_value(const struct text_out *out, const char *field)
{
	struct view v = { NULL, 0 };

	v.data = (const uint8_t *)cofre_secret_field(out->secret, field,
	    &v.len);
	return v;
}

void
text_put(struct text_out *out, const char *s)
{
	text_put_view(out, view_of(s));
}

void
text_put_view(struct text_out *out, struct view v)
{
	wire_put_bytes(&out->w, v);
}

void
text_put_encoded(struct text_out *out, struct view v)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.data[i];

		if (is_alnum(c) || is_in(c, "-._~")) {
			wire_put_u8(&out->w, c);
			continue;
		}
		wire_put_u8(&out->w, '%');
		wire_put_u8(&out->w, (uint8_t)hex[c >> 4]);
		wire_put_u8(&out->w, (uint8_t)hex[c & 15]);
	}
}
