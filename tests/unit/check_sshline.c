/*
 * Tests of client/sshline.c and privatedir.c: what ssh is given, and that
 * nothing is when not all of it can be.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing.h"
#include "sshline.h"
#include "sshsample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct privatedir dir;
static struct targetinfo target;
static uint8_t pin_bytes[SSH_BLOB_MAX];
static struct view pin;

static void
setup(void)
{
	target = (struct targetinfo){ .name = { "ml-prod", "store" },
		.host = "h.example", .port = 2222, .user = "u",
		.key_count = 1 };
	target.keys[0].version = 3;
	pin = sshsample_blob(SSHSAMPLE_LINE, pin_bytes);
	ck_assert(privatedir_make(&dir));
}

static void
teardown(void)
{
	struct stat st;
	char path[sizeof(dir.path)];

	(void)strcpy(path, dir.path);
	privatedir_remove(&dir);
	ck_assert_int_eq(stat(path, &st), -1);
}

/* The word that begins so, or NULL. */
static const char *
word(const struct sshline *l, const char *begins)
{
	for (size_t i = 0; i < l->count; i++)
		if (strncmp(l->words[i], begins, strlen(begins)) == 0)
			return l->words[i];
	return NULL;
}

static bool
make(struct sshline *l)
{
	uint8_t bytes[SSH_BLOB_MAX];
	const struct view certificate = sshsample_base64(SSHSAMPLE_CERT,
	    bytes, sizeof(bytes));

	return sshline_begin(l, &dir, &target, &pin, 1) &&
	    sshline_certificate(l, certificate) &&
	    sshline_keys(l, &target, 0) &&
	    sshline_end(l, &target, "u", NULL, 0);
}

START_TEST(a_line_names_what_is_in_the_directory)
{
	struct sshline l;
	char text[300];
	size_t len = 0;

	ck_assert(make(&l));
	ck_assert_str_eq(l.words[0], "ssh");
	ck_assert_ptr_nonnull(word(&l, "StrictHostKeyChecking=yes"));
	ck_assert_ptr_nonnull(word(&l, "Port=2222"));
	ck_assert_ptr_nonnull(word(&l, "CertificateFile=/tmp/cofre-"));
	ck_assert_ptr_nonnull(word(&l, "IdentityFile=/tmp/cofre-"));
	ck_assert_str_eq(l.words[l.count - 1], "h.example");
	ck_assert_ptr_null(l.words[l.count]);
	ck_assert(privatedir_read(&dir, "known_hosts", text, sizeof(text),
	    &len));
	ck_assert_int_eq(memcmp(text, "ml-prod.store ssh-ed25519 ", 26), 0);
}
END_TEST

/* Each file: of the recorder, known_hosts, the certificate, the key. */
static const char *const calls[] = { "openat", "write", "close" };

START_TEST(without_one_of_its_files_there_is_no_line)
{
	for (unsigned n = 1; n <= 4; n++) {
		struct sshline l;
		bool made;
		int error;

		failing_next(calls[_i], n, ENOSPC);
		made = make(&l);
		error = errno;
		ck_assert(failing_end());
		ck_assert(!made);
		ck_assert_int_eq(error, ENOSPC);
		privatedir_remove(&dir);
		ck_assert(privatedir_make(&dir));
	}
}
END_TEST

