/*
 * actions: what can be allowed, by name (actions.def), and the wildcards by
 * which custom roles name several of them at once.
 *
 * A pattern is matched against whole names without regard to the case of
 * ASCII letters; '*' stands for any bytes, also none, and for '/' too, as in
 * the role definitions of the model.
 */
#ifndef COFRE_ACTIONS_H
#define COFRE_ACTIONS_H

#include "proto.h"

enum action_plane { PLANE_VAULT, PLANE_CONTROL, PLANE_DATA };

/* The name of an action; "?" when there is none. */
const char *action_name(enum action a);

/* The action of that very name, in any case; ACTION_NONE when none has it. */
enum action action_find(struct view name);

/* The i-th action from 1 on, ACTION_NONE behind the last. */
enum action action_at(size_t i);

/* Every action's bit in a set of actions. */
static inline uint64_t
action_bit(enum action a)
{
	return (uint64_t)1 << a;
}

/* True when the pattern matches the whole name. */
bool action_match(struct view pattern, const char *name);

/* The actions of one plane that the pattern matches; 0: it matches none. */
uint64_t action_expand(struct view pattern, enum action_plane plane);

#endif
