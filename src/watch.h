/*
 * watch: what ends a run by itself: its process exits, its cgroup becomes
 * empty, its time is over.
 *
 * From that moment it may nothing, and its connections are closed.  The log
 * gets a record of the end, and one of each secret that it has read, as soon
 * as the turn has room for them.
 */
#ifndef COFRE_WATCH_H
#define COFRE_WATCH_H

#include "conn.h"

/* A pidfd of the process, or -1. */
int watch_open_process(uint32_t pid);

/* False once the pidfd's process has exited. */
bool watch_lives(int pidfd);

/* False when no process is in the cgroup whose cgroup.events this is, nor
   below it, or it was removed. */
bool watch_is_populated(int fd);

/* Watch a run by a pidfd or cgroup.events, which is the run's from now on.
   False when that can't be: the descriptor stays the caller's. */
bool watch_add(struct server *sv, struct run *r, int fd);

/* epoll tells of a run's descriptor: the number that it has there. */
#define WATCH_TAG 2u /* of it: no pointer that is aligned to 4 has that bit */
void watch_event(struct server *sv, uint64_t tagged);

/* End a run: its connections are closed. */
void watch_end(struct server *sv, struct run *r, enum run_end why, bool gone);

/*
 * End those whose cgroup was removed: of the cgroup and of those above it, or
 * (NULL) of all.  So that a cgroup's path says which run somebody is, it is
 * asked between the look at him and the match.
 */
void watch_look(struct server *sv, const char *cgroup);

/* End those of a workspace that is deleted; taken back with it. */
void watch_end_workspace(struct server *sv, uint64_t workspace);

/* End those whose time is over, and each second those whose cgroup is gone;
   at the start of a turn. */
void watch_tick(struct server *sv);

/* Record what has ended, as far as the turn has room; at its end. */
void watch_note(struct server *sv);

/* Let this turn commit what was read before it: the daemon stops, or the
   vault is locked.  It is in the log as well, so nothing is lost when there
   is no room for it. */
void watch_save(struct server *sv);

/* The same after RECOUNT_CELLS of the log without a commit. */
void watch_checkpoint(struct server *sv);

/* Milliseconds until there is something to do, or -1. */
int watch_timeout(struct server *sv);

/*
 * The vault was opened: end those runs whose processes have not lived on,
 * and watch the others.  Nothing is served before this returns.
 */
void watch_resume(struct server *sv);

/* Of the end of a run, for its record: to be kept to DETAIL_MAX. */
void watch_describe(const struct run *r, char *text, size_t size);

#endif
