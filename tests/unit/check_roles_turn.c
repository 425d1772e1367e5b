/* What defining and deleting a role looks at, and what it asks of the store. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "vaultdir.h"

static struct vault v;
static struct workspace *ws;

/* Linked in place of what writes: what it was last asked for. */
static struct {
	size_t need;
	bool reserve;
	unsigned deletes;
} asked;

enum cofre_status __real_vault_begin(struct vault *vault, size_t need,
    bool reserve);
enum cofre_status __wrap_vault_begin(struct vault *vault, size_t need,
    bool reserve);
enum cofre_status __real_vault_delete(struct vault *vault,
    const struct row_id *id);
enum cofre_status __wrap_vault_delete(struct vault *vault,
    const struct row_id *id);

enum cofre_status
__wrap_vault_begin(struct vault *vault, size_t need, bool reserve)
{
	asked.need = need;
	asked.reserve = reserve;
	return __real_vault_begin(vault, need, reserve);
}

enum cofre_status
__wrap_vault_delete(struct vault *vault, const struct row_id *id)
{
	asked.deletes++;
	return __real_vault_delete(vault, id);
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

/* Define it to read secrets whose names begin so, in that workspace. */
static enum cofre_status
put(const char *name, const char *workspace, const char *prefix)
{
	const struct scope_item scope = { view_of(workspace),
		view_of(prefix) };
	uint8_t pattern[64], scopes[128];
	struct role_definition d = { .name = view_of(name) };
	struct wire_writer w;
	uint32_t version;

	wire_writer_init(&w, pattern, sizeof(pattern));
	wire_put_string(&w, view_of("*/value/read"), PATTERN_MAX);
	d.data_actions = (struct list){ 1, { w.data, w.len } };
	wire_writer_init(&w, scopes, sizeof(scopes));
	scope_item_put(&w, &scope);
	d.scopes = (struct list){ 1, { w.data, w.len } };
	return roles_put(&v, &d, NO_ID, CREATOR, 1000, &version);
}

static const struct role *
find(const char *name)
{
	struct policy p = vault_policy(&v);

	return policy_role(&p, policy_role_find(&p, view_of(name)));
}

static void
grant(struct policy_scope *scope, const char *role)
{
	scope->grants[scope->grant_count++] = (struct grant){
		.principal = PRINCIPAL_USER, .role = find(role)->number,
		.id = 5 };
}

/* Room for a definition; what deletes may take what is kept for that. */
START_TEST(room_is_asked_for_before_anything_is_written)
{
	ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	ck_assert_uint_eq(asked.need, 65536);
	ck_assert(!asked.reserve);
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_OK);
	ck_assert_uint_eq(asked.need, 32768);
	ck_assert(asked.reserve);
}
END_TEST

START_TEST(a_new_role_has_the_number_of_the_next_record_and_the_first_place)
{
	ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	ck_assert_uint_eq(find("r")->number, v.now.next_record + ROLE_CUSTOM);
	ck_assert_ptr_eq(v.roles.now[0], find("r"));
	ck_assert_int_eq(put("s", "lab", ""), COFRE_OK);
	ck_assert_uint_eq(find("s")->number, v.now.next_record + ROLE_CUSTOM);
	ck_assert_ptr_eq(v.roles.now[1], find("s"));
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_OK);
	ck_assert_int_eq(put("t", "lab", ""), COFRE_OK);
	ck_assert_ptr_eq(v.roles.now[0], find("t"));
}
END_TEST

START_TEST(no_version_is_deleted_that_is_not_there)
{
	for (unsigned i = 0; i < ROLE_VERSIONS_MAX; i++)
		ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	ck_assert_uint_eq(asked.deletes, 0);
	ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	ck_assert_uint_eq(asked.deletes, 1);
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_OK);
	ck_assert_uint_eq(asked.deletes, 1 + ROLE_VERSIONS_MAX);
	ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_OK);
	ck_assert_uint_eq(asked.deletes, 3 + ROLE_VERSIONS_MAX);
}
END_TEST

