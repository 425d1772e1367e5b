#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char dir[] = "/tmp/check_notify.XXXXXX";

/* A service manager's socket: at a path, or at an abstract name. */
static int
make_manager(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(sun.sun_path, name, n);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	else
		(void)unlink(name);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun,
			     (socklen_t)(offsetof(struct sockaddr_un,
					     sun_path) +
				 n)), 0);
	return fd;
}

static void
set_pid(const char *variable, int off)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%d", (int)getpid() + off);
	(void)setenv(variable, text, 1);
}

static void
check_unset(void)
{
	static const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC",
		"WATCHDOG_PID" };

	for (size_t i = 0; i < COUNT(names); i++)
		ck_assert_msg(getenv(names[i]) == NULL, "%s", names[i]);
}

static void
check_received(int fd, const char *text)
{
	char buf[128] = "";

	ck_assert_int_eq(recv(fd, buf, sizeof(buf), 0),
	    (ssize_t)strlen(text));
	ck_assert_str_eq(buf, text);
}

START_TEST(a_state_reaches_the_manager)
{
	char path[128], name[64];
	struct notify n;
	int manager;

	(void)snprintf(path, sizeof(path), "%s/s", dir);
	(void)snprintf(name, sizeof(name), "@check_notify.%d", getpid());
	(void)setenv("NOTIFY_SOCKET", _i == 0 ? path : name, 1);
	manager = make_manager(_i == 0 ? path : name);
	notify_open(&n);
	ck_assert_int_ne(n.fd, -1);
	ck_assert_int_eq(fcntl(n.fd, F_GETFD), FD_CLOEXEC);
	ck_assert_uint_eq(n.watchdog, 0);
	check_unset();
	notify_send(&n, "READY=1");
	check_received(manager, "READY=1");
	(void)close(manager);
	notify_send(&n, "STOPPING=1"); /* fails, and that is all */
	(void)close(n.fd);
}
END_TEST

static const char *const bad_names[] = { NULL, "", "/", "@", "relative",
	"vsock:2:5", "/nonexistent/socket", "@check_notify.nobody",
	"/a/path/that/is/longer/than/what/an/address/of/AF_UNIX/has/room/for/"
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };

START_TEST(without_a_manager_nothing_happens)
{
	struct notify n;

	if (bad_names[_i] == NULL)
		(void)unsetenv("NOTIFY_SOCKET");
	else
		(void)setenv("NOTIFY_SOCKET", bad_names[_i], 1);
	(void)setenv("WATCHDOG_USEC", "1000000", 1);
	notify_open(&n);
	ck_assert_int_eq(n.fd, -1);
	ck_assert_uint_eq(n.watchdog, 0);
	check_unset();
	notify_send(&n, "READY=1");
}
END_TEST

static const struct {
	const char *usec; /* NULL: not set */
	int pid;	  /* of WATCHDOG_PID from this one's; 2: not set */
	uint64_t watchdog;
} watchdogs[] = {
	{ "30000000", 0, 15000000 },
	{ "30000000", 2, 15000000 },
	{ "30000000", 1, 0 },
	{ NULL, 0, 0 },
	{ "0", 0, 0 },
	{ "", 0, 0 },
	{ "-5", 0, 0 },
	{ "30s", 0, 0 },
	{ " 3000", 0, 0 },
	{ "99999999999999999999", 0, 0 },
};

START_TEST(the_watchdog_is_pinged_at_half_of_its_time)
{
	char path[128];
	struct notify n;
	int manager;

	(void)snprintf(path, sizeof(path), "%s/s", dir);
	manager = make_manager(path);
	(void)setenv("NOTIFY_SOCKET", path, 1);
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	if (watchdogs[_i].usec != NULL)
		(void)setenv("WATCHDOG_USEC", watchdogs[_i].usec, 1);
	if (watchdogs[_i].pid != 2)
		set_pid("WATCHDOG_PID", watchdogs[_i].pid);
	notify_open(&n);
	ck_assert_uint_eq(n.watchdog, watchdogs[_i].watchdog);
	check_unset();
	(void)close(n.fd);
	(void)close(manager);
}
END_TEST

