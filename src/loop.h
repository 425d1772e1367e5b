/*
 * loop: the event loop.  One thread; nothing waits in it but epoll_wait(2),
 * the turn's commit and the turn's flush.
 */
#ifndef COFRE_LOOP_H
#define COFRE_LOOP_H

#include "server.h"

/*
 * Watch the listening sockets and the signals.  signal_fd must be a
 * signalfd(2) of SIGTERM, SIGINT and SIGHUP.  False with errno.
 */
bool loop_init(struct server *sv);

/*
 * One turn: serve what the n events are about, then commit, record and
 * answer.  What time it is stands in sv: whoever waited has read the clocks.
 */
struct epoll_event;
void loop_turn(struct server *sv, const struct epoll_event *events, int n);

/* Run until a signal says stop; every staged reply has left then, or was
   given its time. */
void loop_run(struct server *sv);

#endif
