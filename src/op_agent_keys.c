/* What an ssh client asks its agent for: keys, and signatures by them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "op_agent.h"
#include "op_ca.h"
#include "op_target.h"
#include "quota.h"
#include "signing.h"

#define IDENTITIES_MAX 256u /* keys and certificates of one answer, */
#define CERTIFICATES_MAX 64u /* and these among them */

/* A list that is being made. */
struct listing {
	struct ssh_agent_list list;
	unsigned certificates;
	uint64_t first, last; /* their serials */
};

enum cofre_status
op_agent_object(struct request *q, struct view blob)
{
	const uint8_t *key = ssh_cert_key(blob, SSH_CERT_USER);
	struct vault *v = &q->sv->vault;
	const struct target *t =
	    key == NULL ? NULL : targets_find_key(&v->targets, key);
	struct workspace *ws =
	    t == NULL ? NULL : vault_workspace_by_id(v, t->item.workspace);

	if (ws != NULL) {
		q->workspace_name = view_of(ws->name);
		q->name = view_of(t->item.name);
	}
	return COFRE_OK;
}

/* It is asked for all workspaces, or for the one that was chosen. */
static bool
is_chosen(const struct request *q, const struct workspace *ws)
{
	const char *chosen = q->conn->agent->workspace;

	return chosen[0] == '\0' || strcmp(chosen, ws->name) == 0;
}

static void
put_key(struct request *q, struct listing *l, const struct target *t,
    const struct target_key *k)
{
	uint8_t blob[SSH_KEY_BLOB_LEN];
	char comment[SSH_COMMENT_MAX + 1];
	struct wire_writer w;

	wire_writer_init(&w, blob, sizeof(blob));
	ssh_key_put(&w, k->public);
	(void)snprintf(comment, sizeof(comment), "cofre:%s/%s#%u",
	    q->workspace->name, t->item.name, k->version);
	ssh_agent_list_key(&l->list, (struct view){ blob, w.len },
	    view_of(comment));
}

/* A certificate for the newest key, for as long as it takes to log in, where
   the target's options are such that one can have them. */
static enum cofre_status
put_certificate(struct request *q, struct listing *l, const struct target *t)
{
	uint8_t blob[AUTHORITY_CERT_MAX];
	char comment[SSH_COMMENT_MAX + 1];
	struct ssh_cert c = { .extensions = 0 };
	struct wire_writer w;
	enum cofre_status st;

	if (!op_ca_options(t, &c))
		return COFRE_OK;
	wire_writer_init(&w, blob, sizeof(blob));
	if ((st = op_ca_certify(q, t, CA_USER_LIFE, &c, &w)) != COFRE_OK)
		return st;
	(void)snprintf(comment, sizeof(comment), "cofre:%s/%s",
	    q->workspace->name, t->item.name);
	ssh_agent_list_key(&l->list, (struct view){ blob, w.len },
	    view_of(comment));
	if (l->certificates++ == 0)
		l->first = c.serial;
	l->last = c.serial;
	return COFRE_OK;
}

static bool
is_full(const struct listing *l)
{
	const struct wire_writer *w = l->list.w;

	return l->list.count + TARGET_KEYS_MAX + 1 > IDENTITIES_MAX ||
	    w->cap - w->len < AUTHORITY_CERT_MAX;
}

/* Those of q->workspace that the caller may use, and that are of use to him:
   a host that is offered too many keys ends the connection. */
static enum cofre_status
list_workspace(struct request *q, struct listing *l, bool run)
{
	const struct targets *ts = &q->sv->vault.targets;
	const struct target *t = targets_next(ts, q->workspace->id,
	    view_of(""));
	bool all = request_may(q, ACTION_TARGET_USE, view_of(""));
	enum cofre_status st = COFRE_OK;

	for (; t != NULL && !is_full(l) && st == COFRE_OK;
	     t = targets_next(ts, q->workspace->id, view_of(t->item.name))) {
		if ((run && !t->for_runs) ||
		    !signing_is_of_use(t, &q->conn->agent->bound) ||
		    (!all && !request_may(q, ACTION_TARGET_USE,
			view_of(t->item.name))))
			continue;
		if (run && l->certificates < CERTIFICATES_MAX)
			st = put_certificate(q, l, t);
		for (uint32_t i = t->key_count; i-- > 0;)
			put_key(q, l, t, &t->keys[i]);
	}
	return st;
}

static void
say_list(struct request *q, const struct listing *l)
{
	int n = snprintf(q->detail, sizeof(q->detail), "%u identities",
	    l->list.count);

	if (l->certificates > 0)
		(void)snprintf(q->detail + n, sizeof(q->detail) - (size_t)n,
		    ", certificates of serial %" PRIu64 " to %" PRIu64,
		    l->first, l->last);
}

