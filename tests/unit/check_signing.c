/* What a target's key signs, and what it refuses, and why. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signing.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t key[SSH_KEY_LEN] = { 1 }, other[SSH_KEY_LEN] = { 2 };
static const uint8_t host[SSH_KEY_LEN] = { 3 };

static struct target target;
static struct sshbind bound;
static struct ssh_tosign what;
static uint8_t blobs[2][SSH_KEY_BLOB_LEN];

static struct view
blob_of(unsigned i, const uint8_t *public)
{
	struct wire_writer w;

	wire_writer_init(&w, blobs[i], sizeof(blobs[i]));
	ssh_key_put(&w, public);
	return (struct view){ blobs[i], w.len };
}

static void
pin(const uint8_t *public)
{
	struct target_pin *p = &target.pins[target.pin_count++];
	struct view blob = blob_of(0, public);

	p->len = blob.len;
	memcpy(p->blob, blob.data, blob.len);
}

/* A login that is to be signed. */
static void
setup(void)
{
	memset(&target, 0, sizeof(target));
	memset(&bound, 0, sizeof(bound));
	(void)snprintf(target.user, sizeof(target.user), "train");
	(void)snprintf(target.namespaces[0], sizeof(target.namespaces[0]),
	    "git");
	target.namespace_count = 1;
	pin(other);
	pin(host);
	ck_assert_ptr_null(sshbind_add(&bound, view_of("s"), host, false));
	what = (struct ssh_tosign){ .kind = SSH_TOSIGN_LOGIN,
		.session = view_of("s"), .user = view_of("train"),
		.key = key };
}

static const char *
refusal(void)
{
	const uint8_t *by;
	const char *why = signing_refusal(&target, &bound, key, &what, &by);

	if (why == NULL && what.kind == SSH_TOSIGN_LOGIN)
		ck_assert_mem_eq(by, host, SSH_KEY_LEN);
	return why;
}

static void
must_refuse(const char *words)
{
	const char *why = refusal();

	ck_assert_msg(why != NULL && strstr(why, words) != NULL, "%s: %s",
	    words, why == NULL ? "signed" : why);
	setup();
	ck_assert_ptr_null(refusal());
}

START_TEST(a_login_is_of_its_session_host_user_and_key)
{
	ck_assert_ptr_null(refusal());
	what.host_key = blob_of(1, host);
	ck_assert_ptr_null(refusal());
	what.host_key = blob_of(1, other);
	must_refuse("another host than the session's");
	what.host_key = view_of("x");
	must_refuse("another host than the session's");
	what.session = view_of("t");
	must_refuse("another session");
	bound.count = 0;
	must_refuse("no session is bound");
	bound.forwarded = true;
	must_refuse("forwarded");
	target.pin_count = 0;
	must_refuse("no pinned host key");
	target.pin_count = 1;
	must_refuse("not pinned");
	what.user = view_of("root");
	must_refuse("another user");
	what.user = view_of("trai");
	must_refuse("another user");
	what.user = view_of("train2");
	must_refuse("another user");
	what.key = other;
	must_refuse("another key");
}
END_TEST

START_TEST(a_file_is_of_a_namespace_of_the_target)
{
	what = (struct ssh_tosign){ .kind = SSH_TOSIGN_FILE,
		.name_space = view_of("git") };
	bound.count = 0;
	ck_assert_ptr_null(refusal());
	what.name_space = view_of("gi");
	ck_assert_ptr_nonnull(refusal());
	what.name_space = view_of("gitt");
	ck_assert_ptr_nonnull(refusal());
	what.name_space = view_of("git");
	target.namespace_count = 0;
	ck_assert_ptr_nonnull(refusal());
	target.namespace_count = 1;
	bound.forwarded = true;
	ck_assert_ptr_nonnull(refusal());
}
END_TEST

