#include "runs.h"

#include <string.h>
#include <unistd.h>

#include "vault.h"

/* Where one of the two is not known, number and start must do. */
static bool
may_be_same(uint64_t inode, uint64_t other)
{
	return inode == 0 || other == 0 || inode == other;
}

/* How well the run is the caller's: 0 not at all. */
static size_t
fit(const struct run *r, const struct run_caller *c)
{
	bool uid = r->uid == NO_ID || r->uid == c->uid;

	if (r->target == RUN_PROCESS && c->pid != 0 && c->pid == r->pid &&
	    c->start != 0 && c->start == r->start && r->uid == c->uid &&
	    may_be_same(r->inode, c->inode))
		return CGROUP_MAX + 2;
	if (r->target == RUN_CGROUP && !r->gone && uid &&
	    facts_cgroup_within(c->cgroup, r->cgroup))
		return 1 + strlen(r->cgroup);
	return c->attached != NULL && r->has_token &&
		memcmp(r->id, c->attached, RUN_ID_LEN) == 0 ?
	    1 :
	    0;
}

struct run *
runs_match(const struct runs *rs, const struct run_caller *c)
{
	struct run *best = NULL;
	size_t best_fit = 0, active = 2 * CGROUP_MAX;

	for (size_t i = 0; i < rs->count; i++) {
		struct run *r = rs->list[i];
		size_t n = fit(r, c);

		if (n > 0 && !r->rights.over)
			n += active;
		if (n > best_fit) {
			best_fit = n;
			best = r;
		}
	}
	return best;
}

struct run *
runs_find(const struct runs *rs, struct view id)
{
	for (size_t i = 0; i < rs->count; i++)
		if (id.len == RUN_ID_LEN &&
		    memcmp(rs->list[i]->id, id.data, RUN_ID_LEN) == 0)
			return rs->list[i];
	return NULL;
}

struct run *
runs_find_token(const struct runs *rs, const uint8_t hash[CRYPTO_HASH_LEN])
{
	struct run *found = NULL;

	for (size_t i = 0; i < rs->count; i++) {
		struct run *r = rs->list[i];

		if (crypto_equal(r->hash, hash, CRYPTO_HASH_LEN) &&
		    r->has_token && !r->rights.over)
			found = r;
	}
	return found;
}

static bool
run_holds(const struct run *r, uint64_t record, uint32_t version)
{
	for (size_t i = 0; i < r->rights.count; i++) {
		const struct run_secret *s = &r->secrets[i];

		if ((s->record == record && s->version == version) ||
		    (s->followed_record == record && s->followed == version))
			return true;
	}
	return false;
}

uint32_t
runs_holders(const struct runs *rs, uint64_t record, uint32_t version)
{
	uint32_t n = 0;

	for (size_t i = 0; i < rs->count; i++) {
		const struct run *r = rs->list[i];

		if (r->rights.over)
			continue;
		n += run_holds(r, record, version);
	}
	return n;
}

struct run *
runs_find_principal(const struct runs *rs, uint32_t id)
{
	for (size_t i = 0; i < rs->count; i++)
		if (rs->list[i]->rights.id == id)
			return rs->list[i];
	return NULL;
}

struct run *
runs_find_watch(const struct runs *rs, uint64_t watch_id)
{
	for (size_t i = 0; i < rs->count; i++)
		if (rs->list[i]->watch_fd != -1 &&
		    rs->list[i]->watch_id == watch_id)
			return rs->list[i];
	return NULL;
}

struct run *
runs_next(const struct runs *rs, uint64_t workspace, struct view after)
{
	struct run *best = NULL;

	for (size_t i = 0; i < rs->count; i++) {
		struct run *r = rs->list[i];

		if (r->rights.workspace == workspace &&
		    (after.len == 0 ||
			memcmp(r->id, after.data, RUN_ID_LEN) > 0) &&
		    (best == NULL || memcmp(r->id, best->id, RUN_ID_LEN) < 0))
			best = r;
	}
	return best;
}

