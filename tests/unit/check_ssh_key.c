#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "sshsample.h"

static uint8_t bytes[SSH_BLOB_MAX];
static char text[SSH_LINE_SIZE];

/* The blob of the sample's key. */
static struct view
sample_key(void)
{
	static uint8_t blob[SSH_KEY_BLOB_LEN];

	return (struct view){ blob,
		sample_hex(SSHSAMPLE_BLOB, blob, sizeof(blob)) };
}

START_TEST(a_key_has_the_blob_of_the_rfc)
{
	uint8_t key[SSH_KEY_LEN], buf[SSH_KEY_BLOB_LEN];
	struct wire_writer w;

	(void)sample_hex(SSHSAMPLE_KEY, key, sizeof(key));
	wire_writer_init(&w, buf, sizeof(buf));
	ssh_key_put(&w, key);
	ck_assert(!w.bad);
	sample_assert_hex((struct view){ buf, w.len }, SSHSAMPLE_BLOB);
	ck_assert_ptr_eq(ssh_key_get((struct view){ buf, w.len }), buf + 19);
	ck_assert_str_eq(ssh_key_type((struct view){ buf, w.len }),
	    SSH_ED25519);
	wire_writer_init(&w, buf, sizeof(buf) - 1);
	ssh_key_put(&w, key);
	ck_assert(w.bad);
}
END_TEST

START_TEST(a_signature_has_the_blob_of_the_rfc)
{
	uint8_t signature[SSH_SIGNATURE_LEN], buf[SSH_SIGNATURE_BLOB_LEN + 1];
	struct wire_writer w;

	memset(signature, 0x5a, sizeof(signature));
	wire_writer_init(&w, buf, sizeof(buf));
	ssh_signature_put(&w, signature);
	ck_assert_uint_eq(w.len, SSH_SIGNATURE_BLOB_LEN);
	sample_assert_hex((struct view){ buf, 20 },
	    "0000000b7373682d65643235353139000000405a");
	for (size_t n = 0; n <= sizeof(buf); n++)
		ck_assert(ssh_signature_get((struct view){ buf, n }) ==
		    (n == w.len ? buf + 19 : NULL));
	ck_assert_ptr_null(ssh_key_get((struct view){ buf, w.len }));
	ck_assert_ptr_null(ssh_key_type((struct view){ buf, w.len }));
}
END_TEST

