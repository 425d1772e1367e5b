#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "logrow.h"

static void
assert_hex(const uint8_t *got, size_t len, const char *want)
{
	char *hex = malloc(2 * len + 1);

	sodium_bin2hex(hex, 2 * len + 1, got, len);
	ck_assert_str_eq(hex, want);
	free(hex);
}

/* ---- the bytes ---- */

/* Made with Python's struct, hashlib.blake2b and a SipHash of its own, from
   the header's table. */
static const char genesis_hex[] =
    "6abbd624ca0643427962791d9753e4411e73f2edd1ef50b85712999d8076cdac";
static const char locked_hex[] =
    "0301003100010000" "0000000000000000" "0102030405060708"
    "1112131415161718" "2122232425262728" "3132333435363738"
    "4142434451525354" "6162636471727374" "0400000081828384"
    "9192939495969798"
    "69719fd756edeab777a33e6ee4f3266d5483ba70855a09508c7cc1d1d4594130"
    "00000000000000000000000000000000";
static const char plain_hex[] =
    "020200000000000e" "0000000000000001" "0000000000000007"
    "00000000000004d2" "00000000000003e8" "0000000000000000"
    "0000000000000000" "00000000000003e8" "0000000000000000"
    "0000000000000005"
    "b6e93d8d5908445185b1674c711978a7c208617312a73e7d2c99eb2469ea4bff"
    "79ffbf14047a55e3df7c1d960313aaaf"
    "00000003" "657865" "00000006" "64657461696c"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000";
static const char header_hex[] =
    "636f6672656c6f67" "0000000200000000"
    "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" "0102030405060708"
    "6abbd624ca0643427962791d9753e4411e73f2edd1ef50b85712999d8076cdac"
    "000000000000000000000000000000000000000000000000"
    "8aaa90056a72abcb52895920db6993ae" "0000000000000009"
    "0000000000000000";

START_TEST(records_have_the_documented_bytes)
{
	struct log_record r = { .type = LOG_CONNECTION, .time = 7,
		.connection = 1234, .workspace = 1000, .uid = 1000,
		.epoch = 5, .flags = LOG_NO_PIDFD,
		.object = view_of("exe"), .detail = view_of("detail") };
	struct logrow w;

	logrow_init(&w);
	assert_hex(w.chain, LOG_CHAIN_LEN, genesis_hex);
	ck_assert_uint_eq(logrow_put(&w, logrow_request("", ""), NULL), 1);
	assert_hex(w.cells, LOGROW_CELLS(1), locked_hex);
	ck_assert_uint_eq(logrow_put(&w, r, &logrow_keys), 2);
	assert_hex(w.cells + LOGROW_CELLS(1), LOGROW_CELLS(2), plain_hex);
}
END_TEST

START_TEST(a_segment_header_has_the_documented_bytes)
{
	struct log_segment s = { .first = 0x0102030405060708, .mark = 9 }, got;
	uint8_t cell[LOG_CELL];

	memcpy(s.log_id, logrow_id, sizeof(logrow_id));
	logfmt_genesis(s.chain, logrow_id);
	logfmt_segment_put(cell, &s);
	assert_hex(cell, LOG_CELL, header_hex);
	ck_assert(logfmt_segment_get(cell, &got));
	ck_assert_uint_eq(got.first, s.first);
	ck_assert_uint_eq(got.mark, 9);
	ck_assert_mem_eq(got.log_id, logrow_id, sizeof(logrow_id));
	ck_assert_mem_eq(got.chain, s.chain, LOG_CHAIN_LEN);
}
END_TEST

