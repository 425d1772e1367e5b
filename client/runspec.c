#include "runspec.h"

#include <string.h>

#include "arguments.h"
#include "format.h"
#include "hex.h"
#include "names.h"

#define SNAPSHOT_PREFIX "sha256:"

enum cofre_status
runspec_lifetime(const char *text, uint32_t *ret, struct problem *p)
{
	uint32_t n;

	if (strchr(text, 'd') == NULL &&
	    arg_seconds(text, RUN_LIFETIME_MAX, &n) && n > 0) {
		*ret = n;
		return COFRE_OK;
	}
	return problem_set(p, COFRE_ARGUMENT,
	    "'%.20s' is no lifetime: say a number with s, m or h, such as "
	    "90s, 15m or 1h; 24h is the longest", text);
}

enum cofre_status
runspec_snapshot(const char *text, uint8_t ret[SHA256_LEN], struct problem *p)
{
	size_t n = strlen(SNAPSHOT_PREFIX);

	if (strncmp(text, SNAPSHOT_PREFIX, n) == 0 &&
	    hex_decode(view_of(text + n), ret, SHA256_LEN))
		return COFRE_OK;
	return problem_set(p, COFRE_ARGUMENT,
	    "a snapshot is " SNAPSHOT_PREFIX " and 64 hexadecimal digits in "
	    "lower case, as sha256sum(1) prints them");
}

enum cofre_status
runspec_id(const char *text, struct problem *p)
{
	struct view v = view_of(text);

	if (v.len >= RUNSPEC_ID_MIN && v.len <= (size_t)2 * RUN_ID_LEN &&
	    hex_is_digits(v))
		return COFRE_OK;
	return problem_set(p, COFRE_ARGUMENT,
	    "'%.40s' is no id of a run: it has 32 hexadecimal digits in lower "
	    "case, of which the first 8 or more will do; 'cofre run list' "
	    "shows them", text);
}

/* Copy a name of at most max bytes; false when it is no name. */
static bool
copy_name(char *to, size_t max, struct view v, bool (*is_name)(struct view))
{
	if (v.len > max || !is_name(v))
		return false;
	memset(to, 0, max + 1);
	memcpy(to, v.data, v.len);
	return true;
}

/* What stands behind the ':'. */
static bool
take_part(struct runspec_secret *s, struct view part)
{
	if (!copy_name(s->part, COFRE_FIELD_NAME_MAX, part, name_is_field))
		return false;
	if (strcmp(s->part, "json") == 0)
		s->content = RUNSPEC_JSON;
	else if (strcmp(s->part, "pgpass") == 0)
		s->content = RUNSPEC_PGPASS;
	else if (format_find(s->part) != 0)
		s->content = RUNSPEC_FORMAT;
	else
		s->content = RUNSPEC_FIELD;
	return true;
}

enum cofre_status
runspec_secret(const char *text, struct runspec_secret *ret,
    struct problem *p)
{
	size_t whole = strcspn(text, "=");
	size_t name = strcspn(text, ":=");
	struct view v = { (const uint8_t *)text, name };
	struct runspec_secret s = { .content = RUNSPEC_ONLY };

	if (!copy_name(s.name, COFRE_SECRET_NAME_MAX, v, name_is_secret))
		return problem_set(p, COFRE_ARGUMENT,
		    "--secret: that begins with no secret's name; say NAME, "
		    "NAME:FIELD or NAME:FORMAT, and =LABEL behind it");
	v = (struct view){ (const uint8_t *)text + name + 1,
		whole - name - 1 };
	if (name < whole && !take_part(&s, v))
		return problem_set(p, COFRE_ARGUMENT,
		    "--secret %s: behind the ':' stands neither a field's name "
		    "nor a format's", s.name);
	v = text[whole] == '=' ? view_of(text + whole + 1) : view_of(s.name);
	if (!copy_name(s.label, COFRE_SECRET_NAME_MAX, v, name_is_secret))
		return problem_set(p, COFRE_ARGUMENT,
		    "--secret %s: a label is written as a secret's name: "
		    "letters, digits, '.', '_' and '-'", s.name);
	*ret = s;
	return COFRE_OK;
}
