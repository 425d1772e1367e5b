/* How the sentry begins, and ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sentry_impl.h"

#include "account.h"
#include "sandbox.h"

#define READY_MS 10000
#define SLICE_MS 100
#define SPARE_FDS 64u /* above those that the daemon may have */

struct order {
	const struct sentry *s;
	uid_t uid;
	gid_t gid;
	bool required;
	pid_t daemon;
};

/* It takes descriptors where the daemon has its own, so it must be able to
   have as many, whatever limit the daemon gets later. */
static void
raise_descriptors(size_t slots)
{
	struct rlimit limit;
	const rlim_t want = slots + SPARE_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max >= want)
		return;
	limit.rlim_cur = limit.rlim_max = want;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void __attribute__((noreturn))
run(const struct order *o)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	struct sentry_page *p = o->s->page;
	char text[sizeof(p->why)] = "";

	/* The service manager ends the daemon; the sentry ends with it. */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGBUS, SIG_DFL);
	sandbox_clear_environment();
	raise_descriptors(o->s->slots);
	if (geteuid() == 0 && !account_become(o->uid, o->gid))
		(void)snprintf(text, sizeof(text), "%s", strerror(errno));
	else if (sandbox_enter_sentry(o->daemon, o->required, text,
		     sizeof(text)))
		sentry_watch(o->s);
	memcpy(p->why, text, sizeof(text));
	atomic_store(&p->state, SENTRY_FAILED);
	sentry_wake(&p->state);
	_exit(0);
}

/*
 * fork(2), but that both have the same descriptors.  libc has no function for
 * that: its clone() wants a stack, for a thread.  What libc does around
 * a fork is for threads, of which there are none.
 */
static pid_t
fork_sharing(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
}

static bool
wait_ready(struct sentry *s, char *error, size_t error_size)
{
	const struct timespec slice = { 0, SLICE_MS * 1000000 };
	struct pollfd ended = { .fd = s->pidfd, .events = POLLIN };
	struct sentry_page *p = s->page;

	for (int i = 0; i < READY_MS / SLICE_MS; i++) {
		sentry_wait(&p->state, SENTRY_STARTS, &slice);
		if (atomic_load(&p->state) == SENTRY_READY)
			return true;
		if (atomic_load(&p->state) == SENTRY_FAILED ||
		    poll(&ended, 1, 0) != 0)
			break;
	}
	(void)snprintf(error, error_size, "%s", p->why[0] != '\0' ? p->why :
	    "it ended at once");
	return false;
}

static bool
make_page(struct sentry *s, size_t slots)
{
	size_t size = sizeof(*s->page) + slots * sizeof(s->page->slots[0]);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	s->page = at;
	s->size = size;
	s->slots = slots;
	for (int i = 0; i < 2; i++)
		atomic_store(&s->page->listen[i], -1);
	return true;
}

/* What it sees the daemon by, and is called by. */
static bool
make_descriptors(struct sentry *s)
{
	struct epoll_event ev = { .events = EPOLLIN };

	if ((s->stat_fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC)) ==
		-1 ||
	    (s->self_fd = (int)syscall(SYS_pidfd_open, getpid(), 0)) == -1 ||
	    (s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1 ||
	    (s->epoll = epoll_create1(EPOLL_CLOEXEC)) == -1)
		return false;
	ev.data.fd = s->self_fd;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->self_fd, &ev) == -1)
		return false;
	ev.events = EPOLLIN | EPOLLET; /* each write is an event, read or not */
	ev.data.fd = s->wake_fd;
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wake_fd, &ev) == 0;
}

bool
sentry_start(struct sentry *s, size_t slots, uid_t uid, gid_t gid,
    bool required, char *error, size_t error_size)
{
	const struct order o = { s, uid, gid, required, getpid() };
	pid_t pid = -1;

	*s = (struct sentry){ .pidfd = -1, .stat_fd = -1, .self_fd = -1,
		.wake_fd = -1, .epoll = -1 };
	if (make_page(s, slots) && make_descriptors(s))
		pid = fork_sharing();
	if (pid == 0)
		run(&o);
	if (pid != -1)
		s->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (s->pidfd == -1)
		(void)snprintf(error, error_size, "%s", strerror(errno));
	else if (wait_ready(s, error, error_size))
		return true;
	if (pid != -1) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	sentry_end(s);
	return false;
}

void
sentry_end(struct sentry *s)
{
	const int all[] = { s->pidfd, s->stat_fd, s->self_fd, s->wake_fd,
		s->epoll };
	struct pollfd ended = { .fd = s->pidfd, .events = POLLIN };

	if (s->page == NULL)
		return;
	sentry_rest(s);
	atomic_store(&s->page->over, true);
	if (s->wake_fd != -1)
		sentry_call(s);
	if (s->pidfd != -1)
		(void)poll(&ended, 1, READY_MS);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] != -1)
			(void)close(all[i]);
	(void)munmap(s->page, s->size);
	*s = (struct sentry){ .page = NULL };
}
