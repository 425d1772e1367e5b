/*
 * Tests of src/start_sockets.c: sockets that are not as configured, limits
 * that can't be raised, and whatever else fails there; and of a sentry that
 * can't be started.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen.h"
#include "loop.h"
#include "sample.h"
#include "starting.h"

static struct server *sv;
static struct start st;
static char dir[64];
static int passed = -1; /* by the service manager */
static const char *failing = ""; /* the call that fails */
static struct rlimit descriptors; /* what the kernel has */
static bool may_raise, can_tell = true;

static bool
fails(const char *name)
{
	if (strcmp(name, failing) != 0)
		return false;
	errno = EIO;
	return true;
}

#define WRAP(type, name, parameters, arguments, fail) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails(#name) ? (fail) : __real_##name arguments; \
	}

WRAP(int, sigprocmask, (int how, const sigset_t *set, sigset_t *old),
    (how, set, old), -1)
WRAP(int, signalfd, (int fd, const sigset_t *set, int flags),
    (fd, set, flags), -1)

bool __real_listen_adopt(int fd, char *error, size_t size);
bool __wrap_listen_adopt(int fd, char *error, size_t size);
bool __wrap_loop_init(struct server *s);
bool __wrap_sentry_start(struct sentry *s, size_t slots, uid_t uid, gid_t gid,
    bool required, char *error, size_t size);
bool __wrap_notify_listen_fds(int fds[NOTIFY_SOCKETS], char *error,
    size_t size);
int __wrap_getrlimit(__rlimit_resource_t what, struct rlimit *r);
int __wrap_setrlimit(__rlimit_resource_t what, const struct rlimit *r);

bool
__wrap_listen_adopt(int fd, char *error, size_t size)
{
	(void)snprintf(error, size, "not to be had");
	return !fails("listen_adopt") && __real_listen_adopt(fd, error, size);
}

bool
__wrap_loop_init(struct server *s)
{
	(void)s;
	return !fails("loop_init");
}

/* It has places for all descriptors that there may be. */
bool
__wrap_sentry_start(struct sentry *s, size_t slots, uid_t uid, gid_t gid,
    bool required, char *error, size_t size)
{
	(void)s;
	ck_assert_uint_ge(slots, (size_t)3 * sv->config.max_connections);
	ck_assert(uid == st.uid && gid == st.gid && required);
	(void)snprintf(error, size, "none");
	return !fails("sentry_start");
}

bool
__wrap_notify_listen_fds(int fds[NOTIFY_SOCKETS], char *error, size_t size)
{
	for (size_t i = 0; i < NOTIFY_SOCKETS; i++)
		fds[i] = i == 0 ? passed : -1;
	(void)snprintf(error, size, "LISTEN_FDS: no");
	return !fails("notify");
}

int
__wrap_getrlimit(__rlimit_resource_t what, struct rlimit *r)
{
	*r = descriptors;
	if (what == RLIMIT_NOFILE && can_tell)
		return 0;
	return -1;
}

/* Only root raises what is hard. */
int
__wrap_setrlimit(__rlimit_resource_t what, const struct rlimit *r)
{
	ck_assert_int_eq(what, RLIMIT_NOFILE);
	ck_assert_uint_le(r->rlim_cur, r->rlim_max);
	if (r->rlim_max > descriptors.rlim_max && !may_raise) {
		errno = EPERM;
		return -1;
	}
	descriptors = *r;
	return 0;
}

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/check_start.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	sv->listen_fd = sv->agent_fd = sv->signal_fd = -1;
	config_defaults(&sv->config);
	(void)snprintf(sv->config.socket, sizeof(sv->config.socket), "%s/s",
	    dir);
	st = (struct start){ .state_fd = -1 };
	descriptors = (struct rlimit){ 1 << 20, 1 << 20 };
	starting_setup();
}

static void
close_sockets(void)
{
	(void)close(sv->listen_fd);
	(void)close(sv->agent_fd);
	(void)close(sv->signal_fd);
	(void)unlink(sv->config.socket);
	(void)unlink(sv->config.agent_socket);
}

static void
teardown(void)
{
	close_sockets();
	starting_teardown();
	free(sv);
	(void)rmdir(dir);
}

static starting_step *step = start_sockets;

static bool
run(const char **text)
{
	return starting_run(step, &st, sv, text);
}

