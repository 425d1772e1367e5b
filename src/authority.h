/*
 * authority: the SSH CA of a workspace at work: serials, certificates, and
 * what is revoked.
 *
 * Serials are given from memory; a block of them is set apart in the CA's row
 * before the first of it is given, and what a block has left is lost with a
 * restart.  A block does not begin below the microsecond that it is, by
 * CLOCK_REALTIME.  No daemon signs a certificate in each microsecond, so the
 * clock is ahead of what was given: no serial is given twice where an older
 * store was put back, unless the clock was too.
 */
#ifndef COFRE_AUTHORITY_H
#define COFRE_AUTHORITY_H

#include "ssh_cert.h"
#include "targets.h"

#define AUTHORITY_BLOCK 1024u	      /* serials */
#define AUTHORITY_CERT_MAX 8192u      /* bytes of a certificate */

/*
 * Sign a certificate with the workspace's CA, and append it to the writer,
 * which must be empty; it is now, in microseconds.  Nonce, serial and CA of *c
 * are set here.  Errors:
 * NOT_FOUND, the workspace has no CA; INVALID, a part of it is not as
 * ssh_cert_put() wants it; CORRUPT; those of the store.
 */
enum cofre_status authority_certify(struct targets *ts, struct sshstore *s,
    uint64_t workspace, uint64_t now, struct ssh_cert *c,
    struct wire_writer *w);

/*
 * Revoke a certificate that the CA may have made, until then (microseconds),
 * when it is over by itself; those that are over by now are forgotten.
 * Errors: NOT_FOUND, no CA, or it has not given such a serial; INVALID, it is
 * over already; LIMIT, CA_REVOKED_MAX or memory; those of the store.
 */
enum cofre_status authority_revoke(struct targets *ts, struct sshstore *s,
    uint64_t workspace, uint64_t serial, uint64_t until, uint64_t now);

#endif
