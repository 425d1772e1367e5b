/*
 * secret_rows: the rows of one secret: its head, and a body for each version.
 */
#ifndef COFRE_SECRET_ROWS_H
#define COFRE_SECRET_ROWS_H

#include "ops.h"

/*
 * A copy of the catalogue's entry for the request's name; q->record is set
 * for the log.  NOT_FOUND when there is none, or it is purged.
 */
enum cofre_status secret_find(struct request *q, struct catalog_entry *e);

/* The same, but a purged entry is an answer, and so is none (false). */
bool secret_entry(struct request *q, struct catalog_entry *e);

/* Read its head; the views in it are valid until the next vault_read(). */
enum cofre_status secret_head(struct request *q,
    const struct catalog_entry *e, struct head_row *head);

/* Write the head, made in the vault's build buffer, and set the entry. */
enum cofre_status secret_save_head(struct request *q, uint64_t record,
    const struct head_row *head);

/* Write the body of a version. */
enum cofre_status secret_save_body(struct request *q, uint64_t record,
    uint32_t version, uint8_t kind, const struct body_row *body);

/* Delete the body of a version; it may be gone already. */
enum cofre_status secret_drop_body(struct request *q, uint64_t record,
    uint32_t version);

/*
 * Put a list into the reply of what visit puts there of each head of the
 * workspace behind the record after, as many as one reply takes; and then
 * the record to go on behind, 0 at the end.
 */
typedef enum cofre_status secret_visit(struct request *q,
    const struct row_id *id, struct view sealed, struct wire_list *l);
enum cofre_status secret_put_heads(struct request *q, uint64_t after,
    secret_visit *visit);

/* The row of a version, among those that the head has; false: it is not
   one of them. */
bool secret_find_version(struct list versions, uint32_t version,
    struct version_row *ret);

/* True when the version is given out no more: its time is over, or the last
   run that held it. */
bool secret_version_ended(const struct server *sv, uint64_t record,
    const struct version_row *row);

/*
 * Put the list of the versions that stay: the old ones and the fresh one.  Of
 * VERSIONS_MAX old ones the oldest goes, body and all.  end (NULL: none): the
 * one of that number gets its until and held.  w carries what does not fit.
 * CORRUPT: the old list can't be decoded; else what vault_delete() returns.
 */
enum cofre_status secret_put_versions(struct request *q,
    struct wire_writer *w, uint64_t record, struct list old,
    const struct version_row *end, const struct version_row *fresh);

/* A keyed digest of a secret's fields, for the log: equal for equal fields of
   the same secret, and else nothing can be learnt of it without the key. */
void secret_digest(const struct request *q, uint64_t record,
    struct list fields, uint8_t digest[DIGEST_LEN]);

/* Likewise of its source and the arguments, so that an answer is taken from
   the source that was asked.  It is never that of fields, the bytes of which
   do not begin with seven that are 0. */
void secret_source_digest(const struct request *q, uint64_t record,
    const struct head_row *head, uint8_t digest[DIGEST_LEN]);

#endif
