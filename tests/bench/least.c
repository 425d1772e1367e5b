/*
 * least SOCKET FILE LENGTH: the least that a program can do to get a secret:
 * connect, send what is in the file, wait for so many bytes, print them.
 *
 * It needs libc alone, has its requests ready, locks no memory and wipes
 * none: what `cofre get` takes more than this is its own, what this takes
 * more than /bin/true is a new process's, and the daemon's.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	static uint8_t in[4096], out[4096];
	size_t want, got = 0, len;
	ssize_t n;
	FILE *f;
	int fd;

	if (argc != 4 || strlen(argv[1]) >= sizeof(a.sun_path) ||
	    (want = strtoul(argv[3], NULL, 10)) > sizeof(in))
		errx(2, "usage: least SOCKET FILE LENGTH");
	if ((f = fopen(argv[2], "rb")) == NULL)
		err(1, "%s", argv[2]);
	len = fread(out, 1, sizeof(out), f);
	(void)memcpy(a.sun_path, argv[1], strlen(argv[1]) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    write(fd, out, len) != (ssize_t)len)
		err(1, "%s", argv[1]);
	while (got < want && (n = read(fd, in + got, want - got)) > 0)
		got += (size_t)n;
	if (got != want)
		err(1, "%s: no answer", argv[1]);
	return write(STDOUT_FILENO, in, got) == (ssize_t)got ? 0 : 1;
}
