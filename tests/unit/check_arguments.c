#include <check.h>
#include <string.h>

#include "arguments.h"
#include "proto.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Numbers. */

static const struct {
	const char *text;
	uint32_t max;
	bool good;
	uint32_t value;
} numbers[] = {
	{ "0", 10, true, 0 },
	{ "7", 10, true, 7 },
	{ "10", 10, true, 10 },
	{ "11", 10, false, 0 },
	{ "4294967295", UINT32_MAX, true, UINT32_MAX },
	{ "4294967296", UINT32_MAX, false, 0 },
	{ "18446744073709551617", UINT32_MAX, false, 0 },
	{ "99999999999999999999999999", UINT32_MAX, false, 0 },
	{ "", 10, false, 0 },
	{ "+1", 10, false, 0 },
	{ "-1", UINT32_MAX, false, 0 },
	{ " 1", 10, false, 0 },
	{ "1 ", 10, false, 0 },
	{ "1\n", 10, false, 0 },
	{ "01", 10, false, 0 },
	{ "00", 10, false, 0 },
	{ "0x1", 10, false, 0 },
	{ "1a", 10, false, 0 },
	{ "1.0", 10, false, 0 },
	{ "1e1", 100, false, 0 },
	{ "\xd9\xa1", 10, false, 0 }, /* ARABIC-INDIC DIGIT ONE */
};

START_TEST(a_number_is_digits_alone_and_in_range)
{
	uint32_t v = 12345;

	ck_assert_msg(arg_u32(numbers[_i].text, numbers[_i].max, &v) ==
	    numbers[_i].good, "%s", numbers[_i].text);
	ck_assert_uint_eq(v, numbers[_i].good ? numbers[_i].value : 12345);
}
END_TEST

/* Principals. */

static const struct {
	const char *text;
	uint8_t kind; /* 0: refused */
	uint32_t id;
	const char *why;
} principals[] = {
	{ "user:0", PRINCIPAL_USER, 0, NULL },
	{ "user:2002", PRINCIPAL_USER, 2002, NULL },
	{ "group:100", PRINCIPAL_GROUP, 100, NULL },
	{ "user:4294967294", PRINCIPAL_USER, 4294967294, NULL },
	{ "user:65533", PRINCIPAL_USER, 65533, NULL },
	{ "user:65534", 0, 0, "nobody in particular" },
	{ "group:65534", 0, 0, "nobody in particular" },
	{ "user:4294967295", 0, 0, "none" },
	{ "group:4294967295", 0, 0, "none" },
	{ "user:4294967296", 0, 0, "not for a name" },
	{ "user:alice", 0, 0, "not for a name" },
	{ "group:wheel", 0, 0, "not for a name" },
	{ "user:", 0, 0, "no uid" },
	{ "group:-1", 0, 0, "no gid" },
	{ "user:+5", 0, 0, "no uid" },
	{ "user:05", 0, 0, "no uid" },
	{ "2002", 0, 0, "user:UID, group:GID," },
	{ "User:1", 0, 0, "user:UID, group:GID," },
	{ "uid:1", 0, 0, "user:UID, group:GID," },
	{ "identity:", 0, 0, "no workspace name" },
	{ "identity:ML", 0, 0, "no workspace name" },
	{ "identity:/", 0, 0, "no workspace name" },
	{ "ws:w", 0, 0, "user:UID, group:GID," },
	{ "operator", 0, 0, "user:UID, group:GID," },
	{ "", 0, 0, "user:UID, group:GID," },
};

START_TEST(a_principal_is_a_kind_and_a_number)
{
	struct arg_principal who;
	struct problem p = { "" };
	enum cofre_status s = arg_principal(principals[_i].text, &who, &p);

	if (principals[_i].kind != 0) {
		ck_assert_int_eq(s, COFRE_OK);
		ck_assert_uint_eq(who.kind, principals[_i].kind);
		ck_assert_uint_eq(who.id, principals[_i].id);
		ck_assert_uint_eq(who.who.len, 0);
		return;
	}
	ck_assert_int_eq(s, COFRE_ARGUMENT);
	ck_assert_msg(strstr(p.text, principals[_i].why) != NULL,
	    "%s: %s", principals[_i].text, p.text);
}
END_TEST

