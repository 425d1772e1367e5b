/*
 * Tests of client/rolejson_make.c: a role of which the daemon tells what can't
 * be is not shown.
 */
#include <check.h>
#include <stdlib.h>

#include "rolejson.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *workspace, *prefix;
	int more; /* items than it says */
	enum cofre_status status;
} scopes[] = {
	{ "", "", 0, COFRE_OK },
	{ "w", "", 0, COFRE_OK },
	{ "w", "p-", 0, COFRE_OK },
	{ "", "p-", 0, COFRE_BAD_REPLY },
	{ "W", "", 0, COFRE_BAD_REPLY },
	{ "w/x", "", 0, COFRE_BAD_REPLY },
	{ "w", "p/", 0, COFRE_BAD_REPLY },
	{ "w", "", 1, COFRE_BAD_REPLY },
	{ "w", "", -1, COFRE_BAD_REPLY },
};

START_TEST(a_scope_that_can_not_be_is_a_bad_reply)
{
	struct role_show_reply m = { .name = view_of("r"), .custom = true };
	struct wire_writer w;
	uint8_t bytes[64];
	json_t *all = NULL;

	wire_writer_init(&w, bytes, sizeof(bytes));
	scope_item_put(&w, &(struct scope_item){
		view_of(scopes[_i].workspace), view_of(scopes[_i].prefix) });
	m.scopes = (struct list){ (uint32_t)(1 - scopes[_i].more),
		{ bytes, w.len } };
	ck_assert_int_eq(rolejson_make(&m, &all), scopes[_i].status);
	ck_assert_int_eq(all != NULL, scopes[_i].status == COFRE_OK);
	json_decref(all);
}
END_TEST

/* In each of the four lists, one item too many and one too few. */
START_TEST(a_list_of_patterns_is_whole)
{
	struct role_show_reply m = { .name = view_of("r"), .custom = true };
	struct list *const lists[] = { &m.patterns, &m.not_actions,
		&m.data_actions, &m.not_data_actions };
	struct wire_writer w;
	uint8_t bytes[64];
	json_t *all = NULL;

	wire_writer_init(&w, bytes, sizeof(bytes));
	pattern_item_put(&w, &(struct pattern_item){ view_of("*/read") });
	for (size_t i = 0; i < COUNT(lists); i++) {
		*lists[i] = (struct list){ 0, { bytes, w.len } };
		ck_assert_int_eq(rolejson_make(&m, &all), COFRE_BAD_REPLY);
		lists[i]->count = 2;
		ck_assert_int_eq(rolejson_make(&m, &all), COFRE_BAD_REPLY);
		ck_assert_ptr_null(all);
		lists[i]->count = 1;
	}
	ck_assert_int_eq(rolejson_make(&m, &all), COFRE_OK);
	ck_assert_uint_eq(json_array_size(json_object_get(all,
			      "NotDataActions")), 1);
	json_decref(all);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rolejson_make");
	TCase *t = tcase_create("rolejson_make");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, a_scope_that_can_not_be_is_a_bad_reply, 0,
	    (int)COUNT(scopes));
	tcase_add_test(t, a_list_of_patterns_is_whole);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
