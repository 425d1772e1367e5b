#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "rolejson.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define FULL                                                                 \
	"{\"Name\": \"Train Reader\", \"IsCustom\": true, "                  \
	"\"Description\": \"caf\\u00E9 \\n\", "                              \
	"\"Actions\": [\"workspaces/secrets/*read\", \"*/DELETE\"], "        \
	"\"NotActions\": [\"workspaces/delete\"], "                          \
	"\"DataActions\": [\"*\"], \"NotDataActions\": [\"*/value/read\"], " \
	"\"AssignableScopes\": [\"/\", \"/ml-prod\", "                       \
	"\"/ml-prod/train-*\"]}"

static enum cofre_status
parse(const char *text, struct rolejson *r, struct problem *p)
{
	memset(r, 0, sizeof(*r));
	return rolejson_parse(view_of(text), r, p);
}

/* What a text must say for its problem to be found. */
static const struct {
	const char *text;
	enum cofre_status status;
	const char *says;
} bad[] = {
	{ "", COFRE_FORMAT, "line 1" },
	{ "{", COFRE_FORMAT, "line 1" },
	{ "{} x", COFRE_FORMAT, "line 1" },
	{ "[]", COFRE_FORMAT, "no JSON object" },
	{ "{\"Name\": \"a\", \"Name\": \"a\"}", COFRE_FORMAT, "duplicate" },
	{ "{\"Name\": \"a\\u0000b\"}", COFRE_FORMAT, "line 1" },
	{ "{\"AssignableScopes\": [\"/\"]}", COFRE_FORMAT, "Name is missing" },
	{ "{\"Name\": 1}", COFRE_FORMAT, "Name is no string" },
	{ "{\"Name\": \"\"}", COFRE_FORMAT, "Name: ''" },
	{ "{\"Name\": \"a \"}", COFRE_FORMAT, "Name: 'a '" },
	{ "{\"Name\": \"a/b\"}", COFRE_FORMAT, "Name: 'a/b'" },
	{ "{\"Name\": \"a\", \"actions\": []}", COFRE_FORMAT, "'actions'" },
	{ "{\"Name\": \"a\", \"Id\": null}", COFRE_FORMAT, "'Id'" },
	{ "{\"Name\": \"a\", \"IsCustom\": false}", COFRE_FORMAT,
	    "IsCustom" },
	{ "{\"Name\": \"a\", \"IsCustom\": \"true\"}", COFRE_FORMAT,
	    "IsCustom" },
	{ "{\"Name\": \"a\", \"Description\": null}", COFRE_FORMAT,
	    "Description" },
	{ "{\"Name\": \"a\"}", COFRE_FORMAT, "AssignableScopes" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": []}", COFRE_FORMAT,
	    "AssignableScopes" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": \"/\"}", COFRE_FORMAT,
	    "AssignableScopes is no array" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"/\", 1]}", COFRE_FORMAT,
	    "AssignableScopes: its item 2" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"\"]}", COFRE_FORMAT,
	    "AssignableScopes: ''" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"ml\"]}", COFRE_FORMAT,
	    "'ml'" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"/ML\"]}", COFRE_FORMAT,
	    "'/ML'" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"//\"]}", COFRE_FORMAT,
	    "'//'" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"/ml/\"]}",
	    COFRE_FORMAT, "'/ml/'" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"/ml/*\"]}",
	    COFRE_FORMAT, "'/ml/*'" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"/ml/t\"]}",
	    COFRE_FORMAT, "'/ml/t'" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"/ml/te\"]}",
	    COFRE_FORMAT, "'/ml/te'" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"/ML/t*\"]}",
	    COFRE_FORMAT, "'/ML/t*'" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"/ml/t**\"]}",
	    COFRE_FORMAT, "'/ml/t**'" },
	{ "{\"Name\": \"a\", \"AssignableScopes\": [\"/ml/a/b*\"]}",
	    COFRE_FORMAT, "'/ml/a/b*'" },
	{ "{\"Name\": \"a\", \"Actions\": {}}", COFRE_FORMAT,
	    "Actions is no array" },
	{ "{\"Name\": \"a\", \"Actions\": [\"\"]}", COFRE_FORMAT,
	    "Actions: ''" },
	{ "{\"Name\": \"a\", \"Actions\": [\"workspaces/read \"]}",
	    COFRE_FORMAT, "Actions: 'workspaces/read '" },
	{ "{\"Name\": \"a\", \"NotActions\": [\"*\", \"x/*\"]}", COFRE_FORMAT,
	    "NotActions: 'x/*' matches no action" },
	{ "{\"Name\": \"a\", \"Actions\": [\"*/value/read\"]}", COFRE_FORMAT,
	    "it belongs into DataActions" },
	{ "{\"Name\": \"a\", \"DataActions\": [\"workspaces/read\"]}",
	    COFRE_FORMAT, "it belongs into Actions" },
	{ "{\"Name\": \"a\", \"NotDataActions\": [\"workspaces/read\"]}",
	    COFRE_FORMAT, "NotDataActions: 'workspaces/read'" },
	{ "{\"Name\": \"a\", \"Actions\": [\"roles/write\"]}", COFRE_FORMAT,
	    "no custom role" },
};

