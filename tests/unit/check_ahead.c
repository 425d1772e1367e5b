/* ahead: a flush that nobody waits for is asked for, and comes to its end. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ahead.h"
#include "in_sandbox.h"

static char dir[] = "/var/tmp/check_ahead.XXXXXX";
static int at, file;

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file = openat(at, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ne(file, -1);
}

static void
teardown(void)
{
	(void)unlinkat(at, "f", 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
write_much(void)
{
	static const char zeros[1 << 16];

	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(write(file, zeros, sizeof(zeros)),
		    (ssize_t)sizeof(zeros));
}

/* What the flush that is under way has come to. */
static long
result(struct ahead *a)
{
	struct timespec most = { .tv_sec = 60 };
	struct io_event event;

	ck_assert_int_eq(syscall(SYS_io_getevents, a->context, 1, 1, &event,
	    &most), 1);
	a->busy = false;
	return (long)event.res;
}

START_TEST(it_comes_to_its_end_without_an_error)
{
	struct ahead a;

	ck_assert(ahead_init(&a));
	ahead_open(&a, at, "f");
	write_much();
	ck_assert(ahead_flush(&a));
	ck_assert_int_eq(result(&a), 0);
	ahead_close(&a);
}
END_TEST

/* Whether the first one is over already is not known: each answer is right as
   long as there is never more than one, and in the end one more. */
START_TEST(there_is_one_at_a_time_and_another_one_after_it)
{
	struct ahead a;
	unsigned begun = 0;

	ck_assert(ahead_init(&a));
	ahead_open(&a, at, "f");
	while (begun < 20) {
		write_much();
		begun += ahead_flush(&a);
		ck_assert(a.busy);
		ck_assert_int_eq(ftruncate(file, 0), 0);
	}
	ck_assert_int_eq(result(&a), 0);
	ahead_close(&a);
}
END_TEST

START_TEST(without_a_file_nothing_is_begun)
{
	struct ahead a;

	ck_assert(ahead_init(&a));
	ck_assert(!ahead_flush(&a));
	ahead_open(&a, at, "no such file");
	ck_assert_int_eq(a.fd, -1);
	errno = ENOTTY;
	ck_assert(!ahead_flush(&a));
	ahead_close(&a);
	ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

START_TEST(another_file_takes_the_place_of_the_first)
{
	struct ahead a;
	struct stat st;
	int first;

	ck_assert(ahead_init(&a));
	ahead_open(&a, at, "f");
	first = a.fd;
	ahead_open(&a, at, ".");
	ck_assert_int_eq(a.fd, first); /* it was closed before */
	ck_assert_int_eq(fstat(a.fd, &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ahead_close(&a);
	ck_assert_int_eq(fstat(first, &st), -1);
}
END_TEST

START_TEST(a_kernel_that_has_none_is_told_of_and_all_goes_on)
{
	struct ahead a;

	ck_assert_int_eq(in_sandbox_deny("io_setup", ENOSYS), 0);
	ck_assert(!ahead_init(&a));
	ck_assert_int_eq(errno, ENOSYS);
	ahead_open(&a, at, "f");
	ck_assert_int_eq(a.fd, -1);
	ck_assert(!ahead_flush(&a));
	ahead_close(&a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ahead");
	TCase *t = tcase_create("ahead");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_comes_to_its_end_without_an_error);
	tcase_add_test(t, there_is_one_at_a_time_and_another_one_after_it);
	tcase_add_test(t, without_a_file_nothing_is_begun);
	tcase_add_test(t, another_file_takes_the_place_of_the_first);
	tcase_add_test(t, a_kernel_that_has_none_is_told_of_and_all_goes_on);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
