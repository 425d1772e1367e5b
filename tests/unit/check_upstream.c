/*
 * Tests of client/upstream.c: what is made of what the daemon's ssh agent
 * says, or does not.  A child is the agent.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing.h"
#include "upstream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char dir[] = "/tmp/check_upstream.XXXXXX";
static struct sockaddr_un addr;

static void
setup(void)
{
	(void)strcpy(dir, "/tmp/check_upstream.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	addr.sun_family = AF_UNIX;
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/agent", dir);
}

static void
teardown(void)
{
	(void)unlink(addr.sun_path);
	(void)rmdir(dir);
}

/* It says that to who comes, and waits until he goes. */
static pid_t
begin(const void *says, size_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char heard[256];
	pid_t pid;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		int c = accept(fd, NULL, NULL);

		(void)recv(c, heard, sizeof(heard), 0);
		(void)send(c, says, len, MSG_NOSIGNAL);
		(void)shutdown(c, SHUT_WR);
		while (recv(c, heard, sizeof(heard), 0) > 0)
			;
		_exit(0);
	}
	(void)close(fd);
	return pid;
}

static void
end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

#define YES "\0\0\0\1\6"
#define KEYS(n) YES "\0\0\0\5\14\0\0\0" n
#define TEXT(s) s, sizeof(s) - 1
#define AGENT "the daemon's ssh agent: "

static const struct {
	const char *says;
	size_t len;
	const char *call; /* of ours, which fails, or "" */
	unsigned nth;
	int error;
	enum cofre_status status;
	const char *text; /* of the problem; "": there are 3 keys */
} rows[] = {
	{ TEXT(KEYS("\3")), "", 0, 0, COFRE_OK, "" },
	{ TEXT(KEYS("\3")), "recv", 1, EINTR, COFRE_OK, "" },
	{ TEXT(KEYS("\3")), "recv", 2, EINTR, COFRE_OK, "" },
	{ TEXT(""), "", 0, 0, COFRE_DENIED,
	    "the daemon's ssh agent does not speak with this process" },
	{ TEXT("\0\0\0\1\5"), "", 0, 0, COFRE_DENIED,
	    "the daemon's ssh agent has nothing for this process in 'w'" },
	{ TEXT("\0\0\0\1"), "", 0, 0, COFRE_DENIED,
	    "the daemon's ssh agent has nothing for this process in 'w'" },
	{ TEXT(YES), "", 0, 0, COFRE_DENIED,
	    "the daemon's ssh agent lists no keys for this process" },
	{ TEXT(YES "\0\0\0\1\5\0\0\0\3"), "", 0, 0, COFRE_DENIED,
	    "the daemon's ssh agent lists no keys for this process" },
	/* A time that is over, and a daemon that is gone. */
	{ TEXT(YES), "recv", 1, EAGAIN, COFRE_TIMEOUT, AGENT "no answer" },
	{ TEXT(YES), "recv", 2, EAGAIN, COFRE_TIMEOUT, AGENT "no answer" },
	{ TEXT(YES), "recv", 1, ECONNRESET, COFRE_UNREACHABLE,
	    AGENT "Connection reset by peer" },
	{ TEXT(YES), "recv", 2, ECONNRESET, COFRE_UNREACHABLE,
	    AGENT "Connection reset by peer" },
	{ TEXT(YES), "write", 1, EPIPE, COFRE_UNREACHABLE,
	    AGENT "Broken pipe" },
	{ TEXT(YES), "write", 2, EPIPE, COFRE_UNREACHABLE,
	    AGENT "Broken pipe" },
	{ TEXT(YES), "socket", 1, EMFILE, COFRE_UNREACHABLE,
	    ": Too many open files; does cofred.conf set agent_socket" },
	{ TEXT(YES), "connect", 1, ECONNREFUSED, COFRE_UNREACHABLE,
	    ": Connection refused; does cofred.conf set agent_socket" },
};

START_TEST(what_the_agent_says_is_what_it_means)
{
	pid_t pid = begin(rows[_i].says, rows[_i].len);
	struct problem p = { "" };
	uint32_t count = 0;
	enum cofre_status s;

	failing_next(rows[_i].call, rows[_i].nth, rows[_i].error);
	s = upstream_count(addr.sun_path, "w", &count, &p);
	ck_assert_int_eq(failing_end(), rows[_i].nth > 0);
	ck_assert_int_eq(s, rows[_i].status);
	ck_assert_uint_eq(count, s == COFRE_OK ? 3 : 0);
	ck_assert_msg(strstr(p.text, rows[_i].text) != NULL, "%s", p.text);
	end(pid);
}
END_TEST

START_TEST(a_trial_asks_for_no_keys)
{
	pid_t pid = begin(TEXT(YES));
	struct problem p = { "" };

	ck_assert_int_eq(upstream_try(addr.sun_path, "w", &p), COFRE_OK);
	end(pid);
}
END_TEST

/* More than the agent would read is not said to it. */
START_TEST(a_workspace_is_no_longer_than_a_name)
{
	pid_t pid = begin(TEXT(YES));
	char name[200] = "";
	struct problem p = { "" };

	memset(name, 'w', sizeof(name) - 1);
	ck_assert_int_eq(upstream_try(addr.sun_path, name, &p),
	    COFRE_UNREACHABLE);
	ck_assert_str_eq(p.text, AGENT "Invalid argument");
	end(pid);
}
END_TEST

START_TEST(a_path_that_is_none_is_told)
{
	char path[200] = "";
	struct problem p = { "" };

	if (_i == 1)
		memset(path, 'p', sizeof(path) - 1);
	ck_assert_int_eq(upstream_try(path, "w", &p), COFRE_UNREACHABLE);
	ck_assert_ptr_nonnull(strstr(p.text, ": File name too long; "));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("upstream");
	TCase *t = tcase_create("upstream");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, what_the_agent_says_is_what_it_means, 0,
	    (int)COUNT(rows));
	tcase_add_test(t, a_trial_asks_for_no_keys);
	tcase_add_test(t, a_workspace_is_no_longer_than_a_name);
	tcase_add_loop_test(t, a_path_that_is_none_is_told, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
