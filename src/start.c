#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "bus.h"
#include "dispatch.h"
#include "keyfile.h"
#include "ops.h"
#include "scan.h"
#include "status.h"
#include "store_check.h"
#include "turn.h"

#define DEFAULT_CONFIG "/etc/cofre/cofred.conf"
#define CREDENTIAL "cofre.key"
#define STORE_FILE "data.mdb"
#define LOCK_MOMENT 10000000 /* nanoseconds, */
#define LOCK_MOMENTS 100 /* and so many of them are waited for a lock */
#define SSH_STORE_FILE "ssh.lmdb"
static const char usage[] =
    "usage: cofred [--state DIR] [--socket PATH] [--agent-socket PATH]\n"
    "              [--config FILE] [--keyfile FILE] [--user USER]\n"
    "\n"
    "  --state DIR     where the vault and its activity log are kept\n"
    "  --socket PATH   where clients connect\n"
    "  --agent-socket PATH\n"
    "                  where ssh clients connect, as to an ssh-agent\n"
    "  --config FILE   default " DEFAULT_CONFIG ", if it is there\n"
    "  --keyfile FILE  unlock the vault at start with this keyfile\n"
    "  --user USER     when started as root: run as USER (name, UID or "
    "UID:GID)\n"
    "  --version, --help\n"
    "\n"
    "It runs in the foreground.  See cofred(8) and cofred.conf(5).\n";

static bool __attribute__((format(printf, 1, 2)))
fail(const char *format, ...)
{
	char text[CONFIG_ERROR_MAX + 256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)fprintf(stderr, "cofred: %s\n", text);
	return false;
}

bool
start_options(struct start *st, int argc, char **argv, int *exit_code)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' },
		{ "socket", required_argument, NULL, 'S' },
		{ "agent-socket", required_argument, NULL, 'a' },
		{ "config", required_argument, NULL, 'c' },
		{ "keyfile", required_argument, NULL, 'k' },
		{ "user", required_argument, NULL, 'u' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char **to[] = { ['s'] = &st->state, ['S'] = &st->socket,
		['a'] = &st->agent_socket, ['c'] = &st->config_path, ['k'] = &st->keyfile,
		['u'] = &st->user };
	int c;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		if (c == 'h' || c == 'V') {
			(void)fputs(c == 'h' ? usage :
					       "cofred " COFRE_VERSION "\n",
			    stdout);
			*exit_code = 0;
			return false;
		}
		if (c == '?') {
			*exit_code = 2;
			(void)fputs(usage, stderr);
			return false;
		}
		*to[c] = optarg;
	}
	*exit_code = 2;
	if (optind < argc)
		return fail("what is '%s'?  cofred takes options only; "
			    "see cofred --help", argv[optind]);
	return true;
}

static bool
set(struct config *c, const char *key, const char *value)
{
	char error[CONFIG_ERROR_MAX];

	if (value == NULL || config_set(c, key, value, error))
		return true;
	return fail("--%s: %s", key, error);
}

/* The same for a path, which may be relative to where cofred was started. */
static bool
set_path(struct config *c, const char *key, const char *value)
{
	char path[2 * CONFIG_PATH_MAX], *here;
	int n;

	if (value == NULL || value[0] == '/')
		return set(c, key, value);
	if ((here = getcwd(NULL, 0)) == NULL)
		return fail("--%s %s: %s", key, value, strerror(errno));
	n = snprintf(path, sizeof(path), "%s/%s", here, value);
	free(here);
	if ((size_t)n >= sizeof(path)) /* or a failure, which is below 0 */
		return fail("--%s: the path is too long", key);
	return set(c, key, path);
}

bool
start_config(struct start *st, struct server *sv)
{
	const char *path =
	    st->config_path != NULL ? st->config_path : DEFAULT_CONFIG;
	struct config *c = &sv->config;
	char error[CONFIG_ERROR_MAX];

	config_defaults(c);
	sv->config_path = path;
	/* A FIFO, which is refused, is not to be waited for. */
	sv->config_fd = open(path,
	    O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (sv->config_fd == -1 && (st->config_path != NULL || errno != ENOENT))
		return fail("%s: %s", path, strerror(errno));
	if (sv->config_fd != -1 &&
	    !config_read_fd(c, path, sv->config_fd, error))
		return fail("%s", error);
	sv->filed = *c;
	if (!set_path(c, "state", st->state) ||
	    !set_path(c, "socket", st->socket) ||
	    !set_path(c, "agent_socket", st->agent_socket) ||
	    !set_path(c, "keyfile", st->keyfile) || !set(c, "user", st->user))
		return false;
	if (!config_resolve(c, "/etc/group", error))
		return fail("%s", error);
	return true;
}

/*
 * Take the lock.  The sentry of a daemon that was killed has the same
 * descriptors, and takes a moment to end, too.
 */
static bool
lock_state(int fd)
{
	const struct timespec moment = { 0, LOCK_MOMENT };

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; i++) {
		if (errno != EWOULDBLOCK || i == LOCK_MOMENTS)
			return false;
		(void)nanosleep(&moment, NULL);
	}
	return true;
}