static void
refused(const char *why)
{
	starting_refused(step, &st, sv, why);
	close_sockets();
}

static const struct {
	const char *call, *why;
} failures[] = {
	{ "notify", "LISTEN_FDS: no" },
	{ "sigprocmask", "signals: Input/output error" },
	{ "signalfd", "signals: Input/output error" },
	{ "loop_init", "epoll: Input/output error" },
};

START_TEST(what_fails_is_named)
{
	const char *text;

	failing = failures[_i].call;
	refused(failures[_i].why);
	failing = "";
	ck_assert_msg(run(&text), "%s", text);
	ck_assert_str_eq(text, "");
}
END_TEST

static void
pass(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	passed = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(passed, (struct sockaddr *)&sun, sizeof(sun)),
	    0);
	ck_assert_int_eq(listen(passed, 1), 0);
}

/* The unit and the configuration must agree; both are named. */
START_TEST(a_socket_that_was_passed_is_the_configured_one)
{
	const char *text;
	char other[80];

	(void)snprintf(other, sizeof(other), "%s/other", dir);
	pass(other);
	refused("a socket that was passed is not at ");
	(void)snprintf(sv->config.agent_socket,
	    sizeof(sv->config.agent_socket), "%s/agent", dir);
	ck_assert(!run(&text));
	ck_assert_ptr_nonnull(strstr(text, sv->config.socket));
	ck_assert_ptr_nonnull(strstr(text, ", nor at "));
	ck_assert_ptr_nonnull(strstr(text, sv->config.agent_socket));
	(void)close(passed);
	ck_assert_int_eq(unlink(other), 0);
	pass(sv->config.socket);
	failing = "listen_adopt";
	refused("not to be had");
}
END_TEST

START_TEST(a_socket_that_cant_be_made_is_named)
{
	const char *text;

	(void)snprintf(sv->config.agent_socket,
	    sizeof(sv->config.agent_socket), "%s/none/agent", dir);
	refused("/none/agent: the directory of the socket does not exist");
	(void)snprintf(sv->config.agent_socket,
	    sizeof(sv->config.agent_socket), "%s/agent", dir);
	ck_assert_msg(run(&text), "%s", text);
	ck_assert(st.socket_made && st.agent_made);
	close_sockets();
	(void)snprintf(sv->config.socket, sizeof(sv->config.socket),
	    "%s/none/s", dir);
	refused("/none/s: the directory of the socket does not exist");
}
END_TEST

START_TEST(without_a_sentry_it_does_not_start)
{
	const char *text;

	failing = "sentry_start";
	step = start_sentry;
	ck_assert(!run(&text));
	ck_assert_str_eq(text, "cofred: its sentry can't be started: none\n");
	failing = "";
	ck_assert(run(&text));
	ck_assert_str_eq(text, "");
}
END_TEST

/* What a process may have, and what becomes of max_connections = 1024. */
static const struct {
	rlim_t soft, hard;
	bool raise, tell;
	uint32_t connections;
	bool said;
} limits[] = {
	{ 1 << 20, 1 << 20, false, true, 1024, false },
	{ 256, 1 << 20, false, true, 1024, false },
	{ 256, 512, true, true, 1024, false },
	{ 256, 512, false, true, (512 - 80) / 3, true },
	{ 16, 90, false, true, 8, true },
	{ 256, 512, false, false, 8, true },
};

START_TEST(connections_have_their_descriptors)
{
	const char *text;

	descriptors = (struct rlimit){ limits[_i].soft, limits[_i].hard };
	may_raise = limits[_i].raise;
	can_tell = limits[_i].tell;
	ck_assert_msg(run(&text), "%s", text);
	ck_assert_uint_eq(sv->config.max_connections, limits[_i].connections);
	ck_assert_uint_ge(sv->most_connections, limits[_i].connections);
	ck_assert_int_eq(strstr(text, "max_connections is ") != NULL,
	    limits[_i].said);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("start sockets");
	TCase *t = tcase_create("sockets");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, what_fails_is_named, 0, (int)COUNT(failures));
	tcase_add_test(t, a_socket_that_was_passed_is_the_configured_one);
	tcase_add_test(t, a_socket_that_cant_be_made_is_named);
	tcase_add_test(t, without_a_sentry_it_does_not_start);
	tcase_add_loop_test(t, connections_have_their_descriptors, 0,
	    (int)COUNT(limits));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
