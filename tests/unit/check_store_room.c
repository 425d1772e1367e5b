/* What store does when file, limit or disk have no room, or the disk fails. */
#include <check.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sample.h"
#include "statedir.h"

#define LARGE (400u * 1024)

static struct store *s;
static uint8_t bytes[LARGE];

static void
setup(void)
{
	statedir_setup();
	s = statedir_open(64 * MIB);
}

static void
teardown(void)
{
	store_close(s);
	statedir_teardown();
}

static void
reopen(uint64_t limit)
{
	store_close(s);
	s = statedir_open(limit);
}

/* The key of row i, overwritten by each call. */
static struct view
key_of(uint32_t i)
{
	static uint8_t key[4];
	struct wire_writer w;

	wire_writer_init(&w, key, sizeof(key));
	wire_put_u32(&w, i);
	return (struct view){ key, sizeof(key) };
}

/* The value of row i. */
static struct view
value_of(uint32_t i, size_t size)
{
	memset(bytes, (int)(i * 7 + 1), size);
	return (struct view){ bytes, size };
}

/* Put row i and commit it; or the status why not. */
static enum cofre_status
put(uint32_t i, size_t size)
{
	enum cofre_status st = store_begin(s, size, false);

	if (st != COFRE_OK)
		return st;
	st = store_put(s, key_of(i), value_of(i, size));
	if (st == COFRE_OK)
		return store_commit(s);
	store_abort(s);
	return st;
}

/* Fill it to its limit, with rows of that size; how many there are. */
static uint32_t
fill(uint32_t n, size_t size)
{
	enum cofre_status st;

	while ((st = put(n, size)) == COFRE_OK && n < 10000)
		n++;
	ck_assert_int_eq(st, COFRE_STORE_FULL);
	return n;
}

static bool
has(uint32_t i, size_t size)
{
	struct view v;

	return store_get(s, key_of(i), &v) == COFRE_OK &&
	    view_equal(v, value_of(i, size));
}

static void
delete(uint32_t i)
{
	ck_assert_int_eq(store_begin(s, 4096, true), COFRE_OK);
	ck_assert_int_eq(store_delete(s, key_of(i)), COFRE_OK);
	ck_assert_int_eq(store_commit(s), COFRE_OK);
}

START_TEST(file_and_map_grow_beyond_16_mib)
{
	struct store_stat st;

	for (uint32_t i = 0; i < 80; i++) {
		/* A snapshot that reads have used is in the way. */
		ck_assert(i == 0 || has(i - 1, LARGE));
		ck_assert_int_eq(put(i, LARGE), COFRE_OK);
	}
	store_stat(s, &st);
	ck_assert_uint_gt(st.map, 30 * MIB);
	ck_assert_uint_le(st.map, st.limit);
	ck_assert_uint_le(st.used, st.map);
	ck_assert_uint_eq(st.rows, 80);
	ck_assert_uint_eq(statedir_size(STATEDIR_FILE), st.map);
	reopen(64 * MIB);
	for (uint32_t i = 0; i < 80; i++)
		ck_assert(has(i, LARGE));
	/* A limit below what is there does not take anything away. */
	reopen(16 * MIB);
	ck_assert(has(0, LARGE) && has(79, LARGE));
	ck_assert_int_eq(put(80, LARGE), COFRE_STORE_FULL);
}
END_TEST

START_TEST(a_full_store_reads_deletes_and_takes_rows_again)
{
	struct store_stat stat;
	uint32_t n;

	reopen(16 * MIB);
	n = fill(0, LARGE);
	ck_assert_uint_gt(n, 25);
	ck_assert_uint_lt(n, 41);
	store_stat(s, &stat);
	ck_assert_uint_eq(stat.rows, n);
	ck_assert(!stat.failed);
	ck_assert_uint_eq(statedir_size(STATEDIR_FILE), 16 * MIB);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_msg(has(i, LARGE), "row %u is lost", i);
	for (uint32_t i = 0; i < 12; i++)
		delete(i);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_msg(put(i, LARGE) == COFRE_OK, "row %u", i);
	reopen(16 * MIB);
	for (uint32_t i = 0; i < n; i++)
		ck_assert(has(i, LARGE) == (i < 4 || i >= 12));
}
END_TEST

