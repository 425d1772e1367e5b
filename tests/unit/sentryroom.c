#include "sentryroom.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OTHER 2001u

struct room room;

void
room_say(char c)
{
	ck_assert_int_eq(write(room.said[1], &c, 1), 1);
}

/* In the kernel, asleep: as one that waits for a disk. */
char
room_wait_here(void)
{
	char c = '\0';

	while (read(room.go[0], &c, 1) == -1 && errno == EINTR)
		;
	return c;
}

uint64_t
room_clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
room_work(void)
{
	sentry_work(&room.s, room_clock_ms() * 1000);
}

static void
serve(void (*body)(void))
{
	char error[256] = "";
	uid_t uid = geteuid() == 0 ? OTHER : geteuid();
	gid_t gid = geteuid() == 0 ? OTHER : getegid();

	ck_assert_msg(sentry_start(&room.s, 4 * ROOM_MANY, uid, gid, true, error,
			  sizeof(error)), "%s", error);
	for (int i = 0; i < room.count; i++)
		sentry_join(&room.s, room.conn[i], i == ROOM_AGENT);
	sentry_listen(&room.s, false, room.listener);
	body();
	sentry_end(&room.s);
}

char
room_hear(void)
{
	char c = '\0';

	ck_assert_int_eq(read(room.said[0], &c, 1), 1);
	return c;
}

void
room_go_on(void)
{
	ck_assert_int_eq(write(room.go[1], "g", 1), 1);
}

void
room_begin(int count, void (*body)(void))
{
	struct rlimit limit;
	int pair[2];

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	room.count = count;
	ck_assert_int_eq(pipe(room.go), 0);
	ck_assert_int_eq(pipe(room.said), 0);
	room.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	room.at.sun_family = AF_UNIX; /* the kernel chooses a name */
	ck_assert_int_eq(bind(room.listener, (struct sockaddr *)&room.at,
			     sizeof(sa_family_t)), 0);
	room.at_len = sizeof(room.at);
	ck_assert_int_eq(getsockname(room.listener,
			     (struct sockaddr *)&room.at, &room.at_len), 0);
	ck_assert_int_eq(listen(room.listener, ROOM_MANY), 0);
	for (int i = 0; i < count; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		room.client[i] = pair[0];
		room.conn[i] = pair[1];
	}
	if ((room.daemon = fork()) == 0) {
		for (int i = 0; i < count; i++)
			(void)close(room.client[i]);
		(void)close(room.go[1]);
		serve(body);
		_exit(0);
	}
	for (int i = 0; i < count; i++)
		(void)close(room.conn[i]);
	(void)close(room.listener);
	(void)close(room.said[1]);
	ck_assert_int_eq(room_hear(), 'w');
}

void
room_finish(void)
{
	int status;

	room_go_on();
	ck_assert_int_eq(waitpid(room.daemon, &status, 0), room.daemon);
	ck_assert_int_eq(status, 0);
}

/* Nothing comes in so many milliseconds. */
void
room_quiet(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, ms), 0);
}

int
room_connect_late(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&room.at,
			     room.at_len), 0);
	return fd;
}
