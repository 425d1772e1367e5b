/*
 * oneshot: programs that are started, print a secret and end: cofre get, the
 * least that asks cofred, what others have for that, and /bin/true, which
 * does nothing.
 */
#ifndef BENCH_ONESHOT_H
#define BENCH_ONESHOT_H

#include "load.h"
#include "plan.h"

struct oneshot {
	/* Programs; NULL: none. */
	const char *cofre, *least, *redis_cli, *keyctl;
	const struct target *vault; /* where cofre's server is */
	const char *redis_path;	    /* and redis-cli's */
	char key[32];		    /* of the kernel's, or empty */
	char asked[512];	    /* the file of what least sends */
};

/* Make the key that keyctl is to print, for this user, and in dir the file
   of what least sends.  Without keyctl or without keys in the kernel there is
   no key; false, with a message, when the file can't be written. */
bool oneshot_start(struct oneshot *o, const char *dir);

/* Take it away. */
void oneshot_stop(struct oneshot *o);

/* Can that peer of TRIAL_PROCESS be run here? */
bool oneshot_is_there(const struct oneshot *o, enum peer p);

/* Run it again and again for ns nanoseconds.  False with a message. */
bool oneshot_run(const struct oneshot *o, enum peer p, uint64_t ns,
    struct slice *s);

#endif
