/*
 * run: what a compute agent does: it starts a program as a run, which may
 * read the secrets that it is given and nothing else.
 *
 *	run SOCKET WORKSPACE SECRET PROGRAM [ARGUMENT...]
 *
 * The program fetches the secret itself, with libcofre or cofre(1).  It needs
 * nothing to show that it is the run: the daemon knows its process.  The run
 * ends with it.
 *
 * The child waits until the run is there, so that nothing of it runs with
 * the agent's own rights; it keeps its process when it executes the program.
 *
 *	cc -o run run.c $(pkg-config --cflags --libs libcofre)
 */
#include <cofre.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: wait for a byte, which says that the run is there. */
static void
become(int gate, char *argv[])
{
	char byte;

	if (read(gate, &byte, 1) != 1)
		_exit(126);
	(void)close(gate);
	(void)execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* A child that waits; *gate is written to when it may go on. */
static pid_t
make_child(char *argv[], int *gate)
{
	int ends[2];
	pid_t child;

	if (pipe(ends) == -1)
		return -1;
	child = fork();
	if (child == 0) {
		(void)close(ends[1]);
		become(ends[0], argv);
	}
	(void)close(ends[0]);
	*gate = ends[1];
	return child;
}

static enum cofre_status
start(cofre *c, const char *workspace, const char *secret, pid_t child)
{
	struct cofre_run_options o = { 0 };
	struct cofre_run run;
	enum cofre_status s;

	o.size = sizeof(o);
	o.workspace = workspace;
	o.secrets = &secret;
	o.secret_count = 1;
	o.target = COFRE_RUN_PROCESS;
	o.pid = (int)child;
	o.lifetime = 15 * 60;
	s = cofre_run_start(c, &o, &run, NULL, 0);
	if (s == COFRE_OK)
		(void)fprintf(stderr, "run %s\n", run.id);
	return s;
}

int
main(int argc, char *argv[])
{
	enum cofre_status s;
	int status = 0, gate;
	cofre *c = NULL;
	pid_t child;

	if (argc < 5) {
		(void)fprintf(stderr, "usage: run SOCKET WORKSPACE SECRET "
				      "PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	child = make_child(argv + 4, &gate);
	if (child == -1) {
		perror("run");
		return 1;
	}
	s = cofre_open(&c, argv[1], 0);
	if (s == COFRE_OK)
		s = start(c, argv[2], argv[3], child);
	if (s != COFRE_OK)
		(void)fprintf(stderr, "run: %s\n", cofre_error(c));
	else if (write(gate, "", 1) != 1)
		perror("run");
	/* A child that was not let go on sees the end of its pipe. */
	(void)close(gate);
	(void)waitpid(child, &status, 0);
	cofre_close(c);
	if (s != COFRE_OK)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
