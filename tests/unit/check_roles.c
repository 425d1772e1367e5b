/* Custom roles: what may define one, its versions, and what a turn that
   fails leaves of them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "vaultdir.h"

static struct vault v;
static struct workspace *ws;

/* Linked in place of calloc() and vault_delete(), which fail when asked to. */
static bool no_memory, no_delete;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
enum cofre_status __real_vault_delete(struct vault *vault,
    const struct row_id *id);
enum cofre_status __wrap_vault_delete(struct vault *vault,
    const struct row_id *id);

void *
__wrap_calloc(size_t count, size_t size)
{
	return no_memory ? NULL : __real_calloc(count, size);
}

enum cofre_status
__wrap_vault_delete(struct vault *vault, const struct row_id *id)
{
	return no_delete ? COFRE_STORE_FAILED :
			       __real_vault_delete(vault, id);
}

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

/* The bytes of a list of one item, or of none. */
struct small {
	uint8_t bytes[256];
};

static struct list
patterns(struct small *l, const char *pattern)
{
	struct wire_writer w;

	wire_writer_init(&w, l->bytes, sizeof(l->bytes));
	if (pattern[0] != '\0')
		wire_put_string(&w, view_of(pattern), PATTERN_MAX);
	return (struct list){ pattern[0] != '\0', { w.data, w.len } };
}

static struct list
scopes(struct small *l, const char *workspace, const char *prefix)
{
	const struct scope_item item = { view_of(workspace),
		view_of(prefix) };
	struct wire_writer w;

	wire_writer_init(&w, l->bytes, sizeof(l->bytes));
	scope_item_put(&w, &item);
	ck_assert(!w.bad);
	return (struct list){ 1, { w.data, w.len } };
}

static struct small action, scope;

/* One that may be put: it reads secrets in "lab". */
static struct role_definition
good(const char *name)
{
	return (struct role_definition){ .name = view_of(name),
		.description = view_of("what it is for"),
		.data_actions = patterns(&action, "*/value/read"),
		.scopes = scopes(&scope, "lab", "") };
}

static enum cofre_status
put(const struct role_definition *d)
{
	uint32_t version = 99;

	return roles_put(&v, d, NO_ID, CREATOR, 1000, &version);
}

static void
put_good(const char *name)
{
	struct role_definition d = good(name);

	ck_assert_int_eq(put(&d), COFRE_OK);
}

static const struct role *
find(const char *name)
{
	struct policy p = vault_policy(&v);

	return policy_role(&p, policy_role_find(&p, view_of(name)));
}

static void
assert_refused(const struct role_definition *d, enum cofre_status want)
{
	uint64_t writes = vault_writes(&v);

	ck_assert_int_eq(put(d), want);
	ck_assert(find("r") == NULL);
	ck_assert_uint_eq(vault_writes(&v), writes);
}

