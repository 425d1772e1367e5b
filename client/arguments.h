/*
 * arguments: what people write on the command line, turned into values.
 * Strict: a number is digits alone, without a sign, leading zeros or
 * anything behind it, and nothing is looked up or guessed.
 */
#ifndef COFRE_ARGUMENTS_H
#define COFRE_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sizes.h"
#include "problem.h"
#include "wire.h"

/*
 * Where the first "--" stands, behind which a command begins, so that its own
 * options are never taken for ours; or argc.
 */
int arg_command(int argc, char *const *argv);

/* A decimal number below 10^18. */
bool arg_u64(const char *text, uint64_t *ret);

/* A decimal number from 0 to max. */
bool arg_u32(const char *text, uint32_t max, uint32_t *ret);

/* "0", or a number with s, m, h or d: seconds, at most max. */
bool arg_seconds(const char *text, uint32_t max, uint32_t *ret);

/* A workspace's name.  ret points into text. */
enum cofre_status arg_workspace(const char *text, struct view *ret,
    struct problem *p);

/* A workspace's name, or "/" for the vault, which is the empty name. */
enum cofre_status arg_scope(const char *text, struct view *ret,
    struct problem *p);

/* WORKSPACE/NAME.  Both names are copied and end with a NUL. */
struct arg_object {
	char workspace[COFRE_WORKSPACE_NAME_MAX + 1];
	char name[COFRE_SECRET_NAME_MAX + 1];
};
enum cofre_status arg_object(const char *text, struct arg_object *ret,
    struct problem *p);

/*
 * A uid or gid that can be bound or granted: not the two numbers that stand
 * for nobody in particular.  what is "uid" or "gid", for the problem.
 */
enum cofre_status arg_id(uint32_t id, const char *what, struct problem *p);

/* Where a role is given.  Both point into text; both empty: the vault. */
struct arg_place {
	struct view workspace;
	struct view prefix; /* of the names that it is for; empty: all */
};

/* "/", "WORKSPACE" or "WORKSPACE/PREFIX*". */
enum cofre_status arg_place(const char *text, struct arg_place *ret,
    struct problem *p);

/* For whom a role is. */
struct arg_principal {
	uint8_t kind;	 /* enum principal_kind */
	uint32_t id;	 /* uid or gid, else 0 */
	struct view who; /* a unit, or an identity's workspace, in text */
};

/* A systemd unit's name, with its type.  ret points into text. */
enum cofre_status arg_unit(const char *text, struct view *ret,
    struct problem *p);

/* user:UID, group:GID, unit:NAME or identity:WORKSPACE. */
enum cofre_status arg_principal(const char *text, struct arg_principal *ret,
    struct problem *p);

/*
 * NAME=VALUE, split at the first '='.  NAME must be a field's name; *value
 * points into text.  option ("--meta") is for the problem, which shows
 * neither of the two when there is no name.
 */
enum cofre_status arg_pair(const char *text, const char *option,
    struct view *name, const char **value, struct problem *p);

/*
 * A time: RFC 3339 in UTC ("2026-12-31T23:59:59Z", with a fraction if need
 * be), or a distance from now of seconds, minutes, hours or days ("+12h",
 * "-30m").  All in microseconds since 1970.  False for everything else, and
 * for a time that is not after 1970 or not before the year 10000.
 */
bool arg_time(const char *text, uint64_t now, uint64_t *ret);

/* The operation with that name (ops.def), or 0. */
uint16_t arg_op(const char *name);

/* The status with that name (status.def), or false. */
bool arg_status(const char *name, uint32_t *ret);

#endif
