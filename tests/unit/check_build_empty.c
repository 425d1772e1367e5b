/* Tests of client/build.c: what is empty is not stored. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "build.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NEWLINE "there is nothing but a newline: nothing is stored"

static const struct {
	struct build build;
	const char *input;
	const char *why; /* NULL: it is stored */
} inputs[] = {
	{ { .kind = COFRE_KIND_GENERIC }, "",
	    "standard input is empty: nothing is stored" },
	{ { .kind = COFRE_KIND_GENERIC, .strip = true }, "\n", NEWLINE },
	{ { .kind = COFRE_KIND_GENERIC, .strip = true,
	      .fields = { { "value=-" }, 1 } },
	    "\n", NEWLINE },
	{ { .kind = COFRE_KIND_REGISTRY, .server = "s", .username = "u" },
	    "\n", NEWLINE },
	{ { .kind = COFRE_KIND_REGISTRY, .server = "s", .username = "u",
	      .fields = { { "password=-" }, 1 } },
	    "\n", NEWLINE },
	{ { .kind = COFRE_KIND_DATASTORE,
	      .datastore = COFRE_DATASTORE_AZURE_SQL,
	      .meta = { { "server=h" }, 1 },
	      .fields = { { "password=-" }, 1 } },
	    "\n", NEWLINE },
	/* There a newline is a value like any other. */
	{ { .kind = COFRE_KIND_GENERIC }, "\n", NULL },
	{ { .kind = COFRE_KIND_GENERIC, .fields = { { "value=-" }, 1 } },
	    "\n", NULL },
	{ { .kind = COFRE_KIND_GENERIC, .strip = true }, "\n\n", NULL },
};

/* Make standard input a pipe with this text. */
static void
feed(const char *text)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], text, strlen(text)),
	    (int)strlen(text));
	(void)close(fds[1]);
	ck_assert_int_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(fds[0]);
}

START_TEST(what_is_empty_is_not_stored)
{
	const struct build *b = &inputs[_i].build;
	const char *why = inputs[_i].why;
	struct problem problem = { "" };
	cofre_secret *secret = NULL;

	ck_assert_int_eq(build_check(b, &problem), COFRE_OK);
	feed(inputs[_i].input);
	ck_assert_int_eq(build_secret(b, &secret, &problem), why == NULL ?
		COFRE_OK : COFRE_ARGUMENT);
	ck_assert_str_eq(problem.text, why == NULL ? "" : why);
	ck_assert_int_eq(secret == NULL, why != NULL);
	cofre_secret_free(secret);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("build_empty");
	TCase *tc = tcase_create("empty");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, what_is_empty_is_not_stored, 0,
	    (int)COUNT(inputs));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
