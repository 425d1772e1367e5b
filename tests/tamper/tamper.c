/*
 * tamper WORK KEYFILE OPS SEED JOB/JOBS NOW OLD...: tamper with a vault's
 * state directory, in every way of plan.h, and see what the daemon makes of
 * it.
 *
 * NOW is the state directory of a vault that the keyfile opens, OLD are
 * earlier states of it, WORK is where they are written to.  OPS is about how
 * many attempts are made, spread evenly over each way; 0: all.  Of them it
 * makes each JOBS-th, from JOB on.  Each is one of
 *
 * detected  refused at start or at unlock, told when it is read, or found by
 *           `cofre activity verify`
 * harmless  it opens, and all of it is as it was, before a write and after
 * older     the vault's store and its log are those of one earlier time: it
 *           opens as it was then (doc/THREAT-MODEL.md, A5)
 * shorter   the end of the log is gone, and only records behind what the
 *           store knows of (the same, A4)
 * wrong     something is other than it was, and nobody says so
 * crashed   the daemon was ended by a signal, or hangs
 *
 * With AGAIN=FILE in the environment only the attempts are made that lines of
 * that file name, as an earlier run has printed them for what was wrong.
 *
 * The last line has all of that in numbers; the exit code is 1 when something
 * was wrong or crashed.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keyfile.h"
#include "plan.h"
#include "trial.h"

/* What was read stays until the end. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

#define AGAIN_MAX 4096
#define MADE ", attempt " /* before its number, in what is printed of one */

enum outcome { DETECTED, HARMLESS, OLDER, SHORTER, WRONG, CRASHED, OUTCOMES };

static const char *const outcome_names[] = { "detected", "harmless", "older",
	"shorter", "wrong", "crashed" };

/* Where what was detected was. */
enum place { BY_CHECK, BY_DEATH, AT_START, AT_UNLOCK, READING, VERIFY,
	PLACES };

static const char *const place_names[] = {
	"by the check of the stores", "by a check that it ended",
	"at the daemon's start", "at unlock", "when it was read",
	"by activity verify alone",
};

/* An attempt of an earlier run. */
struct again {
	char way[64];
	uint64_t attempt;
};

struct tamper {
	struct states states;
	uint8_t key[KEY_LEN];
	struct trial *trial;
	struct trial now, old[OLD_MAX]; /* of what was not tampered with */
	uint64_t ops;
	unsigned job, jobs;
	struct again *again; /* NULL: all of them */
	size_t again_count;
	uint64_t outcomes[OUTCOMES], places[PLACES];
	unsigned shown;
};

static bool
same_sum(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, SUM_LEN) == 0;
}

/* Vault and log are those of one earlier time; SSH keys of any. */
static bool
is_older(const struct tamper *m, const struct trial *t)
{
	for (size_t i = 0; i < m->states.old_count; i++)
		if (same_sum(t->vault, m->old[i].vault) &&
		    same_sum(t->runs, m->old[i].runs) &&
		    same_sum(t->log, m->old[i].log) &&
		    (same_sum(t->ssh, m->old[i].ssh) ||
			same_sum(t->ssh, m->now.ssh)))
			return true;
	return false;
}

/* The log ends earlier than it did, and is the same up to there. */
static bool
is_shorter(const struct tamper *m, const struct trial *t)
{
	return t->records < m->now.records && t->records < RECORDS_MAX &&
	    t->records > 0 &&
	    same_sum(t->log, m->now.prefixes[t->records - 1]);
}

static enum outcome
detect(struct tamper *m, enum place place)
{
	m->places[place]++;
	return DETECTED;
}

