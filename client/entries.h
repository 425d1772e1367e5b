/*
 * entries: the secrets of a workspace, and the workspaces: all pages of the
 * daemon's lists, by name.
 */
#ifndef COFRE_ENTRIES_H
#define COFRE_ENTRIES_H

#include "cmd.h"

struct entry {
	char name[COFRE_SECRET_NAME_MAX + 1];
	struct secret_item item; /* its name is not used: it is gone */
};

struct entries {
	struct entry *at;
	size_t count;
};

/*
 * Read all that the daemon lists, the deleted ones or the others, in the
 * order of their names.  *all begins as zeros, and is to be freed in any
 * case.  Nothing is printed; cmd_fail() tells what went wrong.
 */
enum cofre_status entries_read(struct cmd *cmd, struct view workspace,
    bool deleted, struct entries *all);

/* Free; entries of zeros are allowed. */
void entries_free(struct entries *all);

/* The names of the workspaces that the daemon lists. */
struct workspaces {
	char (*at)[COFRE_WORKSPACE_NAME_MAX + 1];
	size_t count;
};

/*
 * Read all of them, in their order.  at is to be freed in any case.  Nothing
 * is printed; cmd_fail() tells what went wrong.
 */
enum cofre_status workspaces_read(struct cmd *cmd, struct workspaces *all);

#endif
