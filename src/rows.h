/*
 * rows: what the store holds, doc/FORMAT.md section "Rows": the key of each
 * row and the codec of what it says.  Pure.
 *
 * A key is the table's byte, and as many of workspace id (uint64), record id
 * (uint64) and version (uint32) as the table has, so that the rows of a
 * workspace, and of a secret, lie together and in order.
 */
#ifndef COFRE_ROWS_H
#define COFRE_ROWS_H

#include "proto.h"
#include "seal.h"

#define ROWS_FORMAT 5u
#define ROWS_MAGIC "cofre vault"
#define SSH_FORMAT 1u
#define SSH_MAGIC "cofre ssh store"
#define ROW_KEY_MAX 21u

enum table {
	TABLE_HEADER = 1,    /* one row, in clear */
	TABLE_SLOT = 2,	     /* record: the slot's number; in clear */
	TABLE_STATE = 3,     /* one row, under the meta key */
	TABLE_WORKSPACE = 4, /* workspace; under the meta key; 0 is the vault */
	TABLE_HEAD = 5,	     /* workspace, record; under the data key */
	TABLE_BODY = 6,	     /* workspace, record, version; likewise */
	TABLE_ROLE = 7,	     /* record: its number; version; workspace is 0;
				under the meta key */
	TABLE_RUN = 8,	     /* workspace, record: its number; under the data
				key */
	TABLE_SSH_MARK = 9,  /* one row, under the meta key */
	/* Of the SSH store, under its own key; all of the vault's are below. */
	TABLE_SSH_HEADER = 32, /* one row, in clear */
	TABLE_SSH_STATE = 33,  /* one row */
	TABLE_TARGET = 34,     /* workspace, record */
	TABLE_CA = 35,	       /* workspace, record */
	TABLE_SSH_KEY = 36,    /* workspace, record of what has it, version */
};

/* The key of a row. */
struct row_key {
	uint8_t bytes[ROW_KEY_MAX];
	uint8_t len;
};

/* Which row, and what its sealing binds besides. */
struct row_id {
	enum table table;
	uint64_t workspace;
	uint64_t record;
	uint32_t version;
	uint8_t kind;	  /* of a body */
	struct view name; /* of a body */
};

/* The key of the row; kind and name are not in it. */
struct row_key row_key(const struct row_id *id);

/* The other way; false when the bytes are no key.  kind and name are empty. */
bool row_key_parse(struct view key, struct row_id *id);

/* True for a table of the SSH store, false for one of the vault. */
bool row_is_ssh(enum table table);

/* The beginning that the keys of a table, or of a workspace in it, share. */
struct row_key row_prefix(enum table table, uint64_t workspace);

/* Where a row is sealed for. */
struct seal_place row_place(const uint8_t *vault, const struct row_id *id);

enum role_state { ROLE_DEFINED = 1, ROLE_DELETED = 2 };

#define MESSAGES "rows.def"
#include "messages_declare.h"
#undef MESSAGES

#endif
