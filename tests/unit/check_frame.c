#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "sizes.h"
#include "sample.h"

/* A request of operation 49 with id 0x01020304 and a body of 5 bytes. */
#define SAMPLE_HEX "0000000d" "01" "00" "0031" "01020304" "68656c6c6f"
#define SAMPLE_LEN 17u

static uint8_t large[FRAME_MAX + 64];

static struct view
bytes(size_t n)
{
	return (struct view){ large, n };
}

/* Begin large with a length field. */
static void
set_length(uint32_t length)
{
	struct wire_writer w;

	wire_writer_init(&w, large, 4);
	wire_put_u32(&w, length);
}

START_TEST(a_frame_is_written_as_the_document_says)
{
	uint8_t buf[64];
	struct wire_writer w;
	size_t at;

	wire_writer_init(&w, buf, sizeof(buf));
	at = frame_begin(&w, FRAME_REQUEST, 49, 0x01020304);
	ck_assert_uint_eq(at, 0);
	wire_put_bytes(&w, view_of("hello"));
	frame_end(&w, at);
	ck_assert(!w.bad);
	sample_assert_hex((struct view){ buf, w.len }, SAMPLE_HEX);
}
END_TEST

START_TEST(a_whole_frame_is_parsed_without_a_copy)
{
	uint8_t buf[64];
	size_t n = sample_hex(SAMPLE_HEX, buf, sizeof(buf)), size = 0;
	struct frame f;

	ck_assert_uint_eq(n, SAMPLE_LEN);
	ck_assert_int_eq(frame_parse((struct view){ buf, n }, &f, &size),
	    FRAME_OK);
	ck_assert_uint_eq(size, n);
	ck_assert_uint_eq(f.version, 1);
	ck_assert_uint_eq(f.kind, FRAME_REQUEST);
	ck_assert_uint_eq(f.op, 49);
	ck_assert_uint_eq(f.id, 0x01020304);
	ck_assert(view_is(f.body, "hello"));
	ck_assert_ptr_eq(f.body.data, buf + FRAME_HEADER);
}
END_TEST

START_TEST(every_prefix_asks_for_more_and_says_how_much)
{
	uint8_t buf[64];
	struct frame f;
	size_t size;

	ck_assert_uint_eq(sample_hex(SAMPLE_HEX, buf, sizeof(buf)),
	    SAMPLE_LEN);
	for (size_t cut = 0; cut < SAMPLE_LEN; cut++) {
		size = 0;
		ck_assert_msg(frame_parse((struct view){ buf, cut }, &f,
			&size) == FRAME_MORE, "cut at %zu", cut);
		ck_assert_uint_eq(size, cut < 4 ? 4 : SAMPLE_LEN);
	}
}
END_TEST

START_TEST(what_follows_a_frame_is_left_alone)
{
	uint8_t buf[2 * SAMPLE_LEN];
	struct frame f;
	size_t size = 0;

	(void)sample_hex(SAMPLE_HEX SAMPLE_HEX, buf, sizeof(buf));
	for (size_t n = SAMPLE_LEN; n <= sizeof(buf); n++) {
		ck_assert_int_eq(frame_parse((struct view){ buf, n }, &f,
		    &size), FRAME_OK);
		ck_assert_uint_eq(size, SAMPLE_LEN);
		ck_assert_uint_eq(f.body.len, 5);
	}
}
END_TEST

START_TEST(version_kind_and_operation_are_not_judged_here)
{
	static const uint8_t odd[] = { 0, 0, 0, 8, 255, 254, 0xfe, 0xdc,
		0xff, 0xff, 0xff, 0xff };
	struct frame f;
	size_t size;

	ck_assert_int_eq(frame_parse((struct view){ odd, sizeof(odd) }, &f,
	    &size), FRAME_OK);
	ck_assert_uint_eq(f.version, 255);
	ck_assert_uint_eq(f.kind, 254);
	ck_assert_uint_eq(f.op, 0xfedc);
	ck_assert_uint_eq(f.id, 0xffffffff);
	ck_assert_uint_eq(f.body.len, 0);
}
END_TEST

/* Lengths over the cap or under the header, whatever follows. */
static const uint32_t bad_lengths[] = { 0, 1, 2, 3, 4, 5, 6, 7, FRAME_MAX - 3,
	FRAME_MAX - 2, FRAME_MAX, FRAME_MAX + 1, 0x00ffffff, 0x7fffffff,
	0x80000000, 0x80000001, 0xfffffffb, 0xfffffffc, 0xffffffff };

START_TEST(a_length_that_no_frame_has_is_refused_at_its_4th_byte)
{
	struct frame f;
	size_t size;

	set_length(bad_lengths[_i]);
	for (size_t n = 4; n <= 16; n++)
		ck_assert_int_eq(frame_parse(bytes(n), &f, &size), FRAME_BAD);
	ck_assert_int_eq(frame_parse(bytes(sizeof(large)), &f, &size),
	    FRAME_BAD);
}
END_TEST

