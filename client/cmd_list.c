/* list, show, versions: what may be seen of secrets without reading them. */
#include "cmd.h"

#include "arguments.h"
#include "entries.h"
#include "names.h"
#include "output.h"

/* The daemon keeps what has expired as it is; it only gives it out no more. */
static const char *
state_name(uint8_t state, uint64_t expires)
{
	if (state == SECRET_LIVE && expires != 0 && expires <= cmd_now())
		return "expired";
	switch ((enum secret_state)state) {
	case SECRET_LIVE:
		return "live";
	case SECRET_DELETED:
		return "deleted";
	case SECRET_PURGED:
		return "purged";
	}
	return "?";
}

static bool
print_entries(const struct entries *all, bool json)
{
	static const struct listing_column columns[] = { { "NAME", "name" },
		{ "KIND", "kind" }, { "TYPE", "type" }, { "STATE", "state" },
		{ "VERSION", "version" }, { "CREATED", "created" },
		{ "UPDATED", "updated" }, { "EXPIRES", "expires" },
		{ "FOLLOWS", "follows" }, { "SOURCE", "source" },
		{ "STALE", "stale" } };
	struct listing *l = listing_new(json, columns, 11);

	for (size_t i = 0; i < all->count; i++) {
		const struct secret_item *m = &all->at[i].item;

		listing_text(l, all->at[i].name);
		listing_text(l, kind_name(m->kind));
		listing_text(l, datastore_name(m->type));
		listing_text(l, state_name(m->state, m->expires));
		listing_number(l, m->version);
		listing_time(l, m->created);
		listing_time(l, m->updated);
		listing_time(l, m->expires);
		listing_text(l, all->at[i].follows);
		listing_text(l, all->at[i].source);
		if (m->stale == 0)
			listing_text(l, "");
		else
			listing_number(l, m->stale);
	}
	return listing_print(l, stdout);
}

int
cmd_list(struct cmd *cmd, int argc, char **argv)
{
	bool deleted = false, json = false;
	const struct option_row rows[] = {
		{ "deleted", 0, OPTION_FLAG, NULL, &deleted,
		    "the deleted ones instead" },
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "list WORKSPACE [--deleted] [--json]",
		"List the secrets of a workspace, without what they hold.\n",
		rows, 2, 1, 1 };
	struct entries all = { NULL, 0 };
	struct view workspace;
	enum cofre_status s;
	int code = cmd_start_workspace(cmd, &u, argc, argv, &workspace);

	if (code != CMD_GO)
		return code;
	s = entries_read(cmd, workspace, deleted, &all);
	code = s == COFRE_OK ? cmd_printed(cmd, print_entries(&all, json)) :
			       cmd_fail(cmd, s);
	entries_free(&all);
	return code;
}

/* Read a command line with WORKSPACE/NAME, and connect. */
static int
start(struct cmd *cmd, const char *synopsis, const char *about, int argc,
    char **argv, struct arg_object *o, bool *json)
{
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, json, "print JSON" },
	};
	const struct option_usage u = { synopsis, about, rows, 1, 1, 1 };

	return cmd_start_object(cmd, &u, argc, argv, o);
}

static bool
print_fields(struct list fields)
{
	struct wire_reader r = list_reader(fields);
	struct field_item f;

	for (uint32_t i = 0; i < fields.count; i++) {
		field_item_get(&r, &f);
		if (r.bad)
			return false;
		(void)printf("field     ");
		output_text(stdout, f.name);
		(void)printf(" = ");
		if ((f.flags & FIELD_SECRET) != 0)
			(void)printf("(secret)");
		else
			output_text(stdout, f.value);
		(void)putchar('\n');
	}
	return wire_reader_done(&r);
}

static void
print_line(const char *head, struct view text)
{
	(void)fputs(head, stdout);
	output_text(stdout, text);
	(void)putchar('\n');
}

static bool
print_secret(const char *object, const struct secret_show_reply *m)
{
	char time[OUTPUT_TIME];

	(void)printf("name      %s\nkind      %s%s%s\n", object,
	    kind_name(m->kind), m->type == 0 ? "" : ", ",
	    datastore_name(m->type));
	(void)printf("state     %s\nversion   %u\n",
	    state_name(m->state, m->expires), m->version);
	(void)printf("created   %s\n", output_time(m->created, time));
	(void)printf("updated   %s\n", output_time(m->updated, time));
	(void)printf("expires   %s\n", output_time(m->expires, time));
	if (m->follows.len > 0)
		print_line("follows   ", m->follows);
	if (m->source.len > 0)
		print_line("source    ", m->source);
	if (m->stale != 0)
		(void)printf("stale     version %u, refused upstream\n",
		    m->stale);
	return print_fields(m->fields);
}

/* The fields as an object by name, NULL when there is no memory.  False: the
   list can't be decoded. */
static bool
json_fields(struct list fields, json_t **ret)
{
	struct wire_reader r = list_reader(fields);
	json_t *all = json_object();
	struct field_item f;
	bool good = true;

	for (uint32_t i = 0; i < fields.count && !r.bad; i++) {
		char name[OUTPUT_ESCAPED(COFRE_FIELD_NAME_MAX)];

		field_item_get(&r, &f);
		(void)output_escape(name, sizeof(name), f.name);
		/* One that there is no memory for must not just be missing. */
		if (json_object_set_new(all, name,
			output_json_field((f.flags & FIELD_SECRET) != 0,
			    f.value)) != 0)
			good = false;
	}
	if (!good) {
		json_decref(all);
		all = NULL;
	}
	*ret = all;
	return wire_reader_done(&r);
}

