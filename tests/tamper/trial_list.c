#include "trial_list.h"

#include <sodium.h>
#include <string.h>

struct trial_secret *
trial_secret(
    struct trial *t, const struct row_id *id, const struct head_row *head)
{
	struct trial_secret *s = &t->secrets[t->secret_count];

	if (t->secret_count == SECRETS_MAX ||
	    head->name.len >= sizeof(s->name))
		return NULL;
	t->secret_count++;
	*s = (struct trial_secret){ .workspace = id->workspace,
		.version = head->version,
		.state = head->state };
	memcpy(s->name, head->name.data, head->name.len);
	return s;
}

void
trial_value(struct trial_secret *s, struct view plain)
{
	struct wire_reader fields;
	struct field_item field;
	struct body_row body;

	if (!body_row_decode(plain, &body) || body.fields.count == 0)
		return;
	fields = list_reader(body.fields);
	field_item_get(&fields, &field);
	(void)crypto_generichash(
	    s->value, VALUE_SUM, field.value.data, field.value.len, NULL, 0);
}

void
trial_request(struct trial *t, const struct log_record *l)
{
	if (l->type == LOG_REQUEST && (l->flags & LOG_REPEATED) == 0 &&
	    t->request_count < RECORDS_MAX)
		t->requests[t->request_count++] =
		    (struct trial_record){ l->request, l->op, l->status };
}
