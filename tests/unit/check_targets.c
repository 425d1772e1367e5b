/* Compute targets: what they may be made of, and what a turn makes of them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sample.h"
#include "ssh_text.h"
#include "sshnames.h"
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

static enum cofre_status
create(const struct workspace *in, const char *name)
{
	const struct target_settings settings = { view_of("host"), 22,
		view_of("user"), true, view_of("restrict"), { .count = 0 } };
	struct target *t = target_new();

	ck_assert_ptr_nonnull(t);
	ck_assert(target_set(t, &settings));
	t->item.workspace = in->id;
	(void)snprintf(t->item.name, sizeof(t->item.name), "%s", name);
	return targets_create(&v.targets, &v.ssh, t, CREATOR, 5);
}

static struct target *
find(const char *name)
{
	return targets_find(&v.targets, ws->id, view_of(name));
}

/* Close, open, and find the workspace again. */
static void
again(void)
{
	vaultdir_again(&v);
	ws = vaultdir_workspace(&v, "lab");
}

/* The rows of the SSH store. */
static uint64_t
rows(void)
{
	struct store_stat stat;

	store_release(v.ssh.store);
	store_stat(v.ssh.store, &stat);
	return stat.rows;
}

START_TEST(a_target_has_a_key_and_its_workspace_a_ca)
{
	struct target *t;
	struct ca *ca;
	uint8_t public[PUBLIC_KEY_LEN];

	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	ck_assert_int_eq(create(ws, "a"), COFRE_EXISTS);
	ck_assert_int_eq(create(ws, "b"), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_uint_eq(rows(), 2 + 2 * 3);
	t = find("a");
	ca = targets_ca(&v.targets, ws->id);
	ck_assert(t != NULL && ca != NULL);
	ck_assert_uint_eq(t->key_count, 1);
	ck_assert_uint_eq(t->keys[0].version, 1);
	ck_assert_mem_ne(t->keys[0].public, ca->public, PUBLIC_KEY_LEN);
	memcpy(public, t->keys[0].public, sizeof(public));
	again();
	t = find("a");
	ck_assert_ptr_nonnull(t);
	ck_assert_mem_eq(t->keys[0].public, public, PUBLIC_KEY_LEN);
	ck_assert(t->for_runs && t->port == 22 && t->uid == CREATOR);
	ck_assert_str_eq(t->options, "restrict");
	ck_assert_ptr_nonnull(targets_ca(&v.targets, ws->id));
}
END_TEST

START_TEST(its_private_key_signs_for_its_public_key)
{
	uint8_t signature[SIGNATURE_LEN];
	struct row_id id;
	struct view sealed;
	struct target *t;

	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	vaultdir_commit(&v);
	again();
	t = find("a");
	id = target_key_id(t, 1);
	ck_assert_int_eq(sshstore_get(&v.ssh, &id, &sealed), COFRE_OK);
	ck_assert(keyring_pair_sign(&v.keyring, t->keys[0].public, sealed,
	    row_place(v.id, &id), view_of("m"), signature));
	ck_assert(!keyring_pair_sign(&v.keyring,
	    targets_ca(&v.targets, ws->id)->public, sealed,
	    row_place(v.id, &id), view_of("m"), signature));
}
END_TEST

START_TEST(what_is_not_committed_is_not_there)
{
	struct target *t;

	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(create(ws, "b"), COFRE_OK);
	t = target_copy(find("a"));
	ck_assert_int_eq(targets_add_key(&v.ssh, t, 6), COFRE_OK);
	ck_assert_int_eq(targets_save(&v.targets, &v.ssh, find("a"), t, 6),
	    COFRE_OK);
	ck_assert_int_eq(targets_delete(&v.targets, &v.ssh, find("a")),
	    COFRE_OK);
	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	vault_poison(&v, COFRE_CORRUPT);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_CORRUPT);
	ck_assert_ptr_null(find("b"));
	t = find("a");
	ck_assert_ptr_nonnull(t);
	ck_assert_uint_eq(t->revision, 1);
	ck_assert_uint_eq(t->key_count, 1);
	ck_assert_uint_eq(v.targets.all.count, 1);
	ck_assert_uint_eq(rows(), 2 + 2 + 2);
	again();
	ck_assert_uint_eq(v.targets.all.count, 1);
}
END_TEST

START_TEST(a_key_beside_another_and_then_alone)
{
	struct target *t;

	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	vaultdir_commit(&v);
	t = target_copy(find("a"));
	ck_assert_int_eq(sshstore_begin(&v.ssh, 4096, false), COFRE_OK);
	ck_assert_int_eq(targets_add_key(&v.ssh, t, 6), COFRE_OK);
	ck_assert_int_eq(targets_add_key(&v.ssh, t, 6), COFRE_LIMIT);
	ck_assert_int_eq(targets_save(&v.targets, &v.ssh, find("a"), t, 6),
	    COFRE_OK);
	vaultdir_commit(&v);
	again();
	ck_assert_uint_eq(find("a")->key_count, 2);
	ck_assert_uint_eq(rows(), 2 + 2 + 3);
	t = target_copy(find("a"));
	ck_assert_int_eq(sshstore_begin(&v.ssh, 4096, true), COFRE_OK);
	ck_assert_int_eq(targets_drop_key(&v.ssh, t, 0), COFRE_OK);
	ck_assert_int_eq(targets_save(&v.targets, &v.ssh, find("a"), t, 6),
	    COFRE_OK);
	vaultdir_commit(&v);
	again();
	ck_assert_uint_eq(find("a")->key_count, 1);
	ck_assert_uint_eq(find("a")->keys[0].version, 2);
	ck_assert_uint_eq(find("a")->last_version, 2);
	ck_assert_uint_eq(find("a")->revision, 3);
	ck_assert_uint_eq(rows(), 2 + 2 + 2);
}
END_TEST

