/* ca public-key, show, krl, revoke, host: a workspace's SSH authority. */
#include "cmd_ca.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "authline.h"
#include "hostkeys.h"
#include "output.h"
#include "putfile.h"
#include "targetarg.h"

#define SECOND UINT64_C(1000000)

/* A workspace without a target has none. */
static int
fail(struct cmd *cmd, enum cofre_status s)
{
	if (s == COFRE_NOT_FOUND)
		return cmd_error(cmd, s, "there is no such workspace, or it "
		    "has no CA yet: the first 'cofre target create' makes it "
		    "one");
	return cmd_fail(cmd, s);
}

static enum cofre_status
ask(struct cmd *cmd, struct view workspace, struct ca_show_reply *m)
{
	const struct ca_show_request q = { workspace };
	struct view body;
	enum cofre_status s;

	ca_show_request_put(call_begin(cmd->c, OP_CA_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && (!ca_show_reply_decode(body, m) ||
		m->public.len != SSH_KEY_LEN))
		s = call_bad_reply(cmd->c);
	return s;
}

/* Its line, as a .pub file has it. */
static bool
make_line(char line[SSH_LINE_SIZE], const char *workspace,
    const uint8_t key[SSH_KEY_LEN])
{
	char comment[AUTHLINE_COMMENT];

	(void)snprintf(comment, sizeof(comment), "cofre-ca:%s", workspace);
	return authline_public(line, key, comment);
}

static int
public_key(struct cmd *cmd, int argc, char **argv)
{
	const char *hosts = NULL;
	const struct option_row rows[] = {
		{ "known-hosts", 0, OPTION_TEXT, "PATTERN", &hosts,
		    "as a line of known_hosts, for hosts of such names" },
	};
	const struct option_usage u = {
		"ca public-key WORKSPACE [--known-hosts PATTERN]",
		"Print the public key of a workspace's SSH CA, for sshd's "
		"TrustedUserCAKeys.\n", rows, 1, 1, 1
	};
	char line[SSH_LINE_SIZE];
	struct view workspace;
	struct ca_show_reply m;
	enum cofre_status s;
	int code = cmd_start_workspace(cmd, &u, argc, argv, &workspace);

	if (code != CMD_GO)
		return code;
	if (hosts != NULL && (*hosts == '\0' ||
		strspn(hosts, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
		    "uvwxyz0123456789.-_:,*?[]") != strlen(hosts)))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--known-hosts '%.100s' is no list of names of hosts, "
		    "such as '*.example'", hosts);
	s = ask(cmd, workspace, &m);
	if (s != COFRE_OK)
		return fail(cmd, s);
	if (!make_line(line, cmd->object, m.public.data))
		return cmd_error(cmd, COFRE_INTERNAL, "it has no line");
	if (hosts != NULL)
		(void)printf("@cert-authority %s ", hosts);
	(void)puts(line);
	return 0;
}

static int
show(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "ca show WORKSPACE [--json]",
		"Show a workspace's SSH CA.\n", rows, 1, 1, 1 };
	char text[SSH_FINGERPRINT_SIZE], time[OUTPUT_TIME];
	uint8_t bytes[SSH_KEY_BLOB_LEN];
	struct ca_show_reply m;
	struct wire_writer w;
	struct view workspace;
	enum cofre_status s;
	int code = cmd_start_workspace(cmd, &u, argc, argv, &workspace);

	if (code != CMD_GO)
		return code;
	s = ask(cmd, workspace, &m);
	if (s != COFRE_OK)
		return fail(cmd, s);
	wire_writer_init(&w, bytes, sizeof(bytes));
	ssh_key_put(&w, m.public.data);
	ssh_key_fingerprint(text, (struct view){ bytes, w.len });
	if (json)
		return cmd_printed(cmd, output_json(json_pack("{s:s, s:s, s:o, "
		    "s:I, s:I}", "workspace", cmd->object, "fingerprint",
		    text, "created", output_json_time(m.created),
		    "created_by", (json_int_t)m.uid, "next_serial",
		    (json_int_t)m.next_serial), stdout));
	(void)printf("key          %s\ncreated      %s by uid %u\n"
	    "next serial  %" PRIu64 "\n", text, output_time(m.created, time),
	    (unsigned)m.uid, m.next_serial);
	return 0;
}

