/*
 * sentry: the process that answers while the daemon waits for the disk.
 *
 * The daemon is one thread, and a disk that does not answer holds it in the
 * kernel: in a commit, a flush, or at a page of a mapped file.  The sentry has
 * no key, no store and no part of the daemon's memory but one area without
 * secrets, and the same descriptors (CLONE_FILES).  It sees that the daemon
 * has stood still in one and the same turn for SENTRY_LIMIT, and then refuses
 * whoever asks, in the daemon's place.  It gives out nothing: it reads no byte
 * of a connection, and knows two messages.
 *
 * Both use the same sockets, so they take turns: the sentry has them only
 * between sentry_work() and sentry_rest() of a turn, and never when the daemon
 * has claimed them, which it does to send and to close.
 */
#ifndef COFRE_SENTRY_H
#define COFRE_SENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * How long the daemon may stand still in a turn, in milliseconds: who asks is
 * to be refused within a second, and it takes up to 0.2 s to see it.  A disk
 * that is slow for less than that is waited for.
 */
#define SENTRY_LIMIT 600u

struct sentry_page;

/* The daemon's side.  All zeros: there is no sentry, and all functions do
   nothing. */
struct sentry {
	struct sentry_page *page;
	size_t size;	  /* of the area, in bytes */
	size_t slots;	  /* descriptors that it has places for */
	int pidfd;	  /* can be read when the sentry has ended */
	int wake_fd;	  /* an eventfd, which wakes it */
	int stat_fd;	  /* what it sees the daemon by, */
	int self_fd;	  /* and its end: a pidfd */
	int epoll;	  /* it waits there for that and for wake_fd */
	uint32_t counter; /* the last turn's number */
	uint32_t number;  /* this turn's; 0: between turns */
	uint32_t was;	  /* it, while sentry_pause() stands */
	unsigned claims;  /* that stand */
	uint64_t began;	  /* this turn, CLOCK_MONOTONIC, microseconds */
	uint64_t stood;	  /* microseconds of turns that blocked, not noted */
	uint64_t noted;	  /* refusals that were */
};

/*
 * Make it, as that user, with places for so many descriptors, and wait until
 * it is ready.  False with the reason in error.  The caller has no secret in
 * memory yet, and the process is the daemon for good: it ends with it.
 */
bool sentry_start(struct sentry *s, size_t slots, uid_t uid, gid_t gid,
    bool required, char *error, size_t error_size);

/* End it, in good order, and let go of the area. */
void sentry_end(struct sentry *s);

/* A turn begins, at that clock (CLOCK_MONOTONIC, microseconds); and it is
   over: the daemon waits for events, for as long as it likes. */
void sentry_work(struct sentry *s, uint64_t clock);
void sentry_rest(struct sentry *s);

/* Within a turn the daemon waits for something that is not the disk; and the
   turn goes on. */
void sentry_pause(struct sentry *s);
void sentry_resume(struct sentry *s);

/*
 * The daemon is about to send to connections, or to close a descriptor that
 * the sentry may know.  From here to the last sentry_unclaim() the sentry
 * touches none.  No file may be used in between.
 */
void sentry_claim(struct sentry *s);
void sentry_unclaim(struct sentry *s);

/* The listening sockets: cofre's own, or the agents'; -1 takes it away, before
   it is closed. */
void sentry_listen(struct sentry *s, bool agent, int fd);

/* A connection, of an ssh client or not; and its end, before it is closed. */
void sentry_join(struct sentry *s, int fd, bool agent);
void sentry_leave(struct sentry *s, int fd);

/* Something was received from it in this turn. */
void sentry_heard(struct sentry *s, int fd);

/* Does it have a request that waits for a later turn? */
void sentry_keep(struct sentry *s, int fd, bool keeps);

/* Replies of it have been sent; part says that some bytes of them have yet to
   be, so that nothing else may come in between. */
void sentry_sent(struct sentry *s, int fd, bool part);

/* Has the sentry refused it?  Then it is to be closed, and not served. */
bool sentry_refused(const struct sentry *s, int fd);

/*
 * Turns in which the disk blocked that nobody has noted yet: for how many
 * microseconds it did, and how many were refused.  False: there is none.
 */
bool sentry_news(const struct sentry *s, uint64_t *stood, uint64_t *refused);

/* They are noted, with so many that were refused. */
void sentry_noted(struct sentry *s, uint64_t refused);

#endif
