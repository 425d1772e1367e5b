#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "logrow.h"

/* Each of these has every kind of extension in it. */
static void
fill(struct logrow *w, const struct log_keys *k)
{
	struct log_record r = logrow_request("/usr/bin/agent", "unit");

	logrow_init(w);
	logrow_put(w, logrow_request("ml-prod/first", ""), k);
	r.type = LOG_CONNECTION;
	logrow_put(w, r, k);
	logrow_put(w, logrow_request("", ""), k);
	logrow_put(w, logrow_request("", ""), k);
}

START_TEST(with_keys_every_flipped_bit_is_noticed)
{
	unsigned count;
	struct logrow w;

	fill(&w, &logrow_keys);
	for (size_t bit = 0; bit < LOGROW_CELLS(w.end) * 8; bit++) {
		enum log_result result;

		w.cells[bit / 8] ^= (uint8_t)(1u << bit % 8);
		result = logrow_walk(&w, &logrow_keys, &count);
		ck_assert_msg(result == LOG_BROKEN || result == LOG_FORGED,
		    "bit %zu: %d", bit, result);
		w.cells[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_int_eq(logrow_walk(&w, &logrow_keys, &count), LOG_END);
	ck_assert_uint_eq(count, 4);
}
END_TEST

START_TEST(without_keys_every_flipped_bit_but_the_tags_is_noticed)
{
	unsigned count;
	struct logrow w;

	fill(&w, &logrow_keys);
	for (size_t bit = 0; bit < LOGROW_CELLS(w.end) * 8; bit++) {
		uint64_t cell = bit / 8 / LOG_CELL;
		bool in_tag = bit / 8 % LOG_CELL >= LOG_BODY + LOG_CHAIN_LEN &&
		    cell != 1 && cell != 3;

		w.cells[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(logrow_walk(&w, NULL, &count) ==
		    (in_tag ? LOG_END : LOG_BROKEN), "bit %zu", bit);
		w.cells[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(in_locked_records_even_the_place_of_the_tag_is_checked)
{
	unsigned count;
	struct logrow w;

	fill(&w, NULL);
	for (size_t bit = 0; bit < LOGROW_CELLS(w.end) * 8; bit++) {
		w.cells[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(logrow_walk(&w, NULL, &count), LOG_BROKEN);
		w.cells[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(every_flipped_bit_of_a_header_but_its_mark_is_noticed)
{
	struct log_segment s = { .first = 77, .mark = 80 };
	uint8_t cell[LOG_CELL];

	memcpy(s.log_id, logrow_id, sizeof(logrow_id));
	logfmt_segment_put(cell, &s);
	for (size_t bit = 0; bit < LOG_CELL * 8; bit++) {
		bool mark = bit / 8 >= LOG_MARK && bit / 8 < LOG_MARK + 8;

		cell[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert(logfmt_segment_get(cell, &s) == mark);
		cell[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

/* What somebody does to four records of one cell each. */
static const struct change {
	const char *what;
	int order[5];	/* -1: zeros */
	unsigned good;	/* records that are still good */
} changes[] = {
	{ "nothing", { 0, 1, 2, 3, -1 }, 4 },
	{ "swapped", { 0, 2, 1, 3, -1 }, 1 },
	{ "first dropped", { 1, 2, 3, -1, -1 }, 0 },
	{ "one dropped", { 0, 2, 3, -1, -1 }, 1 },
	{ "one doubled", { 0, 1, 1, 2, 3 }, 2 },
	{ "one blanked", { 0, -1, 2, 3, -1 }, 1 },
	{ "one replaced", { 0, 1, 1, 3, -1 }, 2 },
};

START_TEST(records_that_are_moved_are_noticed)
{
	const struct change *c = &changes[_i];
	unsigned count;
	struct logrow w, changed;

	logrow_init(&w);
	for (int i = 0; i < 4; i++)
		logrow_put(&w, logrow_request("", ""), &logrow_keys);
	logrow_init(&changed);
	for (size_t i = 0; i < 5; i++)
		if (c->order[i] >= 0)
			memcpy(changed.cells + LOGROW_CELLS(i),
			    w.cells + LOGROW_CELLS(c->order[i]), LOGROW_CELLS(1));
	ck_assert_int_eq(logrow_walk(&changed, NULL, &count),
	    strcmp(c->what, "nothing") == 0 ||
	    strcmp(c->what, "one blanked") == 0 ? LOG_END : LOG_BROKEN);
	ck_assert_uint_eq(count, c->good);
}
END_TEST

/* Whoever has no key can make the chain fit, but not the tags. */
START_TEST(a_chain_made_anew_without_the_key_is_forged)
{
	uint8_t other[KEY_LEN] = { 1 };
	const struct log_keys wrong = { other, logrow_keys.name };
	unsigned count;
	struct logrow w;

	fill(&w, &wrong);
	ck_assert_int_eq(logrow_walk(&w, NULL, &count), LOG_END);
	ck_assert_int_eq(logrow_walk(&w, &logrow_keys, &count), LOG_FORGED);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(a_forged_record_is_filled_in_and_the_next_can_be_read)
{
	uint8_t chain[LOG_CHAIN_LEN];
	struct log_record r;
	struct logrow w;
	unsigned n;

	fill(&w, &logrow_keys);
	w.cells[LOG_CELL - 1] ^= 1;
	logfmt_genesis(chain, logrow_id);
	ck_assert_int_eq(logfmt_get((struct view){ w.cells, LOGROW_CELLS(8) }, 0,
	    chain, &logrow_keys, &r, &n, w.text), LOG_FORGED);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(r.op, 49);
	ck_assert_uint_eq(r.object.len, 0);
	ck_assert_int_eq(logfmt_get((struct view){ w.cells + LOGROW_CELLS(n),
	    LOGROW_CELLS(8) }, n, chain, &logrow_keys, &r, &n, w.text), LOG_OK);
}
END_TEST

START_TEST(a_record_that_is_broken_changes_nothing)
{
	uint8_t chain[LOG_CHAIN_LEN], before[LOG_CHAIN_LEN];
	struct log_record r = { .type = 99 };
	unsigned n = 99;
	struct logrow w;

	fill(&w, &logrow_keys);
	logfmt_genesis(chain, logrow_id);
	memcpy(before, chain, sizeof(chain));
	w.cells[20] ^= 1;
	ck_assert_int_eq(logfmt_get((struct view){ w.cells, LOGROW_CELLS(8) }, 0,
	    chain, &logrow_keys, &r, &n, w.text), LOG_BROKEN);
	ck_assert_mem_eq(chain, before, sizeof(chain));
	ck_assert_uint_eq(n, 99);
	ck_assert_uint_eq(r.type, 99);
}
END_TEST

START_TEST(a_record_that_is_cut_off_is_broken)
{
	uint8_t chain[LOG_CHAIN_LEN];
	struct log_record r;
	struct logrow w;
	unsigned n;

	logrow_init(&w);
	logrow_put(&w, logrow_request("ml/a", ""), &logrow_keys);
	for (size_t len = 0; len < LOGROW_CELLS(2); len++) {
		logfmt_genesis(chain, logrow_id);
		ck_assert_int_eq(logfmt_get((struct view){ w.cells, len }, 0,
		    chain, &logrow_keys, &r, &n, w.text), LOG_BROKEN);
	}
}
END_TEST

/* A body that is wrong although its chain value was made for it. */
static const struct wrong {
	size_t at;
	uint8_t value;
} wrongs[] = {
	{ 0, 0 }, { 0, 5 }, { 1, 0 }, { 1, 2 }, { 1, 6 }, { 6, 2 },
	{ 7, LOG_SEALED }, { 7, LOG_PLAIN }, { 15, 1 },
	{ 65, 1 }, { 67, 1 },
};

START_TEST(a_wrong_form_is_broken_even_when_the_chain_fits)
{
	uint8_t chain[LOG_CHAIN_LEN];
	struct log_record r;
	struct logrow w;
	unsigned n;

	logrow_init(&w);
	logrow_put(&w, logrow_request("", ""), NULL);
	w.cells[wrongs[_i].at] = wrongs[_i].value;
	logfmt_genesis(chain, logrow_id);
	crypto_blake2b(w.cells + LOG_BODY, LOG_CHAIN_LEN, NULL,
	    (struct view[]){ { chain, LOG_CHAIN_LEN }, { w.cells, LOG_BODY } },
	    2);
	ck_assert_int_eq(logfmt_get((struct view){ w.cells, LOGROW_CELLS(1) }, 0,
	    chain, NULL, &r, &n, w.text), LOG_BROKEN);
}
END_TEST

/* Likewise its text, which nobody needs a key for. */
static const struct wrong texts[] = {
	{ 3, 200 },	   /* longer than the record, */
	{ 2, 0xff },	   /* or than anything */
	{ 3, 1 },	   /* shorter, so that something stands behind */
	{ LOG_CELL - 1, 1 }, /* which should be zeros */
};

static enum log_result
with_text(size_t at, uint8_t value, unsigned cells)
{
	uint8_t chain[LOG_CHAIN_LEN];
	struct log_record r = logrow_request("", "unit");
	struct logrow w;
	unsigned n;

	r.type = LOG_CONNECTION;
	r.object = view_of("/bin/x");
	logrow_init(&w);
	n = logrow_put(&w, r, NULL);
	ck_assert_uint_eq(n, 2);
	w.cells[1] = (uint8_t)cells;
	w.cells[LOG_CELL + at] ^= value;
	logfmt_genesis(chain, logrow_id);
	crypto_blake2b(w.cells + LOG_BODY, LOG_CHAIN_LEN, NULL,
	    (struct view[]){ { chain, LOG_CHAIN_LEN }, { w.cells, LOG_BODY },
		{ w.cells + LOG_CELL, LOGROW_CELLS(cells - 1) } }, 3);
	return logfmt_get((struct view){ w.cells, LOGROW_CELLS(cells) }, 0,
	    chain, NULL, &r, &n, w.text);
}

START_TEST(a_wrong_text_is_broken_even_when_the_chain_fits)
{
	ck_assert_int_eq(with_text(0, 0, 2), LOG_OK);
	ck_assert_int_eq(with_text(0, 0, 3), LOG_BROKEN); /* too many cells */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(with_text(texts[i].at, texts[i].value, 2) ==
		    LOG_BROKEN, "text %zu", i);
}
END_TEST

/* The tag is of the chain, and the seal is of the text: what was sealed with
   another key is noticed, though whoever has put it there could tag it. */
START_TEST(a_text_of_another_key_is_forged)
{
	uint8_t other[KEY_LEN] = { 1 };
	const struct log_keys wrong = { logrow_keys.tag, other };
	unsigned count;
	struct logrow w;

	logrow_init(&w);
	logrow_put(&w, logrow_request("", ""), &wrong);
	logrow_put(&w, logrow_request("ml/a", ""), &wrong);
	ck_assert_int_eq(logrow_walk(&w, NULL, &count), LOG_END);
	ck_assert_int_eq(logrow_walk(&w, &logrow_keys, &count), LOG_FORGED);
	ck_assert_uint_eq(count, 1);
}
END_TEST

/* A header whose sum was made for it. */
START_TEST(a_header_of_another_form_is_none)
{
	static const size_t places[] = { 8, 11, 12, 15, 72, 95 };
	struct log_segment s = { .first = 77, .mark = 80 };
	uint8_t cell[LOG_CELL];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		logfmt_segment_put(cell, &s);
		ck_assert(logfmt_segment_get(cell, &s));
		cell[places[i]] ^= 4;
		crypto_blake2b(cell + 96, 16, NULL,
		    &(struct view){ cell, 96 }, 1);
		ck_assert_msg(!logfmt_segment_get(cell, &s), "byte %zu",
		    places[i]);
	}
}
END_TEST

START_TEST(a_cell_of_zeros_is_the_end)
{
	uint8_t cell[LOG_CELL] = { 0 }, chain[LOG_CHAIN_LEN] = { 0 };
	uint8_t text[LOG_CELLS_MAX * LOG_CELL];
	struct log_record r;
	unsigned n;

	ck_assert_int_eq(logfmt_get((struct view){ cell, LOG_CELL }, 0,
	    chain, NULL, &r, &n, text), LOG_END);
	for (size_t i = 0; i < LOG_CELL; i++) {
		cell[i] = 1;
		ck_assert_int_eq(logfmt_get((struct view){ cell, LOG_CELL },
		    0, chain, NULL, &r, &n, text), LOG_BROKEN);
		cell[i] = 0;
	}
}
END_TEST

static void
add_tests(Suite *s)
{
	TCase *t = tcase_create("damage");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, logrow_setup, NULL);
	tcase_add_test(t, with_keys_every_flipped_bit_is_noticed);
	tcase_add_test(t,
	    without_keys_every_flipped_bit_but_the_tags_is_noticed);
	tcase_add_test(t,
	    in_locked_records_even_the_place_of_the_tag_is_checked);
	tcase_add_test(t,
	    every_flipped_bit_of_a_header_but_its_mark_is_noticed);
	tcase_add_loop_test(t, records_that_are_moved_are_noticed, 0,
	    sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(t, a_chain_made_anew_without_the_key_is_forged);
	tcase_add_test(t,
	    a_forged_record_is_filled_in_and_the_next_can_be_read);
	tcase_add_test(t, a_record_that_is_broken_changes_nothing);
	tcase_add_test(t, a_record_that_is_cut_off_is_broken);
	tcase_add_loop_test(t,
	    a_wrong_form_is_broken_even_when_the_chain_fits, 0,
	    sizeof(wrongs) / sizeof(wrongs[0]));
	tcase_add_test(t, a_wrong_text_is_broken_even_when_the_chain_fits);
	tcase_add_test(t, a_text_of_another_key_is_forged);
	tcase_add_test(t, a_header_of_another_form_is_none);
	tcase_add_test(t, a_cell_of_zeros_is_the_end);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("logfmt_damage");
	SRunner *sr = srunner_create(s);
	int failed;

	add_tests(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
