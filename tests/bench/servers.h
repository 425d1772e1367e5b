/*
 * servers: everything that is measured, started and filled.
 */
#ifndef BENCH_SERVERS_H
#define BENCH_SERVERS_H

#include "fixture.h"
#include "plan.h"
#include "starts.h"

/* What there is to be started, and with what. */
struct servers {
	const char *dir;    /* for everything */
	const char *cofred; /* the programs; NULL: not here */
	const char *redis, *memcached, *custodia;
	size_t secrets, many, large; /* in the vaults; large 0: none */
	uid_t agent;		     /* as whom to fetch */
	size_t reply_len;	     /* of cofred's answer to a fetch */
	struct starts starts, starts_many, starts_large;
	struct target targets[PEERS];
};

/* Start all, and see how long the daemons need for that.  False with a
   message; servers_stop() ends what there is then. */
bool servers_start(struct servers *v);
void servers_stop(struct servers *v);

/* Have all of them run on that processor.  False with a message. */
bool servers_move(const struct servers *v, int core);

#endif
