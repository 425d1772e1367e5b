/*
 * Tests of store_pages.c and store_check.c: damage of one kind each is told.
 * Offsets are those of src/store_pages.c.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "statedir.h"
#include "store_check.h"
#include "store_pages.h"

#define PAGE 4096u
#define ROWS 400u
#define LONGEST 6000u

static uint8_t *file;
static size_t file_size;

static uint64_t
get(size_t at, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, file + at, size);
	return v;
}

static void
set(size_t at, size_t size, uint64_t v)
{
	memcpy(file + at, &v, size);
}

/* The newer meta page, and what it says is the root of the rows. */
static size_t
meta(void)
{
	return get(PAGE + 144, 8) > get(144, 8) ? PAGE : 0;
}

static size_t
root(void)
{
	return (size_t)get(meta() + 128, 8) * PAGE;
}

/* A page below, by the number of its node. */
static size_t
child(size_t page, size_t i)
{
	return (size_t)get(page + get(page + 16 + i * 2, 2), 6) * PAGE;
}

static size_t
leaf(void)
{
	size_t page = root();

	while (get(page + 10, 2) == 1)
		page = child(page, 0);
	return page;
}

static size_t
nodes(size_t page)
{
	return (size_t)(get(page + 12, 2) - 16) / 2;
}

/* The place of a node whose value has pages of its own. */
static size_t
long_node(void)
{
	for (size_t n = 0; n < nodes(root()); n++) {
		size_t page = child(root(), n);

		for (size_t i = 0; get(page + 10, 2) == 2 && i < nodes(page);
		     i++)
			if (get(page + get(page + 16 + i * 2, 2) + 4, 2) == 1)
				return page + get(page + 16 + i * 2, 2);
	}
	ck_abort_msg("no long value");
	return 0;
}

static size_t
long_page(size_t node)
{
	return (size_t)get(node + 8 + get(node + 6, 2), 8) * PAGE;
}

static void
root_is_its_own_child(void)
{
	set(root() + get(root() + 16, 2), 6, root() / PAGE);
}

static void
two_children_are_one(void)
{
	set(root() + get(root() + 18, 2), 6, child(root(), 0) / PAGE);
}

static void
a_child_is_the_meta_page(void)
{
	set(root() + get(root() + 16, 2), 6, 0);
}

static void
a_child_is_far_away(void)
{
	set(root() + get(root() + 16, 2), 6, 0xffffffffffff);
}

static void
keys_are_swapped(void)
{
	uint64_t first = get(leaf() + 16, 2);

	set(leaf() + 16, 2, get(leaf() + 18, 2));
	set(leaf() + 18, 2, first);
}

static void
a_key_is_of_another_page(void)
{
	memset(file + leaf() + get(leaf() + 16, 2) + 8, 0xff, 4);
}

static void
a_key_is_empty(void)
{
	set(leaf() + get(leaf() + 18, 2) + 6, 2, 0);
}

static void
a_node_is_shorter(void)
{
	size_t at = leaf() + get(leaf() + 16, 2);

	set(at, 2, get(at, 2) - 2);
}

static void
a_node_is_huge(void)
{
	size_t at = leaf() + get(leaf() + 16, 2);

	set(at, 4, 0xfffffff0);
}

static void
a_node_is_in_the_header(void)
{
	set(leaf() + 16, 2, 8);
}

static void
a_node_is_a_table(void)
{
	set(leaf() + get(leaf() + 16, 2) + 4, 2, 2);
}

static void
the_list_is_longer_than_the_page(void)
{
	set(leaf() + 12, 2, 0xfffe);
}

static void
the_list_is_empty(void)
{
	set(leaf() + 12, 2, 16);
}

static void
a_leaf_says_branch(void)
{
	set(leaf() + 10, 2, 1);
}

static void
a_leaf_is_dirty(void)
{
	set(leaf() + 10, 2, 0x12);
}

static void
a_page_has_another_number(void)
{
	set(leaf(), 8, leaf() / PAGE + 1);
}

static void
a_long_value_is_a_leaf(void)
{
	set(long_page(long_node()) + 10, 2, 2);
}

static void
a_long_value_has_no_pages(void)
{
	set(long_page(long_node()) + 12, 4, 0);
}

static void
a_long_value_has_all_pages(void)
{
	set(long_page(long_node()) + 12, 4, 0xffffffff);
}

static void
a_long_value_runs_into_others(void)
{
	size_t at = long_page(long_node()) + 12;

	set(at, 4, get(at, 4) + 1);
}

