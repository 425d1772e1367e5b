/*
 * trial: what becomes of a state directory, by the daemon's own code: its
 * check of the stores, `cofre activity verify`, its start with a keyfile, a
 * look at everything, a write, a record, and `activity verify` again.
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
#define SECRETS_MAX 64u
#define VALUE_SUM 16u

/* A secret, and the BLAKE2b-128 of its newest value's first field; zeros
   where there is none. */
struct trial_secret {
	uint64_t workspace;
	char name[32];
	uint32_t version;
	uint8_t state;
	uint8_t value[VALUE_SUM];
};

/* A request's record. */
struct trial_record {
	uint32_t request;
	uint16_t op, status;
};

/* In memory that parent and child share. */
struct trial {
	int errors; /* a file with what it has said on its standard error */
	enum phase phase;     /* that it came to; DONE: it opened */
	bool empty;	      /* it starts, and there is no vault yet */
	bool unverified;      /* activity verify says that the log is bad */
	bool unverified_then; /* and at the end still, or then */
	bool told;    /* a row or record is told to be bad, or missing */
	bool noted;   /* so is that the log ends early, or torn */
	bool unequal; /* what was there is another after a write */
	int signal;   /* that it was ended by; 0: none */
	uint8_t vault[SUM_LEN]; /* over all that the vault's rows say */
	uint8_t runs[SUM_LEN];	/* what it says of runs */
	uint8_t ssh[SUM_LEN];	/* over all that the other store's rows say */
	uint8_t log[SUM_LEN];	/* over all records */
	uint64_t rows, records; /* that these sums are of */
	size_t secret_count, request_count; /* of the lists below */
	/* The sum over so many records, of a trial that is kept. */
	uint8_t prefixes[RECORDS_MAX][SUM_LEN];
	struct trial_secret secrets[SECRETS_MAX];  /* the first ones */
	struct trial_record requests[RECORDS_MAX]; /* likewise */
};

/* The last line that it has said. */
void trial_said(const struct trial *t, char *line, size_t size);

/* Memory for one. */
struct trial *trial_new(void);

/* Try what is in the current directory, in a child that may die of it; the
   directory is changed by that.  kept fills in prefixes as well. */
void trial_run(struct trial *t, const uint8_t key[KEY_LEN], bool kept);

#endif
