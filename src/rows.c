#include "rows.h"

/* How many of workspace, record and version the table's keys have. */
static unsigned
parts(enum table table)
{
	switch (table) {
	case TABLE_HEADER:
	case TABLE_STATE:
	case TABLE_SSH_MARK:
	case TABLE_SSH_HEADER:
	case TABLE_SSH_STATE:
		return 0;
	case TABLE_WORKSPACE:
		return 1;
	case TABLE_SLOT:
	case TABLE_HEAD:
	case TABLE_RUN:
	case TABLE_TARGET:
	case TABLE_CA:
		return 2;
	case TABLE_BODY:
	case TABLE_ROLE:
	case TABLE_SSH_KEY:
		return 3;
	}
	return 0;
}

static struct row_key
make(enum table table, uint64_t workspace, uint64_t record, uint32_t version,
    unsigned n)
{
	struct row_key key;
	struct wire_writer w;

	wire_writer_init(&w, key.bytes, sizeof(key.bytes));
	wire_put_u8(&w, table);
	if (n > 0)
		wire_put_u64(&w, workspace);
	if (n > 1)
		wire_put_u64(&w, record);
	if (n > 2)
		wire_put_u32(&w, version);
	key.len = (uint8_t)w.len;
	return key;
}

struct row_key
row_key(const struct row_id *id)
{
	return make(id->table, id->workspace, id->record, id->version,
	    parts(id->table));
}

struct row_key
row_prefix(enum table table, uint64_t workspace)
{
	return make(table, workspace, 0, 0, parts(table) > 1 ? 1 : 0);
}

static bool
is_table(uint8_t table)
{
	return (table >= TABLE_HEADER && table <= TABLE_SSH_MARK) ||
	    (table >= TABLE_SSH_HEADER && table <= TABLE_SSH_KEY);
}

bool
row_is_ssh(enum table table)
{
	return table >= TABLE_SSH_HEADER;
}

bool
row_key_parse(struct view key, struct row_id *id)
{
	struct wire_reader r;
	uint8_t table;
	unsigned n;

	wire_reader_init(&r, key);
	table = wire_get_u8(&r);
	if (!is_table(table))
		return false;
	*id = (struct row_id){ .table = (enum table)table };
	n = parts(id->table);
	if (n > 0)
		id->workspace = wire_get_u64(&r);
	if (n > 1)
		id->record = wire_get_u64(&r);
	if (n > 2)
		id->version = wire_get_u32(&r);
	return wire_reader_done(&r);
}

struct seal_place
row_place(const uint8_t *vault, const struct row_id *id)
{
	return (struct seal_place){
		.vault = vault,
		.table = (uint8_t)id->table,
		.workspace = id->workspace,
		.record = id->record,
		.version = id->version,
		.kind = id->kind,
		.name = id->name,
	};
}

#define MESSAGES "rows.def"
#include "messages_define.h"
