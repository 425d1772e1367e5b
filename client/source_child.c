#include "source_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "signals.h"
#include "sizes.h"

#define CHILDREN "/proc/thread-self/children"
/* One reading of it; more come with the next. */
#define CHILDREN_MAX 64u
/* What a source starts with is moved out of the way of 0 to 3. */
#define FIRST_FREE 10
#define SCRIPT_FD 3
#define KEYCTL_JOIN_SESSION_KEYRING 1
#define EXIT_NOT_EXECUTED 126

const char *
source_step_text(enum source_step step)
{
	switch (step) {
	case SOURCE_STEP_FORK:
		return "fork";
	case SOURCE_STEP_DESCRIPTORS:
		return "give it its descriptors";
	case SOURCE_STEP_USER:
		return "become the user for it";
	case SOURCE_STEP_LIMITS:
		return "limit it";
	case SOURCE_STEP_EXECUTE:
		return "execute it";
	}
	return "?";
}

/*
 * Killing.
 */

bool
source_child_can_kill(void)
{
	char self[16];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	if (n <= 0)
		return false;
	self[n] = '\0';
	return strtol(self, NULL, 10) == getpid() &&
	    access(CHILDREN, R_OK) == 0;
}

/*
 * Some children, the rest is for another call.  Only what a blank follows is
 * a whole number.
 */
static size_t
some_children(pid_t to[CHILDREN_MAX])
{
	char text[CHILDREN_MAX * 8];
	int fd = open(CHILDREN, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof(text));
	size_t count = 0;
	pid_t pid = 0;

	if (fd != -1)
		(void)close(fd);
	for (ssize_t i = 0; i < n && count < CHILDREN_MAX; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			pid = pid * 10 + (text[i] - '0');
		} else if (pid != 0) {
			to[count++] = pid;
			pid = 0;
		}
	}
	return count;
}

static bool
is_among(pid_t pid, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Nobody else has the number of a child that was not waited for. */
static bool
is_child(pid_t pid)
{
	siginfo_t si;

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) ==
	    0;
}

bool
source_child_kill(const pid_t *but, size_t count, bool wait)
{
	pid_t pids[CHILDREN_MAX];
	size_t n = some_children(pids);
	bool none = true;

	for (size_t i = 0; i < n; i++) {
		if (is_among(pids[i], but, count) || !is_child(pids[i])) {
			pids[i] = 0;
			continue;
		}
		none = false;
		(void)kill(pids[i], SIGKILL);
	}
	for (size_t i = 0; i < n; i++)
		if (pids[i] != 0)
			while (waitpid(pids[i], NULL, wait ? 0 : WNOHANG) ==
			    -1 && errno == EINTR)
				continue;
	return none;
}

/* Everything below the supervisor, until wait(2) says that there is nothing. */
static void
kill_all(void)
{
	while (!(source_child_kill(NULL, 0, true) &&
	    waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD))
		continue;
}

/*
 * The source.
 */

static void
report(int control, enum source_event event, enum source_step step, int value)
{
	const struct source_report r = { event, step, value };

	(void)send(control, &r, sizeof(r), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static _Noreturn void
cant(int control, enum source_step step)
{
	report(control, SOURCE_CANT, step, errno);
	_exit(EXIT_NOT_EXECUTED);
}

/* 0 to 2, for a script 3, and what is closed by the exec. */
static bool
set_descriptors(struct source_child *c)
{
	int *const all[] = { &c->in, &c->out, &c->err, &c->control,
		&c->program.fd };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int fd = fcntl(*all[i], F_DUPFD_CLOEXEC, FIRST_FREE);

		if (fd == -1)
			return false;
		*all[i] = fd;
	}
	if (dup2(c->in, 0) == -1 || dup2(c->out, 1) == -1 ||
	    dup2(c->err, 2) == -1)
		return false;
	if (!c->program.script)
		return close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == -1 ||
	    dup2(c->program.fd, SCRIPT_FD) == -1)
		return false;
	c->program.fd = SCRIPT_FD;
	return true;
}