START_TEST(the_file_never_grows_beyond_its_limit)
{
	struct store_stat st;

	reopen(20 * MIB);
	ck_assert_uint_gt(fill(0, LARGE), 35);
	store_stat(s, &st);
	ck_assert_uint_eq(st.map, 20 * MIB);
	ck_assert_uint_eq(statedir_size(STATEDIR_FILE), 20 * MIB);
}
END_TEST

START_TEST(what_is_kept_for_deleting_lets_all_rows_be_deleted)
{
	uint32_t n = 0;

	/* Many rows of a page or less: deleting them touches many pages. */
	reopen(16 * MIB);
	ck_assert_int_eq(store_begin(s, MIB, false), COFRE_OK);
	while (store_begin(s, 2000, false) == COFRE_OK) {
		for (unsigned i = 0; i < 400; i++, n++)
			ck_assert_int_eq(store_put(s, key_of(n),
			    value_of(n, 1500)), COFRE_OK);
		ck_assert_int_eq(store_commit(s), COFRE_OK);
	}
	ck_assert_uint_gt(n, 3000);
	for (uint32_t i = 0; i < n; i += 61)
		delete(i);
	for (uint32_t i = 0; i < n; i++)
		if (has(i, 1500) != (i % 61 != 0))
			ck_abort_msg("row %u", i);
}
END_TEST

/* Neither behind something that may have it, nor many times a little. */
START_TEST(what_is_kept_for_deleting_is_not_for_rows_behind_a_delete)
{
	enum cofre_status st;
	uint32_t n, more = 0;

	reopen(16 * MIB);
	n = fill(fill(0, LARGE), 3000);
	for (unsigned i = 0; i < 400; i++) {
		ck_assert_int_eq(store_begin(s, 4096, true), COFRE_OK);
		ck_assert_int_eq(store_put(s, key_of(9999), value_of(i, 8)),
		    COFRE_OK);
		st = store_begin(s, 20000, false);
		ck_assert(st == COFRE_OK || st == COFRE_STORE_FULL);
		if (st == COFRE_OK)
			ck_assert_int_eq(store_put(s, key_of(n + more++),
			    value_of(i, 20000)), COFRE_OK);
		/* It fails alone. */
		ck_assert_int_eq(store_commit(s), COFRE_OK);
	}
	ck_assert_uint_lt(more, 10);
	delete(0);
	for (uint32_t i = 0; i < n; i++)
		if (!has(i, LARGE))
			ck_assert(i == 0 || has(i, 3000));
}
END_TEST

START_TEST(many_rows_of_a_turn_have_room_together)
{
	enum cofre_status st = COFRE_OK;
	uint32_t n = 0;

	reopen(16 * MIB);
	while (n < 20)
		ck_assert_int_eq(put(n++, LARGE), COFRE_OK);
	while (n < 1000 && (st = store_begin(s, LARGE, false)) == COFRE_OK) {
		ck_assert_int_eq(store_put(s, key_of(n), value_of(n, LARGE)),
		    COFRE_OK);
		n++;
	}
	ck_assert_int_eq(st, COFRE_STORE_FULL);
	ck_assert_int_eq(store_commit(s), COFRE_OK);
	for (uint32_t i = 0; i < n; i++)
		ck_assert(has(i, LARGE));
	delete(0);
}
END_TEST

/* Past cofre, and sparse: rows of 4 MiB, of which LMDB touches the first page
   alone, in a file of that size.  How many there are. */
