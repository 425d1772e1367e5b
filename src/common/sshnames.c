#include "sshnames.h"

#include <string.h>

#include "ssh_text.h"

static bool
is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

/* One of these, or a letter or digit? */
static bool
is_of(uint8_t c, const char *others)
{
	return is_alnum(c) || (c != '\0' && strchr(others, c) != NULL);
}

static bool
fits(struct view v, size_t max, const char *first, const char *more)
{
	if (v.len == 0 || v.len > max || !is_of(v.data[0], first))
		return false;
	for (size_t i = 1; i < v.len; i++)
		if (!is_of(v.data[i], more))
			return false;
	return true;
}

bool
sshname_is_login(struct view v)
{
	return fits(v, LOGIN_MAX, "_", "._-");
}

bool
sshname_is_namespace(struct view v)
{
	return fits(v, NAMESPACE_MAX, "", "@._-");
}

/* Take the text off the front. */
static bool
take(struct view *v, const char *text)
{
	size_t n = strlen(text);

	if (v->len < n || memcmp(v->data, text, n) != 0)
		return false;
	v->data += n;
	v->len -= n;
	return true;
}

/* Take a list, and the quote behind it. */
static bool
take_list(struct view *v)
{
	const uint8_t *quote = v->len == 0 ? NULL :
					     memchr(v->data, '"', v->len);
	struct view list = { v->data, 0 };

	if (quote == NULL)
		return false;
	list.len = (size_t)(quote - v->data);
	v->data += list.len + 1;
	v->len -= list.len + 1;
	return ssh_text_is_from(list);
}

bool
sshname_is_options(struct view v)
{
	bool restricted = false, from = false;

	if (v.len > TARGET_OPTIONS_MAX)
		return false;
	while (v.len > 0) {
		if (!restricted && take(&v, "restrict"))
			restricted = true;
		else if (!from && take(&v, "from=\"") && take_list(&v))
			from = true;
		else
			return false;
		if (v.len > 0 && (!take(&v, ",") || v.len == 0))
			return false;
	}
	return true;
}
