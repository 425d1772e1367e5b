/*
 * attest: what the daemon asks its witness (witness.h) about the process
 * behind a connection, and what comes of the answers.
 *
 * Nothing here waits.  A connection is not read from before the answer about
 * it is there.  When the witness is gone the daemon stops: nobody could be
 * told from anybody any more.
 */
#ifndef COFRE_ATTEST_H
#define COFRE_ATTEST_H

#include "conn.h"

/*
 * Ask about the connection's process; conn_attested() gets the answer.  False
 * when there is nothing to ask: no witness, or a process that can't be seen
 * from here.
 */
bool attest_ask(struct conn *c);

/* The connection is gone: its answer is for nobody. */
void attest_forget(struct conn *c);

/* The witness has said something: the loop calls this.  False when it is
   gone. */
bool attest_event(struct server *sv);

#endif
