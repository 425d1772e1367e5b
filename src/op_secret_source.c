/* Where a secret's new values come from. */
#include <stdio.h>

#include "names.h"
#include "secret_rows.h"

/* An argument is text: what a line of a program's input can be. */
static bool
is_text(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] < 0x20 || v.data[i] == 0x7f)
			return false;
	return true;
}

static enum cofre_status
check(const struct secret_source_request *in)
{
	struct wire_reader r = list_reader(in->arguments);
	struct argument_item m, other;

	if (in->source.len == 0 ? in->arguments.count != 0 :
				  !name_is_source(in->source))
		return COFRE_INVALID;
	for (uint32_t i = 0; i < in->arguments.count; i++) {
		struct wire_reader before = list_reader(in->arguments);

		argument_item_get(&r, &m);
		if (r.bad || !name_is_field(m.name) || !is_text(m.value))
			return COFRE_INVALID;
		for (uint32_t j = 0; j < i; j++) {
			argument_item_get(&before, &other);
			if (view_equal(m.name, other.name))
				return COFRE_INVALID;
		}
	}
	return wire_reader_done(&r) ? COFRE_OK : COFRE_INVALID;
}

enum cofre_status
op_secret_source(struct request *q, const struct secret_source_request *in)
{
	struct catalog_entry e;
	struct head_row head;
	enum cofre_status st;

	if ((st = check(in)) != COFRE_OK || (st = secret_find(q, &e)) != COFRE_OK)
		return st;
	if (e.state == SECRET_DELETED)
		return COFRE_DELETED;
	if ((st = vault_begin(&q->sv->vault, 65536, false)) != COFRE_OK ||
	    (st = secret_head(q, &e, &head)) != COFRE_OK)
		return st;
	q->version = head.version;
	head.source = in->source;
	head.arguments = in->arguments;
	/* What the old source has said is nothing that the new one knows. */
	head.slot = head.retire = 0;
	head.retire_version = 0;
	head.serial = head.checked = 0;
	head.problem = (struct view){ NULL, 0 };
	(void)snprintf(q->detail, sizeof(q->detail), "source %.*s",
	    in->source.len == 0 ? 4 : (int)in->source.len,
	    in->source.len == 0 ? "none" : (const char *)in->source.data);
	return secret_save_head(q, e.record, &head);
}
