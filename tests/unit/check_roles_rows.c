/* The rows of custom roles, as they are taken in at unlock. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "vaultdir.h"

static struct vault v;
static struct workspace *ws;

static void
setup(void)
{
	statedir_setup();
	vaultdir_open(&v, 64 * MIB);
	vaultdir_init(&v);
	ws = vaultdir_workspace(&v, "lab");
	vaultdir_commit(&v);
}

static void
teardown(void)
{
	vaultdir_close(&v);
	statedir_teardown();
}

static const struct role *
find(const char *name)
{
	struct policy p = vault_policy(&v);

	return policy_role(&p, policy_role_find(&p, view_of(name)));
}

/* A list of one pattern. */
static struct list
pattern(const char *text)
{
	static uint8_t bytes[64];
	const struct pattern_item item = { view_of(text) };
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	pattern_item_put(&w, &item);
	return (struct list){ 1, { w.data, w.len } };
}

/* The row of a good one; its bytes are made anew by each call. */
static struct view
row_bytes(uint8_t state, struct list some_scopes)
{
	static uint8_t bytes[ROW_MAX];
	struct role_row row = { .name = view_of("r"), .state = state,
		.data_actions = pattern("*/value/read"),
		.scopes = some_scopes };
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	role_row_put(&w, &row);
	ck_assert(!w.bad);
	return (struct view){ w.data, w.len };
}

static struct list
stored_scopes(void)
{
	static uint8_t bytes[64];
	const struct scope_row item = { ws->id, view_of("a-") };
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	scope_row_put(&w, &item);
	return (struct list){ 1, { w.data, w.len } };
}

static enum cofre_status
load(uint64_t workspace, uint64_t record, uint32_t version, struct view row)
{
	const struct row_id id = { .table = TABLE_ROLE,
		.workspace = workspace, .record = record,
		.version = version };

	return roles_load(&v, &id, row);
}

START_TEST(a_row_that_cant_be_is_corrupt)
{
	struct list l = stored_scopes();
	struct view row = row_bytes(ROLE_DEFINED, l);
	const struct role_definition d = { .name = view_of("r") };
	uint32_t version;

	row.len--;
	ck_assert_int_eq(load(0, ROLE_CUSTOM, 1, row), COFRE_CORRUPT);
	row.len++;
	ck_assert_int_eq(load(1, ROLE_CUSTOM, 1, row), COFRE_CORRUPT);
	ck_assert_int_eq(load(0, ((uint64_t)1 << 32) + ROLE_CUSTOM, 1, row),
	    COFRE_CORRUPT);
	ck_assert_int_eq(load(0, ROLE_CUSTOM - 1, 1, row), COFRE_CORRUPT);
	ck_assert_int_eq(load(0, ROLE_CUSTOM, 1,
	    row_bytes(ROLE_DELETED + 1, l)), COFRE_CORRUPT);
	l.count++;
	ck_assert_int_eq(load(0, ROLE_CUSTOM, 1, row_bytes(ROLE_DEFINED, l)),
	    COFRE_CORRUPT);
	l.count = 0;
	ck_assert_int_eq(load(0, ROLE_CUSTOM, 1, row_bytes(ROLE_DEFINED, l)),
	    COFRE_CORRUPT);
	l = stored_scopes();
	row = row_bytes(ROLE_DEFINED, l);
	/* Of the pattern, which no action fits then. */
	for (size_t i = 0; i < row.len; i++)
		if (row.data[i] == '*')
			((uint8_t *)(uintptr_t)row.data)[i] = 'x';
	ck_assert_int_eq(load(0, ROLE_CUSTOM, 1, row), COFRE_CORRUPT);
	ck_assert(find("r") == NULL);
	l = stored_scopes();
	ck_assert_int_eq(load(0, UINT32_MAX, UINT32_MAX - 1,
	    row_bytes(ROLE_DEFINED, l)), COFRE_OK);
	ck_assert_uint_eq(find("r")->number, UINT32_MAX);
	ck_assert_str_eq(find("r")->scopes[0].prefix, "a-");
	/* It has had all its versions, of which no row is there. */
	ck_assert_int_eq(roles_put(&v, &d, NO_ID, CREATOR, 1, &version),
	    COFRE_LIMIT);
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_OK);
	ck_assert(find("r") == NULL);
}
END_TEST

START_TEST(a_row_that_is_read_must_be_one)
{
	const struct row_id id = { .table = TABLE_ROLE, .record = ROLE_CUSTOM,
		.version = 1 };
	struct role_row row;

	ck_assert_int_eq(vault_begin(&v, 4096, false), COFRE_OK);
	ck_assert_int_eq(vault_write(&v, NULL, &id, view_of("no row")),
	    COFRE_OK);
	ck_assert_int_eq(roles_read(&v, ROLE_CUSTOM, 1, &row), COFRE_CORRUPT);
}
END_TEST

START_TEST(more_rows_than_there_may_be_roles_are_refused)
{
	struct view row = row_bytes(ROLE_DEFINED, stored_scopes());

	for (uint32_t i = 0; i < ROLES_MAX; i++)
		ck_assert_int_eq(load(0, ROLE_CUSTOM + i, 1, row), COFRE_OK);
	ck_assert_int_eq(load(0, ROLE_CUSTOM + ROLES_MAX, 1, row),
	    COFRE_LIMIT);
	/* What was deleted needs no place. */
	row = row_bytes(ROLE_DELETED, stored_scopes());
	ck_assert_int_eq(load(0, ROLE_CUSTOM + ROLES_MAX, 1, row), COFRE_OK);
	ck_assert_int_eq(load(0, ROLE_CUSTOM, 2, row), COFRE_OK);
	row = row_bytes(ROLE_DEFINED, stored_scopes());
	ck_assert_int_eq(load(0, ROLE_CUSTOM + ROLES_MAX, 1, row), COFRE_OK);
}
END_TEST

START_TEST(the_patterns_of_a_list_add_up)
{
	static uint8_t bytes[64];
	struct role_row row = { .data_actions = { 2, { bytes, 0 } } };
	struct wire_writer w;
	uint64_t set = 0;

	wire_writer_init(&w, bytes, sizeof(bytes));
	wire_put_string(&w, view_of("*/value/read"), PATTERN_MAX);
	wire_put_string(&w, view_of("*/secrets/use/action"), PATTERN_MAX);
	row.data_actions.items.len = w.len;
	ck_assert(roles_effective(&row, &set));
	ck_assert_uint_eq(set, action_bit(ACTION_SECRET_READ) |
		action_bit(ACTION_SECRET_USE));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("roles_rows");
	TCase *t = tcase_create("roles_rows");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_row_that_cant_be_is_corrupt);
	tcase_add_test(t, a_row_that_is_read_must_be_one);
	tcase_add_test(t, more_rows_than_there_may_be_roles_are_refused);
	tcase_add_test(t, the_patterns_of_a_list_add_up);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
