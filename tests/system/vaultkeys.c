/*
 * vaultkeys DIR KEYFILE: print the keys of a vault, for the tests that look
 * for them where they must not be.
 *
 * DIR holds a copy of data.mdb.  Each line is a name and a key in hex: the
 * root key, the five that are derived from it, and the data keys.  This is
 * the daemon's own code with nothing between, so it belongs to no package.
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

static int
print_all(const struct vault *v)
{
	char name[32];
	int code = print_derived(&v->keyring);

	for (unsigned i = 0; code == 0 && i < WORKSPACES_MAX; i++) {
		if (v->workspaces[i] == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "data-%u", i);
		print_key(name, keyring_data(&v->keyring, i));
	}
	return code;
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
