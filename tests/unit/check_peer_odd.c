/*
 * What is made of a peer when the kernel tells only a part: a group list that
 * grows or can't be kept, a descriptor that is none, and a kernel without the
 * numbers of processes.  check_peer.c asks a real one.
 */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "peer.h"
#include "sample.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* What it says. */
static struct {
	unsigned groups;     /* so many, the highest first */
	bool gone;	     /* the second time it has none */
	bool no_memory;
	int pidfd;	     /* -2: a real one */
	int open_error, statfs_error;
	long type;	     /* of its file system; 0: as it is */
	bool no_number;	     /* each process has the same inode, 0 */
	uint64_t info;	     /* what it tells of a process */
} kernel;
static unsigned asked;
static bool asking; /* Check needs memory, too */

int __real_getsockopt(int fd, int level, int name, void *to, socklen_t *n);
int __wrap_getsockopt(int fd, int level, int name, void *to, socklen_t *n);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
int __real_fstatfs(int fd, struct statfs *fs);
int __wrap_fstatfs(int fd, struct statfs *fs);
int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_ioctl(int fd, unsigned long op, ...);
long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, ...);

int
__wrap_getsockopt(int fd, int level, int name, void *to, socklen_t *n)
{
	socklen_t need = (socklen_t)(kernel.groups * sizeof(gid_t));

	if (name == SO_PEERPIDFD && kernel.pidfd != -2) {
		memcpy(to, &kernel.pidfd, sizeof(int));
		return 0;
	}
	if (name != SO_PEERGROUPS)
		return __real_getsockopt(fd, level, name, to, n);
	if (asked++ > 0 && kernel.gone)
		return -1;
	if (*n < need) {
		errno = ERANGE;
		*n = need;
		return -1;
	}
	for (unsigned i = 0; i < kernel.groups; i++)
		((gid_t *)to)[i] = kernel.groups - i;
	*n = need;
	return 0;
}

void *
__wrap_malloc(size_t n)
{
	return kernel.no_memory && asking ? NULL : __real_malloc(n);
}

int
__wrap_fstatfs(int fd, struct statfs *fs)
{
	int r = __real_fstatfs(fd, fs);

	errno = kernel.statfs_error;
	if (kernel.type != 0)
		fs->f_type = kernel.type;
	return errno != 0 ? -1 : r;
}

int
__wrap_fstat(int fd, struct stat *st)
{
	int r = __real_fstat(fd, st);

	if (kernel.no_number)
		st->st_ino = 0;
	return r;
}

int
__wrap_ioctl(int fd, unsigned long op, ...)
{
	struct peer_info *info;
	va_list ap;

	(void)fd;
	ck_assert(op == PEER_GET_INFO);
	va_start(ap, op);
	info = va_arg(ap, struct peer_info *);
	va_end(ap);
	info->mask = kernel.info;
	info->cgroup = 7;
	return 0;
}

long
__wrap_syscall(long nr, ...)
{
	va_list ap;
	int pid;

	va_start(ap, nr);
	pid = va_arg(ap, int);
	va_end(ap);
	errno = kernel.open_error;
	return errno != 0 ? -1 : __real_syscall(nr, pid, 0);
}

static void
setup(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.pidfd = -2;
	asked = 0;
}

static bool
read_peer(struct peer *p)
{
	int pair[2];
	bool good;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	asking = true;
	good = peer_read(pair[0], p);
	asking = false;
	(void)close(pair[0]);
	(void)close(pair[1]);
	return good;
}

/* Half a list could be one without a group that somebody is denied by. */
START_TEST(groups_are_all_or_none)
{
	const struct {
		unsigned groups;
		bool gone, no_memory;
		size_t count;
	} rows[] = {
		{ 0, false, false, 0 }, { 5, false, false, 5 },
		{ 32, false, false, 32 }, { 33, false, false, 33 },
		{ 5, false, true, 0 }, { 33, false, true, 0 },
		{ 33, true, false, 0 },
		{ PEER_GROUPS_MAX, false, false, PEER_GROUPS_MAX },
		{ PEER_GROUPS_MAX + 1, false, false, 0 },
	};
	struct peer p;

	for (size_t i = 0; i < COUNT(rows); i++) {
		setup();
		kernel.groups = rows[i].groups;
		kernel.gone = rows[i].gone;
		kernel.no_memory = rows[i].no_memory;
		ck_assert(read_peer(&p));
		ck_assert_msg(p.group_count == rows[i].count, "row %zu", i);
		for (size_t g = 0; g < p.group_count; g++)
			ck_assert_uint_eq(p.groups[g], g + 1); /* sorted */
		peer_free(&p);
	}
}
END_TEST

START_TEST(a_descriptor_that_is_none_is_nobodys)
{
	struct peer p;

	kernel.pidfd = -1;
	ck_assert(!read_peer(&p));
	ck_assert_int_eq(p.pidfd, -1);
	ck_assert(peer_lives(&p)); /* nobody can tell */
	ck_assert_uint_eq(peer_inode(-1), 0);
	ck_assert_uint_eq(peer_cgroup(-1), 0);
}
END_TEST

/* Else a later process with the same number would be taken for the first. */
START_TEST(numbers_of_processes_are_believed_of_their_file_system_alone)
{
	kernel.type = 0x50494446;
	ck_assert(peer_has_inodes());
	kernel.type = 1;
	ck_assert(!peer_has_inodes());
	kernel.type = 0x50494446;
	kernel.no_number = true;
	ck_assert(!peer_has_inodes());
	kernel.no_number = false;
	kernel.statfs_error = ENOSYS;
	ck_assert(!peer_has_inodes());
	kernel.open_error = ENOSYS;
	ck_assert(!peer_has_inodes());
}
END_TEST

START_TEST(a_cgroup_that_is_not_told_is_none)
{
	kernel.info = PEER_INFO_CGROUP;
	ck_assert_uint_eq(peer_cgroup(0), 7);
	kernel.info = ~(uint64_t)PEER_INFO_CGROUP;
	ck_assert_uint_eq(peer_cgroup(0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer odd");
	TCase *t = tcase_create("odd");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, groups_are_all_or_none);
	tcase_add_test(t, a_descriptor_that_is_none_is_nobodys);
	tcase_add_test(t,
	    numbers_of_processes_are_believed_of_their_file_system_alone);
	tcase_add_test(t, a_cgroup_that_is_not_told_is_none);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
