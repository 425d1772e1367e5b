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

#endif
