#include "arguments.h"

#include <string.h>
#include <time.h>

#include "names.h"
#include "proto.h"

/* What the kernel shows for an id that has no place in a namespace. */
#define OVERFLOW_ID 65534u

#define SECOND 1000000u
/* 9999-12-31T23:59:59Z, in seconds: the last that RFC 3339 can write. */
#define LAST_SECOND 253402300799

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits alone, the number they make at most max. */
static bool
number(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (len == 0 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return false;
		v = v * 10 + (uint64_t)(text[i] - '0');
		if (v > max)
			return false;
	}
	*ret = v;
	return true;
}

int
arg_command(int argc, char *const *argv)
{
	int i = 1;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	return i;
}

bool
arg_u64(const char *text, uint64_t *ret)
{
	/* Far from what overflows, and from every number there is. */
	return number(text, strlen(text), 999999999999999999, ret);
}

bool
arg_u32(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t v;

	if (!number(text, strlen(text), max, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool
arg_seconds(const char *text, uint32_t max, uint32_t *ret)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 },
		{ 'd', 86400 } };
	size_t len = strlen(text);
	uint64_t v;

	if (strcmp(text, "0") == 0) {
		*ret = 0;
		return true;
	}
	for (size_t i = 0; len > 1 && i < 4; i++)
		if (text[len - 1] == units[i].unit &&
		    number(text, len - 1, max / units[i].seconds, &v)) {
			*ret = (uint32_t)v * units[i].seconds;
			return true;
		}
	return false;
}

enum cofre_status
arg_workspace(const char *text, struct view *ret, struct problem *p)
{
	struct view v = view_of(text);

	if (!name_is_workspace(v))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.80s' is no workspace name: at most %u of a-z 0-9 _ -, "
		    "and a letter or digit first", text,
		    COFRE_WORKSPACE_NAME_MAX);
	*ret = v;
	return COFRE_OK;
}

enum cofre_status
arg_scope(const char *text, struct view *ret, struct problem *p)
{
	if (strcmp(text, "/") == 0) {
		*ret = view_of("");
		return COFRE_OK;
	}
	return arg_workspace(text, ret, p);
}

enum cofre_status
arg_object(const char *text, struct arg_object *ret, struct problem *p)
{
	const char *slash = strchr(text, '/');
	struct view workspace, name;

	if (slash == NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.80s' is no WORKSPACE/NAME: it has no slash", text);
	workspace = (struct view){ (const uint8_t *)text,
		(size_t)(slash - text) };
	name = view_of(slash + 1);
	if (!name_is_workspace(workspace))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.200s': before the slash stands a workspace: at most "
		    "%u of a-z 0-9 _ -, and a letter or digit first", text,
		    COFRE_WORKSPACE_NAME_MAX);
	if (!name_is_secret(name))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.200s': after the slash stands a name: at most %u of "
		    "A-Z a-z 0-9 . _ -, and a letter or digit first", text,
		    COFRE_SECRET_NAME_MAX);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->workspace, text, workspace.len);
	memcpy(ret->name, slash + 1, name.len);
	return COFRE_OK;
}

enum cofre_status
arg_id(uint32_t id, const char *what, struct problem *p)
{
	if (id == OVERFLOW_ID)
		return problem_set(p, COFRE_ARGUMENT,
		    "%s %u is what the kernel shows for everyone who has no "
		    "number here, so it stands for nobody in particular",
		    what, id);
	if (id == NO_ID)
		return problem_set(p, COFRE_ARGUMENT,
		    "%u is no %s: to the kernel it means \"none\"", id, what);
	return COFRE_OK;
}

enum cofre_status
arg_place(const char *text, struct arg_place *ret, struct problem *p)
{
	const char *slash = strchr(text, '/');
	struct view workspace, prefix;

	ret->prefix = view_of("");
	if (slash == NULL || slash == text)
		return arg_scope(text, &ret->workspace, p);
	workspace = (struct view){ (const uint8_t *)text,
		(size_t)(slash - text) };
	prefix = view_of(slash + 1);
	if (!name_is_workspace(workspace))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.200s': before the slash stands a workspace: at most "
		    "%u of a-z 0-9 _ -, and a letter or digit first", text,
		    COFRE_WORKSPACE_NAME_MAX);
	if (prefix.len < 2 || prefix.data[prefix.len - 1] != '*')
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.200s' is no scope: a role is given for names that "
		    "begin alike: WORKSPACE/PREFIX*", text);
	prefix.len--;
	if (!name_is_secret(prefix))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.200s': no secret's name can begin so: at most %u of "
		    "A-Z a-z 0-9 . _ -, and a letter or digit first", text,
		    COFRE_SECRET_NAME_MAX);
	ret->workspace = workspace;
	ret->prefix = prefix;
	return COFRE_OK;
}

/* The number of a user or group. */
static enum cofre_status
principal_number(const char *text, const char *what,
    struct arg_principal *ret, struct problem *p)
{
	if (!arg_u32(text, UINT32_MAX, &ret->id))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.80s' is no %s: a grant is for a number, not for a "
		    "name, which may change its number (id(1) tells it)", text,
		    what);
	return arg_id(ret->id, what, p);
}

enum cofre_status
arg_unit(const char *text, struct view *ret, struct problem *p)
{
	struct view v = view_of(text);

	if (v.len == 0 || v.len > UNIT_NAME_MAX || strchr(text, '.') == NULL ||
	    strchr(text, '/') != NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.80s' is no unit: write it as systemctl(1) shows it, "
		    "with its type, as in agent.service", text);
	*ret = v;
	return COFRE_OK;
}

