/*
 * event: a record of the activity log as a line of text or JSON, and the
 * filters that choose records.
 */
#ifndef COFRE_EVENT_H
#define COFRE_EVENT_H

#include <stdio.h>

#include "proto.h"

/* What an event's type says. */
enum event_type {
	EVENT_SYSTEM = 1,     /* the daemon started, stopped, locked itself */
	EVENT_CONNECTION = 2, /* who has connected */
	EVENT_REQUEST = 3,    /* an operation and what came of it */
	EVENT_NOTE = 4,	      /* a refused peer, bytes that are no request */
};

/* Which events are wanted; each part counts only when it is set. */
struct event_filter {
	bool by_uid;
	uint32_t uid;
	uint16_t op; /* 0: any */
	bool by_status;
	uint32_t status;
	const char *run; /* what it did, or was done with it: 8 to 32 digits
			    of its id, or NULL */
	uint64_t since; /* microseconds since 1970; 0: always */
};

/* Is the event one of those? */
bool event_is_wanted(const struct event_item *e,
    const struct event_filter *f);

/* Print one line, with its newline.  False when there was no memory. */
bool event_print(const struct event_item *e, bool json, FILE *f);

#endif
