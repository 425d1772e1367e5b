#include "source_text.h"

#include <string.h>

/* A shorter value is in too many words. */
#define SCRUB_MIN 4u

/* Put '*' in the place of a value.  more: the text was cut, so it may end
   within one. */
static void
scrub(struct source_text *t, struct view value, bool more)
{
	uint8_t *at = t->data;
	size_t n = value.len < t->len ? value.len : t->len;

	if (value.len < SCRUB_MIN || t->len == 0)
		return;
	while ((at = memmem(at, t->len - (size_t)(at - t->data), value.data,
	    value.len)) != NULL) {
		size_t behind = t->len - (size_t)(at - t->data) - value.len;

		*at++ = '*';
		memmove(at, at + value.len - 1, behind);
		t->len -= value.len - 1;
	}
	n = n > t->len ? t->len : n;
	for (; more && n > 0; n--)
		if (memcmp(t->data + t->len - n, value.data, n) == 0) {
			t->len -= n;
			return;
		}
}

void
source_text_scrub(struct source_text *t, const struct source_pair *values,
    size_t count, bool more)
{
	for (size_t i = 0; i < count; i++)
		scrub(t, values[i].value, more);
}

void
source_text_trim(struct source_text *t)
{
	while (t->len > 0 && (t->data[t->len - 1] == '\n' ||
	    t->data[t->len - 1] == '\r' || t->data[t->len - 1] == ' '))
		t->len--;
}
