#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "sample.h"

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
	{ 1, "hello", SCOPE_NONE,
	    "none", OPF_LOCKED | OPF_EMPTY | OPF_SHARED },
	{ 2, "status", SCOPE_NONE,
	    "none", OPF_LOCKED | OPF_EMPTY | OPF_SHARED },
	{ 3, "vault.report", SCOPE_VAULT,
	    "vault/read", OPF_LOCKED | OPF_EMPTY },
	{ 8, "vault.init", SCOPE_VAULT,
	    "vault/manage/action", OPF_EMPTY | OPF_LOCKED | OPF_ADMIN | OPF_WRITE },
	{ 9, "vault.unlock", SCOPE_VAULT,
	    "vault/manage/action", OPF_LOCKED | OPF_ADMIN },
	{ 10, "vault.lock", SCOPE_VAULT,
	    "vault/manage/action", OPF_LOCKED | OPF_ADMIN },
	{ 11, "slot.list", SCOPE_VAULT,
	    "vault/manage/action", OPF_LOCKED },
	{ 12, "slot.add", SCOPE_VAULT,
	    "vault/manage/action", CHANGES },
	{ 13, "slot.remove", SCOPE_VAULT,
	    "vault/manage/action", CHANGES },
	{ 16, "workspace.create", SCOPE_WORKSPACE,
	    "workspaces/write", CHANGES },
	{ 17, "workspace.list", SCOPE_NONE,
	    "none", 0 },
	{ 18, "workspace.show", SCOPE_WORKSPACE,
	    "workspaces/read", 0 },
	{ 19, "workspace.delete", SCOPE_WORKSPACE,
	    "workspaces/delete", CHANGES },
	{ 20, "workspace.undelete", SCOPE_WORKSPACE,
	    "workspaces/delete", CHANGES | OPF_DELETED },
	{ 21, "workspace.purge", SCOPE_WORKSPACE,
	    "workspaces/delete", CHANGES | OPF_DELETED },
	{ 24, "identity.bind", SCOPE_WORKSPACE,
	    "workspaces/identity/write", CHANGES },
	{ 25, "identity.unbind", SCOPE_WORKSPACE,
	    "workspaces/identity/write", CHANGES },
	{ 26, "identity.show", SCOPE_WORKSPACE,
	    "workspaces/identity/read", 0 },
	{ 27, "identity.revoke", SCOPE_WORKSPACE,
	    "workspaces/identity/write", CHANGES },
	{ 28, "identity.repair", SCOPE_WORKSPACE,
	    "workspaces/resync/action", CHANGES },
	{ 32, "grant.add", SCOPE_ANY,
	    "workspaces/grants/write", CHANGES },
	{ 33, "grant.remove", SCOPE_ANY,
	    "workspaces/grants/write", CHANGES },
	{ 34, "grant.list", SCOPE_ANY,
	    "workspaces/grants/read", 0 },
	{ 35, "policy.explain", SCOPE_ANY,
	    "workspaces/grants/read", 0 },
	{ 36, "policy.who", SCOPE_ANY,
	    "workspaces/grants/read", 0 },
	{ 40, "role.put", SCOPE_VAULT,
	    "roles/write", CHANGES },
	{ 41, "role.delete", SCOPE_VAULT,
	    "roles/write", CHANGES },
	{ 42, "role.list", SCOPE_ANY,
	    "roles/read", 0 },
	{ 43, "role.show", SCOPE_ANY,
	    "roles/read", 0 },
	{ 48, "secret.put", SCOPE_SECRET,
	    "workspaces/secrets/write", OPF_WRITE },
	{ 49, "secret.get", SCOPE_SECRET,
	    "workspaces/secrets/value/read", OPF_SECRET },
	{ 50, "secret.list", SCOPE_WORKSPACE,
	    "workspaces/secrets/list/read", OPF_PARTIAL },
	{ 51, "secret.show", SCOPE_SECRET,
	    "workspaces/secrets/read", 0 },
	{ 52, "secret.versions", SCOPE_SECRET,
	    "workspaces/secrets/read", 0 },
	{ 53, "secret.delete", SCOPE_SECRET,
	    "workspaces/secrets/delete", OPF_WRITE },
	{ 54, "secret.undelete", SCOPE_SECRET,
	    "workspaces/secrets/delete", OPF_WRITE },
	{ 55, "secret.purge", SCOPE_SECRET,
	    "workspaces/secrets/purge/delete", CHANGES },
	{ 56, "secret.source", SCOPE_SECRET,
	    "workspaces/secrets/write", OPF_WRITE },
	{ 57, "secret.watch", SCOPE_WORKSPACE,
	    "workspaces/secrets/value/read", OPF_PARTIAL },
	{ 58, "secret.stale", SCOPE_SECRET,
	    "workspaces/secrets/value/read", OPF_WRITE },
	{ 64, "activity.read", SCOPE_ANY,
	    "workspaces/activity/read", 0 },
	{ 72, "run.start", SCOPE_WORKSPACE,
	    "workspaces/runs/write", CHANGES | OPF_SECRET | OPF_PARTIAL },
	{ 73, "run.end", SCOPE_WORKSPACE,
	    "workspaces/runs/write", CHANGES | OPF_PARTIAL },
	{ 74, "run.renew", SCOPE_WORKSPACE,
	    "workspaces/runs/write", CHANGES | OPF_PARTIAL },
	{ 75, "run.list", SCOPE_WORKSPACE,
	    "workspaces/runs/read", OPF_PARTIAL },
	{ 76, "run.show", SCOPE_WORKSPACE,
	    "workspaces/runs/read", OPF_PARTIAL },
	{ 77, "run.attach", SCOPE_NONE,
	    "none", 0 },
	{ 78, "run.scan", SCOPE_WORKSPACE,
	    "workspaces/runs/write", OPF_PARTIAL },
	{ 80, "resync.begin", SCOPE_WORKSPACE,
	    "workspaces/resync/action", 0 },
	{ 81, "resync.list", SCOPE_WORKSPACE,
	    "workspaces/resync/action", 0 },
	{ 82, "resync.stage", SCOPE_SECRET,
	    "workspaces/resync/action", 0 },
	{ 83, "resync.commit", SCOPE_WORKSPACE,
	    "workspaces/resync/action", CHANGES },
	{ 96, "target.create", SCOPE_SECRET,
	    "workspaces/targets/write", CHANGES | OPF_SSH },
	{ 97, "target.list", SCOPE_WORKSPACE,
	    "workspaces/targets/read", OPF_PARTIAL },
	{ 98, "target.show", SCOPE_SECRET,
	    "workspaces/targets/read", 0 },
	{ 99, "target.rotate", SCOPE_SECRET,
	    "workspaces/targets/write", CHANGES | OPF_SSH },
	{ 100, "target.settle", SCOPE_SECRET,
	    "workspaces/targets/write", CHANGES | OPF_SSH },
	{ 101, "target.pin", SCOPE_SECRET,
	    "workspaces/targets/write", CHANGES | OPF_SSH },
	{ 102, "target.delete", SCOPE_SECRET,
	    "workspaces/targets/write", CHANGES | OPF_SSH },
	{ 103, "target.set", SCOPE_SECRET,
	    "workspaces/targets/write", CHANGES | OPF_SSH },
	{ 104, "ca.show", SCOPE_WORKSPACE, "workspaces/targets/read", 0 },
	{ 105, "ca.krl", SCOPE_WORKSPACE, "workspaces/targets/read", 0 },
	{ 106, "ca.revoke", SCOPE_WORKSPACE,
	    "workspaces/targets/write", CHANGES | OPF_SSH },
	{ 107, "ca.host", SCOPE_SECRET,
	    "workspaces/targets/write", CHANGES },
	{ 108, "ca.user", SCOPE_SECRET,
	    "workspaces/targets/use/action", OPF_WRITE },
	{ 109, "ssh.identities", SCOPE_NONE, "none", OPF_AGENT },
	{ 110, "ssh.sign", SCOPE_KEY,
	    "workspaces/targets/use/action", OPF_AGENT },
	{ 111, "ssh.bind", SCOPE_NONE, "none", OPF_AGENT },
	{ 112, "ssh.workspace", SCOPE_NONE, "none", OPF_AGENT },
	{ 113, "ssh.query", SCOPE_NONE, "none", OPF_AGENT },
	{ 114, "ssh.other", SCOPE_NONE, "none", OPF_AGENT },
	{ 115, "target.reach", SCOPE_SECRET,
	    "workspaces/targets/use/action", 0 },
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
#define NAMED_KEY m.blob = view_of("key");
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
		if (scope == SCOPE_KEY)
			ck_assert(view_is(wire_get_string(&r, AGENT_BLOB_MAX),
			    "key"));
		else if (scope != SCOPE_NONE && scope != SCOPE_VAULT)
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

int
main(void)
{
	Suite *s = suite_create("ops");
	TCase *t = tcase_create("ops");
	SRunner *sr;
	int failed;

	tcase_add_test(t, each_operation_demands_what_it_is_known_for);
	tcase_add_test(t, no_other_code_is_an_operation);
	tcase_add_test(t, codes_and_names_of_operations_are_unique);
	tcase_add_test(t, a_request_begins_with_what_its_scope_names);
	tcase_add_test(t, only_what_has_no_scope_needs_no_action);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
