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
		.role = 3, .created = 0x0102030405060708, .uid = 7 };
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
	    "02" "000007d1" "03" "0102030405060708" "00000007");
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

/*
 * The operations as they are known outside: a code is never given again, and
 * what an operation demands is not changed by accident.
 */
#define CHANGES (OPF_ADMIN | OPF_WRITE)
static const struct {
	uint16_t code;
	const char *name;
	enum scope scope;
	const char *action;
	unsigned flags;
} operations[] = {
	{ 1, "hello", SCOPE_NONE, "none", OPF_LOCKED | OPF_EMPTY | OPF_SHARED },
	{ 2, "status", SCOPE_NONE, "none", OPF_LOCKED | OPF_EMPTY | OPF_SHARED },
	{ 3, "vault.report", SCOPE_VAULT, "vault/read",
	    OPF_LOCKED | OPF_EMPTY },
	{ 8, "vault.init", SCOPE_VAULT, "vault/manage",
	    OPF_EMPTY | OPF_LOCKED | OPF_ADMIN | OPF_WRITE },
	{ 9, "vault.unlock", SCOPE_VAULT, "vault/manage",
	    OPF_LOCKED | OPF_ADMIN },
	{ 10, "vault.lock", SCOPE_VAULT, "vault/manage",
	    OPF_LOCKED | OPF_ADMIN },
	{ 11, "slot.list", SCOPE_VAULT, "vault/manage", OPF_LOCKED },
	{ 12, "slot.add", SCOPE_VAULT, "vault/manage", CHANGES },
	{ 13, "slot.remove", SCOPE_VAULT, "vault/manage", CHANGES },
	{ 16, "workspace.create", SCOPE_WORKSPACE, "workspace/create",
	    CHANGES },
	{ 17, "workspace.list", SCOPE_NONE, "none", 0 },
	{ 18, "workspace.show", SCOPE_WORKSPACE, "workspace/read", 0 },
	{ 19, "workspace.delete", SCOPE_WORKSPACE, "workspace/delete",
	    CHANGES },
	{ 24, "identity.bind", SCOPE_WORKSPACE, "identity/write", CHANGES },
	{ 25, "identity.unbind", SCOPE_WORKSPACE, "identity/write", CHANGES },
	{ 26, "identity.show", SCOPE_WORKSPACE, "identity/read", 0 },
	{ 32, "grant.add", SCOPE_ANY, "grant/write", CHANGES },
	{ 33, "grant.remove", SCOPE_ANY, "grant/write", CHANGES },
	{ 34, "grant.list", SCOPE_ANY, "grant/read", 0 },
	{ 48, "secret.put", SCOPE_SECRET, "secret/write", OPF_WRITE },
	{ 49, "secret.get", SCOPE_SECRET, "secret/read", OPF_SECRET },
	{ 50, "secret.list", SCOPE_WORKSPACE, "secret/list", 0 },
	{ 51, "secret.show", SCOPE_SECRET, "secret/list", 0 },
	{ 52, "secret.versions", SCOPE_SECRET, "secret/list", 0 },
	{ 53, "secret.delete", SCOPE_SECRET, "secret/delete", OPF_WRITE },
	{ 54, "secret.undelete", SCOPE_SECRET, "secret/delete", OPF_WRITE },
	{ 55, "secret.purge", SCOPE_SECRET, "secret/purge", CHANGES },
	{ 64, "activity.read", SCOPE_ANY, "activity/read", 0 },
};

START_TEST(each_operation_demands_what_it_is_known_for)
{
	for (size_t i = 0; i < COUNT(operations); i++) {
		const struct op *op = op_find(operations[i].code);

		ck_assert_ptr_nonnull(op);
		ck_assert_uint_eq(op->code, operations[i].code);
		ck_assert_str_eq(op->name, operations[i].name);
		ck_assert_str_eq(op_name(op->code), op->name);
		ck_assert_int_eq(op->scope, operations[i].scope);
		ck_assert_str_eq(action_name(op->action),
		    operations[i].action);
		ck_assert_msg(op->flags == operations[i].flags, "%s",
		    op->name);
	}
}
END_TEST

START_TEST(no_other_code_is_an_operation)
{
	size_t count = 0;

	for (uint32_t code = 0; code <= UINT16_MAX; code++) {
		if (op_find((uint16_t)code) != NULL)
			count++;
		else
			ck_assert_str_eq(op_name((uint16_t)code), "?");
	}
	ck_assert_uint_eq(count, COUNT(operations));
}
END_TEST

START_TEST(codes_and_names_of_operations_are_unique)
{
	static const struct {
		uint16_t code;
		const char *name;
	} rows[] = {
#define OP(code, ID, id, name, scope, action, flags) { code, name },
#include "ops.def"
#undef OP
	};

	ck_assert_uint_eq(COUNT(rows), COUNT(operations));
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t j = 0; j < i; j++) {
			ck_assert_uint_ne(rows[i].code, rows[j].code);
			ck_assert_str_ne(rows[i].name, rows[j].name);
		}
}
END_TEST

