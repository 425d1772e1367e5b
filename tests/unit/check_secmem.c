#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"
#include "secmem.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

/* Whether this kernel has memfd_secret; says so when it has not. */
static bool
kernel_has_secret_memory(void)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd == -1)
		(void)printf("skipped: memfd_secret: %s\n", strerror(errno));
	else
		(void)close(fd);
	return fd != -1;
}

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static bool
is_zero(const void *p, size_t n)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static const struct {
	size_t size;
	bool want_secret;
	bool on_fault;
} areas[] = {
	{ 1, true, false },
	{ 4096, true, false },
	{ 4097, true, true },
	{ 40000, true, false },
	{ 1, false, false },
	{ 4097, false, false },
	{ 1 << 20, false, true },
};

START_TEST(an_area_is_aligned_large_enough_zero_and_writable)
{
	struct secmem m;

	ck_assert(secmem_init(&m, areas[_i].size, areas[_i].want_secret,
	    areas[_i].on_fault));
	ck_assert_uint_ge(m.size, areas[_i].size);
	ck_assert_uint_lt(m.size, areas[_i].size + page_size());
	ck_assert_uint_eq((uintptr_t)m.base % page_size(), 0);
	ck_assert_int_ne(m.kind, SECMEM_NONE);
	ck_assert(is_zero(m.base, m.size));
	memset(m.base, 0xa5, m.size);
	secmem_free(&m);
	ck_assert_ptr_null(m.base);
	ck_assert_uint_eq(m.size, 0);
	ck_assert_int_eq(m.kind, SECMEM_NONE);
}
END_TEST

START_TEST(secret_memory_is_had_where_the_kernel_has_it)
{
	struct secmem m;

	ck_assert(secmem_init(&m, 100, true, false));
	if (kernel_has_secret_memory())
		ck_assert_int_eq(m.kind, SECMEM_SECRET);
	else
		ck_assert_int_ne(m.kind, SECMEM_SECRET);
	secmem_free(&m);
	ck_assert(secmem_init(&m, 100, false, false));
	ck_assert_int_ne(m.kind, SECMEM_SECRET);
	secmem_free(&m);
}
END_TEST

/* True when the process's memory can be read at p through /proc. */
static bool
proc_reads(const void *p)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	uint8_t byte;
	ssize_t n;

	ck_assert_int_ne(fd, -1);
	n = pread(fd, &byte, 1, (off_t)(uintptr_t)p);
	(void)close(fd);
	return n == 1;
}

START_TEST(secret_memory_is_not_read_through_proc)
{
	struct secmem secret, locked;

	if (!kernel_has_secret_memory())
		return;
	ck_assert(secmem_init(&secret, 100, true, false));
	ck_assert(secmem_init(&locked, 100, false, false));
	memcpy(secret.base, "key", 3);
	memcpy(locked.base, "key", 3);
	ck_assert(!proc_reads(secret.base));
	ck_assert(proc_reads(locked.base));
	secmem_free(&secret);
	secmem_free(&locked);
}
END_TEST

/* What /proc/self/smaps says of the mapping that begins at p. */
static bool
smaps_says(const void *p, const char *field, const char *word)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512], start[32];
	bool there = false, found = false;

	ck_assert_ptr_nonnull(f);
	(void)snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, start, strlen(start)) == 0)
			there = true;
		else if (there && strncmp(line, field, strlen(field)) == 0) {
			found = strstr(line, word) != NULL;
			break;
		}
	}
	(void)fclose(f);
	ck_assert_msg(there, "no mapping at %s", start);
	return found;
}

START_TEST(an_area_is_left_out_of_core_dumps_and_children)
{
	struct secmem m;

	ck_assert(secmem_init(&m, 5000, _i == 1, false));
	memset(m.base, 1, m.size);
	ck_assert(smaps_says(m.base, "VmFlags:", " dc"));
	/* What is secret is left out of cores whatever its flags are. */
	ck_assert(m.kind == SECMEM_SECRET ||
	    smaps_says(m.base, "VmFlags:", " dd"));
	ck_assert(m.kind == SECMEM_PLAIN || SANITIZED ||
	    smaps_says(m.base, "VmFlags:", " lo"));
	secmem_free(&m);
}
END_TEST

START_TEST(pages_locked_on_fault_are_not_there_before)
{
	struct secmem m;

	ck_assert(secmem_init(&m, 1 << 20, false, true));
	if (m.kind != SECMEM_LOCKED) {
		(void)printf("skipped: no locked memory\n");
		return;
	}
	ck_assert(smaps_says(m.base, "Rss:", " 0 kB"));
	memset(m.base, 1, 1);
	ck_assert(smaps_says(m.base, "Locked:", " 4 kB"));
	secmem_free(&m);
}
END_TEST

