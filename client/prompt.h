/*
 * prompt: asking a person at the terminal.
 *
 * While a secret is typed the terminal does not show it.  A signal that
 * would end or stop the program first gets the terminal back as it was; a
 * program that was stopped asks again when it goes on.
 */
#ifndef COFRE_PROMPT_H
#define COFRE_PROMPT_H

#include "input.h"

/*
 * A terminal takes lines of up to 4095 bytes, and drops what is beyond
 * without a word: such a line is refused.
 */
#define PROMPT_MAX 4094u

/*
 * Ask on /dev/tty for a line that is not shown; it comes without its
 * newline.  Errors: ARGUMENT (there is no terminal, or nothing was typed),
 * TOO_LARGE.
 */
enum cofre_status prompt_secret(struct input *in, const char *text,
    struct problem *p);

/* The same on a terminal that is open. */
enum cofre_status prompt_secret_fd(struct input *in, int tty,
    const char *text, struct problem *p);

/*
 * Ask for the secret, and once more until both are the same; three times at
 * most.  One of fewer than min bytes is not asked for again: it comes as it
 * is, and the caller refuses it.  Errors: as above.
 */
enum cofre_status prompt_twice(struct input *in, size_t min,
    const char *text, const char *again, struct problem *p);

/* The same on a terminal that is open. */
enum cofre_status prompt_twice_fd(struct input *in, size_t min, int tty,
    const char *text, const char *again, struct problem *p);

/*
 * Ask on /dev/tty for a line that is shown, and say whether it is exactly
 * want.  False also when there is no terminal.
 */
bool prompt_is(const char *text, const char *want);

#endif