START_TEST(the_shortest_and_the_longest_frame_are_taken)
{
	struct frame f;
	size_t size;

	ck_assert_uint_eq(FRAME_MAX, 131072);
	ck_assert_uint_eq(COFRE_VALUE_MAX, 65536);
	set_length(FRAME_HEADER - 4);
	ck_assert_int_eq(frame_parse(bytes(FRAME_HEADER), &f, &size),
	    FRAME_OK);
	ck_assert_uint_eq(size, FRAME_HEADER);
	ck_assert_uint_eq(f.body.len, 0);

	set_length(FRAME_MAX - 4);
	ck_assert_int_eq(frame_parse(bytes(FRAME_MAX - 1), &f, &size),
	    FRAME_MORE);
	ck_assert_uint_eq(size, FRAME_MAX);
	ck_assert_int_eq(frame_parse(bytes(FRAME_MAX), &f, &size), FRAME_OK);
	ck_assert_uint_eq(size, FRAME_MAX);
	ck_assert_uint_eq(f.body.len, FRAME_MAX - FRAME_HEADER);
}
END_TEST

START_TEST(a_frame_that_would_be_too_long_is_not_ended)
{
	static uint8_t buf[FRAME_MAX + 64];
	struct wire_writer w;
	struct frame f;
	size_t at, size;

	wire_writer_init(&w, buf, sizeof(buf));
	at = frame_begin(&w, FRAME_REPLY, 1, 2);
	wire_put_bytes(&w, bytes(FRAME_MAX - FRAME_HEADER));
	frame_end(&w, at);
	ck_assert(!w.bad);
	ck_assert_int_eq(frame_parse((struct view){ buf, w.len }, &f, &size),
	    FRAME_OK);

	wire_writer_init(&w, buf, sizeof(buf));
	at = frame_begin(&w, FRAME_REPLY, 1, 2);
	wire_put_bytes(&w, bytes(FRAME_MAX - FRAME_HEADER + 1));
	frame_end(&w, at);
	ck_assert(w.bad);
}
END_TEST

START_TEST(frames_stand_one_behind_the_other)
{
	uint8_t buf[64];
	struct wire_writer w;
	struct frame f;
	size_t at, size;

	wire_writer_init(&w, buf, sizeof(buf));
	for (uint32_t i = 0; i < 2; i++) {
		at = frame_begin(&w, FRAME_REPLY, 7, i);
		wire_put_u32(&w, i);
		frame_end(&w, at);
	}
	ck_assert(!w.bad);
	for (uint32_t i = 0; i < 2; i++) {
		const struct view rest = { buf + i * 16, w.len - i * 16 };

		ck_assert_int_eq(frame_parse(rest, &f, &size), FRAME_OK);
		ck_assert_uint_eq(size, 16);
		ck_assert_uint_eq(f.id, i);
		ck_assert_uint_eq(f.kind, FRAME_REPLY);
	}
}
END_TEST

START_TEST(a_frame_without_room_leaves_the_writer_bad)
{
	uint8_t buf[SAMPLE_LEN];
	struct wire_writer w;
	size_t at;

	for (size_t cap = 0; cap < SAMPLE_LEN; cap++) {
		wire_writer_init(&w, buf, cap);
		at = frame_begin(&w, FRAME_REQUEST, 49, 1);
		wire_put_bytes(&w, view_of("hello"));
		frame_end(&w, at);
		ck_assert(w.bad);
	}
}
END_TEST

/* As long as one may be, behind another one. */
START_TEST(a_frame_is_measured_from_its_own_beginning)
{
	static uint8_t buf[2 * FRAME_MAX + 64];
	struct wire_writer w;
	size_t at;

	for (size_t more = 0; more < 2; more++) {
		wire_writer_init(&w, buf, sizeof(buf));
		for (unsigned i = 0; i < 2; i++) {
			at = frame_begin(&w, FRAME_REPLY, 1, 2);
			wire_put_bytes(&w, bytes(FRAME_MAX - FRAME_HEADER));
			if (i == 1)
				wire_put_bytes(&w, bytes(more));
			frame_end(&w, at);
		}
		ck_assert(w.bad == (more == 1));
	}
}
END_TEST

START_TEST(a_refusal_is_of_no_request)
{
	uint8_t buf[FRAME_REFUSAL];
	size_t n = frame_refusal(buf, 9);

	ck_assert_uint_eq(n, FRAME_REFUSAL);
	sample_assert_hex((struct view){ buf, n },
	    "0000000c" "01" "01" "0000" "00000000" "00000009");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("frame");
	TCase *t = tcase_create("frame");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_frame_is_written_as_the_document_says);
	tcase_add_test(t, a_whole_frame_is_parsed_without_a_copy);
	tcase_add_test(t, every_prefix_asks_for_more_and_says_how_much);
	tcase_add_test(t, what_follows_a_frame_is_left_alone);
	tcase_add_test(t, version_kind_and_operation_are_not_judged_here);
	tcase_add_loop_test(t,
	    a_length_that_no_frame_has_is_refused_at_its_4th_byte, 0,
	    (int)COUNT(bad_lengths));
	tcase_add_test(t, the_shortest_and_the_longest_frame_are_taken);
	tcase_add_test(t, a_frame_that_would_be_too_long_is_not_ended);
	tcase_add_test(t, frames_stand_one_behind_the_other);
	tcase_add_test(t, a_frame_without_room_leaves_the_writer_bad);
	tcase_add_test(t, a_frame_is_measured_from_its_own_beginning);
	tcase_add_test(t, a_refusal_is_of_no_request);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
