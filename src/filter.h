/*
 * filter: the system calls that the daemon, the keeper of its witness, the
 * witness, the process that checks a store, and the sentry may make, as
 * tables: sandbox.def, keeper.def, witness.def, checker.def and sentry.def.
 * doc/SANDBOX.md shows them; a test compares.
 */
#ifndef COFRE_FILTER_H
#define COFRE_FILTER_H

#include <stddef.h>

enum filter {
	FILTER_DAEMON,
	FILTER_KEEPER,
	FILTER_WITNESS,
	FILTER_CHECKER,
	FILTER_SENTRY,
};

/* Where the process that checks a store tells what it has found. */
#define CHECKER_REPORT_FD 3

/* 0 when the kernel can end a process for a call, else an errno. */
int filter_problem(void);

/* From here on every other call ends this process.  0, or an errno. */
int filter_load(enum filter which);

/*
 * The table, for the test of the document: the name of the i-th row, NULL
 * at the end; *rule gets the text of its argument rule or "".  A call with
 * several rules has several rows.
 */
const char *filter_row(enum filter which, size_t i, const char **rule);

#endif