/* What is no key is not written down as one. */
START_TEST(what_is_no_key_makes_no_line)
{
	const struct view none = view_of("x");
	struct sshline l;

	errno = 0;
	ck_assert(!sshline_begin(&l, &dir, &target, &none, 1));
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert(!sshline_certificate(&l, none));
	ck_assert_int_eq(errno, EINVAL);
	(void)strcpy(target.name.name, "a\nb");
	errno = 0;
	ck_assert(!sshline_keys(&l, &target, 0));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* None of what a person says is left out in silence. */
START_TEST(a_line_that_is_full_is_none)
{
	char *words[SSHLINE_WORDS];
	char text[SSHLINE_TEXT];
	struct sshline l;

	for (size_t i = 0; i < COUNT(words); i++)
		words[i] = text;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert(sshline_begin(&l, &dir, &target, NULL, 0));
	ck_assert(sshline_end(&l, &target, "u", words, 10));
	privatedir_remove(&dir);
	ck_assert(privatedir_make(&dir));
	ck_assert(sshline_begin(&l, &dir, &target, NULL, 0));
	ck_assert(!sshline_end(&l, &target, "u", words, COUNT(words)));
	ck_assert_ptr_null(l.words[SSHLINE_WORDS]);
	privatedir_remove(&dir);
	ck_assert(privatedir_make(&dir));
	ck_assert(sshline_begin(&l, &dir, &target, NULL, 0));
	sshline_option(&l, "%s", text);
	ck_assert(!sshline_end(&l, &target, "u", NULL, 0));
}
END_TEST

static const struct {
	const char *met; /* what the recorder has written, or NULL */
	bool is_key;
} mets[] = {
	{ "h " SSHSAMPLE_LINE "\n", true },
	{ "ssh-ed25519 " SSHSAMPLE_BASE64 "\n", true },
	{ "ssh-ed25519 " SSHSAMPLE_BASE64, true },
	{ "ssh-ed25519 " SSHSAMPLE_BASE64 "\nanother\n", true },
	{ "ssh-ed25519 AAAA\n", false },
	{ "", false },
	{ "\n", false },
	{ NULL, false },
};

START_TEST(the_key_that_was_met_is_the_first_line)
{
	uint8_t bytes[SSH_BLOB_MAX];
	struct view blob = { NULL, 0 };

	if (mets[_i].met != NULL)
		ck_assert(privatedir_write(&dir, "recorder.met",
		    view_of(mets[_i].met)));
	ck_assert_int_eq(sshline_met(&dir, bytes, &blob), mets[_i].is_key);
	if (mets[_i].is_key)
		ck_assert(view_equal(blob, pin));
	else
		ck_assert_ptr_null(blob.data);
}
END_TEST

START_TEST(a_directory_that_cant_be_opened_is_removed)
{
	struct privatedir d;
	struct stat st;
	char path[sizeof(d.path)];
	bool made;

	failing_next("mkdtemp", 1, EACCES);
	made = privatedir_make(&d);
	ck_assert(failing_end());
	ck_assert(!made);
	failing_next("open", 1, EMFILE);
	made = privatedir_make(&d);
	ck_assert(failing_end());
	ck_assert(!made);
	(void)strcpy(path, d.path);
	ck_assert_int_eq(stat(path, &st), -1);
	privatedir_remove(&d);
}
END_TEST

START_TEST(what_is_read_of_it_is_whole)
{
	size_t len = 9;
	char text[8];
	bool good;

	ck_assert(privatedir_write(&dir, "f", view_of("text")));
	ck_assert(!privatedir_write(&dir, "f", view_of("more")));
	failing_next("read", 1, EINTR);
	good = privatedir_read(&dir, "f", text, sizeof(text), &len);
	ck_assert(failing_end());
	ck_assert(good);
	ck_assert_uint_eq(len, 4);
	ck_assert(privatedir_read(&dir, "f", text, 3, &len));
	ck_assert_uint_eq(len, 3);
	failing_next("read", 2, EIO);
	good = privatedir_read(&dir, "f", text, sizeof(text), &len);
	ck_assert(failing_end());
	ck_assert(!good);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sshline");
	TCase *t = tcase_create("sshline");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_line_names_what_is_in_the_directory);
	tcase_add_loop_test(t, without_one_of_its_files_there_is_no_line, 0,
	    (int)COUNT(calls));
	tcase_add_test(t, what_is_no_key_makes_no_line);
	tcase_add_test(t, a_line_that_is_full_is_none);
	tcase_add_loop_test(t, the_key_that_was_met_is_the_first_line, 0,
	    (int)COUNT(mets));
	tcase_add_test(t, a_directory_that_cant_be_opened_is_removed);
	tcase_add_test(t, what_is_read_of_it_is_whole);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
