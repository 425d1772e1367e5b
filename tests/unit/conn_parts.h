/*
 * conn_parts: connections of this process to a server, without its loop, for
 * their tests.
 */
#ifndef COFRE_TESTS_CONN_PARTS_H
#define COFRE_TESTS_CONN_PARTS_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "logdir.h"
#include "quota.h"

#define LENGTH 100000u /* of a frame that takes more than one reading */

static struct server *sv;
static uint8_t frame[LENGTH];
static int peer_fd; /* of the last one that was made */

static inline void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	config_defaults(&sv->config);
	ck_assert(pool_init(&sv->pool, 512 * 1024));
	ck_assert(secmem_init(&sv->io, IO_MAX, false, true));
	sv->in = sv->io.base;
	sv->kept = sv->in + IN_MAX;
	sv->epoll = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_ne(sv->epoll, -1);
	sv->ends = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_ne(sv->ends, -1);
	memset(&sv->witness, 0xff, sizeof(sv->witness));
	sv->turns = 1;
	sv->clock = 5000000;
	frame[1] = (LENGTH - 4) >> 16;
	frame[2] = (LENGTH - 4) >> 8 & 0xff;
	frame[3] = (LENGTH - 4) & 0xff;
}

static inline void
teardown(void)
{
	conn_close_all(sv);
	conn_bury(sv);
	(void)close(sv->epoll);
	(void)close(sv->ends);
	pool_free(&sv->pool);
	secmem_free(&sv->io);
	free(sv->uses);
	free(sv);
}

/* One that has said hello; its peer, who is this process, is at peer_fd. */
static inline struct conn *
connect_as(int pidfd)
{
	struct peer peer = { .uid = getuid(), .gid = getgid(),
		.pid = (uint32_t)getpid(), .pidfd = pidfd };
	const int on = 1;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    pair), 0);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on,
	    sizeof(on)), 0);
	ck_assert(quota_admit(sv, peer.uid));
	ck_assert(conn_new(sv, pair[0], &peer, false));
	peer_fd = pair[1];
	sv->conns->greeted = true;
	quota_deadline(sv->conns, false);
	return sv->conns;
}

static inline struct conn *
connect_one(void)
{
	return connect_as(-1);
}

#endif
