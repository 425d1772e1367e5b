#include "store_pages.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The format is that of LMDB 0.9's mdb.c.  A page begins with its number
 * (8 bytes), 2 bytes that nobody uses, its flags (2), and where its list of
 * nodes ends and its nodes begin (2 and 2), or how many pages a long value
 * has (4).  The list has the place of each node, in the order of keys; the
 * nodes fill the page from its end, one beside the other.  All numbers have
 * the machine's byte order.
 */
#define HEADER 16u
#define FIRST_PAGE 2u /* behind the meta pages */
#define DEPTH_MAX 32u
#define KEY_MAX 511u
#define NODE 8u /* bytes before its key */
#define NO_PAGE UINT64_MAX
#define PAGE_MAX 65536u
#define FREE_KEY 8u

#define BRANCH 0x01u
#define LEAF 0x02u
#define OVERFLOW 0x04u
#define LONG_VALUE 0x01u /* of a node: its value is on pages of its own */
#define INTEGER_KEY 0x08u
#define DB_FLAGS 0x7fu

/* What a meta page says of a tree. */
struct tree {
	uint16_t flags, depth;
	uint64_t branches, leaves, overflows, entries, root;
};

struct check {
	const uint8_t *file;
	uint64_t page;	    /* bytes of one */
	uint64_t last;	    /* number of the last one */
	uint64_t txn;
	uint8_t *used;	    /* a bit for each page */
	uint16_t *node_at;  /* of the page in work: the size of the node that
			       begins at each second byte */
	struct tree seen;   /* of the tree in work */
	unsigned depth;	    /* that it must have */
	bool is_free;	    /* it is the tree of free pages */
	char *text;
	size_t text_size;
};

struct node {
	uint64_t child;	/* of a branch */
	uint32_t size;	/* of a value */
	uint16_t flags;
	const uint8_t *key, *value;
	size_t key_len;
	size_t whole; /* bytes that it takes in its page */
};

/* Keys between which a page's own must be; NULL: no bound. */
struct bound {
	const uint8_t *key;
	size_t len;
};

static uint16_t
get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

__attribute__((format(printf, 2, 3))) static bool
fail(struct check *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(c->text, c->text_size, format, ap);
	va_end(ap);
	return false;
}

/* Each page has one place: in a tree, or in a list of free ones. */
static bool
take(struct check *c, uint64_t page)
{
	uint8_t bit = (uint8_t)(1u << (page % 8));

	if (page < FIRST_PAGE || page > c->last)
		return fail(c, "page %" PRIu64 " is asked for, and is not "
		    "there", page);
	if ((c->used[page / 8] & bit) != 0)
		return fail(c, "page %" PRIu64 " is used twice", page);
	c->used[page / 8] |= bit;
	return true;
}

