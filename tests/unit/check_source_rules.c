#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source_rules.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* name=value ... as arguments; a value has no blank here. */
static size_t
cut(char *text, struct source_pair to[SOURCE_ARGUMENTS_MAX + 4])
{
	size_t n = 0;

	for (char *word = strtok(text, " "); word != NULL;
	     word = strtok(NULL, " ")) {
		char *equals = strchr(word, '=');

		*equals = '\0';
		to[n++] = (struct source_pair){ view_of(word),
			view_of(equals + 1) };
	}
	return n;
}

static bool
ask(struct view rules, const char *source, const char *workspace,
    const char *arguments)
{
	struct source_pair pairs[SOURCE_ARGUMENTS_MAX + 4];
	char text[4096];
	size_t n;

	(void)snprintf(text, sizeof(text), "%s", arguments);
	n = cut(text, pairs);
	const struct source_question q = { view_of(source),
		view_of(workspace), pairs, n };

	return source_rules_allow(rules, &q);
}

static const char rules[] =
    "# who may ask for what\n"
    "\n"
    "file    ml-prod  path=keys/*.key\t# comment\n"
    "file *   path=shared/*\n"
    "docker ml-*  server=*.example user=a?\n"
    "plain *\n"
    "hash h path=a#b\n"
    "  blank   b";

static const struct {
	bool allowed;
	const char *source, *workspace, *arguments;
} questions[] = {
	{ true, "file", "ml-prod", "path=keys/a.key" },
	{ true, "file", "ml-prod", "path=shared/x" },
	{ true, "file", "other", "path=shared/x" },
	{ true, "file", "other", "path=shared/" },
	{ true, "file", "other", "path=shared/..." },
	{ true, "file", "other", "path=shared/a..b" },
	{ true, "plain", "other", "" },
	{ true, "blank", "b", "" },
	{ true, "hash", "h", "path=a#b" },
	{ true, "docker", "ml-dev", "server=r.example user=ab" },
	{ true, "docker", "ml-dev", "user=ab server=r.example" },
	/* no such line */
	{ false, "file", "other", "path=keys/a.key" },
	{ false, "fil", "ml-prod", "path=keys/a.key" },
	{ false, "plain", "other", "path=x" },
	{ false, "file", "ml-prod", "" },
	{ false, "docker", "ml-dev", "server=r.example" },
	{ false, "docker", "ml-dev", "server=r.example user=ab x=y" },
	{ false, "docker", "ml-dev", "server=r.example server=r.example" },
	{ false, "docker", "dev", "server=r.example user=ab" },
	{ false, "docker", "ml-dev", "server=r.example user=a" },
	{ false, "docker", "ml-dev", "server=r.example user=abc" },
	/* '*' and '?' match no slash */
	{ false, "file", "other", "path=shared/x/y" },
	{ false, "file", "ml-prod", "path=keys/x/a.key" },
	{ false, "docker", "ml-dev", "server=evil/r.example user=ab" },
	{ false, "docker", "ml-dev", "server=r.example user=a/" },
	/* up */
	{ false, "file", "other", "path=shared/.." },
	{ false, "file", "ml-prod", "path=keys/..key/../a.key" },
	/* control characters */
	{ false, "file", "other", "path=shared/a\nb" },
	{ false, "file", "other", "path=shared/a\x7f" },
	{ false, "file", "other", "path=shared/a\tb" },
	/* names that are none */
	{ false, "rules", "other", "" },
	{ false, "../file", "other", "path=shared/x" },
	{ false, "plain", "*", "" },
	{ false, "plain", "Other", "" },
	{ false, "", "other", "" },
};

START_TEST(a_line_allows_what_all_of_it_matches)
{
	struct problem p = { "" };

	ck_assert_int_eq(source_rules_check(view_of(rules), &p), COFRE_OK);
	ck_assert_msg(ask(view_of(rules), questions[_i].source,
			  questions[_i].workspace, questions[_i].arguments) ==
	    questions[_i].allowed, "%s %s %s", questions[_i].source,
	    questions[_i].workspace, questions[_i].arguments);
}
END_TEST