static json_t *
json_name(struct view name)
{
	return name.len == 0 ? json_null() : output_json_view(name);
}

static json_t *
json_secret(const char *object, const struct secret_show_reply *m,
    json_t *fields)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:I, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o}",
	    "name", object, "kind", kind_name(m->kind), "type",
	    m->type == 0 ? json_null() : json_string(datastore_name(m->type)),
	    "state", state_name(m->state, m->expires), "version",
	    (json_int_t)m->version,
	    "created", output_json_time(m->created), "updated",
	    output_json_time(m->updated), "expires",
	    output_json_time(m->expires), "follows", json_name(m->follows),
	    "source", json_name(m->source), "stale",
	    m->stale == 0 ? json_null() : output_json_number(m->stale),
	    "fields", fields);
}

/*
 * Who follows the storage credential, where the caller may know: put into the
 * object, all of them, or printed, with json NULL.
 */
static enum cofre_status
show_followers(struct cmd *cmd, const struct arg_object *o, json_t *json)
{
	struct entries all = { NULL, 0 };
	enum cofre_status s = entries_followers(cmd, view_of(o->workspace),
	    o->name, &all);
	json_t *names = s == COFRE_OK ? json_array() : json_null();
	bool good = true;
	char text[ENTRIES_NAMES];

	for (size_t i = 0; i < all.count && json != NULL; i++)
		if (json_array_append_new(names,
			json_string(all.at[i].name)) != 0)
			good = false;
	if (json != NULL && json_object_set(json, "followed_by", names) != 0)
		good = false;
	if (json == NULL && all.count > 0)
		(void)printf("followers %s\n", entries_names(&all, text));
	json_decref(names);
	entries_free(&all);
	if (!good)
		return call_fail(cmd->c, COFRE_NO_MEMORY, "show %s: %s",
		    cmd->object, cofre_status_text(COFRE_NO_MEMORY));
	return s == COFRE_DENIED ? COFRE_OK : s;
}

/* Print what the reply says; it is gone when the followers are asked for. */
static int
show(struct cmd *cmd, const struct arg_object *o,
    const struct secret_show_reply *m, bool json)
{
	bool account = m->kind == COFRE_KIND_STORAGE;
	json_t *all = NULL, *fields = NULL;
	enum cofre_status s = COFRE_OK;

	if (json ? !json_fields(m->fields, &fields) :
		   !print_secret(cmd->object, m)) {
		json_decref(fields);
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	}
	if (json)
		all = json_secret(cmd->object, m, fields);
	if (account && (!json || all != NULL))
		s = show_followers(cmd, o, all);
	if (s != COFRE_OK) {
		json_decref(all);
		return cmd_fail(cmd, s);
	}
	return json ? cmd_printed(cmd, output_json(all, stdout)) : 0;
}

int
cmd_show(struct cmd *cmd, int argc, char **argv)
{
	struct secret_show_request q;
	struct secret_show_reply m;
	struct arg_object o;
	struct view body;
	bool json = false;
	enum cofre_status s;
	int code = start(cmd, "show WORKSPACE/NAME [--json]",
	    "Show a secret's metadata.  Of secret fields it shows the "
	    "names.\n", argc, argv, &o, &json);

	if (code != CMD_GO)
		return code;
	q = (struct secret_show_request){ view_of(o.workspace),
		view_of(o.name) };
	secret_show_request_put(call_begin(cmd->c, OP_SECRET_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !secret_show_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	return show(cmd, &o, &m, json);
}

static int
print_versions(struct cmd *cmd, struct list items, bool json)
{
	static const struct listing_column columns[] = {
		{ "VERSION", "version" }, { "CREATED", "created" },
		{ "EXPIRES", "expires" }, { "BY UID", "created_by" },
		{ "ENDS", "ends" }, { "KEY", "key" }, { "RUNS", "runs" } };
	struct listing *l = listing_new(json, columns, 7);
	struct wire_reader r = list_reader(items);
	struct version_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		version_item_get(&r, &m);
		listing_number(l, m.version);
		listing_time(l, m.created);
		listing_time(l, m.expires);
		listing_number(l, m.uid);
		listing_time(l, m.until);
		listing_text(l, m.slot == 0 ? "" : m.slot == 1 ? "1" : "2");
		listing_number(l, m.holders);
	}
	return cmd_listed(cmd, &r, l);
}

int
cmd_versions(struct cmd *cmd, int argc, char **argv)
{
	struct secret_versions_request q;
	struct secret_versions_reply m;
	struct arg_object o;
	struct view body;
	bool json = false;
	enum cofre_status s;
	int code = start(cmd, "versions WORKSPACE/NAME [--json]",
	    "List the versions of a secret that are kept.\n", argc, argv, &o,
	    &json);

	if (code != CMD_GO)
		return code;
	q = (struct secret_versions_request){ view_of(o.workspace),
		view_of(o.name) };
	secret_versions_request_put(call_begin(cmd->c, OP_SECRET_VERSIONS),
	    &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !secret_versions_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	return s == COFRE_OK ? print_versions(cmd, m.items, json) :
			       cmd_fail(cmd, s);
}
