/*
 * output: what the cofre command prints, secrets excepted (reveal.h).
 *
 * Whatever comes out of the vault was put there by somebody, and may hold
 * characters that a terminal acts upon.  As text they are escaped: \n, \t,
 * \r and \\ as in C, another control character as \u{9b}, a byte that is no
 * UTF-8 as \xff.  JSON is ASCII alone, everything else is \uXXXX.
 */
#ifndef COFRE_OUTPUT_H
#define COFRE_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "wire.h"

/*
 * Escape v into to, which holds size bytes (at least 1), with a NUL at the
 * end.  Cut between two characters when it does not fit.  Returns the
 * length.
 */
size_t output_escape(char *to, size_t size, struct view v);

/*
 * The same for a text that was escaped when it was made, such as a reason: its
 * backslashes stay as they are, and all else that is not to be shown is
 * escaped.
 */
size_t output_escape_rest(char *to, size_t size, struct view v);

/* The longest that output_escape() can make of len bytes, with the NUL. */
#define OUTPUT_ESCAPED(len) ((len) * 8 + 1)

/* Print v, escaped. */
void output_text(FILE *f, struct view v);

/*
 * A time in microseconds since 1970 as "2026-12-31T23:59:59.000000Z"; "-"
 * for 0 and for what is after the year 9999.  Returns to.
 */
#define OUTPUT_TIME 32u
char *output_time(uint64_t us, char to[OUTPUT_TIME]);

/*
 * JSON values, all new references.  output_json_view() makes a string; what
 * is no UTF-8 it takes as text, escaped as above.  output_json_time() makes
 * a string, or null for 0.  output_json_number() is an integer.
 */
json_t *output_json_view(struct view v);
json_t *output_json_time(uint64_t us);
json_t *output_json_number(uint64_t v);

/*
 * A field's value: {"secret": false, "value": "..."}; bytes that are no
 * UTF-8, or that hold a NUL, stand as base64 with "encoding": "base64".  A
 * secret field has no value here.
 */
json_t *output_json_field(bool secret, struct view value);

/*
 * Print and release a JSON value, on one line.  False when value is NULL
 * (there was no memory to build it) or can't be printed.
 */
bool output_json(json_t *value, FILE *f);

/* Base64 of v with padding: writes (len + 2) / 3 * 4 bytes, and no NUL. */
size_t output_base64(char *to, struct view v);

#endif
