#include "rowedit.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY (4u << 20)
#define VALUE_MAX (128u * 1024)

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t
take(struct wire_reader *r)
{
	return r->len > 0 ? wire_get_u8(r) : 0;
}

static struct view
take_some(struct wire_reader *r)
{
	size_t n = take(r);

	return wire_get_bytes(r, n < r->len ? n : r->len);
}

/* Memory for n bytes, of which the first are those of v. */
static uint8_t *
room(struct rowedit *e, size_t n, struct view v)
{
	uint8_t *at = e->memory + e->used;
	size_t copied = v.len < n ? v.len : n;

	must(n <= VALUE_MAX);
	if (e->used + n > MEMORY) /* begin again: it is only damage */
		at = e->memory + (e->used = 0);
	memset(at, 0x5a, n);
	if (copied > 0)
		memmove(at, v.data, copied);
	e->used += n;
	return at;
}

static struct view
with_length(struct rowedit *e, struct view v, size_t n)
{
	return (struct view){ room(e, n, v), n };
}

static struct view
with_bytes(struct rowedit *e, struct view v, size_t at, struct view bytes)
{
	uint8_t *to;

	if (v.len == 0 || bytes.len == 0)
		return v;
	at = at * v.len / 256;
	if (bytes.len > v.len - at)
		bytes.len = v.len - at;
	to = room(e, v.len, v);
	memcpy(to + at, bytes.data, bytes.len);
	return (struct view){ to, v.len };
}

/* --- what is sealed in a row --- */

/* The row's head says of a body what else it is bound to. */
static bool
find_head(struct rowedit *e, struct row_id *id)
{
	const struct workspace *ws =
	    vault_workspace_kept(e->model, id->workspace);
	const struct row_id head_id = { .table = TABLE_HEAD,
		.workspace = id->workspace, .record = id->record };
	struct row_key key = row_key(&head_id);
	struct head_row head;
	struct view plain;

	if (ws == NULL)
		return false;
	for (size_t i = 0; i < e->base[0].count; i++) {
		const struct row *row = &e->base[0].list[i];

		if (!view_equal(row->key, (struct view){ key.bytes, key.len }))
			continue;
		if (vault_unseal(e->model, ws, &head_id, row->value, &plain) !=
		    COFRE_OK || !head_row_decode(plain, &head))
			return false;
		id->kind = head.kind;
		id->name = with_length(e, head.name, head.name.len);
		return true;
	}
	return false;
}

/* What it is sealed with, and for; NULL: with nothing that is known here. */
static const uint8_t *
find_key(struct rowedit *e, struct view row_key, struct row_id *id,
    uint32_t *version)
{
	const struct keyring *k = &e->model->keyring;
	const struct workspace *ws;

	*version = 1;
	if (!row_key_parse(row_key, id))
		return NULL;
	switch (id->table) {
	case TABLE_STATE:
	case TABLE_WORKSPACE:
	case TABLE_ROLE:
	case TABLE_SSH_MARK:
		return keyring_meta(k);
	case TABLE_BODY:
		if (!find_head(e, id))
			return NULL;
		break;
	case TABLE_HEAD:
	case TABLE_RUN:
		break;
	case TABLE_SSH_STATE:
	case TABLE_TARGET:
	case TABLE_CA:
		return keyring_ssh(k);
	case TABLE_HEADER:
	case TABLE_SLOT:
	case TABLE_SSH_HEADER:
	case TABLE_SSH_KEY:
		return NULL;
	}
	ws = vault_workspace_kept(e->model, id->workspace);
	if (ws == NULL)
		return NULL;
	*version = ws->key_version;
	return keyring_data(k, ws->slot);
}

static struct view
seal(struct rowedit *e, const uint8_t *key, const struct row_id *id,
    uint32_t version, struct view plain)
{
	struct seal_place place = row_place(e->model->id, id);
	struct view none = { NULL, 0 };
	size_t n = seal_size(plain.len);
	uint8_t *out;

	if (n > VALUE_MAX)
		return none;
	out = room(e, n, none);
	seal_close(out, key, version, &place, plain, NULL);
	return (struct view){ out, n };
}

