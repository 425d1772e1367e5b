#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "vaultdir.h"

static struct vault v;

static void
setup(void)
{
	statedir_setup();
	vaultdir_open(&v, 64 * MIB);
	vaultdir_init(&v);
}

static void
teardown(void)
{
	vaultdir_close(&v);
	statedir_teardown();
}

static struct workspace *
find(const char *name)
{
	return vault_workspace(&v, view_of(name));
}

static enum cofre_status
put(const char *workspace, const char *name, uint64_t record,
    uint32_t version, const char *value)
{
	return vaultdir_put(&v, vaultdir_workspace(&v, workspace), name,
	    record, version, value);
}

static bool
has(const char *workspace, const char *name, uint64_t record,
    uint32_t version, const char *value)
{
	return vaultdir_has(&v, vaultdir_workspace(&v, workspace), name,
	    record, version, value);
}

/* The version that the catalogue knows of a name; 0: none. */
static uint32_t
version_of(const char *workspace, const char *name)
{
	struct workspace *ws = find(workspace);
	const struct catalog_entry *e = ws == NULL ? NULL :
	    catalog_find(v.catalog, ws->id, view_of(name));

	return e == NULL ? 0 : e->version;
}

START_TEST(a_workspace_is_made_once_and_found_by_name_and_id)
{
	struct workspace *a = vaultdir_workspace(&v, "a"), *b = NULL;
	uint64_t id = a->id;

	ck_assert_int_eq(workspace_create(&v, view_of("a"), 1, 1, &b),
	    COFRE_EXISTS);
	ck_assert_ptr_null(b);
	b = vaultdir_workspace(&v, "b");
	ck_assert_uint_ne(a->id, b->id);
	ck_assert_uint_ne(a->slot, b->slot);
	ck_assert_mem_ne(keyring_data(&v.keyring, a->slot),
	    keyring_data(&v.keyring, b->slot), KEY_LEN);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	a = find("a");
	ck_assert(a != NULL && a->id == id && a->created == 1000 &&
	    a->uid == CREATOR && a->key_version == 1);
	ck_assert_ptr_eq(vault_workspace_by_id(&v, id), a);
	ck_assert_ptr_null(find("c"));
	ck_assert_ptr_null(find("A"));
	ck_assert_ptr_null(vault_workspace_by_id(&v, 999));
}
END_TEST

