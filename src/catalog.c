#include "catalog.h"

#include <stdlib.h>
#include <string.h>

#include "proto.h"
#include "secmem.h"

#define FIRST_SIZE 256u /* a power of two, as every size */

/* What an entry was before a change; state 0: there was none. */
struct undo {
	struct catalog_entry old;
};

struct catalog {
	const uint8_t *key;
	struct catalog_entry *table;
	size_t size; /* a power of two */
	size_t used;
	struct undo *undo;
	size_t undo_count, undo_size;
	struct catalog_count count[WORKSPACES_MAX];
	uint64_t changed[WORKSPACES_MAX / 64]; /* a bit for each workspace */
};

struct catalog *
catalog_new(const uint8_t *key)
{
	struct catalog *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->key = key;
	c->size = FIRST_SIZE;
	c->table = calloc(c->size, sizeof(*c->table));
	if (c->table == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void
catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	secmem_wipe(c->table, c->size * sizeof(*c->table));
	free(c->table);
	free(c->undo);
	free(c);
}

static void
make_tag(const struct catalog *c, uint8_t tag[CRYPTO_SHORT_LEN],
    uint64_t workspace, struct view name)
{
	uint8_t buf[8 + COFRE_SECRET_NAME_MAX];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u64(&w, workspace);
	wire_put_bytes(&w, name);
	crypto_short_hash(tag, c->key, (struct view){ buf, w.len });
}

/* The place of the tag's entry, or the free one where it would go. */
static struct catalog_entry *
place(const struct catalog *c, const uint8_t *tag)
{
	uint64_t h;
	size_t i;

	memcpy(&h, tag, sizeof(h));
	for (i = (size_t)h & (c->size - 1); c->table[i].state != 0;
	    i = (i + 1) & (c->size - 1))
		if (memcmp(c->table[i].tag, tag, CRYPTO_SHORT_LEN) == 0)
			break;
	return &c->table[i];
}

const struct catalog_entry *
catalog_find(const struct catalog *c, uint64_t workspace, struct view name)
{
	uint8_t tag[CRYPTO_SHORT_LEN];
	struct catalog_entry *e;

	if (name.len > COFRE_SECRET_NAME_MAX)
		return NULL;
	make_tag(c, tag, workspace, name);
	e = place(c, tag);
	return e->state == 0 ? NULL : e;
}

void
catalog_follow(const struct catalog *c, uint64_t workspace, struct view name,
    struct catalog_entry *e)
{
	if (name.len == 0)
		memset(e->follows, 0, sizeof(e->follows));
	else
		make_tag(c, e->follows, workspace, name);
}

const struct catalog_entry *
catalog_followed(const struct catalog *c, const struct catalog_entry *e)
{
	static const uint8_t nothing[CRYPTO_SHORT_LEN];
	const struct catalog_entry *f;

	if (memcmp(e->follows, nothing, sizeof(nothing)) == 0)
		return NULL;
	f = place(c, e->follows);
	return f->state == 0 ? NULL : f;
}

static bool
grow(struct catalog *c)
{
	struct catalog_entry *old = c->table;
	size_t old_size = c->size;

	c->table = calloc(old_size * 2, sizeof(*c->table));
	if (c->table == NULL) {
		c->table = old;
		return false;
	}
	c->size = old_size * 2;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].state != 0)
			*place(c, old[i].tag) = old[i];
	secmem_wipe(old, old_size * sizeof(*old));
	free(old);
	return true;
}

bool
catalog_reserve(struct catalog *c, size_t extra)
{
	while ((c->used + extra) * 4 > c->size * 3)
		if (!grow(c))
			return false;
	if (c->undo_count + extra > c->undo_size) {
		size_t size = (c->undo_count + extra) * 2;
		struct undo *undo = realloc(c->undo, size * sizeof(*undo));

		if (undo == NULL)
			return false;
		c->undo = undo;
		c->undo_size = size;
	}
	return true;
}

/* Count an entry in (by = 1) or out (by = -1) of its workspace. */
static void
tell(struct catalog *c, const struct catalog_entry *e, int by)
{
	struct catalog_count *n = &c->count[e->slot];

	if (e->state == SECRET_LIVE) {
		n->live += (uint32_t)by;
		n->stale += e->stale != 0 ? (uint32_t)by : 0;
	} else if (e->state == SECRET_DELETED)
		n->deleted += (uint32_t)by;
}

/* Take the entry out, and move up those that stand behind it. */
static void
take_out(struct catalog *c, struct catalog_entry *e)
{
	size_t mask = c->size - 1, hole = (size_t)(e - c->table), i, home;
	uint64_t h;

	for (i = (hole + 1) & mask; c->table[i].state != 0;
	    i = (i + 1) & mask) {
		memcpy(&h, c->table[i].tag, sizeof(h));
		home = (size_t)h & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			c->table[hole] = c->table[i];
			hole = i;
		}
	}
	memset(&c->table[hole], 0, sizeof(c->table[hole]));
	c->used--;
}

/* Put *e where its tag says; state 0 takes the entry out. */
static void
replace(struct catalog *c, const struct catalog_entry *e)
{
	struct catalog_entry *p = place(c, e->tag);

	tell(c, p, -1);
	if (e->state == 0) {
		if (p->state != 0)
			take_out(c, p);
		return;
	}
	c->used += p->state == 0;
	*p = *e;
	tell(c, p, 1);
}

void
catalog_set(struct catalog *c, uint64_t workspace, struct view name,
    const struct catalog_entry *e)
{
	struct catalog_entry fresh = *e, *p;
	struct undo *u = &c->undo[c->undo_count++];

	make_tag(c, fresh.tag, workspace, name);
	p = place(c, fresh.tag);
	u->old = *p;
	memcpy(u->old.tag, fresh.tag, sizeof(fresh.tag));
	replace(c, &fresh);
	c->changed[fresh.slot / 64] |= UINT64_C(1) << fresh.slot % 64;
}

bool
catalog_next_changed(struct catalog *c, uint16_t *slot)
{
	for (uint16_t i = 0; i < WORKSPACES_MAX / 64; i++)
		if (c->changed[i] != 0) {
			*slot = (uint16_t)(i * 64 +
			    __builtin_ctzll(c->changed[i]));
			c->changed[i] &= c->changed[i] - 1;
			return true;
		}
	return false;
}

void
catalog_drop(struct catalog *c, uint16_t slot)
{
	bool found;

	/*
	 * An entry that is taken out may bring another one to its place, or
	 * over the table's end to a place that was looked at: look again.
	 */
	do {
		found = false;
		for (size_t i = 0; i < c->size; i++)
			while (c->table[i].state != 0 &&
			    c->table[i].slot == slot) {
				take_out(c, &c->table[i]);
				found = true;
			}
	} while (found);
	c->count[slot] = (struct catalog_count){ .live = 0 };
}

struct catalog_count
catalog_count(const struct catalog *c, uint16_t slot)
{
	return c->count[slot];
}

void
catalog_keep(struct catalog *c)
{
	c->undo_count = 0;
}

void
catalog_undo(struct catalog *c)
{
	while (c->undo_count > 0)
		replace(c, &c->undo[--c->undo_count].old);
}
