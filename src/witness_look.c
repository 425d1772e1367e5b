/* What the witness does for each question. */
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "localfs.h"

#include "names.h"

#define PROC_PATH 64

static void
proc_path(char path[PROC_PATH], uint32_t pid, const char *name)
{
	(void)snprintf(path, PROC_PATH, "/proc/%u/%s", pid, name);
}

static int
open_proc(uint32_t pid, const char *name)
{
	char path[PROC_PATH];

	proc_path(path, pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* As much of the file as there is, at most size. */
static struct view
read_proc(uint32_t pid, const char *name, uint8_t *buf, size_t size)
{
	int fd = open_proc(pid, name);
	size_t len = 0;
	ssize_t n;

	if (fd == -1)
		return (struct view){ buf, 0 };
	while (len < size && (n = read(fd, buf + len, size - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	return (struct view){ buf, len };
}

/* Which file it is, without asking whoever serves the file system. */
static bool
identify(int fd, const char *path, struct statx *stx)
{
	return statx(fd, path, AT_STATX_DONT_SYNC |
		(path[0] == '\0' ? AT_EMPTY_PATH : 0), STATX_INO, stx) == 0 &&
	    (stx->stx_mask & STATX_INO) != 0;
}

static bool
same_file(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino &&
	    a->stx_dev_major == b->stx_dev_major &&
	    a->stx_dev_minor == b->stx_dev_minor;
}

/* Is the process in the user namespace of this one? */
static bool
is_here(uint32_t pid)
{
	struct statx own, its;
	char path[PROC_PATH];

	proc_path(path, pid, "ns/user");
	return identify(AT_FDCWD, "/proc/self/ns/user", &own) &&
	    identify(AT_FDCWD, path, &its) && same_file(&own, &its);
}

static int
open_path(int dir, const char *name, uint64_t resolve)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
		.resolve = resolve | RESOLVE_NO_SYMLINKS };

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

static bool
is_local(int fd)
{
	struct statx stx;

	return statx(fd, "", AT_STATX_DONT_SYNC | AT_EMPTY_PATH,
		   STATX_MNT_ID, &stx) == 0 &&
	    (stx.stx_mask & STATX_MNT_ID) != 0 && localfs(stx.stx_mnt_id);
}

/*
 * One name in a directory.  What the kernel has in memory is enough, mostly;
 * what it has not (an access control list, for one) it may fetch from a file
 * system of its own, but no other one that is mounted there.
 */
static int
step(int dir, const char *name)
{
	int fd = open_path(dir, name, RESOLVE_CACHED);

	return fd == -1 && errno == EAGAIN && is_local(dir) ?
	    open_path(dir, name, RESOLVE_NO_XDEV) :
	    fd;
}

/* Where the path leads, from here, or -1.  Nobody's program is waited for: a
   user's file system could take for ever to answer. */
static int
walk(char *path)
{
	int fd = open_path(AT_FDCWD, "/", 0), next;
	char *rest, *name = strtok_r(path, "/", &rest);

	for (; name != NULL && fd != -1; name = strtok_r(NULL, "/", &rest)) {
		next = step(fd, name);
		(void)close(fd);
		fd = next;
	}
	return fd;
}

/* Does the path lead, from here, to the file? */
static bool
leads_to(const char *path, const struct statx *file)
{
	char names[EXE_MAX + 1];
	struct statx stx;
	bool same;
	int fd;

	(void)snprintf(names, sizeof(names), "%s", path);
	fd = walk(names);
	if (fd == -1)
		return false;
	same = identify(fd, "", &stx) && same_file(&stx, file);
	(void)close(fd);
	return same;
}

static void
read_exe(uint32_t pid, char exe[EXE_MAX + 1])
{
	static const char deleted[] = " (deleted)";
	const size_t end = sizeof(deleted) - 1;
	char link[PROC_PATH], path[EXE_MAX + 1];
	struct statx stx;
	ssize_t n;

	proc_path(link, pid, "exe");
	n = readlink(link, path, sizeof(path));
	if (n <= 0 || (size_t)n == sizeof(path))
		return;
	path[n] = '\0';
	if (path[0] != '/' || ((size_t)n >= end &&
		strcmp(path + (size_t)n - end, deleted) == 0))
		return;
	if (identify(AT_FDCWD, link, &stx) && is_here(pid) &&
	    leads_to(path, &stx))
		memcpy(exe, path, (size_t)n + 1);
}

bool
witness_same(int watch_fd)
{
	char c;

	/* pagemap has words only: asked for one byte it says EINVAL, as long
	   as it has a memory to tell of, and then that there is none. */
	return pread(watch_fd, &c, 1, 0) == -1 && errno == EINVAL;
}

static void
know_nothing(struct facts *f)
{
	memset(f, 0, sizeof(*f));
	f->uid = f->gid = NO_ID;
}

static void
read_ids(uint32_t pid, struct facts *f)
{
	static uint8_t text[8192];
	struct view status = read_proc(pid, "status", text, sizeof(text));

	f->uid = facts_id(status, "Uid:");
	f->gid = facts_id(status, "Gid:");
}

int
witness_look(uint32_t pid, bool hash, struct facts *f)
{
	static uint8_t text[8192];
	/* First, so that it stands for all that is read afterwards. */
	int fd = open_proc(pid, "pagemap");

	know_nothing(f);
	read_ids(pid, f);
	f->start = facts_start(read_proc(pid, "stat", text, sizeof(text)));
	(void)facts_cgroup(read_proc(pid, "cgroup", text, sizeof(text)),
	    f->cgroup);
	(void)facts_unit(f->cgroup, f->unit);
	read_exe(pid, f->exe);
	f->hashed = hash && fd != -1 && is_here(pid) &&
	    witness_hash(pid, f->sha256);
	if (fd == -1 || witness_same(fd))
		return fd;
	(void)close(fd);
	know_nothing(f);
	return -1;
}

/* Where cgroups of the second version are: some have the first one beside
   it. */
static const char *
cgroup_root(void)
{
	static const char whole[] = "/sys/fs/cgroup";
	struct statx stx;

	return identify(AT_FDCWD, "/sys/fs/cgroup/cgroup.controllers", &stx) ?
	    whole :
	    "/sys/fs/cgroup/unified";
}

int
witness_look_cgroup(const char *cgroup, struct facts *f)
{
	char path[CGROUP_MAX + 64];
	struct statx stx;
	int dir, fd;

	know_nothing(f);
	if (!name_is_path(view_of(cgroup)))
		return -1;
	(void)snprintf(path, sizeof(path), "%s%s", cgroup_root(), cgroup);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return -1;
	fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (fd != -1 && statx(dir, "", AT_EMPTY_PATH, STATX_UID, &stx) == 0) {
		f->uid = stx.stx_uid;
		(void)snprintf(f->cgroup, sizeof(f->cgroup), "%s", cgroup);
	}
	(void)close(dir);
	return fd;
}
