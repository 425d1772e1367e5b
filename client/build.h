/*
 * build: a secret to be put, made of what the command line says and of what
 * comes in by standard input, a file or a prompt.
 */
#ifndef COFRE_BUILD_H
#define COFRE_BUILD_H

#include "options.h"
#include "problem.h"

/* The options of put that say what is in the secret. */
struct build {
	enum cofre_kind kind;
	enum cofre_datastore datastore;
	const char *format; /* --format, or NULL */
	const char *file;   /* --file, or NULL */
	bool strip;	    /* --strip */
	const char *server; /* --server and --username: of a registry */
	const char *username;
	const char *follows; /* --follows: of a datastore */
	struct option_list fields; /* --field NAME=FILE: secret */
	struct option_list meta;   /* --meta NAME=VALUE: metadata */
};

/*
 * True when these options can go together; nothing is read yet.  Errors:
 * ARGUMENT.
 */
enum cofre_status build_check(const struct build *b, struct problem *p);

/*
 * Read what is to be read and make the secret; *ret is the caller's.
 * Errors: ARGUMENT, FORMAT, TOO_LARGE, NO_MEMORY.
 */
enum cofre_status build_secret(const struct build *b, cofre_secret **ret,
    struct problem *p);

#endif
