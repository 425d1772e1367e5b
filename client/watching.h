/*
 * watching: what a handle has fetched, and the lines that wait for newer
 * versions of that.  The public calls are cofre_watch_fd() and
 * cofre_watch_next().
 */
#ifndef COFRE_WATCHING_H
#define COFRE_WATCHING_H

#include "cofre.h"

/* The handle has fetched it: that version is known.  Without memory for it
   the next cofre_watch_fd() fails. */
void watching_note(cofre *c, const char *workspace, const char *name,
    uint32_t version, uint32_t followed);

/* It may not be fetched any more, or is not there: do not wait for it. */
void watching_forget(cofre *c, const char *workspace, const char *name);

/* The end of the handle. */
void watching_free(cofre *c);

#endif
