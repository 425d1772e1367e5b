#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "keyring.h"
#include "sample.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static struct keyring ring;
static const uint8_t vault[VAULT_ID_LEN] = { 1, 2, 3 };
static uint8_t slot_key[KEY_LEN], wrapped[WRAPPED_LEN];
static struct seal_place place;

static void
setup(void)
{
	ck_assert(crypto_init());
	ck_assert(keyring_init(&ring));
	for (size_t i = 0; i < KEY_LEN; i++)
		slot_key[i] = (uint8_t)(i + 1);
	place = (struct seal_place){ .vault = vault, .table = TABLE_SLOT,
		.record = 1, .name = view_of("parameters") };
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

/* True when the whole of the ring's memory is zero. */
static bool
is_blank(void)
{
	const uint8_t *bytes = ring.memory.base;
	uint8_t any = 0;

	for (size_t i = 0; i < ring.memory.size; i++)
		any |= bytes[i];
	return any == 0;
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

START_TEST(the_keys_rest_in_secret_memory)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd == -1) {
		(void)printf("skipped: memfd_secret: %s\n", strerror(errno));
		return;
	}
	(void)close(fd);
	ck_assert_int_eq(ring.memory.kind, SECMEM_SECRET);
	ck_assert_str_eq(secmem_kind_name(ring.memory.kind), "memfd_secret");
}
END_TEST

START_TEST(a_new_ring_is_closed_and_blank)
{
	struct keyring other;

	ck_assert(!ring.open);
	ck_assert(is_blank());
	/* All of it is in memory at once, where nothing may swap it. */
	ck_assert(!ring.memory.on_fault);
	/* Whatever was there before. */
	memset(&other, 0xff, sizeof(other));
	ck_assert(keyring_init(&other));
	ck_assert(!other.open);
	keyring_free(&other);
}
END_TEST

START_TEST(a_generated_root_opens_the_ring_with_keys_that_differ)
{
	const uint8_t *keys[6];

	keyring_generate(&ring);
	ck_assert(ring.open);
	keys[0] = keyring_meta(&ring);
	keys[1] = keyring_tally(&ring);
	keys[2] = keyring_log(&ring).tag;
	keys[3] = keyring_log(&ring).name;
	keys[4] = keyring_data(&ring, 0);
	keys[5] = keyring_token(&ring);
	keyring_data_generate(&ring, 0);
	for (size_t i = 0; i < COUNT(keys); i++) {
		ck_assert_uint_eq(count_in_ring(keys[i], KEY_LEN), 1);
		for (size_t j = 0; j < i; j++)
			ck_assert_mem_ne(keys[i], keys[j], KEY_LEN);
	}
}
END_TEST

START_TEST(the_root_key_is_wrapped_and_comes_back)
{
	uint8_t meta[KEY_LEN], tally[KEY_LEN], tag[KEY_LEN], name[KEY_LEN];

	keyring_generate(&ring);
	memcpy(meta, keyring_meta(&ring), KEY_LEN);
	memcpy(tally, keyring_tally(&ring), KEY_LEN);
	memcpy(tag, keyring_log(&ring).tag, KEY_LEN);
	memcpy(name, keyring_log(&ring).name, KEY_LEN);
	keyring_wrap_root(&ring, wrapped, slot_key, &place);
	keyring_wipe(&ring);
	ck_assert(keyring_unwrap_root(&ring, slot_key, &place,
	    wrapped_view()));
	ck_assert(ring.open);
	ck_assert_mem_eq(meta, keyring_meta(&ring), KEY_LEN);
	ck_assert_mem_eq(tally, keyring_tally(&ring), KEY_LEN);
	ck_assert_mem_eq(tag, keyring_log(&ring).tag, KEY_LEN);
	ck_assert_mem_eq(name, keyring_log(&ring).name, KEY_LEN);
}
END_TEST

