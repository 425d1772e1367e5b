/*
 * Any bytes as the line of a host's key; and, cut up at their NULs, as the
 * texts of a line of authorized_keys.  A line that is made is one line, and
 * means to sshd(8) what it was made of: its options end where they should,
 * behind them is the key, and then the comment.
 */
#include <stdlib.h>
#include <string.h>

#include "ssh_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The blob of a key of 32 letters, and its line. */
#define BLOB                                                                 \
	"\0\0\0\013ssh-ed25519\0\0\0\040" "abcdefghijklmnopqrstuvwxyzabcdef"
#define LINE                                                                 \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFiY2RlZmdoaWprbG1ub3BxcnN0"    \
	"dXZ3eHl6YWJjZGVm"

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Take the bytes before the next NUL. */
static struct view
next_text(struct view *in)
{
	const uint8_t *nul = in->len > 0 ? memchr(in->data, '\0', in->len) :
		NULL;
	size_t n = nul == NULL ? in->len : (size_t)(nul - in->data);
	struct view v = { in->data, n };

	in->data += nul == NULL ? n : n + 1;
	in->len -= nul == NULL ? n : n + 1;
	return v;
}

/* What is behind the options: sshd goes to the first space that is not in
   quotes, and knows \" as no end of them. */
static const char *
behind_options(const char *s)
{
	bool quoted = false;

	for (; *s != '\0' && (quoted || *s != ' '); s++) {
		must(*s != '\\');
		if (*s == '"')
			quoted = !quoted;
	}
	must(*s == ' ' && !quoted);
	return s + 1;
}

static void
check_made(const struct ssh_line *l)
{
	static char text[SSH_LINE_SIZE];
	const char *key = text;

	if (!ssh_line_make(text, sizeof(text), l)) {
		must(text[0] == '\0');
		return;
	}
	must(ssh_text_is_ascii(view_of(text), sizeof(text)));
	if (l->restricted || l->is_authority || l->from.len > 0)
		key = behind_options(text);
	must(strncmp(key, LINE, strlen(LINE)) == 0);
	key += strlen(LINE);
	must(l->comment.len == 0 ? *key == '\0' :
	    *key == ' ' && view_is(l->comment, key + 1));
}

static void
check_read(struct view line)
{
	static uint8_t bytes[SSH_BLOB_MAX];
	static char text[SSH_LINE_SIZE];
	struct ssh_host_key k;

	if (!ssh_line_host_key(line, bytes, &k))
		return;
	must(k.blob.data == bytes && ssh_key_type(k.blob) == k.type);
	must(k.host.len == 0 || (k.host.data >= line.data &&
	    k.host.data + k.host.len <= line.data + line.len));
	must(ssh_line_known_host(text, sizeof(text), view_of("h"), 22,
	    k.blob));
	must(ssh_line_host_key(view_of(text), bytes, &k));
	must(view_is(k.host, "h"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = { data, size };
	struct ssh_line l = { .blob = { (const uint8_t *)BLOB,
		sizeof(BLOB) - 1 } };

	check_read(in);
	if (size > 0) {
		l.restricted = (data[0] & 1) != 0;
		l.is_authority = (data[0] & 2) != 0;
		in.data++;
		in.len--;
	}
	l.from = next_text(&in);
	l.principals = next_text(&in);
	l.comment = in;
	check_made(&l);
	return 0;
}
