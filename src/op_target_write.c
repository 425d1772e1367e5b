/* Compute targets: their keys, settings, and the keys of their hosts. */
#include <stdio.h>

#include "op_target.h"

/* Save it, unless something has failed; then it is freed. */
static enum cofre_status
finish(struct request *q, struct target *old, struct target *copy,
    enum cofre_status st)
{
	struct vault *v = &q->sv->vault;

	if (st == COFRE_OK)
		return targets_save(&v->targets, &v->ssh, old, copy,
		    q->sv->now);
	sshitem_free(&copy->item);
	return st;
}

enum cofre_status
op_target_rotate(struct request *q, const struct target_rotate_request *in)
{
	struct sshstore *s = &q->sv->vault.ssh;
	struct target *old = op_target(q), *t;
	enum cofre_status st;

	if (old == NULL)
		return COFRE_NOT_FOUND;
	if (in->if_version != NO_ID &&
	    in->if_version != old->keys[old->key_count - 1].version)
		return COFRE_CONFLICT;
	if (old->key_count == TARGET_KEYS_MAX)
		return COFRE_UNDER_WAY;
	if ((t = target_copy(old)) == NULL)
		return COFRE_LIMIT;
	if ((st = sshstore_begin(s, 16384, false)) == COFRE_OK)
		st = targets_add_key(s, t, q->sv->now);
	if ((st = finish(q, old, t, st)) != COFRE_OK)
		return st;
	op_target_put_key(q, t);
	return COFRE_OK;
}

enum cofre_status
op_target_settle(struct request *q, const struct target_settle_request *in)
{
	struct sshstore *s = &q->sv->vault.ssh;
	struct target *old = op_target(q), *t;
	uint32_t stays;
	enum cofre_status st;

	q->version = in->version;
	if (old == NULL || (stays = target_find_key(old, in->version)) ==
		old->key_count)
		return COFRE_NOT_FOUND;
	/* Whoever asks again has what he wants. */
	if (old->key_count == 1)
		return COFRE_OK;
	if ((t = target_copy(old)) == NULL)
		return COFRE_LIMIT;
	(void)snprintf(q->detail, sizeof(q->detail), "key %u is destroyed",
	    old->keys[1 - stays].version);
	if ((st = sshstore_begin(s, 16384, true)) == COFRE_OK)
		st = targets_drop_key(s, t, 1 - stays);
	return finish(q, old, t, st);
}

/* A copy to be changed, of the revision that the caller has seen:
   NOT_FOUND, CONFLICT, LIMIT. */
static enum cofre_status
begin(struct request *q, uint32_t if_revision, struct target **old,
    struct target **copy)
{
	if ((*old = op_target(q)) == NULL)
		return COFRE_NOT_FOUND;
	if (if_revision != NO_ID && if_revision != (*old)->revision)
		return COFRE_CONFLICT;
	*copy = target_copy(*old);
	return *copy == NULL ? COFRE_LIMIT : COFRE_OK;
}

/* Save a copy that was changed, if it could be, and reply. */
static enum cofre_status
save(struct request *q, struct target *old, struct target *copy, bool good)
{
	enum cofre_status st = COFRE_INVALID;

	if (good)
		st = sshstore_begin(&q->sv->vault.ssh, 16384, false);
	st = finish(q, old, copy, st);
	if (st == COFRE_OK)
		wire_put_u32(q->reply, copy->revision);
	return st;
}

enum cofre_status
op_target_pin(struct request *q, const struct target_pin_request *in)
{
	struct target *old, *t;
	enum cofre_status st;

	if ((st = begin(q, in->if_revision, &old, &t)) != COFRE_OK)
		return st;
	(void)snprintf(q->detail, sizeof(q->detail), "%u host keys",
	    in->pins.count);
	return save(q, old, t, target_pin(t, in->pins));
}

enum cofre_status
op_target_set(struct request *q, const struct target_set_request *in)
{
	const struct target_settings settings = { in->host, in->port,
		in->user, in->for_runs, in->options, in->namespaces };
	struct target *old, *t;
	enum cofre_status st;

	if ((st = begin(q, in->if_revision, &old, &t)) != COFRE_OK)
		return st;
	if (target_set(t, &settings)) {
		op_target_decide(q, t);
		op_target_say(q, t);
		return save(q, old, t, true);
	}
	return save(q, old, t, false);
}
