/* Making, locking and unlocking a vault, and its slots. */
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
}

static void
teardown(void)
{
	vaultdir_close(&v);
	statedir_teardown();
}

static enum cofre_status
unlock(uint32_t slot, uint8_t key)
{
	return vaultdir_unlock(&v, slot, key, false, 0);
}

START_TEST(an_empty_store_holds_no_vault)
{
	ck_assert_int_eq(v.state, VAULT_EMPTY);
	ck_assert_int_eq(unlock(0, 1), COFRE_UNINITIALIZED);
	ck_assert(vaultdir_is_wiped(&v));
}
END_TEST

START_TEST(a_vault_is_made_locked_and_unlocked)
{
	uint8_t id[VAULT_ID_LEN], none[VAULT_ID_LEN] = { 0 };

	vaultdir_init(&v);
	ck_assert_int_eq(v.state, VAULT_OPEN);
	ck_assert_uint_eq(v.epoch, 1);
	ck_assert_ptr_nonnull(vault_workspace(&v, view_of("")));
	ck_assert_uint_eq(v.workspaces[0]->id, 0);
	memcpy(id, v.id, sizeof(id));
	ck_assert_mem_ne(id, none, sizeof(id));
	vault_lock(&v);
	ck_assert_int_eq(v.state, VAULT_LOCKED);
	ck_assert(vaultdir_is_wiped(&v));
	ck_assert_int_eq(unlock(1, 1), COFRE_OK);
	ck_assert_int_eq(v.state, VAULT_OPEN);

	vaultdir_close(&v);
	vaultdir_open(&v, 64 * MIB);
	ck_assert_int_eq(v.state, VAULT_LOCKED);
	ck_assert_mem_eq(v.id, id, sizeof(id));
	ck_assert_int_eq(unlock(0, 1), COFRE_OK);
	ck_assert_uint_eq(v.epoch, 1);
}
END_TEST

START_TEST(what_was_stored_is_there_after_a_lock)
{
	struct workspace *ws;

	vaultdir_init(&v);
	ws = vaultdir_workspace(&v, "ml-prod");
	ck_assert_int_eq(vaultdir_put(&v, ws, "store", 1, 1, "s3cret"),
	    COFRE_OK);
	vaultdir_commit(&v);
	for (unsigned i = 0; i < 2; i++) {
		const struct catalog_entry *e;

		ws = vaultdir_workspace(&v, "ml-prod");
		ck_assert(vaultdir_has(&v, ws, "store", 1, 1, "s3cret"));
		e = catalog_find(v.catalog, ws->id, view_of("store"));
		ck_assert(e != NULL && e->record == 1 && e->version == 1 &&
		    e->kind == COFRE_KIND_GENERIC && e->state == SECRET_LIVE);
		ck_assert_uint_eq(catalog_count(v.catalog, ws->slot).live, 1);
		vault_tidy(&v);
		vault_lock(&v);
		ck_assert(vaultdir_is_wiped(&v));
		ck_assert_int_eq(unlock(0, 1), COFRE_OK);
	}
}
END_TEST

START_TEST(a_vault_is_made_once)
{
	const struct slot_params p = vaultdir_keyfile(9);
	uint32_t slot;

	vaultdir_init(&v);
	ck_assert_int_eq(vault_init(&v, &p, 0, 0, &slot), COFRE_EXISTS);
	vault_lock(&v);
	ck_assert_int_eq(vault_init(&v, &p, 0, 0, &slot), COFRE_EXISTS);
	ck_assert_int_eq(unlock(0, 1), COFRE_OK);
}
END_TEST

START_TEST(an_init_without_its_commit_has_not_been)
{
	const struct slot_params p = vaultdir_keyfile(9);
	uint32_t slot;

	ck_assert_int_eq(vault_init(&v, &p, 0, 0, &slot), COFRE_OK);
	ck_assert_int_eq(v.state, VAULT_OPEN);
	vault_poison(&v, COFRE_STORE_FAILED);
	ck_assert_int_eq(vault_commit(&v, 0, 0), COFRE_STORE_FAILED);
	ck_assert_int_eq(v.state, VAULT_EMPTY);
	ck_assert(vaultdir_is_wiped(&v));
	ck_assert_int_eq(vault_init(&v, &p, 0, 0, &slot), COFRE_OK);
	vaultdir_close(&v);
	vaultdir_open(&v, 64 * MIB);
	ck_assert_int_eq(v.state, VAULT_EMPTY);
	vaultdir_init(&v);
}
END_TEST

/* --- slots --- */

