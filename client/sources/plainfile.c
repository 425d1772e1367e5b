#include "plainfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What is shown of a path. */
#define SHOWN 200

static bool
goes_up(const char *path)
{
	for (const char *at = path; at != NULL; at = strchr(at, '/')) {
		while (*at == '/')
			at++;
		if (at[0] == '.' && at[1] == '.' &&
		    (at[2] == '/' || at[2] == '\0'))
			return true;
	}
	return false;
}

/* O_NONBLOCK: a FIFO of that name must not make anybody wait. */
static int
open_without_links(const char *path)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	while (fd == -1 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

/* For chmod(1): what takes the bits of group and others away. */
static const char *
without(mode_t bits, char out[12])
{
	static const char letters[] = "rwx";
	size_t n = 0;

	for (unsigned who = 0; who < 2; who++) {
		mode_t mine = bits >> (who == 0 ? 3 : 0) & 7u;

		if (mine == 0)
			continue;
		if (n > 0)
			out[n++] = ',';
		out[n++] = who == 0 ? 'g' : 'o';
		out[n++] = '-';
		for (unsigned i = 0; i < 3; i++)
			if ((mine & 4u >> i) != 0)
				out[n++] = letters[i];
	}
	out[n] = '\0';
	return out;
}

static enum cofre_status
check(int fd, const char *path, size_t max, mode_t refused,
    struct problem *p)
{
	struct stat st;
	char bits[12];

	if (fstat(fd, &st) == -1)
		return problem_set(p, COFRE_ARGUMENT, "can't look at %.*s: %s",
		    SHOWN, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return problem_set(p, COFRE_ARGUMENT,
		    "%.*s is no regular file", SHOWN, path);
	if ((st.st_mode & refused) != 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "%.*s has mode %04o, and must not have %04o of it (chmod "
		    "%s)", SHOWN, path, st.st_mode & 07777u,
		    st.st_mode & refused,
		    without(st.st_mode & refused, bits));
	if ((uint64_t)st.st_size > max)
		return problem_set(p, COFRE_TOO_LARGE,
		    "%.*s holds more than %zu bytes", SHOWN, path, max);
	return COFRE_OK;
}

int
plainfile_open(const char *path, size_t max, mode_t refused,
    struct problem *p)
{
	int fd;

	if (path[0] != '/' || goes_up(path)) {
		(void)problem_set(p, COFRE_ARGUMENT,
		    "'%.*s' is no absolute path without '..'", SHOWN, path);
		return -1;
	}
	fd = open_without_links(path);
	if (fd == -1 && errno == EACCES) {
		(void)problem_set(p, COFRE_ARGUMENT,
		    "can't open %.*s: %s, as uid %u", SHOWN, path,
		    strerror(errno), (unsigned)geteuid());
		return -1;
	}
	if (fd == -1) {
		(void)problem_set(p, COFRE_ARGUMENT, "can't open %.*s: %s",
		    SHOWN, path, errno == ELOOP ?
			"a symbolic link is in the path" : strerror(errno));
		return -1;
	}
	if (check(fd, path, max, refused, p) != COFRE_OK) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

enum cofre_status
plainfile_read(const char *path, struct input *in, mode_t refused,
    struct problem *p)
{
	int fd = plainfile_open(path, in->max, refused, p);
	enum cofre_status s;

	if (fd == -1)
		return COFRE_ARGUMENT;
	s = input_fd(in, fd, "the file", p);
	(void)close(fd);
	return s;
}