/* A session keyring holds secrets too; where there are none, there are none
   to be had. */
static bool
become_user(const struct source_user *u)
{
	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return !u->change || account_become(u->uid, u->gid);
}

/* The parent's death is told again to who has changed its user. */
static bool
limit(pid_t parent)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1 || chdir("/") == -1)
		return false;
	(void)umask(S_IRWXG | S_IRWXO);
	return getppid() == parent;
}

static _Noreturn void
be_source(struct source_child c, pid_t supervisor)
{
	char home[sizeof("HOME=") + ACCOUNT_HOME_MAX];
	char name[SOURCE_NAME_MAX + 1];
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char locale[] = "LC_ALL=C.UTF-8";
	char *argv[] = { name, NULL };
	char *env[] = { path, home, locale, NULL };

	(void)snprintf(home, sizeof(home), "HOME=%s", c.user->home);
	(void)snprintf(name, sizeof(name), "%s", c.name);
	(void)setsid();
	if (!set_descriptors(&c))
		cant(c.control, SOURCE_STEP_DESCRIPTORS);
	if (!become_user(c.user))
		cant(c.control, SOURCE_STEP_USER);
	if (!limit(supervisor))
		cant(c.control, SOURCE_STEP_LIMITS);
	signals_reset();
	(void)syscall(SYS_execveat, c.program.fd, "", argv, env,
	    AT_EMPTY_PATH);
	cant(c.control, SOURCE_STEP_EXECUTE);
}

/*
 * The supervisor.
 */

static int
compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

/* Close every descriptor but these. */
static void
keep_only(const struct source_child *c)
{
	int kept[] = { c->in, c->out, c->err, c->control, c->program.fd };
	unsigned next = 0;

	qsort(kept, sizeof(kept) / sizeof(kept[0]), sizeof(kept[0]), compare);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if ((unsigned)kept[i] > next)
			(void)close_range(next, (unsigned)kept[i] - 1, 0);
		next = (unsigned)kept[i] + 1;
	}
	(void)close_range(next, ~0U, 0);
}

/*
 * SIGCHLD can be waited for.  When the command is gone the kernel sends
 * SIGCONT, so that a supervisor that was stopped, which its source can do when
 * both have the same user, sees that the control socket is closed.
 */
static int
open_signals(const struct source_child *c)
{
	sigset_t set;

	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	if (prctl(PR_SET_PDEATHSIG, SIGCONT) == -1 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 ||
	    getppid() != c->parent)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Take what has ended.  True when the source itself has. */
static bool
reap(pid_t source, int *status)
{
	bool ended = false;
	int st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0)
		if (pid == source) {
			*status = st;
			ended = true;
		}
	return ended;
}

/* Until the source has ended, the command wants no more, or it is time. */
static void
watch(const struct source_child *c, int signals, pid_t source)
{
	int64_t end = now_ms() + c->deadline_ms;
	struct pollfd fds[] = { { signals, POLLIN, 0 },
		{ c->control, POLLIN, 0 } };
	struct signalfd_siginfo si;

	for (;;) {
		int64_t left = end - now_ms();
		int status = 0;

		if (left <= 0) {
			report(c->control, SOURCE_LATE, 0, 0);
			return;
		}
		if (poll(fds, 2, (int)left) == -1) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (fds[1].revents != 0)
			return;
		while (read(signals, &si, sizeof(si)) == sizeof(si))
			continue;
		if (reap(source, &status)) {
			report(c->control, SOURCE_ENDED, 0, status);
			return;
		}
	}
}

_Noreturn void
source_child_supervise(const struct source_child *c)
{
	pid_t self = getpid();
	pid_t source;
	int signals;

	(void)setsid();
	keep_only(c);
	signals = open_signals(c);
	source = signals == -1 ? -1 : fork();
	if (source == 0)
		be_source(*c, self);
	if (source == -1)
		cant(c->control, SOURCE_STEP_FORK);
	(void)close(c->in);
	(void)close(c->out);
	(void)close(c->err);
	(void)close(c->program.fd);
	watch(c, signals, source);
	kill_all();
	_exit(0);
}
