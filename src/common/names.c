#include "names.h"

#include <string.h>

#include "sizes.h"

static bool
is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_letter(uint8_t c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
workspace_tail(uint8_t c)
{
	return is_lower(c) || is_digit(c) || c == '-' || c == '_';
}

static bool
name_tail(uint8_t c)
{
	return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
}

static bool
all(struct view v, bool (*is)(uint8_t))
{
	for (size_t i = 0; i < v.len; i++)
		if (!is(v.data[i]))
			return false;
	return true;
}

bool
name_is_workspace(struct view v)
{
	return v.len >= 1 && v.len <= COFRE_WORKSPACE_NAME_MAX &&
	    (is_lower(v.data[0]) || is_digit(v.data[0])) &&
	    all(v, workspace_tail);
}

bool
name_is_source(struct view v)
{
	return v.len <= SOURCE_NAME_MAX && name_is_secret(v);
}

bool
name_is_secret(struct view v)
{
	return v.len >= 1 && v.len <= COFRE_SECRET_NAME_MAX &&
	    (is_letter(v.data[0]) || is_digit(v.data[0])) && all(v, name_tail);
}

bool
name_is_field(struct view v)
{
	return v.len >= 1 && v.len <= COFRE_FIELD_NAME_MAX &&
	    is_letter(v.data[0]) && all(v, name_tail);
}

bool
name_is_prefix(struct view v)
{
	return v.len == 0 || name_is_secret(v);
}

static bool
role_tail(uint8_t c)
{
	return name_tail(c) || c == ' ';
}

bool
name_is_role(struct view v)
{
	return v.len >= 1 && v.len <= ROLE_NAME_MAX &&
	    (is_letter(v.data[0]) || is_digit(v.data[0])) &&
	    all(v, role_tail) && v.data[v.len - 1] != ' ';
}

static bool
is_printable(uint8_t c)
{
	return c >= 0x20 && c != 0x7f;
}

/* The part of a path, from a slash on. */
static bool
part_is_plain(struct view part)
{
	return part.len > 0 && !view_is(part, ".") && !view_is(part, "..");
}

bool
name_is_path(struct view v)
{
	size_t from = 1;

	if (v.len < 2 || v.len > CGROUP_MAX || v.data[0] != '/' ||
	    !all(v, is_printable))
		return false;
	for (size_t i = 1; i <= v.len; i++) {
		if (i < v.len && v.data[i] != '/')
			continue;
		if (!part_is_plain((struct view){ v.data + from, i - from }))
			return false;
		from = i + 1;
	}
	return true;
}

struct row {
	uint8_t code;
	bool stored;
	const char *name;
};

static const struct row kinds[] = {
#define KIND(code, ID, name, flag) { code, flag, name },
#define DATASTORE(code, ID, name)
#define SECRET_FIELD(kind, name)
#include "kinds.def"
#undef KIND
#undef DATASTORE
#undef SECRET_FIELD
};

static const struct row datastores[] = {
#define KIND(code, ID, name, flag)
#define DATASTORE(code, ID, name) { code, true, name },
#define SECRET_FIELD(kind, name)
#include "kinds.def"
#undef KIND
#undef DATASTORE
#undef SECRET_FIELD
};

static const struct row secret_fields[] = {
#define KIND(code, ID, name, flag)
#define DATASTORE(code, ID, name)
#define SECRET_FIELD(kind, name) { COFRE_KIND_##kind, true, name },
#include "kinds.def"
#undef KIND
#undef DATASTORE
#undef SECRET_FIELD
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct row *
by_code(const struct row *rows, size_t n, uint8_t code)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

static uint8_t
by_name(const struct row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].code;
	return 0;
}

const char *
kind_name(uint8_t kind)
{
	const struct row *r = by_code(kinds, COUNT(kinds), kind);

	return r == NULL ? "?" : r->name;
}

uint8_t
kind_find(const char *name)
{
	return by_name(kinds, COUNT(kinds), name);
}

bool
kind_is_stored(uint8_t kind)
{
	const struct row *r = by_code(kinds, COUNT(kinds), kind);

	return r != NULL && r->stored;
}

const char *
datastore_name(uint8_t type)
{
	const struct row *r;

	if (type == 0)
		return "";
	r = by_code(datastores, COUNT(datastores), type);
	return r == NULL ? "?" : r->name;
}

uint8_t
datastore_find(const char *name)
{
	return by_name(datastores, COUNT(datastores), name);
}

bool
field_is_secret(uint8_t kind, struct view field)
{
	for (size_t i = 0; i < COUNT(secret_fields); i++)
		if (secret_fields[i].code == kind &&
		    view_is(field, secret_fields[i].name))
			return true;
	return false;
}
