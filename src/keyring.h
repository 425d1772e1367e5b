/*
 * keyring: the keys of an open vault, and the only place where they rest.
 *
 * They lie in one area of secret memory (secmem.h), made at start:
 *
 *	root key            random, made by init; wrapped in unlock slots
 *	  meta key          seals workspaces, roles and the evidence
 *	  wrap key          wraps the data keys of the workspaces
 *	  tally key         of the multiset hash over all rows
 *	  log tag, log name of the activity log
 *	  token key         of the hashes of runs' tokens
 *	  digest key        of the digests of values in the log
 *	  ssh wrap key      wraps the key of the SSH store
 *	ssh key             random; seals all that is in the SSH store
 *	data keys           random, one for each workspace
 *
 * The eight are crypto_kdf subkeys 1 to 8 of the root key in the context
 * "cofrevlt".  keyring_wipe() leaves none of them anywhere.
 *
 * Private SSH keys are made here, sealed here, and opened here for the one
 * signature that each is asked for: no function gives one out.
 */
#ifndef COFRE_KEYRING_H
#define COFRE_KEYRING_H

#include "logfmt.h"
#include "rows.h"
#include "secmem.h"

#define WRAPPED_LEN 144u /* the sealed form of a key */

struct keyring {
	struct secmem memory;
	struct keys *keys; /* in memory */
	bool open;
};

/*
 * Make the memory.  Returns false, with errno, when there is none.  Look at
 * k->memory.kind for what it is.
 */
bool keyring_init(struct keyring *k);

/* Wipe and free. */
void keyring_free(struct keyring *k);

/* Make a random root key; the ring is open then. */
void keyring_generate(struct keyring *k);

/* Wipe every key; the ring is closed then. */
void keyring_wipe(struct keyring *k);

/*
 * The root key, wrapped under a slot's key, and back.  The place binds the
 * slot's parameters.  keyring_unwrap_root is false, and changes nothing,
 * when the key is not the slot's; on success the ring is open.
 */
void keyring_wrap_root(const struct keyring *k, uint8_t out[WRAPPED_LEN],
    const uint8_t slot_key[KEY_LEN], const struct seal_place *place);
bool keyring_unwrap_root(struct keyring *k, const uint8_t slot_key[KEY_LEN],
    const struct seal_place *place, struct view wrapped);

/*
 * Data keys live at an index below WORKSPACES_MAX that the vault gives
 * them.  generate makes one; wrap and unwrap are its sealed form under the
 * wrap key; drop wipes it.
 */
void keyring_data_generate(struct keyring *k, unsigned i);
void keyring_data_wrap(const struct keyring *k, unsigned i,
    uint8_t out[WRAPPED_LEN], const struct seal_place *place);
bool keyring_data_unwrap(struct keyring *k, unsigned i,
    const struct seal_place *place, struct view wrapped);
void keyring_data_drop(struct keyring *k, unsigned i);

/* The same for the key of the SSH store, of which there is one.  Dropping it
   leaves the ring as it was before generate or unwrap. */
void keyring_ssh_generate(struct keyring *k);
void keyring_ssh_wrap(const struct keyring *k, uint8_t out[WRAPPED_LEN],
    const struct seal_place *place);
bool keyring_ssh_unwrap(struct keyring *k, const struct seal_place *place,
    struct view wrapped);
void keyring_ssh_drop(struct keyring *k);

/*
 * Make an Ed25519 key pair: the public key, and the seed of the private one
 * sealed under the key of the SSH store, which must be there.  The public
 * key is bound as the name of the place, so that the two belong together.
 */
void keyring_pair_make(struct keyring *k, uint8_t public[PUBLIC_KEY_LEN],
    uint8_t sealed[WRAPPED_LEN], struct seal_place place);

/*
 * Sign the message with the private key that was sealed for that place and
 * public key.  False, with no signature, when it does not open.
 */
bool keyring_pair_sign(struct keyring *k,
    const uint8_t public[PUBLIC_KEY_LEN], struct view sealed,
    struct seal_place place, struct view message,
    uint8_t signature[SIGNATURE_LEN]);

/* The keys, as pointers into the ring; valid until it is wiped. */
const uint8_t *keyring_meta(const struct keyring *k);
const uint8_t *keyring_tally(const struct keyring *k);
const uint8_t *keyring_data(const struct keyring *k, unsigned i);
const uint8_t *keyring_ssh(const struct keyring *k);
const uint8_t *keyring_token(const struct keyring *k);
const uint8_t *keyring_digest(const struct keyring *k);
struct log_keys keyring_log(const struct keyring *k);

/* The random key of the catalogue's hash; 16 bytes, new at each unlock. */
const uint8_t *keyring_catalog(const struct keyring *k);

#endif
