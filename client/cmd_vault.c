/* init, unlock and lock. */
#include "cmd.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kdf.h"
#include "status.h"

/* A large store is verified whole before an unlock is answered. */
#define UNLOCK_TIMEOUT_MS 600000u

struct unlock {
	const char *keyfile;
	bool passphrase;
	bool accept_rollback;
	struct option_number slot; /* 0 unless given */
};

static int
exclusive(const struct cmd *cmd, const char *keyfile, bool passphrase)
{
	if (keyfile == NULL || !passphrase)
		return CMD_GO;
	return cmd_error(cmd, COFRE_ARGUMENT,
	    "--keyfile and --passphrase exclude each other");
}

static void
print_init(const struct init_reply *m, const char *keyfile)
{
	(void)printf("vault ");
	for (size_t i = 0; i < m->vault.len; i++)
		(void)printf("%02x", m->vault.data[i]);
	(void)printf("\nunlocked, with unlock slot %u (%s)\n", m->slot,
	    keyfile != NULL ? "keyfile" : "passphrase");
	(void)printf("Whoever loses every unlock key loses the vault: keep a "
	    "copy of %s elsewhere,\nor add a second slot: cofre slot add "
	    "--keyfile FILE (or --passphrase)\n"
	    "Next: cofre workspace create NAME\n",
	    keyfile != NULL ? "the keyfile" : "the passphrase");
}

static enum cofre_status
send_init(struct cmd *cmd, const struct kdf *k, struct init_reply *m)
{
	const struct init_request q = { k->type, k->ops, k->memory,
		{ k->salt, k->salt_len }, { k->key, KEY_LEN } };
	struct view body;
	enum cofre_status s;

	init_request_put(call_begin(cmd->c, OP_INIT), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !init_reply_decode(body, m))
		s = call_bad_reply(cmd->c);
	return s;
}

static int
init_with(struct cmd *cmd, struct kdf *k, const char *keyfile)
{
	struct init_reply m;
	struct problem p;
	enum cofre_status s = kdf_make(k, keyfile, &p);

	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	s = cmd_open(cmd);
	if (s != COFRE_OK) {
		(void)kdf_settle(k, s);
		return status_exit_code(s);
	}
	s = send_init(cmd, k, &m);
	if (!kdf_settle(k, s))
		cmd_warn("%s is kept: it may be the vault's key now; "
		    "'cofre status' tells", keyfile);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	print_init(&m, keyfile);
	return 0;
}

static int
init_vault(struct cmd *cmd, const char *keyfile)
{
	struct problem p;
	struct kdf k;
	uint8_t state;
	enum cofre_status s = cmd_state(cmd, &state);
	int code;

	if (s != COFRE_OK)
		return status_exit_code(s);
	if (state != VAULT_EMPTY)
		return cmd_error(cmd, COFRE_EXISTS,
		    "there is a vault already");
	/* What follows may take longer than the daemon likes to wait. */
	cmd_close(cmd);
	s = kdf_init(&k, &p);
	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	code = init_with(cmd, &k, keyfile);
	kdf_free(&k);
	return code;
}

int
cmd_init(struct cmd *cmd, int argc, char **argv)
{
	const char *keyfile = NULL;
	bool passphrase = false;
	const struct option_row rows[] = {
		{ "keyfile", 0, OPTION_TEXT, "FILE", &keyfile,
		    "the first unlock key; made if it is not there" },
		{ "passphrase", 0, OPTION_FLAG, NULL, &passphrase,
		    "ask for the first unlock key (the default)" },
	};
	const struct option_usage u = {
		"init [--keyfile FILE | --passphrase]",
		"Make the vault, with its first unlock slot.  It is open "
		"then.\nOnly an operator may.\n",
		rows, 2, 0, 0
	};
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code == CMD_GO)
		code = exclusive(cmd, keyfile, passphrase);
	if (code != CMD_GO)
		return code;
	if (keyfile == NULL && !passphrase && isatty(STDIN_FILENO) != 1)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say --keyfile FILE, or --passphrase to take the first "
		    "line of standard input");
	return init_vault(cmd, keyfile);
}

static enum cofre_status
send_unlock(struct cmd *cmd, const struct unlock *o, uint32_t slot,
    const struct kdf *k)
{
	const struct unlock_request q = { slot, { k->key, KEY_LEN },
		o->accept_rollback };

	unlock_request_put(call_begin(cmd->c, OP_UNLOCK), &q);
	return cmd_call_empty(cmd);
}

/* What the last attempt came to, as an exit code. */
static int
unlocked(struct cmd *cmd, const struct unlock *o, enum cofre_status s)
{
	if (s == COFRE_WRONG_KEY && o->slot.given)
		return cmd_error(cmd, s, "the key does not open slot %u",
		    o->slot.value);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

static int
unlock_keyfile(struct cmd *cmd, const struct unlock *o, struct kdf *k)
{
	struct problem p;
	enum cofre_status s = kdf_keyfile(k, o->keyfile, false, &p);

	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	return unlocked(cmd, o, send_unlock(cmd, o, o->slot.value, k));
}

/* The passphrase slots that are to be tried. */
struct slots {
	struct {
		uint32_t slot;
		uint64_t ops;
		uint64_t memory;
		uint8_t salt[SALT_LEN];
		size_t salt_len;
	} at[SLOTS_MAX];
	size_t count;
};

static bool
take_slots(struct list items, const struct unlock *o, struct slots *slots)
{
	struct wire_reader r = list_reader(items);
	struct slot_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		slot_item_get(&r, &m);
		if (r.bad)
			break;
		if (m.type != SLOT_PASSPHRASE ||
		    (o->slot.given && m.slot != o->slot.value))
			continue;
		slots->at[slots->count].slot = m.slot;
		slots->at[slots->count].ops = m.ops;
		slots->at[slots->count].memory = m.mem;
		slots->at[slots->count].salt_len = m.salt.len;
		if (m.salt.len > 0)
			memcpy(slots->at[slots->count].salt, m.salt.data,
			    m.salt.len);
		slots->count++;
	}
	return wire_reader_done(&r);
}

