/* Runs: who is one, and what stays of them over a commit and an unlock. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_parts.h"
#include "sample.h"

/* A run whose id is 16 times the byte; not yet in the vault. */
static struct run *
make(uint8_t byte, uint8_t target)
{
	struct run *r = run_new(2);

	ck_assert_ptr_nonnull(r);
	memset(r->id, byte, sizeof(r->id));
	r->target = target;
	r->uid = 1000;
	r->created = byte;
	r->real_deadline = 3000000;
	r->boot_deadline = 2000000;
	r->by = 1001;
	strcpy(r->secrets[0].name, "a");
	r->secrets[0].record = 7;
	strcpy(r->secrets[1].name, "b");
	r->secrets[1].record = 8;
	if (target == RUN_PROCESS) {
		r->pid = 100u + byte;
		r->start = 5000, r->inode = 77;
	} else if (target == RUN_CGROUP)
		strcpy(r->cgroup, "/a/b");
	else {
		r->has_token = true;
		memset(r->hash, byte, sizeof(r->hash));
	}
	return r;
}

static struct run *
add(uint8_t byte, uint8_t target)
{
	struct run *r = make(byte, target);

	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
	return r;
}

static struct run *
find(uint8_t byte)
{
	uint8_t id[RUN_ID_LEN];

	memset(id, byte, sizeof(id));
	return runs_find(&v.runs, (struct view){ id, sizeof(id) });
}

START_TEST(a_run_comes_back_from_its_row)
{
	struct run *r = make(1, RUN_PROCESS);

	r->has_token = true;
	memset(r->hash, 9, sizeof(r->hash));
	memset(r->boot, 8, sizeof(r->boot));
	strcpy(r->label, "epoch 7");
	memset(r->snapshot, 5, 32);
	r->snapshot_len = 32;
	run_count(r, &r->secrets[1], 4, 9, 5);
	run_logged(r);
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.runs.count, 1);
	ck_assert_ptr_nonnull(r = find(1));
	ck_assert(r->target == RUN_PROCESS && r->pid == 101 &&
	    r->start == 5000 && r->inode == 77 && r->uid == 1000);
	ck_assert(r->has_token && r->hash[31] == 9 && r->boot[15] == 8);
	ck_assert_str_eq(r->label, "epoch 7");
	ck_assert(r->snapshot_len == 32 && r->snapshot[31] == 5);
	ck_assert(r->real_deadline == 3000000 && r->boot_deadline == 2000000);
	ck_assert(r->by == 1001 && !r->rights.over);
	ck_assert_uint_eq(r->rights.workspace,
	    vaultdir_workspace(&v, "w")->id);
	ck_assert(r->rights.id == 0x01010101 && r->rights.count == 2);
	ck_assert_ptr_eq(run_find_secret(r, view_of("b")), &r->secrets[1]);
	ck_assert_ptr_null(run_find_secret(r, view_of("c")));
	ck_assert_uint_eq(r->secrets[1].record, 8);
	ck_assert(run_reads(r) == 1 && r->secrets[1].followed == 5);
}
END_TEST

static const uint8_t token_run[RUN_ID_LEN] = { 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
	3, 3, 3, 3, 3 };

/* Run 1 is of the process 101, 2 of the cgroup /a/b, 3 of a token. */
static const struct {
	const char *what;
	struct run_caller caller;
	uint8_t run; /* 0: none */
} callers[] = {
	{ "the process", { 101, 5000, 0, 1000, "", NULL }, 1 },
	{ "another one", { 102, 5000, 0, 1000, "", NULL }, 0 },
	{ "a later one with its number", { 101, 5001, 0, 1000, "", NULL }, 0 },
	{ "one whose start is not known", { 101, 0, 0, 1000, "", NULL }, 0 },
	{ "another uid's", { 101, 5000, 0, 1001, "", NULL }, 0 },
	{ "the cgroup", { 9, 1, 0, 1000, "/a/b", NULL }, 2 },
	{ "one below it", { 9, 1, 0, 1000, "/a/b/c", NULL }, 2 },
	{ "one that begins like it", { 9, 1, 0, 1000, "/a/bc", NULL }, 0 },
	{ "the one above", { 9, 1, 0, 1000, "/a", NULL }, 0 },
	{ "another uid in it", { 9, 1, 0, 1001, "/a/b", NULL }, 0 },
	{ "the process in the cgroup", { 101, 5000, 0, 1000, "/a/b", NULL }, 1 },
	{ "who has shown the token", { 9, 1, 0, 1001, "", token_run }, 3 },
	{ "who can't be seen, with it", { 0, 0, 0, 1000, "", token_run }, 3 },
	{ "the process, with it", { 101, 5000, 0, 1000, "", token_run }, 1 },
	{ "who can't be seen", { 0, 0, 0, 1000, "", NULL }, 0 },
};

