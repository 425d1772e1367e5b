/*
 * line: one connection that waits for newer versions of secrets of one
 * workspace, for cofre_watch_fd() and 'cofre watch'.
 */
#ifndef COFRE_LINE_H
#define COFRE_LINE_H

#include "cofre.h"
#include "proto.h"

struct line {
	cofre *c; /* its own; closed with the line */
	char workspace[COFRE_WORKSPACE_NAME_MAX + 1];
	struct line_item {
		char name[COFRE_SECRET_NAME_MAX + 1];
		uint32_t version; /* that is known; 0: none */
		uint32_t followed;
	} items[WATCH_MAX];
	size_t count;
};

/* Add a secret; false when the line has as many as it can have. */
bool line_add(struct line *l, const char *name, uint32_t version,
    uint32_t followed);

/*
 * Ask for the first of its secrets that has another version than is known;
 * with wait the answer comes when there is one.  Errors: those of every call.
 */
enum cofre_status line_ask(struct line *l, bool wait);

/* True when an answer has begun to come, which never takes long then; and the
   descriptor to poll until it does. */
bool line_ready(struct line *l);
int line_fd(const struct line *l);

/*
 * Take the answer, and wait for it if it is not there.  *which
 * is the item whose version, which is set, is another one now; l->count when
 * there is none.  Errors: DENIED, RUN_ENDED, LOCKED, NOT_FOUND, and those of
 * every call.
 */
enum cofre_status line_take(struct line *l, size_t *which);

/* Close the connection, if there is one. */
void line_close(struct line *l);

#endif