bool
runs_has_target(const struct runs *rs, const struct run *r)
{
	for (size_t i = 0; i < rs->count; i++) {
		const struct run *o = rs->list[i];

		if (!o->rights.over && o->target == r->target &&
		    o->pid == r->pid && o->start == r->start &&
		    may_be_same(o->inode, r->inode) &&
		    strcmp(o->cgroup, r->cgroup) == 0 &&
		    r->target != RUN_TOKEN_ONLY)
			return true;
	}
	return false;
}

static struct row_id
row_of(const struct run *r)
{
	return (struct row_id){ .table = TABLE_RUN,
		.workspace = r->bare ? 0 : r->rights.workspace,
		.record = r->number };
}

enum cofre_status
runs_save(struct vault *v, struct run *r)
{
	const struct row_id id = row_of(r);
	struct workspace *ws = vault_workspace_kept(v, id.workspace);
	struct wire_writer w;

	if (ws == NULL)
		return COFRE_NOT_FOUND;
	r->read_end = v->runs.log_end;
	wire_writer_init(&w, v->build, ROW_MAX);
	run_put(&w, r);
	if (w.len > v->build_used)
		v->build_used = w.len;
	return w.bad ? COFRE_TOO_LARGE :
		       vault_write(v, ws, &id, (struct view){ w.data, w.len });
}

enum cofre_status
runs_bare(struct vault *v, uint64_t workspace)
{
	enum cofre_status st = COFRE_OK;

	for (size_t i = 0; i < v->runs.count && st == COFRE_OK; i++) {
		struct run *r = v->runs.list[i];

		if (r->rights.workspace != workspace || r->gone ||
		    r->target == RUN_TOKEN_ONLY)
			continue;
		r->bare = r->baring = true;
		st = runs_save(v, r);
	}
	return st;
}

static void
drop(struct runs *rs, size_t i)
{
	run_free(rs->list[i]);
	rs->list[i] = rs->list[--rs->count];
	rs->list[rs->count] = NULL;
	rs->changes++;
}

/* Take it out, until the turn is kept or taken back. */
static void
set_aside(struct runs *rs, size_t i)
{
	rs->list[i]->next = rs->aside;
	rs->aside = rs->list[i];
	rs->list[i] = rs->list[--rs->count];
	rs->list[rs->count] = NULL;
	rs->changes++;
}

/* The next of those that are aside, which it is no more; NULL: none. */
static struct run *
take_aside(struct runs *rs)
{
	struct run *r = rs->aside;

	if (r != NULL)
		rs->aside = r->next;
	return r;
}

static void
free_aside(struct runs *rs)
{
	struct run *r;

	while ((r = take_aside(rs)) != NULL)
		run_free(r);
}

/* Can it be forgotten?  Everything of it is in the log. */
static bool
is_done(const struct run *r)
{
	return r->rights.over && r->gone && !r->untold && !r->reading &&
	    !r->fresh && !r->baring && !r->before.set;
}

/* Has this caller as many places as there are left?  Those of runs that are
   over count as long as somebody is them.  So nobody, however many he starts,
   leaves none to others; uid 0 may. */
static bool
has_share(const struct runs *rs, uint32_t by)
{
	size_t held = 0, mine = 0;

	for (size_t i = 0; i < rs->count; i++) {
		held += !is_done(rs->list[i]);
		mine += !is_done(rs->list[i]) && rs->list[i]->by == by;
	}
	return held >= RUNS_MAX || (by != 0 && mine >= RUNS_MAX - held);
}

/* Which one is the oldest that is done?  Their number: none is. */
static size_t
find_oldest(const struct runs *rs)
{
	size_t oldest = rs->count;

	for (size_t i = 0; i < rs->count; i++)
		if (is_done(rs->list[i]) &&
		    (oldest == rs->count ||
			rs->list[i]->created < rs->list[oldest]->created))
			oldest = i;
	return oldest;
}

/* Make a place, for which the oldest one that is done goes; and more, when
   there are more than there should be. */
