/* Tests of client/hostkeys.c: keys of hosts, as people give them. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
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

#define HOST { .host = "gpu.example", .port = 22 }

static const struct {
	const char *text;
	size_t count;
} files[] = {
	{ SSHSAMPLE_LINE "\n", 1 }, { SSHSAMPLE_LINE, 1 },
	{ "# a comment\n\n" SSHSAMPLE_RSA "\n" SSHSAMPLE_LINE
	  "\ngpu.example ssh-ed25519 " KEY2 "\n", 2 },
	/* Keys of other hosts are left. */
	{ SSHSAMPLE_LINE "\nother ssh-ed25519 " KEY2 "\n"
	  "[gpu.example]:2222 ssh-ed25519 " KEY2 "\n"
	  "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= "
	  "ssh-ed25519 " KEY2 "\n*.example ssh-ed25519 " KEY2 "\n", 1 },
	{ SSHSAMPLE_LINE "\n" SSHSAMPLE_LINE "\n", 1 },
	{ "", 0 }, { SSHSAMPLE_RSA "\n", 0 },
	{ "@revoked host ssh-ed25519 " KEY2 "\n", 0 },
	{ "ssh-ed25519 AAAA\n", 0 },
};

START_TEST(a_file_gives_its_ed25519_keys)
{
	struct hostkeys h = HOST;
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

#define HASH "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg="
#define OF_KEY2 " ssh-ed25519 " KEY2
#define LINE2 "gpu.example" OF_KEY2 "\n"

/* What revokes the key of the host, and what does not. */
static const struct {
	const char *text;
	bool revoked;
} revocations[] = {
	{ LINE2 "@revoked gpu.example" OF_KEY2 "\n", true },
	{ "@revoked gpu.example" OF_KEY2 "\n" LINE2, true },
	{ LINE2 "@revoked gpu.example" OF_KEY2, true },
	{ LINE2 " \t@revoked\ta,GPU.example" OF_KEY2 " a b\n", true },
	{ LINE2 "@revoked *" OF_KEY2 "\n", true },
	{ LINE2 "@revoked gpu.?xample" OF_KEY2 "\n", true },
	{ LINE2 "@revoked *,!other" OF_KEY2 "\n", true },
	{ LINE2 "@revoked " HASH OF_KEY2 "\n", true },
	/* Of no host: of any. */
	{ LINE2 "@revoked" OF_KEY2 "\n", true },
	/* None ends what OpenSSH has read by then. */
	{ LINE2 "@revoked gpu.example" OF_KEY2 "\r\n", true },
	{ LINE2 "@revoked gpu.example" OF_KEY2 " a\033b\n", true },
	{ LINE2 "@revoked gpu.example" OF_KEY2 " a\177b\n", true },
	{ "ssh-ed25519 " KEY2 "\n@revoked gpu.example" OF_KEY2 "\n", true },
	{ LINE2 "@revoked gpu.examplf" OF_KEY2 "\n", false },
	{ LINE2 "@revoked other" OF_KEY2 "\n", false },
	{ LINE2 "@revoked gpu.example " SSHSAMPLE_LINE "\n", false },
	{ LINE2 "@revoked gpu.example " SSHSAMPLE_RSA "\n", false },
	{ LINE2 "@revokes gpu.example" OF_KEY2 "\n", false },
	{ LINE2 "@revokedx gpu.example" OF_KEY2 "\n", false },
	{ LINE2 "@cert-authority gpu.example" OF_KEY2 "\n", false },
	{ LINE2 "# @revoked gpu.example" OF_KEY2 "\n", false },
	{ LINE2 "@revoked\n@revoked \n@revoked gpu.example\n\n", false },
};

START_TEST(a_key_that_the_file_revokes_is_left_out)
{
	bool revoked = revocations[_i].revoked;
	struct hostkeys h = HOST;
	struct problem p = { .text = "" };

	put(revocations[_i].text);
	ck_assert_int_eq(hostkeys_add(&h, path, &p), revoked ?
		COFRE_ARGUMENT : COFRE_OK);
	ck_assert_uint_eq(h.count, revoked ? 0 : 1);
	ck_assert_msg(!revoked || strstr(p.text,
	    "revokes the key of gpu.example") != NULL, "%s", p.text);
}
END_TEST

START_TEST(the_other_keys_of_that_file_are_taken)
{
	struct hostkeys h = HOST;
	struct problem p = { .text = "" };

	put(LINE2 "@revoked *" OF_KEY2 "\ngpu.example " SSHSAMPLE_LINE "\n"
	    "other" OF_KEY2 "\n");
	ck_assert_int_eq(hostkeys_add(&h, path, &p), COFRE_OK);
	ck_assert_uint_eq(h.count, 1);
}
END_TEST

/* Never a part of it: the host's line may be the last. */
START_TEST(a_file_has_at_most_64_kib)
{
	static char text[64 * 1024 + 2];
	struct hostkeys h = HOST;
	struct problem p = { .text = "" };

	memset(text, '#', sizeof(text) - 1);
	(void)snprintf(text + 64 * 1024 - strlen("\n" LINE2),
	    sizeof("\n" LINE2), "\n" LINE2);
	put(text);
	ck_assert_int_eq(hostkeys_add(&h, path, &p), COFRE_OK);
	ck_assert_uint_eq(h.count, 1);
	text[64 * 1024] = '\n';
	put(text);
	h.count = 0;
	ck_assert_int_eq(hostkeys_add(&h, path, &p), COFRE_ARGUMENT);
	ck_assert_uint_eq(h.count, 0);
	ck_assert_ptr_nonnull(strstr(p.text, path));
	ck_assert_ptr_nonnull(strstr(p.text, " is longer than 65536 bytes"));
}
END_TEST

/* The ninth is told, not left out. */
START_TEST(a_host_has_at_most_eight_keys)
{
	char text[1024] = "";
	struct hostkeys h = HOST;
	struct problem p = { .text = "" };

	for (char c = 'A'; c < 'A' + 9; c++) {
		size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len,
		    "ssh-ed25519 %.*s%c\n", (int)strlen(KEY2) - 1, KEY2, c);
		h.count = 0;
		put(text);
		ck_assert_int_eq(hostkeys_add(&h, path, &p), c < 'A' + 8 ?
			COFRE_OK : COFRE_ARGUMENT);
	}
	ck_assert_ptr_nonnull(strstr(p.text, "more than 8 host keys"));
}
END_TEST

