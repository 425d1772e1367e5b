#include "targetinfo.h"

#include <string.h>
#include <unistd.h>

#include "authline.h"
#include "authscript.h"
#include "ssh_cert.h"
#include "ssh_text.h"
#include "status.h"

static bool
take_keys(struct targetinfo *t, struct list keys)
{
	struct wire_reader r = list_reader(keys);
	struct target_key_item m;

	if (keys.count == 0 || keys.count > TARGET_KEYS_MAX)
		return false;
	t->key_count = keys.count;
	for (uint32_t i = 0; i < keys.count; i++) {
		struct targetinfo_key *k = &t->keys[keys.count - 1 - i];

		target_key_item_get(&r, &m);
		if (r.bad || m.public.len != SSH_KEY_LEN)
			return false;
		k->version = m.version;
		k->created = m.created;
		memcpy(k->public, m.public.data, SSH_KEY_LEN);
	}
	return wire_reader_done(&r);
}

static bool
take_pins(struct targetinfo *t, struct list pins)
{
	struct wire_reader r = list_reader(pins);
	struct pin_item m;

	if (pins.count > TARGET_PINS_MAX)
		return false;
	t->pin_count = pins.count;
	for (uint32_t i = 0; i < pins.count; i++) {
		pin_item_get(&r, &m);
		if (r.bad || ssh_key_get(m.key) == NULL)
			return false;
		memcpy(t->pins[i], m.key.data, SSH_KEY_BLOB_LEN);
	}
	return wire_reader_done(&r);
}

static bool
take_namespaces(struct targetinfo *t, struct list namespaces)
{
	struct wire_reader r = list_reader(namespaces);
	struct namespace_item m;

	if (namespaces.count > TARGET_NAMESPACES_MAX)
		return false;
	t->namespace_count = namespaces.count;
	for (uint32_t i = 0; i < namespaces.count; i++) {
		namespace_item_get(&r, &m);
		if (r.bad)
			return false;
		view_copy(t->namespaces[i], m.namespace);
	}
	return wire_reader_done(&r);
}

/* What is called for when one logs in is told by both replies. */
static bool
take_way(struct targetinfo *t, const struct target_reach_reply *m)
{
	t->port = m->port;
	view_copy(t->host, m->host);
	view_copy(t->user, m->user);
	return take_keys(t, m->keys) && take_pins(t, m->pins);
}

int
targetinfo_check(struct cmd *cmd, const struct targetinfo *t)
{
	struct sshname_options o;

	if (ssh_text_is_host(view_of(t->host)) &&
	    authscript_is_user(view_of(t->user)) && t->port > 0 &&
	    t->port <= UINT16_MAX && sshname_options(view_of(t->options), &o))
		return CMD_GO;
	return cmd_error(cmd, COFRE_INVALID,
	    "its host, port, user or options are not such that ssh can "
	    "be given them: 'cofre target set' changes them");
}

static bool
take(struct targetinfo *t, const struct target_show_reply *m)
{
	const struct target_reach_reply way = { m->host, m->port, m->user,
		m->keys, m->pins };

	t->revision = m->revision;
	t->for_runs = m->for_runs;
	t->for_ca = m->for_ca;
	t->created = m->created;
	t->updated = m->updated;
	t->uid = m->uid;
	view_copy(t->options, m->options);
	return take_way(t, &way) && take_namespaces(t, m->namespaces);
}

