#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "catalog.h"
#include "proto.h"
#include "sample.h"

static const uint8_t key[16] = { 1, 2, 3 };
static struct catalog *c;

static void
setup(void)
{
	ck_assert(crypto_init());
	c = catalog_new(key);
	ck_assert_ptr_nonnull(c);
}

static void
teardown(void)
{
	catalog_free(c);
}

static const struct catalog_entry none;

/* An entry that can be told from others by its number. */
static struct catalog_entry
entry(uint32_t number, uint16_t slot, uint8_t state)
{
	return (struct catalog_entry){ .record = number,
		.version = number * 3 + 1, .slot = slot,
		.kind = number % 7 & CATALOG_KIND, .stale = number % 3 == 0,
		.state = state };
}

static void
set(uint64_t workspace, const char *name, struct catalog_entry e)
{
	ck_assert(catalog_reserve(c, 1));
	catalog_set(c, workspace, view_of(name), &e);
}

/* The name has this entry, or none when state is 0. */
static bool
has(uint64_t workspace, const char *name, struct catalog_entry want)
{
	const struct catalog_entry *e = catalog_find(c, workspace,
	    view_of(name));

	if (want.state == 0 || e == NULL)
		return want.state == 0 && e == NULL;
	return e->record == want.record && e->version == want.version &&
	    e->slot == want.slot && e->kind == want.kind &&
	    e->stale == want.stale &&
	    e->state == want.state;
}

START_TEST(a_new_catalogue_is_empty)
{
	ck_assert(has(1, "a", none));
	ck_assert(has(0, "", none));
	ck_assert_uint_eq(catalog_count(c, 0).live, 0);
	ck_assert_uint_eq(catalog_count(c, WORKSPACES_MAX - 1).deleted, 0);
}
END_TEST

START_TEST(an_entry_is_found_by_workspace_and_name)
{
	set(1, "a", entry(5, 2, SECRET_LIVE));
	ck_assert(has(1, "a", entry(5, 2, SECRET_LIVE)));
	ck_assert(has(2, "a", none));
	ck_assert(has(1, "b", none));
	ck_assert(has(1, "aa", none));
	ck_assert(has(1, "", none));
	set(2, "a", entry(6, 3, SECRET_LIVE));
	ck_assert(has(1, "a", entry(5, 2, SECRET_LIVE)));
	ck_assert(has(2, "a", entry(6, 3, SECRET_LIVE)));
}
END_TEST

