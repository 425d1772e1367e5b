#include "pgpass.h"

#include <string.h>

static const char *const fields[] = { "server", "port", "database", "user",
	"password" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A field that is there and not empty, or a view without data. */
static struct view
value_of(const cofre_secret *s, const char *field)
{
	struct view v = { NULL, 0 };

	v.data = (const uint8_t *)cofre_secret_field(s, field, &v.len);
	return v.len == 0 ? (struct view){ NULL, 0 } : v;
}

static bool
holds(struct view v, char c)
{
	return v.len > 0 && memchr(v.data, c, v.len) != NULL;
}

static enum cofre_status
check(const cofre_secret *s, struct problem *p)
{
	if (cofre_secret_kind(s) != COFRE_KIND_DATASTORE ||
	    cofre_secret_datastore(s) != COFRE_DATASTORE_AZURE_POSTGRES)
		return problem_set(p, COFRE_FORMAT,
		    "pgpass is for datastores of type azure-postgres");
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct view v = value_of(s, fields[i]);

		if (holds(v, '\n') || holds(v, '\r') || holds(v, '\0'))
			return problem_set(p, COFRE_FORMAT,
			    "field %s has a line break or a NUL, which a "
			    "passfile can't hold", fields[i]);
	}
	if (value_of(s, "password").data == NULL)
		return problem_set(p, COFRE_FORMAT,
		    "the secret has no password");
	if (holds(value_of(s, "server"), ','))
		return problem_set(p, COFRE_FORMAT,
		    "field server has several hosts, and a line of a "
		    "passfile is for one");
	return COFRE_OK;
}

/*
 * libpq ends a part at ':', takes what follows a backslash as it is, a line
 * that begins with '#' for a comment, and a part that is '*' for any.
 */
static void
put_part(struct wire_writer *w, struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.data[i];

		if (c == ':' || c == '\\' ||
		    (i == 0 && (c == '#' || c == '*')))
			wire_put_u8(w, '\\');
		wire_put_u8(w, c);
	}
}

enum cofre_status
pgpass_make(const cofre_secret *s, struct secmem *m, struct view *text,
    struct problem *p)
{
	enum cofre_status status = check(s, p);
	struct wire_writer w;
	size_t room = 0;

	if (status != COFRE_OK)
		return status;
	for (size_t i = 0; i < COUNT(fields); i++)
		room += 2 * value_of(s, fields[i]).len + 2;
	if (!secmem_init(m, room, false, false))
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	wire_writer_init(&w, m->base, m->size);
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct view v = value_of(s, fields[i]);

		if (v.data == NULL)
			wire_put_u8(&w, '*');
		else
			put_part(&w, v);
		wire_put_u8(&w, i + 1 < COUNT(fields) ? ':' : '\n');
	}
	*text = (struct view){ w.data, w.len };
	return COFRE_OK;
}
