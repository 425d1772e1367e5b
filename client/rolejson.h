/*
 * rolejson: a role as the JSON object that the model has for it, read to be
 * sent and made from what the daemon shows.
 *
 *	{"Name": "...", "IsCustom": true, "Description": "...",
 *	 "Actions": [], "NotActions": [], "DataActions": [],
 *	 "NotDataActions": [], "AssignableScopes": ["/", "/ml-prod",
 *	 "/ml-prod/train-*"]}
 *
 * Strict: a key that is not known, or is there twice, is refused, since a
 * misspelt NotActions would give what it was meant to take away.  What a
 * role can't do without is a name and a scope.
 */
#ifndef COFRE_ROLEJSON_H
#define COFRE_ROLEJSON_H

#include "output.h"
#include "problem.h"
#include "proto.h"

/* The longest text that is read; every role that can be is shorter. */
#define ROLEJSON_MAX (64u * 1024)

struct rolejson {
	struct role_put_request q; /* its views point into the bytes */
	uint8_t *bytes;
};

/*
 * Read a role.  q.if_version is set to "any".  Free it with rolejson_free().
 * Errors: FORMAT, TOO_LARGE, NO_MEMORY; the problem names key and value.
 */
enum cofre_status rolejson_parse(struct view text, struct rolejson *ret,
    struct problem *p);

/* Free; one of zeros is allowed. */
void rolejson_free(struct rolejson *r);

/*
 * The object for a role that the daemon shows; of a built-in one, which has
 * no patterns, the actions are named one by one.  Errors: BAD_REPLY,
 * NO_MEMORY.
 */
enum cofre_status rolejson_make(const struct role_show_reply *m,
    json_t **ret);

#endif
