#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

/* Values above every letter, so that a row's number is no option letter. */
#define ROW_BASE 256
#define ROW_HELP (ROW_BASE + (int)OPTIONS_MAX)

struct tables {
	struct option longs[OPTIONS_MAX + 2];
	char letters[2 * OPTIONS_MAX + 3];
};

static void
tables_fill(struct tables *t, const struct option_usage *u)
{
	size_t n = 0, l = 0;

	memset(t, 0, sizeof(*t));
	t->letters[l++] = ':';
	t->letters[l++] = 'h';
	for (; n < u->count && n < OPTIONS_MAX; n++) {
		const struct option_row *r = &u->rows[n];
		int has_arg = r->type != OPTION_FLAG;

		t->longs[n] = (struct option){ r->name, has_arg, NULL,
			ROW_BASE + (int)n };
		if (r->letter == 0)
			continue;
		t->letters[l++] = r->letter;
		if (has_arg)
			t->letters[l++] = ':';
	}
	t->longs[n] = (struct option){ "help", no_argument, NULL, ROW_HELP };
}

/* An element of the command line without what stands after its '='. */
static int
name_length(const char *element)
{
	return (int)strcspn(element, "=");
}

/*
 * True when the option that getopt_long() just took was written out.  A
 * value of its own stands behind it and was taken as well.
 */
static bool
is_whole(char *const *argv, const char *name)
{
	const char *e = argv[optind - 1];
	size_t n = strlen(name);

	if (optarg != NULL && e == optarg)
		e = argv[optind - 2];
	return strncmp(e, "--", 2) == 0 && strncmp(e + 2, name, n) == 0 &&
	    (e[2 + n] == '\0' || e[2 + n] == '=');
}

static enum cofre_status
twice(const struct option_row *r, struct problem *p)
{
	return problem_set(p, COFRE_ARGUMENT, "--%s is given twice", r->name);
}

static enum cofre_status
set_number(const struct option_row *r, const char *text, struct problem *p)
{
	struct option_number *n = r->to;

	if (n->given)
		return twice(r, p);
	if (!arg_u32(text, UINT32_MAX, &n->value))
		return problem_set(p, COFRE_ARGUMENT,
		    "--%s takes a number from 0 to %u, in digits alone",
		    r->name, (unsigned)UINT32_MAX);
	n->given = true;
	return COFRE_OK;
}

static enum cofre_status
set_text(const struct option_row *r, const char *text, struct problem *p)
{
	const char **to = r->to;

	if (*to != NULL)
		return twice(r, p);
	*to = text;
	return COFRE_OK;
}

static enum cofre_status
set_list(const struct option_row *r, const char *text, struct problem *p)
{
	struct option_list *list = r->to;

	if (list->count == COFRE_FIELDS_MAX)
		return problem_set(p, COFRE_ARGUMENT,
		    "--%s is given more than %u times", r->name,
		    COFRE_FIELDS_MAX);
	list->items[list->count++] = text;
	return COFRE_OK;
}

static enum cofre_status
set(const struct option_row *r, const char *text, struct problem *p)
{
	switch (r->type) {
	case OPTION_FLAG:
		*(bool *)r->to = true;
		return COFRE_OK;
	case OPTION_TEXT:
		return set_text(r, text, p);
	case OPTION_NUMBER:
		return set_number(r, text, p);
	case OPTION_LIST:
		return set_list(r, text, p);
	}
	return problem_set(p, COFRE_ARGUMENT, "--%s can't be used", r->name);
}

static const struct option_row *
row_of(const struct option_usage *u, int c)
{
	if (c >= ROW_BASE)
		return &u->rows[c - ROW_BASE];
	for (size_t i = 0; i < u->count; i++)
		if (u->rows[i].letter == c)
			return &u->rows[i];
	return NULL;
}

/* What getopt_long() did not like; what follows a '=' is not shown. */
static enum cofre_status
refuse(int c, char *const *argv, struct problem *p)
{
	const char *e = argv[optind - 1];

	if (c == ':')
		return problem_set(p, COFRE_ARGUMENT, "%.*s needs a value",
		    name_length(e), e);
	if (optopt >= ROW_BASE)
		return problem_set(p, COFRE_ARGUMENT, "%.*s takes no value",
		    name_length(e), e);
	if (optopt > 0)
		return problem_set(p, COFRE_ARGUMENT, "unknown option -%c",
		    optopt);
	if (name_length(e) == 8 && strncmp(e, "--socket", 8) == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "--socket stands before the verb: cofre --socket PATH "
		    "VERB ...");
	return problem_set(p, COFRE_ARGUMENT, "unknown option %.*s",
	    name_length(e), e);
}

static enum cofre_status
take(const struct option_usage *u, int c, char *const *argv,
    struct problem *p)
{
	const struct option_row *r;

	if (c == '?' || c == ':' || (r = row_of(u, c)) == NULL)
		return refuse(c, argv, p);
	if (c >= ROW_BASE && !is_whole(argv, r->name))
		return problem_set(p, COFRE_ARGUMENT,
		    "write the option out: --%s", r->name);
	return set(r, optarg, p);
}

/*
 * getopt_long() as ever: POSIXLY_CORRECT would end the options at the first
 * argument, and it is for the command that is executed, not for this one.
 */
static int
next_option(int argc, char **argv, const struct tables *t)
{
	const char *posix = optind == 0 ? getenv("POSIXLY_CORRECT") : NULL;
	int c;

	if (posix != NULL)
		(void)unsetenv("POSIXLY_CORRECT");
	c = getopt_long(argc, argv, t->letters, t->longs, NULL);
	if (posix != NULL)
		(void)setenv("POSIXLY_CORRECT", posix, 1);
	return c;
}

enum option_result
options_parse(const struct option_usage *u, int argc, char **argv,
    char ***args, size_t *count, struct problem *p)
{
	struct tables t;
	int c;

	tables_fill(&t, u);
	optind = 0; /* begin anew: the main program has parsed already */
	opterr = 0;
	while ((c = next_option(argc, argv, &t)) != -1) {
		if (c == 'h' || c == ROW_HELP)
			return OPTION_HELP;
		if (take(u, c, argv, p) != COFRE_OK)
			return OPTION_BAD;
	}
	*args = argv + optind;
	*count = (size_t)(argc - optind);
	if (*count >= u->min && *count <= u->max)
		return OPTION_RUN;
	(void)problem_set(p, COFRE_ARGUMENT, "%s: usage: cofre %.*s",
	    *count < u->min ? "missing argument" : "too many arguments",
	    (int)strcspn(u->synopsis, "\n"), u->synopsis);
	return OPTION_BAD;
}

static void
help_row(const struct option_row *r, FILE *f)
{
	char left[48];

	if (r->letter != 0)
		(void)snprintf(left, sizeof(left), "-%c, --%s%s%s", r->letter,
		    r->name, r->value != NULL ? " " : "",
		    r->value != NULL ? r->value : "");
	else
		(void)snprintf(left, sizeof(left), "--%s%s%s", r->name,
		    r->value != NULL ? " " : "",
		    r->value != NULL ? r->value : "");
	(void)fprintf(f, "  %-22s %s\n", left, r->help);
}

void
options_help(const struct option_usage *u, FILE *f)
{
	(void)fprintf(f, "usage: cofre [--socket PATH] %s\n\n%s\n", u->synopsis,
	    u->about);
	for (size_t i = 0; i < u->count; i++)
		help_row(&u->rows[i], f);
	(void)fprintf(f, "  %-22s %s\n", "--help", "print this text");
}
