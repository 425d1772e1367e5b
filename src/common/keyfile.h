/*
 * keyfile: a file that opens an unlock slot.  The command and the daemon
 * make the slot's key of it in the same way:
 *
 *	BLAKE2b-256, personal "cofre.keyfile.v1", salt and key zero, over the
 *	whole content, 32 to 4096 bytes.
 *
 * The content needs the strength of a random key: it is hashed once, not
 * stretched.
 */
#ifndef COFRE_KEYFILE_H
#define COFRE_KEYFILE_H

#include "sizes.h"
#include "wire.h"

#define KEYFILE_MIN 32u
#define KEYFILE_MAX 4096u

/*
 * Open path, which may not be a symbolic link, and make the key; key is the
 * caller's secret memory.  The file must be a regular one that neither group
 * nor others may read or write: that is checked on what was opened.  What
 * was read is wiped.  False with a line in error (size bytes) that names the
 * path; key is then unchanged.
 */
bool keyfile_read(const char *path, uint8_t key[KEY_LEN], char *error,
    size_t size);

/* The same for a descriptor, read from its position; it stays open. */
bool keyfile_read_fd(int fd, uint8_t key[KEY_LEN], char *error, size_t size);

/* The key of a content that is at hand.  len is not judged. */
void keyfile_key(const void *content, size_t len, uint8_t key[KEY_LEN]);

#endif
