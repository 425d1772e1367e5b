/*
 * hex: bytes as lower-case hexadecimal digits, such as the id of a run.
 * One text for one value: upper-case digits are refused.
 */
#ifndef COFRE_HEX_H
#define COFRE_HEX_H

#include "wire.h"

/* Write two digits for each byte, and a NUL: 2 * v.len + 1 bytes.  Returns to. */
char *hex_encode(char *to, struct view v);

/* True when all of text is digits, and there is at least one. */
bool hex_is_digits(struct view text);

/* Read exactly 2 * len digits into to.  False when text is anything else. */
bool hex_decode(struct view text, uint8_t *to, size_t len);

#endif
