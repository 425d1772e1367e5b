#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "sshsample.h"
#include "ssh_tosign.h"

/* A session's id of 32 bytes, and the key, as strings. */
#define SESSION                                                              \
	"00000020" "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"                        \
	"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define KEY "00000033" SSHSAMPLE_BLOB
#define HOST_KEY                                                             \
	"00000033" "0000000b7373682d6564323535313900000020" SSHSAMPLE_CA

#define ALICE "00000005616c696365"
#define CONNECTION "0000000e7373682d636f6e6e656374696f6e"
#define PUBLICKEY "000000097075626c69636b6579"
#define HOSTBOUND                                                            \
	"000000237075626c69636b65792d686f7374626f756e642d763030406f70656e73" \
	"73682e636f6d"
#define ED25519 "0000000b7373682d65643235353139"
#define CERT                                                                 \
	"000000207373682d656432353531392d636572742d763031406f70656e7373682e" \
	"636f6d"

#define LOGIN SESSION "32" ALICE CONNECTION PUBLICKEY "01" ED25519 KEY
#define LOGIN_HOSTBOUND                                                      \
	SESSION "32" ALICE CONNECTION HOSTBOUND "01" ED25519 KEY HOST_KEY

/* "SSHSIG", namespace "git", reserved, algorithm, hash. */
#define MAGIC "535348534947"
#define GIT "00000003676974"
#define SHA256 "00000006736861323536"
#define SHA512 "00000006736861353132"
#define HASH_32                                                              \
	"00000020" "000102030405060708090a0b0c0d0e0f"                        \
	"101112131415161718191a1b1c1d1e1f"
#define HASH_64                                                              \
	"00000040" "000102030405060708090a0b0c0d0e0f"                        \
	"101112131415161718191a1b1c1d1e1f" "202122232425262728292a2b2c2d2e2f" \
	"303132333435363738393a3b3c3d3e3f"
#define FILE_256 MAGIC GIT "00000000" SHA256 HASH_32
#define FILE_512 MAGIC GIT "00000000" SHA512 HASH_64

static uint8_t buf[2 * SSH_BLOB_MAX];

static struct view
bytes_of(const char *hex)
{
	return (struct view){ buf, sample_hex(hex, buf, sizeof(buf)) };
}

START_TEST(a_login_is_taken_apart)
{
	struct ssh_tosign t;
	struct view v = bytes_of(LOGIN);

	ck_assert_int_eq(ssh_tosign_get(v, &t), SSH_TOSIGN_OK);
	ck_assert_int_eq(t.kind, SSH_TOSIGN_LOGIN);
	ck_assert_uint_eq(t.session.len, 32);
	ck_assert_ptr_eq(t.session.data, buf + 4);
	ck_assert(view_is(t.user, "alice"));
	sample_assert_hex(t.blob, SSHSAMPLE_BLOB);
	sample_assert_hex((struct view){ t.key, 32 }, SSHSAMPLE_KEY);
	ck_assert(!t.is_certificate);
	ck_assert_uint_eq(t.host_key.len, 0);
}
END_TEST

START_TEST(a_login_names_its_host_key)
{
	struct ssh_tosign t;
	struct view v = bytes_of(LOGIN_HOSTBOUND);

	ck_assert_int_eq(ssh_tosign_get(v, &t), SSH_TOSIGN_OK);
	ck_assert_int_eq(t.kind, SSH_TOSIGN_LOGIN);
	ck_assert(view_is(t.user, "alice"));
	ck_assert_uint_eq(t.host_key.len, 51);
	sample_assert_hex((struct view){ ssh_key_get(t.host_key), 32 },
	    SSHSAMPLE_CA);
}
END_TEST

/* A login with the sample certificate, of the algorithm that is given. */
static struct view
cert_login(const char *algorithm, size_t change)
{
	uint8_t cert[SSHSAMPLE_CERT_LEN];
	struct wire_writer w;

	(void)sshsample_base64(SSHSAMPLE_CERT, cert, sizeof(cert));
	cert[change] ^= 3;
	wire_writer_init(&w, buf, sizeof(buf));
	w.len = sample_hex(SESSION "32" ALICE CONNECTION PUBLICKEY "01", buf,
	    sizeof(buf));
	wire_put_string(&w, view_of(algorithm), 64);
	wire_put_string(&w, (struct view){ cert, sizeof(cert) }, 1024);
	ck_assert(!w.bad);
	return (struct view){ buf, w.len };
}

START_TEST(a_certificate_signs_with_the_key_in_it)
{
	struct ssh_tosign t;

	ck_assert_int_eq(ssh_tosign_get(
	    cert_login(SSH_ED25519_CERT, SSHSAMPLE_CERT_LEN - 1), &t),
	    SSH_TOSIGN_OK);
	ck_assert(t.is_certificate);
	sample_assert_hex((struct view){ t.key, 32 }, SSHSAMPLE_KEY);
	ck_assert_int_eq(ssh_tosign_get(
	    cert_login(SSH_ED25519, SSHSAMPLE_CERT_LEN - 1), &t),
	    SSH_TOSIGN_KEY);
	/* A damaged one; a host's, which has no options, can't be made of it. */
	ck_assert_int_eq(ssh_tosign_get(cert_login(SSH_ED25519_CERT, 0), &t),
	    SSH_TOSIGN_KEY);
	ck_assert_int_eq(ssh_tosign_get(cert_login(SSH_ED25519_CERT, 119), &t),
	    SSH_TOSIGN_KEY);
}
END_TEST

