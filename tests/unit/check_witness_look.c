/*
 * Tests of src/witness.c: what is seen of a process, and when that is
 * nothing.  check_witness.c is about the process that looks.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "localfs.h"
#include "sample.h"
#include "witness.h"

static char dir[64];

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/check_witness.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
}

static void
teardown(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/sleep", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/other", dir);
	(void)unlink(path);
	(void)rmdir(dir);
}

static bool
is_root(void)
{
	if (geteuid() == 0)
		return true;
	(void)printf("skipped: not root\n");
	return false;
}

/* A copy of a program that waits, as dir/name. */
static void
copy_program(const char *name)
{
	char line[256];

	(void)snprintf(line, sizeof(line), "cp /bin/sleep %s/%s", dir, name);
	ck_assert_int_eq(system(line), 0);
}

/* A process that has executed dir/name: that it has is seen by a pipe. */
static pid_t
start_program(const char *name, int (*before)(void))
{
	char path[128], c;
	int ends[2];
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		if (before != NULL && before() != 0)
			_exit(1);
		(void)execl(path, path, "60", (char *)NULL);
		_exit(1);
	}
	(void)close(ends[1]);
	ck_assert_int_eq(read(ends[0], &c, 1), 0);
	(void)close(ends[0]);
	return pid;
}

