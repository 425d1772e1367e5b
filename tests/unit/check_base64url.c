/* base64url, as tokens have it: without padding, and of one form. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "sample.h"

#define MOST 47u /* bytes: 63 digits, the most that is taken */

static uint8_t bytes[MOST + 1], out[MOST + 17];

static void
setup(void)
{
	ck_assert(crypto_init());
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 251);
}

START_TEST(every_length_comes_back_and_no_other)
{
	for (size_t n = 0; n <= MOST; n++) {
		char text[65];
		size_t len = (n * 8 + 5) / 6;

		memset(text, '?', sizeof(text));
		crypto_base64url(text, bytes, n);
		ck_assert_uint_eq(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz0123456789-_"), len);
		ck_assert(text[len] == '?');
		memset(out, 0, sizeof(out));
		ck_assert(crypto_base64url_open(out, n, text, len));
		ck_assert_mem_eq(out, bytes, n);
		ck_assert(!crypto_base64url_open(out, n + 1, text, len));
		ck_assert(n == 0 ||
		    !crypto_base64url_open(out, n - 1, text, len));
		ck_assert(len == 0 ||
		    !crypto_base64url_open(out, n, text, len - 1));
		ck_assert(!crypto_base64url_open(out, n, text, len + 1));
	}
}
END_TEST

START_TEST(a_text_that_is_too_long_is_refused)
{
	char text[72];

	memset(text, 'A', sizeof(text));
	ck_assert(crypto_base64url_open(out, 45, text, 60));
	ck_assert(crypto_base64url_open(out, 47, text, 63));
	ck_assert(!crypto_base64url_open(out, 48, text, 64));
	ck_assert(!crypto_base64url_open(out, 51, text, 68));
}
END_TEST

START_TEST(a_digit_has_one_form)
{
	static const char good[] = "-_-_", ends[] = "AB";

	ck_assert(crypto_base64url_open(out, 3, good, 4));
	for (size_t i = 0; i < 4; i++) {
		char text[4];

		memcpy(text, good, 4);
		text[i] = (char)(text[i] ^ '\x80');
		ck_assert(!crypto_base64url_open(out, 3, text, 4));
		text[i] = '\0';
		ck_assert(!crypto_base64url_open(out, 3, text, 4));
		text[i] = '+';
		ck_assert(!crypto_base64url_open(out, 3, text, 4));
	}
	/* Bits that belong to no byte. */
	ck_assert(!crypto_base64url_open(out, 1, ends, 2));
}
END_TEST

START_TEST(more_bytes_than_there_is_room_for_end_the_program)
{
	char text[128];

	crypto_base64url(text, bytes, MOST + 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base64url");
	TCase *t = tcase_create("base64url");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, every_length_comes_back_and_no_other);
	tcase_add_test(t, a_text_that_is_too_long_is_refused);
	tcase_add_test(t, a_digit_has_one_form);
	tcase_add_test_raise_signal(t,
	    more_bytes_than_there_is_room_for_end_the_program, SIGABRT);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
