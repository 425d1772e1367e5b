#include "tell.h"

#include <stdlib.h>
#include <string.h>

#include "witness.h"

struct tell_version
tell_current(const struct vault *v, const struct workspace *ws,
    struct view name)
{
	const struct catalog_entry *e = catalog_find(v->catalog, ws->id, name);
	struct tell_version now = { .version = 0 };
	const struct catalog_entry *f;

	if (e == NULL || e->state == SECRET_PURGED)
		return now;
	now.record = e->record;
	if (e->state != SECRET_LIVE)
		return now;
	now.version = e->version;
	/* As secret.get has it: of what can't be followed there is no version. */
	f = catalog_followed(v->catalog, e);
	if (f != NULL && f->state == SECRET_LIVE &&
	    f->kind == COFRE_KIND_STORAGE)
		now.followed = f->version;
	return now;
}

bool
tell_find(const struct vault *v, const struct workspace *ws,
    struct list items, struct watch_item *item)
{
	struct wire_reader r = list_reader(items);
	struct tell_version now;

	for (uint32_t i = 0; i < items.count; i++) {
		watch_item_get(&r, item);
		now = tell_current(v, ws, item->name);
		if (now.version == item->version &&
		    now.followed == item->followed)
			continue;
		item->version = now.version;
		item->followed = now.followed;
		return true;
	}
	return false;
}

static void
link_in(struct conn *c, uint16_t slot)
{
	struct tellers *all = &c->sv->tellers;
	struct tell *t = &c->tell;

	t->slot = slot;
	t->waits = true;
	t->prev = NULL;
	t->next = all->of[slot];
	if (t->next != NULL)
		t->next->tell.prev = c;
	all->of[slot] = c;
	all->count++;
}

static void
take_out(struct conn *c)
{
	struct tellers *all = &c->sv->tellers;
	struct tell *t = &c->tell;

	if (t->prev != NULL)
		t->prev->tell.next = t->next;
	else
		all->of[t->slot] = t->next;
	if (t->next != NULL)
		t->next->tell.prev = t->prev;
	t->next = t->prev = NULL;
	t->waits = false;
	all->count--;
}

bool
tell_wait(struct conn *c, uint32_t id, struct view body,
    const struct workspace *ws)
{
	const struct vault *v = &c->sv->vault;
	struct tell *t = &c->tell;

	if (t->body == NULL) {
		if ((t->body = malloc(body.len)) == NULL)
			return false;
		memcpy(t->body, body.data, body.len);
		t->len = body.len;
		t->id = id;
	}
	/* What came before is in the answer that it would have got. */
	if (c->sv->tellers.count == 0) {
		c->sv->tellers.rights = v->rights;
		c->sv->tellers.runs = v->runs.changes;
	}
	link_in(c, ws->slot);
	return true;
}

void
tell_wake(struct conn *c, bool now)
{
	take_out(c);
	c->tell.now = c->tell.now || now;
	/* What its process is by now may be another program. */
	if (c->watch_fd != -1 && !witness_same(c->watch_fd))
		conn_close(c);
	else
		conn_go_on(c);
}

void
tell_end(struct conn *c)
{
	if (c->tell.waits)
		take_out(c);
	free(c->tell.body);
	c->tell = (struct tell){ .body = NULL };
}

/* Has something that it asks about changed? */
static bool
concerns(const struct conn *c)
{
	const struct vault *v = &c->sv->vault;
	const struct workspace *ws = v->workspaces[c->tell.slot];
	struct secret_watch_request in;
	struct watch_item item;

	return ws == NULL ||
	    !secret_watch_request_decode(
		(struct view){ c->tell.body, c->tell.len }, &in) ||
	    tell_find(v, ws, in.items, &item);
}

static bool
always(const struct conn *c)
{
	(void)c;
	return true;
}

/* Wake those in the list for whom it is so. */
static void
wake(struct conn *first, bool (*which)(const struct conn *c))
{
	struct conn *next;

	for (struct conn *c = first; c != NULL; c = next) {
		next = c->tell.next;
		if (which(c))
			tell_wake(c, false);
	}
}

/* A connection that has become a run, or another one. */
static void
wake_runs(struct conn *first)
{
	struct conn *next;

	for (struct conn *c = first; c != NULL; c = next) {
		const struct run *was = c->run;

		next = c->tell.next;
		if (conn_run(c) != was)
			tell_wake(c, false);
	}
}

void
tell_turn(struct server *sv)
{
	struct vault *v = &sv->vault;
	struct tellers *all = &sv->tellers;
	bool rights = v->state != VAULT_OPEN || all->rights != v->rights;
	bool runs = all->runs != v->runs.changes;
	uint16_t slot;

	if (all->count == 0)
		return;
	all->rights = v->rights;
	all->runs = v->runs.changes;
	for (size_t i = 0; (rights || runs) && i < WORKSPACES_MAX; i++)
		if (rights)
			wake(all->of[i], always);
		else
			wake_runs(all->of[i]);
	while (v->catalog != NULL && catalog_next_changed(v->catalog, &slot))
		wake(all->of[slot], concerns);
}