static enum cofre_status
list_slots(struct cmd *cmd, const struct unlock *o, struct slots *slots)
{
	const struct slot_list_request q = { 0 };
	struct slot_list_reply m;
	struct view body;
	enum cofre_status s;

	slots->count = 0;
	slot_list_request_put(call_begin(cmd->c, OP_SLOT_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && (!slot_list_reply_decode(body, &m) ||
		!take_slots(m.items, o, slots)))
		s = call_bad_reply(cmd->c);
	return s;
}

/*
 * After a wrong key the daemon takes no other for a quarter of a second, and
 * twice as long after each further one.
 */
static void
wait_turn(size_t failures)
{
	struct timespec pause = { 0, 0 };
	long ms = failures == 0 ? 0 : 250L << (failures < 8 ? failures - 1 : 7);

	pause.tv_sec = ms / 1000;
	pause.tv_nsec = ms % 1000 * 1000000;
	(void)nanosleep(&pause, NULL);
}

/*
 * Try the passphrase on one slot.  Each has a salt of its own, and so a key
 * of its own.
 */
static int
try_slot(struct cmd *cmd, const struct unlock *o, const struct slots *slots,
    size_t i, const struct input *passphrase, struct kdf *k)
{
	struct view salt = { slots->at[i].salt, slots->at[i].salt_len };
	struct problem p;
	enum cofre_status s;

	s = kdf_use(k, slots->at[i].ops, slots->at[i].memory, salt, &p);
	if (s == COFRE_OK)
		s = kdf_derive(k, passphrase, &p);
	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	wait_turn(i);
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	s = send_unlock(cmd, o, slots->at[i].slot, k);
	if (s == COFRE_WRONG_KEY && i + 1 < slots->count) {
		cmd_close(cmd);
		return CMD_GO;
	}
	return unlocked(cmd, o, s);
}

static int
unlock_passphrase(struct cmd *cmd, const struct unlock *o, struct kdf *k)
{
	struct input passphrase;
	struct slots slots;
	struct problem p;
	enum cofre_status s = list_slots(cmd, o, &slots);
	int code = CMD_GO;

	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	if (slots.count == 0)
		return cmd_error(cmd, COFRE_NOT_FOUND,
		    "there is no such passphrase slot: use --keyfile, or see "
		    "'cofre slot list'");
	cmd_close(cmd);
	s = input_init(&passphrase, KDF_PASSPHRASE_MAX, &p);
	if (s == COFRE_OK)
		s = kdf_ask(&passphrase, false, &p);
	if (s != COFRE_OK)
		code = cmd_problem(cmd, s, &p);
	for (size_t i = 0; i < slots.count && code == CMD_GO; i++)
		code = try_slot(cmd, o, &slots, i, &passphrase, k);
	input_free(&passphrase);
	return code;
}

static int
unlock_vault(struct cmd *cmd, const struct unlock *o)
{
	struct problem p;
	struct kdf k;
	uint8_t state;
	enum cofre_status s = cmd_state(cmd, &state);
	int code;

	if (s != COFRE_OK)
		return status_exit_code(s);
	if (state == VAULT_OPEN)
		return cmd_error(cmd, COFRE_CONFLICT,
		    "the vault is unlocked already");
	s = kdf_init(&k, &p);
	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	code = o->keyfile != NULL ? unlock_keyfile(cmd, o, &k) :
				    unlock_passphrase(cmd, o, &k);
	kdf_free(&k);
	if (code == 0)
		(void)puts("unlocked");
	return code;
}

int
cmd_unlock(struct cmd *cmd, int argc, char **argv)
{
	struct unlock o = { 0 };
	const struct option_row rows[] = {
		{ "keyfile", 0, OPTION_TEXT, "FILE", &o.keyfile,
		    "the key is in that file" },
		{ "passphrase", 0, OPTION_FLAG, NULL, &o.passphrase,
		    "ask for it, or read a line (the default)" },
		{ "slot", 0, OPTION_NUMBER, "N", &o.slot,
		    "try that slot only" },
		{ "accept-rollback", 0, OPTION_FLAG, NULL,
		    &o.accept_rollback,
		    "open a store that is older than its log" },
	};
	const struct option_usage u = {
		"unlock [--keyfile FILE | --passphrase] [--slot N] "
		"[--accept-rollback]",
		"Open the vault.  Only an operator may.  When standard input "
		"is no terminal,\nits first line is the passphrase.\n",
		rows, 4, 0, 0
	};
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code == CMD_GO)
		code = exclusive(cmd, o.keyfile, o.passphrase);
	if (code != CMD_GO)
		return code;
	if (o.slot.given && (o.slot.value < 1 || o.slot.value > SLOTS_MAX))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "slots have the numbers 1 to %u", SLOTS_MAX);
	cmd->timeout = UNLOCK_TIMEOUT_MS;
	return unlock_vault(cmd, &o);
}

int
cmd_lock(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "lock",
		"Wipe every key from the daemon's memory.  Nothing can be "
		"fetched until\nthe vault is unlocked.  Only an operator "
		"may.\n", NULL, 0, 0, 0 };
	const struct lock_request q = { 0 };
	int code = cmd_parse(cmd, &u, argc, argv);
	enum cofre_status s;

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	lock_request_put(call_begin(cmd->c, OP_LOCK), &q);
	s = cmd_call_empty(cmd);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	(void)puts("locked");
	return 0;
}
