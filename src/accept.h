/*
 * accept: new connections, and those that are refused.
 */
#ifndef COFRE_ACCEPT_H
#define COFRE_ACCEPT_H

#include "server.h"

/*
 * Accept one that is waiting at the agent's socket, or the other one; epoll
 * tells of the next one.  A peer that the kernel does not
 * identify, or that is over its limit, is told so and let go (notes.h).
 */
void accept_some(struct server *sv, bool agent);

/* Watch, or do not watch, the listening sockets: they are left alone while
   there are no descriptors to be had.  What fails is tried in the next turn. */
void accept_pause(struct server *sv, bool pause);

#endif
