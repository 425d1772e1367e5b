#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sample.h"
#include "statedir.h"

static struct store *s;

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

static void
begin(size_t need)
{
	ck_assert_int_eq(store_begin(s, need, false), COFRE_OK);
}

static void
commit(void)
{
	ck_assert_int_eq(store_commit(s), COFRE_OK);
}

static void
put(const char *key, const char *value)
{
	ck_assert_int_eq(store_put(s, view_of(key), view_of(value)),
	    COFRE_OK);
}

/* The row's value is this; NULL: there is none. */
static bool
has(const char *key, const char *value)
{
	struct view v;
	enum cofre_status st = store_get(s, view_of(key), &v);

	return value == NULL ? st == COFRE_NOT_FOUND :
	    st == COFRE_OK && view_is(v, value);
}

START_TEST(a_new_store_is_empty_and_its_owners_alone)
{
	struct store_stat st;
	struct stat file, lock;

	ck_assert(has("a", NULL));
	store_stat(s, &st);
	ck_assert_uint_eq(st.rows, 0);
	ck_assert_uint_eq(st.map, 16 * MIB);
	ck_assert_uint_eq(st.limit, 64 * MIB);
	ck_assert_uint_le(st.used, 16384);
	ck_assert(!st.failed);
	ck_assert_int_eq(stat(STATEDIR_FILE, &file), 0);
	ck_assert_uint_eq(file.st_mode & 07777, 0600);
	ck_assert_int_eq(stat(STATEDIR_FILE "-lock", &lock), 0);
	ck_assert_uint_eq(lock.st_mode & 07777, 0600);
	/* As long as the map, but not there. */
	ck_assert_uint_eq((uint64_t)file.st_size, 16 * MIB);
	ck_assert_uint_le((uint64_t)file.st_blocks * 512, MIB);
}
END_TEST

START_TEST(a_row_is_put_replaced_and_deleted)
{
	struct store_stat st;

	begin(100);
	put("a", "1");
	put("b", "");
	commit();
	ck_assert(has("a", "1") && has("b", "") && has("c", NULL));
	store_stat(s, &st);
	ck_assert_uint_eq(st.rows, 2);
	begin(100);
	put("a", "another value");
	ck_assert_int_eq(store_delete(s, view_of("b")), COFRE_OK);
	ck_assert_int_eq(store_delete(s, view_of("b")), COFRE_NOT_FOUND);
	commit();
	ck_assert(has("a", "another value") && has("b", NULL));
	reopen(64 * MIB);
	ck_assert(has("a", "another value") && has("b", NULL));
}
END_TEST

START_TEST(reads_see_the_open_write_and_abort_drops_it)
{
	begin(100);
	put("a", "1");
	commit();
	ck_assert(!store_writing(s));
	ck_assert(has("a", "1"));
	begin(100);
	ck_assert(store_writing(s));
	put("a", "2");
	put("b", "3");
	ck_assert(has("a", "2") && has("b", "3"));
	store_abort(s);
	ck_assert(!store_writing(s));
	ck_assert(has("a", "1") && has("b", NULL));
	reopen(64 * MIB);
	ck_assert(has("a", "1") && has("b", NULL));
}
END_TEST

START_TEST(closing_drops_the_open_write)
{
	begin(100);
	put("a", "1");
	reopen(64 * MIB);
	ck_assert(has("a", NULL));
}
END_TEST

START_TEST(to_begin_twice_is_to_go_on)
{
	begin(100);
	put("a", "1");
	begin(1 << 20);
	ck_assert(has("a", "1"));
	commit();
	commit();
	store_abort(s);
	ck_assert(has("a", "1"));
}
END_TEST

START_TEST(a_snapshot_ends_with_its_release)
{
	struct view v;

	begin(100);
	put("a", "1");
	commit();
	ck_assert_int_eq(store_get(s, view_of("a"), &v), COFRE_OK);
	store_release(s);
	store_release(s);
	begin(100);
	put("a", "2");
	commit();
	ck_assert(has("a", "2"));
}
END_TEST

