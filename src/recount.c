#include "recount.h"

#include <stdlib.h>
#include <string.h>

#include "proto.h"

/*
 * What the read has followed, if the record's text says so: the record of
 * that credential and its version.  A name stays its record's for ever, so the
 * one that has it now is the one that had it then.
 */
static void
find_followed(const struct vault *v, const struct log_record *r,
    uint64_t *record, uint32_t *version)
{
	static const char head[] = RECOUNT_FOLLOWS, mid[] = RECOUNT_VERSION;
	const struct catalog_entry *e;
	char text[DETAIL_MAX + 1];
	const char *name, *end;

	if (r->detail.len > DETAIL_MAX)
		return;
	if (r->detail.len > 0)
		memcpy(text, r->detail.data, r->detail.len);
	text[r->detail.len] = '\0';
	name = text + strlen(head);
	if (strncmp(text, head, strlen(head)) != 0 ||
	    (end = strstr(name, mid)) == NULL)
		return;
	e = catalog_find(v->catalog, r->workspace,
	    (struct view){ (const uint8_t *)name, (size_t)(end - name) });
	if (e == NULL)
		return;
	*record = e->record;
	*version = (uint32_t)strtoul(end + strlen(mid), NULL, 10);
}

/* The secret of a run with that record, or NULL. */
static struct run_secret *
find_secret(struct run *r, uint64_t record)
{
	for (size_t i = 0; i < r->rights.count; i++)
		if (r->secrets[i].record == record)
			return &r->secrets[i];
	return NULL;
}

/* Count the record, if it is of a read that its run's row has not.  Without a
   tag anybody could have written it; the vault was open for each read. */
static void
take(struct vault *v, const struct log_record *r)
{
	struct run_secret *s;
	uint64_t record = 0;
	uint32_t version = 0;
	struct run *run;

	if ((r->flags & LOG_TAGGED) == 0 || r->type != LOG_REQUEST ||
	    r->op != OP_SECRET_GET || r->status != COFRE_OK || r->principal != PRINCIPAL_RUN)
		return;
	run = runs_find_principal(&v->runs, r->principal_id);
	if (run == NULL || r->cell < run->read_end ||
	    run->rights.workspace != r->workspace ||
	    (s = find_secret(run, r->record)) == NULL)
		return;
	find_followed(v, r, &record, &version);
	run_count(run, s, r->version, record, version);
	v->runs.reading = true;
}

void
recount(struct vault *v, struct audit *a)
{
	uint8_t text[LOG_CELLS_MAX * LOG_CELL];
	uint64_t end = audit_end(a), next;
	enum log_result result;
	struct log_record r;

	audit_drop_gone(a);
	for (uint64_t cell = v->read_end; v->runs.count > 0 && cell < end;
	     cell = next) {
		result = audit_read(a, cell, &r, &next, text);
		if (result == LOG_OK)
			take(v, &r);
	}
	runs_logged(&v->runs, end);
	/* Cells that are gone come again: no row may say that it has them. */
	for (size_t i = 0; i < v->runs.count; i++)
		if (v->runs.list[i]->read_end > end)
			v->runs.list[i]->unsaved = true;
	v->read_due = v->read_end > end ? end + 1 :
					  v->read_end + RECOUNT_CELLS;
}
