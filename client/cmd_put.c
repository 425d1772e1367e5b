/* put: a secret comes in, and never by argument. */
#include "cmd.h"

#include <string.h>

#include "arguments.h"
#include "build.h"
#include "names.h"
#include "status.h"

struct put {
	struct arg_object object;
	struct build build;
	const char *kind;
	const char *type;
	const char *expires;
	struct option_number if_version;
	bool create;
	uint64_t expires_at;
	uint32_t expected;
};

static enum cofre_status
take_kind(struct put *o, struct problem *p)
{
	uint8_t kind, type = 0;

	if (o->kind == NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "--kind is needed: storage, registry, datastore or "
		    "generic");
	kind = kind_find(o->kind);
	if (!kind_is_stored(kind))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.40s' is no kind that can be stored: storage, "
		    "registry, datastore or generic", o->kind);
	if ((kind == COFRE_KIND_DATASTORE) != (o->type != NULL))
		return problem_set(p, COFRE_ARGUMENT,
		    kind == COFRE_KIND_DATASTORE ?
			"a datastore needs --type: azure-blob, azure-sql, ..." :
			"--type is for --kind datastore");
	if (o->type != NULL && (type = datastore_find(o->type)) == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.40s' is no datastore type: azure-blob, azure-file, "
		    "azure-data-lake-gen1, azure-data-lake-gen2, azure-sql, "
		    "azure-postgres, azure-mysql or dbfs", o->type);
	o->build.kind = (enum cofre_kind)kind;
	o->build.datastore = (enum cofre_datastore)type;
	return COFRE_OK;
}

static enum cofre_status
take_conditions(struct put *o, struct problem *p)
{
	if (o->create && o->if_version.given)
		return problem_set(p, COFRE_ARGUMENT,
		    "--create and --if-version exclude each other");
	if (o->if_version.given && (o->if_version.value == 0 ||
		o->if_version.value == COFRE_ANY_VERSION))
		return problem_set(p, COFRE_ARGUMENT,
		    "versions have the numbers 1, 2, ...; --create is for "
		    "none");
	o->expected = o->create	      ? 0 :
	    o->if_version.given	      ? o->if_version.value :
					COFRE_ANY_VERSION;
	if (o->expires != NULL &&
	    !arg_time(o->expires, cmd_now(), &o->expires_at))
		return problem_set(p, COFRE_ARGUMENT,
		    "--expires takes a time like 2026-12-31T23:59:59Z, or +30d "
		    "or +12h from now");
	if (o->expires != NULL && o->expires_at <= cmd_now())
		return problem_set(p, COFRE_ARGUMENT,
		    "--expires: that time has passed already");
	return COFRE_OK;
}

static enum cofre_status
check(struct cmd *cmd, struct put *o, struct problem *p)
{
	enum cofre_status s = arg_object(cmd->args[0], &o->object, p);

	if (s != COFRE_OK)
		return s;
	cmd->object = cmd->args[0];
	s = take_kind(o, p);
	if (s == COFRE_OK)
		s = take_conditions(o, p);
	if (s == COFRE_OK)
		s = build_check(&o->build, p);
	return s;
}

static int
put(struct cmd *cmd, struct put *o)
{
	cofre_secret *secret;
	struct problem p;
	uint32_t version;
	enum cofre_status s = check(cmd, o, &p);

	if (s == COFRE_OK)
		s = build_secret(&o->build, &secret, &p);
	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	s = cmd_open(cmd);
	if (s != COFRE_OK) {
		cofre_secret_free(secret);
		return status_exit_code(s);
	}
	s = cofre_put(cmd->c, o->object.workspace, o->object.name, secret,
	    o->expires_at, o->expected, &version);
	cofre_secret_free(secret);
	if (s == COFRE_NOT_FOUND && o->build.follows == NULL)
		return cmd_error(cmd, s,
		    "there is no such workspace ('cofre workspace list')");
	if (s == COFRE_CONFLICT && o->create)
		return cmd_error(cmd, s, "there is one already");
	if (s == COFRE_CONFLICT)
		return cmd_error(cmd, s,
		    "it is not in the state that was expected: it may not be "
		    "there, have another version, or be of another kind "
		    "('cofre show' tells)");
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	(void)printf("%s version %u\n", cmd->object, version);
	return 0;
}

int
cmd_put(struct cmd *cmd, int argc, char **argv)
{
	struct put o = { 0 };
	struct build *b = &o.build;
	const struct option_row rows[] = {
		{ "kind", 0, OPTION_TEXT, "K", &o.kind,
		    "storage, registry, datastore or generic" },
		{ "type", 0, OPTION_TEXT, "T", &o.type,
		    "of a datastore: azure-blob, azure-sql, ..." },
		{ "format", 0, OPTION_TEXT, "F", &b->format,
		    "how the text is written, if not as usual" },
		{ "file", 0, OPTION_TEXT, "FILE", &b->file,
		    "read the secret there, not from standard input" },
		{ "field", 0, OPTION_LIST, "NAME=FILE", &b->fields,
		    "a secret field, read from a file or -" },
		{ "meta", 0, OPTION_LIST, "NAME=VALUE", &b->meta,
		    "a field that readers may see" },
		{ "server", 0, OPTION_TEXT, "HOST", &b->server,
		    "of a registry" },
		{ "username", 0, OPTION_TEXT, "U", &b->username,
		    "of a registry" },
		{ "follows", 0, OPTION_TEXT, "NAME", &b->follows,
		    "of a datastore: whose key is its own" },
		{ "strip", 0, OPTION_FLAG, NULL, &b->strip,
		    "generic: drop one newline at the end" },
		{ "expires", 0, OPTION_TEXT, "WHEN", &o.expires,
		    "2026-12-31T23:59:59Z, +30d, +12h" },
		{ "if-version", 0, OPTION_NUMBER, "N", &o.if_version,
		    "only if N is the current version" },
		{ "create", 0, OPTION_FLAG, NULL, &o.create,
		    "only if there is none of that name" },
	};
	const struct option_usage u = {
		"put WORKSPACE/NAME --kind KIND [option ...] < secret",
		"Store a secret, or its next version.  What is secret comes "
		"from standard input\nor from files, at a terminal from a "
		"prompt; it can't stand on the command line,\nwhich everyone "
		"on the machine can read.\n",
		rows, 13, 1, 1
	};
	int code = cmd_parse(cmd, &u, argc, argv);

	return code == CMD_GO ? put(cmd, &o) : code;
}
