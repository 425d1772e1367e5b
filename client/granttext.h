/*
 * granttext: for whom and where a grant is, as people write it.  What came
 * from the daemon is in it as it is: who prints it escapes it (output.h).
 */
#ifndef COFRE_GRANTTEXT_H
#define COFRE_GRANTTEXT_H

#include "proto.h"

/* Room for the longest of them, with its NUL. */
#define GRANTTEXT_MAX (WHO_MAX + COFRE_SECRET_NAME_MAX + 16)

/*
 * "user:2001", "group:7", "unit:agent.service",
 * "identity:ml-prod", "identity:#7" of a workspace that has no name for the
 * reader, "operator"; the arguments are those of grant_item.  Returns to.
 */
char *granttext_principal(uint8_t kind, uint32_t id, struct view who,
    char to[GRANTTEXT_MAX]);

/* "/", "ml-prod", "ml-prod/train-*".  Returns to. */
char *granttext_scope(struct view workspace, struct view prefix,
    char to[GRANTTEXT_MAX]);

/* True when the list of who_item has one of the same role, scope and
   prefix. */
bool granttext_is_in(struct list items, const struct who_item *wanted);

#endif
