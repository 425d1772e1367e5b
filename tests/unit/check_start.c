/*
 * Tests of src/start.c: whatever fails while the daemon starts, it does not
 * go on, and says what it was about.  check_start_sockets.c has the sockets
 * and limits.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.h"
#include "starting.h"
#include "statedir.h"

static struct server *sv;
static struct start st;
static const char *failing = ""; /* the call that fails */
static bool as_root;
/* The area that is not locked, and that there is no memory for, from 1. */
static unsigned plain, without;
#define AREAS 6u
static const void *areas[AREAS + 1], *wiped[AREAS + 1];

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

WRAP(char *, getcwd, (char *to, size_t n), (to, n), NULL)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP(int, fchdir, (int fd), (fd), -1)
WRAP(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), -1)
WRAP(int, lchown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid),
    -1)
WRAP(bool, pool_init, (struct pool *p, size_t size), (p, size), false)

uid_t __real_geteuid(void);
uid_t __wrap_geteuid(void);
bool __wrap_account_become(uid_t uid, gid_t gid);
const char *__wrap_sandbox_identity_problem(void);
bool __wrap_sandbox_enter(struct sandbox *s, int fd, bool required,
    char *error, size_t size);
void __wrap_bus_wipe(void *area, size_t size);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
bool __real_secmem_init(struct secmem *m, size_t size, bool want_secret,
    bool on_fault);
bool __wrap_secmem_init(struct secmem *m, size_t size, bool want_secret,
    bool on_fault);

/* As if root had started it; nothing is changed then. */
uid_t
__wrap_geteuid(void)
{
	return as_root ? 0 : __real_geteuid();
}

bool
__wrap_account_become(uid_t uid, gid_t gid)
{
	ck_assert(uid == 2001 && gid == 2002);
	return !fails("account_become");
}

const char *
__wrap_sandbox_identity_problem(void)
{
	return fails("identity") ? "ids mean nothing" : NULL;
}

bool
__wrap_sandbox_enter(struct sandbox *s, int fd, bool required, char *error,
    size_t size)
{
	(void)s;
	ck_assert_int_eq(fd, st.state_fd);
	ck_assert(required);
	(void)snprintf(error, size, "a part of it");
	return !fails("sandbox_enter");
}

int
__wrap_open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails("open") ? -1 : __real_open(path, flags, mode);
}

bool
__wrap_secmem_init(struct secmem *m, size_t size, bool want_secret,
    bool on_fault)
{
	static unsigned nth;

	if (++nth == without) {
		errno = ENOMEM;
		return false;
	}
	if (!__real_secmem_init(m, size, want_secret, on_fault))
		return false;
	ck_assert_uint_le(nth, AREAS);
	areas[nth] = m->base;
	if (nth == plain)
		m->kind = SECMEM_PLAIN;
	else if (m->kind == SECMEM_PLAIN)
		m->kind = SECMEM_LOCKED; /* whatever the test may lock */
	return true;
}

void
__wrap_bus_wipe(void *area, size_t size)
{
	ck_assert_uint_gt(size, 0);
	for (size_t i = 1; i <= AREAS; i++)
		if (areas[i] == area)
			wiped[i] = area;
}

static void
setup(void)
{
	statedir_setup();
	starting_setup();
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	sv->config_fd = -1;
	config_defaults(&sv->config);
	st = (struct start){ .state_fd = -1, .uid = 2001, .gid = 2002 };
}

static void
teardown(void)
{
	free(sv);
	starting_teardown();
	statedir_teardown();
}

static bool
run(starting_step *step, const char **text)
{
	return starting_run(step, &st, sv, text);
}

static void
refused(starting_step *step, const char *why)
{
	starting_refused(step, &st, sv, why);
}

/* Options. */

static const struct {
	const char *argv[3];
	bool goes_on;
	int code;
	const char *text;
} lines[] = {
	{ { "--help" }, false, 0, "usage: cofred [--state DIR]" },
	{ { "-h" }, false, 0, "usage: cofred [--state DIR]" },
	{ { "--version" }, false, 0, "cofred " },
	{ { "-V" }, false, 0, "cofred " },
	{ { "--stat" }, false, 2, "usage: cofred" },
	{ { "--none" }, false, 2, "usage: cofred" },
	{ { "-x" }, false, 2, "usage: cofred" },
	{ { "state" }, false, 2, "what is 'state'?" },
	{ { "--user=u", "x" }, false, 2, "what is 'x'?" },
	{ { "--user", "u" }, true, 2, "" },
	{ { NULL }, true, 2, "" },
};

