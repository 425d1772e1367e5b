/*
 * utf8: what a terminal or a log reader may be shown as it is.
 */
#ifndef COFRE_UTF8_H
#define COFRE_UTF8_H

#include <stdbool.h>

#include "wire.h"

/*
 * The first character of v: its length in bytes, and in *c its code point.
 * 0 when the bytes are no character in the one form that RFC 3629 allows,
 * or when v is empty.
 */
size_t utf8_next(struct view v, uint32_t *c);

/* True when all of v is UTF-8. */
bool utf8_is_text(struct view v);

/* True when it is UTF-8 without a NUL: what a JSON string can carry well. */
bool utf8_is_plain(struct view v);

/*
 * True for a character that a terminal or a reader acts upon instead of
 * showing it: control characters (C0, DEL, C1), the marks that turn the
 * direction of writing, spaces without width, and line separators.
 */
bool utf8_is_control(uint32_t c);

#endif
