/*
 * attend: run a command, and be there for what it started until it ends.
 */
#ifndef COFRE_ATTEND_H
#define COFRE_ATTEND_H

#include "cmd.h"
#include "relay.h"

/*
 * Run argv, which ends with NULL, with SSH_AUTH_SOCK as agent says, and serve
 * the relay meanwhile.  This process is the reaper of everything that the
 * command leaves behind, so that all of it keeps descending from here.  A
 * signal that a person sends from the terminal is the command's; what is sent
 * to this process alone is passed on to it.
 *
 * Returns the exit code of the command, as the shell has it: 128 and the
 * number of the signal that has ended it.  What goes wrong here was printed.
 */
int attend_run(struct cmd *cmd, struct relay *r, const char *agent,
    char **argv);

#endif
