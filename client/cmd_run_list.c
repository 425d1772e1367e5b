/* run list, show. */
#include "cmd_run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "hex.h"
#include "output.h"
#include "status.h"

const char *
run_state_name(uint8_t state)
{
	switch ((enum run_state)state) {
	case RUN_ACTIVE:
		return "active";
	case RUN_OVER:
		return "over";
	}
	return "?";
}

const char *
run_target_name(uint8_t target)
{
	switch ((enum run_target)target) {
	case RUN_TOKEN_ONLY:
		return "token";
	case RUN_PROCESS:
		return "process";
	case RUN_CGROUP:
		return "cgroup";
	}
	return "?";
}

/* Why it is over, in a word. */
static const char *
run_why_name(uint8_t why)
{
	switch ((enum run_end)why) {
	case RUN_END_NONE:
		return "";
	case RUN_END_ASKED:
		return "asked";
	case RUN_END_LIFETIME:
		return "lifetime";
	case RUN_END_PROCESS:
		return "process";
	case RUN_END_CGROUP:
		return "cgroup";
	case RUN_END_WORKSPACE:
		return "workspace";
	case RUN_END_UNSEEN:
		return "unseen";
	case RUN_END_REBOOT:
		return "reboot";
	}
	return "?";
}

/* The runs that are wanted, and where they are listed. */
struct choice {
	struct listing *l;
	uint8_t state;	   /* 0: any */
	const char *label; /* NULL: any */
	bool mine;
};

static void
add_row(void *context, const struct run_item *m)
{
	struct choice *c = context;
	struct listing *l = c->l;
	char id[COFRE_RUN_ID_SIZE];

	if ((c->state != 0 && m->state != c->state) ||
	    (c->label != NULL && !view_is(m->label, c->label)) ||
	    (c->mine && m->by != geteuid()))
		return;
	listing_text(l, hex_encode(id, m->run));
	listing_text(l, run_state_name(m->state));
	listing_text(l, run_target_name(m->target));
	if (m->target == RUN_PROCESS)
		listing_number(l, m->pid);
	else
		listing_text(l, "");
	listing_id(l, m->uid);
	listing_number(l, m->secrets);
	listing_number(l, m->reads);
	listing_time(l, m->created);
	listing_time(l, m->expires);
	listing_time(l, m->ended);
	listing_text(l, run_why_name(m->why));
	listing_id(l, m->by);
	listing_view(l, m->label);
}

/* The state with that name, or 0. */
static uint8_t
state_of(const char *name)
{
	if (strcmp(name, run_state_name(RUN_ACTIVE)) == 0)
		return RUN_ACTIVE;
	return strcmp(name, run_state_name(RUN_OVER)) == 0 ? RUN_OVER : 0;
}