static enum outcome
judge(struct tamper *m, const struct way *w, const struct trial *t)
{
	if (t->signal != 0)
		return t->phase == PHASE_CHECK ? detect(m, BY_DEATH) : CRASHED;
	if (t->phase == PHASE_CHECK)
		return detect(m, BY_CHECK);
	if (t->phase == PHASE_START)
		return detect(m, AT_START);
	if (t->phase == PHASE_UNLOCK)
		return detect(m, AT_UNLOCK);
	if (t->phase != PHASE_DONE || t->unequal)
		return WRONG;
	if (w->may_be_older && is_older(m, t))
		return OLDER;
	/* Whatever else was noticed: secrets, grants, roles and targets that
	   are opened are as they were. */
	if (!same_sum(t->ssh, m->now.ssh) ||
	    (!same_sum(t->vault, m->now.vault) && !t->told && !t->noted))
		return WRONG;
	if (t->told || t->noted)
		return detect(m, READING);
	if (t->unverified)
		return detect(m, VERIFY);
	if (same_sum(t->log, m->now.log) && same_sum(t->runs, m->now.runs))
		return HARMLESS;
	return w->may_be_shorter && is_shorter(m, t) ? SHORTER : WRONG;
}

static void
show(struct tamper *m, const struct way *w, uint64_t n, enum outcome o)
{
	const struct trial *t = m->trial;

	if (m->shown++ >= 40)
		return;
	(void)printf("%s: %s" MADE "%" PRIu64 ": phase %d, signal %d%s%s%s"
	    "%s%s%s%s, %" PRIu64 " rows, %" PRIu64 " records\n",
	    outcome_names[o], w->name, n, t->phase, t->signal,
	    t->told ? ", told" : "", t->unverified ? ", unverified" : "",
	    t->unequal ? ", other after a write" : "",
	    same_sum(t->vault, m->now.vault) ? "" : ", vault",
	    same_sum(t->ssh, m->now.ssh) ? "" : ", ssh",
	    same_sum(t->log, m->now.log) ? "" : ", log",
	    same_sum(t->runs, m->now.runs) ? "" : ", runs", t->rows,
	    t->records);
}

/* Make the attempt, when it changes something; false if it does not. */
static bool
attempt(struct tamper *m, const struct way *w, uint64_t at,
    uint64_t of[OUTCOMES])
{
	enum outcome o;

	if (!w->make(&m->states, at))
		return false;
	trial_run(m->trial, m->key, false);
	o = judge(m, w, m->trial);
	of[o]++;
	m->outcomes[o]++;
	if (o == WRONG || o == CRASHED)
		show(m, w, at, o);
	return true;
}

/* All attempts of one way, or as many as its share of them is. */
static void
try_way(struct tamper *m, const struct way *w, uint64_t share)
{
	uint64_t count = w->count(&m->states), tried = 0;
	uint64_t of[OUTCOMES] = { 0 }, step;

	step = share == 0 || share >= count ? 1 : count / share;
	for (uint64_t n = (step == 1 ? 0 : m->states.seed % step) +
		 m->job * step; m->again == NULL && n < count;
	     n += step * m->jobs)
		/* The next one that changes something, for those left out. */
		for (uint64_t at = n; at < n + step && at < count; at++)
			if (attempt(m, w, at, of)) {
				tried++;
				break;
			}
	for (size_t i = m->job; i < m->again_count; i += m->jobs)
		if (strcmp(m->again[i].way, w->name) == 0)
			tried += attempt(m, w, m->again[i].attempt, of);
	(void)printf("%-26s %9" PRIu64, w->name, tried);
	for (unsigned i = 0; i < OUTCOMES; i++)
		(void)printf(" %9" PRIu64, of[i]);
	(void)printf("\n");
	(void)fflush(stdout);
}

/* What is not tampered with must open. */
static void
learn(struct tamper *m, const struct image *im, struct trial *to)
{
	image_write(im);
	trial_run(m->trial, m->key, true);
	*to = *m->trial;
	if (to->phase != PHASE_DONE || to->signal != 0 || to->told ||
	    to->noted || to->unverified || to->unverified_then || to->unequal) {
		(void)fprintf(stderr, "tamper: a state that was not changed "
		    "does not open: phase %d, signal %d\n", to->phase,
		    to->signal);
		exit(99);
	}
}

