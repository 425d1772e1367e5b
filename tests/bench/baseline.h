/*
 * baseline: what cofred is compared with: a server that only waits, reads
 * and writes (the echo), and one that does what can't be done without (the
 * floor).
 *
 * Both take requests of BASELINE_REQUEST bytes and answer each with as many
 * bytes as cofred's answer to a fetch has.
 */
#ifndef BENCH_BASELINE_H
#define BENCH_BASELINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BASELINE_REQUEST 64u
#define BASELINE_MARK "ECHO" /* how every answer begins */

struct baseline {
	const char *dir;    /* for the floor's store, and the list of ids */
	const char *socket; /* where to listen; whoever asks may connect */
	size_t reply_len;   /* at least FLOOR_VALUE + 4 */
	size_t secrets;	    /* of the floor; 0: an echo */
};

/* Start one in a process of its own.  It listens when this returns.  -1
   with a message. */
pid_t baseline_start(const struct baseline *b);

#endif
