#include "servers.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "baseline.h"
#include "custodia.h"
#include "floor.h"
#include "memcached.h"
#include "process.h"
#include "redis.h"

#define WRITTEN 100000u /* names of the puts: enough for each to be new */
#define STARTS 9u
#define STARTS_MANY 5u
#define STARTS_LARGE 3u

/* A vault with its daemon; with times, started that often. */
static bool
start_vault(struct servers *v, enum peer p, const struct fixture *x,
    unsigned times, struct starts *s)
{
	uint64_t ns;

	return fixture_start(x, &v->targets[p], &ns) &&
	    (times == 0 || starts_measure(x, &v->targets[p], times, s));
}

/* The one that the others are compared with tells how long their answers
   are. */
static bool
start_first(struct servers *v)
{
	struct fixture x = { v->cofred, v->dir, "cofre", false, v->secrets,
		v->agent };
	const struct target *t = &v->targets[PEER_COFRE];

	if (!start_vault(v, PEER_COFRE, &x, STARTS, &v->starts))
		return false;
	v->reply_len = t->reply_len;
	if (t->request_len == BASELINE_REQUEST)
		return true;
	warnx("a fetch has %zu bytes", t->request_len);
	return false;
}

static bool
start_vaults(struct servers *v)
{
	struct fixture x = { v->cofred, v->dir, "strict", true, v->secrets,
		v->agent };
	struct target t;
	uint64_t ns;

	if (!start_vault(v, PEER_STRICT, &x, 0, NULL))
		return false;
	x.strict = false;
	x.name = "many";
	x.secrets = v->many;
	if (!start_vault(v, PEER_MANY, &x, STARTS_MANY, &v->starts_many))
		return false;
	x.name = "large";
	x.secrets = v->large;
	if (v->large > 0 && !start_vault(v, PEER_LARGE, &x, STARTS_LARGE,
		&v->starts_large))
		return false;
	x.name = "writer";
	x.secrets = 1;
	if (!fixture_start(&x, &t, &ns) ||
	    !fixture_writer(&t, WRITTEN, &v->targets[PEER_WRITER]))
		return false;
	free(t.requests);
	v->targets[PEER_WRITERS] = v->targets[PEER_WRITER];
	return true;
}

/* Requests that begin with a key of the floor's store. */
static bool
make_requests(struct target *t)
{
	unsigned *order = stats_order(t->count);
	bool good;

	t->requests = calloc(t->count + DEPTH_MAX, BASELINE_REQUEST);
	good = t->requests != NULL && order != NULL;
	for (size_t i = 0; good && i < t->count + DEPTH_MAX; i++)
		floor_key(t->requests + i * BASELINE_REQUEST,
		    order[i % t->count]);
	free(order);
	return good;
}

/* An echo, or with secrets the floor. */
static bool
start_baseline(struct servers *v, enum peer p, const char *name, size_t secrets)
{
	struct target *t = &v->targets[p];
	struct baseline base = { v->dir, t->path, v->reply_len, secrets };

	*t = (struct target){ .name = name, .count = v->secrets,
		.request_len = BASELINE_REQUEST,
		.reply_len = v->reply_len, .uid = v->agent };
	(void)snprintf(t->path, sizeof(t->path), "%.80s/%.16s.sock", v->dir,
	    name);
	memcpy(t->check, BASELINE_MARK, sizeof(t->check));
	if (!make_requests(t))
		return false;
	t->pid = baseline_start(&base);
	return t->pid > 0;
}

static bool
start_others(struct servers *v)
{
	if (v->redis != NULL &&
	    !redis_start(v->redis, v->dir, v->secrets,
		&v->targets[PEER_REDIS]))
		return false;
	if (v->memcached != NULL &&
	    !memcached_start(v->memcached, v->dir, v->secrets,
		&v->targets[PEER_MEMCACHED]))
		return false;
	if (v->custodia != NULL &&
	    !custodia_start(v->custodia, v->dir, v->agent,
		&v->targets[PEER_CUSTODIA]))
		return false;
	v->targets[PEER_REDIS].uid = v->targets[PEER_MEMCACHED].uid = v->agent;
	return true;
}

bool
servers_start(struct servers *v)
{
	/* What is forked counts the memory of who has forked it: so early. */
	return start_first(v) && start_baseline(v, PEER_ECHO, "echo", 0) &&
	    start_baseline(v, PEER_ECHO2, "echo2", 0) &&
	    start_baseline(v, PEER_FLOOR, "floor", v->secrets) &&
	    start_vaults(v) && start_others(v);
}

void
servers_stop(struct servers *v)
{
	for (unsigned p = 0; p < PEERS; p++) {
		if (p == PEER_WRITERS) /* the process is PEER_WRITER's */
			continue;
		process_stop(v->targets[p].pid);
		free(v->targets[p].requests);
	}
}

bool
servers_move(const struct servers *v, int core)
{
	for (unsigned p = 0; p < PEERS; p++)
		if (v->targets[p].pid > 0 &&
		    !process_pin(v->targets[p].pid, core))
			return false;
	return true;
}
