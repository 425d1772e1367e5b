#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

/* Every type once, and the bytes that RFC 4251 section 5 gives it. */
#define ALL_HEX                                                              \
	"ab" "01cd" "29b7f4aa" "0102030405060708" "00" "01"                  \
	"0000000774657374696e67" "00000000" "fe"

static void
put_all(struct wire_writer *w)
{
	wire_put_u8(w, 0xab);
	wire_put_u16(w, 0x01cd);
	wire_put_u32(w, 0x29b7f4aa);
	wire_put_u64(w, 0x0102030405060708);
	wire_put_bool(w, false);
	wire_put_bool(w, true);
	wire_put_string(w, view_of("testing"), 7);
	wire_put_string(w, view_of(""), 0);
	wire_put_bytes(w, (struct view){ (const uint8_t *)"\xfe", 1 });
}

/* Read them back; true when all were there and right. */
static bool
get_all(struct view in)
{
	struct wire_reader r;
	bool good;

	wire_reader_init(&r, in);
	good = wire_get_u8(&r) == 0xab;
	good = wire_get_u16(&r) == 0x01cd && good;
	good = wire_get_u32(&r) == 0x29b7f4aa && good;
	good = wire_get_u64(&r) == 0x0102030405060708 && good;
	good = !wire_get_bool(&r) && good;
	good = wire_get_bool(&r) && good;
	good = view_is(wire_get_string(&r, 7), "testing") && good;
	good = view_is(wire_get_string(&r, 0), "") && good;
	good = view_is(wire_get_bytes(&r, 1), "\xfe") && good;
	return wire_reader_done(&r) && good;
}

START_TEST(every_type_has_the_bytes_of_the_rfc)
{
	uint8_t buf[64];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	put_all(&w);
	ck_assert(!w.bad);
	sample_assert_hex((struct view){ buf, w.len }, ALL_HEX);
	ck_assert(get_all((struct view){ buf, w.len }));
}
END_TEST

START_TEST(a_copy_ends_with_a_zero)
{
	char to[8];

	for (size_t n = 0; n <= 5; n++) {
		memset(to, '?', sizeof(to));
		view_copy(to, (struct view){ (const uint8_t *)"hello", n });
		ck_assert_mem_eq(to, "hello", n);
		ck_assert(to[n] == '\0' && to[n + 1] == '?');
	}
	view_copy(to, (struct view){ NULL, 0 });
	ck_assert_str_eq(to, "");
}
END_TEST

START_TEST(what_is_cut_anywhere_is_not_read_as_done)
{
	uint8_t buf[64];
	size_t n = sample_hex(ALL_HEX, buf, sizeof(buf));

	for (size_t cut = 0; cut < n; cut++)
		ck_assert_msg(!get_all((struct view){ buf, cut }),
		    "cut at %zu", cut);
	ck_assert(!get_all((struct view){ buf, n + 1 }));
}
END_TEST

START_TEST(a_writer_without_room_is_bad_and_writes_no_further)
{
	uint8_t whole[64], buf[64];
	size_t n = sample_hex(ALL_HEX, whole, sizeof(whole));
	struct wire_writer w;

	for (size_t cap = 0; cap < n; cap++) {
		memset(buf, 0x77, sizeof(buf));
		wire_writer_init(&w, buf, cap);
		put_all(&w);
		ck_assert_msg(w.bad, "cap %zu", cap);
		ck_assert_uint_le(w.len, cap);
		for (size_t i = cap; i < sizeof(buf); i++)
			ck_assert_uint_eq(buf[i], 0x77);
	}
	wire_writer_init(&w, buf, n);
	put_all(&w);
	ck_assert(!w.bad);
}
END_TEST

START_TEST(a_bad_writer_stays_bad_and_keeps_its_length)
{
	uint8_t buf[8];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u16(&w, 0x10000);
	ck_assert(w.bad);
	put_all(&w);
	ck_assert(w.bad);
	ck_assert_uint_eq(w.len, 0);
}
END_TEST

typedef void putter(struct wire_writer *w, uint64_t v);

