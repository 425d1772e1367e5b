#include "needles.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 1024u /* of a longer one its beginning */
#define FILTER_BITS 20u
#define SHORTEST 8u

struct pattern {
	uint8_t *text;
	size_t len;
	const char *name;
	enum form form;
	uint32_t next; /* of the same bucket; one more than its index */
};

struct needles {
	FILE *file;
	size_t count;
	struct pattern *patterns;
	size_t used, size;
	uint32_t *buckets; /* by the first 8 bytes */
};

static const char *const names[] = {
	[FORM_RAW] = "raw",
	[FORM_PART] = "8 bytes of it",
	[FORM_REVERSED] = "reversed",
	[FORM_HEX] = "hex",
	[FORM_HEX_UPPER] = "HEX",
	[FORM_BASE64] = "base64",
	[FORM_BASE64URL] = "base64url",
	[FORM_UTF16LE] = "UTF-16LE",
	[FORM_UTF16BE] = "UTF-16BE",
	[FORM_PERCENT] = "percent",
};

const char *
form_name(enum form form)
{
	return names[form];
}

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static uint32_t
bucket_of(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return (uint32_t)(w * 0x9e3779b97f4a7c15u >> (64 - FILTER_BITS));
}

static void
add(struct needles *n, const char *name, enum form form, const uint8_t *text,
    size_t len)
{
	struct pattern *p;
	uint32_t *bucket;

	if (len < SHORTEST)
		return;
	if (n->used == n->size) {
		n->size = n->size * 2 + 1024;
		n->patterns = need(realloc(n->patterns,
		    n->size * sizeof(*p)));
	}
	bucket = &n->buckets[bucket_of(text)];
	p = &n->patterns[n->used++];
	*p = (struct pattern){ .text = need(malloc(len)), .len = len,
		.name = name, .form = form, .next = *bucket };
	memcpy(p->text, text, len);
	*bucket = (uint32_t)n->used;
}

static void
add_hex(struct needles *n, const char *name, const uint8_t *v, size_t len,
    const char *digits, enum form form)
{
	uint8_t text[2 * VALUE_MAX];

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = (uint8_t)digits[v[i] >> 4];
		text[2 * i + 1] = (uint8_t)digits[v[i] & 15];
	}
	add(n, name, form, text, 2 * len);
}

/*
 * What stands before and behind it changes the characters at both ends: only
 * those are looked for that are of the value alone.
 */
static void
add_base64(struct needles *n, const char *name, const uint8_t *v, size_t len,
    const char *last, enum form form)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789";
	uint8_t text[4 * VALUE_MAX / 3 + 8];

	for (size_t before = 0; before < 3; before++) {
		/* In bits, from the first whole character of its own. */
		size_t bit = (6 - before * 8 % 6) % 6, used = 0;

		for (; bit + 6 <= len * 8; bit += 6) {
			unsigned w = (unsigned)v[bit / 8] << 8;

			if (bit / 8 + 1 < len)
				w |= v[bit / 8 + 1];
			w = w >> (10 - bit % 8) & 63;
			text[used++] = (uint8_t)(w < 62 ? letters[w] :
							  last[w - 62]);
		}
		add(n, name, form, text, used);
	}
}

static void
add_wide(struct needles *n, const char *name, const uint8_t *v, size_t len)
{
	uint8_t text[2 * VALUE_MAX + 1];

	memset(text, 0, sizeof(text));
	for (size_t i = 0; i < len; i++)
		text[2 * i + 1] = v[i];
	add(n, name, FORM_UTF16BE, text, 2 * len);
	add(n, name, FORM_UTF16LE, text + 1, 2 * len);
}

static void
add_percent(struct needles *n, const char *name, const uint8_t *v, size_t len,
    bool all, const char *digits)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~"
				    "abcdefghijklmnopqrstuvwxyz0123456789";
	uint8_t text[3 * VALUE_MAX];
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		if (!all && v[i] != 0 && strchr(plain, v[i]) != NULL) {
			text[used++] = v[i];
			continue;
		}
		text[used++] = '%';
		text[used++] = (uint8_t)digits[v[i] >> 4];
		text[used++] = (uint8_t)digits[v[i] & 15];
	}
	if (used > len)
		add(n, name, FORM_PERCENT, text, used);
}

