/*
 * Any bytes as what lies in the store: the key of a row, a row in clear, and
 * a sealed row.  What is taken is written again to the same bytes; a sealed
 * row opens only when seal_close() makes just that row.
 */
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "run.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LIMIT (160u * 1024)

static uint8_t again[SIZE_LIMIT], opened[SIZE_LIMIT];

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_key(struct view in)
{
	struct row_id id;
	struct row_key key;

	if (!row_key_parse(in, &id))
		return;
	key = row_key(&id);
	must(view_equal((struct view){ key.bytes, key.len }, in));
	must(id.kind == 0 && id.name.len == 0);
}

/* The lists of a workspace's row, as unlock walks them. */
static void
walk_lists(struct view in)
{
	struct workspace_row row;
	struct wire_reader r;
	struct grant_item grant;
	struct binding_item binding;

	if (!workspace_row_decode(in, &row))
		return;
	must(row.grants.count <= GRANTS_MAX);
	must(row.bindings.count <= BINDINGS_MAX);
	r = list_reader(row.grants);
	for (uint32_t i = 0; i < row.grants.count; i++)
		grant_item_get(&r, &grant);
	r = list_reader(row.bindings);
	for (uint32_t i = 0; i < row.bindings.count; i++)
		binding_item_get(&r, &binding);
}

/* A run as unlock takes it in: what it is comes back from its row. */
static void
check_run(struct view in)
{
	enum cofre_status st;
	struct run *r = run_get(1, 2, in, &st);
	struct wire_writer w;
	struct view once;

	must(r != NULL || st == COFRE_CORRUPT);
	if (r == NULL)
		return;
	wire_writer_init(&w, again, sizeof(again));
	run_put(&w, r);
	must(!w.bad && w.len <= in.len);
	must(r->rights.count > 0 && r->rights.count <= RUN_SECRETS_MAX);
	run_free(r);
	once = (struct view){ again, w.len };
	r = run_get(1, 2, once, &st);
	must(r != NULL);
	wire_writer_init(&w, opened, sizeof(opened));
	run_put(&w, r);
	must(!w.bad);
	must(view_equal((struct view){ opened, w.len }, once));
	run_free(r);
}

/* A target as unlock takes it in: its row is what it is written as. */
static void
check_target(struct view in)
{
	enum cofre_status st;
	struct target *t = target_get(1, 2, in, &st);
	struct wire_writer w;

	must(t != NULL || st == COFRE_CORRUPT);
	if (t == NULL)
		return;
	must(t->key_count > 0 && t->key_count <= TARGET_KEYS_MAX);
	must(t->pin_count <= TARGET_PINS_MAX);
	must(t->namespace_count <= TARGET_NAMESPACES_MAX);
	wire_writer_init(&w, again, sizeof(again));
	target_put(&w, t);
	must(!w.bad);
	must(view_equal((struct view){ again, w.len }, in));
	sshitem_free(&t->item);
}

static void
check_ca(struct view in)
{
	enum cofre_status st;
	struct ca *ca = ca_get(1, 2, in, &st);
	struct wire_writer w;

	must(ca != NULL || st == COFRE_CORRUPT);
	if (ca == NULL)
		return;
	must(ca->revoked_count <= CA_REVOKED_MAX);
	wire_writer_init(&w, again, sizeof(again));
	ca_put(&w, ca);
	must(!w.bad);
	must(view_equal((struct view){ again, w.len }, in));
	sshitem_free(&ca->item);
}

/* The lists of a role's row. */
static void
walk_role(struct view in)
{
	struct role_row row;
	struct scope_row scope;
	struct pattern_item pattern;
	struct wire_reader r;

	if (!role_row_decode(in, &row))
		return;
	must(row.scopes.count <= ROLE_SCOPES_MAX);
	must(row.actions.count <= PATTERNS_MAX);
	r = list_reader(row.scopes);
	for (uint32_t i = 0; i < row.scopes.count; i++)
		scope_row_get(&r, &scope);
	r = list_reader(row.actions);
	for (uint32_t i = 0; i < row.actions.count; i++)
		pattern_item_get(&r, &pattern);
}

#define MESSAGE(name, fields)                                                \
	static void check_##name(struct view in)                             \
	{                                                                    \
		struct wire_writer w;                                        \
		struct name m;                                               \
                                                                             \
		if (!name##_decode(in, &m))                                  \
			return;                                              \
		wire_writer_init(&w, again, sizeof(again));                  \
		name##_put(&w, &m);                                          \
		must(!w.bad);                                                \
		must(view_equal((struct view){ again, w.len }, in));         \
	}
#include "rows.def"
#undef MESSAGE

static void
check_rows(struct view in)
{
#define MESSAGE(name, fields) check_##name(in);
#include "rows.def"
#undef MESSAGE
	walk_lists(in);
	walk_role(in);
	check_run(in);
	check_target(in);
	check_ca(in);
}

/* The corpus has a row that was sealed with this key for this place. */
static void
check_sealed(struct view in)
{
	static const uint8_t key[KEY_LEN] = { 0x51 };
	static const uint8_t vault[VAULT_ID_LEN] = { 0x52 };
	const struct seal_place place = { .vault = vault, .table = TABLE_BODY,
		.workspace = 1, .record = 2, .version = 3,
		.kind = COFRE_KIND_GENERIC, .name = view_of("n") };
	struct view plain = { NULL, 0 };
	uint32_t version = 0;
	uint8_t left = 0;

	memset(opened, 0, in.len);
	if (!seal_open(opened, key, &place, in, &plain)) {
		for (size_t i = 0; i < in.len; i++)
			left |= opened[i];
		must(left == 0);
		return;
	}
	must(seal_key_version(in, &version));
	must(seal_size(plain.len) == in.len);
	seal_close(again, key, version, &place, plain, in.data + SEAL_HEADER);
	must(memcmp(again, in.data, in.len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct view in = { data, size };

	if (size > SIZE_LIMIT || !crypto_init())
		return 0;
	check_key(in);
	check_rows(in);
	check_sealed(in);
	return 0;
}
