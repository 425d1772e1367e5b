#include "source_rules.h"

#include <string.h>

#include "names.h"

/* A line, taken apart.  One that says nothing has an empty source. */
struct line {
	struct view source;
	struct view workspace;
	struct source_pair arguments[SOURCE_ARGUMENTS_MAX];
	size_t count;
};

static bool
is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

static bool
has_control(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (is_control(v.data[i]))
			return true;
	return false;
}

static bool
has_any_of(struct view v, const char *bytes)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] != '\0' &&
		    strchr(bytes, v.data[i]) != NULL)
			return true;
	return false;
}

/* Is a part between two slashes ".."? */
static bool
goes_up(struct view v)
{
	size_t start = 0;

	for (size_t i = 0; i <= v.len; i++) {
		if (i < v.len && v.data[i] != '/')
			continue;
		if (i - start == 2 && memcmp(v.data + start, "..", 2) == 0)
			return true;
		start = i + 1;
	}
	return false;
}

bool
source_name_is_valid(struct view name)
{
	return name_is_source(name) && !view_is(name, "rules");
}

/*
 * '*' and '?' match no slash, so what the last '*' can't reach no earlier one
 * can, and going back to the last one is enough.
 */
static bool
matches(struct view pattern, struct view text)
{
	size_t p = 0, t = 0;
	size_t star = SIZE_MAX, from = 0;

	while (t < text.len) {
		bool one = p < pattern.len && pattern.data[p] == '?' &&
		    text.data[t] != '/';

		if (p < pattern.len && pattern.data[p] == '*') {
			star = ++p;
			from = t;
		} else if (one || (p < pattern.len &&
		    pattern.data[p] == text.data[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX && text.data[from] != '/') {
			p = star;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

/*
 * Reading.
 */

static struct view
next_line(struct view *rest)
{
	const uint8_t *end = memchr(rest->data, '\n', rest->len);
	struct view line = { rest->data, end == NULL ? rest->len :
					     (size_t)(end - rest->data) };
	size_t taken = line.len + (end != NULL);

	*rest = (struct view){ rest->data + taken, rest->len - taken };
	return line;
}

/* The next word; empty at the end, and at a comment. */
static struct view
next_word(struct view *rest)
{
	size_t start = 0, end;

	while (start < rest->len && (rest->data[start] == ' ' ||
	    rest->data[start] == '\t'))
		start++;
	if (start < rest->len && rest->data[start] == '#')
		start = rest->len;
	for (end = start; end < rest->len && rest->data[end] != ' ' &&
	     rest->data[end] != '\t';)
		end++;
	struct view word = { rest->data + start, end - start };

	*rest = (struct view){ rest->data + end, rest->len - end };
	return word;
}

/* A name of a workspace, with '*' and '?' anywhere. */
static bool
is_workspace_pattern(struct view v)
{
	uint8_t name[COFRE_WORKSPACE_NAME_MAX];

	if (v.len > sizeof(name))
		return false;
	for (size_t i = 0; i < v.len; i++)
		name[i] = v.data[i] == '*' || v.data[i] == '?' ? 'x' :
								 v.data[i];
	return name_is_workspace((struct view){ name, v.len });
}

static const struct source_pair *
find(const struct source_pair *pairs, size_t count, struct view name)
{
	for (size_t i = 0; i < count; i++)
		if (view_equal(pairs[i].name, name))
			return &pairs[i];
	return NULL;
}

/* What is wrong with it; NULL: nothing. */
static const char *
take_argument(struct line *l, struct view word)
{
	const uint8_t *equals = memchr(word.data, '=', word.len);
	struct source_pair a;

	if (equals == NULL)
		return "what follows the workspace is ARGUMENT=PATTERN";
	a.name = (struct view){ word.data, (size_t)(equals - word.data) };
	a.value = (struct view){ equals + 1, word.len - a.name.len - 1 };
	if (!name_is_field(a.name))
		return "an argument's name is not valid";
	if (has_any_of(a.value, "[]\\"))
		return "a pattern has * and ?, but no [ ] or \\";
	if (find(l->arguments, l->count, a.name) != NULL)
		return "an argument is named twice";
	if (l->count == SOURCE_ARGUMENTS_MAX)
		return "it has more arguments than a source can be given";
	l->arguments[l->count++] = a;
	return NULL;
}

/* As take_argument(). */
static const char *
parse(struct view text, struct line *l)
{
	const char *wrong = NULL;
	struct view word;

	l->count = 0;
	for (size_t i = 0; i < text.len; i++)
		if (is_control(text.data[i]) && text.data[i] != '\t')
			return "it has a control character";
	l->source = next_word(&text);
	if (l->source.len == 0)
		return NULL;
	if (!source_name_is_valid(l->source))
		return "a source's name is not valid";
	l->workspace = next_word(&text);
	if (l->workspace.len == 0)
		return "the workspace is missing; write * for every one";
	if (!is_workspace_pattern(l->workspace))
		return "a workspace's name is not valid";
	while (wrong == NULL && (word = next_word(&text)).len > 0)
		wrong = take_argument(l, word);
	return wrong;
}

enum cofre_status
source_rules_check(struct view text, struct problem *p)
{
	struct line l;
	const char *wrong = NULL;
	unsigned number = 0;

	if (text.len > SOURCE_RULES_MAX)
		return problem_set(p, COFRE_FORMAT, "it is over %u bytes",
		    SOURCE_RULES_MAX);
	while (text.len > 0 && wrong == NULL) {
		number++;
		wrong = parse(next_line(&text), &l);
	}
	if (wrong != NULL)
		return problem_set(p, COFRE_FORMAT,
		    "line %u: %s; until it is mended, nothing is allowed",
		    number, wrong);
	return COFRE_OK;
}

/*
 * Asking.
 */

/* What no line matches in the i-th argument; NULL: nothing. */
static const char *
impossible(const struct source_question *q, size_t i)
{
	const struct source_pair *a = &q->arguments[i];

	if (!name_is_field(a->name))
		return "has no valid name";
	if (find(q->arguments, i, a->name) != NULL)
		return "is there twice";
	if (has_control(a->value))
		return "has a control character";
	if (goes_up(a->value))
		return "has \"..\" between its slashes: write the path that "
		       "it comes to";
	return NULL;
}

enum cofre_status
source_rules_possible(const struct source_question *q, struct problem *p)
{
	if (!source_name_is_valid(q->source))
		return problem_set(p, COFRE_INVALID,
		    "the source's name is not valid");
	if (!name_is_workspace(q->workspace))
		return problem_set(p, COFRE_INVALID,
		    "the workspace's name is not valid");
	if (q->count > SOURCE_ARGUMENTS_MAX)
		return problem_set(p, COFRE_INVALID,
		    "it has more arguments than a source can be given");
	for (size_t i = 0; i < q->count; i++) {
		const struct view name = q->arguments[i].name;
		const char *wrong = impossible(q, i);

		if (wrong != NULL)
			return problem_set(p, COFRE_INVALID,
			    "the argument %.*s %s", (int)name.len,
			    name.len == 0 ? "" : (const char *)name.data,
			    wrong);
	}
	return COFRE_OK;
}

/* No argument is there twice on either side, so equal numbers are enough. */
static bool
line_allows(const struct line *l, const struct source_question *q)
{
	if (!view_equal(l->source, q->source) ||
	    !matches(l->workspace, q->workspace) || l->count != q->count)
		return false;
	for (size_t i = 0; i < q->count; i++) {
		const struct source_pair *a = find(l->arguments, l->count,
		    q->arguments[i].name);

		if (a == NULL || !matches(a->value, q->arguments[i].value))
			return false;
	}
	return true;
}

bool
source_rules_allow(struct view text, const struct source_question *q)
{
	bool allowed = false;
	struct problem p;
	struct line l;

	if (text.len > SOURCE_RULES_MAX ||
	    source_rules_possible(q, &p) != COFRE_OK)
		return false;
	while (text.len > 0) {
		if (parse(next_line(&text), &l) != NULL)
			return false;
		allowed = allowed || (l.source.len > 0 && line_allows(&l, q));
	}
	return allowed;
}

/*
 * Telling.
 */

struct text {
	char *to;
	size_t len;
	size_t size;
};

static void
put(struct text *t, struct view v)
{
	size_t n = t->size - 1 - t->len;

	n = v.len < n ? v.len : n;
	if (n > 0)
		memcpy(t->to + t->len, v.data, n);
	t->len += n;
	t->to[t->len] = '\0';
}

/* It stands for itself, and for nothing else, in a line and on a terminal. */
static bool
is_plain(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] <= 0x20 || v.data[i] >= 0x7f)
			return false;
	return !has_any_of(v, "*?[]\\#") && !goes_up(v);
}

char *
source_rules_line(const struct source_question *q, char *to, size_t size)
{
	struct text t = { to, 0, size };

	to[0] = '\0';
	put(&t, q->source);
	put(&t, view_of(" "));
	put(&t, q->workspace);
	for (size_t i = 0; i < q->count; i++) {
		put(&t, view_of(" "));
		put(&t, q->arguments[i].name);
		put(&t, view_of("="));
		if (is_plain(q->arguments[i].value))
			put(&t, q->arguments[i].value);
	}
	return to;
}