static enum cofre_status
make_place(struct vault *v)
{
	struct runs *rs = &v->runs;

	while (rs->count >= RUNS_MAX) {
		size_t oldest = find_oldest(rs);
		enum cofre_status st;
		struct row_id id;

		if (oldest == rs->count)
			return COFRE_LIMIT;
		id = row_of(rs->list[oldest]);
		st = vault_delete(v, &id);
		/* That of a workspace that was deleted has gone with it. */
		if (st != COFRE_OK && st != COFRE_NOT_FOUND)
			return st;
		set_aside(rs, oldest);
	}
	return COFRE_OK;
}

enum cofre_status
runs_add(struct vault *v, struct workspace *ws, struct run *r)
{
	enum cofre_status st;

	if (has_share(&v->runs, r->by))
		return COFRE_LIMIT;
	if ((st = vault_begin(v, 32768, false)) != COFRE_OK ||
	    (st = make_place(v)) != COFRE_OK)
		return st;
	r->number = ++v->now.next_record;
	run_set_rights(r, ws->id, r->rights.count);
	if ((st = runs_save(v, r)) != COFRE_OK)
		return st;
	r->fresh = true;
	v->runs.list[v->runs.count++] = r;
	v->runs.changes++;
	return COFRE_OK;
}

void
runs_touch(struct run *r)
{
	if (r->before.set || r->fresh)
		return;
	r->before.set = true;
	r->before.over = r->rights.over;
	r->before.real_deadline = r->real_deadline;
	r->before.boot_deadline = r->boot_deadline;
}

void
runs_gone(struct runs *rs, struct run *r)
{
	if (r->watch_fd != -1)
		(void)close(r->watch_fd);
	r->watch_fd = -1;
	r->gone = true;
	rs->changes++;
}

void
runs_end(struct runs *rs, struct run *r, enum run_end why, bool gone)
{
	if (!r->rights.over) {
		r->rights.over = true;
		r->ended = why;
		r->told = false;
		r->noted = 0;
		r->untold = rs->untold = true;
		rs->changes++;
	}
	/* Nobody is a run of a token alone when that is dead. */
	if (gone || r->target == RUN_TOKEN_ONLY)
		runs_gone(rs, r);
}

enum cofre_status
runs_load(struct vault *v, const struct row_id *id, struct view plain)
{
	enum cofre_status st;
	struct run *r;

	if (v->runs.count == RUNS_LOADED_MAX)
		return COFRE_LIMIT;
	r = run_get(id->workspace, id->record, plain, &st);
	if (r == NULL)
		return st;
	v->runs.list[v->runs.count++] = r;
	v->runs.changes++;
	return COFRE_OK;
}

void
runs_keep(struct vault *v)
{
	free_aside(&v->runs);
	for (size_t i = 0; i < v->runs.count; i++) {
		struct run *r = v->runs.list[i];

		r->fresh = r->baring = r->before.set = false;
	}
}

/* The end was not committed; a process that has exited stays so. */
static void
revive(struct runs *rs, struct run *r)
{
	if (r->gone && r->target != RUN_TOKEN_ONLY) {
		r->untold = rs->untold = true;
		r->told = false;
		r->ended = RUN_END_PROCESS;
		return;
	}
	r->rights.over = r->before.over;
	r->gone = false;
	r->ended = RUN_END_NONE;
	r->untold = false;
}

void
runs_undo(struct vault *v)
{
	struct runs *rs = &v->runs;
	struct run *aside;

	for (size_t i = rs->count; i-- > 0;) {
		struct run *r = rs->list[i];

		if (r->fresh) {
			drop(rs, i);
			continue;
		}
		if (r->baring)
			r->bare = r->baring = false;
		if (!r->before.set)
			continue;
		r->real_deadline = r->before.real_deadline;
		r->boot_deadline = r->before.boot_deadline;
		/* What has ended by itself stays so. */
		if (r->ended == RUN_END_ASKED || r->ended == RUN_END_WORKSPACE)
			revive(rs, r);
		r->before.set = false;
		rs->changes++;
	}
	/* They were in the list before those that have gone from it. */
	while ((aside = take_aside(rs)) != NULL) {
		rs->list[rs->count++] = aside;
		rs->changes++;
	}
}

void
runs_forget(struct vault *v)
{
	free_aside(&v->runs);
	while (v->runs.count > 0)
		drop(&v->runs, v->runs.count - 1);
}
