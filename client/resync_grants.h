/*
 * resync_grants: the managed identity's access, as a resync finds it.
 */
#ifndef COFRE_RESYNC_GRANTS_H
#define COFRE_RESYNC_GRANTS_H

#include "cmd.h"

/* What it should have, what was missing of that (and was put back, unless it
   is a dry run), and what it has besides: lists of who_item. */
struct resync_grants {
	uint8_t *shown; /* replies that the lists are in */
	uint8_t *reply;
	struct list canonical, restored, extra;
};

/*
 * Read what it should have.  Who may repair it need not be one who may see
 * it: then there is nothing in canonical.
 */
enum cofre_status resync_grants_read(struct cmd *cmd, struct view workspace,
    struct resync_grants *g);

/* What a repair would do. */
enum cofre_status resync_grants_plan(struct cmd *cmd, struct view workspace,
    struct resync_grants *g);

/* A copy of a reply, since the next call takes its place; false without
   memory. */
bool resync_grants_keep(struct view body, uint8_t **copy);

/* Free; one of zeros is allowed. */
void resync_grants_free(struct resync_grants *g);

#endif
