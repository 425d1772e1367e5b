/*
 * What is seen of a process while its files change, when a file system does
 * not tell, or is not this machine's: nothing that is not sure, and nobody is
 * waited for.  check_witness_look.c asks a kernel that tells all.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "localfs.h"
#include "sample.h"
#include "witness.h"

#define CGROUPS "/sys/fs/cgroup"

/* One change of what statx(2) says: XORed, 0 bytes of it are a failure. */
struct change {
	size_t at;
	size_t size;
};

static const struct change no_answer = { 0, 0 };

/* What is odd, and what has happened. */
static struct {
	const struct change *change; /* NULL: none */
	unsigned nth;	 /* the call that it befalls, from 1; 0: all */
	unsigned looks;	 /* calls of statx(2) */
	unsigned missing; /* bytes, of the size */
	unsigned opens;	 /* of open(2) for what is to be hashed */
	unsigned reads;
	bool unreadable, unopenable, elsewhere;
	const char *link; /* of exe; NULL: as it is */
	size_t link_len;
	bool uncached;	  /* the directories must be fetched */
	unsigned fetched; /* so many were */
	bool rootless;
	bool whole;	  /* cgroups of the second version alone */
	const char *instead; /* for what is opened below CGROUPS */
	char opened[256];
} odd;

int __real_statx(int d, const char *path, int flags, unsigned mask,
    struct statx *to);
int __wrap_statx(int d, const char *path, int flags, unsigned mask,
    struct statx *to);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_read(int fd, void *to, size_t n);
ssize_t __wrap_read(int fd, void *to, size_t n);
ssize_t __real_readlink(const char *path, char *to, size_t n);
ssize_t __wrap_readlink(const char *path, char *to, size_t n);
long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, ...);
bool __wrap_localfs(uint64_t mount);

static bool
ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), len = strlen(end);

	return n >= len && strcmp(path + n - len, end) == 0;
}

int
__wrap_statx(int d, const char *path, int flags, unsigned mask,
    struct statx *to)
{
	int r;

	/* Nobody who would have to be waited for is asked. */
	ck_assert((flags & AT_STATX_DONT_SYNC) != 0 || mask == STATX_UID);
	if (strcmp(path, CGROUPS "/cgroup.controllers") == 0) {
		to->stx_mask = STATX_INO;
		return odd.whole ? 0 : -1;
	}
	r = __real_statx(d, path, flags, mask, to);
	odd.looks++;
	to->stx_size -= odd.missing;
	if (odd.change == NULL || (odd.nth != 0 && odd.looks != odd.nth))
		return r;
	if (odd.change->size == 0)
		return -1;
	for (size_t i = 0; i < odd.change->size; i++)
		((uint8_t *)to)[odd.change->at + i] ^= 0xff;
	return r;
}

int
__wrap_open(const char *path, int flags, ...)
{
	bool is_exe = ends_with(path, "/exe");

	odd.opens += is_exe;
	if (is_exe && odd.unopenable) {
		errno = EACCES;
		return -1;
	}
	if (odd.instead != NULL &&
	    strncmp(path, CGROUPS, strlen(CGROUPS)) == 0) {
		(void)snprintf(odd.opened, sizeof(odd.opened), "%s", path);
		path = odd.instead;
	}
	return __real_open(path, flags);
}

ssize_t
__wrap_read(int fd, void *to, size_t n)
{
	odd.reads++;
	if (odd.unreadable) {
		errno = EIO;
		return -1;
	}
	return __real_read(fd, to, n);
}

ssize_t
__wrap_readlink(const char *path, char *to, size_t n)
{
	if (odd.link == NULL || !ends_with(path, "/exe"))
		return __real_readlink(path, to, n);
	memset(to, 'x', n);
	memcpy(to, odd.link, strlen(odd.link));
	return (ssize_t)(odd.link_len != 0 ? odd.link_len :
					     strlen(odd.link));
}

