#include "rolejson.h"

#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "names.h"

enum key {
	KEY_NAME,
	KEY_CUSTOM,
	KEY_DESCRIPTION,
	KEY_ACTIONS,
	KEY_NOT_ACTIONS,
	KEY_DATA_ACTIONS,
	KEY_NOT_DATA_ACTIONS,
	KEY_SCOPES,
};

static const char *const names[] = {
	[KEY_NAME] = "Name",
	[KEY_CUSTOM] = "IsCustom",
	[KEY_DESCRIPTION] = "Description",
	[KEY_ACTIONS] = "Actions",
	[KEY_NOT_ACTIONS] = "NotActions",
	[KEY_DATA_ACTIONS] = "DataActions",
	[KEY_NOT_DATA_ACTIONS] = "NotDataActions",
	[KEY_SCOPES] = "AssignableScopes",
};

#define KEYS (sizeof(names) / sizeof(names[0]))

/* Name, description, four lists of patterns and one of scopes. */
#define BYTES_MAX                                                            \
	(ROLE_NAME_MAX + ROLE_TEXT_MAX + 4 * PATTERNS_MAX *                  \
	    (4 + PATTERN_MAX) + ROLE_SCOPES_MAX * (8 +                       \
	    COFRE_WORKSPACE_NAME_MAX + COFRE_SECRET_NAME_MAX))

/* What is taken of a text for a message. */
#define SHOWN 127

