/*
 * notify: systemd's start-up protocols without its library
 * (sd_notify(3), sd_listen_fds(3)).
 */
#ifndef COFRE_NOTIFY_H
#define COFRE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct notify {
	int fd; /* connected datagram socket, or -1 */
	uint64_t watchdog; /* microseconds between pings, 0: none */
	uint64_t ping_at;  /* when the next one is due */
};

/*
 * Open the socket that NOTIFY_SOCKET names, and take the watchdog's period
 * (half of WATCHDOG_USEC) when it is meant for this process.  Without
 * systemd fd is -1 and every later call does nothing.  The variables are
 * unset.
 */
void notify_open(struct notify *n);

/*
 * Send a state ("READY=1"); failures are ignored, as sd_notify(3) says.  A
 * service manager that takes nothing costs at most 200 ms.
 */
void notify_send(const struct notify *n, const char *state);

/* Tell the watchdog that all is well, when that is due; clock is microseconds
   of a clock that only goes on. */
void notify_ping(struct notify *n, uint64_t clock);

/* Milliseconds until that is due, or -1 without a watchdog. */
int notify_timeout(const struct notify *n, uint64_t clock);

/* How many sockets the service manager may pass. */
#define NOTIFY_SOCKETS 2u

/*
 * How many descriptors, from 3 on, the service manager says that it passed
 * to this very process: 0 to NOTIFY_SOCKETS.
 */
unsigned notify_passed(void);

/*
 * The listening sockets that the service manager passed, or -1 in place of
 * each.  False, with the reason in error, when it passed none but said so, or
 * too many, or one that is not a listening AF_UNIX stream socket.  The
 * variables are unset.
 */
bool notify_listen_fds(int fds[NOTIFY_SOCKETS], char *error,
    size_t error_size);

#endif
