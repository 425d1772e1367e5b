/* target known-hosts. */
#include "cmd_target.h"

#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "status.h"

/* Lines, to be printed each once. */
struct lines {
	char **items;
	size_t count, room;
	bool bad; /* out of memory */
};

static void
lines_add(struct lines *l, const char *text)
{
	if (l->count == l->room) {
		size_t room = l->room * 2 + 16;
		char **more = reallocarray(l->items, room, sizeof(*more));

		l->bad = l->bad || more == NULL;
		if (more == NULL)
			return;
		l->items = more;
		l->room = room;
	}
	l->items[l->count] = strdup(text);
	if (l->items[l->count] == NULL)
		l->bad = true;
	else
		l->count++;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
lines_print(struct lines *l)
{
	if (l->count > 0)
		qsort(l->items, l->count, sizeof(*l->items), compare);
	for (size_t i = 0; i < l->count; i++)
		if (i == 0 || strcmp(l->items[i], l->items[i - 1]) != 0)
			(void)puts(l->items[i]);
}

static void
lines_free(struct lines *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
}

/* The pinned keys of one target, as known_hosts has them. */
static int
add_target(struct cmd *cmd, const struct arg_object *name, struct lines *l)
{
	char line[SSH_LINE_SIZE];
	struct targetinfo t;
	int code = targetinfo_known(cmd, name, &t);

	for (size_t i = 0; code == CMD_GO && i < t.pin_count; i++) {
		if (!ssh_line_known_host(line, sizeof(line), view_of(t.host),
			(uint16_t)t.port, targetinfo_pin(&t, i)))
			return cmd_fail(cmd, call_bad_reply(cmd->c));
		lines_add(l, line);
	}
	return code;
}

/* A page of names, behind last; false when it can't be decoded. */
static bool
take_names(const struct target_list_reply *m, const char *last,
    char (*names)[COFRE_SECRET_NAME_MAX + 1])
{
	struct wire_reader r = list_reader(m->items);
	struct target_item item;

	for (uint32_t i = 0; i < m->items.count; i++) {
		target_item_get(&r, &item);
		(void)snprintf(names[i], sizeof(names[i]), "%s",
		    i == 0 ? last : names[i - 1]);
		if (r.bad || !entries_next(names[i], item.name))
			return false;
	}
	return wire_reader_done(&r);
}

/* One page of the workspace's targets, behind the name after, which becomes
   the last of them.  CMD_GO, or an exit code. */
static int
add_page(struct cmd *cmd, struct arg_object *after, struct lines *l,
    bool *more)
{
	const struct target_list_request q = { view_of(after->workspace),
		view_of(after->name) };
	struct target_list_reply m;
	char (*names)[COFRE_SECRET_NAME_MAX + 1];
	struct view body;
	enum cofre_status s;
	size_t count;
	int code = CMD_GO;

	target_list_request_put(call_begin(cmd->c, OP_TARGET_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && (!target_list_reply_decode(body, &m) ||
		(m.more && m.items.count == 0)))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	*more = m.more;
	count = m.items.count;
	names = calloc(count + 1, sizeof(*names));
	if (names == NULL)
		return cmd_error(cmd, COFRE_NO_MEMORY, "out of memory");
	if (!take_names(&m, after->name, names))
		code = cmd_fail(cmd, call_bad_reply(cmd->c));
	for (size_t i = 0; code == CMD_GO && i < count; i++) {
		memcpy(after->name, names[i], sizeof(after->name));
		code = add_target(cmd, after, l);
	}
	free(names);
	return code;
}

static int
add_workspace(struct cmd *cmd, struct arg_object *name, struct lines *l)
{
	enum cofre_status s = cmd_open(cmd);
	bool more = true;
	int code = CMD_GO;

	if (s != COFRE_OK)
		return status_exit_code(s);
	while (code == CMD_GO && more)
		code = add_page(cmd, name, l, &more);
	return code;
}

static int
print(const struct cmd *cmd, struct lines *l, bool one)
{
	if (l->bad)
		return cmd_error(cmd, COFRE_NO_MEMORY, "out of memory");
	if (l->count == 0 && one)
		return cmd_error(cmd, COFRE_INVALID,
		    "no host key is pinned for it: 'cofre target authorize' or "
		    "'cofre target pin' pins one");
	if (l->count == 0)
		cmd_warn("no target of '%s' has a host key that is pinned",
		    cmd->object);
	lines_print(l);
	return 0;
}

int
cmd_target_known_hosts(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = {
		"target known-hosts WORKSPACE[/NAME]",
		"Print the pinned host keys of a target, or of all of them, as "
		"lines of a\nknown_hosts file: for ssh, scp, rsync and git "
		"under 'cofre ssh-agent'.\n", NULL, 0, 1, 1 };
	struct lines l = { .items = NULL };
	struct arg_object name = { .name = "" };
	struct view workspace;
	struct problem p;
	enum cofre_status s;
	bool one;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	one = strchr(cmd->args[0], '/') != NULL;
	if (one)
		s = arg_object(cmd->args[0], &name, &p);
	else
		s = arg_workspace(cmd->args[0], &workspace, &p);
	if (s != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	if (!one)
		view_copy(name.workspace, workspace);
	code = one ? add_target(cmd, &name, &l) :
		     add_workspace(cmd, &name, &l);
	if (code == CMD_GO)
		code = print(cmd, &l, one);
	lines_free(&l);
	return code;
}
