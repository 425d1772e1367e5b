/*
 * Any bytes as rules: no crash; what is refused has a reason and allows
 * nothing; what is taken, with one line more that is the missing one, allows
 * what was asked.  The text is cut at the first NUL: behind it stand an
 * argument's value and rules.
 */
#include <stdlib.h>
#include <string.h>

#include "source_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The missing line is one, and allows no more than no value or this. */
static void
check_line(const struct source_question *q)
{
	char line[1024];
	const struct view text = { (const uint8_t *)source_rules_line(q, line,
		sizeof(line)), strlen(line) };
	struct source_pair other = { q->arguments[0].name,
		{ (const uint8_t *)"~other", 6 } };
	struct source_question o = *q;
	struct problem p;

	if (strlen(line) == sizeof(line) - 1)
		return;
	must(source_rules_check(text, &p) == COFRE_OK);
	o.arguments = &other;
	must(view_equal(other.value, q->arguments[0].value) ||
	    !source_rules_allow(text, &o));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
	size_t n = nul == NULL ? size : (size_t)(nul - data);
	const struct source_pair argument = { view_of("path"), { data, n } };
	const struct source_question q = { view_of("file"),
		view_of("ml-prod"), &argument, 1 };
	const struct view rules = nul == NULL ? (struct view){ data, size } :
		(struct view){ nul + 1, size - n - 1 };
	struct problem p = { "" };

	check_line(&q);
	if (source_rules_check(rules, &p) != COFRE_OK) {
		must(p.text[0] != '\0');
		must(!source_rules_allow(rules, &q));
	} else {
		(void)source_rules_allow(rules, &q);
	}
	return 0;
}