START_TEST(what_is_wrong_is_refused_and_named)
{
	struct rolejson r;
	struct problem p;
	enum cofre_status s = parse(bad[_i].text, &r, &p);

	ck_assert_msg(s == bad[_i].status, "%s: %s", bad[_i].text,
	    cofre_status_name(s));
	ck_assert_msg(strstr(p.text, bad[_i].says) != NULL, "%s: %s",
	    bad[_i].text, p.text);
	ck_assert_ptr_null(r.bytes);
}
END_TEST

START_TEST(lists_are_read_in_their_order)
{
	struct rolejson r;
	struct problem p;
	struct wire_reader reader;
	struct pattern_item pattern;
	struct scope_item scope;

	ck_assert_int_eq(parse(FULL, &r, &p), COFRE_OK);
	ck_assert(view_is(r.q.name, "Train Reader"));
	ck_assert(view_is(r.q.description, "caf\xc3\xa9 \n"));
	ck_assert_uint_eq(r.q.if_version, NO_ID);
	ck_assert_uint_eq(r.q.actions.count, 2);
	ck_assert_uint_eq(r.q.not_actions.count, 1);
	ck_assert_uint_eq(r.q.data_actions.count, 1);
	ck_assert_uint_eq(r.q.not_data_actions.count, 1);
	ck_assert_uint_eq(r.q.scopes.count, 3);
	reader = list_reader(r.q.actions);
	pattern_item_get(&reader, &pattern);
	ck_assert(view_is(pattern.pattern, "workspaces/secrets/*read"));
	pattern_item_get(&reader, &pattern);
	ck_assert(view_is(pattern.pattern, "*/DELETE"));
	ck_assert(wire_reader_done(&reader));
	reader = list_reader(r.q.scopes);
	scope_item_get(&reader, &scope);
	ck_assert_uint_eq(scope.workspace.len + scope.prefix.len, 0);
	scope_item_get(&reader, &scope);
	ck_assert(view_is(scope.workspace, "ml-prod"));
	ck_assert_uint_eq(scope.prefix.len, 0);
	scope_item_get(&reader, &scope);
	ck_assert(view_is(scope.workspace, "ml-prod"));
	ck_assert(view_is(scope.prefix, "train-"));
	ck_assert(wire_reader_done(&reader));
	rolejson_free(&r);
}
END_TEST

START_TEST(what_may_be_left_out_is_empty)
{
	struct rolejson r;
	struct problem p;

	ck_assert_int_eq(parse("{\"Name\": \"a\", "
	    "\"AssignableScopes\": [\"/\"]}", &r, &p), COFRE_OK);
	ck_assert_uint_eq(r.q.description.len, 0);
	ck_assert_uint_eq(r.q.actions.count, 0);
	ck_assert_uint_eq(r.q.actions.items.len, 0);
	ck_assert_uint_eq(r.q.scopes.count, 1);
	rolejson_free(&r);
}
END_TEST

