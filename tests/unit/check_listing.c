#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sizes.h"
#include "listing.h"

#define VIEW(s) ((struct view){ (const uint8_t *)(s), sizeof(s) - 1 })

/* A stream that is read back. */
struct paper {
	FILE *f;
	char *text;
	size_t len;
};

static FILE *
paper_open(struct paper *p)
{
	p->f = open_memstream(&p->text, &p->len);
	ck_assert_ptr_nonnull(p->f);
	return p->f;
}

static void
paper_is(struct paper *p, const char *want)
{
	ck_assert_int_eq(fclose(p->f), 0);
	ck_assert_str_eq(p->text, want);
	free(p->text);
}

static const struct listing_column columns[] = { { "NAME", "name" },
	{ "N", "n" }, { "GID", "gid" }, { "WHEN", "when" } };

static struct listing *
two_rows(bool json)
{
	struct listing *l = listing_new(json, columns, 4);

	listing_text(l, "a");
	listing_number(l, 18446744073709551ULL);
	listing_id(l, NO_ID);
	listing_time(l, 0);
	listing_view(l, VIEW("l\xc3\xb6ng \x1b[31m"));
	listing_number(l, 0);
	listing_id(l, 7);
	listing_time(l, 1790000000000000);
	return l;
}

START_TEST(a_table_has_columns_as_wide_as_they_must_be)
{
	struct paper p;

	ck_assert(listing_print(two_rows(false), paper_open(&p)));
	paper_is(&p,
	    "NAME             N                  GID  WHEN\n"
	    "a                18446744073709551  any  -\n"
	    "l\xc3\xb6ng \\u{1b}[31m  0                  7    "
	    "2026-09-21T14:13:20.000000Z\n");
}
END_TEST

START_TEST(the_same_rows_are_json_objects)
{
	struct paper p;

	ck_assert(listing_print(two_rows(true), paper_open(&p)));
	paper_is(&p,
	    "[{\"name\": \"a\", \"n\": 18446744073709551, \"gid\": null, "
	    "\"when\": null}, "
	    "{\"name\": \"l\\u00F6ng \\u001B[31m\", \"n\": 0, \"gid\": 7, "
	    "\"when\": \"2026-09-21T14:13:20.000000Z\"}]\n");
}
END_TEST

START_TEST(a_flag_is_a_word_or_a_boolean)
{
	static const char *const want[] = { "NAME  N\nyes   no\n",
		"[{\"name\": true, \"n\": false}]\n" };
	struct listing *l = listing_new(_i == 1, columns, 2);
	struct paper p;

	listing_flag(l, true);
	listing_flag(l, false);
	listing_flag(NULL, true);
	ck_assert(listing_print(l, paper_open(&p)));
	paper_is(&p, want[_i]);
}
END_TEST

/* What was escaped is not escaped again; all else is. */
static struct listing *
one_row(bool json)
{
	static const char *const texts[] = { "a=b c", "d=\\" };
	struct listing *l = listing_new(json, columns, 4);

	listing_note(l, VIEW("said \\u{1b}, \\n \x1b\n\xff"));
	listing_texts(l, texts, 2);
	listing_texts(l, texts, 0);
	listing_note(l, VIEW(""));
	return l;
}

START_TEST(a_note_is_escaped_once)
{
	struct paper p;

	ck_assert(listing_print(one_row(false), paper_open(&p)));
	paper_is(&p,
	    "NAME                          N           GID  WHEN\n"
	    "said \\u{1b}, \\n \\u{1b}\\n\\xff  a=b c d=\\\\  -    -\n");
}
END_TEST

START_TEST(texts_are_an_array)
{
	struct listing *l = listing_new(true, columns, 2);
	static const char *const texts[] = { "a=b c", "d=\\" };
	struct paper p;

	listing_texts(l, texts, 2);
	listing_texts(l, texts, 0);
	ck_assert(listing_print(l, paper_open(&p)));
	paper_is(&p, "[{\"name\": [\"a=b c\", \"d=\\\\\"], \"n\": []}]\n");
}
END_TEST

START_TEST(an_empty_listing_is_its_heads_or_an_empty_array)
{
	struct paper p;

	ck_assert(listing_print(listing_new(false, columns, 4),
	    paper_open(&p)));
	paper_is(&p, "NAME  N  GID  WHEN\n");
	ck_assert(listing_print(listing_new(true, columns, 4),
	    paper_open(&p)));
	paper_is(&p, "[]\n");
}
END_TEST

START_TEST(a_listing_that_has_no_memory_says_so_at_the_end)
{
	struct paper p;

	listing_text(NULL, "a");
	listing_number(NULL, 1);
	listing_id(NULL, NO_ID);
	listing_time(NULL, 1);
	listing_either(NULL, "a", "b");
	listing_free(NULL);
	ck_assert(!listing_print(NULL, paper_open(&p)));
	paper_is(&p, "");
}
END_TEST

START_TEST(a_table_grows)
{
	struct listing *l = listing_new(false, columns, 4);
	struct paper p;
	size_t lines = 0;

	for (unsigned i = 0; i < 4 * 1000; i++)
		listing_number(l, i);
	ck_assert(listing_print(l, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	for (size_t i = 0; i < p.len; i++)
		lines += p.text[i] == '\n';
	ck_assert_uint_eq(lines, 1001);
	free(p.text);
}
END_TEST

static TCase *
listings(void)
{
	TCase *tc = tcase_create("listings");

	tcase_add_test(tc, a_table_has_columns_as_wide_as_they_must_be);
	tcase_add_test(tc, the_same_rows_are_json_objects);
	tcase_add_loop_test(tc, a_flag_is_a_word_or_a_boolean, 0, 2);
	tcase_add_test(tc, a_note_is_escaped_once);
	tcase_add_test(tc, texts_are_an_array);
	tcase_add_test(tc, an_empty_listing_is_its_heads_or_an_empty_array);
	tcase_add_test(tc, a_listing_that_has_no_memory_says_so_at_the_end);
	tcase_add_test(tc, a_table_grows);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("listing");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, listings());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
