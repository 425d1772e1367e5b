/*
 * holder: a program with libcofre that does what its standard input says,
 * for 32-holders-are-told-of-newer-versions.py.  It answers each line with
 * one: a status, and what came with it.
 *
 *	holder SOCKET
 *
 *	get W N [VERSION]	fetch it: "ok 3"
 *	fd			cofre_watch_fd()
 *	next			cofre_watch_next(): "ok w/n 3"
 *	poll MS			is the descriptor readable in that time: "1"
 *	child LINE		the line, done by a child process
 *	stale W N VERSION	cofre_report_stale()
 *	attach TOKEN		cofre_run_attach()
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cofre.h"

static cofre *c;
static int fd = -1;

static void
answer(enum cofre_status s)
{
	(void)printf("%s", cofre_status_name(s));
	if (s != COFRE_OK && *cofre_error(c) == '\0' && s != COFRE_NO_CHANGE)
		(void)printf(" without a text");
}

static void
do_get(const char *w, const char *n, const char *version)
{
	cofre_secret *secret = NULL;
	enum cofre_status s = cofre_get(c, w, n,
	    (uint32_t)strtoul(version, NULL, 10), NULL, &secret);

	answer(s);
	if (s == COFRE_OK)
		(void)printf(" %u", cofre_secret_version(secret));
	cofre_secret_free(secret);
}

static void
do_fd(void)
{
	int before = fd;
	enum cofre_status s = cofre_watch_fd(c, &fd);

	answer(s);
	if (before != -1 && fd != before)
		(void)printf(" another");
}

static void
do_next(void)
{
	struct cofre_change change;
	enum cofre_status s = cofre_watch_next(c, &change);

	answer(s);
	if (s == COFRE_OK)
		(void)printf(" %s/%s %u", change.workspace, change.name,
		    change.version);
}

static void
do_poll(const char *ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)printf("%d", poll(&p, 1, atoi(ms)));
}

static void
do_line(char *line)
{
	struct cofre_run run;
	char verb[16] = "", a[256] = "", b[256] = "", n[16] = "0";
	int words = sscanf(line, "%15s %255s %255s %15s", verb, a, b, n);

	if (words > 0 && strcmp(verb, "get") == 0)
		do_get(a, b, n);
	else if (strcmp(verb, "fd") == 0)
		do_fd();
	else if (strcmp(verb, "next") == 0)
		do_next();
	else if (strcmp(verb, "poll") == 0)
		do_poll(a);
	else if (strcmp(verb, "stale") == 0)
		answer(cofre_report_stale(c, a, b,
		    (uint32_t)strtoul(n, NULL, 10)));
	else if (strcmp(verb, "attach") == 0)
		answer(cofre_run_attach(c, a, &run));
	else
		(void)printf("what is %s?", verb);
}

/* A child does what stands behind the word, and closes what it has. */
static void
do_child(char *line)
{
	pid_t child;

	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		for (char *part = strtok(line, ";"); part != NULL;
		     part = strtok(NULL, ";")) {
			do_line(part);
			(void)printf(";");
		}
		(void)fflush(stdout);
		cofre_close(c);
		_exit(0);
	}
	(void)waitpid(child, NULL, 0);
}

int
main(int argc, char *argv[])
{
	char line[1024];

	if (argc != 2 || cofre_open(&c, argv[1], 0) != COFRE_OK) {
		(void)fprintf(stderr, "holder: %s\n", cofre_error(c));
		cofre_close(c);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "child ", 6) == 0)
			do_child(line + 6);
		else
			do_line(line);
		(void)printf("\n");
		(void)fflush(stdout);
	}
	cofre_close(c);
	return 0;
}
