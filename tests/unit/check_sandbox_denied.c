/*
 * What code that runs inside the sandboxed daemon can't do, one attempt
 * each: seccomp ends the process, or Landlock refuses.  With one of the two
 * left out, the other one's part is seen alone.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "in_sandbox.h"

#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
#define NEW_FLAGS (O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* errno of what should fail; 0 when it did not. */
#define TRY(fn, attempt) \
	static int fn(struct inside *in) \
	{ \
		(void)in; \
		errno = 0; \
		return (attempt) == -1 ? errno : 0; \
	}

static long
map_executable(int fd)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | (fd == -1 ? MAP_ANONYMOUS : 0), fd, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long
send_to(const struct inside *in)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
		.sun_path = "/run/x" };

	return sendto(in->datagram, "x", 1, 0, (struct sockaddr *)&sun,
	    sizeof(sun));
}

#ifdef __x86_64__
/* getpid, as a program of another architecture would ask for it. */
static long
call_i386(void)
{
	long r = 20;

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
	return r;
}
#define X32 0x40000000L
TRY(i386, call_i386())
TRY(x32, syscall(X32 + SYS_getpid))

/* A kernel may have no such calls at all: then the processor ends whoever
   tries, in the sandbox and out of it. */
static bool
has_i386(void)
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		_exit(call_i386() == getpid() ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
#endif

/* Programs and processes. */
TRY(exec, execve("/bin/true", (char *[]){ (char[]){ "true" }, NULL }, NULL))
TRY(exec_fd, syscall(SYS_execveat, in->old, "", NULL, NULL, AT_EMPTY_PATH))
TRY(do_fork, fork())
TRY(clone_3, syscall(SYS_clone3, NULL, 0))
TRY(trace, ptrace(PTRACE_ATTACH, in->parent, NULL, NULL))
TRY(trace_me, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
TRY(read_other, syscall(SYS_process_vm_readv, in->parent, NULL, 0, NULL, 0, 0))
TRY(steal_fd, syscall(SYS_pidfd_getfd, in->old, 0, 0))
TRY(open_pidfd, syscall(SYS_pidfd_open, getpid(), O_NONBLOCK))
TRY(kill_other, kill(in->parent, 0))
TRY(kill_self, kill(getpid(), SIGABRT))
TRY(tgkill_other, syscall(SYS_tgkill, in->parent, in->parent, SIGABRT))
TRY(tgkill_signal, syscall(SYS_tgkill, getpid(), getpid(), SIGCONT))
TRY(handler, signal(SIGTERM, SIG_IGN) == SIG_ERR ? -1 : 0)
/* Privileges. */
TRY(set_uid, setuid(0))
TRY(set_gid, setresgid(0, 0, 0))
TRY(dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
TRY(capabilities, syscall(SYS_capset, NULL, NULL))
TRY(filter, syscall(SYS_seccomp, 1, 0, NULL))
TRY(namespace, unshare(CLONE_NEWUSER))
TRY(limits, syscall(SYS_prlimit64, 0, 0, NULL, NULL))
TRY(persona, syscall(SYS_personality, 0x0400000))
/* Network. */
TRY(socket_unix, socket(AF_UNIX, SOCK_STREAM, 0))
TRY(socket_inet, socket(AF_INET, SOCK_STREAM, 0))
TRY(pair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0, 0 }))
TRY(do_connect, connect(in->datagram, NULL, 0))
TRY(do_bind, bind(in->datagram, NULL, 0))
TRY(do_listen, listen(in->pair[0], 1))
TRY(send_elsewhere, send_to(in))
TRY(set_option, setsockopt(in->pair[0], SOL_SOCKET, SO_PASSCRED, NULL, 0))
TRY(get_option, getsockopt(in->pair[0], SOL_SOCKET, SO_TYPE, NULL, NULL))
TRY(get_option_level, getsockopt(in->pair[0], 6, SO_PEERCRED, NULL, NULL))
TRY(accept_plain, accept(in->listener, NULL, NULL))
TRY(accept_leaky, accept4(in->listener, NULL, NULL, SOCK_NONBLOCK))
/* Memory. */
TRY(map_exec, map_executable(-1))
TRY(map_exec_file, map_executable(in->old))
TRY(make_exec, mprotect(in->page, 4096, PROT_READ | PROT_EXEC))
TRY(move_fixed, syscall(SYS_mremap, in->page, 4096, 4096,
    MREMAP_MAYMOVE | MREMAP_FIXED, in->page + 4096))
TRY(advise_fork, madvise(in->page, 4096, MADV_DOFORK))
TRY(advise_dump, madvise(in->page, 4096, MADV_DODUMP))
TRY(memory_fd, syscall(SYS_memfd_create, "x", 0))
TRY(unlock_memory, syscall(SYS_munlock, in->page, 4096))
/* Files. */
TRY(open_plain, open("/etc/passwd", O_RDONLY))
TRY(open_follow, open("/etc/passwd", O_RDONLY | O_CLOEXEC))
TRY(open_leaky, open("/etc/passwd", O_RDONLY | O_NOFOLLOW))
TRY(open_path, open("/etc", READ_FLAGS | O_PATH))
TRY(open_temporary, openat(in->state, ".",
    O_TMPFILE | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600))
TRY(open_outside, open("/etc/passwd", READ_FLAGS))
TRY(open_memory, open("/proc/self/mem", READ_FLAGS))
TRY(open_parent, openat(in->state, "../made", NEW_FLAGS, 0600))
TRY(open_directory, open("/", READ_FLAGS | O_DIRECTORY))
TRY(rename_out, renameat(in->state, "old", in->state, "../made"))
TRY(rename_in, renameat(in->state, "../file", in->state, "moved"))
TRY(unlink_outside, unlinkat(in->state, "../file", 0))
TRY(remove_directory, unlinkat(in->state, "x", AT_REMOVEDIR))
TRY(make_directory, mkdirat(in->state, "x", 0700))
TRY(make_link, symlinkat("/etc", in->state, "x"))
TRY(make_node, mknodat(in->state, "x", S_IFIFO | 0600, 0))
TRY(change_mode, fchmod(in->old, 0666))
TRY(punch, fallocate(in->old, 3, 0, 4096))
TRY(control, syscall(SYS_ioctl, 0, 0x5412, "x"))
TRY(duplicate, fcntl(in->old, F_DUPFD, 100))
TRY(own_signals, fcntl(in->old, F_SETOWN, getpid()))
TRY(write_elsewhere, write(in->old, "x", 1))
TRY(poll_many, poll((struct pollfd[2]){ { 0 } }, 2, 0))
TRY(mount_api, syscall(SYS_fsopen, "proc", 0))
TRY(uring, syscall(SYS_io_uring_setup, 1, NULL))
TRY(program_bpf, syscall(SYS_bpf, 0, NULL, 0))
TRY(keys, syscall(SYS_keyctl, 0, 0, 0, 0, 0))
TRY(open_handle, syscall(SYS_open_by_handle_at, in->old, NULL, 0))
TRY(open_two, syscall(SYS_openat2, in->state, "old", NULL, 0))

#define KILLED 0

static const struct attempt {
	const char *name;
	in_sandbox_fn *fn;
	int error; /* KILLED: SIGSYS; else the errno */
	int or_error; /* another one that says no, or 0 */
} attempts[] = {
#define KILL(fn) { #fn, fn, KILLED, 0 }
#define REFUSE(fn, e, f) { #fn, fn, e, f }
	KILL(exec), KILL(exec_fd), KILL(do_fork), KILL(clone_3), KILL(trace),
	KILL(trace_me), KILL(read_other), KILL(steal_fd), KILL(open_pidfd),
	KILL(kill_other), KILL(kill_self), KILL(tgkill_other),
	KILL(tgkill_signal), KILL(handler), KILL(set_uid), KILL(set_gid),
	KILL(dumpable), KILL(capabilities), KILL(filter), KILL(namespace),
	KILL(limits), KILL(persona), KILL(socket_unix), KILL(socket_inet),
	KILL(pair), KILL(do_connect), KILL(do_bind), KILL(do_listen),
	KILL(send_elsewhere), KILL(set_option),
	KILL(get_option), KILL(get_option_level), KILL(accept_plain),
	KILL(accept_leaky), KILL(map_exec), KILL(map_exec_file),
	KILL(make_exec), KILL(move_fixed), KILL(advise_fork),
	KILL(advise_dump), KILL(memory_fd), KILL(unlock_memory),
	KILL(open_plain), KILL(open_follow), KILL(open_leaky),
	KILL(open_path), KILL(open_temporary), KILL(remove_directory),
	KILL(make_directory), KILL(make_link), KILL(make_node),
	KILL(change_mode), KILL(punch), KILL(control), KILL(duplicate),
	KILL(own_signals), KILL(write_elsewhere), KILL(poll_many),
	KILL(mount_api), KILL(uring), KILL(program_bpf), KILL(keys),
	KILL(open_handle), KILL(open_two),
#ifdef __x86_64__
	KILL(i386), KILL(x32),
#endif
	REFUSE(open_outside, EACCES, 0),
	REFUSE(open_memory, EACCES, 0),
	REFUSE(open_parent, EACCES, 0),
	REFUSE(open_directory, EACCES, 0),
	REFUSE(rename_out, EACCES, EXDEV),
	REFUSE(rename_in, EACCES, EXDEV),
	REFUSE(unlink_outside, EACCES, 0),
};

static void
check(const struct attempt *a, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (a->error == KILLED)
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
		    "%s: exit %d", a->name, code);
	else
		ck_assert_msg(code == a->error ||
			(a->or_error != 0 && code == a->or_error),
		    "%s: exit %d, status %x", a->name, code,
		    (unsigned)status);
}

