/*
 * previous: what becomes of a version that a resync has replaced.
 *
 * It is given out by its number until its grace ends or the last run that has
 * read it is over; from that moment it is not (secret_version_ended()).  Here
 * its row and body are deleted, soon after, and that is recorded.
 */
#ifndef COFRE_PREVIOUS_H
#define COFRE_PREVIOUS_H

#include "ops.h"

/* Delete those that are over; once in a turn. */
void previous_tick(struct server *sv);

/* Milliseconds until there is something to do, or -1. */
int previous_timeout(const struct server *sv);

#endif