/* As target.show has it; nothing is printed. */
static enum cofre_status
ask(struct cmd *cmd, const struct arg_object *name, struct targetinfo *ret)
{
	const struct target_show_request q = { view_of(name->workspace),
		view_of(name->name) };
	struct target_show_reply m;
	struct view body;
	enum cofre_status s;

	*ret = (struct targetinfo){ .name = *name };
	target_show_request_put(call_begin(cmd->c, OP_TARGET_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && (!target_show_reply_decode(body, &m) ||
		!take(ret, &m)))
		s = call_bad_reply(cmd->c);
	return s;
}

int
targetinfo_get(struct cmd *cmd, const struct arg_object *name,
    struct targetinfo *ret)
{
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return status_exit_code(s);
	s = ask(cmd, name, ret);
	return s == COFRE_OK ? CMD_GO : cmd_fail(cmd, s);
}

int
targetinfo_reach(struct cmd *cmd, const struct arg_object *name,
    struct targetinfo *ret)
{
	const struct target_reach_request q = { view_of(name->workspace),
		view_of(name->name) };
	struct target_reach_reply m;
	struct view body;
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return status_exit_code(s);
	*ret = (struct targetinfo){ .name = *name };
	target_reach_request_put(call_begin(cmd->c, OP_TARGET_REACH), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && (!target_reach_reply_decode(body, &m) ||
		!take_way(ret, &m)))
		s = call_bad_reply(cmd->c);
	/* Who asks may be a run without knowing it. */
	if (s == COFRE_DENIED)
		return cmd_error(cmd, s, "permission denied, or there is no "
		    "such target (you are uid %u; ask an owner of %s for a "
		    "role); a run may use only what is for runs: 'cofre target "
		    "set %s/%s --for-runs'", (unsigned)geteuid(),
		    name->workspace, name->workspace, name->name);
	return s == COFRE_OK ? CMD_GO : cmd_fail(cmd, s);
}

int
targetinfo_known(struct cmd *cmd, const struct arg_object *name,
    struct targetinfo *ret)
{
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return status_exit_code(s);
	s = ask(cmd, name, ret);
	if (s == COFRE_DENIED)
		return targetinfo_reach(cmd, name, ret);
	return s == COFRE_OK ? CMD_GO : cmd_fail(cmd, s);
}

enum cofre_status
targetinfo_certify(struct cmd *cmd, const struct targetinfo *t,
    uint8_t bytes[SSH_BLOB_MAX], struct view *ret)
{
	const struct ca_user_request q = { .workspace = view_of(
		t->name.workspace), .name = view_of(t->name.name) };
	struct ca_user_reply m;
	struct view body;
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return s;
	ca_user_request_put(call_begin(cmd->c, OP_CA_USER), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && (!ca_user_reply_decode(body, &m) ||
		ssh_cert_key(m.certificate, SSH_CERT_USER) == NULL))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK)
		return s;
	memcpy(bytes, m.certificate.data, m.certificate.len);
	*ret = (struct view){ bytes, m.certificate.len };
	return COFRE_OK;
}

bool
targetinfo_is_restricted(struct cmd *cmd, const struct targetinfo *t,
    struct view certificate)
{
	struct sshname_options o;
	struct targetinfo seen;
	struct ssh_cert c;

	if (certificate.len > 0)
		return ssh_cert_get(certificate, &c) &&
		    (c.extensions & SSH_CERT_PTY) == 0;
	return ask(cmd, &t->name, &seen) == COFRE_OK &&
	    sshname_options(view_of(seen.options), &o) && o.restricted;
}

struct view
targetinfo_pin(const struct targetinfo *t, size_t i)
{
	return (struct view){ t->pins[i], SSH_KEY_BLOB_LEN };
}

bool
targetinfo_is_pinned(const struct targetinfo *t, struct view blob)
{
	for (size_t i = 0; i < t->pin_count; i++)
		if (blob.len == SSH_KEY_BLOB_LEN &&
		    memcmp(t->pins[i], blob.data, blob.len) == 0)
			return true;
	return false;
}

int
targetinfo_pin_all(struct cmd *cmd, const struct targetinfo *t,
    const struct view *blobs, size_t count)
{
	uint8_t items[TARGET_PINS_MAX * (4 + SSH_KEY_BLOB_LEN)];
	struct target_pin_request q = { view_of(t->name.workspace),
		view_of(t->name.name), t->revision,
		{ (uint32_t)count, { items, 0 } } };
	struct target_pin_reply m;
	struct wire_writer w;
	struct view body;
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return status_exit_code(s);
	wire_writer_init(&w, items, sizeof(items));
	for (size_t i = 0; i < count; i++)
		pin_item_put(&w, &(struct pin_item){ blobs[i] });
	q.pins.items.len = w.len;
	target_pin_request_put(call_begin(cmd->c, OP_TARGET_PIN), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !target_pin_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s == COFRE_CONFLICT)
		return cmd_error(cmd, s, "it was changed meanwhile; nothing was "
		    "pinned: look at it with 'cofre target show', and try "
		    "again");
	return s == COFRE_OK ? CMD_GO : cmd_fail(cmd, s);
}
