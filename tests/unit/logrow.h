/*
 * logrow: a small activity log in memory, for the tests of logfmt.
 */
#ifndef COFRE_LOGROW_H
#define COFRE_LOGROW_H

#include "logfmt.h"

#define LOGROW_CELLS(n) ((size_t)(n) * LOG_CELL)

/* Keys of the bytes 00 .. 1f (tag) and 20 .. 3f (name), and a log id of the
   bytes a0 .. af.  They never change. */
extern const struct log_keys logrow_keys;
extern const uint8_t logrow_id[16];

struct logrow {
	uint8_t cells[64 * LOG_CELL];
	uint8_t text[LOG_CELLS_MAX * LOG_CELL];
	uint8_t chain[LOG_CHAIN_LEN];
	uint64_t end; /* cells in use */
};

/* A checked fixture: the crypto library is ready. */
void logrow_setup(void);

/* A request's record with something in every field. */
struct log_record logrow_request(const char *object, const char *detail);

/* Begin a log; put a record at its end and return its cells. */
void logrow_init(struct logrow *w);
unsigned logrow_put(struct logrow *w, struct log_record r,
    const struct log_keys *k);

/* Read from the beginning to what is no good record; *count are good. */
enum log_result logrow_walk(struct logrow *w, const struct log_keys *k,
    unsigned *count);

#endif
