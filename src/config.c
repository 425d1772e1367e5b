#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "account.h"
#include "sizes.h"

#define DEFAULT_STATE "/var/lib/cofre"
#define PAGE 4096u
#define NOBODY 65534u
#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define RANGE_MAX 64u

enum type {
	PATH,	/* absolute */
	NAME,	/* of an account */
	MODE,	/* octal, no execute bits */
	SIZE,	/* bytes; a multiple of the page size */
	NUMBER,
	CHOICE,	/* "yes|no": true for the first */
	GROUP,
};

struct key {
	const char *name;
	enum type type;
	bool reload;  /* may change while the daemon runs */
	size_t at;    /* of the value in struct config */
	size_t size;
	uint64_t min; /* for SIZE and NUMBER */
	uint64_t max;
	const char *yes; /* for CHOICE */
	const char *no;
};

#define PLACE(field) \
	offsetof(struct config, field), sizeof(((struct config *)0)->field)

static const struct key keys[] = {
	{ "state", PATH, false, PLACE(state), 0, 0, NULL, NULL },
	{ "socket", PATH, false, PLACE(socket), 0, 0, NULL, NULL },
	{ "agent_socket", PATH, false, PLACE(agent_socket), 0, 0, NULL, NULL },
	{ "keyfile", PATH, false, PLACE(keyfile), 0, 0, NULL, NULL },
	{ "user", NAME, false, PLACE(user), 0, 0, NULL, NULL },
	{ "socket_mode", MODE, false, PLACE(socket_mode), 0, 0, NULL, NULL },
	{ "store_limit", SIZE, false, PLACE(store_limit), MIB,
	    1024 * GIB, NULL, NULL },
	{ "log_segment", SIZE, false, PLACE(log_segment), 64 * KIB, 64 * MIB, NULL,
	    NULL },
	{ "buffer_memory", SIZE, false, PLACE(buffer_memory), 512 * KIB, GIB,
	    NULL, NULL },
	{ "memory_lock", CHOICE, false, PLACE(memory_required), 0, 0,
	    "required", "optional" },
	{ "sandbox", CHOICE, false, PLACE(sandbox_required), 0, 0, "required",
	    "optional" },
	{ "attestation", CHOICE, false, PLACE(attestation_required), 0, 0,
	    "required", "optional" },
	{ "operator_group", GROUP, true, PLACE(operator_group), 0, 0, NULL,
	    NULL },
	{ "log", CHOICE, true, PLACE(log_strict), 0, 0, "strict", "buffered" },
	{ "max_connections", NUMBER, true, PLACE(max_connections), 1, 65536,
	    NULL, NULL },
	{ "max_connections_per_uid", NUMBER, true, PLACE(max_per_uid), 1,
	    65536, NULL, NULL },
	{ "request_timeout", NUMBER, true, PLACE(request_timeout), 100, 600000,
	    NULL, NULL },
	{ "look_timeout", NUMBER, true, PLACE(look_timeout), 100, 600000, NULL,
	    NULL },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))
_Static_assert(KEYS <= 64, "config_parse() has a bit for each key");

const char *
config_key(size_t i)
{
	return i < KEYS ? keys[i].name : NULL;
}

void
config_defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->state, DEFAULT_STATE, sizeof(DEFAULT_STATE));
	memcpy(c->socket, COFRE_DEFAULT_SOCKET, sizeof(COFRE_DEFAULT_SOCKET));
	c->socket_mode = 0666;
	c->store_limit = 16 * GIB;
	c->log_segment = 16 * MIB;
	c->buffer_memory = 4 * MIB;
	c->memory_required = true;
	c->sandbox_required = true;
	c->attestation_required = true;
	c->operator_group = NO_ID;
	c->log_strict = false;
	c->max_connections = 1024;
	c->max_per_uid = 128;
	c->request_timeout = 10000;
	c->look_timeout = 500;
}

