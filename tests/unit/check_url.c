#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "url.h"

static const struct {
	const char *url;
	bool is_tls;
} good[] = {
	{ "https://vault.example/v1/kv?version=2", true },
	{ "https://vault.example:8200", true },
	{ "https://10.0.0.1/a", true },
	{ "https://[2001:db8::1]:8200/a%20b", true },
	{ "http://localhost:8080/x", false },
	{ "http://127.0.0.1", false },
	{ "http://127.255.3.4:1/", false },
	{ "http://[::1]:65535?a=b", false },
	{ "http://169.254.169.254/metadata/identity?api-version=2018-02-01",
	    false },
};

static const char *const bad[] = {
	"",
	"vault.example",
	"ftp://localhost/",
	"file:///etc/passwd",
	"HTTP://localhost/",
	"-K/etc/passwd",
	"@/etc/passwd",
	"https://",
	"https:///path",
	"https://user@host/",
	"https://user:password@host/",
	"https://host/#fragment",
	"https://host\\@evil/",
	"https://host /",
	"https://host/a b",
	"https://host/\n",
	"https://host/\"\nurl = \"file:///etc/passwd",
	"https://h\xc3\xb6st/",
	"https://host:/",
	"https://host:0x1/",
	"https://host:65536/",
	"https://host:99999999999/",
	"https://[::1/",
	"https://[]/",
	"https://{a,b}/",
	"https://host/[1-9]",
	"http://vault.example/",
	"http://127.0.0.1@evil/",
	"http://127.0.0.1.evil.example/",
	"http://127.1/",
	"http://127-0.0.1/",
	"http://1270.0.0.1/",
	"http://127.0.0.1.1/",
	"http://127.0.0.256/",
	"http://127.0.0.01/",
	"http://0177.0.0.1/",
	"http://2130706433/",
	"http://localhost.evil.example/",
	"http://LOCALHOST/",
	"http://localhost:1@evil/",
	"http://169.254.169.253/",
	"http://169.254.169.2540/",
	"http://[::2]/",
	"http://[::ffff:127.0.0.1]/",
};

START_TEST(an_address_that_may_be_asked_is_taken)
{
	struct problem p;
	bool is_tls = !good[_i].is_tls;

	ck_assert_msg(url_check(good[_i].url, &is_tls, &p) == COFRE_OK, "%s",
	    good[_i].url);
	ck_assert_int_eq(is_tls, good[_i].is_tls);
}
END_TEST

START_TEST(another_is_refused)
{
	struct problem p;
	bool is_tls;

	ck_assert_msg(url_check(bad[_i], &is_tls, &p) == COFRE_ARGUMENT, "%s",
	    bad[_i]);
	ck_assert_ptr_nonnull(strstr(p.text, "'url'"));
}
END_TEST

START_TEST(a_long_one_is_refused)
{
	char url[URL_MAX + 2] = "https://host/";
	struct problem p;
	bool is_tls;

	memset(url + strlen(url), 'a', sizeof(url) - 1 - strlen(url));
	ck_assert_int_eq(url_check(url, &is_tls, &p), COFRE_ARGUMENT);
	url[URL_MAX] = '\0';
	ck_assert_int_eq(url_check(url, &is_tls, &p), COFRE_OK);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("url");
	TCase *t = tcase_create("url");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, an_address_that_may_be_asked_is_taken, 0,
	    COUNT(good));
	tcase_add_loop_test(t, another_is_refused, 0, COUNT(bad));
	tcase_add_test(t, a_long_one_is_refused);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
