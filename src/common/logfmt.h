/*
 * logfmt: the bytes of the activity log, doc/FORMAT.md section "Activity
 * log".  Pure: no file is opened and no clock is asked here.  The daemon
 * writes and reads with it; the command verifies with it, without a key.
 *
 * The log is a row of cells of 128 bytes, numbered from 0 and kept in
 * segment files.  A record is one cell, or a cell and some that follow it
 * with its extension.  Record 0 of a segment stands after a header of one
 * cell.  A cell of zeros is the end.
 *
 *	 0  byte    type (1 system, 2 connection, 3 request, 4 note)
 *	 1  byte    cells, this one included (1 .. LOG_CELLS_MAX)
 *	 2  uint16  operation
 *	 4  uint16  status
 *	 6  uint16  flags
 *	 8  uint64  number of this cell
 *	16  uint64  time, microseconds since 1970 UTC
 *	24  uint64  cell of the connection's record (0 none); in a connection's
 *		    own record: its pid
 *	32  uint64  workspace id (0 none, or the vault); in a connection's
 *		    record: its gid
 *	40  uint64  record id of the secret (0 none)
 *	48  uint32  version of the secret (0 none); with LOG_REPEATED how many
 *		    requests it stands for
 *	52  uint32  request id
 *	56  uint32  duration, microseconds
 *	60  uint32  uid of the initiator
 *	64  uint32  principal kind << 24 | 0; and
 *	68  uint32  principal id (a uid, a gid, or 0)
 *	72  uint64  epoch of the store
 *	80  32      chain: BLAKE2b-256(previous chain, bytes 0..79, extension)
 *	112 16      tag: SipHash-2-4, 128 bits, over the chain; zeros while
 *		    locked
 *
 * The extension is cells - 1 times 128 bytes.  Flag LOG_SEALED: it is a
 * nonce, and text sealed with the name key; its associated data is the
 * cell's number (uint64).  Flag LOG_PLAIN: it is text as it is.  The text is
 * a string for the object, one for the detail (wire types), and zeros to the
 * end of the last cell; there are no more cells than it needs.
 *
 * The header of a segment:
 *
 *	  0  8       "cofrelog"
 *	  8  uint32  version of this format, 2
 *	 12  uint32  zeros
 *	 16  16      log id
 *	 32  uint64  number of the first cell after the header
 *	 40  32      chain value of the record before it; in the first segment
 *		     BLAKE2b-256("cofre activity log", log id)
 *	 72  24      zeros
 *	 96  16      BLAKE2b-128(bytes 0..95), against damage only
 *	112  uint64  mark: every record before this cell was on the disk when
 *		     the mark was set, so no crash can have broken it
 *	120  8       zeros
 *
 * Integers are big-endian.  The name of a segment's file is the number of its
 * first cell in 16 lower-case hex digits, and ".log".
 *
 * What the chain shows: a record that was changed, removed, put in or moved,
 * as long as a chain value from after it is known from elsewhere or is bound
 * by a tag.  Whoever can write the files and has no key can still cut the
 * log's end off, or replace it by untagged records; the store's epoch in the
 * records, and chain values noted elsewhere, are there against that.
 */
#ifndef COFRE_LOGFMT_H
#define COFRE_LOGFMT_H

#include "crypto.h"
#include "sizes.h"

#define LOG_CELL 128u
#define LOG_BODY 80u
#define LOG_CELLS_MAX 5u
#define LOG_CHAIN_LEN 32u
#define LOG_TAG_LEN 16u
#define LOG_VERSION 2u
#define LOG_MARK 112u	  /* where the mark stands in the header */
#define LOG_NAME_LEN 21u  /* a segment's name with its NUL */

enum log_type {
	LOG_SYSTEM = 1,	    /* the daemon started, stopped, locked itself */
	LOG_CONNECTION = 2, /* who a connection is from */
	LOG_REQUEST = 3,    /* an operation and what came of it */
	LOG_NOTE = 4,	    /* a refused peer, bytes that are no request */
};

enum log_flag {
	LOG_SEALED = 1,	   /* the extension is sealed text */
	LOG_PLAIN = 2,	   /* the extension is plain text */
	LOG_TAGGED = 4,	   /* the tag is there: the vault was open */
	LOG_NO_PIDFD = 8,  /* the kernel gave no pidfd of the peer */
	LOG_TRUNCATED = 16, /* the text was longer than fits */
	LOG_NO_NAME = 32,  /* there was a text, but no key to seal it with */
	LOG_OTHER_SENDER = 64, /* sent by another process, or program, than the
				  peer was */
	LOG_NO_WATCH = 128, /* an exec of the peer would not be noticed */
	LOG_REPEATED = 256, /* it stands for as many requests as its version */
};