static uint32_t
fill_sparsely(uint64_t size)
{
	uint32_t n = 0;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	store_close(s);
	ck_assert_int_eq(mdb_env_create(&env), 0);
	ck_assert_int_eq(mdb_env_set_mapsize(env, size), 0);
	ck_assert_int_eq(mdb_env_open(env, STATEDIR_FILE, MDB_NOSUBDIR |
	    MDB_NOTLS | MDB_NORDAHEAD | MDB_WRITEMAP | MDB_NOSYNC, 0600), 0);
	for (; ((uint64_t)n + 3) * 4 * MIB < size; n++) {
		MDB_val value = { 4 * MIB, NULL };
		MDB_val key = { key_of(n).len,
			(void *)(uintptr_t)key_of(n).data };

		ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
		ck_assert_int_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
		ck_assert_int_eq(mdb_put(txn, dbi, &key, &value, MDB_RESERVE),
		    0);
		ck_assert_int_eq(mdb_txn_commit(txn), 0);
	}
	mdb_env_close(env);
	s = statedir_open(size);
	return n;
}

/* LMDB writes which pages that frees, in one piece: 8 bytes for each. */
START_TEST(a_full_store_of_more_than_a_gib_can_be_emptied_in_one_turn)
{
	struct store_stat st;
	uint32_t n = fill(fill_sparsely(1300 * MIB), 100000);

	ck_assert_int_eq(store_begin(s, 16384, true), COFRE_OK);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_int_eq(store_delete(s, key_of(i)), COFRE_OK);
	ck_assert_int_eq(store_commit(s), COFRE_OK);
	store_stat(s, &st);
	ck_assert_uint_eq(st.rows, 0);
	ck_assert_int_eq(put(1, LARGE), COFRE_OK);
}
END_TEST

START_TEST(a_turn_that_writes_too_much_is_full_and_changes_nothing)
{
	enum cofre_status st = COFRE_OK;

	reopen(16 * MIB);
	ck_assert_int_eq(put(1, LARGE), COFRE_OK);
	ck_assert_int_eq(store_begin(s, 100, false), COFRE_OK);
	for (uint32_t i = 2; i < 250 && st == COFRE_OK; i++)
		st = store_put(s, key_of(i), value_of(i, LARGE));
	ck_assert_int_eq(st, COFRE_STORE_FULL);
	store_abort(s);
	ck_assert(!store_writing(s));
	ck_assert(has(1, LARGE) && !has(2, LARGE));
	ck_assert_int_eq(put(2, LARGE), COFRE_OK);
}
END_TEST

START_TEST(what_needs_more_than_the_limit_is_refused_at_the_beginning)
{
	reopen(16 * MIB);
	ck_assert_int_eq(store_begin(s, 17 * MIB, false), COFRE_STORE_FULL);
	ck_assert_int_eq(store_begin(s, 17 * MIB, true), COFRE_STORE_FULL);
	ck_assert(!store_writing(s));
	ck_assert_int_eq(store_begin(s, MIB, false), COFRE_OK);
}
END_TEST

START_TEST(after_a_failed_flush_it_reads_and_never_writes)
{
	struct store_stat st;

	ck_assert_int_eq(put(1, LARGE), COFRE_OK);
	ck_assert_int_eq(store_begin(s, LARGE, false), COFRE_OK);
	ck_assert_int_eq(store_put(s, key_of(2), value_of(2, LARGE)),
	    COFRE_OK);
	statedir_limit_files(8192);
	ck_assert_int_eq(store_commit(s), COFRE_STORE_FAILED);
	statedir_limit_files(RLIM_INFINITY);
	store_stat(s, &st);
	ck_assert(st.failed);
	ck_assert(!store_writing(s));
	/* The disk works again, but who knows what is on it. */
	ck_assert_int_eq(store_begin(s, 1, false), COFRE_STORE_FAILED);
	ck_assert_int_eq(store_begin(s, 1, true), COFRE_STORE_FAILED);
	ck_assert(has(1, LARGE) && !has(2, LARGE));
	reopen(64 * MIB);
	ck_assert(has(1, LARGE) && !has(2, LARGE));
	ck_assert_int_eq(put(2, LARGE), COFRE_OK);
}
END_TEST