START_TEST(any_bytes_are_a_key_within_its_limits)
{
	uint8_t key[512];
	struct view value;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(255 - i);
	begin(4096);
	for (size_t n = 0; n <= sizeof(key); n++)
		ck_assert_int_eq(store_put(s, (struct view){ key, n },
		    (struct view){ key, n }),
		    n >= 1 && n <= 511 ? COFRE_OK : COFRE_STORE_FAILED);
	commit();
	for (size_t n = 1; n <= 511; n++) {
		ck_assert_int_eq(store_get(s, (struct view){ key, n },
		    &value), COFRE_OK);
		ck_assert(view_equal(value, (struct view){ key, n }));
	}
	ck_assert_int_eq(store_get(s, (struct view){ key, 0 }, &value),
	    COFRE_STORE_FAILED);
}
END_TEST

/* --- walking --- */

struct seen {
	char keys[64];
	size_t stop; /* after so many */
	size_t count;
};

static bool
visit(void *arg, struct view key, struct view value)
{
	struct seen *seen = arg;

	ck_assert(view_equal(key, value));
	(void)strncat(seen->keys, (const char *)key.data, key.len);
	(void)strcat(seen->keys, " ");
	return ++seen->count != seen->stop;
}

static const char *
walked(const char *after, size_t stop)
{
	static struct seen seen;
	struct view v = view_of(after == NULL ? "" : after);

	seen = (struct seen){ .stop = stop };
	ck_assert_int_eq(store_walk(s, after == NULL ? NULL : &v, visit,
	    &seen), COFRE_OK);
	return seen.keys;
}

static void
put_letters(void)
{
	static const char *const keys[] = { "c", "a", "b1", "b2", "bb", "d" };

	begin(1000);
	for (size_t i = 0; i < COUNT(keys); i++)
		put(keys[i], keys[i]);
}

START_TEST(a_walk_sees_all_rows_in_order)
{
	ck_assert_str_eq(walked(NULL, 0), "");
	put_letters();
	ck_assert_str_eq(walked(NULL, 0), "a b1 b2 bb c d ");
	commit();
	ck_assert_str_eq(walked(NULL, 0), "a b1 b2 bb c d ");
	ck_assert_str_eq(walked(NULL, 2), "a b1 ");
	ck_assert_str_eq(walked("b1", 0), "b2 bb c d ");
	ck_assert_str_eq(walked("b1", 1), "b2 ");
	/* Behind a key that is not there (any more). */
	ck_assert_str_eq(walked("b", 0), "b1 b2 bb c d ");
	ck_assert_str_eq(walked("b3", 0), "bb c d ");
	ck_assert_str_eq(walked("d", 0), "");
	ck_assert_str_eq(walked("e", 0), "");
}
END_TEST

/* The key of the next row, or "". */
static const char *
next(const char *prefix, const char *from)
{
	static char found[16];
	struct view key, value;
	enum cofre_status st = store_next(s, view_of(prefix), view_of(from),
	    &key, &value);

	if (st == COFRE_NOT_FOUND)
		return "";
	ck_assert_int_eq(st, COFRE_OK);
	ck_assert(view_equal(key, value));
	(void)snprintf(found, sizeof(found), "%.*s", (int)key.len,
	    (const char *)key.data);
	return found;
}

START_TEST(the_next_row_is_the_first_not_less_within_the_prefix)
{
	ck_assert_str_eq(next("b", "b"), "");
	put_letters();
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(next("b", "b"), "b1");
		ck_assert_str_eq(next("b", "b1"), "b1");
		ck_assert_str_eq(next("b", "b10"), "b2");
		ck_assert_str_eq(next("b", "b2"), "b2");
		ck_assert_str_eq(next("b", "b3"), "bb");
		ck_assert_str_eq(next("b", "bc"), "");
		ck_assert_str_eq(next("d", "d"), "d");
		ck_assert_str_eq(next("e", "e"), "");
		ck_assert_str_eq(next("aa", "aa"), "");
		ck_assert_str_eq(next("bbb", "bb"), "");
		ck_assert_str_eq(next("", "c0"), "d");
		commit();
	}
}
END_TEST

