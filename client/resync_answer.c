#include "resync_answer.h"

#include <string.h>

struct view
work_workspace(const struct work *w)
{
	return view_of(w->r->workspace);
}

void
work_progress(const struct work *w, bool end)
{
	if (!w->o->progress)
		return;
	if (end)
		(void)fprintf(stderr, "\r\033[K");
	else
		(void)fprintf(stderr, "\r%s: %zu of %zu", w->r->workspace,
		    w->finished, w->r->keys.count);
	(void)fflush(stderr);
}

#define SAID_LINES 20u /* of one source that failed */

/*
 * Print what a source that failed has written on its standard error, line by
 * line, which the escaped text has as "\n".  It may tell more than a note of
 * the secret should: it is for whoever is here now, and kept nowhere.
 */
static void
tell_said(const struct work *w, const struct resync_key *k, const char *said)
{
	size_t name = strlen(k->source);
	unsigned lines = 0;

	if (*said == '\0')
		return;
	work_progress(w, true);
	while (*said != '\0') {
		size_t len = 0;

		if (lines++ == SAID_LINES) {
			(void)fprintf(stderr, "%s/%s: %s: ...\n",
			    w->r->workspace, k->name, k->source);
			return;
		}
		/* Those that are ours begin with their name, too. */
		if (strncmp(said, k->source, name) == 0 &&
		    strncmp(said + name, ": ", 2) == 0)
			said += name + 2;
		/* What is escaped is never cut: a backslash has a next one. */
		while (said[len] != '\0' && strncmp(said + len, "\\n", 2) != 0)
			len += said[len] == '\\' ? 2 : 1;
		(void)fprintf(stderr, "%s/%s: %s: %.*s\n", w->r->workspace,
		    k->name, k->source, (int)len, said);
		said += len + (said[len] != '\0' ? 2 : 0);
	}
}

/* That was all that is done for the key. */
static void
finish(struct work *w, struct resync_key *k, enum resync_fate fate)
{
	k->fate = fate;
	source_bytes_free(&k->held);
	w->finished++;
	work_progress(w, false);
}

/* Does the status say something of this one secret? */
static bool
is_about_one(enum cofre_status s)
{
	return s == COFRE_CONFLICT || s == COFRE_DELETED ||
	    s == COFRE_NOT_FOUND || s == COFRE_INVALID ||
	    s == COFRE_TOO_LARGE || s == COFRE_LIMIT || s == COFRE_CORRUPT;
}

static enum cofre_status
call_stage(struct cmd *cmd, const struct resync_stage_request *q,
    struct resync_stage_reply *m)
{
	struct view body;
	enum cofre_status s;

	resync_stage_request_put(call_begin(cmd->c, OP_RESYNC_STAGE), q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !resync_stage_reply_decode(body, m))
		s = call_bad_reply(cmd->c);
	return s;
}

/* Keep with the secret why nothing came of it. */
void
work_fail(struct work *w, struct resync_key *k)
{
	const struct resync_stage_request q = { .workspace = work_workspace(w),
		.name = view_of(k->name), .version = k->item.version,
		.origin = k->item.origin,
		.outcome = RESYNC_FAILED, .problem = view_of(k->note) };
	struct resync_stage_reply m;
	enum cofre_status s = call_stage(w->cmd, &q, &m);

	if (s != COFRE_OK && !is_about_one(s))
		w->status = s;
	finish(w, k, FATE_FAILED);
}

/* The fields as a list of items; *bytes is to be freed. */
static bool
make_list(const struct source_pair *fields, size_t count, struct list *ret,
    struct source_bytes *bytes)
{
	struct wire_writer w;
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += fields[i].name.len + fields[i].value.len + 16;
	if (!source_bytes_new(bytes, len + 1))
		return false;
	wire_writer_init(&w, bytes->data, bytes->len);
	for (size_t i = 0; i < count; i++) {
		const struct field_item m = { fields[i].name, FIELD_SECRET,
			fields[i].value };

		field_item_put(&w, &m);
	}
	*ret = (struct list){ (uint32_t)count, { bytes->data, w.len } };
	return !w.bad;
}

/*
 * Stage what the key holds, on that connection.  *result is what the daemon
 * says; false: nothing came of it, which is noted.
 */
