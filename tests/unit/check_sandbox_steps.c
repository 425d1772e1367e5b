/*
 * Whichever step of a sandbox fails: either what is left of the process is
 * the same, or it is refused with a reason.  And what a kernel of another age
 * is asked for.  check_sandbox.c is about a sandbox that is entered.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "in_sandbox.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LANDLOCK_CREATE 444

/* Of the child, which the test looks at. */
static struct shared {
	volatile bool entered; /* and waits for its end */
	bool optional;	       /* what has failed need not succeed */
	int count;	       /* of the steps that could have failed */
	int left;	       /* until the one that fails */
	char error[256];
	struct { /* the rights that Landlock was asked to deny */
		uint64_t fs, net, scoped;
	} landlock;
} *shared;

static bool on;	   /* steps are counted */
static int abi;	   /* of Landlock that the kernel has, when not 0 */
static size_t lie; /* of capget(2): a word of its answer; 0: none */

static bool
fails(bool optional)
{
	if (!on)
		return false;
	shared->count++;
	if (--shared->left != 0)
		return false;
	shared->optional = optional;
	errno = EPERM;
	return true;
}

int __real_prctl(int op, ...);
int __wrap_prctl(int op, ...);
long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, ...);
scmp_filter_ctx __real_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action);

#define WRAP(name, parameters, arguments, fail, optional) \
	int __real_##name parameters; \
	int __wrap_##name parameters; \
	int __wrap_##name parameters \
	{ \
		return fails(optional) ? (fail) : __real_##name arguments; \
	}

WRAP(setrlimit, (__rlimit_resource_t what, const struct rlimit *r), (what, r),
    -1, what == RLIMIT_FSIZE && r->rlim_cur != 0)
WRAP(getrlimit, (__rlimit_resource_t what, struct rlimit *r), (what, r), -1,
    true)
WRAP(sigaction, (int n, const struct sigaction *a, struct sigaction *old),
    (n, a, old), -1, false)
WRAP(fstat, (int fd, struct stat *st), (fd, st), -1, false)
WRAP(getppid, (void), (), 1, false)
WRAP(seccomp_attr_set, (scmp_filter_ctx c, enum scmp_filter_attr a,
    uint32_t v), (c, a, v), -EPERM, false)
WRAP(seccomp_load, (scmp_filter_ctx c), (c), -EPERM, false)

scmp_filter_ctx
__wrap_seccomp_init(uint32_t action)
{
	return fails(false) ? NULL : __real_seccomp_init(action);
}

/* Of many rules the first one. */
int __real_seccomp_rule_add_exact_array(scmp_filter_ctx c, uint32_t action,
    int nr, unsigned n, const struct scmp_arg_cmp *cmp);
int __wrap_seccomp_rule_add_exact_array(scmp_filter_ctx c, uint32_t action,
    int nr, unsigned n, const struct scmp_arg_cmp *cmp);

int
__wrap_seccomp_rule_add_exact_array(scmp_filter_ctx c, uint32_t action,
    int nr, unsigned n, const struct scmp_arg_cmp *cmp)
{
	static bool again;

	if (!again && fails(false))
		return -EPERM;
	again = true;
	return __real_seccomp_rule_add_exact_array(c, action, nr, n, cmp);
}

/* The bounding set, too, is many, and gives nothing without an exec. */
int
__wrap_prctl(int op, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, op);
	for (size_t i = 0; i < COUNT(a); i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (op != PR_CAPBSET_DROP && fails(op == PR_CAP_AMBIENT ||
		op == PR_SET_DUMPABLE || op == PR_SET_NO_NEW_PRIVS))
		return -1;
	return __real_prctl(op, a[0], a[1], a[2], a[3]);
}

