/* Places for runs: who gets one, whose end makes one, and what of that a turn
   that fails leaves. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "run_parts.h"
#include "sample.h"

/* A run of a process, whose id is 16 times the byte; not yet in the vault. */
static struct run *
make(uint8_t byte)
{
	struct run *r = run_new(1);

	ck_assert_ptr_nonnull(r);
	memset(r->id, byte, sizeof(r->id));
	r->target = RUN_PROCESS;
	r->pid = 100u + byte;
	r->start = 5000;
	r->uid = 1000;
	r->by = 1001;
	strcpy(r->secrets[0].name, "a");
	r->secrets[0].record = 7;
	return r;
}

/* One that gets a place as long as there is one. */
static struct run *
make_of_root(uint8_t byte)
{
	struct run *r = make(byte);

	r->by = 0;
	return r;
}

static struct run *
find(uint8_t byte)
{
	uint8_t id[RUN_ID_LEN];

	memset(id, byte, sizeof(id));
	return runs_find(&v.runs, (struct view){ id, sizeof(id) });
}

/* As many as there are places, the last one of which is the oldest. */
static void
take_all(void)
{
	for (unsigned i = 0; i < RUNS_MAX; i++) {
		struct run *r = make(1);

		r->by = i;
		r->id[1] = (uint8_t)i;
		r->id[2] = (uint8_t)(i >> 8);
		r->created = RUNS_MAX - i;
		ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
		if (i % 64 == 63)
			vaultdir_commit(&v);
	}
}

/* That run is over, and nobody is it any more. */
static void
finish(struct run *r)
{
	runs_end(&v.runs, r, RUN_END_PROCESS, true);
	r->untold = false;
}

static void
check_rows(uint64_t rows)
{
	struct row_key prefix = row_prefix(TABLE_RUN, ws->id);
	struct view range = { prefix.bytes, prefix.len }, key, value;
	struct view from = range;
	uint8_t next[ROW_KEY_MAX + 1];

	while (store_next(v.store, range, from, &key, &value) == COFRE_OK) {
		memcpy(next, key.data, key.len);
		next[key.len] = 0;
		from = (struct view){ next, key.len + 1 };
		rows--;
	}
	ck_assert_uint_eq(rows, 0);
}

START_TEST(the_oldest_that_nobody_is_makes_place)
{
	struct run *r = make_of_root(2);

	take_all();
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_LIMIT);
	for (unsigned i = 10; i < 14; i++)
		runs_end(&v.runs, v.runs.list[i], RUN_END_ASKED, i != 13);
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_LIMIT);
	/* Of 10 to 13 what was read is recorded, and 13's process lives. */
	for (unsigned i = 10; i < 14; i++)
		v.runs.list[i]->untold = false;
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
	ck_assert_uint_eq(v.runs.count, RUNS_MAX);
	for (size_t i = 0; i < v.runs.count; i++)
		ck_assert(v.runs.list[i]->id[0] == 2 ||
		    v.runs.list[i]->id[1] != 12 || v.runs.list[i]->id[2] != 0);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.runs.count, RUNS_MAX);
	ck_assert_ptr_nonnull(find(2));
}
END_TEST

/* What is over counts as long as its process lives. */
START_TEST(nobody_takes_all_places)
{
	struct run *r;

	for (unsigned i = 0; i < RUNS_MAX / 2; i++) {
		ck_assert_int_eq(runs_add(&v, ws, make(1)), COFRE_OK);
		if (i % 64 == 63)
			vaultdir_commit(&v);
	}
	r = make(2);
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_LIMIT);
	r->by++;
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
	r = make(3);
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_LIMIT);
	for (unsigned i = 0; i < 2; i++)
		runs_end(&v.runs, v.runs.list[i], RUN_END_ASKED, false);
	v.runs.list[0]->untold = v.runs.list[1]->untold = false;
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_LIMIT);
	v.runs.list[0]->gone = v.runs.list[1]->gone = true;
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
	r = make(4);
	r->by = 0;
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
}
END_TEST

