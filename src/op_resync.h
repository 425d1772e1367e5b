/*
 * op_resync: what the operations of a resync share.
 */
#ifndef COFRE_OP_RESYNC_H
#define COFRE_OP_RESYNC_H

#include "ops.h"

/* The resync of the request's workspace that its connection has begun:
   CONFLICT when there is none, DENIED to the managed identity. */
enum cofre_status resync_session(struct request *q, struct resync **ret);

/*
 * May the caller repair the identity of q->workspace, and run a resync, which
 * can do the same?  Not an identity that it was let in as, nor that of the
 * workspace, whatever let it in: unless it may bind, and so gains nothing.
 * In op_identity.c.
 */
bool identity_may_repair(const struct request *q);

/*
 * Put back what the identity of q->workspace should have (dry_run: but for
 * that), and put into the reply the lists of what was missing, *count, and of
 * what it has besides.  In op_identity.c.
 */
enum cofre_status identity_restore(struct request *q, bool dry_run,
    uint32_t *count);

#endif