/* The sealed text opens with libsodium alone, as the table says. */
START_TEST(sealed_text_is_a_nonce_and_the_aead_over_the_cell_number)
{
	uint8_t plain[LOGROW_CELLS(1)], ad[8] = { 0, 0, 0, 0, 0, 0, 0, 1 };
	unsigned long long len;
	const uint8_t *ext;
	struct logrow w;

	logrow_init(&w);
	logrow_put(&w, logrow_request("", ""), &logrow_keys);
	ck_assert_uint_eq(logrow_put(&w, logrow_request("ml/a", "why"),
	    &logrow_keys), 2);
	ext = w.cells + LOGROW_CELLS(2);
	ck_assert_int_eq(crypto_aead_xchacha20poly1305_ietf_decrypt(plain,
	    &len, NULL, ext + 24, LOG_CELL - 24, ad, 8, ext, logrow_keys.name), 0);
	ck_assert_uint_eq(len, LOG_CELL - 40);
	ck_assert_mem_eq(plain, "\0\0\0\4ml/a\0\0\0\3why", 15);
	ck_assert(logfmt_is_zero(plain + 15, (size_t)len - 15));
	ck_assert_int_eq(w.cells[LOGROW_CELLS(1) + 7], LOG_SEALED | LOG_TAGGED);
}
END_TEST

/* ---- round trips ---- */

static void
assert_same(const struct log_record *a, const struct log_record *b)
{
	ck_assert_uint_eq(a->type, b->type);
	ck_assert_uint_eq(a->op, b->op);
	ck_assert_uint_eq(a->status, b->status);
	ck_assert_uint_eq(a->time, b->time);
	ck_assert_uint_eq(a->connection, b->connection);
	ck_assert_uint_eq(a->workspace, b->workspace);
	ck_assert_uint_eq(a->record, b->record);
	ck_assert_uint_eq(a->version, b->version);
	ck_assert_uint_eq(a->request, b->request);
	ck_assert_uint_eq(a->duration, b->duration);
	ck_assert_uint_eq(a->uid, b->uid);
	ck_assert_uint_eq(a->principal, b->principal);
	ck_assert_uint_eq(a->principal_id, b->principal_id);
	ck_assert_uint_eq(a->epoch, b->epoch);
}

static const struct trip {
	uint8_t type;
	bool keys;
	size_t object;
	size_t detail;
	unsigned cells;
	unsigned flags;
} trips[] = {
	{ LOG_REQUEST, true, 0, 0, 1, LOG_TAGGED },
	{ LOG_REQUEST, false, 0, 0, 1, 0 },
	{ LOG_REQUEST, true, 1, 0, 2, LOG_TAGGED | LOG_SEALED },
	{ LOG_REQUEST, true, 0, 1, 2, LOG_TAGGED | LOG_SEALED },
	{ LOG_REQUEST, true, 80, 0, 2, LOG_TAGGED | LOG_SEALED },
	{ LOG_REQUEST, true, 81, 0, 3, LOG_TAGGED | LOG_SEALED },
	{ LOG_REQUEST, true, 200, 200, 5, LOG_TAGGED | LOG_SEALED },
	{ LOG_REQUEST, true, 201, 200, 5,
	    LOG_TAGGED | LOG_SEALED | LOG_TRUNCATED },
	{ LOG_REQUEST, true, 0, 201, 3,
	    LOG_TAGGED | LOG_SEALED | LOG_TRUNCATED },
	{ LOG_REQUEST, false, 200, 200, 1, LOG_NO_NAME },
	{ LOG_REQUEST, false, 300, 0, 1, LOG_NO_NAME | LOG_TRUNCATED },
	{ LOG_NOTE, true, 3, 200, 3, LOG_TAGGED | LOG_SEALED },
	{ LOG_NOTE, false, 3, 3, 1, LOG_NO_NAME },
	{ LOG_SYSTEM, true, 0, 120, 2, LOG_TAGGED | LOG_PLAIN },
	{ LOG_SYSTEM, false, 0, 121, 3, LOG_PLAIN },
	{ LOG_SYSTEM, false, 0, 300, 3, LOG_PLAIN | LOG_TRUNCATED },
	{ LOG_CONNECTION, false, 240, 200, 5, LOG_PLAIN },
	{ LOG_CONNECTION, true, 241, 0, 3,
	    LOG_TAGGED | LOG_PLAIN | LOG_TRUNCATED },
};