START_TEST(a_key_of_another_length_or_type_is_none)
{
	uint8_t buf[SSH_KEY_BLOB_LEN + 1] = { 0 };
	struct view v = { buf, SSH_KEY_BLOB_LEN };

	memcpy(buf, sample_key().data, v.len);
	for (size_t n = 0; n <= sizeof(buf); n++) {
		struct view cut = { buf, n };

		ck_assert((ssh_key_get(cut) != NULL) == (n == v.len));
		ck_assert((ssh_key_type(cut) != NULL) == (n == v.len));
	}
	/* Every bit of what is not the key itself. */
	for (size_t bit = 0; bit < (size_t)19 * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_ptr_null(ssh_key_get(v));
		ck_assert_ptr_null(ssh_key_type(v));
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* 31 bytes and 33. */
	buf[18] = 31;
	v.len = SSH_KEY_BLOB_LEN - 1;
	ck_assert_ptr_null(ssh_key_get(v));
	ck_assert_ptr_null(ssh_key_type(v));
	buf[18] = 33;
	v.len = SSH_KEY_BLOB_LEN + 1;
	ck_assert_ptr_null(ssh_key_get(v));
	ck_assert_ptr_null(ssh_key_type(v));
}
END_TEST

START_TEST(the_line_and_the_fingerprint_are_those_of_openssh)
{
	struct ssh_line l = { .blob = sample_key(),
		.comment = view_of("cofre:ws1/cluster-a") };
	char fingerprint[SSH_FINGERPRINT_SIZE];

	ck_assert(ssh_line_make(text, sizeof(text), &l));
	ck_assert_str_eq(text, SSHSAMPLE_LINE);
	ssh_key_fingerprint(fingerprint, sample_key());
	ck_assert_str_eq(fingerprint, SSHSAMPLE_FINGERPRINT);
}
END_TEST

START_TEST(options_stand_before_the_key)
{
	struct ssh_line l = { .blob = sample_key() };

	ck_assert(ssh_line_make(text, sizeof(text), &l));
	ck_assert_str_eq(text, "ssh-ed25519 " SSHSAMPLE_BASE64);
	l.restricted = true;
	ck_assert(ssh_line_make(text, sizeof(text), &l));
	ck_assert_str_eq(text, "restrict ssh-ed25519 " SSHSAMPLE_BASE64);
	l.from = view_of("10.0.0.0/8,!10.0.0.1");
	l.comment = view_of("a b");
	ck_assert(ssh_line_make(text, sizeof(text), &l));
	ck_assert_str_eq(text, "restrict,from=\"10.0.0.0/8,!10.0.0.1\" "
	    "ssh-ed25519 " SSHSAMPLE_BASE64 " a b");
	l = (struct ssh_line){ .blob = sample_key(), .is_authority = true,
		.principals = view_of("alice,bob") };
	ck_assert(ssh_line_make(text, sizeof(text), &l));
	ck_assert_str_eq(text, "cert-authority,principals=\"alice,bob\" "
	    "ssh-ed25519 " SSHSAMPLE_BASE64);
}
END_TEST

/* What can't be in a line. */
static const char *const injections[] = { "a\nssh-rsa x", "a\rb", "a\"b",
	"a\\\"b", "a\",command=\"x", "*\" ssh-ed25519 AAAA", "a b", "a\tb",
	"a\x7f", "a\xc2\x85" };

START_TEST(no_text_becomes_an_option_or_a_line)
{
	struct view evil = view_of(injections[_i]);
	struct ssh_line l = { .blob = sample_key(), .from = evil };

	text[0] = 'x';
	ck_assert(!ssh_line_make(text, sizeof(text), &l));
	ck_assert_str_eq(text, "");
	l = (struct ssh_line){ .blob = sample_key(), .is_authority = true,
		.principals = evil };
	ck_assert(!ssh_line_make(text, sizeof(text), &l));
	ck_assert(!ssh_line_known_host(text, sizeof(text), evil, 22,
	    sample_key()));
	ck_assert_str_eq(text, "");
	/* A comment may have spaces and quotes: it goes to the line's end. */
	l = (struct ssh_line){ .blob = sample_key(), .comment = evil };
	ck_assert(ssh_line_make(text, sizeof(text), &l) ==
	    (strpbrk(injections[_i], "\n\r\t\x7f\xc2") == NULL));
}
END_TEST

START_TEST(a_line_of_what_is_no_key_is_refused)
{
	struct ssh_line l = { .blob = { NULL, 0 } };

	ck_assert(!ssh_line_make(text, sizeof(text), &l));
	l.blob = (struct view){ (const uint8_t *)
	    "\0\0\0\007ssh-dss\0\0\0\001x", 16 };
	ck_assert(!ssh_line_make(text, sizeof(text), &l));
	l.blob = sample_key();
	l.blob.len--;
	ck_assert(!ssh_line_make(text, sizeof(text), &l));
	l.blob = sample_key();
	ck_assert(ssh_line_make(text, sizeof(text), &l));
	/* principals= means nothing without cert-authority. */
	l.principals = view_of("alice");
	ck_assert(!ssh_line_make(text, sizeof(text), &l));
}
END_TEST

START_TEST(a_line_without_room_is_refused_and_empty)
{
	struct ssh_line l = { .restricted = true, .from = view_of("10.0.0.1"),
		.blob = sample_key(), .comment = view_of("c") };
	size_t n;

	ck_assert(ssh_line_make(text, sizeof(text), &l));
	n = strlen(text);
	for (size_t size = 0; size <= n; size++) {
		memset(text, 'x', sizeof(text));
		ck_assert(!ssh_line_make(text, size, &l));
		ck_assert_int_eq(text[0], size == 0 ? 'x' : '\0');
		ck_assert_int_eq(text[size], 'x');
	}
	ck_assert(ssh_line_make(text, n + 1, &l));
}
END_TEST

START_TEST(a_certificate_has_a_line_too)
{
	uint8_t cert[SSHSAMPLE_CERT_LEN];
	struct ssh_line l = { .comment = view_of("id") };

	l.blob = sshsample_base64(SSHSAMPLE_CERT, cert, sizeof(cert));
	ck_assert_uint_eq(l.blob.len, SSHSAMPLE_CERT_LEN);
	ck_assert(ssh_line_make(text, sizeof(text), &l));
	ck_assert_str_eq(text, SSH_ED25519_CERT " " SSHSAMPLE_CERT " id");
	ck_assert_ptr_null(ssh_key_type(l.blob));
	ck_assert_ptr_null(ssh_key_get(l.blob));
}
END_TEST

START_TEST(a_known_host_has_its_port)
{
	ck_assert(ssh_line_known_host(text, sizeof(text), view_of("node1"), 22,
	    sample_key()));
	ck_assert_str_eq(text, "node1 ssh-ed25519 " SSHSAMPLE_BASE64);
	ck_assert(ssh_line_known_host(text, sizeof(text), view_of("::1"), 65535,
	    sample_key()));
	ck_assert_str_eq(text, "[::1]:65535 ssh-ed25519 " SSHSAMPLE_BASE64);
	ck_assert(!ssh_line_known_host(text, sizeof(text), view_of("node1"), 0,
	    sample_key()));
	ck_assert(!ssh_line_known_host(text, sizeof(text), view_of(""), 22,
	    sample_key()));
	ck_assert(!ssh_line_known_host(text, sizeof(text), view_of("*"), 22,
	    sample_key()));
	ck_assert(!ssh_line_known_host(text, sizeof(text), view_of("node1"), 22,
	    view_of("x")));
}
END_TEST

static const struct {
	const char *line, *type;
	size_t len;
} keys[] = {
	{ SSHSAMPLE_LINE, SSH_ED25519, 51 },
	{ SSHSAMPLE_NISTP256, "ecdsa-sha2-nistp256", 104 },
	{ SSHSAMPLE_NISTP384, "ecdsa-sha2-nistp384", 136 },
	{ SSHSAMPLE_NISTP521, "ecdsa-sha2-nistp521", 172 },
	{ SSHSAMPLE_RSA, "ssh-rsa", 279 },
};

START_TEST(a_host_key_of_every_type_is_read)
{
	char line[2048];
	struct ssh_host_key k;

	ck_assert(ssh_line_host_key(view_of(keys[_i].line), bytes, &k));
	ck_assert_str_eq(k.type, keys[_i].type);
	ck_assert_uint_eq(k.blob.len, keys[_i].len);
	ck_assert_ptr_eq(k.blob.data, bytes);
	ck_assert_uint_eq(k.host.len, 0);
	ck_assert((ssh_key_get(k.blob) != NULL) == (_i == 0));
	/* The same with a host before it, and words behind. */
	(void)snprintf(line, sizeof(line), " [node1]:22,10.0.0.1\t%s \ta b ",
	    keys[_i].line);
	ck_assert(ssh_line_host_key(view_of(line), bytes, &k));
	ck_assert_str_eq(k.type, keys[_i].type);
	ck_assert(view_is(k.host, "[node1]:22,10.0.0.1"));
	ck_assert(ssh_line_known_host(text, sizeof(text), view_of("h"), 22,
	    k.blob));
	(void)snprintf(line, sizeof(line), "h %s", keys[_i].line);
	ck_assert_uint_gt(strlen(text), k.blob.len);
	ck_assert_int_eq(strncmp(text, line, strlen(text)), 0);
}
END_TEST

START_TEST(a_blob_that_is_cut_or_longer_has_no_type)
{
	struct view v = sshsample_blob(keys[_i].line, bytes);

	for (size_t n = 0; n < v.len; n++)
		ck_assert_ptr_null(ssh_key_type((struct view){ bytes, n }));
	bytes[v.len] = 0;
	ck_assert_ptr_null(ssh_key_type((struct view){ bytes, v.len + 1 }));
}
END_TEST

static const char *const bad_lines[] = { "", " ", "\n", "ssh-ed25519",
	"ssh-ed25519 ", "ssh-ed25519 AAAA", "ssh-ed25519 !", SSHSAMPLE_BASE64,
	"ssh-rsa " SSHSAMPLE_BASE64, /* of another type */
	"ecdsa-sha2-nistp256 " SSHSAMPLE_BASE64,
	"ssh-dss " SSHSAMPLE_BASE64, "SSH-ED25519 " SSHSAMPLE_BASE64,
	"a b ssh-ed25519 " SSHSAMPLE_BASE64,
	"@revoked ssh-ed25519 " SSHSAMPLE_BASE64,
	"@cert-authority * ssh-ed25519 " SSHSAMPLE_BASE64,
	"ssh-ed25519 " SSHSAMPLE_BASE64 "=",
	"ssh-ed25519 " SSHSAMPLE_BASE64 "AAAA",
	"ssh-ed25519 -" SSHSAMPLE_BASE64,
	SSHSAMPLE_LINE "\n", SSHSAMPLE_LINE "\r", SSHSAMPLE_LINE "\x7f",
	"ssh-ed25519\n" SSHSAMPLE_BASE64, "ssh-ed25519\v" SSHSAMPLE_BASE64,
	SSH_ED25519_CERT " " SSHSAMPLE_CERT,
	"ssh-ed25519 " SSHSAMPLE_CERT,
	"sk-ssh-ed25519@openssh.com " SSHSAMPLE_BASE64 };

START_TEST(what_is_no_line_of_a_host_key_is_refused)
{
	struct ssh_host_key k = { "x", { NULL, 0 }, { NULL, 0 } };

	ck_assert(!ssh_line_host_key(view_of(bad_lines[_i]), bytes, &k));
	ck_assert_str_eq(k.type, "x");
}
END_TEST

START_TEST(a_line_is_read_to_its_end_and_no_further)
{
	struct view v = view_of(SSHSAMPLE_LINE);
	struct ssh_host_key k;
	size_t least = strlen("ssh-ed25519 " SSHSAMPLE_BASE64);

	for (size_t n = 0; n <= v.len; n++) {
		uint8_t *copy = malloc(n + 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, v.data, n);
		ck_assert(ssh_line_host_key((struct view){ copy, n }, bytes,
		    &k) == (n >= least));
		free(copy);
	}
	ck_assert(!ssh_line_host_key((struct view){ (const uint8_t *)
	    "ssh-ed25519\0 " SSHSAMPLE_BASE64, least + 1 }, bytes, &k));
}
END_TEST

START_TEST(a_curve_that_is_not_the_types_is_refused)
{
	struct view v = sshsample_blob(SSHSAMPLE_NISTP256, bytes);

	ck_assert_ptr_nonnull(ssh_key_type(v));
	bytes[v.len - 65 - 4 - 1] = '7'; /* nistp257 */
	ck_assert_ptr_null(ssh_key_type(v));
	bytes[v.len - 65 - 4 - 1] = '6';
	bytes[v.len - 65] = 2; /* compressed */
	ck_assert_ptr_null(ssh_key_type(v));
}
END_TEST

/* Types whose first or second part is empty; and numbers of which there is
   another form, or that are not above 0. */
static const char *const empty[] = {
	"000000077373682d727361000000000000000101",
	"000000077373682d727361000000010300000000",
	("0000001365636473612d736861322d6e69737470323536000000086e69737470"
	 "32353600000000"),
	"00000000",
	"ffffffff7373682d727361",
	"000000077373682d727361fffffffc",
	"000000077373682d7273610000000200030000000101",
	"000000077373682d7273610000000103000000020001",
	"000000077373682d72736100000001800000000101",
	"000000077373682d72736100000001000000000101",
	"000000077373682d7273610000000103000000020000" };

START_TEST(a_key_without_its_parts_has_no_type)
{
	uint8_t buf[128];
	size_t n = sample_hex(empty[_i], buf, sizeof(buf));

	ck_assert_ptr_null(ssh_key_type((struct view){ buf, n }));
}
END_TEST

START_TEST(a_blob_over_its_limit_has_no_type)
{
	static uint8_t buf[SSH_BLOB_MAX + 1], part[SSH_BLOB_MAX] = { 1 };
	struct wire_writer w;

	for (size_t over = 0; over <= 1; over++) {
		wire_writer_init(&w, buf, sizeof(buf));
		wire_put_string(&w, view_of("ssh-rsa"), 7);
		wire_put_string(&w, view_of("\003"), 1);
		wire_put_string(&w,
		    (struct view){ part, SSH_BLOB_MAX - 20 + over },
		    SSH_BLOB_MAX);
		ck_assert(!w.bad);
		ck_assert_uint_eq(w.len, SSH_BLOB_MAX + over);
		ck_assert((ssh_key_type((struct view){ buf, w.len }) !=
		    NULL) == (over == 0));
	}
}
END_TEST

static TCase *
lines_case(void)
{
	TCase *t = tcase_create("lines");

	tcase_add_test(t, the_line_and_the_fingerprint_are_those_of_openssh);
	tcase_add_test(t, options_stand_before_the_key);
	tcase_add_loop_test(t, no_text_becomes_an_option_or_a_line, 0,
	    (int)COUNT(injections));
	tcase_add_test(t, a_line_of_what_is_no_key_is_refused);
	tcase_add_test(t, a_line_without_room_is_refused_and_empty);
	tcase_add_test(t, a_certificate_has_a_line_too);
	tcase_add_test(t, a_known_host_has_its_port);
	tcase_add_loop_test(t, a_host_key_of_every_type_is_read, 0,
	    (int)COUNT(keys));
	tcase_add_loop_test(t, what_is_no_line_of_a_host_key_is_refused, 0,
	    (int)COUNT(bad_lines));
	tcase_add_test(t, a_line_is_read_to_its_end_and_no_further);
	return t;
}

int
main(void)
{
	Suite *s = suite_create("ssh_key");
	TCase *t = tcase_create("blobs");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_key_has_the_blob_of_the_rfc);
	tcase_add_test(t, a_signature_has_the_blob_of_the_rfc);
	tcase_add_test(t, a_key_of_another_length_or_type_is_none);
	tcase_add_loop_test(t, a_blob_that_is_cut_or_longer_has_no_type, 0,
	    (int)COUNT(keys));
	tcase_add_test(t, a_curve_that_is_not_the_types_is_refused);
	tcase_add_loop_test(t, a_key_without_its_parts_has_no_type, 0,
	    (int)COUNT(empty));
	tcase_add_test(t, a_blob_over_its_limit_has_no_type);
	suite_add_tcase(s, t);
	suite_add_tcase(s, lines_case());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