static int
compare(const struct check *c, struct bound a, struct bound b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order;

	if (c->is_free)
		return get64(a.key) < get64(b.key) ? -1 :
		    get64(a.key) > get64(b.key);
	order = memcmp(a.key, b.key, n);
	return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* A value on pages of its own. */
static bool
check_overflow(struct check *c, uint64_t page, uint32_t size)
{
	const uint8_t *p = c->file + page * c->page;
	uint64_t pages, need = (HEADER - 1 + size) / c->page + 1;

	if (!take(c, page))
		return false;
	pages = get32(p + 12);
	if (get64(p) != page || get16(p + 10) != OVERFLOW)
		return fail(c, "page %" PRIu64 " is no long value", page);
	if (pages < need || pages > c->last - page + 1)
		return fail(c, "page %" PRIu64 ": a long value with a wrong "
		    "length", page);
	for (uint64_t i = 1; i < pages; i++)
		if (!take(c, page + i))
			return false;
	c->seen.overflows += pages;
	return true;
}

/* A list of free pages: how many, and their numbers, the highest first. */
static bool
check_free_list(struct check *c, const struct node *n)
{
	uint64_t count, before = NO_PAGE, page;

	if (n->key_len != FREE_KEY || get64(n->key) > c->txn || n->size < 8)
		return fail(c, "a list of free pages is damaged");
	count = get64(n->value);
	if (count > n->size / 8 - 1)
		return fail(c, "a list of free pages is too long");
	for (uint64_t i = 1; i <= count; i++) {
		page = get64(n->value + i * 8);
		if (page >= before)
			return fail(c, "a list of free pages is not in order");
		if (!take(c, page))
			return false;
		before = page;
	}
	return true;
}

/* Take node i of a page apart; all of it must lie within. */
static bool
get_node(struct check *c, const uint8_t *p, unsigned i, bool leaf,
    struct node *n)
{
	size_t at = get16(p + HEADER + i * 2), room;
	const uint8_t *node = p + at;

	if (at < get16(p + 14) || at % 2 != 0 || at + NODE > c->page)
		return fail(c, "page %" PRIu64 ": a node is not in it",
		    get64(p));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	n->size = get16(node) | (uint32_t)get16(node + 2) << 16;
#else
	n->size = get16(node + 2) | (uint32_t)get16(node) << 16;
#endif
	n->flags = get16(node + 4);
	n->child = n->size | (uint64_t)n->flags << 32;
	n->key = node + NODE;
	n->key_len = get16(node + 6);
	n->value = n->key + n->key_len;
	n->whole = NODE + n->key_len;
	if (leaf)
		n->whole += (n->flags & LONG_VALUE) != 0 ? 8 : n->size;
	room = c->page - at;
	if (n->key_len > KEY_MAX || n->whole > room)
		return fail(c, "page %" PRIu64 ": a node runs over its end",
		    get64(p));
	if (leaf && (n->flags & ~LONG_VALUE) != 0)
		return fail(c, "page %" PRIu64 ": a node of an unknown kind",
		    get64(p));
	/* What is larger LMDB puts on pages of its own. */
	if (n->whole > (((c->page - HEADER) / 2) & ~1ull) - 2)
		return fail(c, "page %" PRIu64 ": a node is too large",
		    get64(p));
	n->whole += n->whole % 2;
	return true;
}

/* The nodes fill their part of the page, and none lies over another. */
static bool
check_packed(struct check *c, const uint8_t *p, unsigned count)
{
	size_t at = get16(p + 14), size;
	unsigned found = 0;

	while (at < c->page && (size = c->node_at[at / 2]) != 0) {
		c->node_at[at / 2] = 0;
		at += size;
		found++;
	}
	if (found == count && at == c->page)
		return true;
	memset(c->node_at, 0, c->page / 2 * sizeof(*c->node_at));
	return fail(c, "page %" PRIu64 ": its nodes do not fit together",
	    get64(p));
}

/* Number, kind, and how many nodes a page of a tree has. */
static bool
check_head(struct check *c, uint64_t page, bool leaf, unsigned *count)
{
	const uint8_t *p = c->file + page * c->page;
	uint16_t lower, upper;

	if (!take(c, page))
		return false;
	lower = get16(p + 12);
	upper = get16(p + 14);
	if (get64(p) != page || get16(p + 10) != (leaf ? LEAF : BRANCH))
		return fail(c, "page %" PRIu64 " is of another kind, or in "
		    "another's place", page);
	if (lower < HEADER || lower > upper || lower % 2 != 0 ||
	    upper > c->page || upper % 2 != 0)
		return fail(c, "page %" PRIu64 ": its header is damaged",
		    page);
	*count = (lower - HEADER) / 2u;
	if (*count < (leaf || c->is_free ? 1u : 2u))
		return fail(c, "page %" PRIu64 " has too few nodes", page);
	return true;
}

static bool
check_leaf_node(struct check *c, struct node *n)
{
	uint64_t page;

	c->seen.entries++;
	if ((n->flags & LONG_VALUE) != 0) {
		page = get64(n->value);
		if (!check_overflow(c, page, n->size))
			return false;
		n->value = c->file + page * c->page + HEADER;
	}
	return !c->is_free || check_free_list(c, n);
}

static bool
check_key(struct check *c, const uint8_t *p, const struct node *n,
    struct bound least, struct bound before, struct bound end)
{
	struct bound key = { n->key, n->key_len };

	if (key.len == 0 || (c->is_free && key.len != FREE_KEY))
		return fail(c, "page %" PRIu64 ": a key has a wrong length",
		    get64(p));
	if ((least.key != NULL && compare(c, key, least) < 0) ||
	    (before.key != NULL && compare(c, key, before) <= 0) ||
	    (end.key != NULL && compare(c, key, end) >= 0))
		return fail(c, "page %" PRIu64 ": its keys are not in order",
		    get64(p));
	return true;
}

/*
 * One page of a tree, and all below it: keys from least on, and below end.
 * The first key of a branch stands for least and is not looked at.
 */
static bool
check_page(struct check *c, uint64_t page, unsigned depth, struct bound least,
    struct bound end)
{
	const bool leaf = depth == c->depth;
	const uint8_t *p = c->file + page * c->page;
	struct bound before = { NULL, 0 };
	struct node n, next;
	unsigned count = 0;

	if (!check_head(c, page, leaf, &count))
		return false;
	*(leaf ? &c->seen.leaves : &c->seen.branches) += 1;
	for (unsigned i = 0; i < count; i++) {
		if (!get_node(c, p, i, leaf, &n))
			return false;
		c->node_at[get16(p + HEADER + i * 2) / 2] = (uint16_t)n.whole;
		if (leaf ? !check_leaf_node(c, &n) ||
			    !check_key(c, p, &n, least, before, end) :
		    i > 0 && !check_key(c, p, &n, least, before, end))
			return false;
		if (leaf || i > 0)
			before = (struct bound){ n.key, n.key_len };
	}
	if (!check_packed(c, p, count))
		return false;
	for (unsigned i = 0; !leaf && i < count; i++) {
		struct bound from = least, to = end;

		if (!get_node(c, p, i, false, &n) ||
		    (i + 1 < count && !get_node(c, p, i + 1, false, &next)))
			return false;
		if (i > 0)
			from = (struct bound){ n.key, n.key_len };
		if (i + 1 < count)
			to = (struct bound){ next.key, next.key_len };
		if (!check_page(c, n.child, depth + 1, from, to))
			return false;
	}
	return true;
}

static struct tree
get_tree(const uint8_t *p)
{
	return (struct tree){ .flags = get16(p + 4), .depth = get16(p + 6),
		.branches = get64(p + 8), .leaves = get64(p + 16),
		.overflows = get64(p + 24), .entries = get64(p + 32),
		.root = get64(p + 40) };
}

static bool
check_tree(struct check *c, const uint8_t *at, bool is_free)
{
	const struct bound none = { NULL, 0 };
	struct tree t = get_tree(at);

	c->is_free = is_free;
	c->depth = t.depth;
	memset(&c->seen, 0, sizeof(c->seen));
	if ((t.flags & DB_FLAGS) != (is_free ? INTEGER_KEY : 0) ||
	    t.depth > DEPTH_MAX || (t.depth == 0) != (t.root == NO_PAGE))
		return fail(c, "a meta page is damaged");
	if (t.root != NO_PAGE && !check_page(c, t.root, 1, none, none))
		return false;
	if (c->seen.branches != t.branches || c->seen.leaves != t.leaves ||
	    c->seen.overflows != t.overflows || c->seen.entries != t.entries)
		return fail(c, "its pages or rows are more or fewer than its "
		    "meta page says");
	return true;
}

bool
store_pages_check(const uint8_t *file, size_t size, char *text,
    size_t text_size)
{
	struct check c = { .file = file, .text = text,
		.text_size = text_size };
	const uint8_t *meta = file + HEADER;
	unsigned newest = 0;
	bool good;

	c.page = get32(meta + 24);
	if (get64(meta + c.page + 128) > get64(meta + 128)) {
		meta += c.page;
		newest = 1;
	}
	c.last = get64(meta + 120);
	c.txn = get64(meta + 128);
	if (c.page > size || c.last >= size / c.page || c.last < 1)
		return fail(&c, "it is cut short");
	/* LMDB would write the next one over this one. */
	if (c.txn != 0 && (c.txn & 1) != newest)
		return fail(&c, "a meta page is damaged");
	c.used = calloc(1, c.last / 8 + 1);
	c.node_at = calloc(PAGE_MAX / 2, sizeof(*c.node_at));
	good = c.used == NULL || c.node_at == NULL ?
	    fail(&c, "there is no memory to check it") :
	    check_tree(&c, meta + 24, true) && check_tree(&c, meta + 72, false);
	free(c.used);
	free(c.node_at);
	return good;
}
