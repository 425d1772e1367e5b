/*
 * house_log: the activity log of the house: kept as it is at one time, and
 * made so again.
 */
#ifndef TESTS_HOUSE_LOG_H
#define TESTS_HOUSE_LOG_H

#include "audit.h"

struct house_log {
	int state; /* the state directory */
	char name[LOG_NAME_LEN]; /* of the segment that is kept */
	uint8_t *kept;
	size_t size;
};

/* A log in the directory, which has none yet. */
void house_log_make(struct house_log *l, int state);

/* Keep the log as it is, which has one segment; it is closed. */
void house_log_keep(struct house_log *l);

/* Open it as it was kept, or an empty one, with segments of that size. */
struct audit *house_log_open(struct house_log *l, bool kept, size_t segment);

/* Remove its files. */
void house_log_remove(struct house_log *l);

#endif
