/*
 * program: what the peers of a session do, as bytes: the input of
 * fuzz_session, and how its vault is furnished.
 *
 * Each instruction is a byte below PROGRAM_INSTRUCTIONS (others mean
 * nothing), and what it says there behind it; where the bytes end, zeros
 * follow.  The body of a message is written in pieces, each a byte of enum
 * piece or a range of bytes that begins with one.
 */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include "client.h"

enum instruction {
	I_CONNECT, /* byte: the kind; see enum connect_flag; it is now the
		      one that acts */
	I_SELECT,  /* byte: which one acts */
	I_REQUEST, /* byte: which row of ops.def; then its body */
	I_CODE,	   /* the same with any operation: two bytes */
	I_RAW,	   /* byte: so many bytes as they are */
	I_PIECES,  /* byte: send so many bytes at once from now on; 0: all */
	I_TURNS,   /* byte: so many turns, 8 at most */
	I_HALF,	   /* it sends no more */
	I_GONE,	   /* it goes away */
	I_DEAF,	   /* it reads no more, or reads again */
	I_TIME,	   /* byte: time passes; which, says a table */
	I_WITNESS, /* byte: see enum witness_flag */
	I_FOREIGN, /* another process sends for it, or no more */
	I_MESSAGE, /* byte: an ssh client's message of that number; then its
		      body */
	I_UNCUT,   /* from here on requests are put together, and sent at
		      once with the next instruction that is none */
	I_FAIL,	   /* byte: the next commit fails, of the vault's store (1), of
		      that of SSH keys (2), or of both (3) */
	PROGRAM_INSTRUCTIONS
};

/* Of I_CONNECT, above the kind. */
enum connect_flag { CONNECT_AGENT = 64, CONNECT_SILENT = 128 };
/* Of I_WITNESS, above the facts that it tells. */
enum witness_flag { WITNESS_SILENT = 4, WITNESS_LATE = 8 };

enum piece {
	P_U8 = 0x00,   /* 0 to 31 */
	P_U32 = 0x20,  /* 0 to 31 */
	P_U64 = 0x40,  /* 0 to 31 */
	P_WORD = 0x60, /* a string: enum word */
	P_STRING = 0xa0, /* byte: a string of so many bytes that follow */
	P_BYTES,	 /* byte: the same without its length */
	P_RAW32, P_RAW64, /* the bytes of a number */
	P_ANY,		  /* the uint32 NO_ID */
	P_PID,		  /* the uint32 of this process's pid */
	P_LIST, P_ITEM, P_LIST_END, /* a list begins; an item, the list end */
	P_LONG,	  /* byte: a string of 256 times as many bytes */
	P_SOON,	  /* the uint64 of a time: byte, so many seconds from now */
	P_TOKEN,    /* a string: the last token, id of a run, and origin of a
		       resync's item that was answered */
	P_RUN,
	P_ORIGIN,
	P_HOST_KEY, /* a string: the blob of a host's key, and of the last
		       target's */
	P_BLOB,
	P_BIND,	  /* the fields of a good bind of a session with that host */
	P_LOGIN,  /* a string: the login in that session by that key */
	P_FILE,	  /* a string: what is signed of a file */
	P_END = 0xff /* and everything else above */
};

/* Strings that make sense. */
enum word {
#define WORD(id, text) W_##id,
#include "words.def"
#undef WORD
	WORDS
};

/* The rows of ops.def. */
enum op_row {
#define OP(code, ID, id, name, scope, action, flags) R_##ID,
#include "ops.def"
#undef OP
	OP_ROWS
};

/* What was in answers. */
struct known {
	uint8_t token[RUN_TOKEN_MAX], run[RUN_ID_LEN], origin[DIGEST_LEN];
	uint8_t public[PUBLIC_KEY_LEN];
	size_t token_len;
};

struct program {
	struct house *house;
	struct client clients[CLIENTS];
	unsigned acts;	/* who acts */
	bool uncut;
	struct bytes together; /* what is to be sent at once */
	bool excused; /* of all of them: client.excused */
	bool gone; /* somebody has gone, and with him what he was answered */
	bool asked_lock, asked_slot, asked_init; /* somebody has asked for
						    lock, other slots, init */
	struct known known;
};

/* Do what the bytes say, on a house that was reset; what is known at first
   is what is known there. */
void program_run(struct program *p, struct house *h, const struct known *k,
    struct view in);

/* Go on with more of them. */
void program_go_on(struct program *p, struct view in);

/*
 * Let all that is under way come to its end: everybody reads, says that he
 * sends no more, and is closed.  Then check the answers.
 */
void program_finish(struct program *p);

/* How many answers were OK, of requests with that operation. */
unsigned program_count_ok(const struct program *p, uint16_t op);

/* Let go of what is left of the clients. */
void program_free(struct program *p);

#endif
