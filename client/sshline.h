/*
 * sshline: the command line of an ssh(1) that logs in to a target, and which
 * host key it has met.
 *
 * The files that it reads are in a directory of this process's own.  Where
 * host keys are pinned it takes one of those, whatever the user's files of
 * known hosts say; else it does as the user's configuration says, and is
 * asked which key that was.
 */
#ifndef COFRE_SSHLINE_H
#define COFRE_SSHLINE_H

#include "privatedir.h"
#include "targetinfo.h"

#define SSHLINE_WORDS 96u
#define SSHLINE_TEXT 4096u

struct sshline {
	const struct privatedir *dir;
	char *words[SSHLINE_WORDS + 1]; /* ends with NULL */
	size_t count;
	bool full; /* there was no room */
	char text[SSHLINE_TEXT]; /* of words that were made here */
	size_t used;
};

/*
 * Begin: ssh, and what is to be known of the host.  pins: the host keys of
 * which it must have one; none: the user's configuration decides.  False,
 * with errno, when the files can't be made.
 */
bool sshline_begin(struct sshline *l, const struct privatedir *dir,
    const struct targetinfo *t, const struct view *pins, size_t pin_count);

/* Add words, which must live as long as l, and options made of a text. */
void sshline_add(struct sshline *l, const char *word);
void sshline_option(struct sshline *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Offer a certificate of one of the keys of sshline_keys(), before them.
 * False, with errno.
 */
bool sshline_certificate(struct sshline *l, struct view certificate);

/*
 * Offer the agent's keys of the target, from the newest on, and nothing else;
 * only is the one version that is meant, or 0.  That one goes before whatever
 * the user's words and files bring, and nobody is asked for anything.  False,
 * with errno.
 */
bool sshline_keys(struct sshline *l, const struct targetinfo *t, uint32_t only);

/*
 * End: wait for a host that is silent for two minutes at most, if the words
 * before say nothing of it, log in as user, at the target's port, and run the command, or a shell
 * when count is 0.  The words of a command are put together with blanks
 * between them, as ssh does.  False when there was no room for all of it.
 */
bool sshline_end(struct sshline *l, const struct targetinfo *t, const char *user,
    char *const *command, size_t count);

/*
 * The key of the host that was met, after ssh has ended; *blob lies in bytes.
 * False when none was.
 */
bool sshline_met(const struct privatedir *dir, uint8_t bytes[SSH_BLOB_MAX],
    struct view *blob);

#endif
