#include "authline.h"

#include <stdio.h>
#include <string.h>

#define RESTRICT "restrict"
#define FROM "from=\""

bool
authline_print(char *text, size_t size, const struct sshname_options *o)
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
make(char text[SSH_LINE_SIZE], const struct sshname_options *o,
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
	struct sshname_options o;

	return sshname_options(options, &o) && make(text, &o, key, comment);
}

bool
authline_public(char text[SSH_LINE_SIZE], const uint8_t key[SSH_KEY_LEN],
    const char *comment)
{
	const struct sshname_options none = { .restricted = false };

	return make(text, &none, key, comment);
}
