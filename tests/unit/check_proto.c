#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "sample.h"

#define MESSAGES "proto.def"
#include "message_table.h"
#undef MESSAGES

START_TEST(every_message_comes_back_as_it_was)
{
	for (size_t i = 0; i < COUNT(messages); i++)
		message_check_round_trip(&messages[i]);
}
END_TEST

START_TEST(every_message_is_refused_when_cut_or_too_long)
{
	for (size_t i = 0; i < COUNT(messages); i++)
		message_check_cut(&messages[i]);
}
END_TEST

START_TEST(every_string_and_list_has_its_limit)
{
	unsigned limits = 0;

	for (size_t i = 0; i < COUNT(messages); i++)
		limits += message_check_limits(&messages[i]);
	ck_assert_uint_gt(limits, 50);
}
END_TEST

START_TEST(every_kind_of_principal_has_a_name_and_no_other_number)
{
	static const char *const names[] = { "none", "operator", "user",
		"group", "identity", "unit", "run" };

	for (unsigned i = 0; i < 256; i++)
		ck_assert_str_eq(principal_name((uint8_t)i),
		    i < COUNT(names) ? names[i] : "?");
}
END_TEST

START_TEST(every_boolean_is_0_or_1)
{
	unsigned booleans = 0;

	for (size_t i = 0; i < COUNT(messages); i++)
		booleans += message_check_booleans(&messages[i]);
	ck_assert_uint_ge(booleans, 3);
}
END_TEST

START_TEST(no_message_is_written_where_it_has_no_room)
{
	for (size_t i = 0; i < COUNT(messages); i++)
		message_check_room(&messages[i]);
}
END_TEST

/* What some messages look like, written down by hand. */
START_TEST(the_bytes_are_those_of_the_document)
{
	const struct hello_request hello = { .min_version = 1,
		.max_version = 2, .client = view_of("abc") };
	const struct unlock_request unlock = { .slot = 3,
		.key = view_of("k"), .accept_rollback = true };
	const struct secret_get_request get = { .workspace = view_of("ml"),
		.name = view_of("n"), .version = 0xffffffff };
	const struct grant_item grant = { .principal = 2, .id = 2001,
		.role = view_of("r"), .created = 0x0102030405060708,
		.uid = 7 };
	uint8_t buf[128];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	hello_request_put(&w, &hello);
	sample_assert_hex((struct view){ buf, w.len },
	    "00000001" "00000002" "00000003616263");
	wire_writer_init(&w, buf, sizeof(buf));
	unlock_request_put(&w, &unlock);
	sample_assert_hex((struct view){ buf, w.len },
	    "00000003" "000000016b" "01");
	wire_writer_init(&w, buf, sizeof(buf));
	secret_get_request_put(&w, &get);
	sample_assert_hex((struct view){ buf, w.len },
	    "000000026d6c" "000000016e" "ffffffff" "00000000");
	wire_writer_init(&w, buf, sizeof(buf));
	grant_item_put(&w, &grant);
	sample_assert_hex((struct view){ buf, w.len },
	    "02" "000007d1" "00000000" "0000000172" "00000000"
	    "0102030405060708" "00000007");
}
END_TEST

/* Two fields as a list. */
#define FIELDS_HEX                                                           \
	"00000002" "00000017"                                                \
	"0000000161" "01" "000000027676" "0000000162" "00" "0000000177"

START_TEST(a_list_is_written_item_by_item_and_walked)
{
	const struct field_item a = { view_of("a"), FIELD_SECRET,
		view_of("vv") };
	const struct field_item b = { view_of("b"), 0, view_of("w") };
	uint8_t buf[64], again[64];
	struct wire_writer w;
	struct wire_reader r;
	struct wire_list l;
	struct field_item item;
	struct list list;

	wire_writer_init(&w, buf, sizeof(buf));
	list_begin(&l, &w);
	field_item_put(&w, &a);
	list_item(&l);
	field_item_put(&w, &b);
	list_item(&l);
	list_end(&l);
	ck_assert(!w.bad);
	sample_assert_hex((struct view){ buf, w.len }, FIELDS_HEX);

	wire_reader_init(&r, (struct view){ buf, w.len });
	list = list_get(&r, 2);
	ck_assert(wire_reader_done(&r));
	ck_assert_uint_eq(list.count, 2);
	r = list_reader(list);
	field_item_get(&r, &item);
	ck_assert(view_is(item.name, "a") && view_is(item.value, "vv"));
	ck_assert_uint_eq(item.flags, FIELD_SECRET);
	field_item_get(&r, &item);
	ck_assert(view_is(item.name, "b") && view_is(item.value, "w"));
	ck_assert(wire_reader_done(&r));

	wire_writer_init(&w, again, sizeof(again));
	list_put(&w, list, 2);
	sample_assert_hex((struct view){ again, w.len }, FIELDS_HEX);
}
END_TEST

START_TEST(empty_lists_at_the_end_are_taken_back)
{
	const struct target_set_request q = { .workspace = view_of("w") };
	uint8_t buf[64];

	for (size_t room = 0; room <= sizeof(buf); room++) {
		struct wire_writer w;
		size_t len;

		wire_writer_init(&w, buf, room);
		target_set_request_put(&w, &q);
		len = w.len;
		lists_take_back(&w, 1);
		ck_assert_uint_eq(w.len, w.bad ? len : len - 8);
		ck_assert_uint_le(w.len, room);
	}
}
END_TEST

