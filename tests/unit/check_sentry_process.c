/*
 * Tests of the sentry: who is never refused, what it may do, and how it ends.
 * check_sentry.c is about who is refused.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "sentryroom.h"

static void
compute(void)
{
	uint64_t end = room_clock_ms() + 2 * SECOND;

	room_work();
	sentry_heard(&room.s, room.conn[0]);
	room_say('w');
	while (room_clock_ms() < end)
		;
	sentry_rest(&room.s);
	room_say('d');
	(void)room_wait_here();
}

static void
wait_for_events(void)
{
	room_work();
	sentry_rest(&room.s);
	room_say('w');
	(void)room_wait_here();
}

static void
wait_for_something_else(void)
{
	room_work();
	sentry_heard(&room.s, room.conn[0]);
	sentry_pause(&room.s);
	room_say('w');
	(void)room_wait_here();
	sentry_resume(&room.s);
	sentry_rest(&room.s);
}

/* Turns that are short, one after the other. */
static void
wait_often(void)
{
	struct pollfd p = { .fd = room.go[0], .events = POLLIN };

	room_say('w');
	do {
		room_work();
		sentry_heard(&room.s, room.conn[0]);
		(void)poll(NULL, 0, SENTRY_LIMIT / 2);
		sentry_rest(&room.s);
	} while (poll(&p, 1, 0) == 0);
}

/* It says when the sentry has ended. */
static void
watch_it(void)
{
	struct pollfd p = { .fd = room.s.pidfd, .events = POLLIN };

	room_say('w');
	room_say(poll(&p, 1, 10 * SECOND) == 1 ? 'e' : '-');
}

/* In a turn; it is stopped meanwhile. */
static void
stop(void)
{
	room_work();
	sentry_heard(&room.s, room.conn[0]);
	room_say('w');
	(void)room_wait_here();
	sentry_rest(&room.s);
	(void)room_wait_here();
}

/* Its only child. */
static pid_t
sentry_pid(void)
{
	char path[64], text[32] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)room.daemon, (int)room.daemon);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	(void)close(fd);
	return (pid_t)strtol(text, NULL, 10);
}

static const struct patient {
	void (*body)(void);
	bool stopped;
	bool heard; /* the daemon says when it is over */
} patient[] = {
	{ compute, false, true },
	{ wait_for_events, false, false },
	{ wait_for_something_else, false, false },
	{ wait_often, false, false },
	{ stop, true, false },
};

START_TEST(a_daemon_that_waits_for_no_disk_is_left_alone)
{
	const struct patient *p = &patient[_i];
	int late;

	room_begin(ROOM_FEW, p->body);
	if (p->stopped)
		ck_assert_int_eq(kill(room.daemon, SIGSTOP), 0);
	late = room_connect_late();
	ck_assert_int_eq(write(room.client[2], "ask", 3), 3);
	room_quiet(room.client[0], 3 * SECOND / 2);
	room_quiet(room.client[2], 0);
	room_quiet(late, 0);
	if (p->heard)
		ck_assert_int_eq(room_hear(), 'd');
	if (p->stopped) {
		room_go_on();
		ck_assert_int_eq(kill(room.daemon, SIGCONT), 0);
	}
	room_finish();
}
END_TEST

/* Of /proc/PID/status, as a number of that base. */
static long
field(pid_t pid, const char *name, int base)
{
	char path[64], line[256];
	long value = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name), NULL, base);
	(void)fclose(f);
	return value;
}

START_TEST(it_sleeps_while_there_is_nothing_to_see)
{
	const char *switches = "voluntary_ctxt_switches:";
	long before, after;
	pid_t pid;

	room_begin(ROOM_FEW, wait_for_events);
	pid = sentry_pid();
	after = field(pid, switches, 10);
	do { /* until it has not been awake for a second */
		before = after;
		room_quiet(room.client[0], SECOND);
		after = field(pid, switches, 10);
	} while (after != before);
	room_finish();
}
END_TEST

START_TEST(it_has_no_privileges)
{
	pid_t pid;

	room_begin(ROOM_FEW, wait_for_events);
	pid = sentry_pid();
	ck_assert_int_eq(field(pid, "Seccomp:", 10), 2);
	ck_assert_int_eq(field(pid, "NoNewPrivs:", 10), 1);
	ck_assert_int_eq(field(pid, "CapEff:", 16), 0);
	ck_assert_int_eq(field(pid, "CapPrm:", 16), 0);
	ck_assert_int_ne(field(pid, "Uid:", 10), 0);
	room_finish();
}
END_TEST

static ssize_t
take_a_byte(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT);
}

static ssize_t
read_a_byte(int fd)
{
	char c;

	return read(fd, &c, 1);
}

static ssize_t
half_close(int fd)
{
	return shutdown(fd, SHUT_WR);
}

static ssize_t
write_a_byte(int fd)
{
	return write(fd, "x", 1);
}

static ssize_t
open_a_file(int fd)
{
	(void)fd;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static ssize_t (*const forbidden[])(int) = { take_a_byte, read_a_byte,
	half_close, write_a_byte, open_a_file };

/* What it would want that has taken it over; 37 tries every number. */
START_TEST(it_can_read_and_open_nothing)
{
	int pair[2], status;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(write(pair[0], "secret", 6), 6);
	if ((pid = fork()) == 0) {
		if (filter_load(FILTER_SENTRY) == 0)
			(void)forbidden[_i](pair[1]);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
END_TEST

/* A descriptor that says when the process has ended. */
static bool
ends(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 10 * SECOND) == 1;
}

START_TEST(it_ends_with_the_daemon)
{
	int pidfd;

	room_begin(ROOM_FEW, wait_for_events);
	pidfd = (int)syscall(SYS_pidfd_open, sentry_pid(), 0);
	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(kill(room.daemon, SIGKILL), 0);
	ck_assert(ends(pidfd));
	ck_assert_int_eq(waitpid(room.daemon, NULL, 0), room.daemon);
}
END_TEST

START_TEST(its_end_is_noticed)
{
	room_begin(ROOM_FEW, watch_it);
	ck_assert_int_eq(kill(sentry_pid(), SIGKILL), 0);
	ck_assert_int_eq(room_hear(), 'e');
	room_finish();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sentry process");
	TCase *t = tcase_create("process");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_daemon_that_waits_for_no_disk_is_left_alone,
	    0, (int)(sizeof(patient) / sizeof(patient[0])));
	tcase_add_test(t, it_sleeps_while_there_is_nothing_to_see);
	tcase_add_test(t, it_has_no_privileges);
	tcase_add_loop_test(t, it_can_read_and_open_nothing, 0,
	    (int)(sizeof(forbidden) / sizeof(forbidden[0])));
	tcase_add_test(t, it_ends_with_the_daemon);
	tcase_add_test(t, its_end_is_noticed);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
