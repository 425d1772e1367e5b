/* slot add, slot remove, slot list. */
#include "cmd.h"

#include "arguments.h"
#include "kdf.h"
#include "status.h"

static enum cofre_status
send_add(struct cmd *cmd, const struct kdf *k, uint32_t *slot)
{
	const struct slot_add_request q = { k->type, k->ops, k->memory,
		{ k->salt, k->salt_len }, { k->key, KEY_LEN } };
	struct slot_add_reply m;
	struct view body;
	enum cofre_status s;

	slot_add_request_put(call_begin(cmd->c, OP_SLOT_ADD), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !slot_add_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s == COFRE_OK)
		*slot = m.slot;
	return s;
}

static int
add_with(struct cmd *cmd, struct kdf *k, const char *keyfile)
{
	struct problem p;
	uint32_t slot = 0;
	enum cofre_status s = kdf_make(k, keyfile, &p);

	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	s = cmd_open(cmd);
	if (s != COFRE_OK) {
		(void)kdf_settle(k, s);
		return status_exit_code(s);
	}
	s = send_add(cmd, k, &slot);
	if (!kdf_settle(k, s))
		cmd_warn("%s is kept: it may open the vault now; 'cofre slot "
		    "list' tells", keyfile);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	(void)printf("slot %u (%s)\n", slot,
	    keyfile != NULL ? "keyfile" : "passphrase");
	return 0;
}

static int
slot_add(struct cmd *cmd, int argc, char **argv)
{
	const char *keyfile = NULL;
	bool passphrase = false;
	const struct option_row rows[] = {
		{ "keyfile", 0, OPTION_TEXT, "FILE", &keyfile,
		    "the new key; made if it is not there" },
		{ "passphrase", 0, OPTION_FLAG, NULL, &passphrase,
		    "ask for it, or read a line" },
	};
	const struct option_usage u = {
		"slot add (--keyfile FILE | --passphrase)",
		"Add an unlock slot: one more key that opens the vault.\n",
		rows, 2, 0, 0
	};
	struct problem p;
	struct kdf k;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if ((keyfile != NULL) == passphrase)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say either --keyfile FILE or --passphrase");
	s = kdf_init(&k, &p);
	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	code = add_with(cmd, &k, keyfile);
	kdf_free(&k);
	return code;
}

static int
slot_remove(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "slot remove N",
		"Remove an unlock slot: its key opens the vault no more.  The "
		"last one stays.\n", NULL, 0, 1, 1 };
	struct slot_remove_request q;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (!arg_u32(cmd->args[0], SLOTS_MAX, &q.slot) || q.slot == 0)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "'%.40s' is no slot: they have the numbers 1 to %u",
		    cmd->args[0], SLOTS_MAX);
	cmd->object = cmd->args[0];
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	slot_remove_request_put(call_begin(cmd->c, OP_SLOT_REMOVE), &q);
	s = cmd_call_empty(cmd);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

static const char *
type_name(uint8_t type)
{
	return type == SLOT_KEYFILE ? "keyfile" :
	    type == SLOT_PASSPHRASE ? "passphrase" :
				      "?";
}

static int
print_slots(struct cmd *cmd, struct list items, bool json)
{
	static const struct listing_column columns[] = { { "SLOT", "slot" },
		{ "TYPE", "type" }, { "PASSES", "ops" }, { "MEMORY", "mem" },
		{ "CREATED", "created" }, { "BY UID", "created_by" } };
	struct listing *l = listing_new(json, columns, 6);
	struct wire_reader r = list_reader(items);
	struct slot_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		slot_item_get(&r, &m);
		listing_number(l, m.slot);
		listing_text(l, type_name(m.type));
		listing_number(l, m.ops);
		listing_number(l, m.mem);
		listing_time(l, m.created);
		listing_number(l, m.uid);
	}
	return cmd_listed(cmd, &r, l);
}

static int
slot_list(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "slot list [--json]",
		"List the unlock slots.\n", rows, 1, 0, 0 };
	const struct slot_list_request q = { 0 };
	struct slot_list_reply m;
	struct view body;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	slot_list_request_put(call_begin(cmd->c, OP_SLOT_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !slot_list_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	return s == COFRE_OK ? print_slots(cmd, m.items, json) :
			       cmd_fail(cmd, s);
}

int
cmd_slot(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "add", slot_add, "add a key that opens the vault" },
		{ "remove", slot_remove, "remove one" },
		{ "list", slot_list, "list them" },
	};

	return cmd_run(cmd, verbs, 3, argc, argv);
}
