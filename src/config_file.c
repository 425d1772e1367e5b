#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#define FILE_MAX (64u * 1024)
#define KEY_MAX 32u

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One line, without its comment, cut in two. */
struct line {
	char key[KEY_MAX];
	char value[CONFIG_PATH_MAX];
};

/* Copy what is left of s without blanks at both ends, if it fits. */
static bool
copy_trimmed(char *out, size_t size, const char *s, size_t len)
{
	while (len > 0 && is_blank(s[0])) {
		s++;
		len--;
	}
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	if (len >= size)
		return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return true;
}

/* A key that is too long for any, as it is shown: its beginning. */
static void
shorten(char key[KEY_MAX], const char *s, size_t len)
{
	while (len > 0 && is_blank(*s)) {
		s++;
		len--;
	}
	(void)snprintf(key, KEY_MAX, "%.*s...",
	    (int)(len < KEY_MAX - 4 ? len : KEY_MAX - 4), s);
}

/* NULL, or what is wrong.  An empty line gives an empty key. */
static const char *
cut_line(struct line *l, const char *s, size_t len)
{
	const char *hash = memchr(s, '#', len);
	const char *eq;

	if (hash != NULL)
		len = (size_t)(hash - s);
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') ||
		    s[i] == 0x7f)
			return "a control character";
	eq = memchr(s, '=', len);
	if (eq == NULL) {
		if (!copy_trimmed(l->key, sizeof(l->key), s, len) ||
		    l->key[0] != '\0')
			return "this is not of the form \"key = value\"";
		return NULL;
	}
	if (!copy_trimmed(l->key, sizeof(l->key), s, (size_t)(eq - s)))
		shorten(l->key, s, (size_t)(eq - s));
	if (l->key[0] == '\0')
		return "this is not of the form \"key = value\"";
	if (!copy_trimmed(l->value, sizeof(l->value), eq + 1,
		len - (size_t)(eq + 1 - s)))
		return "the value is too long";
	return NULL;
}

/* Nothing that a terminal acts upon. */
static const char *
printable(char key[KEY_MAX])
{
	for (char *p = key; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return key;
}

/* Which key of the table it is; false for none. */
static bool
find_key(const char *name, size_t *index)
{
	for (size_t i = 0; config_key(i) != NULL; i++) {
		if (strcmp(config_key(i), name) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

/*
 * Take one line into c; seen has a bit for each key.  False, with what is
 * wrong in why.
 */
static bool
parse_line(struct config *c, uint64_t *seen, const char *s, size_t len,
    char why[CONFIG_ERROR_MAX])
{
	struct line l;
	const char *wrong = cut_line(&l, s, len);
	size_t i = 0;

	if (wrong == NULL && l.key[0] == '\0')
		return true;
	if (wrong != NULL) {
		(void)snprintf(why, CONFIG_ERROR_MAX, "%s", wrong);
		return false;
	}
	if (!find_key(l.key, &i)) {
		(void)snprintf(why, CONFIG_ERROR_MAX, "unknown key '%s'",
		    printable(l.key));
		return false;
	}
	if ((*seen >> i & 1) != 0) {
		(void)snprintf(why, CONFIG_ERROR_MAX, "%s is given twice",
		    l.key);
		return false;
	}
	*seen |= UINT64_C(1) << i;
	return config_set(c, l.key, l.value, why);
}

bool
config_parse(struct config *c, const char *name, const char *text,
    size_t len, char error[CONFIG_ERROR_MAX])
{
	struct config fresh = *c;
	char why[CONFIG_ERROR_MAX];
	uint64_t seen = 0;
	unsigned line = 1;

	for (size_t at = 0; at < len; line++) {
		const char *s = text + at;
		const char *end = memchr(s, '\n', len - at);
		size_t n = end == NULL ? len - at : (size_t)(end - s);

		if (!parse_line(&fresh, &seen, s, n, why)) {
			(void)snprintf(error, CONFIG_ERROR_MAX,
			    "%.200s:%u: %.256s", name, line, why);
			return false;
		}
		at += n + 1;
	}
	*c = fresh;
	return true;
}

/* Who could have written the file?  NULL, or what is wrong with it. */
static const char *
check_file(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "neither root nor the user of the daemon owns it";
	if ((st->st_mode & 022) != 0)
		return "its group or others can write it";
	if (st->st_nlink == 0)
		return "the file was replaced since the start; "
		    "restart the daemon to take the new one";
	if ((uintmax_t)st->st_size > FILE_MAX)
		return "over 64 KiB";
	return NULL;
}

/* All of it, from the beginning; -1 with errno. */
static ssize_t
read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = pread(fd, text + len, size - len, (off_t)len);
		if (n == -1)
			return -1;
		len += (size_t)n;
	} while (n > 0 && len < size);
	return (ssize_t)len;
}

bool
config_read_fd(struct config *c, const char *name, int fd,
    char error[CONFIG_ERROR_MAX])
{
	struct stat st;
	const char *why;
	char *text;
	ssize_t len;
	bool ok = false;

	why = fstat(fd, &st) == -1 ? strerror(errno) : check_file(&st);
	if (why != NULL) {
		(void)snprintf(error, CONFIG_ERROR_MAX, "%s: %s", name, why);
		return false;
	}
	text = malloc(FILE_MAX);
	len = text == NULL ? -1 : read_all(fd, text, FILE_MAX);
	if (len == -1)
		(void)snprintf(error, CONFIG_ERROR_MAX, "%s: %s", name,
		    strerror(errno));
	else
		ok = config_parse(c, name, text, (size_t)len, error);
	free(text);
	return ok;
}