START_TEST(what_is_of_use_once_a_session_is_bound)
{
	ck_assert(signing_is_of_use(&target, &bound));
	target.pin_count = 1; /* another host's alone */
	ck_assert(!signing_is_of_use(&target, &bound));
	target.pin_count = 0;
	ck_assert(!signing_is_of_use(&target, &bound));
	target.pin_count = 2;
	bound.forwarded = true;
	ck_assert(!signing_is_of_use(&target, &bound));
	bound = (struct sshbind){ .count = 0 };
	ck_assert(signing_is_of_use(&target, &bound));
	/* The session that was bound last counts. */
	ck_assert_ptr_null(sshbind_add(&bound, view_of("s"), host, true));
	bound.forwarded = false;
	ck_assert_ptr_null(sshbind_add(&bound, view_of("t"), key, false));
	ck_assert(!signing_is_of_use(&target, &bound));
}
END_TEST

/* A certificate of the CA that has the pair: a seed, and its public key. */
static struct view
certificate(uint8_t buf[1024], const uint8_t pair[CRYPTO_PAIR_LEN],
    uint64_t serial)
{
	static const uint8_t zeros[SSH_CERT_NONCE_LEN];
	uint8_t principal[] = { 0, 0, 0, 1, 'u' };
	const struct ssh_cert c = { .type = SSH_CERT_USER, .nonce = zeros,
		.key = key, .serial = serial, .after = 1, .before = 2,
		.key_id = view_of("lab/user:5"),
		.principals = { principal, sizeof(principal) },
		.ca = blob_of(1, pair + KEY_LEN) };
	uint8_t signature[SSH_SIGNATURE_LEN];
	struct wire_writer w;

	wire_writer_init(&w, buf, 1024);
	ssh_cert_put(&w, &c);
	crypto_ed25519_sign(signature, pair, (struct view){ buf, w.len });
	ssh_cert_put_signature(&w, signature);
	ck_assert(!w.bad);
	return (struct view){ buf, w.len };
}

START_TEST(a_certificate_is_its_owners_until_it_is_revoked)
{
	uint8_t mine[CRYPTO_PAIR_LEN], others[CRYPTO_PAIR_LEN], buf[1024];
	struct ca *ca = ca_new();
	const struct view own = view_of("lab/user:5");
	struct view cert;

	ck_assert_ptr_nonnull(ca);
	crypto_ed25519_make(mine);
	crypto_ed25519_make(others);
	memcpy(ca->public, mine + KEY_LEN, SSH_KEY_LEN);
	cert = certificate(buf, mine, 7);
	ca->revoked_count = 2;
	ca->revoked[0] = (struct ca_revoked){ 6, 100 };
	ca->revoked[1] = (struct ca_revoked){ 8, 100 };
	ck_assert_ptr_null(signing_certificate_refusal(ca, cert, own, 5));
	ck_assert_ptr_nonnull(signing_certificate_refusal(ca, cert,
	    view_of("lab/user:55"), 5));
	ca->revoked[1].serial = 7;
	ck_assert_ptr_nonnull(signing_certificate_refusal(ca, cert, own, 99));
	ck_assert_ptr_null(signing_certificate_refusal(ca, cert, own, 100));
	/* What it does not say is not believed: the record has its serial. */
	ca->revoked_count = 0;
	ck_assert_ptr_null(signing_certificate_refusal(ca, cert, own, 5));
	for (size_t i = 1; i <= SSH_SIGNATURE_LEN; i += 7) {
		buf[cert.len - i] ^= 1;
		ck_assert_ptr_nonnull(signing_certificate_refusal(ca, cert,
		    own, 5));
		buf[cert.len - i] ^= 1;
	}
	/* Of others it is for the host to judge. */
	cert = certificate(buf, others, 7);
	ck_assert_ptr_null(signing_certificate_refusal(ca, cert,
	    view_of("x"), 5));
	ck_assert_ptr_null(signing_certificate_refusal(NULL, cert,
	    view_of("x"), 5));
	free(ca);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("signing");
	TCase *t = tcase_create("rules");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_login_is_of_its_session_host_user_and_key);
	tcase_add_test(t, a_file_is_of_a_namespace_of_the_target);
	tcase_add_test(t, what_is_of_use_once_a_session_is_bound);
	tcase_add_test(t, a_certificate_is_its_owners_until_it_is_revoked);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
