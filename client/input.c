#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "path.h"

enum cofre_status
input_init(struct input *in, size_t max, struct problem *p)
{
	memset(in, 0, sizeof(*in));
	/* One more: to see that there is more than allowed. */
	if (!secmem_init(&in->mem, max + 1, true, false))
		return problem_set(p, COFRE_NO_MEMORY,
		    "no memory for a secret: %s", strerror(errno));
	in->data = in->mem.base;
	in->max = max;
	return COFRE_OK;
}

void
input_free(struct input *in)
{
	secmem_free(&in->mem);
	memset(in, 0, sizeof(*in));
}

/* Read up to n bytes more; false, with errno, on an error. */
static bool
read_some(struct input *in, int fd, size_t n, size_t *got)
{
	ssize_t r;

	do
		r = read(fd, in->data + in->len, n);
	while (r == -1 && errno == EINTR);
	if (r == -1)
		return false;
	in->len += (size_t)r;
	*got = (size_t)r;
	return true;
}

static enum cofre_status
unreadable(const char *what, struct problem *p)
{
	return problem_set(p, COFRE_ARGUMENT, "can't read %s: %s", what,
	    strerror(errno));
}

static enum cofre_status
too_large(const struct input *in, const char *what, struct problem *p)
{
	return problem_set(p, COFRE_TOO_LARGE,
	    "%s holds more than %zu bytes", what, in->max);
}

enum cofre_status
input_fd(struct input *in, int fd, const char *what, struct problem *p)
{
	size_t got;

	in->len = 0;
	do {
		if (!read_some(in, fd, in->max + 1 - in->len, &got))
			return unreadable(what, p);
		if (in->len > in->max)
			return too_large(in, what, p);
	} while (got > 0);
	return COFRE_OK;
}

/*
 * The descriptor that /dev/fd/N, /proc/self/fd/N or /dev/stdin means, or -1.  They can't be
 * opened: this process is not dumpable, so /proc/self/fd is root's alone.
 */
static int
open_already(const char *path)
{
	static const char *const directories[] = { "/dev/fd/",
		"/proc/self/fd/" };
	uint32_t fd;

	if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0)
		return STDIN_FILENO;
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(directories[i]);

		if (strncmp(path, directories[i], len) == 0 &&
		    arg_u32(path + len, INT32_MAX, &fd))
			return (int)fd;
	}
	return -1;
}

enum cofre_status
input_file(struct input *in, const char *path, struct problem *p)
{
	int fd = open_already(path);
	enum cofre_status s;

	if (fd == STDIN_FILENO)
		return input_fd(in, fd, "standard input", p);
	if (fd != -1)
		return input_fd(in, fd, path, p);
	fd = path_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return unreadable(path, p);
	s = input_fd(in, fd, path, p);
	(void)close(fd);
	return s;
}

enum cofre_status
input_line(struct input *in, int fd, struct problem *p)
{
	static const char what[] = "the first line of standard input";
	size_t got;

	in->len = 0;
	for (;;) {
		if (!read_some(in, fd, 1, &got))
			return unreadable(what, p);
		if (got == 0)
			break;
		if (in->data[in->len - 1] == '\n') {
			in->len--;
			return COFRE_OK;
		}
		if (in->len > in->max)
			return too_large(in, what, p);
	}
	if (in->len == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "standard input is empty");
	return COFRE_OK;
}

void
input_strip(struct input *in)
{
	if (in->len > 0 && in->data[in->len - 1] == '\n')
		in->len--;
}

struct view
input_view(const struct input *in)
{
	return (struct view){ (const uint8_t *)in->data, in->len };
}
