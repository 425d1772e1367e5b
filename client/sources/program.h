/*
 * program: what the shipped sources have in common.  A source reads one
 * request, does it, and prints one answer; cofre-source(7) has both.
 *
 * What a request says was chosen by whoever may write the secret: it is data,
 * and never becomes an option, a shell line or a format.
 */
#ifndef COFRE_PROGRAM_H
#define COFRE_PROGRAM_H

#include <jansson.h>

#include "problem.h"
#include "wire.h"

/* Bytes of a request, of an answer, and of what another program says. */
#define PROGRAM_TEXT_MAX (256u * 1024u)

/* Bytes of a value. */
#define PROGRAM_VALUE_MAX (64u * 1024u)

enum operation {
	OPERATION_PULL = 1,
	OPERATION_PROBE = 2,
	OPERATION_REGENERATE = 4,
};

struct request {
	enum operation operation;
	const char *kind;  /* "storage" and so on */
	json_t *arguments; /* an object of strings */
	json_t *fields;	   /* the same: what a probe is to try */
	unsigned slot;	   /* 0, 1 or 2 */
};

struct program {
	const char *name;
	unsigned operations; /* those that it offers, of enum operation */

	/* Do what is asked; answer is an object that is empty. */
	enum cofre_status (*run)(const struct request *q, json_t *answer,
	    struct problem *p);
};

/*
 * The whole of a source: the exit code.  An answer that offers probe or
 * regenerate gets the members that say so.  What goes wrong is one line on
 * standard error, escaped.
 */
int program_main(const struct program *program);

/* The argument of that name, or NULL. */
const char *request_argument(const struct request *q, const char *name);

/* The same for one that must be there.  Errors: ARGUMENT. */
enum cofre_status request_need(const struct request *q, const char *name,
    const char **ret, struct problem *p);

/*
 * No argument but those of the list, which NULL ends, is there.  Errors:
 * ARGUMENT.
 */
enum cofre_status request_only(const struct request *q,
    const char *const names[], struct problem *p);

/*
 * Parse the JSON that another program printed; what names it.  A new
 * reference, or NULL with the problem set, which quotes nothing of the text.
 */
json_t *program_parse(struct view text, const char *what,
    struct problem *p);

/*
 * A field of the answer.  Errors: FORMAT (the value is empty, or is no UTF-8
 * without a NUL), NO_MEMORY.
 */
enum cofre_status answer_field(json_t *answer, const char *name,
    struct view value, struct problem *p);

/* A member that is a number.  Errors: NO_MEMORY. */
enum cofre_status answer_number(json_t *answer, const char *name,
    uint64_t number, struct problem *p);

#endif
