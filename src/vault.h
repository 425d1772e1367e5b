/*
 * vault: the open vault: its keys, workspaces, catalogue and evidence over
 * the rows in the store.
 *
 * What the other modules change goes through vault_write() and
 * vault_delete(), which seal, keep the tally, and take part in the turn's
 * one transaction.  What stands in memory follows the store: when a commit
 * fails it is taken back.
 *
 * The files: vault.c opens and locks; vault_rows.c reads and writes rows;
 * vault_commit.c ends a turn; vault_unlock.c makes a vault and opens one, with
 * its slots; vault_ssh.c has the SSH store beside it; workspace.c keeps workspaces, and workspace_end.c deletes them; roles.c keeps
 * custom roles, runs.c runs, and runs_reads.c what those have read.
 */
#ifndef COFRE_VAULT_H
#define COFRE_VAULT_H

#include "catalog.h"
#include "keyring.h"
#include "endings.h"
#include "policy.h"
#include "rows.h"
#include "runs.h"
#include "targets.h"

/* A deleted one has all that it had, but nobody can do anything there; of a
   purged one only the row stays. */
enum workspace_state {
	WORKSPACE_LIVE = 1,
	WORKSPACE_DELETED = 2,
	WORKSPACE_PURGED = 3,
};

/* A workspace; the one in slot 0 is the vault itself, with no name. */
struct workspace {
	uint64_t id;
	uint16_t slot; /* in vault.workspaces, and of its data key */
	uint8_t state;
	char name[COFRE_WORKSPACE_NAME_MAX + 1];
	uint64_t created;
	uint32_t uid; /* who created it */
	uint32_t key_version;
	struct policy_scope policy; /* its grants and bindings */
	bool fresh;		  /* made in this turn */
	struct workspace *before; /* as it was before this turn, or NULL */
};

/* The custom roles. */
struct roles {
	const struct role *now[ROLES_MAX];    /* NULL: a free place */
	const struct role *before[ROLES_MAX]; /* as last committed */
	bool changed; /* since then */
};

/* Where an unlock stands that takes more than one step. */
struct unlock {
	bool running;
	bool accept_rollback;
	uint64_t log_epoch; /* the newest one in the activity log */
	struct rowwalk walk; /* the rows seen so far */
	bool of_ssh;	     /* what is wrong is in the SSH store */
	bool behind;	     /* an older store was accepted */
	enum cofre_status status;
};

/* What every commit writes anew besides the epoch. */
struct evidence {
	struct tally tally;
	uint64_t next_workspace;
	uint64_t next_record;
};

struct vault {
	struct store *store;
	struct sshstore ssh; /* beside it */
	struct targets targets; /* what is in that */
	struct keyring keyring;
	enum vault_state state;
	uint8_t id[VAULT_ID_LEN];
	uint64_t ssh_mark; /* the epoch that the SSH store has at least, as it
			      is known here; 0: there was none */
	uint64_t mark_next; /* it, once this turn is committed; 0: as it is */
	bool sweep; /* a workspace was purged: what the SSH store has of it
		       is to go */
	bool ssh_kept;	   /* the last commit kept what was written there */

	struct workspace *workspaces[WORKSPACES_MAX];
	/* Of those that are live: what grants are in force. */
	const struct policy_scope *scopes[WORKSPACES_MAX];
	size_t scope_count; /* no workspace has a slot from here on */
	struct roles roles;
	struct runs runs;
	struct endings endings;
	struct catalog *catalog;

	/* The evidence, as it will be, and as it was last committed. */
	struct evidence now, kept;
	uint64_t epoch;
	uint64_t log_end; /* what the state row said at unlock */
	uint64_t read_end; /* what it says now, of what runs have read */
	uint64_t read_due; /* at this cell of the log it is to be written */

	enum cofre_status poison;   /* why the turn's writes must be dropped */
	bool workspaces_changed;    /* since the last commit */
	bool fresh;		    /* init is not committed yet */
	bool reads_wait;	    /* the store has no room for what runs
				       have read: not in this commit */
	size_t turn_bytes;	    /* written since the last commit */
	uint64_t writes;	    /* rows written or deleted, ever */
	uint64_t rights;	    /* turns that changed who may what */

	struct unlock unlock;
	struct secmem scratch; /* for the three that follow */
	uint8_t *plain;	       /* a row that was opened; ROW_SEALED_MAX */
	uint8_t *build;	       /* for the handlers, to make a row in */
	uint8_t *sealed;       /* a row that is being sealed */
	size_t plain_used;     /* how much of plain is to be wiped */
	size_t build_used;     /* and of build */
};

#define ROW_SEALED_MAX (FRAME_MAX + 4096u)

/*
 * Take an open store, and that of SSH keys, and make what a vault needs.
 * v->state is EMPTY or LOCKED then.  False, with the reason in error: no
 * memory, the store was written by a newer cofre, or there are SSH keys and
 * no vault that they could belong to.
 */
bool vault_open(struct vault *v, struct store *store, struct store *ssh,
    char *error, size_t error_size);

