/*
 * What may be compared with secrets: a budget for each uid and workspace,
 * which fills again, and of which nobody else takes.
 */
#include <check.h>
#include <stdlib.h>

#include "guess.h"

#define NOW ((uint64_t)1000000 * 86400)
#define SECOND ((uint64_t)1000000)

/* All of it, once, and then no byte more. */
START_TEST(a_budget_is_used_up)
{
	struct guesses g = { 0 };

	for (unsigned i = 0; i < GUESS_BYTES / GUESS_HIT; i++)
		ck_assert(guess_take(&g, 7, 1, NOW, GUESS_HIT));
	ck_assert(!guess_take(&g, 7, 1, NOW, 1024));
	/* What is refused costs nothing. */
	ck_assert(guess_take(&g, 7, 1, NOW + SECOND, GUESS_RATE));
	ck_assert(!guess_take(&g, 7, 1, NOW + SECOND, 1024));
}
END_TEST

START_TEST(it_fills_again_and_no_further)
{
	struct guesses g = { 0 };

	ck_assert(guess_take(&g, 7, 1, NOW, GUESS_BYTES));
	ck_assert(!guess_take(&g, 7, 1, NOW + SECOND, GUESS_RATE + 1024));
	ck_assert(guess_take(&g, 7, 1, NOW + SECOND, GUESS_RATE));
	ck_assert(!guess_take(&g, 7, 1, NOW * 2, GUESS_BYTES + 1024));
	ck_assert(guess_take(&g, 7, 1, NOW * 2, GUESS_BYTES));
}
END_TEST

START_TEST(everybody_has_his_own_in_each_workspace)
{
	struct guesses g = { 0 };

	ck_assert(guess_take(&g, 7, 1, NOW, GUESS_BYTES));
	ck_assert(guess_take(&g, 8, 1, NOW, GUESS_BYTES));
	ck_assert(guess_take(&g, 7, 2, NOW, GUESS_BYTES));
	ck_assert(!guess_take(&g, 7, 1, NOW, 1024));
	ck_assert(!guess_take(&g, 8, 1, NOW, 1024));
}
END_TEST

/* Nobody is forgotten who has used some of his. */
START_TEST(the_table_can_t_be_washed_out)
{
	struct guesses g = { 0 };

	ck_assert(guess_take(&g, 7, 1, NOW, GUESS_BYTES));
	for (uint32_t uid = 1000; uid < 1000 + 2 * GUESSERS; uid++)
		ck_assert_int_eq(guess_take(&g, uid, 1, NOW, GUESS_BYTES),
		    uid < 1000 + GUESSERS - 1);
	ck_assert(!guess_take(&g, 7, 1, NOW, 1024));
	/* When theirs are whole again their places are free. */
	ck_assert(guess_take(&g, 5000, 1, NOW * 2, 1024));
}
END_TEST

START_TEST(what_is_given_back_can_be_taken_again)
{
	struct guesses g = { 0 };

	ck_assert(guess_take(&g, 7, 1, NOW, GUESS_BYTES));
	guess_give(&g, 7, 1, GUESS_HIT);
	ck_assert(guess_take(&g, 7, 1, NOW, GUESS_HIT));
	ck_assert(!guess_take(&g, 7, 1, NOW, 1024));
	guess_give(&g, 9, 1, GUESS_HIT);
	ck_assert(!guess_take(&g, 7, 1, NOW, 1024));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("guess");
	TCase *t = tcase_create("guess");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_budget_is_used_up);
	tcase_add_test(t, it_fills_again_and_no_further);
	tcase_add_test(t, everybody_has_his_own_in_each_workspace);
	tcase_add_test(t, the_table_can_t_be_washed_out);
	tcase_add_test(t, what_is_given_back_can_be_taken_again);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
