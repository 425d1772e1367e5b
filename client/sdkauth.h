/*
 * sdkauth: the JSON object that "az ad sp create-for-rbac --sdk-auth"
 * prints, as the fields of a service principal.
 */
#ifndef COFRE_SDKAUTH_H
#define COFRE_SDKAUTH_H

#include "problem.h"
#include "wire.h"

/*
 * Read text and add its fields to the secret: tenant_id, client_id,
 * client_secret (the one that is secret), authority_url, subscription_id,
 * and the other addresses under names of that kind.  Strict: a key that is
 * not known is refused, for it might be a secret, and none may be there
 * twice.  The problem names the key and never a value.  While jansson reads
 * the text, every piece of memory that it takes is wiped when it is freed.
 *
 * Errors: FORMAT, TOO_LARGE, NO_MEMORY.
 */
enum cofre_status sdkauth_parse(struct view text, cofre_secret *secret,
    struct problem *p);

#endif
