/*
 * scan: does a text hold a secret?  Pure.
 *
 * Texts are laid out once for a request, in every form in which a secret
 * could stand in them: as they are, with percent-encoding taken away ('+' as
 * a space too), and decoded as base64 (both alphabets of RFC 4648) from each
 * of four beginnings.  A secret that stands anywhere in one of them is
 * found, whatever is before and behind it.
 */
#ifndef COFRE_SCAN_H
#define COFRE_SCAN_H

#include "proto.h"

/* A value below this length is in every text. */
#define SCAN_SHORTEST 4u
/* One below this counts as a whole text alone, or as all that is behind the
   text's first '='. */
#define SCAN_ANYWHERE 8u

/*
 * Lay out texts (text_item) at out.  *used says how many bytes.  False when
 * they don't fit, or can't be decoded.
 */
bool scan_lay_out(struct list texts, uint8_t *out, size_t cap, size_t *used);

/* The room that scan_lay_out() needs for texts of that many bytes. */
#define SCAN_ROOM(bytes, texts) (((bytes) + (size_t)(texts)) * 7)

/*
 * Is the value in the texts?  0, or one more than the index of the first
 * text that it is in.  laid is what scan_lay_out() made of them.
 */
uint32_t scan_find(struct list texts, struct view laid, struct view value);

#endif
