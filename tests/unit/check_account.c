#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char dir[] = "/tmp/check_account.XXXXXX";

static const char passwd[] =
    "root:x:0:0:root:/root:/bin/bash\n"
    "# comment\n"
    "\n"
    "short:x:11:11\n"
    "long:x:12:12:a:b:c:d\n"
    "sign:x:-1:13:::\n"
    "plus:x:+14:14:::\n"
    "space:x: 15:15:::\n"
    "hex:x:0x10:16:::\n"
    "zero:x:017:17:::\n"
    "big:x:4294967295:18:::\n"
    "bigger:x:4294967314:19:::\n"
    "nogid:x:20::::\n"
    ":x:21:21:::\n"
    "+:x:22:22:::\n"
    "agent:x:1000:1001:An Agent,,,:/home/agent:/bin/sh\n"
    "agent:x:1002:1002:::\n"
    "edge:x:4294967294:4294967294:::\n"
    "nobody:*:65534:65534:::\n"
    "rooted:x:30:0:::\n"
    "last:x:31:32:::";

static const char group[] =
    "root:x:0:\n"
    "short:x:5\n"
    "long:x:6::\n"
    "bad:x:y:\n"
    "ops:x:700:a,b,c\n"
    "last:x:701:";

static char *
path_of(const char *name)
{
	static char path[2][256];
	static int turn;

	turn ^= 1;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

static void
make(const char *name, const char *text, size_t len)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_ne(fd, -1);
	ck_assert(write(fd, text, len) == (ssize_t)len);
	(void)close(fd);
}

static void
setup(void)
{
	make("passwd", passwd, sizeof(passwd) - 1);
	make("group", group, sizeof(group) - 1);
}

static const struct {
	const char *user;
	uid_t uid;
	gid_t gid;
	int error; /* 0: found */
} users[] = {
	{ "root", 0, 0, 0 },
	{ "agent", 1000, 1001, 0 },
	{ "1000", 1000, 1001, 0 },
	{ "1002", 1002, 1002, 0 },
	{ "edge", 4294967294, 4294967294, 0 },
	{ "last", 31, 32, 0 },
	{ "5:6", 5, 6, 0 },
	{ "0:0", 0, 0, 0 },
	{ "agen", 0, 0, ESRCH },
	{ "agent2", 0, 0, ESRCH },
	{ "Agent", 0, 0, ESRCH },
	{ "", 0, 0, ESRCH },
	{ "77", 0, 0, ESRCH },
	{ "01000", 0, 0, ESRCH },
	{ "4294967295", 0, 0, ESRCH },
	{ "4294968296", 0, 0, ESRCH },
	{ "-1", 0, 0, ESRCH },
	{ "+", 0, 0, ESRCH },
	{ "22", 0, 0, ESRCH },
	{ "short", 0, 0, ESRCH },
	{ "long", 0, 0, ESRCH },
	{ "sign", 0, 0, ESRCH },
	{ "plus", 0, 0, ESRCH },
	{ "space", 0, 0, ESRCH },
	{ "hex", 0, 0, ESRCH },
	{ "zero", 0, 0, ESRCH },
	{ "big", 0, 0, ESRCH },
	{ "bigger", 0, 0, ESRCH },
	{ "nogid", 0, 0, ESRCH },
	{ "21", 0, 0, ESRCH },
	{ "# comment", 0, 0, ESRCH },
	{ "5:", 0, 0, EINVAL },
	{ ":6", 0, 0, EINVAL },
	{ "5:6:7", 0, 0, EINVAL },
	{ "5: 6", 0, 0, EINVAL },
	{ "agent:6", 0, 0, EINVAL },
	{ "5:4294967295", 0, 0, EINVAL },
	{ "4294967295:5", 0, 0, EINVAL },
};

START_TEST(a_user_is_found_by_name_or_number_or_not_at_all)
{
	uid_t uid = 99;
	gid_t gid = 99;
	bool ok = account_find(path_of("passwd"), users[_i].user, &uid, &gid);

	ck_assert_msg(ok == (users[_i].error == 0), "%s", users[_i].user);
	if (ok) {
		ck_assert_uint_eq(uid, users[_i].uid);
		ck_assert_uint_eq(gid, users[_i].gid);
	} else {
		ck_assert_int_eq(errno, users[_i].error);
		ck_assert_uint_eq(uid, 99);
	}
}
END_TEST

static const struct {
	const char *group;
	uint32_t gid;
	bool found;
} groups[] = {
	{ "root", 0, true },
	{ "ops", 700, true },
	{ "last", 701, true },
	{ "12345", 12345, true },
	{ "op", 0, false },
	{ "short", 0, false },
	{ "long", 0, false },
	{ "bad", 0, false },
	{ "", 0, false },
};

START_TEST(a_group_is_found_by_name_or_number)
{
	uint32_t gid = 99;

	ck_assert_int_eq(account_find_group(path_of("group"),
			     groups[_i].group, &gid), groups[_i].found);
	ck_assert_uint_eq(gid, groups[_i].found ? groups[_i].gid : 99);
}
END_TEST

