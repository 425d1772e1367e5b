/* Tests of client/procstat.c: when a process began. */
#include <check.h>
#include <unistd.h>

#include "procstat.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text;
	uint64_t start; /* 0: no such text */
} stats[] = {
	{ "7 (cat) R 1 7 7 0 -1 4194304 97 0 0 0 0 0 0 0 20 0 1 0 1234 5 6\n",
	    1234 },
	{ "7 (a) b (c) R 1 7 7 0 -1 4 97 0 0 0 0 0 0 0 20 0 1 0 99 5\n", 99 },
	{ "7 () 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9) R 1 7 7 0 -1 4 97 0 0 "
	  "0 0 0 0 0 20 0 1 0 18446744073709551615 5\n",
	    UINT64_MAX },
	{ "7 (cat) R 1 7 7 0 -1 4 97 0 0 0 0 0 0 0 20 0 1 0 "
	  "18446744073709551616 5\n", 0 },
	{ "7 (cat) R 1 7 7 0 -1 4 97 0 0 0 0 0 0 0 20 0 1 0 1x 5\n", 0 },
	{ "7 (cat) R 1 7 7 0 -1 4 97 0 0 0 0 0 0 0 20 0 1 0 -1 5\n", 0 },
	{ "7 (cat) R 1 7 7 0 -1 4 97 0 0 0 0 0 0 0 20 0 1 0 12", 0 },
	{ "7 (cat) R 1 7 7 0 -1 4 97 0 0 0 0 0 0 0 20 0 1 0 ", 0 },
	{ "7 (cat) R 1 7\n", 0 }, { "7 cat R 1 7\n", 0 }, { "", 0 },
	{ ")", 0 },
};

START_TEST(the_start_stands_behind_the_last_parenthesis)
{
	uint64_t start = 5;
	bool good = procstat_parse(view_of(stats[_i].text), &start);

	ck_assert_int_eq(good, stats[_i].start != 0);
	if (good)
		ck_assert_uint_eq(start, stats[_i].start);
}
END_TEST

START_TEST(this_process_has_one_start)
{
	uint64_t a = 0, b = 0, first = 0;

	ck_assert(procstat_self(&a));
	ck_assert(procstat_start(getpid(), &b));
	ck_assert_uint_eq(a, b);
	ck_assert(procstat_start(getppid(), &first));
	ck_assert_uint_le(first, a);
}
END_TEST

static Suite *
procstat_suite(void)
{
	Suite *s = suite_create("procstat");
	TCase *t = tcase_create("procstat");

	tcase_add_loop_test(t, the_start_stands_behind_the_last_parenthesis,
	    0, (int)COUNT(stats));
	tcase_add_test(t, this_process_has_one_start);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(procstat_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
