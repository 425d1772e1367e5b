/*
 * server: what the modules of the daemon share while it runs: the context
 * that is passed along, in place of globals.
 *
 * A turn is one round of the event loop: what came in is read and served,
 * then the store is committed once, the activity log written once, and only
 * then do the replies leave (turn.h).
 */
#ifndef COFRE_SERVER_H
#define COFRE_SERVER_H

#include "audit.h"
#include "budget.h"
#include "config.h"
#include "notify.h"
#include "peer.h"
#include "pool.h"
#include "refusals.h"
#include "sandbox.h"
#include "sentry.h"
#include "vault.h"
#include "witness.h"

#define TURN_MAX 512u		 /* requests of one turn */
#define TURN_TEXT (64u * 1024)	 /* bytes of text in its records */
#define TURN_BYTES (1024u * 1024) /* bytes that it writes to the store */
#define APART_MAX 1024u /* a reply of what changed the SSH store */
#define READ_MAX (64u * 1024)	 /* of one connection in one turn */
#define HEARD_MAX (8u * 1024)	 /* bytes that are served together */
#define IN_MAX (HEARD_MAX + READ_MAX)
#define IO_MAX (IN_MAX + 2 * FRAME_MAX) /* of in, kept and reply */

struct conn;

/* What a worker of the witness does (attest.h). */
struct ask;
struct looker {
	uint64_t id;	 /* the question that it has; 0: none */
	uint64_t due;	 /* when it is late, CLOCK_MONOTONIC; microseconds */
	struct ask *ask; /* NULL: nobody waits for the answer any more */
	uint32_t uid;	 /* whose question it is */
	bool hash;	 /* with a digest */
	bool renewed;	 /* it is made anew, and not ready yet */
};

/* What the witness is asked. */
struct asked {
	struct ask *first, *last; /* that wait, in the order of their turns */
	uint64_t turn; /* of the last one that was asked */
	uint64_t ids;  /* the last question's */
	struct looker lookers[WITNESS_WORKERS];
	uint64_t late;	   /* given up, since the last note of it */
	uint64_t late_all; /* since the start */
	uint32_t late_uid; /* the last one's */
};

/* Processes that were looked at a moment ago (known.h). */
struct known;
#define KNOWN_BUCKETS 256u
struct known_list {
	struct known *buckets[KNOWN_BUCKETS];
	struct known *first, *last; /* without a connection, by their time */
	size_t idle;		    /* so many of them, */
	size_t most;		    /* and at most: there are descriptors */
};

/* One request, or one thing to be noted, of this turn. */
struct turn_entry {
	struct conn *conn; /* NULL: nobody to answer, or it is gone */
	bool reply;	   /* a reply is staged for it */
	bool recorded;	   /* it goes into the log */
	bool wrote;	   /* it changed a store */
	bool flushed;	   /* its record is flushed before the reply leaves */
	struct view apart; /* its reply, when it changed the SSH store: that
			      is kept even if the vault's commit fails */
	struct log_record record;
};

struct turn {
	struct turn_entry entries[TURN_MAX];
	size_t count;
	size_t cells;  /* of the log that the entries may need */
	bool flush;    /* the log is flushed before the replies leave */
	bool soon;     /* else, at least, begin to flush it */
	bool full;     /* what comes next waits until this is committed */
	struct conn *dirty; /* connections with staged replies */
	char text[TURN_TEXT];
	size_t text_used;
};

/* How many connections and buffers a uid has. */
struct uid_use {
	uint32_t uid;
	uint32_t connections;
	size_t chunks;
	uint64_t turn;	 /* the turn that served and took are about */
	unsigned served; /* requests in it */
	uint64_t took;	 /* nanoseconds that they took */
	uint64_t full;	 /* the last turn in which they took all of its time,
			    or it was full for them, */
	uint64_t fuller; /* and the one before that */
	uint64_t wrote;	/* the last turn in which it wrote */
	uint64_t rests; /* until then, by the stopwatch; it has made commits */
	uint64_t barred; /* the last turn in which it waited for the disk */
	uint64_t sought; /* the turn in which this one was looked for: */
	const struct conn *first; /* it may go on without buffers of its share;
				     compared alone, it may be gone */
	uint64_t long_at; /* when a request of it took long, by the stopwatch */
	uint64_t logged; /* when it will have had the time for what it has in
			    the log, by the stopwatch */
};