START_TEST(of_a_purged_workspace_nothing_stays)
{
	struct workspace *other = vaultdir_workspace(&v, "other");

	vaultdir_commit(&v);
	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	ck_assert_int_eq(create(other, "a"), COFRE_OK);
	ck_assert_int_eq(create(other, "b"), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_uint_eq(rows(), 2 + 4 + 6);
	ck_assert_int_eq(vaultdir_destroy(&v, other), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_uint_eq(rows(), 2 + 4);
	ck_assert_uint_eq(v.targets.all.count, 1);
	ck_assert_uint_eq(v.targets.cas.count, 1);
	again();
	ck_assert_ptr_nonnull(find("a"));
}
END_TEST

START_TEST(a_purge_that_is_taken_back_takes_nothing)
{
	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(vaultdir_destroy(&v, ws), COFRE_OK);
	vault_poison(&v, COFRE_CORRUPT);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_CORRUPT);
	vaultdir_commit(&v);
	ck_assert_ptr_nonnull(find("a"));
	ck_assert_uint_eq(rows(), 2 + 4);
}
END_TEST

/* A kill between the vault's commit and the sweep; a vault that was put back,
   and has not made the workspace yet. */
START_TEST(what_was_not_swept_is_at_unlock)
{
	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(vaultdir_destroy(&v, ws), COFRE_OK);
	v.ssh.open = false; /* it can't be written now */
	vaultdir_commit(&v);
	v.ssh.open = true;
	ck_assert_uint_eq(rows(), 2 + 4);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.targets.all.count, 1);
	vault_ssh_attach(&v, 1, 0);
	ck_assert_uint_eq(v.targets.all.count, 0);
	ck_assert_uint_eq(v.targets.cas.count, 0);
	ck_assert_uint_eq(rows(), 2);
	vaultdir_again(&v);
}
END_TEST

START_TEST(what_was_not_swept_is_in_the_next_turn)
{
	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_int_eq(vaultdir_destroy(&v, ws), COFRE_OK);
	v.ssh.open = false; /* it can't be written now */
	vaultdir_commit(&v);
	vaultdir_commit(&v);
	v.ssh.open = true;
	ck_assert_uint_eq(rows(), 2 + 4);
	vaultdir_commit(&v);
	ck_assert_uint_eq(rows(), 2);
	ck_assert_uint_eq(v.targets.all.count, 0);
	ck_assert(!v.sweep);
}
END_TEST

