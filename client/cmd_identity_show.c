/* identity show, list: who acts as a managed identity, and what it may. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "granttext.h"
#include "hex.h"
#include "output.h"
#include "status.h"

/* A grant, and whether the identity should have it, and has it. */
struct held {
	struct who_item item;
	bool canonical;
	bool actual;
};

struct holdings {
	struct held *at;
	size_t count;
};

/* Put the two lists together: each grant once.  COFRE_BAD_REPLY: one of them
   can't be decoded. */
static enum cofre_status
collect(const struct identity_show_reply *m, struct holdings *all)
{
	struct wire_reader r = list_reader(m->canonical);
	struct held *h;

	all->at = calloc((size_t)m->canonical.count + m->actual.count + 1,
	    sizeof(*all->at));
	if (all->at == NULL)
		return COFRE_NO_MEMORY;
	for (uint32_t i = 0; i < m->canonical.count; i++) {
		h = &all->at[all->count++];
		who_item_get(&r, &h->item);
		h->canonical = true;
		h->actual = !r.bad && granttext_is_in(m->actual, &h->item);
	}
	if (!wire_reader_done(&r))
		return COFRE_BAD_REPLY;
	r = list_reader(m->actual);
	for (uint32_t i = 0; i < m->actual.count; i++) {
		h = &all->at[all->count];
		who_item_get(&r, &h->item);
		h->actual = true;
		if (!r.bad && !granttext_is_in(m->canonical, &h->item))
			all->count++;
	}
	return wire_reader_done(&r) ? COFRE_OK : COFRE_BAD_REPLY;
}

/* Ask for an identity.  What the reply says lives until the next call. */
static enum cofre_status
ask(struct cmd *cmd, struct view workspace, struct identity_show_reply *m,
    struct holdings *all)
{
	const struct identity_show_request q = { workspace };
	struct view body;
	enum cofre_status s;

	memset(all, 0, sizeof(*all));
	identity_show_request_put(call_begin(cmd->c, OP_IDENTITY_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	s = identity_show_reply_decode(body, m) ? collect(m, all) :
						  COFRE_BAD_REPLY;
	if (s == COFRE_NO_MEMORY)
		return call_fail(cmd->c, s, "%s: out of memory", cmd->verb);
	return s == COFRE_OK ? s : call_bad_reply(cmd->c);
}

/* What sha256sum(1) prints, or nothing. */
static const char *
digest(const struct binding_item *m, char text[2 * SHA256_LEN + 1])
{
	return hex_encode(text, m->sha256);
}

static bool
list_bindings(struct listing *l, struct list items)
{
	struct wire_reader r = list_reader(items);
	char text[2 * SHA256_LEN + 1];
	struct binding_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		binding_item_get(&r, &m);
		listing_id(l, m.uid);
		listing_id(l, m.gid);
		listing_view(l, m.exe);
		listing_text(l, digest(&m, text));
		listing_view(l, m.unit);
		listing_view(l, m.cgroup);
		listing_time(l, m.created);
		listing_number(l, m.by);
	}
	return wire_reader_done(&r);
}

static void
list_held(struct listing *l, const struct holdings *all)
{
	char scope[GRANTTEXT_MAX];

	for (size_t i = 0; i < all->count; i++) {
		const struct held *h = &all->at[i];

		listing_view(l, h->item.role);
		listing_text(l, granttext_scope(h->item.scope,
		    h->item.prefix, scope));
		listing_text(l, h->canonical ? "yes" : "no");
		listing_text(l, h->actual ? "yes" : "no, it was revoked");
	}
}

static int
print_identity(struct cmd *cmd, const struct identity_show_reply *m,
    const struct holdings *all)
{
	static const struct listing_column bound[] = { { "UID", "" },
		{ "GID", "" }, { "EXE", "" }, { "SHA256", "" },
		{ "UNIT", "" }, { "CGROUP", "" }, { "BOUND", "" },
		{ "BY UID", "" } };
	static const struct listing_column held[] = { { "ROLE", "" },
		{ "SCOPE", "" }, { "CANONICAL", "" }, { "ACTUAL", "" } };
	struct listing *l = listing_new(false, bound, 8);

	if (!list_bindings(l, m->items)) {
		listing_free(l);
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	}
	if (!listing_print(l, stdout))
		return cmd_printed(cmd, false);
	(void)fputc('\n', stdout);
	l = listing_new(false, held, 4);
	list_held(l, all);
	return cmd_printed(cmd, listing_print(l, stdout));
}

/* What is not asked for is null. */
static json_t *
json_id(uint32_t id)
{
	return id == NO_ID ? json_null() : output_json_number(id);
}

static json_t *
json_text(struct view v)
{
	return v.len == 0 ? json_null() : output_json_view(v);
}

/* False when the list can't be decoded; NULL when there is no memory. */
static bool
json_bindings(struct list items, json_t **ret)
{
	struct wire_reader r = list_reader(items);
	json_t *array = json_array();
	char text[2 * SHA256_LEN + 1];
	struct binding_item m;

	for (uint32_t i = 0; i < items.count && !r.bad; i++) {
		binding_item_get(&r, &m);
		(void)json_array_append_new(array,
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			"uid", json_id(m.uid), "gid", json_id(m.gid), "exe",
			json_text(m.exe), "sha256",
			json_text(view_of(digest(&m, text))), "unit",
			json_text(m.unit), "cgroup", json_text(m.cgroup),
			"created", output_json_time(m.created), "created_by",
			output_json_number(m.by)));
	}
	/* One that there was no memory for must not just be missing. */
	if (json_array_size(array) != items.count) {
		json_decref(array);
		array = NULL;
	}
	*ret = array;
	return wire_reader_done(&r);
}