/* Digits alone; false for none, and for what does not fit 64 bits. */
static bool
parse_digits(const char *s, size_t len, unsigned base, uint64_t *value)
{
	uint64_t v = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned d = (unsigned)(unsigned char)s[i] - '0';

		if (d >= base || v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*value = v;
	return true;
}

/* As it could be written; a size in the largest unit that it fills. */
static void
limit_text(char out[RANGE_MAX / 2], const struct key *k, uint64_t v)
{
	static const char *const units[] = { "", "K", "M", "G" };
	size_t n = 0;

	for (; k->type == SIZE && n < 3 && v % KIB == 0; n++)
		v /= KIB;
	(void)snprintf(out, RANGE_MAX / 2, "%llu%s", (unsigned long long)v,
	    units[n]);
}

static const char *
range(const struct key *k, char text[RANGE_MAX])
{
	char from[RANGE_MAX / 2], to[RANGE_MAX / 2];

	limit_text(from, k, k->min);
	limit_text(to, k, k->max);
	(void)snprintf(text, RANGE_MAX, "within %.20s to %.20s", from, to);
	return text;
}

/* The setters: NULL, or what the value should be like; text is room for it. */

static const char *
set_size(void *at, const struct key *k, const char *s, char text[RANGE_MAX])
{
	size_t len = strlen(s);
	uint64_t unit = 1, v = 0;

	if (strchr("KMG", s[len - 1]) != NULL) { /* it is not empty */
		len--;
		unit = s[len] == 'K' ? KIB : s[len] == 'M' ? MIB : GIB;
	}
	if (!parse_digits(s, len, 10, &v) || v > UINT64_MAX / unit)
		return "bytes, or a number with K, M or G";
	v *= unit;
	if (v < k->min || v > k->max)
		return range(k, text);
	if (v % PAGE != 0)
		return "a multiple of 4096 bytes";
	memcpy(at, &v, sizeof(v));
	return NULL;
}

static const char *
set_number(void *at, const struct key *k, const char *s, char text[RANGE_MAX])
{
	uint64_t v = 0;
	uint32_t n;

	if (!parse_digits(s, strlen(s), 10, &v))
		return "a number";
	if (v < k->min || v > k->max)
		return range(k, text);
	n = (uint32_t)v;
	memcpy(at, &n, sizeof(n));
	return NULL;
}

static const char *
set_mode(void *at, const char *s)
{
	uint64_t v = 0;
	mode_t mode;

	if (!parse_digits(s, strlen(s), 8, &v) || (v & ~0666ull) != 0)
		return "octal, and of read and write bits alone";
	mode = (mode_t)v;
	memcpy(at, &mode, sizeof(mode));
	return NULL;
}

/* A path or a name: the rest of its place is zeros, so that two compare. */
static const char *
set_text(char *at, const struct key *k, const char *s)
{
	size_t len = strlen(s);

	if (k->type == PATH && s[0] != '/')
		return "an absolute path";
	if (len >= k->size)
		return "shorter";
	memset(at, 0, k->size);
	memcpy(at, s, len + 1);
	return NULL;
}

static const char *
set_choice(bool *at, const struct key *k, const char *s)
{
	if (strcmp(s, k->yes) != 0 && strcmp(s, k->no) != 0)
		return strcmp(k->yes, "strict") == 0 ?
		    "strict or buffered" : "required or optional";
	*at = strcmp(s, k->yes) == 0;
	return NULL;
}

/*
 * Root's group would make operators of services that gave up uid 0 but not
 * gid 0; the others are what an id looks like that is not mapped, or none.
 */
static const char *
check_group(uint64_t gid)
{
	return gid == 0 || gid == NOBODY || gid >= NO_ID ?
	    "a group of its own, not root's (0), 65534 or 4294967295" : NULL;
}

static const char *
set_group(struct config *c, const char *s)
{
	uint64_t gid = 0;
	const char *why;

	if (strlen(s) >= sizeof(c->operator_name))
		return "shorter";
	memset(c->operator_name, 0, sizeof(c->operator_name));
	c->operator_group = NO_ID;
	if (!parse_digits(s, strlen(s), 10, &gid)) {
		memcpy(c->operator_name, s, strlen(s));
		return NULL;
	}
	why = check_group(gid);
	if (why == NULL)
		c->operator_group = (uint32_t)gid;
	return why;
}

static const char *
set_value(struct config *c, const struct key *k, const char *s,
    char text[RANGE_MAX])
{
	char *at = (char *)c + k->at;

	if (s[0] == '\0')
		return "not empty";
	switch (k->type) {
	case PATH:
	case NAME:
		return set_text(at, k, s);
	case MODE:
		return set_mode(at, s);
	case SIZE:
		return set_size(at, k, s, text);
	case NUMBER:
		return set_number(at, k, s, text);
	case CHOICE:
		return set_choice((bool *)(void *)at, k, s);
	case GROUP:
		return set_group(c, s);
	}
	return "of a known type";
}

static const struct key *
find_key(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

bool
config_set(struct config *c, const char *key, const char *value,
    char error[CONFIG_ERROR_MAX])
{
	const struct key *k = find_key(key);
	struct config fresh = *c;
	char text[RANGE_MAX];
	const char *why;

	if (k == NULL) {
		(void)snprintf(error, CONFIG_ERROR_MAX, "unknown key '%.40s'",
		    key);
		return false;
	}
	why = set_value(&fresh, k, value, text);
	if (why != NULL) {
		(void)snprintf(error, CONFIG_ERROR_MAX, "%s must be %s", key,
		    why);
		return false;
	}
	*c = fresh;
	return true;
}

bool
config_resolve(struct config *c, const char *group_path,
    char error[CONFIG_ERROR_MAX])
{
	const char *why = NULL;
	uint32_t gid;

	if (c->operator_name[0] == '\0')
		return true;
	errno = 0;
	if (!account_find_group(group_path, c->operator_name, &gid))
		why = errno == ESRCH ? "is not there" : strerror(errno);
	else if (check_group(gid) != NULL)
		why = "may not be root's group or nobody's";
	if (why == NULL) {
		c->operator_group = gid;
		return true;
	}
	(void)snprintf(error, CONFIG_ERROR_MAX, "operator_group: group %s: %s",
	    c->operator_name, why);
	return false;
}

static void
add_changed(char changed[CONFIG_ERROR_MAX], const char *key)
{
	size_t len = strlen(changed);

	(void)snprintf(changed + len, CONFIG_ERROR_MAX - len, "%s%s",
	    len == 0 ? "" : ", ", key);
}

/* A name can't be looked up now: it must be the one that was. */
static void
reload_group(struct config *c, const struct config *fresh,
    char changed[CONFIG_ERROR_MAX])
{
	if (fresh->operator_name[0] != '\0') {
		if (strcmp(fresh->operator_name, c->operator_name) != 0)
			add_changed(changed, "operator_group");
		return;
	}
	c->operator_group = fresh->operator_group;
	memset(c->operator_name, 0, sizeof(c->operator_name));
}

void
config_reload(struct config *c, const struct config *fresh,
    char changed[CONFIG_ERROR_MAX])
{
	changed[0] = '\0';
	for (size_t i = 0; i < KEYS; i++) {
		const struct key *k = &keys[i];
		char *at = (char *)c + k->at;
		const char *from = (const char *)fresh + k->at;

		if (k->type == GROUP)
			reload_group(c, fresh, changed);
		else if (k->reload)
			memcpy(at, from, k->size);
		else if (memcmp(at, from, k->size) != 0)
			add_changed(changed, k->name);
	}
}
