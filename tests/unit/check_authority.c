/* The SSH CA of a workspace: its serials, certificates, and what it revokes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "sample.h"
#include "vaultdir.h"

#define NOW 1000000u
#define YEAR ((uint64_t)CA_HOST_LIFE_MAX * 1000000)

static struct vault v;
static struct workspace *ws;

/* Linked in place of what may fail: which of them does. */
static enum { NOTHING, CALLOC, GET, SAVE } fails;
static enum cofre_status failure;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
enum cofre_status __real_sshstore_get(struct sshstore *s,
    const struct row_id *id, struct view *value);
enum cofre_status __wrap_sshstore_get(struct sshstore *s,
    const struct row_id *id, struct view *value);
enum cofre_status __real_sshstore_begin(struct sshstore *s, size_t need,
    bool reserve);
enum cofre_status __wrap_sshstore_begin(struct sshstore *s, size_t need,
    bool reserve);
enum cofre_status __real_targets_save_ca(struct targets *ts,
    struct sshstore *s, struct ca *old, struct ca *changed);
enum cofre_status __wrap_targets_save_ca(struct targets *ts,
    struct sshstore *s, struct ca *old, struct ca *changed);

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails == CALLOC ? NULL : __real_calloc(count, size);
}

enum cofre_status
__wrap_sshstore_get(struct sshstore *s, const struct row_id *id,
    struct view *value)
{
	return fails == GET ? failure : __real_sshstore_get(s, id, value);
}

/* What was last asked for. */
static struct {
	size_t need;
	bool reserve;
} room;

enum cofre_status
__wrap_sshstore_begin(struct sshstore *s, size_t need, bool reserve)
{
	room.need = need;
	room.reserve = reserve;
	return __real_sshstore_begin(s, need, reserve);
}

enum cofre_status
__wrap_targets_save_ca(struct targets *ts, struct sshstore *s,
    struct ca *old, struct ca *changed)
{
	if (fails != SAVE)
		return __real_targets_save_ca(ts, s, old, changed);
	free(changed);
	return failure;
}

static void
setup(void)
{
	const struct target_settings settings = { view_of("host"), 22,
		view_of("user"), true, view_of(""), { .count = 0 } };
	struct target *t = calloc(1, sizeof(*t));

	statedir_setup();
	vaultdir_open(&v, 64 * MIB);
	vaultdir_init(&v);
	ws = vaultdir_workspace(&v, "lab");
	vaultdir_commit(&v);
	ck_assert(t != NULL && target_set(t, &settings));
	t->item.workspace = ws->id;
	(void)snprintf(t->item.name, sizeof(t->item.name), "t");
	ck_assert_int_eq(targets_create(&v.targets, &v.ssh, t, CREATOR, NOW),
	    COFRE_OK);
	vaultdir_commit(&v);
}

static void
teardown(void)
{
	vaultdir_close(&v);
	statedir_teardown();
}

static struct ca *
ca(void)
{
	return targets_ca(&v.targets, ws->id);
}

static uint64_t clock_now; /* in a second in which no block begins */
static uint8_t nonce[SSH_CERT_NONCE_LEN]; /* of the last certificate */

static enum cofre_status
certify(const char *user, uint64_t *serial)
{
	static const uint8_t key[SSH_KEY_LEN] = { 9 };
	uint8_t principals[64], blob[AUTHORITY_CERT_MAX];
	struct ssh_cert c = { .type = SSH_CERT_USER, .key = key, .after = 1,
		.before = 2, .key_id = view_of("id") }, read;
	struct wire_writer p, w;
	enum cofre_status st;

	wire_writer_init(&p, principals, sizeof(principals));
	wire_put_string(&p, view_of(user), 60);
	c.principals = (struct view){ p.data, p.len };
	wire_writer_init(&w, blob, sizeof(blob));
	st = authority_certify(&v.targets, &v.ssh, ws->id, clock_now, &c, &w);
	*serial = c.serial;
	if (st != COFRE_OK)
		return st;
	ck_assert(ssh_cert_get((struct view){ blob, w.len }, &read));
	ck_assert_uint_eq(read.serial, c.serial);
	memcpy(nonce, read.nonce, sizeof(nonce));
	ck_assert_mem_eq(ssh_key_get(read.ca), ca()->public, SSH_KEY_LEN);
	ck_assert(crypto_ed25519_verify(ssh_signature_get(read.signature),
	    ca()->public, read.body));
	return COFRE_OK;
}

static uint64_t
next(void)
{
	uint64_t serial;

	ck_assert_int_eq(certify("u", &serial), COFRE_OK);
	return serial;
}

