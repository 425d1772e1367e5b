/* Compute targets: made, listed, shown, deleted. */
#include "op_target.h"

#include <stdio.h>
#include <string.h>

struct target *
op_target(const struct request *q)
{
	return targets_find(&q->sv->vault.targets, q->workspace->id, q->name);
}

bool
op_target_is_open(const struct request *q, const struct target *t)
{
	return q->principal.kind != PRINCIPAL_RUN || t->for_runs;
}

void
op_target_decide(struct request *q, struct target *t)
{
	t->for_ca = request_may(q, ACTION_TARGET_WRITE, view_of(""));
}

void
op_target_put_key(struct request *q, const struct target *t)
{
	const struct target_key *k = &t->keys[t->key_count - 1];

	q->version = k->version;
	wire_put_u32(q->reply, k->version);
	wire_put_string(q->reply, (struct view){ k->public, PUBLIC_KEY_LEN },
	    PUBLIC_KEY_LEN);
}

void
op_target_say(struct request *q, const struct target *t)
{
	(void)snprintf(q->detail, sizeof(q->detail), "%s@%.*s port %u%s",
	    t->user, 100, t->host, t->port, t->for_runs ? ", for runs" : "");
}

enum cofre_status
op_target_create(struct request *q, const struct target_create_request *in)
{
	const struct target_settings settings = { in->host, in->port,
		in->user, in->for_runs, in->options, in->namespaces };
	struct vault *v = &q->sv->vault;
	struct target *t;
	enum cofre_status st;

	if ((t = target_new()) == NULL)
		return COFRE_LIMIT;
	if (!target_set(t, &settings)) {
		sshitem_free(&t->item);
		return COFRE_INVALID;
	}
	op_target_decide(q, t);
	t->item.workspace = q->workspace->id;
	memcpy(t->item.name, q->name.data, q->name.len);
	st = targets_create(&v->targets, &v->ssh, t, q->conn->peer.uid,
	    q->sv->now);
	if (st != COFRE_OK)
		return st;
	op_target_say(q, t);
	op_target_put_key(q, t);
	return COFRE_OK;
}

static struct target_item
item_of(const struct target *t)
{
	const struct target_key *k = &t->keys[t->key_count - 1];

	return (struct target_item){
		.name = view_of(t->item.name),
		.host = view_of(t->host),
		.port = t->port,
		.user = view_of(t->user),
		.for_runs = t->for_runs,
		.created = t->created,
		.updated = t->updated,
		.uid = t->uid,
		.keys = t->key_count,
		.pins = t->pin_count,
		.version = k->version,
		.public = { k->public, PUBLIC_KEY_LEN },
	};
}

/* The next one after that name which the caller may see, or NULL. */
static const struct target *
next_seen(struct request *q, struct view after)
{
	const struct targets *ts = &q->sv->vault.targets;
	const struct target *t = targets_next(ts, q->workspace->id, after);

	while (t != NULL &&
	    !request_may(q, ACTION_TARGET_READ, view_of(t->item.name)))
		t = targets_next(ts, q->workspace->id, view_of(t->item.name));
	return t;
}

enum cofre_status
op_target_list(struct request *q, const struct target_list_request *in)
{
	const struct target *t = next_seen(q, in->after);
	struct wire_list l;
	unsigned left = 128;

	list_begin(&l, q->reply);
	for (; t != NULL && left > 0; left--) {
		const struct target_item item = item_of(t);

		target_item_put(q->reply, &item);
		list_item(&l);
		t = next_seen(q, item.name);
	}
	list_end(&l);
	wire_put_bool(q->reply, t != NULL);
	return COFRE_OK;
}

enum cofre_status
op_target_show(struct request *q, const struct target_show_request *in)
{
	const struct target *t = op_target(q);
	const struct target_show_reply out = {
		.revision = t == NULL ? 0 : t->revision,
		.host = view_of(t == NULL ? "" : t->host),
		.port = t == NULL ? 0 : t->port,
		.user = view_of(t == NULL ? "" : t->user),
		.for_runs = t != NULL && t->for_runs,
		.for_ca = t != NULL && t->for_ca,
		.options = view_of(t == NULL ? "" : t->options),
		.created = t == NULL ? 0 : t->created,
		.updated = t == NULL ? 0 : t->updated,
		.uid = t == NULL ? 0 : t->uid,
	};

	(void)in;
	if (t == NULL)
		return COFRE_NOT_FOUND;
	target_show_reply_put(q->reply, &out);
	lists_take_back(q->reply, 3);
	target_put_keys(q->reply, t);
	target_put_pins(q->reply, t);
	target_put_namespaces(q->reply, t);
	return COFRE_OK;
}

/* Who may use a target need not see the workspace's: a run, an identity. */
enum cofre_status
op_target_reach(struct request *q, const struct target_reach_request *in)
{
	const struct target *t = op_target(q);

	(void)in;
	if (t == NULL)
		return COFRE_NOT_FOUND;
	if (!op_target_is_open(q, t))
		return COFRE_DENIED;
	target_reach_reply_put(q->reply, &(struct target_reach_reply){
	    .host = view_of(t->host),
	    .port = t->port,
	    .user = view_of(t->user) });
	lists_take_back(q->reply, 2);
	target_put_keys(q->reply, t);
	target_put_pins(q->reply, t);
	return COFRE_OK;
}

enum cofre_status
op_target_delete(struct request *q, const struct target_delete_request *in)
{
	struct vault *v = &q->sv->vault;
	struct target *t = op_target(q);
	enum cofre_status st;

	(void)in;
	if (t == NULL)
		return COFRE_NOT_FOUND;
	op_target_say(q, t);
	q->version = t->keys[t->key_count - 1].version;
	st = targets_delete(&v->targets, &v->ssh, t);
	return st;
}
