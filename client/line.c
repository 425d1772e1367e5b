#include "line.h"

#include <poll.h>
#include <string.h>

#include "call.h"
#include "handle.h"

bool
line_add(struct line *l, const char *name, uint32_t version,
    uint32_t followed)
{
	struct line_item *item = &l->items[l->count];

	if (l->count == WATCH_MAX)
		return false;
	memcpy(item->name, name, strlen(name) + 1);
	item->version = version;
	item->followed = followed;
	l->count++;
	return true;
}

static void
put_request(struct wire_writer *w, const struct line *l, bool wait)
{
	const struct secret_watch_request q = {
		.workspace = view_of(l->workspace), .wait = wait };
	struct wire_list list;

	secret_watch_request_put(w, &q);
	lists_take_back(w, 1);
	list_begin(&list, w);
	for (size_t i = 0; i < l->count; i++) {
		const struct watch_item item = { view_of(l->items[i].name),
			l->items[i].version, l->items[i].followed };

		watch_item_put(w, &item);
		list_item(&list);
	}
	list_end(&list);
}

enum cofre_status
line_ask(struct line *l, bool wait)
{
	put_request(call_begin(l->c, OP_SECRET_WATCH), l, wait);
	return call_send(l->c, "watch", l->workspace);
}

bool
line_ready(struct line *l)
{
	struct pollfd p = { .fd = l->c->fd, .events = POLLIN };

	/* The rest of it has the time of a whole call. */
	l->c->deadline = handle_now() + l->c->timeout_ms;
	return poll(&p, 1, 0) == 1;
}

int
line_fd(const struct line *l)
{
	return l->c->fd;
}

enum cofre_status
line_take(struct line *l, size_t *which)
{
	struct secret_watch_reply m;
	struct view body;
	enum cofre_status s = call_answer(l->c, l->workspace, &body);
	size_t i = 0;

	if (s != COFRE_OK)
		return s;
	if (!secret_watch_reply_decode(body, &m))
		return call_bad_reply(l->c);
	while (i < l->count && m.name.len > 0 &&
	    !view_is(m.name, l->items[i].name))
		i++;
	if (m.name.len > 0 && i == l->count)
		return call_bad_reply(l->c);
	if (m.name.len == 0)
		i = l->count;
	else {
		l->items[i].version = m.version;
		l->items[i].followed = m.followed;
	}
	*which = i;
	return COFRE_OK;
}

void
line_close(struct line *l)
{
	cofre_close(l->c);
	l->c = NULL;
}