bool
start_state(struct start *st, struct server *sv)
{
	const char *path = sv->config.state;
	struct stat sb;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return fail("state directory %s can't be made: %s", path,
		    strerror(errno));
	st->state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
		O_NOFOLLOW);
	if (st->state_fd == -1 || fstat(st->state_fd, &sb) == -1)
		return fail("state directory %s: %s", path, strerror(errno));
	if ((sb.st_mode & 0077) != 0 && fchmod(st->state_fd, 0700) == -1)
		return fail("state directory %s is open to others, and that "
			    "can't be changed: %s", path, strerror(errno));
	if (!lock_state(st->state_fd))
		return fail("state directory %s is in use by another cofred",
		    path);
	if (fchdir(st->state_fd) == -1)
		return fail("state directory %s: %s", path, strerror(errno));
	return true;
}

bool
start_keyfile(struct start *st, struct server *sv)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[CONFIG_PATH_MAX + 16], error[256];

	if (sv->config.keyfile[0] != '\0')
		(void)snprintf(path, sizeof(path), "%s", sv->config.keyfile);
	else if (directory != NULL && directory[0] == '/') {
		(void)snprintf(path, sizeof(path), "%s/" CREDENTIAL,
		    directory);
		if (access(path, F_OK) == -1)
			return true;
	} else
		return true;
	if (!keyfile_read(path, st->key, error, sizeof(error)))
		return fail("%s", error);
	st->have_key = true;
	return true;
}

/* socket_mode can then let in the members of that group. */
static bool
give_socket(const char *path, bool made, gid_t gid)
{
	if (!made || lchown(path, 0, gid) == 0)
		return true;
	return fail("%s can't be given to group %u: %s", path, gid,
	    strerror(errno));
}

bool
start_check(struct start *st, struct server *sv)
{
	static const char *const stores[] = { STORE_FILE, SSH_STORE_FILE };
	const char *path = sv->config.state;
	char error[CONFIG_ERROR_MAX];
	struct stat sb;

	if (geteuid() == 0 && fstat(st->state_fd, &sb) == 0 &&
	    sb.st_uid == 0 && fchown(st->state_fd, st->uid, st->gid) == -1)
		return fail("state directory %s can't be given to uid %u: %s",
		    path, st->uid, strerror(errno));
	if (fstat(st->state_fd, &sb) == -1 || sb.st_uid != st->uid)
		return fail("state directory %s belongs to uid %u, and cofred "
			    "runs as uid %u: chown it, or give that user",
		    path, (unsigned)sb.st_uid, (unsigned)st->uid);
	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
		if (!store_check(stores[i], st->uid, st->gid,
			sv->config.sandbox_required, error, sizeof(error)))
			return fail("%s", error);
	return true;
}

bool
start_user(struct start *st, struct server *sv)
{
	uid_t uid = st->uid;
	gid_t gid = st->gid;

	if (geteuid() == 0) {
		if (!give_socket(sv->config.socket, st->socket_made, gid) ||
		    !give_socket(sv->config.agent_socket, st->agent_made, gid))
			return false;
		if (!account_become(uid, gid))
			return fail("can't become uid %u: %s", uid,
			    strerror(errno));
	}
	return true;
}

static bool
memory_is_locked(const struct server *sv)
{
	return sv->vault.keyring.memory.kind != SECMEM_PLAIN &&
	    sv->vault.scratch.kind != SECMEM_PLAIN &&
	    sv->vault.ssh.scratch.kind != SECMEM_PLAIN &&
	    sv->pool.memory.kind != SECMEM_PLAIN &&
	    sv->io.kind != SECMEM_PLAIN && sv->scan.kind != SECMEM_PLAIN;
}

