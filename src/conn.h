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

#include "agent.h"
#include "attest.h"
#include "resync.h"
#include "sender.h"
#include "server.h"

/* What a request wants to know of a process or cgroup before it is served. */
enum look_state { LOOK_NONE, LOOK_OPEN, LOOK_DONE };
struct look {
	enum look_state state;
	bool late; /* nothing is known, because it took too long */
	int fd; /* pidfd of the process, or cgroup.events; -1 */
	struct facts facts;
	char cgroup[CGROUP_MAX + 1];
};

/* A request that waits for a newer version (tell.h). */
struct tell {
	bool waits; /* it is in the list of its workspace */
	bool now;   /* it is to be answered, whatever there is to tell */
	uint16_t slot;
	uint32_t id;
	uint8_t *body; /* of the request; NULL: there is none */
	size_t len;
	struct conn *next, *prev;
};

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
	bool more;	  /* it has sent more than can be read now */
	bool dirty;	  /* in the turn's list */
	bool queued;	  /* in the ready list */
	bool paused;	  /* it waits for an unlock */
	bool writes;	  /* the request at hand keeps the disk (quota.h) */
	bool vain;	  /* who has made it may not make such a one */
	bool foreign;	  /* another process, or program, has spoken on it: for
			     good */
	bool executed;	  /* that is why: the process is another program now */
	bool over;	  /* its process has ended */
	struct view heard; /* bytes of this turn that are not served yet, */
	struct sender speaker; /* and who has sent them */
	struct sender sender; /* who has spoken, if it was another one */
	struct facts facts; /* of its process, soon after it connected */
	int watch_fd;	  /* for witness_same(), or -1 */
	struct known *known; /* whose it is; NULL: the connection's */
	uint64_t inode;	  /* peer_inode() of its process */
	uint64_t cgroup;  /* peer_cgroup() of it, at accept */
	uint64_t born;	  /* CLOCK_BOOTTIME at accept, in ticks of facts.start */
	struct ask ask;	  /* a question about it, or of a request */
	struct look look; /* what comes of the latter */
	struct tell tell;
	uint64_t hash_asked; /* server.bindings when its program was looked at */
	struct run *run;     /* that it is, or NULL: see conn_run() */
	uint64_t run_seen;   /* runs.changes then, and one; 0: look */
	bool attached;	     /* it has shown the token of this run: */
	uint8_t attached_run[RUN_ID_LEN];
	struct resync *resync; /* that it does, or NULL */
	struct agent *agent; /* of an ssh client's connection; else NULL */
	bool dead;
	struct conn *next, *prev;
	struct conn *timed_next, *timed_prev;
	struct conn *dirty_next, *ready_next, *dead_next;
	struct conn *heard_next, *over_next;
};

/* Take a socket that was accepted, at the agent's socket or the other one,
   and whom it is from.  False: no memory; both stay the caller's then. */
bool conn_new(struct server *sv, int fd, struct peer *peer, bool agent);

/*
 * Ask about the process that the pidfd is of, with the SHA-256 of its program
 * if that is wanted, or about a cgroup (pid 0): the
 * request at hand is served again when c->look is DONE.  The pidfd is the
 * connection's then.  False when nobody can be asked.
 */
bool conn_look(struct conn *c, uint32_t pid, int pidfd, bool hash,
    struct view cgroup);

/*
 * True when the request at hand is served again, once the SHA-256 of the
 * process's program is known: an identity is bound to one, and all else fits.
 */
bool conn_hash(struct conn *c);

/* That request is served, or never will be: let go of what was learnt. */
void conn_look_end(struct conn *c);

/* Begin to read from one of which it is known at accept who it is: what it
   has sent already is served in this turn.  False when there is no room for
   that now. */
bool conn_begin(struct conn *c);

/*
 * Did all that was sent so far, of which this is the beginning, and all unless
 * there is more, come from the program that the facts are of?  Whoever
 * connects, sends and executes another program before anybody has looked would
 * have sent in its name.  A greeting asks for nothing.
 */
bool conn_is_sure(const struct conn *c, struct view in, bool more);

/* Put it into the list of those that are served in the next turn.  If this one
   is full, who was served in it comes behind who was not. */
void conn_queue(struct conn *c);

/* Take that list.  Those whose uid has had all of its time in the last turn,
   or has filled it, come behind the others. */
struct conn *conn_take_ready(struct server *sv);

/* Take those out of it that are dead. */
void conn_forget_ready(struct server *sv);

/* Go on with the frames that are there, once its replies have left: nothing
   else holds them up any more. */
void conn_go_on(struct conn *c);

/* The run that it is by now, or NULL. */
struct run *conn_run(struct conn *c);

/* What could not be told of its process: LOG_NO_PIDFD, LOG_NO_WATCH. */
uint16_t conn_weak(const struct conn *c);

/* epoll says that something can be done. */
void conn_event(struct conn *c, uint32_t events);

/* Serve the frames that were left over, of every connection that has some. */
void conn_serve_ready(struct server *sv);

/*
 * What conn_event() receives is served here: one look at whose processes have
 * ended, after all of it was received, is about each byte of it.
 */
void conn_serve_heard(struct server *sv);

/* Send what is staged; called when the turn allows it. */
void conn_flush(struct conn *c);

/* True when nothing whole waits to be served, and no reply to be taken. */
bool conn_idle(const struct conn *c);

/* Close those whose deadline has passed. */
void conn_expire(struct server *sv);

/* Find out whose process has ended; and close these. */
void conn_note_ends(struct server *sv);
void conn_close_over(struct server *sv);

/* Mark as dead and close the descriptor; the memory goes with the turn. */
void conn_close(struct conn *c);

/* Close all, or free those that are dead. */
void conn_close_all(struct server *sv);
void conn_bury(struct server *sv);

/* What policy_check() asks for. */
struct subject conn_subject(struct conn *c);

#endif
