/*
 * cmd_target: what the verbs of 'cofre target' share, and the verbs.
 */
#ifndef COFRE_CMD_TARGET_H
#define COFRE_CMD_TARGET_H

#include "targetinfo.h"

/* Read a command line with one WORKSPACE/NAME, and ask the daemon for that
   target.  CMD_GO, or an exit code. */
int cmd_target_asked(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv, struct targetinfo *t);

/* The verbs. */
int cmd_target_authorize(struct cmd *cmd, int argc, char **argv);
int cmd_target_authorized_keys(struct cmd *cmd, int argc, char **argv);
int cmd_target_create(struct cmd *cmd, int argc, char **argv);
int cmd_target_known_hosts(struct cmd *cmd, int argc, char **argv);
int cmd_target_pin(struct cmd *cmd, int argc, char **argv);
int cmd_target_public_key(struct cmd *cmd, int argc, char **argv);
int cmd_target_rotate(struct cmd *cmd, int argc, char **argv);
int cmd_target_set(struct cmd *cmd, int argc, char **argv);
int cmd_target_settle(struct cmd *cmd, int argc, char **argv);

#endif
