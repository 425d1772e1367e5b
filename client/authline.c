#include "authline.h"

#include <stdio.h>
#include <string.h>

#define RESTRICT "restrict"
#define FROM "from=\""

/* Take word off the beginning of what is left. */
static bool
take(struct view *left, const char *word)
{
	size_t n = strlen(word);

	if (left->len < n || memcmp(left->data, word, n) != 0)
		return false;
	*left = (struct view){ left->data + n, left->len - n };
	return true;
}

bool
authline_parse(struct view text, struct authline_options *o)
{
	struct view left = text;

	*o = (struct authline_options){ .restricted = false };
	if (left.len == 0)
		return true;
	o->restricted = take(&left, RESTRICT);
	if (o->restricted && left.len == 0)
		return true;
	if ((o->restricted && !take(&left, ",")) || !take(&left, FROM) ||
	    left.len < 2 || left.data[left.len - 1] != '"')
		return false;
	o->from = (struct view){ left.data, left.len - 1 };
	return ssh_text_is_from(o->from);
}

bool
authline_print(char *text, size_t size, const struct authline_options *o)
{
	int n;

	if (o->from.len == 0)
		n = snprintf(text, size, "%s", o->restricted ? RESTRICT : "");
	else
		n = !ssh_text_is_from(o->from) ? -1 :
		    snprintf(text, size, "%s" FROM "%.*s\"",
			o->restricted ? RESTRICT "," : "", (int)o->from.len,
			(const char *)o->from.data);
	return n >= 0 && (size_t)n < size;
}

void
authline_prefix(char text[AUTHLINE_COMMENT], const char *workspace,
    const char *name)
{
	(void)snprintf(text, AUTHLINE_COMMENT, "cofre:%s/%s#", workspace,
	    name);
}

void
authline_comment(char text[AUTHLINE_COMMENT], const char *workspace,
    const char *name, uint32_t version)
{
	size_t len;

	authline_prefix(text, workspace, name);
	len = strlen(text);
	(void)snprintf(text + len, AUTHLINE_COMMENT - len, "%u",
	    (unsigned)version);
}

static bool
make(char text[SSH_LINE_SIZE], const struct authline_options *o,
    const uint8_t key[SSH_KEY_LEN], const char *comment)
{
	uint8_t bytes[SSH_KEY_BLOB_LEN];
	struct wire_writer w;
	struct ssh_line l = { .restricted = o->restricted, .from = o->from,
		.comment = view_of(comment) };

	wire_writer_init(&w, bytes, sizeof(bytes));
	ssh_key_put(&w, key);
	l.blob = (struct view){ bytes, w.len };
	return ssh_line_make(text, SSH_LINE_SIZE, &l);
}

bool
authline_make(char text[SSH_LINE_SIZE], struct view options,
    const uint8_t key[SSH_KEY_LEN], const char *comment)
{
	struct authline_options o;

	return authline_parse(options, &o) && make(text, &o, key, comment);
}

bool
authline_public(char text[SSH_LINE_SIZE], const uint8_t key[SSH_KEY_LEN],
    const char *comment)
{
	const struct authline_options none = { .restricted = false };

	return make(text, &none, key, comment);
}
