/*
 * bench: how fast cofred is beside what can't be beaten.
 *
 *	bench --dir DIR --cofred PROGRAM [--cofre PROGRAM] [--redis PROGRAM]
 *
 * run.sh calls it, and says what the environment may set.  It measures, and
 * judges nothing: the exit status tells whether it could measure.
 */
#include <err.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "baseline.h"
#include "disk.h"
#include "fixture.h"
#include "floor.h"
#include "process.h"
#include "redis.h"
#include "report.h"

#define ROUNDS 60u
#define ROUNDS_MAX 10000u
#define SLICE_MS 20u
#define LONG_MS 40u /* of what waits for the disk, or starts processes */
#define SECRETS 1000u
#define WRITTEN 100000u /* names of the puts: enough for each to be new */
#define AGENT 2001u
#define MANY 100000u /* fetches between two looks at the memory */

struct bench {
	const char *dir, *cofred, *cofre, *redis;
	struct circumstances facts;
	struct results results;
	struct memories memories;
	struct target targets[PEERS];
	struct lane *lanes[PEERS];
	unsigned rounds;
	uint64_t random;
	uid_t agent;
	int disk;
};

/* A number of the environment, between 1 and most. */
static uint64_t
setting(const char *name, uint64_t otherwise, uint64_t most)
{
	const char *text = getenv(name);
	char *end;
	uint64_t v;

	if (text == NULL || text[0] == '\0')
		return otherwise;
	v = strtoull(text, &end, 10);
	if (*end != '\0' || v == 0 || v > most)
		errx(2, "%s: what is '%s'?", name, text);
	return v;
}

static void
options(struct bench *b, int argc, char **argv)
{
	static const struct option table[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "cofred", required_argument, NULL, 'D' },
		{ "cofre", required_argument, NULL, 'c' },
		{ "redis", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	const char **to[] = { ['d'] = &b->dir, ['D'] = &b->cofred,
		['c'] = &b->cofre, ['r'] = &b->redis };
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == '?')
			exit(2);
		*to[c] = optarg;
	}
	if (b->dir == NULL || b->cofred == NULL || optind < argc)
		errx(2, "usage: bench --dir DIR --cofred PROGRAM "
			"[--cofre PROGRAM] [--redis PROGRAM]");
	b->rounds = (unsigned)setting("BENCH_ROUNDS", ROUNDS, ROUNDS_MAX);
	b->facts.seed = setting("BENCH_SEED", stats_clock(), UINT64_MAX);
	b->facts.slice_ms = (unsigned)setting("BENCH_SLICE_MS", SLICE_MS, 1000);
	b->facts.secrets = setting("BENCH_SECRETS", SECRETS, 1000000);
	b->facts.large = setting("BENCH_LARGE", 0, 9000000);
	b->random = b->facts.seed;
	b->agent = getuid() == 0 ? AGENT : getuid();
}

/* The last two processors that the caller may use: the first one has most
   of the interrupts. */
static void
choose_cores(struct circumstances *c)
{
	cpu_set_t set;

	c->core = c->other = -1;
	if (sched_getaffinity(0, sizeof(set), &set) == -1)
		return;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)i, &set)) {
			c->other = c->core;
			c->core = i;
		}
}

static struct fixture
fixture_of(const struct bench *b, const char *name, bool strict,
    size_t secrets)
{
	return (struct fixture){ b->cofred, b->dir, name, strict, secrets,
		b->agent };
}

