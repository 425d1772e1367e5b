/*
 * Tests of client/api*.c: arguments that are missing or can't be are named,
 * and nothing is sent.  What the calls send is in check_calls.c and
 * check_runs.c.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ID "00010203040506070000000000000000"
#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN "cofre_r_AZaz09-_"

static struct script p;
static cofre_secret *secret;

static void
setup(void)
{
	script_open(&p, 1000);
	ck_assert_int_eq(cofre_secret_new(&secret, COFRE_KIND_GENERIC, 0),
	    COFRE_OK);
}

/* Nothing was sent. */
static void
teardown(void)
{
	ck_assert_uint_eq(script_hear(&p).len, 0);
	cofre_secret_free(secret);
	script_close(&p);
}

static void
refused(enum cofre_status s, const char *says)
{
	ck_assert_int_eq(s, COFRE_ARGUMENT);
	script_check_error(&p, says);
}

START_TEST(what_is_missing_is_named)
{
	struct cofre_run run;

	refused(cofre_put(p.c, "w", NULL, secret, 0, 0, NULL),
	    "put: name is NULL");
	refused(cofre_put(p.c, "w", "n", NULL, 0, 0, NULL),
	    "put: secret is NULL");
	refused(cofre_delete(p.c, "w", NULL), "delete: name is NULL");
	refused(cofre_report_stale(p.c, "w", NULL, 1),
	    "report-stale: name is NULL");
	refused(cofre_run_end(p.c, "w", NULL), "run end: id is NULL");
	refused(cofre_run_renew(p.c, "w", NULL, 0, NULL),
	    "run renew: id is NULL");
	refused(cofre_run_attach(p.c, NULL, &run),
	    "run attach: token is NULL");
	refused(cofre_run_attach(p.c, TOKEN, NULL),
	    "run attach: ret is NULL");
	ck_assert_int_eq(cofre_secret_new(NULL, COFRE_KIND_GENERIC, 0),
	    COFRE_ARGUMENT);
	/* Without a handle there is nowhere to say so. */
	ck_assert_int_eq(cofre_report_stale(NULL, "w", "n", 1),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_renew(NULL, "w", ID, 0, NULL),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_attach(NULL, TOKEN, &run),
	    COFRE_ARGUMENT);
}
END_TEST

START_TEST(a_name_that_can_not_be_is_not_sent)
{
	refused(cofre_put(p.c, "W", "n", secret, 0, 0, NULL), "put");
	refused(cofre_put(p.c, "w", "a/b", secret, 0, 0, NULL), "put");
	refused(cofre_delete(p.c, "w", "a/b"), "delete");
	refused(cofre_report_stale(p.c, "w", "a/b", 1), "report-stale");
	refused(cofre_report_stale(p.c, "W", "n", 1), "report-stale");
	refused(cofre_run_renew(p.c, "W", ID, 0, NULL), "run renew");
	refused(cofre_run_renew(p.c, "w", "x", 0, NULL),
	    "run renew: the id of a run is 32 hexadecimal digits");
	refused(cofre_run_renew(p.c, "w", ID, 86401, NULL),
	    "run renew: the lifetime is longer than 86400 seconds");
}
END_TEST

/* It might be a line of something else that somebody has piped in. */
static const char *const tokens[] = { "", "cofre_r_", "cofre_x_AZaz09",
	"cofre_r_a b", "cofre_r_a{", "cofre_r_a/", "cofre_r_a\n",
	"cofre_r_" A32 A32 };

START_TEST(what_is_no_token_is_not_sent)
{
	struct cofre_run run = { .expires = 7 };

	refused(cofre_run_attach(p.c, tokens[_i], &run),
	    "run attach: that is not the token of a run");
	ck_assert_uint_eq(run.expires, 7);
}
END_TEST

START_TEST(secrets_of_a_run_are_names)
{
	const char *const bad[] = { "a/b" }, *const none[] = { NULL };
	struct cofre_run_options o = { .size = sizeof(o), .workspace = "w",
		.target = COFRE_RUN_SELF, .secret_count = 1 };
	struct cofre_run run;

	refused(cofre_run_start(p.c, &o, &run, NULL, 0),
	    "run start: secrets is NULL");
	o.secrets = bad;
	refused(cofre_run_start(p.c, &o, &run, NULL, 0),
	    "run start: a secret's name is not valid");
	o.secrets = none;
	refused(cofre_run_start(p.c, &o, &run, NULL, 0),
	    "run start: a secret's name is not valid");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("api arguments");
	TCase *t = tcase_create("api arguments");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_missing_is_named);
	tcase_add_test(t, a_name_that_can_not_be_is_not_sent);
	tcase_add_loop_test(t, what_is_no_token_is_not_sent, 0,
	    (int)COUNT(tokens));
	tcase_add_test(t, secrets_of_a_run_are_names);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
