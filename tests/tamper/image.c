#include "image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void
die(const char *what)
{
	(void)fprintf(stderr, "tamper: %s: %s\n", what, strerror(errno));
	exit(99);
}

void *
must_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		die("memory");
	return p;
}

static void
load_file(struct image *im, const char *dir, const char *name)
{
	struct file *f = &im->files[im->count++];
	char path[512];
	uint8_t *whole;
	struct stat st;
	int fd;

	if (im->count > FILES_MAX)
		die("too many files");
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		die(path);
	f->size = f->used = (size_t)st.st_size;
	f->data = must_alloc(f->size + 1);
	if (read(fd, f->data, f->size) != st.st_size)
		die(path);
	(void)close(fd);
	while (im->count <= FIRST_LOG && f->used > 0 &&
	    f->data[f->used - 1] == 0)
		f->used--;
	f->used = (f->used + PAGE - 1) / PAGE * PAGE;
	if (f->used > f->size)
		f->used = f->size;
	/* Less memory makes quicker children. */
	whole = f->data;
	f->data = must_alloc(f->used + 1);
	memcpy(f->data, whole, f->used);
	free(whole);
}

static int
compare(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void
image_load(struct image *im, const char *dir)
{
	char path[512];
	struct dirent *e;
	DIR *d;

	memset(im, 0, sizeof(*im));
	load_file(im, dir, "data.mdb");
	load_file(im, dir, "ssh.lmdb");
	(void)snprintf(path, sizeof(path), "%s/activity", dir);
	if ((d = opendir(path)) == NULL)
		die(path);
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "activity/%.40s",
		    e->d_name);
		if (e->d_name[0] != '.')
			load_file(im, dir, path);
	}
	(void)closedir(d);
	qsort(im->files + FIRST_LOG, im->count - FIRST_LOG,
	    sizeof(im->files[0]), compare);
	load_file(im, dir, "data.mdb-lock");
	load_file(im, dir, "ssh.lmdb-lock");
}

int
image_find(const struct image *im, const char *name)
{
	for (size_t i = 0; i < im->count; i++)
		if (strcmp(im->files[i].name, name) == 0)
			return (int)i;
	return -1;
}

bool
is_log(const struct file *f)
{
	return strncmp(f->name, "activity/", 9) == 0;
}

/* Remove what a daemon, or the image before, has made besides. */
static void
clean(const struct image *im, const char *dir, const char *prefix)
{
	char name[300];
	struct dirent *e;
	DIR *d = opendir(dir);

	if (d == NULL)
		die(dir);
	while ((e = readdir(d)) != NULL) {
		int i;

		(void)snprintf(name, sizeof(name), "%s%s", prefix, e->d_name);
		i = image_find(im, name);
		if ((i == -1 || im->files[i].data == NULL) &&
		    e->d_type == DT_REG && unlink(name) == -1)
			die(name);
	}
	(void)closedir(d);
}

static void
write_file(const struct file *f)
{
	int fd = open(f->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	/* What was there is cut off, so that behind used there are zeros. */
	if (fd == -1 || ftruncate(fd, (off_t)f->used) == -1 ||
	    pwrite(fd, f->data, f->used, 0) != (ssize_t)f->used ||
	    ftruncate(fd, (off_t)f->size) == -1)
		die(f->name);
	(void)close(fd);
}

void
image_write(const struct image *im)
{
	if (mkdir("activity", 0700) == -1 && errno != EEXIST)
		die("activity");
	clean(im, ".", "");
	clean(im, "activity", "activity/");
	for (size_t i = 0; i < im->count; i++)
		if (im->files[i].data != NULL)
			write_file(&im->files[i]);
}

int
must_end(pid_t pid, const sigset_t *child, unsigned seconds)
{
	const struct timespec second = { .tv_sec = 1 };
	int status;
	pid_t ended;

	for (unsigned left = seconds;
	     (ended = waitpid(pid, &status, WNOHANG)) == 0;)
		if (sigtimedwait(child, NULL, &second) == -1 &&
		    errno == EAGAIN && left-- == 0)
			(void)kill(pid, SIGKILL);
	if (ended != pid)
		die("waitpid");
	return status;
}
