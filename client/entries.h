/*
 * entries: the secrets of a workspace, and the workspaces: all pages of the
 * daemon's lists, by name.
 */
#ifndef COFRE_ENTRIES_H
#define COFRE_ENTRIES_H

#include "cmd.h"

struct entry {
	char name[COFRE_SECRET_NAME_MAX + 1];
	char follows[COFRE_SECRET_NAME_MAX + 1];
	char source[SOURCE_NAME_MAX + 1];
	struct secret_item item; /* its texts are not used: they are gone */
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

/*
 * Those live secrets that follow the credential of that name; as
 * entries_read() otherwise.
 */
enum cofre_status entries_followers(struct cmd *cmd, struct view workspace,
    const char *name, struct entries *all);

/* "a, b and 98 others": as many names as fit; returns to. */
#define ENTRIES_NAMES 320u
const char *entries_names(const struct entries *all, char to[ENTRIES_NAMES]);

/* Free; entries of zeros are allowed. */
void entries_free(struct entries *all);

/*
 * Take the next name of a list: it is copied to last, which holds the one
 * before ("" at first) and has room for every name of its kind.  False: it does
 * not come behind that one, so that the list could go on for ever.
 */
bool entries_next(char *last, struct view name);

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
