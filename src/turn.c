#include "turn.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conn.h"
#include "frame.h"
#include "quota.h"
#include "tell.h"

/* What one entry may take in the log, its connection's record included. */
#define ENTRY_CELLS ((size_t)2 * LOG_CELLS_MAX)

/* What a request may need in the store that is no resync's commit. */
#define WRITE_NEED (2 * (size_t)FRAME_MAX + 65536)

bool
turn_has_room(const struct server *sv)
{
	const struct turn *t = &sv->turn;

	/* All records of a turn must fit one segment, behind its header. */
	return t->count < TURN_MAX && !t->full &&
	    (t->cells + ENTRY_CELLS + 1) * LOG_CELL <= sv->config.log_segment &&
	    t->text_used + OBJECT_MAX + DETAIL_MAX + EXE_MAX + APART_MAX <
		TURN_TEXT &&
	    sv->vault.turn_bytes < TURN_BYTES && !sv->lock_pending;
}

/* May it find no room because of what the turn has written?  The file grows
   before the first write alone; what a resync's commit needs is seldom there
   otherwise. */
static bool
may_not_fit(const struct server *sv, const struct conn *c,
    const struct op *op)
{
	/* Of those who have nothing to commit nobody else has to wait. */
	if (op->code == OP_RESYNC_COMMIT)
		return c->resync != NULL && store_writing(sv->vault.store);
	return (op->flags & OPF_WRITE) != 0 &&
	    (!store_fits(sv->vault.store, WRITE_NEED) ||
		!store_fits(sv->vault.ssh.store, WRITE_NEED));
}

bool
turn_must_end(struct server *sv, const struct conn *c, const struct op *op)
{
	if (op != NULL && may_not_fit(sv, c, op))
		sv->turn.full = true;
	if (op != NULL && (op->flags & OPF_SSH) != 0 &&
	    vault_rights_change(&sv->vault))
		sv->turn.full = true;
	return sv->turn.full;
}

bool
turn_reserve(struct server *sv)
{
	uint64_t files = audit_files(sv->audit);
	bool room = audit_room(sv->audit, sv->turn.cells + ENTRY_CELLS);

	/* Who happens to come at a segment's end is not whose it is. */
	if (audit_files(sv->audit) != files)
		quota_look(sv);
	if (room)
		sv->turn.cells += ENTRY_CELLS;
	return room;
}

struct turn_entry *
turn_add(struct server *sv, struct conn *c, bool recorded)
{
	struct turn_entry *e;

	if (sv->turn.count == TURN_MAX)
		abort(); /* nobody asked for room: better than to go on */
	e = &sv->turn.entries[sv->turn.count++];
	*e = (struct turn_entry){ .conn = c, .recorded = recorded };
	if (c != NULL)
		e->record.uid = c->peer.uid;
	return e;
}

void
turn_keep(struct server *sv, struct turn_entry *e, bool may)
{
	if (may)
		sv->turn.flush = e->flushed = true;
	else
		sv->turn.soon = true;
}

struct view
turn_text(struct server *sv, struct view text)
{
	struct turn *t = &sv->turn;
	char *at = t->text + t->text_used;

	if (text.len > TURN_TEXT - t->text_used)
		text.len = TURN_TEXT - t->text_used;
	if (text.len > 0)
		memcpy(at, text.data, text.len);
	t->text_used += text.len;
	return (struct view){ (const uint8_t *)at, text.len };
}

void
turn_stage(struct server *sv, struct conn *c, struct view frame)
{
	if (!chain_fits(&sv->pool, &c->out, frame.len)) {
		c->closing = true;
		return;
	}
	if (!c->dirty) {
		c->dirty = true;
		c->staged_at = c->out.size;
		c->dirty_next = sv->turn.dirty;
		sv->turn.dirty = c;
	}
	chain_append(&sv->pool, &c->out, frame);
}

void
turn_stage_status(struct server *sv, struct conn *c, uint16_t op, uint32_t id,
    enum cofre_status st)
{
	uint8_t buf[FRAME_HEADER + 4];
	struct wire_writer w;

	if (c->agent != NULL) {
		turn_stage(sv, c,
		    (struct view){ buf, agent_refusal(buf, op) });
		return;
	}
	wire_writer_init(&w, buf, sizeof(buf));
	(void)frame_begin(&w, FRAME_REPLY, op, id);
	wire_put_u32(&w, st);
	frame_end(&w, 0);
	turn_stage(sv, c, (struct view){ buf, w.len });
}

/*
 * What a request that failed at its end has left.  Ids that a commit did not
 * keep are given again, to other objects; and a vault whose unlocking could
 * not be recorded is locked again.
 */
static void
disown(struct server *sv, struct turn_entry *e, enum cofre_status st)
{
	if (e->wrote && st != COFRE_LOG_FAILED) {
		e->record.record = 0;
		e->record.version = 0;
		if (e->record.op == OP_WORKSPACE_CREATE)
			e->record.workspace = 0;
	}
	if (e->record.op == OP_UNLOCK)
		sv->lock_pending = true;
}

/* Did the entry change the SSH store alone, which has kept it? */
static bool
is_kept(const struct server *sv, const struct turn_entry *e,
    enum cofre_status st)
{
	return st != COFRE_LOG_FAILED && e->record.status == COFRE_OK &&
	    e->apart.len > 0 && sv->vault.ssh_kept;
}

/* What is staged for a resync lies in memory: it is taken back here. */
static void
unstage(struct server *sv)
{
	for (struct conn *c = sv->conns; c != NULL; c = c->next)
		if (c->resync != NULL)
			resync_take_back(c->resync, sv->turns);
}