/* Of what is not allowed, what no line could ever allow. */
static const struct {
	const char *source, *workspace, *arguments;
	const char *why; /* NULL: a line could */
} impossible[] = {
	{ "file", "other", "path=keys/a.key", NULL },
	{ "file", "other", "path=a\\*?[#]", NULL },
	{ "file", "other", "path=..a a=b..", NULL },
	{ "file", "other", "path=a/..", "the argument path has \"..\"" },
	{ "file", "other", "a=b path=..", "the argument path has \"..\"" },
	{ "file", "other", "path=a\nb", "the argument path has a control" },
	{ "file", "other", "a=b a=c", "the argument a is there twice" },
	{ "file", "other", "1=c", "has no valid name" },
	{ "rules", "other", "", "the source's name is not valid" },
	{ "file", "Other", "", "the workspace's name is not valid" },
	{ "file", "w", "=c", "the argument  has no valid name" },
	{ "file", "w", "a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 m=1 "
	  "n=1 o=1 p=1 q=1", "more arguments" },
};

START_TEST(what_no_line_can_allow_is_told)
{
	struct source_pair pairs[SOURCE_ARGUMENTS_MAX + 4];
	struct source_question q = { view_of(impossible[_i].source),
		view_of(impossible[_i].workspace), pairs, 0 };
	const char *why = impossible[_i].why;
	struct problem p = { "" };
	char text[256];

	(void)strcpy(text, impossible[_i].arguments);
	q.count = cut(text, pairs);
	ck_assert_int_eq(source_rules_possible(&q, &p),
	    why == NULL ? COFRE_OK : COFRE_INVALID);
	ck_assert_msg(why == NULL || strstr(p.text, why) != NULL, "%s",
	    p.text);
}
END_TEST

