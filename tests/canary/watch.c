/*
 * watch: run a test, and look at every process of it that is a program of
 * cofre's: a daemon whenever it waits for events, and all of them when they
 * end, before the kernel takes their memory.  Of all other processes only the
 * arguments and the environment are looked at.
 *
 *	watch NEEDLES REPORT TEST [ARGUMENT ...]
 *
 * What a program is is known by its name.  With WATCH_COMMANDS in the environment
 * daemons are left alone, for tests that trace them.  It exits as the test does.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "places.h"

#define PROCESSES 4096u
#define EVERY 100 /* milliseconds; WATCH_EVERY */
#define PATIENCE 50 /* times as long for what is left when the test ends */
#define EPOLL_WAIT 232 /* on x86-64 */

enum kind {
	KIND_OTHER,
	KIND_DAEMON,
	KIND_FORKED, /* by a daemon: its witness, and who checks its stores; or
			by a command, for a source: PROGRAM+ */
	KIND_COMMAND,
	KIND_TRACER, /* it traces processes itself, also its children */
};

struct process {
	pid_t pid; /* 0: a free place */
	enum kind kind;
	bool asked; /* to stand still */
	bool begun; /* it has executed a program while it was watched */
	char program[32];
};

struct watch {
	struct tally tally;
	struct needles *needles;
	struct process list[PROCESSES];
	pid_t test;
	int status; /* of the test */
	bool over;
	bool leave_daemons;
};

static volatile sig_atomic_t is_time;

static void
on_alarm(int number)
{
	(void)number;
	is_time = 1;
}

static struct process *
find(struct watch *w, pid_t pid)
{
	struct process *unused = NULL;

	for (size_t i = 0; i < PROCESSES; i++) {
		if (w->list[i].pid == pid)
			return &w->list[i];
		if (w->list[i].pid == 0 && unused == NULL)
			unused = &w->list[i];
	}
	if (unused == NULL)
		abort();
	*unused = (struct process){ .pid = pid };
	return unused;
}

/* What the program of a process is, by its path. */
static enum kind
kind_of(struct process *p)
{
	static const char *const commands[] = { "cofre", "fetch", "put", "run",
		"watch", "azure", "docker", "file", "http" };
	char link[64], path[PATH_MAX];
	const char *name;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)p->pid);
	if ((n = readlink(link, path, sizeof(path) - 1)) <= 0)
		return KIND_OTHER;
	path[n] = '\0';
	name = strrchr(path, '/') + 1;
	(void)snprintf(p->program, sizeof(p->program), "%.31s", name);
	if (strcmp(name, "gdb") == 0 || strcmp(name, "strace") == 0)
		return KIND_TRACER;
	if (strncmp(path, "/usr/", 5) == 0 || strncmp(path, "/bin/", 5) == 0)
		return KIND_OTHER;
	if (strcmp(name, "cofred") == 0)
		return KIND_DAEMON;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i]) == 0)
			return KIND_COMMAND;
	return KIND_OTHER;
}

/* Is it at rest: in the daemon's loop, between two turns? */
static bool
waits(pid_t pid)
{
	struct user_regs_struct regs;

	return ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0 &&
	    regs.orig_rax == EPOLL_WAIT;
}

static void
go_on(pid_t pid, int signal)
{
	(void)ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)signal);
}

/* It has executed a program. */
static void
begins(struct watch *w, struct process *p)
{
	p->begun = true;
	p->kind = kind_of(p);
	(void)needles_update(w->needles);
	places_arguments(&w->tally, w->needles, p->pid, MOMENT_OTHER,
	    p->program);
	if (p->kind == KIND_TRACER ||
	    (p->kind == KIND_DAEMON && w->leave_daemons)) {
		(void)ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
		p->pid = 0;
		return;
	}
	go_on(p->pid, 0);
}

/* It ends; its memory is still there. */
static void
ends(struct watch *w, struct process *p)
{
	enum moment moment = p->kind == KIND_COMMAND ? MOMENT_COMMAND :
						       MOMENT_END;
	unsigned long status = 0;

	(void)ptrace(PTRACE_GETEVENTMSG, p->pid, NULL, &status);
	/* What a signal ends is in the middle of something. */
	if (p->kind != KIND_OTHER && WIFEXITED((int)status)) {
		(void)needles_update(w->needles);
		places_memory(&w->tally, w->needles, p->pid, moment,
		    p->program);
		places_arguments(&w->tally, w->needles, p->pid, moment,
		    p->program);
	}
	if (p->kind == KIND_DAEMON)
		places_files(&w->tally, w->needles, p->pid, p->program);
	go_on(p->pid, 0);
}

