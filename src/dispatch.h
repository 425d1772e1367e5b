/*
 * dispatch: from a frame to a staged reply and a record of it.
 */
#ifndef COFRE_DISPATCH_H
#define COFRE_DISPATCH_H

#include "frame.h"
#include "server.h"

/* Serve one request.  The turn has room for it. */
void dispatch(struct server *sv, struct conn *c, const struct frame *f);

/*
 * Bytes that are no request, or a connection that is refused: record it,
 * and tell the peer why it is closed, in a reply with operation and id 0.
 */
void dispatch_reject(struct server *sv, struct conn *c, enum cofre_status st,
    const char *why);

/*
 * The request is another process's than the one that has connected: it is
 * refused and recorded, with both of them, and that was the last one.
 */
void dispatch_foreign(struct server *sv, struct conn *c,
    const struct frame *f);

/* There is no such operation.  When somebody asks for many of those they are
   counted, as other refusals are. */
void dispatch_unknown(struct server *sv, struct conn *c,
    const struct frame *f);

/* Record something that nobody asked for: a start, a stop. */
void dispatch_system(struct server *sv, const char *what);

/* An unlock that was under way has ended: answer and record it. */
void dispatch_unlocked(struct server *sv);

#endif
