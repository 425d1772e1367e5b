/* What runs have read: in their rows with a commit, and not before. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto.h"
#include "recount.h"
#include "run_parts.h"
#include "sample.h"

/* A run whose id is 16 times the byte, of the record 7. */
static void
add(uint8_t byte)
{
	struct run *r = run_new(1);

	ck_assert_ptr_nonnull(r);
	memset(r->id, byte, sizeof(r->id));
	r->target = RUN_PROCESS;
	r->pid = 100u + byte;
	r->start = 5000;
	strcpy(r->secrets[0].name, "a");
	r->secrets[0].record = 7;
	ck_assert_int_eq(runs_add(&v, ws, r), COFRE_OK);
}

static struct run *
find(uint8_t byte)
{
	uint8_t id[RUN_ID_LEN];

	memset(id, byte, sizeof(id));
	return runs_find(&v.runs, (struct view){ id, sizeof(id) });
}

/* Read version v of "a", in a turn. */
static void
read_one(uint8_t byte, uint32_t version)
{
	struct run *r = find(byte);

	run_count(r, &r->secrets[0], version, 0, 0);
	v.runs.reading = true;
}

/* Commit something that has nothing to do with runs. */
static void
commit_other(void)
{
	static uint32_t version;

	ck_assert_int_eq(vaultdir_put(&v, vaultdir_workspace(&v, "w"), "n",
	    99, ++version, "x"), COFRE_OK);
	vaultdir_commit(&v);
}

static void
check_reads(uint8_t byte, uint32_t reads, uint32_t version)
{
	ck_assert_uint_eq(run_reads(find(byte)), reads);
	ck_assert_uint_eq(find(byte)->secrets[0].version, version);
}

/* With whatever is committed; but not those of the turn itself, whose records
   stand behind the end of the log that the commit notes. */
START_TEST(what_was_read_before_a_turn_is_in_its_commit)
{
	add(1);
	add(2);
	vaultdir_commit(&v);
	read_one(1, 4);
	read_one(2, 5);
	ck_assert_uint_eq(runs_holders(&v.runs, 7, 4), 1);
	runs_logged(&v.runs, 70);
	ck_assert_uint_gt(runs_unsaved(&v.runs), 0);
	read_one(1, 6);
	commit_other();
	ck_assert_uint_eq(runs_unsaved(&v.runs), 0);
	runs_logged(&v.runs, 80);
	check_reads(1, 2, 6);
	ck_assert_uint_eq(v.read_end, 70);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.read_end, 70);
	check_reads(1, 1, 4);
	check_reads(2, 1, 5);
	ck_assert_uint_eq(find(1)->read_end, 70);
}
END_TEST

START_TEST(what_was_read_stays_unsaved_when_a_commit_fails)
{
	add(1);
	vaultdir_commit(&v);
	read_one(1, 4);
	runs_logged(&v.runs, 70);
	read_one(1, 5);
	ck_assert_int_eq(vault_begin(&v, 4096, true), COFRE_OK);
	vault_poison(&v, COFRE_STORE_FULL);
	ck_assert_int_eq(vault_commit(&v, 1, 70), COFRE_STORE_FULL);
	/* Nobody was given the version 5. */
	check_reads(1, 1, 4);
	/* Nor when nothing had been written. */
	read_one(1, 6);
	vault_poison(&v, COFRE_CORRUPT);
	ck_assert_int_eq(vault_commit(&v, 1, 70), COFRE_CORRUPT);
	check_reads(1, 1, 4);
	ck_assert_uint_gt(runs_unsaved(&v.runs), 0);
	ck_assert_uint_eq(v.read_end, 0);
	runs_logged(&v.runs, 71);
	commit_other();
	vaultdir_again(&v);
	check_reads(1, 1, 4);
	ck_assert_uint_eq(v.read_end, 71);
}
END_TEST

/* A full store takes what deletes, and what was read waits in the log.  A
   run's row that is written all the same says up to where it counts. */
START_TEST(what_was_read_waits_for_room)
{
	static char large[100000];
	uint32_t n = 0;

	add(1);
	add(2);
	vaultdir_commit(&v);
	vaultdir_close(&v);
	vaultdir_open(&v, 8 * MIB);
	ck_assert_int_eq(vaultdir_unlock(&v, 0, 1, false, 0), COFRE_OK);
	ws = vaultdir_workspace(&v, "w");
	memset(large, 'x', sizeof(large) - 1);
	while (vault_begin(&v, sizeof(large), false) == COFRE_OK &&
	    vaultdir_put(&v, ws, "n", 99, ++n, large) == COFRE_OK)
		vaultdir_commit(&v);
	vaultdir_commit(&v);
	while (vaultdir_put(&v, ws, "n", 99, ++n, "x") == COFRE_OK) {
		vaultdir_commit(&v);
		if (n > 10000)
			ck_abort_msg("it is never full");
	}
	read_one(1, 4);
	read_one(2, 5);
	runs_logged(&v.runs, 70);
	ck_assert_int_eq(vault_begin(&v, 4096, true), COFRE_OK);
	ck_assert_int_eq(runs_save(&v, find(1)), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_uint_gt(runs_unsaved(&v.runs), 0);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.read_end, 0);
	check_reads(1, 1, 4);
	ck_assert_uint_eq(find(1)->read_end, 70);
	check_reads(2, 0, 0);
	ck_assert_uint_eq(find(2)->read_end, 0);
}
END_TEST

/* Append to the log: the run reads the version. */
static uint64_t
record(struct audit *a, const struct log_record *change, const char *detail)
{
	struct log_record r = *change;

