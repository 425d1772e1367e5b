/*
 * quota_parts: a daemon's quotas, its clocks, and what takes time of a turn,
 * for their tests.
 */
#ifndef COFRE_TESTS_QUOTA_PARTS_H
#define COFRE_TESTS_QUOTA_PARTS_H

#include <check.h>
#include <stdlib.h>

#include "quota.h"

#define CONNS 4u

static struct server *sv;
static struct conn conns[CONNS];

static inline void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	sv->config.max_connections = sv->config.max_per_uid = 100;
	sv->turns = 1;
}

static inline void
teardown(void)
{
	free(sv->uses);
	free(sv);
}

/* Connection i, admitted for the uid. */
static inline struct conn *
conn_of(size_t i, uint32_t uid)
{
	conns[i] = (struct conn){ .sv = sv, .peer = { .uid = uid } };
	ck_assert(quota_admit(sv, uid));
	return &conns[i];
}

static uint64_t now;

static inline uint64_t
stopwatch(void)
{
	return now;
}

/* One request that takes so many microseconds. */
static inline void
serve_for(struct conn *c, uint64_t us)
{
	quota_served(c);
	quota_look(sv);
	now += us * 1000;
	quota_took(c);
}

static inline void
next_turn(void)
{
	sv->turns++;
	sv->turn.count = 0;
	sv->rested = sv->moved = sv->starved = false;
	quota_look(sv);
}

/* A turn with a write of the connection's, the end of which takes so long. */
static inline void
write_for(struct conn *c, enum cofre_status st, uint64_t us)
{
	next_turn();
	serve_for(c, 10);
	sv->turn.entries[0] = (struct turn_entry){ .conn = c, .wrote = true,
		.record = { .uid = c->peer.uid, .status = (uint16_t)st } };
	sv->turn.count = 1;
	now += us * 1000;
	quota_look(sv);
	quota_wrote(sv, us * 1000);
	next_turn();
}

/* It reads, that is. */
static inline void
read_for(struct conn *c, uint64_t us)
{
	c->writes = false;
	serve_for(c, us);
}

#endif
