/* run.start. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "names.h"
#include "ops.h"
#include "token.h"
#include "watch.h"

/* Does the message say something that can be? */
static enum cofre_status
check_fields(const struct run_start_request *in)
{
	bool process = in->target == RUN_PROCESS;
	bool cgroup = in->target == RUN_CGROUP;

	if (in->target > RUN_CGROUP || in->lifetime > RUN_LIFETIME_MAX ||
	    (in->target == RUN_TOKEN_ONLY && !in->token) ||
	    (in->uid != NO_ID && !policy_id_valid(in->uid)) ||
	    process != (in->pid != 0) || process != (in->start != 0) ||
	    cgroup != (in->cgroup.len > 0) ||
	    (cgroup && !name_is_path(in->cgroup)) ||
	    (in->label.len > 0 &&
		memchr(in->label.data, '\0', in->label.len) != NULL))
		return COFRE_INVALID;
	return COFRE_OK;
}

/*
 * Take the names, each once; INVALID otherwise.  The caller must have the
 * right to start runs for each of them.  The run may use the workspace's
 * targets if he may start any run there, and use them himself; one without
 * secrets is for nothing else.
 */
static enum cofre_status
take_names(struct request *q, struct list secrets, struct run *r)
{
	struct wire_reader reader = list_reader(secrets);
	struct name_item item;

	r->rights.targets = request_may(q, ACTION_RUN_WRITE, view_of("")) &&
	    request_may(q, ACTION_TARGET_USE, view_of(""));
	if (secrets.count == 0 && !r->rights.targets)
		return COFRE_DENIED;
	for (uint32_t i = 0; i < secrets.count; i++) {
		name_item_get(&reader, &item);
		if (reader.bad || !name_is_secret(item.name) ||
		    run_find_secret(r, item.name) != NULL)
			return COFRE_INVALID;
		if (!request_may(q, ACTION_RUN_WRITE, item.name))
			return COFRE_DENIED;
		memcpy(r->secrets[i].name, item.name.data, item.name.len);
	}
	return wire_reader_done(&reader) ? COFRE_OK : COFRE_INVALID;
}

/* Is the workspace's identity bound to a digest? */
static bool
binds_digest(const struct request *q)
{
	const struct policy_scope *p = &q->workspace->policy;

	for (size_t i = 0; i < p->binding_count; i++)
		if (p->bindings[i].has_sha256)
			return true;
	return false;
}

/*
 * Ask who the process is, or whose the cgroup; the request comes again then.
 * The pidfd is of the process that has the number now: if it still lives when
 * the answer is there, the answer is about it.
 */
static enum cofre_status
ask(struct request *q, const struct run_start_request *in)
{
	int pidfd = -1;

	if (in->target == RUN_PROCESS &&
	    (pidfd = watch_open_process(in->pid)) == -1)
		return COFRE_NO_PROCESS;
	if (conn_look(q->conn, in->pid, pidfd, binds_digest(q), in->cgroup))
		return COFRE_BUSY; /* nobody gets to see that */
	if (pidfd != -1)
		(void)close(pidfd);
	return COFRE_NO_PROCESS;
}

/* Is it there, and the caller's to give a run to?  uid 0 may name any. */
static bool
is_callers(const struct request *q, const struct run_start_request *in)
{
	const struct look *l = &q->conn->look;
	uint32_t uid = q->conn->peer.uid;

	if (l->fd == -1 || !policy_id_valid(l->facts.uid) ||
	    (uid != 0 && l->facts.uid != uid))
		return false;
	return in->target == RUN_CGROUP ||
	    (l->facts.start == in->start && watch_lives(l->fd) &&
		(uid == 0 || in->uid == NO_ID || in->uid == uid));
}

/* Whose connections are the run's. */
static uint32_t
uid_of(const struct request *q, const struct run_start_request *in)
{
	if (in->uid != NO_ID)
		return in->uid;
	switch ((enum run_target)in->target) {
	case RUN_PROCESS:
		return q->conn->look.facts.uid;
	case RUN_CGROUP:
		break;
	case RUN_TOKEN_ONLY:
		return q->conn->peer.uid;
	}
	return NO_ID;
}

/* A process that is the workspace's identity may use what it may not see. */
static bool
is_identity(const struct request *q, const struct run *r)
{
	const struct facts *f = &q->conn->look.facts;
	const struct subject process = { .uid = f->uid, .gid = f->gid,
		.facts = f };

	return r->target == RUN_PROCESS &&
	    policy_is_identity(&q->workspace->policy, &process);
}

/* May the run have the secrets, and are they there?  With a token whoever has
   it would see what only the identity's process is to use. */
