/*
 * quota_impl: what the files of quota share.
 */
#ifndef COFRE_QUOTA_IMPL_H
#define COFRE_QUOTA_IMPL_H

#include "quota.h"

/* Nanoseconds for which it counts that somebody was served, or took long. */
#define QUOTA_LATELY 50000000u

/* What the uid has and has had; NULL: nothing that matters any more. */
struct uid_use *quota_use(const struct server *sv, uint32_t uid);

#endif