long
__wrap_syscall(long nr, ...)
{
	long a[5], r;
	va_list ap;

	va_start(ap, nr);
	for (size_t i = 0; i < COUNT(a); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (fails(false))
		return -1;
	if (nr == LANDLOCK_CREATE && a[0] != 0)
		memcpy(&shared->landlock, (void *)a[0],
		    sizeof(shared->landlock));
	r = __real_syscall(nr, a[0], a[1], a[2], a[3], a[4]);
	if (nr == LANDLOCK_CREATE && a[0] == 0 && abi != 0)
		return abi;
	if (nr == SYS_capget && lie != 0)
		((uint32_t *)a[1])[lie - 1] |= 1U << CAP_SYS_ADMIN;
	return r;
}

/* The sandboxes. */

static struct sandbox s;

static bool
early(char *error, size_t size)
{
	return sandbox_early(error, size);
}

static bool
daemon_(char *error, size_t size)
{
	return sandbox_enter(&s, open("/", O_RDONLY | O_DIRECTORY), true,
	    error, size);
}

static bool
keeper(char *error, size_t size)
{
	return sandbox_enter_keeper(&s, true, error, size);
}

static bool
witness(char *error, size_t size)
{
	return sandbox_enter_witness(true, error, size);
}

static bool
checker(char *error, size_t size)
{
	return sandbox_enter_checker(open("/etc/passwd", O_RDONLY), 60, true,
	    error, size);
}

static bool
sentry(char *error, size_t size)
{
	return sandbox_enter_sentry(getppid(), true, error, size);
}

#define CAPS "CapEff:\t0000000000000000\n"
#define LOOKS "CapEff:\t0000000000080004\n"
#define PRIVS "NoNewPrivs:\t1\n"
#define FILTERED "Seccomp:\t2\n"
#define NONE(what) "\nMax " what "0                    0 "
#define PROCESSES NONE("processes             ")
#define CORE NONE("core file size        ")
#define FILES NONE("file size             ")

static const struct entry {
	const char *name;
	bool (*enter)(char *error, size_t size);
	bool other; /* it is not root's, if the test is */
	const char *left[6]; /* in its status, or its limits */
} entries[] = {
	{ "early", early, false, { CORE } },
	{ "daemon", daemon_, true,
	    { CAPS, PRIVS, FILTERED, PROCESSES, CORE } },
	{ "keeper", keeper, false, { LOOKS, PRIVS, FILTERED, CORE, FILES } },
	{ "witness", witness, false, { FILTERED, PROCESSES } },
	{ "checker", checker, true,
	    { CAPS, PRIVS, FILTERED, PROCESSES, CORE, FILES } },
	{ "sentry", sentry, true,
	    { CAPS, PRIVS, FILTERED, PROCESSES, CORE, FILES } },
};

static _Noreturn void
child(const struct entry *e)
{
	bool entered;

	(void)alarm(60);
	if (e->other && (setresgid(OTHER_UID, OTHER_UID, OTHER_UID) == -1 ||
		setresuid(OTHER_UID, OTHER_UID, OTHER_UID) == -1))
		_exit(1);
	on = true;
	entered = e->enter(shared->error, sizeof(shared->error));
	on = false;
	shared->entered = entered;
	/* What it may still do is nothing to wait with. */
	while (shared->entered)
		;
	_exit(0);
}

/* In a child process, with the nth step failing; its id while it is inside,
   0 when it was refused. */
static pid_t
enter(const struct entry *e, int nth)
{
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	shared->left = nth;
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		child(e);
	while (!shared->entered)
		if (waitpid(pid, &status, WNOHANG) == pid) {
			ck_assert_msg(status == 0, "%s, step %d: status %x",
			    e->name, nth, (unsigned)status);
			return 0;
		} else
			(void)sched_yield();
	return pid;
}

static void
leave(pid_t pid)
{
	if (pid == 0)
		return;
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void
add_proc(pid_t pid, const char *name, char *to, size_t size)
{
	char path[64];
	size_t len = strlen(to);
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while ((n = read(fd, to + len, size - len - 1)) > 0)
		len += (size_t)n;
	to[len] = '\0';
	(void)close(fd);
}

/* It may do no more than if all had gone well. */
static void
check_left(const struct entry *e, pid_t pid, int nth)
{
	char text[16384] = "", path[64];
	struct stat st;

	add_proc(pid, "status", text, sizeof(text));
	add_proc(pid, "limits", text, sizeof(text));
	for (size_t i = 0; i < COUNT(e->left) && e->left[i] != NULL; i++)
		ck_assert_msg(strstr(text, e->left[i]) != NULL,
		    "%s, step %d: not%s", e->name, nth, e->left[i]);
	/* Of who is dumpable it belongs to his user. */
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
}

static bool
says_why(const char *error)
{
	return strstr(error, ": Operation not permitted") != NULL ||
	    strcmp(error, "seccomp: Cannot allocate memory") == 0;
}

START_TEST(no_step_that_fails_leaves_a_hole)
{
	const struct entry *e = &entries[_i];
	int nth = 0;

	if (geteuid() != 0)
		return;
	do {
		pid_t pid = enter(e, ++nth);

		if (pid == 0)
			ck_assert_msg(says_why(shared->error), "%s: %d: %s",
			    e->name, nth, shared->error);
		else {
			ck_assert_msg(shared->left > 0 || shared->optional,
			    "%s: entered without step %d", e->name, nth);
			check_left(e, pid, nth);
		}
		leave(pid);
	} while (shared->left <= 0);
	ck_assert_int_gt(nth, 5);
	ck_assert_str_eq(shared->error, "");
}
END_TEST

/* What capget(2) says of them afterwards: effective, permitted, inheritable,
   and the same of those above 32. */
START_TEST(a_capability_that_stays_is_noticed)
{
	if (geteuid() != 0)
		return;
	lie = (size_t)_i + 1;
	ck_assert_int_eq(enter(&entries[1], 0), 0);
	ck_assert_str_eq(shared->error,
	    "drop capabilities: Operation not permitted");
}
END_TEST

/* doc/SANDBOX.md; a kernel that does not know a right refuses all. */
static const struct age {
	int abi;
	uint64_t fs, net, scoped;
} ages[] = {
	{ 1, 0x1fff, 0, 0 },
	{ 2, 0x3fff, 0, 0 },
	{ 3, 0x7fff, 0, 0 },
	{ 4, 0x7fff, 3, 0 },
	{ 5, 0xffff, 3, 0 },
	{ 6, 0xffff, 3, 3 },
	{ 9, 0xffff, 3, 3 },
};

START_TEST(each_kernel_is_asked_to_deny_all_that_it_can)
{
	const struct age *a = &ages[_i];
	pid_t pid;

	if (geteuid() != 0 || syscall(LANDLOCK_CREATE, NULL, 0, 1U) < 6)
		return;
	abi = a->abi;
	pid = enter(&entries[1], 0);
	ck_assert_int_ne(pid, 0);
	leave(pid);
	ck_assert_uint_eq(shared->landlock.fs, a->fs);
	ck_assert_uint_eq(shared->landlock.net, a->net);
	ck_assert_uint_eq(shared->landlock.scoped, a->scoped);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sandbox steps");
	TCase *t = tcase_create("steps");
	SRunner *sr;
	int failed;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return EXIT_FAILURE;
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, no_step_that_fails_leaves_a_hole, 0,
	    (int)COUNT(entries));
	tcase_add_loop_test(t, a_capability_that_stays_is_noticed, 0, 6);
	tcase_add_loop_test(t, each_kernel_is_asked_to_deny_all_that_it_can,
	    0, (int)COUNT(ages));
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
