/*
 * Unlocking when something fails, and rows that were sealed with the right key
 * and say what can't be: the vault stays locked, and opens the next time.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "housefault.h"

static const uint8_t unlock[] = { ASK(UNLOCK), U32(0), WORD(KEY), U8(0), END };

/* A run of this process goes on meanwhile. */
static const uint8_t run[] = { ASK(RUN_START), WORD(ML), U8(RUN_PROCESS),
	P_PID, P_RAW64, 0, 0, 0, 0, 0, 0, 3, 0xe8, WORD(EMPTY), P_ANY, U32(0),
	U8(0), WORD(EMPTY), WORD(EMPTY), P_LIST, WORD(STORE), P_ITEM,
	P_LIST_END, END, ASK(LOCK), END };

static enum cofre_status
ask(void)
{
	return housecall((struct view){ unlock, sizeof(unlock) });
}

static void
assert_locked(enum cofre_status st, const char *what, unsigned n)
{
	const struct vault *v = &housecall_house()->sv->vault;

	ck_assert_msg(st != COFRE_OK, "%s, %u: it opens", what, n);
	ck_assert_msg(v->state == VAULT_LOCKED && !v->keyring.open &&
	    v->catalog == NULL, "%s, %u: not locked", what, n);
}

/* Each such call fails, one after the other, until unlocking needs no more of
   them.  Nobody is told that his key is wrong. */
static void
sweep(enum fault what, const char *name)
{
	struct server *sv = housecall_house()->sv;
	enum cofre_status st;
	unsigned n = 0;
	bool struck;

	do {
		housecall_begin(HOUSE_OPEN);
		ck_assert_int_eq(housecall((struct view){ run, sizeof(run) }),
		    COFRE_OK);
		housefault_set(what, n);
		st = ask();
		struck = housefault_end();
		if (sv->vault.state == VAULT_OPEN) {
			ck_assert(st == COFRE_OK &&
			    house_adds_up(housecall_house()));
		} else {
			assert_locked(st, name, n);
			ck_assert(st != COFRE_WRONG_KEY || what == FAULT_CUT);
			sv->unlock_after = 0;
			ck_assert_msg((st = ask()) == COFRE_OK,
			    "%s, %u: then %s", name, n, cofre_status_name(st));
		}
		n++;
	} while (struck);
	ck_assert_uint_gt(n, 1);
}

START_TEST(without_memory_it_stays_locked)
{
	sweep(FAULT_MEMORY, "memory");
}
END_TEST

START_TEST(what_can_not_be_read_stays_locked)
{
	sweep(FAULT_READ, "read");
}
END_TEST

START_TEST(a_row_that_is_gone_keeps_it_locked)
{
	sweep(FAULT_GONE, "gone");
}
END_TEST

START_TEST(a_row_that_is_cut_keeps_it_locked)
{
	sweep(FAULT_CUT, "cut");
}
END_TEST

START_TEST(what_can_not_be_recorded_stays_locked)
{
	sweep(FAULT_LOG, "log");
}
END_TEST

/* --- rows that say what can't be --- */

#define ROW HOUSEFAULT_ROW

static uint8_t items[4096];

/* The keys of a target, of which the last one is changed so. */
static struct list
keys_with(struct list keys, uint32_t version, size_t len)
{
	struct wire_reader r = list_reader(keys);
	struct target_key_item item;
	struct wire_writer w;

	ck_assert_uint_gt(keys.count, 0);
	wire_writer_init(&w, items, sizeof(items));
	for (uint32_t i = 0; i < keys.count; i++) {
		target_key_item_get(&r, &item);
		if (i + 1 == keys.count) {
			item.version = version;
			item.public.len = len;
		}
		target_key_item_put(&w, &item);
	}
	return (struct list){ keys.count, { w.data, w.len } };
}

/* A binding that anybody fits. */
static struct list
binding_of_all(void)
{
	const struct binding_item item = { .uid = NO_ID, .gid = NO_ID };
	struct wire_writer w;

	wire_writer_init(&w, items, sizeof(items));
	binding_item_put(&w, &item);
	return (struct list){ 1, { w.data, w.len } };
}

