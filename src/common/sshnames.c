#include "sshnames.h"

#include <string.h>

#include "ssh_text.h"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
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
	return v.len > 0 && !is_digit(v.data[0]) &&
	    fits(v, LOGIN_MAX, "_", "._-");
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
take_list(struct view *v, struct view *list)
{
	const uint8_t *quote = v->len == 0 ? NULL :
					     memchr(v->data, '"', v->len);

	if (quote == NULL)
		return false;
	*list = (struct view){ v->data, (size_t)(quote - v->data) };
	v->data += list->len + 1;
	v->len -= list->len + 1;
	return ssh_text_is_from(*list);
}

bool
sshname_options(struct view v, struct sshname_options *o)
{
	*o = (struct sshname_options){ .restricted = false };
	if (v.len > TARGET_OPTIONS_MAX)
		return false;
	o->restricted = take(&v, "restrict");
	if (v.len == 0 || (o->restricted && !take(&v, ",")))
		return v.len == 0;
	return take(&v, "from=\"") && take_list(&v, &o->from) && v.len == 0;
}
