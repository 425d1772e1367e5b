/*
 * run_parts: a vault with a workspace, for the tests of runs.
 */
#ifndef COFRE_TESTS_RUN_PARTS_H
#define COFRE_TESTS_RUN_PARTS_H

#include "vaultdir.h"

static struct vault v;
static struct workspace *ws;

static inline void
setup(void)
{
	statedir_setup();
	vaultdir_open(&v, 64 * MIB);
	vaultdir_init(&v);
	ws = vaultdir_workspace(&v, "w");
}

static inline void
teardown(void)
{
	vaultdir_close(&v);
	statedir_teardown();
}

#endif
