/*
 * put: store what comes on standard input as a generic secret.
 *
 *	put SOCKET WORKSPACE NAME < file
 *
 * The value is read with read(2) into memory that is locked where that is
 * allowed, and wiped before the program ends: no buffer of stdio, which
 * nobody wipes, ever holds it.  Its bytes are stored as they are, with the
 * final newline if there is one.
 *
 *	cc -o put put.c $(pkg-config --cflags --libs libcofre)
 */
#include <cofre.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The bytes of standard input, or -1; one more than allowed is too many. */
static ssize_t
read_value(char *value, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n != 0 && len < size) {
		n = read(STDIN_FILENO, value + len, size - len);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			len += (size_t)n;
	}
	return (ssize_t)len;
}

static enum cofre_status
put(cofre *c, const char *workspace, const char *name, const char *value,
    size_t len)
{
	cofre_secret *secret = NULL;
	uint32_t version = 0;
	enum cofre_status s;

	s = cofre_secret_new(&secret, COFRE_KIND_GENERIC,
	    COFRE_DATASTORE_NONE);
	if (s == COFRE_OK)
		s = cofre_secret_add(secret, "value", 1, value, len);
	if (s != COFRE_OK)
		(void)fprintf(stderr, "put: %s\n", cofre_status_text(s));
	else {
		s = cofre_put(c, workspace, name, secret, 0,
		    COFRE_ANY_VERSION, &version);
		if (s != COFRE_OK)
			(void)fprintf(stderr, "put: %s\n", cofre_error(c));
	}
	cofre_secret_free(secret);
	if (s == COFRE_OK)
		(void)printf("%s/%s: version %u\n", workspace, name,
		    (unsigned)version);
	return s;
}

int
main(int argc, char *argv[])
{
	char value[COFRE_VALUE_MAX + 1] = "";
	enum cofre_status s;
	cofre *c = NULL;
	ssize_t len;

	if (argc != 4) {
		(void)fprintf(stderr,
		    "usage: put SOCKET WORKSPACE NAME < file\n");
		return 2;
	}
	(void)mlock(value, sizeof(value));
	len = read_value(value, sizeof(value));
	if (len == -1) {
		perror("put: standard input");
		explicit_bzero(value, sizeof(value));
		return 1;
	}
	if (len == 0) {
		(void)fprintf(stderr, "put: standard input is empty\n");
		return 1;
	}
	s = cofre_open(&c, argv[1], 0);
	if (s != COFRE_OK)
		(void)fprintf(stderr, "put: %s\n", cofre_error(c));
	else
		s = put(c, argv[2], argv[3], value, (size_t)len);
	explicit_bzero(value, sizeof(value));
	cofre_close(c);
	return s == COFRE_OK ? 0 : 1;
}
