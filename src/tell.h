/*
 * tell: who waits for newer versions of secrets (secret.watch).
 *
 * A request that waits is kept with its connection, outside of the buffers
 * that connections share, in the list of its workspace.  When something that
 * it asks about has changed, or its caller's rights may have, it is served
 * again from the beginning, so nothing is carried over that could be out of
 * date by then.  Whatever else comes in on the connection ends the wait.
 *
 * While nobody waits a turn costs one comparison; otherwise a commit that
 * changed secrets costs a look at those who wait in these workspaces.
 */
#ifndef COFRE_TELL_H
#define COFRE_TELL_H

#include "conn.h"

/*
 * What a watch compares: the current version, 0 when there is none that can
 * be got, and that of the credential which the secret follows, 0 when it
 * follows none.
 */
struct tell_version {
	uint32_t version;
	uint32_t followed;
	uint64_t record; /* 0: a name that nothing is known of */
};
struct tell_version tell_current(const struct vault *v,
    const struct workspace *ws, struct view name);

/* The first of the items (watch_item) that says otherwise, made true in
 * *item; false when all are. */
bool tell_find(const struct vault *v, const struct workspace *ws,
    struct list items, struct watch_item *item);

/*
 * The request waits, for what happens in the workspace.  False: no memory.
 */
bool tell_wait(struct conn *c, uint32_t id, struct view body,
    const struct workspace *ws);

/* Serve it again; with now it will be answered, whatever there is to tell. */
void tell_wake(struct conn *c, bool now);

/* It is answered, or never will be. */
void tell_end(struct conn *c);

/* The turn is over: wake those to whom it may make a difference. */
void tell_turn(struct server *sv);

#endif
