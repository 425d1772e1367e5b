#include "source_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "source_rules.h"

#define RULES "rules"
#define FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* The directory's path, a slash and a name: for messages. */
struct object {
	const char *dir;
	const char *slash;
	const char *name;
};

/* Root's, and nobody else may write to it. */
static enum cofre_status
check_mode(const struct object *o, const struct stat *st, struct problem *p)
{
	if (st->st_uid != 0)
		return problem_set(p, COFRE_INVALID,
		    "%s%s%s belongs to uid %u; it must be root's (chown root)",
		    o->dir, o->slash, o->name, (unsigned)st->st_uid);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return problem_set(p, COFRE_INVALID,
		    "%s%s%s has mode %04o: others than root may write to it "
		    "(chmod go-w)", o->dir, o->slash, o->name,
		    (unsigned)st->st_mode & 07777);
	return COFRE_OK;
}

static enum cofre_status
open_failed(const struct object *o, const char *missing, struct problem *p)
{
	const char *why = strerror(errno);

	if (errno == ELOOP)
		why = "it is a symbolic link, which is not followed";
	else if (errno == ENXIO)
		why = "it is no regular file";
	else if (errno == ENOENT)
		why = missing;
	return problem_set(p, COFRE_INVALID, "%s%s%s: %s", o->dir, o->slash,
	    o->name, why);
}

/* Open a file of the directory, and check it but for what it is for. */
static enum cofre_status
open_file(int dir, const struct object *o, const char *missing, int *ret,
    struct stat *st, struct problem *p)
{
	int fd = openat(dir, o->name, FLAGS);
	enum cofre_status s;

	if (fd == -1)
		return open_failed(o, missing, p);
	if (fstat(fd, st) == -1)
		s = problem_set(p, COFRE_INTERNAL, "%s%s%s: %s", o->dir,
		    o->slash, o->name, strerror(errno));
	else if (!S_ISREG(st->st_mode))
		s = problem_set(p, COFRE_INVALID,
		    "%s%s%s is no regular file", o->dir, o->slash, o->name);
	else
		s = check_mode(o, st, p);
	if (s == COFRE_OK)
		*ret = fd;
	else
		(void)close(fd);
	return s;
}

/* Read all of a file; *len is at most max, or max + 1 for a longer one. */
static bool
read_all(int fd, char *to, size_t max, size_t *len)
{
	ssize_t n;

	*len = 0;
	do {
		n = read(fd, to + *len, max + 1 - *len);
		if (n > 0)
			*len += (size_t)n;
	} while ((n > 0 && *len <= max) || (n == -1 && errno == EINTR));
	return n >= 0;
}

static enum cofre_status
check_rules(const struct source_dir *dir, struct problem *p)
{
	struct problem wrong;

	if (source_rules_check((struct view){ (const uint8_t *)dir->rules,
		dir->rules_len }, &wrong) == COFRE_OK)
		return COFRE_OK;
	return problem_set(p, COFRE_FORMAT, "%s/" RULES ": %s", dir->path,
	    wrong.text);
}

static enum cofre_status
read_rules(struct source_dir *dir, struct problem *p)
{
	const struct object o = { dir->path, "/", RULES };
	struct stat st;
	enum cofre_status s;
	int fd = -1;

	s = open_file(dir->fd, &o,
	    "it does not exist, so no workspace may ask a source for "
	    "anything; see cofre-source(7)", &fd, &st, p);
	if (s != COFRE_OK)
		return s;
	dir->rules = malloc(SOURCE_RULES_MAX + 1);
	if (dir->rules == NULL)
		s = problem_set(p, COFRE_NO_MEMORY, "out of memory");
	else if (!read_all(fd, dir->rules, SOURCE_RULES_MAX, &dir->rules_len))
		s = problem_set(p, COFRE_INTERNAL, "%s/" RULES ": %s",
		    dir->path, strerror(errno));
	else
		s = check_rules(dir, p);
	(void)close(fd);
	return s;
}

enum cofre_status
source_dir_open(const char *path, struct source_dir *ret, struct problem *p)
{
	const struct object o = { path, "", "" };
	struct source_dir dir = { .path = path };
	enum cofre_status s;
	struct stat st;

	dir.fd = path_open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	if (dir.fd == -1 && errno == ENOTDIR)
		return problem_set(p, COFRE_INVALID,
		    "%s is no directory, or a symbolic link, which is not "
		    "followed", path);
	if (dir.fd == -1 && errno == ELOOP)
		return problem_set(p, COFRE_INVALID,
		    "%s is behind a symbolic link of another user's, which is "
		    "not followed", path);
	if (dir.fd == -1)
		return open_failed(&o, "there is no such directory of "
		    "sources; see cofre-source(7)", p);
	if (fstat(dir.fd, &st) == -1)
		s = problem_set(p, COFRE_INTERNAL, "%s: %s", path,
		    strerror(errno));
	else
		s = check_mode(&o, &st, p);
	if (s == COFRE_OK)
		s = read_rules(&dir, p);
	if (s == COFRE_OK)
		*ret = dir;
	else
		source_dir_close(&dir);
	return s;
}

enum cofre_status
source_dir_program(const struct source_dir *dir, struct view name,
    struct source_program *ret, struct problem *p)
{
	char text[SOURCE_NAME_MAX + 1];
	const struct object o = { dir->path, "/", text };
	struct source_program program = { -1, false };
	enum cofre_status s;
	struct stat st;
	char start[2];

	if (!source_name_is_valid(name))
		return problem_set(p, COFRE_INVALID,
		    "that is no name of a source");
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	s = open_file(dir->fd, &o, "there is no such source", &program.fd,
	    &st, p);
	if (s != COFRE_OK)
		return s;
	if ((st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) {
		(void)close(program.fd);
		return problem_set(p, COFRE_INVALID,
		    "%s/%s has mode %04o: it can't be executed (chmod 755)",
		    dir->path, text, (unsigned)st.st_mode & 07777);
	}
	program.script = pread(program.fd, start, 2, 0) == 2 &&
	    memcmp(start, "#!", 2) == 0;
	*ret = program;
	return COFRE_OK;
}

void
source_dir_close(struct source_dir *dir)
{
	if (dir->fd != -1)
		(void)close(dir->fd);
	free(dir->rules);
	*dir = (struct source_dir){ .fd = -1 };
}
