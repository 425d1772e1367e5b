#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kdf.h"
#include "keyfile.h"
#include "proto.h"
#include "sample.h"

static char dir[] = "/tmp/cofre-check-kdf-XXXXXX";
static char path[64];
static struct problem problem;
static struct kdf k;

static void
setup(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/key", dir);
	ck_assert_int_eq(kdf_init(&k, &problem), COFRE_OK);
}

static void
teardown(void)
{
	kdf_free(&k);
	(void)unlink(path);
	(void)rmdir(dir);
}

static bool
is_there(void)
{
	return access(path, F_OK) == 0;
}

START_TEST(a_keyfile_is_made_for_its_owner_alone)
{
	uint8_t key[KEY_LEN];
	char error[256];
	struct stat st;

	ck_assert_int_eq(kdf_keyfile(&k, path, true, &problem), COFRE_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_size, 32);
	ck_assert_uint_eq(k.type, SLOT_KEYFILE);
	ck_assert_uint_eq(k.ops, 0);
	ck_assert_uint_eq(k.salt_len, 0);
	ck_assert(keyfile_read(path, key, error, sizeof(error)));
	ck_assert_mem_eq(key, k.key, KEY_LEN);
}
END_TEST

START_TEST(two_keyfiles_are_not_the_same)
{
	uint8_t key[KEY_LEN];

	ck_assert_int_eq(kdf_keyfile(&k, path, true, &problem), COFRE_OK);
	memcpy(key, k.key, KEY_LEN);
	ck_assert(kdf_settle(&k, COFRE_DENIED));
	ck_assert_int_eq(kdf_keyfile(&k, path, true, &problem), COFRE_OK);
	ck_assert_mem_ne(key, k.key, KEY_LEN);
}
END_TEST

START_TEST(a_keyfile_that_is_there_is_used_and_never_removed)
{
	uint8_t key[KEY_LEN];

	ck_assert_int_eq(kdf_keyfile(&k, path, true, &problem), COFRE_OK);
	ck_assert(kdf_settle(&k, COFRE_OK));
	memcpy(key, k.key, KEY_LEN);
	ck_assert_int_eq(kdf_keyfile(&k, path, true, &problem), COFRE_OK);
	ck_assert_mem_eq(key, k.key, KEY_LEN);
	ck_assert(kdf_settle(&k, COFRE_DENIED));
	ck_assert(is_there());
	ck_assert(kdf_settle(&k, COFRE_CLOSED));
	ck_assert(is_there());
}
END_TEST

static const struct {
	enum cofre_status status;
	bool stays;
	bool known;
} ends[] = {
	{ COFRE_OK, true, true },
	{ COFRE_DENIED, false, true },
	{ COFRE_EXISTS, false, true },
	{ COFRE_LOCKED, false, true },
	{ COFRE_STORE_FULL, false, true },
	{ COFRE_UNREACHABLE, false, true },
	{ COFRE_TIMEOUT, true, false },
	{ COFRE_CLOSED, true, false },
	{ COFRE_BAD_REPLY, true, false },
	{ COFRE_INTERNAL, true, false },
	{ COFRE_LOG_FAILED, true, false },
	{ COFRE_BLOCKED, true, false },
	{ COFRE_STORE_FAILED, true, false }, /* of a flush, say */
	/* Of a later daemon, and what nobody has thought of here. */
	{ (enum cofre_status)63, true, false },
	{ COFRE_CORRUPT, true, false },
	{ COFRE_BUSY, false, true },
	{ COFRE_OTHER_PROCESS, false, true },
	{ COFRE_UNINITIALIZED, false, true },
	{ COFRE_TOO_LARGE, false, true },
	{ COFRE_LIMIT, false, true },
	{ COFRE_ROLLBACK, false, true },
	{ COFRE_BAD_FRAME, false, true },
	{ COFRE_UNKNOWN_OPERATION, false, true },
	{ COFRE_RUN_ENDED, false, true },
	{ COFRE_ARGUMENT, false, true },
};

START_TEST(a_keyfile_that_may_open_the_vault_is_never_removed)
{
	ck_assert_int_eq(kdf_keyfile(&k, path, true, &problem), COFRE_OK);
	ck_assert(kdf_settle(&k, ends[_i].status) == ends[_i].known);
	ck_assert(is_there() == ends[_i].stays);
}
END_TEST

START_TEST(a_keyfile_is_not_made_for_an_unlock)
{
	ck_assert_int_eq(kdf_keyfile(&k, path, false, &problem),
	    COFRE_ARGUMENT);
	ck_assert(!is_there());
}
END_TEST

START_TEST(a_keyfile_in_no_directory_is_refused)
{
	ck_assert_int_eq(kdf_keyfile(&k, "/nonexistent/key", true, &problem),
	    COFRE_ARGUMENT);
	ck_assert_str_eq(problem.text,
	    "can't make /nonexistent/key: No such file or directory");
}
END_TEST

START_TEST(a_link_that_leads_nowhere_is_not_followed)
{
	ck_assert_int_eq(symlink("/nonexistent", path), 0);
	ck_assert_int_eq(kdf_keyfile(&k, path, true, &problem),
	    COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(problem.text, "symbolic link"));
}
END_TEST

