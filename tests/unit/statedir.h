/*
 * statedir: a state directory for the tests of store and vault, which is
 * made anew, and made the current directory, for each test.  Every function
 * that can fail ends the test.
 */
#ifndef TESTS_STATEDIR_H
#define TESTS_STATEDIR_H

#include <sys/types.h>

#include "store.h"

#define STATEDIR_FILE "data.mdb"
#define MIB ((uint64_t)1 << 20)

/* Make and remove the directory: a checked fixture. */
void statedir_setup(void);
void statedir_teardown(void);

/*
 * Put a tmpfs of that many bytes in the directory's place, until the end of
 * the process.  False, with a line that says so, where that is not allowed.
 */
bool statedir_mount(unsigned bytes);

/* Open the store, which must work; or must not, with this in the error. */
struct store *statedir_open(uint64_t limit);
void statedir_assert_refused(const char *why);

/* What store_check() says of it, "" when it finds nothing.  From then on the
   directory may belong to the user that checks it. */
const char *statedir_checked(void);

/* Read a whole file: *len bytes, to be freed.  Write one. */
uint8_t *statedir_read(const char *name, size_t *len);
void statedir_write(const char *name, const void *data, size_t len);

/* How long a file is. */
uint64_t statedir_size(const char *name);

/* No write reaches beyond size, until it is lifted with RLIM_INFINITY.
   Check writes files too: lift it at once. */
void statedir_limit_files(uint64_t size);

#endif
