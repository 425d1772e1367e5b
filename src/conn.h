/*
 * conn: connections: bytes in, frames to dispatch, replies out.
 *
 * A peer that sends slowly, does not read, or opens connections without end
 * costs itself: each uid has its share of connections and buffers, a frame
 * that has begun has a deadline, and nothing is read from a peer that has
 * not taken its replies.
 */
#ifndef COFRE_CONN_H
#define COFRE_CONN_H

#include "facts.h"
#include "sender.h"
#include "server.h"

struct conn {
	struct server *sv;
	int fd;
	struct peer peer;
	struct chain in;  /* the beginning of a frame, or frames not served */
	struct chain out; /* replies, staged or not yet taken */
	size_t staged_at; /* out's size when the turn began */
	size_t need;	  /* in.size at which there is something to do */
	size_t counted;	  /* chunks that its uid is charged with */
	uint64_t log_cell; /* of its record; 0: none yet */
	uint64_t deadline; /* 0: none */
	uint64_t turn;	   /* the turn that served is about */
	unsigned served;   /* requests in it */
	uint32_t armed;	  /* the epoll events that are asked for */
	bool greeted;	  /* hello was exchanged */
	bool closing;	  /* to be closed once its replies are gone */
	bool dirty;	  /* in the turn's list */
	bool queued;	  /* in the ready list */
	bool paused;	  /* it waits for an unlock */
	bool foreign;	  /* another process, or program, has spoken on it: for
			     good */
	bool executed;	  /* that is why: the process is another program now */
	struct sender sender; /* who has spoken */
	struct facts facts; /* of its process, soon after it connected */
	int watch_fd;	  /* for witness_same(), or -1 */
	uint64_t born;	  /* CLOCK_BOOTTIME at accept, in ticks of facts.start */
	uint64_t ask_id;  /* of the question about it; 0: none is open */
	struct conn *ask_next, *ask_prev;
	bool dead;
	struct conn *next, *prev;
	struct conn *timed_next, *timed_prev;
	struct conn *dirty_next, *ready_next, *dead_next;
};

/* Take a socket that was accepted, and whom it is from.  False: no memory;
   both stay the caller's then. */
bool conn_new(struct server *sv, int fd, struct peer *peer);

/*
 * What the witness says of its process.  watched: a descriptor came with
 * that, and is the connection's now; -1 then means that there was none free,
 * and the connection is closed.  From now on it is read from.
 */
void conn_attested(struct conn *c, const struct facts *facts, bool watched,
    int watch_fd);

/* What could not be told of its process: LOG_NO_PIDFD, LOG_NO_WATCH. */
uint16_t conn_weak(const struct conn *c);

/* epoll says that something can be done. */
void conn_event(struct conn *c, uint32_t events);

/* Serve the frames that were left over, of every connection that has some. */
void conn_serve_ready(struct server *sv);

/* Send what is staged; called when the turn allows it. */
void conn_flush(struct conn *c);

/* True when nothing whole waits to be served, and no reply to be taken. */
bool conn_idle(const struct conn *c);

/* Close those whose deadline has passed. */
void conn_expire(struct server *sv);

/* Milliseconds to the next deadline, or -1. */
int conn_timeout(const struct server *sv);

/* Mark as dead and close the descriptor; the memory goes with the turn. */
void conn_close(struct conn *c);

/* Close all, or free those that are dead. */
void conn_close_all(struct server *sv);
void conn_bury(struct server *sv);

/* What policy_check() asks for. */
struct subject conn_subject(const struct conn *c);

#endif
