/*
 * summary: what an open vault has in memory, as bytes: so that two can be
 * compared, of which one was read from the stores.
 */
#ifndef TESTS_SUMMARY_H
#define TESTS_SUMMARY_H

#include "vault.h"

#define SUMMARY_MAX (1u << 20)

struct summary {
	uint8_t bytes[SUMMARY_MAX];
	size_t len;
};

/*
 * Workspaces with their grants and bindings, roles, the entries of secrets
 * with the names of words.def, runs but for what they have read and whether
 * they are over (the log knows that too), targets and CAs.
 */
void summary_make(struct summary *s, const struct vault *v);

/* True when both say the same. */
bool summary_equal(const struct summary *a, const struct summary *b);

#endif
