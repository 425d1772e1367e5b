/*
 * What unlock says of a store that somebody changed while the vault was
 * closed, with LMDB and nothing else.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "vaultdir.h"

static struct vault v;
static struct row_id head, body, other_body, workspace;
static const struct row_id state = { .table = TABLE_STATE };
static const struct row_id header = { .table = TABLE_HEADER };

/* A vault with two secrets, and a second version of the first; closed. */
static void
setup(void)
{
	struct workspace *ws;

	statedir_setup();
	vaultdir_open(&v, 64 * MIB);
	vaultdir_init(&v);
	ws = vaultdir_workspace(&v, "ml");
	ck_assert_int_eq(vaultdir_put(&v, ws, "one", 1, 1, "first"),
	    COFRE_OK);
	ck_assert_int_eq(vaultdir_put(&v, ws, "two", 2, 1, "other"),
	    COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(vaultdir_put(&v, ws, "one", 1, 2, "second"),
	    COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_uint_eq(v.epoch, 3);
	head = vaultdir_head_id(ws, 1);
	body = vaultdir_body_id(ws, "one", 1, 2);
	other_body = vaultdir_body_id(ws, "two", 2, 1);
	workspace = (struct row_id){ .table = TABLE_WORKSPACE,
		.workspace = ws->id };
	vaultdir_close(&v);
}

/* Open and unlock; returns the workspace. */
static struct workspace *
unlocked(bool accept, uint64_t log_epoch)
{
	vaultdir_open(&v, 64 * MIB);
	ck_assert_int_eq(vaultdir_unlock(&v, 0, 1, accept, log_epoch),
	    COFRE_OK);
	return vaultdir_workspace(&v, "ml");
}

/* Store a third version of the first secret, and close. */
static void
put_third(struct workspace *ws)
{
	ck_assert_int_eq(vaultdir_put(&v, ws, "one", 1, 3, "third"),
	    COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_close(&v);
}

/* Open and unlock: this is what comes of it.  Then closed again. */
static void
assert_unlock(enum cofre_status want, bool accept, uint64_t log_epoch)
{
	enum cofre_status st;

	vaultdir_open(&v, 64 * MIB);
	st = vaultdir_unlock(&v, 0, 1, accept, log_epoch);
	ck_assert_msg(st == want, "%s instead of %s", cofre_status_name(st),
	    cofre_status_name(want));
	if (st != COFRE_OK) {
		ck_assert_int_ne(v.state, VAULT_OPEN);
		ck_assert(vaultdir_is_wiped(&v));
	}
	vaultdir_close(&v);
}

/* It is corrupt, and nothing that one may accept makes it right. */
static void
assert_corrupt(void)
{
	assert_unlock(COFRE_CORRUPT, false, 0);
	assert_unlock(COFRE_CORRUPT, true, 0);
	assert_unlock(COFRE_CORRUPT, true, 1000);
}

static struct view
take_row(const struct row_id *id)
{
	struct view value;

	rawdb_begin();
	value = rawdb_get(rawdb_key(id));
	rawdb_end();
	return value;
}

static void
put_raw(struct view key, struct view value)
{
	rawdb_begin();
	rawdb_put(key, value);
	rawdb_end();
}

static void
put_row(const struct row_id *id, struct view value)
{
	put_raw(rawdb_key(id), value);
}

static void
remove_row(const struct row_id *id)
{
	rawdb_begin();
	rawdb_delete(rawdb_key(id));
	rawdb_end();
}

START_TEST(a_store_that_nobody_touched_opens)
{
	rawdb_begin();
	rawdb_end();
	assert_unlock(COFRE_OK, false, 0);
	assert_unlock(COFRE_OK, false, 3);
}
END_TEST

/* Rows that are needed, one by one; what each is put back as must open. */
START_TEST(a_row_that_is_removed_is_noticed)
{
	const struct row_id root = { .table = TABLE_WORKSPACE };
	const struct row_id *rows[] = { &head, &body, &other_body, &workspace,
		&root, &state };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct view value = take_row(rows[i]);

		remove_row(rows[i]);
		assert_corrupt();
		put_row(rows[i], value);
		assert_unlock(COFRE_OK, false, 0);
	}
}
END_TEST

START_TEST(without_its_slot_no_key_opens_the_vault)
{
	const struct row_id slot = { .table = TABLE_SLOT, .record = 1 };
	struct view value = take_row(&slot);

	remove_row(&slot);
	/* At another number it is another slot. */
	put_row(&(struct row_id){ .table = TABLE_SLOT, .record = 2 }, value);
	assert_unlock(COFRE_WRONG_KEY, false, 0);
}
END_TEST

START_TEST(a_slot_that_was_removed_and_put_back_is_noticed)
{
	const struct slot_params p = vaultdir_keyfile(2);
	const struct row_id slot = { .table = TABLE_SLOT, .record = 1 };
	struct view value = take_row(&slot);
	uint32_t number;

	(void)unlocked(false, 0);
	ck_assert_int_eq(vault_slot_add(&v, &p, 0, 0, &number), COFRE_OK);
	ck_assert_int_eq(vault_slot_remove(&v, 1), COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_close(&v);
	assert_unlock(COFRE_WRONG_KEY, false, 0);
	put_row(&slot, value);
	assert_corrupt();
}
END_TEST

START_TEST(the_parameters_of_a_slot_are_bound_to_its_key)
{
	const struct row_id slot = { .table = TABLE_SLOT, .record = 1 };
	struct view value = take_row(&slot);
	uint8_t changed[512];

	/* Its time and its uid, which may have any value. */
	for (size_t at = 1 + 8 + 8 + 4; at < 33; at++) {
		memcpy(changed, value.data, value.len);
		changed[at] ^= 1;
		put_row(&slot, (struct view){ changed, value.len });
		assert_unlock(COFRE_WRONG_KEY, false, 0);
	}
	put_row(&slot, value);
	assert_unlock(COFRE_OK, false, 0);
}
END_TEST

START_TEST(a_copy_of_a_row_at_another_place_is_noticed)
{
	const struct row_id from[] = { body, body, body, body, head,
		workspace };
	struct row_id to[] = { body, body, body, body, head, workspace };

	to[0].version = 3;
	to[1].version = UINT32_MAX;
	to[2].record = 9;
	to[3].workspace = 77;
	to[4].record = 9;
	to[5].workspace = 9;
	for (size_t i = 0; i < COUNT(to); i++) {
		put_row(&to[i], take_row(&from[i]));
		assert_corrupt();
		remove_row(&to[i]);
	}
	assert_unlock(COFRE_OK, false, 0);
}
END_TEST

START_TEST(a_row_that_no_table_has_is_noticed)
{
	static const char *const keys[] = { "\x07", "\x20", "x", "\x01\x02",
		"\006123456789", "\xff\xff" };

	for (size_t i = 0; i < COUNT(keys); i++) {
		put_raw(view_of(keys[i]), view_of("value"));
		assert_corrupt();
		rawdb_begin();
		rawdb_delete(view_of(keys[i]));
		rawdb_end();
	}
	assert_unlock(COFRE_OK, false, 0);
}
END_TEST

START_TEST(values_swapped_between_two_rows_are_noticed)
{
	struct view a = take_row(&body), b = take_row(&other_body);

	put_row(&body, b);
	put_row(&other_body, a);
	assert_corrupt();
	put_row(&body, a);
	put_row(&other_body, b);
	assert_unlock(COFRE_OK, false, 0);
}
END_TEST

START_TEST(an_older_value_of_a_row_is_noticed)
{
	const struct row_id *rows[] = { &head, &workspace, &state };
	struct view old[COUNT(rows)];
	struct workspace *ws;

	for (size_t i = 0; i < COUNT(rows); i++)
		old[i] = take_row(rows[i]);
	ws = unlocked(false, 0);
	ck_assert_int_eq(workspace_touch(&v, ws), COFRE_OK);
	ws->policy.grant_count = 1;
	ck_assert_int_eq(vault_begin(&v, 0, false), COFRE_OK);
	ck_assert_int_eq(workspace_save(&v, ws), COFRE_OK);
	put_third(ws);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct view now = take_row(rows[i]);

		put_row(rows[i], old[i]);
		assert_corrupt();
		put_row(rows[i], now);
	}
	assert_unlock(COFRE_OK, false, 0);
}
END_TEST

START_TEST(a_changed_byte_at_either_end_of_any_row_is_noticed)
{
	struct view keys[16], values[16];
	size_t n = 0;

	rawdb_begin();
	for (; rawdb_nth(n, &keys[n]); n++)
		values[n] = rawdb_get(keys[n]);
	rawdb_end();
	ck_assert_uint_eq(n, 11);
	for (size_t i = 0; i < n; i++) {
		uint8_t changed[512];
		struct view bad = { changed, values[i].len };

		/* The slot and the header say so in other ways. */
		if (keys[i].data[0] == TABLE_SLOT ||
		    keys[i].data[0] == TABLE_HEADER)
			continue;
		for (size_t at = 0; at < bad.len; at += bad.len - 1) {
			memcpy(changed, values[i].data, bad.len);
			changed[at] ^= 0x10;
			put_raw(keys[i], bad);
			assert_corrupt();
		}
		put_raw(keys[i], values[i]);
	}
	assert_unlock(COFRE_OK, false, 0);
}
END_TEST

START_TEST(rows_of_another_vault_are_noticed)
{
	const struct row_id *rows[] = { &head, &body, &state };
	struct view theirs[COUNT(rows)];

	for (size_t i = 0; i < COUNT(rows); i++)
		theirs[i] = take_row(rows[i]);
	statedir_teardown();
	setup();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct view mine = take_row(rows[i]);

		put_row(rows[i], theirs[i]);
		assert_corrupt();
		put_row(rows[i], mine);
	}
	assert_unlock(COFRE_OK, false, 0);
}
END_TEST

/* --- an older file, whole --- */

START_TEST(an_older_file_beside_a_newer_log_is_a_rollback)
{
	size_t size;
	uint8_t *file = statedir_read(STATEDIR_FILE, &size);

	put_third(unlocked(false, 3));
	assert_unlock(COFRE_OK, false, 4);
	ck_assert_int_eq(system("rm -f " STATEDIR_FILE "*"), 0);
	statedir_write(STATEDIR_FILE, file, size);
	free(file);

	assert_unlock(COFRE_ROLLBACK, false, 4);
	assert_unlock(COFRE_ROLLBACK, false, UINT64_MAX);
	/* A log that knows no more than the store is no evidence. */
	assert_unlock(COFRE_OK, false, 3);
	assert_unlock(COFRE_OK, true, 4);
}
END_TEST

START_TEST(an_accepted_rollback_opens_what_is_there)
{
	struct workspace *ws;

	ws = unlocked(true, 40);
	ck_assert_uint_eq(v.epoch, 3);
	ck_assert_uint_eq(v.unlock.log_epoch, 40);
	ck_assert(vaultdir_has(&v, ws, "one", 1, 2, "second"));
	/* The caller raises the epoch, so that none is given twice. */
	v.epoch = v.unlock.log_epoch;
	put_third(ws);
	assert_unlock(COFRE_OK, false, 41);
	assert_unlock(COFRE_ROLLBACK, false, 42);
}
END_TEST

/* Open the store of which the header is this: refused, with this in the
   error. */
static void
assert_header_refused(struct view value, const char *why)
{
	put_row(&header, value);
	vaultdir_assert_refused(&v, why);
}

START_TEST(a_header_of_another_format_or_damaged_is_refused)
{
	struct view value = take_row(&header);
	uint8_t changed[128];

	ck_assert_uint_eq(value.len, 4 + 11 + 4 + 4 + 16);
	memcpy(changed, value.data, value.len);
	changed[4 + 11 + 3] = ROWS_FORMAT + 1;
	assert_header_refused((struct view){ changed, value.len }, "newer");
	changed[4 + 11 + 3] = ROWS_FORMAT - 1;
	assert_header_refused((struct view){ changed, value.len }, "older");
	memcpy(changed, value.data, value.len);
	changed[4] = 'C';
	assert_header_refused((struct view){ changed, value.len },
	    "damaged");
	assert_header_refused((struct view){ value.data, value.len - 1 },
	    "damaged");
	put_row(&header, value);
	assert_unlock(COFRE_OK, false, 0);
	/* Another vault's id: nothing opens in it. */
	memcpy(changed, value.data, value.len);
	changed[value.len - 1] ^= 1;
	put_row(&header, (struct view){ changed, value.len });
	assert_unlock(COFRE_WRONG_KEY, false, 0);
}
END_TEST

START_TEST(rows_without_a_header_are_not_taken_for_an_empty_store)
{
	remove_row(&header);
	vaultdir_assert_refused(&v, "damaged");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vault_evidence");
	TCase *t = tcase_create("vault_evidence");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, statedir_teardown);
	tcase_add_test(t, a_store_that_nobody_touched_opens);
	tcase_add_test(t, a_row_that_is_removed_is_noticed);
	tcase_add_test(t, without_its_slot_no_key_opens_the_vault);
	tcase_add_test(t, a_slot_that_was_removed_and_put_back_is_noticed);
	tcase_add_test(t, the_parameters_of_a_slot_are_bound_to_its_key);
	tcase_add_test(t, a_copy_of_a_row_at_another_place_is_noticed);
	tcase_add_test(t, a_row_that_no_table_has_is_noticed);
	tcase_add_test(t, values_swapped_between_two_rows_are_noticed);
	tcase_add_test(t, an_older_value_of_a_row_is_noticed);
	tcase_add_test(t,
	    a_changed_byte_at_either_end_of_any_row_is_noticed);
	tcase_add_test(t, rows_of_another_vault_are_noticed);
	tcase_add_test(t, an_older_file_beside_a_newer_log_is_a_rollback);
	tcase_add_test(t, an_accepted_rollback_opens_what_is_there);
	tcase_add_test(t, a_header_of_another_format_or_damaged_is_refused);
	tcase_add_test(t,
	    rows_without_a_header_are_not_taken_for_an_empty_store);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
