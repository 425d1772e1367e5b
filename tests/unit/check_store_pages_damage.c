/*
 * Each thing that the checker looks at in a page of a store: one that is
 * wrong there is refused, and the text says what is.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "statedir.h"
#include "store_pages.h"

#define PAGE 4096u
#define HEADER 16u
#define ROWS 300u

static uint8_t *file;
static size_t size;

static uint16_t
get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void
put16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void
put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void
commit(struct store *s)
{
	ck_assert_int_eq(store_commit(s), COFRE_OK);
	ck_assert_int_eq(store_begin(s, MIB, false), COFRE_OK);
}

static void
put(struct store *s, const char *key, size_t len)
{
	static uint8_t value[20000];

	memset(value, key[0], sizeof(value));
	ck_assert_int_eq(store_put(s, view_of(key),
	    (struct view){ value, len }), COFRE_OK);
}

/* Three levels of rows, two of which lie side by side and begin alike; long
   values; and pages that are free. */
static void
setup(void)
{
	struct store *s;
	char key[32];

	statedir_setup();
	s = statedir_open(64 * MIB);
	ck_assert_int_eq(store_begin(s, MIB, false), COFRE_OK);
	put(s, "a", 10);
	put(s, "aa", 10);
	for (unsigned i = 0; i < ROWS; i++) {
		(void)snprintf(key, sizeof(key), "row-%04u", i);
		put(s, key, i % 100 == 50 ? 13000 : 100);
	}
	commit(s);
	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(key, sizeof(key), "row-%04u", i * 2 + 100);
		ck_assert_int_eq(store_delete(s, view_of(key)), COFRE_OK);
	}
	commit(s);
	store_close(s);
	file = statedir_read(STATEDIR_FILE, &size);
}

static void
teardown(void)
{
	free(file);
	statedir_teardown();
}

/* --- where things are --- */

static uint8_t *
page(uint64_t number)
{
	ck_assert_uint_lt(number, size / PAGE);
	return file + number * PAGE;
}

/* The meta page that counts. */
static uint8_t *
meta(void)
{
	uint8_t *one = file + HEADER, *two = one + PAGE;

	return get64(two + 128) > get64(one + 128) ? two : one;
}

/* What it says of the tree of free pages, and of the rows'. */
static uint8_t *
free_tree(void)
{
	return meta() + 24;
}

static uint8_t *
row_tree(void)
{
	return meta() + 72;
}

static uint8_t *
root(const uint8_t *tree)
{
	return page(get64(tree + 40));
}

static unsigned
count(const uint8_t *p)
{
	return (get16(p + 12) - HEADER) / 2u;
}

static uint8_t *
node(uint8_t *p, unsigned i)
{
	return p + get16(p + HEADER + 2 * i);
}

static uint8_t *
key(uint8_t *p, unsigned i)
{
	return node(p, i) + 8;
}

static uint8_t *
value(uint8_t *p, unsigned i)
{
	return key(p, i) + get16(node(p, i) + 6);
}

/* A leaf of the rows, by its number in order. */
static uint8_t *
leaf(unsigned i)
{
	uint8_t *p = root(row_tree());

	ck_assert_uint_gt(count(p), i);
	ck_assert_uint_eq(get16(row_tree() + 6), 2);
	return page(get64(node(p, i)) & 0xffffffffffff);
}

/* The first long value's page. */
static uint8_t *
long_value(void)
{
	for (unsigned n = 0; n < count(root(row_tree())); n++)
		for (unsigned i = 0; i < count(leaf(n)); i++)
			if (get16(node(leaf(n), i) + 4) != 0)
				return page(get64(value(leaf(n), i)));
	ck_abort_msg("there is none");
	return NULL;
}

/* The last list of free pages: how many, and which. */
static uint8_t *
free_list(void)
{
	uint8_t *p = root(free_tree());

	ck_assert_uint_eq(get16(free_tree() + 6), 1);
	return value(p, count(p) - 1);
}

static void
swap(uint8_t *p, unsigned i, unsigned j)
{
	uint16_t a = get16(p + HEADER + 2 * i);

	put16(p + HEADER + 2 * i, get16(p + HEADER + 2 * j));
	put16(p + HEADER + 2 * j, a);
}

/* --- what is wrong --- */

static void
branches(void)
{
	put64(row_tree() + 8, get64(row_tree() + 8) + 1);
}

static void
leaves(void)
{
	put64(row_tree() + 16, get64(row_tree() + 16) + 1);
}