START_TEST(an_identity_has_the_name_of_its_workspace)
{
	struct arg_principal who;
	struct problem p;

	ck_assert_int_eq(arg_principal("identity:ml-prod", &who, &p),
	    COFRE_OK);
	ck_assert_uint_eq(who.kind, PRINCIPAL_IDENTITY);
	ck_assert_uint_eq(who.id, 0);
	ck_assert(view_equal(who.who, view_of("ml-prod")));
}
END_TEST

static const struct {
	const char *text;
	const char *workspace; /* NULL: refused */
	const char *prefix;
	const char *why;
} places[] = {
	{ "/", "", "", NULL },
	{ "ml-prod", "ml-prod", "", NULL },
	{ "ml-prod/train-*", "ml-prod", "train-", NULL },
	{ "w/A*", "w", "A", NULL },
	{ "w/*", NULL, NULL, "WORKSPACE/PREFIX*" },
	{ "w/", NULL, NULL, "WORKSPACE/PREFIX*" },
	{ "w/train", NULL, NULL, "WORKSPACE/PREFIX*" },
	{ "w/a*b", NULL, NULL, "WORKSPACE/PREFIX*" },
	{ "w/a**", NULL, NULL, "can begin so" },
	{ "w/-a*", NULL, NULL, "can begin so" },
	{ "w/a/b*", NULL, NULL, "can begin so" },
	{ "W/a*", NULL, NULL, "before the slash" },
	{ "//a*", NULL, NULL, "no workspace name" },
	{ "/a*", NULL, NULL, "no workspace name" },
	{ "*", NULL, NULL, "no workspace name" },
	{ "", NULL, NULL, "no workspace name" },
};

START_TEST(a_place_is_the_vault_a_workspace_or_a_prefix)
{
	struct arg_place place;
	struct problem p = { "" };
	enum cofre_status s = arg_place(places[_i].text, &place, &p);

	if (places[_i].workspace == NULL) {
		ck_assert_int_eq(s, COFRE_ARGUMENT);
		ck_assert_msg(strstr(p.text, places[_i].why) != NULL,
		    "%s: %s", places[_i].text, p.text);
		return;
	}
	ck_assert_int_eq(s, COFRE_OK);
	ck_assert(view_equal(place.workspace, view_of(places[_i].workspace)));
	ck_assert(view_equal(place.prefix, view_of(places[_i].prefix)));
}
END_TEST

/* Names. */

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A127 A63 "b" A63

static const struct {
	const char *text;
	const char *workspace; /* NULL: refused */
	const char *name;
} objects[] = {
	{ "ml-prod/store", "ml-prod", "store" },
	{ "a/A.b_c-9", "a", "A.b_c-9" },
	{ "0/0", "0", "0" },
	{ A63 "/" A127, A63, A127 },
	{ A63 "a/x", NULL, NULL },
	{ "x/" A127 "a", NULL, NULL },
	{ "", NULL, NULL },
	{ "/", NULL, NULL },
	{ "a", NULL, NULL },
	{ "a/", NULL, NULL },
	{ "/a", NULL, NULL },
	{ "a//b", NULL, NULL },
	{ "a/b/c", NULL, NULL },
	{ "a/..", NULL, NULL },
	{ "../a", NULL, NULL },
	{ "a/.b", NULL, NULL },
	{ "A/b", NULL, NULL },
	{ "a/b ", NULL, NULL },
	{ " a/b", NULL, NULL },
	{ "a/b\n", NULL, NULL },
	{ "a\xe2\x81\x84" "b/c", NULL, NULL }, /* FRACTION SLASH */
	{ "a/\xc3\xa4", NULL, NULL },
	{ "-a/b", NULL, NULL },
};

START_TEST(an_object_is_two_names_of_the_closed_grammar)
{
	struct arg_object o;
	struct problem p = { "" };
	enum cofre_status s;

	memset(&o, 0x55, sizeof(o));
	s = arg_object(objects[_i].text, &o, &p);
	if (objects[_i].workspace == NULL) {
		ck_assert_msg(s == COFRE_ARGUMENT, "%s", objects[_i].text);
		ck_assert_int_gt((int)strlen(p.text), 0);
		ck_assert_int_eq(o.name[0], 0x55);
		return;
	}
	ck_assert_msg(s == COFRE_OK, "%s", p.text);
	ck_assert_str_eq(o.workspace, objects[_i].workspace);
	ck_assert_str_eq(o.name, objects[_i].name);
}
END_TEST