START_TEST(the_longest_name_works_and_a_longer_one_is_not_there)
{
	char name[COFRE_SECRET_NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[COFRE_SECRET_NAME_MAX + 1] = '\0';
	ck_assert_ptr_null(catalog_find(c, 1, view_of(name)));
	name[COFRE_SECRET_NAME_MAX] = '\0';
	set(1, "", entry(2, 1, SECRET_LIVE));
	set(1, name, entry(1, 1, SECRET_LIVE));
	ck_assert(has(1, name, entry(1, 1, SECRET_LIVE)));
	name[COFRE_SECRET_NAME_MAX - 1] = 'm';
	ck_assert(has(1, name, none));
	/* Not to be found by a longer name that begins so. */
	name[COFRE_SECRET_NAME_MAX - 1] = 'n';
	name[COFRE_SECRET_NAME_MAX] = 'n';
	ck_assert_ptr_null(catalog_find(c, 1, view_of(name)));
}
END_TEST

START_TEST(what_is_kept_can_not_be_taken_back)
{
	set(1, "a", entry(5, 2, SECRET_LIVE));
	catalog_keep(c);
	catalog_undo(c);
	ck_assert(has(1, "a", entry(5, 2, SECRET_LIVE)));
	ck_assert_uint_eq(catalog_count(c, 2).live, 1);
}
END_TEST

START_TEST(an_insert_is_taken_back)
{
	set(1, "a", entry(5, 2, SECRET_LIVE));
	catalog_undo(c);
	ck_assert(has(1, "a", none));
	ck_assert_uint_eq(catalog_count(c, 2).live, 0);
}
END_TEST

START_TEST(an_update_is_taken_back)
{
	set(1, "a", entry(5, 2, SECRET_LIVE));
	catalog_keep(c);
	set(1, "a", entry(6, 2, SECRET_DELETED));
	set(1, "a", entry(7, 2, SECRET_PURGED));
	ck_assert_uint_eq(catalog_count(c, 2).live, 0);
	catalog_undo(c);
	ck_assert(has(1, "a", entry(5, 2, SECRET_LIVE)));
	ck_assert_uint_eq(catalog_count(c, 2).live, 1);
	ck_assert_uint_eq(catalog_count(c, 2).deleted, 0);
}
END_TEST

START_TEST(a_removal_is_taken_back)
{
	set(1, "a", entry(5, 2, SECRET_DELETED));
	catalog_keep(c);
	set(1, "a", none);
	ck_assert(has(1, "a", none));
	ck_assert_uint_eq(catalog_count(c, 2).deleted, 0);
	catalog_undo(c);
	ck_assert(has(1, "a", entry(5, 2, SECRET_DELETED)));
	ck_assert_uint_eq(catalog_count(c, 2).deleted, 1);
}
END_TEST

START_TEST(a_removal_of_what_is_not_there_changes_nothing)
{
	set(1, "a", entry(5, 2, SECRET_LIVE));
	catalog_keep(c);
	set(1, "b", none);
	ck_assert(has(1, "a", entry(5, 2, SECRET_LIVE)));
	catalog_undo(c);
	ck_assert(has(1, "a", entry(5, 2, SECRET_LIVE)));
	ck_assert_uint_eq(catalog_count(c, 2).live, 1);
}
END_TEST

START_TEST(each_state_is_counted_in_its_workspace)
{
	set(1, "a", entry(1, 1, SECRET_LIVE));
	set(1, "b", entry(2, 1, SECRET_LIVE));
	set(1, "c", entry(3, 1, SECRET_DELETED));
	set(1, "d", entry(4, 1, SECRET_PURGED));
	set(9, "a", entry(5, 1023, SECRET_LIVE));
	ck_assert_uint_eq(catalog_count(c, 1).live, 2);
	ck_assert_uint_eq(catalog_count(c, 1).deleted, 1);
	ck_assert_uint_eq(catalog_count(c, 1023).live, 1);
	ck_assert_uint_eq(catalog_count(c, 1023).deleted, 0);
	ck_assert_uint_eq(catalog_count(c, 2).live, 0);
}
END_TEST

static const char *
nth(uint32_t i)
{
	static char name[16];

	(void)snprintf(name, sizeof(name), "n%u", i);
	return name;
}

/* Set "a" of the workspace as one that follows that name. */
static void
set_follower(uint64_t workspace, const char *follows)
{
	struct catalog_entry e = entry(1, (uint16_t)workspace, SECRET_LIVE);
	catalog_follow(c, workspace, view_of(follows), &e);
	set(workspace, "a", e);
}

/* The record that "a" of the workspace follows. */
static uint64_t
followed(uint64_t workspace)
{
	const struct catalog_entry *f = catalog_followed(c,
	    catalog_find(c, workspace, view_of("a")));
	return f == NULL ? 0 : f->record;
}

START_TEST(what_is_followed_is_found_as_it_is_now)
{
	set(1, "b", entry(5, 1, SECRET_LIVE));
	set(2, "b", entry(6, 2, SECRET_LIVE));
	set_follower(1, "b");
	set_follower(2, "c");
	ck_assert(followed(1) == 5 && followed(2) == 0);
	set(2, "c", entry(7, 2, SECRET_LIVE));
	ck_assert_uint_eq(followed(2), 7);
	catalog_keep(c);
	set(1, "b", entry(8, 1, SECRET_LIVE));
	set_follower(2, "b");
	ck_assert(followed(1) == 8 && followed(2) == 6);
	catalog_undo(c);
	ck_assert(followed(1) == 5 && followed(2) == 7);
	for (uint32_t i = 0; i < 1000; i++)
		set(3, nth(i), entry(100 + i, 3, SECRET_LIVE));
	ck_assert(followed(1) == 5 && followed(2) == 7);
}
END_TEST

START_TEST(it_grows_and_loses_nothing)
{
	for (uint32_t i = 0; i < 20000; i++)
		set(1, nth(i), entry(i, 1, SECRET_LIVE));
	for (uint32_t i = 0; i < 20000; i++)
		if (!has(1, nth(i), entry(i, 1, SECRET_LIVE)))
			ck_abort_msg("entry %u is lost", i);
	ck_assert(has(1, nth(20000), none));
	ck_assert_uint_eq(catalog_count(c, 1).live, 20000);
	/* All of it in one turn: all of it goes. */
	catalog_undo(c);
	ck_assert(has(1, nth(0), none));
	ck_assert_uint_eq(catalog_count(c, 1).live, 0);
}
END_TEST

START_TEST(many_entries_are_reserved_at_once)
{
	ck_assert(catalog_reserve(c, 5000));
	for (uint32_t i = 0; i < 5000; i++) {
		struct catalog_entry e = entry(i, 1, SECRET_LIVE);

		catalog_set(c, 1, view_of(nth(i)), &e);
	}
	ck_assert(has(1, nth(4999), entry(4999, 1, SECRET_LIVE)));
	ck_assert_uint_eq(catalog_count(c, 1).live, 5000);
}
END_TEST

START_TEST(dropping_a_workspace_leaves_the_others)
{
	for (uint32_t i = 0; i < 3000; i++)
		set(i % 3, nth(i), entry(i, (uint16_t)(i % 3),
		    i % 2 == 0 ? SECRET_LIVE : SECRET_DELETED));
	catalog_keep(c);
	catalog_drop(c, 1);
	ck_assert_uint_eq(catalog_count(c, 1).live, 0);
	ck_assert_uint_eq(catalog_count(c, 1).deleted, 0);
	ck_assert_uint_eq(catalog_count(c, 2).live, 500);
	for (uint32_t i = 0; i < 3000; i++)
		if (!has(i % 3, nth(i), i % 3 == 1 ? none :
			entry(i, (uint16_t)(i % 3), i % 2 == 0 ?
			    SECRET_LIVE : SECRET_DELETED)))
			ck_abort_msg("entry %u", i);
	catalog_drop(c, 1);
	catalog_drop(c, 7);
	/* The slot can be used again. */
	set(77, "a", entry(1, 1, SECRET_LIVE));
	ck_assert_uint_eq(catalog_count(c, 1).live, 1);
}
END_TEST

START_TEST(without_memory_reserving_fails_and_nothing_is_lost)
{
	struct rlimit before, little;

	if (SANITIZED) {
		(void)printf("skipped: under AddressSanitizer\n");
		return;
	}
	set(1, "a", entry(5, 2, SECRET_LIVE));
	catalog_keep(c);
	ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
	little = (struct rlimit){ 1 << 20, before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &little), 0);
	ck_assert(!catalog_reserve(c, 1 << 20));
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
	ck_assert(has(1, "a", entry(5, 2, SECRET_LIVE)));
	set(1, "b", entry(6, 2, SECRET_LIVE));
	ck_assert_uint_eq(catalog_count(c, 2).live, 2);
}
END_TEST

