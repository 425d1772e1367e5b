#include "summary.h"

#include <stdlib.h>
#include <string.h>

#include "message_body.h"

static void
put_text(struct wire_writer *w, const char *text)
{
	wire_put_string(w, view_of(text), SUMMARY_MAX);
}

static void
put_grant(struct wire_writer *w, const struct grant *g)
{
	wire_put_u8(w, g->principal);
	wire_put_u32(w, g->role);
	wire_put_u64(w, g->id);
	wire_put_u32(w, g->by);
	wire_put_u64(w, g->created);
	put_text(w, g->unit);
	put_text(w, g->prefix);
}

static void
put_binding(struct wire_writer *w, const struct binding *b)
{
	wire_put_u32(w, b->uid);
	wire_put_u32(w, b->gid);
	wire_put_u32(w, b->by);
	wire_put_u64(w, b->created);
	wire_put_bool(w, b->has_sha256);
	if (b->has_sha256)
		wire_put_bytes(w, (struct view){ b->sha256, SHA256_LEN });
	put_text(w, b->exe);
	put_text(w, b->unit);
	put_text(w, b->cgroup);
}

static void
put_entry(struct wire_writer *w, const struct vault *v, uint64_t workspace,
    struct view name)
{
	const struct catalog_entry *e = catalog_find(v->catalog, workspace,
	    name), *f;

	wire_put_bool(w, e != NULL);
	if (e == NULL)
		return;
	f = catalog_followed(v->catalog, e);
	wire_put_u64(w, e->record);
	wire_put_u32(w, e->version);
	wire_put_u8(w, e->kind);
	wire_put_u8(w, e->stale);
	wire_put_u8(w, e->state);
	wire_put_u64(w, f == NULL ? 0 : f->record);
}

static void
put_workspace(struct wire_writer *w, const struct vault *v,
    const struct workspace *ws)
{
	const struct catalog_count count = catalog_count(v->catalog, ws->slot);

	wire_put_u64(w, ws->id);
	wire_put_u8(w, ws->state);
	put_text(w, ws->name);
	wire_put_u64(w, ws->created);
	wire_put_u32(w, ws->uid);
	wire_put_u32(w, ws->key_version);
	wire_put_u64(w, ws->policy.id);
	wire_put_u32(w, ws->policy.version);
	wire_put_u32(w, ws->policy.grant_count);
	for (uint32_t i = 0; i < ws->policy.grant_count; i++)
		put_grant(w, &ws->policy.grants[i]);
	wire_put_u32(w, ws->policy.binding_count);
	for (uint32_t i = 0; i < ws->policy.binding_count; i++)
		put_binding(w, &ws->policy.bindings[i]);
	wire_put_u32(w, count.live);
	wire_put_u32(w, count.deleted);
	wire_put_u32(w, count.stale);
	for (unsigned i = 0; i < WORDS; i++)
		put_entry(w, v, ws->id, message_word((enum word)i));
}

static void
put_role(struct wire_writer *w, const struct role *r)
{
	wire_put_u32(w, r->number);
	wire_put_u32(w, r->version);
	wire_put_u64(w, r->actions);
	wire_put_u64(w, r->created);
	wire_put_u32(w, r->uid);
	put_text(w, r->name);
	for (uint32_t i = 0; i < r->scope_count; i++) {
		wire_put_u64(w, r->scopes[i].workspace);
		put_text(w, r->scopes[i].prefix);
	}
}

static void
put_runs(struct wire_writer *w, const struct vault *v, uint64_t workspace)
{
	struct view after = view_of("");
	const struct run *r;

	while ((r = runs_next(&v->runs, workspace, after)) != NULL) {
		wire_put_bytes(w, (struct view){ r->id, RUN_ID_LEN });
		wire_put_u64(w, r->real_deadline);
		wire_put_u32(w, r->pid);
		wire_put_u64(w, r->rights.count);
		after = (struct view){ r->id, RUN_ID_LEN };
	}
}

static void
put_targets(struct wire_writer *w, const struct vault *v, uint64_t workspace)
{
	const struct ca *ca = targets_ca(&v->targets, workspace);
	const struct target *t;

	wire_put_bool(w, v->ssh.open);
	for (t = targets_next(&v->targets, workspace, view_of("")); t != NULL;
	     t = targets_next(&v->targets, workspace, view_of(t->item.name))) {
		wire_put_u64(w, t->record);
		target_put(w, t);
	}
	if (ca != NULL) {
		wire_put_u64(w, ca->record);
		ca_put(w, ca);
	}
}

/* The workspace with the least id from that one on, or NULL: where it stands
   in the vault is another place after an unlock. */
static const struct workspace *
next_workspace(const struct vault *v, uint64_t from)
{
	const struct workspace *least = NULL;

	for (size_t i = 0; i < WORKSPACES_MAX; i++) {
		const struct workspace *ws = v->workspaces[i];

		if (ws != NULL && ws->id >= from &&
		    (least == NULL || ws->id < least->id))
			least = ws;
	}
	return least;
}

void
summary_make(struct summary *s, const struct vault *v)
{
	const struct workspace *ws = next_workspace(v, 0);
	struct wire_writer w;

	wire_writer_init(&w, s->bytes, sizeof(s->bytes));
	wire_put_u64(&w, v->now.next_workspace);
	wire_put_u64(&w, v->now.next_record);
	while (ws != NULL) {
		put_workspace(&w, v, ws);
		put_runs(&w, v, ws->id);
		put_targets(&w, v, ws->id);
		ws = ws->id == UINT64_MAX ? NULL : next_workspace(v,
		    ws->id + 1);
	}
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (v->roles.now[i] != NULL)
			put_role(&w, v->roles.now[i]);
	if (w.bad)
		abort();
	s->len = w.len;
}

bool
summary_equal(const struct summary *a, const struct summary *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}