static bool
is_known(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static struct view
text_of(const json_t *value)
{
	return (struct view){ (const uint8_t *)json_string_value(value),
		json_string_length(value) };
}

/* Copy a text behind what is there. */
static struct view
keep(struct wire_writer *w, struct view text)
{
	struct view kept = { w->data + w->len, text.len };

	wire_put_bytes(w, text);
	return kept;
}

static enum cofre_status
take_name(const json_t *all, struct wire_writer *w, struct rolejson *r,
    struct problem *p)
{
	const json_t *value = json_object_get(all, names[KEY_NAME]);
	struct view name = text_of(value);

	if (value == NULL)
		return problem_set(p, COFRE_FORMAT, "Name is missing");
	if (!json_is_string(value))
		return problem_set(p, COFRE_FORMAT, "Name is no string");
	if (!name_is_role(name))
		return problem_set(p, COFRE_FORMAT,
		    "Name: '%.*s' is no role's name: at most %u of A-Z a-z "
		    "0-9 . _ - and blanks, a letter or digit first and no "
		    "blank last", SHOWN, (const char *)name.data,
		    ROLE_NAME_MAX);
	r->q.name = keep(w, name);
	return COFRE_OK;
}

static enum cofre_status
take_description(const json_t *all, struct wire_writer *w,
    struct rolejson *r, struct problem *p)
{
	const json_t *value = json_object_get(all, names[KEY_DESCRIPTION]);
	struct view text = text_of(value);

	if (value == NULL) {
		r->q.description = view_of("");
		return COFRE_OK;
	}
	if (!json_is_string(value))
		return problem_set(p, COFRE_FORMAT,
		    "Description is no string");
	if (text.len > ROLE_TEXT_MAX)
		return problem_set(p, COFRE_TOO_LARGE,
		    "Description has %zu bytes, %u are allowed", text.len,
		    ROLE_TEXT_MAX);
	r->q.description = keep(w, text);
	return COFRE_OK;
}

/* Whoever copies a built-in role should see that this makes another one. */
static enum cofre_status
check_custom(const json_t *all, struct problem *p)
{
	const json_t *value = json_object_get(all, names[KEY_CUSTOM]);

	if (value != NULL && !json_is_true(value))
		return problem_set(p, COFRE_FORMAT,
		    "IsCustom must be true: no other roles can be put");
	return COFRE_OK;
}

static enum cofre_status
check_pattern(struct view pattern, enum key key, struct problem *p)
{
	bool values = key == KEY_DATA_ACTIONS || key == KEY_NOT_DATA_ACTIONS;
	enum action_plane mine = values ? PLANE_DATA : PLANE_CONTROL;
	enum action_plane other = values ? PLANE_CONTROL : PLANE_DATA;
	const char *text = (const char *)pattern.data;

	if (pattern.len > PATTERN_MAX)
		return problem_set(p, COFRE_TOO_LARGE,
		    "%s: '%.*s...' is over %u bytes", names[key], 40, text,
		    PATTERN_MAX);
	if (action_expand(pattern, mine) != 0)
		return COFRE_OK;
	if (action_expand(pattern, other) != 0)
		return problem_set(p, COFRE_FORMAT,
		    "%s: '%.*s' matches nothing here; it belongs into %s",
		    names[key], SHOWN, text,
		    values ? "Actions or NotActions" :
			     "DataActions or NotDataActions");
	if (action_expand(pattern, PLANE_VAULT) != 0)
		return problem_set(p, COFRE_FORMAT,
		    "%s: '%.*s' is for no custom role to give", names[key],
		    SHOWN, text);
	return problem_set(p, COFRE_FORMAT,
	    "%s: '%.*s' matches no action; 'cofre role actions' lists them",
	    names[key], SHOWN, text);
}

static enum cofre_status
take_pattern(struct view text, enum key key, struct wire_writer *w,
    struct problem *p)
{
	const struct pattern_item item = { text };
	enum cofre_status s = check_pattern(text, key, p);

	if (s == COFRE_OK)
		pattern_item_put(w, &item);
	return s;
}

/* "/", "/WORKSPACE" or "/WORKSPACE/PREFIX*". */
static bool
split_scope(struct view text, struct scope_item *item)
{
	const uint8_t *slash;

	if (text.len == 0 || text.data[0] != '/')
		return false;
	text = (struct view){ text.data + 1, text.len - 1 };
	*item = (struct scope_item){ text, view_of("") };
	if (text.len == 0)
		return true;
	slash = memchr(text.data, '/', text.len);
	if (slash == NULL)
		return name_is_workspace(text);
	item->workspace.len = (size_t)(slash - text.data);
	item->prefix = (struct view){ slash + 1,
		text.len - item->workspace.len - 1 };
	if (item->prefix.len < 2 ||
	    item->prefix.data[item->prefix.len - 1] != '*')
		return false;
	item->prefix.len--;
	return name_is_workspace(item->workspace) &&
	    name_is_prefix(item->prefix);
}

static enum cofre_status
take_scope(struct view text, enum key key, struct wire_writer *w,
    struct problem *p)
{
	struct scope_item item;

	if (!split_scope(text, &item))
		return problem_set(p, COFRE_FORMAT,
		    "%s: '%.*s' is no scope: write /, /WORKSPACE or "
		    "/WORKSPACE/BEGINNING*", names[key], SHOWN,
		    (const char *)text.data);
	scope_item_put(w, &item);
	return COFRE_OK;
}

/* A list of strings; one that is not there is empty. */
static enum cofre_status
take_list(const json_t *all, enum key key, struct wire_writer *w,
    struct list *ret, struct problem *p)
{
	const json_t *value = json_object_get(all, names[key]);
	uint32_t max = key == KEY_SCOPES ? ROLE_SCOPES_MAX : PATTERNS_MAX;
	size_t count = json_array_size(value);
	size_t start = w->len;
	enum cofre_status s = COFRE_OK;

	if (value != NULL && !json_is_array(value))
		return problem_set(p, COFRE_FORMAT, "%s is no array",
		    names[key]);
	if (count > max)
		return problem_set(p, COFRE_TOO_LARGE,
		    "%s has %zu strings, %u are allowed", names[key], count,
		    max);
	for (size_t i = 0; i < count && s == COFRE_OK; i++) {
		const json_t *one = json_array_get(value, i);

		if (!json_is_string(one))
			s = problem_set(p, COFRE_FORMAT,
			    "%s: its item %zu is no string", names[key],
			    i + 1);
		else if (key == KEY_SCOPES)
			s = take_scope(text_of(one), key, w, p);
		else
			s = take_pattern(text_of(one), key, w, p);
	}
	if (s == COFRE_OK)
		*ret = (struct list){ (uint32_t)count,
			{ w->data + start, w->len - start } };
	return s;
}

static enum cofre_status
take_lists(const json_t *all, struct wire_writer *w,
    struct role_put_request *q, struct problem *p)
{
	const struct {
		enum key key;
		struct list *to;
	} lists[] = {
		{ KEY_ACTIONS, &q->actions },
		{ KEY_NOT_ACTIONS, &q->not_actions },
		{ KEY_DATA_ACTIONS, &q->data_actions },
		{ KEY_NOT_DATA_ACTIONS, &q->not_data_actions },
		{ KEY_SCOPES, &q->scopes },
	};
	enum cofre_status s = COFRE_OK;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) &&
	     s == COFRE_OK; i++)
		s = take_list(all, lists[i].key, w, lists[i].to, p);
	if (s == COFRE_OK && q->scopes.count == 0)
		s = problem_set(p, COFRE_FORMAT,
		    "AssignableScopes is missing or empty: the role could be "
		    "given nowhere");
	return s;
}

