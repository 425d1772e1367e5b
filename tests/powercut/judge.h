/*
 * judge: what a vault must be after a power cut: what was acknowledged, what
 * the trial of an image says, and whether both agree.
 */
#ifndef TESTS_POWERCUT_JUDGE_H
#define TESTS_POWERCUT_JUDGE_H

#include "disk.h"
#include "trial.h"

#define STEPS_MAX 2048u
#define REQUESTS 65536u /* they are numbered below that */

/* One request of the workload, in their order. */
struct step {
	uint32_t request;
	uint16_t op, status;
	bool admin; /* its record is on the disk before its reply */
};

/* What a request makes of a secret. */
struct effect {
	uint32_t request;
	struct trial_secret secret; /* state 0: it is gone */
};

/* What all rows say once a commit is there. */
struct reference {
	bool known;
	uint8_t vault[SUM_LEN], runs[SUM_LEN], ssh[SUM_LEN];
};

struct judge {
	struct disk *disk;
	const uint8_t *key;
	struct trial *trial;
	bool strict; /* every record is on the disk before its reply */
	struct step steps[STEPS_MAX];
	size_t step_count;
	struct effect effects[STEPS_MAX];
	size_t effect_count;
	struct reference *references; /* one for each commit of the disk */
	uint64_t answered[REQUESTS];  /* by request: when; NEVER: not at all */
	struct step *by_request[REQUESTS];
};

enum outcome {
	ACKNOWLEDGED, /* it is what was acknowledged */
	FARTHER,      /* and what was under way besides, whole */
	OLDER,	      /* it is what it was at an earlier time */
	REFUSED,      /* the daemon does not start, or open the vault, or tells
			 that something is wrong */
	UNBORN,	      /* it is refused, and there was no vault yet */
	WRONG,	      /* something is lost, or other than it was */
	CRASHED,
	OUTCOMES,
};

/* Read what the workload was. */
void judge_load(struct judge *j, const char *plan, struct disk *d);

/*
 * Make an image in the current directory, try it, and say what came of it.
 * lies: flushed writes may be lost, so that an older state is no wonder.
 * *why gets some words about what is wrong.
 */
enum outcome judge_image(struct judge *j, const struct choice *c, bool lies,
    unsigned variant, const char **why);

#endif
