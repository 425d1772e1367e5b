/*
 * store_file: a look at the store's file before LMDB opens it.
 *
 * LMDB trusts its file: one that was cut short or is something else would
 * end the daemon by a signal, or be overwritten.
 */
#ifndef COFRE_STORE_FILE_H
#define COFRE_STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Why the opened file can't be a store that this program can use, as a text
 * for a person, or NULL: it is foreign, of another version of LMDB, or
 * shorter than the newer of its two meta pages says.  An empty file is new.
 */
const char *store_file_problem(int fd);

/*
 * Open the file at path, or make it, look at it, and close it.  False with
 * the reason in error.
 */
bool store_file_ready(const char *path, char *error, size_t error_size);

#endif
