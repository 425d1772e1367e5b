#include "resync_keys.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

/* What a daemon may send at most; there is no workspace with so many. */
#define KEYS_MAX (1u << 20)

/* Point the key to what is asked of its source. */
static bool
take_arguments(struct resync_key *k)
{
	struct wire_reader r = list_reader(k->item.arguments);
	uint32_t n = k->item.arguments.count;

	k->arguments = calloc(n + 1u, sizeof(*k->arguments));
	if (k->arguments == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct argument_item m;

		argument_item_get(&r, &m);
		k->arguments[i] = (struct source_pair){ m.name, m.value };
	}
	return true;
}

static enum cofre_status
take_page(struct resync_keys *all, struct list page, uint8_t kind)
{
	struct wire_reader r = list_reader(page);
	struct resync_key *more;

	if (page.count > KEYS_MAX - all->count)
		return COFRE_BAD_REPLY;
	more = reallocarray(all->at, all->count + page.count + 1,
	    sizeof(*more));
	if (more == NULL)
		return COFRE_NO_MEMORY;
	all->at = more;
	for (uint32_t i = 0; i < page.count; i++) {
		struct resync_key *k = &all->at[all->count];

		memset(k, 0, sizeof(*k));
		resync_item_get(&r, &k->item);
		if (r.bad)
			return COFRE_BAD_REPLY;
		if (kind != 0 && k->item.kind != kind)
			continue;
		view_copy(k->name, k->item.name);
		view_copy(k->source, k->item.source);
		if (!take_arguments(k))
			return COFRE_NO_MEMORY;
		k->version = k->item.version;
		all->count++;
	}
	return wire_reader_done(&r) ? COFRE_OK : COFRE_BAD_REPLY;
}

/* Keep a copy of a reply: the buffer that it is in is the next one's. */
static enum cofre_status
keep_page(struct resync_keys *all, struct view body, struct view *kept)
{
	uint8_t **pages = reallocarray(all->pages, all->page_count + 1,
	    sizeof(*pages));
	uint8_t *page = malloc(body.len + 1);

	if (pages != NULL)
		all->pages = pages;
	if (pages == NULL || page == NULL) {
		free(page);
		return COFRE_NO_MEMORY;
	}
	if (body.len > 0)
		memcpy(page, body.data, body.len);
	all->pages[all->page_count++] = page;
	*kept = (struct view){ page, body.len };
	return COFRE_OK;
}

static enum cofre_status
read_page(struct cmd *cmd, struct view workspace, uint64_t *after,
    uint8_t kind, struct resync_keys *all)
{
	const struct resync_list_request q = { workspace, *after };
	struct resync_list_reply m;
	struct view body, kept;
	enum cofre_status s;

	resync_list_request_put(call_begin(cmd->c, OP_RESYNC_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	s = keep_page(all, body, &kept);
	if (s == COFRE_OK && (!resync_list_reply_decode(kept, &m) ||
		(m.next != 0 && m.next <= *after)))
		s = COFRE_BAD_REPLY;
	if (s == COFRE_OK)
		s = take_page(all, m.items, kind);
	if (s == COFRE_NO_MEMORY)
		return call_fail(cmd->c, s, "%s: out of memory", cmd->verb);
	if (s != COFRE_OK)
		return call_bad_reply(cmd->c);
	*after = m.next;
	return COFRE_OK;
}

static int
compare(const void *x, const void *y)
{
	const struct resync_key *a = x, *b = y;

	if ((a->item.stale != 0) != (b->item.stale != 0))
		return a->item.stale != 0 ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* What the pool is told of each; once they stay where they are. */
static void
make_jobs(struct resync_keys *all, struct view workspace)
{
	for (size_t i = 0; i < all->count; i++) {
		struct resync_key *k = &all->at[i];

		k->job.source = k->source;
		k->job.request = (struct source_request){
			.operation = SOURCE_PULL,
			.workspace = workspace,
			.name = view_of(k->name),
			.kind = view_of(kind_name(k->item.kind)),
			.arguments = k->arguments,
			.argument_count = k->item.arguments.count,
			.slot = k->item.slot,
		};
	}
}

enum cofre_status
resync_keys_read(struct cmd *cmd, struct view workspace, uint8_t kind,
    struct resync_keys *all)
{
	uint64_t after = 0;
	enum cofre_status s;

	do
		s = read_page(cmd, workspace, &after, kind, all);
	while (s == COFRE_OK && after != 0);
	if (s != COFRE_OK)
		return s;
	if (all->count > 1)
		qsort(all->at, all->count, sizeof(*all->at), compare);
	make_jobs(all, workspace);
	return COFRE_OK;
}

static struct view
move(struct source_bytes *to, size_t *at, struct view v)
{
	struct view moved = { to->data + *at, v.len };

	if (v.len > 0)
		memcpy(to->data + *at, v.data, v.len);
	*at += v.len;
	return moved;
}

bool
resync_key_hold(struct resync_key *k, const struct source_answer *a)
{
	size_t len = 0, at = 0;

	for (size_t i = 0; i < a->field_count; i++)
		len += a->fields[i].name.len + a->fields[i].value.len;
	source_bytes_free(&k->held);
	if (!source_bytes_new(&k->held, len + 1))
		return false;
	for (size_t i = 0; i < a->field_count; i++) {
		k->fields[i].name = move(&k->held, &at, a->fields[i].name);
		k->fields[i].value = move(&k->held, &at, a->fields[i].value);
	}
	k->field_count = a->field_count;
	return true;
}

void
resync_key_note(struct resync_key *k, const char *format, ...)
{
	size_t size = sizeof(k->note), end = size - 1;
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(k->note, size, format, ap);
	va_end(ap);
	if (len < (int)size)
		return;
	while (end > 0 && ((uint8_t)k->note[end - 1] & 0xc0) == 0x80)
		end--;
	if (end > 0 && ((uint8_t)k->note[end - 1] & 0x80) != 0)
		end--;
	k->note[end] = '\0';
}

const char *
resync_fate_text(enum resync_fate fate, bool dry_run)
{
	switch (fate) {
	case FATE_UNCHANGED:
		return "unchanged";
	case FATE_UPDATED:
		return dry_run ? "would-be-updated" : "updated";
	case FATE_ROTATED:
		return dry_run ? "would-be-rotated" : "rotated";
	case FATE_RETIRED:
		return dry_run ? "would-be-retired" : "retired";
	case FATE_SKIPPED:
		return "skipped";
	case FATE_FAILED:
		return "failed";
	case FATE_NONE:
		break;
	}
	return "not-tried";
}

void
resync_keys_free(struct resync_keys *all)
{
	for (size_t i = 0; i < all->count; i++) {
		source_bytes_free(&all->at[i].held);
		free(all->at[i].arguments);
	}
	for (size_t i = 0; i < all->page_count; i++)
		free(all->pages[i]);
	free(all->pages);
	free(all->at);
	*all = (struct resync_keys){ .count = 0 };
}