static void
a_row_more_is_told(void)
{
	set(meta() + 120, 8, get(meta() + 120, 8) + 1);
}

static void
a_level_more_is_told(void)
{
	set(meta() + 94, 2, get(meta() + 94, 2) + 1);
}

static void
there_are_duplicates(void)
{
	set(meta() + 92, 2, 4);
}

static void
the_number_of_the_commit_is_odd(void)
{
	set(meta() + 144, 8, get(meta() + 144, 8) + 1);
}

static void
a_used_page_is_free(void)
{
	size_t list = (size_t)get(meta() + 80, 8) * PAGE;
	size_t at = list + get(list + 16, 2);

	ck_assert_uint_gt(get(at + 16, 8), 0);
	set(at + 24, 8, leaf() / PAGE);
}

static void
a_list_of_free_pages_is_too_long(void)
{
	size_t list = (size_t)get(meta() + 80, 8) * PAGE;

	set(list + get(list + 16, 2) + 16, 8, 100000);
}

static const struct damage {
	void (*make)(void);
	const char *why;
} damages[] = {
	{ root_is_its_own_child, "used twice" },
	{ two_children_are_one, "used twice" },
	{ a_child_is_the_meta_page, "is not there" },
	{ a_child_is_far_away, "is not there" },
	{ keys_are_swapped, "not in order" },
	{ a_key_is_of_another_page, "not in order" },
	{ a_key_is_empty, "wrong length" },
	{ a_node_is_shorter, "do not fit together" },
	{ a_node_is_huge, "runs over its end" },
	{ a_node_is_in_the_header, "is not in it" },
	{ a_node_is_a_table, "unknown kind" },
	{ the_list_is_longer_than_the_page, "header is damaged" },
	{ the_list_is_empty, "too few" },
	{ a_leaf_says_branch, "another kind" },
	{ a_leaf_is_dirty, "another kind" },
	{ a_page_has_another_number, "another's place" },
	{ a_long_value_is_a_leaf, "no long value" },
	{ a_long_value_has_no_pages, "wrong length" },
	{ a_long_value_has_all_pages, "wrong length" },
	{ a_long_value_runs_into_others, "used twice" },
	{ a_row_more_is_told, "more or fewer" },
	{ a_level_more_is_told, "another kind" },
	{ there_are_duplicates, "meta page" },
	{ the_number_of_the_commit_is_odd, "meta page" },
	{ a_used_page_is_free, "used twice" },
	{ a_list_of_free_pages_is_too_long, "too long" },
};

/* Rows of many sizes, in two commits, so that pages are free again. */
static void
make_store(void)
{
	static uint8_t value[LONGEST];
	struct store *s = statedir_open(64 * MIB);

	for (unsigned n = 0; n < 3; n++) {
		ck_assert_int_eq(store_begin(s, MIB, false), COFRE_OK);
		for (uint32_t i = n; i < ROWS; i++) {
			const uint8_t key[] = { 5, (uint8_t)(i >> 8),
				(uint8_t)i };

			ck_assert_int_eq(store_put(s,
			    (struct view){ key, sizeof(key) },
			    (struct view){ value, i * 37 % 300 + 20 +
				(i % 11 == 5 ? 5000 : 0) }), COFRE_OK);
		}
		ck_assert_int_eq(store_commit(s), COFRE_OK);
	}
	store_close(s);
}

static const char *
why(void)
{
	static char text[200];

	text[0] = '\0';
	(void)store_pages_check(file, file_size, text, sizeof(text));
	return text;
}

/* And the process that checks it says so as well. */
START_TEST(each_kind_of_damage_is_told)
{
	const struct damage *d = &damages[_i];

	make_store();
	ck_assert_str_eq(statedir_checked(), "");
	file = statedir_read(STATEDIR_FILE, &file_size);
	d->make();
	statedir_write(STATEDIR_FILE, file, file_size);
	ck_assert_msg(strstr(why(), d->why) != NULL, "'%s'", why());
	ck_assert_ptr_nonnull(strstr(statedir_checked(), d->why));
	ck_assert_ptr_nonnull(strstr(statedir_checked(), "store data.mdb: it is "
	    "damaged: "));
	ck_assert_ptr_nonnull(strstr(statedir_checked(), STORE_ADVICE));
	free(file);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_damage");
	TCase *t = tcase_create("store_damage");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, statedir_setup, statedir_teardown);
	tcase_add_loop_test(t, each_kind_of_damage_is_told, 0,
	    sizeof(damages) / sizeof(damages[0]));
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
