/*
 * Tests of client/leak.c: how texts are cut up, and that every piece of
 * every text is looked at, page by page.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "leak.h"
#include "script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define STEP (LEAK_PIECE - LEAK_OVERLAP)

static const struct {
	size_t len;
	size_t pieces;
} cuts[] = { { 0, 1 }, { 1, 1 }, { LEAK_PIECE - 1, 1 }, { LEAK_PIECE, 1 },
	{ LEAK_PIECE + 1, 2 }, { LEAK_PIECE + STEP, 2 },
	{ LEAK_PIECE + STEP + 1, 3 }, { (size_t)2 * LEAK_PIECE, 5 } };

START_TEST(pieces_cover_a_text_and_overlap)
{
	static uint8_t bytes[2 * LEAK_PIECE];
	const struct view text = { bytes, cuts[_i].len };
	struct view v = { NULL, 0 }, before = { NULL, 0 };
	size_t n = 0;

	for (; leak_piece(text, n, &v); n++) {
		ck_assert_uint_le(v.len, LEAK_PIECE);
		if (n == 0)
			ck_assert_ptr_eq(v.data, bytes);
		else
			ck_assert_int_eq(before.data + before.len - v.data,
			    LEAK_OVERLAP);
		before = v;
	}
	ck_assert_uint_eq(n, cuts[_i].pieces);
	ck_assert_ptr_eq(before.data + before.len, bytes + text.len);
}
END_TEST

/* A secret of the greatest length that is promised, wherever it begins. */
START_TEST(what_is_no_longer_than_the_overlap_is_whole_in_a_piece)
{
	static uint8_t bytes[2 * LEAK_PIECE];
	const struct view text = { bytes, sizeof(bytes) };
	struct view v;

	for (size_t at = 0; at + LEAK_OVERLAP <= sizeof(bytes); at++) {
		bool whole = false;

		for (size_t i = 0; !whole && leak_piece(text, i, &v); i++)
			whole = v.data <= bytes + at && bytes + at +
			    LEAK_OVERLAP <= v.data + v.len;
		ck_assert(whole);
	}
}
END_TEST

START_TEST(only_plain_names_of_variables_are_shown)
{
	static const struct {
		const char *text;
		bool plain;
	} rows[] = { { "HOME=/root", true }, { "a_1=", true }, { "x=a=b", true },
		{ "=x", false }, { "", false }, { "HOME", false },
		{ "a-b=c", false }, { "a{=c", false }, { "a b=c", false }, { "\x1b[1m=c", false },
		{ "BASH_FUNC_x%%=() {", false } };
	struct view name, value;

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_int_eq(leak_variable(view_of(rows[i].text), &name,
				     &value), rows[i].plain);
	ck_assert(leak_variable(view_of("x=a=b"), &name, &value));
	ck_assert(view_is(name, "x"));
	ck_assert(view_is(value, "a=b"));
}
END_TEST

static void
put_scan(struct script *p, uint32_t id, uint64_t next, uint32_t found,
    const char *name)
{
	const struct run_scan_reply m = { next, found, view_of(name) };
	size_t at = script_reply(p, OP_RUN_SCAN, id, 0);

	run_scan_reply_put(&p->w, &m);
	frame_end(&p->w, at);
}

/* Take the next run.scan out of what the library sent; in moves on. */
static void
heard(struct view *in, struct run_scan_request *q)
{
	struct frame f;
	size_t size;

	do {
		ck_assert_int_eq(frame_parse(*in, &f, &size), FRAME_OK);
		*in = (struct view){ in->data + size, in->len - size };
	} while (f.op == OP_HELLO);
	ck_assert_uint_eq(f.op, OP_RUN_SCAN);
	ck_assert(run_scan_request_decode(f.body, q));
	ck_assert(view_is(q->workspace, "ml-prod"));
}

static const struct view three[] = { { (const uint8_t *)"A=1", 3 },
	{ (const uint8_t *)"", 0 }, { (const uint8_t *)"ls", 2 } };

