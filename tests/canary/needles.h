/*
 * needles: secrets that must be nowhere, in each form in which one could lie
 * about, and a search for all of them at once.
 */
#ifndef TESTS_NEEDLES_H
#define TESTS_NEEDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum form {
	FORM_RAW, /* also behind a length, as on the wire */
	FORM_PART, /* 8 bytes of it: in a register, or half wiped */
	FORM_REVERSED,
	FORM_HEX,
	FORM_HEX_UPPER,
	FORM_BASE64, /* in its three alignments, as the two below */
	FORM_BASE64URL,
	FORM_UTF16LE,
	FORM_UTF16BE,
	FORM_PERCENT, /* every byte, or those that must be */
	FORMS
};

const char *form_name(enum form form);

struct needles;

/*
 * Those of a file that grows: a line for each, "NAME HEX" or, when any 8
 * bytes of it are nowhere by chance, "NAME HEX parts".
 */
struct needles *needles_open(const char *path);
void needles_free(struct needles *n);

/* Take what is new in the file; how many there are. */
size_t needles_update(struct needles *n);

/* Look for all of them.  found is called for each that is there. */
typedef void needles_found(void *arg, const char *name, enum form form,
    size_t at);
void needles_search(const struct needles *n, const uint8_t *p, size_t len,
    needles_found *found, void *arg);

/* What is needed of the bytes before, when a text comes in pieces. */
#define NEEDLE_OVERLAP 8192u

#endif