/* The subkeys 1 to 8 of the key 00, 01, 02 ... (Python's hashlib). */
START_TEST(subkeys_are_the_known_ones)
{
	uint8_t root[KEY_LEN];

	for (size_t i = 0; i < KEY_LEN; i++)
		root[i] = (uint8_t)i;
	seal_close(wrapped, slot_key, 1, &place,
	    (struct view){ root, KEY_LEN }, NULL);
	ck_assert(keyring_unwrap_root(&ring, slot_key, &place,
	    wrapped_view()));
	sample_assert_hex((struct view){ keyring_meta(&ring), KEY_LEN },
	    "82ec7a8c3193254f036429f5a929ea950d9bff0bc2c579bb315e21839c0a0823"
	    );
	sample_assert_hex((struct view){ keyring_tally(&ring), KEY_LEN },
	    "9e8b14c3406ba7d1c1e8b35f92fcfe1fb22c2bd401efda5a39a57fcce74b3adf"
	    );
	sample_assert_hex((struct view){ keyring_log(&ring).tag, KEY_LEN },
	    "4c8275916e32755ee4cef094842e6f38262c5371448f0f102d42e7b800995ecc"
	    );
	sample_assert_hex((struct view){ keyring_log(&ring).name, KEY_LEN },
	    "96ec10c867c4f3301e9f68a12957bb0752e4928b1556e3126c116e6347ed36f1"
	    );
	sample_assert_hex((struct view){ keyring_token(&ring), KEY_LEN },
	    "4c8e132ff8ccc4172cc32a4bb546237d4f805db18fe1507a3572914d093816c8"
	    );
	sample_assert_hex((struct view){ keyring_digest(&ring), KEY_LEN },
	    "356ade62a685708697909287534cdcd06aeb0fb460758f4e194495cf2d493e86"
	    );
	/* The wrap keys are not given out: a key that they wrapped is. */
	(void)sample_hex(
	    "dee43470973dfec0238903503b7b543689de4a36935d658231a1e6a03ff51b2c",
	    root, KEY_LEN);
	seal_close(wrapped, root, 1, &place, (struct view){ slot_key,
	    KEY_LEN }, NULL);
	ck_assert(keyring_data_unwrap(&ring, 3, &place, wrapped_view()));
	ck_assert_mem_eq(keyring_data(&ring, 3), slot_key, KEY_LEN);
	(void)sample_hex(
	    "f9455b5262766d293a0ee65326f629bf4ff5b12ef935faa7462cc74593d1b18d",
	    root, KEY_LEN);
	seal_close(wrapped, root, 1, &place, (struct view){ slot_key,
	    KEY_LEN }, NULL);
	ck_assert(keyring_ssh_unwrap(&ring, &place, wrapped_view()));
	ck_assert_mem_eq(keyring_ssh(&ring), slot_key, KEY_LEN);
}
END_TEST

/* Unwrapping is refused, and every byte of the ring stays what it was. */
static void
assert_refused(const uint8_t *key, const struct seal_place *at,
    struct view row)
{
	uint8_t *before = malloc(ring.memory.size);
	bool open = ring.open;

	ck_assert_ptr_nonnull(before);
	memcpy(before, ring.memory.base, ring.memory.size);
	ck_assert(!keyring_unwrap_root(&ring, key, at, row));
	ck_assert(!keyring_data_unwrap(&ring, 5, at, row));
	ck_assert(ring.open == open);
	ck_assert(memcmp(before, ring.memory.base, ring.memory.size) == 0);
	free(before);
}

START_TEST(a_wrong_slot_key_changes_nothing)
{
	keyring_generate(&ring);
	keyring_wrap_root(&ring, wrapped, slot_key, &place);
	for (size_t bit = 0; bit < 8 * KEY_LEN; bit++) {
		uint8_t wrong[KEY_LEN];

		memcpy(wrong, slot_key, KEY_LEN);
		wrong[bit / 8] ^= (uint8_t)(1u << bit % 8);
		/* With another root key in the ring, and with none. */
		keyring_generate(&ring);
		assert_refused(wrong, &place, wrapped_view());
		keyring_wipe(&ring);
		assert_refused(wrong, &place, wrapped_view());
		ck_assert(is_blank());
	}
}
END_TEST

START_TEST(a_wrapped_key_is_bound_to_its_place_and_length)
{
	struct seal_place other = place;
	uint8_t longer[WRAPPED_LEN + 1] = { 0 };

	keyring_generate(&ring);
	keyring_wrap_root(&ring, wrapped, slot_key, &place);
	other.record = 2;
	assert_refused(slot_key, &other, wrapped_view());
	other = place;
	other.name = view_of("parameterz");
	assert_refused(slot_key, &other, wrapped_view());
	memcpy(longer, wrapped, sizeof(wrapped));
	assert_refused(slot_key, &place,
	    (struct view){ longer, sizeof(longer) });
	assert_refused(slot_key, &place,
	    (struct view){ wrapped, WRAPPED_LEN - 1 });
	assert_refused(slot_key, &place, (struct view){ NULL, 0 });
}
END_TEST

START_TEST(what_is_wrapped_must_be_a_key)
{
	uint8_t long_one[200], row[400];

	memset(long_one, 0x77, sizeof(long_one));
	keyring_generate(&ring);
	/* The first two have the sealed size of a key. */
	seal_close(wrapped, slot_key, 1, &place,
	    (struct view){ long_one, KEY_LEN - 1 }, NULL);
	assert_refused(slot_key, &place, wrapped_view());
	seal_close(wrapped, slot_key, 1, &place,
	    (struct view){ long_one, 60 }, NULL);
	assert_refused(slot_key, &place, wrapped_view());
	seal_close(row, slot_key, 1, &place,
	    (struct view){ long_one, sizeof(long_one) }, NULL);
	assert_refused(slot_key, &place,
	    (struct view){ row, seal_size(sizeof(long_one)) });
}
END_TEST