static bool
start_vaults(struct bench *b)
{
	struct fixture main_ = fixture_of(b, "cofre", false, b->facts.secrets);
	struct fixture strict = fixture_of(b, "strict", true,
	    b->facts.secrets);
	struct fixture writer = fixture_of(b, "writer", false, 1);
	struct fixture large = fixture_of(b, "large", false, b->facts.large);
	struct target t;
	uint64_t ns;

	if (!fixture_start(&main_, &b->targets[PEER_COFRE], &ns) ||
	    !fixture_start(&strict, &b->targets[PEER_STRICT], &ns) ||
	    !fixture_start(&writer, &t, &ns) ||
	    !fixture_writer(&t, WRITTEN, &b->targets[PEER_WRITER]))
		return false;
	free(t.requests);
	b->targets[PEER_WRITERS] = b->targets[PEER_WRITER];
	b->facts.reply_len = b->targets[PEER_COFRE].reply_len;
	if (b->targets[PEER_COFRE].request_len != BASELINE_REQUEST) {
		warnx("a fetch has %zu bytes",
		    b->targets[PEER_COFRE].request_len);
		return false;
	}
	return b->facts.large == 0 ||
	    fixture_start(&large, &b->targets[PEER_LARGE],
		&b->facts.large_unlock);
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
start_baseline(struct bench *b, enum peer p, const char *name, size_t secrets)
{
	struct target *t = &b->targets[p];
	struct baseline base = { b->dir, t->path, b->facts.reply_len, secrets };

	*t = (struct target){ .name = name, .count = b->facts.secrets,
		.request_len = BASELINE_REQUEST,
		.reply_len = b->facts.reply_len, .uid = b->agent };
	(void)snprintf(t->path, sizeof(t->path), "%.80s/%.16s.sock", b->dir,
	    name);
	memcpy(t->check, BASELINE_MARK, sizeof(t->check));
	if (!make_requests(t))
		return false;
	t->pid = baseline_start(&base);
	return t->pid > 0;
}

static bool
start_all(struct bench *b)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/raw", b->dir);
	if (!start_vaults(b) || !start_baseline(b, PEER_ECHO, "echo", 0) ||
	    !start_baseline(b, PEER_ECHO2, "echo2", 0) ||
	    !start_baseline(b, PEER_FLOOR, "floor", b->facts.secrets) ||
	    (b->disk = disk_open(path)) == -1)
		return false;
	if (b->redis != NULL) {
		if (!redis_start(b->redis, b->dir, b->facts.secrets,
			&b->targets[PEER_REDIS]))
			return false;
		b->targets[PEER_REDIS].uid = b->agent;
	}
	return true;
}

/* Fetch until so many have been answered. */
static bool
fetch(struct bench *b, uint64_t count)
{
	struct slice s;

	for (uint64_t done = 0; done < count; done += s.count)
		if (!load_warm(b->lanes[PEER_COFRE], LINKS_MAX, 1, WAIT_RECV,
			5000000, &s))
			return false;
	return true;
}

/* Connect to everybody, and look at the memory on the way. */
static bool
connect_all(struct bench *b)
{
	pid_t cofred = b->targets[PEER_COFRE].pid;

	(void)memory_read(cofred, &b->memories.fresh);
	for (unsigned p = 0; p < PEERS; p++)
		if (b->targets[p].pid > 0 &&
		    (b->lanes[p] = load_open(&b->targets[p],
			 p == PEER_WRITER ? 1 : LINKS_MAX)) == NULL)
			return false;
	if (!fetch(b, 1))
		return false;
	(void)memory_read(cofred, &b->memories.idle);
	if (!fetch(b, MANY))
		return false;
	(void)memory_read(cofred, &b->memories.after);
	return true;
}

static bool
run_process(const struct bench *b, enum peer p, uint64_t ns, struct slice *s)
{
	char name[FIXTURE_NAME_LEN + 1], object[128], path[128];
	char *get[] = { (char *)(uintptr_t)b->cofre, (char[]){ "--socket" },
		path, (char[]){ "get" }, object, (char[]){ "--field" },
		(char[]){ FIXTURE_FIELD }, NULL };
	char *nothing[] = { (char[]){ "/bin/true" }, NULL };

	fixture_name(name, 0);
	(void)snprintf(object, sizeof(object), FIXTURE_WORKSPACE "/%s", name);
	(void)snprintf(path, sizeof(path), "%s", b->targets[PEER_COFRE].path);
	return process_repeat(p == PEER_TRUE ? nothing : get, ns, s);
}

static bool
run_slice(struct bench *b, enum trial t, enum peer p, struct slice *s)
{
	const struct trial_row *row = &plan_trials[t];
	uint64_t ns = b->facts.slice_ms * UINT64_C(1000000);
	uint64_t longer = LONG_MS * UINT64_C(1000000);

	if (t == TRIAL_COLD)
		return load_cold(&b->targets[p], ns, s);
	if (t == TRIAL_PROCESS)
		return run_process(b, p, longer, s);
	if (p == PEER_RAW)
		return disk_slice(b->disk, longer, s);
	if (t == TRIAL_WRITE)
		return load_warm(b->lanes[p], p == PEER_WRITER ? 1 : LINKS_MAX,
		    1, WAIT_RECV, longer, s);
	return load_warm(b->lanes[p], row->links, row->depth, row->wait,
	    p == PEER_STRICT ? longer : ns, s);
}