static void
add_all(struct needles *n, const char *name, const uint8_t *v, size_t len,
    bool parts)
{
	static const char lower[] = "0123456789abcdef";
	static const char upper[] = "0123456789ABCDEF";
	uint8_t reversed[VALUE_MAX];

	add(n, name, FORM_RAW, v, len);
	for (size_t i = 0; parts && i + 8 <= len; i += 8)
		add(n, name, FORM_PART, v + i, 8);
	for (size_t i = 0; i < len; i++)
		reversed[i] = v[len - 1 - i];
	add(n, name, FORM_REVERSED, reversed, len);
	add_hex(n, name, v, len, lower, FORM_HEX);
	add_hex(n, name, v, len, upper, FORM_HEX_UPPER);
	add_base64(n, name, v, len, "+/", FORM_BASE64);
	add_base64(n, name, v, len, "-_", FORM_BASE64URL);
	add_wide(n, name, v, len);
	for (int all = 0; all < 2; all++) {
		add_percent(n, name, v, len, all, lower);
		add_percent(n, name, v, len, all, upper);
	}
}

struct needles *
needles_open(const char *path)
{
	struct needles *n = need(calloc(1, sizeof(*n)));

	n->file = fopen(path, "re");
	if (n->file == NULL) {
		free(n);
		return NULL;
	}
	n->buckets = need(calloc((size_t)1 << FILTER_BITS,
	    sizeof(*n->buckets)));
	return n;
}

void
needles_free(struct needles *n)
{
	if (n == NULL)
		return;
	for (size_t i = 0; i < n->used; i++)
		free(n->patterns[i].text);
	free(n->patterns);
	free(n->buckets);
	(void)fclose(n->file);
	free(n);
}

/* A line; false when it is not whole yet. */
static bool
take(struct needles *n, char *line)
{
	uint8_t value[VALUE_MAX];
	char *rest = NULL, *name = strtok_r(line, " \n", &rest);
	const char *hex = strtok_r(NULL, " \n", &rest);
	const char *parts = strtok_r(NULL, " \n", &rest);
	size_t len = 0;
	unsigned byte;

	if (name == NULL || hex == NULL)
		return false;
	while (len < VALUE_MAX && sscanf(hex + 2 * len, "%2x", &byte) == 1)
		value[len++] = (uint8_t)byte;
	/* The name is for the report, to the end of the process. */
	add_all(n, need(strdup(name)), value, len, parts != NULL);
	n->count++;
	return true;
}

size_t
needles_update(struct needles *n)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	long at = ftell(n->file);

	clearerr(n->file);
	while ((len = getline(&line, &room, n->file)) > 0 &&
	    line[len - 1] == '\n') {
		(void)take(n, line);
		at = ftell(n->file);
	}
	(void)fseek(n->file, at, SEEK_SET);
	free(line);
	return n->count;
}

void
needles_search(const struct needles *n, const uint8_t *p, size_t len,
    needles_found *found, void *arg)
{
	static const uint8_t zeros[2 * SHORTEST];

	for (size_t i = 0; i + SHORTEST <= len; i++) {
		uint32_t at;

		/* Memory is full of zeros; no needle begins with 8 of them. */
		while (i + 3 * SHORTEST <= len &&
		    memcmp(p + i, zeros, 2 * SHORTEST) == 0)
			i += SHORTEST;
		for (at = n->buckets[bucket_of(p + i)]; at != 0;
		     at = n->patterns[at - 1].next) {
			const struct pattern *x = &n->patterns[at - 1];

			if (x->len <= len - i &&
			    memcmp(x->text, p + i, x->len) == 0)
				found(arg, x->name, x->form, i);
		}
	}
}
