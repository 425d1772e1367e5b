/*
 * status: what status.def says, as functions.  cofre_status_text() and
 * cofre_status_name() are public and stand in cofre.h.
 */
#ifndef COFRE_STATUS_H
#define COFRE_STATUS_H

#include "cofre.h"

/* The exit code of the cofre command for a status. */
int status_exit_code(enum cofre_status s);

#endif