START_TEST(a_file_that_is_missing_or_too_large_is_an_error)
{
	static char large[1024 * 1024 + 1];
	uid_t uid;
	gid_t gid;
	uint32_t id;

	ck_assert(!account_find(path_of("none"), "agent", &uid, &gid));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert(!account_find_group(path_of("none"), "ops", &id));
	ck_assert_int_eq(errno, ENOENT);
	memset(large, '\n', sizeof(large));
	memcpy(large, passwd, sizeof(passwd) - 1);
	make("passwd", large, sizeof(large) - 1);
	ck_assert(account_find(path_of("passwd"), "agent", &uid, &gid));
	make("passwd", large, sizeof(large));
	ck_assert(!account_find(path_of("passwd"), "agent", &uid, &gid));
	ck_assert_int_eq(errno, EFBIG);
	ck_assert(!account_find("/", "agent", &uid, &gid));
	ck_assert_int_eq(errno, EISDIR);
}
END_TEST

/* In a child process with an /etc/passwd of its own. */

struct choice {
	const char *configured;
	const char *extra; /* one more line of passwd, or NULL */
	uid_t owner;	   /* of the state directory */
	gid_t owner_group;
	uid_t uid;
	gid_t gid;
	const char *how; /* a part of it; NULL: refused */
	const char *error;
};

#define COFRE "cofre:x:998:997:::\n"

static const struct choice choices[] = {
	{ "agent", COFRE, 0, 0, 1000, 1001, "configured", NULL },
	{ "7:8", NULL, 0, 0, 7, 8, "configured", NULL },
	{ "", COFRE, 2001, 2001, 998, 997, "account cofre", NULL },
	{ NULL, COFRE, 0, 0, 998, 997, "account cofre", NULL },
	{ NULL, NULL, 2001, 2002, 2001, 2002, "owner of the state", NULL },
	{ NULL, NULL, 2001, 0, 2001, 2001, "owner of the state", NULL },
	{ NULL, NULL, 1000, 5, 1000, 1001, "owner of the state", NULL },
	{ NULL, NULL, 65534, 65534, 0, 0, "number that no account", NULL },
	{ NULL, NULL, 0, 0, 0, 0, "number that no account", NULL },
	{ "none", NULL, 0, 0, 0, 0, NULL, "user none: not in /etc/passwd" },
	{ "77", NULL, 0, 0, 0, 0, NULL, "user 77: not in /etc/passwd" },
	{ "5:", NULL, 0, 0, 0, 0, NULL, "user 5:: Invalid argument" },
	{ "root", NULL, 0, 0, 0, 0, NULL, "user root: is, or has the group" },
	{ "0:5", NULL, 0, 0, 0, 0, NULL, "user 0:5: is, or has the group" },
	{ "5:0", NULL, 0, 0, 0, 0, NULL, "user 5:0: is, or has the group" },
	{ "rooted", NULL, 0, 0, 0, 0, NULL, "user rooted: is, or has" },
	{ "nobody", NULL, 0, 0, 0, 0, NULL, "user nobody: is, or has" },
	{ NULL, "cofre:x:0:0:::\n", 0, 0, 0, 0, NULL, "user cofre: is, or" },
};

static int
choose(const struct choice *c, int state, uid_t *uid)
{
	char error[256] = "";
	const char *how = "";
	gid_t gid = 0;

	if (!account_choose(c->configured, "/var/lib/cofre", state, uid, &gid,
		&how, error, sizeof(error)))
		return c->error != NULL &&
			strncmp(error, c->error, strlen(c->error)) == 0 ?
		    0 : 1;
	if (c->how == NULL || strstr(how, c->how) == NULL)
		return 2;
	if (c->uid == 0)
		return *uid >= 61184 && *uid <= 65519 && gid == *uid ? 0 : 3;
	return *uid == c->uid && gid == c->gid ? 0 : 4;
}

static int
with_passwd(const struct choice *c, uid_t *uid)
{
	int state = open(dir, O_RDONLY | O_DIRECTORY);
	int r;

	if (mount(path_of("mine"), "/etc/passwd", NULL, MS_BIND, NULL) == -1 ||
	    state == -1 || fchown(state, c->owner, c->owner_group) == -1)
		return 90;
	r = choose(c, state, uid);
	return fchown(state, 0, 0) == -1 ? 91 : r;
}

static void
make_mine(const char *extra)
{
	char text[sizeof(passwd) + 128];

	(void)snprintf(text, sizeof(text), "%s%s\n",
	    extra == NULL ? "" : extra, passwd);
	make("mine", text, strlen(text));
}

static bool
own_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

START_TEST(the_account_is_chosen_in_the_order_of_the_manual)
{
	uid_t uid = 0;

	if (geteuid() != 0 || !own_mounts())
		return;
	make_mine(choices[_i].extra);
	ck_assert_int_eq(with_passwd(&choices[_i], &uid), 0);
}
END_TEST