START_TEST(a_file_is_taken_apart)
{
	struct ssh_tosign t;

	ck_assert_int_eq(ssh_tosign_get(bytes_of(FILE_256), &t),
	    SSH_TOSIGN_OK);
	ck_assert_int_eq(t.kind, SSH_TOSIGN_FILE);
	ck_assert(view_is(t.name_space, "git"));
	ck_assert_uint_eq(t.hash.len, 32);
	ck_assert_uint_eq(t.hash.data[31], 0x1f);
	ck_assert_ptr_null(t.key);
	ck_assert_int_eq(ssh_tosign_get(bytes_of(FILE_512), &t),
	    SSH_TOSIGN_OK);
	ck_assert_uint_eq(t.hash.len, 64);
}
END_TEST

static const char *const whole[] = { LOGIN, LOGIN_HOSTBOUND, FILE_256,
	FILE_512 };

START_TEST(what_is_cut_or_longer_is_refused)
{
	struct ssh_tosign t = { .kind = SSH_TOSIGN_FILE };
	struct view v = bytes_of(whole[_i]);

	for (size_t n = 0; n < v.len; n++) {
		uint8_t *copy = malloc(n + 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy + 1, buf, n);
		ck_assert_int_ne(ssh_tosign_get(
		    (struct view){ copy + 1, n }, &t), SSH_TOSIGN_OK);
		free(copy);
	}
	ck_assert_int_eq(ssh_tosign_get(v, &t), SSH_TOSIGN_OK);
	buf[v.len] = 0;
	ck_assert_int_eq(ssh_tosign_get((struct view){ buf, v.len + 1 }, &t),
	    SSH_TOSIGN_DAMAGED);
}
END_TEST

