/*
 * Tests of src/facts.c: what the kernel writes of a process is taken apart
 * rightly, also where the process has chosen a part of it to deceive.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"
#include "sample.h"

#define TEXT(s) { (const uint8_t *)(s), sizeof(s) - 1 }

static const struct cgroup_case {
	struct view text;
	const char *path; /* NULL: none */
} cgroups[] = {
	{ TEXT("0::/\n"), "/" },
	{ TEXT("0::/system.slice/x.service\n"), "/system.slice/x.service" },
	{ TEXT("1:cpu:/a\n0::/b c\n"), "/b c" },
	{ TEXT("0::/no-newline"), "/no-newline" },
	{ TEXT("0::/x (deleted)/y\n"), "/x (deleted)/y" },
	{ TEXT(""), NULL },
	{ TEXT("\n\n"), NULL },
	{ TEXT("1:cpu:/a\n"), NULL },
	{ TEXT("10::/a\n"), NULL },
	{ TEXT("0:cpu:/a\n"), NULL },
	{ TEXT("0::\n"), NULL },
	{ TEXT("0::relative\n"), NULL },
	{ TEXT("0::/..\n"), NULL },
	{ TEXT("0::/../../system.slice/x.service\n"), NULL },
	{ TEXT("0::/a/../b\n"), NULL },
	{ TEXT("0::/a/./b\n"), NULL },
	{ TEXT("0::/a//b\n"), NULL },
	{ TEXT("0::/a/\n"), NULL },
	{ TEXT("0::/a\0b\n"), NULL },
	{ TEXT("0::/x.service (deleted)\n"), NULL },
	/* The first such line is the kernel's; a name can't make another. */
	{ TEXT("0::/a\n0::/b\n"), "/a" },
};

START_TEST(the_cgroup_is_that_of_its_line)
{
	for (size_t i = 0; i < COUNT(cgroups); i++) {
		char path[CGROUP_MAX + 1] = "old";
		bool found = facts_cgroup(cgroups[i].text, path);

		ck_assert_msg(found == (cgroups[i].path != NULL), "%zu", i);
		ck_assert_str_eq(path, found ? cgroups[i].path : "");
	}
}
END_TEST

START_TEST(a_cgroup_of_any_length_fits_or_is_none)
{
	char text[CGROUP_MAX + 16], path[CGROUP_MAX + 1];

	for (size_t n = 1; n <= CGROUP_MAX + 1; n++) {
		memcpy(text, "0::/", 4);
		memset(text + 4, 'a', n - 1);
		text[3 + n] = '\n';
		ck_assert_int_eq(facts_cgroup((struct view){
			(const uint8_t *)text, n + 4 }, path), n <= CGROUP_MAX);
		ck_assert_uint_eq(strlen(path), n <= CGROUP_MAX ? n : 0);
	}
}
END_TEST

static const struct unit_case {
	const char *cgroup;
	const char *unit; /* NULL: none */
} units[] = {
	{ "/system.slice/x.service", "x.service" },
	{ "/system.slice/x.service/sub", "x.service" },
	{ "/system.slice/x.service/y.service", "x.service" },
	{ "/system.slice/system-getty.slice/getty@tty1.service",
	    "getty@tty1.service" },
	{ "/a.slice/a-b.slice/a-b-c.slice/x.scope", "x.scope" },
	{ "/batch.slice/dev\\x2dx.mount", "dev\\x2dx.mount" },
	{ "/system.slice/slurmd.service/job_1", "slurmd.service" },
	/* What a user's or a container's manager has named. */
	{ "/user.slice/user-1000.slice/session-3.scope", NULL },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
	    NULL },
	{ "/user.slice/x.service", NULL },
	{ "/machine.slice/libpod-1.scope/system.slice/x.service", NULL },
	{ "/docker/1/system.slice/x.service", NULL },
	/* Nothing that the system manager has made. */
	{ "", NULL },
	{ "/", NULL },
	{ "/init.scope", NULL },
	{ "/x.service", NULL },
	{ "/system.slice", NULL },
	{ "/system.slice/x", NULL },
	{ "/system.slice/.service", NULL },
	{ "/system.slice/a b.service", NULL },
	{ "/system.slice/a\nb.service", NULL },
	{ "/system.slice/\xc3\xa4.service", NULL },
	{ "/system.slice/x.service (deleted)", NULL },
	{ "/system.slice/evil/x.service", NULL },
	{ "/.slice/x.service", NULL },
	{ "/system.slice/../user.slice/x.service", NULL },
	{ "system.slice/x.service", NULL },
	{ "//system.slice/x.service", NULL },
	{ "/system.slice//x.service", NULL },
};

