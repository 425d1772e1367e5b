/*
 * names: the closed grammars of what cofre names, and the tables of kinds.
 *
 * A workspace:  [a-z0-9] [a-z0-9_-]*        at most 63 bytes
 * A secret:     [A-Za-z0-9] [A-Za-z0-9._-]* at most 127 bytes
 * A field:      [A-Za-z] [A-Za-z0-9._-]*    at most 64 bytes
 * A source:     [A-Za-z0-9] [A-Za-z0-9._-]* at most 63 bytes
 * A role:       [A-Za-z0-9] [A-Za-z0-9._ -]* at most 63 bytes, no space last
 *
 * ASCII alone, compared byte for byte: nothing is folded or normalised.
 */
#ifndef COFRE_NAMES_H
#define COFRE_NAMES_H

#include "wire.h"

/* True when the bytes are a name by the grammar above. */
bool name_is_workspace(struct view v);
/* The same for a secret, */
bool name_is_secret(struct view v);
/* for a field, */
bool name_is_field(struct view v);
/* a role, */
bool name_is_role(struct view v);
/* and a source. */
bool name_is_source(struct view v);

/* The path of a cgroup below the root: it has parts, none of them empty, "."
   or "..". */
bool name_is_path(struct view v);

/* What a secret's name may begin with; empty: anything. */
bool name_is_prefix(struct view v);

/* "storage" and so on; "?" for a code that is in no row. */
const char *kind_name(uint8_t kind);
/* The code, or 0 when no kind has the name. */
uint8_t kind_find(const char *name);
/* True for a kind that clients may store. */
bool kind_is_stored(uint8_t kind);

/* "azure-sql" and so on; "" for 0, "?" for a code that is in no row. */
const char *datastore_name(uint8_t type);
uint8_t datastore_find(const char *name);

/* True when the kind's table says that this field is always secret. */
bool field_is_secret(uint8_t kind, struct view field);

#endif