START_TEST(a_scope_is_a_workspace_or_the_vault)
{
	struct problem p;
	struct view v;

	ck_assert_int_eq(arg_scope("/", &v, &p), COFRE_OK);
	ck_assert_uint_eq(v.len, 0);
	ck_assert_int_eq(arg_scope("ml-prod", &v, &p), COFRE_OK);
	ck_assert(view_is(v, "ml-prod"));
	ck_assert_int_eq(arg_scope("", &v, &p), COFRE_ARGUMENT);
	ck_assert_int_eq(arg_scope("//", &v, &p), COFRE_ARGUMENT);
	ck_assert_int_eq(arg_workspace("/", &v, &p), COFRE_ARGUMENT);
}
END_TEST

START_TEST(a_pair_is_split_at_its_first_equals_sign)
{
	struct problem p;
	struct view name;
	const char *value;

	ck_assert_int_eq(arg_pair("a=b=c", "--meta", &name, &value, &p),
	    COFRE_OK);
	ck_assert(view_is(name, "a"));
	ck_assert_str_eq(value, "b=c");
	ck_assert_int_eq(arg_pair("a=", "--meta", &name, &value, &p),
	    COFRE_OK);
	ck_assert_str_eq(value, "");
	ck_assert_int_eq(arg_pair("=b", "--meta", &name, &value, &p),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(arg_pair("1=b", "--meta", &name, &value, &p),
	    COFRE_ARGUMENT);
}
END_TEST

START_TEST(a_pair_without_a_name_is_not_repeated_in_the_error)
{
	struct problem p;
	struct view name;
	const char *value;

	ck_assert_int_eq(arg_pair("hunter2", "--meta", &name, &value, &p),
	    COFRE_ARGUMENT);
	ck_assert_ptr_null(strstr(p.text, "hunter2"));
	ck_assert_int_eq(arg_pair("hun ter=2", "--meta", &name, &value, &p),
	    COFRE_ARGUMENT);
	ck_assert_ptr_null(strstr(p.text, "hun"));
}
END_TEST

/* Times. */

#define NOW ((uint64_t)1790000000 * 1000000) /* 2026-09-21T14:13:20Z */
#define S ((uint64_t)1000000)

static const struct {
	const char *text;
	uint64_t value; /* 0: refused */
} times[] = {
	{ "1970-01-01T00:00:01Z", 1 * S },
	{ "2026-09-21T14:13:20Z", NOW },
	{ "2026-09-21T14:13:20.5Z", NOW + 500000 },
	{ "2026-09-21T14:13:20.000001Z", NOW + 1 },
	{ "2028-02-29T00:00:00Z", 1835395200 * S },
	{ "9999-12-31T23:59:59Z", 253402300799 * S },
	{ "+1s", NOW + S },
	{ "+90m", NOW + 5400 * S },
	{ "+12h", NOW + 43200 * S },
	{ "+30d", NOW + 2592000 * S },
	{ "-12h", NOW - 43200 * S },
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1969-12-31T23:59:59Z", 0 },
	{ "2026-02-29T00:00:00Z", 0 },
	{ "2026-02-30T00:00:00Z", 0 },
	{ "2026-13-01T00:00:00Z", 0 },
	{ "2026-00-01T00:00:00Z", 0 },
	{ "2026-01-00T00:00:00Z", 0 },
	{ "2026-01-01T24:00:00Z", 0 },
	{ "2026-01-01T00:60:00Z", 0 },
	{ "2026-06-30T23:59:60Z", 0 },
	{ "2026-01-01T00:00:00", 0 },
	{ "2026-01-01T00:00:00z", 0 },
	{ "2026-01-01t00:00:00Z", 0 },
	{ "2026-01-01 00:00:00Z", 0 },
	{ "2026-01-01T00:00:00+00:00", 0 },
	{ "2026-01-01T00:00:00+01:00", 0 },
	{ "2026-01-01T00:00:00Z ", 0 },
	{ "2026-01-01T00:00:00.Z", 0 },
	{ "2026-01-01T00:00:00.1234567Z", 0 },
	{ "2026-1-1T00:00:00Z", 0 },
	{ "2026-01-x1T00:00:00Z", 0 },
	{ "2026-01/01T00:00:00Z", 0 },
	{ "2026-01-01Tx0:00:00Z", 0 },
	{ "2026-01-01T00.00:00Z", 0 },
	{ "2026-01-01T00:x0:00Z", 0 },
	{ "2026-01-01T00:00.00Z", 0 },
	{ "2026-01-01T00:00:x0Z", 0 },
	{ "2026-01-01T00:00:60Z", 0 },
	{ "2026-01-01", 0 },
	{ "10000-01-01T00:00:00Z", 0 },
	{ "1790000000", 0 },
	{ "tomorrow", 0 },
	{ "", 0 },
	{ "+", 0 },
	{ "+d", 0 },
	{ "+30", 0 },
	{ "+30w", 0 },
	{ "+30dd", 0 },
	{ "+-1d", 0 },
	{ "++1d", 0 },
	{ "+1.5d", 0 },
	{ "+ 1d", 0 },
	{ "+99999999d", 0 },
	{ "+99999999999999999999d", 0 },
	{ "-30000d", 0 },
	/* Past the last year that has four digits. */
	{ "+2932896d", 0 },
};

START_TEST(a_time_is_rfc_3339_in_utc_or_a_distance)
{
	uint64_t t = 0;
	bool good = arg_time(times[_i].text, NOW, &t);

	ck_assert_msg(good == (times[_i].value != 0), "%s", times[_i].text);
	ck_assert_msg(t == times[_i].value, "%s", times[_i].text);
}
END_TEST

static const char *const no_units[] = { "", "agent", "/a.service",
	"a.slice/b.service" };

START_TEST(a_unit_has_a_type_and_is_no_path)
{
	char text[UNIT_NAME_MAX + 2];
	struct problem p;
	struct view v;

	ck_assert_int_eq(arg_unit("agent@1.service", &v, &p), COFRE_OK);
	ck_assert(view_is(v, "agent@1.service"));
	memset(text, 'a', sizeof(text) - 1);
	text[1] = '.';
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < COUNT(no_units); i++) {
		ck_assert_int_eq(arg_unit(no_units[i], &v, &p),
		    COFRE_ARGUMENT);
		ck_assert_ptr_nonnull(strstr(p.text, "is no unit"));
	}
	ck_assert_int_eq(arg_unit(text, &v, &p), COFRE_ARGUMENT);
	text[UNIT_NAME_MAX] = '\0';
	ck_assert_int_eq(arg_unit(text, &v, &p), COFRE_OK);
}
END_TEST