START_TEST(serials_are_given_once)
{
	uint64_t before, serial;

	ck_assert_uint_eq(next(), 1);
	ck_assert_uint_eq(next(), 2);
	vaultdir_commit(&v);
	before = v.ssh.epoch;
	for (uint64_t i = 3; i <= AUTHORITY_BLOCK; i++)
		ck_assert_uint_eq(next(), i);
	vaultdir_commit(&v);
	ck_assert_uint_eq(v.ssh.epoch, before); /* nothing was written */
	ck_assert_uint_eq(next(), AUTHORITY_BLOCK + 1);
	vaultdir_commit(&v);
	ck_assert_uint_eq(v.ssh.epoch, before + 1);
	/* What can't be certified takes none. */
	ck_assert_int_eq(certify("a,b", &serial), COFRE_INVALID);
	ck_assert_uint_eq(next(), AUTHORITY_BLOCK + 2);
	/* After a restart what the block has left is lost. */
	vaultdir_again(&v);
	ws = vaultdir_workspace(&v, "lab");
	ck_assert_uint_eq(next(), 2 * AUTHORITY_BLOCK + 1);
}
END_TEST

/* So that one that was given is not given again by an older store. */
START_TEST(a_block_begins_with_its_microsecond)
{
	ck_assert_uint_eq(next(), 1);
	clock_now = 7999999;
	ck_assert_uint_eq(next(), 2); /* of the block that there is */
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ws = vaultdir_workspace(&v, "lab");
	ck_assert_uint_eq(next(), 7999999);
	for (uint64_t i = 1; i < AUTHORITY_BLOCK; i++)
		ck_assert_uint_eq(next(), 7999999 + i);
	/* Faster than the clock: they go on. */
	ck_assert_uint_eq(next(), 7999999 + AUTHORITY_BLOCK);
	clock_now = 3000000; /* it was set back */
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ws = vaultdir_workspace(&v, "lab");
	ck_assert_uint_eq(next(), 7999999 + 2 * AUTHORITY_BLOCK);
	clock_now = 0;
}
END_TEST

/* 20000 in a second: an older store would go on behind them. */
START_TEST(serials_do_not_run_ahead_of_the_clock)
{
	for (clock_now = 7000000; clock_now < 8000000; clock_now += 50)
		ck_assert_uint_le(next(), clock_now);
	clock_now = 0;
}
END_TEST

/* Room for a row as it is and as it was; what frees something may take what
   is kept for that. */
START_TEST(for_a_block_and_a_revocation_there_must_be_room)
{
	(void)next();
	ck_assert_uint_eq(room.need, 2 * SSH_ROW_MAX);
	ck_assert(!room.reserve);
	room.need = 0;
	ck_assert_int_eq(authority_revoke(&v.targets, &v.ssh, ws->id, 1,
	    2 * NOW, NOW), COFRE_OK);
	ck_assert_uint_eq(room.need, 2 * SSH_ROW_MAX);
	ck_assert(room.reserve);
}
END_TEST

START_TEST(each_certificate_has_a_nonce_of_its_own)
{
	static const uint8_t none[SSH_CERT_NONCE_LEN];
	uint8_t first[SSH_CERT_NONCE_LEN];

	(void)next();
	memcpy(first, nonce, sizeof(first));
	ck_assert_mem_ne(first, none, sizeof(first));
	(void)next();
	ck_assert_mem_ne(first, nonce, sizeof(first));
}
END_TEST

START_TEST(without_a_ca_nothing_is_certified)
{
	uint64_t serial;

	ws = vaultdir_workspace(&v, "empty");
	vaultdir_commit(&v);
	ck_assert_int_eq(certify("u", &serial), COFRE_NOT_FOUND);
	ck_assert_int_eq(authority_revoke(&v.targets, &v.ssh, ws->id, 1,
	    2 * NOW, NOW), COFRE_NOT_FOUND);
}
END_TEST

static enum cofre_status
revoke(uint64_t serial, uint64_t until, uint64_t now)
{
	return authority_revoke(&v.targets, &v.ssh, ws->id, serial, until,
	    now);
}

