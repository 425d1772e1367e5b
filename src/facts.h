/*
 * facts: what a process is, as the kernel tells it, besides its ids.  Pure:
 * what the kernel wrote is taken apart here, and read elsewhere (witness.h).
 *
 * A fact that is not known is empty, and an empty fact says nothing.
 */
#ifndef COFRE_FACTS_H
#define COFRE_FACTS_H

#include "sizes.h"
#include "wire.h"

#define CGROUP_MAX 240u	   /* path of a cgroup */
#define UNIT_NAME_MAX 127u /* of a systemd unit */

struct facts {
	/* The program, only when the path leads, from here, to the very file
	   that the process executes, and the process is in this user
	   namespace; so nobody's own mounts can make a path mean another.
	   For the log only: who connects, sends and then executes it, before
	   the witness has looked, has sent in its name. */
	char exe[EXE_MAX + 1];
	/* The path of its cgroup (v2), from the root that is seen here. */
	char cgroup[CGROUP_MAX + 1];
	/* The system manager's unit that the cgroup is of; never one of a
	   user's manager, nor one in a subtree that somebody was given. */
	char unit[UNIT_NAME_MAX + 1];
	uint64_t start; /* field 22 of /proc/PID/stat; 0: not known */
};

/*
 * The path of /proc/PID/cgroup's line "0::PATH"; false, with an empty path,
 * when there is none, it is too long, it lies outside what is seen here
 * ("/.."), or the cgroup was removed (" (deleted)").
 */
bool facts_cgroup(struct view text, char path[CGROUP_MAX + 1]);

/*
 * The unit that a cgroup of the system manager belongs to: the first
 * component that is no slice, below a slice at the top that is neither
 * "user.slice" nor "machine.slice", whose subtrees are others' to name.
 * False, with an empty name, for everything else.
 */
bool facts_unit(const char *cgroup, char unit[UNIT_NAME_MAX + 1]);

/* Field 22 of /proc/PID/stat, counted behind the last ')', because what is
   before it is the process's to choose; 0: not there. */
uint64_t facts_start(struct view text);

#endif