static bool
is_there(const struct bench *b, enum trial t, enum peer p)
{
	if ((plan_trials[t].peers & plan_bit(p)) == 0)
		return false;
	if (t == TRIAL_PROCESS)
		return b->cofre != NULL;
	return p == PEER_RAW || b->targets[p].pid > 0;
}

/* A slice for each of the trial's peers, in random order. */
static bool
run_trial(struct bench *b, unsigned round, enum trial t)
{
	unsigned order[PEERS];
	size_t n = 0;

	for (unsigned p = 0; p < PEERS; p++)
		if (is_there(b, t, (enum peer)p))
			order[n++] = p;
	stats_shuffle(&b->random, order, n);
	for (size_t i = 0; i < n; i++)
		if (!run_slice(b, t, (enum peer)order[i],
			plan_slice(&b->results, round, t,
			    (enum peer)order[i]))) {
			warnx("%s: %s: gave up", plan_trials[t].name,
			    plan_peers[order[i]]);
			return false;
		}
	return true;
}

/* Was the caller asked to end? */
static bool
is_interrupted(void)
{
	sigset_t set;

	return sigpending(&set) == 0 &&
	    (sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1);
}

static bool
run_rounds(struct bench *b, enum trial first, enum trial last)
{
	bool show = isatty(STDERR_FILENO) == 1;

	for (unsigned i = 0; i < b->rounds; i++) {
		if (show)
			fprintf(stderr, "\rbench: round %u of %u ", i + 1,
			    b->rounds);
		for (unsigned t = first; t <= last; t++) {
			if (is_interrupted()) {
				warnx("interrupted");
				return false;
			}
			if (!run_trial(b, i, (enum trial)t))
				return false;
		}
	}
	if (show)
		fprintf(stderr, "\n");
	b->results.rounds = b->rounds;
	return true;
}

static bool
move_servers(const struct bench *b, int core)
{
	for (unsigned p = 0; p < PEERS; p++)
		if (b->targets[p].pid > 0 &&
		    !process_pin(b->targets[p].pid, core))
			return false;
	return true;
}

static bool
measure(struct bench *b)
{
	if (!run_rounds(b, TRIAL_1, TRIAL_PROCESS))
		return false;
	if (b->facts.other != -1 && (!move_servers(b, b->facts.other) ||
	    !run_rounds(b, TRIAL_APART_1, TRIAL_APART_PIPED)))
		return false;
	(void)memory_read(b->targets[PEER_COFRE].pid, &b->memories.end);
	return true;
}

static void
tell(const struct bench *b)
{
	report_head(&b->facts);
	(void)fixture_report(&b->targets[PEER_COFRE]);
	printf("\n");
	(void)report_validity(&b->results);
	printf("## What cofre is to reach\n\n");
	report_gate(&b->results, &b->memories, &b->facts);
	printf("## Client and servers on one core; ratios to the bare echo\n\n");
	report_peers(&b->results, TRIAL_1, TRIAL_PROCESS);
	if (b->facts.other == -1)
		return;
	printf("## A core each for client and server\n\n");
	report_peers(&b->results, TRIAL_APART_1, TRIAL_APART_PIPED);
}

static void
stop_all(struct bench *b)
{
	for (unsigned p = 0; p < PEERS; p++)
		load_close(b->lanes[p]);
	for (unsigned p = 0; p < PEERS; p++) {
		if (p == PEER_WRITERS) /* the process is PEER_WRITER's */
			continue;
		process_stop(b->targets[p].pid);
		free(b->targets[p].requests);
	}
	plan_free(&b->results);
}

int
main(int argc, char **argv)
{
	static struct bench b;
	sigset_t set;
	bool good;

	options(&b, argc, argv);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	choose_cores(&b.facts);
	if (!plan_init(&b.results, b.rounds) ||
	    !process_pin(0, b.facts.core))
		return 1;
	good = start_all(&b) && connect_all(&b) && measure(&b);
	if (good)
		tell(&b);
	stop_all(&b);
	return good ? 0 : 1;
}