START_TEST(what_is_revoked_is_kept_until_it_is_over)
{
	ck_assert_int_eq(revoke(1, 2 * NOW, NOW), COFRE_NOT_FOUND);
	while (next() < 7)
		;
	ck_assert_int_eq(revoke(5, NOW, NOW), COFRE_INVALID);
	ck_assert_int_eq(revoke(5, NOW + YEAR + 1, NOW), COFRE_INVALID);
	ck_assert_int_eq(revoke(0, 2 * NOW, NOW), COFRE_NOT_FOUND);
	/* One that will be given, and is not yet. */
	ck_assert_int_eq(revoke(8, 2 * NOW, NOW), COFRE_NOT_FOUND);
	ck_assert_int_eq(revoke(AUTHORITY_BLOCK + 1, 2 * NOW, NOW),
	    COFRE_NOT_FOUND);
	ck_assert_int_eq(revoke(5, 2 * NOW, NOW), COFRE_OK);
	ck_assert_int_eq(revoke(3, 3 * NOW, NOW), COFRE_OK);
	ck_assert_int_eq(revoke(7, 4 * NOW, NOW), COFRE_OK);
	ck_assert_int_eq(revoke(5, 3 * NOW, NOW), COFRE_OK);
	ck_assert_int_eq(revoke(5, 2 * NOW, NOW), COFRE_OK);
	vaultdir_commit(&v);
	vaultdir_again(&v);
	ws = vaultdir_workspace(&v, "lab");
	ck_assert_uint_eq(ca()->revoked_count, 3);
	ck_assert_uint_eq(ca()->revoked[0].serial, 3);
	ck_assert_uint_eq(ca()->revoked[1].serial, 5);
	ck_assert_uint_eq(ca()->revoked[1].until, 3 * NOW);
	ck_assert_uint_eq(ca()->revoked[2].serial, 7);
	ck_assert_int_eq(revoke(6, 9 * NOW, 3 * NOW), COFRE_OK);
	ck_assert_uint_eq(ca()->revoked_count, 2);
	ck_assert_uint_eq(ca()->revoked[0].serial, 6);
	ck_assert_uint_eq(ca()->revoked[1].serial, 7);
	ck_assert_uint_eq(ca()->krl_version, 6);
}
END_TEST

/* What is over is dropped, and stands behind the last one until then. */
START_TEST(one_that_was_over_is_revoked_again)
{
	while (next() < 2)
		;
	ck_assert_int_eq(revoke(2, 2 * NOW, NOW), COFRE_OK);
	ck_assert_int_eq(revoke(2, 5 * NOW, 3 * NOW), COFRE_OK);
	ck_assert_uint_eq(ca()->revoked_count, 1);
	ck_assert_uint_eq(ca()->revoked[0].serial, 2);
	ck_assert_uint_eq(ca()->revoked[0].until, 5 * NOW);
}
END_TEST

START_TEST(a_year_ahead_is_the_furthest)
{
	(void)next();
	ck_assert_int_eq(revoke(1, NOW + YEAR + 1, NOW), COFRE_INVALID);
	ck_assert_int_eq(revoke(1, NOW + YEAR, NOW), COFRE_OK);
	ck_assert_uint_eq(ca()->revoked[0].until, NOW + YEAR);
	ck_assert_int_eq(revoke(1, NOW + 1, NOW), COFRE_OK); /* the nearest */
}
END_TEST

START_TEST(so_many_are_revoked_and_no_more)
{
	for (uint64_t i = 0; i < CA_REVOKED_MAX; i++)
		(void)next();
	for (uint64_t i = CA_REVOKED_MAX; i >= 1; i--)
		if (i != CA_REVOKED_MAX / 2)
			ck_assert_int_eq(revoke(i, 2 * NOW, NOW), COFRE_OK);
	ck_assert_int_eq(revoke(CA_REVOKED_MAX / 2, 2 * NOW, NOW), COFRE_OK);
	vaultdir_commit(&v);
	for (uint32_t i = 0; i < CA_REVOKED_MAX; i++)
		ck_assert_uint_eq(ca()->revoked[i].serial, i + 1);
	(void)next();
	vaultdir_commit(&v);
	ck_assert_int_eq(revoke(CA_REVOKED_MAX + 1, 2 * NOW, NOW),
	    COFRE_LIMIT);
	ck_assert_int_eq(revoke(CA_REVOKED_MAX, 2 * NOW, NOW), COFRE_OK);
	vaultdir_commit(&v);
	ck_assert_uint_eq(ca()->revoked_count, CA_REVOKED_MAX);
	ck_assert_uint_eq(ca()->revoked[0].serial, 1);
}
END_TEST

/* The first serial needs a block of them, which is saved. */
START_TEST(a_serial_that_cant_be_saved_is_not_given)
{
	uint64_t serial;

	sshstore_poison(&v.ssh, COFRE_STORE_FULL);
	ck_assert_int_eq(certify("u", &serial), COFRE_STORE_FULL);
	sshstore_abort(&v.ssh);
	fails = CALLOC;
	ck_assert_int_eq(certify("u", &serial), COFRE_LIMIT);
	fails = SAVE;
	failure = COFRE_STORE_FAILED;
	ck_assert_int_eq(certify("u", &serial), COFRE_STORE_FAILED);
	fails = NOTHING;
	ck_assert_uint_eq(next(), 1);
}
END_TEST

