#include "refusal.h"

#include <string.h>
#include <unistd.h>

#include "call.h"
#include "handle.h"

/* What the kernel shows in place of an id that this host does not have. */
#define OVERFLOW_ID 65534u

/* The caller was refused: who may, or whom to ask. */
static enum cofre_status
denied(cofre *c, const char *object)
{
	const struct op *op = op_find((uint16_t)c->op);
	int workspace = (int)strcspn(object, "/");
	bool vault = op != NULL && op->scope == SCOPE_VAULT;

	/* A role is nobody's. */
	if (c->op == OP_ROLE_SHOW)
		return call_fail(c, COFRE_DENIED,
		    "%s: %s (you are uid %u; an operator may, and who has a "
		    "role in a workspace: 'cofre role show --workspace W')",
		    c->what, cofre_status_text(COFRE_DENIED),
		    (unsigned)c->uid);
	if (c->op == OP_ROLE_LIST && workspace == 0)
		return call_fail(c, COFRE_DENIED,
		    "%s: permission denied: only an operator may list all; "
		    "those of a workspace: 'cofre role list WORKSPACE'; you "
		    "are uid %u", c->what, (unsigned)c->uid);
	if (vault || workspace == 0 || c->op == OP_WORKSPACE_CREATE)
		return call_fail(c, COFRE_DENIED,
		    "%s: permission denied: only an operator may (uid 0, or "
		    "the operator_group of cofred.conf)%s; you are uid %u",
		    c->what, vault ? "" : ", or who has a role for it in '/'",
		    (unsigned)c->uid);
	return call_fail(c, COFRE_DENIED,
	    "%s: %s (you are uid %u; ask an owner of %.*s, or an operator, "
	    "for a role)", c->what, cofre_status_text(COFRE_DENIED),
	    (unsigned)c->uid, workspace, object);
}

enum cofre_status
refusal(cofre *c, enum cofre_status s, const char *object)
{
	if (s == COFRE_DENIED)
		return denied(c, object);
	return call_fail(c, s, "%s: %s", c->what, cofre_status_text(s));
}

enum cofre_status
refusal_at_connect(cofre *c, enum cofre_status s)
{
	unsigned uid = (unsigned)c->uid, gid = (unsigned)getegid();

	if (s != COFRE_DENIED)
		return refusal(c, s, "");
	if (uid != OVERFLOW_ID && gid != OVERFLOW_ID)
		return call_fail(c, s,
		    "%s: permission denied: cofred can't tell who connects "
		    "(you are uid %u, gid %u)", c->what, uid, gid);
	return call_fail(c, s,
	    "%s: permission denied: cofred lets in nobody as uid %u, gid %u, "
	    "since %u (nobody, nogroup) can be anybody; use a user and a "
	    "group of this host", c->what, uid, gid, OVERFLOW_ID);
}
