/* What is known of a process, and for how long. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "known.h"

#define INODE 7u
#define CGROUP 9u

static struct server *sv;

static void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	sv->clock = 1000000;
	sv->known.most = KNOWN_MAX;
}

static void
teardown(void)
{
	known_clear(sv);
	free(sv);
}

/* For witness_same(), of this process. */
static int
watch_self(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	return fd;
}

static struct known *
add(uint64_t inode)
{
	static const struct facts facts = { .exe = "/usr/bin/agent",
		.start = 5 };
	struct known *k = known_add(sv, inode, CGROUP, watch_self(), &facts);

	ck_assert_ptr_nonnull(k);
	return k;
}

static bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

START_TEST(a_process_is_known_by_its_inode_and_cgroup)
{
	struct known *k = add(INODE);

	ck_assert_ptr_eq(known_find(sv, INODE, CGROUP), k);
	ck_assert_str_eq(k->facts.exe, "/usr/bin/agent");
	ck_assert_uint_eq(k->users, 2);
	ck_assert_ptr_null(known_find(sv, INODE + 1, CGROUP));
	ck_assert_ptr_null(known_find(sv, INODE + KNOWN_BUCKETS, CGROUP));
	ck_assert_ptr_null(known_find(sv, INODE, CGROUP + 1));
	known_leave(sv, k);
	known_leave(sv, k);
}
END_TEST

START_TEST(it_is_forgotten_a_while_after_its_last_connection)
{
	struct known *k = add(INODE);
	int fd = k->watch_fd;

	ck_assert_int_eq(known_timeout(sv), -1);
	sv->clock += 10 * KNOWN_TIME;
	known_tick(sv);
	ck_assert_ptr_eq(known_find(sv, INODE, CGROUP), k);
	known_leave(sv, k);
	known_leave(sv, k);
	ck_assert_int_eq(known_timeout(sv), KNOWN_TIME / 1000 + 1);
	sv->clock += KNOWN_TIME - 1;
	known_tick(sv);
	ck_assert_ptr_eq(known_find(sv, INODE, CGROUP), k);
	known_leave(sv, k);
	sv->clock += KNOWN_TIME;
	ck_assert_int_eq(known_timeout(sv), 0);
	known_tick(sv);
	ck_assert_ptr_null(known_find(sv, INODE, CGROUP));
	ck_assert(!is_open(fd));
	ck_assert_int_eq(known_timeout(sv), -1);
}
END_TEST

/* Those that went first are forgotten first. */
START_TEST(there_are_never_too_many)
{
	struct known *k[KNOWN_MAX + 2];

	for (size_t i = 0; i < KNOWN_MAX + 2; i++)
		k[i] = add(i * KNOWN_BUCKETS / 2);
	for (size_t i = 0; i < KNOWN_MAX + 2; i++)
		known_leave(sv, k[KNOWN_MAX + 1 - i]);
	ck_assert_uint_eq(sv->known.idle, KNOWN_MAX);
	for (size_t i = 0; i < KNOWN_MAX + 2; i++) {
		struct known *found = known_find(sv, i * KNOWN_BUCKETS / 2,
		    CGROUP);

		ck_assert((found != NULL) == (i < KNOWN_MAX));
		if (found != NULL)
			known_leave(sv, found);
	}
}
END_TEST

/* One whose memory is gone, as after its end or an exec. */
START_TEST(a_process_that_is_another_one_is_not_known)
{
	char path[64];
	struct known *k, *of_new;
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	k = known_add(sv, INODE, CGROUP, fd, &(struct facts){ .start = 1 });
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_ptr_null(known_find(sv, INODE, CGROUP));
	of_new = add(INODE);
	ck_assert_ptr_eq(known_find(sv, INODE, CGROUP), of_new);
	known_leave(sv, k);
	ck_assert(!is_open(fd)); /* it is not kept for later */
	known_leave(sv, of_new);
	known_leave(sv, of_new);
	ck_assert_uint_eq(sv->known.idle, 1);
}
END_TEST

/* Where descriptors are scarce. */
START_TEST(nothing_is_kept_that_connections_need)
{
	struct known *k = add(INODE);
	int fd = k->watch_fd;

	sv->known.most = 0;
	ck_assert_ptr_eq(known_find(sv, INODE, CGROUP), k);
	known_leave(sv, k);
	ck_assert(is_open(fd));
	known_leave(sv, k);
	ck_assert(!is_open(fd));
	ck_assert_ptr_null(known_find(sv, INODE, CGROUP));
}
END_TEST

/* It is asked for anew then; its descriptor is still the caller's. */
START_TEST(without_memory_nobody_is_known)
{
	const struct facts facts = { .start = 5 };
	int fd = watch_self();
	const struct known *k;

	no_memory = true;
	k = known_add(sv, INODE, CGROUP, fd, &facts);
	no_memory = false;
	ck_assert_ptr_null(k);
	ck_assert(is_open(fd));
	ck_assert_ptr_null(known_find(sv, INODE, CGROUP));
	(void)close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("known");
	TCase *t = tcase_create("known");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_process_is_known_by_its_inode_and_cgroup);
	tcase_add_test(t, it_is_forgotten_a_while_after_its_last_connection);
	tcase_add_test(t, there_are_never_too_many);
	tcase_add_test(t, a_process_that_is_another_one_is_not_known);
	tcase_add_test(t, nothing_is_kept_that_connections_need);
	tcase_add_test(t, without_memory_nobody_is_known);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
