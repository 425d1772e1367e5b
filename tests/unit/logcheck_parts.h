/*
 * logcheck_parts: a log of three segments, and its check.
 */
#ifndef COFRE_TESTS_LOGCHECK_PARTS_H
#define COFRE_TESTS_LOGCHECK_PARTS_H

#include <check.h>

#include "logcheck.h"
#include "logdir.h"

static struct problem problem;

static inline enum cofre_status
check(struct logcheck *l)
{
	*l = (struct logcheck){ .since = NULL };
	return logcheck_run(l, logdir_state(), &problem);
}

/* Three segments: the cells 0 to 30, 31 to 61 and 62 to 79. */
static inline void
make_log(void)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 1000, 80);
	audit_close(a);
}

static inline void
assert_good(uint64_t records)
{
	struct logcheck l;

	ck_assert_msg(check(&l) == COFRE_OK, "%s: cell %llu: %s", l.file,
	    (unsigned long long)l.cell, l.reason);
	ck_assert_uint_eq(l.records, records);
}

#endif
