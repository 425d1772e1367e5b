/*
 * secret_fields: the lists of fields that a secret's rows hold.
 */
#ifndef COFRE_SECRET_FIELDS_H
#define COFRE_SECRET_FIELDS_H

#include "proto.h"

/*
 * Is each field one that a secret of the kind may have, and are all of them
 * together not too long?  INVALID, TOO_LARGE.
 */
enum cofre_status fields_check(uint8_t kind, struct list fields);

/* Put the fields as a head has them: metadata whole, and of secret ones the
   name alone. */
void fields_put_public(struct wire_writer *w, struct list fields);

/* Have both the same bytes?  That takes as long when they differ, so that time
   tells no more than the answer. */
bool fields_same(struct view a, struct view b);

/*
 * Put the fields with new values in place of those that have the same name.
 * A new value is secret when the old one was, or it is said to be: metadata
 * that a source brings may be a key by now.  A value that is the same stays
 * what it was.  Those that are new come last.  False when either list can't be
 * decoded.
 */
bool fields_merge(struct wire_writer *w, struct list fields,
    struct list fresh);

#endif