static void
end_program(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static struct facts
look(pid_t pid, int *fd)
{
	struct facts f;

	memset(&f, 'x', sizeof(f));
	*fd = witness_look((uint32_t)pid, false, &f);
	return f;
}

START_TEST(this_process_is_seen_as_it_is)
{
	char own[EXE_MAX + 1] = "";
	struct facts f;
	int fd;

	ck_assert_int_gt(readlink("/proc/self/exe", own, EXE_MAX), 0);
	f = look(getpid(), &fd);
	ck_assert_int_ne(fd, -1);
	ck_assert_str_eq(f.exe, own);
	ck_assert_int_eq(f.cgroup[0], '/');
	ck_assert_uint_gt(f.start, 0);
	ck_assert(witness_same(fd));
	ck_assert((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	(void)close(fd);
}
END_TEST

START_TEST(a_process_that_is_not_there_has_no_facts)
{
	const pid_t pids[] = { 0, -1, 0x7fffffff };
	struct facts none, f;
	int fd;

	memset(&none, 0, sizeof(none));
	none.uid = none.gid = NO_ID;
	for (size_t i = 0; i < COUNT(pids); i++) {
		f = look(pids[i], &fd);
		ck_assert_int_eq(fd, -1);
		ck_assert_mem_eq(&f, &none, sizeof(f));
	}
}
END_TEST

static void
wait_stopped(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
}

START_TEST(an_exec_is_noticed_and_an_end_too)
{
	char path[128], c;
	int fd, ends[2];
	pid_t pid;

	copy_program("sleep");
	(void)snprintf(path, sizeof(path), "%s/sleep", dir);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)raise(SIGSTOP);
		(void)execl(path, path, "60", (char *)NULL);
		_exit(1);
	}
	(void)close(ends[1]);
	wait_stopped(pid);
	(void)look(pid, &fd);
	ck_assert_int_ne(fd, -1);
	ck_assert(witness_same(fd));
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(read(ends[0], &c, 1), 0); /* executed */
	ck_assert(!witness_same(fd));
	(void)close(fd);
	(void)look(pid, &fd);
	ck_assert(witness_same(fd));
	end_program(pid);
	ck_assert(!witness_same(fd));
	(void)close(fd);
	(void)close(ends[0]);
}
END_TEST

/* What it does besides is no exec. */
START_TEST(fork_and_more_memory_are_not_taken_for_an_exec)
{
	int fd, status;
	pid_t child;
	void *p;

	(void)look(getpid(), &fd);
	p = calloc(1, 64u << 20);
	ck_assert_ptr_nonnull(p);
	child = fork();
	if (child == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(system("true"), 0);
	free(p);
	ck_assert(witness_same(fd));
	(void)close(fd);
}
END_TEST

START_TEST(a_program_is_told_by_its_path)
{
	char path[128];
	struct facts f;
	pid_t pid;
	int fd;

	copy_program("sleep");
	pid = start_program("sleep", NULL);
	(void)snprintf(path, sizeof(path), "%s/sleep", dir);
	f = look(pid, &fd);
	ck_assert_str_eq(f.exe, path);
	(void)close(fd);
	end_program(pid);
}
END_TEST

/* The file at the path is another one, or none. */
START_TEST(a_program_that_was_replaced_is_told_by_no_path)
{
	char path[128], other[160];
	struct facts f;
	pid_t pid;
	int fd;

	copy_program("sleep");
	copy_program("other");
	pid = start_program("sleep", NULL);
	(void)snprintf(path, sizeof(path), "%s/sleep", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	ck_assert_int_eq(rename(other, path), 0);
	f = look(pid, &fd);
	ck_assert_str_eq(f.exe, "");
	ck_assert(witness_same(fd));
	(void)close(fd);
	end_program(pid);
	pid = start_program("sleep", NULL);
	ck_assert_int_eq(unlink(path), 0);
	f = look(pid, &fd);
	ck_assert_str_eq(f.exe, "");
	(void)close(fd);
	/* A file of the name that the kernel then shows. */
	(void)snprintf(other, sizeof(other), "%s (deleted)", path);
	ck_assert_int_eq(close(open(other, O_WRONLY | O_CREAT, 0700)), 0);
	f = look(pid, &fd);
	ck_assert_str_eq(f.exe, "");
	(void)close(fd);
	(void)unlink(other);
	end_program(pid);
}
END_TEST

/* Where one may be made, and what of its path is the cgroup's. */
START_TEST(a_cgroup_is_told_by_its_path)
{
	static const char *const roots[] = { "/sys/fs/cgroup",
		"/sys/fs/cgroup/unified" };
	static const char *const none[] = { "", "/", "x", "/..", "/a/../b",
		"/check_witness-not-there", "/cgroup.procs" };
	char path[128], own[64];
	struct facts f;
	bool made = false;
	int fd;

	for (size_t i = 0; i < COUNT(none); i++) {
		ck_assert_int_eq(witness_look_cgroup(none[i], &f), -1);
		ck_assert_str_eq(f.cgroup, "");
		ck_assert_uint_eq(f.uid, NO_ID);
	}
	(void)snprintf(own, sizeof(own), "/check_witness-%d", (int)getpid());
	for (size_t i = 0; i < COUNT(roots) && !made; i++) {
		(void)snprintf(path, sizeof(path), "%s/cgroup.controllers",
		    roots[i]);
		if (access(path, R_OK) == -1)
			continue;
		(void)snprintf(path, sizeof(path), "%s%s", roots[i], own);
		made = mkdir(path, 0755) == 0;
	}
	if (!made)
		return; /* only some may make cgroups */
	fd = witness_look_cgroup(own, &f);
	ck_assert_int_ne(fd, -1);
	ck_assert_str_eq(f.cgroup, own);
	ck_assert_uint_eq(f.uid, getuid());
	ck_assert_uint_eq(f.start, 0);
	(void)close(fd);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(witness_look_cgroup(own, &f), -1);
}
END_TEST

static int
other_users(void)
{
	return unshare(CLONE_NEWUSER);
}

/* There, whoever is root decides what a path means. */
START_TEST(a_program_elsewhere_is_told_by_no_path)
{
	struct facts f;
	pid_t pid;
	int fd;

	if (!is_root())
		return;
	copy_program("sleep");
	pid = start_program("sleep", other_users);
	f = look(pid, &fd);
	ck_assert_str_eq(f.exe, "");
	ck_assert_int_ne(fd, -1);
	ck_assert_uint_gt(f.start, 0);
	(void)close(fd);
	end_program(pid);
}
END_TEST

/* The id of the mount that a path is on. */
static uint64_t
mount_of(const char *path)
{
	struct statx stx;

	ck_assert_int_eq(statx(AT_FDCWD, path, 0, STATX_MNT_ID, &stx), 0);
	return stx.stx_mnt_id;
}

START_TEST(a_mount_is_local_by_its_type)
{
	ck_assert(localfs(mount_of("/dev/shm")));
	ck_assert(!localfs(mount_of("/proc")));
	ck_assert(!localfs(mount_of("/sys")));
	ck_assert(!localfs(0));
	ck_assert(!localfs(UINT64_MAX));
	/* An id whose beginning only is that of a mount there is. */
	ck_assert(!localfs(mount_of("/dev/shm") * 10000000));
}
END_TEST

static Suite *
witness_look_suite(void)
{
	Suite *s = suite_create("witness_look");
	TCase *t = tcase_create("witness_look");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, this_process_is_seen_as_it_is);
	tcase_add_test(t, a_process_that_is_not_there_has_no_facts);
	tcase_add_test(t, an_exec_is_noticed_and_an_end_too);
	tcase_add_test(t, fork_and_more_memory_are_not_taken_for_an_exec);
	tcase_add_test(t, a_program_is_told_by_its_path);
	tcase_add_test(t, a_program_that_was_replaced_is_told_by_no_path);
	tcase_add_test(t, a_cgroup_is_told_by_its_path);
	tcase_add_test(t, a_program_elsewhere_is_told_by_no_path);
	tcase_add_test(t, a_mount_is_local_by_its_type);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(witness_look_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
