/*
 * format: which texts describe which secrets.  cofre_parse() and
 * cofre_render() stand in cofre.h; format.c holds their table, and one file
 * per format reads and writes it.
 *
 * A text is one line: whoever reads it from a file takes the final newline
 * off before, because a format refuses CR, LF and NUL wherever they stand.
 */
#ifndef COFRE_FORMAT_H
#define COFRE_FORMAT_H

#include "cofre.h"

/*
 * The format that a secret of the kind and datastore type is usually given
 * in, or 0 when it has none.
 */
enum cofre_format format_default(enum cofre_kind kind,
    enum cofre_datastore datastore);

/* "connection-string", "sas", "ado", "libpq", "postgres-uri", "mysql-uri". */
const char *format_name(enum cofre_format format);

/* The format of that name, or 0. */
enum cofre_format format_find(const char *name);

#endif