START_TEST(a_cgroup_is_within_itself_and_those_above_it)
{
	static const struct {
		const char *cgroup, *outer;
		bool within;
	} rows[] = {
		{ "/a", "/a", true }, { "/a/b", "/a", true },
		{ "/a/b", "/a/b", true }, { "/a", "/", true },
		{ "/", "/", true }, { "/ab", "/a", false },
		{ "/a", "/a/b", false }, { "/b/a", "/a", false },
		{ "/a", "", false }, { "", "", false }, { "", "/", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(facts_cgroup_within(rows[i].cgroup,
				  rows[i].outer) == rows[i].within,
		    "'%s' in '%s'", rows[i].cgroup, rows[i].outer);
}
END_TEST

START_TEST(a_unit_is_one_of_the_system_manager)
{
	for (size_t i = 0; i < COUNT(units); i++) {
		char unit[UNIT_NAME_MAX + 1] = "old";
		bool found = facts_unit(units[i].cgroup, unit);

		ck_assert_msg(found == (units[i].unit != NULL), "%s",
		    units[i].cgroup);
		ck_assert_str_eq(unit, found ? units[i].unit : "");
	}
}
END_TEST

START_TEST(a_unit_of_any_length_fits_or_is_none)
{
	char path[UNIT_NAME_MAX + 32], unit[UNIT_NAME_MAX + 1];

	for (size_t n = 1; n + 8 <= UNIT_NAME_MAX + 4; n++) {
		(void)snprintf(path, sizeof(path), "/s.slice/%0*d.service",
		    (int)n, 0);
		ck_assert_int_eq(facts_unit(path, unit),
		    n + 8 <= UNIT_NAME_MAX);
		ck_assert_uint_eq(strlen(unit),
		    n + 8 <= UNIT_NAME_MAX ? n + 8 : 0);
	}
}
END_TEST

#define BEFORE " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "

static const struct start_case {
	struct view text;
	uint64_t start;
} starts[] = {
	{ TEXT("7 (sh)" BEFORE "4711 0 0\n"), 4711 },
	{ TEXT("7 (a b)" BEFORE "4711 0\n"), 4711 },
	{ TEXT("7 (x) R 1" BEFORE ") " "S 0\n"), 0 },
	/* The name is "x) S 1 ... 9999 0 (": what it says is not believed. */
	{ TEXT("7 (x)" BEFORE "9999 0 ()" BEFORE "4711 0\n"), 4711 },
	{ TEXT("7 (\n))" BEFORE "4711 0\n"), 4711 },
	{ TEXT("7 (sh)" BEFORE "18446744073709551615 0\n"), UINT64_MAX },
	{ TEXT("7 (sh)" BEFORE "18446744073709551617 0\n"), 0 },
	{ TEXT("7 (sh)" BEFORE "4711"), 0 }, /* cut off */
	{ TEXT("7 (sh)" BEFORE), 0 },
	{ TEXT("7 (sh)" BEFORE "-1 0\n"), 0 },
	{ TEXT("7 (sh)" BEFORE " 0\n"), 0 },
	{ TEXT("7 (sh)"), 0 },
	{ TEXT("7 (sh) "), 0 },
	{ TEXT("7 sh" BEFORE "4711 0\n"), 0 },
	{ TEXT(")"), 0 },
	{ TEXT(""), 0 },
};

START_TEST(the_start_is_counted_behind_the_name)
{
	for (size_t i = 0; i < COUNT(starts); i++)
		ck_assert_msg(facts_start(starts[i].text) == starts[i].start,
		    "%zu: %llu", i,
		    (unsigned long long)facts_start(starts[i].text));
}
END_TEST

static struct view
read_file(const char *path)
{
	static uint8_t text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text));

	ck_assert_int_gt(n, 0);
	(void)close(fd);
	return (struct view){ text, (size_t)n };
}

