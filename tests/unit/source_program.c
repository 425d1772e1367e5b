/*
 * A source that does what it is asked: the argument "do" of its request says
 * which of these.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIB (1u << 30)
#define GOOD "{\"fields\":{\"AccountKey\":\"fresh\"},\"slot\":1,\"serial\":7}\n"

static char request[512 * 1024];

static void
say(int fd, const char *text)
{
	size_t n = strlen(text);

	if (write(fd, text, n) != (ssize_t)n)
		_exit(99);
}

/* A JSON string of any bytes. */
static void
say_string(const char *text, size_t len)
{
	(void)putchar('"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == '"' || c == '\\' || c > 0x7e)
			(void)printf("\\u%04x", c == 0 ? ' ' : c);
		else
			(void)putchar(c);
	}
	(void)putchar('"');
}

static void
say_file(const char *name, const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text));

	(void)close(fd);
	(void)printf("\"%s\":", name);
	say_string(text, n > 0 ? (size_t)n : 0);
	(void)putchar(',');
}

/* What is at each descriptor: "0 1 2". */
static void
say_descriptors(void)
{
	char text[256] = "";
	struct stat st;

	for (int i = 0; i < 1024; i++)
		if (fstat(i, &st) == 0)
			(void)snprintf(text + strlen(text),
			    sizeof(text) - strlen(text), "%d ", i);
	(void)printf("\"fds\":");
	say_string(text, strlen(text));
	(void)putchar(',');
}

/* All that it can see of how it was started. */
static void
about(int argc, char **argv)
{
	char cwd[64] = "", text[128];
	int death = 0;

	(void)printf("{\"fields\":{");
	say_descriptors();
	say_file("environ", "/proc/self/environ");
	say_file("cmdline", "/proc/self/cmdline");
	say_file("status", "/proc/self/status");
	say_file("limits", "/proc/self/limits");
	(void)prctl(PR_GET_PDEATHSIG, &death);
	(void)snprintf(text, sizeof(text), "%s %s %d %d %d %03o",
	    getcwd(cwd, sizeof(cwd)), argv[0], argc, getsid(0) == getpid(),
	    death, (unsigned)umask(0));
	(void)printf("\"about\":");
	say_string(text, strlen(text));
	(void)printf("}}\n");
}

static void
ignore_all(void)
{
	for (int i = 1; i < 65; i++)
		(void)signal(i, SIG_IGN);
}

static _Noreturn void
hang(void)
{
	ignore_all();
	for (;;)
		(void)pause();
}

/* A process that has lost its parent and its session. */
static void
get_away(void)
{
	if (fork() != 0)
		return;
	(void)setsid();
	if (fork() != 0)
		_exit(0);
	hang();
}

/* Always another process: each lives until it has made the next. */
static void
chase(void)
{
	if (fork() != 0)
		return;
	(void)setsid();
	ignore_all();
	while (fork() != 0)
		_exit(0);
	for (;;)
		if (fork() != 0)
			_exit(0);
}

static void
flood(int fd)
{
	static char block[1 << 20];

	memset(block, 'x', sizeof(block));
	memcpy(block, "\033[31mred\0", 9);
	for (size_t i = 0; i < GIB / sizeof(block); i++)
		if (write(fd, block, sizeof(block)) <= 0)
			_exit(98);
}

/* 100 processes in a tree. */
static void
tree(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork() == 0) {
			for (int k = 0; k < 32; k++)
				if (fork() == 0)
					hang();
			hang();
		}
	}
}

static void
echo(size_t len)
{
	(void)printf("{\"fields\":{\"request\":");
	say_string(request, len);
	(void)printf("}}");
}

/* The value that is to be tried, told with the error. */
static const char *
value(void)
{
	static char v[4096];
	const char *at = strstr(request, "\"AccountKey\":\"");

	if (at != NULL)
		(void)sscanf(at + 14, "%4095[^\"]", v);
	return v;
}

static int
act(const char *what, int argc, char **argv, size_t len)
{
	const pid_t supervisor = getppid();

	if (strcmp(what, "good") == 0) {
		say(1, GOOD);
	} else if (strcmp(what, "echo") == 0) {
		echo(len);
	} else if (strcmp(what, "about") == 0) {
		about(argc, argv);
	} else if (strcmp(what, "hang") == 0) {
		hang();
	} else if (strcmp(what, "away") == 0) {
		get_away();
		say(1, GOOD);
	} else if (strcmp(what, "away-hang") == 0) {
		get_away();
		hang();
	} else if (strcmp(what, "chase") == 0) {
		chase();
		say(1, GOOD);
	} else if (strcmp(what, "tree") == 0) {
		tree();
		say(1, GOOD);
	} else if (strcmp(what, "flood") == 0) {
		flood(1);
	} else if (strcmp(what, "flood-errors") == 0) {
		say(2, "secret-error\n");
		flood(2);
		say(1, GOOD);
	} else if (strcmp(what, "garbage") == 0) {
		say(1, "#!/bin/sh hunter2\n");
	} else if (strcmp(what, "half") == 0) {
		say(1, "{\"fields\":{\"AccountKey\":\"fre");
	} else if (strcmp(what, "exit3") == 0) {
		say(1, GOOD);
		say(2, "no \033[31mnetwork\033[0m\n\n");
		return 3;
	} else if (strcmp(what, "segv") == 0) {
		say(1, GOOD);
		/* A sanitizer has a handler. */
		(void)signal(SIGSEGV, SIG_DFL);
		(void)raise(SIGSEGV);
	} else if (strcmp(what, "error") == 0) {
		(void)printf("{\"error\":\"key %s is \\u001b[31mrefused\"}",
		    value());
	} else if (strcmp(what, "exit-value") == 0) {
		(void)fprintf(stderr, "tried %s, and %s\n", value(), value());
		return 1;
	} else if (strcmp(what, "refuse") == 0) {
		(void)printf("{\"ok\":false,\"reason\":\"%s is wrong\"}",
		    value());
	} else if (strcmp(what, "kill-supervisor") == 0) {
		get_away();
		(void)kill(supervisor, SIGKILL);
		hang();
	} else if (strcmp(what, "stop-supervisor") == 0) {
		get_away();
		(void)kill(supervisor, SIGSTOP);
		hang();
	} else if (strcmp(what, "hold-supervisor") == 0) {
		get_away();
		ignore_all();
		while (kill(supervisor, SIGSTOP) == 0)
			continue;
		hang();
	} else if (strcmp(what, "none") != 0) {
		return 97;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	size_t len = fread(request, 1, sizeof(request) - 1, stdin);
	const char *at = strstr(request, "\"do\":\"");
	char what[32] = "";
	int code;

	if (at != NULL)
		(void)sscanf(at + 6, "%31[^\"]", what);
	code = act(what, argc, argv, len);
	return fflush(stdout) == 0 ? code : 96;
}
