#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"

/* As long as a path can be for the kernel. */
#define PATH_SIZE 4096u

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Open the directory in which path is; base is what follows. */
static int
open_directory(const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_SIZE];
	size_t len;

	if (slash == NULL) {
		*base = path;
		return path_open(".", DIRECTORY);
	}
	len = (size_t)(slash - path) + 1;
	if (len >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(dir, path, len);
	dir[len] = '\0';
	*base = slash + 1;
	return path_open(dir, DIRECTORY);
}

bool
newfile_create(struct newfile *f, const char *path)
{
	const char *base;
	int dir = open_directory(path, &base);
	int fd, saved;

	*f = NEWFILE_NONE;
	if (dir == -1)
		return false;
	fd = openat(dir, base,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1) {
		saved = errno;
		(void)close(dir);
		errno = saved;
		return false;
	}
	*f = (struct newfile){ dir, fd, base };
	return true;
}

bool
newfile_sync(const struct newfile *f)
{
	return fsync(f->fd) == 0 && fsync(f->dir) == 0;
}

bool
newfile_replace(struct newfile *f, const char *name)
{
	int saved;

	if (fsync(f->fd) == 0 &&
	    renameat(f->dir, f->base, f->dir, name) == 0) {
		(void)fsync(f->dir);
		return newfile_close(f);
	}
	saved = errno;
	newfile_remove(f);
	errno = saved;
	return false;
}

bool
newfile_close(struct newfile *f)
{
	bool good = true;

	if (f->dir != -1) {
		(void)close(f->dir);
		good = close(f->fd) == 0;
	}
	*f = NEWFILE_NONE;
	return good;
}

void
newfile_remove(struct newfile *f)
{
	if (f->dir != -1)
		(void)unlinkat(f->dir, f->base, 0);
	(void)newfile_close(f);
}