/* Lock, and free everything but the stores. */
void vault_close(struct vault *v);

/* Wipe every key and everything that was read with one. */
void vault_lock(struct vault *v);

/* --- unlock and slots: vault_unlock.c --- */

/* A slot's type and parameters, and its key. */
struct slot_params {
	uint8_t type; /* enum slot_type */
	uint64_t ops;
	uint64_t mem;
	struct view salt;
	struct view key; /* KEY_LEN bytes */
};

/* INVALID unless type, salt and key have the form that they must have. */
enum cofre_status vault_slot_check(const struct slot_params *p);

/*
 * Make a vault in an empty store, with one slot; it is open then, and
 * *slot is that slot's number.  Part of the turn's transaction.
 */
enum cofre_status vault_init(struct vault *v, const struct slot_params *p,
    uint32_t uid, uint64_t now, uint32_t *slot);

/*
 * Begin to open the vault: find the slot (0: any keyfile slot) that the key
 * opens.  Every slot is tried, whether an earlier one opened or not.
 * WRONG_KEY; CORRUPT; OK: vault_unlock_step() goes on.
 */
enum cofre_status vault_unlock_begin(struct vault *v, uint32_t slot,
    struct view key, bool accept_rollback, uint64_t log_epoch);

/*
 * Read and verify some more of the store.  True while there is more to do;
 * at the end v->unlock.status says what came of it: OK (the vault is open),
 * CORRUPT, ROLLBACK, or another error; then everything is wiped again.
 */
bool vault_unlock_step(struct vault *v);

/* Write the header row. */
enum cofre_status vault_write_header(struct vault *v);

/* Add, remove and list slots; list writes slot_item items. */
enum cofre_status vault_slot_add(struct vault *v, const struct slot_params *p,
    uint32_t uid, uint64_t now, uint32_t *slot);
enum cofre_status vault_slot_remove(struct vault *v, uint32_t slot);
enum cofre_status vault_slot_list(struct vault *v, struct wire_writer *w);

/* --- rows and the turn: vault_rows.c --- */

/*
 * Read a row.  *plain lies in v->plain until the next read.  ws is the
 * workspace whose key it is under; NULL for those under the meta key.
 * NOT_FOUND, CORRUPT, STORE_FAILED.
 */
enum cofre_status vault_read(struct vault *v, const struct workspace *ws,
    const struct row_id *id, struct view *plain);

/* Open a row that was read elsewhere into v->plain: CORRUPT. */
enum cofre_status vault_unseal(struct vault *v, const struct workspace *ws,
    const struct row_id *id, struct view sealed, struct view *plain);

/* Say that n bytes of v->plain were written, so that they will be wiped. */
void vault_plain_used(struct vault *v, size_t n);

/*
 * Begin to write: need is about how many bytes, reserve as in
 * store_begin().  The catalogue gets room for the entries of one request.
 */
enum cofre_status vault_begin(struct vault *v, size_t need, bool reserve);

/*
 * Seal a row as vault_write() does, to be written later with
 * vault_write_clear().  plain has at most ROW_MAX bytes; the view is valid
 * until the next row is sealed.
 */
struct view vault_seal(struct vault *v, const struct workspace *ws,
    const struct row_id *id, struct view plain);

/* Seal and write, or delete, a row; after vault_begin(). */
enum cofre_status vault_write(struct vault *v, const struct workspace *ws,
    const struct row_id *id, struct view plain);
enum cofre_status vault_write_clear(struct vault *v, const struct row_id *id,
    struct view value);
enum cofre_status vault_delete(struct vault *v, const struct row_id *id);

/* Say that what the turn wrote must not be kept: an operation failed when it
   had done half of its writes. */
void vault_poison(struct vault *v, enum cofre_status st);

/* Rows written or deleted, ever, in either store. */
uint64_t vault_writes(const struct vault *v);

/* --- the end of a turn: vault_commit.c --- */

/*
 * Everything written since the last commit becomes durable, with a new epoch,
 * or is taken back, in memory too, and with it what runs have read in the
 * turn; the status says why.  OK when there was nothing.
 *
 * The SSH store goes first.  Without it nothing is kept; when the vault's own
 * store then fails, v->ssh_kept says that what was written there is durable
 * all the same.
 */
enum cofre_status vault_commit(struct vault *v, uint64_t now,
    uint64_t log_end);

/* True when the turn has changed who may what, which its commit may yet take
   back. */
bool vault_rights_change(const struct vault *v);

/* Wipe what the scratch rows may hold; at the end of a turn. */
void vault_tidy(struct vault *v);

/* --- the SSH store beside it: vault_ssh.c --- */

/* Why the last unlock failed, as a text for a person; NULL: it did not. */
const char *vault_unlock_problem(const struct vault *v);

/* Verify it, at unlock: OK, CORRUPT, ROLLBACK. */
enum cofre_status vault_ssh_unlock(struct vault *v);

/*
 * After an unlock: make one where there is none, because that it is gone was
 * accepted; sweep; and let what was accepted as older be so no more.  It is a
 * commit of its own; one that fails leaves an open vault, and no SSH store
 * unless what is there is the vault's.
 */
