/*
 * bench: how fast cofred is beside what can't be beaten.
 *
 *	bench --dir DIR --cofred PROGRAM [--cofre PROGRAM] [--least PROGRAM]
 *	    [--redis PROGRAM] [--memcached PROGRAM] [--custodia PROGRAM]
 *	    [--redis-cli PROGRAM] [--keyctl PROGRAM] [--signatures FILE]
 *
 * run.sh calls it, and says what the environment may set.  It measures, and
 * judges nothing.  The exit status is 0 when it could measure, 3 when the
 * machine was not steady enough for that to mean anything, else 1.
 */
#include <err.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "disk.h"
#include "gate.h"
#include "oneshot.h"
#include "primitives.h"
#include "process.h"
#include "report.h"
#include "servers.h"

#define ROUNDS 60u
#define ROUNDS_MAX 10000u
#define SLICE_MS 20u
#define LONG_MS 40u /* of what waits for the disk, or starts processes */
#define SECRETS 1000u
#define MANY_SECRETS 100000u
#define AGENT 2001u
#define MANY 100000u /* fetches between two looks at the memory */
#define FEW_LINKS 64u
#define DESCRIPTORS 16384u
#define EXIT_VOID 3

struct bench {
	struct circumstances facts;
	struct results results;
	struct memories memories;
	struct servers servers;
	struct oneshot oneshot;
	struct primitives primitives;
	struct lane *lanes[PEERS];
	const char *signatures;
	unsigned rounds;
	uint64_t random;
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
		{ "dir", required_argument, NULL, 0 },
		{ "cofred", required_argument, NULL, 0 },
		{ "cofre", required_argument, NULL, 0 },
		{ "least", required_argument, NULL, 0 },
		{ "redis", required_argument, NULL, 0 },
		{ "memcached", required_argument, NULL, 0 },
		{ "custodia", required_argument, NULL, 0 },
		{ "redis-cli", required_argument, NULL, 0 },
		{ "keyctl", required_argument, NULL, 0 },
		{ "signatures", required_argument, NULL, 0 },
		{ NULL, 0, NULL, 0 },
	};
	struct servers *v = &b->servers;
	const char **to[] = { &v->dir, &v->cofred, &b->oneshot.cofre,
		&b->oneshot.least, &v->redis, &v->memcached, &v->custodia,
		&b->oneshot.redis_cli, &b->oneshot.keyctl, &b->signatures };
	int c, which;

	while ((c = getopt_long(argc, argv, "", table, &which)) != -1) {
		if (c == '?')
			exit(2);
		*to[which] = optarg;
	}
	if (v->dir == NULL || v->cofred == NULL || optind < argc)
		errx(2, "usage: bench --dir DIR --cofred PROGRAM [--OTHER "
			"PROGRAM]... [--signatures FILE]");
	b->rounds = (unsigned)setting("BENCH_ROUNDS", ROUNDS, ROUNDS_MAX);
	b->facts.seed = setting("BENCH_SEED", stats_clock(), UINT64_MAX);
	b->facts.slice_ms = (unsigned)setting("BENCH_SLICE_MS", SLICE_MS, 1000);
	v->secrets = setting("BENCH_SECRETS", SECRETS, 1000000);
	v->many = setting("BENCH_MANY", MANY_SECRETS, 1000000);
	v->large = setting("BENCH_LARGE", 0, 9000000);
	v->agent = getuid() == 0 ? AGENT : getuid();
	b->random = b->facts.seed;
}

/* Descriptors for the connections to all servers, of theirs as well. */
static void
raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur >= DESCRIPTORS)
		return;
	r.rlim_cur = r.rlim_max < DESCRIPTORS ? r.rlim_max : DESCRIPTORS;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1)
		warn("descriptors");
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

/* Fetch until so many have been answered. */
static bool
fetch(struct bench *b, uint64_t count)
{
	struct slice s;

	for (uint64_t done = 0; done < count; done += s.count)
		if (!load_warm(b->lanes[PEER_COFRE], FEW_LINKS, 1, WAIT_RECV,
			5000000, &s))
			return false;
	return true;
}

/* Connect to everybody, and look at the memory on the way. */
static bool
connect_all(struct bench *b)
{
	const struct target *targets = b->servers.targets;
	struct memories *m = &b->memories;

	for (unsigned p = 0; p < PEERS; p++)
		if (targets[p].pid > 0)
			(void)memory_read(targets[p].pid, &m->fresh[p]);
	for (unsigned p = 0; p < PEERS; p++)
		if (targets[p].pid > 0 && p != PEER_CUSTODIA &&
		    (b->lanes[p] = load_open(&targets[p],
			 p == PEER_WRITER ? 1 : FEW_LINKS)) == NULL)
			return false;
	/* What the first ones need once is no growth. */
	if (!fetch(b, MANY / 10))
		return false;
	(void)memory_read(targets[PEER_COFRE].pid, &m->idle);
	if (!fetch(b, MANY))
		return false;
	(void)memory_read(targets[PEER_COFRE].pid, &m->after);
	return true;
}

