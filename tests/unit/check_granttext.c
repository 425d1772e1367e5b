#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "granttext.h"
#include "sample.h"

static const struct {
	uint8_t kind;
	uint32_t id;
	const char *who;
	const char *text;
} principals[] = {
	{ PRINCIPAL_USER, 2001, "", "user:2001" },
	{ PRINCIPAL_GROUP, 0, "", "group:0" },
	{ PRINCIPAL_IDENTITY, 0, "ml-prod", "identity:ml-prod" },
	{ PRINCIPAL_IDENTITY, 7, "", "identity:#7" },
	{ PRINCIPAL_OPERATOR, 0, "", "operator" },
	{ PRINCIPAL_UNIT, 0, "train.service", "unit:train.service" },
	{ PRINCIPAL_RUN, 0, "abc", "run:abc" },
	{ PRINCIPAL_RUN, 0, "", "run" },
};

START_TEST(a_principal_is_written_as_it_is_read)
{
	char text[GRANTTEXT_MAX];

	ck_assert_str_eq(granttext_principal(principals[_i].kind,
			     principals[_i].id, view_of(principals[_i].who),
			     text),
	    principals[_i].text);
}
END_TEST

START_TEST(a_scope_is_written_as_it_is_read)
{
	char text[GRANTTEXT_MAX];

	ck_assert_str_eq(granttext_scope(view_of(""), view_of(""), text), "/");
	ck_assert_str_eq(granttext_scope(view_of("w"), view_of(""), text),
	    "w");
	ck_assert_str_eq(granttext_scope(view_of("w"), view_of("a-"), text),
	    "w/a-*");
}
END_TEST

START_TEST(the_longest_names_fit)
{
	char workspace[COFRE_WORKSPACE_NAME_MAX + 1];
	char prefix[COFRE_SECRET_NAME_MAX + 1];
	char text[GRANTTEXT_MAX];

	memset(workspace, 'w', sizeof(workspace));
	memset(prefix, 'p', sizeof(prefix));
	workspace[sizeof(workspace) - 1] = prefix[sizeof(prefix) - 1] = '\0';
	(void)granttext_scope(view_of(workspace), view_of(prefix), text);
	ck_assert_uint_eq(strlen(text),
	    COFRE_WORKSPACE_NAME_MAX + COFRE_SECRET_NAME_MAX + 2);
}
END_TEST

START_TEST(a_list_has_what_was_put_into_it)
{
	const struct who_item in = { PRINCIPAL_IDENTITY, 0, view_of("w"),
		view_of("agent"), view_of("w"), view_of("") };
	struct who_item out = in;
	uint8_t bytes[200];
	struct wire_writer w;
	struct list items = { .count = 1 };

	wire_writer_init(&w, bytes, sizeof(bytes));
	who_item_put(&w, &in);
	items.items = (struct view){ bytes, w.len };
	ck_assert(granttext_is_in(items, &in));
	out.role = view_of("reader");
	ck_assert(!granttext_is_in(items, &out));
	out = in;
	out.scope = view_of("x");
	ck_assert(!granttext_is_in(items, &out));
	out = in;
	out.prefix = view_of("a");
	ck_assert(!granttext_is_in(items, &out));
	/* Cut off: it is not there, and nothing behind it is read. */
	items.items.len--;
	ck_assert(!granttext_is_in(items, &in));
	items.count = 2;
	ck_assert(!granttext_is_in(items, &in));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("granttext");
	TCase *t = tcase_create("granttext");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, a_principal_is_written_as_it_is_read, 0,
	    COUNT(principals));
	tcase_add_test(t, a_scope_is_written_as_it_is_read);
	tcase_add_test(t, the_longest_names_fit);
	tcase_add_test(t, a_list_has_what_was_put_into_it);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
