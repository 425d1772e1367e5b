#include "refusals.h"

/* The row of that kind, or NULL. */
static struct refusal *
find(struct refusals *f, const struct refusal *kind)
{
	for (size_t i = 0; i < f->count; i++) {
		struct refusal *r = &f->rows[i];

		if (r->uid == kind->uid && r->op == kind->op &&
		    r->status == kind->status &&
		    r->workspace == kind->workspace && r->count < UINT32_MAX)
			return r;
	}
	return NULL;
}

static size_t
kinds_of(const struct refusals *f, uint32_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		n += f->rows[i].uid == uid;
	return n;
}

/* That row, or a new one; NULL when there is no room.  Whoever tries
   everything is told of in fewer words. */
static struct refusal *
row_of(struct refusals *f, struct refusal kind)
{
	struct refusal *r = find(f, &kind);

	if (r == NULL && kinds_of(f, kind.uid) >= REFUSALS_UID) {
		kind.op = 0;
		kind.workspace = 0;
		r = find(f, &kind);
	}
	if (r != NULL || f->count == REFUSALS_ROWS)
		return r;
	f->rows[f->count] = kind;
	return &f->rows[f->count++];
}

bool
refusals_count(struct refusals *f, const struct log_record *r, uint64_t clock)
{
	const struct refusal kind = {
		.uid = r->uid,
		.op = r->op,
		.status = r->status,
		.workspace = r->workspace,
	};
	struct refusal *row;

	if (budget_take(&f->records, r->uid, 0, clock, REFUSALS_EACH,
		(uint64_t)REFUSALS_AT_ONCE * REFUSALS_EACH) ||
	    (row = row_of(f, kind)) == NULL)
		return false;
	row->count++;
	if (f->due == 0)
		f->due = clock + REFUSALS_EVERY;
	return true;
}