/* openat2(2): a walk asks for what is in memory first. */
long
__wrap_syscall(long nr, ...)
{
	const struct open_how *how;
	const char *name;
	va_list ap;
	long d;

	ck_assert_int_eq(nr, SYS_openat2);
	va_start(ap, nr);
	d = va_arg(ap, long);
	name = va_arg(ap, const char *);
	how = va_arg(ap, const struct open_how *);
	va_end(ap);
	ck_assert((how->resolve & RESOLVE_NO_SYMLINKS) != 0);
	if (strcmp(name, "/") == 0 && odd.rootless)
		return -1;
	if ((how->resolve & RESOLVE_CACHED) != 0 && odd.uncached) {
		errno = EAGAIN;
		return -1;
	}
	if (strcmp(name, "/") != 0 && (how->resolve & RESOLVE_CACHED) == 0) {
		ck_assert((how->resolve & RESOLVE_NO_XDEV) != 0);
		odd.fetched++;
	}
	return __real_syscall(nr, d, name, how, sizeof(*how));
}

bool
__wrap_localfs(uint64_t mount)
{
	(void)mount;
	return !odd.elsewhere;
}

static void
all_is_well(void)
{
	memset(&odd, 0, sizeof(odd));
}

/*
 * Hashes.
 */

#define CHANGE(field) \
	{ offsetof(struct statx, field), sizeof(((struct statx *)0)->field) }

static const struct change changes[] = {
	{ 0, 0 },
	CHANGE(stx_mask), CHANGE(stx_mode), CHANGE(stx_ino), CHANGE(stx_size),
	CHANGE(stx_dev_major), CHANGE(stx_dev_minor),
	CHANGE(stx_mtime.tv_sec), CHANGE(stx_mtime.tv_nsec),
	CHANGE(stx_ctime.tv_sec), CHANGE(stx_ctime.tv_nsec),
};

static bool
hash(uint8_t to[SHA256_LEN])
{
	return witness_hash((uint32_t)getpid(), to);
}

/* Whether it changes before it is opened, before or while it is read. */
START_TEST(a_program_that_changes_meanwhile_has_no_hash)
{
	uint8_t first[SHA256_LEN], again[SHA256_LEN];

	for (unsigned nth = 1; nth <= 3; nth++) {
		all_is_well();
		odd.change = &changes[_i];
		odd.nth = nth;
		ck_assert_msg(!hash(first), "look %u", nth);
	}
	all_is_well();
	ck_assert(hash(first));
	ck_assert_uint_eq(odd.opens, 1);
	/* It is known from now on, but as another file it is not. */
	all_is_well();
	ck_assert(hash(again));
	ck_assert_uint_eq(odd.opens, 0);
	ck_assert_mem_eq(first, again, SHA256_LEN);
	odd.change = &changes[_i];
	odd.nth = 2;
	ck_assert(!hash(again));
}
END_TEST

START_TEST(what_may_not_be_read_has_no_hash)
{
	static const struct change larger = { offsetof(struct statx, stx_size)
		+ 4, 1 };
	uint8_t sha256[SHA256_LEN];

	all_is_well();
	odd.elsewhere = true;
	ck_assert(!hash(sha256));
	odd.elsewhere = false;
	odd.change = &larger;
	ck_assert(!hash(sha256));
	ck_assert_uint_eq(odd.opens, 0); /* nobody was waited for */
	odd.change = NULL;
	odd.unopenable = true;
	ck_assert(!hash(sha256));
	odd.unopenable = false;
	odd.unreadable = true;
	ck_assert(!hash(sha256));
	odd.unreadable = false;
	ck_assert(hash(sha256));
}
END_TEST

/* More than it had when it was looked at. */
START_TEST(a_program_that_grows_has_no_hash)
{
	uint8_t sha256[SHA256_LEN];

	all_is_well();
	odd.missing = 1;
	ck_assert(!hash(sha256));
	ck_assert_uint_gt(odd.reads, 0);
}
END_TEST

/*
 * Paths.
 */

static struct facts
look(bool with_hash)
{
	struct facts f;
	int fd = witness_look((uint32_t)getpid(), with_hash, &f);

	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	ck_assert_uint_eq(f.uid, getuid()); /* this is sure, whatever it is */
	return f;
}

/* The link, the namespaces, and where the path leads. */
START_TEST(a_path_that_is_not_sure_is_not_told)
{
	static const struct change *const those[] = { &no_answer, &changes[1],
		&changes[3], &changes[5], &changes[6] };

	for (unsigned nth = 1; nth <= 4; nth++) {
		all_is_well();
		odd.change = those[_i];
		odd.nth = nth;
		ck_assert_str_eq(look(false).exe, "");
		ck_assert_uint_ge(odd.looks, nth);
	}
	all_is_well();
	ck_assert_str_ne(look(false).exe, "");
	ck_assert_uint_eq(odd.looks, 4);
}
END_TEST

