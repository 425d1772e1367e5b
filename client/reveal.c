#include "reveal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"
#include "output.h"
#include "utf8.h"

bool
reveal_write(int fd, struct view v)
{
	while (v.len > 0) {
		ssize_t n = write(fd, v.data, v.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		v = (struct view){ v.data + n, v.len - (size_t)n };
	}
	return true;
}

bool
reveal_is_exposed(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & S_IROTH) != 0;
}

const char *
reveal_only(const cofre_secret *s)
{
	const char *only = NULL;

	for (size_t i = 0; i < cofre_secret_count(s); i++) {
		if (!cofre_secret_field_is_secret(s, i))
			continue;
		if (only != NULL)
			return NULL;
		only = cofre_secret_field_name(s, i);
	}
	return only;
}

char *
reveal_names(const cofre_secret *s, char *to, size_t size)
{
	size_t len = 0;

	*to = '\0';
	for (size_t i = 0; i < cofre_secret_count(s); i++) {
		const char *name = cofre_secret_field_name(s, i);

		if (strlen(name) + 7 > size - len) {
			(void)snprintf(to + len, size - len, " ...");
			break;
		}
		len += (size_t)snprintf(to + len, size - len, "%s%s",
		    i == 0 ? "" : ", ", name);
	}
	return to;
}

/*
 * Where the text goes.  It is written twice: first with to NULL, which only
 * counts, so that the memory is as large as it must be and never grows.
 */
struct sink {
	char *to;
	size_t len;
};

static void
put_bytes(struct sink *k, const void *from, size_t n)
{
	if (k->to != NULL)
		memcpy(k->to + k->len, from, n);
	k->len += n;
}

static void
put(struct sink *k, const char *text)
{
	put_bytes(k, text, strlen(text));
}

/* \uXXXX for a code unit of UTF-16. */
static void
put_unit(struct sink *k, uint32_t unit)
{
	static const char hex[] = "0123456789ABCDEF";
	char text[6] = { '\\', 'u' };

	for (size_t i = 0; i < 4; i++)
		text[2 + i] = hex[unit >> (12 - 4 * i) & 0xf];
	put_bytes(k, text, sizeof(text));
}

static void
put_char(struct sink *k, uint32_t c)
{
	char byte = (char)c;

	if (c > 0xffff) {
		put_unit(k, 0xd800 + ((c - 0x10000) >> 10));
		put_unit(k, 0xdc00 + ((c - 0x10000) & 0x3ff));
	} else if (c > 0x7e || c < 0x20)
		put_unit(k, c);
	else if (c == '"' || c == '\\') {
		put(k, "\\");
		put_bytes(k, &byte, 1);
	} else
		put_bytes(k, &byte, 1);
}

/* A string of what is known to be UTF-8. */
static void
put_string(struct sink *k, struct view v)
{
	uint32_t c;
	size_t n;

	put(k, "\"");
	while ((n = utf8_next(v, &c)) > 0) {
		put_char(k, c);
		v = (struct view){ v.data + n, v.len - n };
	}
	put(k, "\"");
}

static void
put_base64(struct sink *k, struct view v)
{
	put(k, "\"");
	if (k->to != NULL)
		(void)output_base64(k->to + k->len, v);
	k->len += (v.len + 2) / 3 * 4;
	put(k, "\"");
}

static void
put_number(struct sink *k, uint32_t v)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", (unsigned)v);
	put(k, text);
}

static void
put_time(struct sink *k, uint64_t us)
{
	char text[OUTPUT_TIME];

	if (us == 0)
		put(k, "null");
	else
		put_string(k, view_of(output_time(us, text)));
}

static void
put_value(struct sink *k, struct view v)
{
	if (utf8_is_plain(v)) {
		put(k, ", \"value\": ");
		put_string(k, v);
	} else {
		put(k, ", \"encoding\": \"base64\", \"value\": ");
		put_base64(k, v);
	}
}

static void
put_fields(struct sink *k, const cofre_secret *s)
{
	for (size_t i = 0; i < cofre_secret_count(s); i++) {
		const char *name = cofre_secret_field_name(s, i);
		size_t len = 0;
		const char *value = cofre_secret_field(s, name, &len);

		put(k, i == 0 ? "" : ", ");
		put_string(k, view_of(name));
		put(k, cofre_secret_field_is_secret(s, i) ?
		    ": {\"secret\": true" : ": {\"secret\": false");
		put_value(k, (struct view){ (const uint8_t *)value, len });
		put(k, "}");
	}
}

static void
put_secret(struct sink *k, const cofre_secret *s, const char *object)
{
	enum cofre_datastore type = cofre_secret_datastore(s);

	put(k, "{\"name\": ");
	put_string(k, view_of(object));
	put(k, ", \"kind\": ");
	put_string(k, view_of(kind_name((uint8_t)cofre_secret_kind(s))));
	put(k, ", \"type\": ");
	if (type == COFRE_DATASTORE_NONE)
		put(k, "null");
	else
		put_string(k, view_of(datastore_name((uint8_t)type)));
	put(k, ", \"version\": ");
	put_number(k, cofre_secret_version(s));
	put(k, ", \"created\": ");
	put_time(k, cofre_secret_created(s));
	put(k, ", \"expires\": ");
	put_time(k, cofre_secret_expires(s));
	put(k, ", \"fields\": {");
	put_fields(k, s);
	put(k, "}}\n");
}

enum cofre_status
reveal_json(const cofre_secret *s, const char *object, struct secmem *m,
    struct view *text)
{
	struct sink count = { NULL, 0 };
	struct sink k = { NULL, 0 };

	put_secret(&count, s, object);
	if (!secmem_init(m, count.len, false, false))
		return COFRE_NO_MEMORY;
	k.to = m->base;
	put_secret(&k, s, object);
	*text = (struct view){ m->base, k.len };
	return COFRE_OK;
}
