/*
 * identity: the grants that a workspace's managed identity should have, and
 * principals as text.
 */
#ifndef COFRE_IDENTITY_H
#define COFRE_IDENTITY_H

#include "vault.h"

/* Give a new workspace its first grants: its creator's, and those that its
   managed identity should have. */
void identity_make(struct workspace *ws, uint32_t uid, uint64_t now);

/* True when the grant is one of those that the scope's identity should have
   there. */
bool identity_is_canonical(const struct policy_scope *p,
    const struct grant *g);

/* True when those of them that are missing have a place in the scope: asked
   before anything is changed. */
bool identity_has_room(const struct policy_scope *p);

/* Whom a grant or a question is about, as text: "user:1001", "operator",
   "identity:ml-prod",
   "unit:agent.service".  Returns text. */
#define PRINCIPAL_TEXT (WHO_MAX + 16)
const char *principal_text(uint8_t kind, uint32_t id, struct view who,
    char text[PRINCIPAL_TEXT]);

#endif
