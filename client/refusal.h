/*
 * refusal: what a status of the daemon's says to whoever has asked: what was
 * refused, who he is, and whom he can ask.
 */
#ifndef COFRE_REFUSAL_H
#define COFRE_REFUSAL_H

#include "cofre.h"

/*
 * Set the text of cofre_error() to what the daemon's refusal of the request
 * means; object is the one that it was about, or "".  Returns s, which is not
 * COFRE_OK.
 */
enum cofre_status refusal(cofre *c, enum cofre_status s, const char *object);

/* The same where the daemon refuses the connection, before any request. */
enum cofre_status refusal_at_connect(cofre *c, enum cofre_status s);

#endif
