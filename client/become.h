/*
 * become: this process becomes another program, as it would have been started
 * by whoever has started this one.
 */
#ifndef COFRE_BECOME_H
#define COFRE_BECOME_H

#include "cmd.h"

/*
 * Give back what main() has changed, set every signal to its default, and
 * execute argv[0] with argv, looked for as execvp(3) does.  Returns only when
 * that fails: it was printed, and the exit code is the one that the shell
 * gives, 126 when it can't be executed, or 127 when there is none.
 */
int become_program(const struct cmd *cmd, char **argv);

#endif
