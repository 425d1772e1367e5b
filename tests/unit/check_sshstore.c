/*
 * The SSH store beside a vault: its evidence, the mark that the vault has of
 * it, and which of the two goes first.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sample.h"
#include "vaultdir.h"

static struct vault v;
static const struct row_id header = { .table = TABLE_SSH_HEADER };

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

/* Write to the SSH store: its header once more.  Not committed. */
static void
touch(void)
{
	struct view row;
	uint8_t copy[256];

	ck_assert_int_eq(sshstore_begin(&v.ssh, 1024, false), COFRE_OK);
	ck_assert_int_eq(sshstore_get(&v.ssh, &header, &row), COFRE_OK);
	memcpy(copy, row.data, row.len);
	ck_assert_int_eq(sshstore_write_clear(&v.ssh, &header,
	    (struct view){ copy, row.len }), COFRE_OK);
}

/* Copy the file, as it is on disk. */
static void
copy(const char *from, const char *to)
{
	size_t len;
	uint8_t *bytes = statedir_read(from, &len);

	statedir_write(to, bytes, len);
	free(bytes);
}

/* Open and unlock: this is what comes of it; the vault stays open if it
   can. */
static void
assert_unlock(enum cofre_status want, bool accept)
{
	enum cofre_status st;

	vaultdir_open(&v, 64 * MIB);
	st = vaultdir_unlock(&v, 0, 1, accept, 0);
	ck_assert_msg(st == want, "%s instead of %s", cofre_status_name(st),
	    cofre_status_name(want));
	ck_assert(v.unlock.of_ssh == (want != COFRE_OK));
	if (st != COFRE_OK)
		ck_assert(vaultdir_is_wiped(&v));
}

START_TEST(a_new_vault_has_one_and_knows_its_epoch)
{
	ck_assert(v.ssh.open);
	ck_assert_uint_eq(v.ssh.epoch, 1);
	ck_assert_uint_eq(v.ssh_mark, 1);
	ck_assert_uint_eq(v.epoch, 1);
	touch();
	vaultdir_commit(&v);
	ck_assert_uint_eq(v.ssh.epoch, 2);
	ck_assert_uint_eq(v.ssh_mark, 2);
	ck_assert_uint_eq(v.epoch, 2);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.ssh.epoch, 2);
	ck_assert_uint_eq(v.ssh_mark, 2);
	/* What the vault alone has to do counts nothing there. */
	(void)vaultdir_workspace(&v, "ml");
	vaultdir_commit(&v);
	ck_assert_uint_eq(v.ssh.epoch, 2);
	ck_assert_uint_eq(v.epoch, 3);
}
END_TEST

START_TEST(its_key_is_wiped_at_lock_and_no_other_opens_it)
{
	uint8_t key[KEY_LEN], zero[KEY_LEN] = { 0 };

	memcpy(key, keyring_ssh(&v.keyring), KEY_LEN);
	ck_assert(memcmp(key, zero, KEY_LEN) != 0);
	vault_lock(&v);
	ck_assert(memcmp(keyring_ssh(&v.keyring), zero, KEY_LEN) == 0);
	ck_assert_int_eq(sshstore_begin(&v.ssh, 0, false),
	    COFRE_STORE_FAILED);
	vaultdir_again(&v);
	ck_assert(memcmp(keyring_ssh(&v.keyring), key, KEY_LEN) == 0);
}
END_TEST

START_TEST(a_kill_between_the_two_commits_is_no_rollback)
{
	touch();
	ck_assert_int_eq(sshstore_commit(&v.ssh, 1), COFRE_OK);
	vaultdir_close(&v);
	assert_unlock(COFRE_OK, false);
	ck_assert_uint_eq(v.ssh.epoch, 2);
	ck_assert_uint_eq(v.ssh_mark, 1);
	/* The next commit of anything catches up. */
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_OK);
	ck_assert_uint_eq(v.ssh_mark, 2);
}
END_TEST