START_TEST(all_texts_go_out_and_nothing_is_found)
{
	char name[COFRE_SECRET_NAME_MAX + 1] = "old";
	struct run_scan_request q;
	struct wire_reader r;
	struct text_item t;
	struct script p;
	struct view in;
	size_t found = 9;

	script_open(&p, 1000);
	script_put_hello(&p);
	put_scan(&p, FIRST_ID, 0, 0, "");
	script_flush(&p);
	ck_assert_int_eq(leak_scan(p.c, "ml-prod", three, 3, &found, name),
	    COFRE_OK);
	ck_assert_uint_eq(found, 0);
	ck_assert_str_eq(name, "old");
	in = script_hear(&p);
	heard(&in, &q);
	ck_assert_uint_eq(in.len, 0);
	ck_assert_uint_eq(q.after, 0);
	ck_assert_uint_eq(q.texts.count, 3);
	r = list_reader(q.texts);
	for (size_t i = 0; i < 3; i++) {
		text_item_get(&r, &t);
		ck_assert(view_equal(t.text, three[i]));
	}
	ck_assert(wire_reader_done(&r));
	script_close(&p);
}
END_TEST

START_TEST(every_page_is_asked_for)
{
	char name[COFRE_SECRET_NAME_MAX + 1];
	struct run_scan_request q;
	struct script p;
	struct view in;
	size_t found;

	script_open(&p, 1000);
	script_put_hello(&p);
	put_scan(&p, FIRST_ID, 10, 0, "");
	script_flush(&p);
	/* The library reads no further than the reply that it waits for. */
	ck_assert_int_eq(leak_scan(p.c, "ml-prod", three, 3, &found, name),
	    COFRE_TIMEOUT);
	in = script_hear(&p);
	heard(&in, &q);
	ck_assert_uint_eq(q.after, 0);
	heard(&in, &q);
	ck_assert_uint_eq(q.after, 10);
	ck_assert_uint_eq(q.texts.count, 3);
	script_close(&p);
}
END_TEST

START_TEST(a_hit_names_the_text_and_the_secret)
{
	char name[COFRE_SECRET_NAME_MAX + 1];
	struct script p;
	size_t found;

	script_open(&p, 1000);
	script_put_hello(&p);
	put_scan(&p, FIRST_ID, 77, 3, "store");
	script_flush(&p);
	ck_assert_int_eq(leak_scan(p.c, "ml-prod", three, 3, &found, name),
	    COFRE_OK);
	ck_assert_uint_eq(found, 3);
	ck_assert_str_eq(name, "store");
	script_check_wiped(&p);
	script_close(&p);
}
END_TEST

static const struct {
	uint64_t next;
	uint32_t found;
	const char *name;
} bad_replies[] = {
	{ 0, 4, "store" }, { 0, 1, "" }, { 0, 1, "a/b" }, { 0, 0, "store" },
	{ 0, NO_ID, "store" },
};

START_TEST(a_reply_that_can_not_be_is_a_bad_reply)
{
	char name[COFRE_SECRET_NAME_MAX + 1] = "old";
	struct script p;
	size_t found = 9;

	script_open(&p, 1000);
	script_put_hello(&p);
	put_scan(&p, FIRST_ID, bad_replies[_i].next, bad_replies[_i].found,
	    bad_replies[_i].name);
	script_flush(&p);
	ck_assert_int_eq(leak_scan(p.c, "ml-prod", three, 3, &found, name),
	    COFRE_BAD_REPLY);
	ck_assert_uint_eq(found, 9);
	ck_assert_str_eq(name, "old");
	script_close(&p);
}
END_TEST

