/*
 * relay: a socket on which the processes that this one has made, of its own
 * user, and nobody else, speak to the daemon's ssh agent as this process.
 *
 * For each connection there is one of this process's to the daemon, which is
 * told first which workspace it is about.  After that bytes go both ways as
 * they are.  As the daemon does, it takes them from the process that has
 * connected, and from no other one that has got its descriptor.
 */
#ifndef COFRE_RELAY_H
#define COFRE_RELAY_H

#include <poll.h>
#include <sys/types.h>

#include "problem.h"
#include "signer.h"

#define RELAY_PAIRS 32u
#define RELAY_BYTES 16384u
/* In a list for poll(2), at most. */
#define RELAY_FDS (1 + 2 * RELAY_PAIRS)

/* What is on its way in one direction. */
struct relay_pipe {
	size_t begin, end; /* in bytes */
	bool closed;	   /* nothing more comes in */
	uint8_t bytes[RELAY_BYTES];
};

struct relay_pair {
	int client; /* -1: the pair is free */
	int daemon;
	bool begun;	 /* the daemon has said that it listens, */
	int64_t limit; /* which it must have done by then */
	pid_t pid; /* who has connected */
	int pidfd;
	struct signer signer;
	struct relay_pipe up, down;
};

struct relay {
	int listener;
	const char *upstream;  /* the daemon's agent socket */
	const char *workspace; /* that it is told first */
	bool told;	       /* a stranger was refused, and it was said */
	int64_t rests;	       /* it takes no connection until then */
	pid_t noted; /* the process whose signatures are noted, or 0 */
	/* Set: the blob of the key that has made the last of them; its len is
	   0 when none was made, or not by a plain ssh-ed25519 key. */
	size_t signer_len;
	uint8_t signer[SSH_KEY_BLOB_LEN];
	struct relay_pair *pairs; /* NULL: it serves nobody */
};

/*
 * Make the socket at path; the texts must live as long as r.  Errors:
 * NO_MEMORY, INTERNAL, also when there are too few descriptors to serve one.  What was made is freed by relay_close().
 */
enum cofre_status relay_open(struct relay *r, const char *path,
    const char *upstream, const char *workspace, struct problem *p);

/*
 * What it waits for: returns how many entries.  *timeout is how long it waits
 * at most, in milliseconds, or -1.
 */
size_t relay_wants(const struct relay *r, struct pollfd fds[RELAY_FDS],
    int *timeout);

/*
 * Serve what poll(2) has found for these entries.  It waits for nobody longer
 * than a second.  A stranger who has connected, and whom the daemon refuses,
 * is a warning on standard error the first time.
 */
void relay_serve(struct relay *r, const struct pollfd fds[RELAY_FDS]);

/* Close everything; the socket's name stays. */
void relay_close(struct relay *r);

#endif