START_TEST(an_older_one_is_noticed)
{
	copy(VAULTDIR_SSH, "old");
	touch();
	vaultdir_commit(&v);
	vaultdir_close(&v);
	copy("old", VAULTDIR_SSH);
	assert_unlock(COFRE_ROLLBACK, false);
	vaultdir_close(&v);
	assert_unlock(COFRE_OK, true);
	/* Its epochs go on from what the vault has seen. */
	ck_assert_uint_eq(v.ssh.epoch, 2);
	touch();
	vaultdir_commit(&v);
	ck_assert_uint_eq(v.ssh.epoch, 3);
	vaultdir_again(&v);
}
END_TEST

START_TEST(an_older_one_is_accepted_once)
{
	copy(VAULTDIR_SSH, "old");
	touch();
	vaultdir_commit(&v);
	vaultdir_close(&v);
	copy("old", VAULTDIR_SSH);
	assert_unlock(COFRE_OK, true);
	vault_ssh_attach(&v, 1, 0);
	ck_assert_uint_eq(v.ssh.epoch, 3);
	ck_assert_uint_eq(v.ssh_mark, 3);
	vaultdir_again(&v);
	vault_ssh_attach(&v, 1, 0);
	ck_assert_uint_eq(v.ssh.epoch, 3);
}
END_TEST

START_TEST(one_that_is_gone_is_noticed_and_never_silently_made_anew)
{
	vaultdir_close(&v);
	ck_assert_int_eq(unlink(VAULTDIR_SSH), 0);
	assert_unlock(COFRE_ROLLBACK, false);
	vaultdir_close(&v);
	assert_unlock(COFRE_OK, true);
	ck_assert(!v.ssh.open);
	vault_ssh_attach(&v, 1, 0);
	ck_assert(v.ssh.open);
	ck_assert_uint_eq(v.ssh.epoch, 2);
	vaultdir_again(&v);
	ck_assert(v.ssh.open);
	vaultdir_close(&v);
	ck_assert_int_eq(unlink(VAULTDIR_SSH), 0);
	assert_unlock(COFRE_ROLLBACK, false);
}
END_TEST

START_TEST(a_changed_byte_or_a_row_more_or_less_is_noticed)
{
	size_t len;
	uint8_t *good;

	touch();
	vaultdir_commit(&v);
	vaultdir_close(&v);
	good = statedir_read(VAULTDIR_SSH, &len);
	rawdb_file(VAULTDIR_SSH);
	for (unsigned i = 0; i < 6; i++) {
		static const uint8_t key[] = { TABLE_SSH_HEADER,
			TABLE_SSH_STATE };
		const struct view first = { key, 1 }, second = { key + 1, 1 };
		uint8_t changed[512];
		struct view row;

		rawdb_begin();
		row = rawdb_get(i < 3 ? first : second);
		memcpy(changed, row.data, row.len);
		changed[i % 3 == 0 ? 5 : row.len - 1] ^= 1;
		if (i % 3 < 2)
			rawdb_put(i < 3 ? first : second,
			    (struct view){ changed, row.len });
		else if (i < 3)
			rawdb_delete(first);
		else
			rawdb_put(view_of("\x03"), row);
		rawdb_end();
		assert_unlock(COFRE_CORRUPT, false);
		vaultdir_close(&v);
		assert_unlock(COFRE_CORRUPT, true);
		vaultdir_close(&v);
		statedir_write(VAULTDIR_SSH, good, len);
	}
	assert_unlock(COFRE_OK, false);
	free(good);
}
END_TEST

START_TEST(that_of_another_vault_is_not_taken)
{
	vaultdir_close(&v);
	copy(VAULTDIR_SSH, "other");
	ck_assert_int_eq(unlink(VAULTDIR_SSH), 0);
	ck_assert_int_eq(unlink(STATEDIR_FILE), 0);
	vaultdir_open(&v, 64 * MIB);
	vaultdir_init(&v);
	vaultdir_close(&v);
	copy("other", VAULTDIR_SSH);
	assert_unlock(COFRE_CORRUPT, true);
}
END_TEST

