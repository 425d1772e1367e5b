/*
 * store_check: a process without keys reads a store, before the daemon does.
 *
 * LMDB can die of a damaged file.  So a child, made before a key is in
 * memory, looks at every page, has LMDB read every row, and begins a write
 * and abandons it.  It has the one file and can write to none.  A store that
 * it finds damaged, that it dies of, or that takes it too long is none to be
 * opened.
 */
#ifndef COFRE_STORE_CHECK_H
#define COFRE_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What is to be done about a damaged store. */
#define STORE_ADVICE "put back a copy of the whole state directory"

/*
 * Check the store at path in the current directory; one that is not there, or
 * empty, is none yet.  As root the child becomes uid and gid first.  required
 * is sandbox_enter()'s.  False with the reason in error: it is damaged, or
 * could not be checked.
 */
bool store_check(const char *path, uid_t uid, gid_t gid, bool required,
    char *error, size_t error_size);

/* What the child does, by itself: look at the opened file at path.  False
   with the reason in text. */
bool store_check_file(const char *path, int fd, char *text, size_t text_size);

#endif
