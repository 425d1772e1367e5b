#include "privatedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reveal.h"

#define TEMPLATE "/tmp/cofre-XXXXXX"

bool
privatedir_make(struct privatedir *d)
{
	*d = PRIVATEDIR_NONE;
	(void)snprintf(d->path, sizeof(d->path), "%s", TEMPLATE);
	if (mkdtemp(d->path) == NULL)
		return false;
	d->fd = open(d->path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd == -1)
		(void)rmdir(d->path);
	return d->fd != -1;
}

char *
privatedir_path(const struct privatedir *d, const char *name,
    char to[PRIVATEDIR_PATH])
{
	(void)snprintf(to, PRIVATEDIR_PATH, "%s/%.31s", d->path, name);
	return to;
}

bool
privatedir_write(const struct privatedir *d, const char *name,
    struct view content)
{
	int fd = openat(d->fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good;

	if (fd == -1)
		return false;
	good = reveal_write(fd, content);
	return close(fd) == 0 && good;
}

bool
privatedir_read(const struct privatedir *d, const char *name, void *to,
    size_t max, size_t *len)
{
	int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = 1;

	*len = 0;
	if (fd == -1)
		return false;
	while (*len < max && n > 0) {
		n = read(fd, (char *)to + *len, max - *len);
		if (n == -1 && errno == EINTR)
			n = 1;
		else if (n > 0)
			*len += (size_t)n;
	}
	(void)close(fd);
	return n != -1;
}

void
privatedir_remove(struct privatedir *d)
{
	DIR *dir = d->fd == -1 ? NULL : fdopendir(d->fd);
	const struct dirent *e;

	if (dir != NULL) {
		while ((e = readdir(dir)) != NULL)
			(void)unlinkat(d->fd, e->d_name, 0);
		(void)closedir(dir);
	} else if (d->fd != -1)
		(void)close(d->fd);
	if (d->fd != -1)
		(void)rmdir(d->path);
	*d = PRIVATEDIR_NONE;
}
