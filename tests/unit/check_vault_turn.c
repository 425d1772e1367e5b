/* The rows of a vault, and the end of a turn: kept, or taken back whole. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sample.h"
#include "vaultdir.h"

static struct vault v;

static void
setup(void)
{
	statedir_setup();
	vaultdir_open(&v, 64 * MIB);
	vaultdir_init(&v);
}

static void
teardown(void)
{
	vaultdir_close(&v);
	statedir_teardown();
}

static struct workspace *
find(const char *name)
{
	return vault_workspace(&v, view_of(name));
}

static enum cofre_status
put(const char *workspace, const char *name, uint64_t record,
    uint32_t version, const char *value)
{
	return vaultdir_put(&v, vaultdir_workspace(&v, workspace), name,
	    record, version, value);
}

static bool
has(const char *workspace, const char *name, uint64_t record,
    uint32_t version, const char *value)
{
	return vaultdir_has(&v, vaultdir_workspace(&v, workspace), name,
	    record, version, value);
}

/* The version that the catalogue knows of a name; 0: none. */
static uint32_t
version_of(const char *workspace, const char *name)
{
	struct workspace *ws = find(workspace);
	const struct catalog_entry *e = ws == NULL ? NULL :
	    catalog_find(v.catalog, ws->id, view_of(name));

	return e == NULL ? 0 : e->version;
}

START_TEST(a_commit_counts_an_epoch_and_none_counts_nothing)
{
	uint64_t epoch = v.epoch;

	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_OK);
	ck_assert_uint_eq(v.epoch, epoch);
	for (uint32_t i = 1; i <= 3; i++) {
		ck_assert_int_eq(put("ml", "n", 1, i, "x"), COFRE_OK);
		ck_assert_int_eq(vault_commit(&v, 1, 77), COFRE_OK);
		ck_assert_uint_eq(v.epoch, epoch + i);
	}
	vaultdir_again(&v);
	ck_assert_uint_eq(v.epoch, epoch + 3);
	ck_assert_uint_eq(v.log_end, 77);
}
END_TEST

/* --- rows --- */