START_TEST(a_definition_is_kept_with_its_versions)
{
	struct role_definition d = good("r");
	struct role_row row;
	uint32_t version = 0;

	ck_assert_int_eq(roles_put(&v, &d, 0, 7, 1234, &version), COFRE_OK);
	ck_assert_uint_eq(version, 1);
	vaultdir_commit(&v);
	d.data_actions = patterns(&action, "*/secrets/use/action");
	ck_assert_int_eq(roles_put(&v, &d, 0, 7, 1235, &version),
	    COFRE_CONFLICT);
	ck_assert_int_eq(roles_put(&v, &d, 1, 8, 1235, &version), COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ck_assert(version == 2 && find("r")->version == 2);
	ck_assert(find("r")->created == 1235 && find("r")->uid == 8);
	ck_assert_uint_eq(find("r")->actions, action_bit(ACTION_SECRET_USE));
	ck_assert_uint_eq(find("r")->scopes[0].workspace,
	    vaultdir_workspace(&v, "lab")->id);
	ck_assert_int_eq(roles_read(&v, find("r")->number, 1, &row), COFRE_OK);
	ck_assert(view_is(row.name, "r") && row.uid == 7 &&
	    row.created == 1234 && view_is(row.description, "what it is for"));
	ck_assert_int_eq(roles_read(&v, find("r")->number, 3, &row),
	    COFRE_NOT_FOUND);
}
END_TEST

START_TEST(not_takes_away_in_its_own_plane)
{
	struct small all, not_all, data, not_data;
	struct role_definition d = good("r");
	const struct view any = view_of("*");

	d.actions = patterns(&all, "*");
	d.not_actions = patterns(&not_all, "workspaces/secrets/*");
	d.data_actions = patterns(&data, "*");
	d.not_data_actions = patterns(&not_data, "*/value/read");
	ck_assert_int_eq(put(&d), COFRE_OK);
	/* The row was made in memory that is wiped with the turn. */
	ck_assert_uint_gt(v.build_used, d.name.len + d.description.len);
	ck_assert_uint_eq(find("r")->actions,
	    (action_expand(any, PLANE_CONTROL) &
		~action_expand(view_of("workspaces/secrets/*"), PLANE_CONTROL)) |
		(action_expand(any, PLANE_DATA) &
		    ~action_bit(ACTION_SECRET_READ)));
}
END_TEST

START_TEST(a_pattern_that_matches_nothing_is_refused)
{
	static const char *const none[] = { "workspaces/secrets", "x*" };

	for (size_t i = 0; i < COUNT(none); i++)
		for (unsigned k = 0; k < 4; k++) {
			struct role_definition d = good("r");
			struct small other;
			struct list *const lists[] = { &d.actions,
				&d.not_actions, &d.data_actions,
				&d.not_data_actions };

			*lists[k] = patterns(&other, none[i]);
			assert_refused(&d, COFRE_INVALID);
		}
}
END_TEST

START_TEST(a_list_that_is_not_what_it_says_is_refused)
{
	struct role_definition d = good("r");

	d.data_actions.count++;
	assert_refused(&d, COFRE_INVALID);
	d = good("r");
	d.data_actions.count = 0;
	assert_refused(&d, COFRE_INVALID);
	d = good("r");
	d.scopes.count++;
	assert_refused(&d, COFRE_INVALID);
	d = good("r");
	d.scopes.count = 0;
	assert_refused(&d, COFRE_INVALID);
	d.scopes.items.len = 0;
	assert_refused(&d, COFRE_INVALID);
	d = good("r");
	d.scopes.items.len++;
	assert_refused(&d, COFRE_INVALID);
}
END_TEST

START_TEST(a_scope_must_be_there_and_a_prefix_be_one)
{
	struct role_definition d = good("r");

	d.scopes = scopes(&scope, "nowhere", "");
	assert_refused(&d, COFRE_INVALID);
	d.scopes = scopes(&scope, "", "a");
	assert_refused(&d, COFRE_INVALID);
	d.scopes = scopes(&scope, "lab", "a b");
	assert_refused(&d, COFRE_INVALID);
	d.scopes = scopes(&scope, "lab", "a-");
	ck_assert_int_eq(put(&d), COFRE_OK);
	ck_assert_str_eq(find("r")->scopes[0].prefix, "a-");
	d.scopes = scopes(&scope, "", "");
	ck_assert_int_eq(put(&d), COFRE_OK);
	ck_assert_uint_eq(find("r")->scopes[0].workspace, 0);
}
END_TEST

START_TEST(a_name_must_be_one_and_nobody_elses)
{
	char text[ROLE_TEXT_MAX + 2];
	struct role_definition d = good("r ");

	assert_refused(&d, COFRE_INVALID);
	d = good("Owner");
	assert_refused(&d, COFRE_EXISTS);
	put_good("train");
	d = good("TRAIN");
	assert_refused(&d, COFRE_EXISTS);
	d = good("r");
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	d.description = view_of(text);
	assert_refused(&d, COFRE_INVALID);
	d.description.len--;
	ck_assert_int_eq(put(&d), COFRE_OK);
}
END_TEST

static void
grant(uint32_t role, const char *prefix)
{
	struct grant *g = &ws->policy.grants[ws->policy.grant_count++];

	*g = (struct grant){ .principal = PRINCIPAL_USER, .role = role,
		.id = 5 };
	memcpy(g->prefix, prefix, strlen(prefix) + 1);
}

START_TEST(a_role_is_not_narrowed_below_its_grants)
{
	struct role_definition d = good("r");

	put_good("other");
	put_good("r");
	grant(find("other")->number, "");
	grant(find("r")->number, "a-b");
	ck_assert_uint_eq(roles_used(&v, find("r")->number), 1);
	d.scopes = scopes(&scope, "lab", "a-");
	ck_assert_int_eq(put(&d), COFRE_OK);
	d.scopes = scopes(&scope, "lab", "a-c");
	ck_assert_int_eq(put(&d), COFRE_CONFLICT);
	ck_assert_uint_eq(find("r")->version, 2);
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_CONFLICT);
	ws->policy.grants[0] = ws->policy.grants[--ws->policy.grant_count];
	ck_assert_int_eq(put(&d), COFRE_CONFLICT);
	ws->policy.grants[0].role = find("other")->number;
	ck_assert_int_eq(put(&d), COFRE_OK);
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_OK);
	ck_assert(find("r") == NULL && find("other") != NULL);
}
END_TEST

