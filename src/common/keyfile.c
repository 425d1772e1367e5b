#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto.h"
#include "secmem.h"

static bool
fail(char *error, size_t size, const char *text)
{
	(void)snprintf(error, size, "%s", text);
	return false;
}

static bool
fail_errno(char *error, size_t size, const char *what)
{
	(void)snprintf(error, size, "%s: %s", what, strerror(errno));
	return false;
}

static bool
check(int fd, char *error, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return fail_errno(error, size, "fstat");
	if (!S_ISREG(st.st_mode))
		return fail(error, size, "not a regular file");
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return fail(error, size, "group or others have access to it: "
		    "a keyfile is its owner's alone (chmod 600)");
	return true;
}

/* Read until the end, but no more than max bytes; -1 with errno. */
static ssize_t
read_all(int fd, uint8_t *to, size_t max)
{
	size_t len = 0;

	while (len < max) {
		ssize_t n = read(fd, to + len, max - len);

		if (n == 0)
			break;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

void
keyfile_key(const void *content, size_t len, uint8_t key[KEY_LEN])
{
	crypto_hash_personal(key, "cofre.keyfile.v1",
	    (struct view){ content, len });
	/* What the hash leaves of both. */
	secmem_wipe_stack();
	secmem_wipe_registers();
}

bool
keyfile_read_fd(int fd, uint8_t key[KEY_LEN], char *error, size_t size)
{
	struct secmem m;
	ssize_t n;
	bool good = false;

	if (!check(fd, error, size))
		return false;
	if (!crypto_init())
		return fail(error, size, "libsodium can't be initialised");
	if (!secmem_init(&m, KEYFILE_MAX + 1, true, false))
		return fail_errno(error, size, "memory for the key");
	n = read_all(fd, m.base, KEYFILE_MAX + 1);
	if (n == -1)
		(void)fail_errno(error, size, "read");
	else if ((size_t)n < KEYFILE_MIN || (size_t)n > KEYFILE_MAX)
		(void)fail(error, size, "a keyfile has 32 to 4096 bytes");
	else
		good = true;
	if (good)
		keyfile_key(m.base, (size_t)n, key);
	secmem_free(&m);
	return good;
}

bool
keyfile_read(const char *path, uint8_t key[KEY_LEN], char *error, size_t size)
{
	/* O_NONBLOCK: a FIFO without a writer must not make this wait. */
	int fd = open(path,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	char why[160];
	bool good;

	if (fd == -1) {
		(void)snprintf(error, size, "%s: %s", path,
		    errno == ELOOP ? "is a symbolic link" : strerror(errno));
		return false;
	}
	good = keyfile_read_fd(fd, key, why, sizeof(why));
	(void)close(fd);
	if (!good)
		(void)snprintf(error, size, "%s: %s", path, why);
	return good;
}