/* As the daemon would show the role that was put. */
static struct role_show_reply
shown(const struct role_put_request *q)
{
	return (struct role_show_reply){ .name = q->name, .custom = true,
		.version = 1, .description = q->description,
		.patterns = q->actions, .not_actions = q->not_actions,
		.data_actions = q->data_actions,
		.not_data_actions = q->not_data_actions,
		.scopes = q->scopes };
}

/* The JSON of a role, to be freed. */
static char *
print(const struct role_show_reply *m)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	json_t *all = NULL;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(rolejson_make(m, &all), COFRE_OK);
	ck_assert(output_json(all, f));
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

START_TEST(what_is_written_is_read_again)
{
	struct role_show_reply m;
	struct rolejson r;
	struct problem p;
	char *text;

	ck_assert_int_eq(parse(FULL, &r, &p), COFRE_OK);
	m = shown(&r.q);
	text = print(&m);
	ck_assert_str_eq(text, FULL "\n");
	free(text);
	rolejson_free(&r);
}
END_TEST

/* A text with n strings in one list. */
static char *
many(const char *key, const char *string, size_t n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "{\"Name\": \"a\", \"%s\": [", key);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(f, "%s\"%s\"", i == 0 ? "" : ", ", string);
	(void)fprintf(f, "]%s}", strcmp(key, "AssignableScopes") == 0 ?
	    "" : ", \"AssignableScopes\": [\"/\"]");
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

static const struct {
	const char *key;
	const char *string;
	size_t max;
} lists[] = {
	{ "Actions", "*", PATTERNS_MAX },
	{ "NotActions", "*", PATTERNS_MAX },
	{ "DataActions", "*", PATTERNS_MAX },
	{ "NotDataActions", "*", PATTERNS_MAX },
	{ "AssignableScopes", "/a/b*", ROLE_SCOPES_MAX },
};

START_TEST(a_list_is_as_long_as_the_protocol_has_it)
{
	char *good = many(lists[_i].key, lists[_i].string, lists[_i].max);
	char *over = many(lists[_i].key, lists[_i].string, lists[_i].max + 1);
	struct rolejson r;
	struct problem p;

	ck_assert_int_eq(parse(good, &r, &p), COFRE_OK);
	rolejson_free(&r);
	ck_assert_int_eq(parse(over, &r, &p), COFRE_TOO_LARGE);
	ck_assert_ptr_nonnull(strstr(p.text, lists[_i].key));
	free(good);
	free(over);
}
END_TEST

/* A role whose last value is a string of n bytes. */
static enum cofre_status
with_length(const char *before, size_t n, const char *after)
{
	char string[2 * ROLE_TEXT_MAX] = "", text[1024];
	struct rolejson r;
	struct problem p;
	enum cofre_status s;

	ck_assert_uint_lt(n, sizeof(string));
	memset(string, '*', n);
	(void)snprintf(text, sizeof(text),
	    "{\"Name\": \"a\", \"AssignableScopes\": [\"/\"], %s\"%s\"%s}",
	    before, string, after);
	s = parse(text, &r, &p);
	rolejson_free(&r);
	return s;
}

START_TEST(a_string_is_as_long_as_the_protocol_has_it)
{
	static const char actions[] = "\"Actions\": [";
	static const char description[] = "\"Description\": ";

	ck_assert_int_eq(with_length(actions, PATTERN_MAX, "]"), COFRE_OK);
	ck_assert_int_eq(with_length(actions, PATTERN_MAX + 1, "]"),
	    COFRE_TOO_LARGE);
	ck_assert_int_eq(with_length(description, ROLE_TEXT_MAX, ""),
	    COFRE_OK);
	ck_assert_int_eq(with_length(description, ROLE_TEXT_MAX + 1, ""),
	    COFRE_TOO_LARGE);
}
END_TEST