static void
edit_plain(struct rowedit *e, struct row *row, enum edit what,
    struct wire_reader *r)
{
	static uint8_t opened[VALUE_MAX];
	struct row_id id;
	struct view plain;
	struct seal_place place;
	uint32_t version;
	const uint8_t *key = find_key(e, row->key, &id, &version);
	uint8_t at = take(r);

	if (key == NULL || row->value.len > sizeof(opened))
		return;
	place = row_place(e->model->id, &id);
	if (!seal_open(opened, key, &place, row->value, &plain))
		return;
	if (what == E_PLAIN)
		plain = with_bytes(e, plain, at, take_some(r));
	else if (what == E_PLAIN_LENGTH)
		plain = with_length(e, plain, at);
	else
		plain = wire_get_bytes(r, at < r->len ? at : r->len);
	row->value = seal(e, key, &id, version, plain);
	e->resealed = true;
}

/* --- the sums --- */

static struct row *
find_row(struct rows *rows, enum table table)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->list[i].key.len == 1 &&
		    rows->list[i].key.data[0] == table)
			return &rows->list[i];
	return NULL;
}

/* What the store will have: of two rows with one key the second one. */
static bool
is_there(const struct rows *rows, size_t i)
{
	struct view key = rows->list[i].key;

	for (size_t j = i + 1; j < rows->count; j++)
		if (view_equal(rows->list[j].key, key))
			return false;
	return key.len > 0 && key.len <= 511;
}

static struct tally
add_up(const struct rowedit *e, const struct rows *rows)
{
	struct tally sum = { .rows = 0 };

	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->list[i];

		if (!is_there(rows, i) || (row->key.len == 1 &&
			(row->key.data[0] == TABLE_STATE ||
			    row->key.data[0] == TABLE_SSH_STATE)))
			continue;
		tally_add(&sum, keyring_tally(&e->model->keyring), row->key,
		    row->value);
	}
	return sum;
}

static void
make_sum(struct rowedit *e)
{
	struct row *row = find_row(&e->rows[0], TABLE_STATE);
	const struct row_id id = { .table = TABLE_STATE };
	struct tally sum = add_up(e, &e->rows[0]);
	uint8_t bytes[32], buf[256], out[512];
	struct seal_place place = row_place(e->model->id, &id);
	struct state_row state;
	struct wire_writer w;
	struct view plain;

	if (row == NULL || row->value.len > sizeof(out) ||
	    !seal_open(out, keyring_meta(&e->model->keyring), &place,
		row->value, &plain) || !state_row_decode(plain, &state))
		return;
	tally_encode(&sum, bytes);
	state.rows = sum.rows;
	state.sum = (struct view){ bytes, sizeof(bytes) };
	wire_writer_init(&w, buf, sizeof(buf));
	state_row_put(&w, &state);
	row->value = seal(e, keyring_meta(&e->model->keyring), &id, 1,
	    (struct view){ w.data, w.len });
}

static void
make_ssh_sum(struct rowedit *e)
{
	struct row *row = find_row(&e->rows[1], TABLE_SSH_STATE);
	const struct row_id id = { .table = TABLE_SSH_STATE };
	struct tally sum = add_up(e, &e->rows[1]);
	uint8_t bytes[32], buf[256], out[512];
	struct seal_place place = row_place(e->model->id, &id);
	struct ssh_state_row state;
	struct wire_writer w;
	struct view plain;

	if (row == NULL || row->value.len > sizeof(out) ||
	    !seal_open(out, keyring_ssh(&e->model->keyring), &place,
		row->value, &plain) || !ssh_state_row_decode(plain, &state))
		return;
	tally_encode(&sum, bytes);
	state.rows = sum.rows;
	state.sum = (struct view){ bytes, sizeof(bytes) };
	wire_writer_init(&w, buf, sizeof(buf));
	ssh_state_row_put(&w, &state);
	row->value = seal(e, keyring_ssh(&e->model->keyring), &id, 1,
	    (struct view){ w.data, w.len });
}

