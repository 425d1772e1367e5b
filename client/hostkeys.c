#include "hostkeys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "path.h"

#define FILE_MAX (64u * 1024)
#define SSH_PORT 22u
#define MARKER "@revoked"
#define MARKER_LEN (sizeof(MARKER) - 1)
#define NAME_SIZE (HOST_MAX + sizeof("[]:4294967295"))

static bool
is_there(const struct hostkeys *h, struct view blob)
{
	for (size_t i = 0; i < h->count; i++)
		if (memcmp(h->blobs[i], blob.data, blob.len) == 0)
			return true;
	return false;
}

/* What a line is: the later ones come closer to what is looked for. */
enum kind {
	NO_KEY,	  /* a comment, or a key of another type */
	ANOTHERS, /* a key of another host */
	HASHED,	  /* a key of a host whose name can't be read */
	REVOKED,  /* a key that another line revokes */
	KEY
};

static bool
is_name(struct view v, const char *name)
{
	return v.len == strlen(name) &&
	    strncasecmp((const char *)v.data, name, v.len) == 0;
}

/* The host, as known_hosts has it. */
static char *
print_name(const struct hostkeys *h, char to[NAME_SIZE])
{
	if (h->port == SSH_PORT)
		(void)snprintf(to, NAME_SIZE, "%s", h->host);
	else
		(void)snprintf(to, NAME_SIZE, "[%s]:%u", h->host,
		    (unsigned)h->port);
	return to;
}

/* Is the host in a list of names with commas between? */
static bool
is_named(const struct hostkeys *h, struct view list)
{
	char text[NAME_SIZE];
	const uint8_t *comma;
	struct view name;

	if (memchr(list.data, '!', list.len) != NULL)
		return false;
	for (; list.len > 0; list = (struct view){ name.data + name.len + 1,
		list.len - name.len - 1 }) {
		comma = memchr(list.data, ',', list.len);
		name = (struct view){ list.data, comma == NULL ? list.len :
			(size_t)(comma - list.data) };
		if (is_name(name, print_name(h, text)))
			return true;
		if (comma == NULL)
			break;
	}
	return false;
}

static enum kind
read_line(const struct hostkeys *h, struct view line, uint8_t *bytes,
    struct ssh_host_key *k)
{
	if (!ssh_line_host_key(line, bytes, k) ||
	    strcmp(k->type, SSH_ED25519) != 0)
		return NO_KEY;
	if (k->host.len == 0 || is_named(h, k->host))
		return KEY;
	return k->host.data[0] == '|' ? HASHED : ANOTHERS;
}

/* Take the first line off a text. */
static struct view
next_line(struct view *text)
{
	const uint8_t *end = memchr(text->data, '\n', text->len);
	size_t n = end == NULL ? text->len : (size_t)(end - text->data);
	struct view line = { text->data, n };

	n += end == NULL ? 0 : 1;
	*text = (struct view){ text->data + n, text->len - n };
	return line;
}

/*
 * What stands behind "@revoked"; empty for any other line.  It ends where
 * ssh_line_host_key() would take nothing: OpenSSH does not look at what is
 * there.
 */
static struct view
revoked_part(struct view line)
{
	size_t n = 0;

	while (line.len > 0 && (*line.data == ' ' || *line.data == '\t'))
		line = (struct view){ line.data + 1, line.len - 1 };
	if (line.len <= MARKER_LEN ||
	    memcmp(line.data, MARKER, MARKER_LEN) != 0 ||
	    strchr(" \t", line.data[MARKER_LEN]) == NULL)
		return (struct view){ line.data, 0 };
	line = (struct view){ line.data + MARKER_LEN, line.len - MARKER_LEN };
	while (n < line.len && line.data[n] != 0x7f &&
	    (line.data[n] >= ' ' || line.data[n] == '\t'))
		n++;
	return (struct view){ line.data, n };
}

/* Could the host be one of these?  Patterns and hashes may mean any. */
static bool
may_be_named(const struct hostkeys *h, struct view list)
{
	for (size_t i = 0; i < list.len; i++)
		if (strchr("*?!|", list.data[i]) != NULL)
			return true;
	return list.len == 0 || is_named(h, list);
}

/* Does a line of the file, wherever it stands, revoke that key? */
static bool
is_revoked(const struct hostkeys *h, struct view file, struct view blob)
{
	uint8_t bytes[SSH_BLOB_MAX];
	struct ssh_host_key k;

	while (file.len > 0)
		if (ssh_line_host_key(revoked_part(next_line(&file)), bytes,
			&k) &&
		    view_equal(k.blob, blob) && may_be_named(h, k.host))
			return true;
	return false;
}

