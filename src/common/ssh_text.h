/*
 * ssh_text: what may stand in the texts that OpenSSH reads: comments, names,
 * patterns.  Whatever could end a line, a word, a list or a pair of quotes
 * in one of its files is refused, so that a name never becomes an option.
 */
#ifndef COFRE_SSH_TEXT_H
#define COFRE_SSH_TEXT_H

#include "wire.h"

/* What a name of a user or host, a list of addresses or patterns, and a
   command may have at most. */
#define SSH_NAME_MAX 255u
#define SSH_LIST_MAX 1024u
#define SSH_COMMAND_MAX 1024u

/* At most max bytes, all of them printable ASCII or spaces; may be empty. */
bool ssh_text_is_ascii(struct view v, size_t max);

/* At most max bytes without control characters; may be empty. */
bool ssh_text_is_line(struct view v, size_t max);

/*
 * A user or host in a certificate: 1 to SSH_NAME_MAX printable ASCII
 * characters, but no space, comma, quote or backslash.
 */
bool ssh_text_is_principal(struct view v);

/* One or more principals with commas between them, SSH_LIST_MAX bytes. */
bool ssh_text_is_principals(struct view v);

/* The name or address of a host, as it can be asked for: letters, digits,
   and ._:- alone, not beginning with '-'; 1 to SSH_NAME_MAX bytes. */
bool ssh_text_is_host(struct view v);

/*
 * IP addresses and networks in CIDR form with commas between them, 1 to
 * SSH_LIST_MAX bytes.  A network has no bit set behind its prefix: OpenSSH
 * refuses the whole list otherwise.
 */
bool ssh_text_is_addresses(struct view v);

/*
 * What authorized_keys(5) takes for from=: as above, and names and addresses
 * with the wildcards * and ?, each of them with a '!' before it or not.
 */
bool ssh_text_is_from(struct view v);

#endif