START_TEST(a_manager_that_takes_nothing_costs_a_bounded_time)
{
	struct timespec a, b;
	struct notify n;
	char path[128];
	char text[4096];
	int manager, sent = 0;

	(void)snprintf(path, sizeof(path), "%s/s", dir);
	manager = make_manager(path);
	(void)setenv("NOTIFY_SOCKET", path, 1);
	notify_open(&n);
	memset(text, 'x', sizeof(text));
	while (send(n.fd, text, sizeof(text), MSG_DONTWAIT) > 0)
		sent++;
	ck_assert_int_gt(sent, 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	notify_send(&n, "WATCHDOG=1");
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_int_lt((b.tv_sec - a.tv_sec) * 1000 +
		(b.tv_nsec - a.tv_nsec) / 1000000, 1500);
	(void)close(manager);
	(void)close(n.fd);
}
END_TEST

/* Socket activation. */

enum passed {
	NOTHING,
	LISTENING,
	NOT_LISTENING,
	DATAGRAM,
	SEQPACKET,
	INET,
	PAIR,
	A_FILE,
};

static int
make_passed(enum passed what)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int type = what == DATAGRAM ? SOCK_DGRAM :
	    what == SEQPACKET	    ? SOCK_SEQPACKET :
				      SOCK_STREAM;
	int pair[2];
	int fd;

	if (what == NOTHING)
		return -1;
	if (what == A_FILE)
		return open("/dev/null", O_RDWR);
	if (what == PAIR)
		return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ?
		    pair[0] : -1;
	fd = socket(what == INET ? AF_INET : AF_UNIX, type, 0);
	if (what == INET)
		(void)bind(fd, (struct sockaddr *)&sin, sizeof(sin));
	else /* an abstract name that the kernel picks */
		(void)bind(fd, (struct sockaddr *)&sun, sizeof(sa_family_t));
	if (what != NOT_LISTENING && what != DATAGRAM)
		(void)listen(fd, 5);
	return fd;
}

static const struct {
	enum passed what;
	int pid;	   /* of LISTEN_PID from this one's; 2: not set */
	const char *count; /* LISTEN_FDS; NULL: not set */
	bool ok;
	int fd;
	const char *error;
} activations[] = {
	{ LISTENING, 0, "1", true, 3, NULL },
	{ LISTENING, 1, "1", true, -1, NULL },
	{ LISTENING, 2, "1", true, -1, NULL },
	{ LISTENING, 0, NULL, true, -1, NULL },
	{ LISTENING, 0, "3", false, -1, "must pass one socket, or 2" },
	{ LISTENING, 0, "0", false, -1, "must pass one socket" },
	{ LISTENING, 0, "x", false, -1, "must pass one socket" },
	{ LISTENING, 0, "", false, -1, "must pass one socket" },
	{ NOTHING, 0, "1", false, -1, "descriptor 3 is not" },
	{ NOT_LISTENING, 0, "1", false, -1, "descriptor 3 is not" },
	{ DATAGRAM, 0, "1", false, -1, "descriptor 3 is not" },
	{ SEQPACKET, 0, "1", false, -1, "descriptor 3 is not" },
	{ INET, 0, "1", false, -1, "descriptor 3 is not" },
	{ PAIR, 0, "1", false, -1, "descriptor 3 is not" },
	{ A_FILE, 0, "1", false, -1, "descriptor 3 is not" },
};

/* As descriptor 3.  Check's own file is there: it is kept, and until it is
   back nothing may be asserted. */
static int
pass(enum passed what)
{
	int kept = fcntl(3, F_DUPFD, 100);
	int fd;

	(void)close(3);
	fd = make_passed(what);
	if (fd != -1 && fd != 3) {
		(void)dup2(fd, 3);
		(void)close(fd);
	}
	return kept;
}

START_TEST(only_one_listening_stream_socket_is_taken)
{
	char error[256] = "";
	int fds[NOTIFY_SOCKETS] = { 77, 77 }, fd, kept, flags;
	bool ok;

	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)setenv("LISTEN_FDNAMES", "api", 1);
	if (activations[_i].pid != 2)
		set_pid("LISTEN_PID", activations[_i].pid);
	if (activations[_i].count != NULL)
		(void)setenv("LISTEN_FDS", activations[_i].count, 1);
	kept = pass(activations[_i].what);
	ok = notify_listen_fds(fds, error, sizeof(error));
	fd = fds[0];
	flags = fcntl(3, F_GETFD);
	(void)dup2(kept, 3);
	ck_assert_int_eq(ok, activations[_i].ok);
	ck_assert_int_eq(fd, activations[_i].fd);
	ck_assert_int_eq(fds[1], -1);
	if (fd == 3)
		ck_assert_int_eq(flags, FD_CLOEXEC);
	if (!ok)
		ck_assert_msg(strstr(error, activations[_i].error) != NULL,
		    "%s", error);
	ck_assert_ptr_null(getenv("LISTEN_PID"));
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
}
END_TEST

static void
clean(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/s", dir);
	(void)unlink(path);
	(void)rmdir(dir);
}

int
main(void)
{
	Suite *s = suite_create("notify");
	TCase *t = tcase_create("notify");
	SRunner *sr;
	int failed;

	if (mkdtemp(dir) == NULL)
		return 99;
	tcase_add_loop_test(t, a_state_reaches_the_manager, 0, 2);
	tcase_add_loop_test(t, without_a_manager_nothing_happens, 0,
	    (int)COUNT(bad_names));
	tcase_add_loop_test(t, the_watchdog_is_pinged_at_half_of_its_time, 0,
	    (int)COUNT(watchdogs));
	tcase_add_test(t, a_manager_that_takes_nothing_costs_a_bounded_time);
	tcase_add_loop_test(t, only_one_listening_stream_socket_is_taken, 0,
	    (int)COUNT(activations));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	clean();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
