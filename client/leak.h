/*
 * leak: does a text that everybody can read hold a secret of the workspace?
 * The daemon compares (run.scan); this cuts the texts up so that they fit
 * its messages, and asks for page after page until all secrets were looked
 * for.
 */
#ifndef COFRE_LEAK_H
#define COFRE_LEAK_H

#include "call.h"

/*
 * A text of any length is looked at in pieces of this many bytes.  Two that
 * follow each other share LEAK_OVERLAP bytes, so that a secret which is no
 * longer than that, as it is written there, is whole in one of them.
 */
#define LEAK_PIECE COFRE_VALUE_MAX
#define LEAK_OVERLAP 49152u

/* Piece i of a text; false when it has no such piece.  Each text has one. */
bool leak_piece(struct view text, size_t i, struct view *ret);

/*
 * Look for the secrets of the workspace in n texts.  *found is 0 when there
 * is none, or else one more than the index of the first text that was found
 * to hold one, and name is that secret's.  The texts go nowhere but to the
 * daemon.  Errors: those of the call, with the text of cofre_error() set.
 */
enum cofre_status leak_scan(cofre *c, const char *workspace,
    const struct view *texts, size_t n, size_t *found,
    char name[COFRE_SECRET_NAME_MAX + 1]);

/*
 * True when text is NAME=VALUE with a name of letters, digits and '_' that
 * can be shown: *name is it, and *value what follows the first '='.
 */
bool leak_variable(struct view text, struct view *name, struct view *value);

#endif
