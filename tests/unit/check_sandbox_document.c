/* doc/SANDBOX.md has the rows of each filter's table, and no more. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

static char document[65536];

static void
read_document(void)
{
	const char *top = getenv("srcdir");
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/doc/SANDBOX.md",
	    top == NULL ? "." : top);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_uint_gt(fread(document, 1, sizeof(document) - 1, f), 0);
	(void)fclose(f);
}

/* The row of the document for each row of the table, and no more. */
static void
check_rows(const char *text, enum filter which)
{
	const char *name, *rule;
	size_t rows = 0, i;
	char row[256];

	for (i = 0; (name = filter_row(which, i, &rule)) != NULL; i++) {
		(void)snprintf(row, sizeof(row), "\n| `%s` | %s |", name,
		    rule[0] == '\0' ? "any" : rule);
		ck_assert_msg(strstr(text, row) != NULL, "%s", row);
	}
	for (const char *p = text; (p = strstr(p, "\n| `")) != NULL; p++)
		rows++;
	ck_assert_uint_eq(rows, i);
}

START_TEST(the_document_has_the_same_rows)
{
	char *witness, *keeper, *checker, *sentry;

	read_document();
	keeper = strstr(document, "\n## The keeper of the witness\n");
	witness = strstr(document, "\n## The witness\n");
	checker = strstr(document, "\n## The check of the stores\n");
	sentry = strstr(document, "\n## The sentry\n");
	ck_assert(keeper < witness && witness < checker && checker < sentry);
	check_rows(sentry, FILTER_SENTRY);
	*sentry = '\0';
	check_rows(checker, FILTER_CHECKER);
	*checker = '\0';
	check_rows(witness, FILTER_WITNESS);
	check_rows(keeper, FILTER_KEEPER); /* besides its own */
	*keeper = '\0';
	check_rows(document, FILTER_DAEMON);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sandbox document");
	TCase *t = tcase_create("document");
	SRunner *sr;
	int failed;

	tcase_add_test(t, the_document_has_the_same_rows);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
