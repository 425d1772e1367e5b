/*
 * privatedir: a directory of this process's own in /tmp, for what another
 * program is to find by a path: a socket, and files.  Mode 0700, nothing in it
 * is secret, and it is removed with everything in it.
 */
#ifndef COFRE_PRIVATEDIR_H
#define COFRE_PRIVATEDIR_H

#include <stdbool.h>

#include "wire.h"

struct privatedir {
	int fd; /* -1: there is none */
	char path[32];
};

#define PRIVATEDIR_NONE ((struct privatedir){ -1, "" })
/* Of a path in it, with a name of at most 31 bytes. */
#define PRIVATEDIR_PATH 64u

/* Make it, empty.  False, with errno. */
bool privatedir_make(struct privatedir *d);

/* The path of a name in it.  Returns to. */
char *privatedir_path(const struct privatedir *d, const char *name,
    char to[PRIVATEDIR_PATH]);

/* Make a file of mode 0600 in it, that was not there.  False, with errno. */
bool privatedir_write(const struct privatedir *d, const char *name,
    struct view content);

/*
 * Read at most max bytes of a file in it; *len is how many.  False, with
 * errno, also when there is no such file.
 */
bool privatedir_read(const struct privatedir *d, const char *name, void *to,
    size_t max, size_t *len);

/* Remove it, if there is one, with the files in it. */
void privatedir_remove(struct privatedir *d);

#endif
