/*
 * secret_follow: a datastore that follows a storage credential has no key of
 * its own.  Whoever gets it gets the key that the credential has then.
 */
#ifndef COFRE_SECRET_FOLLOW_H
#define COFRE_SECRET_FOLLOW_H

#include "secret_rows.h"

/* The credential that is followed, in the version that it has now. */
struct follow {
	uint64_t record;
	uint32_t version; /* 0: none is followed */
	char name[COFRE_SECRET_NAME_MAX + 1];
};

/*
 * May the caller put this datastore with what it says to follow, if anything?
 * INVALID: it can't follow, or has a key of its own.  DENIED: the caller may
 * not read that credential himself, whether it is there or not.
 * FOLLOWED_GONE: it can't be followed.  Uses the vault's plaintext buffer.
 */
enum cofre_status follow_check(struct request *q,
    const struct secret_put_request *in);

/* Is there a key among the fields, which what follows must not have? */
bool follow_has_key(struct list fields);

/*
 * Find the storage credential of that name in q->workspace; the name is
 * copied.  No name: *f is zeros, which is no error.  FOLLOWED_GONE: there is
 * none, it is deleted or another kind of secret.
 */
enum cofre_status follow_find(struct request *q, struct view name,
    struct follow *f);

/*
 * Read its current version; the views in it are valid until the next
 * vault_read().  FOLLOWED_GONE: it has expired.
 */
enum cofre_status follow_read(struct request *q, const struct follow *f,
    struct body_row *body);

/*
 * Put those fields of the credential behind a list of the datastore's own,
 * or only the field of that name, which the list has not yet.  TOO_LARGE:
 * together they are more than a secret may have.  *f may be zeros.
 */
enum cofre_status follow_put(struct request *q, const struct follow *f,
    struct wire_list *l, struct view only);

#endif
