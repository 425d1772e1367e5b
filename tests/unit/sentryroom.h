/*
 * sentryroom: a child of the test that stands for the daemon, with a sentry of
 * its own and connections, and the test as their clients.  Every function that
 * can fail ends the test.
 */
#ifndef TESTS_SENTRYROOM_H
#define TESTS_SENTRYROOM_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "sentry.h"

#define ROOM_FEW 4
#define ROOM_MANY 1000
#define SECOND 1000 /* milliseconds */
#define ROOM_AGENT 1 /* the connection that is an ssh client's */

struct room {
	int count;
	/* The two ends of each connection. */
	int client[ROOM_MANY], conn[ROOM_MANY];
	int listener;
	struct sockaddr_un at;
	socklen_t at_len;
	int go[2], said[2]; /* to the daemon, and from it; a byte at a time */
	pid_t daemon;
	struct sentry s; /* in the daemon alone */
};

extern struct room room;

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t room_clock_ms(void);

/* The daemon's part. */

/* Tell the test something. */
void room_say(char c);

/* Wait for room_go_on() in the kernel, asleep: as one that waits for a disk. */
char room_wait_here(void);

/* A turn begins. */
void room_work(void);

/* The test's part. */

/* Make so many connections, and a daemon that does that, and wait until it says
   'w'. */
void room_begin(int count, void (*body)(void));

/* What it says next. */
char room_hear(void);

/* It need not wait any more. */
void room_go_on(void);

/* The same, and it ends then, in good order. */
void room_finish(void);

/* Nothing comes there in so many milliseconds. */
void room_quiet(int fd, int ms);

/* Connect to the daemon's listening socket. */
int room_connect_late(void);

#endif
