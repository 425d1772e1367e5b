/*
 * What store says, and is then, when LMDB or the file system fails in any
 * place, with any of the errors that it tells apart.
 */
#include <check.h>
#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "statedir.h"

enum call {
	ENV_CREATE, SET_ASSERT, SET_MAPSIZE, ENV_OPEN, GET_FD, READER_CHECK,
	ENV_STAT, TXN_BEGIN, TXN_RENEW, DBI_OPEN, CURSOR_OPEN, CURSOR_GET,
	CURSOR_DEL, GET, PUT, DEL, COMMIT, FALLOCATE, CALLS
};

/* The one behind so many of those calls fails with that code. */
static struct {
	bool armed, struck;
	bool header; /* of a commit: LMDB begins no more transactions */
	enum call call;
	unsigned left;
	int code;
} fault;

static void
arm(enum call call, unsigned after, int code)
{
	fault.armed = true;
	fault.struck = fault.header = false;
	fault.call = call;
	fault.left = after;
	fault.code = code;
}

/* True when it has struck. */
static bool
disarm(void)
{
	fault.armed = false;
	return fault.struck;
}

static bool
strikes(enum call call)
{
	if (!fault.armed || fault.struck || fault.call != call ||
	    fault.left-- > 0)
		return false;
	fault.struck = true;
	return true;
}

#define FAILING(call, name, parameters, arguments)                           \
	int __real_##name parameters;                                        \
	int __wrap_##name parameters;                                        \
	int __wrap_##name parameters                                         \
	{                                                                    \
		return strikes(call) ? fault.code :                          \
				       __real_##name arguments;              \
	}

FAILING(ENV_CREATE, mdb_env_create, (MDB_env **e), (e))
FAILING(SET_ASSERT, mdb_env_set_assert, (MDB_env *e, MDB_assert_func *f),
    (e, f))
FAILING(SET_MAPSIZE, mdb_env_set_mapsize, (MDB_env *e, size_t n), (e, n))
FAILING(ENV_OPEN, mdb_env_open,
    (MDB_env *e, const char *path, unsigned flags, mdb_mode_t mode),
    (e, path, flags, mode))
FAILING(GET_FD, mdb_env_get_fd, (MDB_env *e, mdb_filehandle_t *fd), (e, fd))
FAILING(READER_CHECK, mdb_reader_check, (MDB_env *e, int *dead), (e, dead))
FAILING(ENV_STAT, mdb_env_stat, (MDB_env *e, MDB_stat *st), (e, st))
FAILING(TXN_BEGIN, mdb_txn_begin,
    (MDB_env *e, MDB_txn *parent, unsigned flags, MDB_txn **txn),
    (e, parent, flags, txn))
FAILING(TXN_RENEW, mdb_txn_renew, (MDB_txn *txn), (txn))
FAILING(DBI_OPEN, mdb_dbi_open,
    (MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi),
    (txn, name, flags, dbi))
FAILING(CURSOR_OPEN, mdb_cursor_open,
    (MDB_txn *txn, MDB_dbi dbi, MDB_cursor **c), (txn, dbi, c))
FAILING(CURSOR_GET, mdb_cursor_get,
    (MDB_cursor *c, MDB_val *k, MDB_val *v, MDB_cursor_op op), (c, k, v, op))
FAILING(CURSOR_DEL, mdb_cursor_del, (MDB_cursor *c, unsigned flags),
    (c, flags))
FAILING(GET, mdb_get, (MDB_txn *txn, MDB_dbi dbi, MDB_val *k, MDB_val *v),
    (txn, dbi, k, v))
FAILING(PUT, mdb_put,
    (MDB_txn *txn, MDB_dbi dbi, MDB_val *k, MDB_val *v, unsigned flags),
    (txn, dbi, k, v, flags))
FAILING(DEL, mdb_del, (MDB_txn *txn, MDB_dbi dbi, MDB_val *k, MDB_val *v),
    (txn, dbi, k, v))

/* As LMDB does it, which has let go of the transaction. */
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int
__wrap_mdb_txn_commit(MDB_txn *txn)
{
	int code = fault.code;

	if (!strikes(COMMIT))
		return __real_mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	if (fault.header)
		arm(TXN_BEGIN, 0, MDB_PANIC);
	return code;
}

int __real_fallocate(int fd, int mode, off_t from, off_t len);
int __wrap_fallocate(int fd, int mode, off_t from, off_t len);
int
__wrap_fallocate(int fd, int mode, off_t from, off_t len)
{
	if (!strikes(FALLOCATE))
		return __real_fallocate(fd, mode, from, len);
	errno = fault.code;
	return -1;
}

/* --- the tests --- */

static struct store *s;

static void
setup(void)
{
	statedir_setup();
	s = statedir_open(16 * MIB);
}

static void
teardown(void)
{
	store_close(s);
	statedir_teardown();
}

