#include "keyring.h"

#include <string.h>

struct keys {
	uint8_t root[KEY_LEN];
	uint8_t meta[KEY_LEN];
	uint8_t wrap[KEY_LEN];
	uint8_t tally[KEY_LEN];
	uint8_t log_tag[KEY_LEN];
	uint8_t log_name[KEY_LEN];
	uint8_t token[KEY_LEN];
	uint8_t digest[KEY_LEN];
	uint8_t ssh_wrap[KEY_LEN];
	uint8_t ssh[KEY_LEN];
	uint8_t pair[CRYPTO_PAIR_LEN]; /* a key pair, for one signature */
	uint8_t catalog[16];
	uint8_t opened[WRAPPED_LEN]; /* where a wrapped key is opened */
	uint8_t data[WORKSPACES_MAX][KEY_LEN];
};

static const char context[8] = { 'c', 'o', 'f', 'r', 'e', 'v', 'l', 't' };

bool
keyring_init(struct keyring *k)
{
	*k = (struct keyring){ .open = false };
	if (!secmem_init(&k->memory, sizeof(struct keys), true, false))
		return false;
	k->keys = k->memory.base;
	return true;
}

void
keyring_free(struct keyring *k)
{
	secmem_free(&k->memory);
	*k = (struct keyring){ .open = false };
}

/* Make the subkeys of the root key that is there. */
static void
derive(struct keyring *k)
{
	struct keys *keys = k->keys;

	crypto_subkey(keys->meta, keys->root, 1, context);
	crypto_subkey(keys->wrap, keys->root, 2, context);
	crypto_subkey(keys->tally, keys->root, 3, context);
	crypto_subkey(keys->log_tag, keys->root, 4, context);
	crypto_subkey(keys->log_name, keys->root, 5, context);
	crypto_subkey(keys->token, keys->root, 6, context);
	crypto_subkey(keys->digest, keys->root, 7, context);
	crypto_subkey(keys->ssh_wrap, keys->root, 8, context);
	crypto_random(keys->catalog, sizeof(keys->catalog));
	k->open = true;
}

void
keyring_generate(struct keyring *k)
{
	crypto_random(k->keys->root, KEY_LEN);
	derive(k);
}

void
keyring_wipe(struct keyring *k)
{
	secmem_wipe(k->keys, sizeof(*k->keys));
	k->open = false;
}

static void
wrap(uint8_t *out, const uint8_t *under, const struct seal_place *place,
    const uint8_t *key)
{
	seal_close(out, under, 1, place, (struct view){ key, KEY_LEN }, NULL);
}

/* Open a wrapped key into the ring's own memory, and then where it goes. */
static bool
unwrap(struct keyring *k, const uint8_t *under,
    const struct seal_place *place, struct view wrapped, uint8_t *key)
{
	struct view plain;
	bool good;

	if (wrapped.len != WRAPPED_LEN)
		return false;
	good = seal_open(k->keys->opened, under, place, wrapped, &plain) &&
	    plain.len == KEY_LEN;
	if (good)
		memcpy(key, plain.data, KEY_LEN);
	secmem_wipe(k->keys->opened, sizeof(k->keys->opened));
	return good;
}

void
keyring_wrap_root(const struct keyring *k, uint8_t out[WRAPPED_LEN],
    const uint8_t slot_key[KEY_LEN], const struct seal_place *place)
{
	wrap(out, slot_key, place, k->keys->root);
}

bool
keyring_unwrap_root(struct keyring *k, const uint8_t slot_key[KEY_LEN],
    const struct seal_place *place, struct view wrapped)
{
	if (!unwrap(k, slot_key, place, wrapped, k->keys->root))
		return false;
	derive(k);
	return true;
}

void
keyring_data_generate(struct keyring *k, unsigned i)
{
	crypto_random(k->keys->data[i], KEY_LEN);
}

void
keyring_data_wrap(const struct keyring *k, unsigned i,
    uint8_t out[WRAPPED_LEN], const struct seal_place *place)
{
	wrap(out, k->keys->wrap, place, k->keys->data[i]);
}

bool
keyring_data_unwrap(struct keyring *k, unsigned i,
    const struct seal_place *place, struct view wrapped)
{
	return unwrap(k, k->keys->wrap, place, wrapped, k->keys->data[i]);
}

void
keyring_data_drop(struct keyring *k, unsigned i)
{
	secmem_wipe(k->keys->data[i], KEY_LEN);
}

void
keyring_ssh_generate(struct keyring *k)
{
	crypto_random(k->keys->ssh, KEY_LEN);
}

void
keyring_ssh_wrap(const struct keyring *k, uint8_t out[WRAPPED_LEN],
    const struct seal_place *place)
{
	wrap(out, k->keys->ssh_wrap, place, k->keys->ssh);
}

bool
keyring_ssh_unwrap(struct keyring *k, const struct seal_place *place,
    struct view wrapped)
{
	return unwrap(k, k->keys->ssh_wrap, place, wrapped, k->keys->ssh);
}

void
keyring_ssh_drop(struct keyring *k)
{
	secmem_wipe(k->keys->ssh, KEY_LEN);
}

void
keyring_pair_make(struct keyring *k, uint8_t public[PUBLIC_KEY_LEN],
    uint8_t sealed[WRAPPED_LEN], struct seal_place place)
{
	uint8_t *pair = k->keys->pair;

	crypto_ed25519_make(pair);
	memcpy(public, pair + KEY_LEN, PUBLIC_KEY_LEN);
	place.name = (struct view){ public, PUBLIC_KEY_LEN };
	wrap(sealed, k->keys->ssh, &place, pair);
	secmem_wipe(pair, CRYPTO_PAIR_LEN);
}

bool
keyring_pair_sign(struct keyring *k, const uint8_t public[PUBLIC_KEY_LEN],
    struct view sealed, struct seal_place place, struct view message,
    uint8_t signature[SIGNATURE_LEN])
{
	uint8_t *pair = k->keys->pair;
	bool good;

	place.name = (struct view){ public, PUBLIC_KEY_LEN };
	good = unwrap(k, k->keys->ssh, &place, sealed, pair);
	/* The public half needs no computing: it is the one it was sealed
	   with, and a signature under another one would tell the seed. */
	if (good) {
		memcpy(pair + KEY_LEN, public, PUBLIC_KEY_LEN);
		crypto_ed25519_sign(signature, pair, message);
	}
	secmem_wipe(pair, CRYPTO_PAIR_LEN);
	return good;
}

const uint8_t *
keyring_meta(const struct keyring *k)
{
	return k->keys->meta;
}

const uint8_t *
keyring_tally(const struct keyring *k)
{
	return k->keys->tally;
}

const uint8_t *
keyring_data(const struct keyring *k, unsigned i)
{
	return k->keys->data[i];
}

const uint8_t *
keyring_ssh(const struct keyring *k)
{
	return k->keys->ssh;
}

struct log_keys
keyring_log(const struct keyring *k)
{
	return (struct log_keys){ k->keys->log_tag, k->keys->log_name };
}

const uint8_t *
keyring_catalog(const struct keyring *k)
{
	return k->keys->catalog;
}

const uint8_t *
keyring_token(const struct keyring *k)
{
	return k->keys->token;
}

const uint8_t *
keyring_digest(const struct keyring *k)
{
	return k->keys->digest;
}
