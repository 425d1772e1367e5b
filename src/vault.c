#include "vault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct row_id header_id = { .table = TABLE_HEADER };

/* Look at the header: whether there is a vault, and one of this version. */
static const char *
read_header(struct vault *v)
{
	struct row_key key = row_key(&header_id);
	struct header_row header;
	struct view value;
	enum cofre_status st;

	st = store_get(v->store, (struct view){ key.bytes, key.len }, &value);
	if (st == COFRE_NOT_FOUND) {
		struct store_stat stat;

		store_stat(v->store, &stat);
		if (stat.rows > 0)
			return "the store has rows and no header: it was "
			       "changed or damaged";
		v->state = VAULT_EMPTY;
		return NULL;
	}
	if (st != COFRE_OK)
		return "the store can't be read";
	if (!header_row_decode(value, &header) ||
	    !view_is(header.magic, ROWS_MAGIC) ||
	    header.vault.len != VAULT_ID_LEN)
		return "the store holds no cofre vault, or its header is "
		       "damaged";
	if (header.format < ROWS_FORMAT)
		return "the vault was made by an older cofre, whose format "
		       "this version does not read: move the secrets with "
		       "that one";
	if (header.format > ROWS_FORMAT)
		return "the vault has a format that this version does not "
		       "know: it was made by a newer cofre";
	memcpy(v->id, header.vault.data, VAULT_ID_LEN);
	v->state = VAULT_LOCKED;
	return NULL;
}

/* Keys that no vault can open must not be written over by a new one.  (A
   store without any is what an init leaves that was killed half-way.) */
static const char *
check_ssh(const struct vault *v)
{
	struct store_stat stat;

	store_stat(v->ssh.store, &stat);
	if (v->state == VAULT_EMPTY && stat.rows > SSH_STORE_BARE)
		return "there is no vault, but the keys of one in its SSH "
		       "store: put the vault's store back, or move the SSH "
		       "store away to begin anew";
	return NULL;
}

bool
vault_open(struct vault *v, struct store *store, struct store *ssh,
    char *error, size_t error_size)
{
	const char *why;

	memset(v, 0, sizeof(*v));
	v->store = store;
	v->ssh.store = ssh; /* for who closes both, also if this fails */
	if (!keyring_init(&v->keyring) ||
	    !sshstore_init(&v->ssh, ssh, &v->keyring, v->id) ||
	    !secmem_init(&v->scratch, 3 * ROW_SEALED_MAX, false, true)) {
		(void)snprintf(error, error_size,
		    "memory for keys can't be had: %s", strerror(errno));
		vault_close(v);
		return false;
	}
	v->plain = v->scratch.base;
	v->build = v->plain + ROW_SEALED_MAX;
	v->sealed = v->build + ROW_SEALED_MAX;
	why = read_header(v);
	if (why == NULL)
		why = check_ssh(v);
	store_release(v->store);
	if (why != NULL) {
		(void)snprintf(error, error_size, "%s", why);
		vault_close(v);
		return false;
	}
	return true;
}

void
vault_lock(struct vault *v)
{
	if (v->store != NULL)
		store_abort(v->store);
	sshstore_lock(&v->ssh);
	targets_forget(&v->targets);
	v->ssh_mark = 0;
	v->sweep = false;
	if (v->keyring.keys != NULL)
		keyring_wipe(&v->keyring);
	workspace_forget(v);
	roles_forget(v);
	runs_forget(v);
	endings_forget(&v->endings);
	catalog_free(v->catalog);
	v->catalog = NULL;
	if (v->plain != NULL)
		secmem_wipe(v->plain, 3 * ROW_SEALED_MAX);
	memset(&v->unlock, 0, sizeof(v->unlock));
	secmem_wipe(&v->now, sizeof(v->now));
	secmem_wipe(&v->kept, sizeof(v->kept));
	v->poison = COFRE_OK;
	v->workspaces_changed = false;
	v->turn_bytes = 0;
	if (v->state == VAULT_OPEN)
		v->state = VAULT_LOCKED;
}

void
vault_close(struct vault *v)
{
	vault_lock(v);
	sshstore_free(&v->ssh);
	keyring_free(&v->keyring);
	secmem_free(&v->scratch);
	v->plain = v->build = v->sealed = NULL;
}