static bool
stage_held(struct work *w, struct cmd *cmd, struct resync_key *k,
    struct resync_stage_reply *m)
{
	struct resync_stage_request q = { .workspace = work_workspace(w),
		.name = view_of(k->name), .version = k->item.version,
		.origin = k->item.origin,
		.outcome = RESYNC_VALUE, .slot = k->slot,
		.retire = k->retires, .serial = k->serial,
		.expires = k->expires };
	struct source_bytes bytes = { NULL, 0 };
	enum cofre_status s = COFRE_NO_MEMORY;

	if (make_list(k->fields, k->field_count, &q.fields, &bytes))
		s = call_stage(cmd, &q, m);
	else
		(void)call_fail(cmd->c, s, "%s: out of memory", cmd->verb);
	source_bytes_free(&bytes);
	if (s == COFRE_OK)
		return true;
	if (!is_about_one(s)) {
		/* The first connection is asked what has gone wrong. */
		if (cmd != w->cmd)
			(void)call_fail(w->cmd->c, s, "%s",
			    cofre_error(cmd->c));
		w->status = s;
		return false;
	}
	resync_key_note(k, "%s", s == COFRE_CONFLICT ?
		"it was changed meanwhile, or its source says no more than "
		"before" :
		cofre_status_text(s));
	if (s == COFRE_CONFLICT)
		finish(w, k, FATE_SKIPPED);
	else
		work_fail(w, k);
	return false;
}

/* It is to be in the commit. */
static void
stage(struct work *w, struct resync_key *k)
{
	struct resync_stage_reply m;

	if (!stage_held(w, w->cmd, k, &m))
		return;
	k->version = m.version;
	if (m.result == RESYNC_UNCHANGED)
		finish(w, k, FATE_UNCHANGED);
	else
		finish(w, k, k->retires != 0 ? FATE_ROTATED : FATE_UPDATED);
}

/* Ask the source something more. */
static void
ask(struct work *w, struct resync_key *k, enum resync_step step,
    enum source_operation operation, uint8_t slot)
{
	bool probe = operation == SOURCE_PROBE;

	k->step = step;
	k->job.request.operation = operation;
	k->job.request.slot = slot;
	k->job.request.fields = probe ? k->fields : NULL;
	k->job.request.field_count = probe ? k->field_count : 0;
	source_pool_add(w->pool, &k->job);
}

/* Take an answer with a value; false: it is refused, which is noted. */
static bool
take_answer(struct resync_key *k, const struct source_answer *a)
{
	k->slot = a->slot;
	k->serial = a->has_serial ? a->serial : 0;
	k->expires = a->expires * 1000000;
	if (a->has_serial && a->serial < k->item.serial)
		resync_key_note(k, "the answer is older than the last one: "
		    "serial %llu, and %llu was there",
		    (unsigned long long)a->serial,
		    (unsigned long long)k->item.serial);
	else if (!resync_key_hold(k, a))
		resync_key_note(k, "out of memory");
	else
		return true;
	return false;
}

/* Is it worth to be tried: new, or said to be refused upstream? */
static bool
is_news(struct work *w, struct resync_key *k, bool *news)
{
	struct resync_stage_reply m;

	if (!stage_held(w, &w->compare, k, &m))
		return false;
	*news = m.result != RESYNC_UNCHANGED || k->item.stale != 0;
	return true;
}

/* Two keys, and the source can make one of them anew? */
static bool
may_rotate(const struct work *w, const struct resync_key *k,
    const struct source_answer *a)
{
	return w->o->rotate && a->rotate && k->item.retire == 0 &&
	    (k->item.kind == COFRE_KIND_STORAGE ||
		k->item.kind == COFRE_KIND_REGISTRY);
}

