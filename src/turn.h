/*
 * turn: the end of a round of the event loop.
 *
 * Everything that the round's requests changed becomes durable in one
 * commit, everything that was asked and answered is recorded in one go, and
 * then the replies leave.  When the commit or the log fails, no reply that
 * was staged leaves: each is replaced by one that says so.
 */
#ifndef COFRE_TURN_H
#define COFRE_TURN_H

#include "server.h"

/* True while the turn can take one more request. */
bool turn_has_room(const struct server *sv);

/*
 * True when that operation (NULL: none) of the connection waits for the next
 * turn, which is then true of all others too.  The store may have room for it
 * then, and not behind what this turn has written.  And what is written to the
 * SSH store is kept even if the vault's commit fails, so it is not done by a
 * right of this turn, nor in a workspace of it.
 */
bool turn_must_end(struct server *sv, const struct conn *c,
    const struct op *op);

/*
 * Reserve room in the log for one more record of the turn; false when the
 * log can't be written.
 */
bool turn_reserve(struct server *sv);

/*
 * Add an entry; there is room in the turn.  Its record is filled in by the
 * caller, with text from turn_text(), and gets its connection, time and
 * duration at the end of the turn.  Without room in the log (recorded
 * false) nothing is written: the entry then only knows of its reply.
 */
struct turn_entry *turn_add(struct server *sv, struct conn *c, bool recorded);

/*
 * The entry's record is to be on the disk before the replies leave: for who
 * may do what it is about.  For who may not the log is flushed ahead, so that
 * nobody makes all others wait who may do nothing.
 */
void turn_keep(struct server *sv, struct turn_entry *e, bool may);

/* Keep a text until the end of the turn; cut off when there is no room. */
struct view turn_text(struct server *sv, struct view text);

/* Stage a reply, made in sv->reply, for the connection. */
void turn_stage(struct server *sv, struct conn *c, struct view frame);

/* Stage a reply that is a status alone; for an ssh client, a refusal. */
void turn_stage_status(struct server *sv, struct conn *c, uint16_t op,
    uint32_t id, enum cofre_status st);

/* Commit, record, answer. */
void turn_end(struct server *sv);

#endif
