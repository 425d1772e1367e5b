/*
 * Tests of client/relay.c: who may speak to the daemon's agent as this
 * process, and what happens when one of both sides does not go on.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay.h"
#include "upstream.h"

#define LIMIT_MS 10000
#define STRANGER 48021

static char dir[] = "/tmp/check_relay.XXXXXX";
static char mine[64], theirs[64];
static struct relay r;
static struct problem p;
static int listener;
static const uint8_t yes[UPSTREAM_ANSWER] = { 0, 0, 0, 1, 6 };

static void
setup(void)
{
	struct sockaddr_un a;

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(mine, sizeof(mine), "%s/mine", dir);
	(void)snprintf(theirs, sizeof(theirs), "%s/theirs", dir);
	ck_assert(upstream_address(&a, theirs));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(relay_open(&r, mine, theirs, "ml", &p), COFRE_OK);
}

static void
teardown(void)
{
	relay_close(&r);
	(void)close(listener);
	(void)unlink(mine);
	(void)unlink(theirs);
	(void)rmdir(dir);
}

/* Serve what comes next, which must come. */
static void
turn(void)
{
	struct pollfd fds[RELAY_FDS];
	int timeout;
	size_t n = relay_wants(&r, fds, &timeout);

	if (timeout == -1)
		timeout = LIMIT_MS;
	ck_assert_int_ge(poll(fds, n, timeout), 0);
	relay_serve(&r, fds);
}

static int
connect_mine(void)
{
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!upstream_address(&a, mine) ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1)
		_exit(90);
	return fd;
}

/* Does it get that, and then the end? */
static bool
hears(int fd, const char *text)
{
	char got[32] = "";
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, got + len, sizeof(got) - 1 - len)) > 0)
		len += (size_t)n;
	return strcmp(got, text) == 0;
}

