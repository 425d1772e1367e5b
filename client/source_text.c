#include "source_text.h"

#include <string.h>

/* A shorter value is in too many words. */
#define SCRUB_MIN 4u

/*
 * How many bytes of the text are a value, or, where the text was cut, all that
 * is there of one; *whole says which.
 */
static size_t
match(struct view text, struct view value, bool more, bool *whole)
{
	size_t n = value.len < text.len ? value.len : text.len;

	if (value.len < SCRUB_MIN || (n < value.len && !more) ||
	    memcmp(text.data, value.data, n) != 0)
		return 0;
	*whole = n == value.len;
	return n;
}

/* The longest of all values at the beginning of the text; *whole as above. */
static size_t
longest(struct view text, const struct source_values *lists, size_t count,
    bool more, bool *whole)
{
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < lists[i].count; k++) {
			bool w = false;
			size_t n = match(text, lists[i].pairs[k].value, more,
			    &w);

			if (n < most || n == 0)
				continue;
			*whole = w || (n == most && *whole);
			most = n;
		}
	return most;
}

/*
 * One value may begin another, or begin inside it.  So all are looked for at
 * each byte of the text as it came, also at those that are hidden already.
 */
void
source_text_scrub(struct source_text *t, const struct source_values *lists,
    size_t count, bool more)
{
	size_t hidden = 0; /* up to there by any value */
	size_t stands = 0; /* and by the one that the last '*' stands for */
	size_t out = 0;

	for (size_t i = 0; i < t->len; i++) {
		const struct view left = { t->data + i, t->len - i };
		bool whole = false;
		size_t n = longest(left, lists, count, more, &whole);
		bool star = n > 0 && whole && i >= stands;

		if (n > 0 && i + n > hidden)
			hidden = i + n;
		if (star)
			stands = i + n;
		if (star || i >= hidden)
			t->data[out++] = star ? '*' : left.data[0];
	}
	t->len = out;
}

void
source_text_trim(struct source_text *t)
{
	while (t->len > 0 && (t->data[t->len - 1] == '\n' ||
	    t->data[t->len - 1] == '\r' || t->data[t->len - 1] == ' '))
		t->len--;
}