static void
check_callers(uint8_t instead, uint8_t of)
{
	for (size_t i = 0; i < COUNT(callers); i++) {
		const struct run *r = runs_match(&v.runs, &callers[i].caller);
		uint8_t want = callers[i].run == instead ? of :
							   callers[i].run;

		ck_assert_msg((r == NULL ? 0 : r->id[0]) == want, "%s",
		    callers[i].what);
	}
}

START_TEST(who_is_a_run_is_so_by_process_cgroup_or_token)
{
	add(1, RUN_PROCESS);
	add(2, RUN_CGROUP);
	add(3, RUN_TOKEN_ONLY);
	check_callers(0, 0);
}
END_TEST

/* Whoever was one gets no other rights back by its end. */
START_TEST(who_was_a_run_stays_one_that_is_over)
{
	add(1, RUN_PROCESS);
	add(2, RUN_CGROUP);
	runs_end(&v.runs, add(3, RUN_TOKEN_ONLY), RUN_END_ASKED, false);
	runs_end(&v.runs, find(1), RUN_END_LIFETIME, false);
	runs_end(&v.runs, find(2), RUN_END_LIFETIME, false);
	ck_assert(find(1)->rights.over && find(2)->rights.over);
	ck_assert_ptr_eq(runs_match(&v.runs, &callers[0].caller), find(1));
	ck_assert_ptr_eq(runs_match(&v.runs, &callers[5].caller), find(2));
	/* The cgroup is gone: another one may get its name. */
	runs_gone(&v.runs, find(2));
	ck_assert_ptr_null(runs_match(&v.runs, &callers[5].caller));
}
END_TEST

START_TEST(one_that_goes_on_counts_before_one_that_is_over)
{
	struct run *second = make(4, RUN_PROCESS);

	runs_end(&v.runs, add(1, RUN_PROCESS), RUN_END_ASKED, false);
	second->pid = 101;
	ck_assert(!runs_has_target(&v.runs, second));
	ck_assert_int_eq(runs_add(&v, ws, second), COFRE_OK);
	ck_assert_ptr_eq(runs_match(&v.runs, &callers[0].caller), second);
	ck_assert(runs_has_target(&v.runs, second));
}
END_TEST

START_TEST(the_innermost_cgroup_counts)
{
	struct run *inner = make(4, RUN_CGROUP);

	add(2, RUN_CGROUP);
	strcpy(inner->cgroup, "/a/b/c");
	ck_assert(!runs_has_target(&v.runs, inner));
	ck_assert_int_eq(runs_add(&v, ws, inner), COFRE_OK);
	ck_assert_ptr_eq(runs_match(&v.runs, &callers[6].caller), inner);
	ck_assert_ptr_eq(runs_match(&v.runs, &callers[5].caller), find(2));
}
END_TEST

START_TEST(a_token_is_that_of_a_run_that_goes_on)
{
	struct run *r = add(3, RUN_TOKEN_ONLY);
	uint8_t hash[CRYPTO_HASH_LEN], zeros[CRYPTO_HASH_LEN] = { 0 };

	add(1, RUN_PROCESS); /* without a token: its hash is zeros */
	memset(hash, 3, sizeof(hash));
	ck_assert_ptr_eq(runs_find_token(&v.runs, hash), r);
	ck_assert_ptr_null(runs_find_token(&v.runs, zeros));
	hash[31] ^= 1;
	ck_assert_ptr_null(runs_find_token(&v.runs, hash));
	hash[31] ^= 1;
	runs_end(&v.runs, r, RUN_END_ASKED, false);
	ck_assert_ptr_null(runs_find_token(&v.runs, hash));
}
END_TEST

static void
take_back(void)
{
	vault_poison(&v, COFRE_STORE_FULL);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FULL);
}

START_TEST(what_is_not_committed_is_taken_back)
{
	uint64_t changes;

	add(1, RUN_PROCESS);
	add(2, RUN_CGROUP);
	vaultdir_commit(&v);
	ck_assert_int_eq(vault_begin(&v, 4096, true), COFRE_OK);
	add(3, RUN_TOKEN_ONLY);
	runs_touch(find(1));
	find(1)->real_deadline = 1;
	runs_end(&v.runs, find(1), RUN_END_ASKED, false);
	ck_assert_int_eq(runs_save(&v, find(1)), COFRE_OK);
	changes = v.runs.changes;
	take_back();
	ck_assert_ptr_null(find(3));
	ck_assert(!find(1)->rights.over && !find(1)->untold);
	ck_assert_uint_eq(find(1)->real_deadline, 3000000);
	ck_assert_uint_ne(v.runs.changes, changes);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.runs.count, 2);
	ck_assert(!find(1)->rights.over);
}
END_TEST

