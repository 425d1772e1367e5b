/* Operations on the vault: hello, status, init, unlock, lock, slots. */
#include <stdio.h>
#include <string.h>

#include "ops.h"
#include "recount.h"
#include "watch.h"

#define FIRST_DELAY 250000u  /* after a wrong key, in microseconds */
#define LONGEST_DELAY 30000000u

enum cofre_status
op_hello(struct request *q, const struct hello_request *in)
{
	const struct hello_reply out = { PROTO_VERSION,
		view_of("cofred " COFRE_VERSION) };

	if (in->min_version > PROTO_VERSION || in->max_version < PROTO_VERSION)
		return COFRE_BAD_VERSION;
	hello_reply_put(q->reply, &out);
	return COFRE_OK;
}

enum cofre_status
op_status(struct request *q, const struct status_request *in)
{
	const struct status_reply out = { (uint8_t)q->sv->vault.state };

	(void)in;
	status_reply_put(q->reply, &out);
	return COFRE_OK;
}

enum cofre_status
op_init(struct request *q, const struct init_request *in)
{
	const struct slot_params params = { in->type, in->ops, in->mem,
		in->salt, in->key };
	struct vault *v = &q->sv->vault;
	struct init_reply out = { .slot = 0 };
	enum cofre_status st;

	st = vault_init(v, &params, q->conn->peer.uid, q->sv->now, &out.slot);
	if (st != COFRE_OK)
		return st;
	q->sv->log_keys = keyring_log(&v->keyring);
	(void)audit_set_keys(q->sv->audit, &q->sv->log_keys);
	out.vault = (struct view){ v->id, VAULT_ID_LEN };
	init_reply_put(q->reply, &out);
	return COFRE_OK;
}

/* After each wrong key the next attempt has to wait twice as long. */
static void
slow_down(struct server *sv)
{
	uint64_t delay = FIRST_DELAY;

	for (unsigned i = 0; i < sv->unlock_failures && delay < LONGEST_DELAY;
	     i++)
		delay *= 2;
	if (delay > LONGEST_DELAY)
		delay = LONGEST_DELAY;
	sv->unlock_after = sv->clock + delay;
	sv->unlock_failures++;
}

enum cofre_status
op_unlock(struct request *q, const struct unlock_request *in)
{
	struct server *sv = q->sv;
	enum cofre_status st;

	if (sv->waiting.active || sv->clock < sv->unlock_after)
		return COFRE_BUSY;
	st = vault_unlock_begin(&sv->vault, in->slot, in->key,
	    in->accept_rollback, audit_last_epoch(sv->audit));
	if (st == COFRE_WRONG_KEY)
		slow_down(sv);
	q->deferred = st == COFRE_OK;
	return st;
}

enum cofre_status
op_unlock_finish(struct server *sv)
{
	struct vault *v = &sv->vault;
	bool genuine;

	if (v->unlock.status != COFRE_OK)
		return v->unlock.status;
	sv->log_keys = keyring_log(&v->keyring);
	genuine = audit_set_keys(sv->audit, &sv->log_keys);
	/* A forged log could hide that the store is an old one. */
	if (!genuine && !v->unlock.accept_rollback) {
		(void)audit_set_keys(sv->audit, NULL);
		vault_lock(v);
		return COFRE_CORRUPT;
	}
	/* An epoch that the log knows is never given twice. */
	v->unlock.behind = genuine && v->epoch < v->unlock.log_epoch;
	if (v->unlock.behind)
		v->epoch = v->unlock.log_epoch;
	sv->unlock_failures = 0;
	sv->bindings++; /* they were read anew */
	sv->log_gap = audit_end(sv->audit) < v->log_end;
	recount(v, sv->audit);
	vault_ssh_attach(v, sv->now, audit_end(sv->audit));
	watch_resume(sv);
	return COFRE_OK;
}

enum cofre_status
op_unlock_now(struct server *sv, struct view key)
{
	enum cofre_status st;

	st = vault_unlock_begin(&sv->vault, 0, key, false,
	    audit_last_epoch(sv->audit));
	if (st != COFRE_OK)
		return st;
	while (vault_unlock_step(&sv->vault))
		;
	return op_unlock_finish(sv);
}

enum cofre_status
op_lock(struct request *q, const struct lock_request *in)
{
	(void)in;
	watch_save(q->sv);
	/* What the turn has served so far is committed and recorded first. */
	q->sv->lock_pending = true;
	return COFRE_OK;
}

enum cofre_status
op_slot_list(struct request *q, const struct slot_list_request *in)
{
	(void)in;
	return vault_slot_list(&q->sv->vault, q->reply);
}

enum cofre_status
op_slot_add(struct request *q, const struct slot_add_request *in)
{
	const struct slot_params params = { in->type, in->ops, in->mem,
		in->salt, in->key };
	struct slot_add_reply out = { 0 };
	enum cofre_status st;

	st = vault_slot_add(&q->sv->vault, &params, q->conn->peer.uid,
	    q->sv->now, &out.slot);
	if (st != COFRE_OK)
		return st;
	(void)snprintf(q->detail, sizeof(q->detail), "slot %u", out.slot);
	slot_add_reply_put(q->reply, &out);
	return COFRE_OK;
}

enum cofre_status
op_slot_remove(struct request *q, const struct slot_remove_request *in)
{
	(void)snprintf(q->detail, sizeof(q->detail), "slot %u", in->slot);
	return vault_slot_remove(&q->sv->vault, in->slot);
}