START_TEST(a_lost_one_that_is_accepted_is_made_anew_once)
{
	uint64_t epoch = v.epoch, mark = v.ssh_mark;

	vaultdir_close(&v);
	ck_assert_int_eq(unlink(VAULTDIR_SSH), 0);
	assert_unlock(COFRE_OK, true);
	ck_assert(!v.ssh.open);
	vault_ssh_attach(&v, 1, 0);
	ck_assert(v.ssh.open);
	ck_assert_uint_eq(v.ssh.epoch, mark + 1);
	ck_assert_uint_eq(v.epoch, epoch + 1);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.ssh_mark, mark + 1);
	ck_assert(v.ssh.open);
	/* Once is enough. */
	vault_ssh_attach(&v, 1, 0);
	ck_assert_uint_eq(v.epoch, epoch + 1);
	ck_assert_uint_eq(v.ssh.epoch, mark + 1);
}
END_TEST

START_TEST(where_none_can_be_made_the_vault_is_open_without)
{
	vaultdir_close(&v);
	ck_assert_int_eq(unlink(VAULTDIR_SSH), 0);
	assert_unlock(COFRE_OK, true);
	statedir_limit_files(1);
	vault_ssh_attach(&v, 1, 0);
	statedir_limit_files(RLIM_INFINITY);
	ck_assert_int_eq(v.state, VAULT_OPEN);
	ck_assert(!v.ssh.open);
	ck_assert_int_eq(sshstore_begin(&v.ssh, 0, true),
	    COFRE_STORE_FAILED);
	vaultdir_close(&v);
	assert_unlock(COFRE_OK, true);
	vault_ssh_attach(&v, 1, 0);
	ck_assert(v.ssh.open);
}
END_TEST

START_TEST(what_a_killed_init_left_does_not_stop_the_next)
{
	vaultdir_close(&v);
	ck_assert_int_eq(unlink(STATEDIR_FILE), 0);
	vaultdir_open(&v, 64 * MIB);
	ck_assert_int_eq(v.state, VAULT_EMPTY);
	vaultdir_init(&v);
	ck_assert_uint_eq(v.ssh.epoch, 1);
	vaultdir_again(&v);
}
END_TEST

START_TEST(keys_without_their_vault_are_not_written_over)
{
	vaultdir_close(&v);
	rawdb_file(VAULTDIR_SSH);
	rawdb_begin();
	rawdb_put(view_of("\x24"), view_of("a key"));
	rawdb_end();
	ck_assert_int_eq(unlink(STATEDIR_FILE), 0);
	vaultdir_assert_refused(&v, "SSH");
	ck_assert_int_eq(unlink(VAULTDIR_SSH), 0);
	vaultdir_open(&v, 64 * MIB);
}
END_TEST

START_TEST(half_an_operation_is_kept_in_neither)
{
	struct workspace *ws;

	(void)vaultdir_workspace(&v, "ml");
	touch();
	vault_poison(&v, COFRE_CORRUPT);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_CORRUPT);
	ck_assert(!v.ssh_kept);
	ck_assert_uint_eq(v.ssh.epoch, 1);
	ck_assert_ptr_null(vault_workspace(&v, view_of("ml")));
	touch();
	ws = vaultdir_workspace(&v, "ml");
	vaultdir_commit(&v);
	ck_assert(v.ssh_kept);
	ck_assert_ptr_nonnull(ws);
	vaultdir_again(&v);
}
END_TEST

START_TEST(without_the_ssh_store_nothing_is_kept)
{
	(void)vaultdir_workspace(&v, "ml");
	touch();
	v.ssh.poison = COFRE_STORE_FULL;
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FULL);
	ck_assert(!v.ssh_kept);
	ck_assert_ptr_null(vault_workspace(&v, view_of("ml")));
	ck_assert_uint_eq(v.epoch, 1);
	ck_assert(v.ssh.open);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.ssh.epoch, 1);
}
END_TEST