START_TEST(without_its_key_a_ca_certifies_nothing)
{
	uint64_t serial;

	(void)next();
	fails = GET;
	failure = COFRE_NOT_FOUND;
	ck_assert_int_eq(certify("u", &serial), COFRE_CORRUPT);
	failure = COFRE_STORE_FAILED;
	ck_assert_int_eq(certify("u", &serial), COFRE_STORE_FAILED);
	fails = NOTHING;
	/* One that is another CA's. */
	ca()->public[5] ^= 1;
	ck_assert_int_eq(certify("u", &serial), COFRE_CORRUPT);
	ca()->public[5] ^= 1;
	ck_assert_int_eq(certify("u", &serial), COFRE_OK);
}
END_TEST

START_TEST(a_certificate_that_does_not_fit_is_not_made)
{
	static const uint8_t key[SSH_KEY_LEN] = { 9 };
	const uint8_t user[] = { 0, 0, 0, 1, 'u' };
	uint8_t blob[AUTHORITY_CERT_MAX];
	struct ssh_cert c = { .type = SSH_CERT_USER, .key = key, .after = 1,
		.before = 2, .key_id = view_of("id"),
		.principals = { user, sizeof(user) } };
	struct wire_writer w;
	size_t whole, fit = 0, unsigned_ones = 0;

	wire_writer_init(&w, blob, sizeof(blob));
	ck_assert_int_eq(authority_certify(&v.targets, &v.ssh, ws->id, 0, &c,
	    &w), COFRE_OK);
	whole = w.len;
	for (size_t cap = 0; cap <= whole; cap++) {
		enum cofre_status st;

		wire_writer_init(&w, blob, cap);
		st = authority_certify(&v.targets, &v.ssh, ws->id, 0, &c, &w);
		ck_assert(st == COFRE_OK || st == COFRE_INVALID ||
		    st == COFRE_TOO_LARGE);
		ck_assert(c.nonce == NULL || st == COFRE_INVALID);
		ck_assert((c.ca.data == NULL && c.ca.len == 0) ||
		    st == COFRE_INVALID);
		fit += st == COFRE_OK;
		unsigned_ones += st == COFRE_TOO_LARGE;
	}
	ck_assert_uint_eq(fit, 1);
	/* The signature is that long. */
	ck_assert_uint_eq(unsigned_ones, 4 + 4 + strlen("ssh-ed25519") + 4 +
		SIGNATURE_LEN);
}
END_TEST

START_TEST(what_cant_be_saved_is_not_revoked)
{
	while (next() < 3)
		;
	vaultdir_commit(&v);
	sshstore_poison(&v.ssh, COFRE_STORE_FULL);
	ck_assert_int_eq(revoke(1, 2 * NOW, NOW), COFRE_STORE_FULL);
	sshstore_abort(&v.ssh);
	fails = CALLOC;
	ck_assert_int_eq(revoke(1, 2 * NOW, NOW), COFRE_LIMIT);
	fails = SAVE;
	failure = COFRE_STORE_FAILED;
	ck_assert_int_eq(revoke(1, 2 * NOW, NOW), COFRE_STORE_FAILED);
	fails = NOTHING;
	ck_assert_uint_eq(ca()->revoked_count, 0);
	ck_assert_int_eq(revoke(1, 2 * NOW, NOW), COFRE_OK);
	ck_assert_uint_eq(ca()->revoked_count, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("authority");
	TCase *t = tcase_create("authority");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, serials_are_given_once);
	tcase_add_test(t, a_block_begins_with_its_microsecond);
	tcase_add_test(t, serials_do_not_run_ahead_of_the_clock);
	tcase_add_test(t, for_a_block_and_a_revocation_there_must_be_room);
	tcase_add_test(t, each_certificate_has_a_nonce_of_its_own);
	tcase_add_test(t, without_a_ca_nothing_is_certified);
	tcase_add_test(t, what_is_revoked_is_kept_until_it_is_over);
	tcase_add_test(t, one_that_was_over_is_revoked_again);
	tcase_add_test(t, a_year_ahead_is_the_furthest);
	tcase_add_test(t, so_many_are_revoked_and_no_more);
	tcase_add_test(t, a_serial_that_cant_be_saved_is_not_given);
	tcase_add_test(t, without_its_key_a_ca_certifies_nothing);
	tcase_add_test(t, a_certificate_that_does_not_fit_is_not_made);
	tcase_add_test(t, what_cant_be_saved_is_not_revoked);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
