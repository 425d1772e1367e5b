#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "sshsample.h"

static uint8_t blob[SSHSAMPLE_CERT_LEN + 1];
static uint8_t out[2 * SSH_BLOB_MAX];
static const uint8_t signature[SSH_SIGNATURE_LEN] = { 0xc0, 0x11 };

/* The golden bytes. */
static struct view
golden(void)
{
	return sshsample_base64(SSHSAMPLE_CERT, blob, sizeof(blob));
}

static struct view
made(const struct ssh_cert *c, const uint8_t sig[SSH_SIGNATURE_LEN])
{
	return sshsample_made(c, sig, out, sizeof(out));
}

static bool
is_refused(const struct ssh_cert *c)
{
	struct wire_writer w;

	wire_writer_init(&w, out, sizeof(out));
	ssh_cert_put(&w, c);
	return w.bad && w.len == 0;
}

START_TEST(each_extension_has_its_bit)
{
	static const char *const names[] = { "permit-X11-forwarding",
		"permit-agent-forwarding", "permit-port-forwarding",
		"permit-pty", "permit-user-rc" };
	struct ssh_cert c = sshsample_cert(), got;

	for (unsigned bits = 0; bits < 32; bits++) {
		struct view v;

		c.extensions = bits;
		v = made(&c, signature);
		ck_assert(ssh_cert_get(v, &got));
		ck_assert_uint_eq(got.extensions, bits);
		for (size_t i = 0; i < COUNT(names); i++)
			ck_assert((memmem(v.data, v.len, names[i],
			    strlen(names[i])) != NULL) ==
			    ((bits & 1u << i) != 0));
	}
	c.extensions = 32;
	ck_assert(is_refused(&c));
	c.extensions = 1u << 31;
	ck_assert(is_refused(&c));
}
END_TEST

START_TEST(a_host_has_no_options)
{
	struct ssh_cert c = sshsample_cert(), got;

	c.type = SSH_CERT_HOST;
	ck_assert(is_refused(&c));
	c.force_command = c.source_address = (struct view){ NULL, 0 };
	ck_assert(is_refused(&c));
	c.extensions = 0;
	ck_assert(ssh_cert_get(made(&c, signature), &got));
	ck_assert_int_eq(got.type, SSH_CERT_HOST);
	ck_assert_uint_eq(got.force_command.len, 0);
	ck_assert_uint_eq(got.source_address.len, 0);
	c.source_address = view_of("10.0.0.1");
	ck_assert(is_refused(&c));
	c = sshsample_cert();
	c.type = (enum ssh_cert_type)0;
	ck_assert(is_refused(&c));
	c.type = (enum ssh_cert_type)3;
	ck_assert(is_refused(&c));
}
END_TEST

START_TEST(times_and_serial_are_numbers_that_mean_something)
{
	struct ssh_cert c = sshsample_cert(), got;
	struct view v;

	c.after = c.before;
	ck_assert(is_refused(&c));
	c.after = c.before + 1;
	ck_assert(is_refused(&c));
	c.after = 0;
	c.before = SSH_CERT_FOREVER;
	c.serial = UINT64_MAX;
	ck_assert(ssh_cert_get(made(&c, signature), &got));
	ck_assert(got.before == SSH_CERT_FOREVER && got.after == 0);
	ck_assert_uint_eq(got.serial, UINT64_MAX);
	c.serial = 0;
	ck_assert(is_refused(&c));
	/* A foreign one has it often. */
	c.serial = 1;
	v = made(&c, signature);
	ck_assert_uint_eq(out[115], 1);
	out[115] = 0;
	ck_assert(ssh_cert_get(v, &got));
	ck_assert_uint_eq(got.serial, 0);
}
END_TEST

