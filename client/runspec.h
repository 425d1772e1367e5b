/*
 * runspec: what the command line says of a run, turned into values.  Strict
 * as arguments.h: nothing is guessed.
 */
#ifndef COFRE_RUNSPEC_H
#define COFRE_RUNSPEC_H

#include "problem.h"
#include "sizes.h"
#include "wire.h"

/*
 * A lifetime: a number and s, m or h ("90s", "15m", "1h"), from a second to
 * 24 hours.  *ret is in seconds.  Errors: ARGUMENT.
 */
enum cofre_status runspec_lifetime(const char *text, uint32_t *ret,
    struct problem *p);

/* "sha256:" and 64 hexadecimal digits.  Errors: ARGUMENT. */
enum cofre_status runspec_snapshot(const char *text, uint8_t ret[SHA256_LEN],
    struct problem *p);

/*
 * The id of a run, or its beginning: 8 to 32 hexadecimal digits in lower
 * case.  Errors: ARGUMENT.
 */
#define RUNSPEC_ID_MIN 8u
enum cofre_status runspec_id(const char *text, struct problem *p);

/* What a secret's file holds. */
enum runspec_content {
	RUNSPEC_ONLY,	/* its only secret field */
	RUNSPEC_FIELD,	/* the field that part names */
	RUNSPEC_FORMAT, /* all of it, as a text: part names the format */
	RUNSPEC_JSON,	/* all of it, as a JSON object */
	RUNSPEC_PGPASS, /* a line of a libpq passfile */
};

/* NAME[:FIELD|:FORMAT][=LABEL], with every part ending with a NUL. */
struct runspec_secret {
	char name[COFRE_SECRET_NAME_MAX + 1];
	enum runspec_content content;
	char part[COFRE_FIELD_NAME_MAX + 1];
	char label[COFRE_SECRET_NAME_MAX + 1]; /* the name unless given */
};

/* The name of a format means the format, not a field.  Errors: ARGUMENT. */
enum cofre_status runspec_secret(const char *text,
    struct runspec_secret *ret, struct problem *p);

#endif
