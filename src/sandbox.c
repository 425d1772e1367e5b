#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bus.h"
#include "filter.h"

/* What the headers of Debian 12 do not have yet. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
fail(char *error, size_t error_size, const char *what)
{
	(void)snprintf(error, error_size, "%s: %s", what, strerror(errno));
	return false;
}

/* Early: process hygiene. */

/* A file opened later must not become somebody's idea of stderr. */
static bool
open_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		if (open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

static bool
set_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_IGN;
	/* A file over RLIMIT_FSIZE is to be a failed write, not the end. */
	return sigaction(SIGPIPE, &sa, NULL) == 0 &&
	    sigaction(SIGXFSZ, &sa, NULL) == 0 && bus_catch();
}

/* Only a process with CAP_SETPCAP can; without it there is nothing to gain
   by exec either, because of no_new_privs. */
static void
clear_bounding_set(void)
{
	for (unsigned long cap = 0; cap <= 63; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static bool
set_limit(int what, rlim_t value)
{
	const struct rlimit r = { value, value };

	return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

static void
raise_limit(int what)
{
	struct rlimit r;

	if (getrlimit((__rlimit_resource_t)what, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit((__rlimit_resource_t)what, &r);
}

bool
sandbox_early(char *error, size_t error_size)
{
	if (!open_standard_fds())
		return fail(error, error_size, "open /dev/null");
	(void)umask(077);
	if (!set_limit(RLIMIT_CORE, 0))
		return fail(error, error_size, "no core files");
	raise_limit(RLIMIT_FSIZE);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return fail(error, error_size, "not dumpable");
	clear_bounding_set();
	if (!set_signals())
		return fail(error, error_size, "sigaction");
	return true;
}

void
sandbox_close_from(unsigned lowest)
{
	(void)syscall(SYS_close_range, lowest, ~0U, 0U);
}

void
sandbox_clear_environment(void)
{
	(void)clearenv();
}

/* Privileges. */

/* What the witness may keep; both are in the first 32. */
#define LOOK_CAPS ((1U << CAP_DAC_READ_SEARCH) | (1U << CAP_SYS_PTRACE))

/*
 * Give up all capabilities, but those of keep that the process has; *has
 * gets them.  False when others stay.
 */
static bool
limit_capabilities(uint32_t keep, uint32_t *has)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	clear_bounding_set();
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	memset(data, 0, sizeof(data));
	if (keep != 0 && syscall(SYS_capget, &head, data) == -1)
		return false;
	keep &= data[0].permitted;
	memset(data, 0, sizeof(data));
	data[0].effective = data[0].permitted = keep;
	if (syscall(SYS_capset, &head, data) == -1)
		return false;
	memset(data, 0xff, sizeof(data));
	if (syscall(SYS_capget, &head, data) == -1)
		return false;
	*has = data[0].effective;
	for (size_t i = 0; i < COUNT(data); i++) {
		uint32_t may = i == 0 ? keep : 0;

		if (data[i].effective == may && data[i].permitted == may &&
		    data[i].inheritable == 0)
			continue;
		errno = EPERM;
		return false;
	}
	return true;
}

static bool
drop_privileges(struct sandbox *s, uint32_t keep, char *error,
    size_t error_size)
{
	uint32_t has;

	if (!limit_capabilities(keep, &has))
		return fail(error, error_size, "drop capabilities");
	s->no_caps = has == 0;
	s->can_look = has == LOOK_CAPS;
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	s->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	if (!s->no_new_privs)
		return fail(error, error_size, "no_new_privs");
	/* A change of the user id has set it again. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	s->not_dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
	if (!s->not_dumpable)
		return fail(error, error_size, "not dumpable");
	if (!set_limit(RLIMIT_CORE, 0))
		return fail(error, error_size, "setrlimit");
	return true;
}

/* From here on this process makes no other one. */
static bool
make_no_processes(char *error, size_t error_size)
{
	return set_limit(RLIMIT_NPROC, 0) ||
	    fail(error, error_size, "setrlimit");
}

/* Landlock: files of the state directory alone, no TCP, no signals. */

#define LANDLOCK_WRITE_FILE (1U << 1)
#define LANDLOCK_READ_FILE (1U << 2)
#define LANDLOCK_READ_DIR (1U << 3)
#define LANDLOCK_REMOVE_FILE (1U << 5)
#define LANDLOCK_MAKE_REG (1U << 8)
#define LANDLOCK_TRUNCATE (1U << 14)
#define LANDLOCK_STATE \
	(LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE | LANDLOCK_READ_DIR | \
	 LANDLOCK_REMOVE_FILE | LANDLOCK_MAKE_REG | LANDLOCK_TRUNCATE)
/* Of one file: LMDB opens it for both. */
#define LANDLOCK_FILE (LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE)
#define LANDLOCK_VERSION 1U   /* flag of create_ruleset: tell the ABI */
#define LANDLOCK_BENEATH 1U   /* type of a rule: a directory and below */

struct landlock_ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct landlock_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* Everything that a kernel of that ABI can deny. */
static struct landlock_ruleset
landlock_all(int abi)
{
	const struct landlock_ruleset r = {
		.fs = abi >= 5 ? 0xffff : abi >= 3 ? 0x7fff :
		    abi == 2 ? 0x3fff : 0x1fff,
		.net = abi >= 4 ? 3 : 0,    /* bind and connect of TCP */
		.scoped = abi >= 6 ? 3 : 0, /* abstract sockets, signals */
	};

	return r;
}

/* With no rule when at is -1: nothing can be reached then. */
static bool
landlock_apply(int abi, int at, uint64_t allowed)
{
	const struct landlock_ruleset r = landlock_all(abi);
	const struct landlock_beneath b = { r.fs & allowed, at };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0U);
	bool ok = false;

	if (fd == -1)
		return false;
	ok = (at == -1 || syscall(SYS_landlock_add_rule, fd, LANDLOCK_BENEATH,
			      &b, 0U) == 0) &&
	    syscall(SYS_landlock_restrict_self, fd, 0U) == 0;
	(void)close(fd);
	return ok;
}

static bool
enter_landlock(struct sandbox *s, int at, uint64_t allowed, bool required,
    char *error, size_t error_size)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_VERSION);

	if (abi < 1 && !required && (errno == ENOSYS || errno == EOPNOTSUPP))
		return true;
	if (abi < 1)
		return fail(error, error_size, "Landlock");
	if (!landlock_apply(abi, at, allowed))
		return fail(error, error_size, "Landlock rules");
	s->landlock_abi = abi;
	return true;
}

/* seccomp. */

static bool
enter_seccomp(struct sandbox *s, enum filter which, bool required,
    char *error, size_t error_size)
{
	int r = filter_problem();

	if (!required && (r == ENOSYS || r == EOPNOTSUPP))
		return true;
	if (r == 0)
		r = filter_load(which);
	if (r != 0) {
		errno = r;
		return fail(error, error_size, "seccomp");
	}
	s->seccomp = true;
	return true;
}

bool
sandbox_enter(struct sandbox *s, int state_fd, bool required, char *error,
    size_t error_size)
{
	memset(s, 0, sizeof(*s));
	return drop_privileges(s, 0, error, error_size) &&
	    make_no_processes(error, error_size) &&
	    enter_landlock(s, state_fd, LANDLOCK_STATE, required, error,
		error_size) &&
	    enter_seccomp(s, FILTER_DAEMON, required, error, error_size);
}

bool
sandbox_enter_keeper(struct sandbox *s, bool required, char *error,
    size_t error_size)
{
	memset(s, 0, sizeof(*s));
	/* It makes no files, and what it can open it can't fill. */
	return set_limit(RLIMIT_FSIZE, 0) ?
	    drop_privileges(s, LOOK_CAPS, error, error_size) &&
		enter_seccomp(s, FILTER_KEEPER, required, error,
		    error_size) :
	    fail(error, error_size, "setrlimit");
}

bool
sandbox_enter_witness(bool required, char *error, size_t error_size)
{
	struct sandbox s;

	memset(&s, 0, sizeof(s));
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		return fail(error, error_size, "prctl");
	return make_no_processes(error, error_size) &&
	    enter_seccomp(&s, FILTER_WITNESS, required, error, error_size);
}

#if defined(__SANITIZE_ADDRESS__)
#define SHADOW true
#elif defined(__has_feature)
#define SHADOW __has_feature(address_sanitizer)
#else
#define SHADOW false
#endif

/* A bit for each page of the file, and what LMDB and libc need.  What keeps
   notes of all memory needs terabytes. */
static bool
limit_checker(int file, unsigned seconds)
{
	/* SIGXCPU says what it was, and comes before SIGKILL. */
	const struct rlimit cpu = { seconds, (rlim_t)seconds + 1 };
	struct stat st;

	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	    fstat(file, &st) == 0 && set_limit(RLIMIT_FSIZE, 0) &&
	    set_limit(RLIMIT_NOFILE, 16) && setrlimit(RLIMIT_CPU, &cpu) == 0 &&
	    (SHADOW || set_limit(RLIMIT_DATA,
		(64u << 20) + (rlim_t)st.st_size / 4096));
}

bool
sandbox_enter_checker(int file, unsigned seconds, bool required, char *error,
    size_t error_size)
{
	struct sandbox s;

	memset(&s, 0, sizeof(s));
	if (!limit_checker(file, seconds))
		return fail(error, error_size, "limits");
	return drop_privileges(&s, 0, error, error_size) &&
	    make_no_processes(error, error_size) &&
	    enter_landlock(&s, file, LANDLOCK_FILE, required, error,
		error_size) &&
	    enter_seccomp(&s, FILTER_CHECKER, required, error, error_size);
}

bool
sandbox_enter_sentry(pid_t daemon, bool required, char *error,
    size_t error_size)
{
	struct sandbox s;

	memset(&s, 0, sizeof(s));
	if (!drop_privileges(&s, 0, error, error_size))
		return false;
	/* Behind what changes credentials, which would undo it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1 ||
	    !set_limit(RLIMIT_FSIZE, 0) || getppid() != daemon)
		return fail(error, error_size, "limits, or no daemon");
	if (!SHADOW)
		(void)mlockall(MCL_CURRENT);
	return make_no_processes(error, error_size) &&
	    enter_landlock(&s, -1, 0, required, error, error_size) &&
	    enter_seccomp(&s, FILTER_SENTRY, required, error, error_size);
}

/* True when the map's ranges, one after the other, give every id itself. */
static bool
is_identity(const char *map)
{
	uint64_t next = 0;
	char *end;

	while (*map != '\0') {
		uint64_t inside = strtoull(map, &end, 10);
		uint64_t outside = strtoull(end, &end, 10);
		uint64_t count = strtoull(end, &end, 10);

		if (*end != '\n' || inside != next || outside != next)
			return false;
		next += count;
		map = end + 1;
	}
	return next == UINT32_MAX;
}

/* 1: one to one; 0: not; -1: can't be read, with errno. */
static int
read_map(const char *path)
{
	char text[8192];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n < 0)
		return -1;
	text[n] = '\0';
	return is_identity(text) ? 1 : 0;
}

const char *
sandbox_identity_problem(void)
{
	static const char *const paths[] = { "/proc/self/uid_map",
		"/proc/self/gid_map" };

	for (size_t i = 0; i < COUNT(paths); i++) {
		int r = read_map(paths[i]);

		/* A kernel without user namespaces has no such file. */
		if (r == 1 || (r == -1 && errno == ENOENT &&
			access("/proc/self/status", F_OK) == 0))
			continue;
		if (r == -1)
			return "the id maps in /proc/self can't be read";
		return "this user namespace does not map every user and group "
		    "id to itself (a container, or PrivateUsers=yes)";
	}
	return NULL;
}
