/* role actions: everything that can be allowed. */
#include "cmd.h"

#include <string.h>

#include "actions.h"

static const char *
plane_of(enum action a)
{
	struct view name = view_of(action_name(a));

	if (action_expand(name, PLANE_CONTROL) != 0)
		return "control";
	return action_expand(name, PLANE_DATA) != 0 ? "data" : "vault";
}

/* The operations that an action allows: "secret.show, secret.versions". */
static void
list_operations(struct listing *l, enum action a)
{
	static const uint16_t all[] = {
#define OP(code, ID, id, name, scope, action, flags) OP_##ID,
#include "ops.def"
#undef OP
	};
	char text[256] = "";

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t len = strlen(text);

		if (op_find(all[i])->action == a)
			(void)snprintf(text + len, sizeof(text) - len, "%s%s",
			    len == 0 ? "" : ", ", op_name(all[i]));
	}
	listing_text(l, text);
}

int
cmd_role_actions(struct cmd *cmd, int argc, char **argv)
{
	static const struct listing_column columns[] = {
		{ "ACTION", "action" }, { "PLANE", "plane" },
		{ "ALLOWS", "allows" } };
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "role actions [--json]",
		"List the actions and the operations that each allows.  "
		"Actions of a custom role\ngive those of the control plane, "
		"DataActions those of the data plane; those of\nthe vault no "
		"custom role gives.\n", rows, 1, 0, 0 };
	struct listing *l;
	enum action a;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	l = listing_new(json, columns, 3);
	for (size_t i = 1; (a = action_at(i)) != ACTION_NONE; i++) {
		listing_text(l, action_name(a));
		listing_text(l, plane_of(a));
		list_operations(l, a);
	}
	return cmd_printed(cmd, listing_print(l, stdout));
}
