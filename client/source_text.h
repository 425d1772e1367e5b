/*
 * source_text: what a source says in its own words, before it is shown.  A
 * source that is asked to try a value may tell that value with its error.
 */
#ifndef COFRE_SOURCE_TEXT_H
#define COFRE_SOURCE_TEXT_H

#include "source_rules.h"

/* Changed where it lies; it only becomes shorter. */
struct source_text {
	uint8_t *data;
	size_t len;
};

/* What must not be shown: the values of fields that are asked for, or told. */
struct source_values {
	const struct source_pair *pairs;
	size_t count;
};

/*
 * Put '*' in the place of each value, of all lists, that has at least 4 bytes.
 * All at once: where values begin or overlap one another nothing of any of
 * them is left, and a '*' stands for the longest that begins there.  more: the
 * text is cut off, so what may be the beginning of a value is taken from its
 * end.
 */
void source_text_scrub(struct source_text *t,
    const struct source_values *lists, size_t count, bool more);

/* Leave out blanks and ends of lines at its end. */
void source_text_trim(struct source_text *t);

#endif