int
run_list(struct cmd *cmd, int argc, char **argv)
{
	static const struct listing_column columns[] = { { "RUN", "run" },
		{ "STATE", "state" }, { "TARGET", "target" }, { "PID", "pid" },
		{ "UID", "uid" }, { "SECRETS", "secrets" },
		{ "READS", "reads" }, { "CREATED", "created" },
		{ "EXPIRES", "expires" }, { "ENDED", "ended" },
		{ "WHY", "why" }, { "BY UID", "created_by" },
		{ "LABEL", "label" } };
	struct choice c = { .state = 0 };
	const char *state = NULL;
	bool json = false;
	const struct option_row rows[] = {
		{ "state", 0, OPTION_TEXT, "S", &state,
		    "only those that are active, or over" },
		{ "label", 0, OPTION_TEXT, "TEXT", &c.label,
		    "only those with that label" },
		{ "mine", 0, OPTION_FLAG, NULL, &c.mine,
		    "only those that you have started" },
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = {
		"run list WORKSPACE [--state S] [--label TEXT] [--mine] "
		"[--json]",
		"List the runs of a workspace.\n", rows, 4, 1, 1 };
	struct view workspace;
	struct problem p;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_workspace(cmd->args[0], &workspace, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	if (state != NULL && (c.state = state_of(state)) == 0)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--state takes active or over, not '%.40s'", state);
	cmd->object = cmd->args[0];
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	c.l = listing_new(json, columns, 13);
	s = run_each(cmd, workspace, add_row, &c);
	if (s == COFRE_OK)
		return cmd_printed(cmd, listing_print(c.l, stdout));
	listing_free(c.l);
	return cmd_fail(cmd, s);
}

/*
 * Show.
 */

/* A digest's digits, or an empty text. */
static const char *
digits(struct view v, char to[2 * SNAPSHOT_MAX + 1])
{
	return hex_encode(to, v);
}

static const char *
run_why_text(uint8_t why)
{
	switch ((enum run_end)why) {
	case RUN_END_NONE:
		return "before the vault was opened";
	case RUN_END_ASKED:
		return "by run end";
	case RUN_END_LIFETIME:
		return "its lifetime was over";
	case RUN_END_PROCESS:
		return "with its process";
	case RUN_END_CGROUP:
		return "its cgroup was empty";
	case RUN_END_WORKSPACE:
		return "its workspace was deleted";
	case RUN_END_UNSEEN:
		return "its process or cgroup went while the vault was closed";
	case RUN_END_REBOOT:
		return "the machine was started anew";
	}
	return "?";
}

/* Uid, or "any". */
static void
print_uid(const char *head, uint32_t uid)
{
	if (uid == NO_ID)
		(void)printf("%sany\n", head);
	else
		(void)printf("%s%u\n", head, (unsigned)uid);
}

static void
print_run(const struct run_show_reply *m)
{
	char id[COFRE_RUN_ID_SIZE], digest[2 * SNAPSHOT_MAX + 1];
	char time[OUTPUT_TIME];

	(void)printf("run       %s\nstate     %s\ntarget    %s",
	    hex_encode(id, m->run), run_state_name(m->state),
	    run_target_name(m->target));
	if (m->target == RUN_PROCESS)
		(void)printf(" %u", (unsigned)m->pid);
	if (m->target == RUN_CGROUP) {
		(void)putchar(' ');
		output_text(stdout, m->cgroup);
	}
	print_uid("\nuid       ", m->uid);
	(void)printf("token     %s\nlabel     ", m->token ? "yes" : "no");
	output_text(stdout, m->label.len > 0 ? m->label : view_of("-"));
	(void)printf("\nsnapshot  %s\n", m->snapshot.len > 0 ?
	    digits(m->snapshot, digest) : "-");
	(void)printf("created   %s by uid %u\n", output_time(m->created, time),
	    (unsigned)m->by);
	(void)printf("expires   %s\n", output_time(m->expires, time));
	if (m->state == RUN_OVER)
		(void)printf("ended     %s, %s\n",
		    output_time(m->ended, time), run_why_text(m->why));
	(void)printf("read      %u times\n", (unsigned)m->reads);
}

/* List what the run may read, below the rest. */
static bool
print_secrets(struct list items)
{
	struct wire_reader r = list_reader(items);
	struct run_secret_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		run_secret_item_get(&r, &m);
		if (r.bad)
			return false;
		(void)printf("secret    ");
		output_text(stdout, m.name);
		if (m.reads > 0)
			(void)printf(", version %u, read %u times\n",
			    (unsigned)m.version, (unsigned)m.reads);
		else
			(void)printf(", not read\n");
	}
	return wire_reader_done(&r);
}

/* False when the list can't be decoded; NULL when there is no memory. */
static bool
json_secrets(struct list items, json_t **ret)
{
	struct wire_reader r = list_reader(items);
	json_t *array = json_array();
	struct run_secret_item m;

	for (uint32_t i = 0; i < items.count && !r.bad; i++) {
		run_secret_item_get(&r, &m);
		(void)json_array_append_new(array,
		    json_pack("{s:o, s:I, s:I}", "name",
			output_json_view(m.name), "version",
			(json_int_t)m.version, "reads",
			(json_int_t)m.reads));
	}
	if (json_array_size(array) != items.count) {
		json_decref(array);
		array = NULL;
	}
	*ret = array;
	return wire_reader_done(&r);
}

/* A text, or null for an empty one; an id, or null for none. */
static json_t *
json_or_null(struct view v)
{
	return v.len == 0 ? json_null() : output_json_view(v);
}

static json_t *
json_id(uint32_t id)
{
	return id == NO_ID ? json_null() : output_json_number(id);
}

static json_t *
json_run(const struct run_show_reply *m, json_t *secrets)
{
	char id[COFRE_RUN_ID_SIZE], digest[2 * SNAPSHOT_MAX + 1];
	json_t *all = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:o, "
	    "s:o}", "run", hex_encode(id, m->run), "state",
	    run_state_name(m->state), "target", run_target_name(m->target),
	    "pid", m->target == RUN_PROCESS ? output_json_number(m->pid) :
	    json_null(), "cgroup", json_or_null(m->cgroup), "uid",
	    json_id(m->uid), "token", (int)m->token, "label",
	    json_or_null(m->label), "snapshot",
	    json_or_null(view_of(digits(m->snapshot, digest))));
	json_t *more = json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o}",
	    "created", output_json_time(m->created), "expires",
	    output_json_time(m->expires), "ended", output_json_time(m->ended),
	    "why", json_or_null(view_of(run_why_name(m->why))), "created_by", json_id(m->by),
	    "reads", (json_int_t)m->reads, "secrets", secrets);

	if (all == NULL || more == NULL || json_object_update(all, more) != 0) {
		json_decref(all);
		all = NULL;
	}
	json_decref(more);
	return all;
}

/* The run that the reply tells of is the one that was asked for. */
static bool
take_show(struct view body, const uint8_t id[RUN_ID_LEN],
    struct run_show_reply *m)
{
	return run_show_reply_decode(body, m) && m->run.len == RUN_ID_LEN &&
	    memcmp(m->run.data, id, RUN_ID_LEN) == 0;
}

static int
give(const struct cmd *cmd, const struct run_show_reply *m, bool json)
{
	json_t *secrets = NULL;

	if (!json) {
		print_run(m);
		return print_secrets(m->items) ? 0 :
		    cmd_fail(cmd, call_bad_reply(cmd->c));
	}
	if (!json_secrets(m->items, &secrets)) {
		json_decref(secrets);
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	}
	return cmd_printed(cmd, output_json(json_run(m, secrets), stdout));
}

int
run_show(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "run show WORKSPACE ID [--json]",
		"Show a run, and which secrets it has read.  8 or more digits "
		"of the id will do.\n", rows, 1, 2, 2 };
	struct run_show_request q;
	struct run_show_reply m;
	uint8_t id[RUN_ID_LEN];
	struct run_name r;
	struct view body;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code == CMD_GO)
		code = run_named(cmd, &r);
	if (code != CMD_GO)
		return code;
	(void)hex_decode(view_of(r.id), id, sizeof(id));
	q = (struct run_show_request){ r.workspace, { id, sizeof(id) } };
	run_show_request_put(call_begin(cmd->c, OP_RUN_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !take_show(body, id, &m))
		s = call_bad_reply(cmd->c);
	return s == COFRE_OK ? give(cmd, &m, json) : cmd_fail(cmd, s);
}
