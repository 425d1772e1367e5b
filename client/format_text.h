/*
 * format_text: what the formats have in common: reading a text pair by
 * pair into a secret, writing one, and errors that name a field and never
 * show a value.
 *
 * A name that a format does not know is not shown either: after a mistake
 * in quoting it may be a piece of a password.  The error says where it
 * stands instead.
 */
#ifndef COFRE_FORMAT_TEXT_H
#define COFRE_FORMAT_TEXT_H

#include "secret.h"
#include "wire.h"

/*
 * Bytes of a text.  Its pairs need no limit of their own: every one is a
 * field that was not there yet, and no format knows as many as 64.
 */
#define TEXT_MAX 8192u

/* Why a text was refused; text is for a person. */
struct text_fault {
	enum cofre_status status;
	char text[COFRE_ERROR_MAX];
};

/* Set the fault to "field: why", or "why" for field NULL; returns false. */
bool text_fail(struct text_fault *fault, const char *field, const char *why);

/*
 * Reading.
 */

struct text_in {
	struct view left; /* what is still to be read */
	cofre_secret *secret; /* being filled */
	struct wire_writer scratch; /* a value that is being decoded */
	unsigned pairs;	/* that were begun */
	const char *last; /* field that was read last, or NULL */
	struct text_fault *fault;
};

/* Take from the text what stands before a byte of stop, or all of it. */
struct view text_until(struct text_in *in, const char *stop);

/* The next byte of the text, or -1 at its end; take it, if it is c. */
int text_peek(const struct text_in *in);
bool text_skip(struct text_in *in, char c);

/* Skip what may stand around the parts of a text. */
#define TEXT_BLANKS " \t\v\f"
void text_skip_blanks(struct text_in *in);

/* Begin a pair: count it, and empty the scratch. */
void text_pair(struct text_in *in);

/* Fail because of the pair at hand, without its name; returns false. */
bool text_fail_pair(struct text_in *in, const char *why);

/*
 * Why a value is not valid, in constant words, or NULL when it is.  A check
 * of a format's table.
 */
typedef const char *text_check(struct view value);

/*
 * Add a field of the secret, checked: no NUL, CR or LF, UTF-8, not there
 * yet, and what check says (it may be NULL).  Whether it is secret stands
 * in kinds.def.
 */
bool text_field(struct text_in *in, const char *field, struct view value,
    text_check *check);

/* True when the secret has the field already. */
bool text_has(const struct text_in *in, const char *field);

/*
 * Append the percent-decoded bytes of raw to the scratch.  Only what RFC
 * 3986 lets stand in that place may stand there: unreserved characters and
 * those of extra.
 */
bool text_decode(struct text_in *in, const char *field, struct view raw,
    const char *extra);

/* The scratch's bytes. */
struct view text_scratch(const struct text_in *in);

/*
 * Writing.
 */

struct text_out {
	const cofre_secret *secret;
	struct wire_writer w; /* bad when the text would be too long */
	struct text_fault *fault;
};

/* A field's value; data is NULL when the secret has no such field. */
struct view text_value(const struct text_out *out, const char *field);

/* Append a C string, or bytes. */
void text_put(struct text_out *out, const char *s);
void text_put_view(struct text_out *out, struct view v);

/* Append bytes, all but unreserved characters percent-encoded. */
void text_put_encoded(struct text_out *out, struct view v);

/*
 * Looking at values.
 */

/* Equal, letters of ASCII in either case. */
bool text_is(struct view v, const char *s);

/* True when every byte is a letter or digit or in extra. */
bool text_only(struct view v, const char *extra);

/* Take the first n bytes off. */
struct view text_from(struct view v, size_t n);

/* Where c stands first, or v.len. */
size_t text_index(struct view v, char c);

/* The bytes that base64 in its one canonical form stands for, or -1. */
int text_base64_len(struct view v);

/* Checks that several formats use. */
text_check text_check_filled;  /* not empty */
text_check text_check_port;    /* 1 to 65535 */
text_check text_check_boolean; /* true, false, yes, no */

#endif