static enum cofre_status
put(const char *key, const char *value)
{
	enum cofre_status st = store_begin(s, 4096, false);

	if (st == COFRE_OK)
		st = store_put(s, view_of(key), view_of(value));
	if (st == COFRE_OK)
		return store_commit(s);
	store_abort(s);
	return st;
}

static bool
has(const char *key, const char *value)
{
	struct view v;

	return store_get(s, view_of(key), &v) == COFRE_OK &&
	    view_is(v, value);
}

/* Each call that opening makes, but for the second one for a map: see
   below. */
START_TEST(a_store_that_does_not_open_says_why)
{
	char error[256];
	unsigned failed = 0;

	store_close(s);
	for (unsigned i = 0; i < CALLS; i++)
		for (unsigned n = 0; n < (i == SET_MAPSIZE ? 1 : 9); n++) {
			arm((enum call)i, n, ENOMEM);
			s = store_open(STATEDIR_FILE, 16 * MIB, error,
			    sizeof(error));
			if (!disarm()) {
				store_close(s);
				break;
			}
			ck_assert_ptr_null(s);
			ck_assert_str_eq(error, "store " STATEDIR_FILE
			    ": Cannot allocate memory");
			failed++;
		}
	ck_assert_uint_ge(failed, 9);
	s = statedir_open(16 * MIB);
}
END_TEST

/* LMDB has let go of the old map when it can't have the new one. */
START_TEST(without_a_map_there_is_no_store)
{
	char error[256];

	store_close(s);
	arm(SET_MAPSIZE, 1, ENOMEM);
	(void)store_open(STATEDIR_FILE, 16 * MIB, error, sizeof(error));
	ck_abort_msg("it goes on");
}
END_TEST

static const struct {
	int code;
	enum cofre_status status;
	bool lasts;
} codes[] = {
	{ MDB_NOTFOUND, COFRE_NOT_FOUND, false },
	{ MDB_MAP_FULL, COFRE_STORE_FULL, false },
	{ ENOSPC, COFRE_STORE_FULL, false },
	{ EDQUOT, COFRE_STORE_FULL, false },
	{ ENOMEM, COFRE_STORE_FAILED, false },
	{ MDB_CORRUPTED, COFRE_CORRUPT, true },
	{ MDB_PAGE_NOTFOUND, COFRE_CORRUPT, true },
	{ MDB_PANIC, COFRE_CORRUPT, true },
	{ MDB_INVALID, COFRE_CORRUPT, true },
};

START_TEST(each_error_is_what_it_means)
{
	struct view v;

	ck_assert_int_eq(put("a", "1"), COFRE_OK);
	arm(GET, 0, codes[_i].code);
	ck_assert_int_eq(store_get(s, view_of("a"), &v), codes[_i].status);
	ck_assert(disarm());
	/* What is damaged is not written to any more. */
	ck_assert_int_eq(put("a", "2"),
	    codes[_i].lasts ? COFRE_STORE_FAILED : COFRE_OK);
}
END_TEST

static bool
visit(void *arg, struct view key, struct view value)
{
	(void)key;
	(void)value;
	(*(unsigned *)arg)++;
	return true;
}

/* Whatever one may do, of which these calls fail. */
static enum cofre_status
do_one(unsigned what)
{
	struct view k, v;
	unsigned seen = 0;
	enum cofre_status st;

	store_release(s);
	switch (what) {
	case 0:
		return store_get(s, view_of("a"), &v);
	case 1:
		return store_next(s, view_of("a"), view_of("a"), &k, &v);
	case 2:
		return store_walk(s, NULL, visit, &seen);
	case 3:
		k = view_of("a");
		return store_walk(s, &k, visit, &seen);
	case 4:
		return put("b", "2");
	default:
		if ((st = store_begin(s, 4096, true)) == COFRE_OK)
			st = store_delete(s, view_of("a"));
		store_abort(s);
		return st;
	}
}

START_TEST(what_fails_once_is_said_and_works_again)
{
	unsigned failed = 0;

	ck_assert_int_eq(put("a", "1"), COFRE_OK);
	for (unsigned what = 0; what < 6; what++)
		for (unsigned i = 0; i < CALLS; i++) {
			enum cofre_status st;

			if (i == FALLOCATE)
				continue;
			arm((enum call)i, 0, ENOMEM);
			st = do_one(what);
			if (!disarm()) {
				ck_assert_int_eq(st, COFRE_OK);
				continue;
			}
			failed++;
			ck_assert_msg(st == COFRE_STORE_FAILED, "%u, %u: %s",
			    what, i, cofre_status_name(st));
			ck_assert_int_eq(do_one(what), COFRE_OK);
			ck_assert(has("a", "1"));
		}
	ck_assert_uint_ge(failed, 12);
}
END_TEST

/* --- commits --- */

