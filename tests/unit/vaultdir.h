/*
 * vaultdir: a vault on a real store in the state directory of statedir.h,
 * and a way to its rows that goes past cofre: LMDB itself.  Every function
 * that can fail ends the test, unless it returns a status.
 */
#ifndef TESTS_VAULTDIR_H
#define TESTS_VAULTDIR_H

#include "statedir.h"
#include "vault.h"

#define CREATOR 1000u /* the uid that makes everything here */

#define VAULTDIR_SSH "ssh.lmdb"

/* Open the SSH store beside it, which must work. */
struct store *vaultdir_ssh(void);

/* Open the stores; the vault in them must not open, with this in the
   error.  They are closed then. */
void vaultdir_assert_refused(struct vault *v, const char *why);

/* Open the stores, and the vault in them, and close all. */
void vaultdir_open(struct vault *v, uint64_t limit);
void vaultdir_close(struct vault *v);

/* The parameters of a slot with a key of 32 times this byte. */
struct slot_params vaultdir_keyfile(uint8_t key);
struct slot_params vaultdir_passphrase(uint8_t key);

/* Make a vault with one slot, a keyfile of 32 times 1, and commit. */
void vaultdir_init(struct vault *v);

/* Unlock from beginning to end; what came of it. */
enum cofre_status vaultdir_unlock(struct vault *v, uint32_t slot, uint8_t key,
    bool accept_rollback, uint64_t log_epoch);

/* Close, open again, and unlock with the keyfile: must work. */
void vaultdir_again(struct vault *v);

/* Commit, which must work. */
void vaultdir_commit(struct vault *v);

/* Make a workspace, or find it. */
struct workspace *vaultdir_workspace(struct vault *v, const char *name);

/* Delete it, and purge it. */
enum cofre_status vaultdir_destroy(struct vault *v, struct workspace *ws);

/*
 * Write head and body of a secret with that record id; version and value
 * tell it from others.  Not committed.
 */
enum cofre_status vaultdir_put(struct vault *v, struct workspace *ws,
    const char *name, uint64_t record, uint32_t version, const char *value);

/* The ids of its rows. */
struct row_id vaultdir_head_id(const struct workspace *ws, uint64_t record);
struct row_id vaultdir_body_id(const struct workspace *ws, const char *name,
    uint64_t record, uint32_t version);

/* True when the secret's body opens and has the value. */
bool vaultdir_has(struct vault *v, struct workspace *ws, const char *name,
    uint64_t record, uint32_t version, const char *value);

/* True when no key, and nothing that was read, is in memory. */
bool vaultdir_is_wiped(const struct vault *v);

/* --- past cofre; the vault is closed --- */

/* A row's key. */
struct view rawdb_key(const struct row_id *id);

/* From now on another file than the vault's. */
void rawdb_file(const char *name);

/* Begin a write transaction; commit it. */
void rawdb_begin(void);
void rawdb_end(void);

/* A copy of a row's value; it stays until the test ends. */
struct view rawdb_get(struct view key);

/* Put a row, and delete one that is there. */
void rawdb_put(struct view key, struct view value);
void rawdb_delete(struct view key);

/* A copy of the key of row i, in order; false behind the last. */
bool rawdb_nth(size_t i, struct view *key);

#endif