	r.type = r.type == 0 ? LOG_REQUEST : r.type;
	r.op = r.op == 0 ? OP_SECRET_GET : r.op;
	r.principal = r.principal == 0 ? PRINCIPAL_RUN : r.principal;
	r.principal_id = r.principal_id == 0 ? 0x01010101 : r.principal_id;
	r.workspace = r.workspace == 0 ? ws->id : r.workspace;
	r.record = r.record == 0 ? 7 : r.record;
	r.detail = view_of(detail);
	ck_assert(audit_room(a, LOG_CELLS_MAX));
	return audit_append(a, &r);
}

/* What is no read of the run's, one thing each. */
static const struct log_record others[] = {
	{ .version = 90, .type = LOG_NOTE },
	{ .version = 90, .op = OP_SECRET_SHOW },
	{ .version = 90, .status = COFRE_DENIED },
	{ .version = 90, .principal = PRINCIPAL_USER },
	{ .version = 90, .principal_id = 0x01010102 },
	{ .version = 90, .workspace = 1000 },
	{ .version = 90, .record = 8 },
};

START_TEST(the_log_has_what_the_rows_have_not)
{
	static const char *const details[] = { "", "follows n",
		"follows nobody version 3", "follows n version 4" };
	static const uint64_t records[] = { 0, 0, 0, 99 };
	struct log_keys keys = keyring_log(&v.keyring);
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	char error[200];
	struct audit *a = audit_open(dir, 65536, error, sizeof(error));
	uint64_t second;

	ck_assert_msg(a != NULL, "%s", error);
	add(1);
	add(2);
	commit_other();
	(void)record(a, &(struct log_record){ .version = 89 }, ""); /* no tag */
	ck_assert(audit_set_keys(a, &keys));
	for (size_t i = 0; i < COUNT(others); i++)
		(void)record(a, &others[i], "");
	recount(&v, a);
	check_reads(1, 0, 0);
	check_reads(2, 0, 0);
	ck_assert_uint_eq(v.runs.log_end, audit_end(a));
	/* From the cell of the state row, or the run's if that is later. */
	v.read_end = audit_end(a);
	(void)record(a, &(struct log_record){ .version = 1 }, "");
	(void)record(a, &(struct log_record){ .version = 1,
		.principal_id = 0x02020202 }, "");
	second = record(a, &(struct log_record){ .version = 2 }, "");
	find(1)->read_end = second;
	recount(&v, a);
	check_reads(1, 1, 2);
	check_reads(2, 1, 1);
	for (size_t i = 0; i < COUNT(details); i++) {
		v.read_end = audit_end(a);
		(void)record(a, &(struct log_record){ .version = 3 },
		    details[i]);
		recount(&v, a);
		check_reads(1, 2 + (uint32_t)i, 3);
		ck_assert_uint_eq(find(1)->secrets[0].followed_record,
		    records[i]);
		ck_assert_uint_eq(find(1)->secrets[0].followed,
		    records[i] == 0 ? 0 : 4);
	}
	ck_assert_uint_eq(v.read_due, v.read_end + RECOUNT_CELLS);
	/* The log was shorter once: its cells come again. */
	runs_saved(&v.runs);
	find(2)->read_end = v.read_end = audit_end(a) + 5;
	recount(&v, a);
	ck_assert_uint_eq(v.read_due, audit_end(a) + 1);
	ck_assert(find(2)->unsaved && !find(1)->unsaved);
	(void)audit_set_keys(a, NULL);
	audit_close(a);
	(void)close(dir);
}
END_TEST

/* It goes on being who it was, and may nothing. */
START_TEST(a_purge_leaves_a_run_bare_until_nobody_is_it)
{
	const struct run_caller caller = { 101, 5000, 0, 0, "", NULL };
	uint64_t number, id = ws->id;
	struct run *r;

	add(1);
	add(2);
	r = v.runs.list[0];
	number = r->number;
	strcpy(r->label, "epoch 7");
	runs_end(&v.runs, r, RUN_END_WORKSPACE, false);
	runs_end(&v.runs, v.runs.list[1], RUN_END_PROCESS, true);
	ck_assert_int_eq(workspace_delete(&v, ws), COFRE_OK);
	ck_assert_int_eq(runs_save(&v, r), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(workspace_purge(&v, ws), COFRE_OK);
	ck_assert(r->bare);
	vault_poison(&v, COFRE_LIMIT);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_LIMIT);
	ck_assert(!r->bare && !r->baring);
	ck_assert_int_eq(vault_begin(&v, 4096, true), COFRE_OK);
	ck_assert_int_eq(runs_save(&v, r), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(workspace_purge(&v, ws), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert(r->bare && !r->baring);
	vaultdir_again(&v);
	ck_assert_ptr_null(vault_workspace_kept(&v, id));
	ck_assert_uint_eq(v.runs.count, 1);
	r = v.runs.list[0];
	ck_assert(r->rights.over && r->rights.workspace == 0 &&
	    r->rights.count == 0 && r->number == number);
	ck_assert_str_eq(r->label, "");
	ck_assert_ptr_eq(runs_match(&v.runs, &caller), r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("run_reads");
	TCase *t = tcase_create("reads");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_was_read_before_a_turn_is_in_its_commit);
	tcase_add_test(t, what_was_read_stays_unsaved_when_a_commit_fails);
	tcase_add_test(t, what_was_read_waits_for_room);
	tcase_add_test(t, the_log_has_what_the_rows_have_not);
	tcase_add_test(t, a_purge_leaves_a_run_bare_until_nobody_is_it);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