static int
krl(struct cmd *cmd, int argc, char **argv)
{
	const char *output = NULL;
	const struct option_row rows[] = {
		{ "output", 'o', OPTION_TEXT, "FILE", &output,
		    "replace that file at once, and not at all on an error" },
	};
	const struct option_usage u = { "ca krl WORKSPACE [--output FILE]",
		"Write the list of what was revoked, for sshd's RevokedKeys: "
		"the certificates that\n'cofre ca revoke' names, and those of "
		"runs that are over.\n", rows, 1, 1, 1 };
	struct ca_krl_request q;
	struct ca_krl_reply m;
	struct view body;
	struct problem p;
	enum cofre_status s;
	int code = cmd_start_workspace(cmd, &u, argc, argv, &q.workspace);

	if (code != CMD_GO)
		return code;
	if (output == NULL && isatty(STDOUT_FILENO) == 1)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "the list is no text, and standard output is a terminal: "
		    "say --output FILE");
	ca_krl_request_put(call_begin(cmd->c, OP_CA_KRL), &q);
	s = cmd_call(cmd, &body);
	/* A host with an empty file would let nobody in. */
	if (s == COFRE_OK && (!ca_krl_reply_decode(body, &m) ||
		m.krl.len == 0))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK)
		return fail(cmd, s);
	s = putfile(output, m.krl, "--output", &p);
	return s == COFRE_OK ? 0 : cmd_problem(cmd, s, &p);
}

static int
revoke_serial(struct cmd *cmd, int argc, char **argv)
{
	const char *until = NULL;
	const struct option_row rows[] = {
		{ "until", 0, OPTION_TEXT, "TIME", &until,
		    "when it is over by itself; in a year otherwise" },
	};
	const struct option_usage u = {
		"ca revoke WORKSPACE SERIAL [--until TIME]",
		"Revoke a certificate by its serial, as the activity log and "
		"sshd's have it.  The\nvault signs for it no more; hosts learn "
		"of it by 'cofre ca krl'.\n", rows, 1, 2, 2
	};
	struct ca_revoke_request q;
	enum cofre_status s;
	uint64_t now = cmd_now();
	int code = cmd_start_workspace(cmd, &u, argc, argv, &q.workspace);

	if (code != CMD_GO)
		return code;
	if (!arg_u64(cmd->args[1], &q.serial) || q.serial == 0)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "'%.40s' is no serial of a certificate", cmd->args[1]);
	/* No certificate lasts longer. */
	q.until = now + CA_HOST_LIFE_MAX * SECOND;
	if (until != NULL && !arg_time(until, now, &q.until))
		return cmd_error(cmd, COFRE_ARGUMENT, "--until: a time, such "
		    "as +1h or 2026-12-31T23:59:59Z");
	ca_revoke_request_put(call_begin(cmd->c, OP_CA_REVOKE), &q);
	s = cmd_call_empty(cmd);
	if (s == COFRE_NOT_FOUND)
		return cmd_error(cmd, s, "there is no such workspace, or its "
		    "CA has given no certificate of that serial");
	if (s == COFRE_INVALID)
		return cmd_error(cmd, s, "--until is a time that has passed: "
		    "the certificate is over already");
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	cmd_note(cmd, "the vault signs with it no more; hosts learn of it by "
	    "'cofre ca krl %s'", cmd->object);
	return 0;
}

struct host {
	const char *output, *lifetime;
	struct option_list names, keys;
};

/* The key that is certified: it must be one that is pinned. */
static int
choose_key(struct cmd *cmd, const struct host *o, const struct targetinfo *t,
    struct hostkeys *h, struct view *key)
{
	struct problem p;

