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

struct facts {
	/* The program, only when the path leads, from here, to the very file
	   that the process executes, and the process is in this user
	   namespace; so nobody's own mounts can make a path mean another. */
	char exe[EXE_MAX + 1];
	/* The path of its cgroup (v2), from the root that is seen here. */
	char cgroup[CGROUP_MAX + 1];
	/* The system manager's unit that the cgroup is of; never one of a
	   user's manager, nor one in a subtree that somebody was given. */
	char unit[UNIT_NAME_MAX + 1];
	uint64_t start; /* field 22 of /proc/PID/stat; 0: not known */
	/* All four of its uids, and of its gids; NO_ID when they differ or are
	   not known.  Of a cgroup: whose directory it is. */
	uint32_t uid;
	uint32_t gid;
	/* True when all that came from the process came from this program:
	   set by whoever has seen to that (conn_new.c).  exe and sha256 are
	   for the log alone without it. */
	bool sure;
	/* SHA-256 of the program, when it was asked for and could be read. */
	bool hashed;
	uint8_t sha256[SHA256_LEN];
};

/*
 * The path of /proc/PID/cgroup's line "0::PATH"; false, with an empty path,
 * when there is none, it is too long, it lies outside what is seen here
 * ("/.."), or the cgroup was removed (" (deleted)").
 */
bool facts_cgroup(struct view text, char path[CGROUP_MAX + 1]);

/*
 * True when the cgroup is that one, or one below it: whole components count.
 * One that is not known ("") is in none; "/" holds all that are known.
 */
bool facts_cgroup_within(const char *cgroup, const char *outer);

/*
 * The unit that a cgroup of the system manager belongs to: the first
 * component that is no slice, below a slice at the top that is neither
 * "user.slice" nor "machine.slice", whose subtrees are others' to name.
 * False, with an empty name, for everything else.
 */
bool facts_unit(const char *cgroup, char unit[UNIT_NAME_MAX + 1]);

/* The name of a unit that has processes of its own: a service, a scope, a
   socket and the like; at most UNIT_NAME_MAX bytes. */
bool facts_unit_is_valid(struct view v);

/* Field 22 of /proc/PID/stat, counted behind the last ')', because what is
   before it is the process's to choose; 0: not there. */
uint64_t facts_start(struct view text);

/* The uid of /proc/PID/status's line "Uid:", or the gid with "Gid:", when
   all four are one; NO_ID otherwise. */
uint32_t facts_id(struct view text, const char *label);

#endif