/* The turn fails: the run that has made place is there again, as its row is. */
START_TEST(a_place_is_taken_back_with_its_turn)
{
	uint8_t id[RUN_ID_LEN];
	struct run *r, *done;

	take_all();
	done = v.runs.list[5];
	memcpy(id, done->id, sizeof(id));
	finish(done);
	finish(v.runs.list[6]);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(runs_add(&v, ws, make_of_root(2)), COFRE_OK);
		ck_assert_int_eq(runs_add(&v, ws, make_of_root(3)), COFRE_OK);
		vault_poison(&v, COFRE_STORE_FULL);
		ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FULL);
		ck_assert_uint_eq(v.runs.count, RUNS_MAX);
		ck_assert(find(2) == NULL && find(3) == NULL);
		r = runs_find(&v.runs, (struct view){ id, sizeof(id) });
		ck_assert_ptr_eq(r, done);
	}
	ck_assert_int_eq(runs_add(&v, ws, make_of_root(4)), COFRE_OK);
	vaultdir_commit(&v);
	check_rows(RUNS_MAX);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.runs.count, RUNS_MAX);
	ck_assert_ptr_nonnull(find(4));
}
END_TEST

START_TEST(a_lock_in_such_a_turn_loses_no_run)
{
	take_all();
	finish(v.runs.list[5]);
	ck_assert_int_eq(runs_add(&v, ws, make_of_root(2)), COFRE_OK);
	vault_lock(&v);
	ck_assert_int_eq(vaultdir_unlock(&v, 0, 1, false, 0), COFRE_OK);
	ck_assert_uint_eq(v.runs.count, RUNS_MAX);
	ck_assert_ptr_null(find(2));
}
END_TEST

/* Until it is in the log what it has read in this turn. */
START_TEST(who_has_just_read_makes_no_place)
{
	struct run *r = make_of_root(2), *done;

	take_all();
	done = v.runs.list[5];
	run_count(done, &done->secrets[0], 1, 0, 0);
	v.runs.reading = true;
	finish(done);
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_LIMIT);
	runs_logged(&v.runs, 9);
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
}
END_TEST

/* As earlier daemons have left it. */
START_TEST(a_vault_with_too_many_runs_opens_and_heals)
{
	struct run *r;

	take_all();
	for (uint8_t i = 2; i < 5; i++) {
		r = make(i);
		r->number = ++v.now.next_record;
		run_set_rights(r, ws->id, 1);
		r->rights.over = true;
		ck_assert_int_eq(vault_begin(&v, 4096, false), COFRE_OK);
		ck_assert_int_eq(runs_save(&v, r), COFRE_OK);
		vaultdir_commit(&v);
		run_free(r);
	}
	vaultdir_again(&v);
	ws = vaultdir_workspace(&v, "w");
	ck_assert_uint_eq(v.runs.count, RUNS_MAX + 3);
	r = make(9);
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_LIMIT);
	for (uint8_t i = 2; i < 5; i++)
		runs_gone(&v.runs, find(i));
	finish(v.runs.list[7]);
	r->by = 0;
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
	vaultdir_commit(&v);
	check_rows(RUNS_MAX);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.runs.count, RUNS_MAX);
	ck_assert(find(9) != NULL && find(2) == NULL && find(4) == NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("run_places");
	TCase *t = tcase_create("places");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_oldest_that_nobody_is_makes_place);
	tcase_add_test(t, nobody_takes_all_places);
	tcase_add_test(t, a_place_is_taken_back_with_its_turn);
	tcase_add_test(t, a_lock_in_such_a_turn_loses_no_run);
	tcase_add_test(t, who_has_just_read_makes_no_place);
	tcase_add_test(t, a_vault_with_too_many_runs_opens_and_heals);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