/* A process that has exited does not live again, whatever the store says. */
START_TEST(an_end_by_itself_is_never_taken_back)
{
	add(1, RUN_PROCESS);
	add(2, RUN_CGROUP);
	vaultdir_commit(&v);
	ck_assert_int_eq(vault_begin(&v, 4096, true), COFRE_OK);
	runs_end(&v.runs, find(1), RUN_END_PROCESS, true);
	ck_assert_int_eq(runs_save(&v, find(1)), COFRE_OK);
	runs_touch(find(2));
	runs_end(&v.runs, find(2), RUN_END_ASKED, false);
	runs_end(&v.runs, find(2), RUN_END_CGROUP, true);
	take_back();
	ck_assert(find(1)->rights.over && find(1)->gone && find(1)->untold);
	ck_assert(find(2)->rights.over && find(2)->gone && find(2)->untold);
}
END_TEST

START_TEST(an_end_is_committed)
{
	add(1, RUN_PROCESS);
	runs_touch(find(1));
	runs_end(&v.runs, find(1), RUN_END_ASKED, false);
	ck_assert_int_eq(runs_save(&v, find(1)), COFRE_OK);
	vaultdir_commit(&v);
	take_back(); /* nothing is open any more that could be */
	ck_assert(find(1)->rights.over);
	vaultdir_again(&v);
	ck_assert(find(1)->rights.over);
}
END_TEST

START_TEST(the_list_is_in_the_order_of_ids)
{
	static const uint8_t order[] = { 5, 2, 200, 9, 127 };
	static const uint8_t sorted[] = { 2, 5, 9, 127, 200 };
	struct view after = { NULL, 0 };
	struct run *r;

	for (size_t i = 0; i < COUNT(order); i++)
		add(order[i], RUN_TOKEN_ONLY);
	for (size_t i = 0; i < COUNT(sorted); i++) {
		r = runs_next(&v.runs, ws->id, after);
		ck_assert_ptr_eq(r, find(sorted[i]));
		after = (struct view){ r->id, sizeof(r->id) };
	}
	ck_assert_ptr_null(runs_next(&v.runs, ws->id, after));
	ck_assert_ptr_null(runs_next(&v.runs, ws->id + 1,
	    (struct view){ NULL, 0 }));
}
END_TEST

START_TEST(runs_go_with_their_workspace)
{
	add(1, RUN_TOKEN_ONLY);
	vaultdir_commit(&v);
	ck_assert_int_eq(vaultdir_destroy(&v, ws), COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.runs.count, 0);
}
END_TEST

START_TEST(what_a_run_watches_is_closed_with_it)
{
	int pair[2];
	char c;

	ck_assert_int_eq(pipe(pair), 0);
	add(1, RUN_PROCESS)->watch_fd = pair[1];
	vaultdir_commit(&v);
	vault_lock(&v);
	ck_assert_uint_eq(v.runs.count, 0);
	ck_assert_int_eq(read(pair[0], &c, 1), 0);
	(void)close(pair[0]);
}
END_TEST

START_TEST(a_row_that_makes_no_sense_is_corrupt)
{
	uint8_t bytes[1024];

	for (unsigned i = 0; i < 5; i++) {
		struct run *r = make(1, i == 0 ? RUN_TOKEN_ONLY : RUN_PROCESS);
		enum cofre_status st = COFRE_OK;
		struct wire_writer w;

		if (i == 0)
			r->has_token = false;
		else if (i == 1)
			strcpy(r->cgroup, "/a");
		else if (i == 2)
			r->target = RUN_CGROUP;
		else if (i == 3)
			r->target = 3;
		wire_writer_init(&w, bytes, sizeof(bytes));
		run_put(&w, r);
		ck_assert(!w.bad);
		if (i == 4)
			w.len--;
		ck_assert_ptr_null(run_get(1, 1, (struct view){ bytes, w.len },
		    &st));
		ck_assert_int_eq(st, COFRE_CORRUPT);
		run_free(r);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("run");
	TCase *t = tcase_create("runs");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_run_comes_back_from_its_row);
	tcase_add_test(t, who_is_a_run_is_so_by_process_cgroup_or_token);
	tcase_add_test(t, who_was_a_run_stays_one_that_is_over);
	tcase_add_test(t, one_that_goes_on_counts_before_one_that_is_over);
	tcase_add_test(t, the_innermost_cgroup_counts);
	tcase_add_test(t, a_token_is_that_of_a_run_that_goes_on);
	tcase_add_test(t, what_is_not_committed_is_taken_back);
	tcase_add_test(t, an_end_by_itself_is_never_taken_back);
	tcase_add_test(t, an_end_is_committed);
	tcase_add_test(t, the_list_is_in_the_order_of_ids);
	tcase_add_test(t, runs_go_with_their_workspace);
	tcase_add_test(t, what_a_run_watches_is_closed_with_it);
	tcase_add_test(t, a_row_that_makes_no_sense_is_corrupt);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
