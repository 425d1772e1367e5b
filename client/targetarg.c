#include "targetarg.h"

#include <string.h>

#include "arguments.h"
#include "sshnames.h"
#include "ssh_text.h"

/* What is often written with it, and goes elsewhere; or NULL. */
static const char *
host_hint(const char *text)
{
	const char *colon = strchr(text, ':');

	if (strchr(text, '@') != NULL)
		return "an account is said by the target's --user";
	if (strchr(text, '[') != NULL)
		return "an address stands without brackets, and a port is "
		       "said by the target's --port";
	if (colon != NULL && strchr(colon + 1, ':') == NULL)
		return "a port is said by the target's --port";
	return NULL;
}

enum cofre_status
targetarg_host(const char *text, const char *option, struct problem *p)
{
	const char *hint = host_hint(text);

	if (hint == NULL && ssh_text_is_host(view_of(text)))
		return COFRE_OK;
	if (hint == NULL)
		hint = "a name or address is of letters, digits and . _ - : , "
		       "does not begin with -, and has at most 255 bytes";
	return problem_set(p, COFRE_ARGUMENT, "%s '%.100s' is no host: %s",
	    option, text, hint);
}

enum cofre_status
targetarg_user(const char *text, struct problem *p)
{
	if (sshname_is_login(view_of(text)))
		return COFRE_OK;
	return problem_set(p, COFRE_ARGUMENT,
	    "--user '%.100s' is no name of an account: it begins with a letter "
	    "or _, and goes on with letters, digits and . _ - , at most %u "
	    "bytes", text, LOGIN_MAX);
}

enum cofre_status
targetarg_port(const char *text, uint32_t *ret, struct problem *p)
{
	if (arg_u32(text, UINT16_MAX, ret) && *ret > 0)
		return COFRE_OK;
	return problem_set(p, COFRE_ARGUMENT,
	    "--port '%.40s' is no port: it is a number from 1 to %u", text,
	    (unsigned)UINT16_MAX);
}

static bool
is_there(const char *text, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(texts[i], text) == 0)
			return true;
	return false;
}

enum cofre_status
targetarg_namespaces(const char *const *texts, size_t count,
    struct problem *p)
{
	if (count > TARGET_NAMESPACES_MAX)
		return problem_set(p, COFRE_ARGUMENT,
		    "--namespace: at most %u of them", TARGET_NAMESPACES_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!sshname_is_namespace(view_of(texts[i])))
			return problem_set(p, COFRE_ARGUMENT,
			    "--namespace '%.100s' is none: it begins with a "
			    "letter or digit, and goes on with these and @ . _ "
			    "- , at most %u bytes", texts[i], NAMESPACE_MAX);
		if (is_there(texts[i], texts, i))
			return problem_set(p, COFRE_ARGUMENT,
			    "--namespace %s is said twice", texts[i]);
	}
	return COFRE_OK;
}
