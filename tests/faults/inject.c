/*
 * inject: strike a running daemon at one of its system calls.
 *
 * A tracer (ptrace(2)) that is told by lines on its standard input what to
 * do, and says by lines on its standard output how it went:
 *
 *   follow PID WAY NAME N VALUE
 *            attach, let the process reach the call in which it waits for
 *            events, and answer "armed".  The calls that it makes from then
 *            on are counted by name; the Nth one of NAME is struck:
 *            list    by nothing (NAME is "-")
 *            before  the process is killed, and has not made the call
 *            after   the process is killed once it has made it
 *            error   it is not made, and fails with errno VALUE
 *            short   it is made with about half of what it was to move
 *   end      wait until the process waits for events again or is gone, let go
 *            of it, and answer "hit" or "missed", and then the names of all
 *            calls, in their order, with what each was to move, if it is of
 *            those that can be cut short
 *
 * A call that is not made becomes getpid(2), which the daemon's filter lets
 * through: the filter stays in force, so that what the daemon does about an
 * error is held to it as well.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registers.h"

#define CALL_STOP (SIGTRAP | 0x80)

enum way { LIST, BEFORE, AFTER, ERROR, SHORT };

static const char *const ways[] = { "list", "before", "after", "error",
	"short" };

static const struct {
	const char *name;
	long nr;
} names[] = {
#define CALL(name, order, rule, test, why) { #name, __NR_##name },
#define UNLISTED(name, test)
#include "sandbox.def"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEEN_MAX 4096

struct tracer {
	pid_t pid; /* 0: none */
	enum way way;
	long nr; /* of the call to strike */
	unsigned nth;
	int value;
	bool armed;   /* it has waited for events */
	bool waits;   /* it does so now */
	bool ending;  /* "end" was said */
	bool leaving; /* the next stop is the last one */
	bool hit;     /* it has struck */
	bool killed;  /* so its end is still to come */
	bool striking; /* the call that ends next is the struck one */
	unsigned count;
	uint64_t place, saved; /* memory that was changed for a short call */
	struct {
		long nr;
		uint64_t size;
	} seen[SEEN_MAX];
	size_t seen_count;
};

void
die(const char *what)
{
	(void)fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(99);
}

static void
say(const char *text)
{
	(void)puts(text);
	(void)fflush(stdout);
}

static const char *
name_of(long nr)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].nr == nr)
			return names[i].name;
	return "?";
}

static long
number_of(const char *name)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].nr;
	return -1;
}

static bool
is_wait(long nr)
{
#ifdef __NR_epoll_wait
	if (nr == __NR_epoll_wait)
		return true;
#endif
	return nr == __NR_epoll_pwait;
}

/* ---- short calls ---- */

static uint64_t
peek(pid_t pid, uint64_t at)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, pid, (void *)(uintptr_t)at, NULL);
	if (errno != 0)
		die("PTRACE_PEEKDATA");
	return (uint64_t)word;
}

static void
poke(pid_t pid, uint64_t at, uint64_t word)
{
	if (ptrace(PTRACE_POKEDATA, pid, (void *)(uintptr_t)at,
		(void *)(uintptr_t)word) == -1)
		die("PTRACE_POKEDATA");
}

/* Where the length of the one buffer lies in memory; 0: in the arguments. */
static uint64_t
length_place(pid_t pid, const struct __ptrace_syscall_info *s)
{
	if (s->entry.nr == __NR_recvmsg)
		return peek(pid, s->entry.args[1] + 16) + 8;
	if (s->entry.nr == __NR_writev && s->entry.args[2] == 1)
		return s->entry.args[1] + 8;
	return 0;
}

static bool
has_length(uint64_t nr)
{
	return nr == __NR_read || nr == __NR_write || nr == __NR_pread64 ||
	    nr == __NR_pwrite64 || nr == __NR_writev || nr == __NR_sendto ||
	    nr == __NR_recvmsg;
}

/* How much it is to move: bytes, or buffers of several. */
static uint64_t
length_of(pid_t pid, const struct __ptrace_syscall_info *s)
{
	uint64_t place;

	if (!has_length(s->entry.nr))
		return 0;
	place = length_place(pid, s);
	return place != 0 ? peek(pid, place) : s->entry.args[2];
}

static void
shorten(struct tracer *t, const struct __ptrace_syscall_info *s)
{
	uint64_t length = length_of(t->pid, s) / 2;

	/* What comes in is far less than there is room for. */
	if (s->entry.nr == __NR_recvmsg && length > 7)
		length = 7;
	t->place = length_place(t->pid, s);
	if (t->place == 0) {
		registers_length(t->pid, length);
		return;
	}
	t->saved = peek(t->pid, t->place);
	poke(t->pid, t->place, length);
}

/* ---- the calls ---- */

static void
kill_it(struct tracer *t)
{
	t->hit = t->killed = true;
	(void)kill(t->pid, SIGKILL);
}

static void
strike(struct tracer *t, const struct __ptrace_syscall_info *s)
{
	t->hit = t->way != AFTER;
	t->striking = true;
	if (t->way == BEFORE) {
		kill_it(t);
	} else if (t->way == ERROR) {
		registers_call(t->pid, __NR_getpid);
		t->waits = false;
	}
	if (t->way == SHORT)
		shorten(t, s);
}

