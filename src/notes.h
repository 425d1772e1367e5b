/*
 * notes: records that stand for many things at once, so that nobody can fill
 * the log by them: refused connections, looks into processes that were given
 * up, and refused requests (refusals.h).
 */
#ifndef COFRE_NOTES_H
#define COFRE_NOTES_H

#include "ops.h"

/*
 * Is the request, which came to that status, refused and one of so many that
 * the log has their number instead of each of them?  It is counted then.
 */
bool notes_counts(const struct request *q, enum cofre_status st);

/*
 * Each turn: record what has come together, at most once a second of each
 * kind, as far as the turn and the log have room; the rest waits.  At the end
 * of the daemon (last) nothing waits for its time; it is called turn by turn
 * until it adds nothing.
 */
void notes_write(struct server *sv, bool last);

/* Milliseconds until it is to be called again; -1: there is nothing. */
int notes_timeout(const struct server *sv);

#endif
