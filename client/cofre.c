#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

/* One verb per row; each lives in cmd_<noun>.c. */
static const struct verb verbs[] = {
	{ "init", cmd_init, "make the vault, with its first unlock slot" },
	{ "unlock", cmd_unlock, "open the vault with a key" },
	{ "lock", cmd_lock, "wipe every key from the daemon's memory" },
	{ "status", cmd_status, "say whether the vault is open" },
	{ "doctor", cmd_doctor, "tell what protection is in force" },
	{ "slot", cmd_slot, "add, remove and list unlock slots" },
	{ "workspace", cmd_workspace, "create, list, show, delete, undelete them" },
	{ "identity", cmd_identity, "bind a workspace's managed identity" },
	{ "grant", cmd_grant, "give a user or group a role" },
	{ "ungrant", cmd_ungrant, "take a role away" },
	{ "grants", cmd_grants, "list who has which role" },
	{ "resync-keys", cmd_resync, "bring access and credentials up to date" },
	{ "source", cmd_source, "say where new values come from" },
	{ "why", cmd_why, "tell why somebody may do something, or not" },
	{ "who", cmd_who, "list who may do something" },
	{ "role", cmd_role, "list, show, import and export roles" },
	{ "put", cmd_put, "store a secret, or its next version" },
	{ "get", cmd_get, "fetch a secret" },
	{ "list", cmd_list, "list a workspace's secrets" },
	{ "show", cmd_show, "show a secret's metadata" },
	{ "versions", cmd_versions, "list a secret's versions" },
	{ "delete", cmd_delete, "delete a secret, for the time being" },
	{ "undelete", cmd_undelete, "bring a deleted secret back" },
	{ "purge", cmd_purge, "delete a secret for good" },
	{ "run", cmd_runs, "start, list, show, end, renew runs; exec" },
	{ "target", cmd_target, "make, show, rotate keys of compute targets" },
	{ "ca", cmd_ca, "a workspace's SSH CA: its key, KRL, host keys" },
	{ "ssh", cmd_ssh, "log in to a target" },
	{ "ssh-agent", cmd_ssh_agent, "run a command with keys of targets" },
	{ "watch", cmd_watch, "wait for newer versions" },
	{ "report-stale", cmd_report_stale, "say that a version was refused" },
	{ "activity", cmd_activity, "read or verify the activity log" },
	{ "unused", cmd_unused, "list the secrets that nobody reads" },
};

/*
 * What is opened later must not become standard output: a descriptor that is
 * missing is taken by one that can't be used the way it would be.
 */
static void
keep_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			(void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

/*
 * Nobody of the same uid looks into this process, and no core is left.  The
 * hard limit stays, so that 'run exec' can give the soft one back.
 */
static void
protect(struct cmd *cmd)
{
	struct rlimit none;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)getrlimit(RLIMIT_CORE, &cmd->core);
	none = (struct rlimit){ 0, cmd->core.rlim_max };
	(void)setrlimit(RLIMIT_CORE, &none);
	cmd->umask = umask(077);
}

/* Take the options that stand before the verb; how many words they are. */
static int
take_options(struct cmd *cmd, int argc, char **argv)
{
	int i = 1;

	for (; i < argc; i++)
		if (strncmp(argv[i], "--socket=", 9) == 0)
			cmd->socket = argv[i] + 9;
		else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
			cmd->socket = argv[++i];
		else
			break;
	return i - 1;
}

static int
run(struct cmd *cmd, int argc, char **argv)
{
	int code;

	if (argc > 1 && (strcmp(argv[1], "-V") == 0 ||
		strcmp(argv[1], "--version") == 0)) {
		(void)puts("cofre " COFRE_VERSION);
		return 0;
	}
	if ((argc > 1 && strcmp(argv[1], "--socket") == 0) ||
	    (cmd->socket != NULL && *cmd->socket == '\0'))
		return cmd_error(cmd, COFRE_ARGUMENT, "--socket needs a path");
	code = cmd_run(cmd, verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
	    argv);
	/* The path that was taken may be the verb that was meant. */
	if (argc == 1 && cmd->socket != NULL)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "there is no verb behind --socket %.200s", cmd->socket);
	return code;
}

int
main(int argc, char **argv)
{
	struct cmd cmd = { 0 };
	int skip, code;

	keep_standard_fds();
	protect(&cmd);
	skip = take_options(&cmd, argc, argv);
	code = run(&cmd, argc - skip, argv + skip);
	cmd_close(&cmd);
	return cmd_end(&cmd, code);
}