/* Add it, if it is a key of the host; *kind is what it is. */
static enum cofre_status
add_line(struct hostkeys *h, struct view line, struct view file,
    enum kind *kind, struct problem *p)
{
	uint8_t bytes[SSH_BLOB_MAX];
	struct ssh_host_key k;

	*kind = read_line(h, line, bytes, &k);
	if (*kind == KEY && is_revoked(h, file, k.blob))
		*kind = REVOKED;
	if (*kind != KEY || is_there(h, k.blob))
		return COFRE_OK;
	if (h->count == TARGET_PINS_MAX)
		return problem_set(p, COFRE_ARGUMENT,
		    "there are more than %u host keys", TARGET_PINS_MAX);
	memcpy(h->blobs[h->count], k.blob.data, SSH_KEY_BLOB_LEN);
	h->views[h->count] = (struct view){ h->blobs[h->count],
		SSH_KEY_BLOB_LEN };
	h->count++;
	return COFRE_OK;
}

/* No line was taken; kind is that of the one that came closest. */
static enum cofre_status
refuse(const struct hostkeys *h, const char *text, enum kind kind,
    struct problem *p)
{
	char name[NAME_SIZE];

	(void)print_name(h, name);
	if (kind == REVOKED)
		return problem_set(p, COFRE_ARGUMENT,
		    "--host-key %.100s revokes the key of %.100s that it has",
		    text, name);
	if (kind == HASHED)
		return problem_set(p, COFRE_ARGUMENT,
		    "--host-key %.100s has the names of hosts as hashes, which "
		    "do not tell whose key it is: say the key of %.100s without "
		    "the hash, 'ssh-ed25519 AAAA...'", text, name);
	if (kind == ANOTHERS)
		return problem_set(p, COFRE_ARGUMENT,
		    "--host-key %.100s has keys of other hosts, and none of "
		    "%.100s", text, name);
	return problem_set(p, COFRE_ARGUMENT,
	    "--host-key %.100s has no key of type " SSH_ED25519, text);
}

/* At most FILE_MAX + 1 bytes of it; -1 with errno. */
static ssize_t
read_file(const char *path, uint8_t *to)
{
	int fd = path_open(path, O_RDONLY | O_NOCTTY);
	size_t len = 0;
	ssize_t n = 1;
	int error;

	if (fd == -1)
		return -1;
	while (n > 0 && len <= FILE_MAX) {
		n = read(fd, to + len, FILE_MAX + 1 - len);
		if (n > 0)
			len += (size_t)n;
	}
	error = errno;
	(void)close(fd);
	errno = error;
	return n == -1 ? -1 : (ssize_t)len;
}

static enum cofre_status
add_file(struct hostkeys *h, const char *path, struct problem *p)
{
	uint8_t text[FILE_MAX + 1];
	ssize_t len = read_file(path, text);
	const struct view file = { text, len == -1 ? 0 : (size_t)len };
	struct view left = file;
	enum cofre_status s = COFRE_OK;
	enum kind kind, best = NO_KEY;

	if (len == -1)
		return problem_set(p, COFRE_ARGUMENT,
		    "--host-key %.200s is no line of a key, and can't be read: "
		    "%s", path, strerror(errno));
	if (file.len > FILE_MAX)
		return problem_set(p, COFRE_ARGUMENT,
		    "--host-key %.200s is longer than %u bytes: say the lines "
		    "of the host alone", path, FILE_MAX);
	while (s == COFRE_OK && left.len > 0) {
		s = add_line(h, next_line(&left), file, &kind, p);
		if (kind > best)
			best = kind;
	}
	return s == COFRE_OK && best != KEY ? refuse(h, path, best, p) : s;
}

enum cofre_status
hostkeys_add(struct hostkeys *h, const char *text, struct problem *p)
{
	enum kind kind;
	enum cofre_status s = add_line(h, view_of(text), (struct view){ NULL, 0 },
	    &kind, p);

	if (s != COFRE_OK || kind == KEY)
		return s;
	if (kind != NO_KEY)
		return refuse(h, text, kind, p);
	if (strchr(text, ' ') != NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "--host-key '%.100s' is no line of an " SSH_ED25519
		    " key", text);
	return add_file(h, text, p);
}
