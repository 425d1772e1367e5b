/*
 * authline: the line of authorized_keys for a key of a target.
 */
#ifndef COFRE_AUTHLINE_H
#define COFRE_AUTHLINE_H

#include <stdbool.h>

#include "ssh_key.h"
#include "sshnames.h"

/*
 * Write options as sshname_options() reads them.  False when the list is none,
 * or there is no room.
 */
bool authline_print(char *text, size_t size,
    const struct sshname_options *o);

/* "cofre:WORKSPACE/NAME#VERSION", the comment of a key. */
#define AUTHLINE_COMMENT 256u
void authline_comment(char text[AUTHLINE_COMMENT], const char *workspace,
    const char *name, uint32_t version);

/* The same without the version: what all comments of a target begin with. */
void authline_prefix(char text[AUTHLINE_COMMENT], const char *workspace,
    const char *name);

/*
 * The whole line of a key, with its NUL; options as sshname_options()
 * reads them.  False when they are none.
 */
bool authline_make(char text[SSH_LINE_SIZE], struct view options,
    const uint8_t key[SSH_KEY_LEN], const char *comment);

/* The same without options, as a .pub file has it. */
bool authline_public(char text[SSH_LINE_SIZE],
    const uint8_t key[SSH_KEY_LEN], const char *comment);

#endif