static void
overflows(void)
{
	put64(row_tree() + 24, get64(row_tree() + 24) + 1);
}

static void
depth(void)
{
	put16(row_tree() + 6, 33);
}

static void
no_depth(void)
{
	put16(row_tree() + 6, 0);
}

static void
last_page(void)
{
	put64(meta() + 120, 0);
}

static void
lower(void)
{
	put16(leaf(0) + 12, 8);
}

static void
long_number(void)
{
	uint8_t *p = long_value();

	put64(p, get64(p) + 1);
}

/* The page behind its first one is free as well. */
static void
long_page(void)
{
	put64(free_list() + 8, get64(long_value()) + 1);
	put64(free_list(), 1);
}

static void
free_key(void)
{
	uint8_t *p = root(free_tree());

	put64(key(p, count(p) - 1), get64(meta() + 128) + 1);
}

static void
free_key_length(void)
{
	uint8_t *p = root(free_tree());

	put16(node(p, count(p) - 1) + 6, 7);
}

static void
free_size(void)
{
	uint8_t *p = root(free_tree());

	put16(node(p, count(p) - 1), 4);
}

static void
free_order(void)
{
	ck_assert_uint_gt(get64(free_list()), 1);
	put64(free_list() + 16, get64(free_list() + 8));
}

static void
free_page(void)
{
	put64(free_list() + 8, get64(meta() + 120) + 1);
}

/* The node that lies first in the page goes to its end. */
static void
large_node(void)
{
	uint8_t *p = leaf(1);

	for (unsigned i = 0; i < count(p); i++)
		if (get16(p + HEADER + 2 * i) == get16(p + 14))
			put16(node(p, i), (uint16_t)(p + PAGE -
			    value(p, i)));
}

static void
begin_alike(void)
{
	ck_assert_int_eq(key(leaf(0), 0)[0], 'a');
	swap(leaf(0), 0, 1);
}

static void
below_its_branch(void)
{
	key(leaf(1), 0)[0] = 0;
}

static void
behind_its_branch(void)
{
	key(leaf(1), count(leaf(1)) - 1)[0] = 'z';
}

static void
branch_order(void)
{
	swap(root(row_tree()), 1, 2);
}

static const struct {
	void (*change)(void);
	const char *want;
} wrong[] = {
	{ branches, "more or fewer" },
	{ leaves, "more or fewer" },
	{ overflows, "more or fewer" },
	{ depth, "a meta page is damaged" },
	{ no_depth, "a meta page is damaged" },
	{ last_page, "cut short" },
	{ lower, "its header is damaged" },
	{ long_number, "is no long value" },
	{ long_page, "is used twice" },
	{ free_key, "a list of free pages is damaged" },
	{ free_key_length, "a list of free pages is damaged" },
	{ free_size, "a list of free pages is damaged" },
	{ free_order, "a list of free pages is not in order" },
	{ free_page, "is asked for, and is not there" },
	{ large_node, "a node is too large" },
	{ begin_alike, "its keys are not in order" },
	{ below_its_branch, "its keys are not in order" },
	{ behind_its_branch, "its keys are not in order" },
	{ branch_order, "its keys are not in order" },
};

static const char *
problem(size_t len)
{
	static char text[200];

	text[0] = '\0';
	ck_assert(store_pages_check(file, len, text, sizeof(text)) ==
	    (text[0] == '\0'));
	return text;
}

START_TEST(what_is_wrong_in_a_page_is_found_and_said)
{
	size_t len = (get64(meta() + 120) + 1) * PAGE;
	uint8_t *whole = malloc(len);

	ck_assert_ptr_nonnull(whole);
	memcpy(whole, file, len);
	ck_assert_str_eq(problem(size), "");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		wrong[i].change();
		ck_assert_msg(strstr(problem(size), wrong[i].want) != NULL,
		    "%zu: '%s' is not '%s'", i, problem(size), wrong[i].want);
		memcpy(file, whole, len);
	}
	free(whole);
}
END_TEST

START_TEST(a_file_that_ends_too_early_is_cut_short)
{
	ck_assert_str_eq(problem((get64(meta() + 120) + 1) * PAGE), "");
	ck_assert_str_eq(problem(get64(meta() + 120) * PAGE),
	    "it is cut short");
	ck_assert_str_eq(problem(PAGE - 1), "it is cut short");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_pages_damage");
	TCase *t = tcase_create("store_pages_damage");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_wrong_in_a_page_is_found_and_said);
	tcase_add_test(t, a_file_that_ends_too_early_is_cut_short);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
