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

/*
 * True when the service manager says that it passed descriptors to this
 * very process: 3 is one of them then.
 */
bool notify_passed(void);

/*
 * The listening socket that the service manager passed, in *fd, or -1 when
 * it passed none.  False, with the reason in error, when what it passed is
 * not exactly one listening AF_UNIX stream socket.  The variables are unset.
 */
bool notify_listen_fd(int *fd, char *error, size_t error_size);

#endif
