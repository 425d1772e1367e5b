/* What store makes of files that are damaged, foreign or were left behind. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"
#include "statedir.h"

#define ROWS 300u

static struct store *s;

static void
begin(void)
{
	ck_assert_int_eq(store_begin(s, 4096, false), COFRE_OK);
}

static void
put(const char *key, const char *value)
{
	ck_assert_int_eq(store_put(s, view_of(key), view_of(value)),
	    COFRE_OK);
}

static bool
has(const char *key, const char *value)
{
	struct view v;
	enum cofre_status st = store_get(s, view_of(key), &v);

	return value == NULL ? st == COFRE_NOT_FOUND :
	    st == COFRE_OK && view_is(v, value);
}

/* Fill a store with rows, in two commits, and close it; returns how many
   bytes of the file are used. */
static size_t
make_store(void)
{
	struct store_stat st;
	char name[300];

	s = statedir_open(64 * MIB);
	begin();
	for (uint32_t i = 0; i < ROWS; i++) {
		(void)snprintf(name, sizeof(name), "row %0250u", i);
		put(name + 200, name);
		if (i == ROWS / 2) {
			ck_assert_int_eq(store_commit(s), COFRE_OK);
			begin();
		}
	}
	ck_assert_int_eq(store_commit(s), COFRE_OK);
	store_stat(s, &st);
	store_close(s);
	s = NULL;
	ck_assert_uint_gt(st.used, 15 * 4096);
	return (size_t)st.used;
}

static void
assert_all_rows(void)
{
	struct store_stat st;
	char name[300];

	store_stat(s, &st);
	ck_assert_uint_eq(st.rows, ROWS);
	for (uint32_t i = 0; i < ROWS; i++) {
		(void)snprintf(name, sizeof(name), "row %0250u", i);
		if (!has(name + 200, name))
			ck_abort_msg("row %u is lost", i);
	}
}

static void
open_and_check(void)
{
	s = statedir_open(64 * MIB);
	assert_all_rows();
	begin();
	put("one more", "row");
	store_close(s);
}

START_TEST(a_file_cut_at_any_page_is_refused_or_whole)
{
	size_t used = make_store(), size;
	uint8_t *file = statedir_read(STATEDIR_FILE, &size);

	for (size_t n = 4096; n <= used + 8192; n += 4096) {
		statedir_write(STATEDIR_FILE, file, n);
		if (n < used)
			statedir_assert_refused("cut short");
		else
			open_and_check();
	}
	free(file);
}
END_TEST

START_TEST(a_file_cut_within_a_page_is_refused)
{
	static const size_t odd[] = { 1, 2, 3, 15, 16, 19, 20, 23, 24, 39, 43,
		100, 143, 151, 152, 255, 256, 4095, 4097, 4111, 4112, 4200,
		4247, 4248, 4351, 4352, 8191, 8193, 9000, 12287, 30000,
		40961, 50000 };
	size_t used = make_store(), size;
	uint8_t *file = statedir_read(STATEDIR_FILE, &size);

	for (size_t i = 0; i < COUNT(odd); i++) {
		ck_assert_uint_lt(odd[i], used);
		statedir_write(STATEDIR_FILE, file, odd[i]);
		statedir_assert_refused("cut short");
		ck_assert_uint_eq(statedir_size(STATEDIR_FILE), odd[i]);
	}
	statedir_write(STATEDIR_FILE, file, used - 1);
	statedir_assert_refused("cut short");
	statedir_write(STATEDIR_FILE, file, used + 1);
	open_and_check();
	free(file);
}
END_TEST

START_TEST(an_empty_file_is_a_new_store)
{
	statedir_write(STATEDIR_FILE, "", 0);
	s = statedir_open(64 * MIB);
	ck_assert(has("a", NULL));
	begin();
	put("a", "1");
	ck_assert_int_eq(store_commit(s), COFRE_OK);
	store_close(s);
	s = statedir_open(64 * MIB);
	ck_assert(has("a", "1"));
	store_close(s);
}
END_TEST

START_TEST(a_foreign_file_is_refused_and_left_as_it_is)
{
	static const char *const starts[] = { "", "#!/bin/sh\nexit 0\n",
		"SQLite format 3", "\177ELF", "{\"json\": true}" };

	for (size_t i = 0; i < COUNT(starts); i++)
		for (size_t n = 256; n <= 65536; n *= 4) {
			uint8_t *file = calloc(1, n), *after;
			size_t size;

			ck_assert_ptr_nonnull(file);
			memcpy(file, starts[i], strlen(starts[i]));
			statedir_write(STATEDIR_FILE, file, n);
			statedir_assert_refused("not a cofre store");
			after = statedir_read(STATEDIR_FILE, &size);
			ck_assert_uint_eq(size, n);
			ck_assert_mem_eq(after, file, n);
			free(file);
			free(after);
		}
}
END_TEST

