#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "names.h"
#include "ssh_key.h"
#include "sshnames.h"

static bool
set_namespaces(struct target *t, struct list l)
{
	struct wire_reader r = list_reader(l);
	struct namespace_item item;

	if (l.count > TARGET_NAMESPACES_MAX)
		return false;
	for (uint32_t i = 0; i < l.count; i++) {
		namespace_item_get(&r, &item);
		if (r.bad || !sshname_is_namespace(item.namespace))
			return false;
		view_copy(t->namespaces[i], item.namespace);
	}
	t->namespace_count = l.count;
	return wire_reader_done(&r);
}

bool
target_set(struct target *t, const struct target_settings *in)
{
	struct sshname_options options;

	if (!ssh_text_is_host(in->host) || !sshname_is_login(in->user) ||
	    !sshname_options(in->options, &options) || in->port == 0 ||
	    in->port > UINT16_MAX || !set_namespaces(t, in->namespaces))
		return false;
	view_copy(t->host, in->host);
	view_copy(t->user, in->user);
	view_copy(t->options, in->options);
	t->port = in->port;
	t->for_runs = in->for_runs;
	return true;
}

bool
target_has_pin(const struct target *t, struct view blob)
{
	for (uint32_t i = 0; i < t->pin_count; i++)
		if (view_equal(blob, (struct view){ t->pins[i].blob,
			t->pins[i].len }))
			return true;
	return false;
}

bool
target_pin(struct target *t, struct list pins)
{
	struct wire_reader r = list_reader(pins);
	struct pin_item item;

	if (pins.count > TARGET_PINS_MAX)
		return false;
	for (t->pin_count = 0; t->pin_count < pins.count; t->pin_count++) {
		struct target_pin *pin = &t->pins[t->pin_count];
		const uint8_t *key;

		pin_item_get(&r, &item);
		if (r.bad || (key = ssh_key_get(item.key)) == NULL ||
		    !crypto_ed25519_is_key(key) || target_has_pin(t, item.key))
			return false;
		memcpy(pin->blob, item.key.data, item.key.len);
		pin->len = item.key.len;
	}
	return wire_reader_done(&r);
}

uint32_t
target_find_key(const struct target *t, uint32_t version)
{
	uint32_t i = 0;

	while (i < t->key_count && t->keys[i].version != version)
		i++;
	return i;
}

struct row_id
target_row_id(const struct target *t)
{
	return (struct row_id){ .table = TABLE_TARGET,
		.workspace = t->item.workspace, .record = t->record };
}

struct row_id
target_key_id(const struct target *t, uint32_t version)
{
	return (struct row_id){ .table = TABLE_SSH_KEY,
		.workspace = t->item.workspace, .record = t->record,
		.version = version };
}

struct row_id
ca_row_id(const struct ca *ca)
{
	return (struct row_id){ .table = TABLE_CA,
		.workspace = ca->item.workspace, .record = ca->record };
}

struct row_id
ca_key_id(const struct ca *ca)
{
	return (struct row_id){ .table = TABLE_SSH_KEY,
		.workspace = ca->item.workspace, .record = ca->record,
		.version = 1 };
}

