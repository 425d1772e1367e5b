#include "resync_work.h"

#include "format_text.h"
#include "names.h"
#include "resync_answer.h"

#define ACCOUNT_KEY 64 /* bytes of a storage account's key */

/* Is there an account's key that can't be one?  What a page says in place of
   it, say: nothing could be made of that, and the old one would be lost. */
static bool
has_bad_key(const struct resync_key *k, const struct source_answer *a)
{
	if (k->item.kind != COFRE_KIND_STORAGE &&
	    k->item.kind != COFRE_KIND_DATASTORE)
		return false;
	for (size_t i = 0; i < a->field_count; i++)
		if (view_is(a->fields[i].name, "AccountKey") &&
		    text_base64_len(a->fields[i].value) != ACCOUNT_KEY)
			return true;
	return false;
}

/* A source has ended: what it answers must be what the kind can have. */
static void
answered(void *arg, struct source_job *job, const struct source_result *r)
{
	const struct source_result bad = { .status = COFRE_FORMAT,
		.reason = "its answer: AccountKey is not the base64 of 64 bytes "
			  "(88 characters)", .said = r->said };

	if (r->status == COFRE_OK &&
	    has_bad_key((struct resync_key *)job, &r->answer))
		r = &bad;
	work_answered(arg, job, r);
}

/* Nothing can be asked: there is no such directory, say. */
static void
fail_all(struct work *w, const struct problem *p)
{
	for (size_t i = 0; i < w->r->keys.count && w->status == COFRE_OK;
	     i++) {
		resync_key_note(&w->r->keys.at[i], "%s", p->text);
		work_fail(w, &w->r->keys.at[i]);
	}
}

/* Ask all sources, and stage what they answer. */
static enum cofre_status
ask_all(struct work *w)
{
	const struct source_options so = { .deadline_ms = w->o->deadline_ms,
		.stop_fd = -1 };
	struct source_dir dir;
	struct problem p;
	enum cofre_status s;

	s = source_dir_open(w->o->sources, &dir, &p);
	if (s != COFRE_OK) {
		fail_all(w, &p);
		return w->status;
	}
	s = source_pool_new(&dir, &so, &w->pool, &p);
	if (s == COFRE_OK) {
		for (size_t i = 0; i < w->r->keys.count; i++)
			work_begin(w, &w->r->keys.at[i]);
		s = source_pool_run(w->pool, answered, w, &p);
		source_pool_free(w->pool);
	}
	if (s != COFRE_OK)
		fail_all(w, &p);
	source_dir_close(&dir);
	return w->status;
}

/* Begin on a connection; the second one's is a dry run in any case. */
static enum cofre_status
begin(struct cmd *cmd, const struct work *w, bool dry_run)
{
	const struct resync_begin_request q = { work_workspace(w), dry_run };

	resync_begin_request_put(call_begin(cmd->c, OP_RESYNC_BEGIN), &q);
	return cmd_call_empty(cmd);
}

/* The second connection.  The first one is asked what has gone wrong. */
static enum cofre_status
begin_compare(struct work *w)
{
	enum cofre_status s = cmd_connect(&w->compare);

	if (s == COFRE_OK)
		s = begin(&w->compare, w, true);
	return s == COFRE_OK ? s :
	    call_fail(w->cmd->c, s, "%s", cofre_error(w->compare.c));
}

/* Those that somebody was quicker with stand in the reply to the commit.
   False: the list can't be decoded. */
static bool
note_skipped(struct resync *r, struct list skipped)
{
	struct wire_reader reader = list_reader(skipped);
	struct name_item m;

	for (uint32_t i = 0; i < skipped.count; i++) {
		name_item_get(&reader, &m);
		for (size_t j = 0; j < r->keys.count; j++) {
			struct resync_key *k = &r->keys.at[j];

			if (reader.bad || !view_is(m.name, k->name))
				continue;
			k->fate = FATE_SKIPPED;
			resync_key_note(k, "it or its source was changed "
			    "meanwhile");
		}
	}
	return wire_reader_done(&reader);
}

static enum cofre_status
commit(struct work *w)
{
	const struct resync_commit_request q = { work_workspace(w), w->o->grace,
		w->o->grants };
	struct resync_grants *g = &w->r->grants;
	struct resync_commit_reply m;
	struct cmd *cmd = w->cmd;
	struct view body;
	enum cofre_status s;

	resync_commit_request_put(call_begin(cmd->c, OP_RESYNC_COMMIT), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	if (!resync_grants_keep(body, &g->reply))
		return call_fail(cmd->c, COFRE_NO_MEMORY, "out of memory");
	if (!resync_commit_reply_decode((struct view){ g->reply, body.len },
		&m))
		return call_bad_reply(cmd->c);
	if (w->o->grants) {
		g->restored = m.restored;
		g->extra = m.extra;
	}
	/* One that is missing there would be told as updated. */
	if (!note_skipped(w->r, m.skipped))
		return call_bad_reply(cmd->c);
	w->r->epoch = m.epoch;
	return COFRE_OK;
}

static enum cofre_status
prepare(struct work *w)
{
	enum cofre_status s = begin(w->cmd, w, w->o->dry_run);

	if (s == COFRE_OK && w->o->grants)
		s = resync_grants_read(w->cmd, work_workspace(w), &w->r->grants);
	if (s == COFRE_OK && w->o->keys)
		s = resync_keys_read(w->cmd, work_workspace(w), w->o->kind,
		    &w->r->keys);
	return s;
}

enum cofre_status
resync_run(struct cmd *cmd, const struct resync_options *o,
    struct resync *r)
{
	struct work w = { .cmd = cmd, .compare = *cmd, .o = o, .r = r };
	enum cofre_status s = prepare(&w);

	if (s != COFRE_OK)
		return s;
	w.compare.c = NULL;
	if (r->keys.count > 0) {
		s = begin_compare(&w);
		if (s == COFRE_OK)
			s = ask_all(&w);
		work_progress(&w, true);
	}
	cmd_close(&w.compare);
	if (s != COFRE_OK)
		return s;
	if (!o->dry_run)
		return commit(&w);
	return o->grants ?
	    resync_grants_plan(cmd, work_workspace(&w), &r->grants) :
	    COFRE_OK;
}

void
resync_done(struct resync *r)
{
	resync_keys_free(&r->keys);
	resync_grants_free(&r->grants);
}
