/*
 * A kernel that says it has changed the user, and has not, or not for good;
 * every number taken; and lines that are no accounts, or have no home.
 * check_account.c asks the real kernel.
 */
#include <check.h>
#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "sample.h"

#define UID 2001u
#define GID 2002u
#define DYNAMIC "/run/systemd/dynamic-uid/"

/* What it does, and says. */
static struct kernel {
	int setgroups, setresgid, setresuid; /* their results */
	int getresuid, getresgid;
	uid_t ruid, euid, suid; /* those that there are afterwards */
	gid_t rgid, egid, sgid;
	int groups;
	int setuid, setgid; /* back to root */
} kernel;

static unsigned taken; /* so many of systemd's numbers were asked for */
static bool all_taken;

int __wrap_setgroups(size_t n, const gid_t *list);
int __wrap_setresgid(gid_t r, gid_t e, gid_t s);
int __wrap_setresuid(uid_t r, uid_t e, uid_t s);
int __wrap_getresuid(uid_t *r, uid_t *e, uid_t *s);
int __wrap_getresgid(gid_t *r, gid_t *e, gid_t *s);
int __wrap_getgroups(int n, gid_t *list);
int __wrap_setuid(uid_t uid);
int __wrap_setgid(gid_t gid);
int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);

static int
result(int r)
{
	errno = EPERM;
	return r;
}

int
__wrap_setgroups(size_t n, const gid_t *list)
{
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_null(list);
	return result(kernel.setgroups);
}

int
__wrap_setresgid(gid_t r, gid_t e, gid_t s)
{
	ck_assert(r == GID && e == GID && s == GID);
	return result(kernel.setresgid);
}

int
__wrap_setresuid(uid_t r, uid_t e, uid_t s)
{
	ck_assert(r == UID && e == UID && s == UID);
	return result(kernel.setresuid);
}

int
__wrap_getresuid(uid_t *r, uid_t *e, uid_t *s)
{
	*r = kernel.ruid;
	*e = kernel.euid;
	*s = kernel.suid;
	return result(kernel.getresuid);
}

int
__wrap_getresgid(gid_t *r, gid_t *e, gid_t *s)
{
	*r = kernel.rgid;
	*e = kernel.egid;
	*s = kernel.sgid;
	return result(kernel.getresgid);
}

int
__wrap_getgroups(int n, gid_t *list)
{
	ck_assert_int_eq(n, 0);
	ck_assert_ptr_null(list);
	return kernel.groups;
}

int
__wrap_setuid(uid_t uid)
{
	ck_assert_uint_eq(uid, 0);
	return result(kernel.setuid);
}

int
__wrap_setgid(gid_t gid)
{
	ck_assert_uint_eq(gid, 0);
	return result(kernel.setgid);
}

int
__wrap_access(const char *path, int mode)
{
	if (strncmp(path, DYNAMIC, strlen(DYNAMIC)) != 0)
		return __real_access(path, mode);
	taken++;
	return all_taken ? 0 : -1;
}

/* One that does as it says. */
static const struct kernel honest = { .ruid = UID, .euid = UID, .suid = UID,
	.rgid = GID, .egid = GID, .sgid = GID, .setuid = -1, .setgid = -1 };

#define LIE(field, value) { offsetof(struct kernel, field), value }

static const struct lie {
	size_t at;
	int value;
} lies[] = {
	LIE(setgroups, -1), LIE(setresgid, -1), LIE(setresuid, -1),
	LIE(getresuid, -1), LIE(getresgid, -1), LIE(ruid, 0), LIE(euid, 0),
	LIE(suid, 0), LIE(rgid, 0), LIE(egid, 0), LIE(sgid, 0),
	LIE(groups, 1), LIE(groups, -1), LIE(setuid, 0), LIE(setgid, 0),
};