/* What the scope of an operation says that its request begins with. */
#define NAMED_NONE
#define NAMED_VAULT
#define NAMED_WORKSPACE m.workspace = view_of("ws");
#define NAMED_ANY NAMED_WORKSPACE
#define NAMED_SECRET NAMED_WORKSPACE m.name = view_of("nm");
#define OP(code, ID, id, name_, scope, action, flags)                        \
	static void begin_##id(struct wire_writer *w)                        \
	{                                                                    \
		struct id##_request m;                                       \
                                                                             \
		memset(&m, 0, sizeof(m));                                    \
		NAMED_##scope id##_request_put(w, &m);                       \
	}
#include "ops.def"
#undef OP

static const struct {
	uint16_t code;
	void (*begin)(struct wire_writer *w);
} beginnings[] = {
#define OP(code, ID, id, name, scope, action, flags) { code, begin_##id },
#include "ops.def"
#undef OP
};

START_TEST(a_request_begins_with_what_its_scope_names)
{
	for (size_t i = 0; i < COUNT(beginnings); i++) {
		enum scope scope = op_find(beginnings[i].code)->scope;
		uint8_t buf[256];
		struct wire_writer w;
		struct wire_reader r;

		wire_writer_init(&w, buf, sizeof(buf));
		beginnings[i].begin(&w);
		ck_assert(!w.bad);
		wire_reader_init(&r, (struct view){ buf, w.len });
		if (scope != SCOPE_NONE && scope != SCOPE_VAULT)
			ck_assert(view_is(wire_get_string(&r,
			    COFRE_WORKSPACE_NAME_MAX), "ws"));
		if (scope == SCOPE_SECRET)
			ck_assert(view_is(wire_get_string(&r,
			    COFRE_SECRET_NAME_MAX), "nm"));
	}
}
END_TEST

START_TEST(only_what_has_no_scope_needs_no_action)
{
	for (size_t i = 0; i < COUNT(operations); i++) {
		const struct op *op = op_find(operations[i].code);

		ck_assert_msg((op->scope == SCOPE_NONE) ==
			(op->action == ACTION_NONE), "%s", op->name);
		if ((op->flags & OPF_EMPTY) != 0)
			ck_assert_msg((op->flags & OPF_LOCKED) != 0, "%s",
			    op->name);
	}
}
END_TEST

START_TEST(actions_roles_and_principals_have_unique_names)
{
	static const char *const actions[] = {
#define ACTION(bit, ID, name) name,
#include "actions.def"
#undef ACTION
	};

	for (size_t i = 0; i < COUNT(actions); i++) {
		ck_assert_str_eq(action_name((enum action)i), actions[i]);
		ck_assert_uint_eq(action_bit((enum action)i), 1u << i);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(actions[i], actions[j]);
	}
	ck_assert_str_eq(action_name((enum action)COUNT(actions)), "?");
	for (uint8_t i = ROLE_OWNER; i <= ROLE_READER; i++)
		ck_assert_uint_eq(role_find(role_name(i)), i);
	ck_assert_str_eq(role_name(ROLE_NONE), "none");
	ck_assert_str_eq(principal_name(PRINCIPAL_NONE), "none");
	ck_assert_str_eq(principal_name(PRINCIPAL_OPERATOR), "operator");
	ck_assert_str_eq(principal_name(PRINCIPAL_USER), "user");
	ck_assert_str_eq(principal_name(PRINCIPAL_GROUP), "group");
	ck_assert_str_eq(principal_name(PRINCIPAL_IDENTITY), "identity");
	for (unsigned i = ROLE_READER + 1; i < 256; i++)
		ck_assert_str_eq(role_name((uint8_t)i), "?");
	for (unsigned i = PRINCIPAL_IDENTITY + 1; i < 256; i++)
		ck_assert_str_eq(principal_name((uint8_t)i), "?");
}
END_TEST

START_TEST(a_role_is_found_by_its_name_alone)
{
	ck_assert_int_eq(role_find("owner"), ROLE_OWNER);
	ck_assert_int_eq(role_find("contributor"), ROLE_CONTRIBUTOR);
	ck_assert_int_eq(role_find("reader"), ROLE_READER);
	ck_assert_int_eq(role_find("none"), ROLE_NONE);
	ck_assert_int_eq(role_find("Owner"), ROLE_NONE);
	ck_assert_int_eq(role_find("owner "), ROLE_NONE);
	ck_assert_int_eq(role_find(""), ROLE_NONE);
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
	tcase_add_test(t, every_boolean_is_0_or_1);
	tcase_add_test(t, no_message_is_written_where_it_has_no_room);
	tcase_add_test(t, the_bytes_are_those_of_the_document);
	tcase_add_test(t, a_list_is_written_item_by_item_and_walked);
	tcase_add_test(t, a_list_with_another_count_than_items_is_noticed);
	tcase_add_test(t, a_list_longer_than_a_frame_is_refused);
	tcase_add_test(t, a_list_without_room_leaves_the_writer_bad);
	tcase_add_test(t, each_operation_demands_what_it_is_known_for);
	tcase_add_test(t, no_other_code_is_an_operation);
	tcase_add_test(t, codes_and_names_of_operations_are_unique);
	tcase_add_test(t, a_request_begins_with_what_its_scope_names);
	tcase_add_test(t, only_what_has_no_scope_needs_no_action);
	tcase_add_test(t, actions_roles_and_principals_have_unique_names);
	tcase_add_test(t, a_role_is_found_by_its_name_alone);
	tcase_add_test(t, the_largest_secret_fits_into_a_row_and_a_frame);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
