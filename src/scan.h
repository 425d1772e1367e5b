/*
 * scan: does a text hold a secret?  Pure.
 *
 * Texts are laid out once for a request: as they are, with percent-encoding
 * taken away ('+' as a space too), and as the sextets of base64 (both
 * alphabets of RFC 4648, lines that are wrapped joined).  A secret is looked
 * for as it is, and as the sextets that it has in base64, wherever in a group
 * of four it begins; so it is found, whatever is before and behind it.
 */
#ifndef COFRE_SCAN_H
#define COFRE_SCAN_H

#include "proto.h"

/* A value below this length is in every text. */
#define SCAN_SHORTEST 4u
/* One below this counts as a whole text alone, or as all that is behind the
   text's first '='. */
#define SCAN_ANYWHERE 8u

/* What scan_lay_out() has made of texts. */
struct scan_laid {
	struct view forms;   /* of each text, three, with zeros behind each */
	struct view sextets; /* of each text, and zeros */
	uint8_t *needle;     /* room for a value's sextets; zeros, or of no use */
};

/* The room that scan_lay_out() needs for texts of that many bytes. */
#define SCAN_TIMES 5u
#define SCAN_ROOM(bytes, texts)                                              \
	(((size_t)(bytes) + (size_t)(texts)) * SCAN_TIMES)
/* For those of one request. */
#define SCAN_MAX SCAN_ROOM(SCAN_BYTES_MAX, SCAN_TEXTS_MAX)

/*
 * Lay out texts (text_item) at out; *laid, and texts, refer to that for as
 * long as they are used.  False when they don't fit, or can't be decoded.
 */
bool scan_lay_out(struct list texts, uint8_t *out, size_t cap,
    struct scan_laid *laid);

/*
 * Is the value in the texts?  0, or one more than the index of the first
 * text that it is in.  laid is what scan_lay_out() made of them.
 */
uint32_t scan_find(struct list texts, const struct scan_laid *laid,
    struct view value);

#endif
