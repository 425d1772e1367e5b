#include "sshline.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authline.h"

#define KNOWN_HOSTS "known_hosts"
#define CERTIFICATE "certificate"
#define RECORDER "recorder"
#define MET "recorder.met"
/*
 * What ssh is given for its KnownHostsCommand: the key that it has met, which
 * this writes down.  It says nothing, so that it makes no host known.  When
 * keys are pinned and that is none of them, ssh would refuse it, and advise to
 * take a line out of a file that is gone then: it is ended before.
 */
#define RECORDER_TEXT                                                       \
	"test \"$2\" != NONE || exit 0\n"                                  \
	"echo \"$1 $2\" >>\"$0.met\"\n"                                    \
	"known=${0%/*}/" KNOWN_HOSTS "\n"                                   \
	"test -e \"$known\" || exit 0\n"                                   \
	"while read -r name type key; do\n"                                 \
	"	test \"$key\" != \"$2\" || exit 0\n"                      \
	"done <\"$known\"\n"                                               \
	"kill -KILL \"$PPID\"\n"
#define MET_MAX (4u * SSH_BLOB_MAX)

/* The name under which a host is known: the target's, not the host's own. */
static const char *
alias(const struct targetinfo *t, char to[256])
{
	(void)snprintf(to, 256, "%s.%s", t->name.workspace, t->name.name);
	return to;
}

void
sshline_add(struct sshline *l, const char *word)
{
	if (l->count == SSHLINE_WORDS)
		l->full = true;
	else
		l->words[l->count++] = (char *)(uintptr_t)word;
	l->words[l->count] = NULL;
}

__attribute__((format(printf, 2, 0))) static void
add_text(struct sshline *l, const char *format, va_list ap)
{
	size_t left = sizeof(l->text) - l->used;
	int n = vsnprintf(l->text + l->used, left, format, ap);

	if (n < 0 || (size_t)n >= left) {
		l->full = true;
		return;
	}
	sshline_add(l, l->text + l->used);
	l->used += (size_t)n + 1;
}

void
sshline_option(struct sshline *l, const char *format, ...)
{
	va_list ap;

	sshline_add(l, "-o");
	va_start(ap, format);
	add_text(l, format, ap);
	va_end(ap);
}

static bool
write_known_hosts(const struct privatedir *dir, const struct targetinfo *t,
    const struct view *pins, size_t count)
{
	char text[TARGET_PINS_MAX * 512], name[256];
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		size_t left = sizeof(text) - len;

		if (left < 2 || !ssh_line_known_host(text + len, left - 1,
				    view_of(alias(t, name)), 22, pins[i])) {
			errno = EINVAL;
			return false;
		}
		len += strlen(text + len);
		text[len++] = '\n';
	}
	return privatedir_write(dir, KNOWN_HOSTS,
	    (struct view){ (const uint8_t *)text, len });
}

/* A key that is pinned, and no other way to know the host. */
static void
add_pinned(struct sshline *l, const struct targetinfo *t)
{
	char path[PRIVATEDIR_PATH], name[256];

	sshline_option(l, "UserKnownHostsFile=%s", privatedir_path(l->dir,
	    KNOWN_HOSTS, path));
	sshline_option(l, "GlobalKnownHostsFile=/dev/null");
	sshline_option(l, "HostKeyAlias=%s", alias(t, name));
	sshline_option(l, "StrictHostKeyChecking=yes");
	sshline_option(l, "CheckHostIP=no");
	sshline_option(l, "VerifyHostKeyDNS=no");
}

bool
sshline_begin(struct sshline *l, const struct privatedir *dir,
    const struct targetinfo *t, const struct view *pins, size_t pin_count)
{
	char path[PRIVATEDIR_PATH];

	*l = (struct sshline){ .dir = dir };
	if (!privatedir_write(dir, RECORDER, view_of(RECORDER_TEXT)) ||
	    (pin_count > 0 && !write_known_hosts(dir, t, pins, pin_count)))
		return false;
	sshline_add(l, "ssh");
	/* What comes first holds, whatever options follow. */
	sshline_option(l, "HostKeyAlgorithms=%s", SSH_ED25519);
	sshline_option(l, "KnownHostsCommand=/bin/sh %s %%t %%K",
	    privatedir_path(dir, RECORDER, path));
	sshline_option(l, "UpdateHostKeys=no");
	sshline_option(l, "ControlPath=none");
	sshline_option(l, "ForwardAgent=no");
	if (pin_count > 0)
		add_pinned(l, t);
	return true;
}

bool
sshline_certificate(struct sshline *l, struct view certificate)
{
	char line[SSH_LINE_SIZE], path[PRIVATEDIR_PATH];

	errno = EINVAL;
	if (!ssh_line_make(line, sizeof(line), &(struct ssh_line){
		.blob = certificate }) ||
	    !privatedir_write(l->dir, CERTIFICATE, view_of(line)))
		return false;
	sshline_option(l, "CertificateFile=%s", privatedir_path(l->dir,
	    CERTIFICATE, path));
	return true;
}

bool
sshline_keys(struct sshline *l, const struct targetinfo *t, uint32_t only)
{
	char line[SSH_LINE_SIZE], file[SSH_LINE_SIZE + 1];
	char comment[AUTHLINE_COMMENT], name[32], path[PRIVATEDIR_PATH];

	for (size_t i = 0; i < t->key_count; i++) {
		const struct targetinfo_key *k = &t->keys[i];

		if (only != 0 && k->version != only)
			continue;
		authline_comment(comment, t->name.workspace, t->name.name,
		    k->version);
		(void)snprintf(name, sizeof(name), "key%zu", i);
		errno = EINVAL;
		if (!authline_public(line, k->public, comment))
			return false;
		(void)snprintf(file, sizeof(file), "%s\n", line);
		if (!privatedir_write(l->dir, name, view_of(file)))
			return false;
		sshline_option(l, "IdentityFile=%s", privatedir_path(l->dir,
		    name, path));
	}
	sshline_option(l, "IdentitiesOnly=yes");
	sshline_option(l, "IdentityAgent=SSH_AUTH_SOCK");
	sshline_option(l, "PreferredAuthentications=publickey");
	if (only != 0) {
		/* Certificates would come before keys. */
		sshline_option(l, "PubkeyAcceptedAlgorithms=" SSH_ED25519);
		sshline_option(l, "BatchMode=yes");
	}
	return true;
}

bool
sshline_end(struct sshline *l, const struct targetinfo *t, const char *user,
    char *const *command, size_t count)
{
	static const char port[] = "Port=%u";

	/* Where nothing else was said. */
	sshline_option(l, "ConnectTimeout=60");
	sshline_option(l, "ServerAliveInterval=30");
	sshline_option(l, "ServerAliveCountMax=4");
	sshline_option(l, port, (unsigned)t->port);
	sshline_add(l, "-l");
	sshline_add(l, user);
	sshline_add(l, "--");
	sshline_add(l, t->host);
	for (size_t i = 0; i < count; i++)
		sshline_add(l, command[i]);
	return !l->full;
}

bool
sshline_met(const struct privatedir *dir, uint8_t bytes[SSH_BLOB_MAX],
    struct view *blob)
{
	char text[MET_MAX];
	struct ssh_host_key k;
	struct view line;
	size_t len;
	const char *end;

	if (!privatedir_read(dir, MET, text, sizeof(text), &len))
		return false;
	end = memchr(text, '\n', len);
	line = (struct view){ (const uint8_t *)text,
		end == NULL ? len : (size_t)(end - text) };
	if (!ssh_line_host_key(line, bytes, &k))
		return false;
	*blob = k.blob;
	return true;
}
