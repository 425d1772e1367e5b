#include "facts.h"

#include <ctype.h>
#include <string.h>

/* In /proc/PID/stat the first field behind ')' is the third. */
#define START_FIELD 22
#define FIRST_FIELD 3

static bool
ends_with(struct view v, const char *end)
{
	size_t n = strlen(end);

	return v.len >= n && memcmp(v.data + v.len - n, end, n) == 0;
}

/* The bytes up to the mark, which are taken off v with it. */
static struct view
cut(struct view *v, char mark)
{
	const uint8_t *at = v->len == 0 ? NULL :
					  memchr(v->data, mark, v->len);
	struct view part = { v->data,
		at == NULL ? v->len : (size_t)(at - v->data) };
	size_t used = part.len + (at == NULL ? 0 : 1);

	v->data += used;
	v->len -= used;
	return part;
}

/* A path from the root, of components that have a name. */
static bool
is_path(struct view v)
{
	struct view part;

	if (v.len == 0 || v.data[0] != '/' ||
	    memchr(v.data, '\0', v.len) != NULL)
		return false;
	if (v.len == 1)
		return true;
	(void)cut(&v, '/');
	if (v.data[v.len - 1] == '/')
		return false;
	while (v.len > 0) {
		part = cut(&v, '/');
		if (part.len == 0 || view_is(part, ".") || view_is(part, ".."))
			return false;
	}
	return true;
}

bool
facts_cgroup(struct view text, char path[CGROUP_MAX + 1])
{
	path[0] = '\0';
	while (text.len > 0) {
		struct view line = cut(&text, '\n');

		if (line.len < 3 || memcmp(line.data, "0::", 3) != 0)
			continue;
		line.data += 3;
		line.len -= 3;
		if (line.len > CGROUP_MAX || !is_path(line) ||
		    ends_with(line, " (deleted)"))
			return false;
		memcpy(path, line.data, line.len);
		path[line.len] = '\0';
		return true;
	}
	return false;
}

bool
facts_cgroup_within(const char *cgroup, const char *outer)
{
	size_t n = strlen(outer);

	if (n == 1 && outer[0] == '/')
		return cgroup[0] == '/';
	return n > 0 && strncmp(cgroup, outer, n) == 0 &&
	    (cgroup[n] == '\0' || cgroup[n] == '/');
}

/* What systemd names its units with. */
static bool
is_unit_byte(uint8_t c)
{
	return c < 0x80 && (isalnum(c) || (c != '\0' &&
		strchr(":-_.\\@", c) != NULL));
}

/* The types of units that have processes. */
bool
facts_unit_is_valid(struct view v)
{
	static const char *const types[] = { ".service", ".scope", ".socket",
		".mount", ".swap" };

	if (v.len > UNIT_NAME_MAX)
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (!is_unit_byte(v.data[i]))
			return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (ends_with(v, types[i]) && v.len > strlen(types[i]))
			return true;
	return false;
}

static bool
is_slice(struct view v)
{
	return ends_with(v, ".slice") && v.len > strlen(".slice");
}

bool
facts_unit(const char *cgroup, char unit[UNIT_NAME_MAX + 1])
{
	struct view rest = view_of(cgroup), part;

	unit[0] = '\0';
	if (!is_path(rest))
		return false;
	(void)cut(&rest, '/');
	part = cut(&rest, '/');
	if (!is_slice(part) || view_is(part, "user.slice") ||
	    view_is(part, "machine.slice"))
		return false;
	while (is_slice(part))
		part = cut(&rest, '/');
	if (!facts_unit_is_valid(part))
		return false;
	memcpy(unit, part.data, part.len);
	unit[part.len] = '\0';
	return true;
}

static uint64_t
number_of(struct view v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.len; i++) {
		unsigned d = (unsigned)v.data[i] - '0';

		if (d > 9 || n > (UINT64_MAX - d) / 10)
			return 0;
		n = n * 10 + d;
	}
	return n;
}

uint64_t
facts_start(struct view text)
{
	struct view field = { NULL, 0 };
	size_t end = text.len;

	while (end > 0 && text.data[end - 1] != ')')
		end--;
	if (end == 0 || end == text.len || text.data[end] != ' ')
		return 0;
	text.data += end + 1;
	text.len -= end + 1;
	for (unsigned i = FIRST_FIELD; i <= START_FIELD; i++) {
		/* The last one must be whole, with a space behind it. */
		if (text.len == 0 || memchr(text.data, ' ', text.len) == NULL)
			return 0;
		field = cut(&text, ' ');
	}
	return number_of(field);
}

/* A number of an id, and nothing else; NO_ID otherwise. */
static uint32_t
id_of(struct view v)
{
	uint64_t n = number_of(v);

	if (v.len == 0 || (n == 0 && !view_is(v, "0")) || n >= NO_ID)
		return NO_ID;
	return (uint32_t)n;
}

uint32_t
facts_id(struct view text, const char *label)
{
	while (text.len > 0) {
		struct view line = cut(&text, '\n');
		uint32_t id;

		if (!view_is(cut(&line, '\t'), label))
			continue;
		id = id_of(cut(&line, '\t'));
		for (unsigned i = 1; i < 4; i++)
			if (id_of(cut(&line, '\t')) != id)
				return NO_ID;
		return id;
	}
	return NO_ID;
}