static int exit_code, words;
static char *argv_[5];

static bool
options(struct start *s, struct server *unused)
{
	int out = dup(STDOUT_FILENO);
	bool good;

	(void)unused;
	optind = 0;
	ck_assert_int_eq(dup2(starting_file(), STDOUT_FILENO), STDOUT_FILENO);
	good = start_options(s, words, argv_, &exit_code);
	(void)fflush(stdout);
	ck_assert_int_eq(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
	(void)close(out);
	return good;
}

START_TEST(each_command_line_is_taken_or_told)
{
	const char *text;

	argv_[0] = (char *)(uintptr_t)"cofred";
	for (words = 1; words < 4 && lines[_i].argv[words - 1] != NULL; words++)
		argv_[words] = (char *)(uintptr_t)lines[_i].argv[words - 1];
	ck_assert_int_eq(run(options, &text), lines[_i].goes_on);
	ck_assert_int_eq(exit_code, lines[_i].code);
	ck_assert_msg(strstr(text, lines[_i].text) != NULL, "%s", text);
	ck_assert_msg(!lines[_i].goes_on || text[0] == '\0', "%s", text);
	if (lines[_i].goes_on && words > 1)
		ck_assert_str_eq(st.user, "u");
}
END_TEST

/* Configuration. */

START_TEST(each_option_that_is_not_valid_is_named)
{
	static char long_path[2 * CONFIG_PATH_MAX];
	const char **options_[] = { &st.state, &st.socket, &st.agent_socket,
		&st.keyfile };
	const char *why[] = { "--state: ", "--socket: ", "--agent_socket: ",
		"--keyfile: " };
	const char *text;

	statedir_write("conf", "", 0);
	st.config_path = "conf";
	memset(long_path, 'x', sizeof(long_path) - 1);
	for (size_t i = 0; i < COUNT(why); i++) {
		*options_[i] = long_path;
		refused(start_config, why[i]);
		long_path[0] = '/';
		refused(start_config, why[i]);
		long_path[0] = 'x';
		*options_[i] = "x";
		failing = "getcwd";
		refused(start_config, "x: Input/output error");
		failing = "";
		*options_[i] = NULL;
	}
	st.user = "";
	refused(start_config, "--user: ");
	st.user = NULL;
	/* Relative to where it was started. */
	st.socket = "x/y";
	ck_assert(run(start_config, &text));
	ck_assert(sv->config.socket[0] == '/');
	ck_assert_ptr_nonnull(strstr(sv->config.socket, "/check_state."));
	ck_assert_ptr_nonnull(strstr(sv->config.socket, "/x/y"));
	ck_assert_int_eq(unlink("conf"), 0);
}
END_TEST

START_TEST(a_configuration_that_is_not_valid_is_named)
{
	static const char group[] = "operator_group = check_start-none\n";
	const char *text;

	st.config_path = "none";
	refused(start_config, "none: No such file or directory");
	statedir_write("conf", group, sizeof(group) - 1);
	st.config_path = "conf";
	refused(start_config, "check_start-none");
	statedir_write("conf", "x", 1);
	refused(start_config, "conf:1: ");
	ck_assert_int_eq(unlink("conf"), 0);
	/* Without a name there need be none, but if it can't be read it may
	   say anything. */
	st.config_path = NULL;
	failing = "open";
	refused(start_config, "/etc/cofre/cofred.conf: Input/output error");
	failing = "";
	if (access("/etc/cofre/cofred.conf", F_OK) == -1)
		ck_assert(run(start_config, &text));
}
END_TEST

/* The state directory, and who has it. */

START_TEST(a_state_directory_that_cant_be_closed_is_named)
{
	const char *text;

	(void)snprintf(sv->config.state, sizeof(sv->config.state), "dir");
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	ck_assert_int_eq(chmod("dir", 0755), 0);
	failing = "fchmod";
	refused(start_state, "state directory dir is open to others, and that "
	    "can't be changed: Input/output error");
	(void)close(st.state_fd);
	failing = "fchdir";
	refused(start_state, "state directory dir: Input/output error");
	(void)close(st.state_fd);
	failing = "";
	ck_assert(run(start_state, &text));
	(void)close(st.state_fd);
	ck_assert_int_eq(chdir(".."), 0);
	ck_assert_int_eq(rmdir("dir"), 0);
}
END_TEST

START_TEST(what_cant_be_given_away_is_named)
{
	struct stat sb;

	as_root = true;
	st.state_fd = open(".", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(fstat(st.state_fd, &sb), 0);
	failing = "fchown";
	if (sb.st_uid == 0)
		refused(start_check, "can't be given to uid 2001: "
		    "Input/output error");
	failing = "lchown";
	(void)snprintf(sv->config.socket, sizeof(sv->config.socket), "/s1");
	(void)snprintf(sv->config.agent_socket,
	    sizeof(sv->config.agent_socket), "/s2");
	st.socket_made = true;
	refused(start_user, "/s1 can't be given to group 2002: Input");
	st.socket_made = false;
	st.agent_made = true;
	refused(start_user, "/s2 can't be given to group 2002: Input");
	st.agent_made = false;
	failing = "account_become";
	refused(start_user, "can't become uid 2001: Input/output error");
	failing = "";
	ck_assert(start_user(&st, sv));
	(void)close(st.state_fd);
}
END_TEST

START_TEST(without_its_sandbox_it_does_not_start)
{
	failing = "identity";
	refused(start_sandbox, "ids mean nothing");
	failing = "sandbox_enter";
	refused(start_sandbox, "sandbox: a part of it");
	failing = "";
	ck_assert(start_sandbox(&st, sv));
}
END_TEST

/* Memory. */

START_TEST(without_memory_it_does_not_start)
{
	st.state_fd = open(".", O_RDONLY | O_DIRECTORY);
	sv->config.store_limit = MIB;
	failing = _i == 0 ? "pool_init" : "";
	without = (unsigned)_i;
	refused(start_stores, _i == 0 ? "memory: Input/output error" :
		_i <= 3 ? "memory: Cannot allocate memory" :
			  "memory for keys can't be had: Cannot allocate");
	start_undo(&st, sv);
	(void)close(st.state_fd);
}
END_TEST

/* Each area in turn. */
START_TEST(no_memory_for_secrets_is_unlocked_without_a_word)
{
	const char *text;

	st.state_fd = open(".", O_RDONLY | O_DIRECTORY);
	sv->config.store_limit = MIB;
	plain = (unsigned)_i;
	if (plain == 0) {
		ck_assert(run(start_stores, &text));
		ck_assert_ptr_null(strstr(text, "memory for secrets"));
		/* When a file is cut short none of them keeps any. */
		for (size_t i = 1; i <= AREAS; i++)
			ck_assert_msg(wiped[i] == areas[i], "area %zu", i);
	} else if (plain % 2 == 0) {
		refused(start_stores, "memory for secrets can't be locked");
	} else {
		sv->config.memory_required = false;
		ck_assert(run(start_stores, &text));
		ck_assert_ptr_nonnull(strstr(text,
		    "warning: memory for secrets is not locked"));
	}
	start_undo(&st, sv);
	(void)close(st.state_fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("start");
	TCase *t = tcase_create("start");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, each_command_line_is_taken_or_told, 0,
	    (int)COUNT(lines));
	tcase_add_test(t, each_option_that_is_not_valid_is_named);
	tcase_add_test(t, a_configuration_that_is_not_valid_is_named);
	tcase_add_test(t, a_state_directory_that_cant_be_closed_is_named);
	tcase_add_test(t, what_cant_be_given_away_is_named);
	tcase_add_test(t, without_its_sandbox_it_does_not_start);
	tcase_add_loop_test(t, without_memory_it_does_not_start, 0,
	    1 + (int)AREAS);
	tcase_add_loop_test(t,
	    no_memory_for_secrets_is_unlocked_without_a_word, 0,
	    1 + (int)AREAS);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
