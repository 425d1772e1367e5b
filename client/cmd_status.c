/* status and doctor: how the vault and its daemon stand. */
#include "cmd.h"

#include <stdlib.h>

#include "output.h"
#include "status.h"

static const char *
state_name(uint8_t state)
{
	switch ((enum vault_state)state) {
	case VAULT_EMPTY:
		return "uninitialized";
	case VAULT_LOCKED:
		return "locked";
	case VAULT_OPEN:
		return "unlocked";
	}
	return "?";
}

static const char *
level_name(uint8_t level)
{
	switch ((enum report_level)level) {
	case REPORT_INFO:
		return "info";
	case REPORT_GOOD:
		return "good";
	case REPORT_WARN:
		return "warn";
	}
	return "?";
}

/* Ask for the report; its items lie in the connection's buffer. */
static enum cofre_status
get_report(struct cmd *cmd, struct list *items)
{
	const struct report_request q = { 0 };
	struct report_reply m;
	struct view body;
	enum cofre_status s;

	report_request_put(call_begin(cmd->c, OP_REPORT), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !report_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s == COFRE_OK)
		*items = m.items;
	return s;
}

/* What belongs into status: how things stand, and everything that is bad. */
static bool
is_main(const struct report_item *m)
{
	static const char *const keys[] = { "store", "activity log",
		"keys in", "buffers in" };

	if (view_is(m->key, "vault"))
		return false; /* it is the first line anyway */
	if (m->level != REPORT_GOOD)
		return true;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (view_is(m->key, keys[i]))
			return true;
	return false;
}

static void
print_item(const struct report_item *m, char mark)
{
	char key[OUTPUT_ESCAPED(REPORT_TEXT_MAX)];

	(void)output_escape(key, sizeof(key), m->key);
	(void)printf("%c %-20s ", mark, key);
	output_text(stdout, m->value);
	(void)putchar('\n');
}

static int
print_status(struct cmd *cmd, uint8_t state, struct list items)
{
	struct wire_reader r = list_reader(items);
	struct report_item m;

	(void)printf("  %-20s %s\n", "vault", state_name(state));
	for (uint32_t i = 0; i < items.count; i++) {
		report_item_get(&r, &m);
		if (r.bad)
			break;
		if (is_main(&m))
			print_item(&m, m.level == REPORT_WARN ? '!' : ' ');
	}
	return wire_reader_done(&r) ? 0 :
				      cmd_fail(cmd, call_bad_reply(cmd->c));
}

/* The report as an object by key; NULL when there is no memory for it. */
static json_t *
json_report(struct wire_reader *r, uint32_t count)
{
	json_t *all = json_object();
	struct report_item m;
	char key[OUTPUT_ESCAPED(REPORT_TEXT_MAX)];
	bool good = true;

	for (uint32_t i = 0; i < count; i++) {
		report_item_get(r, &m);
		(void)output_escape(key, sizeof(key), m.key);
		if (json_object_set_new(all, key,
			json_pack("{s:o, s:s}", "value",
			    output_json_view(m.value), "level",
			    level_name(m.level))) != 0)
			good = false;
	}
	if (good)
		return all;
	json_decref(all);
	return NULL;
}

static int
status_json(const struct cmd *cmd, uint8_t state, const struct list *items)
{
	struct wire_reader r = { 0 };
	json_t *report;

	if (items == NULL) {
		report = json_null();
	} else {
		r = list_reader(*items);
		report = json_report(&r, items->count);
	}
	if (!wire_reader_done(&r)) {
		json_decref(report);
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	}
	return cmd_printed(cmd,
	    output_json(json_pack("{s:s, s:o}", "vault", state_name(state),
			    "report", report), stdout));
}

int
cmd_status(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "status [--json]",
		"Say whether there is a vault, and whether it is locked.  An "
		"operator sees\nhow the store, the log and the keys' memory "
		"stand too.\n", rows, 1, 0, 0 };
	struct list items;
	uint8_t state = 0;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	s = cmd_state(cmd, &state);
	if (s != COFRE_OK)
		return status_exit_code(s);
	s = get_report(cmd, &items);
	if (s != COFRE_OK && s != COFRE_DENIED)
		return cmd_fail(cmd, s);
	if (json)
		return status_json(cmd, state, s == COFRE_OK ? &items : NULL);
	if (s == COFRE_OK)
		return print_status(cmd, state, items);
	(void)printf("  %-20s %s\n  (only an operator sees more)\n", "vault",
	    state_name(state));
	return 0;
}

static int
print_checks(struct cmd *cmd, struct list items)
{
	struct wire_reader r = list_reader(items);
	struct report_item m;
	unsigned missing = 0;

	for (uint32_t i = 0; i < items.count; i++) {
		report_item_get(&r, &m);
		if (r.bad)
			return cmd_fail(cmd, call_bad_reply(cmd->c));
		print_item(&m, m.level == REPORT_WARN ? '!' :
			m.level == REPORT_GOOD	      ? '+' :
							' ');
		if (m.level == REPORT_WARN)
			missing++;
	}
	if (missing == 0)
		(void)printf("\nEvery protection is in force.\n");
	else
		(void)printf("\n%u line%s marked '!': that protection is "
		    "missing or weaker than it can be.\n", missing,
		    missing == 1 ? " is" : "s are");
	return 0;
}

/* What doctor prints as JSON: a list, in the order of the report. */
static int
json_checks(struct cmd *cmd, struct list items)
{
	static const struct listing_column columns[] = { { "CHECK", "check" },
		{ "VALUE", "value" }, { "LEVEL", "level" } };
	struct listing *l = listing_new(true, columns, 3);
	struct wire_reader r = list_reader(items);
	struct report_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		report_item_get(&r, &m);
		listing_view(l, m.key);
		listing_view(l, m.value);
		listing_text(l, level_name(m.level));
	}
	return cmd_listed(cmd, &r, l);
}

int
cmd_doctor(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "doctor [--json]",
		"Tell what protection is in force: '+' before what is, '!' "
		"before what is missing\nor weaker than it can be.  Only an "
		"operator may.\n", rows, 1, 0, 0 };
	struct list items;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	s = get_report(cmd, &items);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	return json ? json_checks(cmd, items) : print_checks(cmd, items);
}
