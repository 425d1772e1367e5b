/* run list, show. */
#include "cmd_run.h"

#include <stdio.h>
#include <string.h>

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

static bool
add_row(void *context, const struct run_item *m)
{
	struct listing *l = context;
	char id[COFRE_RUN_ID_SIZE];

	listing_text(l, hex_encode(id, m->run));
	listing_text(l, run_state_name(m->state));
	listing_text(l, run_target_name(m->target));
	listing_number(l, m->pid);
	listing_id(l, m->uid);
	listing_number(l, m->secrets);
	listing_number(l, m->reads);
	listing_time(l, m->created);
	listing_time(l, m->expires);
	listing_id(l, m->by);
	listing_view(l, m->label);
	return true;
}

int
run_list(struct cmd *cmd, int argc, char **argv)
{
	static const struct listing_column columns[] = { { "RUN", "run" },
		{ "STATE", "state" }, { "TARGET", "target" }, { "PID", "pid" },
		{ "UID", "uid" }, { "SECRETS", "secrets" },
		{ "READS", "reads" }, { "CREATED", "created" },
		{ "EXPIRES", "expires" }, { "BY UID", "created_by" },
		{ "LABEL", "label" } };
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "run list WORKSPACE [--json]",
		"List the runs of a workspace.\n", rows, 1, 1, 1 };
	struct view workspace;
	struct listing *l;
	struct problem p;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_workspace(cmd->args[0], &workspace, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	l = listing_new(json, columns, 11);
	s = run_each(cmd, workspace, add_row, l);
	if (s == COFRE_OK)
		return cmd_printed(cmd, listing_print(l, stdout));
	listing_free(l);
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
	(void)printf("expires   %s\nread      %u times\n",
	    output_time(m->expires, time), (unsigned)m->reads);
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
	json_t *more = json_pack("{s:o, s:o, s:o, s:I, s:o}", "created",
	    output_json_time(m->created), "expires",
	    output_json_time(m->expires), "created_by", json_id(m->by),
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
