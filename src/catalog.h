/*
 * catalog: which secret has which record id, version and state; in memory.
 *
 * On disk names are sealed, so there is nothing to search there.  The
 * catalogue is filled from the heads at unlock and wiped at lock.  It is a
 * hash table over a keyed 128-bit hash (SipHash-2-4) of workspace id and
 * name: the names themselves are not in it.
 *
 * A turn's changes can be taken back, for a commit that fails.
 */
#ifndef COFRE_CATALOG_H
#define COFRE_CATALOG_H

#include "crypto.h"

#define CATALOG_KIND 0x7fu /* no kind has a greater code */

struct catalog_entry {
	uint8_t tag[CRYPTO_SHORT_LEN];
	uint8_t follows[CRYPTO_SHORT_LEN]; /* a tag; zeros: nothing */
	uint64_t record;
	uint32_t version; /* the current one */
	unsigned slot : 16; /* the workspace's place in the vault */
	unsigned kind : 7;
	unsigned stale : 1; /* it was reported as refused upstream */
	unsigned state : 8; /* enum secret_state; 0: no entry */
};

struct catalog_count {
	uint32_t live;
	uint32_t deleted;
	uint32_t stale; /* of the live ones */
};

struct catalog;

/* An empty catalogue, or NULL without memory.  key: 16 bytes, not copied. */
struct catalog *catalog_new(const uint8_t *key);

/* Wipe and free; NULL is allowed. */
void catalog_free(struct catalog *c);

/* The entry of a name, or NULL.  Valid until the next change. */
const struct catalog_entry *catalog_find(const struct catalog *c,
    uint64_t workspace, struct view name);

/* Say in *e which name of the workspace it follows; none: nothing. */
void catalog_follow(const struct catalog *c, uint64_t workspace,
    struct view name, struct catalog_entry *e);

/*
 * The entry of the name that *e follows, or NULL: it follows nothing, or the
 * name has no entry.  Valid until the next change.
 */
const struct catalog_entry *catalog_followed(const struct catalog *c,
    const struct catalog_entry *e);

/*
 * Make sure that extra entries fit without asking for memory again; false
 * when there is none.  catalog_set() must not be called without.
 */
bool catalog_reserve(struct catalog *c, size_t extra);

/* Set the entry of a name; the tag of *e is ignored. */
void catalog_set(struct catalog *c, uint64_t workspace, struct view name,
    const struct catalog_entry *e);

/* Drop every entry of a workspace; this can't be taken back. */
void catalog_drop(struct catalog *c, uint16_t slot);

/* What a workspace has. */
struct catalog_count catalog_count(const struct catalog *c, uint16_t slot);

/*
 * A workspace of which something was set, kept or not, since it was given
 * here last; false when there is none.
 */
bool catalog_next_changed(struct catalog *c, uint16_t *slot);

/* Keep the changes since the last call of either, or take them back. */
void catalog_keep(struct catalog *c);
void catalog_undo(struct catalog *c);

#endif