/* Twice each: as the user of the test, and as another one. */
START_TEST(the_sandbox_stops_it)
{
	const struct attempt *a = &attempts[_i / 2];
	const struct in_sandbox how = { .other_uid = _i % 2 == 1,
		.required = true, .inside = a->fn };

	int status = in_sandbox_run(&how);

#ifdef __x86_64__
	if (a->fn == i386 && !has_i386())
		ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	else
#endif
		check(a, status);
	ck_assert_str_eq(in_sandbox_error(), "");
	ck_assert_msg(!in_sandbox_made(), "%s", a->name);
}
END_TEST

/* One of the two alone. */

static int
no_seccomp(struct inside *in)
{
	(void)in;
	return in_sandbox_deny("seccomp", ENOSYS);
}

static int
no_landlock(struct inside *in)
{
	(void)in;
	return in_sandbox_deny("landlock_create_ruleset", ENOSYS);
}

static long
tcp(int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(1);
	if (fd == -1)
		return -1;
	return call(fd, (struct sockaddr *)&sin, sizeof(sin));
}

static long
bind_outside(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
		.sun_path = "../made" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return bind(fd, (struct sockaddr *)&sun, sizeof(sun));
}

static long
execute_own(const struct inside *in)
{
	if (fchmod(in->old, 0700) == -1)
		return 0;
	return execve("./old", (char *[]){ (char[]){ "old" }, NULL }, NULL);
}

