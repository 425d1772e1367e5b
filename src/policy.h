/*
 * policy: who may do what.  Pure: it is asked with what the kernel said of
 * the caller and with the grants of the scope, and answers.
 *
 * Four outcomes, of which only one allows: an error is not a verdict.
 */
#ifndef COFRE_POLICY_H
#define COFRE_POLICY_H

#include "proto.h"

/* A role given to a principal: user (uid) or group (gid). */
struct grant {
	uint8_t principal; /* enum principal_kind */
	uint8_t role;	   /* enum role */
	uint32_t id;
	uint32_t by; /* the uid that gave it */
	uint64_t created;
};

/* What a process must be to be a managed identity: the uid, and the gid
   unless that is NO_ID. */
struct binding {
	uint32_t uid;
	uint32_t gid;
	uint32_t by;
	uint64_t created;
};

/* Who asks, as the kernel says. */
struct subject {
	uint32_t uid;
	uint32_t gid;
	const uint32_t *groups; /* supplementary, in rising order */
	size_t group_count;
	uint32_t operator_group; /* NO_ID: only uid 0 is an operator */
	bool nobody; /* its process can't be seen from here (pid 0) */
};

/* The grants and bindings of a workspace, or of the vault. */
struct policy {
	const struct grant *grants;
	size_t grant_count;
	const struct binding *bindings;
	size_t binding_count;
};

enum verdict {
	VERDICT_ERROR = 0, /* the question makes no sense: refused */
	VERDICT_NO_MATCH,  /* nothing here is about the subject: refused */
	VERDICT_DENY,	   /* it has roles, but none with the action */
	VERDICT_ALLOW,
};

/* As whom the subject was allowed. */
struct principal {
	uint8_t kind; /* enum principal_kind */
	uint32_t id;  /* uid or gid; 0 for operator and identity */
};

/*
 * The verdict for one action.  vault is the scope above; workspace may be
 * NULL when the action is on the vault or on a workspace that is not there.
 * as is set when it is ALLOW.
 */
enum verdict policy_check(const struct subject *s, const struct policy *vault,
    const struct policy *workspace, enum action action, struct principal *as);

/* True for a uid or gid that may stand for somebody: not the overflow id,
   not the id that means "none". */
bool policy_id_valid(uint32_t id);

/* True when the subject is an operator. */
bool policy_is_operator(const struct subject *s);

/* The set of actions of a role, and of the two principals with a fixed one. */
uint32_t policy_role_actions(uint8_t role);
uint32_t policy_operator_actions(void);
uint32_t policy_identity_actions(void);

#endif