/* In another namespace: as a_program_elsewhere_is_told_by_no_path. */
START_TEST(a_program_elsewhere_is_not_hashed)
{
	struct facts f;

	all_is_well();
	odd.link = "";
	odd.change = &changes[3];
	odd.nth = 2;
	ck_assert(!look(true).hashed);
	ck_assert_uint_eq(odd.opens, 0);
	all_is_well();
	odd.unopenable = true;
	ck_assert(!look(true).hashed);
	all_is_well();
	ck_assert(look(true).hashed);
	ck_assert_int_eq(witness_look(0x7fffffff, true, &f), -1);
	ck_assert(!f.hashed);
}
END_TEST

static const struct {
	const char *link;
	size_t len;
} links[] = {
	{ "", 0 }, { "/", EXE_MAX + 1 }, { "x", 0 }, { "memfd:x", 0 },
	{ "/a", 0 }, { "/bin/none (deleted)", 0 }, { "/bin/none", 0 },
};

START_TEST(a_link_that_is_no_path_of_it_is_not_told)
{
	all_is_well();
	odd.link = links[_i].link;
	odd.link_len = links[_i].len;
	ck_assert_str_eq(look(false).exe, "");
}
END_TEST

/* What the kernel has not in memory is fetched from its own file systems
   alone, none of which is entered on the way. */
START_TEST(a_directory_is_fetched_from_this_machine_alone)
{
	all_is_well();
	odd.uncached = true;
	ck_assert_str_ne(look(false).exe, "");
	ck_assert_uint_gt(odd.fetched, 0);
	odd.fetched = 0;
	odd.elsewhere = true;
	ck_assert_str_eq(look(false).exe, "");
	odd.elsewhere = false;
	for (size_t i = 0; i < 2; i++) { /* it does not say which it is of */
		odd.change = i == 0 ? &no_answer : &changes[1];
		odd.looks = 0;
		odd.nth = 4;
		ck_assert_str_eq(look(false).exe, "");
	}
	ck_assert_uint_eq(odd.fetched, 0);
	all_is_well();
	odd.rootless = true;
	ck_assert_str_eq(look(false).exe, "");
}
END_TEST

/*
 * Cgroups.
 */

static char dir[64], file[128];

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/check_witness_odd.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/cgroup.events", dir);
	all_is_well();
}

static void
teardown(void)
{
	(void)unlink(file);
	(void)rmdir(dir);
}

START_TEST(a_cgroup_is_looked_for_where_the_second_version_is)
{
	struct facts f;
	int fd;

	odd.instead = dir;
	ck_assert_int_eq(witness_look_cgroup("/a/b", &f), -1);
	ck_assert_str_eq(odd.opened, CGROUPS "/unified/a/b");
	ck_assert_str_eq(f.cgroup, "");
	ck_assert_int_eq(close(creat(file, 0600)), 0);
	odd.whole = true;
	fd = witness_look_cgroup("/a/b", &f);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	ck_assert_str_eq(odd.opened, CGROUPS "/a/b");
	ck_assert_str_eq(f.cgroup, "/a/b");
	ck_assert_uint_eq(f.uid, getuid());
	/* Nobody knows whose it is. */
	odd.change = &no_answer;
	fd = witness_look_cgroup("/a/b", &f);
	(void)close(fd);
	ck_assert_str_eq(f.cgroup, "");
	ck_assert_uint_eq(f.uid, NO_ID);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("witness odd");
	TCase *t = tcase_create("odd");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_program_that_changes_meanwhile_has_no_hash,
	    0, (int)COUNT(changes));
	tcase_add_test(t, what_may_not_be_read_has_no_hash);
	tcase_add_test(t, a_program_that_grows_has_no_hash);
	tcase_add_loop_test(t, a_path_that_is_not_sure_is_not_told, 0, 5);
	tcase_add_test(t, a_program_elsewhere_is_not_hashed);
	tcase_add_loop_test(t, a_link_that_is_no_path_of_it_is_not_told, 0,
	    (int)COUNT(links));
	tcase_add_test(t, a_directory_is_fetched_from_this_machine_alone);
	tcase_add_test(t,
	    a_cgroup_is_looked_for_where_the_second_version_is);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