START_TEST(as_many_versions_are_kept_as_is_said)
{
	struct role_row row;
	struct role_definition d = good("r");
	uint32_t number;

	for (uint32_t i = 0; i < ROLE_VERSIONS_MAX; i++)
		put_good("r");
	number = find("r")->number;
	ck_assert_int_eq(roles_read(&v, number, 1, &row), COFRE_OK);
	no_delete = true;
	ck_assert_int_eq(put(&d), COFRE_STORE_FAILED);
	no_delete = false;
	put_good("r");
	ck_assert_int_eq(roles_read(&v, number, 1, &row), COFRE_OK);
	ck_assert_int_eq(roles_read(&v, number, 2, &row), COFRE_NOT_FOUND);
	ck_assert_int_eq(roles_read(&v, number, 3, &row), COFRE_OK);
	/* Deleted, none of them is there. */
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_OK);
	for (uint32_t i = 3; i < ROLE_VERSIONS_MAX + 3; i++)
		ck_assert_int_eq(roles_read(&v, number, i, &row),
		    COFRE_NOT_FOUND);
	ck_assert_int_eq(roles_read(&v, number, ROLE_VERSIONS_MAX + 3, &row),
	    COFRE_OK);
	ck_assert(row.state == ROLE_DELETED && view_is(row.name, "r"));
}
END_TEST

START_TEST(what_is_not_there_and_what_is_built_in_stays)
{
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_NOT_FOUND);
	ck_assert_int_eq(roles_delete(&v, view_of("owner")), COFRE_CONFLICT);
	put_good("r");
	no_delete = true;
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_STORE_FAILED);
	no_delete = false;
	ck_assert(find("r") != NULL);
}
END_TEST

START_TEST(a_role_that_is_made_again_is_another_one)
{
	uint32_t number;

	put_good("r");
	number = find("r")->number;
	ck_assert_uint_ge(number, ROLE_CUSTOM);
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_OK);
	put_good("r");
	ck_assert(find("r")->number != number && find("r")->version == 1);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ck_assert(find("r")->number != number && find("r")->version == 1);
}
END_TEST

/* Also when it was changed more than once. */
START_TEST(a_turn_that_fails_takes_roles_back)
{
	put_good("r");
	put_good("s");
	vaultdir_commit(&v);
	put_good("r");
	put_good("r");
	put_good("new");
	ck_assert_int_eq(roles_delete(&v, view_of("s")), COFRE_OK);
	for (unsigned i = 0; i < 2; i++) {
		vault_poison(&v, COFRE_STORE_FULL);
		ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FULL);
		ck_assert(find("r")->version == 1 && find("s") != NULL);
		ck_assert(find("new") == NULL);
		put_good("new");
	}
	vault_poison(&v, COFRE_STORE_FULL);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FULL);
	put_good("r");
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ck_assert(find("r")->version == 2 && find("s") != NULL &&
	    find("new") == NULL);
}
END_TEST

START_TEST(what_cant_be_written_changes_nothing)
{
	struct role_definition d = good("r");

	vault_poison(&v, COFRE_STORE_FAILED);
	assert_refused(&d, COFRE_STORE_FAILED);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FAILED);
	put_good("s");
	vaultdir_commit(&v);
	vault_poison(&v, COFRE_STORE_FAILED);
	ck_assert_int_eq(roles_delete(&v, view_of("s")), COFRE_STORE_FAILED);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FAILED);
	ck_assert(find("s") != NULL);
	no_memory = true;
	ck_assert_int_eq(put(&d), COFRE_LIMIT);
	no_memory = false;
	ck_assert(find("r") == NULL);
	/* Numbers of records are 64 bits wide, those of roles 32. */
	v.now.next_record = UINT32_MAX / 2 + 1u;
	assert_refused(&d, COFRE_LIMIT);
	v.now.next_record--;
	ck_assert_int_eq(put(&d), COFRE_OK);
}
END_TEST

START_TEST(there_are_as_many_roles_as_is_said)
{
	char name[] = "r000";
	struct role_definition d;

	for (unsigned i = 0; i < ROLES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "r%03u", i);
		put_good(name);
	}
	d = good("one more");
	ck_assert_int_eq(put(&d), COFRE_LIMIT);
	put_good("r000");
	ck_assert_int_eq(roles_delete(&v, view_of("r007")), COFRE_OK);
	put_good("one more");
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ck_assert(find("one more") != NULL && find("r007") == NULL &&
	    find("r255") != NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("roles");
	TCase *t = tcase_create("roles");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_definition_is_kept_with_its_versions);
	tcase_add_test(t, not_takes_away_in_its_own_plane);
	tcase_add_test(t, a_pattern_that_matches_nothing_is_refused);
	tcase_add_test(t, a_list_that_is_not_what_it_says_is_refused);
	tcase_add_test(t, a_scope_must_be_there_and_a_prefix_be_one);
	tcase_add_test(t, a_name_must_be_one_and_nobody_elses);
	tcase_add_test(t, a_role_is_not_narrowed_below_its_grants);
	tcase_add_test(t, as_many_versions_are_kept_as_is_said);
	tcase_add_test(t, what_is_not_there_and_what_is_built_in_stays);
	tcase_add_test(t, a_role_that_is_made_again_is_another_one);
	tcase_add_test(t, a_turn_that_fails_takes_roles_back);
	tcase_add_test(t, what_cant_be_written_changes_nothing);
	tcase_add_test(t, there_are_as_many_roles_as_is_said);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
