#include "hostkeys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "path.h"

#define FILE_MAX (64u * 1024)

static bool
is_there(const struct hostkeys *h, struct view blob)
{
	for (size_t i = 0; i < h->count; i++)
		if (memcmp(h->blobs[i], blob.data, blob.len) == 0)
			return true;
	return false;
}

/* A key of another type, or what is no key, is left; *found says which. */
static enum cofre_status
add_line(struct hostkeys *h, struct view line, bool *found,
    struct problem *p)
{
	uint8_t bytes[SSH_BLOB_MAX];
	struct ssh_host_key k;

	*found = ssh_line_host_key(line, bytes, &k) &&
	    strcmp(k.type, SSH_ED25519) == 0;
	if (!*found || is_there(h, k.blob))
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

/* At most FILE_MAX bytes of it; -1 with errno. */
static ssize_t
read_file(const char *path, uint8_t *to)
{
	int fd = path_open(path, O_RDONLY | O_NOCTTY);
	size_t len = 0;
	ssize_t n = 1;
	int error;

	if (fd == -1)
		return -1;
	while (n > 0 && len < FILE_MAX) {
		n = read(fd, to + len, FILE_MAX - len);
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
	uint8_t text[FILE_MAX];
	ssize_t len = read_file(path, text);
	struct view left = { text, len == -1 ? 0 : (size_t)len };
	enum cofre_status s = COFRE_OK;
	bool any = false, found;

	if (len == -1)
		return problem_set(p, COFRE_ARGUMENT,
		    "--host-key %.200s is no line of a key, and can't be read: "
		    "%s", path, strerror(errno));
	while (s == COFRE_OK && left.len > 0) {
		const uint8_t *end = memchr(left.data, '\n', left.len);
		size_t n = end == NULL ? left.len : (size_t)(end - left.data);

		s = add_line(h, (struct view){ left.data, n }, &found, p);
		any = any || found;
		n += end == NULL ? 0 : 1;
		left = (struct view){ left.data + n, left.len - n };
	}
	if (s == COFRE_OK && !any)
		return problem_set(p, COFRE_ARGUMENT,
		    "--host-key %.200s has no key of type " SSH_ED25519, path);
	return s;
}

enum cofre_status
hostkeys_add(struct hostkeys *h, const char *text, struct problem *p)
{
	bool found;
	enum cofre_status s = add_line(h, view_of(text), &found, p);

	if (s != COFRE_OK || found)
		return s;
	if (strchr(text, ' ') != NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "--host-key '%.100s' is no line of an " SSH_ED25519
		    " key", text);
	return add_file(h, text, p);
}
