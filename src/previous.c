#include "previous.h"

#include <stdio.h>

#include "secret_rows.h"
#include "turn.h"

#define ONCE 64u	   /* versions deleted in one turn */
#define AGAIN_US 1000000u  /* to see that a deletion was kept, or try again */
#define PULSE_MS 1000	   /* a clock that is set does not wake us */

static bool
note(struct server *sv, const struct ending *e)
{
	char text[DETAIL_MAX + 1];
	struct turn_entry *t;

	if (!turn_has_room(sv) || !turn_reserve(sv))
		return false;
	t = turn_add(sv, NULL, true);
	t->record.type = LOG_REQUEST;
	t->record.op = OP_RESYNC_COMMIT;
	t->record.workspace = e->workspace;
	t->record.record = e->record;
	t->record.version = e->version;
	(void)snprintf(text, sizeof(text), "version %u is gone: %s",
	    e->version, e->until <= sv->now ?
		"its grace is over" :
		"no run that has read it goes on");
	t->record.detail = turn_text(sv, view_of(text));
	return true;
}

/* Put all rows but that of the version. */
static struct list
without(struct wire_writer *w, struct list versions, uint32_t version)
{
	struct wire_reader r = list_reader(versions);
	struct version_row row;
	struct wire_list l;

	list_begin(&l, w);
	for (uint32_t i = 0; i < versions.count; i++) {
		version_row_get(&r, &row);
		if (row.version == version)
			continue;
		version_row_put(w, &row);
		list_item(&l);
	}
	list_end(&l);
	return list_made(w, 0, VERSIONS_MAX);
}

/* Is it still in its secret's head, as the list says?  *head is that. */
static bool
is_there(struct request *q, const struct ending *e, struct head_row *head)
{
	const struct catalog_entry entry = { .record = e->record };
	struct version_row row;

	/* That of a deleted workspace goes as well. */
	q->workspace = vault_workspace_kept(&q->sv->vault, e->workspace);
	return q->workspace != NULL &&
	    secret_head(q, &entry, head) == COFRE_OK &&
	    secret_find_version(head->versions, e->version, &row) &&
	    row.until == e->until && head->version != e->version;
}

/* Delete the version, as a request that nobody has sent. */
static bool
drop_version(struct request *q, const struct ending *e, struct head_row *head)
{
	struct vault *v = &q->sv->vault;
	struct wire_writer w;

	if (vault_begin(v, 65536, true) != COFRE_OK || !note(q->sv, e))
		return false;
	wire_writer_init(&w, q->sv->reply, FRAME_MAX);
	head->versions = without(&w, head->versions, e->version);
	if (w.len > q->sv->reply_used)
		q->sv->reply_used = w.len;
	q->name = head->name;
	if (secret_drop_body(q, e->record, e->version) != COFRE_OK ||
	    secret_save_head(q, e->record, head) != COFRE_OK)
		vault_poison(v, COFRE_STORE_FAILED);
	return true;
}

static bool
is_over(const struct server *sv, const struct ending *e)
{
	const struct version_row row = { .version = e->version,
		.until = e->until, .held = e->held };

	return secret_version_ended(sv, e->record, &row);
}

void
previous_tick(struct server *sv)
{
	struct endings *es = &sv->vault.endings;
	struct request q = { .sv = sv };
	struct head_row head;
	unsigned left = ONCE;

	if (es->count == 0 || sv->vault.state != VAULT_OPEN ||
	    (es->due > sv->now && es->change == sv->vault.runs.changes))
		return;
	es->change = sv->vault.runs.changes;
	es->due = UINT64_MAX;
	for (size_t i = 0; i < es->count; i++) {
		struct ending *e = &es->list[i];
		uint64_t due = e->until;

		if (is_over(sv, e)) {
			if (!is_there(&q, e, &head)) {
				endings_remove(es, i--);
				continue;
			}
			due = sv->now + AGAIN_US;
			if (left == 0)
				due = sv->now;
			else if (drop_version(&q, e, &head)) {
				e->gone = true;
				left--;
			}
		}
		if (due < es->due)
			es->due = due;
	}
}

int
previous_timeout(const struct server *sv)
{
	const struct endings *es = &sv->vault.endings;
	uint64_t ms;

	if (es->count == 0 || sv->vault.state != VAULT_OPEN)
		return -1;
	ms = es->due > sv->now ? (es->due - sv->now) / 1000 + 1 : 0;
	return ms > PULSE_MS ? PULSE_MS : (int)ms;
}
