#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto.h"
#include "keyfile.h"

static bool interrupted, no_crypto;

ssize_t __real_read(int fd, void *to, size_t n);
ssize_t __wrap_read(int fd, void *to, size_t n);
bool __real_crypto_init(void);
bool __wrap_crypto_init(void);

/* A byte at a time, then. */
ssize_t
__wrap_read(int fd, void *to, size_t n)
{
	static unsigned calls;

	errno = EINTR;
	if (interrupted && calls++ % 2 == 0)
		return -1;
	return __real_read(fd, to, interrupted && n > 1 ? 1 : n);
}

bool
__wrap_crypto_init(void)
{
	return !no_crypto && __real_crypto_init();
}

/* A directory of its own for each test, and a file in it. */
static char dir[] = "/tmp/cofre-check-keyfile-XXXXXX";
static char path[64];

static void
setup(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/key", dir);
}

static void
teardown(void)
{
	(void)unlink(path);
	(void)rmdir(path);
	(void)rmdir(dir);
}

/* Write a file of len bytes 0, 1, 2, ... with that mode. */
static void
make(size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ne(fd, -1);
	for (size_t i = 0; i < len; i++) {
		uint8_t b = (uint8_t)i;

		ck_assert_int_eq(write(fd, &b, 1), 1);
	}
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(close(fd), 0);
}

static void
assert_refused(const char *why)
{
	uint8_t key[KEY_LEN], before[KEY_LEN];
	char error[256] = "";

	memset(key, 0xa5, sizeof(key));
	memcpy(before, key, sizeof(key));
	ck_assert(!keyfile_read(path, key, error, sizeof(error)));
	ck_assert_msg(strstr(error, why) != NULL, "'%s' has no '%s'", error,
	    why);
	ck_assert_msg(strstr(error, path) != NULL, "%s", error);
	ck_assert_mem_eq(key, before, sizeof(key));
}

/* python3: hashlib.blake2b(bytes(range(32)), digest_size=32,
   person=b"cofre.keyfile.v1").hexdigest() */
static const uint8_t known[KEY_LEN] = {
	0x73, 0x5d, 0x63, 0xb5, 0x7c, 0x8d, 0xe6, 0x03,
	0x2e, 0xc6, 0xbc, 0x52, 0x67, 0x5c, 0x5e, 0xba,
	0xfa, 0x98, 0x15, 0x10, 0xdf, 0xa3, 0xde, 0xb8,
	0xeb, 0x96, 0xf9, 0x54, 0x95, 0x1f, 0xf5, 0xd6,
};
/* the same of bytes(i & 255 for i in range(4096)) */
static const uint8_t known_long[KEY_LEN] = {
	0x6f, 0xf3, 0x72, 0xc5, 0x9c, 0xae, 0x51, 0x3e,
	0x06, 0x46, 0x06, 0x44, 0x8c, 0xc2, 0x0b, 0xfb,
	0xc7, 0x84, 0x8d, 0x49, 0xd6, 0xb3, 0xc9, 0xd8,
	0x1b, 0xf9, 0x1b, 0x9c, 0x23, 0x42, 0x1b, 0xa2,
};

START_TEST(the_key_is_the_one_that_other_programs_derive)
{
	uint8_t key[KEY_LEN];
	char error[256];

	make(32, 0600);
	ck_assert_msg(keyfile_read(path, key, error, sizeof(error)), "%s",
	    error);
	ck_assert_mem_eq(key, known, sizeof(key));
}
END_TEST

START_TEST(the_longest_file_is_hashed_whole)
{
	uint8_t key[KEY_LEN];
	char error[256];

	make(4096, 0400);
	ck_assert_msg(keyfile_read(path, key, error, sizeof(error)), "%s",
	    error);
	ck_assert_mem_eq(key, known_long, sizeof(key));
}
END_TEST

/* In pieces, each after an interruption: it is the same file. */
START_TEST(an_interrupted_read_gives_the_same_key)
{
	uint8_t key[KEY_LEN];
	char error[256];

	make(32, 0600);
	interrupted = true;
	ck_assert_msg(keyfile_read(path, key, error, sizeof(error)), "%s",
	    error);
	interrupted = false;
	ck_assert_mem_eq(key, known, sizeof(key));
}
END_TEST

START_TEST(without_a_hash_there_is_no_key)
{
	make(32, 0600);
	no_crypto = true;
	assert_refused("libsodium can't be initialised");
}
END_TEST

START_TEST(a_content_at_hand_gives_the_same_key_as_its_file)
{
	uint8_t content[32], key[KEY_LEN];

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)i;
	keyfile_key(content, sizeof(content), key);
	ck_assert_mem_eq(key, known, sizeof(key));
}
END_TEST

START_TEST(a_file_too_short_or_too_long_is_refused)
{
	static const size_t sizes[] = { 0, 1, 31, 4097, 5000 };

	make(sizes[_i], 0600);
	assert_refused("32 to 4096");
}
END_TEST

