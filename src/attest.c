#include "attest.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "witness.h"

/* So many questions at most are under way: their answers hold descriptors
   that the kernel counts, and fit the socket's buffer. */
#define FLIGHT_MAX 64u

#define WAIT_MS 2000 /* for one answer */

static void
append(struct asked *list, struct ask *a)
{
	a->prev = list->last;
	a->next = NULL;
	if (list->last != NULL)
		list->last->next = a;
	else
		list->first = a;
	list->last = a;
	if (list->unsent == NULL)
		list->unsent = a;
}

static void
take_out(struct asked *list, struct ask *a)
{
	if (a->prev != NULL)
		a->prev->next = a->next;
	else
		list->first = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	else
		list->last = a->prev;
	if (list->unsent == a)
		list->unsent = a->next;
	a->next = a->prev = NULL;
	a->id = 0;
}

/* Send what the witness takes now; the rest goes with the next answers. */
static void
send_some(struct server *sv)
{
	struct asked *list = &sv->asked;
	struct ask *a;

	while ((a = list->unsent) != NULL && list->flight < FLIGHT_MAX &&
	    witness_ask(sv->witness_fd, a->id, a->pid, a->hash, a->cgroup)) {
		list->flight++;
		list->unsent = a->next;
	}
}

bool
attest_ask(struct server *sv, struct ask *a)
{
	if (sv->witness_fd == -1 || (a->pid == 0 && a->cgroup[0] == '\0'))
		return false;
	a->id = ++sv->asked.ids;
	append(&sv->asked, a);
	send_some(sv);
	return true;
}

void
attest_forget(struct server *sv, struct ask *a)
{
	if (a->id != 0)
		take_out(&sv->asked, a);
}

/* Answers come in the order of the questions; a question that nobody waits
   for any more is not in the list. */
static void
hand_on(struct server *sv, const struct witness_answer *answer, int fd)
{
	struct ask *a = sv->asked.first;

	sv->asked.flight--;
	if (a != NULL && a->id == answer->id) {
		take_out(&sv->asked, a);
		a->answered(a, answer, fd);
	} else if (fd != -1)
		(void)close(fd);
}

bool
attest_event(struct server *sv)
{
	struct witness_answer answer;
	enum witness_result r;
	int fd;

	while (sv->asked.flight > 0 &&
	    (r = witness_take(sv->witness_fd, &answer, &fd)) ==
		WITNESS_ANSWERED)
		hand_on(sv, &answer, fd);
	/* It says nothing unasked: what it says then is that it is gone. */
	if (sv->asked.flight == 0)
		r = witness_take(sv->witness_fd, &answer, &fd);
	send_some(sv);
	return r == WITNESS_NONE;
}

bool
attest_wait(struct server *sv)
{
	struct pollfd witness = { .fd = sv->witness_fd, .events = POLLIN };

	while (sv->asked.first != NULL) {
		int n = poll(&witness, 1, WAIT_MS);

		if ((n == -1 && errno != EINTR) || n == 0 ||
		    (n > 0 && !attest_event(sv)))
			return false;
	}
	return true;
}