START_TEST(a_new_file_is_removed_where_it_was_made)
{
	char moved[80], decoy[96];
	struct newfile f;
	int fd;

	ck_assert(newfile_create(&f, path));
	/* Somebody exchanges the directory for one with a file of his. */
	(void)snprintf(moved, sizeof(moved), "%s.moved", dir);
	ck_assert_int_eq(rename(dir, moved), 0);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	newfile_remove(&f);
	ck_assert(is_there());
	(void)snprintf(decoy, sizeof(decoy), "%s/key", moved);
	ck_assert_int_eq(access(decoy, F_OK), -1);
	ck_assert_int_eq(rmdir(moved), 0);
}
END_TEST

START_TEST(a_file_that_is_there_is_not_overwritten)
{
	struct newfile f;

	ck_assert(newfile_create(&f, path));
	ck_assert(newfile_close(&f));
	ck_assert(!newfile_create(&f, path));
	ck_assert_int_eq(errno, EEXIST);
	newfile_remove(&f);
	ck_assert(is_there());
}
END_TEST

START_TEST(a_file_without_a_directory_is_made_where_one_is)
{
	struct newfile f;
	int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ne(before, -1);
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert(newfile_create(&f, "key"));
	/* The directory is the one that it was. */
	ck_assert_int_eq(fchdir(before), 0);
	(void)close(before);
	ck_assert(is_there());
	newfile_remove(&f);
	ck_assert(!is_there());
}
END_TEST

START_TEST(a_path_that_is_too_long_is_refused_whole)
{
	char text[5000];
	struct newfile f;

	memset(text, '/', sizeof(text));
	memcpy(text + sizeof(text) - 4, "key", 4);
	ck_assert(!newfile_create(&f, text));
	ck_assert_int_eq(errno, ENAMETOOLONG);
	ck_assert_int_eq(f.dir, -1);
}
END_TEST

/* Passphrases. */

static void
derive(const char *text)
{
	struct input in;

	ck_assert_int_eq(input_init(&in, KDF_PASSPHRASE_MAX, &problem),
	    COFRE_OK);
	in.len = strlen(text);
	memcpy(in.data, text, in.len);
	ck_assert_msg(kdf_derive(&k, &in, &problem) == COFRE_OK, "%s",
	    problem.text);
	input_free(&in);
}

/* Golden value of ../shared/reference/crypto-recipes.md, section 1. */
START_TEST(a_passphrase_is_stretched_with_argon2id)
{
	static const uint8_t salt[SALT_LEN] = { 1 };
	static const uint8_t want[] = { 0xb4, 0x8c, 0x45, 0x11, 0x10, 0x68,
		0xa6, 0x47 };

	ck_assert_int_eq(kdf_use(&k, 3, (uint64_t)256 << 20,
	    (struct view){ salt, sizeof(salt) }, &problem), COFRE_OK);
	derive("pw");
	ck_assert_mem_eq(k.key, want, sizeof(want));
}
END_TEST

START_TEST(a_new_slot_gets_parameters_that_can_be_used_again)
{
	uint8_t salt[SALT_LEN];

	ck_assert_int_eq(kdf_new(&k, &problem), COFRE_OK);
	ck_assert_uint_eq(k.type, SLOT_PASSPHRASE);
	ck_assert_uint_eq(k.ops, 3);
	ck_assert_uint_eq(k.memory, 268435456);
	ck_assert_uint_eq(k.salt_len, SALT_LEN);
	memcpy(salt, k.salt, SALT_LEN);
	ck_assert_int_eq(kdf_use(&k, k.ops, k.memory,
	    (struct view){ salt, SALT_LEN }, &problem), COFRE_OK);
	ck_assert_int_eq(kdf_new(&k, &problem), COFRE_OK);
	ck_assert_mem_ne(k.salt, salt, SALT_LEN);
}
END_TEST

START_TEST(each_salt_and_each_passphrase_has_a_key_of_its_own)
{
	static const uint8_t salts[2][SALT_LEN] = { { 1 }, { 2 } };
	uint8_t key[KEY_LEN];

	ck_assert_int_eq(kdf_use(&k, 1, 8192,
	    (struct view){ salts[0], SALT_LEN }, &problem), COFRE_OK);
	derive("a");
	memcpy(key, k.key, KEY_LEN);
	derive("b");
	ck_assert_mem_ne(k.key, key, KEY_LEN);
	derive("a");
	ck_assert_mem_eq(k.key, key, KEY_LEN);
	ck_assert_int_eq(kdf_use(&k, 1, 8192,
	    (struct view){ salts[1], SALT_LEN }, &problem), COFRE_OK);
	derive("a");
	ck_assert_mem_ne(k.key, key, KEY_LEN);
}
END_TEST

