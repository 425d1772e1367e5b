/*
 * op_agent: what the operations of ssh clients share.
 */
#ifndef COFRE_OP_AGENT_H
#define COFRE_OP_AGENT_H

#include "ops.h"

/* For the record: which session, by the first bytes of its id, with which
   host, by its key; and more behind that. */
void op_agent_say(struct request *q, struct view session,
    const uint8_t host[SSH_KEY_LEN], const char *more);

/* For the record: why it is refused; returns DENIED. */
enum cofre_status op_agent_refuse(struct request *q, const char *why);

#endif
