/*
 * format_impl: the formats, one pair of functions each, for format.c.
 *
 * A parser fills in->secret from in->left, a renderer appends the text of
 * out->secret to out->w.  Both return false with the fault set.  format.c
 * has seen to it that the text is not empty, not too long, UTF-8, and has
 * no NUL, CR or LF, and that the secret is of a kind that the format fits.
 */
#ifndef COFRE_FORMAT_IMPL_H
#define COFRE_FORMAT_IMPL_H

#include "format_text.h"

/*
 * Storage account connection string.  Fields have the names of its keys:
 * AccountName, AccountKey and so on.
 */
bool format_storage_parse(struct text_in *in);
bool format_storage_render(struct text_out *out);

/*
 * SAS token.  The token is kept whole, byte for byte but for a leading '?',
 * in the secret field SharedAccessSignature: its signature covers the other
 * parameters, so that a token put together anew might not be valid.  What
 * is not secret of it (sv, sp, se and all but sig) stands beside it,
 * percent-decoded, in metadata fields of the parameters' names, for readers
 * to see.  These notes are not used for rendering.
 */
bool format_sas_parse(struct text_in *in);
bool format_sas_render(struct text_out *out);

/* Add the field and the notes of a token, with or without its '?'. */
bool format_sas_add(struct text_in *in, struct view token);

/* True for the name of a note. */
bool format_sas_is_note(const char *field);

/*
 * ADO.NET.  Fields: server, port, database, user, password, and the other
 * keywords in lower case with '_' between words (connect_timeout).
 */
bool format_ado_parse(struct text_in *in);
bool format_ado_render(struct text_out *out);

/*
 * libpq, as keywords and values and as URI.  Fields: server (host), port,
 * database (dbname), user, password, and libpq's own names for the others.
 * Several hosts and their ports are lists with commas, as in libpq.
 */
bool format_libpq_parse(struct text_in *in);
bool format_libpq_render(struct text_out *out);
bool format_postgres_parse(struct text_in *in);
bool format_postgres_render(struct text_out *out);

/*
 * MySQL URI.  Fields: scheme, server, port, database, user, password, and
 * the names of the parameters in lower case.
 */
bool format_mysql_parse(struct text_in *in);
bool format_mysql_render(struct text_out *out);

#endif
