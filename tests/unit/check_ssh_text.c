#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "ssh_text.h"

static char longest[SSH_LIST_MAX + 2];

/* A text of n letters. */
static struct view
letters(size_t n)
{
	memset(longest, 'a', sizeof(longest));
	ck_assert_uint_le(n, sizeof(longest));
	return (struct view){ (const uint8_t *)longest, n };
}

START_TEST(a_control_character_is_in_no_text)
{
	for (unsigned c = 0; c < 256; c++) {
		const uint8_t text[] = { 'a', (uint8_t)c, 'b' };
		struct view v = { text, sizeof(text) };
		bool control = c < ' ' || c == 0x7f;

		ck_assert_msg(ssh_text_is_line(v, 3) == !control, "%u", c);
		ck_assert(ssh_text_is_ascii(v, 3) == (!control && c < 0x80));
		if (control || c >= 0x80) {
			ck_assert(!ssh_text_is_principal(v));
			ck_assert(!ssh_text_is_principals(v));
			ck_assert(!ssh_text_is_host(v));
			ck_assert(!ssh_text_is_addresses(v));
			ck_assert(!ssh_text_is_from(v));
		}
	}
}
END_TEST

START_TEST(a_text_has_its_longest)
{
	ck_assert(ssh_text_is_ascii(letters(0), 0));
	ck_assert(ssh_text_is_ascii(letters(9), 9));
	ck_assert(!ssh_text_is_ascii(letters(10), 9));
	ck_assert(ssh_text_is_line(letters(9), 9));
	ck_assert(!ssh_text_is_line(letters(10), 9));
	ck_assert(ssh_text_is_principal(letters(SSH_NAME_MAX)));
	ck_assert(!ssh_text_is_principal(letters(SSH_NAME_MAX + 1)));
	ck_assert(ssh_text_is_host(letters(SSH_NAME_MAX)));
	ck_assert(!ssh_text_is_host(letters(SSH_NAME_MAX + 1)));
	ck_assert(ssh_text_is_from(letters(SSH_NAME_MAX)));
	ck_assert(!ssh_text_is_from(letters(SSH_NAME_MAX + 1)));
}
END_TEST

START_TEST(a_list_has_its_longest)
{
	struct view v = letters(SSH_LIST_MAX);

	for (size_t i = 100; i < v.len; i += 101)
		longest[i] = ',';
	ck_assert(ssh_text_is_principals(v));
	ck_assert(ssh_text_is_from(v));
	v.len++;
	ck_assert(!ssh_text_is_principals(v));
	ck_assert(!ssh_text_is_from(v));
}
END_TEST

/* What is taken as principal, host, list of addresses, and for from=. */
static const struct {
	const char *text;
	bool principal, host, addresses, from;
} texts[] = {
	{ "", false, false, false, false },
	{ "alice", true, true, false, true },
	{ "alice@example.com", true, false, false, false },
	{ "*.example.com", true, false, false, true },
	{ "node-1.example.com", true, true, false, true },
	{ "-oProxyCommand=x", true, false, false, false },
	{ "-node", true, false, false, true },
	{ "a b", false, false, false, false },
	{ "a,b", false, false, false, true },
	{ "a\"b", false, false, false, false },
	{ "a'b", false, false, false, false },
	{ "a`b", false, false, false, false },
	{ "a\\b", false, false, false, false },
	{ ",", false, false, false, false },
	{ "a,", false, false, false, false },
	{ ",a", false, false, false, false },
	{ "10.0.0.1", true, true, true, true },
	{ "10.0.0.1,10.0.0.2", false, false, true, true },
	{ "10.0.0.1,", false, false, false, false },
	{ "10.0.0.1,,10.0.0.2", false, false, false, false },
	{ "10.0.0.0/8", true, false, true, true },
	{ "10.0.0.0/08", true, false, false, false },
	{ "10.0.0.0/", true, false, false, false },
	{ "10.0.0.0/8/8", true, false, false, false },
	{ "10.0.0.0/+8", true, false, false, false },
	{ "10.0.0.1/32", true, false, true, true },
	{ "10.0.0.1/33", true, false, false, false },
	{ "10.0.0.1/999", true, false, false, false },
	{ "10.0.0.1/0000000000", true, false, false, false },
	{ "10.0.0.1/31", true, false, false, false },
	{ "10.0.0.2/31", true, false, true, true },
	{ "0.0.0.0/0", true, false, true, true },
	{ "128.0.0.0/0", true, false, false, false },
	{ "10.0.0", true, true, false, true },
	{ "10.0.0.256", true, true, false, true },
	{ "::1", true, true, true, true },
	{ "::/0", true, false, true, true },
	{ "2001:db8::/32", true, false, true, true },
	{ "2001:db8::1/32", true, false, false, false },
	{ "2001:db8::1/128", true, false, true, true },
	{ "2001:db8::1/129", true, false, false, false },
	{ "::ffff:10.0.0.1", true, true, true, true },
	{ "::g", true, true, false, true },
	{ "1:2:3:4:5:6:7:8:9", true, true, false, true },
	{ "!10.0.0.1,*", false, false, false, true },
	{ "!10.0.0.0/8", true, false, false, true },
	{ "!10.0.0.1/8", true, false, false, false },
	{ "!", true, false, false, false },
	{ "!!a", true, false, false, false },
	{ "10.*,node?.example.com", false, false, false, true },
	{ "a=b", true, false, false, false },
};

START_TEST(each_text_is_what_it_is)
{
	struct view v = view_of(texts[_i].text);

	ck_assert(ssh_text_is_principal(v) == texts[_i].principal);
	ck_assert(ssh_text_is_host(v) == texts[_i].host);
	ck_assert(ssh_text_is_addresses(v) == texts[_i].addresses);
	ck_assert(ssh_text_is_from(v) == texts[_i].from);
}
END_TEST

START_TEST(principals_are_a_list_of_such)
{
	ck_assert(ssh_text_is_principals(view_of("a")));
	ck_assert(ssh_text_is_principals(view_of("a,b@c,d")));
	ck_assert(!ssh_text_is_principals(view_of("")));
	ck_assert(!ssh_text_is_principals(view_of("a,,b")));
	ck_assert(!ssh_text_is_principals(view_of("a, b")));
	ck_assert(!ssh_text_is_principals((struct view){ NULL, 0 }));
	ck_assert(!ssh_text_is_from((struct view){ NULL, 0 }));
	ck_assert(!ssh_text_is_addresses((struct view){ NULL, 0 }));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ssh_text");
	TCase *t = tcase_create("ssh_text");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_control_character_is_in_no_text);
	tcase_add_test(t, a_text_has_its_longest);
	tcase_add_test(t, a_list_has_its_longest);
	tcase_add_loop_test(t, each_text_is_what_it_is, 0, (int)COUNT(texts));
	tcase_add_test(t, principals_are_a_list_of_such);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
