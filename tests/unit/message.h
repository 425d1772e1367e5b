/*
 * message: what must hold of every message of a .def file, whatever its
 * fields are.  message_table.h makes the table; these functions check it.
 * Each ends the test when something does not hold, and names the message.
 */
#ifndef TESTS_MESSAGE_H
#define TESTS_MESSAGE_H

#include "proto.h"

enum fill_mode {
	FILL_LEAST,  /* zeros, and nothing in strings and lists */
	FILL_RANDOM, /* any number, strings of a few bytes */
	FILL_MOST,   /* the largest number, strings and counts at the limit */
};

#define NO_FIELD UINT32_MAX

/* How a message is filled in or written, field by field. */
struct fill {
	enum fill_mode mode;
	uint64_t state;	 /* of the random numbers */
	unsigned limits; /* strings and lists so far */
	unsigned bools;	 /* booleans so far */
	unsigned over;	 /* which string or list is one over its limit */
	unsigned odd;	 /* which boolean is neither 0 nor 1 */
	uint8_t odd_value;
};

/* The value of the next field; for message_table.h. */
uint64_t fill_int(struct fill *f, uint64_t max);
struct view fill_text(struct fill *f, size_t max);
struct list fill_list(struct fill *f, uint32_t max);
uint8_t fill_bool(struct fill *f, bool v);

struct message {
	const char *name;
	size_t size; /* of its struct */
	void (*fill)(struct fill *f, void *m);
	void (*put)(struct wire_writer *w, const void *m);
	/* Writes what _put would, but looks at no limit. */
	void (*put_loose)(struct wire_writer *w, const void *m,
	    struct fill *f);
	bool (*decode)(struct view body, void *m);
	bool (*equal)(const void *a, const void *b);
};

/* Samples of all three modes come back from their bytes as they were. */
void message_check_round_trip(const struct message *k);

/* A sample that is cut at any byte, or one byte longer, is not decoded. */
void message_check_cut(const struct message *k);

/* A string or list that is one over its limit is neither written nor read;
   returns how many limits there are. */
unsigned message_check_limits(const struct message *k);

/* A boolean of 2 to 255 is not read; returns how many booleans there are. */
unsigned message_check_booleans(const struct message *k);

/* A writer with one byte too little room is bad. */
void message_check_room(const struct message *k);

#endif
