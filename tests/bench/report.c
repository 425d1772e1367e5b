#include "report.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define TOLERANCE 0.02 /* of the second echo, beside 1.00 */

enum better { LESS, MORE };

/* A row of "What cofre is to reach" in the design's speed.md. */
struct gate {
	const char *name;
	enum trial trial;
	enum metric metric;
	enum peer peer, base;
	enum better better;
	double reach, moonshot;
};

static const struct gate gates[] = {
	{ "warm fetch, 1 connection, p50 over the echo", TRIAL_1, METRIC_P50,
	    PEER_COFRE, PEER_ECHO, LESS, 1.45, 1.20 },
	{ "warm fetch, 1 connection, p99 over the echo", TRIAL_1, METRIC_P99,
	    PEER_COFRE, PEER_ECHO, LESS, 1.60, 1.45 },
	{ "the same with poll(2), as libcofre waits, p50", TRIAL_1_POLL,
	    METRIC_P50, PEER_COFRE, PEER_ECHO, LESS, 1.45, 1.20 },
	{ "the same with poll(2), as libcofre waits, p99", TRIAL_1_POLL,
	    METRIC_P99, PEER_COFRE, PEER_ECHO, LESS, 1.60, 1.45 },
	{ "throughput, 64 connections, over the echo", TRIAL_64, METRIC_RATE,
	    PEER_COFRE, PEER_ECHO, MORE, 0.60, 0.70 },
	{ "throughput, 64 connections, over redis GET", TRIAL_64, METRIC_RATE,
	    PEER_COFRE, PEER_REDIS, MORE, 0.80, 1.00 },
	{ "server CPU per fetch, 64 connections, over the echo", TRIAL_64,
	    METRIC_CPU, PEER_COFRE, PEER_ECHO, LESS, 1.90, 1.70 },
	{ "throughput, pipelined 64 x 16, over the floor", TRIAL_PIPED,
	    METRIC_RATE, PEER_COFRE, PEER_FLOOR, MORE, 0.80, 1.00 },
	{ "strict log, throughput, 64 connections, over the floor", TRIAL_64,
	    METRIC_RATE, PEER_STRICT, PEER_FLOOR, MORE, 0.50, 0.57 },
	{ "cold fetch, p50 over a cold echo", TRIAL_COLD, METRIC_P50,
	    PEER_COFRE, PEER_ECHO, LESS, 1.30, 1.12 },
	{ "cold fetch, p99 over a cold echo", TRIAL_COLD, METRIC_P99,
	    PEER_COFRE, PEER_ECHO, LESS, 1.60, 1.45 },
	{ "`cofre get` as a process, p50 over /bin/true", TRIAL_PROCESS,
	    METRIC_P50, PEER_GET, PEER_TRUE, LESS, 1.30, 1.15 },
	{ "a durable put, p50 over a raw 4 KiB write and flush", TRIAL_WRITE,
	    METRIC_P50, PEER_WRITER, PEER_RAW, LESS, 3.50, 1.50 },
	{ "64 durable writers, throughput over one writer's", TRIAL_WRITE,
	    METRIC_RATE, PEER_WRITERS, PEER_WRITER, MORE, 20, 40 },
	{ "many secrets, 1 connection, p50 over few", TRIAL_1, METRIC_P50,
	    PEER_LARGE, PEER_COFRE, LESS, 1.35, 1.15 },
	{ "many secrets, 64 connections, throughput over few", TRIAL_64,
	    METRIC_RATE, PEER_LARGE, PEER_COFRE, MORE, 0.55, 0.80 },
};

/* The first line of the file that begins with key, behind its colon. */
static void
look_up(const char *path, const char *key, char *out, size_t size)
{
	char line[512];
	const char *colon;
	FILE *f = fopen(path, "r");

	(void)snprintf(out, size, "unknown");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, strlen(key)) != 0 ||
		    (colon = strchr(line, ':')) == NULL)
			continue;
		(void)snprintf(out, size, "%s",
		    colon + 1 + strspn(colon + 1, " "));
		break;
	}
	if (f != NULL)
		(void)fclose(f);
}

