#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "rows.h"
#include "sample.h"

#define MESSAGES "rows.def"
#include "message_table.h"
#undef MESSAGES

START_TEST(every_row_comes_back_as_it_was)
{
	for (size_t i = 0; i < COUNT(messages); i++)
		message_check_round_trip(&messages[i]);
}
END_TEST

START_TEST(every_row_is_refused_when_cut_or_too_long)
{
	for (size_t i = 0; i < COUNT(messages); i++)
		message_check_cut(&messages[i]);
}
END_TEST

START_TEST(every_string_and_list_of_a_row_has_its_limit)
{
	unsigned limits = 0;

	for (size_t i = 0; i < COUNT(messages); i++)
		limits += message_check_limits(&messages[i]);
	ck_assert_uint_gt(limits, 8);
}
END_TEST

START_TEST(no_row_is_written_where_it_has_no_room)
{
	for (size_t i = 0; i < COUNT(messages); i++) {
		message_check_room(&messages[i]);
		(void)message_check_booleans(&messages[i]);
	}
}
END_TEST

#define WS 0x0102030405060708
#define REC 0x1112131415161718
#define VER 0x21222324

/* What FORMAT.md says the keys are. */
static const struct {
	struct row_id id;
	const char *hex;
} keys[] = {
	{ { .table = TABLE_HEADER }, "01" },
	{ { .table = TABLE_SLOT, .record = 16 },
	    "02" "0000000000000000" "0000000000000010" },
	{ { .table = TABLE_STATE }, "03" },
	{ { .table = TABLE_WORKSPACE }, "04" "0000000000000000" },
	{ { .table = TABLE_WORKSPACE, .workspace = WS },
	    "04" "0102030405060708" },
	{ { .table = TABLE_HEAD, .workspace = WS, .record = REC },
	    "05" "0102030405060708" "1112131415161718" },
	{ { .table = TABLE_BODY, .workspace = WS, .record = REC,
	      .version = VER },
	    "06" "0102030405060708" "1112131415161718" "21222324" },
	{ { .table = TABLE_BODY, .workspace = UINT64_MAX,
	      .record = UINT64_MAX, .version = UINT32_MAX },
	    "06" "ffffffffffffffff" "ffffffffffffffff" "ffffffff" },
	{ { .table = TABLE_SSH_MARK }, "09" },
	{ { .table = TABLE_SSH_HEADER }, "20" },
	{ { .table = TABLE_SSH_STATE }, "21" },
	{ { .table = TABLE_TARGET, .workspace = WS, .record = REC },
	    "22" "0102030405060708" "1112131415161718" },
	{ { .table = TABLE_CA, .workspace = WS, .record = REC },
	    "23" "0102030405060708" "1112131415161718" },
	{ { .table = TABLE_SSH_KEY, .workspace = WS, .record = REC,
	      .version = VER },
	    "24" "0102030405060708" "1112131415161718" "21222324" },
};

static struct view
view_of_key(const struct row_key *key)
{
	return (struct view){ key->bytes, key->len };
}

START_TEST(keys_are_the_documented_ones)
{
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct row_key key = row_key(&keys[i].id);

		sample_assert_hex(view_of_key(&key), keys[i].hex);
		ck_assert_uint_le(key.len, ROW_KEY_MAX);
	}
}
END_TEST

START_TEST(a_key_is_parsed_to_what_it_was_made_of)
{
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct row_key key = row_key(&keys[i].id);
		struct row_id id;

		memset(&id, 0x77, sizeof(id));
		ck_assert(row_key_parse(view_of_key(&key), &id));
		ck_assert_int_eq(id.table, keys[i].id.table);
		ck_assert_uint_eq(id.workspace, keys[i].id.workspace);
		ck_assert_uint_eq(id.record, keys[i].id.record);
		ck_assert_uint_eq(id.version, keys[i].id.version);
		ck_assert_uint_eq(id.kind, 0);
		ck_assert_uint_eq(id.name.len, 0);
	}
}
END_TEST

START_TEST(a_key_of_another_length_or_table_is_none)
{
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct row_key key = row_key(&keys[i].id);
		uint8_t bytes[ROW_KEY_MAX + 1] = { 0 };
		struct row_id id;

		memcpy(bytes, key.bytes, key.len);
		for (size_t n = 0; n < sizeof(bytes); n++)
			ck_assert_msg(row_key_parse((struct view){ bytes, n },
				&id) == (n == key.len),
			    "key %zu with %zu bytes", i, n);
	}
	for (unsigned table = 0; table < 256; table++) {
		static const size_t lengths[] = { 1, 9, 17, 21 };
		uint8_t bytes[ROW_KEY_MAX] = { (uint8_t)table };
		struct row_id id;
		bool any = false;

		for (size_t i = 0; i < COUNT(lengths); i++)
			any |= row_key_parse((struct view){ bytes,
			    lengths[i] }, &id);
		ck_assert_msg(any == ((table >= 1 && table <= 9) ||
		    (table >= 32 && table <= 36)), "table %u", table);
	}
}
END_TEST

START_TEST(kind_and_name_are_not_in_the_key)
{
	struct row_id id = { .table = TABLE_BODY, .workspace = 1,
		.record = 2, .version = 3 };
	struct row_key plain = row_key(&id), named;

	id.kind = 4;
	id.name = view_of("store");
	named = row_key(&id);
	ck_assert(view_equal(view_of_key(&plain), view_of_key(&named)));
}
END_TEST