START_TEST(nothing_can_be_freed)
{
	catalog_free(NULL);
}
END_TEST

/* --- against a model --- */

#define WORKSPACES 5u
#define NAMES 120u

struct model {
	struct catalog_entry now[WORKSPACES][NAMES];
	struct catalog_entry kept[WORKSPACES][NAMES];
};

static struct model model;

static void
check_model(unsigned step)
{
	for (uint16_t ws = 0; ws < WORKSPACES; ws++) {
		struct catalog_count n = { .live = 0 };

		for (uint32_t i = 0; i < NAMES; i++) {
			n.live += model.now[ws][i].state == SECRET_LIVE;
			n.stale += model.now[ws][i].state == SECRET_LIVE &&
			    model.now[ws][i].stale;
			n.deleted += model.now[ws][i].state == SECRET_DELETED;
			if (!has(ws, nth(i), model.now[ws][i]))
				ck_abort_msg("step %u: %u of %u", step, i,
				    ws);
		}
		ck_assert_msg(n.live == catalog_count(c, ws).live &&
		    n.stale == catalog_count(c, ws).stale &&
		    n.deleted == catalog_count(c, ws).deleted,
		    "step %u: counts of %u", step, ws);
	}
}

/* A step of the daemon: some changes, which stay or are taken back. */
static void
random_turn(uint64_t *state)
{
	uint32_t changes = sample_below(state, 12);

	for (uint32_t i = 0; i < changes; i++) {
		uint16_t ws = (uint16_t)sample_below(state, WORKSPACES);
		uint32_t name = sample_below(state, NAMES);
		uint8_t st = (uint8_t)sample_below(state, 5);
		/* Two of five remove, so that the table is never full. */
		struct catalog_entry e = st > SECRET_PURGED || st == 0 ?
		    none :
		    entry(sample_next(state), ws, st);

		model.now[ws][name] = e;
		set(ws, nth(name), e);
	}
	if (sample_below(state, 3) == 0) {
		catalog_undo(c);
		memcpy(model.now, model.kept, sizeof(model.now));
		return;
	}
	catalog_keep(c);
	if (sample_below(state, 40) == 0) {
		uint16_t ws = (uint16_t)sample_below(state, WORKSPACES);

		catalog_drop(c, ws);
		memset(model.now[ws], 0, sizeof(model.now[ws]));
	}
	memcpy(model.kept, model.now, sizeof(model.kept));
}

