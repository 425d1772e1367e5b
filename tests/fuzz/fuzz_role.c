/*
 * Any bytes as a role's JSON: no crash; what is refused has a reason; what
 * is taken is within the limits of the protocol, can be sent, and is the
 * same again after it was written and read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rolejson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The request as it is sent, in to; its length. */
static size_t
sent(const struct role_put_request *q, uint8_t to[FRAME_MAX])
{
	struct role_put_request again;
	struct wire_writer w;

	wire_writer_init(&w, to, FRAME_MAX);
	role_put_request_put(&w, q);
	must(!w.bad);
	must(role_put_request_decode((struct view){ to, w.len }, &again));
	return w.len;
}

/* The JSON of the role that the request makes, to be freed. */
static char *
written(const struct role_put_request *q, size_t *len)
{
	const struct role_show_reply m = { .name = q->name, .custom = true,
		.description = q->description, .patterns = q->actions,
		.not_actions = q->not_actions,
		.data_actions = q->data_actions,
		.not_data_actions = q->not_data_actions,
		.scopes = q->scopes };
	char *text = NULL;
	FILE *f = open_memstream(&text, len);
	json_t *all = NULL;

	must(f != NULL && rolejson_make(&m, &all) == COFRE_OK);
	must(output_json(all, f) && fclose(f) == 0);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[FRAME_MAX], second[FRAME_MAX];
	struct problem p = { "" };
	struct rolejson r, again;
	size_t len, n;
	char *text;

	if (rolejson_parse((struct view){ data, size }, &r, &p) != COFRE_OK) {
		must(p.text[0] != '\0');
		return 0;
	}
	must(r.q.name.len > 0 && r.q.scopes.count > 0);
	n = sent(&r.q, first);
	text = written(&r.q, &len);
	must(len <= ROLEJSON_MAX);
	must(rolejson_parse((struct view){ (const uint8_t *)text, len },
		 &again, &p) == COFRE_OK);
	must(sent(&again.q, second) == n && memcmp(first, second, n) == 0);
	rolejson_free(&again);
	rolejson_free(&r);
	free(text);
	return 0;
}