static void
pulled(struct work *w, struct resync_key *k, const struct source_answer *a)
{
	bool news = false;

	k->active = a->slot != 0 ? a->slot :
	    k->item.slot != 0	 ? k->item.slot :
				   1;
	if (may_rotate(w, k, a)) {
		if (w->o->dry_run)
			finish(w, k, FATE_ROTATED);
		else
			ask(w, k, RESYNC_MAKE, SOURCE_REGENERATE,
			    (uint8_t)(3 - k->active));
		return;
	}
	if (w->o->rotate && k->item.retire != 0)
		resync_key_note(k, "key %u is made anew once version %u is "
		    "gone, which %u runs still have", k->item.retire,
		    k->item.retire_version, k->item.holders);
	else if (w->o->rotate && !a->rotate)
		resync_key_note(k, "its source makes no keys anew");
	if (!take_answer(k, a))
		work_fail(w, k);
	else if (!a->probe || w->o->dry_run)
		stage(w, k);
	else if (is_news(w, k, &news) && news)
		ask(w, k, RESYNC_TRY, SOURCE_PROBE, k->slot);
	else if (w->status == COFRE_OK && k->fate == FATE_NONE)
		stage(w, k);
}

/* Was the key made anew that was to be?  If not, that is noted. */
static bool
is_for_slot(struct resync_key *k, const struct source_answer *a, uint8_t slot)
{
	if (a->slot == 0 || a->slot == slot)
		return true;
	resync_key_note(k, "asked to make key %u anew, the source has "
	    "answered for key %u", slot, a->slot);
	return false;
}

static void
made(struct work *w, struct resync_key *k, const struct source_answer *a)
{
	uint8_t slot = (uint8_t)(3 - k->active);

	if (!is_for_slot(k, a, slot) || !take_answer(k, a)) {
		work_fail(w, k);
		return;
	}
	k->slot = slot;
	k->retires = k->active;
	if (a->probe)
		ask(w, k, RESYNC_TRY, SOURCE_PROBE, slot);
	else
		stage(w, k);
}

static void
tried(struct work *w, struct resync_key *k, const struct source_answer *a)
{
	char reason[PROBLEM_MAX];

	if (a->ok) {
		stage(w, k);
		return;
	}
	(void)output_escape(reason, sizeof(reason), a->reason);
	resync_key_note(k, "the new key was tried and does not work%s%s",
	    reason[0] != '\0' ? ": " : "", reason);
	work_fail(w, k);
}

static void
retired(struct work *w, struct resync_key *k, const struct source_answer *a)
{
	const struct resync_stage_request q = { .workspace = work_workspace(w),
		.name = view_of(k->name), .version = k->item.version,
		.origin = k->item.origin,
		.outcome = RESYNC_RETIRED };
	struct resync_stage_reply m;
	enum cofre_status s;

	/* It may have been the one in use, and this one is still there. */
	if (!is_for_slot(k, a, k->item.retire)) {
		work_fail(w, k);
		return;
	}
	s = call_stage(w->cmd, &q, &m);
	resync_key_note(k, "key %u was made anew upstream", k->item.retire);
	if (s == COFRE_OK || is_about_one(s))
		finish(w, k, s == COFRE_OK ? FATE_RETIRED : FATE_SKIPPED);
	else
		w->status = s;
}

/* A source has ended. */
void
work_answered(void *arg, struct source_job *job,
    const struct source_result *result)
{
	struct resync_key *k = (struct resync_key *)job;
	struct work *w = arg;

	if (w->status != COFRE_OK)
		return;
	if (result->status != COFRE_OK ||
	    (k->step == RESYNC_TRY && !result->answer.ok))
		tell_said(w, k, result->said);
	if (result->status != COFRE_OK) {
		resync_key_note(k, "%s", result->reason);
		work_fail(w, k);
		return;
	}
	switch (k->step) {
	case RESYNC_PULL:
		pulled(w, k, &result->answer);
		break;
	case RESYNC_MAKE:
		made(w, k, &result->answer);
		break;
	case RESYNC_TRY:
		tried(w, k, &result->answer);
		break;
	case RESYNC_RETIRE:
		retired(w, k, &result->answer);
		break;
	}
}

void
work_begin(struct work *w, struct resync_key *k)
{
	if (!w->o->rotate || !k->item.due)
		ask(w, k, RESYNC_PULL, SOURCE_PULL, k->item.slot);
	else if (w->o->dry_run)
		finish(w, k, FATE_RETIRED);
	else
		ask(w, k, RESYNC_RETIRE, SOURCE_REGENERATE, k->item.retire);
}
