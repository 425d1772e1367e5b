#include "binding.h"

#include <stdio.h>
#include <string.h>

#include "names.h"

#define DIGEST_SHOWN 8 /* bytes of a digest, in a text */

struct binding_item
binding_item(const struct binding *b)
{
	return (struct binding_item){
		.uid = b->uid,
		.gid = b->gid,
		.exe = view_of(b->exe),
		.sha256 = { b->sha256, b->has_sha256 ? SHA256_LEN : 0 },
		.unit = view_of(b->unit),
		.cgroup = view_of(b->cgroup),
		.created = b->created,
		.by = b->by,
	};
}

/* NO_ID says "any"; the overflow id never stands for one. */
static bool
is_id(uint32_t id)
{
	return id == NO_ID || policy_id_valid(id);
}

/* From the root, and text: what the kernel writes has no zero bytes. */
static bool
is_path(struct view v)
{
	return v.len > 1 && v.data[0] == '/' &&
	    memchr(v.data, '\0', v.len) == NULL;
}

bool
binding_take(const struct binding_item *item, struct binding *b)
{
	if (!is_id(item->uid) || !is_id(item->gid) ||
	    (item->uid == NO_ID && item->unit.len == 0 &&
		item->cgroup.len == 0) ||
	    (item->exe.len > 0 && !is_path(item->exe)) ||
	    (item->sha256.len != 0 && item->sha256.len != SHA256_LEN) ||
	    (item->unit.len > 0 && !facts_unit_is_valid(item->unit)) ||
	    (item->cgroup.len > 0 && !name_is_path(item->cgroup)))
		return false;
	*b = (struct binding){ .uid = item->uid, .gid = item->gid,
		.by = item->by, .created = item->created,
		.has_sha256 = item->sha256.len > 0 };
	if (b->has_sha256)
		memcpy(b->sha256, item->sha256.data, SHA256_LEN);
	view_copy(b->exe, item->exe);
	view_copy(b->unit, item->unit);
	view_copy(b->cgroup, item->cgroup);
	return true;
}

bool
binding_same(const struct binding *a, const struct binding *b)
{
	return a->uid == b->uid && a->gid == b->gid &&
	    a->has_sha256 == b->has_sha256 &&
	    memcmp(a->sha256, b->sha256, SHA256_LEN) == 0 &&
	    strcmp(a->exe, b->exe) == 0 && strcmp(a->unit, b->unit) == 0 &&
	    strcmp(a->cgroup, b->cgroup) == 0;
}

/* Put " NAME VALUE" behind what is there, as far as it goes. */
static void
add(char *text, size_t size, const char *name, const char *value)
{
	size_t n = strlen(text);

	(void)snprintf(text + n, size - n, "%s%s %s", n == 0 ? "" : " ", name,
	    value);
}

static void
add_id(char *text, size_t size, const char *name, uint32_t id)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", id);
	if (id != NO_ID)
		add(text, size, name, number);
}

void
binding_describe(const struct binding *b, char *text, size_t size)
{
	char digest[2 * DIGEST_SHOWN + 1];

	text[0] = '\0';
	add_id(text, size, "uid", b->uid);
	add_id(text, size, "gid", b->gid);
	if (b->unit[0] != '\0')
		add(text, size, "unit", b->unit);
	if (b->exe[0] != '\0')
		add(text, size, "exe", b->exe);
	for (size_t i = 0; i < DIGEST_SHOWN; i++)
		(void)snprintf(digest + 2 * i, 3, "%02x", b->sha256[i]);
	if (b->has_sha256)
		add(text, size, "sha256", digest);
	if (b->cgroup[0] != '\0')
		add(text, size, "cgroup", b->cgroup);
}