START_TEST(all_grants_and_bindings_come_back)
{
	struct workspace *ws = vaultdir_workspace(&v, "ml");
	const struct policy_scope *p;

	for (uint32_t i = 0; i < GRANTS_MAX; i++)
		ws->policy.grants[i] = (struct grant){
			.principal = PRINCIPAL_USER, .role = ROLE_READER,
			.id = i, .by = i + 1, .created = i + 2,
			.prefix = "train-" };
	for (uint32_t i = 0; i < BINDINGS_MAX; i++)
		ws->policy.bindings[i] = (struct binding){
			.uid = i, .gid = i + 1, .by = i + 2,
			.created = i + 3, .exe = "/usr/bin/agent" };
	ws->policy.grant_count = GRANTS_MAX;
	ws->policy.binding_count = BINDINGS_MAX;
	ck_assert_int_eq(workspace_save(&v, ws), COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	p = &find("ml")->policy;
	ck_assert_uint_eq(p->grant_count, GRANTS_MAX);
	ck_assert_uint_eq(p->binding_count, BINDINGS_MAX);
	for (uint32_t i = 0; i < GRANTS_MAX; i++)
		ck_assert(p->grants[i].principal == PRINCIPAL_USER &&
		    p->grants[i].role == ROLE_READER && p->grants[i].id == i &&
		    p->grants[i].by == i + 1 &&
		    p->grants[i].created == i + 2 &&
		    strcmp(p->grants[i].prefix, "train-") == 0);
	for (uint32_t i = 0; i < BINDINGS_MAX; i++)
		ck_assert(p->bindings[i].uid == i &&
		    p->bindings[i].gid == i + 1 && p->bindings[i].by == i + 2 &&
		    p->bindings[i].created == i + 3);
}
END_TEST

START_TEST(the_vaults_own_scope_is_a_workspace_without_a_name)
{
	struct workspace *root = find("");

	ck_assert(root != NULL && root->id == 0 && root->slot == 0);
	ck_assert_int_eq(vault_begin(&v, 0, false), COFRE_OK);
	ck_assert_int_eq(workspace_touch(&v, root), COFRE_OK);
	root->policy.grants[root->policy.grant_count++] = (struct grant){
		.principal = PRINCIPAL_GROUP, .role = ROLE_OWNER, .id = 5 };
	ck_assert_int_eq(workspace_save(&v, root), COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ck_assert_uint_eq(find("")->policy.grant_count, 1);
}
END_TEST

START_TEST(there_is_room_for_1023_workspaces)
{
	struct workspace *ws;
	char name[16];

	for (unsigned i = 1; i < WORKSPACES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "ws%u", i);
		ck_assert_int_eq(workspace_create(&v, view_of(name), 1, 1,
		    &ws), COFRE_OK);
	}
	vaultdir_commit(&v);
	ck_assert_int_eq(workspace_create(&v, view_of("more"), 1, 1, &ws),
	    COFRE_LIMIT);
	ck_assert_int_eq(vaultdir_destroy(&v, find("ws500")), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(workspace_create(&v, view_of("more"), 1, 1, &ws),
	    COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ck_assert(find("ws1023") != NULL && find("ws500") == NULL &&
	    find("more") != NULL);
	for (size_t i = 0; i < WORKSPACES_MAX; i++)
		ck_assert_ptr_nonnull(v.workspaces[i]);
}
END_TEST

/* --- deleted --- */

static void
give(struct workspace *ws, uint8_t principal, uint64_t id)
{
	ck_assert_int_eq(vault_begin(&v, 0, false), COFRE_OK);
	ck_assert_int_eq(workspace_touch(&v, ws), COFRE_OK);
	ws->policy.grants[ws->policy.grant_count++] = (struct grant){
		.principal = principal, .role = ROLE_OWNER, .id = id };
	ck_assert_int_eq(workspace_save(&v, ws), COFRE_OK);
}

/* Two workspaces, with grants for the identity of the first in both. */
static uint64_t
make_two(void)
{
	struct workspace *ml = vaultdir_workspace(&v, "ml");
	struct workspace *lab = vaultdir_workspace(&v, "lab");

	ck_assert_int_eq(put("ml", "n", 1, 1, "s3cret"), COFRE_OK);
	give(ml, PRINCIPAL_IDENTITY, ml->id);
	give(ml, PRINCIPAL_USER, 5);
	give(lab, PRINCIPAL_IDENTITY, ml->id);
	give(lab, PRINCIPAL_IDENTITY, lab->id);
	ml->policy.bindings[ml->policy.binding_count++] = (struct binding){
		.uid = 6, .gid = NO_ID };
	ck_assert_int_eq(workspace_save(&v, ml), COFRE_OK);
	vaultdir_commit(&v);
	return ml->id;
}

static void
assert_deleted(uint64_t id)
{
	struct workspace *ws = vault_workspace_kept(&v, id), *other = NULL;
	char name[COFRE_SECRET_NAME_MAX + 1];

	ck_assert_ptr_null(find("ml"));
	ck_assert_ptr_null(vault_workspace_by_id(&v, id));
	ck_assert(ws != NULL && ws->state == WORKSPACE_DELETED);
	ck_assert_ptr_eq(vault_workspace_kept_name(&v, view_of("ml")), ws);
	ck_assert_ptr_null(v.scopes[ws->slot]);
	ck_assert_uint_eq(ws->policy.grant_count, 1);
	ck_assert_uint_eq(ws->policy.grants[0].principal, PRINCIPAL_USER);
	ck_assert_uint_eq(ws->policy.binding_count, 1);
	ck_assert_uint_eq(find("lab")->policy.grant_count, 1);
	ck_assert_uint_ne(find("lab")->policy.grants[0].id, id);
	/* A role that it would have again is still used. */
	ck_assert_uint_eq(roles_used(&v, ROLE_OWNER), 2);
	vault_workspace_name(&v, id, name);
	ck_assert_str_eq(name, "ml");
	vault_secret_name(&v, id, 1, name);
	ck_assert_str_eq(name, "n");
	ck_assert_int_eq(workspace_create(&v, view_of("ml"), 1, 1, &other),
	    COFRE_EXISTS);
}

START_TEST(a_deleted_workspace_is_in_no_policy_and_comes_back)
{
	uint64_t id = make_two();
	struct workspace *ws;

	ck_assert_int_eq(workspace_undelete(&v, find("ml")), COFRE_CONFLICT);
	ck_assert_int_eq(workspace_purge(&v, find("ml")), COFRE_CONFLICT);
	ck_assert_int_eq(workspace_delete(&v, find("ml")), COFRE_OK);
	assert_deleted(id);
	vaultdir_commit(&v);
	assert_deleted(id);
	vaultdir_again(&v);
	assert_deleted(id);
	ws = vault_workspace_kept(&v, id);
	ck_assert_int_eq(workspace_undelete(&v, ws), COFRE_OK);
	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_eq(find("ml"), ws);
		ck_assert_ptr_eq(v.scopes[ws->slot], &ws->policy);
		ck_assert_uint_eq(ws->policy.grant_count, 1);
		ck_assert_uint_eq(ws->policy.binding_count, 1);
		ck_assert(has("ml", "n", 1, 1, "s3cret"));
		ck_assert_uint_eq(version_of("ml", "n"), 1);
		vaultdir_commit(&v);
		vaultdir_again(&v);
		ws = find("ml");
	}
}
END_TEST

START_TEST(deletion_undeletion_and_purge_are_taken_back)
{
	uint64_t id = make_two();
	struct workspace *ws = find("ml");

	ck_assert_int_eq(workspace_delete(&v, ws), COFRE_OK);
	vault_poison(&v, COFRE_LIMIT);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_LIMIT);
	ck_assert_ptr_eq(find("ml"), ws);
	ck_assert_ptr_eq(v.scopes[ws->slot], &ws->policy);
	ck_assert_uint_eq(ws->policy.grant_count, 2);
	ck_assert_uint_eq(find("lab")->policy.grant_count, 2);
	ck_assert_int_eq(workspace_delete(&v, ws), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(workspace_undelete(&v, ws), COFRE_OK);
	vault_poison(&v, COFRE_LIMIT);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_LIMIT);
	assert_deleted(id);
	ck_assert_int_eq(workspace_purge(&v, ws), COFRE_OK);
	ck_assert_ptr_null(vault_workspace_kept(&v, id));
	vault_poison(&v, COFRE_LIMIT);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_LIMIT);
	assert_deleted(id);
	ck_assert_int_eq(workspace_undelete(&v, ws), COFRE_OK);
	ck_assert(has("ml", "n", 1, 1, "s3cret"));
}
END_TEST

