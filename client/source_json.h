/*
 * source_json: what a source is asked, and what it answers.
 *
 * Both are one JSON object.  The request:
 *
 *	{"version": 1, "operation": "pull" | "probe" | "regenerate",
 *	 "workspace": W, "name": N, "kind": "storage" | ..., "arguments": {...},
 *	 "slot": 0 | 1 | 2, "fields": {...}}
 *
 * The answer to pull and regenerate, all but fields optional:
 *
 *	{"fields": {"AccountKey": "..."}, "slot": 1, "serial": 7,
 *	 "expires": 1790000000, "probe": true, "rotate": true}
 *
 * to probe {"ok": true} or {"ok": false, "reason": "..."}, and to each of
 * them {"error": "..."}.  Strict: what is not known, is there twice, or goes
 * on after the object is refused.
 *
 * Values are in memory that is wiped; jansson's too, while it is at work
 * here.  That is set for the whole process, so one thread may call at a time.
 * No message holds a value, nor any other text of the answer.
 */
#ifndef COFRE_SOURCE_JSON_H
#define COFRE_SOURCE_JSON_H

#include "output.h"
#include "source_rules.h"

/* The most that a source may answer, and that it may say of an error. */
#define SOURCE_ANSWER_MAX (256u * 1024)
#define SOURCE_TEXT_MAX 4096u

enum source_operation {
	SOURCE_PULL = 1,
	SOURCE_PROBE,
	SOURCE_REGENERATE,
};

struct source_request {
	enum source_operation operation;
	struct view workspace;
	struct view name; /* of the credential */
	struct view kind; /* "storage" and so on */
	const struct source_pair *arguments;
	size_t argument_count;
	uint8_t slot; /* pull: the active one; regenerate: the one to be made
			 anew; 0: not known */
	const struct source_pair *fields; /* probe: what is to be tried */
	size_t field_count;
};

/* Bytes that are wiped when they are freed. */
struct source_bytes {
	uint8_t *data;
	size_t len;
};

struct source_answer {
	struct source_pair fields[COFRE_FIELDS_MAX];
	size_t field_count; /* of pull and regenerate: at least 1 */
	uint8_t slot;	    /* 0: it did not say */
	bool has_serial;
	uint64_t serial;
	uint64_t expires; /* seconds since 1970; 0: it did not say */
	bool probe;	  /* it offers these operations */
	bool rotate;
	bool ok;	    /* of probe */
	struct view reason; /* of probe that is not ok; may be empty */
	struct view error;  /* {"error": ...}; nothing else is set then */
	bool failed;	    /* error is set */
	struct source_bytes bytes; /* what all of it points into */
};

/* "pull" and so on. */
const char *source_operation_name(enum source_operation operation);

/*
 * Make a request, to be freed with source_bytes_free().  Errors: INVALID
 * (a value is no UTF-8: the problem names the field or argument, not the
 * value), NO_MEMORY.
 */
enum cofre_status source_request_make(const struct source_request *q,
    struct source_bytes *ret, struct problem *p);

/*
 * Take an answer apart, to be freed with source_answer_free().  Errors:
 * FORMAT, TOO_LARGE (a value, all of them, or their number is over the
 * vault's limits), NO_MEMORY.  {"error": ...} is no error of this function.
 */
enum cofre_status source_answer_parse(enum source_operation operation,
    struct view text, struct source_answer *ret, struct problem *p);

/* Room for so many bytes; false when there is no memory. */
bool source_bytes_new(struct source_bytes *ret, size_t len);

/*
 * For the functions above: what jansson allocates from now on is wiped when
 * it is freed, until what was set before is set again.  Values that were made
 * in between must be gone by then.
 */
struct source_allocator {
	json_malloc_t take;
	json_free_t give;
};
void source_allocator_set(struct source_allocator *before);
void source_allocator_reset(const struct source_allocator *before);

/* Wipe and free; one of zeros is allowed. */
void source_bytes_free(struct source_bytes *b);
void source_answer_free(struct source_answer *a);

#endif
