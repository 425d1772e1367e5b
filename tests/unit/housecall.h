/*
 * housecall: requests to the daemon that is in the test's own process
 * (tests/fuzz/house.h), written as its programs are, and what each is
 * answered.  Every function that can fail ends the test.
 */
#ifndef TESTS_HOUSECALL_H
#define TESTS_HOUSECALL_H

#include "../fuzz/program.h"
#include "sample.h"

#define ASK(id) I_REQUEST, R_##id
#define SAY(number) I_MESSAGE, (number) /* an ssh client does */
#define CONNECT(kind) I_CONNECT, CLIENT_##kind
#define CONNECT_SSH(kind) I_CONNECT, CLIENT_##kind + CONNECT_AGENT
#define WORD(id) P_WORD + W_##id
#define U8(n) P_U8 + (n)
#define U32(n) P_U32 + (n)
#define U64(n) P_U64 + (n)
#define UID(n) P_RAW32, 0, 0, (n) / 256, (n) % 256
#define NO_LIST P_LIST, P_LIST_END
#define END P_END
/* A field of a secret. */
#define FIELD(name, secret, value) WORD(name), U8(secret), WORD(value), P_ITEM
/* A program, in a table. */
#define DOES(...)                                                            \
	{ (const uint8_t[]){ __VA_ARGS__ },                                  \
		sizeof((const uint8_t[]){ __VA_ARGS__ }) }

/* A house with some of everything, before each test; and gone again. */
void housecall_setup(void);
void housecall_teardown(void);

/* The house. */
struct house *housecall_house(void);

/* Everything as it was, and an operator connected. */
void housecall_begin(enum house_state state);

/* Run the program; the status of what was asked last on the connection that
   acts then, or CLOSED when that was not answered.  An ssh client is told
   no more than OK or DENIED. */
enum cofre_status housecall(struct view program);

/* Whoever is closed without an answer from now on, until everything is as it
   was, is not wrong. */
void housecall_excuse(void);

/* The reply's body behind the status, of what was asked last. */
struct view housecall_reply(void);

/* What the open vault is, for housecall_is_same(). */
void housecall_look(void);

/* True when it is as it was, and its stores add up. */
bool housecall_is_same(void);

#endif