/* --- destroyed --- */

START_TEST(a_destroyed_workspace_is_gone_and_its_name_is_known)
{
	const struct version_row old = { .version = 1, .until = 1 };
	char name[COFRE_SECRET_NAME_MAX + 1];
	struct workspace *ws;
	struct view plain;
	struct row_id body;
	uint64_t id;

	ck_assert_int_eq(put("ml", "n", 1, 1, "s3cret"), COFRE_OK);
	vaultdir_commit(&v);
	ws = find("ml");
	id = ws->id;
	ck_assert_int_eq(endings_add(&v.endings, id, 1, &old), COFRE_OK);
	body = vaultdir_body_id(ws, "n", 1, 1);
	vault_secret_name(&v, id, 1, name);
	ck_assert_str_eq(name, "n");
	ck_assert_int_eq(vaultdir_destroy(&v, ws), COFRE_OK);
	ck_assert_ptr_null(find("ml"));
	ck_assert_ptr_null(vault_workspace_by_id(&v, id));
	ck_assert_uint_eq(v.endings.count, 1);
	vaultdir_commit(&v);
	ck_assert_uint_eq(v.endings.count, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_null(find("ml"));
		ck_assert_ptr_null(vault_workspace_by_id(&v, id));
		ck_assert_int_eq(vault_read(&v, NULL, &body, &plain),
		    COFRE_NOT_FOUND);
		vault_workspace_name(&v, id, name);
		ck_assert_str_eq(name, "ml");
		vault_secret_name(&v, id, 1, name);
		ck_assert_str_eq(name, "");
		vault_workspace_name(&v, 999, name);
		ck_assert_str_eq(name, "");
		vaultdir_again(&v);
	}
	/* The name can be used again, for another workspace. */
	ws = vaultdir_workspace(&v, "ml");
	ck_assert_uint_ne(ws->id, id);
	ck_assert_uint_eq(catalog_count(v.catalog, ws->slot).live, 0);
}
END_TEST

