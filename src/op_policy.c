/* policy.explain and policy.who: why a decision falls as it does. */
#include <stdio.h>
#include <string.h>

#include "identity.h"
#include "names.h"
#include "ops.h"

static const char operator_role[] = "operator", run_role[] = "run";

/* What both are asked: an action, of a workspace, a name in it, or the
   vault. */
static enum cofre_status
read_question(struct request *q, struct view name, struct view action,
    struct question *ask)
{
	*ask = (struct question){ .action = action_find(action), .name = name };
	if (ask->action == ACTION_NONE ||
	    (name.len > 0 &&
		(!name_is_secret(name) || q->workspace->slot == 0)))
		return COFRE_INVALID;
	if (q->workspace->slot != 0)
		ask->scope = &q->workspace->policy;
	return COFRE_OK;
}

/* "user:1001 workspaces/secrets/value/read train-a", for the log: to look
   through other people's rights is an event as well. */
static void
detail_question(struct request *q, const char *who, struct view action,
    struct view name)
{
	(void)snprintf(q->detail, sizeof(q->detail), "%s %.*s%s%.*s", who,
	    (int)action.len, action.len == 0 ? "" : (const char *)action.data,
	    name.len == 0 ? "" : " ", (int)name.len,
	    name.len == 0 ? "" : (const char *)name.data);
}

/* Somebody who is not there to be asked about by the kernel. */
static enum cofre_status
suppose(struct request *q, const struct policy_explain_request *in,
    uint32_t *groups, struct facts *facts, struct subject *s)
{
	struct wire_reader r = list_reader(in->groups);
	struct workspace *ws;
	struct group_item item;

	*s = (struct subject){ .uid = NO_ID, .gid = in->gid, .supposed = true,
		.operator_group = q->sv->config.operator_group };
	for (uint32_t i = 0; i < in->groups.count; i++) {
		group_item_get(&r, &item);
		/* In rising order, so that they can be looked up. */
		if (r.bad || (i > 0 && item.gid <= groups[i - 1]))
			return COFRE_INVALID;
		groups[i] = item.gid;
	}
	if (!wire_reader_done(&r))
		return COFRE_INVALID;
	s->groups = groups;
	s->group_count = in->groups.count;
	if (in->principal == PRINCIPAL_USER && policy_id_valid(in->id))
		s->uid = in->id;
	else if (in->principal == PRINCIPAL_GROUP && policy_id_valid(in->id))
		s->gid = in->id;
	else if (in->principal == PRINCIPAL_OPERATOR)
		s->as_operator = true;
	else if (in->principal == PRINCIPAL_UNIT &&
	    facts_unit_is_valid(in->who)) {
		memcpy(facts->unit, in->who.data, in->who.len);
		s->facts = facts;
	} else if (in->principal == PRINCIPAL_IDENTITY) {
		ws = vault_workspace(&q->sv->vault, in->who);
		if (ws == NULL || ws->slot == 0 ||
		    (ws != q->workspace &&
			!request_sees(q, ws, ACTION_WORKSPACE_READ)))
			return COFRE_NOT_FOUND;
		s->identity = ws->id;
	} else
		return COFRE_INVALID;
	return COFRE_OK;
}

/* The grants of one scope that are for the subject, and what each does. */
static void
explain_scope(struct request *q, const struct workspace *ws,
    const struct subject *s, const struct question *ask, struct wire_list *l)
{
	struct policy p = vault_policy(&q->sv->vault);

	for (size_t i = 0; i < ws->policy.grant_count; i++) {
		const struct grant *g = &ws->policy.grants[i];
		const struct role *role = policy_role(&p, g->role);
		struct explain_item item = {
			.scope = view_of(ws->name),
			.principal = g->principal,
			.role = view_of(policy_role_name(&p, g->role)),
			.role_version = role == NULL ? 0 : role->version,
			.prefix = view_of(g->prefix),
			.created = g->created,
			.uid = g->by,
		};

		struct grantee to;

		item.outcome = EXPLAIN_IF_PROCESS;
		if (policy_grant_is_for(&p, &ws->policy, g, s))
			item.outcome = (uint8_t)policy_grant_outcome(&p, g,
			    ask);
		else if (!policy_grant_may_be_for(&p, &ws->policy, g, s) ||
		    policy_grant_outcome(&p, g, ask) != EXPLAIN_ALLOWS)
			continue;
		to = op_grantee(q, ws, g);
		item.id = to.id;
		item.who = to.who;
		explain_item_put(q->reply, &item);
		list_item(l);
	}
}