static const struct {
	putter *put;
	uint64_t value;
	bool fits;
	const char *hex;
} integers[] = {
	{ wire_put_u8, 0, true, "00" },
	{ wire_put_u8, 0xff, true, "ff" },
	{ wire_put_u8, 0x100, false, "" },
	{ wire_put_u8, UINT64_MAX, false, "" },
	{ wire_put_u8, (uint64_t)1 << 32, false, "" },
	{ wire_put_u16, 0xffff, true, "ffff" },
	{ wire_put_u16, 0x10000, false, "" },
	{ wire_put_u16, (uint64_t)1 << 63, false, "" },
	{ wire_put_u32, 0xffffffff, true, "ffffffff" },
	{ wire_put_u32, 0x100000000, false, "" },
	{ wire_put_u32, UINT64_MAX, false, "" },
	{ wire_put_u64, 0, true, "0000000000000000" },
	{ wire_put_u64, UINT64_MAX, true, "ffffffffffffffff" },
};

START_TEST(an_integer_that_does_not_fit_is_refused)
{
	uint8_t buf[16];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	integers[_i].put(&w, integers[_i].value);
	ck_assert(w.bad == !integers[_i].fits);
	sample_assert_hex((struct view){ buf, w.len }, integers[_i].hex);
}
END_TEST

START_TEST(a_boolean_is_0_or_1_and_nothing_else)
{
	struct wire_reader r;

	for (unsigned i = 0; i < 256; i++) {
		uint8_t byte = (uint8_t)i;

		wire_reader_init(&r, (struct view){ &byte, 1 });
		ck_assert(wire_get_bool(&r) == (i == 1));
		ck_assert(wire_reader_done(&r) == (i <= 1));
	}
}
END_TEST

START_TEST(a_string_over_its_limit_is_refused_on_both_sides)
{
	uint8_t buf[32];
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_string(&w, view_of("abcd"), 4);
	ck_assert(!w.bad);
	wire_reader_init(&r, (struct view){ buf, w.len });
	ck_assert(view_is(wire_get_string(&r, 4), "abcd"));
	ck_assert(wire_reader_done(&r));

	wire_reader_init(&r, (struct view){ buf, w.len });
	ck_assert_uint_eq(wire_get_string(&r, 3).len, 0);
	ck_assert(r.bad);

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_string(&w, view_of("abcd"), 3);
	ck_assert(w.bad);
	ck_assert_uint_eq(w.len, 0);
}
END_TEST

/* A length field, of 4 bytes that follow at most. */
static const char *const lengths[] = { "00000005", "7fffffff", "80000000",
	"80000001", "fffffffc", "ffffffff" };

START_TEST(a_length_beyond_the_end_is_bad_however_large)
{
	uint8_t buf[8] = { 0 };
	struct wire_reader r;
	struct view v;

	ck_assert_uint_eq(sample_hex(lengths[_i], buf, sizeof(buf)), 4);
	wire_reader_init(&r, (struct view){ buf, sizeof(buf) });
	v = wire_get_string(&r, SIZE_MAX);
	ck_assert(r.bad && v.len == 0 && v.data == NULL);
}
END_TEST

START_TEST(a_bad_reader_gives_zeros_and_takes_nothing_more)
{
	uint8_t buf[64];
	size_t n = sample_hex(ALL_HEX, buf, sizeof(buf));
	struct wire_reader r;

	wire_reader_init(&r, (struct view){ buf, n });
	(void)wire_get_bytes(&r, n + 1);
	ck_assert(r.bad);
	ck_assert_uint_eq(r.len, n);
	ck_assert_uint_eq(wire_get_u8(&r), 0);
	ck_assert_uint_eq(wire_get_u16(&r), 0);
	ck_assert_uint_eq(wire_get_u32(&r), 0);
	ck_assert_uint_eq(wire_get_u64(&r), 0);
	ck_assert(!wire_get_bool(&r));
	ck_assert_uint_eq(wire_get_string(&r, 9).len, 0);
	ck_assert_ptr_null(wire_get_bytes(&r, 0).data);
	ck_assert_uint_eq(r.len, n);
	ck_assert(!wire_reader_done(&r));
}
END_TEST

START_TEST(views_are_compared_by_length_and_bytes)
{
	const struct view none = { NULL, 0 };
	const uint8_t nul[] = { 'a', 0, 'b' };

	ck_assert(view_equal(none, view_of("")));
	ck_assert(view_is(none, ""));
	ck_assert(view_equal(view_of("ab"), view_of("ab")));
	ck_assert(!view_equal(view_of("ab"), view_of("ac")));
	ck_assert(!view_equal(view_of("ab"), view_of("abc")));
	ck_assert(!view_equal(view_of("abc"), view_of("ab")));
	ck_assert(!view_is((struct view){ nul, sizeof(nul) }, "a"));
	ck_assert_uint_eq(view_of("abc").len, 3);
}
END_TEST

