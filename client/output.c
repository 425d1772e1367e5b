#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "utf8.h"

#define SECOND 1000000u

/* One character, or one byte that is none, escaped; returns its length. */
static size_t
escape_one(char to[12], struct view v, size_t taken, uint32_t c)
{
	static const char from[] = "\n\t\r\\";
	static const char name[] = "ntr\\";
	const char *special;

	if (taken == 0)
		return (size_t)snprintf(to, 12, "\\x%02x", v.data[0]);
	if (c > 0 && c < 0x80 && (special = strchr(from, (int)c)) != NULL)
		return (size_t)snprintf(to, 12, "\\%c", name[special - from]);
	if (utf8_is_control(c))
		return (size_t)snprintf(to, 12, "\\u{%x}", (unsigned)c);
	memcpy(to, v.data, taken);
	return taken;
}

static size_t
escape(char *to, size_t size, struct view v, bool rest)
{
	size_t len = 0;

	while (v.len > 0) {
		char one[12];
		uint32_t c = 0;
		size_t taken = utf8_next(v, &c);
		size_t n = escape_one(one, v, taken, c);

		if (rest && c == '\\') {
			one[0] = '\\';
			n = 1;
		}
		if (n >= size - len)
			break;
		memcpy(to + len, one, n);
		len += n;
		taken = taken == 0 ? 1 : taken;
		v = (struct view){ v.data + taken, v.len - taken };
	}
	to[len] = '\0';
	return len;
}

size_t
output_escape(char *to, size_t size, struct view v)
{
	return escape(to, size, v, false);
}

size_t
output_escape_rest(char *to, size_t size, struct view v)
{
	return escape(to, size, v, true);
}

void
output_text(FILE *f, struct view v)
{
	while (v.len > 0) {
		struct view part = v;
		uint32_t c = 0;
		char one[12];
		size_t taken = utf8_next(part, &c);
		size_t len = escape_one(one, part, taken, c);

		(void)fwrite(one, 1, len, f);
		taken = taken == 0 ? 1 : taken;
		v = (struct view){ v.data + taken, v.len - taken };
	}
}

char *
output_time(uint64_t us, char to[OUTPUT_TIME])
{
	time_t t = (time_t)(us / SECOND);
	struct tm tm;

	if (us == 0 || gmtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900) {
		(void)snprintf(to, OUTPUT_TIME, "-");
		return to;
	}
	(void)strftime(to, OUTPUT_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(to + 19, OUTPUT_TIME - 19, ".%06uZ",
	    (unsigned)(us % SECOND));
	return to;
}

json_t *
output_json_view(struct view v)
{
	json_t *j;
	char *text;
	size_t len;

	if (v.len == 0)
		return json_string("");
	if (utf8_is_text(v))
		return json_stringn((const char *)v.data, v.len);
	text = malloc(OUTPUT_ESCAPED(v.len));
	if (text == NULL)
		return NULL;
	len = output_escape(text, OUTPUT_ESCAPED(v.len), v);
	j = json_stringn(text, len);
	free(text);
	return j;
}

json_t *
output_json_time(uint64_t us)
{
	char text[OUTPUT_TIME];

	return us == 0 ? json_null() : json_string(output_time(us, text));
}

json_t *
output_json_number(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *
base64_field(struct view v)
{
	char *text = malloc((v.len + 2) / 3 * 4 + 1);
	json_t *j;
	size_t len;

	if (text == NULL)
		return NULL;
	len = output_base64(text, v);
	j = json_pack("{s:b, s:s, s:s%}", "secret", 0, "encoding", "base64",
	    "value", text, len);
	free(text);
	return j;
}

json_t *
output_json_field(bool secret, struct view v)
{
	if (secret)
		return json_pack("{s:b}", "secret", 1);
	if (!utf8_is_plain(v))
		return base64_field(v);
	return json_pack("{s:b, s:s%}", "secret", 0, "value",
	    v.len > 0 ? (const char *)v.data : "", v.len);
}

/* jansson writes everything in ASCII but DEL, which it lets through. */
static int
print_part(const char *part, size_t n, void *file)
{
	for (size_t i = 0; i < n; i++)
		if (part[i] == 0x7f)
			(void)fputs("\\u007F", file);
		else
			(void)fputc(part[i], file);
	return 0;
}

bool
output_json(json_t *value, FILE *f)
{
	bool good = value != NULL && json_dump_callback(value, print_part, f,
	    JSON_ENSURE_ASCII | JSON_ENCODE_ANY) == 0;

	json_decref(value);
	if (good)
		(void)fputc('\n', f);
	return good;
}

/*
 * The character for six bits, by arithmetic: a table would show the bits of
 * a secret in the processor's cache.
 */
static char
base64_char(unsigned v)
{
	unsigned c = v + 'A';

	c += (((25u - v) >> 8) & 1u) * (unsigned)('a' - 26 - 'A');
	c -= (((51u - v) >> 8) & 1u) * (unsigned)('a' - 26 - ('0' - 52));
	c -= (((61u - v) >> 8) & 1u) * (unsigned)(('0' - 52) - ('+' - 62));
	c += (((62u - v) >> 8) & 1u) * (unsigned)(('/' - 63) - ('+' - 62));
	return (char)c;
}

size_t
output_base64(char *to, struct view v)
{
	size_t len = 0;

	for (size_t i = 0; i < v.len; i += 3) {
		size_t left = v.len - i;
		unsigned bits = (unsigned)v.data[i] << 16;

		if (left > 1)
			bits |= (unsigned)v.data[i + 1] << 8;
		if (left > 2)
			bits |= v.data[i + 2];
		to[len++] = base64_char(bits >> 18);
		to[len++] = base64_char(bits >> 12 & 0x3f);
		to[len++] = left > 1 ? base64_char(bits >> 6 & 0x3f) : '=';
		to[len++] = left > 2 ? base64_char(bits & 0x3f) : '=';
	}
	return len;
}
