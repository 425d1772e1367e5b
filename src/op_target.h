/*
 * op_target: what the operations on compute targets share.
 *
 * Their records have no record id, so the target's name stands in each, and
 * can be told when the target is gone.
 */
#ifndef COFRE_OP_TARGET_H
#define COFRE_OP_TARGET_H

#include "ops.h"

/* The target that the request names, or NULL. */
struct target *op_target(const struct request *q);

/* May who asks use the target, as far as it matters that he is a run? */
bool op_target_is_open(const struct request *q, const struct target *t);

/* Who may change any target of the workspace says for which users its CA
   certifies: that of this one, or not. */
void op_target_decide(struct request *q, struct target *t);

/* Write version and public key of its newest key to the reply. */
void op_target_put_key(struct request *q, const struct target *t);

/* For the record: where it is, and as whom. */
void op_target_say(struct request *q, const struct target *t);

#endif