ROW(state, state_sum, row.sum.len--)
ROW(workspace, vault_is_deleted, row.state = WORKSPACE_DELETED)
ROW(workspace, vault_has_a_name, row.name = view_of("ml"))
ROW(workspace, workspace_state, row.state = 9)
ROW(workspace, workspace_key, row.wrapped.len--)
ROW(workspace, workspace_name, row.name.len = 0)
ROW(workspace, bindings_cut, row.bindings = housefault_cut(row.bindings))
ROW(workspace, bindings_more, row.bindings = housefault_fewer(row.bindings))
ROW(workspace, bindings_of_all, row.bindings = binding_of_all())
ROW(workspace, grants_cut, row.grants = housefault_cut(row.grants))
ROW(workspace, grants_more, row.grants = housefault_fewer(row.grants))
ROW(role, role_state, row.state = 9)
ROW(run, run_id, row.run.len--)
ROW(run, run_boot, row.boot.len--)
ROW(run, run_hash, row.hash.len--)
ROW(run, run_state, row.state = 9)
ROW(run, run_target, row.target = RUN_CGROUP + 1)
ROW(run, run_without_token, row.hash.len = 0)
ROW(run, run_cgroup, row.cgroup = view_of("/a"))
ROW(run, run_secrets_cut, row.secrets = housefault_cut(row.secrets))
ROW(run, run_secrets_more, row.secrets = housefault_fewer(row.secrets))
ROW(head, versions_cut, row.versions = housefault_cut(row.versions))
ROW(ssh_state, ssh_sum, row.sum.len--)
ROW(target, target_name, row.name = view_of("A b"))
ROW(target, target_port, row.port = 0)
ROW(target, namespaces_cut, row.namespaces = housefault_cut(row.namespaces))
ROW(target, no_keys, row.keys = ((struct list){ 0, { NULL, 0 } }))
ROW(target, keys_cut, row.keys = housefault_cut(row.keys))
ROW(target, keys_more, row.keys = housefault_fewer(row.keys))
ROW(target, keys_fall, row.keys = keys_with(row.keys, 0, PUBLIC_KEY_LEN))
ROW(target, key_is_short, row.keys = keys_with(row.keys, 9, 31))
ROW(target, last_version, row.last_version = 0)
ROW(target, pins_cut, row.pins = housefault_cut(row.pins))
ROW(target, pins_more, row.pins = housefault_fewer(row.pins))
ROW(ca, ca_key, row.public.len--)
ROW(ca, revoked_cut, row.revoked = housefault_cut(row.revoked))
ROW(ca, revoked_more, row.revoked = housefault_fewer(row.revoked))

#define SAYS(table, after, change) { #change, table, after, change }