/* Where a deleted role's row was made is wiped with the turn. */
START_TEST(deleting_a_role_uses_the_memory_that_is_wiped)
{
	ck_assert_int_eq(put("a role with a name", "lab", ""), COFRE_OK);
	vaultdir_commit(&v);
	v.build_used = 0;
	ck_assert_int_eq(roles_delete(&v, view_of("a role with a name")),
	    COFRE_OK);
	ck_assert_uint_gt(v.build_used, strlen("a role with a name"));
}
END_TEST

/* Grants of the first slot, of the last one, and of none behind the last
   grant. */
START_TEST(every_grant_of_a_role_counts)
{
	struct policy_scope *vault = &v.workspaces[0]->policy;
	const size_t count = v.scope_count;
	size_t slot = 0;

	ck_assert_int_eq(put("r", "", ""), COFRE_OK);
	ck_assert_uint_eq(roles_used(&v, find("r")->number), 0);
	grant(vault, "r");
	grant(&ws->policy, "r");
	ck_assert_uint_eq(roles_used(&v, find("r")->number), 2);
	ck_assert_int_eq(put("r", "lab", ""), COFRE_CONFLICT);
	vault->grant_count--;
	ck_assert_uint_eq(roles_used(&v, find("r")->number), 1);
	ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	while (v.workspaces[slot] != ws)
		slot++;
	v.workspaces[slot] = NULL;
	v.workspaces[WORKSPACES_MAX - 1] = ws;
	v.scope_count = WORKSPACES_MAX;
	ck_assert_uint_eq(roles_used(&v, find("r")->number), 1);
	ck_assert_int_eq(put("r", "lab", "a-"), COFRE_CONFLICT);
	ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	v.workspaces[WORKSPACES_MAX - 1] = NULL;
	v.workspaces[slot] = ws;
	v.scope_count = count;
	ws->policy.grant_count--;
	ck_assert_uint_eq(roles_used(&v, find("r")->number), 0);
	ck_assert_int_eq(put("r", "lab", "a-"), COFRE_OK);
}
END_TEST

START_TEST(a_turn_that_only_deletes_is_taken_back)
{
	ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(roles_delete(&v, view_of("r")), COFRE_OK);
	ck_assert_ptr_null(find("r"));
	vault_poison(&v, COFRE_STORE_FULL);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FULL);
	ck_assert_ptr_nonnull(find("r"));
}
END_TEST

/* Also in the middle of a turn. */
START_TEST(forgetting_the_roles_leaves_none)
{
	ck_assert_int_eq(put("r", "lab", ""), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(put("s", "lab", ""), COFRE_OK);
	roles_forget(&v);
	ck_assert(!v.roles.changed);
	for (size_t i = 0; i < ROLES_MAX; i++) {
		ck_assert_ptr_null(v.roles.now[i]);
		ck_assert_ptr_null(v.roles.before[i]);
	}
}
END_TEST

/* Not after so many items have been looked for that are not there. */
START_TEST(a_list_that_says_it_is_endless_is_refused_at_once)
{
	struct role_row row = { .data_actions = { UINT32_MAX, { NULL, 0 } } };
	uint64_t set;

	ck_assert(!roles_effective(&row, &set));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("roles in a turn");
	TCase *t = tcase_create("roles in a turn");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, room_is_asked_for_before_anything_is_written);
	tcase_add_test(t,
	    a_new_role_has_the_number_of_the_next_record_and_the_first_place);
	tcase_add_test(t, no_version_is_deleted_that_is_not_there);
	tcase_add_test(t, deleting_a_role_uses_the_memory_that_is_wiped);
	tcase_add_test(t, every_grant_of_a_role_counts);
	tcase_add_test(t, a_turn_that_only_deletes_is_taken_back);
	tcase_add_test(t, forgetting_the_roles_leaves_none);
	tcase_add_test(t, a_list_that_says_it_is_endless_is_refused_at_once);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
