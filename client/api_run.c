#include "cofre.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "call.h"
#include "handle.h"
#include "hex.h"
#include "names.h"
#include "procstat.h"

#define TOKEN_PREFIX "cofre_r_"

_Static_assert(COFRE_RUN_ID_SIZE == 2 * RUN_ID_LEN + 1, "size of an id");
_Static_assert(COFRE_RUN_TOKEN_SIZE == RUN_TOKEN_MAX + 1, "size of a token");

/* A view of a text that may be NULL. */
static struct view
view_of_any(const char *s)
{
	return s == NULL ? (struct view){ NULL, 0 } : view_of(s);
}

/*
 * A program that was compiled with a later cofre.h has a longer struct: it
 * may use this library as long as it uses nothing that is new in it.
 */
static bool
size_is_known(const struct cofre_run_options *o)
{
	const uint8_t *rest = (const uint8_t *)o;

	if (o->size < sizeof(*o) || o->size > 4096)
		return false;
	for (size_t i = sizeof(*o); i < o->size; i++)
		if (rest[i] != 0)
			return false;
	return true;
}

/* What is wrong with the options, or NULL. */
static const char *
wrong_option(const struct cofre_run_options *o)
{
	if (o->secret_count > RUN_SECRETS_MAX)
		return "it can have 64 secrets at most";
	if (o->secrets == NULL && o->secret_count > 0)
		return "secrets is NULL";
	for (size_t i = 0; i < o->secret_count; i++)
		if (o->secrets[i] == NULL ||
		    !name_is_secret(view_of(o->secrets[i])))
			return "a secret's name is not valid";
	if (o->lifetime > RUN_LIFETIME_MAX)
		return "the lifetime is longer than 86400 seconds";
	if (o->has_uid && o->uid == NO_ID)
		return "the uid stands for nobody";
	if (view_of_any(o->label).len > RUN_LABEL_MAX)
		return "the label is longer than 127 bytes";
	if (o->snapshot_len > SNAPSHOT_MAX ||
	    (o->snapshot == NULL && o->snapshot_len > 0))
		return "the snapshot's digest has more than 64 bytes, or is "
		       "NULL";
	return NULL;
}

static enum cofre_status
find_process(cofre *c, int pid, struct run_start_request *q)
{
	if (pid <= 0)
		return call_fail(c, COFRE_ARGUMENT,
		    "run start: a pid is greater than 0");
	if (!procstat_start(pid, &q->start))
		return call_fail(c, COFRE_NO_PROCESS,
		    errno == ESRCH ? "run start: there is no process %d" :
		    "run start: process %d: /proc does not tell when it began: "
		    "%m", pid);
	q->pid = (uint32_t)pid;
	return COFRE_OK;
}

static enum cofre_status
find_self(cofre *c, struct run_start_request *q)
{
	if (!procstat_self(&q->start))
		return call_fail(c, COFRE_NO_PROCESS,
		    "run start: /proc does not tell when this process began: "
		    "%m");
	q->pid = (uint32_t)getpid();
	return COFRE_OK;
}

static enum cofre_status
find_cgroup(cofre *c, const char *cgroup, struct run_start_request *q)
{
	q->cgroup = view_of_any(cgroup);
	if (!name_is_path(q->cgroup))
		return call_fail(c, COFRE_ARGUMENT,
		    "run start: a cgroup is a path in the cgroup file system, "
		    "such as /ml.slice/job-7.scope");
	return COFRE_OK;
}

static enum cofre_status
find_target(cofre *c, const struct cofre_run_options *o, bool token,
    struct run_start_request *q)
{
	switch (o->target) {
	case COFRE_RUN_SELF:
		q->target = RUN_PROCESS;
		return find_self(c, q);
	case COFRE_RUN_PROCESS:
		q->target = RUN_PROCESS;
		return find_process(c, o->pid, q);
	case COFRE_RUN_CGROUP:
		q->target = RUN_CGROUP;
		return find_cgroup(c, o->cgroup, q);
	case COFRE_RUN_TOKEN:
		q->target = RUN_TOKEN_ONLY;
		if (token)
			return COFRE_OK;
		return api_missing(c, "run start", "token");
	}
	return call_fail(c, COFRE_ARGUMENT,
	    "run start: the target is none of enum cofre_run_target");
}

/* Check the options and make the request of them, but for the secrets. */
static enum cofre_status
fill(cofre *c, const struct cofre_run_options *o, bool token,
    struct run_start_request *q)
{
	struct api_object object;
	enum cofre_status s;
	const char *wrong;

