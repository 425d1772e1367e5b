/*
 * listing: rows of values, printed as a table of text or as a JSON array of
 * objects.  What a row holds is said once, column by column, for both.
 *
 * In the table every column is as wide as it must be, with two spaces
 * between, and what comes from the vault is escaped (output.h).  Running out
 * of memory is remembered, and told at the end; a listing that is NULL is
 * one that has run out of memory.
 */
#ifndef COFRE_LISTING_H
#define COFRE_LISTING_H

#include <stdio.h>

#include "wire.h"

struct listing_column {
	const char *head; /* above the column of the table */
	const char *key;  /* in the JSON object */
};

struct listing;

/* columns must live as long as the listing. */
struct listing *listing_new(bool json, const struct listing_column *columns,
    size_t n);

/*
 * The next value of the row; after the last column a new row begins.
 *
 * text	  a string; an empty one is "-", or null in JSON
 * view	  the same
 * note	  the same, of a text that was escaped when it was made: its
 *	  backslashes stay as they are
 * texts  strings, with blanks between; an array of them in JSON
 * number  an integer
 * flag	  "yes" or "no"; true or false in JSON
 * id	  a uid or gid; NO_ID is "any", or null
 * time	  microseconds since 1970; 0 is "-", or null
 * either  a string for the table and another one for JSON
 */
void listing_text(struct listing *l, const char *text);
void listing_view(struct listing *l, struct view v);
void listing_note(struct listing *l, struct view v);
void listing_texts(struct listing *l, const char *const *texts, size_t count);
void listing_number(struct listing *l, uint64_t v);
void listing_flag(struct listing *l, bool v);
void listing_id(struct listing *l, uint32_t id);
void listing_time(struct listing *l, uint64_t us);
void listing_either(struct listing *l, const char *text, const char *json);

/* Free; what was listed is not printed. */
void listing_free(struct listing *l);

/* Print, and free.  False when there was no memory. */
bool listing_print(struct listing *l, FILE *f);

#endif