static void
on_begin(struct tracer *t, const struct __ptrace_syscall_info *s)
{
	t->waits = is_wait((long)s->entry.nr);
	if (!t->armed) {
		t->armed = t->waits;
		if (t->armed)
			say("armed");
		return;
	}
	if (t->seen_count < SEEN_MAX) {
		t->seen[t->seen_count].nr = (long)s->entry.nr;
		t->seen[t->seen_count++].size = length_of(t->pid, s);
	}
	if (t->way != LIST && (long)s->entry.nr == t->nr && ++t->count == t->nth)
		strike(t, s);
}

static void
on_end(struct tracer *t)
{
	t->waits = false;
	if (!t->striking)
		return;
	t->striking = false;
	if (t->way == AFTER) {
		kill_it(t);
	} else if (t->way == ERROR) {
		registers_result(t->pid, -t->value);
	} else if (t->place != 0) {
		poke(t->pid, t->place, t->saved);
	}
	t->place = 0;
}

/* First of all let go: whoever is told so may kill it, and wait for that. */
static void
let_go(struct tracer *t, int signal)
{
	if (t->pid > 0 &&
	    ptrace(PTRACE_DETACH, t->pid, NULL, (void *)(intptr_t)signal) ==
		-1 && waitpid(t->pid, NULL, __WALL) == -1)
		die("PTRACE_DETACH");
	(void)printf("%s", t->hit ? "hit" : "missed");
	for (size_t i = 0; i < t->seen_count; i++)
		(void)printf(" %s:%llu", name_of(t->seen[i].nr),
		    (unsigned long long)t->seen[i].size);
	say("");
	*t = (struct tracer){ .pid = 0 };
}

static void
go_on(const struct tracer *t, int signal)
{
	if (ptrace(PTRACE_SYSCALL, t->pid, NULL, (void *)(intptr_t)signal) ==
		-1 && errno != ESRCH)
		die("PTRACE_SYSCALL");
}

/* The process has stopped for this reason. */
static void
on_stop(struct tracer *t, int status)
{
	struct __ptrace_syscall_info s = { 0 };
	int signal = WSTOPSIG(status);

	if (signal == CALL_STOP) {
		if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid,
			(void *)sizeof(s), &s) == -1)
			die("PTRACE_GET_SYSCALL_INFO");
		if (s.op == PTRACE_SYSCALL_INFO_ENTRY)
			on_begin(t, &s);
		else
			on_end(t);
		signal = 0;
	} else if (status >> 16 == PTRACE_EVENT_STOP) {
		signal = 0;
	}
	if (!t->killed && (t->leaving || (t->ending && t->waits)))
		let_go(t, signal);
	else
		go_on(t, signal);
}

static void
on_children(struct tracer *t)
{
	int status;
	pid_t pid;

	while (t->pid > 0 &&
	    (pid = waitpid(t->pid, &status, WNOHANG | __WALL)) != 0) {
		if (pid == -1 && errno != ECHILD)
			die("waitpid");
		if (pid == -1 || !WIFSTOPPED(status)) {
			if (!t->armed)
				say("gone");
			t->pid = -1; /* until "end" */
			if (t->ending)
				let_go(t, 0);
			return;
		}
		on_stop(t, status);
	}
}

static void
follow(struct tracer *t, const char *line)
{
	char way[16], name[32];
	int pid;

	*t = (struct tracer){ .pid = 0 };
	if (sscanf(line, "follow %d %15s %31s %u %d", &pid, way, name,
		&t->nth, &t->value) != 5)
		die(line);
	while (t->way <= SHORT && strcmp(ways[t->way], way) != 0)
		t->way++;
	t->nr = number_of(name);
	if (t->way > SHORT || (t->nr == -1 && t->way != LIST))
		die(line);
	t->pid = (pid_t)pid;
	if (ptrace(PTRACE_SEIZE, t->pid, NULL,
		(void *)(intptr_t)PTRACE_O_TRACESYSGOOD) == -1 ||
	    ptrace(PTRACE_INTERRUPT, t->pid, NULL, NULL) == -1)
		die("PTRACE_SEIZE");
}

static void
on_line(struct tracer *t, const char *line)
{
	if (strncmp(line, "follow ", 7) == 0) {
		follow(t, line);
	} else {
		t->ending = true;
		if (t->pid == -1)
			let_go(t, 0);
		else if (t->waits && !t->killed &&
		    ptrace(PTRACE_INTERRUPT, t->pid, NULL, NULL) != -1)
			t->leaving = true;
	}
}

int
main(void)
{
	static struct tracer t;
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN },
		{ .events = POLLIN } };
	struct signalfd_siginfo info;
	sigset_t set;
	char line[128];

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	p[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	while (poll(p, 2, -1) != -1 || errno == EINTR) {
		if (p[1].revents != 0 &&
		    read(p[1].fd, &info, sizeof(info)) == -1)
			die("signalfd");
		if (p[0].revents != 0) {
			if (fgets(line, sizeof(line), stdin) == NULL)
				return 0;
			on_line(&t, line);
		}
		on_children(&t);
	}
	return 1;
}