START_TEST(a_list_that_was_made_is_found_where_it_begins)
{
	const struct field_item a = { view_of("a"), 0, view_of("v") };
	uint8_t buf[64];

	for (size_t room = 0; room <= sizeof(buf); room++) {
		struct wire_writer w;
		struct wire_list first, second;
		struct list l;

		wire_writer_init(&w, buf, room);
		list_begin(&first, &w);
		list_end(&first);
		list_begin(&second, &w);
		for (unsigned i = 0; i < 2; i++) {
			field_item_put(&w, &a);
			list_item(&second);
		}
		list_end(&second);
		ck_assert(w.bad == (room < 38));
		ck_assert_uint_eq(list_made(&w, first.at, 2).count, 0);
		ck_assert_uint_eq(list_made(&w, second.at, 1).count, 0);
		l = list_made(&w, second.at, 2);
		ck_assert_uint_eq(l.count, w.bad ? 0 : 2);
		ck_assert_uint_eq(l.items.len, w.bad ? 0 : 22);
	}
}
END_TEST

START_TEST(a_list_that_is_not_written_yet_is_not_there)
{
	/* What lies behind what was written looks like a list of one item. */
	uint8_t buf[64] = { 0, 0, 0, 1, 0, 0, 0, 4, 1, 1, 1, 1 };
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	for (w.len = 0; w.len < 12; w.len++)
		ck_assert_uint_eq(list_made(&w, 0, 2).count, 0);
	ck_assert_uint_eq(list_made(&w, 0, 2).count, 1);
	memmove(buf + 12, buf, 12);
	for (; w.len < 24; w.len++)
		ck_assert_uint_eq(list_made(&w, 12, 2).count, 0);
	ck_assert_uint_eq(list_made(&w, 12, 2).count, 1);
}
END_TEST

START_TEST(a_list_with_another_count_than_items_is_noticed)
{
	static const char *const wrong[] = {
		/* a count of one more, of one less; items cut, and too long */
		"00000003" "00000004" "00000001",
		"00000001" "00000008" "0000000100000002",
		"00000001" "00000003" "000000",
		"00000000" "00000001" "00",
	};
	uint8_t buf[64];
	struct wire_reader r;
	struct list l;

	for (size_t i = 0; i < COUNT(wrong); i++) {
		size_t n = sample_hex(wrong[i], buf, sizeof(buf));
		struct slot_add_reply item;

		wire_reader_init(&r, (struct view){ buf, n });
		l = list_get(&r, 8);
		ck_assert(wire_reader_done(&r));
		r = list_reader(l);
		for (uint32_t j = 0; j < l.count; j++)
			slot_add_reply_get(&r, &item);
		ck_assert_msg(!wire_reader_done(&r), "%s", wrong[i]);
	}
}
END_TEST

START_TEST(a_list_longer_than_a_frame_is_refused)
{
	static uint8_t buf[FRAME_MAX + 64], items[FRAME_MAX + 1];
	struct list l = { 1, { items, FRAME_MAX } };
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, buf, sizeof(buf));
	list_put(&w, l, 1);
	ck_assert(!w.bad);
	l.items.len++;
	wire_writer_init(&w, buf, sizeof(buf));
	list_put(&w, l, 1);
	ck_assert(w.bad);
	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u32(&w, 1);
	wire_put_string(&w, l.items, SIZE_MAX);
	wire_reader_init(&r, (struct view){ buf, w.len });
	(void)list_get(&r, 1);
	ck_assert(r.bad);
}
END_TEST

START_TEST(a_list_without_room_leaves_the_writer_bad)
{
	const struct field_item a = { view_of("a"), 0, view_of("v") };
	uint8_t buf[32];

	for (size_t room = 0; room < 19; room++) {
		struct wire_writer w;
		struct wire_list l;

		wire_writer_init(&w, buf, room);
		list_begin(&l, &w);
		field_item_put(&w, &a);
		list_item(&l);
		list_end(&l);
		ck_assert_msg(w.bad, "room %zu", room);
	}
}
END_TEST

/* What the limits promise one another. */
START_TEST(the_largest_secret_fits_into_a_row_and_a_frame)
{
	/* Two lengths and the flags of each field; the rest of the row. */
	const uint32_t fields = COFRE_FIELDS_MAX * 9, rest = 64;
	ck_assert_uint_le(COFRE_VALUE_MAX, COFRE_SECRET_MAX);
	ck_assert_uint_le(COFRE_SECRET_MAX + fields + rest, ROW_MAX);
	ck_assert_uint_le(ROW_MAX + FRAME_HEADER + 4, FRAME_MAX);
	ck_assert_uint_le(COFRE_WORKSPACE_NAME_MAX + 1 +
		COFRE_SECRET_NAME_MAX, OBJECT_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("proto");
	TCase *t = tcase_create("proto");
	SRunner *sr;
	int failed;

	tcase_add_test(t, every_message_comes_back_as_it_was);
	tcase_add_test(t, every_message_is_refused_when_cut_or_too_long);
	tcase_add_test(t, every_string_and_list_has_its_limit);
	tcase_add_test(t,
	    every_kind_of_principal_has_a_name_and_no_other_number);
	tcase_add_test(t, every_boolean_is_0_or_1);
	tcase_add_test(t, no_message_is_written_where_it_has_no_room);
	tcase_add_test(t, the_bytes_are_those_of_the_document);
	tcase_add_test(t, a_list_is_written_item_by_item_and_walked);
	tcase_add_test(t, empty_lists_at_the_end_are_taken_back);
	tcase_add_test(t, a_list_that_was_made_is_found_where_it_begins);
	tcase_add_test(t, a_list_that_is_not_written_yet_is_not_there);
	tcase_add_test(t, a_list_with_another_count_than_items_is_noticed);
	tcase_add_test(t, a_list_longer_than_a_frame_is_refused);
	tcase_add_test(t, a_list_without_room_leaves_the_writer_bad);
	tcase_add_test(t, the_largest_secret_fits_into_a_row_and_a_frame);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