static const struct {
	int code;
	bool tight; /* without disk space of its own */
	enum cofre_status status;
	bool lasts;
} commits[] = {
	{ MDB_MAP_FULL, false, COFRE_STORE_FULL, false },
	{ ENOMEM, false, COFRE_STORE_FAILED, false },
	{ EIO, false, COFRE_STORE_FAILED, true },
	{ EIO, true, COFRE_STORE_FAILED, true },
	{ ENOSPC, false, COFRE_STORE_FAILED, true },
	{ EDQUOT, false, COFRE_STORE_FAILED, true },
	{ ENOSPC, true, COFRE_STORE_FULL, false },
	{ EDQUOT, true, COFRE_STORE_FULL, false },
};

static void
begin(bool tight)
{
	if (tight)
		arm(FALLOCATE, 0, EOPNOTSUPP);
	ck_assert_int_eq(store_begin(s, 4096, false), COFRE_OK);
	ck_assert(disarm() == tight);
	ck_assert_int_eq(store_put(s, view_of("b"), view_of("2")), COFRE_OK);
}

START_TEST(after_a_commit_that_failed_it_goes_on_if_it_is_unharmed)
{
	ck_assert_int_eq(put("a", "1"), COFRE_OK);
	store_close(s);
	s = statedir_open(16 * MIB);
	begin(commits[_i].tight);
	arm(COMMIT, 0, commits[_i].code);
	ck_assert_int_eq(store_commit(s), commits[_i].status);
	ck_assert(disarm());
	ck_assert_int_eq(put("c", "3"),
	    commits[_i].lasts ? COFRE_STORE_FAILED : COFRE_OK);
	/* What was there is there, and is read as before. */
	ck_assert(has("a", "1") && !has("b", "2"));
}
END_TEST

START_TEST(a_header_that_was_not_written_ends_it)
{
	begin(true);
	arm(COMMIT, 0, ENOSPC);
	fault.header = true;
	ck_assert_int_eq(store_commit(s), COFRE_STORE_FAILED);
	ck_assert(disarm());
	ck_assert_int_eq(put("c", "3"), COFRE_STORE_FAILED);
}
END_TEST

/* --- room --- */

START_TEST(a_disk_that_takes_no_more_is_full)
{
	arm(FALLOCATE, 0, EDQUOT);
	ck_assert_int_eq(put("a", "1"), COFRE_STORE_FULL);
	ck_assert(disarm());
	arm(FALLOCATE, 0, EIO);
	ck_assert_int_eq(put("a", "1"), COFRE_STORE_FAILED);
	ck_assert(disarm());
	arm(FALLOCATE, 0, EINTR);
	ck_assert_int_eq(put("a", "1"), COFRE_OK);
	ck_assert(disarm() && has("a", "1"));
}
END_TEST

/* Nothing is written when nobody knows whether there is room. */
START_TEST(what_is_free_and_can_not_be_counted_is_not_there)
{
	static const enum call calls[] = { TXN_BEGIN, CURSOR_OPEN,
		CURSOR_GET };

	ck_assert_int_eq(put("a", "1"), COFRE_OK);
	for (size_t i = 0; i < COUNT(calls); i++) {
		arm(calls[i], 0, ENOMEM);
		ck_assert_int_eq(store_begin(s, 8 * MIB, false),
		    COFRE_STORE_FAILED);
		ck_assert(disarm());
		ck_assert_int_eq(store_begin(s, 8 * MIB, false),
		    COFRE_STORE_FULL);
	}
	ck_assert_int_eq(put("a", "2"), COFRE_OK);
}
END_TEST

/* --- trying it out, as its checker does --- */

START_TEST(a_store_that_can_not_be_tried_says_why)
{
	char text[128];
	unsigned failed = 0;

	ck_assert_int_eq(put("a", ""), COFRE_OK);
	ck_assert_int_eq(put("b", "1"), COFRE_OK);
	for (unsigned i = 0; i < CALLS; i++)
		for (unsigned n = 0; n < 3; n++) {
			bool good;

			arm((enum call)i, n, ENOMEM);
			good = store_try(STATEDIR_FILE, MIB, text,
			    sizeof(text));
			if (!disarm()) {
				ck_assert(good);
				break;
			}
			ck_assert(!good);
			ck_assert_str_eq(text, "Cannot allocate memory");
			failed++;
		}
	ck_assert_uint_ge(failed, 10);
	ck_assert(has("a", "") && has("b", "1"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_faults");
	TCase *t = tcase_create("store_faults");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_store_that_does_not_open_says_why);
	tcase_add_exit_test(t, without_a_map_there_is_no_store, 1);
	tcase_add_loop_test(t, each_error_is_what_it_means, 0, COUNT(codes));
	tcase_add_test(t, what_fails_once_is_said_and_works_again);
	tcase_add_loop_test(t,
	    after_a_commit_that_failed_it_goes_on_if_it_is_unharmed, 0,
	    COUNT(commits));
	tcase_add_test(t, a_header_that_was_not_written_ends_it);
	tcase_add_test(t, a_disk_that_takes_no_more_is_full);
	tcase_add_test(t, what_is_free_and_can_not_be_counted_is_not_there);
	tcase_add_test(t, a_store_that_can_not_be_tried_says_why);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
