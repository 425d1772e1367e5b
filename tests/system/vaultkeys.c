/*
 * vaultkeys DIR KEYFILE: print the keys of a vault, for the tests that
 * look for them where they must not be.
 *
 * DIR holds copies of data.mdb and ssh.lmdb.  Each line is a name and a key in
 * hex: the root key, five that are derived from it, the data keys, the ssh
 * key, and the seed of each private SSH key, whose name is its public key.
 * This is the daemon's own code with nothing between, so it belongs to no
 * package.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyfile.h"
#include "vault.h"

static int
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "vaultkeys: %s: %s\n", what, why);
	return 1;
}

static void
print_key(const char *name, const uint8_t key[KEY_LEN])
{
	(void)printf("%s ", name);
	for (size_t i = 0; i < KEY_LEN; i++)
		(void)printf("%02x", key[i]);
	(void)printf("\n");
}

/* The root key stands first in the ring's memory; the meta key proves it. */
static int
print_derived(const struct keyring *k)
{
	static const char *const names[] = { "meta", "wrap", "tally",
		"log-tag", "log-name" };
	const uint8_t *root = k->memory.base;
	uint8_t key[KEY_LEN];

	print_key("root", root);
	for (unsigned i = 0; i < 5; i++) {
		crypto_subkey(key, root, i + 1, "cofrevlt");
		if (i == 0 && memcmp(key, keyring_meta(k), KEY_LEN) != 0)
			return fail("keyring", "the root key is not first");
		print_key(names[i], key);
	}
	return 0;
}

/* Open the private key of the row, as no part of the daemon does. */
static int
print_seed(struct vault *v, const struct row_id *id,
    const uint8_t public[PUBLIC_KEY_LEN])
{
	struct seal_place place = row_place(v->id, id);
	uint8_t seed[WRAPPED_LEN];
	char name[2 * PUBLIC_KEY_LEN + 1];
	struct view sealed, plain;

	place.name = (struct view){ public, PUBLIC_KEY_LEN };
	if (sshstore_get(&v->ssh, id, &sealed) != COFRE_OK ||
	    sealed.len != WRAPPED_LEN ||
	    !seal_open(seed, keyring_ssh(&v->keyring), &place, sealed,
		&plain) || plain.len != KEY_LEN)
		return fail("ssh key", "a private key does not open");
	for (size_t i = 0; i < PUBLIC_KEY_LEN; i++)
		(void)snprintf(name + 2 * i, 3, "%02x", public[i]);
	print_key(name, plain.data);
	return 0;
}

static int
print_seeds(struct vault *v)
{
	const struct targets *ts = &v->targets;
	int code = 0;

	if (!v->ssh.open)
		return 0;
	print_key("ssh", keyring_ssh(&v->keyring));
	for (size_t i = 0; i < ts->all.count; i++) {
		const struct target *t = (struct target *)ts->all.list[i];

		for (uint32_t k = 0; k < t->key_count; k++) {
			const struct row_id id =
			    target_key_id(t, t->keys[k].version);

			code |= print_seed(v, &id, t->keys[k].public);
		}
	}
	for (size_t i = 0; i < ts->cas.count; i++) {
		const struct ca *ca = (struct ca *)ts->cas.list[i];
		const struct row_id id = ca_key_id(ca);

		code |= print_seed(v, &id, ca->public);
	}
	return code;
}

static int
print_all(struct vault *v)
{
	char name[32];
	int code = print_derived(&v->keyring);

	for (unsigned i = 0; code == 0 && i < WORKSPACES_MAX; i++) {
		if (v->workspaces[i] == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "data-%u", i);
		print_key(name, keyring_data(&v->keyring, i));
	}
	return code != 0 ? code : print_seeds(v);
}

int
main(int argc, char **argv)
{
	uint8_t key[KEY_LEN];
	struct vault *v = calloc(1, sizeof(*v));
	struct store *store, *ssh;
	char error[512];
	enum cofre_status st;
	int code;

	if (argc != 3 || v == NULL || !crypto_init())
		return fail("usage", "vaultkeys DIR KEYFILE");
	if (!keyfile_read(argv[2], key, error, sizeof(error)))
		return fail("keyfile", error);
	if (chdir(argv[1]) == -1)
		return fail(argv[1], "can't go there");
	store = store_open("data.mdb", (uint64_t)1 << 30, error,
	    sizeof(error));
	ssh = store_open("ssh.lmdb", SSH_STORE_LIMIT, error, sizeof(error));
	if (store == NULL || ssh == NULL ||
	    !vault_open(v, store, ssh, error, sizeof(error)))
		return fail("store", error);
	st = vault_unlock_begin(v, 0, (struct view){ key, KEY_LEN }, true, 0);
	if (st != COFRE_OK)
		return fail("unlock", cofre_status_text(st));
	while (vault_unlock_step(v))
		;
	if (v->state != VAULT_OPEN)
		return fail("unlock", cofre_status_text(v->unlock.status));
	code = print_all(v);
	vault_close(v);
	store_close(store);
	store_close(ssh);
	free(v);
	return code;
}
