#include "sshagent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "agent"

static const char *
socket_of(const char *socket)
{
	const char *env = secure_getenv("COFRE_SOCKET");

	if (socket != NULL)
		return socket;
	return env != NULL && *env != '\0' ? env : COFRE_DEFAULT_SOCKET;
}

enum cofre_status
sshagent_path(const char *given, const char *socket, char to[SSHAGENT_PATH],
    struct problem *p)
{
	const char *beside = socket_of(socket);
	const char *slash = strrchr(beside, '/');
	int dir = slash == NULL ? 0 : (int)(slash - beside) + 1;
	int len = given != NULL ? snprintf(to, SSHAGENT_PATH, "%s", given) :
	    snprintf(to, SSHAGENT_PATH, "%.*s" NAME, dir, beside);

	if (len <= 0 || len >= (int)SSHAGENT_PATH)
		return problem_set(p, COFRE_ARGUMENT,
		    "the path of the agent's socket must have 1 to %u bytes: "
		    "say --agent PATH", SSHAGENT_PATH - 1);
	return COFRE_OK;
}