START_TEST(a_file_that_others_may_touch_is_refused)
{
	static const mode_t modes[] = { 0640, 0620, 0610, 0604, 0602, 0601,
		0666, 0677 };

	make(32, modes[_i]);
	assert_refused("its owner's alone");
}
END_TEST

START_TEST(a_symbolic_link_is_refused)
{
	char target[80];

	(void)snprintf(target, sizeof(target), "%s/other", dir);
	make(32, 0600);
	ck_assert_int_eq(rename(path, target), 0);
	ck_assert_int_eq(symlink(target, path), 0);
	assert_refused("symbolic link");
	ck_assert_int_eq(unlink(target), 0);
}
END_TEST

START_TEST(a_directory_is_refused)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	assert_refused("not a regular file");
}
END_TEST

START_TEST(a_fifo_is_refused_and_not_waited_for)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	assert_refused("not a regular file");
}
END_TEST

START_TEST(a_missing_file_is_refused)
{
	assert_refused("No such file");
}
END_TEST

START_TEST(a_descriptor_is_read_and_stays_open)
{
	uint8_t key[KEY_LEN];
	char error[256];
	int fd;

	make(32, 0600);
	fd = open(path, O_RDONLY);
	ck_assert_int_ne(fd, -1);
	ck_assert(keyfile_read_fd(fd, key, error, sizeof(error)));
	ck_assert_mem_eq(key, known, sizeof(key));
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(a_pipe_is_no_keyfile)
{
	uint8_t key[KEY_LEN];
	char error[256];
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert(!keyfile_read_fd(fds[0], key, error, sizeof(error)));
	ck_assert_str_eq(error, "not a regular file");
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error)
{
	uint8_t key[KEY_LEN];
	char error[256];
	int fd;

	make(32, 0600);
	fd = open(path, O_WRONLY);
	ck_assert_int_ne(fd, -1);
	ck_assert(!keyfile_read_fd(fd, key, error, sizeof(error)));
	ck_assert_str_eq(error, "read: Bad file descriptor");
	ck_assert(!keyfile_read_fd(-1, key, error, sizeof(error)));
	ck_assert_str_eq(error, "fstat: Bad file descriptor");
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(a_short_error_buffer_is_not_overrun)
{
	uint8_t key[KEY_LEN];
	char error[8] = "1234567";

	ck_assert(!keyfile_read(path, key, error, 4));
	ck_assert_uint_eq(strlen(error), 3);
	ck_assert_str_eq(error + 4, "567");
}
END_TEST

#define BELOW 16384u /* bytes of the stack that are looked at */

/* How many parts of the secret are on the dead stack below that place. */
static unsigned
parts_below(const char *place, const uint8_t *secret, size_t len)
{
	uint8_t *below = malloc(BELOW);
	int fd = open("/proc/self/mem", O_RDONLY);
	unsigned found = 0;

	ck_assert_ptr_nonnull(below);
	ck_assert_int_eq(pread(fd, below, BELOW,
	    (off_t)((uintptr_t)place - BELOW)), (ssize_t)BELOW);
	for (size_t i = 0; i + 8 <= len; i += 8)
		found += memmem(below, BELOW, secret + i, 8) != NULL;
	(void)close(fd);
	free(below);
	return found;
}

START_TEST(the_hash_leaves_nothing_on_the_stack)
{
	enum { LEN = 64 };
	uint8_t *content = malloc(LEN), *key = malloc(KEY_LEN);
	char place = 0;

	ck_assert(content != NULL && key != NULL && crypto_init());
	crypto_random(content, LEN);
	keyfile_key(content, LEN, key);
	ck_assert_uint_eq(parts_below(&place, content, LEN), 0);
	keyfile_key(content, LEN, key);
	ck_assert_uint_eq(parts_below(&place, key, KEY_LEN), 0);
	free(content);
	free(key);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keyfile");
	TCase *tc = tcase_create("keyfile");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_key_is_the_one_that_other_programs_derive);
	tcase_add_test(tc, the_hash_leaves_nothing_on_the_stack);
	tcase_add_test(tc, the_longest_file_is_hashed_whole);
	tcase_add_test(tc, an_interrupted_read_gives_the_same_key);
	tcase_add_test(tc, without_a_hash_there_is_no_key);
	tcase_add_test(tc, a_content_at_hand_gives_the_same_key_as_its_file);
	tcase_add_loop_test(tc, a_file_too_short_or_too_long_is_refused, 0, 5);
	tcase_add_loop_test(tc, a_file_that_others_may_touch_is_refused, 0, 8);
	tcase_add_test(tc, a_symbolic_link_is_refused);
	tcase_add_test(tc, a_directory_is_refused);
	tcase_add_test(tc, a_fifo_is_refused_and_not_waited_for);
	tcase_add_test(tc, a_missing_file_is_refused);
	tcase_add_test(tc, a_descriptor_is_read_and_stays_open);
	tcase_add_test(tc, a_pipe_is_no_keyfile);
	tcase_add_test(tc, what_cannot_be_read_is_an_error);
	tcase_add_test(tc, a_short_error_buffer_is_not_overrun);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