/* A daemon that was asked to stand still does. */
static void
stands(struct watch *w, struct process *p)
{
	p->asked = false;
	if (p->kind == KIND_DAEMON && waits(p->pid)) {
		(void)needles_update(w->needles);
		places_memory(&w->tally, w->needles, p->pid, MOMENT_IDLE,
		    p->program);
	}
	go_on(p->pid, 0);
}

/* A child has the program of its parent until it executes one; it may have
   done so before the parent is heard of. */
static void
inherit(struct process *child, const struct process *p)
{
	if (child->begun)
		return;
	memcpy(child->program, p->program, sizeof(child->program));
	child->kind = p->kind;
	if (p->kind == KIND_DAEMON || p->kind == KIND_COMMAND)
		child->kind = KIND_FORKED;
	if (p->kind == KIND_COMMAND)
		(void)snprintf(child->program, sizeof(child->program), "%.30s+",
		    p->program);
}

static void
stopped(struct watch *w, pid_t pid, int status)
{
	struct process *p = find(w, pid);
	int number = WSTOPSIG(status), event = status >> 16;
	unsigned long child;

	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child) == 0)
			inherit(find(w, (pid_t)child), p);
		go_on(pid, 0);
		break;
	case PTRACE_EVENT_EXEC:
		begins(w, p);
		break;
	case PTRACE_EVENT_EXIT:
		ends(w, p);
		break;
	case PTRACE_EVENT_STOP:
		if (number == SIGTRAP)
			stands(w, p);
		else /* it was stopped by a signal, and stays so */
			(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL);
		break;
	default:
		go_on(pid, number);
	}
}

static void
ask_daemons(struct watch *w)
{
	is_time = 0;
	for (size_t i = 0; i < PROCESSES; i++) {
		struct process *p = &w->list[i];

		if (p->pid != 0 && p->kind == KIND_DAEMON && !p->asked)
			p->asked = ptrace(PTRACE_INTERRUPT, p->pid, NULL,
				       NULL) == 0;
	}
}

static void
serve(struct watch *w)
{
	const char *text = getenv("WATCH_EVERY");
	long ms = text != NULL ? strtol(text, NULL, 10) : EVERY;
	const struct timeval step = { ms / 1000, ms % 1000 * 1000 };
	const struct itimerval every = { step, step };
	struct sigaction alarm = { .sa_handler = on_alarm };
	unsigned late = 0;
	int status;
	pid_t pid;

	(void)sigaction(SIGALRM, &alarm, NULL);
	(void)setitimer(ITIMER_REAL, &every, NULL);
	while (late < PATIENCE) {
		if (is_time) {
			ask_daemons(w);
			late += w->over;
		}
		pid = waitpid(-1, &status, __WALL);
		if (pid == -1 && errno == EINTR)
			continue;
		if (pid == -1)
			return;
		if (WIFSTOPPED(status)) {
			stopped(w, pid, status);
			continue;
		}
		find(w, pid)->pid = 0;
		if (pid == w->test) {
			w->status = status;
			w->over = true;
		}
	}
}

static pid_t
start(char **command)
{
	const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
	    PTRACE_O_EXITKILL;
	int go[2];
	char byte;
	pid_t pid;

	if (pipe(go) == -1 || (pid = fork()) == -1)
		return -1;
	if (pid == 0) {
		(void)close(go[1]);
		if (read(go[0], &byte, 1) == 1) {
			(void)close(go[0]);
			(void)execvp(command[0], command);
		}
		_exit(127);
	}
	(void)close(go[0]);
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) == -1 ||
	    write(go[1], "", 1) != 1)
		pid = -1;
	(void)close(go[1]);
	return pid;
}

int
main(int argc, char **argv)
{
	static struct watch w;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: watch NEEDLES REPORT TEST ...\n");
		return EXIT_FAILURE;
	}
	w.needles = needles_open(argv[1]);
	w.tally.report = fopen(argv[2], "ae");
	w.leave_daemons = getenv("WATCH_COMMANDS") != NULL;
	if (w.needles == NULL || w.tally.report == NULL ||
	    (w.test = start(argv + 3)) == -1) {
		perror("watch");
		return EXIT_FAILURE;
	}
	(void)find(&w, w.test);
	serve(&w);
	places_print(&w.tally);
	(void)fprintf(w.tally.report, "needles %zu\n",
	    needles_update(w.needles));
	(void)fclose(w.tally.report);
	needles_free(w.needles);
	return WIFEXITED(w.status) ? WEXITSTATUS(w.status) :
				     128 + WTERMSIG(w.status);
}