	*h = (struct hostkeys){ .host = t->host, .port = t->port };
	if (o->keys.count == 0 && t->pin_count != 1)
		return cmd_error(cmd, COFRE_ARGUMENT, t->pin_count == 0 ?
		    "no host key is pinned for it: 'cofre target pin' says "
		    "which its host has" : "its host has several pinned keys: "
		    "--host-key says which of them");
	if (o->keys.count == 0) {
		*key = targetinfo_pin(t, 0);
		return CMD_GO;
	}
	if (hostkeys_add(h, o->keys.items[0], &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	if (o->keys.count > 1 || h->count != 1)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--host-key: a certificate is for one key");
	*key = h->views[0];
	if (!targetinfo_is_pinned(t, *key))
		return cmd_error(cmd, COFRE_CONFLICT,
		    "--host-key names a key that is not pinned: 'cofre target "
		    "pin' says which the host has");
	return CMD_GO;
}

/* The names that it is for: what was said, or the target's host. */
static bool
put_names(struct wire_writer *w, const struct host *o,
    const struct targetinfo *t, struct list *names)
{
	if (o->names.count > CA_HOSTS_MAX)
		return false;
	for (size_t i = 0; i < o->names.count; i++)
		host_item_put(w, &(struct host_item){
		    view_of(o->names.items[i]) });
	if (o->names.count == 0)
		host_item_put(w, &(struct host_item){ view_of(t->host) });
	names->count = o->names.count == 0 ? 1 : (uint32_t)o->names.count;
	names->items = (struct view){ w->data, w->len };
	return !w->bad;
}

int
cmd_ca_print(struct cmd *cmd, const char *output, const char *comment,
    struct view certificate)
{
	char line[SSH_LINE_SIZE];
	struct problem p;
	enum cofre_status s;
	size_t len;

	if (!ssh_line_make(line, sizeof(line) - 1, &(struct ssh_line){
		.blob = certificate, .comment = view_of(comment) }))
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	len = strlen(line);
	line[len++] = '\n';
	s = putfile(output, (struct view){ (const uint8_t *)line, len },
	    "--output", &p);
	return s == COFRE_OK ? 0 : cmd_problem(cmd, s, &p);
}

static int
certify(struct cmd *cmd, const struct host *o, const struct targetinfo *t,
    struct ca_host_request *q)
{
	uint8_t bytes[CA_HOSTS_MAX * (4 + HOST_MAX)];
	char comment[AUTHLINE_COMMENT];
	struct ca_host_reply m;
	struct wire_writer w;
	struct view body;
	enum cofre_status s;

	wire_writer_init(&w, bytes, sizeof(bytes));
	if (!put_names(&w, o, t, &q->hosts))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--name: at most %u of them, with at most %u bytes",
		    CA_HOSTS_MAX, HOST_MAX);
	ca_host_request_put(call_begin(cmd->c, OP_CA_HOST), q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !ca_host_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	(void)snprintf(comment, sizeof(comment), "cofre:%s/host:%s",
	    t->name.workspace, t->name.name);
	return cmd_ca_print(cmd, o->output, comment, m.certificate);
}

static int
host(struct cmd *cmd, int argc, char **argv)
{
	struct host o = { .output = NULL };
	const struct option_row rows[] = {
		{ "host-key", 0, OPTION_LIST, "KEY", &o.keys,
		    "which of the pinned keys; a line, or a file" },
		{ "name", 0, OPTION_LIST, "HOST", &o.names,
		    "that it is called by; several times" },
		{ "lifetime", 0, OPTION_TEXT, "TIME", &o.lifetime,
		    "such as 90d, at most 365d; 30d otherwise" },
		{ "output", 'o', OPTION_TEXT, "FILE", &o.output,
		    "replace that file at once" },
	};
	const struct option_usage u = {
		"ca host WORKSPACE/NAME [option ...]",
		"Certify the pinned key of a target's host, for sshd's "
		"HostCertificate: who trusts\nthe CA knows the host by it.  Its "
		"name is the target's host, unless told otherwise.\n", rows, 4,
		1, 1
	};
	struct ca_host_request q = { .validity = 0 };
	struct hostkeys keys;
	struct targetinfo t;
	struct arg_object name;
	struct problem p;
	int code = cmd_parse_object(cmd, &u, argc, argv, &name);

	for (size_t i = 0; code == CMD_GO && i < o.names.count; i++)
		if (targetarg_host(o.names.items[i], "--name", &p) != COFRE_OK)
			return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	if (code == CMD_GO)
		code = targetinfo_get(cmd, &name, &t);
	if (code == CMD_GO)
		code = choose_key(cmd, &o, &t, &keys, &q.key);
	if (code != CMD_GO)
		return code;
	if (o.lifetime != NULL && (!arg_seconds(o.lifetime, CA_HOST_LIFE_MAX,
		&q.validity) || q.validity == 0))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--lifetime: a number of seconds, minutes, hours or days, "
		    "such as 90d, and at most 365d");
	q.workspace = view_of(t.name.workspace);
	q.name = view_of(t.name.name);
	return certify(cmd, &o, &t, &q);
}

/* Asked for by who expects it, as with targets. */
static int
none_goes_in(struct cmd *cmd, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return cmd_error(cmd, COFRE_ARGUMENT,
	    "no private key can be brought into the vault: the first 'cofre "
	    "target create' makes a workspace its CA there, so that nobody "
	    "else has ever had its key");
}

static int
none_comes_out(struct cmd *cmd, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return cmd_error(cmd, COFRE_ARGUMENT,
	    "no private key leaves the vault, for nobody: 'cofre ca host' "
	    "certifies hosts with it, 'cofre ssh' logs in with its "
	    "certificates, 'cofre ca public-key' prints its public half");
}

int
cmd_ca(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "show", show, "show a workspace's" },
		{ "public-key", public_key, "print its public key" },
		{ "krl", krl, "write the list of what was revoked" },
		{ "revoke", revoke_serial, "revoke a certificate" },
		{ "host", host, "certify the key of a target's host" },
		{ "user", cmd_ca_user, "certify the login of a target" },
		{ "import", none_goes_in, "" },
		{ "export", none_comes_out, "" },
		{ "private-key", none_comes_out, "" },
	};

	return cmd_run(cmd, verbs, 9, argc, argv);
}