START_TEST(a_text_that_sshd_could_misread_is_refused)
{
	static const char *const bad_ids[] = { "a\nb", "a\x7f", "\xc3\xa9" };
	static const char *const bad_commands[] = { "a\nb", "a\rb", "\x1b[1m" };
	static const char *const bad_addresses[] = { "10.0.0.1/8", "node1", "*",
		"10.0.0.1,", "!10.0.0.1", "10.0.0.1 " };
	struct ssh_cert c = sshsample_cert();

	for (size_t i = 0; i < COUNT(bad_ids); i++) {
		c.key_id = view_of(bad_ids[i]);
		ck_assert(is_refused(&c));
	}
	c = sshsample_cert();
	for (size_t i = 0; i < COUNT(bad_commands); i++) {
		c.force_command = view_of(bad_commands[i]);
		ck_assert(is_refused(&c));
	}
	c = sshsample_cert();
	for (size_t i = 0; i < COUNT(bad_addresses); i++) {
		c.source_address = view_of(bad_addresses[i]);
		ck_assert(is_refused(&c));
	}
}
END_TEST

START_TEST(a_principal_is_one_name)
{
	static const char *const bad[] = { "", "a,b", "a b", "a\n", "\"a\"",
		"a\\" };
	const char *items[SSH_CERT_PRINCIPALS_MAX + 1];
	uint8_t list[2048];
	struct ssh_cert c = sshsample_cert(), got;

	for (size_t i = 0; i < COUNT(bad); i++) {
		items[0] = "alice";
		items[1] = bad[i];
		c.principals = sshsample_strings(list, sizeof(list), items, 2);
		ck_assert_msg(is_refused(&c), "%s", bad[i]);
	}
	c.principals = (struct view){ NULL, 0 };
	ck_assert(is_refused(&c));
	c.principals = view_of("abc");
	ck_assert(is_refused(&c));
	for (size_t i = 0; i < COUNT(items); i++)
		items[i] = "a";
	c.principals = sshsample_strings(list, sizeof(list), items, COUNT(items));
	ck_assert(is_refused(&c));
	c.principals.len -= 5;
	ck_assert(ssh_cert_get(made(&c, signature), &got));
	ck_assert(view_equal(got.principals, c.principals));
}
END_TEST

START_TEST(a_text_has_its_longest)
{
	static char text[SSH_COMMAND_MAX + 2];
	struct ssh_cert c = sshsample_cert(), got;

	memset(text, 'a', sizeof(text) - 1);
	c.key_id = (struct view){ (const uint8_t *)text, SSH_CERT_ID_MAX };
	c.force_command = (struct view){ (const uint8_t *)text,
		SSH_COMMAND_MAX };
	ck_assert(ssh_cert_get(made(&c, signature), &got));
	ck_assert_uint_eq(got.force_command.len, SSH_COMMAND_MAX);
	c.key_id.len++;
	ck_assert(is_refused(&c));
	c.key_id.len--;
	c.force_command.len++;
	ck_assert(is_refused(&c));
}
END_TEST

START_TEST(a_certificate_over_its_limit_is_not_made)
{
	static char name[SSH_NAME_MAX + 1];
	static uint8_t list[SSH_BLOB_MAX];
	const char *items[40];
	struct wire_writer w;
	struct ssh_cert c = sshsample_cert(), got;

	memset(name, 'p', sizeof(name) - 1);
	for (size_t i = 0; i < COUNT(items); i++)
		items[i] = name;
	for (size_t count = 1; count < 31; count++) {
		c.principals = sshsample_strings(list, sizeof(list), items, count);
		wire_writer_init(&w, out, sizeof(out));
		ssh_cert_put(&w, &c);
		ssh_cert_put_signature(&w, signature);
		ck_assert(w.bad == (SSHSAMPLE_CERT_LEN - 9 +
		    c.principals.len > SSH_BLOB_MAX));
		ck_assert(w.bad || ssh_cert_get((struct view){ out, w.len },
		    &got));
	}
	ck_assert(!w.bad);
	c.principals = sshsample_strings(list, sizeof(list), items, 31);
	wire_writer_init(&w, out, sizeof(out));
	ssh_cert_put(&w, &c);
	ck_assert(w.bad);
}
END_TEST

START_TEST(the_ca_has_a_plain_key)
{
	struct ssh_cert c = sshsample_cert();

	c.ca.len--;
	ck_assert(is_refused(&c));
	c = sshsample_cert();
	c.ca = golden();
	ck_assert(is_refused(&c));
}
END_TEST

