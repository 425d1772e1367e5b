/* The ssh key, and the key pairs under it. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "keyring.h"

static struct keyring ring;
static const uint8_t vault[VAULT_ID_LEN] = { 1, 2, 3 };
static uint8_t wrapped[WRAPPED_LEN];
static struct seal_place place;

static void
setup(void)
{
	ck_assert(crypto_init());
	ck_assert(keyring_init(&ring));
	place = (struct seal_place){ .vault = vault, .table = 36,
		.workspace = 1, .record = 2, .version = 3 };
	keyring_generate(&ring);
	keyring_ssh_generate(&ring);
}

static void
teardown(void)
{
	keyring_free(&ring);
}

static struct view
wrapped_view(void)
{
	return (struct view){ wrapped, sizeof(wrapped) };
}

/* How often these bytes stand in the ring's memory. */
static unsigned
count_in_ring(const void *bytes, size_t n)
{
	const uint8_t *at = ring.memory.base;
	size_t left = ring.memory.size;
	unsigned count = 0;
	const uint8_t *found;

	while ((found = memmem(at, left, bytes, n)) != NULL) {
		count++;
		left -= (size_t)(found - at) + 1;
		at = found + 1;
	}
	return count;
}

START_TEST(a_private_key_signs_in_its_place_and_with_its_public_key_alone)
{
	const struct view message = view_of("a message");
	uint8_t public[PUBLIC_KEY_LEN], other[PUBLIC_KEY_LEN];
	uint8_t a[SIGNATURE_LEN], b[SIGNATURE_LEN] = { 0 };
	const uint8_t none[SIGNATURE_LEN] = { 0 };
	struct seal_place elsewhere;

	keyring_pair_make(&ring, public, wrapped, place);
	ck_assert(keyring_pair_sign(&ring, public, wrapped_view(), place,
	    message, a));
	ck_assert(keyring_pair_sign(&ring, public, wrapped_view(), place,
	    message, b));
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert_int_eq(crypto_sign_ed25519_verify_detached(a, message.data,
	    message.len, public), 0);
	/* With another public key the signature would tell the seed. */
	memset(b, 0, sizeof(b));
	memcpy(other, public, sizeof(other));
	other[0] ^= 1;
	ck_assert(!keyring_pair_sign(&ring, other, wrapped_view(), place,
	    message, b));
	elsewhere = place;
	elsewhere.version++;
	ck_assert(!keyring_pair_sign(&ring, public, wrapped_view(), elsewhere,
	    message, b));
	keyring_ssh_generate(&ring);
	ck_assert(!keyring_pair_sign(&ring, public, wrapped_view(), place,
	    message, b));
	ck_assert_mem_eq(b, none, sizeof(b));
}
END_TEST

START_TEST(nothing_of_a_pair_is_left_in_the_ring)
{
	uint8_t public[PUBLIC_KEY_LEN], seed[KEY_LEN + 200];
	uint8_t signature[SIGNATURE_LEN];
	struct seal_place bound;
	struct view plain;

	keyring_pair_make(&ring, public, wrapped, place);
	ck_assert_uint_eq(count_in_ring(public, sizeof(public)), 0);
	ck_assert(keyring_pair_sign(&ring, public, wrapped_view(), place,
	    view_of("m"), signature));
	bound = place;
	bound.name = (struct view){ public, sizeof(public) };
	ck_assert(seal_open(seed, keyring_ssh(&ring), &bound, wrapped_view(),
	    &plain));
	ck_assert_uint_eq(plain.len, KEY_LEN);
	ck_assert_uint_eq(count_in_ring(plain.data, 16), 0);
	ck_assert_uint_eq(count_in_ring(plain.data + 16, 16), 0);
	ck_assert_uint_eq(count_in_ring(public, sizeof(public)), 0);
}
END_TEST

static int
order(const void *a, const void *b)
{
	return memcmp(a, b, PUBLIC_KEY_LEN);
}

START_TEST(many_pairs_are_all_different)
{
	enum { MANY = 20000 };
	static uint8_t keys[MANY][PUBLIC_KEY_LEN];

	for (unsigned i = 0; i < MANY; i++)
		keyring_pair_make(&ring, keys[i], wrapped, place);
	qsort(keys, MANY, PUBLIC_KEY_LEN, order);
	for (unsigned i = 1; i < MANY; i++)
		ck_assert_mem_ne(keys[i - 1], keys[i], PUBLIC_KEY_LEN);
}
END_TEST

START_TEST(the_ssh_key_is_wrapped_under_a_key_of_its_own)
{
	uint8_t key[KEY_LEN], none[KEY_LEN] = { 0 };

	memcpy(key, keyring_ssh(&ring), KEY_LEN);
	keyring_ssh_wrap(&ring, wrapped, &place);
	/* What wraps the keys of workspaces opens it not. */
	ck_assert(!keyring_data_unwrap(&ring, 0, &place, wrapped_view()));
	keyring_ssh_drop(&ring);
	ck_assert_mem_eq(keyring_ssh(&ring), none, KEY_LEN);
	ck_assert_uint_eq(count_in_ring(key, KEY_LEN), 0);
	ck_assert(keyring_ssh_unwrap(&ring, &place, wrapped_view()));
	ck_assert_mem_eq(keyring_ssh(&ring), key, KEY_LEN);
	ck_assert_uint_eq(count_in_ring(key, KEY_LEN), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keyring_ssh");
	TCase *t = tcase_create("keyring_ssh");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    a_private_key_signs_in_its_place_and_with_its_public_key_alone);
	tcase_add_test(t, nothing_of_a_pair_is_left_in_the_ring);
	tcase_add_test(t, many_pairs_are_all_different);
	tcase_add_test(t, the_ssh_key_is_wrapped_under_a_key_of_its_own);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