START_TEST(what_was_put_is_got)
{
	const struct trip *t = &trips[_i];
	uint8_t object[300], detail[300];
	struct log_record r = logrow_request("", ""), got;
	struct logrow w;
	unsigned n;

	memset(object, 'o', sizeof(object));
	memset(detail, 'd', sizeof(detail));
	r.type = t->type;
	r.object = (struct view){ object, t->object };
	r.detail = (struct view){ detail, t->detail };
	logrow_init(&w);
	ck_assert_uint_eq(logrow_put(&w, r, t->keys ? &logrow_keys : NULL), t->cells);
	logfmt_genesis(w.chain, logrow_id);
	ck_assert_int_eq(logfmt_get((struct view){ w.cells, LOGROW_CELLS(t->cells) },
	    0, w.chain, &logrow_keys, &got, &n, w.text), LOG_OK);
	ck_assert_uint_eq(n, t->cells);
	ck_assert_uint_eq(got.flags, t->flags);
	assert_same(&got, &r);
	ck_assert(got.object.len == t->object || (t->flags & LOG_TRUNCATED) ||
	    (got.object.len == 0 && (t->flags & LOG_NO_NAME)));
	ck_assert(logfmt_is_zero(w.cells + LOGROW_CELLS(n), LOGROW_CELLS(2)));
	for (size_t i = 0; i < got.object.len; i++)
		ck_assert_int_eq(got.object.data[i], 'o');
	for (size_t i = 0; i < got.detail.len; i++)
		ck_assert_int_eq(got.detail.data[i], 'd');
}
END_TEST

START_TEST(text_is_cut_at_its_limit)
{
	static const char long_text[300] = { 'x' };
	const struct view v = { (const uint8_t *)long_text, 300 };
	struct log_record r = { .type = LOG_CONNECTION, .object = v,
		.detail = v }, got;
	struct logrow w;
	unsigned n;

	logrow_init(&w);
	logrow_put(&w, r, &logrow_keys);
	r.type = LOG_REQUEST;
	logrow_put(&w, r, &logrow_keys);
	logfmt_genesis(w.chain, logrow_id);
	ck_assert_int_eq(logfmt_get((struct view){ w.cells, LOGROW_CELLS(64) }, 0,
	    w.chain, &logrow_keys, &got, &n, w.text), LOG_OK);
	ck_assert_uint_eq(got.object.len, EXE_MAX);
	ck_assert_uint_eq(got.detail.len, DETAIL_MAX);
	ck_assert_int_eq(logfmt_get((struct view){ w.cells + LOGROW_CELLS(n),
	    LOGROW_CELLS(32) }, n, w.chain, &logrow_keys, &got, &n, w.text), LOG_OK);
	ck_assert_uint_eq(got.object.len, OBJECT_MAX);
	ck_assert_uint_eq(got.detail.len, DETAIL_MAX);
}
END_TEST

START_TEST(the_caller_can_not_set_a_flag_that_says_how_it_is_stored)
{
	struct log_record r = logrow_request("", ""), got;
	struct logrow w;
	unsigned n;

	r.flags = 0xffff;
	logrow_init(&w);
	logrow_put(&w, r, NULL);
	logfmt_genesis(w.chain, logrow_id);
	ck_assert_int_eq(logfmt_get((struct view){ w.cells, LOGROW_CELLS(1) }, 0,
	    w.chain, NULL, &got, &n, w.text), LOG_OK);
	ck_assert_uint_eq(got.flags, LOG_CALLER);
}
END_TEST

static bool
occurs(const uint8_t *in, size_t len, const char *what)
{
	return memmem(in, len, what, strlen(what)) != NULL;
}

START_TEST(no_name_of_the_vault_is_readable)
{
	struct log_record note = logrow_request("ml-prod/db", "secretname");
	struct logrow w;

	note.type = LOG_NOTE;
	logrow_init(&w);
	for (int open = 0; open < 2; open++) {
		logrow_put(&w, logrow_request("ml-prod/db", "secretname"),
		    open ? &logrow_keys : NULL);
		logrow_put(&w, note, open ? &logrow_keys : NULL);
	}
	ck_assert(!occurs(w.cells, sizeof(w.cells), "ml-prod"));
	ck_assert(!occurs(w.cells, sizeof(w.cells), "secretname"));
}
END_TEST

