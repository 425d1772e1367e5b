/*
 * api: what the public calls of libcofre share: the checks of what every
 * call is given, before anything is sent.
 */
#ifndef COFRE_API_H
#define COFRE_API_H

#include "cofre.h"

/* "ml-prod/store", for the texts of cofre_error(). */
struct api_object {
	char text[COFRE_WORKSPACE_NAME_MAX + 1 + COFRE_SECRET_NAME_MAX + 1];
};

/*
 * Check the names that a call is given, and make the object's text of them;
 * name is NULL in a call that has none.  Errors: ARGUMENT, with the text of
 * cofre_error() set.
 */
enum cofre_status api_check_names(cofre *c, const char *verb,
    const char *workspace, const char *name, struct api_object *ret);

/* Say that the argument what of a call is NULL; always COFRE_ARGUMENT. */
enum cofre_status api_missing(cofre *c, const char *verb, const char *what);

#endif
