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

START_TEST(the_body_is_what_openssh_signs)
{
	struct ssh_cert c = sshsample_cert();
	struct view v = golden();

	ck_assert_uint_eq(v.len, SSHSAMPLE_CERT_LEN);
	ck_assert(view_equal(made(&c, v.data + v.len - SSH_SIGNATURE_LEN), v));
	sample_assert_hex((struct view){ v.data + v.len - 64, 8 },
	    "c011b59f6d1b3006");
}
END_TEST

START_TEST(it_is_read_as_it_was_made)
{
	struct ssh_cert c;
	struct view v = golden();

	ck_assert(ssh_cert_get(v, &c));
	ck_assert_int_eq(c.type, SSH_CERT_USER);
	ck_assert_ptr_eq(c.nonce, v.data + 40);
	sample_assert_hex((struct view){ c.key, SSH_KEY_LEN }, SSHSAMPLE_KEY);
	ck_assert_uint_eq(c.serial, 42);
	ck_assert_uint_eq(c.after, 1577836800);
	ck_assert_uint_eq(c.before, 1577840400);
	ck_assert(view_is(c.key_id, "ws1/run/abc"));
	sample_assert_hex(c.principals, "00000005616c696365");
	ck_assert(view_is(c.force_command, "/bin/true"));
	ck_assert(view_is(c.source_address, "127.0.0.1/32"));
	ck_assert_uint_eq(c.extensions, SSH_CERT_PTY);
	ck_assert_ptr_nonnull(ssh_key_get(c.ca));
	sample_assert_hex((struct view){ ssh_key_get(c.ca), 32 },
	    SSHSAMPLE_CA);
	ck_assert_ptr_eq(c.body.data, v.data);
	ck_assert_uint_eq(c.body.len,
	    v.len - 4 - SSH_SIGNATURE_BLOB_LEN);
	ck_assert_ptr_eq(ssh_signature_get(c.signature),
	    v.data + v.len - 64);
}
END_TEST

START_TEST(what_is_cut_or_longer_is_refused)
{
	struct view v = golden();
	struct ssh_cert c = { .serial = 7 };

	for (size_t n = 0; n < v.len; n++) {
		/* Of just that size, so that a read behind it is seen. */
		uint8_t *copy = malloc(n + 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy + 1, v.data, n);
		ck_assert_msg(!ssh_cert_get((struct view){ copy + 1, n }, &c),
		    "cut at %zu", n);
		free(copy);
	}
	blob[v.len] = 0;
	ck_assert(!ssh_cert_get((struct view){ blob, v.len + 1 }, &c));
	ck_assert_uint_eq(c.serial, 7);
}
END_TEST

START_TEST(a_changed_byte_is_refused_or_is_another_certificate)
{
	struct view v = golden(), again;
	struct ssh_cert c;
	size_t taken = 0;

	for (size_t bit = 0; bit < 8 * v.len; bit++) {
		blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (ssh_cert_get(v, &c) && c.serial != 0) {
			again = made(&c, ssh_signature_get(c.signature));
			ck_assert_msg(view_equal(again, v), "bit %zu", bit);
			taken++;
		}
		blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* Nonce, key, serial, times, CA's key and signature are free. */
	ck_assert_uint_ge(taken, (size_t)8 * (32 + 32 + 7 + 32 + 64));
}
END_TEST

START_TEST(a_huge_length_anywhere_is_refused)
{
	struct view v = golden();
	struct ssh_cert c;
	static const uint8_t huge[][4] = { { 0xff, 0xff, 0xff, 0xff },
		{ 0x7f, 0xff, 0xff, 0xff }, { 0x80, 0, 0, 0 },
		{ 0, 0, 0x20, 0x01 } };
	/* Where the lengths are: of all strings, and of those within. */
	static const size_t at[] = { 0, 36, 72, 120, 135, 139, 164, 168, 185,
		189, 202, 220, 224, 240, 244, 258, 262, 266, 270, 285, 321, 325,
		340 };

	for (size_t i = 0; i < COUNT(at); i++)
		for (size_t k = 0; k < COUNT(huge); k++) {
			uint8_t kept[4];

			memcpy(kept, blob + at[i], 4);
			memcpy(blob + at[i], huge[k], 4);
			ck_assert_msg(!ssh_cert_get(v, &c), "at %zu", at[i]);
			memcpy(blob + at[i], kept, 4);
		}
	ck_assert(ssh_cert_get(v, &c));
}
END_TEST

START_TEST(a_writer_without_room_is_bad)
{
	struct ssh_cert c = sshsample_cert();
	size_t n = made(&c, signature).len;
	struct wire_writer w;

	for (size_t cap = 0; cap <= n; cap++) {
		memset(out, 0x77, sizeof(out));
		wire_writer_init(&w, out, cap);
		ssh_cert_put(&w, &c);
		ssh_cert_put_signature(&w, signature);
		ck_assert(w.bad == (cap < n));
		ck_assert_uint_eq(out[cap], 0x77);
	}
	wire_writer_init(&w, out, sizeof(out));
	wire_put_u8(&w, 0);
	ssh_cert_put(&w, &c);
	ck_assert(w.bad);
}
END_TEST

/* The strings of a certificate of fixed length, and what is before them. */
static const size_t fixed[] = { 36, 72 };

START_TEST(nonce_and_key_have_just_32_bytes)
{
	struct ssh_cert c;
	size_t at = fixed[_i];
	struct view v;

	for (unsigned n = 31; n <= 33; n++) {
		v = golden();
		/* A byte less, or one more that is there twice. */
		blob[at + 3] = (uint8_t)n;
		if (n != 32)
			memmove(blob + at + n, blob + at + 32,
			    v.len - at - 32);
		v.len = v.len - 32 + n;
		ck_assert_msg(ssh_cert_get(v, &c) == (n == 32), "%u", n);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ssh_cert");
	TCase *t = tcase_create("bytes");
	SRunner *sr;
	int failed;

	tcase_add_test(t, the_body_is_what_openssh_signs);
	tcase_add_test(t, it_is_read_as_it_was_made);
	tcase_add_test(t, what_is_cut_or_longer_is_refused);
	tcase_add_test(t, a_changed_byte_is_refused_or_is_another_certificate);
	tcase_add_test(t, a_huge_length_anywhere_is_refused);
	tcase_add_test(t, a_writer_without_room_is_bad);
	tcase_add_loop_test(t, nonce_and_key_have_just_32_bytes, 0,
	    (int)COUNT(fixed));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
