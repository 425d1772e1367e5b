#include "report.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define TOLERANCE 0.02 /* of the second echo, beside 1.00 */
#define CELL 40u

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
report_head(const struct circumstances *c, const struct servers *v)
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
	    v->reply_len, v->secrets, c->slice_ms,
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

void
report_value(char *out, size_t size, enum metric m, double v)
{
	if (m == METRIC_RATE)
		(void)snprintf(out, size, "%.1f k/s", v / 1e3);
	else
		(void)snprintf(out, size, "%.1f us", v);
}

void
report_spread(char *out, size_t size, const struct summary *s)
{
	(void)snprintf(out, size, "%.2f .. %.2f", s->low, s->high);
}

/* Whom the peers of a trial are compared with. */
static enum peer
base_of(enum trial t)
{
	if (t == TRIAL_WRITE)
		return PEER_RAW;
	return t == TRIAL_PROCESS ? PEER_TRUE : PEER_ECHO;
}

/* Does the metric tell something in the trial? */
static bool
tells(enum trial t, enum metric m)
{
	switch (m) {
	case METRIC_P50:
	case METRIC_P99:
		return true;
	case METRIC_P999:
	case METRIC_CPU:
		return plan_trials[t].links > 0;
	case METRIC_RATE:
		return t != TRIAL_PROCESS;
	case METRICS:
		break;
	}
	return false;
}

/* A value, and how often the base has it. */
static void
cell(const struct results *r, enum trial t, enum peer p, enum metric m)
{
	struct summary v = plan_value(r, t, p, m);
	struct summary s = plan_ratio(r, t, p, t, base_of(t), m);
	char text[CELL] = "";

	if (tells(t, m) && v.count > 0 && s.count > 0)
		(void)snprintf(text, sizeof(text), "%.*f: %.2f (%.2f .. %.2f)",
		    m == METRIC_CPU && v.middle < 10 ? 2 : 1,
		    m == METRIC_RATE ? v.middle / 1e3 : v.middle, s.middle,
		    s.low, s.high);
	printf(" %-28s |", text);
}

static void
peer_row(const struct results *r, enum trial t, enum peer p)
{
	if (plan_value(r, t, p, METRIC_P50).count == 0)
		return;
	printf("| %-18s | %-21s |", plan_trials[t].name, plan_peers[p]);
	for (unsigned m = 0; m < METRICS; m++)
		cell(r, t, p, (enum metric)m);
	printf("\n");
}

void
report_peers(const struct results *r, enum trial first, enum trial last)
{
	static const char *const names[METRICS] = { [METRIC_P50] = "p50, us",
		[METRIC_P99] = "p99, us", [METRIC_P999] = "p99.9, us",
		[METRIC_RATE] = "throughput, k/s",
		[METRIC_CPU] = "server CPU for one, us" };

	printf("| %-18s | %-21s |", "", "");
	for (unsigned m = 0; m < METRICS; m++)
		printf(" %-28s |", names[m]);
	printf("\n|--------------------|-----------------------|");
	for (unsigned m = 0; m < METRICS; m++)
		printf("------------------------------|");
	printf("\n");
	for (unsigned t = first; t <= last; t++)
		for (unsigned p = 0; p < PEERS; p++)
			peer_row(r, (enum trial)t, (enum peer)p);
	printf("\n");
}

static void
starts_row(const struct starts *s)
{
	char cells[5][CELL];
	const struct summary *all[5] = { &s->start, &s->unlock, &s->first,
		&s->warm, &s->ratio };
	static const unsigned digits[5] = { 3, 3, 1, 1, 2 };

	if (s->secrets == 0)
		return;
	for (unsigned i = 0; i < 5; i++)
		(void)snprintf(cells[i], CELL, "%.*f (%.*f .. %.*f)",
		    (int)digits[i], all[i]->middle, (int)digits[i],
		    all[i]->low, (int)digits[i], all[i]->high);
	printf("| %8zu | %6u | %-24s | %-24s | %-24s | %-24s | %-20s |\n",
	    s->secrets, s->times, cells[0], cells[1], cells[2], cells[3],
	    cells[4]);
}

void
report_starts(const struct servers *v)
{
	printf("| secrets  | starts | %-24s | %-24s | %-24s | %-24s | %-20s |\n",
	    "start to first answer, s", "unlock, s",
	    "first fetches' p99, us", "p99 of those after, us", "ratio");
	printf("|---------:|-------:|--------------------------|"
	       "--------------------------|--------------------------|"
	       "--------------------------|----------------------|\n");
	starts_row(&v->starts);
	starts_row(&v->starts_many);
	starts_row(&v->starts_large);
	printf("\n");
}

static void
memory_row(const char *name, const struct memory *m)
{
	if (m->own > 0)
		printf("| %-46s | %9zu | %9zu | %9zu |\n", name, m->own,
		    m->locked, m->resident);
}

void
report_memory(const struct memories *m, const struct results *r)
{
	printf("| %-46s | own, KiB  | locked    | resident  |\n", "");
	printf("|------------------------------------------------|"
	       "----------:|----------:|----------:|\n");
	for (unsigned p = 0; p < PEERS; p++)
		if (p != PEER_ECHO2 && p != PEER_WRITER && p != PEER_WRITERS)
			memory_row(plan_peers[p], &m->fresh[p]);
	memory_row("cofre, idle with 64 connections", &m->idle);
	memory_row("cofre, after 1e5 fetches", &m->after);
	memory_row("cofre, after the run", &m->end);
	printf("\n%u rounds.  \"Own\" is anonymous, and what is locked "
	       "besides.\n\n", r->rounds);
}
