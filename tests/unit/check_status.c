#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "status.h"

/*
 * Every status, written down once more: its code on the wire, the word in
 * logs and JSON, and the exit code that scripts test for.
 */
static const struct {
	int code;
	enum cofre_status status;
	const char *name;
	int exit;
} statuses[] = {
	{ 0, COFRE_OK, "ok", 0 },
	{ 1, COFRE_DENIED, "denied", 5 },
	{ 2, COFRE_LOCKED, "locked", 7 },
	{ 3, COFRE_UNINITIALIZED, "uninitialized", 7 },
	{ 4, COFRE_NOT_FOUND, "not-found", 6 },
	{ 5, COFRE_EXISTS, "exists", 8 },
	{ 6, COFRE_INVALID, "invalid", 9 },
	{ 7, COFRE_TOO_LARGE, "too-large", 9 },
	{ 8, COFRE_WRONG_KEY, "wrong-key", 11 },
	{ 9, COFRE_BUSY, "busy", 12 },
	{ 10, COFRE_CONFLICT, "conflict", 8 },
	{ 11, COFRE_LIMIT, "limit", 12 },
	{ 12, COFRE_EXPIRED, "expired", 6 },
	{ 13, COFRE_DELETED, "deleted", 6 },
	{ 14, COFRE_STORE_FULL, "store-full", 12 },
	{ 15, COFRE_STORE_FAILED, "store-failed", 12 },
	{ 16, COFRE_LOG_FAILED, "log-failed", 12 },
	{ 17, COFRE_CORRUPT, "corrupt", 13 },
	{ 18, COFRE_ROLLBACK, "rollback", 13 },
	{ 19, COFRE_BAD_FRAME, "bad-frame", 9 },
	{ 20, COFRE_UNKNOWN_OPERATION, "unknown-operation", 9 },
	{ 21, COFRE_BAD_VERSION, "bad-version", 9 },
	{ 22, COFRE_INTERNAL, "internal", 1 },
	{ 23, COFRE_LAST_SLOT, "last-slot", 8 },
	{ 24, COFRE_OTHER_PROCESS, "other-process", 5 },
	{ 25, COFRE_RUN_ENDED, "run-ended", 5 },
	{ 26, COFRE_NO_PROCESS, "no-process", 6 },
	{ 27, COFRE_UNDER_WAY, "under-way", 12 },
	{ 28, COFRE_FOLLOWED_GONE, "followed-gone", 6 },
	{ 29, COFRE_BLOCKED, "blocked", 12 },
	{ 64, COFRE_UNREACHABLE, "unreachable", 10 },
	{ 65, COFRE_TIMEOUT, "timeout", 10 },
	{ 66, COFRE_CLOSED, "closed", 10 },
	{ 67, COFRE_NO_MEMORY, "no-memory", 1 },
	{ 68, COFRE_ARGUMENT, "argument", 2 },
	{ 69, COFRE_NO_FIELD, "no-field", 6 },
	{ 70, COFRE_FORMAT, "format", 9 },
	{ 71, COFRE_BAD_REPLY, "bad-reply", 10 },
	{ 72, COFRE_NO_CHANGE, "no-change", 1 },
};

/* The table in src/common, to be held against the one above. */
static const struct {
	int code;
	const char *name;
	const char *text;
} rows[] = {
#define STATUS(code, ID, name, exit, text) { code, name, text },
#include "status.def"
#undef STATUS
};

START_TEST(every_status_has_its_code_name_and_exit_code)
{
	for (size_t i = 0; i < COUNT(statuses); i++) {
		enum cofre_status s = statuses[i].status;

		ck_assert_int_eq((int)s, statuses[i].code);
		ck_assert_str_eq(cofre_status_name(s), statuses[i].name);
		ck_assert_msg(status_exit_code(s) == statuses[i].exit, "%s",
		    statuses[i].name);
	}
}
END_TEST

START_TEST(the_enum_has_the_rows_of_the_table_and_no_others)
{
	ck_assert_uint_eq(COUNT(rows), COUNT(statuses));
	for (size_t i = 0; i < COUNT(rows); i++) {
		ck_assert_int_eq(rows[i].code, statuses[i].code);
		ck_assert_str_eq(rows[i].name, statuses[i].name);
	}
}
END_TEST

START_TEST(every_status_has_a_text_that_tells_something)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *text = cofre_status_text(statuses[i].status);

		ck_assert_str_eq(text, rows[i].text);
		ck_assert_uint_gt(strlen(text), 6);
		ck_assert_msg(strchr(text, '\n') == NULL, "%s", text);
		ck_assert_msg(text[strlen(text) - 1] != '.', "%s", text);
	}
}
END_TEST

START_TEST(no_two_statuses_share_a_code_name_or_text)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t j = 0; j < i; j++) {
			ck_assert_int_ne(rows[i].code, rows[j].code);
			ck_assert_str_ne(rows[i].name, rows[j].name);
			ck_assert_str_ne(rows[i].text, rows[j].text);
		}
}
END_TEST

START_TEST(a_name_is_one_word_of_lower_case)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_uint_eq(strspn(rows[i].name,
		    "abcdefghijklmnopqrstuvwxyz-"), strlen(rows[i].name));
}
END_TEST

START_TEST(only_success_exits_with_0)
{
	for (size_t i = 0; i < COUNT(statuses); i++)
		ck_assert_msg((status_exit_code(statuses[i].status) == 0) ==
			(statuses[i].status == COFRE_OK), "%s",
		    statuses[i].name);
}
END_TEST

START_TEST(a_status_of_a_newer_daemon_has_a_text_too)
{
	static const int unknown[] = { 30, 63, 73, 255, 65535, -1 };

	for (size_t i = 0; i < COUNT(unknown); i++) {
		enum cofre_status s = (enum cofre_status)unknown[i];

		ck_assert_str_eq(cofre_status_name(s), "unknown");
		ck_assert_uint_gt(strlen(cofre_status_text(s)), 6);
		ck_assert_int_eq(status_exit_code(s), 1);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("status");
	TCase *t = tcase_create("status");
	SRunner *sr;
	int failed;

	tcase_add_test(t, every_status_has_its_code_name_and_exit_code);
	tcase_add_test(t, the_enum_has_the_rows_of_the_table_and_no_others);
	tcase_add_test(t, every_status_has_a_text_that_tells_something);
	tcase_add_test(t, no_two_statuses_share_a_code_name_or_text);
	tcase_add_test(t, a_name_is_one_word_of_lower_case);
	tcase_add_test(t, only_success_exits_with_0);
	tcase_add_test(t, a_status_of_a_newer_daemon_has_a_text_too);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
