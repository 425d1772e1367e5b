/*
 * resync_work: one resync of one workspace: the sources are asked, what they
 * answer is compared, tried and staged, and all of it is committed at once.
 */
#ifndef COFRE_RESYNC_WORK_H
#define COFRE_RESYNC_WORK_H

#include "resync_grants.h"
#include "resync_keys.h"

struct resync_options {
	const char *sources; /* the directory */
	uint8_t kind;	     /* of that kind alone; 0: all */
	bool keys;	     /* bring the credentials up to date */
	bool grants;	     /* repair the managed identity's access */
	bool rotate;	     /* make keys anew upstream */
	bool dry_run;
	bool progress;	     /* tell on standard error how far it is */
	uint32_t grace;	     /* seconds */
	unsigned deadline_ms; /* of one source; 0: as usual */
};

struct resync {
	const char *workspace;
	struct resync_keys keys;
	struct resync_grants grants;
	uint64_t epoch; /* of the commit; 0: there was none */
};

/*
 * Do it.  *r has its workspace, and is zeros else; it is to be freed in any
 * case.  What fails for one credential is told there.  Any status but OK: the
 * whole of it failed, nothing was changed, and cmd_fail() says why.
 */
enum cofre_status resync_run(struct cmd *cmd,
    const struct resync_options *o, struct resync *r);

/* Wipe and free. */
void resync_done(struct resync *r);

#endif