enum cofre_status
arg_principal(const char *text, struct arg_principal *ret, struct problem *p)
{
	*ret = (struct arg_principal){ .who = view_of("") };
	if (strncmp(text, "user:", 5) == 0) {
		ret->kind = PRINCIPAL_USER;
		return principal_number(text + 5, "uid", ret, p);
	}
	if (strncmp(text, "group:", 6) == 0) {
		ret->kind = PRINCIPAL_GROUP;
		return principal_number(text + 6, "gid", ret, p);
	}
	if (strncmp(text, "identity:", 9) == 0) {
		ret->kind = PRINCIPAL_IDENTITY;
		return arg_workspace(text + 9, &ret->who, p);
	}
	if (strncmp(text, "unit:", 5) == 0) {
		ret->kind = PRINCIPAL_UNIT;
		return arg_unit(text + 5, &ret->who, p);
	}
	return problem_set(p, COFRE_ARGUMENT,
	    "'%.80s' is no principal: write user:UID, group:GID, unit:NAME "
	    "or identity:WORKSPACE", text);
}

enum cofre_status
arg_pair(const char *text, const char *option, struct view *name,
    const char **value, struct problem *p)
{
	size_t len = strcspn(text, "=");
	struct view v = { (const uint8_t *)text, len };

	if (text[len] != '=')
		return problem_set(p, COFRE_ARGUMENT,
		    "%s: NAME=... is needed", option);
	if (!name_is_field(v))
		return problem_set(p, COFRE_ARGUMENT,
		    "%s: what stands before the '=' is no field name: at most "
		    "%u of A-Z a-z 0-9 . _ -, and a letter first", option,
		    COFRE_FIELD_NAME_MAX);
	*name = v;
	*value = text + len + 1;
	return COFRE_OK;
}

/* Exactly width digits. */
static bool
digits(const char **at, size_t width, int *ret)
{
	int v = 0;

	for (size_t i = 0; i < width; i++) {
		if (!is_digit((*at)[i]))
			return false;
		v = v * 10 + ((*at)[i] - '0');
	}
	*at += width;
	*ret = v;
	return true;
}

static bool
literal(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* ".ddd", if it is there; what is finer than a microsecond is refused. */
static bool
fraction(const char **at, uint64_t *us)
{
	uint64_t unit = SECOND;
	size_t n = 0;

	*us = 0;
	if (!literal(at, '.'))
		return true;
	for (; is_digit(**at); (*at)++, n++) {
		unit /= 10;
		*us += unit * (uint64_t)(**at - '0');
	}
	return n >= 1 && n <= 6;
}

static bool
calendar(const char **at, struct tm *tm)
{
	memset(tm, 0, sizeof(*tm));
	if (!digits(at, 4, &tm->tm_year) || !literal(at, '-') ||
	    !digits(at, 2, &tm->tm_mon) || !literal(at, '-') ||
	    !digits(at, 2, &tm->tm_mday) || !literal(at, 'T') ||
	    !digits(at, 2, &tm->tm_hour) || !literal(at, ':') ||
	    !digits(at, 2, &tm->tm_min) || !literal(at, ':') ||
	    !digits(at, 2, &tm->tm_sec))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return true;
}

static bool
absolute(const char *text, uint64_t *ret)
{
	struct tm want, got;
	uint64_t us;
	time_t t;

	if (!calendar(&text, &want) || !fraction(&text, &us) ||
	    !literal(&text, 'Z') || *text != '\0')
		return false;
	got = want;
	t = timegm(&got);
	/* timegm() takes a 30th of February for a day in March. */
	if (t <= 0 || t > LAST_SECOND || got.tm_mon != want.tm_mon ||
	    got.tm_mday != want.tm_mday || got.tm_hour != want.tm_hour ||
	    got.tm_min != want.tm_min || got.tm_sec != want.tm_sec)
		return false;
	*ret = (uint64_t)t * SECOND + us;
	return true;
}

static uint64_t
unit_seconds(char c)
{
	switch (c) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

bool
arg_time(const char *text, uint64_t now, uint64_t *ret)
{
	size_t len = strlen(text);
	uint64_t n, unit, v;

	if (text[0] != '+' && text[0] != '-')
		return absolute(text, ret);
	if (len < 3 || (unit = unit_seconds(text[len - 1])) == 0 ||
	    !number(text + 1, len - 2, LAST_SECOND / unit, &n))
		return false;
	n *= unit * SECOND;
	if (text[0] == '-' && n >= now)
		return false;
	v = text[0] == '+' ? now + n : now - n;
	if (v / SECOND > LAST_SECOND)
		return false;
	*ret = v;
	return true;
}

uint16_t
arg_op(const char *name)
{
	static const uint16_t all[] = {
#define OP(code, ID, id, name, scope, action, flags) OP_##ID,
#include "ops.def"
#undef OP
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(op_name(all[i]), name) == 0)
			return all[i];
	return 0;
}

bool
arg_status(const char *name, uint32_t *ret)
{
	static const enum cofre_status all[] = {
#define STATUS(code, ID, name, exit, text) COFRE_##ID,
#include "status.def"
#undef STATUS
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(cofre_status_name(all[i]), name) == 0) {
			*ret = (uint32_t)all[i];
			return true;
		}
	}
	return false;
}
