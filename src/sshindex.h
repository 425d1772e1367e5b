/*
 * sshindex: things in memory by workspace and name, in that order, with what
 * a turn has changed, so that it can be taken back.
 *
 * A thing is never changed in its place: another one takes it.
 */
#ifndef COFRE_SSHINDEX_H
#define COFRE_SSHINDEX_H

#include "wire.h"

#include "cofre.h"

/* The head of each of them: it begins the block that malloc() gave. */
struct sshitem {
	struct sshitem *next; /* in the list of those that are gone */
	size_t size; /* how much of the block is wiped before it is freed */
	uint64_t workspace;
	char name[COFRE_SECRET_NAME_MAX + 1]; /* empty: it has none */
	bool fresh; /* since the last commit */
};

struct sshindex {
	struct sshitem **list;
	size_t count, size;
	struct sshitem *gone; /* in this turn */
};

/* Wipe one that is in no index, and free it.  NULL is allowed. */
void sshitem_free(struct sshitem *item);

/* The thing with that name in the workspace, or NULL. */
struct sshitem *sshindex_find(const struct sshindex *x, uint64_t workspace,
    struct view name);

/* The first one there behind that name; after empty: the first one that has a
   name.  NULL behind the last. */
struct sshitem *sshindex_next(const struct sshindex *x, uint64_t workspace,
    struct view after);

/* How many there are in the workspace. */
size_t sshindex_count(const struct sshindex *x, uint64_t workspace);

/*
 * Put one in, which is the index's then; one of the same name must not be
 * there.  False without memory, and it stays the caller's.
 */
bool sshindex_add(struct sshindex *x, struct sshitem *item);

/* Put one in the place of another, or take one away. */
void sshindex_replace(struct sshindex *x, struct sshitem *old,
    struct sshitem *item);
void sshindex_remove(struct sshindex *x, struct sshitem *old);

/* Keep what changed since the last commit, or take it back; free all. */
void sshindex_keep(struct sshindex *x);
void sshindex_undo(struct sshindex *x);
void sshindex_forget(struct sshindex *x);

#endif