static const struct {
	uint8_t type;
	uint64_t ops, mem;
	size_t salt, key;
	bool good;
} forms[] = {
	{ SLOT_KEYFILE, 0, 0, 0, KEY_LEN, true },
	{ SLOT_KEYFILE, 1, 0, 0, KEY_LEN, false },
	{ SLOT_KEYFILE, 0, 1, 0, KEY_LEN, false },
	{ SLOT_KEYFILE, 0, 0, SALT_LEN, KEY_LEN, false },
	{ SLOT_KEYFILE, 0, 0, 0, KEY_LEN - 1, false },
	{ SLOT_KEYFILE, 0, 0, 0, 0, false },
	{ SLOT_PASSPHRASE, 3, 4, SALT_LEN, KEY_LEN, true },
	{ SLOT_PASSPHRASE, 0, 4, SALT_LEN, KEY_LEN, false },
	{ SLOT_PASSPHRASE, 3, 0, SALT_LEN, KEY_LEN, false },
	{ SLOT_PASSPHRASE, 3, 4, SALT_LEN - 1, KEY_LEN, false },
	{ SLOT_PASSPHRASE, 3, 4, 0, KEY_LEN, false },
	{ SLOT_PASSPHRASE, 3, 4, SALT_LEN, KEY_LEN - 1, false },
	{ 0, 0, 0, 0, KEY_LEN, false },
	{ 3, 3, 4, SALT_LEN, KEY_LEN, false },
	{ 255, 0, 0, 0, KEY_LEN, false },
};

START_TEST(a_slot_has_the_form_of_its_type)
{
	static const uint8_t bytes[KEY_LEN];
	uint32_t slot;

	for (size_t i = 0; i < COUNT(forms); i++) {
		const struct slot_params p = { forms[i].type, forms[i].ops,
			forms[i].mem, { bytes, forms[i].salt },
			{ bytes, forms[i].key } };

		ck_assert_msg(vault_slot_check(&p) ==
			(forms[i].good ? COFRE_OK : COFRE_INVALID),
		    "form %zu", i);
		if (forms[i].good)
			continue;
		ck_assert_int_eq(vault_init(&v, &p, 0, 0, &slot),
		    COFRE_INVALID);
		ck_assert_int_eq(v.state, VAULT_EMPTY);
	}
	vaultdir_init(&v);
	for (size_t i = 0; i < COUNT(forms); i++) {
		const struct slot_params p = { forms[i].type, forms[i].ops,
			forms[i].mem, { bytes, forms[i].salt },
			{ bytes, forms[i].key } };

		if (!forms[i].good)
			ck_assert_int_eq(vault_slot_add(&v, &p, 0, 0, &slot),
			    COFRE_INVALID);
	}
}
END_TEST

START_TEST(a_wrong_key_opens_nothing_and_leaves_nothing)
{
	struct view short_key = { (const uint8_t *)"k", 1 };

	vaultdir_init(&v);
	vault_lock(&v);
	ck_assert_int_eq(unlock(0, 2), COFRE_WRONG_KEY);
	ck_assert_int_eq(unlock(1, 2), COFRE_WRONG_KEY);
	ck_assert_int_eq(unlock(2, 1), COFRE_WRONG_KEY);
	ck_assert_int_eq(unlock(17, 1), COFRE_WRONG_KEY);
	ck_assert_int_eq(unlock(UINT32_MAX, 1), COFRE_WRONG_KEY);
	ck_assert_int_eq(vault_unlock_begin(&v, 0, short_key, false, 0),
	    COFRE_INVALID);
	ck_assert_int_eq(v.state, VAULT_LOCKED);
	ck_assert(vaultdir_is_wiped(&v));
	ck_assert_int_eq(unlock(0, 1), COFRE_OK);
	ck_assert_int_eq(unlock(0, 1), COFRE_CONFLICT);
	ck_assert_int_eq(v.state, VAULT_OPEN);
}
END_TEST

/* Add a slot and commit it; returns its number. */
static uint32_t
add_slot(const struct slot_params *p)
{
	uint32_t slot = 0;

	ck_assert_int_eq(vault_slot_add(&v, p, 7, 99, &slot), COFRE_OK);
	vaultdir_commit(&v);
	return slot;
}

START_TEST(each_slot_opens_with_its_own_key)
{
	const struct slot_params passphrase = vaultdir_passphrase(2);
	const struct slot_params keyfile = vaultdir_keyfile(3);

	vaultdir_init(&v);
	ck_assert_uint_eq(add_slot(&passphrase), 2);
	ck_assert_uint_eq(add_slot(&keyfile), 3);
	for (uint32_t slot = 0; slot <= 4; slot++)
		for (uint8_t key = 1; key <= 4; key++) {
			bool any = slot == 0 && (key == 1 || key == 3);
			bool right = slot == key && key <= 3;

			vault_lock(&v);
			ck_assert_msg(unlock(slot, key) == (any || right ?
				COFRE_OK : COFRE_WRONG_KEY),
			    "slot %u with key %u", slot, key);
		}
}
END_TEST

START_TEST(slots_are_listed_with_their_parameters)
{
	const struct slot_params passphrase = vaultdir_passphrase(2);
	uint8_t buf[512];
	struct wire_writer w;
	struct slot_list_reply reply;
	struct slot_item item;
	struct wire_reader r;

	vaultdir_init(&v);
	(void)add_slot(&passphrase);
	vault_lock(&v);
	wire_writer_init(&w, buf, sizeof(buf));
	ck_assert_int_eq(vault_slot_list(&v, &w), COFRE_OK);
	ck_assert(slot_list_reply_decode((struct view){ buf, w.len },
	    &reply));
	ck_assert_uint_eq(reply.items.count, 2);
	r = list_reader(reply.items);
	slot_item_get(&r, &item);
	ck_assert(item.slot == 1 && item.type == SLOT_KEYFILE &&
	    item.salt.len == 0 && item.uid == CREATOR &&
	    item.created == 1000);
	slot_item_get(&r, &item);
	ck_assert(item.slot == 2 && item.type == SLOT_PASSPHRASE &&
	    item.ops == 3 && item.mem == 1 << 20 && item.uid == 7 &&
	    item.created == 99 && view_is(item.salt, "0123456789abcdef"));
	ck_assert(wire_reader_done(&r));
}
END_TEST

