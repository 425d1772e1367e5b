/*
 * source_dir: the directory of the sources, opened and checked.
 *
 * Everything is looked at by the descriptor that is used afterwards.  The
 * directory, the programs and the file "rules" belong to root, nobody else
 * may write to them, and none of them is a symbolic link.
 */
#ifndef COFRE_SOURCE_DIR_H
#define COFRE_SOURCE_DIR_H

#include "problem.h"
#include "wire.h"

/* Where it is, unless another one is named. */
#define SOURCE_DIR "/etc/cofre/sources.d"

struct source_dir {
	int fd;
	const char *path; /* the caller's, for messages */
	char *rules;	  /* checked; not more than SOURCE_RULES_MAX bytes */
	size_t rules_len;
};

/* A program, open. */
struct source_program {
	int fd; /* for reading, closed on exec */
	bool script; /* begins with "#!": its interpreter needs the descriptor */
};

/*
 * Open the directory, as path_open() does but for a link that it is itself,
 * and read and check its rules.  The path must stay as long as the directory.
 * Errors: INVALID (what is there is not as it has to be: the problem says what
 * and how to mend it), FORMAT (a rule), NO_MEMORY, INTERNAL.
 */
enum cofre_status source_dir_open(const char *path, struct source_dir *ret,
    struct problem *p);

/* Open a source by its name; *ret is the caller's to close.  Errors: INVALID,
   INTERNAL. */
enum cofre_status source_dir_program(const struct source_dir *dir,
    struct view name, struct source_program *ret, struct problem *p);

/* Close and free; one that is zero is allowed, if its fd is -1. */
void source_dir_close(struct source_dir *dir);

#endif