enum cofre_status
op_ssh_identities(struct request *q, const struct ssh_identities_request *in)
{
	struct vault *v = &q->sv->vault;
	const struct run *run = conn_run(q->conn);
	struct listing l = { .certificates = 0 };
	enum cofre_status st = COFRE_OK;

	(void)in;
	quota_spent(q->conn);
	if (run != NULL && run->rights.over)
		return COFRE_RUN_ENDED;
	ssh_agent_list_begin(&l.list, q->reply);
	for (size_t i = 1; i < WORKSPACES_MAX && st == COFRE_OK; i++) {
		struct workspace *ws = v->workspaces[i];

		if (ws == NULL || ws->state != WORKSPACE_LIVE ||
		    !is_chosen(q, ws) ||
		    !request_may_some(q, ws, ACTION_TARGET_USE))
			continue;
		q->workspace = ws;
		st = list_workspace(q, &l, run != NULL);
	}
	q->workspace = NULL;
	/* A run has certificates by it: they are in its workspace's log. */
	if (run != NULL) {
		q->workspace = vault_workspace_by_id(v, run->rights.workspace);
		q->principal = (struct principal){ PRINCIPAL_RUN,
			run->rights.id };
	}
	ssh_agent_list_end(&l.list);
	say_list(q, &l);
	return st;
}

/* The key of the target that the request names; it is one of its keys. */
static const struct target_key *
key_of(const struct target *t, const uint8_t *public)
{
	for (uint32_t i = 0; i < t->key_count; i++)
		if (memcmp(t->keys[i].public, public, PUBLIC_KEY_LEN) == 0)
			return &t->keys[i];
	return NULL;
}

/* For the record: what was signed. */
static void
say_signed(struct request *q, const struct ssh_tosign *what,
    const uint8_t *host)
{
	struct ssh_cert c;
	char serial[32] = "";

	if (host == NULL) {
		(void)snprintf(q->detail, sizeof(q->detail), "sshsig %.*s",
		    (int)what->name_space.len,
		    (const char *)what->name_space.data);
		return;
	}
	if (what->is_certificate && ssh_cert_get(what->blob, &c))
		(void)snprintf(serial, sizeof(serial), " serial %" PRIu64,
		    c.serial);
	op_agent_say(q, what->session, host, serial);
}

/* NULL when it may be signed with the key, else why not. */
static const char *
refusal(struct request *q, const struct target *t,
    const struct target_key *k, const struct ssh_tosign *what,
    const uint8_t **host)
{
	const struct vault *v = &q->sv->vault;
	const char *why;
	char id[SSH_CERT_ID_MAX + 1];

	if (!is_chosen(q, q->workspace))
		return "another workspace was chosen";
	if (!op_target_is_open(q, t))
		return "the target is not for runs";
	why = signing_refusal(t, &q->conn->agent->bound, k->public, what,
	    host);
	if (why != NULL || what->kind != SSH_TOSIGN_LOGIN ||
	    !what->is_certificate)
		return why;
	op_ca_caller(q, id);
	return signing_certificate_refusal(
	    targets_ca(&v->targets, t->item.workspace), what->blob,
	    view_of(id), q->sv->now);
}

enum cofre_status
op_ssh_sign(struct request *q, const struct ssh_sign_request *in)
{
	struct sshstore *s = &q->sv->vault.ssh;
	const struct target *t = op_target(q);
	const struct target_key *k =
	    t == NULL ? NULL : key_of(t, ssh_cert_key(in->blob,
		SSH_CERT_USER));
	struct ssh_tosign what;
	enum ssh_tosign_result r = ssh_tosign_get(in->data, &what);
	uint8_t signature[SIGNATURE_LEN];
	const uint8_t *host;
	const char *why;
	struct row_id id;
	struct view sealed;
	enum cofre_status st;

	if (k == NULL)
		return COFRE_NOT_FOUND;
	q->version = k->version;
	if (r != SSH_TOSIGN_OK)
		return op_agent_refuse(q, ssh_tosign_text(r));
	if ((why = refusal(q, t, k, &what, &host)) != NULL)
		return op_agent_refuse(q, why);
	id = target_key_id(t, k->version);
	if ((st = sshstore_get(s, &id, &sealed)) != COFRE_OK)
		return st == COFRE_NOT_FOUND ? COFRE_CORRUPT : st;
	if (!keyring_pair_sign(s->keyring, k->public, sealed,
		row_place(s->vault, &id), in->data, signature))
		return COFRE_CORRUPT;
	say_signed(q, &what, host);
	ssh_agent_put_signature(q->reply, signature);
	return COFRE_OK;
}