START_TEST(a_removed_slot_opens_no_more_and_the_last_one_stays)
{
	const struct slot_params other = vaultdir_keyfile(2);

	vaultdir_init(&v);
	ck_assert_int_eq(vault_slot_remove(&v, 1), COFRE_LAST_SLOT);
	ck_assert_int_eq(vault_slot_remove(&v, 2), COFRE_NOT_FOUND);
	ck_assert_uint_eq(add_slot(&other), 2);
	ck_assert_int_eq(vault_slot_remove(&v, 1), COFRE_OK);
	/* In the same turn too. */
	ck_assert_int_eq(vault_slot_remove(&v, 2), COFRE_LAST_SLOT);
	vaultdir_commit(&v);
	vault_lock(&v);
	ck_assert_int_eq(unlock(0, 1), COFRE_WRONG_KEY);
	ck_assert_int_eq(unlock(0, 2), COFRE_OK);
	/* Its number is given again. */
	ck_assert_uint_eq(add_slot(&other), 1);
}
END_TEST

START_TEST(there_are_16_slots)
{
	uint32_t slot;

	vaultdir_init(&v);
	for (uint8_t i = 2; i <= SLOTS_MAX; i++) {
		const struct slot_params p = vaultdir_keyfile(i);

		ck_assert_int_eq(vault_slot_add(&v, &p, 0, 0, &slot),
		    COFRE_OK);
		ck_assert_uint_eq(slot, i);
	}
	vaultdir_commit(&v);
	for (uint8_t i = 1; i <= SLOTS_MAX; i += 5) {
		vault_lock(&v);
		ck_assert_int_eq(unlock(0, i), COFRE_OK);
	}
	ck_assert_int_eq(vault_slot_add(&v, &(struct slot_params){
	    .type = SLOT_KEYFILE, .key = vaultdir_keyfile(99).key }, 0, 0,
	    &slot), COFRE_LIMIT);
}
END_TEST

/* --- unlocking in steps --- */

START_TEST(a_large_vault_is_unlocked_in_steps_and_can_be_locked_meanwhile)
{
	const struct view key = vaultdir_keyfile(1).key;
	struct workspace *ws;
	unsigned steps = 1;
	char name[16];

	vaultdir_init(&v);
	ws = vaultdir_workspace(&v, "ml");
	for (uint32_t i = 0; i < 1500; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		ck_assert_int_eq(vaultdir_put(&v, ws, name, i, 1, name),
		    COFRE_OK);
	}
	vaultdir_commit(&v);
	vault_lock(&v);
	ck_assert_int_eq(vault_unlock_begin(&v, 0, key, false, 0), COFRE_OK);
	ck_assert(vault_unlock_step(&v));
	ck_assert_int_eq(v.state, VAULT_LOCKED);
	ck_assert_int_eq(vault_unlock_begin(&v, 0, key, false, 0),
	    COFRE_BUSY);
	vault_lock(&v);
	ck_assert(vaultdir_is_wiped(&v));
	ck_assert_int_eq(vault_unlock_begin(&v, 0, key, false, 0), COFRE_OK);
	for (; vault_unlock_step(&v); steps++)
		store_release(v.store);
	ck_assert_int_eq(v.unlock.status, COFRE_OK);
	ck_assert_uint_ge(steps, 3);
	ws = vaultdir_workspace(&v, "ml");
	ck_assert_uint_eq(catalog_count(v.catalog, ws->slot).live, 1500);
	ck_assert(vaultdir_has(&v, ws, "n1499", 1499, 1, "n1499"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vault");
	TCase *t = tcase_create("vault");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_empty_store_holds_no_vault);
	tcase_add_test(t, a_vault_is_made_locked_and_unlocked);
	tcase_add_test(t, what_was_stored_is_there_after_a_lock);
	tcase_add_test(t, a_vault_is_made_once);
	tcase_add_test(t, an_init_without_its_commit_has_not_been);
	tcase_add_test(t, a_slot_has_the_form_of_its_type);
	tcase_add_test(t, a_wrong_key_opens_nothing_and_leaves_nothing);
	tcase_add_test(t, each_slot_opens_with_its_own_key);
	tcase_add_test(t, slots_are_listed_with_their_parameters);
	tcase_add_test(t,
	    a_removed_slot_opens_no_more_and_the_last_one_stays);
	tcase_add_test(t, there_are_16_slots);
	tcase_add_test(t,
	    a_large_vault_is_unlocked_in_steps_and_can_be_locked_meanwhile);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