/* More texts than one message may have, or more bytes. */
START_TEST(texts_that_do_not_fit_go_into_further_messages)
{
	static uint8_t large[LEAK_PIECE + 1];
	static struct view many[SCAN_TEXTS_MAX + 2];
	char name[COFRE_SECRET_NAME_MAX + 1];
	struct run_scan_request q;
	struct script p;
	struct view in;
	size_t found;

	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = view_of("x");
	script_open(&p, 200);
	script_put_hello(&p);
	put_scan(&p, FIRST_ID, 0, 0, "");
	script_flush(&p);
	ck_assert_int_eq(leak_scan(p.c, "ml-prod", many, COUNT(many), &found,
			     name), COFRE_TIMEOUT);
	in = script_hear(&p);
	heard(&in, &q);
	ck_assert_uint_eq(q.texts.count, SCAN_TEXTS_MAX);
	heard(&in, &q);
	ck_assert_uint_eq(q.texts.count, 2);
	ck_assert_uint_eq(q.after, 0);
	script_close(&p);

	/* The first piece of a long text fills a message; the second one has
	   room for others beside it. */
	many[0] = (struct view){ large, sizeof(large) };
	script_open(&p, 200);
	script_put_hello(&p);
	put_scan(&p, FIRST_ID, 0, 0, "");
	script_flush(&p);
	ck_assert_int_eq(leak_scan(p.c, "ml-prod", many, COUNT(many), &found,
			     name), COFRE_TIMEOUT);
	in = script_hear(&p);
	heard(&in, &q);
	ck_assert_uint_eq(q.texts.count, 1);
	ck_assert_uint_eq(q.texts.items.len, 4 + LEAK_PIECE);
	heard(&in, &q);
	ck_assert_uint_eq(q.texts.count, SCAN_TEXTS_MAX);
	ck_assert_uint_eq(q.texts.items.len,
	    4 + LEAK_OVERLAP + 1 + 5 * (SCAN_TEXTS_MAX - 1));
	script_close(&p);
}
END_TEST

START_TEST(no_answer_is_no_permission)
{
	char name[COFRE_SECRET_NAME_MAX + 1];
	struct script p;
	size_t found = 9;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_status(&p, OP_RUN_SCAN, FIRST_ID, COFRE_DENIED);
	script_flush(&p);
	ck_assert_int_eq(leak_scan(p.c, "ml-prod", three, 3, &found, name),
	    COFRE_DENIED);
	ck_assert_uint_eq(found, 9);
	script_close(&p);
}
END_TEST

/* Not what the status says elsewhere: nobody has tried anything. */
START_TEST(who_compares_too_much_is_told_so)
{
	char name[COFRE_SECRET_NAME_MAX + 1];
	struct script p;
	size_t found;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_status(&p, OP_RUN_SCAN, FIRST_ID, COFRE_BUSY);
	script_flush(&p);
	ck_assert_int_eq(leak_scan(p.c, "ml-prod", three, 3, &found, name),
	    COFRE_BUSY);
	ck_assert_ptr_nonnull(strstr(cofre_error(p.c), "too much was compared"));
	script_close(&p);
}
END_TEST

static Suite *
leak_suite(void)
{
	Suite *s = suite_create("leak");
	TCase *t = tcase_create("leak");

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, pieces_cover_a_text_and_overlap, 0,
	    (int)COUNT(cuts));
	tcase_add_test(t,
	    what_is_no_longer_than_the_overlap_is_whole_in_a_piece);
	tcase_add_test(t, only_plain_names_of_variables_are_shown);
	tcase_add_test(t, all_texts_go_out_and_nothing_is_found);
	tcase_add_test(t, every_page_is_asked_for);
	tcase_add_test(t, a_hit_names_the_text_and_the_secret);
	tcase_add_loop_test(t, a_reply_that_can_not_be_is_a_bad_reply, 0,
	    (int)COUNT(bad_replies));
	tcase_add_test(t, texts_that_do_not_fit_go_into_further_messages);
	tcase_add_test(t, no_answer_is_no_permission);
	tcase_add_test(t, who_compares_too_much_is_told_so);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(leak_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
