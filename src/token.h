/*
 * token: what a process shows that can't be seen as a run's: "cofre_r_", 32
 * random bytes as base64url (43 characters), and 6 hex digits that say
 * whether it was cut or mistyped: the first three bytes of BLAKE2b-256 of
 * the 32.  The fixed beginning and the check let scanners find one in a
 * place where it should not be.  Pure, but for the random bytes.
 */
#ifndef COFRE_TOKEN_H
#define COFRE_TOKEN_H

#include "crypto.h"

#define TOKEN_LEN 57u

/* Make one; it ends with a NUL. */
void token_make(char text[TOKEN_LEN + 1]);

/*
 * What is kept of it: BLAKE2b-256 of the 32 bytes, with a key.  False when
 * the text is no token.
 */
bool token_hash(struct view text, const uint8_t key[KEY_LEN],
    uint8_t hash[CRYPTO_HASH_LEN]);

#endif
