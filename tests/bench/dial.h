/*
 * dial: connections to a server, as a user that the caller may be.
 */
#ifndef BENCH_DIAL_H
#define BENCH_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define WAIT_MS 10000 /* for an answer */

/* Become a user for a while; nothing happens when that is not allowed. */
void dial_as(uid_t uid);

/* Connect to path, as who the caller is now; -1 without a message. */
int dial_plain(const char *path);

/* True when somebody listens at path. */
bool dial_probe(const char *path);

/* Connect to path, as uid when it is allowed.  -1 with a message. */
int dial_connect(const char *path, uid_t uid);

/* Send all, and receive exactly len bytes; false with a message. */
bool dial_send(int fd, const void *data, size_t len);
bool dial_receive(int fd, void *data, size_t len);

/* Connect to path, and set each of count values over that, as this user;
   false when one was not. */
bool dial_fill(const char *path, size_t count, bool (*set)(int fd, size_t i));

#endif
