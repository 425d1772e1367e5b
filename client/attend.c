#include "attend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "become.h"
#include "handle.h"
#include "said.h"

#define EXIT_SIGNALED 128
#define GRACE 2000 /* ms, between SIGTERM and SIGKILL */
#define READ_SIZE 4096u
#define READS 16

static const int passed[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1,
	SIGUSR2, SIGCHLD };

/* They are read from a descriptor; a peer that is gone is no signal. */
static int
open_signals(sigset_t *before)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		(void)sigaddset(&set, passed[i]);
	(void)sigprocmask(SIG_BLOCK, &set, before);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool
set_descriptors(const struct attend *a, int out)
{
	return (a->in == -1 || dup2(a->in, STDIN_FILENO) != -1) &&
	    (out == -1 || (dup2(out, STDOUT_FILENO) != -1 &&
		dup2(out, STDERR_FILENO) != -1));
}

/* End with this process's parent, which may have ended already. */
static bool
tie(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

static _Noreturn void
be_command(const struct cmd *cmd, const struct attend *a, pid_t parent,
    int out)
{
	if (a->tied && !tie(parent))
		_exit(EXIT_SIGNALED + SIGTERM);
	if (a->agent != NULL && (setenv("SSH_AUTH_SOCK", a->agent, 1) == -1 ||
		unsetenv("SSH_AGENT_PID") == -1))
		_exit(cmd_error(cmd, COFRE_NO_MEMORY, "out of memory"));
	if (!set_descriptors(a, out))
		_exit(cmd_error(cmd, COFRE_INTERNAL,
		    "can't give the command its input and output: %s",
		    strerror(errno)));
	_exit(become_program(cmd, a->argv));
}

/* What came from the terminal has come to the command too. */
static void
pass_on(int signals, pid_t child)
{
	struct signalfd_siginfo si;

	while (read(signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo != SIGCHLD && si.ssi_code != SI_KERNEL)
			(void)kill(child, (int)si.ssi_signo);
}

/* It was stopped alone, as ssh's ~^Z does: whoever waits for this process
   gets the terminal back, and lets both go on. */
static void
stop_too(pid_t child)
{
	(void)kill(getpid(), SIGSTOP);
	(void)kill(child, SIGCONT);
}

/* Take what has ended, orphans too.  True when the command has. */
static bool
reap(pid_t child, int *code)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != child)
			continue;
		if (WIFSTOPPED(status)) {
			stop_too(child);
			continue;
		}
		ended = true;
		*code = WIFEXITED(status) ? WEXITSTATUS(status) :
					    EXIT_SIGNALED + WTERMSIG(status);
	}
	return ended;
}

/* What is waited for. */
struct waiting {
	struct attend *a;
	int signals;
	int out; /* of the command, or -1 */
	pid_t child;
	int64_t until; /* then the command is ended; 0: never */
	struct said said;
};

/* Pass on what it says, as far as it has come; a little at once. */
static void
listen_to(struct waiting *w)
{
	uint8_t bytes[READ_SIZE];
	ssize_t n = 1;

	for (int i = 0; i < READS && w->out != -1 && n > 0; i++) {
		n = read(w->out, bytes, sizeof(bytes));
		if (n > 0)
			said_take(&w->said, (struct view){ bytes, (size_t)n });
	}
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		(void)close(w->out);
		w->out = -1;
	}
}

/* It has had its time.  Who does not end by this is killed a little later. */
static void
end_it(struct waiting *w)
{
	(void)kill(w->child, w->a->late ? SIGKILL : SIGTERM);
	w->until = w->a->late ? 0 : handle_now() + GRACE;
	w->a->late = true;
}

/* How long poll(2) may wait, when the relay may wait that long. */
static int
wait_at_most(const struct waiting *w, int timeout)
{
	int64_t left = w->until - handle_now();

	if (w->until == 0)
		return timeout;
	left = left < 0 ? 0 : left;
	return timeout == -1 || left < timeout ? (int)left : timeout;
}

static int
wait_for(const struct cmd *cmd, struct waiting *w)
{
	struct pollfd fds[2 + RELAY_FDS];
	int code, timeout;

	for (;;) {
		size_t n = 2 + relay_wants(w->a->relay, fds + 2, &timeout);

		fds[0] = (struct pollfd){ w->signals, POLLIN, 0 };
		fds[1] = (struct pollfd){ w->out, POLLIN, 0 };
		if (poll(fds, n, wait_at_most(w, timeout)) == -1) {
			if (errno == EINTR)
				continue;
			return cmd_error(cmd, COFRE_INTERNAL, "poll: %s",
			    strerror(errno));
		}
		if (fds[1].revents != 0)
			listen_to(w);
		if (fds[0].revents != 0) {
			pass_on(w->signals, w->child);
			if (reap(w->child, &code)) {
				listen_to(w);
				return code;
			}
		}
		if (w->until != 0 && handle_now() >= w->until)
			end_it(w);
		relay_serve(w->a->relay, fds + 2);
	}
}

/* The command begins, and is waited for.  out: a pipe for what it says. */
static int
run(struct cmd *cmd, struct attend *a, int signals, int out[2])
{
	struct waiting w = { .a = a, .signals = signals, .out = out[0],
		.until = a->seconds == 0 ? 0 :
		    handle_now() + (int64_t)a->seconds * 1000 };
	pid_t self = getpid();
	int code;

	a->late = false;
	w.child = fork();
	if (w.child == 0)
		be_command(cmd, a, self, out[1]);
	if (w.child == -1)
		return cmd_error(cmd, COFRE_INTERNAL, "fork: %s",
		    strerror(errno));
	if (out[1] != -1)
		(void)close(out[1]);
	out[1] = -1;
	a->relay->noted = w.child;
	code = wait_for(cmd, &w);
	said_end(&w.said);
	out[0] = w.out;
	return code;
}

int
attend_run(struct cmd *cmd, struct attend *a)
{
	sigset_t before;
	int out[2] = { -1, -1 };
	int signals = open_signals(&before);
	int code;

	if (signals == -1 || prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 ||
	    (a->quiet && pipe2(out, O_CLOEXEC) == -1) ||
	    (a->quiet && fcntl(out[0], F_SETFL, O_NONBLOCK) == -1))
		code = cmd_error(cmd, COFRE_INTERNAL,
		    "can't keep track of the command: %s", strerror(errno));
	else
		code = run(cmd, a, signals, out);
	for (size_t i = 0; i < 2; i++)
		if (out[i] != -1)
			(void)close(out[i]);
	if (signals == -1)
		return code;
	(void)close(signals);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}