static const struct {
	const char *name;
	enum table table;
	unsigned after;
	housefault_change *change;
} rows[] = {
	SAYS(TABLE_STATE, 0, state_sum),
	/* The vault itself, its key, and then the workspace "ml". */
	SAYS(TABLE_WORKSPACE, 0, vault_is_deleted),
	SAYS(TABLE_WORKSPACE, 0, vault_has_a_name),
	SAYS(TABLE_WORKSPACE, 2, workspace_state),
	SAYS(TABLE_WORKSPACE, 2, workspace_key),
	SAYS(TABLE_WORKSPACE, 2, workspace_name),
	SAYS(TABLE_WORKSPACE, 2, bindings_cut),
	SAYS(TABLE_WORKSPACE, 2, bindings_more),
	SAYS(TABLE_WORKSPACE, 2, bindings_of_all),
	SAYS(TABLE_WORKSPACE, 2, grants_cut),
	SAYS(TABLE_WORKSPACE, 2, grants_more),
	SAYS(TABLE_ROLE, 0, role_state),
	SAYS(TABLE_RUN, 0, run_id),
	SAYS(TABLE_RUN, 0, run_boot),
	SAYS(TABLE_RUN, 0, run_hash),
	SAYS(TABLE_RUN, 0, run_state),
	SAYS(TABLE_RUN, 0, run_target),
	SAYS(TABLE_RUN, 0, run_without_token),
	SAYS(TABLE_RUN, 0, run_cgroup),
	SAYS(TABLE_RUN, 0, run_secrets_cut),
	SAYS(TABLE_RUN, 0, run_secrets_more),
	SAYS(TABLE_HEAD, 0, versions_cut),
	SAYS(TABLE_SSH_STATE, 0, ssh_sum),
	SAYS(TABLE_TARGET, 0, target_name),
	SAYS(TABLE_TARGET, 0, target_port),
	SAYS(TABLE_TARGET, 0, namespaces_cut),
	SAYS(TABLE_TARGET, 0, no_keys),
	SAYS(TABLE_TARGET, 0, keys_cut),
	SAYS(TABLE_TARGET, 0, keys_more),
	SAYS(TABLE_TARGET, 0, keys_fall),
	SAYS(TABLE_TARGET, 0, key_is_short),
	SAYS(TABLE_TARGET, 0, last_version),
	SAYS(TABLE_TARGET, 0, pins_cut),
	SAYS(TABLE_TARGET, 0, pins_more),
	SAYS(TABLE_CA, 0, ca_key),
	SAYS(TABLE_CA, 0, revoked_cut),
	SAYS(TABLE_CA, 0, revoked_more),
};

START_TEST(a_row_that_says_what_can_not_be_keeps_it_locked)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		enum cofre_status st;

		housecall_begin(HOUSE_LOCKED);
		housefault_row(rows[i].table, rows[i].after, rows[i].change);
		st = ask();
		ck_assert_msg(housefault_end(), "%s: no such row",
		    rows[i].name);
		assert_locked(st, rows[i].name, i);
		ck_assert_msg(st == COFRE_CORRUPT, "%s: %s", rows[i].name,
		    cofre_status_name(st));
	}
	housecall_begin(HOUSE_LOCKED);
	ck_assert_int_eq(ask(), COFRE_OK);
}
END_TEST

/* What is in clear before everything else of the SSH store: its magic, its
   format, the vault that it is of, and its key. */
START_TEST(an_ssh_store_with_another_header_keeps_it_locked)
{
	struct house *h = housecall_house();
	static const size_t at[] = { 4, 4 + sizeof(SSH_MAGIC) - 1 + 3,
		4 + sizeof(SSH_MAGIC) - 1 + 4 + 4, 100 };
	static struct rows changed[2];
	uint8_t header[512];

	for (size_t i = 0; i < COUNT(at); i++) {
		struct row *row = &changed[1].list[0];

		housecall_begin(HOUSE_LOCKED);
		memcpy(changed, h->rows, sizeof(changed));
		ck_assert_uint_eq(row->key.data[0], TABLE_SSH_HEADER);
		ck_assert_uint_lt(at[i], row->value.len);
		ck_assert_uint_le(row->value.len, sizeof(header));
		memcpy(header, row->value.data, row->value.len);
		header[at[i]] ^= 1;
		row->value.data = header;
		house_reset_rows(h, changed);
		assert_locked(ask(), "header", (unsigned)i);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("unlock_faults");
	TCase *t = tcase_create("unlock_faults");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, housecall_setup, housecall_teardown);
	tcase_add_test(t, without_memory_it_stays_locked);
	tcase_add_test(t, what_can_not_be_read_stays_locked);
	tcase_add_test(t, a_row_that_is_gone_keeps_it_locked);
	tcase_add_test(t, a_row_that_is_cut_keeps_it_locked);
	tcase_add_test(t, what_can_not_be_recorded_stays_locked);
	tcase_add_test(t, a_row_that_says_what_can_not_be_keeps_it_locked);
	tcase_add_test(t, an_ssh_store_with_another_header_keeps_it_locked);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