static void
load(struct tamper *m, int count, char **dirs)
{
	char path[512];

	for (int i = 0; i < count; i++) {
		struct image *im = i == 0 ? &m->states.now :
					    &m->states.old[i - 1];

		image_load(im, dirs[i]);
		for (unsigned store = 0; store < 2; store++) {
			(void)snprintf(path, sizeof(path), "%s/%s", dirs[i],
			    store == 0 ? "data.mdb" : "ssh.lmdb");
			rawrows_load(i == 0 ? &m->states.rows[store] :
				&m->states.old_rows[i - 1][store], path);
		}
	}
	m->states.old_count = (size_t)count - 1;
}

/* As show() prints it. */
static bool
read_again(struct again *one, char *line)
{
	char *way = strstr(line, ": "), *at = strstr(line, MADE);

	if (way == NULL || at == NULL || at < way + 2)
		return false;
	*at = '\0';
	(void)snprintf(one->way, sizeof(one->way), "%s", way + 2);
	one->attempt = strtoull(at + strlen(MADE), NULL, 10);
	return true;
}

/* The attempts that an earlier run has told of. */
static void
load_again(struct tamper *m, const char *path)
{
	FILE *f = fopen(path, "r");
	struct again one;
	char line[512];

	if (f == NULL)
		die(path);
	m->again = must_alloc(AGAIN_MAX * sizeof(one));
	while (m->again_count < AGAIN_MAX &&
	    fgets(line, sizeof(line), f) != NULL)
		if (read_again(&one, line))
			m->again[m->again_count++] = one;
	(void)fclose(f);
}

/* Ways with fewer attempts than their share leave it to the others. */
static uint64_t
share_of(const struct tamper *m)
{
	const struct way *w;
	size_t ways = 0;

	while ((w = plan_way(ways)) != NULL)
		ways++;
	return m->ops == 0 ? 0 : m->ops / ways + 1;
}

static void
report(const struct tamper *m, double seconds)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < OUTCOMES; i++)
		all += m->outcomes[i];
	for (unsigned i = 0; i < PLACES; i++)
		(void)printf("detected %s: %" PRIu64 "\n", place_names[i],
		    m->places[i]);
	(void)printf("tried %" PRIu64, all);
	for (unsigned i = 0; i < OUTCOMES; i++)
		(void)printf(", %s %" PRIu64, outcome_names[i],
		    m->outcomes[i]);
	(void)printf("; %.0f s, %.2f ms each\n", seconds,
	    seconds * 1000 / (double)(all == 0 ? 1 : all));
}

static double
clock_seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct tamper *m = must_alloc(sizeof(*m));
	double begin = clock_seconds();
	const struct way *w;
	char error[256];
	uint64_t share;

	if (argc < 7 || argc > 7 + (int)OLD_MAX || !crypto_init() ||
	    sscanf(argv[5], "%u/%u", &m->job, &m->jobs) != 2 ||
	    m->job >= m->jobs) {
		(void)fprintf(stderr, "usage: tamper WORK KEYFILE OPS SEED "
		    "JOB/JOBS NOW [OLD...]\n");
		return 99;
	}
	if (!keyfile_read(argv[2], m->key, error, sizeof(error)))
		die(error);
	/* A child that takes memory anew is quicker than one that copies. */
	(void)mallopt(M_MMAP_THRESHOLD, 32 * 1024);
	m->ops = strtoull(argv[3], NULL, 10);
	m->states.seed = strtoull(argv[4], NULL, 10);
	if (getenv("AGAIN") != NULL && getenv("AGAIN")[0] != '\0')
		load_again(m, getenv("AGAIN"));
	load(m, argc - 6, argv + 6);
	if (chdir(argv[1]) == -1)
		die(argv[1]);
	m->trial = trial_new();
	learn(m, &m->states.now, &m->now);
	for (size_t i = 0; i < m->states.old_count; i++)
		learn(m, &m->states.old[i], &m->old[i]);
	(void)printf("%-26s %9s", "", "tried");
	for (unsigned i = 0; i < OUTCOMES; i++)
		(void)printf(" %9s", outcome_names[i]);
	(void)printf("\n");
	share = share_of(m);
	for (size_t i = 0; (w = plan_way(i)) != NULL; i++)
		try_way(m, w, share);
	report(m, clock_seconds() - begin);
	return m->outcomes[WRONG] + m->outcomes[CRASHED] > 0;
}
