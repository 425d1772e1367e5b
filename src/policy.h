/*
 * policy: who may do what.  Pure: it is asked with what the kernel said of
 * the caller, and with the grants, bindings and roles of the vault, and
 * answers.
 *
 * Four outcomes, of which only one allows: an error is not a verdict.
 */
#ifndef COFRE_POLICY_H
#define COFRE_POLICY_H

#include "actions.h"
#include "facts.h"

/* The roles that every vault has; custom ones have numbers from
   ROLE_CUSTOM on. */
enum role_number {
	ROLE_NONE = 0,
	ROLE_OWNER = 1,
	ROLE_CONTRIBUTOR = 2,
	ROLE_READER = 3,
	ROLE_AGENT = 4,
	ROLE_SECRETS_OFFICER = 5,
	ROLE_CUSTOM = 16,
};

/* A role given to a principal. */
struct grant {
	uint8_t principal; /* enum principal_kind: USER, GROUP, IDENTITY, UNIT */
	uint32_t role;	   /* its number */
	uint64_t id;	   /* uid, gid, or workspace whose identity it is */
	uint32_t by;	   /* the uid that gave it */
	uint64_t created;
	char unit[UNIT_NAME_MAX + 1]; /* of a UNIT */
	/* It counts for secrets whose names begin so; empty: for everything. */
	char prefix[COFRE_SECRET_NAME_MAX + 1];
};

/*
 * What a process must be to be a managed identity: all that is not NO_ID or
 * empty here.  One of uid, unit and cgroup is there: the others anybody can
 * have.
 */
struct binding {
	uint32_t uid;
	uint32_t gid;
	uint32_t by;
	uint64_t created;
	bool has_sha256;
	uint8_t sha256[SHA256_LEN]; /* of its program */
	char exe[EXE_MAX + 1];	    /* the path of its program */
	char unit[UNIT_NAME_MAX + 1];
	char cgroup[CGROUP_MAX + 1]; /* this one, or one below it */
};

/* The grants and bindings of a workspace, or of the vault (id 0). */
struct policy_scope {
	uint64_t id;
	uint32_t version; /* every change counts it up */
	uint32_t grant_count;
	uint32_t binding_count;
	struct grant grants[GRANTS_MAX];
	struct binding bindings[BINDINGS_MAX];
};

/* Where a custom role may be given. */
struct role_scope {
	uint64_t workspace; /* 0: the vault */
	char prefix[COFRE_SECRET_NAME_MAX + 1];
};

/* A custom role. */
struct role {
	uint32_t number;
	uint32_t version;
	uint64_t actions; /* a set: what it comes to */
	uint64_t created;
	uint32_t uid; /* who defined this version */
	char name[ROLE_NAME_MAX + 1];
	uint32_t scope_count;
	struct role_scope scopes[];
};

/* All of it.  scopes[0] is the vault's; NULL where there is none. */
struct policy {
	const struct policy_scope *const *scopes;
	size_t scope_count;
	const struct role *const *roles; /* custom; NULL where there is none */
	size_t role_count;
};

/* What a run has read of a secret. */
struct run_read {
	uint32_t version; /* the last one; 0: none */
	uint32_t reads;
	uint64_t followed_record; /* what that version followed; 0: nothing */
	uint32_t followed;	  /* and its version then */
};

/* A secret that a run may read, and what it has read of it. */
struct run_secret {
	uint64_t record;
	char name[COFRE_SECRET_NAME_MAX + 1];
	uint32_t version; /* that it has read last; 0: none */
	uint32_t reads;
	uint64_t followed_record; /* what that version followed; 0: nothing */
	uint32_t followed;	  /* and its version then */
	struct run_read logged; /* the same without what this turn has read */
};

/* What a run may, and nothing else. */
struct run_rights {
	uint64_t workspace;
	uint32_t id; /* the first four bytes of the run's */
	bool over;   /* it may nothing any more */
	bool targets; /* it may use the targets that are for runs */
	const struct run_secret *secrets;
	size_t count;
};

