/*
 * source_slot: one running source, as the pool sees it: its supervisor, what
 * it has answered so far, and why it was stopped.
 */
#ifndef COFRE_SOURCE_SLOT_H
#define COFRE_SOURCE_SLOT_H

#include "source_child.h"
#include "source_run.h"

/* The bytes that a slot needs: one more than may be answered shows that it
   is more. */
#define SOURCE_SLOT_BYTES (SOURCE_ANSWER_MAX + 1 + SOURCE_TEXT_MAX)

struct source_slot {
	struct source_job *job; /* NULL: nothing runs */
	uint8_t *answer;	/* SOURCE_SLOT_BYTES, the errors last */
	uint8_t *said;
	size_t answer_len;
	size_t said_len;
	bool said_more; /* than is kept */
	pid_t supervisor;
	int control, out, err; /* -1: closed */
	int64_t end; /* when the supervisor should be gone, in ms */
	bool woken;  /* because it was not */
	struct source_report report; /* event 0: it has said nothing */
	bool lost; /* the supervisor did not end by itself */
	enum cofre_status status; /* why it was stopped; OK: it was not */
	struct problem problem;
};

/* Milliseconds of a clock that does not jump. */
int64_t source_now(void);

/* Make it one where nothing runs, with these bytes. */
void source_slot_init(struct source_slot *s, uint8_t *bytes);

/*
 * Start the job's source.  Errors: DENIED, INVALID, NO_MEMORY, INTERNAL; the
 * slot is free then.
 */
enum cofre_status source_slot_start(struct source_slot *s,
    const struct source_dir *dir, const struct source_user *user,
    unsigned deadline_ms, struct source_job *job, struct problem *p);

/* Have it killed; only the first reason counts. */
void source_slot_stop(struct source_slot *s, enum cofre_status status,
    const char *reason);

/* Read what is there. */
void source_slot_read_answer(struct source_slot *s);
void source_slot_read_said(struct source_slot *s);

/* Read what the supervisor says.  True when it has ended. */
bool source_slot_hear(struct source_slot *s);

/* At the end: wake the supervisor, should it have been stopped; later, and
   nothing else helps, kill it. */
void source_slot_hurry(struct source_slot *s);

/* After it has ended: wait for it, read what is left, close everything. */
void source_slot_end(struct source_slot *s);

/* Wipe what was read; nothing runs any more. */
void source_slot_wipe(struct source_slot *s);

#endif
