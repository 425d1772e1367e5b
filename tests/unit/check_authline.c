/* Tests of client/authline.c: options of a key, and its line. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "authline.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"

static const char *const good[] = { "", "restrict", "from=\"10.0.0.0/8\"",
	"restrict,from=\"10.0.0.0/8,!10.1.0.0/16,*.example\"" };

START_TEST(options_are_read_as_they_are_written)
{
	uint8_t key[SSH_KEY_LEN];
	char text[SSH_LINE_SIZE], want[SSH_LINE_SIZE];
	struct sshname_options o;

	memset(key, 1, sizeof(key));
	ck_assert(sshname_options(view_of(good[_i]), &o));
	ck_assert(authline_print(text, sizeof(text), &o));
	ck_assert_str_eq(text, good[_i]);
	ck_assert(!authline_print(text, strlen(good[_i]), &o));
	(void)snprintf(want, sizeof(want), "%s%sssh-ed25519 " KEY
	    " cofre:w/a#7", good[_i], *good[_i] == '\0' ? "" : " ");
	ck_assert(authline_make(text, view_of(good[_i]), key, "cofre:w/a#7"));
	ck_assert_str_eq(text, want);
	ck_assert(authline_public(text, key, "cofre:w/a#7"));
	ck_assert_str_eq(text, "ssh-ed25519 " KEY " cofre:w/a#7");
}
END_TEST

static const char *const bad[] = { "restrict,", "restrict ", "Restrict",
	"restrictfrom=\"a\"", ",restrict", "from=a", "from=\"\"", "from=\"",
	"from=\"a", "from=\"a\",restrict", "from=\"a\" ", "from=\"a\"b\"",
	"from=\"a b\"", "from=\"a\\\"\"", "restrict,command=\"x\"",
	"restrict\ncommand=\"x\"", "pty", "from=\"a\n\"",
	"restrict,restrict" };

START_TEST(everything_else_is_refused)
{
	const uint8_t key[SSH_KEY_LEN] = { 1 };
	struct sshname_options o;
	char text[SSH_LINE_SIZE];

	ck_assert(!sshname_options(view_of(bad[_i]), &o));
	ck_assert(!authline_make(text, view_of(bad[_i]), key, "c"));
	ck_assert(!authline_make(text, view_of("restrict"), key, "a\nb"));
}
END_TEST

START_TEST(a_comment_names_target_and_version)
{
	char text[AUTHLINE_COMMENT];

	authline_comment(text, "ml-prod", "gpu.1", 12);
	ck_assert_str_eq(text, "cofre:ml-prod/gpu.1#12");
}
END_TEST

static Suite *
authline_suite(void)
{
	Suite *s = suite_create("authline");
	TCase *t = tcase_create("authline");

	tcase_add_loop_test(t, options_are_read_as_they_are_written, 0,
	    (int)COUNT(good));
	tcase_add_loop_test(t, everything_else_is_refused, 0,
	    (int)COUNT(bad));
	tcase_add_test(t, a_comment_names_target_and_version);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(authline_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