START_TEST(a_user_that_is_not_given_up_for_good_is_an_error)
{
	kernel = honest;
	ck_assert(account_become(UID, GID));
	memcpy((char *)&kernel + lies[_i].at, &lies[_i].value, sizeof(int));
	errno = 0;
	ck_assert(!account_become(UID, GID));
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

/* Each of them is looked at, and then it is said which. */
START_TEST(without_a_free_number_nobody_is_chosen)
{
	const char *how = "";
	char error[256] = "";
	uid_t uid = 1;
	gid_t gid = 1;

	all_taken = true;
	ck_assert(!account_choose_apart("/etc/passwd", "check_account-none",
	    "/x", &uid, &gid, error, sizeof(error)));
	ck_assert_str_eq(error, "no free user id from 61184 to 65519");
	ck_assert(uid == 1 && gid == 1);
	ck_assert_uint_eq(taken, 65519 - 61184 + 1);
	ck_assert(!account_choose(NULL, "/x", -1, &uid, &gid, &how, error,
	    sizeof(error)) || strstr(how, "account cofre") != NULL);
}
END_TEST

/* Who has no such file has no account in it; what can't be read may have. */
START_TEST(only_a_file_that_is_not_there_has_nobody)
{
	char error[256] = "";
	uid_t uid = 1;
	gid_t gid = 1;

	ck_assert(account_choose_apart("/check_account-none", "x", "/x", &uid,
	    &gid, error, sizeof(error)));
	ck_assert(uid >= 61184 && uid <= 65519 && gid == uid);
	ck_assert(!account_choose_apart("/", "x", "/x", &uid, &gid, error,
	    sizeof(error)));
	ck_assert_str_eq(error, "/: Is a directory");
}
END_TEST

/* A name service's words, a NUL that would hide what follows it, and a home
   that is no path, or a longer one than any. */
START_TEST(an_odd_line_is_no_account_and_an_odd_home_none)
{
	static const char lines[] = "-gone:x:40:40:::\n"
	    "nul\0:x:41:41:::\n"
	    "relative:x:42:42::home:\n"
	    "long:x:43:43::/";
	const char *names[] = { "-gone", "40", "nul", "41" };
	char path[] = "/tmp/check_account_become.XXXXXX";
	char text[sizeof(lines) + ACCOUNT_HOME_MAX], home[ACCOUNT_HOME_MAX];
	int fd = mkstemp(path);
	uid_t uid;
	gid_t gid;

	memset(text, 'h', sizeof(text));
	memcpy(text, lines, sizeof(lines) - 1);
	memcpy(text + sizeof(text) - 2, ":\n", 2);
	ck_assert(write(fd, text, sizeof(text)) == sizeof(text));
	(void)close(fd);
	for (size_t i = 0; i < COUNT(names); i++) {
		ck_assert(!account_find(path, names[i], &uid, &gid));
		ck_assert_int_eq(errno, ESRCH);
	}
	ck_assert(account_find(path, "relative", &uid, &gid));
	ck_assert_str_eq(account_home(path, 42, home), "/");
	ck_assert(account_find(path, "long", &uid, &gid));
	ck_assert_str_eq(account_home(path, 43, home), "/");
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(nobodys_group_is_nobodys_too)
{
	char error[256] = "";
	const char *how;
	uid_t uid;
	gid_t gid;

	ck_assert(!account_choose("5:65534", "/x", -1, &uid, &gid, &how, error,
	    sizeof(error)));
	ck_assert_str_eq(error, "user 5:65534: is, or has the group of, root "
	    "or nobody: choose an account of its own");
	ck_assert(!account_become(5, 65534));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("account become");
	TCase *t = tcase_create("become");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t,
	    a_user_that_is_not_given_up_for_good_is_an_error, 0,
	    (int)COUNT(lies));
	tcase_add_test(t, without_a_free_number_nobody_is_chosen);
	tcase_add_test(t, only_a_file_that_is_not_there_has_nobody);
	tcase_add_test(t, an_odd_line_is_no_account_and_an_odd_home_none);
	tcase_add_test(t, nobodys_group_is_nobodys_too);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
