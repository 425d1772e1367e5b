#include "in_sandbox.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"

static char dir[64];
static char error_text[512];

void
in_sandbox_setup(void)
{
	char path[128];
	int fd;

	(void)snprintf(dir, sizeof(dir), "/tmp/in_sandbox.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
}

void
in_sandbox_teardown(void)
{
	static const char *const names[] = { "state/old", "state/new",
		"state/newer", "state/moved", "state/socket",
		"state/data.mdb", "state/data.mdb-lock", "file", "made" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	(void)rmdir(path);
	(void)rmdir(dir);
}

const char *
in_sandbox_error(void)
{
	return error_text;
}

bool
in_sandbox_made(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/made", dir);
	return access(path, F_OK) == 0;
}

static bool
make_listener(struct inside *in)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sun.sun_path, "socket", 7);
	(void)unlink(sun.sun_path);
	in->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	return bind(in->listener, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    listen(in->listener, 5) == 0 &&
	    connect(client, (struct sockaddr *)&sun, sizeof(sun)) == 0;
}

static bool
make_files(struct inside *in)
{
	in->state = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	in->old = open("old", O_RDWR | O_CREAT | O_TRUNC, 0600);
	in->parent = getppid();
	in->status = open("/proc/self/status", O_RDONLY);
	in->limits = open("/proc/self/limits", O_RDONLY);
	if (in->state == -1 || in->old == -1 || in->status == -1 ||
	    in->limits == -1 ||
	    ftruncate(in->old, 8192) == -1)
		return false;
	in->page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED,
	    in->old, 0);
	if (in->page == MAP_FAILED || !ahead_init(&in->ahead))
		return false;
	ahead_open(&in->ahead, in->state, "old");
	return in->ahead.fd != -1;
}

static bool
make_sockets(struct inside *in)
{
	int datagrams[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, in->pair) ==
		-1 ||
	    socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams) == -1)
		return false;
	in->datagram = datagrams[0];
	in->epoll = epoll_create1(0);
	return in->epoll != -1 && make_listener(in);
}

static bool
make_signals(struct inside *in)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	in->signals = -1;
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		in->signals = signalfd(-1, &set, SFD_NONBLOCK);
	return in->signals != -1 && raise(SIGUSR1) == 0;
}

/* As main does it: early, the user, the files, the sandbox. */
static bool
prepare(const struct in_sandbox *how, struct inside *in)
{
	char error[256];

	if (!sandbox_early(error, sizeof(error)) || chdir(dir) == -1 ||
	    chdir("state") == -1)
		return false;
	(void)unlink("old"); /* of a child before, as another user */
	if (how->other_uid && getuid() == 0 &&
	    (chown(".", OTHER_UID, OTHER_UID) == -1 ||
		chown("..", OTHER_UID, OTHER_UID) == -1 ||
		chown("../file", OTHER_UID, OTHER_UID) == -1 ||
		!account_become(OTHER_UID, OTHER_UID)))
		return false;
	return make_files(in) && make_sockets(in) && make_signals(in) &&
	    (how->before == NULL || how->before(in) == 0);
}

static _Noreturn void
child(const struct in_sandbox *how, int report)
{
	char error[sizeof(error_text)] = "";
	struct inside in;

	memset(&in, 0, sizeof(in));
	if (!prepare(how, &in))
		_exit(IN_SANDBOX_PREPARE);
	if (!sandbox_enter(&in.s, in.state, how->required, error,
		sizeof(error))) {
		(void)!write(report, error, strlen(error));
		_exit(IN_SANDBOX_FAILED);
	}
	_exit(how->inside(&in));
}

int
in_sandbox_run(const struct in_sandbox *how)
{
	int report[2], status = -1;
	pid_t pid;

	memset(error_text, 0, sizeof(error_text));
	ck_assert_int_eq(pipe(report), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)alarm(10);
		child(how, report[1]);
	}
	(void)close(report[1]);
	while (read(report[0], error_text, sizeof(error_text) - 1) > 0)
		continue;
	(void)close(report[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

int
in_sandbox_deny(const char *name, int error)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int nr = seccomp_syscall_resolve_name(name);
	int r = ctx == NULL || nr == __NR_SCMP_ERROR ? -1 : 0;

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint16_t)error), nr,
		    0);
	if (r == 0 && geteuid() == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx != NULL)
		seccomp_release(ctx);
	return r;
}
