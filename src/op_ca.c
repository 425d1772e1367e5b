/* The SSH CA of a workspace: what it has certified, and certifies. */
#include "op_ca.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op_target.h"
#include "quota.h"
#include "ssh_krl.h"
#include "sshnames.h"

#define SECOND 1000000u
#define SKEW 60u /* seconds that a host's clock may be behind */

void
op_ca_caller(struct request *q, char id[SSH_CERT_ID_MAX + 1])
{
	const struct run *run = conn_run(q->conn);
	char hex[RUN_HEX];

	if (run != NULL)
		(void)snprintf(id, SSH_CERT_ID_MAX + 1, "%s/%s",
		    q->workspace->name, run_hex(run, hex));
	else
		(void)snprintf(id, SSH_CERT_ID_MAX + 1, "%s/user:%u",
		    q->workspace->name, q->conn->peer.uid);
}

bool
op_ca_options(const struct target *t, struct ssh_cert *c)
{
	struct sshname_options o;

	if (!t->for_ca || !sshname_options(view_of(t->options), &o) ||
	    (o.from.len > 0 && !ssh_text_is_addresses(o.from)))
		return false;
	c->extensions = o.restricted ? 0 : SSH_CERT_ALL;
	c->source_address = o.from;
	return true;
}

static struct view
put_principal(struct wire_writer *w, struct view name)
{
	wire_put_string(w, name, SSH_NAME_MAX);
	return (struct view){ w->data, w->len };
}

enum cofre_status
op_ca_certify(struct request *q, const struct target *t, uint32_t life,
    struct ssh_cert *c, struct wire_writer *w)
{
	const struct run *run = conn_run(q->conn);
	struct vault *v = &q->sv->vault;
	uint64_t now = q->sv->now / SECOND;
	uint8_t principals[4 + LOGIN_MAX];
	char id[SSH_CERT_ID_MAX + 1];
	struct wire_writer p;

	op_ca_caller(q, id);
	wire_writer_init(&p, principals, sizeof(principals));
	c->type = SSH_CERT_USER;
	c->key = t->keys[t->key_count - 1].public;
	c->after = now - SKEW;
	c->before = now + life;
	if (run != NULL && c->before > run->real_deadline / SECOND)
		c->before = run->real_deadline / SECOND;
	c->key_id = view_of(id);
	c->principals = put_principal(&p, view_of(t->user));
	quota_spent(q->conn);
	return authority_certify(&v->targets, &v->ssh, q->workspace->id,
	    q->sv->now, c, w);
}

/* Say what was certified, and write it to the reply. */
static void
put_certificate(struct request *q, const struct ssh_cert *c,
    const struct wire_writer *w)
{
	(void)snprintf(q->detail, sizeof(q->detail),
	    "serial %" PRIu64 " until %" PRIu64, c->serial, c->before);
	wire_put_string(q->reply, (struct view){ w->data, w->len },
	    AGENT_BLOB_MAX);
	wire_put_u64(q->reply, c->serial);
	wire_put_u64(q->reply, c->before * SECOND);
}

enum cofre_status
op_ca_user(struct request *q, const struct ca_user_request *in)
{
	const struct target *t = op_target(q);
	uint32_t life = in->validity == 0 ? CA_USER_LIFE : in->validity;
	struct ssh_cert c = { .force_command = in->command };
	uint8_t blob[AUTHORITY_CERT_MAX];
	struct wire_writer w;
	enum cofre_status st;

	if (t == NULL)
		return COFRE_NOT_FOUND;
	if (!op_target_is_open(q, t))
		return COFRE_DENIED;
	if (life > CA_USER_LIFE_MAX || !op_ca_options(t, &c) ||
	    (c.source_address.len > 0 && in->addresses.len > 0))
		return COFRE_INVALID;
	if (in->addresses.len > 0)
		c.source_address = in->addresses;
	wire_writer_init(&w, blob, sizeof(blob));
	if ((st = op_ca_certify(q, t, life, &c, &w)) != COFRE_OK)
		return st;
	q->version = t->keys[t->key_count - 1].version;
	put_certificate(q, &c, &w);
	return COFRE_OK;
}

static bool
put_hosts(struct wire_writer *w, struct list hosts)
{
	struct wire_reader r = list_reader(hosts);
	struct host_item item;

	for (uint32_t i = 0; i < hosts.count; i++) {
		host_item_get(&r, &item);
		if (!ssh_text_is_host(item.host))
			return false;
		(void)put_principal(w, item.host);
	}
	return wire_reader_done(&r) && !w->bad;
}

