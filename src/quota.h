/*
 * quota: what a uid and a connection may use: connections, buffers, time.
 *
 * The limits are by uid, since that is what a hostile peer can't change:
 * whoever opens connections or leaves replies lying takes from its own share
 * only.  A uid may hold as many buffers as it leaves for all others, and
 * those for one more request: the first one nearly half of them, the next
 * one half of what is left, and so on.  With the default buffer_memory it
 * takes some six greedy uids at once to keep others waiting, until their
 * deadlines.
 */
#ifndef COFRE_QUOTA_H
#define COFRE_QUOTA_H

#include "conn.h"

/* Count a new connection of the uid; false when it, or the daemon, has as
   many as the configuration allows.  For uid 0 there are some more. */
bool quota_admit(struct server *sv, uint32_t uid);

/* A connection of the uid is gone, with what it was charged for. */
void quota_leave(struct conn *c);

/* One that was admitted did not come about. */
void quota_forget(struct server *sv, uint32_t uid);

/* Bring the charge for the chunks that the connection holds up to date. */
void quota_charge(struct conn *c);

/* True while the connection's uid has not used up its share of buffers; and
   for one of its connections all the same while it takes its replies, so that
   what waits in buffers does not wait for buffers. */
bool quota_within_share(const struct conn *c);

/*
 * True while the connection, and its uid, may be served more requests in
 * this turn: a uid takes no more of a turn than it leaves, so that however
 * many ask, none fills it.  quota_served() counts one.
 */
bool quota_may_serve(const struct conn *c);
void quota_served(struct conn *c);

/* What it was served took long: no more for its uid in this turn. */
void quota_spent(struct conn *c);

/*
 * What it was served took from the last look at the stopwatch to now.  A uid
 * may take so much time of a turn: little while others are served as well, so
 * that these wait for little, and more while they are only connected.  One
 * request may take more, and is the last one then; if that is much more, its
 * uid rests as long as with quota_wrote(), and four times as long, up to 2 ms,
 * after one such request after the other, while others read all the time.
 */
void quota_took(struct conn *c);

/*
 * The turn has no room for the connection's request.  If its uid was served in
 * it, that is as if it had taken all of its time: else who fills each turn, or
 * ends it for a request that has to be the next one's first, would be the first
 * in that as well, and nobody else would ever be.
 */
void quota_filled(struct conn *c);

/* Look at the stopwatch: what took until now is nobody's. */
void quota_look(struct server *sv);

/* Has the connection's request taken all of its uid's time already?  One that
   can be gone on with by another one should end then. */
bool quota_is_over(const struct conn *c);

/*
 * The turn has changed the store, and its end took so many nanoseconds.  Who
 * has written rests as long, when others have been served lately: they get
 * half of the time at least, however many commits somebody has made.  Those who
 * write together do not rest for each other.
 *
 * And the disk's time is a budget, that of a commit and that of a flush of the
 * log: each uid that the turn waited for is charged with its part.
 */
void quota_wrote(struct server *sv, uint64_t took);
void quota_flushed(struct server *sv, uint64_t took);

/*
 * Has the uid kept the disk for 50 ms, and must let those who read what they
 * may go first?  Never uid 0.
 */
bool quota_owes(const struct server *sv, uint32_t uid);

/*
 * May the connection's uid have a request served now at the end of which
 * everybody waits for the disk?  Always while nobody else reads what he may;
 * else until it has kept the disk for 50 ms, and then for 1/200 of the time,
 * but never four seconds later than the turn in which it did so last: what does
 * not fit the next one that it may write in waits again.  So those who read
 * wait for it in one of two hundred requests, whatever a uid does, unless the
 * disk needs more than 20 ms.  uid 0 may always.
 */
bool quota_may_write(const struct conn *c);

/*
 * So many cells of the log are the uid's.  Who fills it faster than 4 MiB a
 * second, and is 1 MiB ahead of that, waits while others read: the disk has to
 * take all of it, and each segment's end is waited for.
 */
void quota_logged(struct server *sv, uint32_t uid, uint64_t cells);

/* May what the connection has waiting be served, a write or not? */
bool quota_may_go_on(const struct conn *c);

/* Has its uid taken all of its time in the turn before this one, or filled
   that?  The answer is the same throughout a turn. */
bool quota_is_greedy(const struct conn *c);

/*
 * Start the connection's deadline, unless it runs already, or stop it.  It
 * is request_timeout from now.
 */
void quota_deadline(struct conn *c, bool on);

/* Milliseconds to the next deadline, or to what can be served, or -1. */
int quota_timeout(const struct server *sv);

#endif
