/*
 * load: the client of every server: one process, one thread, which holds
 * connections to all of them and gives each a slice of time.
 *
 * A request is sent when the answer to the one before it is there (or,
 * pipelined, to all of a batch), so the servers set the pace.  With one
 * connection the client waits in recv(2), or in poll(2) as libcofre does,
 * with more in epoll.  It matters: who sleeps in recv is also woken when the
 * server has read the request, and goes to sleep again, so that on one core
 * the server is interrupted before it has begun.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dial.h"

#define LINKS_MAX 512u /* connections to one server */
#define DEPTH_MAX 16u /* requests of one batch */
#define GREETING_MAX 64u

/*
 * How one server is spoken to.  All its requests have one length, and all
 * replies have.
 */
struct target {
	const char *name;
	char path[108]; /* of its socket */
	pid_t pid;
	uid_t uid; /* as whom to connect, when the caller may choose */
	/* count requests, in the order of stats_order() so that no cache
	   guesses the next, and the first DEPTH_MAX of them once more. */
	uint8_t *requests;
	size_t count;
	size_t request_len;
	size_t reply_len;
	/* What a new connection sends first, and how long the answer is. */
	uint8_t greeting[GREETING_MAX];
	size_t greeting_len;
	size_t greeting_reply;
	/* These bytes stand in each reply at check_at. */
	uint8_t check[4];
	size_t check_at;
};

/* How a client with one connection waits. */
enum wait { WAIT_RECV, WAIT_POLL };

/* What came of a slice. */
struct slice {
	double p50;  /* microseconds from a request to its reply */
	double p99;
	double p999;
	double rate; /* requests a second */
	double cpu;  /* microseconds of the server's processor time for one */
	uint64_t count; /* requests; 0: the slice did not take place */
};

/* Connections to one target. */
struct lane;

/* A connection to the target that has exchanged greetings, or -1. */
int load_greeted(const struct target *t);

/*
 * Open count connections (at most LINKS_MAX), and exchange greetings.  The
 * target must live as long as the lane.  NULL with a message.
 */
struct lane *load_open(const struct target *t, unsigned count);

/* Have count connections instead of fewer.  False with a message; the lane
   has as many as could be made then. */
bool load_grow(struct lane *l, unsigned count);

void load_close(struct lane *l);

/*
 * Load the target for ns nanoseconds by the first links connections of the
 * lane, with batches of depth requests.  What is on its way at the end is
 * waited for, and counted.  False, with a message, when an answer is wrong
 * or does not come.
 */
bool load_warm(struct lane *l, unsigned links, unsigned depth,
    enum wait wait, uint64_t ns, struct slice *s);

/*
 * The same with a connection for each request: connect, greeting and request
 * in one write, both answers, close.
 */
bool load_cold(const struct target *t, uint64_t ns, struct slice *s);

/*
 * Send the next count requests of the lane's first connection, one after the
 * other; *p99 is that of the times, in microseconds.  False with a message.
 */
bool load_some(struct lane *l, size_t count, double *p99);

/*
 * Fill in a slice: n times in nanoseconds, which are sorted for it, of
 * requests requests in all, in ns nanoseconds, that cost the server cpu
 * nanoseconds.
 */
void load_summarise(struct slice *s, uint32_t *took, size_t n,
    uint64_t requests, uint64_t ns, uint64_t cpu);

#endif
