#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "accept.h"
#include "attest.h"
#include "conn.h"
#include "dispatch.h"
#include "known.h"
#include "notes.h"
#include "previous.h"
#include "quota.h"
#include "turn.h"
#include "watch.h"

#define EVENTS 256

static uint64_t
clock_of(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t
stopwatch(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool
watch(struct server *sv, int *fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = fd };

	return epoll_ctl(sv->epoll, EPOLL_CTL_ADD, *fd, &ev) == 0;
}

static bool
watch_witness(struct server *sv)
{
	bool good = watch(sv, &sv->witness.keeper);

	for (unsigned i = 0; good && i < WITNESS_WORKERS; i++)
		good = watch(sv, &sv->witness.worker[i]);
	return good;
}

static void
read_clocks(struct server *sv)
{
	sv->now = clock_of(CLOCK_REALTIME);
	sv->clock = clock_of(CLOCK_MONOTONIC);
	sv->boot_clock = clock_of(CLOCK_BOOTTIME);
}

bool
loop_init(struct server *sv)
{
	sv->epoll = epoll_create1(EPOLL_CLOEXEC);
	sv->ends = epoll_create1(EPOLL_CLOEXEC);
	read_clocks(sv);
	return sv->epoll != -1 && sv->ends != -1 && watch(sv, &sv->ends) &&
	    watch(sv, &sv->listen_fd) &&
	    (sv->agent_fd == -1 || watch(sv, &sv->agent_fd)) &&
	    watch(sv, &sv->signal_fd) && watch_witness(sv) &&
	    (sv->sentry.page == NULL || watch(sv, &sv->sentry.pidfd));
}

/*
 * Read the configuration again, by the descriptor of the start.  There are
 * descriptors for no more connections than it said then.
 */
static void
reload(struct server *sv)
{
	struct config fresh;
	char ignored[CONFIG_ERROR_MAX];
	char text[CONFIG_ERROR_MAX] = "no configuration file was given";
	bool good = false;

	notify_send(&sv->notify, "RELOADING=1");
	config_defaults(&fresh);
	if (sv->config_fd != -1 &&
	    config_read_fd(&fresh, sv->config_path, sv->config_fd, text)) {
		config_reload(&sv->config, &fresh, ignored);
		config_reload(&sv->filed, &fresh, text);
		if (sv->config.max_connections > sv->most_connections)
			sv->config.max_connections = sv->most_connections;
		good = true;
	}
	if (good && text[0] != '\0')
		(void)fprintf(stderr, "cofred: reload: done; to be "
		    "taken at the next start: %s\n", text);
	else
		(void)fprintf(stderr, "cofred: reload: %s%s%s\n",
		    good ? "done" : "nothing changed",
		    text[0] != '\0' ? ": " : "", text);
	dispatch_system(sv, good ? "configuration read again" :
				   "configuration not valid, not taken");
	notify_send(&sv->notify, "READY=1");
}

static void
on_signal(struct server *sv)
{
	struct signalfd_siginfo info;

	while (read(sv->signal_fd, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(sv);
		else
			sv->stopping = true;
	}
}

/* Without the witness nobody can be told from anybody. */
static void
stop_without_witness(struct server *sv)
{
	if (sv->failed)
		return;
	(void)fprintf(stderr, "cofred: its witness has ended; stopping\n");
	(void)epoll_ctl(sv->epoll, EPOLL_CTL_DEL, sv->witness.keeper, NULL);
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		(void)epoll_ctl(sv->epoll, EPOLL_CTL_DEL,
		    sv->witness.worker[i], NULL);
	dispatch_system(sv, "the witness has ended");
	sv->stopping = sv->failed = true;
}

/* Without the sentry nobody is answered while the disk blocks. */
static void
stop_without_sentry(struct server *sv)
{
	(void)fprintf(stderr, "cofred: its sentry has ended; stopping\n");
	(void)epoll_ctl(sv->epoll, EPOLL_CTL_DEL, sv->sentry.pidfd, NULL);
	dispatch_system(sv, "the sentry has ended");
	sv->stopping = sv->failed = true;
}

static bool
is_of_witness(const struct server *sv, const void *fd)
{
	const int *workers = sv->witness.worker;

	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		if (fd == &workers[i])
			return true;
	return fd == &sv->witness.keeper;
}

static void
on_event(struct server *sv, const struct epoll_event *ev)
{
	if (ev->data.ptr == &sv->listen_fd || ev->data.ptr == &sv->agent_fd)
		accept_some(sv, ev->data.ptr == &sv->agent_fd);
	else if (ev->data.ptr == &sv->signal_fd)
		on_signal(sv);
	else if (is_of_witness(sv, ev->data.ptr)) {
		if (!sv->failed && !attest_event(sv, ev->data.ptr))
			stop_without_witness(sv);
	} else if (ev->data.ptr == &sv->sentry.pidfd)
		stop_without_sentry(sv);
	else if ((ev->data.u64 & WATCH_TAG) != 0)
		watch_event(sv, ev->data.u64);
	else if (ev->data.ptr == &sv->ends)
		conn_note_ends(sv);
	else
		conn_event(ev->data.ptr, ev->events);
}

/* Is it about what a uid has sent that has had all of its time in the last
   turn? */
static bool
is_of_greedy(const struct server *sv, const struct epoll_event *ev)
{
	const void *p = ev->data.ptr;

	if (p == &sv->listen_fd || p == &sv->agent_fd || p == &sv->signal_fd ||
	    p == &sv->ends || p == &sv->sentry.pidfd || is_of_witness(sv, p) ||
	    (ev->data.u64 & WATCH_TAG) != 0)
		return false;
	return quota_is_greedy(p);
}

/* What was left of the last turn, and what has come; but what is of a uid that
   has had all of its time comes behind that of others. */
static void
serve_all(struct server *sv, const struct epoll_event *events, int n)
{
	bool any = sv->full + 1 == sv->turns;

	for (int i = 0; any && i < n; i++)
		if (!is_of_greedy(sv, &events[i]))
			on_event(sv, &events[i]);
	quota_look(sv);
	conn_serve_heard(sv);
	conn_serve_ready(sv);
	for (int i = 0; i < n; i++)
		if (!any || is_of_greedy(sv, &events[i]))
			on_event(sv, &events[i]);
	quota_look(sv);
	conn_serve_heard(sv);
}

void
loop_turn(struct server *sv, const struct epoll_event *events, int n)
{
	sv->turns++;
	sv->starved = sv->moved = sv->rested = false;
	accept_pause(sv, false);
	watch_tick(sv);
	/* First, while there is room in the turn for its record. */
	if (sv->waiting.active && !vault_unlock_step(&sv->vault))
		dispatch_unlocked(sv);
	serve_all(sv, events, n);
	conn_close_over(sv);
	if (!sv->failed && !attest_tick(sv))
		stop_without_witness(sv);
	conn_expire(sv);
	known_tick(sv);
	notes_write(sv, false);
	watch_note(sv);
	previous_tick(sv);
	watch_checkpoint(sv);
	turn_end(sv);
	conn_bury(sv);
	secmem_wipe_stack();
	secmem_wipe_registers();
}

/* The shorter of two times to wait, of which -1 has no end. */
static int
sooner(int a, int b)
{
	return a == -1 || (b != -1 && b < a) ? b : a;
}

static int
wait_time(struct server *sv)
{
	int ms = sooner(quota_timeout(sv), watch_timeout(sv));

	ms = sooner(ms, attest_timeout(sv));
	ms = sooner(ms, known_timeout(sv));
	ms = sooner(ms, previous_timeout(sv));
	ms = sooner(ms, notes_timeout(sv));
	ms = sooner(ms, notify_timeout(&sv->notify, sv->clock));
	if (sv->waiting.active)
		return 0;
	if (sv->accept_paused)
		ms = sooner(ms, 1000);
	return ms;
}

/* Wait, between two turns; the clocks are those of the new one. */
static int
wait_events(struct server *sv, struct epoll_event *events, int ms)
{
	int n, e;

	sentry_rest(&sv->sentry);
	n = epoll_wait(sv->epoll, events, EVENTS, ms);
	e = errno;
	read_clocks(sv);
	sentry_work(&sv->sentry, sv->clock);
	errno = e;
	return n;
}

static void
stop_listening(struct server *sv, int *fd)
{
	if (*fd == -1)
		return;
	sentry_listen(&sv->sentry, fd == &sv->agent_fd, -1);
	(void)epoll_ctl(sv->epoll, EPOLL_CTL_DEL, *fd, NULL);
	(void)close(*fd);
	*fd = -1;
}

/* Record what was counted, which may need more than one turn; and the end. */
static void
record_end(struct server *sv)
{
	for (;;) {
		notes_write(sv, true);
		if (sv->turn.count == 0)
			break; /* that was all, or the log takes no more */
		turn_end(sv);
	}
	dispatch_system(sv, "stopped");
	turn_end(sv);
}

/* Take no more, and let those who have replies to come have them. */
static void
drain(struct server *sv)
{
	struct epoll_event events[EVENTS];
	uint64_t until = sv->clock + 2000000;
	struct conn *c, *next;
	int n;

	notify_send(&sv->notify, "STOPPING=1");
	stop_listening(sv, &sv->listen_fd);
	stop_listening(sv, &sv->agent_fd);
	for (;;) {
		for (c = sv->conns; c != NULL; c = next) {
			next = c->next;
			if (conn_idle(c))
				conn_close(c);
		}
		conn_bury(sv);
		if (sv->conns == NULL || sv->clock >= until)
			break;
		n = wait_events(sv, events, 100);
		loop_turn(sv, events, n);
	}
	sv->clock = clock_of(CLOCK_MONOTONIC);
	watch_save(sv);
	record_end(sv);
	conn_close_all(sv);
	conn_bury(sv);
	known_clear(sv);
}

void
loop_run(struct server *sv)
{
	struct epoll_event events[EVENTS];
	int n;

	sv->stopwatch = stopwatch;
	while (!sv->stopping) {
		sentry_rest(&sv->sentry); /* which may have news */
		n = wait_events(sv, events, wait_time(sv));
		if (n < 0 && errno != EINTR) {
			(void)fprintf(stderr, "cofred: epoll_wait: %s\n",
			    strerror(errno));
			sv->failed = true;
			break;
		}
		loop_turn(sv, events, n);
		notify_ping(&sv->notify, sv->clock);
	}
	drain(sv);
}
