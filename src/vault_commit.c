/* The end of a turn: the SSH store, and then the vault's own. */
#include <string.h>

#include "recount.h"

/* Write the evidence: it is in no tally, it holds it. */
static enum cofre_status
write_state(struct vault *v, uint64_t now, uint64_t log_end)
{
	const struct row_id id = { .table = TABLE_STATE };
	struct seal_place place = row_place(v->id, &id);
	struct row_key key = row_key(&id);
	struct state_row row = {
		.epoch = v->epoch + 1,
		.rows = v->now.tally.rows,
		.log_end = log_end,
		.read_end = v->reads_wait ? v->read_end : v->runs.log_end,
		.time = now,
		.next_workspace = v->now.next_workspace,
		.next_record = v->now.next_record,
	};
	uint8_t buf[144], sum[32], sealed[512];
	struct wire_writer w;

	tally_encode(&v->now.tally, sum);
	row.sum = (struct view){ sum, sizeof(sum) };
	wire_writer_init(&w, buf, sizeof(buf));
	state_row_put(&w, &row);
	seal_close(sealed, keyring_meta(&v->keyring), 1, &place,
	    (struct view){ buf, w.len }, NULL);
	secmem_wipe(buf, sizeof(buf));
	secmem_wipe(sum, sizeof(sum));
	return store_put(v->store, (struct view){ key.bytes, key.len },
	    (struct view){ sealed, seal_size(w.len) });
}

/* Make memory say again what the store says. */
static void
take_back(struct vault *v)
{
	store_abort(v->store);
	v->now = v->kept;
	if (v->catalog != NULL)
		catalog_undo(v->catalog);
	if (v->workspaces_changed)
		workspace_undo(v);
	roles_undo(v);
	runs_undo(v);
	if (v->fresh) {
		vault_lock(v);
		v->state = VAULT_EMPTY;
	}
}

bool
vault_rights_change(const struct vault *v)
{
	return store_writing(v->store) &&
	    (v->workspaces_changed || v->roles.changed);
}

/* The vault's own store: kept or taken back. */
static enum cofre_status
commit_own(struct vault *v, uint64_t now, uint64_t log_end)
{
	enum cofre_status st = v->poison;

	if (!store_writing(v->store)) {
		v->poison = COFRE_OK;
		if (st != COFRE_OK)
			runs_unread(&v->runs);
		return st;
	}
	/* Also when it is taken back: somebody may have been let in by it. */
	v->rights += v->workspaces_changed || v->roles.changed;
	if (st == COFRE_OK && !v->reads_wait)
		st = runs_save_reads(v);
	if (st == COFRE_OK)
		st = write_state(v, now, log_end);
	if (st == COFRE_OK)
		st = store_commit(v->store);
	if (st == COFRE_OK) {
		v->epoch++;
		if (v->mark_next > 0)
			v->ssh_mark = v->mark_next;
		catalog_keep(v->catalog);
		if (v->workspaces_changed)
			workspace_keep(v);
		roles_keep(v);
		runs_keep(v);
		if (!v->reads_wait) {
			runs_saved(&v->runs);
			v->read_end = v->runs.log_end;
		}
		v->read_due = v->runs.log_end + RECOUNT_CELLS;
	} else {
		runs_unread(&v->runs);
		take_back(v);
	}
	v->poison = COFRE_OK;
	v->mark_next = 0;
	v->workspaces_changed = v->fresh = false;
	v->turn_bytes = 0;
	return st;
}

/* Keep what was written to the SSH store, or take it back. */
static enum cofre_status
commit_ssh(struct vault *v, uint64_t now)
{
	enum cofre_status st = v->poison;
	bool writing = sshstore_writing(&v->ssh);

	v->ssh_kept = false;
	if (st == COFRE_OK)
		st = sshstore_commit(&v->ssh, now);
	else
		sshstore_abort(&v->ssh);
	v->ssh_kept = writing && st == COFRE_OK;
	if (v->ssh_kept)
		targets_keep(&v->targets);
	else if (writing)
		targets_undo(&v->targets);
	return st;
}

/* A vault that can't be written has lost nothing by that: the mark is behind
   until it can. */
static void
set_mark(struct vault *v)
{
	enum cofre_status st;

	if (!vault_mark_due(v))
		return;
	st = vault_mark_write(v);
	if (store_writing(v->store))
		vault_poison(v, st);
}

/* A workspace is gone for good, so what it had in the SSH store goes too.
   What can't be done now is tried in the next turn, and at the next unlock. */
static void
sweep(struct vault *v, uint64_t now)
{
	bool kept = v->ssh_kept;

	vault_poison(v, vault_ssh_sweep(v));
	v->sweep = commit_ssh(v, now) != COFRE_OK;
	v->poison = COFRE_OK;
	v->ssh_kept = kept;
}

enum cofre_status
vault_commit(struct vault *v, uint64_t now, uint64_t log_end)
{
	enum cofre_status st = commit_ssh(v, now);

	vault_poison(v, st);
	if (st == COFRE_OK)
		set_mark(v);
	st = commit_own(v, now, log_end);
	if (v->sweep)
		sweep(v, now);
	return st;
}