START_TEST(a_row_is_written_read_and_deleted)
{
	static uint8_t large[ROW_MAX + 8192];
	struct row_id id;
	struct workspace *ws;
	struct view plain;

	ws = vaultdir_workspace(&v, "ml");
	id = vaultdir_body_id(ws, "n", 1, 1);
	ck_assert_int_eq(vault_read(&v, ws, &id, &plain), COFRE_NOT_FOUND);
	ck_assert_int_eq(vault_begin(&v, 2 * sizeof(large), false),
	    COFRE_OK);
	ck_assert_int_eq(vault_delete(&v, &id), COFRE_NOT_FOUND);
	ck_assert_int_eq(vault_write(&v, ws, &id, (struct view){ large,
	    sizeof(large) }), COFRE_TOO_LARGE);
	memset(large, 7, sizeof(large));
	ck_assert_int_eq(vault_write(&v, ws, &id, (struct view){ large,
	    ROW_MAX }), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(vault_read(&v, ws, &id, &plain), COFRE_OK);
	ck_assert(view_equal(plain, (struct view){ large, ROW_MAX }));
	ck_assert_ptr_eq(plain.data, v.plain + 4);
	vault_tidy(&v);
	ck_assert_uint_eq(v.plain[4], 0);
	ck_assert_int_eq(vault_begin(&v, 0, true), COFRE_OK);
	ck_assert_int_eq(vault_delete(&v, &id), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(vault_read(&v, ws, &id, &plain), COFRE_NOT_FOUND);
	vaultdir_again(&v);
}
END_TEST

START_TEST(a_row_that_is_too_large_to_be_one_is_corrupt)
{
	static uint8_t plain[ROW_SEALED_MAX], sealed[ROW_SEALED_MAX + 65536];
	const struct row_id id = { .table = TABLE_BODY, .workspace = 1 };
	struct seal_place place = row_place(v.id, &id);
	struct view row = { sealed, seal_size(sizeof(plain)) }, back;

	/* By somebody who has the key, even. */
	memset(plain, 7, sizeof(plain));
	ck_assert_uint_gt(row.len, ROW_SEALED_MAX);
	seal_close(sealed, keyring_meta(&v.keyring), 1, &place,
	    (struct view){ plain, sizeof(plain) }, NULL);
	ck_assert_int_eq(vault_unseal(&v, NULL, &id, row, &back),
	    COFRE_CORRUPT);
	ck_assert_uint_eq(v.plain[4], 0);
	ck_assert_uint_eq(v.build[0], 0);
}
END_TEST

START_TEST(a_turn_leaves_no_plaintext_behind)
{
	struct workspace *ws;
	const uint8_t *bytes;

	ws = vaultdir_workspace(&v, "ml");
	ck_assert_int_eq(vaultdir_put(&v, ws, "n", 1, 1, "hunter2xyz"),
	    COFRE_OK);
	ck_assert(vaultdir_has(&v, ws, "n", 1, 1, "hunter2xyz"));
	bytes = v.scratch.base;
	ck_assert_ptr_nonnull(memmem(bytes, v.scratch.size, "hunter2xyz",
	    10));
	vaultdir_commit(&v);
	ck_assert_ptr_null(memmem(bytes, v.scratch.size, "hunter2xyz", 10));
}
END_TEST

/* --- taken back --- */

/* What there is before a turn that fails, and after it. */
static void
make_before(void)
{
	struct workspace *ws = vaultdir_workspace(&v, "old");

	ws->policy.grants[ws->policy.grant_count++] = (struct grant){
		.principal = PRINCIPAL_USER, .role = ROLE_OWNER, .id = 2001,
		.created = 5 };
	ck_assert_int_eq(workspace_save(&v, ws), COFRE_OK);
	ck_assert_int_eq(put("old", "kept", 1, 1, "before"), COFRE_OK);
	ck_assert_int_eq(put("gone", "kept", 2, 1, "there"), COFRE_OK);
	v.now.next_record = 3;
	vaultdir_commit(&v);
}

/* Change everything that can be changed. */
static void
change_all(void)
{
	struct workspace *ws = find("old");

	ck_assert_int_eq(put("new", "fresh", 3, 1, "x"), COFRE_OK);
	v.now.next_record = 9;
	ck_assert_int_eq(put("old", "kept", 1, 2, "after"), COFRE_OK);
	ck_assert_int_eq(put("old", "fresh", 4, 1, "x"), COFRE_OK);
	ck_assert_int_eq(workspace_touch(&v, ws), COFRE_OK);
	ws->policy.grants[0].role = ROLE_READER;
	ws->policy.bindings[ws->policy.binding_count++] = (struct binding){
		.uid = 7, .gid = 7 };
	/* Again: what it was before the turn counts. */
	ck_assert_int_eq(workspace_touch(&v, ws), COFRE_OK);
	ck_assert_int_eq(workspace_save(&v, ws), COFRE_OK);
	ck_assert_int_eq(vaultdir_destroy(&v, find("gone")), COFRE_OK);
	ck_assert_ptr_null(find("gone"));
	ck_assert_uint_eq(version_of("old", "kept"), 2);
}

static void
assert_before(void)
{
	struct workspace *ws = find("old");

	ck_assert_ptr_null(find("new"));
	ck_assert_ptr_nonnull(find("gone"));
	ck_assert(ws->policy.grant_count == 1 && ws->policy.binding_count == 0 &&
	    ws->policy.grants[0].role == ROLE_OWNER && ws->before == NULL);
	ck_assert_uint_eq(version_of("old", "kept"), 1);
	ck_assert_uint_eq(version_of("old", "fresh"), 0);
	ck_assert_uint_eq(version_of("gone", "kept"), 1);
	ck_assert_uint_eq(catalog_count(v.catalog, ws->slot).live, 1);
	ck_assert(has("old", "kept", 1, 1, "before"));
	ck_assert(!has("old", "kept", 1, 2, "after"));
	ck_assert(has("gone", "kept", 2, 1, "there"));
	ck_assert_uint_eq(v.now.next_record, 3);
	ck_assert_uint_eq(v.now.next_workspace, 3);
	ck_assert_int_eq(v.poison, COFRE_OK);
	ck_assert(!store_writing(v.store));
}

START_TEST(a_poisoned_turn_is_taken_back)
{
	uint64_t epoch;

	make_before();
	epoch = v.epoch;
	change_all();
	vault_poison(&v, COFRE_TOO_LARGE);
	vault_poison(&v, COFRE_LIMIT);
	/* Nothing more can be begun in it. */
	ck_assert_int_eq(vault_begin(&v, 1, true), COFRE_TOO_LARGE);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_TOO_LARGE);
	ck_assert_uint_eq(v.epoch, epoch);
	assert_before();
	/* The next turn can do it. */
	change_all();
	vaultdir_commit(&v);
	ck_assert_uint_eq(v.epoch, epoch + 1);
	ck_assert(has("old", "kept", 1, 2, "after"));
	vaultdir_again(&v);
	ck_assert(has("old", "kept", 1, 2, "after"));
	ck_assert(find("gone") == NULL && find("new") != NULL);
}
END_TEST

START_TEST(a_poison_of_ok_is_none)
{
	make_before();
	ck_assert_int_eq(put("old", "n", 9, 1, "x"), COFRE_OK);
	vault_poison(&v, COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_uint_eq(version_of("old", "n"), 1);
}
END_TEST

START_TEST(a_poisoned_turn_that_wrote_nothing_changes_nothing)
{
	make_before();
	vault_poison(&v, COFRE_LIMIT);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_LIMIT);
	assert_before();
	change_all();
	vaultdir_commit(&v);
	vaultdir_again(&v);
	vault_poison(&v, COFRE_LIMIT);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_LIMIT);
	ck_assert_int_eq(put("old", "n", 9, 1, "x"), COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_again(&v);
}
END_TEST

START_TEST(a_lock_in_the_middle_of_a_turn_takes_it_back)
{
	make_before();
	change_all();
	vault_poison(&v, COFRE_LIMIT);
	vault_lock(&v);
	ck_assert(!store_writing(v.store));
	ck_assert(vaultdir_is_wiped(&v));
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_OK);
	ck_assert_int_eq(vaultdir_unlock(&v, 0, 1, false, 0), COFRE_OK);
	assert_before();
	change_all();
	vaultdir_commit(&v);
	vaultdir_again(&v);
}
END_TEST

