/*
 * source_child: the processes behind one source.
 *
 * A supervisor, forked from the command, starts the source and waits for it.
 * Descendants of the source that have lost their parent become its children,
 * because it is their subreaper; so killing its children until there are none
 * leaves nothing, whatever they have done to get away.  The supervisor shares
 * a socket with the command: when the command's end closes, for whatever
 * reason, the supervisor kills and exits too.
 */
#ifndef COFRE_SOURCE_CHILD_H
#define COFRE_SOURCE_CHILD_H

#include <sys/types.h>

#include "source_dir.h"

/* What the supervisor says, one packet each. */
enum source_event {
	SOURCE_CANT = 1, /* step: what failed, value: errno */
	SOURCE_ENDED,	 /* value: as wait(2) gives it */
	SOURCE_LATE,	 /* the deadline came first */
};

enum source_step {
	SOURCE_STEP_FORK,
	SOURCE_STEP_DESCRIPTORS,
	SOURCE_STEP_USER,
	SOURCE_STEP_LIMITS,
	SOURCE_STEP_EXECUTE,
};

struct source_report {
	enum source_event event;
	enum source_step step;
	int value;
};

/* Whom a source runs as. */
struct source_user {
	bool change; /* to uid and gid */
	uid_t uid;
	gid_t gid;
	const char *home;
};

struct source_child {
	const char *name; /* its argv[0] */
	struct source_program program;
	int in, out, err; /* its descriptors 0, 1 and 2 */
	int control;	  /* the supervisor's end, of SOCK_SEQPACKET */
	const struct source_user *user;
	unsigned deadline_ms;
	pid_t parent; /* who has forked */
};

/*
 * Be the supervisor: called in the process that was forked for it, with all
 * signals blocked.  Keeps no descriptor but those named.
 */
_Noreturn void source_child_supervise(const struct source_child *c);

/*
 * Kill the children of this process, but for these.  True when there are no
 * others any more.  What they leave behind become children then, so it is
 * called until it is true; wait: wait for those that were killed.
 */
bool source_child_kill(const pid_t *but, size_t count, bool wait);

/* Is there /proc, as source_child_kill() needs it? */
bool source_child_can_kill(void);

/* "execute it" and so on, for messages. */
const char *source_step_text(enum source_step step);

#endif
