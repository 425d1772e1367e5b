#include "api.h"

#include <stdio.h>

#include "call.h"
#include "names.h"

enum cofre_status
api_check_names(cofre *c, const char *verb, const char *workspace,
    const char *name, struct api_object *ret)
{
	if (workspace == NULL || !name_is_workspace(view_of(workspace)))
		return call_fail(c, COFRE_ARGUMENT,
		    "%s: the workspace's name is not valid: use lower-case "
		    "letters, digits, '-' and '_', at most %u", verb,
		    COFRE_WORKSPACE_NAME_MAX);
	if (name != NULL && !name_is_secret(view_of(name)))
		return call_fail(c, COFRE_ARGUMENT,
		    "%s: the secret's name is not valid: use letters, "
		    "digits, '.', '_' and '-', at most %u", verb,
		    COFRE_SECRET_NAME_MAX);
	(void)snprintf(ret->text, sizeof(ret->text), "%s%s%s", workspace,
	    name == NULL ? "" : "/", name == NULL ? "" : name);
	return COFRE_OK;
}

enum cofre_status
api_missing(cofre *c, const char *verb, const char *what)
{
	return call_fail(c, COFRE_ARGUMENT, "%s: %s is NULL", verb, what);
}
