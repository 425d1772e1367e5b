/*
 * client: the other end of a connection of the house: what was sent on it,
 * and what came back, and whether the one is an answer to the other.
 */
#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

#include "house.h"

#define CLIENTS 8u

/* Who connects.  Without root's rights all are who runs this. */
enum client_kind {
	CLIENT_OPERATOR,
	CLIENT_USER,	 /* uid 2001 */
	CLIENT_OTHER,	 /* uid 2002, with a group */
	CLIENT_STRANGER, /* uid 2003 */
	CLIENT_UNSEEN,	 /* no pid that could be looked at */
	CLIENT_WEAK,	 /* no pidfd */
	CLIENT_REAL,	 /* by the listening socket */
	CLIENT_KINDS
};

struct bytes {
	uint8_t *data;
	size_t len, size;
};

/* Put more behind them; the memory is the caller's to free. */
void bytes_append(struct bytes *b, struct view v);

struct client {
	struct house *house;
	int fd; /* -1: none */
	enum client_kind kind;
	bool agent;   /* it is an ssh client */
	bool deaf;    /* it does not read now */
	bool foreign; /* another process sends for it */
	bool half;    /* it has said that it sends no more */
	bool over;    /* the daemon has closed it */
	bool excused; /* that it was closed with requests unanswered is not
			 wrong */
	size_t piece;  /* it sends so many bytes at once; 0: all */
	uint32_t ids;  /* the last request's */
	struct bytes sent, got;
};

/* Connect; nothing comes of it when the daemon takes no more. */
void client_open(struct client *c, struct house *h, enum client_kind kind,
    bool agent);

/* Send, with a turn behind each piece. */
void client_send(struct client *c, struct view v);

/* Send no more; read what there is; go away. */
void client_half(struct client *c);
void client_read(struct client *c);
void client_close(struct client *c);

/* A request, and its answer. */
struct exchange {
	struct frame request;
	struct frame reply; /* its body begins with the status */
	uint32_t status;
	bool answered;
};

/*
 * The next exchange of a connection that is not an agent's; *sent and *got
 * are where it stands in both.  False when there is no whole request.
 */
bool client_next(const struct client *c, size_t *sent, size_t *got,
    struct exchange *x);

/*
 * Every answer is one to a request, in their order, and within its size.  At
 * the end (whole) each request has one, or the last one says why not.
 */
void client_check(const struct client *c, bool whole);

#endif
