/*
 * attend: run a command, and be there for what it started until it ends.
 */
#ifndef COFRE_ATTEND_H
#define COFRE_ATTEND_H

#include "cmd.h"
#include "relay.h"

struct attend {
	char **argv;	     /* ends with NULL */
	struct relay *relay; /* that is served meanwhile, and notes what is
				signed for the command itself; one of zeros,
				with listener -1, serves nobody */
	const char *agent;   /* SSH_AUTH_SOCK; NULL: as it is */
	int in;		     /* standard input; -1: this process's */
	bool quiet;	     /* its output goes to standard error, as said.h
				passes it on */
	bool tied;	     /* when this process is killed, it is too */
	unsigned seconds;    /* it is ended then; 0: it may take its time */

	bool late; /* Set: it was ended so */
};

/*
 * Run the command.  This process is the reaper of everything that it leaves
 * behind, so that all of it keeps descending from here.  A signal that a
 * person sends from the terminal is the command's; what is sent to this
 * process alone is passed on to it.
 *
 * Returns the exit code of the command, as the shell has it: 128 and the
 * number of the signal that has ended it.  What goes wrong here was printed.
 */
int attend_run(struct cmd *cmd, struct attend *a);

#endif