START_TEST(no_key_opens_the_rows_of_a_destroyed_workspace)
{
	static const uint8_t none[KEY_LEN];
	struct view sealed, plain;
	struct workspace *ws, *again;
	struct row_id body;
	uint16_t slot;

	ck_assert_int_eq(put("ml", "n", 1, 1, "s3cret"), COFRE_OK);
	vaultdir_commit(&v);
	body = vaultdir_body_id(find("ml"), "n", 1, 1);
	vaultdir_close(&v);
	rawdb_begin();
	sealed = rawdb_get(rawdb_key(&body));
	rawdb_end();
	vaultdir_open(&v, 64 * MIB);
	ck_assert_int_eq(vaultdir_unlock(&v, 0, 1, false, 0), COFRE_OK);
	ws = find("ml");
	slot = ws->slot;
	ck_assert_int_eq(vault_unseal(&v, ws, &body, sealed, &plain),
	    COFRE_OK);
	ck_assert_int_eq(vaultdir_destroy(&v, ws), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_mem_eq(keyring_data(&v.keyring, slot), none, KEY_LEN);
	again = vaultdir_workspace(&v, "ml");
	vaultdir_commit(&v);
	for (size_t i = 0; i < WORKSPACES_MAX; i++)
		if (v.workspaces[i] != NULL)
			ck_assert_int_eq(vault_unseal(&v, v.workspaces[i],
			    &body, sealed, &plain), COFRE_CORRUPT);
	ck_assert_uint_eq(again->slot, slot);
	ck_assert_uint_eq(catalog_count(v.catalog, slot).live, 0);
	ck_assert_uint_eq(version_of("ml", "n"), 0);
}
END_TEST

START_TEST(a_workspace_made_and_destroyed_in_one_turn_leaves_nothing)
{
	for (int fails = 0; fails < 2; fails++) {
		ck_assert_int_eq(put("ml", "n", 1, 1, "x"), COFRE_OK);
		ck_assert_int_eq(vaultdir_destroy(&v, find("ml")),
		    COFRE_OK);
		ck_assert_int_eq(put("ml", "n", 2, 7, "y"), COFRE_OK);
		if (fails)
			vault_poison(&v, COFRE_LIMIT);
		ck_assert_int_eq(vault_commit(&v, 1, 0),
		    fails ? COFRE_LIMIT : COFRE_OK);
		ck_assert_uint_eq(version_of("ml", "n"), 7);
		if (!fails)
			ck_assert(has("ml", "n", 2, 7, "y"));
		vaultdir_again(&v);
		ck_assert_uint_eq(version_of("ml", "n"), 7);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("workspace");
	TCase *t = tcase_create("workspace");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    a_workspace_is_made_once_and_found_by_name_and_id);
	tcase_add_test(t, all_grants_and_bindings_come_back);
	tcase_add_test(t,
	    the_vaults_own_scope_is_a_workspace_without_a_name);
	tcase_add_test(t, there_is_room_for_1023_workspaces);
	tcase_add_test(t,
	    a_deleted_workspace_is_in_no_policy_and_comes_back);
	tcase_add_test(t, deletion_undeletion_and_purge_are_taken_back);
	tcase_add_test(t,
	    a_destroyed_workspace_is_gone_and_its_name_is_known);
	tcase_add_test(t,
	    no_key_opens_the_rows_of_a_destroyed_workspace);
	tcase_add_test(t,
	    a_workspace_made_and_destroyed_in_one_turn_leaves_nothing);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
