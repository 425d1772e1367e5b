/*
 * sentry_impl: the area that the daemon and its sentry share.  Its words are
 * all that either tells the other.
 */
#ifndef COFRE_SENTRY_IMPL_H
#define COFRE_SENTRY_IMPL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sentry.h"

/* Of a turn's word: the daemon has the sockets, or the sentry has; above
   these the turn's number.  The daemon writes it, and the sentry sets and
   takes away its own bit, which it can only set when the other is not. */
#define SENTRY_CLAIMED 1u
#define SENTRY_SEIZED 2u
#define SENTRY_STEP 4u /* from one number to the next */

/* What a descriptor is. */
enum sentry_kind { SENTRY_NONE, SENTRY_COFRE, SENTRY_AGENT };

#define SENTRY_KEPT UINT32_MAX /* heard: in a turn, and it waits */

struct sentry_slot {
	_Atomic uint32_t kind;
	_Atomic uint32_t heard; /* the number of a turn, 0, or KEPT */
	_Atomic bool part;	/* of a reply has left */
	_Atomic bool refused;	/* by the sentry */
};

enum sentry_state { SENTRY_STARTS, SENTRY_READY, SENTRY_FAILED };

struct sentry_page {
	_Atomic uint32_t turn;	 /* 0: the daemon waits for events */
	_Atomic bool asleep;	 /* the sentry waits to be woken */
	_Atomic bool over;	 /* the sentry is to end */
	_Atomic uint32_t state;	 /* enum sentry_state */
	_Atomic uint32_t high;	 /* no connection has this number or more */
	_Atomic int32_t listen[2]; /* cofre's, the agents'; -1: none */
	_Atomic uint32_t acted;	 /* the last turn in which it had to */
	_Atomic uint64_t refused; /* connections so far */
	char why[192];		 /* it could not start */
	struct sentry_slot slots[];
};

/* Wait until the word is another than that, is woken, or the time is over;
   NULL: for ever. */
void sentry_wait(_Atomic uint32_t *word, uint32_t value,
    const struct timespec *time);

/* Wake who waits for the word. */
void sentry_wake(_Atomic uint32_t *word);

/* Wake the sentry from whatever it waits for. */
void sentry_call(const struct sentry *s);

/*
 * The sentry: watch the daemon by the descriptors of s, and refuse in its place
 * while it stands still in a turn.  Returns when the daemon has ended, or says
 * so.
 */
void sentry_watch(const struct sentry *s);

#endif