/* Have as many connections to the peers as the trial wants. */
static bool
connect_more(struct bench *b, enum trial t)
{
	const struct trial_row *row = &plan_trials[t];

	for (unsigned p = 0; p < PEERS; p++)
		if ((row->peers & plan_bit((enum peer)p)) != 0 &&
		    b->lanes[p] != NULL && !load_grow(b->lanes[p], row->links))
			return false;
	return true;
}

static bool
run_slice(struct bench *b, enum trial t, enum peer p, struct slice *s)
{
	const struct trial_row *row = &plan_trials[t];
	uint64_t ns = b->facts.slice_ms * UINT64_C(1000000);
	uint64_t longer = LONG_MS * UINT64_C(1000000);

	if (t == TRIAL_COLD)
		return load_cold(&b->servers.targets[p],
		    p == PEER_CUSTODIA ? longer : ns, s);
	if (t == TRIAL_PROCESS)
		return oneshot_run(&b->oneshot, p, longer, s);
	if (p == PEER_RAW)
		return disk_slice(b->disk, longer, s);
	if (t == TRIAL_WRITE)
		return load_warm(b->lanes[p], p == PEER_WRITER ? 1 : FEW_LINKS,
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
		return oneshot_is_there(&b->oneshot, p);
	return p == PEER_RAW || b->servers.targets[p].pid > 0;
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
measure(struct bench *b)
{
	int other = b->facts.other;

	b->primitives = primitives_measure();
	if (!run_rounds(b, TRIAL_1, TRIAL_PROCESS) ||
	    !connect_more(b, TRIAL_512) ||
	    !run_rounds(b, TRIAL_512, TRIAL_PIPED_512))
		return false;
	if (other != -1 && (!servers_move(&b->servers, other) ||
	    !run_rounds(b, TRIAL_APART_1, TRIAL_APART_PIPED)))
		return false;
	(void)memory_read(b->servers.targets[PEER_COFRE].pid,
	    &b->memories.end);
	return true;
}

/* Print all of it; was the machine steady? */
static bool
tell(const struct bench *b)
{
	const struct servers *v = &b->servers;
	struct gates g = { .results = &b->results, .memories = &b->memories,
		.servers = v };
	bool valid;

	report_head(&b->facts, v);
	(void)fixture_report(&v->targets[PEER_COFRE]);
	printf("\n");
	primitives_print(&b->primitives, plan_value(&b->results, TRIAL_PIPED,
	    PEER_FLOOR, METRIC_RATE).middle);
	valid = report_validity(&b->results);
	if (b->signatures != NULL)
		gate_read_signature(&g, b->signatures);
	printf("## What cofre is to reach\n\n");
	gate_print(&g);
	printf("## Client and servers on one core\n\n");
	report_peers(&b->results, TRIAL_1, TRIAL_COLD);
	report_peers(&b->results, TRIAL_512, TRIAL_PIPED_512);
	printf("## Durable writes, and commands as processes\n\n");
	report_peers(&b->results, TRIAL_WRITE, TRIAL_WRITE);
	report_peers(&b->results, TRIAL_PROCESS, TRIAL_PROCESS);
	if (b->facts.other != -1) {
		printf("## A core each for client and server\n\n");
		report_peers(&b->results, TRIAL_APART_1, TRIAL_APART_PIPED);
	}
	printf("## Start and unlock\n\n");
	report_starts(v);
	printf("## Memory\n\n");
	report_memory(&b->memories, &b->results);
	return valid;
}

static void
stop_all(struct bench *b)
{
	for (unsigned p = 0; p < PEERS; p++)
		load_close(b->lanes[p]);
	servers_stop(&b->servers);
	oneshot_stop(&b->oneshot);
	plan_free(&b->results);
}

static bool
start_all(struct bench *b)
{
	struct servers *v = &b->servers;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/raw", v->dir);
	if (!servers_start(v) || (b->disk = disk_open(path)) == -1)
		return false;
	b->oneshot.vault = &v->targets[PEER_COFRE];
	if (v->redis != NULL)
		b->oneshot.redis_path = v->targets[PEER_REDIS].path;
	return oneshot_start(&b->oneshot, v->dir);
}

int
main(int argc, char **argv)
{
	static struct bench b;
	bool good, valid = true;
	sigset_t set;

	options(&b, argc, argv);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	choose_cores(&b.facts);
	raise_limit();
	if (!plan_init(&b.results, b.rounds) ||
	    !process_pin(0, b.facts.core))
		return 1;
	good = start_all(&b) && connect_all(&b) && measure(&b);
	if (good)
		valid = tell(&b);
	stop_all(&b);
	return !good ? 1 : valid ? 0 : EXIT_VOID;
}
