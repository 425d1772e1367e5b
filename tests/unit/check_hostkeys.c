/* Tests of client/hostkeys.c: keys of hosts, as people give them. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostkeys.h"
#include "sshsample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEY2 "AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"

static char path[] = "/tmp/check_hostkeys.XXXXXX";

static void
setup(void)
{
	int fd;

	(void)strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
}

static void
teardown(void)
{
	(void)unlink(path);
}

static void
put(const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static const struct {
	const char *text;
	size_t count;
} files[] = {
	{ SSHSAMPLE_LINE "\n", 1 }, { SSHSAMPLE_LINE, 1 },
	{ "# a comment\n\n" SSHSAMPLE_RSA "\n" SSHSAMPLE_LINE
	  "\nhost ssh-ed25519 " KEY2 "\n", 2 },
	{ SSHSAMPLE_LINE "\n" SSHSAMPLE_LINE "\n", 1 },
	{ "", 0 }, { SSHSAMPLE_RSA "\n", 0 },
	{ "@revoked host ssh-ed25519 " KEY2 "\n", 0 },
	{ "ssh-ed25519 AAAA\n", 0 },
};

START_TEST(a_file_gives_its_ed25519_keys)
{
	struct hostkeys h = { .count = 0 };
	uint8_t blob[SSH_BLOB_MAX];
	struct problem p;
	enum cofre_status s;

	put(files[_i].text);
	s = hostkeys_add(&h, path, &p);
	ck_assert_int_eq(s, files[_i].count > 0 ? COFRE_OK : COFRE_ARGUMENT);
	ck_assert_uint_eq(h.count, files[_i].count);
	if (h.count == 0)
		return;
	ck_assert_uint_eq(h.views[0].len, SSH_KEY_BLOB_LEN);
	ck_assert_mem_eq(h.views[0].data,
	    sshsample_blob(SSHSAMPLE_LINE, blob).data, SSH_KEY_BLOB_LEN);
}
END_TEST

START_TEST(a_text_is_a_key_or_a_file)
{
	struct hostkeys h = { .count = 0 };
	struct problem p;

	ck_assert_int_eq(hostkeys_add(&h, SSHSAMPLE_LINE, &p), COFRE_OK);
	ck_assert_int_eq(hostkeys_add(&h, "[h]:22 ssh-ed25519 " KEY2, &p),
	    COFRE_OK);
	ck_assert_uint_eq(h.count, 2);
	ck_assert_int_eq(hostkeys_add(&h, "ssh-ed25519 " KEY2, &p), COFRE_OK);
	ck_assert_uint_eq(h.count, 2);
	ck_assert_int_eq(hostkeys_add(&h, "ssh-ed25519 AAAA", &p),
	    COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(p.text, "no line"));
	ck_assert_int_eq(hostkeys_add(&h, "/no/such", &p), COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(p.text, "/no/such"));
	ck_assert_int_eq(hostkeys_add(&h, "/", &p), COFRE_ARGUMENT);
	ck_assert_uint_eq(h.count, 2);
}
END_TEST

START_TEST(there_are_not_too_many)
{
	struct hostkeys h = { .count = 0 };
	struct problem p;
	char line[] = "ssh-ed25519 "
		      "AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgIC"
		      "AgICAgICAgIA";

	for (size_t i = 0; i < TARGET_PINS_MAX; i++) {
		line[60] = (char)('A' + i);
		ck_assert_int_eq(hostkeys_add(&h, line, &p), COFRE_OK);
	}
	line[60] = 'Z';
	ck_assert_int_eq(hostkeys_add(&h, line, &p), COFRE_ARGUMENT);
	ck_assert_uint_eq(h.count, TARGET_PINS_MAX);
}
END_TEST

static Suite *
hostkeys_suite(void)
{
	Suite *s = suite_create("hostkeys");
	TCase *t = tcase_create("hostkeys");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_file_gives_its_ed25519_keys, 0,
	    (int)COUNT(files));
	tcase_add_test(t, a_text_is_a_key_or_a_file);
	tcase_add_test(t, there_are_not_too_many);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(hostkeys_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