/* Take back every reply of the turn, and stage what is true instead. */
static void
fail_all(struct server *sv, enum cofre_status st)
{
	struct turn *t = &sv->turn;

	/* What was done all the same, and can't be recorded, is done. */
	if (st != COFRE_LOG_FAILED)
		unstage(sv);
	for (struct conn *c = t->dirty; c != NULL; c = c->dirty_next)
		if (!c->dead)
			chain_truncate(&sv->pool, &c->out, c->staged_at);
	for (size_t i = 0; i < t->count; i++) {
		struct turn_entry *e = &t->entries[i];

		if (is_kept(sv, e, st)) {
			if (!e->conn->dead)
				turn_stage(sv, e->conn, e->apart);
			continue;
		}
		if (e->record.status == COFRE_OK && e->reply) {
			e->record.status = (uint16_t)st;
			disown(sv, e, st);
		}
		if (e->reply && e->conn != NULL && !e->conn->dead)
			turn_stage_status(sv, e->conn, e->record.op,
			    e->record.request,
			    (enum cofre_status)e->record.status);
	}
}

/* The record of a connection, before the first record that refers to it. */
static uint64_t
record_connection(struct server *sv, struct conn *c)
{
	struct log_record r = {
		.type = LOG_CONNECTION,
		.op = OP_HELLO,
		.time = sv->now,
		.uid = c->peer.uid,
		.workspace = c->peer.gid,
		.connection = c->peer.pid,
		.flags = conn_weak(c),
		.object = view_of(c->facts.exe),
		.detail = view_of(c->facts.unit[0] != '\0' ? c->facts.unit :
							     c->facts.cgroup),
	};

	return audit_append(sv->audit, &r);
}

static uint64_t
clock_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
record_one(struct server *sv, struct turn_entry *e, uint64_t took)
{
	struct log_record *r = &e->record;

	if (e->conn != NULL) {
		if (e->conn->log_cell == 0)
			e->conn->log_cell = record_connection(sv, e->conn);
		r->connection = e->conn->log_cell;
		r->flags |= conn_weak(e->conn);
	}
	if (r->type == LOG_CONNECTION)
		return;
	r->time = sv->now;
	if (r->duration == 0)
		r->duration = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
	if (e->wrote && r->status == COFRE_OK)
		r->epoch = sv->vault.epoch;
	(void)audit_append(sv->audit, r);
}

static void
record_all(struct server *sv)
{
	uint64_t took = clock_us() - sv->clock, end = audit_end(sv->audit);

	for (size_t i = 0; i < sv->turn.count; i++) {
		struct turn_entry *e = &sv->turn.entries[i];

		if (!e->recorded)
			continue;
		record_one(sv, e, took);
		quota_logged(sv, e->record.uid, audit_end(sv->audit) - end);
		end = audit_end(sv->audit);
	}
}

/* The vault is locked between turns, when all is written. */
static void
lock_now(struct server *sv)
{
	for (struct conn *c = sv->conns; c != NULL; c = c->next) {
		resync_free(c->resync);
		c->resync = NULL;
	}
	vault_lock(&sv->vault);
	(void)audit_set_keys(sv->audit, NULL);
	sv->lock_pending = false;
	/* An unlock that was under way ends with it. */
	if (sv->waiting.active)
		sv->vault.unlock.status = COFRE_LOCKED;
}

static void
send_all(struct server *sv)
{
	struct conn *c = sv->turn.dirty, *next;

	sv->turn.dirty = NULL;
	if (c == NULL)
		return;
	sentry_claim(&sv->sentry);
	for (; c != NULL; c = next) {
		next = c->dirty_next;
		c->dirty = false;
		if (!c->dead)
			conn_flush(c);
	}
	sentry_unclaim(&sv->sentry);
}

static enum cofre_status
commit(struct server *sv)
{
	bool writes = store_writing(sv->vault.store) ||
	    sshstore_writing(&sv->vault.ssh);
	enum cofre_status st;
	uint64_t before;

	quota_look(sv);
	before = sv->stopped;
	st = vault_commit(&sv->vault, sv->now, audit_end(sv->audit));
	if (writes) {
		quota_look(sv);
		quota_wrote(sv, sv->stopped - before);
	}
	return st;
}

static bool
flush(struct server *sv)
{
	uint64_t before;
	bool good;

	quota_look(sv);
	before = sv->stopped;
	good = audit_flush(sv->audit);
	quota_look(sv);
	quota_flushed(sv, sv->stopped - before);
	return good;
}

/* Has the log to be on the disk before the replies leave?  What is to be there
   soon is flushed ahead, where that can be. */
static bool
must_flush(struct server *sv)
{
	return sv->turn.flush || sv->config.log_strict ||
	    (sv->turn.soon && !audit_flush_soon(sv->audit));
}

void
turn_end(struct server *sv)
{
	struct turn *t = &sv->turn;
	enum cofre_status st;

	st = commit(sv);
	if (st != COFRE_OK)
		fail_all(sv, st);
	/* An init that failed has left no keys. */
	if (sv->vault.state != VAULT_OPEN)
		(void)audit_set_keys(sv->audit, NULL);
	if (t->count > 0) {
		record_all(sv);
		if (must_flush(sv) && !flush(sv))
			fail_all(sv, COFRE_LOG_FAILED);
	}
	runs_logged(&sv->vault.runs, audit_end(sv->audit));
	send_all(sv);
	vault_tidy(&sv->vault);
	secmem_wipe(sv->reply, sv->reply_used);
	sv->reply_used = 0;
	secmem_wipe(t->text, t->text_used);
	t->count = t->cells = t->text_used = 0;
	t->flush = t->soon = t->full = false;
	if (sv->lock_pending)
		lock_now(sv);
	tell_turn(sv);
}