START_TEST(every_operation_is_found_by_its_name)
{
#define OP(code, ID, id, name, scope, action, flags)                         \
	ck_assert_uint_eq(arg_op(name), code);
#include "ops.def"
#undef OP
	ck_assert_uint_eq(arg_op("secret"), 0);
	ck_assert_uint_eq(arg_op(""), 0);
	ck_assert_uint_eq(arg_op("?"), 0);
}
END_TEST

START_TEST(every_status_is_found_by_its_name)
{
	uint32_t s = 99;

	ck_assert(!arg_status("unknown", &s));
	ck_assert(!arg_status("", &s));
	ck_assert_uint_eq(s, 99);
#define STATUS(code, ID, name, exit, text)                                   \
	ck_assert(arg_status(name, &s));                                     \
	ck_assert_uint_eq(s, code);
#include "status.def"
#undef STATUS
}
END_TEST

static TCase *
values(void)
{
	TCase *tc = tcase_create("values");

	tcase_add_loop_test(tc, a_number_is_digits_alone_and_in_range, 0,
	    (int)COUNT(numbers));
	tcase_add_loop_test(tc, a_principal_is_a_kind_and_a_number, 0,
	    (int)COUNT(principals));
	tcase_add_test(tc, an_identity_has_the_name_of_its_workspace);
	tcase_add_loop_test(tc, a_place_is_the_vault_a_workspace_or_a_prefix,
	    0, (int)COUNT(places));
	tcase_add_loop_test(tc, an_object_is_two_names_of_the_closed_grammar,
	    0, (int)COUNT(objects));
	tcase_add_test(tc, a_scope_is_a_workspace_or_the_vault);
	tcase_add_test(tc, a_pair_is_split_at_its_first_equals_sign);
	tcase_add_test(tc, a_pair_without_a_name_is_not_repeated_in_the_error);
	tcase_add_loop_test(tc, a_time_is_rfc_3339_in_utc_or_a_distance, 0,
	    (int)COUNT(times));
	tcase_add_test(tc, a_unit_has_a_type_and_is_no_path);
	tcase_add_test(tc, every_operation_is_found_by_its_name);
	tcase_add_test(tc, every_status_is_found_by_its_name);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("arguments");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, values());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
