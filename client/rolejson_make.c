#include "actions.h"
#include "names.h"
#include "rolejson.h"

static json_t *
json_scope(const struct scope_item *m)
{
	if (m->workspace.len == 0)
		return json_string("/");
	if (m->prefix.len == 0)
		return json_sprintf("/%.*s", (int)m->workspace.len,
		    (const char *)m->workspace.data);
	return json_sprintf("/%.*s/%.*s*", (int)m->workspace.len,
	    (const char *)m->workspace.data, (int)m->prefix.len,
	    (const char *)m->prefix.data);
}

static bool
scope_is_valid(const struct scope_item *m)
{
	if (m->workspace.len == 0)
		return m->prefix.len == 0;
	return name_is_workspace(m->workspace) && name_is_prefix(m->prefix);
}

static enum cofre_status
append(json_t *to, json_t *value)
{
	return json_array_append_new(to, value) == 0 ? COFRE_OK :
						       COFRE_NO_MEMORY;
}

static enum cofre_status
append_scopes(json_t *to, struct list items)
{
	struct wire_reader r = list_reader(items);
	enum cofre_status s = COFRE_OK;
	struct scope_item m;

	for (uint32_t i = 0; i < items.count && s == COFRE_OK; i++) {
		scope_item_get(&r, &m);
		if (r.bad || !scope_is_valid(&m))
			return COFRE_BAD_REPLY;
		s = append(to, json_scope(&m));
	}
	return s == COFRE_OK && !wire_reader_done(&r) ? COFRE_BAD_REPLY : s;
}

static enum cofre_status
append_patterns(json_t *to, struct list items)
{
	struct wire_reader r = list_reader(items);
	enum cofre_status s = COFRE_OK;
	struct pattern_item m;

	for (uint32_t i = 0; i < items.count && s == COFRE_OK; i++) {
		pattern_item_get(&r, &m);
		if (r.bad)
			return COFRE_BAD_REPLY;
		s = append(to, output_json_view(m.pattern));
	}
	return s == COFRE_OK && !wire_reader_done(&r) ? COFRE_BAD_REPLY : s;
}

/* Those of a set that are data, or those that are not. */
static enum cofre_status
append_actions(json_t *to, uint64_t set, bool data)
{
	enum cofre_status s = COFRE_OK;
	enum action a;

	for (size_t i = 1; (a = action_at(i)) != ACTION_NONE &&
	     s == COFRE_OK; i++) {
		const char *name = action_name(a);
		bool is_data = action_expand(view_of(name), PLANE_DATA) != 0;

		if ((set & action_bit(a)) != 0 && is_data == data)
			s = append(to, json_string(name));
	}
	return s;
}

/* What a role is given by, in the order of the keys below. */
static enum cofre_status
fill(const struct role_show_reply *m, json_t *const lists[5])
{
	enum cofre_status s;

	if (!m->custom) {
		s = append_actions(lists[0], m->actions, false);
		if (s == COFRE_OK)
			s = append_actions(lists[2], m->actions, true);
		return s == COFRE_OK ? append(lists[4], json_string("/")) : s;
	}
	if ((s = append_patterns(lists[0], m->patterns)) != COFRE_OK ||
	    (s = append_patterns(lists[1], m->not_actions)) != COFRE_OK ||
	    (s = append_patterns(lists[2], m->data_actions)) != COFRE_OK ||
	    (s = append_patterns(lists[3], m->not_data_actions)) != COFRE_OK)
		return s;
	return append_scopes(lists[4], m->scopes);
}

enum cofre_status
rolejson_make(const struct role_show_reply *m, json_t **ret)
{
	json_t *lists[5];
	enum cofre_status s;
	json_t *all;

	for (size_t i = 0; i < 5; i++)
		lists[i] = json_array();
	/* It takes the lists over, also when it fails. */
	all = json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "Name",
	    output_json_view(m->name), "IsCustom", m->custom, "Description",
	    output_json_view(m->description), "Actions", lists[0],
	    "NotActions", lists[1], "DataActions", lists[2],
	    "NotDataActions", lists[3], "AssignableScopes", lists[4]);
	s = all == NULL ? COFRE_NO_MEMORY : fill(m, lists);
	if (s == COFRE_OK)
		*ret = all;
	else
		json_decref(all);
	return s;
}
