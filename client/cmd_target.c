/* target list, show, delete; and what no verb does. */
#include "cmd_target.h"

#include "authline.h"
#include "entries.h"
#include "output.h"
#include "ssh_text.h"
#include "sshnames.h"
#include "status.h"

int
cmd_target_asked(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv, struct targetinfo *t)
{
	struct arg_object o;
	int code = cmd_parse_object(cmd, u, argc, argv, &o);

	return code == CMD_GO ? targetinfo_get(cmd, &o, t) : code;
}

/* The fingerprint of a key of a target. */
static char *
print_key(char text[SSH_FINGERPRINT_SIZE], const uint8_t key[SSH_KEY_LEN])
{
	uint8_t bytes[SSH_KEY_BLOB_LEN];
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	ssh_key_put(&w, key);
	ssh_key_fingerprint(text, (struct view){ bytes, w.len });
	return text;
}

/* List the items of a page; last is the name before them, and the last one of
   theirs then. */
static bool
take_page(struct listing *l, struct list items,
    char last[COFRE_SECRET_NAME_MAX + 1])
{
	struct wire_reader r = list_reader(items);
	struct target_item m;
	char text[SSH_FINGERPRINT_SIZE];

	for (uint32_t i = 0; i < items.count; i++) {
		target_item_get(&r, &m);
		if (r.bad || m.public.len != SSH_KEY_LEN ||
		    !entries_next(last, m.name))
			return false;
		listing_view(l, m.name);
		listing_view(l, m.user);
		listing_view(l, m.host);
		listing_number(l, m.port);
		listing_flag(l, m.for_runs);
		listing_number(l, m.pins);
		listing_number(l, m.keys);
		listing_number(l, m.version);
		listing_text(l, print_key(text, m.public.data));
		listing_time(l, m.updated);
	}
	return wire_reader_done(&r);
}

static enum cofre_status
list_page(struct cmd *cmd, struct listing *l, struct view workspace,
    char last[COFRE_SECRET_NAME_MAX + 1], bool *more)
{
	const struct target_list_request q = { workspace, view_of(last) };
	struct target_list_reply m;
	struct view body;
	enum cofre_status s;

	target_list_request_put(call_begin(cmd->c, OP_TARGET_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	if (!target_list_reply_decode(body, &m) ||
	    (m.more && m.items.count == 0) || !take_page(l, m.items, last))
		return call_bad_reply(cmd->c);
	*more = m.more;
	return COFRE_OK;
}

static int
list(struct cmd *cmd, int argc, char **argv)
{
	static const struct listing_column columns[] = { { "NAME", "name" },
		{ "USER", "user" }, { "HOST", "host" }, { "PORT", "port" },
		{ "RUNS", "for_runs" }, { "PINS", "pins" },
		{ "KEYS", "keys" }, { "VERSION", "version" },
		{ "FINGERPRINT", "fingerprint" }, { "UPDATED", "updated" } };
	bool json = false, more = true;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "target list WORKSPACE [--json]",
		"List a workspace's compute targets.\n", rows, 1, 1, 1 };
	char last[COFRE_SECRET_NAME_MAX + 1] = "";
	struct view workspace;
	struct listing *l;
	enum cofre_status s = COFRE_OK;
	int code = cmd_start_workspace(cmd, &u, argc, argv, &workspace);

	if (code != CMD_GO)
		return code;
	l = listing_new(json, columns, 10);
	while (s == COFRE_OK && more)
		s = list_page(cmd, l, workspace, last, &more);
	if (s == COFRE_OK)
		return cmd_printed(cmd, listing_print(l, stdout));
	listing_free(l);
	return cmd_fail(cmd, s);
}

/* NULL when the CA certifies its user, else why not. */
static const char *
not_certified(const struct targetinfo *t)
{
	struct sshname_options o;

	if (!t->for_ca)
		return "it was set by who may set some targets only";
	if (!sshname_options(view_of(t->options), &o) ||
	    (o.from.len > 0 && !ssh_text_is_addresses(o.from)))
		return "from= has names, wildcards or exceptions";
	return NULL;
}

static void
print_target(const struct cmd *cmd, const struct targetinfo *t)
{
	char text[SSH_FINGERPRINT_SIZE], time[OUTPUT_TIME];
	const char *why = not_certified(t);

	(void)printf("target      %s\nlogin       ", cmd->object);
	output_text(stdout, view_of(t->user));
	(void)printf("@");
	output_text(stdout, view_of(t->host));
	(void)printf(" port %u\nfor runs    %s\ncertified   %s%s\n"
	    "options     ", (unsigned)t->port, t->for_runs ? "yes" : "no",
	    why == NULL ? "yes" : "no: ", why == NULL ? "" : why);
	output_text(stdout, view_of(t->options[0] != '\0' ? t->options : "-"));
	(void)printf("\n");
	for (size_t i = 0; i < t->key_count; i++)
		(void)printf("key         %s, version %u of %s\n",
		    print_key(text, t->keys[i].public),
		    (unsigned)t->keys[i].version,
		    output_time(t->keys[i].created, time));
	for (size_t i = 0; i < t->pin_count; i++) {
		ssh_key_fingerprint(text, targetinfo_pin(t, i));
		(void)printf("host key    %s\n", text);
	}
	if (t->pin_count == 0)
		(void)printf("host key    none is pinned\n");
	for (size_t i = 0; i < t->namespace_count; i++) {
		(void)printf("signs for   ");
		output_text(stdout, view_of(t->namespaces[i]));
		(void)printf("\n");
	}
	(void)printf("created     %s by uid %u\n", output_time(t->created,
	    time), (unsigned)t->uid);
	(void)printf("updated     %s\n", output_time(t->updated, time));
}

static json_t *
json_target(const struct targetinfo *t)
{
	json_t *keys = json_array(), *pins = json_array();
	json_t *namespaces = json_array();
	char text[SSH_FINGERPRINT_SIZE];

	for (size_t i = 0; i < t->key_count; i++)
		(void)json_array_append_new(keys, json_pack("{s:I, s:o, s:s}",
		    "version", (json_int_t)t->keys[i].version, "created",
		    output_json_time(t->keys[i].created), "fingerprint",
		    print_key(text, t->keys[i].public)));
	for (size_t i = 0; i < t->pin_count; i++) {
		ssh_key_fingerprint(text, targetinfo_pin(t, i));
		(void)json_array_append_new(pins, json_string(text));
	}
	for (size_t i = 0; i < t->namespace_count; i++)
		(void)json_array_append_new(namespaces,
		    output_json_view(view_of(t->namespaces[i])));
	/* One that there was no memory for must not just be missing. */
	if (json_array_size(keys) != t->key_count ||
	    json_array_size(pins) != t->pin_count ||
	    json_array_size(namespaces) != t->namespace_count) {
		json_decref(keys);
		json_decref(pins);
		json_decref(namespaces);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:o, s:I, s:o, s:b, s:b, s:o, s:o, s:o, "
	    "s:o, s:o, s:o, s:I}", "workspace", t->name.workspace, "name",
	    t->name.name, "host", output_json_view(view_of(t->host)), "port",
	    (json_int_t)t->port, "user", output_json_view(view_of(t->user)),
	    "for_runs", t->for_runs, "certified", not_certified(t) == NULL,
	    "options", output_json_view(view_of(t->options)), "keys", keys,
	    "host_keys", pins, "namespaces", namespaces,
	    "created", output_json_time(t->created), "updated",
	    output_json_time(t->updated), "created_by", (json_int_t)t->uid);
}

static int
show(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "target show WORKSPACE/NAME [--json]",
		"Show a target: where it is, and its keys by their "
		"fingerprints.\n", rows, 1, 1, 1 };
	struct targetinfo t;
	int code = cmd_target_asked(cmd, &u, argc, argv, &t);

	if (code != CMD_GO)
		return code;
	if (json)
		return cmd_printed(cmd, output_json(json_target(&t), stdout));
	print_target(cmd, &t);
	return 0;
}

