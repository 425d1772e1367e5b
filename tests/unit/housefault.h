/*
 * housefault: what the daemon in the test's own process (housecall.h) calls
 * fails once, by the linker (--wrap).
 */
#ifndef TESTS_HOUSEFAULT_H
#define TESTS_HOUSEFAULT_H

#include "housecall.h"

enum fault {
	FAULT_NONE,
	FAULT_MEMORY, /* there is none */
	FAULT_WRITE,  /* the store takes nothing more */
	FAULT_READ,   /* the store gives nothing */
	FAULT_GONE,   /* a row is not there */
	FAULT_CUT,    /* a row opens, and is a byte too short */
	FAULT_LOG,    /* the log has no room for a record */
	FAULT_TURN,   /* the turn is full: what comes next waits */
	FAULT_EPOLL,  /* epoll takes nothing more */
	FAULT_ROW,    /* housefault_row() */
};

/*
 * From now on let so many of those calls go, and have the one behind them
 * fail: of the daemon's turns, and not of what the test does between them.
 */
void housefault_set(enum fault what, unsigned after);

/*
 * From now on let so many rows of the table be opened, and have the one behind
 * them say what is made of it, as if that had been sealed.
 */
typedef struct view housefault_change(struct view plain);
void housefault_row(enum table table, unsigned after,
    housefault_change *change);

/* A function that makes that of a row of rows.def: what is done to it. */
#define HOUSEFAULT_ROW(type, name, change)                                   \
	static struct view name(struct view plain)                           \
	{                                                                    \
		struct type##_row row;                                       \
		struct wire_writer w;                                        \
                                                                             \
		ck_assert(type##_row_decode(plain, &row));                   \
		change;                                                      \
		housefault_row_begin(&w);                                    \
		type##_row_put(&w, &row);                                    \
		ck_assert(!w.bad);                                           \
		return (struct view){ w.data, w.len };                       \
	}
void housefault_row_begin(struct wire_writer *w);

/* A list whose last item lacks a byte; one with less items than there are
   bytes for. */
struct list housefault_cut(struct list l);
struct list housefault_fewer(struct list l);

/* No more; true when there was a call that failed. */
bool housefault_end(void);

#endif