static const struct {
	const char *pattern, *text;
	bool matches;
} patterns[] = {
	{ "", "", true }, { "", "a", false }, { "*", "", true },
	{ "**", "", true }, { "**", "a", true }, { "a*", "a", true },
	{ "a*b*c", "abbcbc", true }, { "a*b*c", "abbcb", false },
	{ "*a", "aaaa", true }, { "*ab", "aaab", true },
	{ "*ab", "aaba", false }, { "?", "", false }, { "??", "ab", true },
	{ "*?", "a", true }, { "*?", "", false }, { "*/*", "a/b", true },
	{ "*/*", "a/b/c", false }, { "*/*", "/", true },
	{ "a*/b", "a/x/b", false }, { "*x/*y", "axx/byy", true },
	{ "/", "/", true }, { "*", "/", false },
	{ "*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

START_TEST(patterns_match_as_they_should)
{
	char line[128], arguments[128];

	(void)snprintf(line, sizeof(line), "s * a=%s", patterns[_i].pattern);
	(void)snprintf(arguments, sizeof(arguments), "a=%s",
	    patterns[_i].text);
	ck_assert_msg(ask(view_of(line), "s", "w", arguments) ==
	    patterns[_i].matches, "'%s' '%s'", patterns[_i].pattern,
	    patterns[_i].text);
}
END_TEST

/* Each is line 3, behind two that would allow it. */
static const struct {
	const char *line;
	const char *why;
} bad[] = {
	{ "plain", "the workspace is missing" },
	{ "plain # x", "the workspace is missing" },
	{ "plain Work", "a workspace's name is not valid" },
	{ "plain w/x", "a workspace's name is not valid" },
	{ "plain w/?", "a workspace's name is not valid" },
	{ "plain ****************************************************"
	  "*************", "a workspace's name is not valid" },
	{ "rules *", "a source's name is not valid" },
	{ "../x *", "a source's name is not valid" },
	{ "* *", "a source's name is not valid" },
	{ "plain * path", "ARGUMENT=PATTERN" },
	{ "plain * =x", "an argument's name is not valid" },
	{ "plain * 1=x", "an argument's name is not valid" },
	{ "plain * a=x a=y", "an argument is named twice" },
	{ "plain * a=[ab]", "a pattern has * and ?" },
	{ "plain * a=\\*", "a pattern has * and ?" },
	{ "plain *\r", "it has a control character" },
	{ "plain *\x1b[m", "it has a control character" },
	{ "s * a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 m=1 n=1 o=1 "
	  "p=1 q=1", "more arguments" },
};

START_TEST(one_bad_line_allows_nothing)
{
	struct problem p = { "" };
	char text[512];

	(void)snprintf(text, sizeof(text), "plain *\n# x\n%s\nplain *\n",
	    bad[_i].line);
	ck_assert_int_eq(source_rules_check(view_of(text), &p),
	    COFRE_FORMAT);
	ck_assert_msg(strncmp(p.text, "line 3: ", 8) == 0 &&
	    strstr(p.text, bad[_i].why) != NULL, "%s", p.text);
	ck_assert(!ask(view_of(text), "plain", "w", ""));
}
END_TEST

START_TEST(a_nul_and_a_long_file_are_refused)
{
	const struct view nul = { (const uint8_t *)"plain *\nplain *\0", 16 };
	uint8_t *text = malloc(SOURCE_RULES_MAX + 1);
	struct problem p = { "" };

	ck_assert_int_eq(source_rules_check(nul, &p), COFRE_FORMAT);
	ck_assert(!ask(nul, "plain", "w", ""));
	ck_assert_ptr_nonnull(text);
	memset(text, '\n', SOURCE_RULES_MAX + 1);
	memcpy(text, "plain *", 7);
	ck_assert_int_eq(source_rules_check((struct view){ text,
		SOURCE_RULES_MAX }, &p), COFRE_OK);
	ck_assert(ask((struct view){ text, SOURCE_RULES_MAX }, "plain", "w",
	    ""));
	ck_assert_int_eq(source_rules_check((struct view){ text,
		SOURCE_RULES_MAX + 1 }, &p), COFRE_FORMAT);
	ck_assert(!ask((struct view){ text, SOURCE_RULES_MAX + 1 }, "plain",
	    "w", ""));
	free(text);
}
END_TEST

START_TEST(an_empty_file_allows_nothing)
{
	struct problem p = { "" };

	ck_assert_int_eq(source_rules_check(view_of(""), &p), COFRE_OK);
	ck_assert(!ask(view_of(""), "plain", "w", ""));
	ck_assert(!ask(view_of("# plain *\n\n \t\n"), "plain", "w", ""));
}
END_TEST

static const struct {
	const char *arguments;
	const char *line;
} lines[] = {
	{ "", "file ml-prod" },
	{ "path=keys/a.key", "file ml-prod path=keys/a.key" },
	{ "a=b c=https://x:1/y", "file ml-prod a=b c=https://x:1/y" },
	/* what would allow more than was asked for */
	{ "a=* c=d", "file ml-prod a= c=d" },
	{ "a=x?", "file ml-prod a=" },
	{ "a=x\ny", "file ml-prod a=" },
	{ "a=#", "file ml-prod a=" },
	{ "a=../x", "file ml-prod a=" },
	{ "a=\xc3\xa4", "file ml-prod a=" },
};

START_TEST(the_missing_line_is_told)
{
	struct source_pair pairs[SOURCE_ARGUMENTS_MAX + 4];
	struct source_question q = { view_of("file"), view_of("ml-prod"),
		pairs, 0 };
	char text[256], line[256], cutoff[8];

	(void)strcpy(text, lines[_i].arguments);
	q.count = cut(text, pairs);
	ck_assert_str_eq(source_rules_line(&q, line, sizeof(line)),
	    lines[_i].line);
	ck_assert_str_eq(source_rules_line(&q, cutoff, sizeof(cutoff)),
	    "file ml");
}
END_TEST

START_TEST(a_source_has_a_name_of_its_own)
{
	char text[SOURCE_NAME_MAX + 2];

	memset(text, 'a', sizeof(text));
	text[SOURCE_NAME_MAX] = '\0';
	ck_assert(source_name_is_valid(view_of(text)));
	text[SOURCE_NAME_MAX] = 'a';
	text[SOURCE_NAME_MAX + 1] = '\0';
	ck_assert(!source_name_is_valid(view_of(text)));
	ck_assert(source_name_is_valid(view_of("azure-2.sh")));
	ck_assert(source_name_is_valid(view_of("rules2")));
	ck_assert(!source_name_is_valid(view_of("rules")));
	ck_assert(!source_name_is_valid(view_of(".x")));
	ck_assert(!source_name_is_valid(view_of("a/b")));
}
END_TEST

static Suite *
rules_suite(void)
{
	Suite *s = suite_create("source_rules");
	TCase *t = tcase_create("source_rules");

	tcase_add_loop_test(t, a_line_allows_what_all_of_it_matches, 0,
	    (int)COUNT(questions));
	tcase_add_loop_test(t, what_no_line_can_allow_is_told, 0,
	    (int)COUNT(impossible));
	tcase_add_loop_test(t, patterns_match_as_they_should, 0,
	    (int)COUNT(patterns));
	tcase_add_loop_test(t, one_bad_line_allows_nothing, 0,
	    (int)COUNT(bad));
	tcase_add_test(t, a_nul_and_a_long_file_are_refused);
	tcase_add_test(t, an_empty_file_allows_nothing);
	tcase_add_loop_test(t, the_missing_line_is_told, 0,
	    (int)COUNT(lines));
	tcase_add_test(t, a_source_has_a_name_of_its_own);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(rules_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
