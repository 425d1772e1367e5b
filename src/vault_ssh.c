/* The SSH store beside the vault, as far as the vault has to do with it. */
#include "status.h"
#include "vault.h"

static const struct row_id mark_id = { .table = TABLE_SSH_MARK };

bool
vault_mark_due(const struct vault *v)
{
	return v->ssh.open && v->ssh.epoch > v->ssh_mark;
}

enum cofre_status
vault_mark_write(struct vault *v)
{
	const struct ssh_mark_row row = { v->ssh.epoch };
	uint8_t buf[16];
	struct wire_writer w;
	enum cofre_status st;

	if ((st = vault_begin(v, 1024, true)) != COFRE_OK)
		return st;
	wire_writer_init(&w, buf, sizeof(buf));
	ssh_mark_row_put(&w, &row);
	v->mark_next = row.epoch;
	return vault_write(v, NULL, &mark_id, (struct view){ buf, w.len });
}

enum cofre_status
vault_mark_load(struct vault *v, struct view plain)
{
	struct ssh_mark_row row;

	if (!ssh_mark_row_decode(plain, &row))
		return COFRE_CORRUPT;
	v->ssh_mark = row.epoch;
	return COFRE_OK;
}

const char *
vault_unlock_problem(const struct vault *v)
{
	enum cofre_status st = v->unlock.status;

	if (st == COFRE_OK || !v->unlock.of_ssh)
		return st == COFRE_OK ? NULL : cofre_status_text(st);
	if (st == COFRE_ROLLBACK)
		return "the SSH store (ssh.lmdb) is older than the vault, or "
		       "gone: put the right one back; 'cofre unlock "
		       "--accept-rollback' takes what there is";
	if (st == COFRE_CORRUPT)
		return "the SSH store (ssh.lmdb) was changed or damaged, or is "
		       "another vault's: put the right one back, or move it "
		       "away and begin with 'cofre unlock --accept-rollback' "
		       "anew, without its keys";
	return "the SSH store (ssh.lmdb) can't be read";
}

static enum cofre_status
load(void *arg, const struct row_id *id, struct view plain)
{
	return targets_load(arg, id, plain);
}

enum cofre_status
vault_ssh_unlock(struct vault *v)
{
	enum cofre_status st = sshstore_unlock(&v->ssh, v->ssh_mark,
	    v->unlock.accept_rollback, load, &v->targets);

	targets_keep(&v->targets);
	return st;
}

enum cofre_status
vault_ssh_sweep(struct vault *v)
{
	uint64_t workspace;
	enum cofre_status st;
	size_t i = 0;

	while (targets_workspace(&v->targets, &i, &workspace)) {
		if (vault_workspace_kept(v, workspace) != NULL)
			continue;
		st = targets_drop_workspace(&v->targets, &v->ssh, workspace);
		if (st != COFRE_OK)
			return st;
		i--;
	}
	return COFRE_OK;
}

/* Is there anything of a workspace that is not there? */
static bool
has_strangers(struct vault *v)
{
	uint64_t workspace;

	for (size_t i = 0; targets_workspace(&v->targets, &i, &workspace);)
		if (vault_workspace_kept(v, workspace) == NULL)
			return true;
	return false;
}

/* What was accepted once is not asked about at the next start again: a store
   that was older is written with an epoch that is not. */
static void
catch_up(struct vault *v)
{
	enum cofre_status st = COFRE_OK;

	if (v->unlock.behind)
		st = vault_begin(v, 1024, true);
	if (st == COFRE_OK && v->ssh.open && v->ssh.behind)
		st = sshstore_begin(&v->ssh, 1024, true);
	vault_poison(v, st);
	v->unlock.behind = v->ssh.behind = false;
}

void
vault_ssh_attach(struct vault *v, uint64_t now, uint64_t log_end)
{
	enum cofre_status st = COFRE_OK;

	if (!v->ssh.open)
		st = sshstore_make(&v->ssh, v->ssh_mark);
	if (st == COFRE_OK)
		st = vault_ssh_sweep(v);
	vault_poison(v, st);
	catch_up(v);
	(void)vault_commit(v, now, log_end);
	/* An older vault gives ids again that workspaces have had, and what is
	   here of those must not become the next one's. */
	if (has_strangers(v)) {
		sshstore_lock(&v->ssh);
		targets_forget(&v->targets);
	}
}