START_TEST(nothing_can_be_put_from_an_empty_view)
{
	uint8_t buf[4];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_bytes(&w, (struct view){ NULL, 0 });
	ck_assert(!w.bad && w.len == 0);
	wire_put_string(&w, (struct view){ NULL, 0 }, 0);
	ck_assert(!w.bad);
	sample_assert_hex((struct view){ buf, w.len }, "00000000");
	wire_put_bytes(&w, (struct view){ NULL, 0 });
	ck_assert(!w.bad && w.len == 4);
}
END_TEST

START_TEST(a_string_is_written_piece_by_piece)
{
	uint8_t buf[16];
	struct wire_writer w;
	size_t outer, inner;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, 0xaa);
	outer = wire_string_begin(&w);
	wire_put_u8(&w, 0xbb);
	inner = wire_string_begin(&w);
	wire_put_u16(&w, 0xccdd);
	wire_string_end(&w, inner);
	wire_string_end(&w, outer);
	ck_assert(!w.bad);
	sample_assert_hex((struct view){ buf, w.len },
	    "aa" "00000007" "bb" "00000002" "ccdd");
	wire_writer_init(&w, buf, sizeof(buf));
	wire_string_end(&w, wire_string_begin(&w));
	sample_assert_hex((struct view){ buf, w.len }, "00000000");
}
END_TEST

START_TEST(a_string_without_room_is_not_ended)
{
	uint8_t buf[8];
	struct wire_writer w;
	size_t at;

	for (size_t cap = 0; cap < 6; cap++) {
		memset(buf, 0x77, sizeof(buf));
		wire_writer_init(&w, buf, cap);
		at = wire_string_begin(&w);
		wire_put_u16(&w, 0xccdd);
		wire_string_end(&w, at);
		ck_assert_msg(w.bad, "cap %zu", cap);
		for (size_t i = cap; i < sizeof(buf); i++)
			ck_assert_uint_eq(buf[i], 0x77);
		for (size_t i = 0; i < cap && i < 4; i++)
			ck_assert_uint_eq(buf[i], cap < 4 ? 0x77 : 0);
	}
}
END_TEST

START_TEST(a_string_of_4_gib_is_bad)
{
	uint8_t buf[8] = { 0 };
	/* As if the bytes were there: its end writes to its head alone. */
	struct wire_writer w = { .data = buf, .len = UINT32_MAX + (size_t)4,
		.cap = SIZE_MAX };

	wire_string_end(&w, 0);
	ck_assert(!w.bad);
	ck_assert_uint_eq(buf[3], 0xff);
	w.len++;
	wire_string_end(&w, 0);
	ck_assert(w.bad);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("wire");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_copy_ends_with_a_zero);
	tcase_add_test(t, every_type_has_the_bytes_of_the_rfc);
	tcase_add_test(t, what_is_cut_anywhere_is_not_read_as_done);
	tcase_add_test(t, a_writer_without_room_is_bad_and_writes_no_further);
	tcase_add_test(t, a_bad_writer_stays_bad_and_keeps_its_length);
	tcase_add_loop_test(t, an_integer_that_does_not_fit_is_refused, 0,
	    (int)COUNT(integers));
	tcase_add_test(t, a_boolean_is_0_or_1_and_nothing_else);
	tcase_add_test(t, a_string_over_its_limit_is_refused_on_both_sides);
	tcase_add_loop_test(t, a_length_beyond_the_end_is_bad_however_large, 0,
	    (int)COUNT(lengths));
	tcase_add_test(t, a_bad_reader_gives_zeros_and_takes_nothing_more);
	tcase_add_test(t, views_are_compared_by_length_and_bytes);
	tcase_add_test(t, nothing_can_be_put_from_an_empty_view);
	tcase_add_test(t, a_string_is_written_piece_by_piece);
	tcase_add_test(t, a_string_without_room_is_not_ended);
	tcase_add_test(t, a_string_of_4_gib_is_bad);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