static enum cofre_status
check_secrets(struct request *q, struct run *r, bool token)
{
	struct catalog *catalog = q->sv->vault.catalog;
	bool identity = !token && is_identity(q, r);

	for (size_t i = 0; i < r->rights.count; i++) {
		struct view name = view_of(r->secrets[i].name);
		const struct catalog_entry *e;

		if (!request_may(q, ACTION_SECRET_READ, name) &&
		    !(identity && request_may(q, ACTION_SECRET_USE, name)))
			return COFRE_DENIED;
		e = catalog_find(catalog, q->workspace->id, name);
		if (e == NULL || e->state == SECRET_PURGED)
			return COFRE_NOT_FOUND;
		if (e->state == SECRET_DELETED)
			return COFRE_DELETED;
		r->secrets[i].record = e->record;
	}
	return COFRE_OK;
}

static void
fill(struct request *q, const struct run_start_request *in, struct run *r)
{
	uint64_t lifetime = in->lifetime == 0 ? RUN_LIFETIME : in->lifetime;
	const struct server *sv = q->sv;

	do { /* its beginning stands for it in the log */
		crypto_random(r->id, sizeof(r->id));
		run_set_rights(r, q->workspace->id, r->rights.count);
	} while (runs_find_principal(&sv->vault.runs, r->rights.id) != NULL);
	r->target = in->target;
	r->pid = in->pid;
	r->start = in->start;
	if (r->target == RUN_CGROUP ||
	    (r->target == RUN_PROCESS && sv->has_inodes))
		r->inode = peer_inode(q->conn->look.fd);
	if (in->cgroup.len > 0)
		memcpy(r->cgroup, in->cgroup.data, in->cgroup.len);
	r->uid = uid_of(q, in);
	memcpy(r->boot, sv->boot_id, sizeof(r->boot));
	if (in->label.len > 0)
		memcpy(r->label, in->label.data, in->label.len);
	r->snapshot_len = in->snapshot.len;
	if (in->snapshot.len > 0)
		memcpy(r->snapshot, in->snapshot.data, in->snapshot.len);
	r->created = sv->now;
	r->real_deadline = sv->now + lifetime * 1000000;
	r->boot_deadline = sv->boot_clock + lifetime * 1000000;
	r->by = q->conn->peer.uid;
}

static void
describe(struct request *q, const struct run *r)
{
	char hex[RUN_HEX], target[32] = "token", digest[2 * SNAPSHOT_MAX + 1];
	size_t n;

	if (r->target == RUN_PROCESS)
		(void)snprintf(target, sizeof(target), "process %u", r->pid);
	else if (r->target == RUN_CGROUP)
		(void)snprintf(target, sizeof(target), "cgroup");
	n = (size_t)snprintf(q->detail, sizeof(q->detail),
	    "run %s %s %zu secrets", run_hex(r, hex), target,
	    r->rights.count);
	for (size_t i = 0; i < r->snapshot_len; i++)
		(void)snprintf(digest + 2 * i, 3, "%02x", r->snapshot[i]);
	if (r->snapshot_len > 0)
		(void)snprintf(q->detail + n, sizeof(q->detail) - n,
		    " snapshot %s", digest);
}

/* The run is whole: take it in, watch it, and answer. */
static enum cofre_status
start(struct request *q, const struct run_start_request *in, struct run *r)
{
	struct vault *v = &q->sv->vault;
	char token[TOKEN_LEN + 1] = "";
	struct run_start_reply out;
	enum cofre_status st;

	if (in->token) {
		token_make(token);
		r->has_token = token_hash(view_of(token),
		    keyring_token(&v->keyring), r->hash);
	}
	if (r->target != RUN_TOKEN_ONLY &&
	    !watch_add(q->sv, r, q->conn->look.fd))
		st = COFRE_LIMIT;
	else {
		q->conn->look.fd = -1;
		st = runs_add(v, q->workspace, r);
	}
	if (st == COFRE_OK) {
		describe(q, r);
		out = (struct run_start_reply){ { r->id, sizeof(r->id) },
			r->real_deadline, view_of(token) };
		run_start_reply_put(q->reply, &out);
	}
	secmem_wipe(token, sizeof(token));
	return st;
}

static enum cofre_status
prepare(struct request *q, const struct run_start_request *in, struct run *r)
{
	enum cofre_status st;

	if ((st = take_names(q, in->secrets, r)) != COFRE_OK)
		return st;
	if (in->target != RUN_TOKEN_ONLY) {
		if (q->conn->look.state != LOOK_DONE)
			return ask(q, in);
		if (q->conn->look.late)
			return COFRE_BUSY;
		if (!is_callers(q, in))
			return COFRE_NO_PROCESS;
	}
	fill(q, in, r);
	if ((st = check_secrets(q, r, in->token)) != COFRE_OK)
		return st;
	return runs_has_target(&q->sv->vault.runs, r) ? COFRE_CONFLICT :
							COFRE_OK;
}

enum cofre_status
op_run_start(struct request *q, const struct run_start_request *in)
{
	enum cofre_status st;
	struct run *r;

	if ((st = check_fields(in)) != COFRE_OK)
		return st;
	if ((r = run_new(in->secrets.count)) == NULL)
		return COFRE_LIMIT;
	if ((st = prepare(q, in, r)) == COFRE_OK)
		st = start(q, in, r);
	if (st != COFRE_OK)
		run_free(r);
	return st;
}
