#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reveal.h"

struct pipes {
	int in[2];  /* its standard input */
	int out[2]; /* its standard output */
	int failed[2]; /* says why it could not be executed */
};

static void
close_end(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static void
close_pipes(struct pipes *p)
{
	for (int i = 0; i < 2; i++) {
		close_end(&p->in[i]);
		close_end(&p->out[i]);
		close_end(&p->failed[i]);
	}
}

static bool
make_pipes(struct pipes *p)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	return pipe2(p->in, O_CLOEXEC) == 0 && pipe2(p->out, O_CLOEXEC) == 0 &&
	    pipe2(p->failed, O_CLOEXEC) == 0;
}

/* In the child, between fork and exec. */
static _Noreturn void
execute(const struct child *c, const struct pipes *p)
{
	char **argv = (char **)(uintptr_t)c->argv;
	int error;

	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(p->in[0], STDIN_FILENO) != -1 &&
	    dup2(p->out[1], STDOUT_FILENO) != -1) {
		for (size_t i = 0; i < c->keep_count; i++)
			if (c->keep[i] != -1)
				(void)fcntl(c->keep[i], F_SETFD, 0);
		(void)execvp(argv[0], argv);
	}
	error = errno;
	while (write(p->failed[1], &error, sizeof(error)) == -1 &&
	    errno == EINTR)
		;
	_exit(127);
}

/* 0 when it was executed, else what exec said. */
static int
exec_error(int fd)
{
	int error = 0;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(error) ? error : 0;
}

static enum cofre_status
talk(const struct child *c, struct pipes *pipes, struct input *out,
    struct problem *p)
{
	enum cofre_status s;
	int error;

	close_end(&pipes->in[0]);
	close_end(&pipes->out[1]);
	close_end(&pipes->failed[1]);
	error = exec_error(pipes->failed[0]);
	if (error != 0)
		return problem_set(p, COFRE_ARGUMENT, "can't run %.60s: %s",
		    c->argv[0], strerror(error));
	/* One that does not want to read it will say so itself. */
	(void)reveal_write(pipes->in[1], c->text);
	close_end(&pipes->in[1]);
	s = input_fd(out, pipes->out[0], "what the program prints", p);
	close_end(&pipes->out[0]);
	return s;
}

static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return status;
}

enum cofre_status
child_run(const struct child *c, struct input *out, int *code,
    struct problem *p)
{
	struct pipes pipes;
	enum cofre_status s;
	pid_t pid = -1;
	int status;

	if (!make_pipes(&pipes) || (pid = fork()) == -1) {
		s = problem_set(p, COFRE_NO_MEMORY, "can't run %.60s: %s",
		    c->argv[0], strerror(errno));
		close_pipes(&pipes);
		return s;
	}
	if (pid == 0)
		execute(c, &pipes);
	s = talk(c, &pipes, out, p);
	close_pipes(&pipes);
	if (s != COFRE_OK)
		(void)kill(pid, SIGKILL);
	status = wait_for(pid);
	if (s != COFRE_OK)
		return s;
	if (!WIFEXITED(status))
		return problem_set(p, COFRE_ARGUMENT,
		    "%.60s was ended by signal %d", c->argv[0],
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	*code = WEXITSTATUS(status);
	return COFRE_OK;
}