static int
delete(struct cmd *cmd, int argc, char **argv)
{
	const char *yes = NULL;
	const struct option_row rows[] = {
		{ "yes", 0, OPTION_TEXT, "NAME", &yes,
		    "do not ask; NAME is WORKSPACE/NAME once more" },
	};
	const struct option_usage u = {
		"target delete WORKSPACE/NAME [--yes=NAME]",
		"Delete a target, for good: its private key is destroyed.  Its "
		"line stays in the\nhost's authorized_keys, of no use to "
		"anybody, unless 'cofre target authorize\n--remove' has taken "
		"it away before.\n", rows, 1, 1, 1 };
	struct target_delete_request q;
	struct arg_object o;
	enum cofre_status s;
	int code = cmd_parse_object(cmd, &u, argc, argv, &o);

	if (code == CMD_GO)
		code = cmd_confirm(cmd, cmd->object, yes,
		    "Nobody will log in there with its key, it is destroyed");
	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	q = (struct target_delete_request){ view_of(o.workspace),
		view_of(o.name) };
	target_delete_request_put(call_begin(cmd->c, OP_TARGET_DELETE), &q);
	s = cmd_call_empty(cmd);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

/* Asked for by who expects it: said clearly, and nothing is looked at. */
static int
none_goes_in(struct cmd *cmd, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return cmd_error(cmd, COFRE_ARGUMENT,
	    "no private key can be brought into the vault: a target's key is "
	    "made there, so that nobody else has ever had it; 'cofre target "
	    "create' makes one, and 'cofre target authorize' puts it beside "
	    "yours in the account's authorized_keys");
}

static int
none_comes_out(struct cmd *cmd, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return cmd_error(cmd, COFRE_ARGUMENT,
	    "no private key leaves the vault, for nobody: 'cofre ssh' and "
	    "'cofre ssh-agent' log in with it, 'cofre target public-key' "
	    "prints its public half");
}

int
cmd_target(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "create", cmd_target_create, "make one, with a key" },
		{ "list", list, "list a workspace's" },
		{ "show", show, "show one" },
		{ "set", cmd_target_set, "change what is told of one" },
		{ "pin", cmd_target_pin, "say which keys its host has" },
		{ "known-hosts", cmd_target_known_hosts,
		    "print those keys, for known_hosts" },
		{ "public-key", cmd_target_public_key, "print its public key" },
		{ "authorized-keys", cmd_target_authorized_keys,
		    "print the lines that its host needs" },
		{ "authorize", cmd_target_authorize, "put them there" },
		{ "rotate", cmd_target_rotate, "make it a new key" },
		{ "settle", cmd_target_settle, "destroy the other key" },
		{ "delete", delete, "destroy one, and its key" },
		{ "import", none_goes_in, "" },
		{ "export", none_comes_out, "" },
		{ "private-key", none_comes_out, "" },
	};

	return cmd_run(cmd, verbs, 15, argc, argv);
}