START_TEST(a_prefix_covers_a_workspace_and_no_other)
{
	static const enum table tables[] = { TABLE_HEAD, TABLE_BODY };

	for (size_t i = 0; i < COUNT(tables); i++) {
		struct row_id id = { .table = tables[i], .workspace = 258,
			.record = 7, .version = 1 };
		struct row_key prefix = row_prefix(tables[i], 258), key;

		ck_assert_uint_eq(prefix.len, 9);
		key = row_key(&id);
		ck_assert(memcmp(key.bytes, prefix.bytes, prefix.len) == 0);
		id.workspace = 259;
		key = row_key(&id);
		ck_assert(memcmp(key.bytes, prefix.bytes, prefix.len) != 0);
	}
}
END_TEST

START_TEST(the_prefix_of_a_table_without_workspaces_is_its_byte)
{
	static const enum table tables[] = { TABLE_HEADER, TABLE_STATE,
		TABLE_WORKSPACE };

	for (size_t i = 0; i < COUNT(tables); i++) {
		struct row_key prefix = row_prefix(tables[i], 5);

		ck_assert_uint_eq(prefix.len, 1);
		ck_assert_uint_eq(prefix.bytes[0], tables[i]);
	}
}
END_TEST

/* Which of two keys comes first in the store. */
static int
order(const struct row_id *a, const struct row_id *b)
{
	struct row_key x = row_key(a), y = row_key(b);
	int d = memcmp(x.bytes, y.bytes, x.len < y.len ? x.len : y.len);

	return d != 0 ? d : x.len - y.len;
}

/* Unlock depends on it: a workspace comes before the heads in it. */
START_TEST(keys_sort_by_table_workspace_record_and_version)
{
	static const struct row_id rows[] = {
		{ .table = TABLE_HEADER },
		{ .table = TABLE_SLOT, .record = 1 },
		{ .table = TABLE_SLOT, .record = 16 },
		{ .table = TABLE_STATE },
		{ .table = TABLE_WORKSPACE },
		{ .table = TABLE_WORKSPACE, .workspace = 255 },
		{ .table = TABLE_WORKSPACE, .workspace = 256 },
		{ .table = TABLE_HEAD, .workspace = 255, .record = 300 },
		{ .table = TABLE_HEAD, .workspace = 256, .record = 1 },
		{ .table = TABLE_HEAD, .workspace = 1ull << 40 },
		{ .table = TABLE_BODY, .workspace = 1, .version = 255 },
		{ .table = TABLE_BODY, .workspace = 1, .version = 256 },
		{ .table = TABLE_BODY, .workspace = 1, .record = 1 },
	};

	for (size_t i = 1; i < COUNT(rows); i++)
		ck_assert_msg(order(&rows[i - 1], &rows[i]) < 0, "row %zu",
		    i);
}
END_TEST

START_TEST(the_place_of_a_row_has_all_that_names_it)
{
	static const uint8_t vault[VAULT_ID_LEN];
	const struct row_id id = { .table = TABLE_BODY, .workspace = WS,
		.record = REC, .version = VER, .kind = 3,
		.name = view_of("store") };
	struct seal_place place = row_place(vault, &id);

	ck_assert_ptr_eq(place.vault, vault);
	ck_assert_uint_eq(place.table, 6);
	ck_assert_uint_eq(place.workspace, WS);
	ck_assert_uint_eq(place.record, REC);
	ck_assert_uint_eq(place.version, VER);
	ck_assert_uint_eq(place.kind, 3);
	ck_assert(view_is(place.name, "store"));
}
END_TEST

/* The rows that lie in clear, byte by byte. */
START_TEST(the_header_is_the_documented_one)
{
	static const uint8_t vault[VAULT_ID_LEN] = { 1, 2, 3 };
	const struct header_row row = { .magic = view_of(ROWS_MAGIC),
		.format = ROWS_FORMAT, .vault = { vault, sizeof(vault) } };
	uint8_t buf[64];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	header_row_put(&w, &row);
	sample_assert_hex((struct view){ buf, w.len },
	    "0000000b" "636f667265207661756c74" "00000005"
	    "00000010" "01020300000000000000000000000000");
}
END_TEST

START_TEST(a_slot_is_the_documented_one)
{
	const struct slot_row row = { .type = 2, .ops = 3, .mem = 0x10000000,
		.salt = view_of("salt"), .created = 5, .uid = 1000,
		.wrapped = view_of("w") };
	uint8_t buf[64];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	slot_row_put(&w, &row);
	sample_assert_hex((struct view){ buf, w.len },
	    "02" "0000000000000003" "0000000010000000" "0000000473616c74"
	    "0000000000000005" "000003e8" "0000000177");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rows");
	TCase *t = tcase_create("rows");
	SRunner *sr;
	int failed;

	tcase_add_test(t, every_row_comes_back_as_it_was);
	tcase_add_test(t, every_row_is_refused_when_cut_or_too_long);
	tcase_add_test(t, every_string_and_list_of_a_row_has_its_limit);
	tcase_add_test(t, no_row_is_written_where_it_has_no_room);
	tcase_add_test(t, keys_are_the_documented_ones);
	tcase_add_test(t, a_key_is_parsed_to_what_it_was_made_of);
	tcase_add_test(t, a_key_of_another_length_or_table_is_none);
	tcase_add_test(t, kind_and_name_are_not_in_the_key);
	tcase_add_test(t, a_prefix_covers_a_workspace_and_no_other);
	tcase_add_test(t,
	    the_prefix_of_a_table_without_workspaces_is_its_byte);
	tcase_add_test(t, keys_sort_by_table_workspace_record_and_version);
	tcase_add_test(t, the_place_of_a_row_has_all_that_names_it);
	tcase_add_test(t, the_header_is_the_documented_one);
	tcase_add_test(t, a_slot_is_the_documented_one);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
