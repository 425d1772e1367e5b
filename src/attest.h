/*
 * attest: what the daemon asks its witness (witness.h), and who gets the
 * answer.
 *
 * Nothing here waits, but for attest_wait().  A connection is not read from
 * before the answer about it is there.  Questions take turns by uid, and no
 * uid has more than half of the workers: so who makes one stand still waits
 * for it himself.  A worker that takes longer than look_timeout is given up,
 * and its question is answered: nothing is known.  When the witness is gone
 * the daemon stops: nobody could be told from anybody any more.
 */
#ifndef COFRE_ATTEST_H
#define COFRE_ATTEST_H

#include "server.h"
#include "witness.h"

/* A question, in the memory of whoever asks; it stays there until the answer
   has come, or attest_forget(). */
struct ask {
	uint32_t uid; /* whose question it is */
	uint32_t pid;
	bool hash; /* its program too */
	const char *cgroup; /* "": it is about the process */
	/* Called once.  fd, or -1, is the one's who is called. */
	void (*answered)(struct ask *a, const struct witness_answer *answer,
	    int fd);
	void *context; /* for that */
	uint64_t id;   /* 0: not asked */
	uint64_t turn; /* those with a lower one are first */
	struct looker *looker; /* who was asked, or NULL */
	struct ask *next, *prev;
};

/*
 * Ask.  False when there is nothing to ask: no witness, or a process that
 * can't be seen from here.
 */
bool attest_ask(struct server *sv, struct ask *a);

/* Nobody waits for the answer any more. */
void attest_forget(struct server *sv, struct ask *a);

/* A socket of sv->witness can be read: the loop calls this.  False when the
   witness is gone. */
bool attest_event(struct server *sv, const int *fd);

/* Give up what is late; in each turn, after its events.  False as above. */
bool attest_tick(struct server *sv);

/* Milliseconds until something is late, or -1. */
int attest_timeout(const struct server *sv);

/* Wait until what was asked has come to *left being 0, but not for ever. */
void attest_wait(struct server *sv, const size_t *left);

#endif
