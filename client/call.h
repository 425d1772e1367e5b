/*
 * call: libcofre's connection to the daemon, below the public calls.  The
 * cofre command uses it too, for the operations that cofre.h does not have.
 *
 * One call:
 *
 *	struct wire_writer *w = call_begin(c, OP_GRANT_ADD);
 *	grant_add_request_put(w, &request);
 *	s = call_run(c, "grant", "ml-prod", &body);
 *	if (s == COFRE_OK && !grant_add_reply_decode(body, &reply))
 *		s = call_bad_reply(c);
 *
 * Both buffers are in one locked area that belongs to the handle and are
 * wiped after the call that used them.
 */
#ifndef COFRE_CALL_H
#define COFRE_CALL_H

#include "cofre.h"
#include "proto.h"

/* Begin a request; the writer belongs to the handle. */
struct wire_writer *call_begin(cofre *c, enum op_code op);

/*
 * Send what was written, wait for the reply, and take its status.  On
 * COFRE_OK *body is what follows the status, valid until the next call or
 * call_done().  verb ("get") and object ("ml-prod/store", may be "") go
 * into the text of cofre_error().
 */
enum cofre_status call_run(cofre *c, const char *verb, const char *object,
    struct view *body);

/* The two halves of it, for an answer that may be long in coming; the object
   is the same in both. */
enum cofre_status call_send(cofre *c, const char *verb, const char *object);
enum cofre_status call_answer(cofre *c, const char *object,
    struct view *body);

/* Say that a reply could not be decoded; always COFRE_BAD_REPLY. */
enum cofre_status call_bad_reply(cofre *c);

/* Wipe what the last call left in the buffers. */
void call_done(cofre *c);

/* Set the text of cofre_error(); returns s. */
enum cofre_status call_fail(cofre *c, enum cofre_status s, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* Name this client in the hello ("cofre 0.1.0"), before the first call. */
void call_set_client(cofre *c, const char *name);

/*
 * What to do after a timeout or a lost connection, for cofre_error(): by
 * default "open a new handle to try again".  text is kept, not copied.
 */
void call_set_retry(cofre *c, const char *text);

/*
 * What cofre_error() says was to be done, whichever call it was: the command
 * names what was typed.  verb is kept, not copied; NULL: the call's own.
 */
void call_set_verb(cofre *c, const char *verb);

#endif