START_TEST(a_text_is_a_key_or_a_file)
{
	struct hostkeys h = HOST;
	struct problem p;

	ck_assert_int_eq(hostkeys_add(&h, SSHSAMPLE_LINE, &p), COFRE_OK);
	ck_assert_int_eq(hostkeys_add(&h, "gpu.example ssh-ed25519 " KEY2, &p),
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

static const struct {
	const char *names;
	uint32_t port;
	const char *says; /* NULL: they name it */
} hosts[] = {
	{ "gpu.example", 22, NULL }, { "GPU.Example", 22, NULL },
	{ "a,gpu.example,10.0.0.1", 22, NULL },
	{ "10.0.0.1,gpu.example", 22, NULL },
	{ "[gpu.example]:2222", 2222, NULL },
	{ "a,[gpu.example]:2222", 2222, NULL },
	{ "gpu", 22, "and none of gpu.example" },
	{ "xgpu.example", 22, "and none of gpu.example" },
	{ "gpu.examplex", 22, "and none of gpu.example" },
	{ "gpu.example.", 22, "none of" }, { ",", 22, "none of" },
	{ "*.example", 22, "none of" }, { "*", 22, "none of" },
	{ "!gpu.example", 22, "none of" },
	{ "!gpu.example,gpu.example", 22, "none of" },
	{ "[gpu.example]:2222", 22, "none of" },
	{ "gpu.example", 2222, "and none of [gpu.example]:2222" },
	{ "[gpu.example]:22", 2222, "none of" },
	{ "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=", 22,
	    "as hashes" },
};

START_TEST(a_line_that_names_hosts_must_name_this_one)
{
	struct hostkeys h = { .host = "gpu.example", .port = hosts[_i].port };
	const char *says = hosts[_i].says;
	char line[512];
	struct problem p = { .text = "" };

	(void)snprintf(line, sizeof(line), "%s ssh-ed25519 " KEY2 " a b\n",
	    hosts[_i].names);
	put(line);
	ck_assert_int_eq(hostkeys_add(&h, path, &p), says == NULL ? COFRE_OK :
							   COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(p.text, says == NULL ? "" : says));
	ck_assert_uint_eq(h.count, says == NULL ? 1 : 0);
	line[strlen(line) - 1] = '\0';
	h.count = 0;
	ck_assert_int_eq(hostkeys_add(&h, line, &p), says == NULL ? COFRE_OK :
							   COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(p.text, says == NULL ? "" : says));
	ck_assert_uint_eq(h.count, says == NULL ? 1 : 0);
}
END_TEST

START_TEST(there_are_not_too_many)
{
	struct hostkeys h = HOST;
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
	tcase_add_loop_test(t, a_key_that_the_file_revokes_is_left_out, 0,
	    (int)COUNT(revocations));
	tcase_add_test(t, the_other_keys_of_that_file_are_taken);
	tcase_add_test(t, a_file_has_at_most_64_kib);
	tcase_add_test(t, a_host_has_at_most_eight_keys);
	tcase_add_test(t, a_text_is_a_key_or_a_file);
	tcase_add_loop_test(t, a_line_that_names_hosts_must_name_this_one, 0,
	    (int)COUNT(hosts));
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