/* One field of a meta page that is not what it should be. */
static const struct {
	size_t at; /* in the file, which has pages of 4096 bytes */
	uint32_t value;
	const char *why;
} damages[] = {
	{ 16, 0xBEEFC0DF, "not a cofre store" },
	{ 16, 0xDEC0EFBE, "not a cofre store" }, /* of the other byte order */
	{ 20, 2, "newer" },
	{ 20, 999, "newer" },
	{ 20, 0, "version" },
	{ 40, 0, "damaged" },
	{ 40, 256, "damaged" },
	{ 40, 4097, "damaged" },
	{ 40, 131072, "damaged" },
	{ 40, 0xffffffff, "damaged" },
	{ 40, 8192, "damaged" },
	{ 4096 + 16, 0, "damaged" },
	{ 4096 + 20, 2, "damaged" },
	{ 4096 + 40, 512, "damaged" },
};

START_TEST(a_header_of_another_version_or_damaged_is_refused)
{
	size_t used = make_store(), size;
	uint8_t *file = statedir_read(STATEDIR_FILE, &size);

	for (size_t i = 0; i < COUNT(damages); i++) {
		uint8_t saved[4];

		memcpy(saved, file + damages[i].at, 4);
		memcpy(file + damages[i].at, &damages[i].value, 4);
		statedir_write(STATEDIR_FILE, file, used);
		statedir_assert_refused(damages[i].why);
		memcpy(file + damages[i].at, saved, 4);
	}
	statedir_write(STATEDIR_FILE, file, used);
	open_and_check();
	free(file);
}
END_TEST

START_TEST(a_last_page_beyond_the_end_is_refused)
{
	static const uint64_t pages[] = { 0xffffffffffffffff,
		0x7fffffffffffffff, 0x000fffffffffffff, 1u << 20 };
	size_t used = make_store(), size;
	uint8_t *file = statedir_read(STATEDIR_FILE, &size);

	for (size_t i = 0; i < COUNT(pages); i++) {
		memcpy(file + 136, &pages[i], 8);
		memcpy(file + 4096 + 136, &pages[i], 8);
		statedir_write(STATEDIR_FILE, file, used);
		statedir_assert_refused("cut short");
	}
	free(file);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	ck_assert_int_eq(mkdir(STATEDIR_FILE, 0700), 0);
	statedir_assert_refused("directory");
	ck_assert_int_eq(rmdir(STATEDIR_FILE), 0);
	ck_assert_int_eq(mkfifo(STATEDIR_FILE, 0600), 0);
	statedir_assert_refused("not a regular file");
	ck_assert_int_eq(unlink(STATEDIR_FILE), 0);
	statedir_write("other", "", 0);
	ck_assert_int_eq(symlink("other", STATEDIR_FILE), 0);
	statedir_assert_refused("symbolic link");
	ck_assert_uint_eq(statedir_size("other"), 0);
}
END_TEST

START_TEST(a_place_that_is_not_there_is_an_error)
{
	char error[256] = "", tiny[4] = "";

	ck_assert_ptr_null(store_open("no/such/dir", MIB, error,
	    sizeof(error)));
	ck_assert_msg(strstr(error, "no/such/dir") != NULL, "%s", error);
	ck_assert_ptr_null(store_open("no/such/dir", MIB, tiny,
	    sizeof(tiny)));
	ck_assert_uint_eq(strlen(tiny), 3);
}
END_TEST

START_TEST(nothing_can_be_closed)
{
	store_close(NULL);
}
END_TEST

static void
write_and_die(void)
{
	s = statedir_open(64 * MIB);
	begin();
	put("first", "kept");
	if (store_commit(s) != COFRE_OK)
		_exit(1);
	begin();
	put("second", "lost");
	(void)kill(getpid(), SIGKILL);
}

START_TEST(what_was_committed_survives_kill_9)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		write_and_die();
		_exit(2);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	s = statedir_open(64 * MIB);
	ck_assert(has("first", "kept") && has("second", NULL));
	/* The dead writer's lock is not in the way. */
	begin();
	put("third", "row");
	ck_assert_int_eq(store_commit(s), COFRE_OK);
	store_close(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_files");
	TCase *t = tcase_create("store_files");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, statedir_setup, statedir_teardown);
	tcase_add_test(t, a_file_cut_at_any_page_is_refused_or_whole);
	tcase_add_test(t, a_file_cut_within_a_page_is_refused);
	tcase_add_test(t, an_empty_file_is_a_new_store);
	tcase_add_test(t, a_foreign_file_is_refused_and_left_as_it_is);
	tcase_add_test(t, a_header_of_another_version_or_damaged_is_refused);
	tcase_add_test(t, a_last_page_beyond_the_end_is_refused);
	tcase_add_test(t, what_is_no_file_is_refused);
	tcase_add_test(t, a_place_that_is_not_there_is_an_error);
	tcase_add_test(t, nothing_can_be_closed);
	tcase_add_test(t, what_was_committed_survives_kill_9);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
