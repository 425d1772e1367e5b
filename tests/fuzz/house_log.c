#include "house_log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "activity"

static void
need(bool holds)
{
	if (holds)
		return;
	perror(DIRECTORY);
	abort();
}

void
house_log_make(struct house_log *l, int state)
{
	*l = (struct house_log){ .state = state };
	need(mkdirat(state, DIRECTORY, 0700) == 0);
}

static DIR *
open_directory(const struct house_log *l)
{
	int fd = openat(l->state, DIRECTORY,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);

	need(d != NULL);
	return d;
}

static void
read_segment(struct house_log *l, int fd)
{
	struct stat st;

	need(fd != -1 && fstat(fd, &st) == 0);
	free(l->kept);
	l->size = (size_t)st.st_size;
	l->kept = malloc(l->size);
	need(l->kept != NULL &&
	    pread(fd, l->kept, l->size, 0) == (ssize_t)l->size);
	(void)close(fd);
	while (l->size > 0 && l->kept[l->size - 1] == 0)
		l->size--;
}

void
house_log_keep(struct house_log *l)
{
	DIR *d = open_directory(l);
	struct dirent *e;
	uint64_t first;

	while ((e = readdir(d)) != NULL)
		if (logfmt_name_get(e->d_name, &first)) {
			need(first == 0); /* there is no other one */
			(void)snprintf(l->name, sizeof(l->name), "%.*s",
			    (int)sizeof(l->name) - 1, e->d_name);
			read_segment(l, openat(dirfd(d), l->name,
			    O_RDONLY | O_CLOEXEC));
		}
	(void)closedir(d);
	need(l->kept != NULL);
}

static void
clear(const struct house_log *l)
{
	DIR *d = open_directory(l);
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			need(unlinkat(dirfd(d), e->d_name, 0) == 0);
	(void)closedir(d);
}

static void
put_back(const struct house_log *l, size_t segment)
{
	char path[sizeof(DIRECTORY) + LOG_NAME_LEN + 1];
	int fd;

	(void)snprintf(path, sizeof(path), DIRECTORY "/%s", l->name);
	fd = openat(l->state, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	need(fd != -1 && ftruncate(fd, (off_t)segment) == 0 &&
	    pwrite(fd, l->kept, l->size, 0) == (ssize_t)l->size);
	(void)close(fd);
}

struct audit *
house_log_open(struct house_log *l, bool kept, size_t segment)
{
	char error[256] = "";
	struct audit *a;

	clear(l);
	if (kept)
		put_back(l, segment);
	a = audit_open(l->state, segment, error, sizeof(error));
	if (a == NULL) {
		(void)fprintf(stderr, "%s\n", error);
		abort();
	}
	return a;
}

void
house_log_remove(struct house_log *l)
{
	clear(l);
	(void)unlinkat(l->state, DIRECTORY, AT_REMOVEDIR);
	free(l->kept);
}