/* Who was served, and when, by the stopwatch. */
struct recent {
	uint32_t uid;
	uint64_t at;
};

/* An unlock that is under way, and who waits for it. */
struct waiting {
	struct conn *conn; /* NULL when it has gone meanwhile */
	struct log_record record;
	bool active;
};

/* Connections that wait for newer versions, by their workspace's slot. */
struct tellers {
	struct conn *of[WORKSPACES_MAX];
	size_t count;
	uint64_t rights; /* vault.rights when they were looked at, */
	uint64_t runs;	 /* and runs.changes */
};

struct server {
	struct config config;
	struct config filed; /* what the file said, without the options */
	struct vault vault;
	struct audit *audit;
	struct log_keys log_keys; /* what the log seals and tags with */
	struct pool pool;
	struct notify notify;
	struct sandbox sandbox;

	int epoll;
	int ends; /* another one, of the processes that have connected */
	int listen_fd;
	int agent_fd; /* the agent's; -1: there is none */
	int signal_fd;
	struct witness witness; /* its sockets, or -1 each */
	struct sentry sentry;
	uint64_t bindings; /* counted up when there may be one more */
	uint32_t most_connections; /* that there are descriptors for */
	const char *config_path; /* as it was given; for errors */
	int config_fd; /* the file as it was opened at start, or -1 */

	struct secmem io; /* for the three that follow */
	uint8_t *in;	  /* bytes that are heard; IN_MAX */
	uint8_t *kept;	  /* a frame that came in pieces; FRAME_MAX */
	uint8_t *reply;	  /* a reply that is being made; FRAME_MAX */
	size_t reply_used; /* how much of it is to be wiped */
	struct secmem scan; /* SCAN_MAX, for the texts of a run.scan */

	struct conn *conns;   /* all of them */
	struct conn *timed;   /* those with a deadline, the earliest first */
	struct conn *timed_last;
	struct conn *ready;   /* with whole frames left from the last turn */
	struct conn *ready_last;
	struct conn *heard;   /* whose bytes were received, not yet served */
	struct conn *heard_last;
	size_t heard_count;
	size_t heard_bytes;   /* of in that were used since it was wiped */
	struct conn *over;    /* whose process has ended, to be closed */
	struct conn *dead;    /* to be freed at the end of the turn */
	size_t conn_count;
	struct uid_use *uses;
	size_t use_count, use_size;
	size_t uids; /* of those, the ones with a connection */
	bool accept_paused;
	struct asked asked;
	struct known_list known;
	bool can_look; /* the witness may look into others' processes */
	bool has_pidfd; /* the kernel has SO_PEERPIDFD */
	bool has_inodes; /* and a number for each process (pidfs) */
	bool starved; /* somebody waits for buffers, not for the turn, */
	bool moved;   /* and somebody did not, who may have left some */
	uint64_t refused;      /* connections, since the last note of it */
	uint64_t refused_noted; /* when that was */
	uint64_t late_noted; /* likewise, of looks that were given up */
	uint32_t refused_uid;	/* the last one's, and why */
	enum cofre_status refused_status;

	struct budget guesses; /* at secrets */
	struct refusals refusals;

	struct turn turn;
	struct waiting waiting;
	struct tellers tellers;
	struct budget reports; /* of stale secrets */
	uint64_t turns; /* how many there were */
	/* Nanoseconds of a clock that goes on while a request is served, to see
	   how long that takes; NULL: nobody looks. */
	uint64_t (*stopwatch)(void);
	uint64_t stopped; /* what it said last */
	uint64_t full; /* the last turn in which one did that */
	struct recent recent[2]; /* the last uid, and the last other one; */
	struct recent readers[2]; /* and of those that did not write */
	struct budget disk; /* the time that uids have kept it */
	bool rested; /* somebody waits because he rests */
	uint64_t now;	/* microseconds since 1970, at the turn's start */
	uint64_t clock; /* microseconds of CLOCK_MONOTONIC, likewise, */
	uint64_t boot_clock; /* and of CLOCK_BOOTTIME */
	uint8_t boot_id[BOOT_ID_LEN]; /* the kernel's; zeros: not known */
	uint64_t started;

	uint64_t unlock_after; /* no attempt is tried before that clock */
	unsigned unlock_failures;
	bool lock_pending; /* lock at the end of the turn */
	bool stopping;
	bool failed; /* stopping, because it can't go on */
	bool log_gap; /* at unlock the log was shorter than the store knew */
};

#endif