START_TEST(rows_are_deleted_while_they_are_looked_through)
{
	struct view key, value;
	unsigned count = 0;

	put_letters();
	while (store_next(s, view_of("b"), view_of("b"), &key, &value) ==
	    COFRE_OK) {
		ck_assert_int_eq(store_delete(s, key), COFRE_OK);
		count++;
	}
	ck_assert_uint_eq(count, 3);
	commit();
	ck_assert_str_eq(walked(NULL, 0), "a c d ");
}
END_TEST

/* --- against a model --- */

#define KEYS 40u

struct model {
	uint32_t now[KEYS], kept[KEYS]; /* 0: not there, else the length */
};

static void
model_check(const struct model *m)
{
	struct view v;

	for (uint32_t i = 0; i < KEYS; i++) {
		char key[16];
		enum cofre_status st;

		(void)snprintf(key, sizeof(key), "k%u", i);
		st = store_get(s, view_of(key), &v);
		ck_assert_int_eq(st, m->now[i] == 0 ? COFRE_NOT_FOUND :
						      COFRE_OK);
		ck_assert(st != COFRE_OK || v.len == m->now[i]);
	}
}

static void
model_change(struct model *m, uint64_t *state)
{
	static const uint8_t bytes[20000];
	uint32_t i = sample_below(state, KEYS);
	char key[16];

	(void)snprintf(key, sizeof(key), "k%u", i);
	ck_assert_int_eq(store_begin(s, sizeof(bytes), false), COFRE_OK);
	if (sample_below(state, 3) == 0) {
		ck_assert_int_eq(store_delete(s, view_of(key)),
		    m->now[i] == 0 ? COFRE_NOT_FOUND : COFRE_OK);
		m->now[i] = 0;
		return;
	}
	m->now[i] = 1 + sample_below(state, sizeof(bytes));
	ck_assert_int_eq(store_put(s, view_of(key),
	    (struct view){ bytes, m->now[i] }), COFRE_OK);
}

START_TEST(random_turns_do_what_a_model_does)
{
	uint64_t state = sample_seed("store model");
	struct model m = { { 0 }, { 0 } };

	for (unsigned step = 0; step < 150; step++) {
		uint32_t changes = sample_below(&state, 10);

		for (uint32_t i = 0; i < changes; i++)
			model_change(&m, &state);
		model_check(&m);
		if (sample_below(&state, 3) == 0) {
			store_abort(s);
			memcpy(m.now, m.kept, sizeof(m.now));
		} else {
			ck_assert_int_eq(store_commit(s), COFRE_OK);
			memcpy(m.kept, m.now, sizeof(m.now));
		}
		if (sample_below(&state, 20) == 0)
			reopen(64 * MIB);
		model_check(&m);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *t = tcase_create("store");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_new_store_is_empty_and_its_owners_alone);
	tcase_add_test(t, a_row_is_put_replaced_and_deleted);
	tcase_add_test(t, reads_see_the_open_write_and_abort_drops_it);
	tcase_add_test(t, closing_drops_the_open_write);
	tcase_add_test(t, to_begin_twice_is_to_go_on);
	tcase_add_test(t, a_snapshot_ends_with_its_release);
	tcase_add_test(t, any_bytes_are_a_key_within_its_limits);
	tcase_add_test(t, a_walk_sees_all_rows_in_order);
	tcase_add_test(t,
	    the_next_row_is_the_first_not_less_within_the_prefix);
	tcase_add_test(t, rows_are_deleted_while_they_are_looked_through);
	tcase_add_test(t, random_turns_do_what_a_model_does);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
