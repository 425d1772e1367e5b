/*
 * fixture: the vaults that are measured: cofred as a user would run it, with
 * a workspace, a managed identity and its secrets.
 */
#ifndef BENCH_FIXTURE_H
#define BENCH_FIXTURE_H

#include "load.h"

#define FIXTURE_WORKSPACE "ml-prod"
#define FIXTURE_FIELD "value"
#define FIXTURE_NAME_LEN 29u
#define FIXTURE_VALUE 256u

/* What to start, and where. */
struct fixture {
	const char *cofred; /* the program */
	const char *dir;    /* the directory for everything */
	const char *name;   /* of this daemon: DIR/NAME.sock and so on */
	bool strict;	    /* log = strict */
	size_t secrets;	    /* how many there are to be */
	uid_t agent;	    /* the compute agent's uid */
};

/* The name of the i-th secret; with workspace and the rest it makes a
   request of 64 bytes. */
void fixture_name(char name[FIXTURE_NAME_LEN + 1], size_t i);

/*
 * Make the vault and its secrets, then start the daemon anew, so that it has
 * opened the vault by its keyfile as after a boot.  *t is filled in for
 * fetches as the agent; its requests are the caller's to free.  *unlock is
 * how long, in nanoseconds, that start took.  False with a message; what was
 * started is stopped then.
 */
bool fixture_start(const struct fixture *x, struct target *t,
    uint64_t *unlock);

/* Start the daemon of *t anew; *took is how long, in nanoseconds, it takes
   from the start of the process to the first answer.  False with a message. */
bool fixture_restart(const struct fixture *x, struct target *t,
    uint64_t *took);

/* Lock the vault, and unlock it: *took is how long, in nanoseconds, the
   unlock takes.  False with a message. */
bool fixture_unlock(const struct fixture *x, const struct target *t,
    uint64_t *took);

/*
 * Another way to speak to the daemon of *t: puts of count secrets, by name
 * one after the other.  False with a message.
 */
bool fixture_writer(const struct target *t, size_t count, struct target *w);

/* Print, in one line, what protection the daemon says is in force. */
bool fixture_report(const struct target *t);

#endif