void vault_ssh_attach(struct vault *v, uint64_t now, uint64_t log_end);

/* Delete what the SSH store has of workspaces that are there no more; OK
   when there is nothing.  Not committed. */
enum cofre_status vault_ssh_sweep(struct vault *v);

/* True when the mark does not say yet what the SSH store has come to. */
bool vault_mark_due(const struct vault *v);

/* Write the mark, as part of the vault's transaction; and take it from its
   row, at unlock. */
enum cofre_status vault_mark_write(struct vault *v);
enum cofre_status vault_mark_load(struct vault *v, struct view plain);

/* --- workspaces: workspace.c --- */

/* The live workspace of that name, or NULL.  The empty name is the vault. */
struct workspace *vault_workspace(struct vault *v, struct view name);

/* The same by its id. */
struct workspace *vault_workspace_by_id(struct vault *v, uint64_t id);

/* The one, live or deleted, whose rows are there; or NULL. */
struct workspace *vault_workspace_kept(struct vault *v, uint64_t id);
struct workspace *vault_workspace_kept_name(struct vault *v,
    struct view name);

/* Everything that policy_check() asks for; empty while the vault is not
   open. */
struct policy vault_policy(const struct vault *v);

/* Make one: EXISTS, also when it is deleted; LIMIT. */
enum cofre_status workspace_create(struct vault *v, struct view name,
    uint32_t uid, uint64_t now, struct workspace **ret);

/*
 * To be called before a workspace is changed, after vault_begin(): what it
 * was is kept until the commit.  LIMIT without memory.
 */
enum cofre_status workspace_touch(struct vault *v, struct workspace *ws);

/* Count up the version of its policy: its grants or bindings change. */
void workspace_policy_changed(struct workspace *ws);

/* Write its row after a change of it. */
enum cofre_status workspace_save(struct vault *v, struct workspace *ws);

/* Fill a workspace from its row, and take it into the vault. */
enum cofre_status workspace_load(struct vault *v, uint64_t id,
    struct view plain);

/* Keep what changed, and let go of what was purged; or take it back. */
void workspace_keep(struct vault *v);
void workspace_undo(struct vault *v);

/* Free all of them; at lock. */
void workspace_forget(struct vault *v);

/* The state is set: from now on its grants are in force, or not. */
void workspace_set_state(struct vault *v, struct workspace *ws,
    enum workspace_state state);

/* --- their end: workspace_end.c --- */

/*
 * Delete it: it is in no policy any more, its rows stay.  What its identity
 * was granted, everywhere, goes for good.
 */
enum cofre_status workspace_delete(struct vault *v, struct workspace *ws);

/* Bring a deleted one back: CONFLICT for another. */
enum cofre_status workspace_undelete(struct vault *v, struct workspace *ws);

/* Delete the rows of a deleted one, and destroy its key: CONFLICT for
   another.  Its name stays, for the log. */
enum cofre_status workspace_purge(struct vault *v, struct workspace *ws);

/* --- custom roles: roles.c --- */

/* A definition, as it was asked for; the lists are the request's. */
struct role_definition {
	struct view name;
	struct view description;
	struct list actions, not_actions, data_actions, not_data_actions;
	struct list scopes; /* scope_item */
};

/*
 * Define a role, or give one a new definition.  INVALID: a name, a pattern
 * that matches no action of its plane, a scope that is not there.  EXISTS: a
 * name that is too like another role's.  CONFLICT: not the version that is
 * expected, or a grant of it would be outside of its scopes.  LIMIT.
 * *version is the new one.
 */
enum cofre_status roles_put(struct vault *v, const struct role_definition *d,
    uint32_t if_version, uint32_t uid, uint64_t now, uint32_t *version);

/* Delete one.  NOT_FOUND; CONFLICT while a grant uses it. */
enum cofre_status roles_delete(struct vault *v, struct view name);

/* Read a definition's row; its views are valid until the next read.
   NOT_FOUND. */
enum cofre_status roles_read(struct vault *v, uint32_t number,
    uint32_t version, struct role_row *row);

/* The actions that a definition comes to; false when its patterns are not
   ones that could be put. */
bool roles_effective(const struct role_row *row, uint64_t *set);

/* How many grants use the role. */
uint32_t roles_used(const struct vault *v, uint32_t number);

/* Take a definition's row in; at unlock, in the order of their keys. */
enum cofre_status roles_load(struct vault *v, const struct row_id *id,
    struct view plain);

/* Keep what changed, or take it back; free all of them, at lock. */
void roles_keep(struct vault *v);
void roles_undo(struct vault *v);
void roles_forget(struct vault *v);

/*
 * The name of a workspace or secret that a record of the activity log
 * speaks of, also of one that is gone; empty when nothing knows it any more.
 * name has room for COFRE_SECRET_NAME_MAX + 1 bytes.
 */
void vault_workspace_name(struct vault *v, uint64_t id, char *name);
void vault_secret_name(struct vault *v, uint64_t workspace, uint64_t record,
    char *name);

#endif