START_TEST(wrapping_does_not_show_the_key_or_repeat_itself)
{
	uint8_t again[WRAPPED_LEN];
	uint32_t version = 0;

	ck_assert_uint_eq(WRAPPED_LEN, seal_size(KEY_LEN));
	keyring_generate(&ring);
	keyring_data_generate(&ring, 0);
	keyring_data_wrap(&ring, 0, wrapped, &place);
	keyring_data_wrap(&ring, 0, again, &place);
	ck_assert_mem_ne(wrapped, again, sizeof(again));
	ck_assert_ptr_null(memmem(wrapped, sizeof(wrapped),
	    keyring_data(&ring, 0), 8));
	ck_assert(seal_key_version(wrapped_view(), &version));
	ck_assert_uint_eq(version, 1);
}
END_TEST

START_TEST(data_keys_are_wrapped_and_dropped_each_for_itself)
{
	const unsigned last = WORKSPACES_MAX - 1;
	uint8_t key[KEY_LEN], none[KEY_LEN] = { 0 };

	keyring_generate(&ring);
	keyring_data_generate(&ring, 0);
	keyring_data_generate(&ring, last);
	ck_assert_mem_ne(keyring_data(&ring, 0), keyring_data(&ring, last),
	    KEY_LEN);
	memcpy(key, keyring_data(&ring, last), KEY_LEN);
	keyring_data_wrap(&ring, last, wrapped, &place);
	keyring_data_drop(&ring, last);
	ck_assert_mem_eq(keyring_data(&ring, last), none, KEY_LEN);
	ck_assert_mem_ne(keyring_data(&ring, 0), none, KEY_LEN);
	ck_assert_uint_eq(count_in_ring(key, KEY_LEN), 0);
	ck_assert(keyring_data_unwrap(&ring, last, &place, wrapped_view()));
	ck_assert_mem_eq(keyring_data(&ring, last), key, KEY_LEN);
	/* Nothing is left where it was opened. */
	ck_assert_uint_eq(count_in_ring(key, KEY_LEN), 1);
}
END_TEST

START_TEST(after_wiping_every_byte_is_zero)
{
	keyring_generate(&ring);
	for (unsigned i = 0; i < WORKSPACES_MAX; i++)
		keyring_data_generate(&ring, i);
	ck_assert(!is_blank());
	keyring_wipe(&ring);
	ck_assert(!ring.open);
	ck_assert(is_blank());
}
END_TEST

START_TEST(the_catalogue_has_another_key_at_each_unlock)
{
	uint8_t first[16];

	keyring_generate(&ring);
	keyring_wrap_root(&ring, wrapped, slot_key, &place);
	memcpy(first, keyring_catalog(&ring), sizeof(first));
	keyring_wipe(&ring);
	ck_assert(keyring_unwrap_root(&ring, slot_key, &place,
	    wrapped_view()));
	ck_assert_mem_ne(first, keyring_catalog(&ring), sizeof(first));
}
END_TEST

START_TEST(two_vaults_have_nothing_in_common)
{
	struct keyring other;

	ck_assert(keyring_init(&other));
	keyring_generate(&ring);
	keyring_generate(&other);
	ck_assert_mem_ne(keyring_meta(&ring), keyring_meta(&other), KEY_LEN);
	keyring_free(&other);
}
END_TEST

START_TEST(a_ring_may_be_freed_twice_and_never_made)
{
	struct keyring never = { .open = false };
	void *base = ring.memory.base;
	unsigned char there;

	ck_assert_int_eq(mincore(base, 1, &there), 0);
	keyring_free(&never);
	keyring_free(&ring);
	ck_assert_ptr_null(ring.keys);
	ck_assert_int_eq(mincore(base, 1, &there), -1);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert(!ring.open);
	keyring_free(&ring);
}
END_TEST

START_TEST(without_memory_there_is_no_ring)
{
	struct rlimit none = { 0, 0 }, before;
	struct keyring other;

	ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
	none.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
	errno = 0;
	ck_assert(!keyring_init(&other));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
	keyring_free(&other);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keyring");
	TCase *t = tcase_create("keyring");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_keys_rest_in_secret_memory);
	tcase_add_test(t, a_new_ring_is_closed_and_blank);
	tcase_add_test(t,
	    a_generated_root_opens_the_ring_with_keys_that_differ);
	tcase_add_test(t, the_root_key_is_wrapped_and_comes_back);
	tcase_add_test(t, subkeys_are_the_known_ones);
	tcase_add_test(t, a_wrong_slot_key_changes_nothing);
	tcase_add_test(t, a_wrapped_key_is_bound_to_its_place_and_length);
	tcase_add_test(t, what_is_wrapped_must_be_a_key);
	tcase_add_test(t, wrapping_does_not_show_the_key_or_repeat_itself);
	tcase_add_test(t, data_keys_are_wrapped_and_dropped_each_for_itself);
	tcase_add_test(t, after_wiping_every_byte_is_zero);
	tcase_add_test(t, the_catalogue_has_another_key_at_each_unlock);
	tcase_add_test(t, two_vaults_have_nothing_in_common);
	tcase_add_test(t, a_ring_may_be_freed_twice_and_never_made);
	tcase_add_test(t, without_memory_there_is_no_ring);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
