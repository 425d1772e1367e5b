/*
 * ops: the handlers, one for each row of ops.def.
 *
 * A handler runs after the caller was allowed; it does what the operation
 * is, and writes the fields of its reply to q->reply.  Any status but OK
 * discards what it wrote.
 */
#ifndef COFRE_OPS_H
#define COFRE_OPS_H

#include "conn.h"
#include "server.h"

struct request {
	struct server *sv;
	struct conn *conn;
	const struct op *op;
	uint32_t id;
	struct view body;

	/* What the scope names; the views point into the body. */
	struct view workspace_name;
	struct view name;
	struct workspace *workspace; /* NULL: there is none */
	struct principal principal;  /* as whom it was allowed */

	/* For the record. */
	uint64_t record;
	uint32_t version;
	char detail[DETAIL_MAX + 1];

	struct wire_writer *reply; /* behind the status */
	bool recorded; /* the log has room for it */
	bool deferred; /* the answer comes later (unlock) */
	bool waits; /* it is served again later (tell.h) */
};

#define OP(code, ID, id, name, scope, action, flags)                         \
	enum cofre_status op_##id(struct request *q,                         \
	    const struct id##_request *in);
#include "ops.def"
#undef OP

/* May the caller do that with the name, in q->workspace?  For handlers of
   operations that are let in with a right to some names only. */
bool request_may(const struct request *q, enum action action,
    struct view name);

/* Is there any name in that workspace with which the caller may do that? */
bool request_may_some(const struct request *q, const struct workspace *ws,
    enum action action);

/* May the caller do that with another workspace than the request's?  What is
   in those, and whether they are there at all, is told to nobody else. */
bool request_sees(const struct request *q, const struct workspace *ws,
    enum action action);

/* May the caller do anything in that workspace, if only with some names? */
bool request_knows(const struct request *q, const struct workspace *ws);

/*
 * The target that has the key of an ssh client's request is what it is about:
 * q->workspace_name and q->name.  A key that is none's, or a deleted
 * workspace's, names nothing, and so nothing that anybody may use.
 */
enum cofre_status op_agent_object(struct request *q, struct view blob);

/* Make ready to change q->workspace, which is then saved. */
enum cofre_status op_begin_change(struct request *q);

/* May the caller give that role in q->workspace, for the names with that
   prefix?  Nobody gives what he has not himself.  In op_grant.c. */
bool op_may_give(const struct request *q, uint32_t role, struct view prefix);

/*
 * Whom a grant in a scope is for, as on the wire: the number of a user or
 * group; the name of a unit, or of the workspace whose identity it is, or the
 * low half of its id where the caller may not be told.  In op_grant.c.
 */
struct grantee {
	uint32_t id;
	struct view who;
};
struct grantee op_grantee(const struct request *q,
    const struct workspace *scope, const struct grant *g);

/*
 * How an unlock that took its time is finished: the log's keys are set, and
 * what its evidence says is judged.  Returns the final status.
 */
enum cofre_status op_unlock_finish(struct server *sv);

/* Open the vault with a keyfile's key, all at once: at start. */
enum cofre_status op_unlock_now(struct server *sv, struct view key);

#endif