void
target_put_keys(struct wire_writer *w, const struct target *t)
{
	struct wire_list l;

	list_begin(&l, w);
	for (uint32_t i = 0; i < t->key_count; i++) {
		const struct target_key *k = &t->keys[i];
		const struct target_key_item item = { k->version, k->created,
			{ k->public, PUBLIC_KEY_LEN } };

		target_key_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
}

void
target_put_pins(struct wire_writer *w, const struct target *t)
{
	struct wire_list l;

	list_begin(&l, w);
	for (uint32_t i = 0; i < t->pin_count; i++) {
		const struct pin_item item = { { t->pins[i].blob,
			t->pins[i].len } };

		pin_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
}

void
target_put_namespaces(struct wire_writer *w, const struct target *t)
{
	struct wire_list l;

	list_begin(&l, w);
	for (uint32_t i = 0; i < t->namespace_count; i++) {
		const struct namespace_item item = {
			view_of(t->namespaces[i]) };

		namespace_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
}

void
target_put(struct wire_writer *w, const struct target *t)
{
	const struct target_row row = {
		.name = view_of(t->item.name),
		.revision = t->revision,
		.host = view_of(t->host),
		.port = t->port,
		.user = view_of(t->user),
		.for_runs = t->for_runs,
		.for_ca = t->for_ca,
		.options = view_of(t->options),
		.created = t->created,
		.updated = t->updated,
		.uid = t->uid,
		.last_version = t->last_version,
	};

	target_row_put(w, &row);
	lists_take_back(w, 3);
	target_put_keys(w, t);
	target_put_pins(w, t);
	target_put_namespaces(w, t);
}

void
ca_put(struct wire_writer *w, const struct ca *ca)
{
	const struct ca_row row = {
		.created = ca->created,
		.uid = ca->uid,
		.public = { ca->public, PUBLIC_KEY_LEN },
		.next_serial = ca->next_serial,
		.krl_version = ca->krl_version,
	};
	struct wire_list l;

	ca_row_put(w, &row);
	lists_take_back(w, 1);
	list_begin(&l, w);
	for (uint32_t i = 0; i < ca->revoked_count; i++) {
		const struct revoked_item item = { ca->revoked[i].serial,
			ca->revoked[i].until };

		revoked_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
}

/* Versions rise, and the last one is not behind last_version. */
static bool
get_keys(struct target *t, struct list l)
{
	struct wire_reader r = list_reader(l);
	struct target_key_item item;
	uint32_t before = 0;

	if (l.count == 0 || l.count > TARGET_KEYS_MAX)
		return false;
	for (uint32_t i = 0; i < l.count; i++) {
		target_key_item_get(&r, &item);
		if (r.bad || item.version <= before ||
		    item.public.len != PUBLIC_KEY_LEN)
			return false;
		before = item.version;
		t->keys[i].version = item.version;
		t->keys[i].created = item.created;
		memcpy(t->keys[i].public, item.public.data, PUBLIC_KEY_LEN);
	}
	t->key_count = l.count;
	return wire_reader_done(&r) && before <= t->last_version;
}

static bool
from_row(struct target *t, const struct target_row *row)
{
	const struct target_settings settings = { row->host, row->port,
		row->user, row->for_runs, row->options, row->namespaces };

	if (!name_is_secret(row->name) || !target_set(t, &settings))
		return false;
	view_copy(t->item.name, row->name);
	t->revision = row->revision;
	t->created = row->created;
	t->updated = row->updated;
	t->uid = row->uid;
	t->last_version = row->last_version;
	t->for_ca = row->for_ca;
	return get_keys(t, row->keys) && target_pin(t, row->pins);
}

struct target *
target_new(void)
{
	struct target *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->item.size = sizeof(*t);
	return t;
}

struct target *
target_get(uint64_t workspace, uint64_t record, struct view plain,
    enum cofre_status *st)
{
	struct target_row row;
	struct target *t;

	*st = COFRE_CORRUPT;
	if (!target_row_decode(plain, &row))
		return NULL;
	if ((t = target_new()) == NULL) {
		*st = COFRE_LIMIT;
		return NULL;
	}
	t->item.workspace = workspace;
	t->record = record;
	if (from_row(t, &row)) {
		*st = COFRE_OK;
		return t;
	}
	sshitem_free(&t->item);
	return NULL;
}

struct ca *
ca_new(void)
{
	struct ca *ca = calloc(1, sizeof(*ca) +
	    CA_REVOKED_MAX * sizeof(struct ca_revoked));

	/* The room behind it is large, mostly untouched, and no secret. */
	if (ca != NULL)
		ca->item.size = sizeof(*ca);
	return ca;
}

static bool
get_revoked(struct ca *ca, struct list l)
{
	struct wire_reader r = list_reader(l);
	struct revoked_item item;

	for (uint32_t i = 0; i < l.count && i < CA_REVOKED_MAX; i++) {
		revoked_item_get(&r, &item);
		ca->revoked[i].serial = item.serial;
		ca->revoked[i].until = item.until;
	}
	ca->revoked_count = l.count;
	return wire_reader_done(&r);
}

struct ca *
ca_get(uint64_t workspace, uint64_t record, struct view plain,
    enum cofre_status *st)
{
	struct ca_row row;
	struct ca *ca;

	*st = COFRE_CORRUPT;
	if (!ca_row_decode(plain, &row) || row.public.len != PUBLIC_KEY_LEN)
		return NULL;
	if ((ca = ca_new()) == NULL) {
		*st = COFRE_LIMIT;
		return NULL;
	}
	ca->item.workspace = workspace;
	ca->record = record;
	ca->created = row.created;
	ca->uid = row.uid;
	ca->next_serial = ca->given = row.next_serial;
	ca->krl_version = row.krl_version;
	memcpy(ca->public, row.public.data, PUBLIC_KEY_LEN);
	if (get_revoked(ca, row.revoked)) {
		*st = COFRE_OK;
		return ca;
	}
	sshitem_free(&ca->item);
	return NULL;
}

struct target *
target_copy(const struct target *t)
{
	struct target *copy = malloc(sizeof(*copy));

	if (copy != NULL)
		*copy = *t;
	return copy;
}
