#include "entries.h"

#include <stdlib.h>
#include <string.h>

/* What a daemon may send at most; there is no vault with so many. */
#define ENTRIES_MAX (1u << 20)

/* The texts of a reply are gone with the next one; to is zeros. */
static void
keep(char *to, struct view text)
{
	if (text.len > 0)
		memcpy(to, text.data, text.len);
}

static enum cofre_status
take_page(struct entries *all, struct list page)
{
	struct wire_reader r = list_reader(page);
	struct entry *more;

	if (page.count > ENTRIES_MAX - all->count)
		return COFRE_BAD_REPLY;
	more = reallocarray(all->at, all->count + page.count + 1,
	    sizeof(*more));
	if (more == NULL)
		return COFRE_NO_MEMORY;
	all->at = more;
	for (uint32_t i = 0; i < page.count; i++) {
		struct entry *e = &all->at[all->count];

		memset(e, 0, sizeof(*e));
		secret_item_get(&r, &e->item);
		if (r.bad)
			return COFRE_BAD_REPLY;
		keep(e->name, e->item.name);
		keep(e->follows, e->item.follows);
		keep(e->source, e->item.source);
		all->count++;
	}
	return wire_reader_done(&r) ? COFRE_OK : COFRE_BAD_REPLY;
}

/* The page after *after; *after moves on, and is 0 at the end. */
static enum cofre_status
read_page(struct cmd *cmd, struct view workspace, bool deleted,
    uint64_t *after, struct entries *all)
{
	const struct secret_list_request q = { workspace, *after, deleted };
	struct secret_list_reply m;
	struct view body;
	enum cofre_status s;

	secret_list_request_put(call_begin(cmd->c, OP_SECRET_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	if (!secret_list_reply_decode(body, &m) ||
	    (m.next != 0 && m.next <= *after))
		return call_bad_reply(cmd->c);
	s = take_page(all, m.items);
	if (s == COFRE_NO_MEMORY)
		return call_fail(cmd->c, s, "%s: out of memory", cmd->verb);
	if (s != COFRE_OK)
		return call_bad_reply(cmd->c);
	*after = m.next;
	return COFRE_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;

	return strcmp(x->name, y->name);
}

enum cofre_status
entries_read(struct cmd *cmd, struct view workspace, bool deleted,
    struct entries *all)
{
	uint64_t after = 0;
	enum cofre_status s;

	do
		s = read_page(cmd, workspace, deleted, &after, all);
	while (s == COFRE_OK && after != 0);
	if (s == COFRE_OK && all->count > 0)
		qsort(all->at, all->count, sizeof(*all->at), by_name);
	return s;
}

enum cofre_status
entries_followers(struct cmd *cmd, struct view workspace, const char *name,
    struct entries *all)
{
	enum cofre_status s = entries_read(cmd, workspace, false, all);
	size_t n = 0;

	for (size_t i = 0; s == COFRE_OK && i < all->count; i++)
		if (strcmp(all->at[i].follows, name) == 0)
			all->at[n++] = all->at[i];
	all->count = n;
	return s;
}

const char *
entries_names(const struct entries *all, char to[ENTRIES_NAMES])
{
	static const char others[] = " and 1048576 others";
	size_t len = 0;

	to[0] = '\0';
	for (size_t i = 0; i < all->count; i++) {
		if (len + strlen(all->at[i].name) + 2 + sizeof(others) >
		    ENTRIES_NAMES) {
			(void)snprintf(to + len, ENTRIES_NAMES - len,
			    " and %zu other%s", all->count - i,
			    all->count - i == 1 ? "" : "s");
			break;
		}
		len += (size_t)snprintf(to + len, ENTRIES_NAMES - len, "%s%s",
		    i == 0 ? "" : ", ", all->at[i].name);
	}
	return to;
}

void
entries_free(struct entries *all)
{
	free(all->at);
	all->at = NULL;
	all->count = 0;
}

bool
entries_next(char *last, struct view name)
{
	if (name.len == 0 ||
	    strncmp((const char *)name.data, last, name.len) <= 0)
		return false;
	view_copy(last, name);
	return true;
}

/* Take a page's names; COFRE_BAD_REPLY: it can't be decoded, or it goes
   backwards. */
static enum cofre_status
take_names(struct workspaces *all, struct list items)
{
	struct wire_reader r = list_reader(items);
	struct workspace_item m;
	void *more = reallocarray(all->at, all->count + items.count + 1,
	    sizeof(*all->at));

	if (more == NULL)
		return COFRE_NO_MEMORY;
	all->at = more;
	for (uint32_t i = 0; i < items.count; i++) {
		char *name = all->at[all->count];

		workspace_item_get(&r, &m);
		(void)snprintf(name, sizeof(all->at[0]), "%s",
		    all->count == 0 ? "" : all->at[all->count - 1]);
		if (r.bad || !entries_next(name, m.name))
			return COFRE_BAD_REPLY;
		all->count++;
	}
	return wire_reader_done(&r) ? COFRE_OK : COFRE_BAD_REPLY;
}

enum cofre_status
workspaces_read(struct cmd *cmd, struct workspaces *all)
{
	struct workspace_list_reply m = { .more = true };
	struct view body;
	enum cofre_status s;

	memset(all, 0, sizeof(*all));
	while (m.more) {
		const struct workspace_list_request q = { view_of(
		    all->count == 0 ? "" : all->at[all->count - 1]), false };

		workspace_list_request_put(call_begin(cmd->c,
		    OP_WORKSPACE_LIST), &q);
		s = cmd_call(cmd, &body);
		if (s != COFRE_OK)
			return s;
		s = workspace_list_reply_decode(body, &m) ?
		    take_names(all, m.items) :
		    COFRE_BAD_REPLY;
		if (s == COFRE_NO_MEMORY)
			return call_fail(cmd->c, s, "%s: out of memory",
			    cmd->verb);
		/* A page without any would be asked for again. */
		if (s != COFRE_OK || (m.more && m.items.count == 0))
			return call_bad_reply(cmd->c);
	}
	return COFRE_OK;
}
