/*
 * cmd_ca: what the verbs of 'cofre ca' share, and those that have a file of
 * their own.
 */
#ifndef COFRE_CMD_CA_H
#define COFRE_CMD_CA_H

#include "cmd_target.h"

/* Write a certificate as a line, with the comment, to the file, or to standard
   output for NULL.  The exit code. */
int cmd_ca_print(struct cmd *cmd, const char *output, const char *comment,
    struct view certificate);

/* The verb. */
int cmd_ca_user(struct cmd *cmd, int argc, char **argv);

#endif