#define LOG_CALLER \
	(LOG_NO_PIDFD | LOG_TRUNCATED | LOG_OTHER_SENDER | LOG_NO_WATCH | \
	 LOG_REPEATED)

/* A record, decoded.  object and detail are empty unless set. */
struct log_record {
	uint8_t type;
	uint16_t op;
	uint16_t status;
	uint16_t flags;
	uint64_t cell;
	uint64_t time;
	uint64_t connection; /* of a LOG_CONNECTION record: the pid */
	uint64_t workspace;  /* of a LOG_CONNECTION record: the gid */
	uint64_t record;
	uint32_t version;
	uint32_t request;
	uint32_t duration;
	uint32_t uid;
	uint8_t principal;
	uint32_t principal_id;
	uint64_t epoch;
	struct view object; /* at most OBJECT_MAX; for LOG_CONNECTION the
			       executable's path, at most EXE_MAX */
	struct view detail; /* at most DETAIL_MAX */
};

/* The two keys of an open vault; they belong to the key ring. */
struct log_keys {
	const uint8_t *tag;  /* KEY_LEN bytes, half of which are used */
	const uint8_t *name; /* KEY_LEN bytes */
};

/* The first cell of a segment file. */
struct log_segment {
	uint8_t log_id[16];  /* random, the same in every segment of a log */
	uint64_t first;	     /* number of the first cell after the header */
	uint8_t chain[LOG_CHAIN_LEN]; /* of the record before it */
	uint64_t mark;	     /* records before this cell were on the disk */
};

/* The name of the segment file that begins with the cell, and back; false
   for any other name. */
void logfmt_name_put(char name[LOG_NAME_LEN], uint64_t first);
bool logfmt_name_get(const char *name, uint64_t *first);

/* Write the header of a segment. */
void logfmt_segment_put(uint8_t cell[LOG_CELL], const struct log_segment *s);
/* false: no header of a version that this program knows, or damaged. */
bool logfmt_segment_get(const uint8_t cell[LOG_CELL], struct log_segment *s);

/* The chain value before the first record of a log. */
void logfmt_genesis(uint8_t chain[LOG_CHAIN_LEN], const uint8_t log_id[16]);

/* How many cells the record takes at most: 1 without object and detail. */
unsigned logfmt_cells(const struct log_record *r);

/*
 * Encode a record at out (room for logfmt_cells() cells), move chain on and
 * return the number of cells.  With keys NULL the record gets no tag, and a
 * LOG_REQUEST's or LOG_NOTE's text is left out (LOG_NO_NAME, one cell).  Text
 * of LOG_CONNECTION and LOG_SYSTEM records is never sealed: it holds no name
 * of the vault.  Text over its limit is cut (LOG_TRUNCATED).  Of r->flags
 * only those of LOG_CALLER are the caller's to set.
 */
unsigned logfmt_put(uint8_t *out, const struct log_record *r,
    const struct log_keys *keys, uint8_t chain[LOG_CHAIN_LEN]);

enum log_result {
	LOG_OK,	    /* *r is filled in, *cells is its size */
	LOG_END,    /* a cell of zeros */
	LOG_BROKEN, /* not a record, or the chain does not fit */
	LOG_FORGED, /* the chain fits, the tag or the sealed text does not */
};

/*
 * Decode the record that should have the number cell, and check that it
 * follows chain, which is moved on.  With keys, its tag is checked and its
 * text opened into text (which must live as long as r); without, sealed
 * text is left empty.  in begins at the record, may be longer than it, and
 * must live as long as r for a plain text.  LOG_FORGED fills in *r (without
 * sealed text) and *cells and moves chain on, as LOG_OK does; the others
 * change nothing.
 */
enum log_result logfmt_get(struct view in, uint64_t cell,
    uint8_t chain[LOG_CHAIN_LEN], const struct log_keys *keys,
    struct log_record *r, unsigned *cells,
    uint8_t text[LOG_CELLS_MAX * LOG_CELL]);

/*
 * True when the cell looks like the first one of a record: a type, a size,
 * its own number.  Nothing is verified.  *cells is the size that it says;
 * *epoch its epoch, 0 when it has no tag.  The record's chain value is at cell + LOG_BODY.
 */
bool logfmt_peek(const uint8_t cell[LOG_CELL], uint64_t number,
    unsigned *cells, uint64_t *epoch);

/* True when all bytes are zero. */
bool logfmt_is_zero(const uint8_t *p, size_t len);

#endif
