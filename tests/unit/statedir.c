#include "statedir.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "in_sandbox.h"
#include "store_check.h"

static char dir[64];

void
statedir_setup(void)
{
	(void)strcpy(dir, "/tmp/check_state.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

void
statedir_teardown(void)
{
	char command[128];

	ck_assert_int_eq(chdir("/"), 0);
	(void)umount2(dir, MNT_DETACH);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

bool
statedir_mount(unsigned bytes)
{
	char options[32];

	(void)snprintf(options, sizeof(options), "size=%u", bytes);
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", dir, "tmpfs", 0, options) == -1) {
		(void)printf("skipped: a tmpfs: %s\n", strerror(errno));
		return false;
	}
	ck_assert_int_eq(chdir(dir), 0);
	return true;
}

struct store *
statedir_open(uint64_t limit)
{
	char error[256] = "";
	struct store *s = store_open(STATEDIR_FILE, limit, error,
	    sizeof(error));

	ck_assert_msg(s != NULL, "%s", error);
	return s;
}

void
statedir_assert_refused(const char *why)
{
	char error[256] = "";
	struct store *s = store_open(STATEDIR_FILE, 64 * MIB, error,
	    sizeof(error));

	ck_assert_msg(s == NULL, "the store is opened; not '%s'", why);
	ck_assert_msg(strstr(error, why) != NULL &&
	    strstr(error, STATEDIR_FILE) != NULL, "'%s' has no '%s'", error,
	    why);
}

const char *
statedir_checked(void)
{
	static char error[256];
	uid_t uid = getuid() == 0 ? OTHER_UID : getuid();
	gid_t gid = getuid() == 0 ? OTHER_UID : getgid();

	error[0] = '\0';
	ck_assert(uid == getuid() || (chown(".", uid, gid) == 0 &&
	    (lchown(STATEDIR_FILE, uid, gid) == 0 || errno == ENOENT)));
	(void)store_check(STATEDIR_FILE, uid, gid, true, error, sizeof(error));
	return error;
}

uint8_t *
statedir_read(const char *name, size_t *len)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	uint8_t *data;

	*len = (size_t)statedir_size(name);
	data = malloc(*len + 1);
	ck_assert(fd != -1 && data != NULL);
	ck_assert_int_eq(read(fd, data, *len), (ssize_t)*len);
	(void)close(fd);
	return data;
}

void
statedir_write(const char *name, const void *data, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

uint64_t
statedir_size(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(name, &st), 0);
	return (uint64_t)st.st_size;
}

void
statedir_limit_files(uint64_t size)
{
	struct rlimit limit;

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}
