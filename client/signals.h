/*
 * signals: what a program that is executed from here begins with.
 */
#ifndef COFRE_SIGNALS_H
#define COFRE_SIGNALS_H

/* Set every signal to its default, and block none: before an exec. */
void signals_reset(void);

#endif