/* What has keys, and secrets on their way. */
static void
wipe_on_fault(const struct server *sv)
{
	const struct secmem *const areas[] = { &sv->vault.keyring.memory,
		&sv->vault.scratch, &sv->vault.ssh.scratch, &sv->io,
		&sv->scan, &sv->pool.memory };

	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		bus_wipe(areas[i]->base, areas[i]->size);
}

bool
start_stores(struct start *st, struct server *sv)
{
	char error[CONFIG_ERROR_MAX];
	struct store *store, *ssh;

	if (!secmem_init(&sv->io, IO_MAX, false, true) ||
	    !secmem_init(&sv->scan, SCAN_MAX, false, true) ||
	    !pool_init(&sv->pool, sv->config.buffer_memory))
		return fail("memory: %s", strerror(errno));
	sv->in = sv->io.base;
	sv->kept = sv->in + IN_MAX;
	sv->reply = sv->kept + FRAME_MAX;
	store = store_open(STORE_FILE, sv->config.store_limit, error,
	    sizeof(error));
	if (store == NULL)
		return fail("%s", error);
	sv->vault.store = store; /* start_undo() closes both */
	ssh = store_open(SSH_STORE_FILE, SSH_STORE_LIMIT, error, sizeof(error));
	if (ssh == NULL)
		return fail("%s", error);
	if (!vault_open(&sv->vault, store, ssh, error, sizeof(error)))
		return fail("%s", error);
	sv->audit = audit_open(st->state_fd, sv->config.log_segment, error,
	    sizeof(error));
	if (sv->audit == NULL)
		return fail("%s", error);
	if (sv->vault.state == VAULT_EMPTY && audit_last_epoch(sv->audit) > 0)
		return fail("data.mdb is empty or missing, but the activity "
			    "log is that of a vault: put the store back, or "
			    "move %s/activity away to begin anew",
		    sv->config.state);
	if (!audit_goes_ahead(sv->audit))
		(void)fail("warning: the kernel does no asynchronous I/O for "
			   "cofred (io_setup: a container's filter, or "
			   "fs.aio-max-nr): each flush of the log takes "
			   "longer");
	wipe_on_fault(sv);
	if (memory_is_locked(sv))
		return true;
	if (sv->config.memory_required)
		return fail("memory for secrets can't be locked: raise "
			    "RLIMIT_MEMLOCK (LimitMEMLOCK), or set "
			    "'memory_lock = optional' to run without");
	(void)fail("warning: memory for secrets is not locked; it may be "
		   "swapped out");
	return true;
}

bool
start_sandbox(struct start *st, struct server *sv)
{
	char error[CONFIG_ERROR_MAX];
	const char *why = sandbox_identity_problem();

	if (why != NULL)
		return fail("%s", why);
	if (!sandbox_enter(&sv->sandbox, st->state_fd,
		sv->config.sandbox_required, error, sizeof(error)))
		return fail("sandbox: %s", error);
	return true;
}

bool
start_unlock(struct start *st, struct server *sv)
{
	const char *why;
	enum cofre_status s;

	sv->started = sv->clock;
	dispatch_system(sv, audit_open_note(sv->audit) != NULL ?
		audit_open_note(sv->audit) :
		"started");
	turn_end(sv);
	if (!st->have_key || sv->vault.state == VAULT_EMPTY) {
		secmem_wipe(st->key, sizeof(st->key));
		return true;
	}
	s = op_unlock_now(sv, (struct view){ st->key, KEY_LEN });
	why = s != COFRE_OK && sv->vault.unlock.of_ssh ?
	    vault_unlock_problem(&sv->vault) :
	    cofre_status_text(s);
	secmem_wipe(st->key, sizeof(st->key));
	secmem_wipe_stack();
	secmem_wipe_registers();
	dispatch_system(sv, s == COFRE_OK ? "unlocked by keyfile" : why);
	turn_end(sv);
	if (s != COFRE_OK)
		(void)fail("the keyfile does not unlock the vault: %s; it "
			   "stays locked", why);
	return true;
}

void
start_undo(struct start *st, struct server *sv)
{
	struct store *store = sv->vault.store, *ssh = sv->vault.ssh.store;

	secmem_wipe(st->key, sizeof(st->key));
	sentry_end(&sv->sentry);
	bus_wiped();
	vault_close(&sv->vault);
	audit_close(sv->audit);
	store_close(store);
	store_close(ssh);
	pool_free(&sv->pool);
	secmem_free(&sv->io);
	secmem_free(&sv->scan);
	free(sv->uses);
}