static const struct {
	uint64_t ops;
	uint64_t memory;
	size_t salt;
	bool good;
} parameters[] = {
	{ 1, 8192, SALT_LEN, true },
	{ 64, (uint64_t)4 << 30, SALT_LEN, true },
	{ 0, 8192, SALT_LEN, false },
	{ 65, 8192, SALT_LEN, false },
	{ UINT64_MAX, 8192, SALT_LEN, false },
	{ 1, 8191, SALT_LEN, false },
	{ 1, ((uint64_t)4 << 30) + 1, SALT_LEN, false },
	{ 1, UINT64_MAX, SALT_LEN, false },
	{ 1, 8192, SALT_LEN - 1, false },
	{ 1, 8192, 0, false },
};

START_TEST(a_slot_may_not_ask_for_anything)
{
	static const uint8_t salt[SALT_LEN];
	enum cofre_status s = kdf_use(&k, parameters[_i].ops,
	    parameters[_i].memory,
	    (struct view){ salt, parameters[_i].salt }, &problem);

	ck_assert_int_eq(s, parameters[_i].good ? COFRE_OK : COFRE_INVALID);
}
END_TEST

/* Standard input is a pipe with that text while a passphrase is asked for. */
static enum cofre_status
ask(const char *text, bool is_new, const char *want)
{
	struct input in;
	enum cofre_status s;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], text, strlen(text)),
	    (int)strlen(text));
	(void)close(fds[1]);
	ck_assert_int_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(fds[0]);
	ck_assert_int_eq(input_init(&in, KDF_PASSPHRASE_MAX, &problem),
	    COFRE_OK);
	s = kdf_ask(&in, is_new, &problem);
	if (s == COFRE_OK)
		ck_assert(view_is(input_view(&in), want));
	input_free(&in);
	return s;
}

/* A slot may want more memory than there is. */
START_TEST(a_passphrase_without_memory_is_no_wrong_one)
{
	const uint64_t much = UINT64_C(1) << 31;
	const struct rlimit little = { 1u << 30, 1u << 30 };
	static const uint8_t salt[SALT_LEN];
	struct input in;

	if (SANITIZED) {
		(void)printf("skipped: under AddressSanitizer\n");
		return;
	}
	ck_assert_int_eq(kdf_use(&k, 3, much, (struct view){ salt, SALT_LEN },
			     &problem), COFRE_OK);
	ck_assert_int_eq(input_init(&in, KDF_PASSPHRASE_MAX, &problem),
	    COFRE_OK);
	in.data[in.len++] = 'x';
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &little), 0);
	ck_assert_int_eq(kdf_derive(&k, &in, &problem), COFRE_NO_MEMORY);
	ck_assert_str_eq(problem.text,
	    "Argon2id needs 2048 MiB of memory and can't get them");
	input_free(&in);
}
END_TEST

START_TEST(a_passphrase_comes_from_a_pipe)
{
	ck_assert_int_eq(ask("short\nand more\n", false, "short"), COFRE_OK);
	ck_assert_int_eq(ask("12345678\n", true, "12345678"), COFRE_OK);
	ck_assert_int_eq(ask("1234567\n", true, NULL), COFRE_ARGUMENT);
	ck_assert_int_eq(ask("\n", false, NULL), COFRE_ARGUMENT);
	ck_assert_int_eq(ask("", false, NULL), COFRE_ARGUMENT);
}
END_TEST

static TCase *
keyfiles(void)
{
	TCase *tc = tcase_create("keyfiles");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_keyfile_is_made_for_its_owner_alone);
	tcase_add_test(tc, two_keyfiles_are_not_the_same);
	tcase_add_test(tc, a_keyfile_that_is_there_is_used_and_never_removed);
	tcase_add_loop_test(tc,
	    a_keyfile_that_may_open_the_vault_is_never_removed, 0,
	    (int)(sizeof(ends) / sizeof(ends[0])));
	tcase_add_test(tc, a_keyfile_is_not_made_for_an_unlock);
	tcase_add_test(tc, a_keyfile_in_no_directory_is_refused);
	tcase_add_test(tc, a_link_that_leads_nowhere_is_not_followed);
	tcase_add_test(tc, a_new_file_is_removed_where_it_was_made);
	tcase_add_test(tc, a_file_that_is_there_is_not_overwritten);
	tcase_add_test(tc, a_file_without_a_directory_is_made_where_one_is);
	tcase_add_test(tc, a_path_that_is_too_long_is_refused_whole);
	return tc;
}

static TCase *
passphrases(void)
{
	TCase *tc = tcase_create("passphrases");

	tcase_set_timeout(tc, 60); /* 256 MiB under a sanitizer */
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_passphrase_is_stretched_with_argon2id);
	tcase_add_test(tc, a_new_slot_gets_parameters_that_can_be_used_again);
	tcase_add_test(tc,
	    each_salt_and_each_passphrase_has_a_key_of_its_own);
	tcase_add_loop_test(tc, a_slot_may_not_ask_for_anything, 0,
	    (int)(sizeof(parameters) / sizeof(parameters[0])));
	tcase_add_test(tc, a_passphrase_without_memory_is_no_wrong_one);
	tcase_add_test(tc, a_passphrase_comes_from_a_pipe);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("kdf");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, keyfiles());
	suite_add_tcase(s, passphrases());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