/* A process of this one that connects, says something, and hears text. */
static pid_t
client(const char *text)
{
	pid_t pid = fork();
	int fd;

	ck_assert_int_ne(pid, -1);
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = connect_mine();
	/* Who is refused may be it before that. */
	(void)send(fd, "ask", 3, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	_exit(hears(fd, text) ? 0 : 92);
}

static int
code_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The daemon's side of the next connection, which names the workspace. */
static int
take(void)
{
	char said[64];
	int fd;
	ssize_t n;

	turn();
	fd = accept(listener, NULL, NULL);
	ck_assert_int_ne(fd, -1);
	n = read(fd, said, sizeof(said));
	ck_assert_int_gt(n, 2);
	ck_assert_ptr_nonnull(memmem(said, (size_t)n, "workspace@cofre", 15));
	ck_assert_mem_eq(said + n - 2, "ml", 2);
	return fd;
}

static void
say(int fd, const void *bytes, size_t len)
{
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
}

START_TEST(nothing_passes_before_the_daemon_listens)
{
	pid_t pid = client("answer");
	char heard[8];
	int daemon = take();

	for (size_t i = 0; i < sizeof(yes); i++) {
		ck_assert(!r.pairs[0].begun);
		say(daemon, yes + i, 1);
		turn();
	}
	ck_assert(r.pairs[0].begun);
	turn();
	ck_assert_int_eq(read(daemon, heard, sizeof(heard)), 3);
	ck_assert_mem_eq(heard, "ask", 3);
	turn(); /* that the client says no more */
	ck_assert_int_eq(read(daemon, heard, sizeof(heard)), 0);
	say(daemon, "answer", 6);
	(void)close(daemon);
	while (r.pairs[0].client != -1)
		turn();
	ck_assert_int_eq(code_of(pid), 0);
}
END_TEST

/* What a daemon says that does not listen; NULL: nothing, and it goes. */
static const char *const no[] = { NULL, "\0\0\0\1\5", "\0\0\0\1\7" };

START_TEST(a_daemon_that_does_not_listen_ends_it)
{
	pid_t pid = client("");
	int daemon = take();

	if (no[_i] != NULL)
		say(daemon, no[_i], UPSTREAM_ANSWER);
	(void)close(daemon);
	turn();
	ck_assert_int_eq(r.pairs[0].client, -1);
	ck_assert(r.told);
	ck_assert_int_eq(code_of(pid), 0);
}
END_TEST

START_TEST(a_daemon_that_says_nothing_has_its_time)
{
	struct pollfd fds[RELAY_FDS];
	pid_t first = client(""), second = client("");
	int daemons[2] = { take(), take() };
	int timeout, before;

	ck_assert_uint_eq(relay_wants(&r, fds, &before), 5);
	ck_assert_int_gt(before, 0);
	/* The one whose time is over first is waited for. */
	r.pairs[1].limit -= 5000;
	(void)relay_wants(&r, fds, &timeout);
	ck_assert_int_le(timeout, before - 4000);
	r.pairs[1].limit = 1;
	(void)relay_wants(&r, fds, &timeout);
	ck_assert_int_eq(timeout, 0);
	turn();
	ck_assert_int_eq(r.pairs[1].client, -1);
	ck_assert_int_ne(r.pairs[0].client, -1);
	r.pairs[0].limit = 1;
	turn();
	ck_assert_int_eq(r.pairs[0].client, -1);
	ck_assert_int_eq(code_of(first), 0);
	ck_assert_int_eq(code_of(second), 0);
	(void)close(daemons[0]);
	(void)close(daemons[1]);
}
END_TEST

/* Bytes of a process that has the descriptor, and has not connected. */
START_TEST(bytes_of_another_process_end_it)
{
	pid_t pid = fork(), other;
	char heard[8];
	int daemon, fd;

	if (pid == 0) {
		fd = connect_mine();
		other = fork();
		if (other == 0)
			_exit(write(fd, "steal", 5) == 5 ? 0 : 91);
		(void)waitpid(other, NULL, 0);
		_exit(hears(fd, "") ? 0 : 92);
	}
	daemon = take();
	say(daemon, yes, sizeof(yes));
	turn();
	while (r.pairs[0].client != -1)
		turn();
	ck_assert_int_eq(read(daemon, heard, sizeof(heard)), 0);
	ck_assert_int_eq(code_of(pid), 0);
	(void)close(daemon);
}
END_TEST

/* A process whose parent is gone, or of another user; where it says how it
   has ended. */
static pid_t
stranger(bool other_user, int to)
{
	pid_t pid = fork(), parent = getpid();

	ck_assert_int_ne(pid, -1);
	if (pid != 0)
		return pid;
	parent = getpid();
	if (!other_user && fork() != 0)
		_exit(0);
	while (!other_user && getppid() == parent)
		continue;
	if (other_user && setresuid(STRANGER, STRANGER, STRANGER) == -1)
		_exit(93);
	_exit(hears(connect_mine(), "") && write(to, "x", 1) == 1 ? 0 : 92);
}

START_TEST(a_stranger_is_refused_and_told_of_once)
{
	int ends[2];
	char byte;

	if (_i == 1 && geteuid() != 0) {
		(void)printf("skipped: only root can be other users\n");
		return;
	}
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(chmod(mine, 0777), 0);
	for (int i = 0; i < 2; i++) {
		pid_t pid = stranger(_i == 1, ends[1]);

		if (_i == 0)
			ck_assert_int_eq(code_of(pid), 0);
		turn();
		ck_assert_int_eq(r.pairs[0].client, -1);
		ck_assert(r.told);
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
		if (_i == 1)
			ck_assert_int_eq(code_of(pid), 0);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
}
END_TEST

/* Neither side reads: what is on its way waits, and goes with its client. */
START_TEST(who_reads_nothing_holds_nobody)
{
	static const char much[1 << 16];
	pid_t pid = fork();
	int daemon, fd;

	if (pid == 0) {
		fd = connect_mine();
		while (send(fd, much, sizeof(much), MSG_DONTWAIT) > 0)
			continue;
		(void)pause();
		_exit(0);
	}
	daemon = take();
	say(daemon, yes, sizeof(yes));
	turn();
	while (send(daemon, much, sizeof(much), MSG_DONTWAIT) > 0)
		turn();
	for (int i = 0; i < 200 && (r.pairs[0].up.end == 0 ||
		r.pairs[0].down.end == 0); i++)
		turn();
	ck_assert_uint_gt(r.pairs[0].up.end, 0);
	ck_assert_uint_gt(r.pairs[0].down.end, 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(code_of(pid), 128);
	while (r.pairs[0].client != -1)
		turn();
	(void)close(daemon);
}
END_TEST

START_TEST(what_it_cannot_have_is_said)
{
	char path[200];
	struct rlimit before, few;
	struct relay other;

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(relay_open(&other, path, theirs, "ml", &p),
	    COFRE_INTERNAL);
	ck_assert_ptr_nonnull(strstr(p.text, "File name too long"));
	relay_close(&other);
	ck_assert_int_eq(relay_open(&other, theirs, theirs, "ml", &p),
	    COFRE_INTERNAL);
	ck_assert_ptr_nonnull(strstr(p.text, "Address already in use"));
	relay_close(&other);
	(void)snprintf(path, sizeof(path), "%s/other", dir);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)listener + 4;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(relay_open(&other, path, theirs, "ml", &p),
	    COFRE_INTERNAL);
	ck_assert_ptr_nonnull(strstr(p.text, "too few files may be open"));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	relay_close(&other);
	(void)unlink(path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("relay");
	TCase *t = tcase_create("relay");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_passes_before_the_daemon_listens);
	tcase_add_loop_test(t, a_daemon_that_does_not_listen_ends_it, 0,
	    (int)(sizeof(no) / sizeof(no[0])));
	tcase_add_test(t, a_daemon_that_says_nothing_has_its_time);
	tcase_add_test(t, bytes_of_another_process_end_it);
	tcase_add_loop_test(t, a_stranger_is_refused_and_told_of_once, 0, 2);
	tcase_add_test(t, who_reads_nothing_holds_nobody);
	tcase_add_test(t, what_it_cannot_have_is_said);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