/* An older vault gives the id of a workspace again that it does not know. */
START_TEST(what_can_not_be_swept_is_not_the_next_workspaces)
{
	uint8_t *old;
	size_t len;
	uint64_t id;

	vaultdir_close(&v);
	old = statedir_read(STATEDIR_FILE, &len);
	vaultdir_open(&v, 64 * MIB);
	ck_assert_int_eq(vaultdir_unlock(&v, 0, 1, false, 0), COFRE_OK);
	ws = vaultdir_workspace(&v, "first");
	vaultdir_commit(&v);
	id = ws->id;
	ck_assert_int_eq(create(ws, "a"), COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_close(&v);
	statedir_write(STATEDIR_FILE, old, len);
	free(old);
	vaultdir_open(&v, 64 * MIB);
	ck_assert_int_eq(vaultdir_unlock(&v, 0, 1, true, 0), COFRE_OK);
	statedir_limit_files(1);
	vault_ssh_attach(&v, 1, 0);
	statedir_limit_files(RLIM_INFINITY);
	ck_assert_int_eq(v.state, VAULT_OPEN);
	ws = vaultdir_workspace(&v, "second");
	ck_assert_uint_eq(ws->id, id);
	ck_assert(!v.ssh.open);
	ck_assert_ptr_null(find("a"));
	ck_assert_ptr_null(targets_ca(&v.targets, id));
	vaultdir_again(&v);
	vault_ssh_attach(&v, 1, 0);
	ck_assert(v.ssh.open);
	ck_assert_uint_eq(v.targets.cas.count, 0);
}
END_TEST

START_TEST(a_workspace_has_room_for_so_many)
{
	char name[16];

	for (unsigned i = 0; i < TARGETS_WORKSPACE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		ck_assert_int_eq(create(ws, name), COFRE_OK);
	}
	ck_assert_int_eq(create(ws, "more"), COFRE_LIMIT);
	vaultdir_commit(&v);
	again();
	ck_assert_uint_eq(sshindex_count(&v.targets.all, ws->id),
	    TARGETS_WORKSPACE_MAX);
	ck_assert_int_eq(create(ws, "more"), COFRE_LIMIT);
}
END_TEST

static const struct {
	const char *text;
	bool host, login, namespace, options;
} forms[] = {
	{ "", false, false, false, true },
	{ "a", true, true, true, false },
	{ "login.example", true, true, true, false },
	{ "::1", true, false, false, false },
	{ "-v", false, false, false, false },
	{ "_x", true, true, false, false },
	{ "a_b", true, true, true, false },
	{ "file@x.example", false, false, true, false },
	{ "a b", false, false, false, false },
	{ "a\nb", false, false, false, false },
	{ "a,b", false, false, false, false },
	{ "a\"b", false, false, false, false },
	{ "Az", true, true, true, false },
	{ "a@b", false, false, true, false },
	{ "a{", false, false, false, false },
	{ "a[", false, false, false, false },
	{ "restrict", true, true, true, true },
	{ "restrict,", false, false, false, false },
	{ ",restrict", false, false, false, false },
	{ "restrict,restrict", false, false, false, false },
	{ "restrictive", true, true, true, false },
	{ "from=\"10.0.0.0/8\"", false, false, false, true },
	{ "from=\"*.a,!b?\",restrict", false, false, false, false },
	{ "restrict,from=\"*.a,!b?\"", false, false, false, true },
	{ "restrict,from=\"a\",restrict", false, false, false, false },
	{ "1000", true, false, true, false },
	{ "1a", true, false, true, false },
	{ "restrict,from=\"::1\"", false, false, false, true },
	{ "from=\"\"", false, false, false, false },
	{ "from=\"a,\"", false, false, false, false },
	{ "from=\",a\"", false, false, false, false },
	{ "from=\"a\"b", false, false, false, false },
	{ "from=\"a", false, false, false, false },
	{ "from=\"a\nb\"", false, false, false, false },
	{ "from=\"a\",from=\"b\"", false, false, false, false },
	{ "command=\"x\"", false, false, false, false },
};

START_TEST(options_are_taken_apart)
{
	uint8_t text[TARGET_OPTIONS_MAX + 1];
	struct sshname_options o;

	ck_assert(sshname_options(view_of(""), &o));
	ck_assert(!o.restricted && o.from.len == 0);
	ck_assert(sshname_options(view_of("restrict"), &o));
	ck_assert(o.restricted && o.from.len == 0);
	ck_assert(sshname_options(view_of("from=\"a,!b\""), &o));
	ck_assert(!o.restricted && view_is(o.from, "a,!b"));
	ck_assert(sshname_options(view_of("restrict,from=\"::1\""), &o));
	ck_assert(o.restricted && view_is(o.from, "::1"));
	/* Of no more bytes than a row keeps, and no NUL in them. */
	for (size_t i = 0; i < TARGET_OPTIONS_MAX; i++)
		text[i] = i % 2 == 0 ? 'a' : ',';
	text[TARGET_OPTIONS_MAX - 1] = 'a';
	memcpy(text, "from=\"", 6);
	text[TARGET_OPTIONS_MAX] = '"';
	ck_assert(!sshname_options((struct view){ text,
	    TARGET_OPTIONS_MAX + 1 }, &o));
	text[TARGET_OPTIONS_MAX - 1] = '"';
	ck_assert(sshname_options((struct view){ text, TARGET_OPTIONS_MAX },
	    &o));
	text[7] = '\0';
	ck_assert(!sshname_is_login((struct view){ text + 6, 2 }));
	ck_assert(!sshname_is_namespace((struct view){ text + 6, 2 }));
}
END_TEST

START_TEST(names_and_options_have_their_form)
{
	for (size_t i = 0; i < COUNT(forms); i++) {
		struct view text = view_of(forms[i].text);
		struct sshname_options o;

		ck_assert_msg(ssh_text_is_host(text) == forms[i].host &&
			sshname_is_login(text) == forms[i].login &&
			sshname_is_namespace(text) == forms[i].namespace &&
			sshname_options(text, &o) == forms[i].options,
		    "'%s'", forms[i].text);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("targets");
	TCase *t = tcase_create("targets");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_target_has_a_key_and_its_workspace_a_ca);
	tcase_add_test(t, its_private_key_signs_for_its_public_key);
	tcase_add_test(t, what_is_not_committed_is_not_there);
	tcase_add_test(t, a_key_beside_another_and_then_alone);
	tcase_add_test(t, of_a_purged_workspace_nothing_stays);
	tcase_add_test(t, a_purge_that_is_taken_back_takes_nothing);
	tcase_add_test(t, what_was_not_swept_is_at_unlock);
	tcase_add_test(t, what_was_not_swept_is_in_the_next_turn);
	tcase_add_test(t, what_can_not_be_swept_is_not_the_next_workspaces);
	tcase_add_test(t, a_workspace_has_room_for_so_many);
	tcase_add_test(t, options_are_taken_apart);
	tcase_add_test(t, names_and_options_have_their_form);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