static json_t *
json_held(const struct holdings *all)
{
	json_t *array = json_array();
	char scope[GRANTTEXT_MAX];

	for (size_t i = 0; i < all->count; i++) {
		const struct held *h = &all->at[i];

		(void)json_array_append_new(array,
		    json_pack("{s:o, s:s, s:b, s:b}", "role",
			output_json_view(h->item.role), "scope",
			granttext_scope(h->item.scope, h->item.prefix, scope),
			"canonical", h->canonical, "actual", h->actual));
	}
	if (json_array_size(array) == all->count)
		return array;
	json_decref(array);
	return NULL;
}

static int
json_identity(const struct cmd *cmd, const struct identity_show_reply *m,
    const struct holdings *all)
{
	json_t *bindings;

	if (!json_bindings(m->items, &bindings)) {
		json_decref(bindings);
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	}
	return cmd_printed(cmd,
	    output_json(json_pack("{s:s, s:o, s:o}", "workspace",
			    cmd->args[0], "bindings", bindings, "grants",
			    json_held(all)), stdout));
}

int
cmd_identity_show(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "identity show WORKSPACE [--json]",
		"List the processes that act as the workspace's managed "
		"identity; then the grants\nthat it should have, and those "
		"that it has.  Grants in other workspaces are shown\nas far "
		"as you may see them.\n", rows, 1, 1, 1 };
	struct identity_show_reply m;
	struct holdings all;
	struct view workspace;
	enum cofre_status s;
	int code = cmd_start_workspace(cmd, &u, argc, argv, &workspace);

	if (code != CMD_GO)
		return code;
	s = ask(cmd, workspace, &m, &all);
	if (s != COFRE_OK)
		code = cmd_fail(cmd, s);
	else
		code = json ? json_identity(cmd, &m, &all) :
			      print_identity(cmd, &m, &all);
	free(all.at);
	return code;
}

/* How an identity's grants are, in one word. */
static const char *
condition(const struct holdings *all)
{
	size_t missing = 0, extra = 0, canonical = 0;

	for (size_t i = 0; i < all->count; i++) {
		canonical += all->at[i].canonical;
		missing += !all->at[i].actual;
		extra += !all->at[i].canonical;
	}
	if (missing > 0)
		return missing == canonical ? "revoked" : "incomplete";
	return extra > 0 ? "extra" : "canonical";
}

/* A row for one identity; a caller who may not see it is told so. */
static enum cofre_status
list_identity(struct cmd *cmd, struct listing *l, const char *workspace)
{
	struct identity_show_reply m;
	struct holdings all;
	char text[GRANTTEXT_MAX];
	enum cofre_status s = ask(cmd, view_of(workspace), &m, &all);

	/* It may have gone since the workspaces were listed. */
	if (s == COFRE_OK || s == COFRE_DENIED || s == COFRE_NOT_FOUND) {
		listing_text(l, granttext_principal(PRINCIPAL_IDENTITY, 0,
		    view_of(workspace), text));
		(void)snprintf(text, sizeof(text), "%u",
		    s == COFRE_OK ? m.items.count : 0);
		listing_text(l, s == COFRE_OK ? text : "");
		listing_text(l, s == COFRE_OK ? condition(&all) :
						"not yours to see");
		s = COFRE_OK;
	}
	free(all.at);
	return s;
}

int
cmd_identity_list(struct cmd *cmd, int argc, char **argv)
{
	static const struct listing_column columns[] = {
		{ "IDENTITY", "identity" }, { "BINDINGS", "bindings" },
		{ "GRANTS", "grants" } };
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "identity list [--json]",
		"List the managed identities: one for each workspace that you "
		"may see.  GRANTS is\ncanonical, extra, incomplete or "
		"revoked: see identity show.\n", rows, 1, 0, 0 };
	struct listing *l;
	struct workspaces all;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	l = listing_new(json, columns, 3);
	s = workspaces_read(cmd, &all);
	for (size_t i = 0; s == COFRE_OK && i < all.count; i++)
		s = list_identity(cmd, l, all.at[i]);
	free(all.at);
	if (s == COFRE_OK)
		return cmd_printed(cmd, listing_print(l, stdout));
	listing_free(l);
	return cmd_fail(cmd, s);
}
