/*
 * kdf: what opens an unlock slot: a keyfile or a passphrase, and the key of
 * 32 bytes that is made of it.  A passphrase is stretched with Argon2id
 * here, in the client, so that nothing slow runs in the daemon.
 */
#ifndef COFRE_KDF_H
#define COFRE_KDF_H

#include "input.h"
#include "sizes.h"
#include "newfile.h"

/* In bytes; the longest passphrase. */
#define KDF_PASSPHRASE_MAX 1024u
/* A new passphrase that is shorter is refused. */
#define KDF_PASSPHRASE_MIN 8u

struct kdf {
	uint8_t *key;	 /* KEY_LEN bytes in mem */
	uint8_t type;	 /* enum slot_type */
	uint64_t ops;	 /* of Argon2id: passes; 0 for a keyfile */
	uint64_t memory; /* of Argon2id: bytes; 0 for a keyfile */
	uint8_t salt[SALT_LEN];
	size_t salt_len; /* 0 for a keyfile */
	struct secmem mem;
	struct newfile file; /* a keyfile that was made here */
};

/* The memory for a key.  Errors: NO_MEMORY. */
enum cofre_status kdf_init(struct kdf *k, struct problem *p);

/* Wipe and free; a keyfile that was made stays. */
void kdf_free(struct kdf *k);

/*
 * The key of a keyfile.  With make, a file that is not there is made, with
 * 32 random bytes, and is on disk when this returns; k->file.dir is then not
 * -1.  Errors: ARGUMENT, NO_MEMORY.
 */
enum cofre_status kdf_keyfile(struct kdf *k, const char *path, bool make,
    struct problem *p);

/*
 * The key for a new slot: of a keyfile, which is made if it is not there,
 * or, with keyfile NULL, of a passphrase that is asked for.
 */
enum cofre_status kdf_make(struct kdf *k, const char *keyfile,
    struct problem *p);

/*
 * Say what came of the slot that the key was made for.  A keyfile that was
 * made here is removed again when the daemon has refused for sure.  It stays,
 * and this is false, when nobody knows whether it opens the vault now; so it
 * is after a status that is not known here.
 */
bool kdf_settle(struct kdf *k, enum cofre_status s);

/*
 * Read a passphrase: with a prompt when standard input is a terminal, else
 * the first line of standard input.  A new one is asked for twice, and may
 * not be too short.  in must be free for KDF_PASSPHRASE_MAX bytes.
 */
enum cofre_status kdf_ask(struct input *in, bool is_new, struct problem *p);

/* A new salt, and the parameters that cofre uses now. */
enum cofre_status kdf_new(struct kdf *k, struct problem *p);

/* Take the parameters of a slot.  Errors: INVALID, when they can't be. */
enum cofre_status kdf_use(struct kdf *k, uint64_t ops, uint64_t memory,
    struct view salt, struct problem *p);

/*
 * Derive the key of a passphrase with the parameters in k.  Takes about half
 * a second.  Errors: NO_MEMORY.
 */
enum cofre_status kdf_derive(struct kdf *k, const struct input *passphrase,
    struct problem *p);

#endif