TRY(exec_state, execute_own(in))
TRY(tcp_bind, tcp(bind))
TRY(tcp_connect, tcp(connect))
TRY(unix_bind, bind_outside())

/* needs: the ABI of Landlock that knows of it. */
static const struct {
	struct attempt a;
	int needs;
} landlock_alone[] = {
	{ REFUSE(open_plain, EACCES, 0), 1 },
	{ REFUSE(exec, EACCES, 0), 1 },
	{ REFUSE(exec_state, EACCES, 0), 1 },
	{ REFUSE(unix_bind, EACCES, 0), 1 },
	{ REFUSE(make_directory, EACCES, 0), 1 },
	{ REFUSE(make_link, EACCES, 0), 1 },
	{ REFUSE(make_node, EACCES, 0), 1 },
	{ REFUSE(tcp_bind, EACCES, 0), 4 },
	{ REFUSE(tcp_connect, EACCES, 0), 4 },
	{ REFUSE(kill_other, EPERM, 0), 6 },
};

START_TEST(landlock_alone_stops_it)
{
	const struct in_sandbox how = { .before = no_seccomp,
		.inside = landlock_alone[_i].a.fn };
	int abi_now = (int)syscall(444, NULL, 0, 1U);

	if (abi_now >= landlock_alone[_i].needs)
		check(&landlock_alone[_i].a, in_sandbox_run(&how));
}
END_TEST

/* So it is Landlock, in the test above, that refuses this. */
START_TEST(without_landlock_a_file_outside_can_be_opened)
{
	const struct in_sandbox how = { .before = no_landlock,
		.inside = open_outside };
	int status = in_sandbox_run(&how);

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* A new file in the state directory can be made, and cut short. */
static int
use_state(struct inside *in)
{
	int fd = openat(in->state, "new", NEW_FLAGS, 0600);

	return fd != -1 && ftruncate(fd, 100) == 0 && close(fd) == 0 &&
	    openat(in->state, "new", READ_FLAGS | O_TRUNC | O_RDWR) != -1 &&
	    openat(in->state, ".", READ_FLAGS | O_DIRECTORY) != -1 &&
	    unlinkat(in->state, "new", 0) == 0 ? 0 : errno;
}

START_TEST(the_state_directory_can_be_used)
{
	const struct in_sandbox how = { .other_uid = _i == 1,
		.required = true, .inside = use_state };
	int status = in_sandbox_run(&how);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x",
	    (unsigned)status);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sandbox denied");
	TCase *t = tcase_create("denied");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, in_sandbox_setup, in_sandbox_teardown);
	tcase_add_loop_test(t, the_sandbox_stops_it, 0,
	    2 * (int)COUNT(attempts));
	tcase_add_loop_test(t, landlock_alone_stops_it, 0,
	    (int)COUNT(landlock_alone));
	tcase_add_test(t, without_landlock_a_file_outside_can_be_opened);
	tcase_add_loop_test(t, the_state_directory_can_be_used, 0, 2);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