/* Who asks, as the kernel says. */
struct subject {
	uint32_t uid;
	uint32_t gid;
	const uint32_t *groups; /* supplementary, in rising order */
	size_t group_count;
	uint32_t operator_group; /* NO_ID: only uid 0 is an operator */
	bool nobody; /* its process can't be seen from here (pid 0) */
	const struct facts *facts; /* of its process; NULL: not known */
	/* It is a run, or was, and nothing else; or NULL. */
	const struct run_rights *run;
	/* For questions about somebody who does not ask himself: uid and gid
	   may be NO_ID, and he is the identity of that workspace (0: none), or
	   an operator, whoever that is. */
	bool supposed;
	bool as_operator;
	uint64_t identity;
};

/* What is asked. */
struct question {
	enum action action;
	/* The workspace, or NULL: the vault, or one that is not there. */
	const struct policy_scope *scope;
	struct view name; /* of the secret, or empty */
	bool partial;	  /* a right to some names only is enough */
};

/* As whom the subject was allowed. */
struct principal {
	uint8_t kind; /* enum principal_kind */
	uint32_t id;  /* uid, gid, low half of a workspace's id, beginning of a
			 run's; or 0 */
};

/* The verdict.  as is set when it is ALLOW. */
enum verdict policy_check(const struct subject *s, const struct policy *p,
    const struct question *q, struct principal *as);

/*
 * The two halves of it, for those who explain: is the scope's grant for the
 * subject, and would it allow what is asked, to whom it is for?
 */
bool policy_grant_is_for(const struct policy *p,
    const struct policy_scope *scope, const struct grant *g,
    const struct subject *s);
/* True when it is for some processes of the subject's user, and nobody knows
   for which of them it is asked. */
bool policy_grant_may_be_for(const struct policy *p,
    const struct policy_scope *scope, const struct grant *g,
    const struct subject *s);
enum explain_outcome policy_grant_outcome(const struct policy *p,
    const struct grant *g, const struct question *q);

/* How far a binding fits. */
enum fit {
	FIT_NO,
	FIT_IDS,      /* uid and gid do; what the process is, nobody knows */
	FIT_BUT_HASH, /* all does, but for a SHA-256 that is not known yet */
	FIT_ALL,
};
enum fit policy_binding_fit(const struct binding *b, const struct subject *s);

/* How far the best of the scope's bindings fits. */
enum fit policy_identity_fit(const struct policy_scope *scope,
    const struct subject *s);

/* True when one of the scope's bindings fits the subject. */
bool policy_is_identity(const struct policy_scope *scope,
    const struct subject *s);

/* All that the subject may do there, as a set: by grants, and as operator. */
uint64_t policy_actions(const struct subject *s, const struct policy *p,
    const struct policy_scope *scope, struct view prefix);

/* True when the subject may do anything in the workspace, if only with some
   names: so that it is there is no secret to it. */
bool policy_knows(const struct subject *s, const struct policy *p,
    const struct policy_scope *scope);

/* True for a uid or gid that may stand for somebody: not the overflow id,
   not the id that means "none". */
bool policy_id_valid(uint32_t id);

/* True when the subject is an operator. */
bool policy_is_operator(const struct subject *s);

/* True when the name begins with the prefix. */
bool policy_has_prefix(struct view name, const char *prefix);

/*
 * Roles.  The i-th built-in one's number, ROLE_NONE behind the last; the
 * name of a number, "?" when it is not there; the number of the role with
 * that name, ROLE_NONE when there is none; the same for names that differ in
 * the case of letters only, which a new role must not; a custom role, or
 * NULL; the set of actions of a number, 0 when it is not there; and the
 * operators' fixed set.
 */
uint32_t policy_builtin(size_t i);
const char *policy_role_name(const struct policy *p, uint32_t number);
uint32_t policy_role_find(const struct policy *p, struct view name);
uint32_t policy_role_like(const struct policy *p, struct view name);
const struct role *policy_role(const struct policy *p, uint32_t number);
uint64_t policy_role_actions(const struct policy *p, uint32_t number);
uint64_t policy_operator_actions(void);

/* True when the role may be given there: a built-in one anywhere. */
bool policy_role_fits(const struct policy *p, uint32_t number,
    uint64_t workspace, const char *prefix);

#endif