/* A child that touches the byte at p: killed by this signal, or 0. */
static int
child_touches(const volatile uint8_t *p)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		(void)signal(SIGBUS, SIG_DFL);
		_exit(*p == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(a_child_process_does_not_inherit_it)
{
	struct secmem m;

	ck_assert(secmem_init(&m, 100, _i == 1, false));
	ck_assert_int_eq(child_touches(m.base), SIGSEGV);
	secmem_free(&m);
}
END_TEST

static uint8_t *guarded;

static void
make_guarded(size_t *size)
{
	struct secmem m;
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(SIGSEGV, SIG_DFL);
	ck_assert(secmem_init(&m, 100, true, false));
	guarded = m.base;
	*size = m.size;
}

START_TEST(the_byte_before_an_area_faults)
{
	size_t size;

	make_guarded(&size);
	guarded[-1] = 1;
}
END_TEST

START_TEST(the_byte_behind_an_area_faults)
{
	size_t size;

	make_guarded(&size);
	guarded[size] = 1;
}
END_TEST

START_TEST(freeing_unmaps_and_may_be_done_twice_or_never)
{
	struct secmem m, never = { 0 };
	void *base;
	size_t size;

	ck_assert(secmem_init(&m, 5000, true, false));
	base = m.base;
	size = m.size;
	secmem_free(&m);
	secmem_free(&m);
	secmem_free(&never);
	ck_assert_int_eq(madvise(base, size, MADV_NORMAL), -1);
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

/* As a user who may lock nothing; checked where the test is root. */
static int
init_without_right(void)
{
	struct rlimit none = { 0, 0 };
	struct secmem m;

	if (setrlimit(RLIMIT_MEMLOCK, &none) == -1 || setgid(2001) == -1 ||
	    setuid(2001) == -1)
		return 1;
	if (!secmem_init(&m, 100, true, false) || m.kind != SECMEM_PLAIN)
		return 2;
	memset(m.base, 1, m.size);
	secmem_free(&m);
	if (!secmem_init(&m, 100, false, true) || m.kind != SECMEM_PLAIN)
		return 3;
	secmem_free(&m);
	return 0;
}

START_TEST(without_the_right_to_lock_it_says_that_it_is_unlocked)
{
	int status;
	pid_t pid;

	if (geteuid() != 0 || SANITIZED) {
		(void)printf("skipped: not root, or under AddressSanitizer\n");
		return;
	}
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(init_without_right());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(what_is_too_large_is_an_error)
{
	struct secmem m;

	errno = 0;
	ck_assert(!secmem_init(&m, (size_t)1 << 60, true, false));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(m.base);
	secmem_free(&m);
}
END_TEST

START_TEST(each_kind_has_its_name)
{
	ck_assert_str_eq(secmem_kind_name(SECMEM_SECRET), "memfd_secret");
	ck_assert_str_eq(secmem_kind_name(SECMEM_LOCKED), "locked");
	ck_assert_str_eq(secmem_kind_name(SECMEM_PLAIN), "unlocked");
	ck_assert_str_eq(secmem_kind_name(SECMEM_NONE), "none");
}
END_TEST

/* Where the pattern was. */
static volatile uintptr_t left_at;

static __attribute__((noinline)) void
leave_on_stack(void)
{
	volatile uint8_t pattern[3000];

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = 0x5a;
	left_at = (uintptr_t)pattern;
}

START_TEST(the_stack_below_is_wiped)
{
	uint8_t after[3000];
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	size_t left = 0;

	leave_on_stack();
	secmem_wipe_stack();
	ck_assert_int_eq(pread(fd, after, sizeof(after), (off_t)left_at),
	    (ssize_t)sizeof(after));
	for (size_t i = 0; i < sizeof(after); i++)
		left += after[i] == 0x5a;
	ck_assert_uint_lt(left, sizeof(after) / 10);
	(void)close(fd);
}
END_TEST

#if defined(__x86_64__)
START_TEST(the_registers_of_vectors_are_wiped)
{
	uint8_t low[16], high[16], pattern[16];

	memset(pattern, 0x5a, sizeof(pattern));
	__asm__ volatile("movdqu (%0), %%xmm2\n\tmovdqu (%0), %%xmm15"
	    :: "r"(pattern) : "xmm2", "xmm15", "memory");
	secmem_wipe_registers();
	__asm__ volatile("movdqu %%xmm2, (%0)\n\tmovdqu %%xmm15, (%1)"
	    :: "r"(low), "r"(high) : "memory");
	ck_assert(memcmp(low, pattern, 16) != 0);
	ck_assert(memcmp(high, pattern, 16) != 0);
}
END_TEST
#endif

START_TEST(wiping_leaves_zeros_and_nothing_else)
{
	uint8_t bytes[64];

	memset(bytes, 0x77, sizeof(bytes));
	secmem_wipe(bytes + 1, 62);
	ck_assert(is_zero(bytes + 1, 62));
	ck_assert_uint_eq(bytes[0], 0x77);
	ck_assert_uint_eq(bytes[63], 0x77);
	secmem_wipe(bytes, 0);
	secmem_wipe(NULL, 0);
	ck_assert_uint_eq(bytes[0], 0x77);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("secmem");
	TCase *t = tcase_create("secmem");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t,
	    an_area_is_aligned_large_enough_zero_and_writable, 0,
	    (int)COUNT(areas));
	tcase_add_test(t, secret_memory_is_had_where_the_kernel_has_it);
	tcase_add_test(t, secret_memory_is_not_read_through_proc);
	tcase_add_loop_test(t, an_area_is_left_out_of_core_dumps_and_children,
	    0, 2);
	tcase_add_test(t, pages_locked_on_fault_are_not_there_before);
	tcase_add_loop_test(t, a_child_process_does_not_inherit_it, 0, 2);
	tcase_add_test_raise_signal(t, the_byte_before_an_area_faults,
	    SIGSEGV);
	tcase_add_test_raise_signal(t, the_byte_behind_an_area_faults,
	    SIGSEGV);
	tcase_add_test(t, freeing_unmaps_and_may_be_done_twice_or_never);
	tcase_add_test(t,
	    without_the_right_to_lock_it_says_that_it_is_unlocked);
	tcase_add_test(t, what_is_too_large_is_an_error);
	tcase_add_test(t, each_kind_has_its_name);
	tcase_add_test(t, the_stack_below_is_wiped);
#if defined(__x86_64__)
	tcase_add_test(t, the_registers_of_vectors_are_wiped);
#endif
	tcase_add_test(t, wiping_leaves_zeros_and_nothing_else);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
