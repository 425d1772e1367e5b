/*
 * floor: the least that an answer with a sealed secret takes: a row of LMDB,
 * and XChaCha20-Poly1305 to open it.  No policy, no log.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOOR_KEY 21u	 /* a request begins with the key of its row */
#define FLOOR_VALUE 256u /* bytes of each secret */

struct floor;

/* The key of a secret, as long as those in cofre's store. */
void floor_key(uint8_t key[FLOOR_KEY], size_t secret);

/*
 * Make a store of count secrets in the file path, and open it.  To be called
 * in the process that will use it.  NULL with a message.
 */
struct floor *floor_open(const char *path, size_t count);

/* Between these two, answers read from one snapshot. */
void floor_begin(struct floor *f);
void floor_end(struct floor *f);

/* Open the secret that the key names into out, FLOOR_VALUE bytes; false when
   there is none or it can't be opened. */
bool floor_get(struct floor *f, const uint8_t *key, uint8_t *out);

#endif