	s = api_check_names(c, "run start", o->workspace, NULL, &object);
	if (s != COFRE_OK)
		return s;
	wrong = wrong_option(o);
	if (wrong != NULL)
		return call_fail(c, COFRE_ARGUMENT, "run start: %s", wrong);
	*q = (struct run_start_request){
		.workspace = view_of(o->workspace),
		.uid = o->has_uid ? o->uid : NO_ID,
		.lifetime = o->lifetime,
		.token = token,
		.snapshot = { o->snapshot, o->snapshot_len },
		.label = view_of_any(o->label),
	};
	return find_target(c, o, token, q);
}

/* As in put_request() of api.c: the message ends with its list. */
static void
put_request(struct wire_writer *w, const struct run_start_request *q,
    const struct cofre_run_options *o)
{
	struct name_item item;
	struct wire_list l;

	run_start_request_put(w, q);
	lists_take_back(w, 1);
	list_begin(&l, w);
	for (size_t i = 0; i < o->secret_count; i++) {
		item.name = view_of(o->secrets[i]);
		name_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
}

/* True for what can be a token: no byte of it needs care where it is used. */
static bool
is_token(struct view v)
{
	size_t n = strlen(TOKEN_PREFIX);

	if (v.len <= n || v.len > RUN_TOKEN_MAX ||
	    memcmp(v.data, TOKEN_PREFIX, n) != 0)
		return false;
	for (size_t i = n; i < v.len; i++) {
		uint8_t b = v.data[i];

		if (!(b >= 'a' && b <= 'z') && !(b >= 'A' && b <= 'Z') &&
		    !(b >= '0' && b <= '9') && b != '-' && b != '_')
			return false;
	}
	return true;
}

/* Copy what tells of a run; false when it can't be. */
static bool
take_run(struct view id, struct view workspace, uint64_t expires,
    struct cofre_run *ret)
{
	if (id.len != RUN_ID_LEN || !name_is_workspace(workspace))
		return false;
	memset(ret, 0, sizeof(*ret));
	(void)hex_encode(ret->id, id);
	memcpy(ret->workspace, workspace.data, workspace.len);
	ret->expires = expires;
	return true;
}

/* The reply has a token exactly when one was asked for. */
static bool
take_start(const char *workspace, struct view body, struct cofre_run *ret,
    char *token)
{
	struct run_start_reply m;

	if (!run_start_reply_decode(body, &m) ||
	    (token != NULL ? !is_token(m.token) : m.token.len > 0) ||
	    !take_run(m.run, view_of(workspace), m.expires, ret))
		return false;
	if (token != NULL) {
		memcpy(token, m.token.data, m.token.len);
		token[m.token.len] = '\0';
	}
	return true;
}

/* Somebody is a run already; which one, the daemon does not say. */
static enum cofre_status
fail_conflict(cofre *c, const struct cofre_run_options *o)
{
	static const char advice[] = "is a run already, perhaps of another "
	    "workspace: end that one first, or start none";
	char what[64] = "this process";

	if (o->target == COFRE_RUN_PROCESS)
		(void)snprintf(what, sizeof(what), "process %d", o->pid);
	if (o->target == COFRE_RUN_CGROUP)
		return call_fail(c, COFRE_CONFLICT, "%s: cgroup %.240s %s",
		    c->what, o->cgroup, advice);
	return call_fail(c, COFRE_CONFLICT, "%s: %s %s", c->what, what,
	    advice);
}

enum cofre_status
cofre_run_start(cofre *c, const struct cofre_run_options *options,
    struct cofre_run *ret, char *token, size_t token_size)
{
	struct run_start_request q;
	struct view body;
	enum cofre_status s;

	if (c == NULL)
		return COFRE_ARGUMENT;
	if (options == NULL || ret == NULL)
		return api_missing(c, "run start",
		    options == NULL ? "options" : "ret");
	if (!size_is_known(options))
		return call_fail(c, COFRE_ARGUMENT,
		    "run start: size is not that of the options, or they "
		    "have what this library does not know");
	if (token != NULL && token_size < COFRE_RUN_TOKEN_SIZE)
		return call_fail(c, COFRE_ARGUMENT,
		    "run start: a token needs %u bytes of room",
		    COFRE_RUN_TOKEN_SIZE);
	s = fill(c, options, token != NULL, &q);
	if (s != COFRE_OK)
		return s;
	put_request(call_begin(c, OP_RUN_START), &q, options);
	s = call_run(c, "run start", options->workspace, &body);
	if (s == COFRE_CONFLICT)
		(void)fail_conflict(c, options);
	if (s == COFRE_OK && !take_start(options->workspace, body, ret, token))
		s = call_bad_reply(c);
	call_done(c);
	return s;
}

/*
 * The id of a call that names a run; the object of its errors is
 * "ml-prod/ID".
 */
static enum cofre_status
check_run(cofre *c, const char *verb, const char *workspace, const char *id,
    uint8_t run[RUN_ID_LEN], struct api_object *object)
{
	enum cofre_status s = api_check_names(c, verb, workspace, NULL,
	    object);

	if (s != COFRE_OK)
		return s;
	if (id == NULL)
		return api_missing(c, verb, "id");
	if (!hex_decode(view_of(id), run, RUN_ID_LEN))
		return call_fail(c, COFRE_ARGUMENT,
		    "%s: the id of a run is 32 hexadecimal digits, in lower "
		    "case", verb);
	(void)snprintf(object->text, sizeof(object->text), "%s/%s",
	    workspace, id);
	return COFRE_OK;
}

enum cofre_status
cofre_run_end(cofre *c, const char *workspace, const char *id)
{
	struct run_end_request q;
	struct run_end_reply m;
	struct api_object object;
	uint8_t run[RUN_ID_LEN];
	struct view body;
	enum cofre_status s;

	if (c == NULL)
		return COFRE_ARGUMENT;
	s = check_run(c, "run end", workspace, id, run, &object);
	if (s != COFRE_OK)
		return s;
	q.workspace = view_of(workspace);
	q.run = (struct view){ run, sizeof(run) };
	run_end_request_put(call_begin(c, OP_RUN_END), &q);
	s = call_run(c, "run end", object.text, &body);
	if (s == COFRE_OK && !run_end_reply_decode(body, &m))
		s = call_bad_reply(c);
	call_done(c);
	return s;
}

enum cofre_status
cofre_run_renew(cofre *c, const char *workspace, const char *id,
    uint32_t lifetime, uint64_t *expires)
{
	struct run_renew_request q = { .lifetime = lifetime };
	struct run_renew_reply m;
	struct api_object object;
	uint8_t run[RUN_ID_LEN];
	struct view body;
	enum cofre_status s;

	if (c == NULL)
		return COFRE_ARGUMENT;
	s = check_run(c, "run renew", workspace, id, run, &object);
	if (s != COFRE_OK)
		return s;
	if (lifetime > RUN_LIFETIME_MAX)
		return call_fail(c, COFRE_ARGUMENT,
		    "run renew: the lifetime is longer than %u seconds",
		    RUN_LIFETIME_MAX);
	q.workspace = view_of(workspace);
	q.run = (struct view){ run, sizeof(run) };
	run_renew_request_put(call_begin(c, OP_RUN_RENEW), &q);
	s = call_run(c, "run renew", object.text, &body);
	if (s == COFRE_RUN_ENDED)
		(void)call_fail(c, s,
		    "run renew %s: the run is over; start another one",
		    object.text);
	if (s == COFRE_OK && !run_renew_reply_decode(body, &m))
		s = call_bad_reply(c);
	if (s == COFRE_OK && expires != NULL)
		*expires = m.expires;
	call_done(c);
	return s;
}

enum cofre_status
cofre_run_attach(cofre *c, const char *token, struct cofre_run *ret)
{
	struct run_attach_request q;
	struct run_attach_reply m;
	struct view body;
	enum cofre_status s;

	if (c == NULL)
		return COFRE_ARGUMENT;
	if (token == NULL || ret == NULL)
		return api_missing(c, "run attach",
		    token == NULL ? "token" : "ret");
	q.token = view_of(token);
	if (!is_token(q.token))
		return call_fail(c, COFRE_ARGUMENT,
		    "run attach: that is not the token of a run");
	run_attach_request_put(call_begin(c, OP_RUN_ATTACH), &q);
	s = call_run(c, "run attach", "", &body);
	if (s == COFRE_DENIED)
		(void)call_fail(c, s,
		    "run attach: the token is not valid: its run is over, or "
		    "another user's (you are uid %u)", (unsigned)geteuid());
	if (s == COFRE_OK && (!run_attach_reply_decode(body, &m) ||
	    !take_run(m.run, m.workspace, m.expires, ret)))
		s = call_bad_reply(c);
	/* For the connections that wait for newer versions. */
	if (s == COFRE_OK)
		memcpy(c->token, token, strlen(token) + 1);
	call_done(c);
	return s;
}
