/*
 * resync_keys: the credentials of a workspace that have a source: what the
 * vault knows of each, and what a resync makes of it.
 */
#ifndef COFRE_RESYNC_KEYS_H
#define COFRE_RESYNC_KEYS_H

#include "cmd.h"
#include "source_run.h"

/* What became of one. */
enum resync_fate {
	FATE_NONE = 0, /* nothing yet */
	FATE_UNCHANGED,
	FATE_UPDATED,
	FATE_ROTATED, /* the other key upstream is in use now */
	FATE_RETIRED, /* and the one before was made anew there */
	FATE_SKIPPED, /* somebody has changed it meanwhile */
	FATE_FAILED,
};

/* What its source is doing. */
enum resync_step {
	RESYNC_PULL = 1,
	RESYNC_MAKE,   /* the idle key anew, to be used from now on */
	RESYNC_TRY,    /* whether what was answered works */
	RESYNC_RETIRE, /* the key that nobody uses any more anew */
};

struct resync_key {
	struct source_job job; /* first: the pool knows it by this */
	struct resync_item item;
	char source[SOURCE_NAME_MAX + 1];
	char name[COFRE_SECRET_NAME_MAX + 1];
	struct source_pair *arguments;
	enum resync_step step;
	uint8_t active; /* the key in use, of two */

	/* An answer that is tried, or will be. */
	struct source_bytes held;
	struct source_pair fields[COFRE_FIELDS_MAX];
	size_t field_count;
	uint8_t slot, retires;
	uint64_t serial, expires;

	enum resync_fate fate;
	uint32_t version; /* that is current then */
	char note[PROBLEM_MAX + 1]; /* why, or what is still to come */
};

struct resync_keys {
	struct resync_key *at;
	size_t count;
	uint8_t **pages; /* what the items' views point into */
	size_t page_count;
};

/*
 * Read all of a workspace, those first that an agent has reported as refused
 * upstream, then by name.  kind: of that kind alone; 0: all.  *all begins as
 * zeros, and is to be freed in any case.  Nothing is printed; cmd_fail()
 * tells what went wrong.
 */
enum cofre_status resync_keys_read(struct cmd *cmd, struct view workspace,
    uint8_t kind, struct resync_keys *all);

/* Keep a copy of an answer's fields.  False without memory. */
bool resync_key_hold(struct resync_key *k, const struct source_answer *a);

/* Set the note; what does not fit is cut off between two characters. */
void resync_key_note(struct resync_key *k, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "unchanged" and so on. */
const char *resync_fate_text(enum resync_fate fate,
    bool dry_run);

/* Wipe and free; keys of zeros are allowed. */
void resync_keys_free(struct resync_keys *all);

#endif
