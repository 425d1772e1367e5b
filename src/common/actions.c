#include "actions.h"

#include <string.h>

struct row {
	enum action action;
	enum action_plane plane;
	const char *name;
};

static const struct row rows[] = {
#define ACTION(bit, ID, name, plane) { ACTION_##ID, PLANE_##plane, name },
#include "actions.def"
#undef ACTION
};

#define COUNT (sizeof(rows) / sizeof(rows[0]))

const char *
action_name(enum action a)
{
	for (size_t i = 0; i < COUNT; i++)
		if (rows[i].action == a)
			return rows[i].name;
	return "?";
}

enum action
action_at(size_t i)
{
	return i < COUNT ? rows[i].action : ACTION_NONE;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool
same(uint8_t a, uint8_t b)
{
	return lower(a) == lower(b);
}

/*
 * Greedy, with one place to go back to: the last '*'.  What an earlier one
 * took never has to be taken again, so that it ends after at most
 * pattern.len * strlen(name) steps.
 */
bool
action_match(struct view pattern, const char *name)
{
	const uint8_t *n = (const uint8_t *)name, *from = NULL;
	size_t i = 0, star = 0;

	while (*n != '\0') {
		if (i < pattern.len && pattern.data[i] == '*') {
			star = ++i;
			from = n;
		} else if (i < pattern.len && same(pattern.data[i], *n)) {
			i++;
			n++;
		} else if (from != NULL) {
			n = ++from;
			i = star;
		} else
			return false;
	}
	while (i < pattern.len && pattern.data[i] == '*')
		i++;
	return i == pattern.len;
}

enum action
action_find(struct view name)
{
	if (name.len > 0 && memchr(name.data, '*', name.len) != NULL)
		return ACTION_NONE;
	for (size_t i = 1; i < COUNT; i++)
		if (action_match(name, rows[i].name))
			return rows[i].action;
	return ACTION_NONE;
}

uint64_t
action_expand(struct view pattern, enum action_plane plane)
{
	uint64_t set = 0;

	for (size_t i = 1; i < COUNT; i++)
		if (rows[i].plane == plane &&
		    action_match(pattern, rows[i].name))
			set |= action_bit(rows[i].action);
	return set;
}