START_TEST(a_commit_that_failed_leaves_no_trace_in_the_evidence)
{
	static const uint8_t large[20000];
	const struct row_id id = { .table = TABLE_TARGET, .workspace = 1,
		.record = 1 };
	struct ssh_evidence before = v.ssh.now;

	ck_assert_int_eq(sshstore_begin(&v.ssh, 1024, false), COFRE_OK);
	v.ssh.now.next_record++;
	ck_assert_int_eq(sshstore_write(&v.ssh, &id,
	    (struct view){ large, sizeof(large) }), COFRE_OK);
	statedir_limit_files(8192);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FAILED);
	statedir_limit_files(RLIM_INFINITY);
	ck_assert(!v.ssh_kept && v.ssh.open);
	ck_assert(tally_equal(&v.ssh.now.tally, &before.tally));
	ck_assert_uint_eq(v.ssh.now.next_record, before.next_record);
	vaultdir_again(&v);
}
END_TEST

START_TEST(when_the_vaults_commit_fails_the_ssh_store_keeps_its_own)
{
	static char large[100000];
	struct workspace *ws = vaultdir_workspace(&v, "ml");

	memset(large, 'x', sizeof(large) - 1);
	vaultdir_commit(&v);
	touch();
	ck_assert_int_eq(vaultdir_put(&v, ws, "n", 1, 1, large), COFRE_OK);
	/* The vault's file is to be written behind that, the other is not. */
	statedir_limit_files(81920);
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_STORE_FAILED);
	statedir_limit_files(RLIM_INFINITY);
	ck_assert(v.ssh_kept);
	ck_assert_uint_eq(v.ssh.epoch, 2);
	ck_assert_uint_eq(v.ssh_mark, 1);
	/* It stays so: the vault is read-only now, and all else goes on. */
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_OK);
	ck_assert(!v.ssh_kept);
	touch();
	ck_assert_int_eq(vault_commit(&v, 1, 0), COFRE_OK);
	ck_assert(v.ssh_kept);
	ck_assert_uint_eq(v.ssh_mark, 1);
	vaultdir_again(&v);
	ck_assert_uint_eq(v.ssh.epoch, 3);
	vaultdir_commit(&v);
	ck_assert_uint_eq(v.ssh_mark, 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sshstore");
	TCase *t = tcase_create("sshstore");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_new_vault_has_one_and_knows_its_epoch);
	tcase_add_test(t, its_key_is_wiped_at_lock_and_no_other_opens_it);
	tcase_add_test(t, a_kill_between_the_two_commits_is_no_rollback);
	tcase_add_test(t, an_older_one_is_noticed);
	tcase_add_test(t, an_older_one_is_accepted_once);
	tcase_add_test(t,
	    one_that_is_gone_is_noticed_and_never_silently_made_anew);
	tcase_add_test(t, a_changed_byte_or_a_row_more_or_less_is_noticed);
	tcase_add_test(t, that_of_another_vault_is_not_taken);
	tcase_add_test(t, a_lost_one_that_is_accepted_is_made_anew_once);
	tcase_add_test(t, where_none_can_be_made_the_vault_is_open_without);
	tcase_add_test(t, what_a_killed_init_left_does_not_stop_the_next);
	tcase_add_test(t, keys_without_their_vault_are_not_written_over);
	tcase_add_test(t, half_an_operation_is_kept_in_neither);
	tcase_add_test(t, without_the_ssh_store_nothing_is_kept);
	tcase_add_test(t,
	    a_commit_that_failed_leaves_no_trace_in_the_evidence);
	tcase_add_test(t,
	    when_the_vaults_commit_fails_the_ssh_store_keeps_its_own);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