enum cofre_status
op_ca_host(struct request *q, const struct ca_host_request *in)
{
	struct vault *v = &q->sv->vault;
	const struct target *t = op_target(q);
	uint32_t life = in->validity == 0 ? CA_HOST_LIFE : in->validity;
	uint64_t now = q->sv->now / SECOND;
	uint8_t principals[CA_HOSTS_MAX * (4 + HOST_MAX)];
	uint8_t blob[AUTHORITY_CERT_MAX];
	char id[SSH_CERT_ID_MAX + 1];
	struct wire_writer p, w;
	struct ssh_cert c = { .type = SSH_CERT_HOST,
		.key = ssh_key_get(in->key),
		.after = now - SKEW, .before = now + life };
	enum cofre_status st;

	/* It says who other hosts are, too. */
	if (!request_may(q, ACTION_TARGET_WRITE, view_of("")))
		return COFRE_DENIED;
	if (t == NULL)
		return COFRE_NOT_FOUND;
	wire_writer_init(&p, principals, sizeof(principals));
	if (c.key == NULL || !target_has_pin(t, in->key) ||
	    life > CA_HOST_LIFE_MAX || !put_hosts(&p, in->hosts))
		return COFRE_INVALID;
	c.principals = (struct view){ p.data, p.len };
	(void)snprintf(id, sizeof(id), "%s/host:%s", q->workspace->name,
	    t->item.name);
	c.key_id = view_of(id);
	wire_writer_init(&w, blob, sizeof(blob));
	quota_spent(q->conn);
	st = authority_certify(&v->targets, &v->ssh, q->workspace->id,
	    q->sv->now, &c, &w);
	if (st != COFRE_OK)
		return st;
	put_certificate(q, &c, &w);
	return COFRE_OK;
}

static const struct ca *
ca_of(const struct request *q)
{
	return targets_ca(&q->sv->vault.targets, q->workspace->id);
}

enum cofre_status
op_ca_show(struct request *q, const struct ca_show_request *in)
{
	const struct ca *ca = ca_of(q);

	(void)in;
	if (ca == NULL)
		return COFRE_NOT_FOUND;
	ca_show_reply_put(q->reply, &(struct ca_show_reply){
	    .public = { ca->public, PUBLIC_KEY_LEN },
	    .created = ca->created,
	    .uid = ca->uid,
	    .next_serial = ca->given });
	return COFRE_OK;
}

enum cofre_status
op_ca_revoke(struct request *q, const struct ca_revoke_request *in)
{
	struct vault *v = &q->sv->vault;

	(void)snprintf(q->detail, sizeof(q->detail), "serial %" PRIu64,
	    in->serial);
	return authority_revoke(&v->targets, &v->ssh, q->workspace->id,
	    in->serial, in->until, q->sv->now);
}

/* Runs that are over, if a certificate of theirs may not be. */
static void
put_runs(struct wire_writer *w, const struct request *q)
{
	const struct runs *runs = &q->sv->vault.runs;
	uint64_t since = q->sv->now - (uint64_t)CA_USER_LIFE_MAX * SECOND;
	char id[SSH_CERT_ID_MAX + 1], hex[RUN_HEX];

	for (size_t i = 0; i < runs->count; i++) {
		const struct run *r = runs->list[i];

		if (r->rights.workspace != q->workspace->id ||
		    !r->rights.over ||
		    (r->ended_at != 0 && r->ended_at < since))
			continue;
		(void)snprintf(id, sizeof(id), "%s/%s", q->workspace->name,
		    run_hex(r, hex));
		wire_put_string(w, view_of(id), SSH_CERT_ID_MAX);
	}
}

static size_t
get_serials(uint64_t serials[CA_REVOKED_MAX], const struct ca *ca,
    uint64_t now)
{
	size_t n = 0;

	for (uint32_t i = 0; i < ca->revoked_count; i++)
		if (ca->revoked[i].until > now)
			serials[n++] = ca->revoked[i].serial;
	return n;
}

enum cofre_status
op_ca_krl(struct request *q, const struct ca_krl_request *in)
{
	const struct ca *ca = ca_of(q);
	uint64_t serials[CA_REVOKED_MAX];
	uint8_t blob[SSH_KEY_BLOB_LEN];
	uint8_t *ids = ca == NULL ? NULL : malloc(KRL_MAX);
	struct wire_writer w, key;
	struct ssh_krl k;
	size_t at;

	(void)in;
	if (ids == NULL)
		return ca == NULL ? COFRE_NOT_FOUND : COFRE_LIMIT;
	wire_writer_init(&key, blob, sizeof(blob));
	ssh_key_put(&key, ca->public);
	wire_writer_init(&w, ids, KRL_MAX);
	put_runs(&w, q);
	k = (struct ssh_krl){
		.version = q->sv->now,
		.generated = q->sv->now / SECOND,
		.comment = q->workspace_name,
		.ca = { blob, key.len },
		.serials = serials,
		.serial_count = get_serials(serials, ca, q->sv->now),
		.key_ids = { ids, w.len },
	};
	at = wire_string_begin(q->reply);
	ssh_krl_put(q->reply, &k);
	wire_string_end(q->reply, at);
	free(ids);
	return w.bad ? COFRE_TOO_LARGE : COFRE_OK;
}
