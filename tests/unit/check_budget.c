/*
 * What a uid may have in a time: a budget for each uid and workspace, which
 * comes back as time goes by, and of which nobody else takes.
 */
#include <check.h>
#include <stdlib.h>

#include "budget.h"

#define SECOND ((uint64_t)1000000)
#define NOW (SECOND * 86400)
#define MOST (32 * SECOND)

/* Of what may be owed at once. */
static bool
take(struct budget *b, uint32_t uid, uint64_t workspace, uint64_t clock,
    uint64_t time)
{
	return budget_take(b, uid, workspace, clock, time, MOST);
}

/* All of it, once, and then nothing more. */
START_TEST(a_budget_is_used_up)
{
	struct budget b = { 0 };

	for (unsigned i = 0; i < 32; i++)
		ck_assert(take(&b, 7, 1, NOW, SECOND));
	ck_assert(!take(&b, 7, 1, NOW, 1));
	/* What is refused costs nothing. */
	ck_assert(take(&b, 7, 1, NOW + SECOND, SECOND));
	ck_assert(!take(&b, 7, 1, NOW + SECOND, 1));
}
END_TEST

START_TEST(it_comes_back_and_no_more_than_it_was)
{
	struct budget b = { 0 };

	ck_assert(take(&b, 7, 1, NOW, MOST));
	ck_assert(!take(&b, 7, 1, NOW + SECOND, SECOND + 1));
	ck_assert(take(&b, 7, 1, NOW + SECOND, SECOND));
	ck_assert(!take(&b, 7, 1, NOW * 2, MOST + 1));
	ck_assert(take(&b, 7, 1, NOW * 2, MOST));
}
END_TEST

START_TEST(everybody_has_his_own_in_each_workspace)
{
	struct budget b = { 0 };

	ck_assert(take(&b, 7, 1, NOW, MOST));
	ck_assert(take(&b, 8, 1, NOW, MOST));
	ck_assert(take(&b, 7, 2, NOW, MOST));
	ck_assert(!take(&b, 7, 1, NOW, 1));
	ck_assert(!take(&b, 8, 1, NOW, 1));
	ck_assert(!take(&b, 7, 2, NOW, 1));
}
END_TEST

/* Root's, outside of workspaces: it looks like a place that nobody has. */
START_TEST(root_has_no_more_than_others)
{
	struct budget b = { 0 };

	ck_assert(take(&b, 7, 1, NOW, MOST));
	ck_assert(take(&b, 0, 0, NOW, MOST));
	ck_assert(!take(&b, 0, 0, NOW, 1));
	ck_assert(take(&b, 8, 1, NOW, MOST));
	ck_assert(!take(&b, 0, 0, NOW, 1));
}
END_TEST

/* Nobody is forgotten who owes something. */
START_TEST(the_table_can_t_be_washed_out)
{
	struct budget b = { 0 };

	ck_assert(take(&b, 7, 1, NOW, MOST));
	for (uint32_t uid = 1000; uid < 1000 + 2 * BUDGET_SLOTS; uid++)
		ck_assert_int_eq(take(&b, uid, 1, NOW, MOST),
		    uid < 1000 + BUDGET_SLOTS - 1);
	ck_assert(!take(&b, 7, 1, NOW, 1));
	/* When they owe nothing any more their places are free. */
	ck_assert(take(&b, 5000, 1, NOW * 2, 1));
}
END_TEST

/* However many workspaces a uid has, half of the table is for others. */
START_TEST(half_is_for_others)
{
	struct budget b = { 0 };

	for (uint64_t ws = 1; ws <= BUDGET_SLOTS; ws++)
		ck_assert_int_eq(take(&b, 7, ws, NOW, SECOND),
		    ws <= BUDGET_UID);
	/* It goes on with those that it has, */
	ck_assert(take(&b, 7, BUDGET_UID, NOW, SECOND));
	for (uint32_t uid = 1000; uid < 1000 + BUDGET_UID; uid++)
		ck_assert(take(&b, uid, 1, NOW, SECOND));
	/* and what it had once is no place that it has. */
	for (uint64_t ws = 1; ws <= BUDGET_UID; ws++)
		ck_assert(take(&b, 7, 1000 + ws, NOW * 2, SECOND));
	ck_assert(!take(&b, 7, 1, NOW * 2, SECOND));
	ck_assert(take(&b, 8, 1, NOW * 2, SECOND));
}
END_TEST

START_TEST(what_is_given_back_can_be_taken_again)
{
	struct budget b = { 0 };

	ck_assert(take(&b, 7, 1, NOW, MOST));
	budget_give(&b, 7, 1, SECOND);
	ck_assert(take(&b, 7, 1, NOW, SECOND));
	ck_assert(!take(&b, 7, 1, NOW, 1));
	budget_give(&b, 9, 1, SECOND);
	budget_give(&b, 7, 2, SECOND);
	ck_assert(!take(&b, 7, 1, NOW, 1));
}
END_TEST

START_TEST(what_is_owed_goes_back_with_the_time)
{
	struct budget b = { 0 };

	ck_assert_uint_eq(budget_owed(&b, 7, 1, 5 * SECOND), 0);
	ck_assert(take(&b, 7, 1, 5 * SECOND, SECOND));
	ck_assert_uint_eq(budget_owed(&b, 7, 1, 5 * SECOND), SECOND);
	ck_assert_uint_eq(budget_owed(&b, 7, 2, 5 * SECOND), 0);
	ck_assert_uint_eq(budget_owed(&b, 8, 1, 5 * SECOND), 0);
	ck_assert_uint_eq(budget_owed(&b, 7, 1, 6 * SECOND - 1), 1);
	ck_assert_uint_eq(budget_owed(&b, 7, 1, 6 * SECOND), 0);
	ck_assert_uint_eq(budget_owed(&b, 7, 1, 9 * SECOND), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("budget");
	TCase *t = tcase_create("budget");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_budget_is_used_up);
	tcase_add_test(t, what_is_owed_goes_back_with_the_time);
	tcase_add_test(t, it_comes_back_and_no_more_than_it_was);
	tcase_add_test(t, everybody_has_his_own_in_each_workspace);
	tcase_add_test(t, root_has_no_more_than_others);
	tcase_add_test(t, the_table_can_t_be_washed_out);
	tcase_add_test(t, half_is_for_others);
	tcase_add_test(t, what_is_given_back_can_be_taken_again);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
