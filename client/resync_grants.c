#include "resync_grants.h"

#include <stdlib.h>
#include <string.h>

bool
resync_grants_keep(struct view body, uint8_t **copy)
{
	*copy = malloc(body.len + 1);
	if (*copy != NULL && body.len > 0)
		memcpy(*copy, body.data, body.len);
	return *copy != NULL;
}

enum cofre_status
resync_grants_read(struct cmd *cmd, struct view workspace,
    struct resync_grants *g)
{
	const struct identity_show_request q = { workspace };
	struct identity_show_reply m;
	struct view body;
	enum cofre_status s;

	identity_show_request_put(call_begin(cmd->c, OP_IDENTITY_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s == COFRE_DENIED ? COFRE_OK : s;
	if (!resync_grants_keep(body, &g->shown))
		return call_fail(cmd->c, COFRE_NO_MEMORY, "out of memory");
	if (!identity_show_reply_decode((struct view){ g->shown, body.len },
		&m))
		return call_bad_reply(cmd->c);
	g->canonical = m.canonical;
	return COFRE_OK;
}

enum cofre_status
resync_grants_plan(struct cmd *cmd, struct view workspace,
    struct resync_grants *g)
{
	const struct identity_repair_request q = { workspace, true };
	struct identity_repair_reply m;
	struct view body;
	enum cofre_status s;

	identity_repair_request_put(call_begin(cmd->c, OP_IDENTITY_REPAIR),
	    &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	if (!resync_grants_keep(body, &g->reply))
		return call_fail(cmd->c, COFRE_NO_MEMORY, "out of memory");
	if (!identity_repair_reply_decode((struct view){ g->reply, body.len },
		&m))
		return call_bad_reply(cmd->c);
	g->restored = m.restored;
	g->extra = m.extra;
	return COFRE_OK;
}

void
resync_grants_free(struct resync_grants *g)
{
	free(g->shown);
	free(g->reply);
	*g = (struct resync_grants){ .shown = NULL };
}