/* --- the changes --- */

static void
remove_row(struct rows *rows, struct row *row)
{
	size_t i = (size_t)(row - rows->list);

	memmove(row, row + 1, (rows->count - i - 1) * sizeof(*row));
	rows->count--;
}

static void
add_row(struct rows *rows, struct view key, struct view value)
{
	if (rows->count < HOUSE_ROWS)
		rows->list[rows->count++] = (struct row){ key, value };
}

static void
make_older(const struct rows *older, struct row *row)
{
	for (size_t i = 0; i < older->count; i++)
		if (view_equal(older->list[i].key, row->key))
			row->value = older->list[i].value;
}

static void
exchange(struct row *a, struct row *b)
{
	struct view value = a->value;

	a->value = b->value;
	b->value = value;
}

static void
edit_row(struct rowedit *e, unsigned store, enum edit what,
    struct wire_reader *r)
{
	struct rows *rows = &e->rows[store];
	struct row *row, *other;
	uint8_t n;

	if (rows->count == 0)
		return;
	row = &rows->list[take(r) % rows->count];
	if (what >= E_PLAIN) {
		edit_plain(e, row, what, r);
		return;
	}
	if (what == E_DELETE) {
		remove_row(rows, row);
		return;
	}
	if (what == E_OLDER) {
		make_older(&e->older[store], row);
		return;
	}
	n = take(r);
	other = &rows->list[n % rows->count];
	if (what == E_BYTES)
		row->value = with_bytes(e, row->value, n, take_some(r));
	else if (what == E_LENGTH)
		row->value = with_length(e, row->value, n);
	else if (what == E_LONG)
		row->value = with_length(e, row->value, (size_t)n * 16);
	else if (what == E_SWAP)
		exchange(row, other);
	else if (what == E_COPY)
		row->value = other->value;
	else if (what == E_MOVE)
		row->key = other->key;
	else if (what == E_KEY)
		row->key = wire_get_bytes(r, n < r->len ? n : r->len);
}

static void
edit(struct rowedit *e, enum edit what, struct wire_reader *r)
{
	unsigned store = r->len > 0 && (r->data[0] & 0x80) != 0;
	struct rows *rows = &e->rows[store];
	struct view key;

	if (what == E_ALL_OLDER || what == E_NOTHING) {
		(void)take(r);
		*rows = e->older[store];
		if (what == E_NOTHING)
			rows->count = 0;
	} else if (what == E_NEW) {
		(void)take(r);
		key = take_some(r);
		add_row(rows, key, take_some(r));
	} else
		edit_row(e, store, what, r);
}

void
rowedit_run(struct rowedit *e, unsigned flags, struct view in)
{
	struct wire_reader r;

	if (e->memory == NULL)
		must((e->memory = malloc(MEMORY)) != NULL);
	e->used = 0;
	e->resealed = false;
	e->rows[0] = e->base[0];
	e->rows[1] = e->base[1];
	wire_reader_init(&r, in);
	while (r.len > 0) {
		enum edit what = (enum edit)take(&r);

		if (what < EDITS)
			edit(e, what, &r);
	}
	if ((flags & STORE_SUMS) != 0)
		make_sum(e);
	if ((flags & STORE_SSH_SUMS) != 0)
		make_ssh_sum(e);
}

bool
rowedit_same(const struct rows *a, const struct rows *b)
{
	size_t there = 0;

	for (size_t i = 0; i < a->count; i++) {
		size_t j = 0;

		if (!is_there(a, i))
			continue;
		there++;
		while (j < b->count &&
		    !(view_equal(a->list[i].key, b->list[j].key) &&
			view_equal(a->list[i].value, b->list[j].value)))
			j++;
		if (j == b->count)
			return false;
	}
	return there == b->count;
}