START_TEST(this_process_has_a_start)
{
	uint64_t start = facts_start(read_file("/proc/self/stat"));

	ck_assert_uint_gt(start, 0);
	ck_assert_uint_ge(start, facts_start(read_file("/proc/1/stat")));
}
END_TEST

/* Bytes of all kinds: nothing is read or written that is not there. */
START_TEST(an_id_is_known_when_all_four_are_one)
{
	static const struct {
		const char *text;
		uint32_t uid, gid;
	} rows[] = {
		{ "Name:\tx\nUid:\t1\t1\t1\t1\nGid:\t2\t2\t2\t2\n", 1, 2 },
		{ "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n", 0, 0 },
		{ "Uid:\t1\t0\t0\t0\nGid:\t1\t1\t1\t0\n", NO_ID, NO_ID },
		{ "Uid:\t0\t0\t0\nGid:\t\t\t\t\n", NO_ID, NO_ID },
		{ "Uid:\tx\tx\tx\tx\n", NO_ID, NO_ID },
		{ "Uid:\t4294967295\t4294967295\t4294967295\t4294967295\n",
		    NO_ID, NO_ID },
		{ "Uid:\t4294967294\t4294967294\t4294967294\t4294967294\n",
		    4294967294, NO_ID },
		{ "Uid:\t4294967297\t4294967297\t4294967297\t4294967297\n",
		    NO_ID, NO_ID },
		{ "Uid:\t00\t00\t00\t00\n", NO_ID, NO_ID },
		{ "NUid:\t1\t1\t1\t1\n", NO_ID, NO_ID },
		{ "", NO_ID, NO_ID },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		ck_assert_uint_eq(facts_id(view_of(rows[i].text), "Uid:"),
		    rows[i].uid);
		ck_assert_uint_eq(facts_id(view_of(rows[i].text), "Gid:"),
		    rows[i].gid);
	}
}
END_TEST

START_TEST(nonsense_gives_nothing_that_is_too_long)
{
	static const char some[] = "0::/ab.slice)(\n d9\0.service";
	char path[CGROUP_MAX + 1], unit[UNIT_NAME_MAX + 1];
	uint64_t state = sample_seed("facts");

	for (unsigned i = 0; i < 200000; i++) {
		size_t len = sample_below(&state, 400);
		uint8_t *text = malloc(len + 1);

		ck_assert_ptr_nonnull(text);
		for (size_t j = 0; j < len; j++)
			text[j] = (uint8_t)some[sample_below(&state,
			    sizeof(some))];
		if (len > 4 && i % 2 == 0)
			memcpy(text, "0::/", 4);
		text[len] = '\0';
		(void)facts_cgroup((struct view){ text, len }, path);
		ck_assert_uint_le(strlen(path), CGROUP_MAX);
		(void)facts_unit((char *)text, unit);
		ck_assert_uint_le(strlen(unit), UNIT_NAME_MAX);
		(void)facts_start((struct view){ text, len });
		free(text);
	}
}
END_TEST

static Suite *
facts_suite(void)
{
	Suite *s = suite_create("facts");
	TCase *t = tcase_create("facts");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_cgroup_is_that_of_its_line);
	tcase_add_test(t, a_cgroup_of_any_length_fits_or_is_none);
	tcase_add_test(t, a_cgroup_is_within_itself_and_those_above_it);
	tcase_add_test(t, a_unit_is_one_of_the_system_manager);
	tcase_add_test(t, a_unit_of_any_length_fits_or_is_none);
	tcase_add_test(t, the_start_is_counted_behind_the_name);
	tcase_add_test(t, this_process_has_a_start);
	tcase_add_test(t, an_id_is_known_when_all_four_are_one);
	tcase_add_test(t, nonsense_gives_nothing_that_is_too_long);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(facts_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
