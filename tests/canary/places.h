/*
 * places: where a process may have a secret: its memory, region by region, its
 * registers, command line and environment, and files; and what was found in
 * each.
 */
#ifndef TESTS_PLACES_H
#define TESTS_PLACES_H

#include <sys/types.h>

#include "needles.h"

enum place {
	PLACE_STACK, /* dead frames as well */
	PLACE_HEAP,  /* what was freed as well */
	PLACE_DATA,  /* of the program and its libraries */
	PLACE_MAPPED, /* other memory */
	PLACE_ARENA, /* locked, and left out of cores */
	PLACE_REGISTERS,
	PLACE_ARGUMENTS,
	PLACE_ENVIRONMENT,
	PLACE_STATE, /* files in the state directory, and their names */
	PLACE_SAID,  /* what it has written to a file as standard error */
	PLACES
};

/* When a process is looked at. */
enum moment {
	MOMENT_IDLE,  /* a daemon that waits for events */
	MOMENT_END,   /* a daemon that ends */
	MOMENT_COMMAND, /* another program of cofre's that ends */
	MOMENT_OTHER, /* any that begins: arguments and environment alone */
	MOMENTS
};

struct tally {
	struct {
		uint64_t bytes, looks, hits;
	} of[MOMENTS][PLACES];
	uint64_t hidden;   /* bytes of memory that can't be read at all */
	uint64_t unlocked; /* arenas of which something is in swap */
	FILE *report;
};

/* Look at all memory and registers of a process that stands still. */
void places_memory(struct tally *t, const struct needles *n, pid_t pid,
    enum moment moment, const char *program);

/* At its command line and environment. */
void places_arguments(struct tally *t, const struct needles *n, pid_t pid,
    enum moment moment, const char *program);

/* At the files that a daemon has, by its command line. */
void places_files(struct tally *t, const struct needles *n, pid_t pid,
    const char *program);

/* Write what there is to the report: a line for each moment and place. */
void places_print(const struct tally *t);

#endif
