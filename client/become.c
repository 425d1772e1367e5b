#include "become.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signals.h"

#define EXIT_NOT_EXECUTED 126
#define EXIT_NOT_FOUND 127

/*
 * Is there a file of that name in a directory of the search path?  One that
 * can't be looked into makes execvp(3) say EACCES, whatever is in it.
 */
static bool
is_in_path(const char *name)
{
	const char *dir = getenv("PATH"), *end;
	char path[PATH_MAX];
	struct stat st;

	for (; dir != NULL; dir = *end == '\0' ? NULL : end + 1) {
		end = strchrnul(dir, ':');
		if (snprintf(path, sizeof(path), "%.*s/%s",
			end == dir ? 1 : (int)(end - dir),
			end == dir ? "." : dir, name) < (int)sizeof(path) &&
		    stat(path, &st) == 0 && S_ISREG(st.st_mode))
			return true;
	}
	return false;
}

int
become_program(const struct cmd *cmd, char **argv)
{
	int error;

	signals_reset();
	(void)umask(cmd->umask);
	(void)setrlimit(RLIMIT_CORE, &cmd->core);
	(void)execvp(argv[0], argv);
	error = errno;
	if (error == EACCES && strchr(argv[0], '/') == NULL &&
	    !is_in_path(argv[0]))
		error = ENOENT;
	(void)cmd_error(cmd, COFRE_INTERNAL, "can't execute %s: %s", argv[0],
	    strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTED;
}
