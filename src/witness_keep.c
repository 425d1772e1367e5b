/* The keeper of the workers: it makes them, and ends those that are late. */
#include "witness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

#define NOBODY (-1)
#define AGAIN_MS 100 /* for what could not be done, or has not ended yet */

/*
 * The next worker at a socket is made when the last one has ended, which
 * could still take a question away from it; or, after so many times so long,
 * is in no place where it could.
 */
#define SOON_MS 5
#define PATIENCE 40u

/*
 * The kernel lets a process be killed in all the places where it is known to
 * wait for one that is looked at.  If it does not after all, that one is left
 * alone: it makes no step more of its own.  So many of them may be at a time.
 */
#define DYING_MAX 16u

struct keeper {
	const struct witness *ends;
	bool required;
	pid_t worker[WITNESS_WORKERS]; /* NOBODY: it is to be made */
	pid_t last[WITNESS_WORKERS];   /* who was there before */
	unsigned patience[WITNESS_WORKERS];
	/* Killed, and not ended yet; the last workers may come to it. */
	pid_t dying[DYING_MAX + WITNESS_WORKERS];
	size_t dying_count;
};

static void __attribute__((noreturn))
work(const struct keeper *k, unsigned own)
{
	char error[128];

	(void)close(k->ends->keeper);
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		if (i != own)
			(void)close(k->ends->worker[i]);
	if (sandbox_enter_witness(k->required, error, sizeof(error)))
		witness_serve(k->ends->worker[own]);
	else
		(void)fprintf(stderr, "cofred: witness: %s\n", error);
	_exit(0);
}

static void
bury(struct keeper *k)
{
	size_t left = 0;

	for (size_t i = 0; i < k->dying_count; i++)
		if (waitpid(k->dying[i], NULL, WNOHANG) == 0)
			k->dying[left++] = k->dying[i];
	k->dying_count = left;
}

static bool
is_dying(const struct keeper *k, pid_t pid)
{
	for (size_t i = 0; i < k->dying_count; i++)
		if (k->dying[i] == pid)
			return true;
	return false;
}

/* Make those that are missing; how long to wait until the next time. */
static int
make(struct keeper *k)
{
	int ms = k->dying_count == 0 ? -1 : AGAIN_MS;

	for (unsigned i = 0; i < WITNESS_WORKERS; i++) {
		if (k->worker[i] != NOBODY)
			continue;
		if (k->patience[i] > 0 && is_dying(k, k->last[i])) {
			k->patience[i]--;
			ms = SOON_MS;
			continue;
		}
		if (k->dying_count < DYING_MAX)
			k->worker[i] = fork();
		if (k->worker[i] == 0)
			work(k, i);
		if (k->worker[i] == NOBODY && ms == -1)
			ms = AGAIN_MS;
	}
	return ms;
}

/* It is this one's child, and not waited for: no other one has its number. */
static void
end(struct keeper *k, unsigned i)
{
	if (k->worker[i] == NOBODY)
		return;
	(void)kill(k->worker[i], SIGKILL);
	k->dying[k->dying_count++] = k->worker[i];
	k->last[i] = k->worker[i];
	k->patience[i] = PATIENCE;
	k->worker[i] = NOBODY;
}

bool
witness_renew(const struct witness *w, unsigned worker)
{
	uint8_t which = (uint8_t)worker;

	return send(w->keeper, &which, sizeof(which),
		   MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(which);
}

/* False when the daemon has closed its end, or says nonsense. */
static bool
obey(struct keeper *k)
{
	uint8_t which;
	struct iovec iov = { &which, sizeof(which) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recvmsg(k->ends->keeper, &msg, 0);

	if (n < 0 && errno == EINTR)
		return true;
	if (n != (ssize_t)sizeof(which) || which >= WITNESS_WORKERS)
		return false;
	end(k, which);
	return true;
}

void
witness_keep(const struct witness *ends, bool required)
{
	struct keeper k = { .ends = ends, .required = required };
	struct pollfd p = { .fd = ends->keeper, .events = POLLIN };

	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		k.worker[i] = NOBODY;
	do
		bury(&k);
	while (poll(&p, 1, make(&k)) <= 0 || obey(&k));
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		if (k.worker[i] != NOBODY)
			(void)kill(k.worker[i], SIGKILL);
}
