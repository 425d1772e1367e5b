/*
 * trial_list: single secrets and records of a trial, besides the sums over
 * all of them.
 */
#ifndef TESTS_TAMPER_TRIAL_LIST_H
#define TESTS_TAMPER_TRIAL_LIST_H

#include "logfmt.h"
#include "rows.h"
#include "trial.h"

/* List a secret, as far as its head says it; NULL: there is no place. */
struct trial_secret *trial_secret(
    struct trial *t, const struct row_id *id, const struct head_row *head);

/* Its newest value, from the body's plaintext. */
void trial_value(struct trial_secret *s, struct view plain);

/* List a record, if it is that of one request. */
void trial_request(struct trial *t, const struct log_record *l);

#endif