START_TEST(thousands_of_random_turns_do_what_a_model_does)
{
	uint64_t state = sample_seed("catalog model");

	for (unsigned step = 0; step < 6000; step++) {
		random_turn(&state);
		if (step % 20 == 0 || step < 200)
			check_model(step);
	}
	check_model(6000);
}
END_TEST

/* Slots at the end of a table that is as full as it gets: the entries that
   a removal moves come from its beginning. */
START_TEST(a_full_small_table_is_emptied_one_by_one)
{
	uint64_t state = sample_seed("small table");

	for (unsigned round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < 192; i++)
			set(round, nth(i), entry(i, (uint16_t)(i % 2),
			    SECRET_LIVE));
		catalog_keep(c);
		if (round % 2 == 0)
			catalog_drop(c, 0);
		for (uint32_t i = 0; i < 192; i++) {
			uint32_t name = sample_below(&state, 192);

			set(round, nth(name), none);
			if (!has(round, nth(name), none))
				ck_abort_msg("%u stays", name);
		}
		catalog_keep(c);
		catalog_drop(c, 0);
		catalog_drop(c, 1);
		for (uint32_t i = 0; i < 192; i++)
			if (!has(round, nth(i), none))
				ck_abort_msg("round %u: %u stays", round, i);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("catalog");
	TCase *t = tcase_create("catalog");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_new_catalogue_is_empty);
	tcase_add_test(t, an_entry_is_found_by_workspace_and_name);
	tcase_add_test(t,
	    the_longest_name_works_and_a_longer_one_is_not_there);
	tcase_add_test(t, what_is_kept_can_not_be_taken_back);
	tcase_add_test(t, an_insert_is_taken_back);
	tcase_add_test(t, an_update_is_taken_back);
	tcase_add_test(t, a_removal_is_taken_back);
	tcase_add_test(t, a_removal_of_what_is_not_there_changes_nothing);
	tcase_add_test(t, each_state_is_counted_in_its_workspace);
	tcase_add_test(t, what_is_followed_is_found_as_it_is_now);
	tcase_add_test(t, it_grows_and_loses_nothing);
	tcase_add_test(t, many_entries_are_reserved_at_once);
	tcase_add_test(t, dropping_a_workspace_leaves_the_others);
	tcase_add_test(t,
	    without_memory_reserving_fails_and_nothing_is_lost);
	tcase_add_test(t, nothing_can_be_freed);
	tcase_add_test(t, thousands_of_random_turns_do_what_a_model_does);
	tcase_add_test(t, a_full_small_table_is_emptied_one_by_one);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