START_TEST(the_largest_role_has_room)
{
	static const char *const keys[] = { "Actions", "NotActions",
		"DataActions", "NotDataActions" };
	char name[ROLE_NAME_MAX + 1] = "", stars[PATTERN_MAX + 1] = "";
	char ws[COFRE_WORKSPACE_NAME_MAX + 1] = "";
	char prefix[COFRE_SECRET_NAME_MAX + 1] = "";
	char *text = NULL, *again;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct role_show_reply m;
	struct rolejson r;
	struct problem p;

	memset(name, 'n', ROLE_NAME_MAX);
	memset(stars, '*', PATTERN_MAX);
	memset(ws, 'w', COFRE_WORKSPACE_NAME_MAX);
	memset(prefix, 'p', COFRE_SECRET_NAME_MAX);
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "{\"Name\": \"%s\"", name);
	for (size_t i = 0; i < COUNT(keys); i++) {
		(void)fprintf(f, ", \"%s\": [\"*\"", keys[i]);
		for (size_t j = 1; j < PATTERNS_MAX; j++)
			(void)fprintf(f, ", \"%s\"", stars);
		(void)fputc(']', f);
	}
	(void)fputs(", \"AssignableScopes\": [\"/\"", f);
	for (size_t j = 1; j < ROLE_SCOPES_MAX; j++)
		(void)fprintf(f, ", \"/%s/%s*\"", ws, prefix);
	(void)fputs("]}", f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_msg(parse(text, &r, &p) == COFRE_OK, "%s", p.text);
	m = shown(&r.q);
	again = print(&m);
	ck_assert_uint_le(strlen(again), ROLEJSON_MAX);
	free(again);
	free(text);
	rolejson_free(&r);
}
END_TEST

START_TEST(a_text_over_the_limit_is_not_read)
{
	char *text = malloc(ROLEJSON_MAX + 1);
	struct rolejson r = { .bytes = NULL };
	struct problem p;

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', ROLEJSON_MAX + 1);
	memcpy(text, FULL, sizeof(FULL) - 1);
	ck_assert_int_eq(rolejson_parse((struct view){ (uint8_t *)text,
	    ROLEJSON_MAX }, &r, &p), COFRE_OK);
	rolejson_free(&r);
	ck_assert_int_eq(rolejson_parse((struct view){ (uint8_t *)text,
	    ROLEJSON_MAX + 1 }, &r, &p), COFRE_TOO_LARGE);
	free(text);
}
END_TEST

START_TEST(a_built_in_role_has_its_actions_by_name)
{
	const struct role_show_reply m = { .name = view_of("agent"),
		.actions = action_bit(ACTION_WORKSPACE_READ) |
		    action_bit(ACTION_SECRET_READ) };
	char *text = print(&m);

	ck_assert_str_eq(text, "{\"Name\": \"agent\", \"IsCustom\": false, "
	    "\"Description\": \"\", \"Actions\": [\"workspaces/read\"], "
	    "\"NotActions\": [], "
	    "\"DataActions\": [\"workspaces/secrets/value/read\"], "
	    "\"NotDataActions\": [], \"AssignableScopes\": [\"/\"]}\n");
	free(text);
}
END_TEST

START_TEST(a_reply_that_is_cut_is_no_role)
{
	struct role_show_reply m;
	struct rolejson r;
	struct problem p;
	json_t *all;

	ck_assert_int_eq(parse(FULL, &r, &p), COFRE_OK);
	m = shown(&r.q);
	m.scopes.items.len--;
	ck_assert_int_eq(rolejson_make(&m, &all), COFRE_BAD_REPLY);
	m = shown(&r.q);
	m.patterns.count--;
	ck_assert_int_eq(rolejson_make(&m, &all), COFRE_BAD_REPLY);
	rolejson_free(&r);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rolejson");
	TCase *c = tcase_create("rolejson");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(c, what_is_wrong_is_refused_and_named, 0,
	    COUNT(bad));
	tcase_add_test(c, lists_are_read_in_their_order);
	tcase_add_test(c, what_may_be_left_out_is_empty);
	tcase_add_test(c, what_is_written_is_read_again);
	tcase_add_loop_test(c, a_list_is_as_long_as_the_protocol_has_it, 0,
	    COUNT(lists));
	tcase_add_test(c, a_string_is_as_long_as_the_protocol_has_it);
	tcase_add_test(c, the_largest_role_has_room);
	tcase_add_test(c, a_text_over_the_limit_is_not_read);
	tcase_add_test(c, a_built_in_role_has_its_actions_by_name);
	tcase_add_test(c, a_reply_that_is_cut_is_no_role);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
