/*
 * cmd: what the verbs of the cofre command share, and the verbs.
 *
 * A verb is a function in cmd_<noun>.c that gets its part of the command
 * line (argv[0] is the verb) and returns the exit code of the program.  It
 * reads the command line with cmd_parse(), which answers --help, connects
 * with cmd_open(), and tells what went wrong with cmd_error() or cmd_fail(),
 * which both return the exit code that belongs to the status.
 */
#ifndef COFRE_CMD_H
#define COFRE_CMD_H

#include <sys/resource.h>
#include <sys/types.h>

#include "cofre.h"
#include "arguments.h"
#include "call.h"
#include "listing.h"
#include "options.h"
#include "problem.h"

struct cmd {
	const char *socket; /* of --socket, or NULL */
	cofre *c;	    /* the connection, or NULL */
	unsigned timeout;   /* of calls, in ms; 0: what libcofre takes */
	char verb[64];	    /* "slot add", for messages */
	const char *object; /* "ml-prod/store", for messages, or NULL */
	char **args;	    /* after cmd_parse(): what is no option */
	size_t count;
	/* What main() changed for this program, and another one gets back. */
	mode_t umask;
	struct rlimit core;
};

struct verb {
	const char *name;
	int (*run)(struct cmd *cmd, int argc, char **argv);
	const char *help; /* one line; empty: it is not listed */
};

/*
 * Run the verb of the table that argv[1] names, with the rest of the command
 * line.  Without one, or with --help, print the table.
 */
int cmd_run(struct cmd *cmd, const struct verb *table, size_t count,
    int argc, char **argv);

/*
 * Read the command line.  CMD_GO: go on, cmd->args are the arguments.
 * Everything else is an exit code: the help or an error was printed.
 */
#define CMD_GO (-1)
int cmd_parse(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv);

/*
 * The same for a verb whose first argument is WORKSPACE, or WORKSPACE/NAME:
 * that is the object of messages from then on.
 */
int cmd_parse_workspace(struct cmd *cmd, const struct option_usage *u,
    int argc, char **argv, struct view *workspace);
int cmd_parse_object(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv, struct arg_object *o);

/* And connect to the daemon then. */
int cmd_start_workspace(struct cmd *cmd, const struct option_usage *u,
    int argc, char **argv, struct view *workspace);
int cmd_start_object(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv, struct arg_object *o);

/*
 * Connect to the daemon, if that is not done yet.  COFRE_OK, or a status
 * whose text is printed already.
 */
enum cofre_status cmd_open(struct cmd *cmd);

/* The same, but nothing is printed: cofre_error() has the text. */
enum cofre_status cmd_connect(struct cmd *cmd);

/*
 * Send the request that call_begin() began, and take the reply; verb and
 * object are in the error's text.  Nothing is printed.
 */
enum cofre_status cmd_call(struct cmd *cmd, struct view *body);

/* The same for a reply that holds nothing. */
enum cofre_status cmd_call_empty(struct cmd *cmd);

/*
 * Connect and ask for the state of the vault (enum vault_state).  Prints
 * what goes wrong.
 */
enum cofre_status cmd_state(struct cmd *cmd, uint8_t *state);

/* Close the connection, if there is one. */
void cmd_close(struct cmd *cmd);

/*
 * Print "cofre: VERB OBJECT: text" on standard error, escaped; return the exit
 * code for s.
 */
int cmd_error(const struct cmd *cmd, enum cofre_status s, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* The same for a problem, and for what the connection's last call says. */
int cmd_problem(const struct cmd *cmd, enum cofre_status s,
    const struct problem *p);
int cmd_fail(const struct cmd *cmd, enum cofre_status s);

/* Print the same line where nothing is wrong: what has come of it, and what is
   next. */
void cmd_note(const struct cmd *cmd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print "cofre: warning: text" on standard error, escaped. */
void cmd_warn(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* The exit code for something that was printed, or had no memory to be; when
   standard output did not take it, cmd_end() has another one. */
int cmd_printed(const struct cmd *cmd, bool good);

/*
 * The end of a list that came from the daemon: print and free the listing,
 * unless r says that the list could not be decoded.
 */
int cmd_listed(const struct cmd *cmd, const struct wire_reader *r,
    struct listing *l);

/*
 * Ask whether something is to be deleted: the person is told what comes of
 * it, a sentence without its full stop, and types its name; or yes, of
 * --yes=NAME, is that name.  CMD_GO, or an exit code.
 */
int cmd_confirm(const struct cmd *cmd, const char *name, const char *yes,
    const char *what);

/*
 * The last thing: flush standard output.  Returns code, unless that was 0
 * and something could not be written.
 */
int cmd_end(const struct cmd *cmd, int code);

/* Now, in microseconds since 1970. */
uint64_t cmd_now(void);

/* The verbs: argv[0] is the verb; each returns the program's exit code. */
int cmd_activity(struct cmd *cmd, int argc, char **argv);
int cmd_unused(struct cmd *cmd, int argc, char **argv);
int cmd_activity_verify(struct cmd *cmd, int argc, char **argv);
int cmd_ca(struct cmd *cmd, int argc, char **argv);
int cmd_delete(struct cmd *cmd, int argc, char **argv);
int cmd_doctor(struct cmd *cmd, int argc, char **argv);
int cmd_get(struct cmd *cmd, int argc, char **argv);
int cmd_grant(struct cmd *cmd, int argc, char **argv);
int cmd_grants(struct cmd *cmd, int argc, char **argv);
int cmd_identity(struct cmd *cmd, int argc, char **argv);
int cmd_identity_list(struct cmd *cmd, int argc, char **argv);
int cmd_identity_show(struct cmd *cmd, int argc, char **argv);
int cmd_init(struct cmd *cmd, int argc, char **argv);
int cmd_list(struct cmd *cmd, int argc, char **argv);
int cmd_lock(struct cmd *cmd, int argc, char **argv);
int cmd_purge(struct cmd *cmd, int argc, char **argv);
int cmd_put(struct cmd *cmd, int argc, char **argv);
int cmd_report_stale(struct cmd *cmd, int argc, char **argv);
int cmd_resync(struct cmd *cmd, int argc, char **argv);
int cmd_role(struct cmd *cmd, int argc, char **argv);
int cmd_ssh(struct cmd *cmd, int argc, char **argv);
int cmd_ssh_agent(struct cmd *cmd, int argc, char **argv);
int cmd_source(struct cmd *cmd, int argc, char **argv);
int cmd_role_actions(struct cmd *cmd, int argc, char **argv);
int cmd_runs(struct cmd *cmd, int argc, char **argv);
int cmd_show(struct cmd *cmd, int argc, char **argv);
int cmd_slot(struct cmd *cmd, int argc, char **argv);
int cmd_status(struct cmd *cmd, int argc, char **argv);
int cmd_target(struct cmd *cmd, int argc, char **argv);
int cmd_undelete(struct cmd *cmd, int argc, char **argv);
int cmd_ungrant(struct cmd *cmd, int argc, char **argv);
int cmd_unlock(struct cmd *cmd, int argc, char **argv);
int cmd_versions(struct cmd *cmd, int argc, char **argv);
int cmd_watch(struct cmd *cmd, int argc, char **argv);
int cmd_who(struct cmd *cmd, int argc, char **argv);
int cmd_why(struct cmd *cmd, int argc, char **argv);
int cmd_workspace(struct cmd *cmd, int argc, char **argv);

#endif