START_TEST(a_taken_number_is_passed_over)
{
	const struct choice c = { .how = "number that no account" };
	uid_t first = 0, again = 0, next = 0;
	char line[64];

	if (geteuid() != 0 || !own_mounts())
		return;
	make_mine(NULL);
	ck_assert_int_eq(with_passwd(&c, &first), 0);
	ck_assert_int_eq(with_passwd(&c, &again), 0);
	ck_assert_uint_eq(first, again);
	(void)snprintf(line, sizeof(line), "taken:x:%u:5:::\n", first);
	make_mine(line);
	ck_assert_int_eq(with_passwd(&c, &next), 0);
	ck_assert_uint_eq(next, first == 65519 ? 61184 : first + 1);
}
END_TEST

/* Becoming. */

static int
become(void)
{
	const gid_t more[] = { 4, 5 };
	uid_t r, e, s;

	if (setgroups(2, more) == -1 || !account_become(2001, 2002))
		return 1;
	if (getresuid(&r, &e, &s) == -1 || r != 2001 || e != 2001 ||
	    s != 2001 || getegid() != 2002 || getgroups(0, NULL) != 0)
		return 2;
	return setuid(0) == -1 && seteuid(0) == -1 && setgid(0) == -1 ? 0 : 3;
}

static int
become_root(void)
{
	return !account_become(0, 5) && errno == EINVAL &&
	    !account_become(5, 0) && errno == EINVAL &&
	    !account_become((uid_t)-1, 5) && errno == EINVAL &&
	    !account_become(5, (gid_t)-1) && errno == EINVAL &&
	    !account_become(65534, 5) && errno == EINVAL &&
	    geteuid() == 0 ? 0 : 1;
}

static int
become_without_right(void)
{
	if (setresuid(2001, 2001, 2001) == -1)
		return 1;
	return !account_become(2003, 2003) && errno == EPERM ? 0 : 2;
}

static int (*const becomings[])(void) = { become, become_root,
	become_without_right };

START_TEST(another_user_for_good)
{
	int status = -1;
	pid_t pid;

	if (geteuid() != 0)
		return;
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(becomings[_i]());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

static void
clean(void)
{
	static const char *const names[] = { "passwd", "group", "mine" };

	for (size_t i = 0; i < COUNT(names); i++)
		(void)unlink(path_of(names[i]));
	(void)rmdir(dir);
}

/* Somebody of his own: no account, and no process. */
START_TEST(what_root_has_others_run_has_an_account_apart)
{
	char error[200] = "", home[ACCOUNT_HOME_MAX];
	const char *file = path_of("passwd");
	uid_t uid = 0, again = 0;
	gid_t gid = 0;

	ck_assert(account_choose_apart(file, "agent", "/x", &uid, &gid,
	    error, sizeof(error)));
	ck_assert_uint_eq(uid, 1000);
	ck_assert_uint_eq(gid, 1001);
	ck_assert_str_eq(account_home(file, 1000, home), "/home/agent");
	ck_assert_str_eq(account_home(file, 31, home), "/");
	ck_assert_str_eq(account_home(file, 777, home), "/");
	ck_assert(!account_choose_apart(file, "root", "/x", &uid, &gid,
	    error, sizeof(error)));
	ck_assert(!account_choose_apart(file, "rooted", "/x", &uid, &gid,
	    error, sizeof(error)));
	ck_assert(!account_choose_apart(file, "nobody", "/x", &uid, &gid,
	    error, sizeof(error)));
	ck_assert(account_choose_apart(file, "none", "/x", &uid, &gid,
	    error, sizeof(error)));
	ck_assert(uid >= 61184 && uid <= 65519 && gid == uid);
	ck_assert(account_choose_apart(file, "none", "/x", &again, &gid,
	    error, sizeof(error)));
	ck_assert_uint_eq(uid, again);
	if (geteuid() != 0)
		return;
	/* A process that has it makes it somebody else's. */
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(setresuid(uid, uid, 0), 0);
	ck_assert(account_choose_apart(file, "none", "/x", &again, &gid,
	    error, sizeof(error)));
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	ck_assert_uint_ne(uid, again);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("account");
	TCase *t = tcase_create("account");
	SRunner *sr;
	int failed;

	if (mkdtemp(dir) == NULL)
		return 99;
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, a_user_is_found_by_name_or_number_or_not_at_all,
	    0, (int)COUNT(users));
	tcase_add_loop_test(t, a_group_is_found_by_name_or_number, 0,
	    (int)COUNT(groups));
	tcase_add_test(t, a_file_that_is_missing_or_too_large_is_an_error);
	tcase_add_loop_test(t,
	    the_account_is_chosen_in_the_order_of_the_manual, 0,
	    (int)COUNT(choices));
	tcase_add_test(t, a_taken_number_is_passed_over);
	tcase_add_loop_test(t, another_user_for_good, 0,
	    (int)COUNT(becomings));
	tcase_add_test(t, what_root_has_others_run_has_an_account_apart);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	clean();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
