#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096u /* as long as one can be for the kernel */
#define LINKS_MAX 40u	/* likewise */

struct walk {
	int dir;	      /* where it has come to */
	char rest[PATH_SIZE]; /* what is still to be gone */
	unsigned links;
};

static void
close_quietly(int fd)
{
	int saved = errno;

	if (fd != -1)
		(void)close(fd);
	errno = saved;
}

/* Go on from there; false when that could not be opened. */
static bool
go_to(struct walk *w, int fd)
{
	close_quietly(w->dir);
	w->dir = fd;
	return fd != -1;
}

/* Begin at the root, or where this process is. */
static bool
start(struct walk *w)
{
	return w->rest[0] != '/' || go_to(w, open("/", O_PATH | O_CLOEXEC));
}

/* Put a link's text in front of the rest. */
static bool
follow(struct walk *w, int link, const char *rest)
{
	char text[PATH_SIZE], all[PATH_SIZE];
	ssize_t n = readlinkat(link, "", text, sizeof(text) - 1);
	int len;

	if (n == -1)
		return false;
	text[n] = '\0';
	len = snprintf(all, sizeof(all), "%s%s", text, rest);
	if (n == 0 || len < 0 || (size_t)len >= sizeof(all)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(w->rest, all, (size_t)len + 1);
	return start(w);
}

/* May it be followed? */
static bool
is_trusted(struct walk *w, const struct stat *st)
{
	errno = ELOOP;
	return (st->st_uid == 0 || st->st_uid == geteuid()) &&
	    ++w->links <= LINKS_MAX;
}

/* Take one name of the path that is not the last one, or is a link. */
static bool
step(struct walk *w, int fd, const char *rest)
{
	char after[PATH_SIZE];
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return false;
	if (!S_ISLNK(st.st_mode)) {
		(void)snprintf(after, sizeof(after), "%s", rest);
		memcpy(w->rest, after, sizeof(after));
		return go_to(w, dup(fd));
	}
	return is_trusted(w, &st) && follow(w, fd, rest);
}

/*
 * The next name, cut off by a NUL; *rest is what follows it.  Without one the
 * path means the directory that was come to.
 */
static const char *
next_name(struct walk *w, char name[PATH_SIZE], const char **rest)
{
	const char *at = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(at, "/");

	(void)snprintf(name, PATH_SIZE, "%.*s", len > 0 ? (int)len : 1,
	    len > 0 ? at : ".");
	*rest = at + len;
	return name;
}

/* The last name: whatever it is by then, it is no link that is followed. */
static int
open_last(const struct walk *w, const char *name, const char *rest, int flags)
{
	return openat(w->dir, name, flags | O_NOFOLLOW | O_CLOEXEC |
		(*rest == '/' ? O_DIRECTORY : 0));
}

static int
walk(struct walk *w, int flags)
{
	char name[PATH_SIZE];
	const char *rest;
	int fd;

	for (;;) {
		bool last, link, good;
		struct stat st;

		(void)next_name(w, name, &rest);
		last = rest[strspn(rest, "/")] == '\0';
		fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		link = fd != -1 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
		if (last && (!link || (flags & O_NOFOLLOW) != 0)) {
			close_quietly(fd);
			return fd == -1 ? -1 :
					  open_last(w, name, rest, flags);
		}
		good = step(w, fd, rest);
		close_quietly(fd);
		if (!good)
			return -1;
	}
}

int
path_open(const char *path, int flags)
{
	struct walk w = { .dir = -1 };
	int fd;

	if (path[0] == '\0' || strlen(path) >= sizeof(w.rest)) {
		errno = path[0] == '\0' ? ENOENT : ENAMETOOLONG;
		return -1;
	}
	memcpy(w.rest, path, strlen(path) + 1);
	w.dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w.dir == -1 || !start(&w)) {
		close_quietly(w.dir);
		return -1;
	}
	fd = walk(&w, flags);
	close_quietly(w.dir);
	return fd;
}
