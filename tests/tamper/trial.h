/*
 * trial: what becomes of a state directory, by the daemon's own code: its
 * check of the stores, `cofre activity verify`, its start with a keyfile, a
 * look at everything, and a write.
 */
#ifndef TESTS_TAMPER_TRIAL_H
#define TESTS_TAMPER_TRIAL_H

#include "crypto.h"
#include "image.h"

enum phase {
	PHASE_CHECK,
	PHASE_VERIFY,
	PHASE_START,
	PHASE_UNLOCK,
	PHASE_READ,
	PHASE_WRITE,
	PHASE_DONE,
};

#define SUM_LEN 32u
#define RECORDS_MAX 2048u

/* In memory that parent and child share. */
struct trial {
	enum phase phase; /* that it came to; DONE: it opened */
	bool unverified;  /* activity verify says that the log is bad */
	bool told;	  /* a row or record is told to be bad, or missing */
	bool unequal;	  /* what was there is another after a write */
	int signal;	  /* that it was ended by; 0: none */
	uint8_t vault[SUM_LEN]; /* over all that the vault's rows say */
	uint8_t runs[SUM_LEN];	/* what it says of runs */
	uint8_t ssh[SUM_LEN];	/* over all that the other store's rows say */
	uint8_t log[SUM_LEN];	/* over all records */
	uint64_t rows, records; /* that these sums are of */
	/* The sum over so many records, of a trial that is kept. */
	uint8_t prefixes[RECORDS_MAX][SUM_LEN];
};

/* Memory for one. */
struct trial *trial_new(void);

/* Try what is in the current directory, in a child that may die of it; the
   directory is changed by that.  kept fills in prefixes as well. */
void trial_run(struct trial *t, const uint8_t key[KEY_LEN], bool kept);

#endif
