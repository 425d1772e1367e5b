/*
 * format_libpq: the options of libpq, which both of its formats have in
 * common.
 */
#ifndef COFRE_FORMAT_LIBPQ_H
#define COFRE_FORMAT_LIBPQ_H

#include "format_text.h"

struct libpq_option {
	const char *name;
	const char *field;
	text_check *check;
	/* Why it is refused, or NULL. */
	const char *refused;
};

/* A text_check: why a database may not have this name, or NULL. */
const char *libpq_check_database(struct view v);

/* The option of that name, in exactly this spelling, or NULL. */
const struct libpq_option *libpq_find(struct view name);

/* The options in the order in which they are written; NULL after the last. */
const struct libpq_option *libpq_at(size_t i);

/* Add the option's field, or fail because it is refused or not valid. */
bool libpq_add(struct text_in *in, const struct libpq_option *option,
    struct view value);

/* What goes for the whole text: as many ports as hosts, or one. */
bool libpq_check_together(struct text_in *in);

/* Number of items of a list with commas. */
size_t libpq_list_count(struct view list);

#endif
