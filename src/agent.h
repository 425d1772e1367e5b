/*
 * agent: what an ssh client says to the daemon's agent, as requests.  Pure.
 *
 * A message becomes a frame: its operation's row in ops.def, and as the body
 * the fields of the message as they came, which are the fields of the
 * operation's request in proto.def, since both are of RFC 4251's types.  So
 * an ssh client's requests go the way of all others, and what may be asked
 * here is what has a row with the flag AGENT.
 *
 * The answers are messages of the ssh agent protocol: a handler of such an
 * operation writes one; every status but OK is FAILURE, without a reason.
 */
#ifndef COFRE_AGENT_H
#define COFRE_AGENT_H

#include "frame.h"
#include "proto.h"
#include "ssh_agent.h"
#include "sshbind.h"

#define AGENT_EXTENSION "workspace@cofre"
#define AGENT_REFUSAL 5u /* bytes of a FAILURE */

/* What is known of a connection besides who it is. */
struct agent {
	struct sshbind bound;
	char workspace[COFRE_WORKSPACE_NAME_MAX + 1]; /* only of this one;
							  empty: of all */
	uint32_t requests; /* so far: they have their numbers by it */
};

/*
 * Look at the bytes that came in, as frame_parse() does; a message of more
 * than FRAME_MAX bytes is bad.
 */
enum frame_result agent_parse(struct agent *a, struct view in,
    struct frame *f, size_t *size);

/*
 * True when the bytes are one whole message that binds a session or chooses a
 * workspace: it asks for nothing, whoever has sent it.
 */
bool agent_asks_nothing(struct view in);

/* Write the answer to what was refused, or went wrong; returns its size. */
size_t agent_refusal(uint8_t buf[AGENT_REFUSAL], uint16_t op);

#endif