static void
explain_operator(struct request *q, const struct question *ask,
    struct wire_list *l)
{
	const struct explain_item item = {
		.principal = PRINCIPAL_OPERATOR,
		.role = view_of(operator_role),
		.outcome = (policy_operator_actions() &
			       action_bit(ask->action)) != 0 ?
		    EXPLAIN_ALLOWS :
		    EXPLAIN_NO_ACTION,
	};

	explain_item_put(q->reply, &item);
	list_item(l);
}

enum cofre_status
op_policy_explain(struct request *q, const struct policy_explain_request *in)
{
	struct policy p = vault_policy(&q->sv->vault);
	uint32_t groups[PEER_GROUPS_MAX];
	char text[PRINCIPAL_TEXT];
	struct question ask;
	struct principal as;
	struct facts facts = { .uid = NO_ID };
	struct subject s;
	struct wire_list l;
	enum cofre_status st;

	detail_question(q, principal_text(in->principal, in->id, in->who,
	    text), in->action, in->name);
	if ((st = read_question(q, in->name, in->action, &ask)) != COFRE_OK ||
	    (st = suppose(q, in, groups, &facts, &s)) != COFRE_OK)
		return st;
	wire_put_u8(q->reply, policy_check(&s, &p, &ask, &as));
	list_begin(&l, q->reply);
	if (ask.scope != NULL)
		explain_scope(q, q->workspace, &s, &ask, &l);
	explain_scope(q, q->sv->vault.workspaces[0], &s, &ask, &l);
	if (policy_is_operator(&s))
		explain_operator(q, &ask, &l);
	list_end(&l);
	return COFRE_OK;
}

/* The grants of one scope by which somebody may. */
static void
who_in(struct request *q, const struct workspace *ws,
    const struct question *ask, struct wire_list *l)
{
	struct policy p = vault_policy(&q->sv->vault);

	for (size_t i = 0; i < ws->policy.grant_count; i++) {
		const struct grant *g = &ws->policy.grants[i];
		struct who_item item = { .principal = g->principal,
			.role = view_of(policy_role_name(&p, g->role)),
			.scope = view_of(ws->name),
			.prefix = view_of(g->prefix) };
		struct grantee to;

		if (policy_grant_outcome(&p, g, ask) != EXPLAIN_ALLOWS)
			continue;
		to = op_grantee(q, ws, g);
		item.id = to.id;
		item.who = to.who;
		who_item_put(q->reply, &item);
		list_item(l);
	}
}

/* The runs that may, as they are decided about. */
static void
who_runs(struct request *q, const struct question *ask, struct wire_list *l)
{
	const struct runs *runs = &q->sv->vault.runs;
	struct policy p = vault_policy(&q->sv->vault);
	char hex[RUN_HEX];

	for (size_t i = 0; i < runs->count; i++) {
		const struct run *r = runs->list[i];
		const struct subject s = { .uid = NO_ID, .gid = NO_ID,
			.operator_group = NO_ID, .supposed = true,
			.run = &r->rights };
		const struct who_item item = { .principal = PRINCIPAL_RUN,
			.who = view_of(run_hex(r, hex)),
			.role = view_of(run_role),
			.scope = view_of(q->workspace->name) };
		struct principal as;

		if (policy_check(&s, &p, ask, &as) != VERDICT_ALLOW)
			continue;
		who_item_put(q->reply, &item);
		list_item(l);
	}
}

enum cofre_status
op_policy_who(struct request *q, const struct policy_who_request *in)
{
	const struct who_item operators = { .principal = PRINCIPAL_OPERATOR,
		.role = view_of(operator_role) };
	struct question ask;
	struct wire_list l;
	enum cofre_status st;

	detail_question(q, "who", in->action, in->name);
	if ((st = read_question(q, in->name, in->action, &ask)) != COFRE_OK)
		return st;
	/* Of a workspace: also those who may with some of its names. */
	ask.partial = ask.scope != NULL && in->name.len == 0;
	list_begin(&l, q->reply);
	if (ask.scope != NULL) {
		who_in(q, q->workspace, &ask, &l);
		who_runs(q, &ask, &l);
	}
	who_in(q, q->sv->vault.workspaces[0], &ask, &l);
	if ((policy_operator_actions() & action_bit(ask.action)) != 0) {
		who_item_put(q->reply, &operators);
		list_item(&l);
	}
	list_end(&l);
	return COFRE_OK;
}
