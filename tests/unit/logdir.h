/*
 * logdir: an activity log in a temporary directory, for the tests of audit
 * and of what reads its files.  One at a time: each test runs in a process
 * of its own.  Every function that can fail ends the test.
 */
#ifndef COFRE_LOGDIR_H
#define COFRE_LOGDIR_H

#include <sys/resource.h>
#include <sys/types.h>

#include "audit_impl.h"

#define LOGDIR_SMALL 4096u /* a segment of 31 cells */
#define LOGDIR_LARGE (64u * 1024)

/* Two keys that never change. */
extern const struct log_keys logdir_keys;

/* Make and remove the state directory: a checked fixture. */
void logdir_setup(void);
void logdir_teardown(void);

/*
 * Put a file system of its own in the directory's place.  It goes with the
 * process.  False where that is not allowed.
 */
bool logdir_mount(const char *type, const char *options);

/* The state directory, and the descriptor for audit_open(). */
const char *logdir_state(void);
int logdir_fd(void);

/* The path of activity/name, and of a segment; overwritten by each call. */
char *logdir_path(const char *name);
char *logdir_segment(uint64_t first);
bool logdir_has(const char *name);

/* Open the log, which must work. */
struct audit *logdir_open(size_t size);

/* Open it, which must fail with this in the error; also while no file may
   be written beyond size. */
void logdir_assert_refused(const char *why);
void logdir_refused_under(rlim_t size, const char *why);

/* Leave the log as a killed process does: nothing is flushed or marked. */
void logdir_kill(struct audit *a);

/* A request's record; append one with that object; append n of one cell
   with the times from, from + 1 ... */
struct log_record logdir_record(uint64_t time);
uint64_t logdir_append(struct audit *a, uint64_t time, const char *object);
void logdir_append_many(struct audit *a, uint64_t from, uint64_t n);

/* The log has count records, all good, with the times 0, 1, 2 ... */
void logdir_assert(struct audit *a, uint64_t count);

/* The same for a log that is opened for it, and closed again. */
void logdir_reopen(size_t size, uint64_t count);

/* Write bytes into a file, or flip one of its bits. */
void logdir_poke(const char *path, off_t at, const void *bytes, size_t len);
void logdir_flip(const char *path, off_t at);

/* Where a cell stands in the first segment; zeros there. */
off_t logdir_at(uint64_t cell);
void logdir_blank(uint64_t cell, off_t from, size_t len);

/* What the mark of a segment says. */
uint64_t logdir_mark(uint64_t first);

/* No file may become larger.  Check writes one too: lift it at once. */
void logdir_limit_files(rlim_t size);

#endif
