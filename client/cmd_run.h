/*
 * cmd_run: what the verbs of 'cofre run' share, and the verbs.
 */
#ifndef COFRE_CMD_RUN_H
#define COFRE_CMD_RUN_H

#include "cmd.h"
#include "runspec.h"

/* What start and exec are told of a run alike; NULL where nothing is said. */
struct run_about {
	const char *workspace;
	const char *lifetime;
	const char *label;
	const char *snapshot;
	bool no_secrets;
	uint8_t digest[SHA256_LEN]; /* the snapshot's, after run_about() */
};

/*
 * Check what was said, and put it into o, which points into a afterwards.
 * The workspace is the object of messages from then on.  CMD_GO, or an exit
 * code.
 */
int run_about(struct cmd *cmd, struct run_about *a,
    struct cofre_run_options *o);

/*
 * Say that either secrets are named, or that there are none: to leave them
 * out may be a slip.  who: "the command gets"; both: they are named, and said
 * to be none.  Returns the exit code.
 */
int run_no_secrets(const struct cmd *cmd, const char *who, bool both);

/* Say why cofre_run_start() has failed, for a run with or without secrets.
   Returns the exit code. */
int run_not_started(const struct cmd *cmd, enum cofre_status s, bool secrets);

/* Called for each run of a list.  What m points to is valid until it
   returns. */
typedef void run_visit(void *context, const struct run_item *m);

/* Walk the workspace's runs in the order of their ids, page by page. */
enum cofre_status run_each(struct cmd *cmd, struct view workspace,
    run_visit *visit, void *context);

/* A run that is named on the command line. */
struct run_name {
	struct view workspace;
	char id[COFRE_RUN_ID_SIZE];
	char object[COFRE_WORKSPACE_NAME_MAX + 1 + COFRE_RUN_ID_SIZE];
};

/*
 * Read WORKSPACE and ID, the arguments of the command, connect, and find the
 * one run whose id begins so.  "ml-prod/ID" is the object of messages from
 * then on.  CMD_GO, or an exit code.
 */
int run_named(struct cmd *cmd, struct run_name *r);

/* "active" and "over"; "process", "cgroup" and "token"; "?" else. */
const char *run_state_name(uint8_t state);
const char *run_target_name(uint8_t target);

/* The verbs. */
int run_exec(struct cmd *cmd, int argc, char **argv);
int run_list(struct cmd *cmd, int argc, char **argv);
int run_show(struct cmd *cmd, int argc, char **argv);
int run_start(struct cmd *cmd, int argc, char **argv);

#endif