START_TEST(a_bit_that_is_not_free_is_refused)
{
	struct ssh_tosign t;
	struct view v = bytes_of(LOGIN_HOSTBOUND);
	size_t taken = 0;

	for (size_t bit = 0; bit < 8 * v.len; bit++) {
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (ssh_tosign_get(v, &t) == SSH_TOSIGN_OK)
			taken++;
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* Free are: the session's id, the key, the host key's bytes, and most
	   bits of the user. */
	ck_assert_uint_ge(taken, (size_t)8 * (32 + 32 + 51) + 20);
	ck_assert_uint_le(taken, (size_t)8 * (32 + 32 + 51 + 5));
}
END_TEST

static const struct {
	const char *hex;
	enum ssh_tosign_result want;
} refused[] = {
	/* Whatever is neither. */
	{ "", SSH_TOSIGN_UNKNOWN },
	{ "00", SSH_TOSIGN_UNKNOWN },
	{ HASH_32, SSH_TOSIGN_UNKNOWN },
	{ HASH_64, SSH_TOSIGN_UNKNOWN },
	{ "ffffffffffffffff", SSH_TOSIGN_UNKNOWN },
	{ "00000000" "32" ALICE CONNECTION PUBLICKEY "01" ED25519 KEY,
	    SSH_TOSIGN_UNKNOWN },
	{ SESSION "33" ALICE CONNECTION PUBLICKEY "01" ED25519 KEY,
	    SSH_TOSIGN_UNKNOWN },
	{ "53534853", SSH_TOSIGN_UNKNOWN },
	{ "535348534948" GIT "00000000" SHA256 HASH_32, SSH_TOSIGN_UNKNOWN },
	/* Logins. */
	{ SESSION "32" "00000000" CONNECTION PUBLICKEY "01" ED25519 KEY,
	    SSH_TOSIGN_DAMAGED },
	{ SESSION "32" "00000003610a62" CONNECTION PUBLICKEY "01" ED25519 KEY,
	    SSH_TOSIGN_DAMAGED },
	{ SESSION "32" "00000003610062" CONNECTION PUBLICKEY "01" ED25519 KEY,
	    SSH_TOSIGN_DAMAGED },
	{ SESSION "32" ALICE "0000000c7373682d7573657261757468" PUBLICKEY "01"
	    ED25519 KEY, SSH_TOSIGN_SERVICE },
	{ SESSION "32" ALICE CONNECTION "0000000870617373776f7264" "00"
	    "00000000", SSH_TOSIGN_METHOD },
	{ SESSION "32" ALICE CONNECTION "00000009686f73746261736564" "01"
	    ED25519 KEY, SSH_TOSIGN_METHOD },
	{ SESSION "32" ALICE CONNECTION PUBLICKEY "00" ED25519 KEY,
	    SSH_TOSIGN_DAMAGED },
	{ SESSION "32" ALICE CONNECTION PUBLICKEY "ff" ED25519 KEY,
	    SSH_TOSIGN_DAMAGED },
	{ SESSION "32" ALICE CONNECTION PUBLICKEY "01" "000000077373682d727361"
	    KEY, SSH_TOSIGN_KEY },
	{ SESSION "32" ALICE CONNECTION PUBLICKEY "01"
	    "0000000c7273612d736861322d323536" KEY, SSH_TOSIGN_KEY },
	{ SESSION "32" ALICE CONNECTION PUBLICKEY "01" CERT KEY,
	    SSH_TOSIGN_KEY },
	{ SESSION "32" ALICE CONNECTION PUBLICKEY "01" ED25519 "00000000",
	    SSH_TOSIGN_KEY },
	{ SESSION "32" ALICE CONNECTION PUBLICKEY "01"
	    "000000077373682d727361" "0000001a000000077373682d727361"
	    "00000003010001" "00000004aabbccdd", SSH_TOSIGN_KEY },
	{ SESSION "32" ALICE CONNECTION PUBLICKEY "01" ED25519 KEY HOST_KEY,
	    SSH_TOSIGN_DAMAGED },
	{ SESSION "32" ALICE CONNECTION HOSTBOUND "01" ED25519 KEY,
	    SSH_TOSIGN_DAMAGED },
	{ SESSION "32" ALICE CONNECTION HOSTBOUND "01" ED25519 KEY "00000000",
	    SSH_TOSIGN_DAMAGED },
	{ SESSION "32" ALICE CONNECTION HOSTBOUND "01" ED25519 KEY "ffffffff",
	    SSH_TOSIGN_DAMAGED },
	{ SESSION "32" "ffffffff" "616c696365", SSH_TOSIGN_DAMAGED },
	/* Files. */
	{ MAGIC, SSH_TOSIGN_DAMAGED },
	{ MAGIC "00000000" "00000000" SHA256 HASH_32, SSH_TOSIGN_DAMAGED },
	{ MAGIC "00000003670a74" "00000000" SHA256 HASH_32,
	    SSH_TOSIGN_DAMAGED },
	{ MAGIC "00000003c3a974" "00000000" SHA256 HASH_32,
	    SSH_TOSIGN_DAMAGED },
	{ MAGIC GIT "0000000161" SHA256 HASH_32, SSH_TOSIGN_DAMAGED },
	{ MAGIC GIT "00000000" SHA256 HASH_64, SSH_TOSIGN_HASH },
	{ MAGIC GIT "00000000" SHA512 HASH_32, SSH_TOSIGN_HASH },
	{ MAGIC GIT "00000000" "0000000473686131" HASH_32, SSH_TOSIGN_HASH },
	{ MAGIC GIT "00000000" "00000000" "00000000", SSH_TOSIGN_HASH },
};

START_TEST(what_is_neither_is_refused_and_says_why)
{
	struct ssh_tosign t = { .kind = SSH_TOSIGN_FILE };
	enum ssh_tosign_result result;

	result = ssh_tosign_get(bytes_of(refused[_i].hex), &t);
	ck_assert_str_eq(ssh_tosign_text(result),
	    ssh_tosign_text(refused[_i].want));
	ck_assert_int_eq(t.kind, SSH_TOSIGN_FILE);
	ck_assert_ptr_null(t.key);
}
END_TEST

START_TEST(a_session_has_128_bytes_at_most)
{
	struct ssh_tosign t;
	struct wire_writer w;
	uint8_t rest[512];
	size_t n = sample_hex("32" ALICE CONNECTION PUBLICKEY "01" ED25519 KEY,
	    rest, sizeof(rest));

	for (size_t len = 0; len < 200; len++) {
		wire_writer_init(&w, buf, sizeof(buf));
		wire_put_string(&w, (struct view){ rest, len }, sizeof(rest));
		wire_put_bytes(&w, (struct view){ rest, n });
		ck_assert((ssh_tosign_get((struct view){ buf, w.len }, &t) ==
		    SSH_TOSIGN_OK) == (len >= 1 && len <= 128));
	}
}
END_TEST

START_TEST(every_result_has_a_text)
{
	for (int i = SSH_TOSIGN_UNKNOWN; i <= SSH_TOSIGN_OK; i++)
		ck_assert_uint_gt(
		    strlen(ssh_tosign_text((enum ssh_tosign_result)i)), 9);
	ck_assert_str_eq(ssh_tosign_text((enum ssh_tosign_result)99), "?");
	ck_assert_int_eq(SSH_TOSIGN_UNKNOWN, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ssh_tosign");
	TCase *t = tcase_create("ssh_tosign");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_login_is_taken_apart);
	tcase_add_test(t, a_login_names_its_host_key);
	tcase_add_test(t, a_certificate_signs_with_the_key_in_it);
	tcase_add_test(t, a_file_is_taken_apart);
	tcase_add_loop_test(t, what_is_cut_or_longer_is_refused, 0,
	    (int)COUNT(whole));
	tcase_add_test(t, a_bit_that_is_not_free_is_refused);
	tcase_add_loop_test(t, what_is_neither_is_refused_and_says_why, 0,
	    (int)COUNT(refused));
	tcase_add_test(t, a_session_has_128_bytes_at_most);
	tcase_add_test(t, every_result_has_a_text);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
