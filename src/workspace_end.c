/* The end of a workspace: deleted, brought back, destroyed. */
#include "vault.h"

#define RUN_BARE_MAX 512u /* bytes of a run's row without what it had */

/* Delete every row that the workspace has in the table. */
static enum cofre_status
drop_rows(struct vault *v, const struct workspace *ws, enum table table)
{
	struct row_key prefix = row_prefix(table, ws->id);
	struct view key, value, range = { prefix.bytes, prefix.len };
	struct row_id id;
	enum cofre_status st;

	while ((st = store_next(v->store, range, range, &key, &value)) ==
	    COFRE_OK) {
		if (!row_key_parse(key, &id))
			return COFRE_CORRUPT;
		if ((st = vault_delete(v, &id)) != COFRE_OK)
			return st;
	}
	return st == COFRE_NOT_FOUND ? COFRE_OK : st;
}

/* Take away what the identity of a workspace was granted in another one. */
static enum cofre_status
drop_identity(struct vault *v, struct workspace *ws, uint64_t identity)
{
	struct policy_scope *p = &ws->policy;
	uint32_t kept = 0;
	enum cofre_status st;

	for (size_t i = 0; i < p->grant_count; i++)
		kept += p->grants[i].principal != PRINCIPAL_IDENTITY ||
		    p->grants[i].id != identity;
	if (kept == p->grant_count)
		return COFRE_OK;
	if ((st = workspace_touch(v, ws)) != COFRE_OK)
		return st;
	kept = 0;
	for (size_t i = 0; i < p->grant_count; i++)
		if (p->grants[i].principal != PRINCIPAL_IDENTITY ||
		    p->grants[i].id != identity)
			p->grants[kept++] = p->grants[i];
	p->grant_count = kept;
	workspace_policy_changed(ws);
	return workspace_save(v, ws);
}

enum cofre_status
workspace_delete(struct vault *v, struct workspace *ws)
{
	enum cofre_status st;

	if ((st = vault_begin(v, 32768, true)) != COFRE_OK ||
	    (st = workspace_touch(v, ws)) != COFRE_OK)
		return st;
	for (size_t i = 0; i < v->scope_count; i++)
		if (v->workspaces[i] != NULL &&
		    v->workspaces[i]->state != WORKSPACE_PURGED &&
		    (st = drop_identity(v, v->workspaces[i], ws->id)) !=
			COFRE_OK)
			return st;
	workspace_set_state(v, ws, WORKSPACE_DELETED);
	workspace_policy_changed(ws);
	return workspace_save(v, ws);
}

enum cofre_status
workspace_undelete(struct vault *v, struct workspace *ws)
{
	enum cofre_status st;

	if (ws->state != WORKSPACE_DELETED)
		return COFRE_CONFLICT;
	if ((st = vault_begin(v, 32768, true)) != COFRE_OK ||
	    (st = workspace_touch(v, ws)) != COFRE_OK)
		return st;
	workspace_set_state(v, ws, WORKSPACE_LIVE);
	workspace_policy_changed(ws);
	return workspace_save(v, ws);
}

enum cofre_status
workspace_purge(struct vault *v, struct workspace *ws)
{
	static const enum table tables[] = { TABLE_HEAD, TABLE_BODY,
		TABLE_RUN };
	enum cofre_status st;
	size_t need;

	if (ws->state != WORKSPACE_DELETED)
		return COFRE_CONFLICT;
	need = 16384 + v->runs.count * RUN_BARE_MAX;
	if ((st = vault_begin(v, need, true)) != COFRE_OK ||
	    (st = workspace_touch(v, ws)) != COFRE_OK)
		return st;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if ((st = drop_rows(v, ws, tables[i])) != COFRE_OK)
			return st;
	if ((st = runs_bare(v, ws->id)) != COFRE_OK)
		return st;
	workspace_set_state(v, ws, WORKSPACE_PURGED);
	ws->policy.grant_count = ws->policy.binding_count = 0;
	return workspace_save(v, ws);
}