START_TEST(without_keys_sealed_text_is_left_out_and_the_rest_is_read)
{
	struct log_record got;
	struct logrow w;
	unsigned n;

	logrow_init(&w);
	logrow_put(&w, logrow_request("ml-prod/db", "why"), &logrow_keys);
	logfmt_genesis(w.chain, logrow_id);
	ck_assert_int_eq(logfmt_get((struct view){ w.cells, LOGROW_CELLS(2) }, 0,
	    w.chain, NULL, &got, &n, w.text), LOG_OK);
	ck_assert_uint_eq(got.object.len, 0);
	ck_assert_uint_eq(got.detail.len, 0);
	ck_assert_uint_eq(got.op, 49);
}
END_TEST

/* ---- names ---- */

START_TEST(segment_names_go_both_ways)
{
	static const uint64_t numbers[] = { 0, 1, 0x123456789abcdef,
		UINT64_MAX };
	char name[LOG_NAME_LEN];
	uint64_t got;

	for (size_t i = 0; i < 4; i++) {
		logfmt_name_put(name, numbers[i]);
		ck_assert_uint_eq(strlen(name), LOG_NAME_LEN - 1);
		ck_assert(logfmt_name_get(name, &got));
		ck_assert_uint_eq(got, numbers[i]);
	}
}
END_TEST

START_TEST(other_names_are_no_segments)
{
	static const char *const others[] = { "", ".", "next.tmp",
		"000000000000000.log", "00000000000000000.log",
		"000000000000000A.log", "000000000000000g.log",
		"0000000000000000.LOG", "0000000000000000.log~",
		"0000000000000000.torn", " 000000000000000.log" };
	uint64_t got;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!logfmt_name_get(others[i], &got), "%s",
		    others[i]);
}
END_TEST

START_TEST(a_peek_finds_records_by_their_number)
{
	uint64_t epoch = 0;
	unsigned n = 0;
	struct logrow w;

	logrow_init(&w);
	logrow_put(&w, logrow_request("ml-prod/first", ""), &logrow_keys);
	logrow_put(&w, logrow_request("", ""), &logrow_keys);
	ck_assert(logfmt_peek(w.cells, 0, &n, &epoch));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(epoch, 0x9192939495969798);
	ck_assert(!logfmt_peek(w.cells, 1, &n, &epoch));
	ck_assert(!logfmt_peek(w.cells + LOGROW_CELLS(1), 1, &n, &epoch));
	ck_assert(logfmt_peek(w.cells + LOGROW_CELLS(2), 2, &n, &epoch));
}
END_TEST

static void
add_tests(Suite *s)
{
	TCase *t = tcase_create("bytes");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, logrow_setup, NULL);
	tcase_add_test(t, records_have_the_documented_bytes);
	tcase_add_test(t, a_segment_header_has_the_documented_bytes);
	tcase_add_test(t,
	    sealed_text_is_a_nonce_and_the_aead_over_the_cell_number);
	tcase_add_loop_test(t, what_was_put_is_got, 0,
	    sizeof(trips) / sizeof(trips[0]));
	tcase_add_test(t, text_is_cut_at_its_limit);
	tcase_add_test(t,
	    the_caller_can_not_set_a_flag_that_says_how_it_is_stored);
	tcase_add_test(t, no_name_of_the_vault_is_readable);
	tcase_add_test(t,
	    without_keys_sealed_text_is_left_out_and_the_rest_is_read);
	tcase_add_test(t, segment_names_go_both_ways);
	tcase_add_test(t, other_names_are_no_segments);
	tcase_add_test(t, a_peek_finds_records_by_their_number);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("logfmt");
	SRunner *sr = srunner_create(s);
	int failed;

	add_tests(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
