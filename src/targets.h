/*
 * targets: the compute targets of all workspaces, and their SSH CAs, in
 * memory and in the SSH store.  Private keys are in the store alone.
 *
 * What changes here takes part in the turn; targets_keep() and targets_undo()
 * make memory follow the store.
 */
#ifndef COFRE_TARGETS_H
#define COFRE_TARGETS_H

#include "sshstore.h"
#include "target.h"

struct targets {
	struct sshindex all;
	struct sshindex cas;
};

/* The target of that name, or NULL. */
struct target *targets_find(const struct targets *ts, uint64_t workspace,
    struct view name);

/* The first one in the workspace behind that name, or NULL. */
struct target *targets_next(const struct targets *ts, uint64_t workspace,
    struct view after);

/* The target that has this key (PUBLIC_KEY_LEN), or NULL. */
struct target *targets_find_key(const struct targets *ts,
    const uint8_t *public);

/* The CA of the workspace, or NULL. */
struct ca *targets_ca(const struct targets *ts, uint64_t workspace);

/*
 * Make one, with a key, and the workspace's CA if it has none.  t comes of
 * target_new(), with name, workspace and settings, and is taken over,
 * whatever comes of it.  EXISTS; LIMIT: TARGETS_MAX, TARGETS_WORKSPACE_MAX, memory;
 * those of the store.
 */
enum cofre_status targets_create(struct targets *ts, struct sshstore *s,
    struct target *t, uint32_t uid, uint64_t now);

/*
 * Put the changed copy of a target in its place, which is taken over: its
 * row is written, with a new revision.  After sshstore_begin().
 */
enum cofre_status targets_save(struct targets *ts, struct sshstore *s,
    struct target *old, struct target *changed, uint64_t now);

/* The same for a changed copy of a CA, without a revision. */
enum cofre_status targets_save_ca(struct targets *ts, struct sshstore *s,
    struct ca *old, struct ca *changed);

/* Give a copy of a target another key; it must have room for one.  Then it is
   to be saved. */
enum cofre_status targets_add_key(struct sshstore *s, struct target *t,
    uint64_t now);

/* Destroy a private key of a copy; likewise. */
enum cofre_status targets_drop_key(struct sshstore *s, struct target *t,
    uint32_t i);

/* Destroy one, with all that it has. */
enum cofre_status targets_delete(struct targets *ts, struct sshstore *s,
    struct target *t);

/* Delete everything of a workspace; OK when there is nothing. */
enum cofre_status targets_drop_workspace(struct targets *ts,
    struct sshstore *s, uint64_t workspace);

/* A workspace that has anything here, behind the i-th thing: *i goes on;
   false behind the last. */
bool targets_workspace(const struct targets *ts, size_t *i,
    uint64_t *workspace);

/* Take a row in, at unlock: CORRUPT, LIMIT. */
enum cofre_status targets_load(struct targets *ts, const struct row_id *id,
    struct view plain);

/* Keep what changed since the last commit, or take it back; free all. */
void targets_keep(struct targets *ts);
void targets_undo(struct targets *ts);
void targets_forget(struct targets *ts);

#endif
