/*
 * oneshot: programs that are started, print a secret and end: cofre get,
 * what others have for that, and /bin/true, which does nothing.
 */
#ifndef BENCH_ONESHOT_H
#define BENCH_ONESHOT_H

#include "load.h"
#include "plan.h"

struct oneshot {
	const char *cofre, *redis_cli, *keyctl; /* programs; NULL: none */
	const char *cofre_path, *redis_path;	/* where their servers are */
	char key[32]; /* of the kernel's, or empty */
};

/* Make the key that keyctl is to print, for this user.  Without keyctl or
   without keys in the kernel there is none. */
void oneshot_start(struct oneshot *o);

/* Take it away. */
void oneshot_stop(struct oneshot *o);

/* Can that peer of TRIAL_PROCESS be run here? */
bool oneshot_is_there(const struct oneshot *o, enum peer p);

/* Run it again and again for ns nanoseconds.  False with a message. */
bool oneshot_run(const struct oneshot *o, enum peer p, uint64_t ns,
    struct slice *s);

#endif