/* Options as they must not be: hex of the critical ones, of the extensions. */
#define PTY "0000000a7065726d69742d707479"
#define RC "0000000e7065726d69742d757365722d7263"
#define COMMAND "0000000d666f7263652d636f6d6d616e64"
#define SOURCE "0000000e736f757263652d61646472657373"
#define ADDRESS "0000000d000000093132372e302e302e31"
static const struct {
	const char *critical, *extensions;
	bool good;
} options[] = {
	{ "", "", true },
	{ "", PTY "00000000", true },
	{ "", PTY "00000000" RC "00000000", true },
	{ "", RC "00000000" PTY "00000000", false }, /* not sorted */
	{ "", PTY "00000000" PTY "00000000", false }, /* twice */
	{ "", PTY "0000000161", false },	/* with data */
	{ "", PTY, false },
	{ "", "0000000161" "00000000", false }, /* unknown */
	{ "", COMMAND "00000005" "00000001" "61", false },
	{ COMMAND "00000005" "00000001" "61", "", true },
	{ COMMAND "00000001" "61", "", false }, /* not wrapped */
	{ COMMAND "00000006" "00000001" "6162", "", false },
	{ COMMAND "00000005" "00000002" "61", "", false },
	{ COMMAND "00000004" "00000000", "", false },
	{ COMMAND "00000000", "", false },
	{ SOURCE ADDRESS, "", true },
	{ COMMAND "00000005" "00000001" "61" SOURCE ADDRESS, "", true },
	{ SOURCE ADDRESS COMMAND "00000005" "00000001" "61", "", false },
	{ SOURCE ADDRESS SOURCE ADDRESS, "", false },
	{ PTY "00000000", "", false },
	{ "0000000f7665726966792d7265717569726564" "00000000", "", false },
};

/* Is a certificate with these parts read? */
static bool
is_read(const char *critical, const char *extensions, const char *reserved)
{
	uint8_t part[256];
	struct ssh_cert c = sshsample_cert(), got;
	struct wire_writer w;
	struct view v;

	c.force_command = c.source_address = (struct view){ NULL, 0 };
	c.extensions = 0;
	v = made(&c, signature);
	/* Cut it open before the two lists of options, both empty. */
	wire_writer_init(&w, out, sizeof(out));
	w.len = v.len - 4 - SSH_SIGNATURE_BLOB_LEN - 4 - SSH_KEY_BLOB_LEN - 12;
	v.len = sample_hex(critical, part, sizeof(part));
	wire_put_string(&w, (struct view){ part, v.len }, sizeof(part));
	v.len = sample_hex(extensions, part, sizeof(part));
	wire_put_string(&w, (struct view){ part, v.len }, sizeof(part));
	wire_put_string(&w, view_of(reserved), 1);
	wire_put_string(&w, c.ca, SSH_BLOB_MAX);
	ssh_cert_put_signature(&w, signature);
	ck_assert(!w.bad);
	return ssh_cert_get((struct view){ out, w.len }, &got);
}

START_TEST(options_are_known_sorted_and_there_once)
{
	ck_assert(is_read(options[_i].critical, options[_i].extensions, "") ==
	    options[_i].good);
}
END_TEST

START_TEST(what_is_reserved_is_empty)
{
	ck_assert(is_read("", "", ""));
	ck_assert(!is_read("", "", "x"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ssh_cert_limits");
	TCase *t = tcase_create("limits");
	SRunner *sr;
	int failed;

	tcase_add_test(t, each_extension_has_its_bit);
	tcase_add_test(t, a_host_has_no_options);
	tcase_add_test(t, times_and_serial_are_numbers_that_mean_something);
	tcase_add_test(t, a_text_that_sshd_could_misread_is_refused);
	tcase_add_test(t, a_principal_is_one_name);
	tcase_add_test(t, a_text_has_its_longest);
	tcase_add_test(t, a_certificate_over_its_limit_is_not_made);
	tcase_add_test(t, the_ca_has_a_plain_key);
	tcase_add_loop_test(t, options_are_known_sorted_and_there_once, 0,
	    (int)COUNT(options));
	tcase_add_test(t, what_is_reserved_is_empty);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
