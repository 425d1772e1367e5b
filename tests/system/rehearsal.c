/*
 * rehearsal: a program that is run again and again, and fails each time in
 * another place.
 *
 * Preloaded into cofre or cofred (LD_PRELOAD), it stands before main(): for
 * each packet on a socket it forks, and the child goes on in main() with the
 * command line of the packet, while one call or allocation in it fails, is
 * interrupted, or does half of what it was to do.  The parent tells how it
 * has ended (rehearsal.py).  What is loaded and linked, is so once; thus a
 * run of the command takes a few milliseconds, and every place can be tried.
 */
#include "rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 128
#define PACKET_MAX 65536

/* How it has ended, and what could have failed in each way, with the places
   from which that was called. */
struct ending {
	int32_t status; /* of waitpid(2) */
	struct met met;
};

static int (*real_main)(int, char **, char **);

/*
 * The stage.
 */

static void
place(int fd, const char *path, int flags)
{
	int from = open(path, flags | O_CREAT | O_CLOEXEC, 0600);

	if (from == -1 || dup2(from, fd) == -1)
		_exit(125);
	(void)close(from);
}

/* kind, nth, directory, stdin, stdout, stderr, and the command line. */
static int
play(char **words, int n, char **environment)
{
	struct sigaction act = { .sa_handler = SIG_DFL };

	(void)alarm(600);
	(void)sigaction(SIGCHLD, &act, NULL);
	if (n < 7 || chdir(words[2]) == -1)
		_exit(125);
	place(0, words[3], O_RDONLY);
	place(1, words[4], O_WRONLY | O_TRUNC);
	place(2, words[5], O_WRONLY | O_TRUNC);
	rehearsal.nth = (uint32_t)strtoul(words[1], NULL, 10);
	rehearsal.what = (int)strtol(words[0], NULL, 10);
	return real_main(n - 6, words + 6, environment);
}

static int
take_words(char *packet, size_t len, char **words)
{
	int n = 0;

	for (char *p = packet; p < packet + len; p += strlen(p) + 1) {
		/* A command line that is cut would be another one. */
		if (n == WORDS_MAX)
			abort();
		words[n++] = p;
	}
	words[n] = NULL;
	return n;
}

static int
stage(int argc, char **argv, char **environment)
{
	static char packet[PACKET_MAX + 1];
	static char *words[WORDS_MAX + 1];
	static struct ending end;
	const char *where = getenv("REHEARSAL");
	int fd = where == NULL ? -1 : (int)strtol(where, NULL, 10);
	ssize_t len;
	pid_t child;

	if (where == NULL)
		return real_main(argc, argv, environment);
	(void)unsetenv("LD_PRELOAD");
	(void)unsetenv("REHEARSAL");
	rehearsal_spare();
	rehearsal.met = mmap(NULL, sizeof(end.met), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rehearsal.met == MAP_FAILED)
		abort();
	while ((len = recv(fd, packet, PACKET_MAX, 0)) > 0) {
		packet[len] = '\0';
		memset(rehearsal.met, 0, sizeof(end.met));
		child = fork();
		if (child == 0) {
			(void)close(fd);
			return play(words, take_words(packet, (size_t)len,
			    words), environ);
		}
		if (child == -1 || waitpid(child, &end.status, 0) != child)
			abort();
		end.met = *rehearsal.met;
		if (send(fd, &end, sizeof(end), MSG_NOSIGNAL) == -1)
			break;
	}
	_exit(0);
}

int __libc_start_main(int (*)(int, char **, char **), int, char **,
    void (*)(void), void (*)(void), void (*)(void), void *);

int
__libc_start_main(int (*start)(int, char **, char **), int argc, char **argv,
    void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
    void *stack_end)
{
	int (*real)(int (*)(int, char **, char **), int, char **,
	    void (*)(void), void (*)(void), void (*)(void), void *);

	rehearsal_find(&real, "__libc_start_main");
	real_main = start;
	return real(stage, argc, argv, init, fini, rtld_fini, stack_end);
}
