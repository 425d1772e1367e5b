/*
 * attest: what the daemon asks its witness (witness.h), and who gets the
 * answer.
 *
 * Nothing here waits, but for attest_wait().  A connection is not read from
 * before the answer about it is there.  When the witness is gone the daemon
 * stops: nobody could be told from anybody any more.
 */
#ifndef COFRE_ATTEST_H
#define COFRE_ATTEST_H

#include "server.h"
#include "witness.h"

/* A question, in the memory of whoever asks; it stays there until the answer
   has come, or attest_forget(). */
struct ask {
	uint32_t pid;
	bool hash; /* its program too */
	const char *cgroup; /* "": it is about the process */
	/* Called once.  fd, or -1, is the one's who is called. */
	void (*answered)(struct ask *a, const struct witness_answer *answer,
	    int fd);
	void *context; /* for that */
	uint64_t id;   /* 0: not asked */
	struct ask *next, *prev;
};

/*
 * Ask.  False when there is nothing to ask: no witness, or a process that
 * can't be seen from here.
 */
bool attest_ask(struct server *sv, struct ask *a);

/* Nobody waits for the answer any more. */
void attest_forget(struct server *sv, struct ask *a);

/* The witness has said something: the loop calls this.  False when it is
   gone. */
bool attest_event(struct server *sv);

/* Wait until everything that was asked is answered.  False when the witness
   is gone, or says nothing for too long. */
bool attest_wait(struct server *sv);

#endif
