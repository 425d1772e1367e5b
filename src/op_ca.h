/*
 * op_ca: what is certified for users, by operations and by the agent.
 */
#ifndef COFRE_OP_CA_H
#define COFRE_OP_CA_H

#include "authority.h"
#include "ops.h"

/* What certificates call the caller, in q->workspace: "WORKSPACE/RUN" for a
   run, else "WORKSPACE/user:UID". */
void op_ca_caller(struct request *q, char id[SSH_CERT_ID_MAX + 1]);

/*
 * Let the certificate have what the target's options let its keys have, and be
 * good from the same addresses.  False where that can't be said: names of
 * hosts, wildcards and exceptions are for lines of authorized_keys alone.
 */
bool op_ca_options(const struct target *t, struct ssh_cert *c);

/*
 * Certify the target's newest key for the caller, for so many seconds, but
 * not beyond the end of his run: appended to the writer, which must be empty.
 * The options are those of *c, all else is set here; the views in it are
 * of use no more.  Errors: those of authority_certify().
 */
enum cofre_status op_ca_certify(struct request *q, const struct target *t,
    uint32_t life, struct ssh_cert *c, struct wire_writer *w);

#endif
