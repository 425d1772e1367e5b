/*
 * sshstore: the store of SSH keys: an LMDB environment of its own beside the
 * vault's, sealed under a key of its own, the ssh key, which stands in its
 * header, wrapped under a key that is derived from the root key.  No data key
 * of a workspace has to do with it.
 *
 * It has its own evidence (state row), commit and unlock, all as the vault
 * has them.  What it has come to, the vault knows by its mark: a store that
 * is older than that, or gone, is noticed.
 *
 * The files: sshstore.c reads, writes and commits; sshstore_open.c makes it
 * and verifies it.
 */
#ifndef COFRE_SSHSTORE_H
#define COFRE_SSHSTORE_H

#include "keyring.h"
#include "rowwalk.h"

#define SSH_ROW_MAX (20u * 1024)	/* plaintext of one of its rows */
#define SSH_SEALED_MAX (28u * 1024)
#define SSH_STORE_LIMIT (64u << 20) /* bytes of its file */
#define SSH_STORE_BARE 2u /* rows of one that has no keys: header and state */

/* What every commit writes anew besides the epoch. */
struct ssh_evidence {
	struct tally tally;
	uint64_t next_record; /* the id that the newest record got */
};

struct sshstore {
	struct store *store;
	struct keyring *keyring;
	const uint8_t *vault; /* the vault's id */
	bool open;	      /* verified or made; its key is in the ring */
	struct ssh_evidence now, kept; /* as it will be; as last committed */
	uint64_t epoch;
	enum cofre_status poison; /* why the turn's writes must be dropped */
	bool fresh;		  /* made since the last commit */
	bool behind;		  /* an older one was accepted */
	uint64_t writes;	  /* rows written or deleted, ever */
	struct secmem scratch;	  /* for the three that follow */
	uint8_t *plain;		  /* a row that was opened */
	uint8_t *build;		  /* for its users, to make a row in */
	uint8_t *sealed;	  /* a row that is being sealed */
	bool used;		  /* they are to be wiped */
};

/*
 * Take an open store; keyring and vault (VAULT_ID_LEN bytes) stay the
 * caller's, and are read when they are needed.  False, with errno, when
 * there is no memory.
 */
bool sshstore_init(struct sshstore *s, struct store *store,
    struct keyring *keyring, const uint8_t *vault);

/* Lock, and free everything but the store. */
void sshstore_free(struct sshstore *s);

/* Drop what was written, wipe what was read, and forget the key. */
void sshstore_lock(struct sshstore *s);

/* --- made and verified: sshstore_open.c --- */

/*
 * Make it anew, with another key, in the place of whatever is there; it is
 * open then.  Part of the turn's transaction; its first epoch is the one
 * after epoch.
 */
enum cofre_status sshstore_make(struct sshstore *s, uint64_t epoch);

/* What is done with each row, in the order of keys: plain is what was sealed
   in it; not with header, state and private keys. */
typedef enum cofre_status sshstore_load(void *arg, const struct row_id *id,
    struct view plain);

/*
 * Verify all of it, and open it.  mark is the epoch that it must have come to
 * at least.  CORRUPT: it is damaged, or another vault's.  ROLLBACK: it is
 * older, or not there at all, and accept_rollback is not set.  OK with
 * s->open false: there is none, and none is asked for.
 */
enum cofre_status sshstore_unlock(struct sshstore *s, uint64_t mark,
    bool accept_rollback, sshstore_load *load, void *arg);

/* --- rows and the turn: sshstore.c --- */

/* Read a row as it was written; *value is valid until the next write.
   NOT_FOUND, CORRUPT, STORE_FAILED, also when it is not open. */
enum cofre_status sshstore_get(struct sshstore *s, const struct row_id *id,
    struct view *value);

/* Open a row that was read elsewhere: CORRUPT. */
enum cofre_status sshstore_unseal(struct sshstore *s,
    const struct row_id *id, struct view sealed, struct view *plain);

/* Begin to write about need bytes; reserve as in store_begin(), whose errors
   it has.  STORE_FAILED when it is not open. */
enum cofre_status sshstore_begin(struct sshstore *s, size_t need,
    bool reserve);

/* Seal and write, write as it is, or delete, a row; after begin. */
enum cofre_status sshstore_write(struct sshstore *s, const struct row_id *id,
    struct view plain);
enum cofre_status sshstore_write_clear(struct sshstore *s,
    const struct row_id *id, struct view value);
enum cofre_status sshstore_delete(struct sshstore *s,
    const struct row_id *id);

/* Say that what the turn wrote must not be kept. */
void sshstore_poison(struct sshstore *s, enum cofre_status st);

/* True when something was written since the last commit. */
bool sshstore_writing(const struct sshstore *s);

/* Make what was written durable, with a new epoch, or take it back; OK when
   there was nothing. */
enum cofre_status sshstore_commit(struct sshstore *s, uint64_t now);

/* Take it back. */
void sshstore_abort(struct sshstore *s);

/* Wipe the scratch rows, and let go of what was read; at the end of a
   turn. */
void sshstore_tidy(struct sshstore *s);

#endif
