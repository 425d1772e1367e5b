/*
 * powercut WORK KEYFILE OPS SEED JOB/JOBS TRACE PLAN buffered|strict: what a
 * power cut may leave of what a daemon has written, and what the daemon makes
 * of it.
 *
 * TRACE is what it has written (trace.h), PLAN what it was asked for.  OPS
 * images are made in WORK, by the ways of cuts.h; of them it makes each
 * JOBS-th, from JOB on.  The exit code is 1 when one was wrong, crashed the
 * daemon, or was refused by a way that may not.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cuts.h"
#include "judge.h"
#include "keyfile.h"

#define SHOWN_MAX 40u

/* What was read stays until the end. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static const char *const outcome_names[] = { "acknowledged", "farther",
	"older", "refused", "unborn", "wrong", "crashed" };

struct run {
	struct disk disk;
	struct judge judge;
	uint8_t key[KEY_LEN];
	uint64_t images, seed;
	unsigned job, jobs, shown;
	bool good;
};

static void
show(struct run *r, const struct cut_way *w, uint64_t n,
    const struct choice *c, enum outcome o, const char *why)
{
	char said[400];

	if (r->shown++ >= SHOWN_MAX)
		return;
	trial_said(r->judge.trial, said, sizeof(said));
	(void)printf("%s: %s, image %" PRIu64 " at %" PRIu64 " of %" PRIu64
		     ": %s; %s\n",
	    outcome_names[o], w->name, n, c->cut, r->disk.ticks, why, said);
}

static void
try_way(struct run *r, const struct cut_way *w, size_t number, uint64_t count)
{
	uint64_t of[OUTCOMES] = { 0 }, tried = 0;

	for (uint64_t n = r->job; n < count; n += r->jobs) {
		struct choice c = { .flushes = NEVER,
			.grain = SECTOR,
			.mapped = SECTOR,
			.seed =
			    cuts_any(r->seed ^ cuts_any(n ^ number << 32)) };
		enum outcome o;
		const char *why;

		w->choose(&r->disk, &c, n, count);
		o = judge_image(&r->judge, &c, w->lies, (unsigned)n, &why);
		of[o]++;
		tried++;
		if (o <= FARTHER || o == UNBORN || (o == OLDER && w->lies) ||
		    (o == REFUSED && w->may_refuse))
			continue;
		r->good = false;
		show(r, w, n, &c, o, why);
	}
	(void)printf("%-26s %9" PRIu64, w->name, tried);
	for (unsigned i = 0; i < OUTCOMES; i++)
		(void)printf(" %12" PRIu64, of[i]);
	(void)printf("\n");
	(void)fflush(stdout);
}

static void
try_all(struct run *r)
{
	const struct cut_way *w;
	unsigned shares = 0;

	for (size_t i = 0; (w = cuts_way(i)) != NULL; i++)
		shares += w->weight;
	(void)printf("%-26s %9s", "", "tried");
	for (unsigned i = 0; i < OUTCOMES; i++)
		(void)printf(" %12s", outcome_names[i]);
	(void)printf("\n");
	for (size_t i = 0; (w = cuts_way(i)) != NULL; i++)
		try_way(r, w, i, r->images * w->weight / shares + 1);
}

int
main(int argc, char **argv)
{
	struct run *r = must_alloc(sizeof(*r));
	char error[256];

	if (argc != 9 || !crypto_init() ||
	    sscanf(argv[5], "%u/%u", &r->job, &r->jobs) != 2 ||
	    r->job >= r->jobs) {
		(void)fprintf(stderr, "usage: powercut WORK KEYFILE OPS SEED "
				      "JOB/JOBS TRACE PLAN buffered|strict\n");
		return 99;
	}
	if (!keyfile_read(argv[2], r->key, error, sizeof(error)))
		die(error);
	/* A child that takes memory anew is quicker than one that copies. */
	(void)mallopt(M_MMAP_THRESHOLD, 32 * 1024);
	r->images = strtoull(argv[3], NULL, 10);
	r->seed = strtoull(argv[4], NULL, 10);
	r->good = true;
	disk_load(&r->disk, argv[6]);
	r->judge.key = r->key;
	r->judge.trial = trial_new();
	r->judge.strict = strcmp(argv[8], "strict") == 0;
	judge_load(&r->judge, argv[7], &r->disk);
	if (chdir(argv[1]) == -1)
		die(argv[1]);
	(void)printf("# %zu writes and changes, %zu commits, %zu replies\n",
	    r->disk.op_count, r->disk.commit_count, r->disk.answer_count);
	try_all(r);
	return r->good ? 0 : 1;
}