void
report_head(const struct circumstances *c)
{
	struct utsname u;
	char date[32], cpu[256];
	time_t now = time(NULL);
	struct tm tm;

	(void)uname(&u);
	(void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC",
	    gmtime_r(&now, &tm));
	look_up("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	printf("Measured %s on %s %s, %s.\n", date, u.sysname, u.release, cpu);
	printf("A request has 64 bytes, cofre's answer with a secret of 256 "
	       "bytes %zu, the echo's and the floor's as many; %zu secrets.  "
	       "Slices of %u ms in random order, seed %llu.  The client runs "
	       "on processor %d",
	    c->reply_len, c->secrets, c->slice_ms,
	    (unsigned long long)c->seed, c->core);
	if (c->other != -1)
		printf("; \"a core each\" has the servers on processor %d",
		    c->other);
	printf(".\n\n");
}

static bool
echo_agrees(const struct results *r, enum trial t, enum metric m)
{
	struct summary s = plan_ratio(r, t, PEER_ECHO2, t, PEER_ECHO, m);
	bool good = s.count == 0 ||
	    (s.middle >= 1 - TOLERANCE && s.middle <= 1 + TOLERANCE);

	if (!good)
		printf("VOID: a second copy of the echo came out at %.3f of "
		       "the first (%s, %s).\n", s.middle,
		    plan_trials[t].name, m == METRIC_P50 ? "p50" :
			m == METRIC_RATE ? "throughput" : "CPU");
	return good;
}

bool
report_validity(const struct results *r)
{
	bool good = echo_agrees(r, TRIAL_1, METRIC_P50);

	good &= echo_agrees(r, TRIAL_1_POLL, METRIC_P50);
	good &= echo_agrees(r, TRIAL_8, METRIC_P50);
	good &= echo_agrees(r, TRIAL_64, METRIC_RATE);
	good &= echo_agrees(r, TRIAL_64, METRIC_CPU);
	good &= echo_agrees(r, TRIAL_PIPED, METRIC_RATE);
	good &= echo_agrees(r, TRIAL_COLD, METRIC_P50);
	if (good)
		printf("Valid: a second copy of the echo came out at 1.00 "
		       "+- %.2f of the first everywhere on one core; %u "
		       "rounds.\n\n", TOLERANCE, r->rounds);
	else
		printf("The run is void: the machine was not steady enough.  "
		       "Run it again, alone; %u rounds.\n\n", r->rounds);
	return good;
}

static void
value_text(char *out, size_t size, enum metric m, double v)
{
	if (m == METRIC_RATE)
		(void)snprintf(out, size, "%.1f k/s", v / 1e3);
	else
		(void)snprintf(out, size, "%.1f us", v);
}

/* Whom the peers of a trial are compared with. */
static enum peer
base_of(enum trial t)
{
	if (t == TRIAL_WRITE)
		return PEER_RAW;
	return t == TRIAL_PROCESS ? PEER_TRUE : PEER_ECHO;
}

static void
spread_text(char *out, size_t size, const struct summary *s)
{
	(void)snprintf(out, size, "%.2f .. %.2f", s->low, s->high);
}

static void
peer_row(const struct results *r, enum trial t, enum peer p, enum metric m)
{
	static const char *const names[] = { [METRIC_P50] = "p50",
		[METRIC_P99] = "p99", [METRIC_RATE] = "throughput",
		[METRIC_CPU] = "server CPU" };
	struct summary v = plan_value(r, t, p, m);
	struct summary s = plan_ratio(r, t, p, t, base_of(t), m);
	char measure[64], value[32], spread[32];

	if (v.count == 0)
		return;
	(void)snprintf(measure, sizeof(measure), "%s, %s",
	    plan_trials[t].name, names[m]);
	value_text(value, sizeof(value), m, v.middle);
	spread_text(spread, sizeof(spread), &s);
	printf("| %-29s | %-21s | %12s | %5.2f | %-14s |\n", measure,
	    plan_peers[p], value, s.middle, spread);
}

/* Is the metric worth a row in the trial? */
static bool
tells(enum trial t, enum metric m)
{
	switch (m) {
	case METRIC_P50:
		return true;
	case METRIC_P99:
		return t != TRIAL_WRITE && t != TRIAL_PROCESS;
	case METRIC_RATE:
		return plan_trials[t].links > 1 || t == TRIAL_WRITE;
	case METRIC_CPU:
		return plan_trials[t].links > 0;
	}
	return false;
}

static void
trial_rows(const struct results *r, enum trial t)
{
	for (unsigned m = METRIC_P50; m <= METRIC_CPU; m++)
		for (unsigned p = 0; tells(t, (enum metric)m) && p < PEERS;
		    p++)
			peer_row(r, t, (enum peer)p, (enum metric)m);
}

void
report_peers(const struct results *r, enum trial first, enum trial last)
{
	printf("| measure                       | server                |"
	       "        value | ratio | p10 .. p90     |\n"
	       "|-------------------------------|-----------------------|"
	       "-------------:|------:|----------------|\n");
	for (unsigned t = first; t <= last; t++)
		trial_rows(r, (enum trial)t);
	printf("\n");
}

static const char *
reached(const struct gate *g, double v)
{
	bool less = g->better == LESS;

	if (less ? v <= g->moonshot : v >= g->moonshot)
		return "moonshot";
	return (less ? v <= g->reach : v >= g->reach) ? "yes" : "no";
}

static void
gate_row(const struct results *r, const struct gate *g)
{
	struct summary v = plan_value(r, g->trial, g->peer, g->metric);
	struct summary s = plan_ratio(r, g->trial, g->peer, g->trial, g->base,
	    g->metric);
	char value[32] = "not measured", ratio[16] = "", spread[32] = "";

	if (s.count > 0) {
		value_text(value, sizeof(value), g->metric, v.middle);
		(void)snprintf(ratio, sizeof(ratio), "%.2f", s.middle);
		spread_text(spread, sizeof(spread), &s);
	}
	printf("| %-55s | %12s | %5s | %-14s | %8.2f | %8.2f | %-8s |\n",
	    g->name, value, ratio, spread, g->reach, g->moonshot,
	    s.count > 0 ? reached(g, s.middle) : "");
}

static void
memory_row(const char *name, size_t kib, const char *reach,
    const char *moonshot, const char *answer)
{
	printf("| %-55s | %8zu KiB | %5s | %-14s | %8s | %8s | %-8s |\n", name,
	    kib, "", "", reach, moonshot, answer);
}

static const char *
memory_reached(size_t kib)
{
	if (kib <= 2048)
		return "moonshot";
	return kib <= 4096 ? "yes" : "no";
}

static void
memory_rows(const struct memories *m)
{
	size_t idle = m->idle.own, after = m->after.own;
	size_t growth = after > idle ? after - idle : 0;

	if (m->fresh.own == 0)
		return;
	memory_row("memory of its own, started and unlocked", m->fresh.own,
	    "4 MiB", "2 MiB", memory_reached(m->fresh.own));
	memory_row("of that, locked", m->fresh.locked, "", "", "");
	memory_row("memory, idle with 64 connections", idle, "4 MiB", "2 MiB",
	    memory_reached(idle));
	memory_row("memory, growth over 1e5 fetches", growth, "0", "0",
	    growth == 0 ? "moonshot" : "no");
	memory_row("memory, at the end of the run", m->end.own, "", "", "");
}

void
report_gate(const struct results *r, const struct memories *m,
    const struct circumstances *c)
{
	printf("| %-55s | cofre        | ratio | p10 .. p90     | to reach | "
	       "moonshot | reached  |\n", "measure");
	printf("|---------------------------------------------------------|"
	       "-------------:|------:|----------------|---------:|---------:|"
	       "----------|\n");
	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
		if (c->large > 0 || gates[i].peer != PEER_LARGE)
			gate_row(r, &gates[i]);
	memory_rows(m);
	printf("\n");
	if (c->large > 0)
		printf("%zu secrets: start and unlock, the whole store "
		       "verified, %.2f s (to reach with 1 M: 5 s, moonshot "
		       "1 s).\n\n", c->large, (double)c->large_unlock / 1e9);
}
