#include "secret.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "secmem.h"

/* A further area is at least so large: few system calls, little waste. */
#define AREA_MIN 16384u
/* Each new area holds a field at least. */
#define AREAS_MAX (COFRE_FIELDS_MAX + 1)

struct field {
	const char *name; /* in an area, as the value; both end with a NUL */
	const char *value;
	size_t len;
	bool is_secret;
};

struct cofre_secret {
	uint8_t kind;
	uint8_t type;
	uint32_t version;
	uint32_t followed;
	char follows[COFRE_SECRET_NAME_MAX + 1];
	uint64_t created;
	uint64_t expires;
	size_t total; /* bytes of all names and values, without the NULs */
	size_t count;
	struct field fields[COFRE_FIELDS_MAX];
	size_t used; /* of the last area */
	size_t areas;
	struct secmem area[AREAS_MAX];
};

static bool
new_area(cofre_secret *s, size_t size)
{
	if (s->areas == AREAS_MAX)
		return false;
	if (!secmem_init(&s->area[s->areas], size, false, false))
		return false;
	s->areas++;
	s->used = 0;
	return true;
}

/* The place for n bytes that stay where they are, or NULL. */
static char *
take(cofre_secret *s, size_t n)
{
	struct secmem *m = &s->area[s->areas - 1];
	char *p;

	if (n > m->size - s->used) {
		if (!new_area(s, n > AREA_MIN ? n : AREA_MIN))
			return NULL;
		m = &s->area[s->areas - 1];
	}
	p = (char *)m->base + s->used;
	s->used += n;
	return p;
}

/* Copy the bytes; the area is zero, so that a NUL follows them. */
static const char *
keep(char *place, struct view v)
{
	if (v.len > 0)
		memcpy(place, v.data, v.len);
	return place;
}

static const struct field *
find(const cofre_secret *s, struct view name)
{
	for (size_t i = 0; i < s->count; i++)
		if (view_is(name, s->fields[i].name))
			return &s->fields[i];
	return NULL;
}

static bool
kind_is_valid(uint8_t kind, uint8_t type)
{
	if (kind_name(kind)[0] == '?' || datastore_name(type)[0] == '?')
		return false;
	return (kind == COFRE_KIND_DATASTORE) == (type != 0);
}

enum cofre_status
secret_make(cofre_secret **ret, uint8_t kind, uint8_t type, size_t room)
{
	cofre_secret *s;

	if (!kind_is_valid(kind, type))
		return COFRE_ARGUMENT;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return COFRE_NO_MEMORY;
	s->kind = kind;
	s->type = type;
	if (!new_area(s, room > 0 ? room : 1)) {
		cofre_secret_free(s);
		return COFRE_NO_MEMORY;
	}
	*ret = s;
	return COFRE_OK;
}

enum cofre_status
cofre_secret_new(cofre_secret **ret, enum cofre_kind kind,
    enum cofre_datastore datastore)
{
	unsigned k = (unsigned)kind;
	unsigned d = (unsigned)datastore;

	if (ret == NULL || k > UINT8_MAX || d > UINT8_MAX ||
	    !kind_is_stored((uint8_t)k))
		return COFRE_ARGUMENT;
	return secret_make(ret, (uint8_t)k, (uint8_t)d, 1);
}

enum cofre_status
secret_add(cofre_secret *s, struct view name, bool is_secret,
    struct view value)
{
	struct field *f;
	char *place;

	if (!name_is_field(name) || find(s, name) != NULL)
		return COFRE_ARGUMENT;
	if (s->count == COFRE_FIELDS_MAX || value.len > COFRE_VALUE_MAX ||
	    name.len + value.len > COFRE_SECRET_MAX - s->total)
		return COFRE_TOO_LARGE;
	place = take(s, name.len + value.len + 2);
	if (place == NULL)
		return COFRE_NO_MEMORY;
	f = &s->fields[s->count++];
	f->name = keep(place, name);
	f->value = keep(place + name.len + 1, value);
	f->len = value.len;
	f->is_secret = is_secret;
	s->total += name.len + value.len;
	return COFRE_OK;
}

enum cofre_status
cofre_secret_add(cofre_secret *s, const char *name, int is_secret,
    const void *value, size_t len)
{
	if (s == NULL || name == NULL || (value == NULL && len > 0))
		return COFRE_ARGUMENT;
	return secret_add(s, view_of(name), is_secret != 0,
	    (struct view){ value, len });
}

enum cofre_status
cofre_secret_follow(cofre_secret *s, const char *name)
{
	if (s == NULL || s->kind != COFRE_KIND_DATASTORE)
		return COFRE_ARGUMENT;
	if (name != NULL && !name_is_secret(view_of(name)))
		return COFRE_ARGUMENT;
	memset(s->follows, 0, sizeof(s->follows));
	if (name != NULL)
		memcpy(s->follows, name, strlen(name));
	return COFRE_OK;
}

const char *
secret_follows(const cofre_secret *s)
{
	return s->follows;
}

void
cofre_secret_free(cofre_secret *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->areas; i++)
		secmem_free(&s->area[i]);
	free(s);
}

void
secret_describe(cofre_secret *s, uint32_t version, uint32_t followed,
    uint64_t created, uint64_t expires)
{
	s->version = version;
	s->followed = followed;
	s->created = created;
	s->expires = expires;
}

enum cofre_kind
cofre_secret_kind(const cofre_secret *s)
{
	return (enum cofre_kind)s->kind;
}

enum cofre_datastore
cofre_secret_datastore(const cofre_secret *s)
{
	return (enum cofre_datastore)s->type;
}

uint32_t
cofre_secret_version(const cofre_secret *s)
{
	return s->version;
}

uint32_t
cofre_secret_followed(const cofre_secret *s)
{
	return s->followed;
}

uint64_t
cofre_secret_created(const cofre_secret *s)
{
	return s->created;
}

uint64_t
cofre_secret_expires(const cofre_secret *s)
{
	return s->expires;
}

int
cofre_secret_is_locked(const cofre_secret *s)
{
	for (size_t i = 0; i < s->areas; i++)
		if (s->area[i].kind != SECMEM_SECRET &&
		    s->area[i].kind != SECMEM_LOCKED)
			return 0;
	return 1;
}

const char *
cofre_secret_field(const cofre_secret *s, const char *name, size_t *len)
{
	const struct field *f;

	if (name == NULL || (f = find(s, view_of(name))) == NULL)
		return NULL;
	if (len != NULL)
		*len = f->len;
	return f->value;
}

size_t
cofre_secret_count(const cofre_secret *s)
{
	return s->count;
}

const char *
cofre_secret_field_name(const cofre_secret *s, size_t i)
{
	return i < s->count ? s->fields[i].name : NULL;
}

int
cofre_secret_field_is_secret(const cofre_secret *s, size_t i)
{
	return i < s->count && s->fields[i].is_secret;
}
