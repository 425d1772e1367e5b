#include "rowwalk.h"

#include <string.h>

static bool
is_evidence(enum table table)
{
	return table == TABLE_STATE || table == TABLE_SSH_STATE;
}

static bool
rises(const struct row_key *last, struct view key)
{
	size_t n = key.len < last->len ? key.len : last->len;
	int order = memcmp(last->bytes, key.data, n);

	return last->len == 0 || order < 0 ||
	    (order == 0 && last->len < key.len);
}

bool
rowwalk_next(struct rowwalk *w, struct view key, struct view value,
    struct row_id *id)
{
	struct view found;

	if (!row_key_parse(key, id) || !rises(&w->last, key) ||
	    store_get(w->store, key, &found) != COFRE_OK ||
	    found.data != value.data || found.len != value.len)
		return false;
	memcpy(w->last.bytes, key.data, key.len);
	w->last.len = (uint8_t)key.len;
	if (!is_evidence(id->table))
		tally_add(&w->sum, w->tally_key, key, value);
	return true;
}
