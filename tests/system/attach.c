/*
 * attach: a program that joins a run by its token, with libcofre.
 *
 *	attach SOCKET WORKSPACE NAME
 *
 * The token is the first line of standard input.  For each further line it
 * fetches the secret once more: "same" on the handle that it has, "child" in
 * a child that has inherited it, "new" on one that has shown the token again.
 * Each answer is a line: a status, and what came with it.
 */
#include <cofre.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const *args;

static void
fetch(cofre *c)
{
	cofre_secret *secret = NULL;
	enum cofre_status s;
	const char *value;
	size_t len = 0;

	s = cofre_get(c, args[2], args[3], 0, "value", &secret);
	value = s == COFRE_OK ? cofre_secret_field(secret, "value", &len) :
				NULL;
	(void)printf("%s %.*s\n", cofre_status_name(s), (int)len,
	    value == NULL ? "" : value);
	(void)fflush(stdout);
	cofre_secret_free(secret);
}

/* A new handle that has shown the token, or NULL, which was told. */
static cofre *
attach(const char *token)
{
	struct cofre_run run;
	enum cofre_status s;
	cofre *c = NULL;

	s = cofre_open(&c, args[1], 0);
	if (s == COFRE_OK)
		s = cofre_run_attach(c, token, &run);
	if (s == COFRE_OK)
		(void)printf("ok %s %s\n", run.id, run.workspace);
	else
		(void)printf("%s %s\n", cofre_status_name(s), cofre_error(c));
	(void)fflush(stdout);
	if (s == COFRE_OK)
		return c;
	cofre_close(c);
	return NULL;
}

static void
fetch_in_child(cofre *c)
{
	pid_t child = fork();

	if (child == 0) {
		fetch(c);
		_exit(0);
	}
	(void)waitpid(child, NULL, 0);
}

static void
again(const char *token)
{
	cofre *c = attach(token);

	if (c != NULL)
		fetch(c);
	cofre_close(c);
}

int
main(int argc, char *argv[])
{
	char token[256], line[16];
	cofre *c;

	args = (const char *const *)argv;
	if (argc != 4 || fgets(token, sizeof(token), stdin) == NULL)
		return 2;
	token[strcspn(token, "\n")] = '\0';
	if ((c = attach(token)) == NULL)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (line[0] == 's')
			fetch(c);
		else if (line[0] == 'c')
			fetch_in_child(c);
		else
			again(token);
	}
	cofre_close(c);
	return 0;
}