START_TEST(a_turn_that_the_disk_refuses_is_taken_back)
{
	make_before();
	change_all();
	statedir_limit_files(8192);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FAILED);
	statedir_limit_files(RLIM_INFINITY);
	assert_before();
	/* The store does not write any more, and reads. */
	ck_assert_int_eq(put("old", "n", 9, 1, "x"), COFRE_STORE_FAILED);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_OK);
	assert_before();
	vaultdir_again(&v);
	assert_before();
}
END_TEST

START_TEST(a_turn_that_does_not_fit_is_taken_back)
{
	static uint8_t large[ROW_MAX];
	enum cofre_status st = COFRE_OK;
	struct workspace *ws;

	vaultdir_close(&v);
	vaultdir_open(&v, 16 * MIB);
	ck_assert_int_eq(vaultdir_unlock(&v, 0, 1, false, 0), COFRE_OK);
	make_before();
	change_all();
	ws = find("old");
	for (uint32_t i = 0; i < 200 && st == COFRE_OK; i++) {
		struct row_id id = vaultdir_body_id(ws, "big", 99, i);

		st = vault_write(&v, ws, &id, (struct view){ large,
		    sizeof(large) });
	}
	ck_assert_int_eq(st, COFRE_STORE_FULL);
	ck_assert_int_eq(v.poison, COFRE_STORE_FULL);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FULL);
	assert_before();
	change_all();
	vaultdir_commit(&v);
	ck_assert(has("old", "kept", 1, 2, "after"));
	vaultdir_again(&v);
}
END_TEST

START_TEST(many_turns_kept_and_taken_back_add_up)
{
	uint64_t state = sample_seed("vault turns");
	uint32_t versions[8] = { 0 };

	(void)vaultdir_workspace(&v, "ml");
	vaultdir_commit(&v);
	for (unsigned turn = 0; turn < 60; turn++) {
		uint32_t next[8];
		bool fails = sample_below(&state, 3) == 0;

		memcpy(next, versions, sizeof(next));
		for (uint32_t n = sample_below(&state, 6); n > 0; n--) {
			uint32_t i = sample_below(&state, 8);
			char name[2] = { (char)('a' + i), '\0' };

			ck_assert_int_eq(put("ml", name, i, ++next[i],
			    name), COFRE_OK);
		}
		fails = fails && store_writing(v.store);
		if (fails)
			vault_poison(&v, COFRE_CONFLICT);
		ck_assert_int_eq(vault_commit(&v, 1, 0),
		    fails ? COFRE_CONFLICT : COFRE_OK);
		if (!fails)
			memcpy(versions, next, sizeof(versions));
		if (turn % 20 == 19)
			vaultdir_again(&v);
	}
	for (uint32_t i = 0; i < 8; i++) {
		char name[2] = { (char)('a' + i), '\0' };

		ck_assert_uint_eq(version_of("ml", name), versions[i]);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vault_turn");
	TCase *t = tcase_create("vault_turn");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_commit_counts_an_epoch_and_none_counts_nothing);
	tcase_add_test(t, a_row_is_written_read_and_deleted);
	tcase_add_test(t, a_row_that_is_too_large_to_be_one_is_corrupt);
	tcase_add_test(t, a_turn_leaves_no_plaintext_behind);
	tcase_add_test(t, a_poisoned_turn_is_taken_back);
	tcase_add_test(t, a_poison_of_ok_is_none);
	tcase_add_test(t,
	    a_poisoned_turn_that_wrote_nothing_changes_nothing);
	tcase_add_test(t, a_lock_in_the_middle_of_a_turn_takes_it_back);
	tcase_add_test(t, a_turn_that_the_disk_refuses_is_taken_back);
	tcase_add_test(t, a_turn_that_does_not_fit_is_taken_back);
	tcase_add_test(t, many_turns_kept_and_taken_back_add_up);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