/* On a disk of 12 MiB, put rows until it is full; returns how many were. */
static uint32_t
fill_disk(enum cofre_status *st)
{
	uint32_t n = 0;

	store_close(s);
	s = NULL;
	if (!statedir_mount(12u << 20))
		return 0;
	s = statedir_open(64 * MIB);
	do
		*st = put(n, LARGE);
	while (*st == COFRE_OK && ++n < 200);
	ck_assert_uint_ge(n, 12);
	ck_assert_uint_lt(n, 30);
	return n;
}

START_TEST(a_full_disk_is_a_status_and_the_store_goes_on)
{
	enum cofre_status st;
	struct store_stat stat;
	uint32_t n = fill_disk(&st);

	if (n == 0)
		return;
	ck_assert_int_eq(st, COFRE_STORE_FULL);
	store_stat(s, &stat);
	ck_assert(!stat.failed);
	ck_assert_uint_eq(stat.rows, n);
	for (uint32_t i = 0; i < n; i++)
		delete(i);
	ck_assert(!has(0, LARGE) && !has(n - 1, LARGE));
}
END_TEST

START_TEST(everything_on_a_full_disk_can_be_deleted_in_one_turn)
{
	enum cofre_status st;
	uint32_t n = fill_disk(&st);

	for (uint32_t i = 0; i < n; i++) {
		ck_assert_int_eq(store_begin(s, 65536, true), COFRE_OK);
		ck_assert_int_eq(store_delete(s, key_of(i)), COFRE_OK);
	}
	ck_assert(n == 0 || store_commit(s) == COFRE_OK);
	ck_assert(n == 0 || !has(0, LARGE));
}
END_TEST

START_TEST(what_is_deleted_on_a_full_disk_makes_room_for_more)
{
	enum cofre_status st;
	uint32_t n = fill_disk(&st);

	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		delete(i);
	ck_assert_int_eq(put(1000, LARGE), COFRE_OK);
	ck_assert(has(1000, LARGE) && !has(0, LARGE));
}
END_TEST

START_TEST(after_a_full_disk_everything_is_still_there)
{
	enum cofre_status st;
	uint32_t n = fill_disk(&st);

	for (unsigned again = 0; again < 2 && n > 0; again++) {
		for (uint32_t i = 0; i < n; i++)
			ck_assert_msg(has(i, LARGE), "row %u", i);
		ck_assert(!has(n, LARGE));
		reopen(64 * MIB);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_room");
	TCase *t = tcase_create("store_room");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, file_and_map_grow_beyond_16_mib);
	tcase_add_test(t, a_full_store_reads_deletes_and_takes_rows_again);
	tcase_add_test(t, the_file_never_grows_beyond_its_limit);
	tcase_add_test(t,
	    what_is_kept_for_deleting_lets_all_rows_be_deleted);
	tcase_add_test(t,
	    what_is_kept_for_deleting_is_not_for_rows_behind_a_delete);
	tcase_add_test(t,
	    a_full_store_of_more_than_a_gib_can_be_emptied_in_one_turn);
	tcase_add_test(t, many_rows_of_a_turn_have_room_together);
	tcase_add_test(t,
	    a_turn_that_writes_too_much_is_full_and_changes_nothing);
	tcase_add_test(t,
	    what_needs_more_than_the_limit_is_refused_at_the_beginning);
	tcase_add_test(t, after_a_failed_flush_it_reads_and_never_writes);
	tcase_add_test(t, a_full_disk_is_a_status_and_the_store_goes_on);
	tcase_add_test(t,
	    everything_on_a_full_disk_can_be_deleted_in_one_turn);
	tcase_add_test(t,
	    what_is_deleted_on_a_full_disk_makes_room_for_more);
	tcase_add_test(t, after_a_full_disk_everything_is_still_there);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