static enum cofre_status
take_object(json_t *all, struct wire_writer *w, struct rolejson *r,
    struct problem *p)
{
	enum cofre_status s;

	for (void *i = json_object_iter(all); i != NULL;
	     i = json_object_iter_next(all, i))
		if (!is_known(json_object_iter_key(i)))
			return problem_set(p, COFRE_FORMAT,
			    "a key that is not known: '%.60s'",
			    json_object_iter_key(i));
	if ((s = take_name(all, w, r, p)) != COFRE_OK ||
	    (s = check_custom(all, p)) != COFRE_OK ||
	    (s = take_description(all, w, r, p)) != COFRE_OK)
		return s;
	return take_lists(all, w, &r->q, p);
}

static enum cofre_status
parse(struct view text, struct wire_writer *w, struct rolejson *r,
    struct problem *p)
{
	json_error_t error;
	json_t *all = json_loadb(text.len > 0 ? (const char *)text.data : "",
	    text.len, JSON_REJECT_DUPLICATES, &error);
	enum cofre_status s;

	/* jansson has no words for a lack of memory. */
	if (all == NULL && error.text[0] == '\0')
		s = problem_set(p, COFRE_NO_MEMORY, "out of memory");
	else if (all == NULL)
		s = problem_set(p, COFRE_FORMAT, "line %d, column %d: %s",
		    error.line, error.column, error.text);
	else if (!json_is_object(all))
		s = problem_set(p, COFRE_FORMAT, "it is no JSON object");
	else
		s = take_object(all, w, r, p);
	json_decref(all);
	return s;
}

enum cofre_status
rolejson_parse(struct view text, struct rolejson *ret, struct problem *p)
{
	struct rolejson r = { .q = { .if_version = NO_ID } };
	struct wire_writer w;
	enum cofre_status s;

	if (text.len > ROLEJSON_MAX)
		return problem_set(p, COFRE_TOO_LARGE,
		    "it is over %u bytes", ROLEJSON_MAX);
	if ((r.bytes = malloc(BYTES_MAX)) == NULL)
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	wire_writer_init(&w, r.bytes, BYTES_MAX);
	s = parse(text, &w, &r, p);
	if (s == COFRE_OK && w.bad)
		s = problem_set(p, COFRE_TOO_LARGE, "it is too large");
	if (s == COFRE_OK)
		*ret = r;
	else
		rolejson_free(&r);
	return s;
}

void
rolejson_free(struct rolejson *r)
{
	free(r->bytes);
	r->bytes = NULL;
}
