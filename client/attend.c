#include "attend.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "become.h"

#define EXIT_SIGNALED 128

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
	if (sigprocmask(SIG_BLOCK, &set, before) == -1)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool
set_descriptors(const struct attend *a)
{
	return (a->in == -1 || dup2(a->in, STDIN_FILENO) != -1) &&
	    (!a->quiet || dup2(STDERR_FILENO, STDOUT_FILENO) != -1);
}

static _Noreturn void
be_command(const struct cmd *cmd, const struct attend *a)
{
	if (a->agent != NULL && (setenv("SSH_AUTH_SOCK", a->agent, 1) == -1 ||
		unsetenv("SSH_AGENT_PID") == -1))
		_exit(cmd_error(cmd, COFRE_NO_MEMORY, "out of memory"));
	if (!set_descriptors(a))
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

static int
wait_for(const struct cmd *cmd, struct relay *r, int signals, pid_t child)
{
	struct pollfd fds[1 + RELAY_FDS];
	int code, timeout;

	for (;;) {
		size_t n = 1 + relay_wants(r, fds + 1, &timeout);

		fds[0] = (struct pollfd){ signals, POLLIN, 0 };
		if (poll(fds, n, timeout) == -1) {
			if (errno == EINTR)
				continue;
			return cmd_error(cmd, COFRE_INTERNAL, "poll: %s",
			    strerror(errno));
		}
		if (fds[0].revents != 0) {
			pass_on(signals, child);
			if (reap(child, &code))
				return code;
		}
		relay_serve(r, fds + 1);
	}
}

int
attend_run(struct cmd *cmd, const struct attend *a)
{
	sigset_t before;
	int signals = open_signals(&before);
	int code;
	pid_t child;

	if (signals == -1 || prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		return cmd_error(cmd, COFRE_INTERNAL,
		    "can't keep track of the command: %s", strerror(errno));
	child = fork();
	if (child == 0)
		be_command(cmd, a);
	if (child == -1)
		code = cmd_error(cmd, COFRE_INTERNAL, "fork: %s",
		    strerror(errno));
	else {
		a->relay->noted = child;
		code = wait_for(cmd, a->relay, signals, child);
	}
	(void)close(signals);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}
