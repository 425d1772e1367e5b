/*
 * Tests of client/targetinfo.c, sshagent.c and line.c: what a target is, as
 * the daemon tells of it, and what is done without an answer.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "script.h"
#include "sshagent.h"
#include "sshsample.h"
#include "status.h"
#include "targetinfo.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct arg_object name = { "ml-prod", "store" };
static struct script p;
static struct cmd cmd;
static int err; /* what is said on standard error */

static void
setup(void)
{
	err = fileno(tmpfile());
	ck_assert_int_ne(dup2(err, STDERR_FILENO), -1);
	script_open(&p, 1000);
	script_put_hello(&p);
	cmd = (struct cmd){ .c = p.c, .verb = "test" };
}

static void
teardown(void)
{
	script_close(&p);
}

static void
check_said(const char *part)
{
	char said[500];
	ssize_t n;

	(void)fflush(stderr);
	n = pread(err, said, sizeof(said) - 1, 0);
	ck_assert_int_ge(n, 0);
	said[n] = '\0';
	ck_assert_msg(strstr(said, part) != NULL, "said: %s", said);
}

/* None of it goes to ssh or to a shell unless it can be. */
static const struct {
	const char *host;
	uint32_t port;
	const char *user;
	const char *options;
	bool good;
} targets[] = {
	{ "h.example", 1, "u", "", true },
	{ "h.example", 65535, "u", "restrict", true },
	{ "-oProxyCommand=x", 22, "u", "", false },
	{ "h.example", 0, "u", "", false },
	{ "h.example", 65536, "u", "", false },
	{ "h.example", 22, "-l", "", false },
	{ "h.example", 22, "u;x", "", false },
	{ "h.example", 22, "u", "command=", false },
};

START_TEST(a_target_is_such_that_ssh_can_be_given_it)
{
	struct targetinfo t = { .name = name, .port = targets[_i].port };
	int code;

	(void)strcpy(t.host, targets[_i].host);
	(void)strcpy(t.user, targets[_i].user);
	(void)strcpy(t.options, targets[_i].options);
	code = targetinfo_check(&cmd, &t);
	if (targets[_i].good) {
		ck_assert_int_eq(code, CMD_GO);
		return;
	}
	ck_assert_int_eq(code, status_exit_code(COFRE_INVALID));
	check_said("are not such that ssh can be given them");
}
END_TEST

/* Without a certificate the daemon says so, or it is not known. */
static const struct {
	const char *options;
	enum cofre_status status;
	bool restricted;
} shown[] = {
	{ "restrict", COFRE_OK, true },
	{ "", COFRE_OK, false },
	{ "command=", COFRE_OK, false },
	{ "", COFRE_DENIED, false },
};

static void
put_show(const char *options)
{
	const uint8_t key[SSH_KEY_LEN] = { 1 };
	size_t at = script_reply(&p, OP_TARGET_SHOW, FIRST_ID, 0);
	struct wire_list l;

	target_show_reply_put(&p.w, &(struct target_show_reply){
		.revision = 1, .host = view_of("h"), .port = 22,
		.user = view_of("u"), .options = view_of(options) });
	lists_take_back(&p.w, 3);
	list_begin(&l, &p.w);
	target_key_item_put(&p.w, &(struct target_key_item){ 1, 2,
		{ key, sizeof(key) } });
	list_item(&l);
	list_end(&l);
	list_begin(&l, &p.w);
	list_end(&l);
	list_begin(&l, &p.w);
	list_end(&l);
	frame_end(&p.w, at);
}

START_TEST(a_key_is_restricted_if_its_target_is)
{
	const struct targetinfo t = { .name = name };

	if (shown[_i].status == COFRE_OK)
		put_show(shown[_i].options);
	else
		script_put_status(&p, OP_TARGET_SHOW, FIRST_ID,
		    shown[_i].status);
	script_flush(&p);
	ck_assert_int_eq(targetinfo_is_restricted(&cmd, &t,
			     (struct view){ NULL, 0 }), shown[_i].restricted);
}
END_TEST

/* The certificate says it itself; one that can't be read does not. */
START_TEST(a_certificate_says_whether_it_is_restricted)
{
	uint8_t bytes[SSH_BLOB_MAX];
	const struct view with_pty = sshsample_base64(SSHSAMPLE_CERT, bytes,
	    sizeof(bytes));
	const struct targetinfo t = { .name = name };

	ck_assert(!targetinfo_is_restricted(&cmd, &t, with_pty));
	ck_assert(!targetinfo_is_restricted(&cmd, &t, view_of("x")));
	ck_assert_uint_eq(script_hear(&p).len, 0);
}
END_TEST

START_TEST(a_pin_is_the_whole_of_a_key)
{
	struct targetinfo t = { .pin_count = 1 };
	uint8_t bytes[SSH_BLOB_MAX];
	struct view blob = sshsample_blob(SSHSAMPLE_LINE, bytes);

	memcpy(t.pins[0], blob.data, blob.len);
	ck_assert(targetinfo_is_pinned(&t, blob));
	blob.len--;
	ck_assert(!targetinfo_is_pinned(&t, blob));
	ck_assert(view_equal(targetinfo_pin(&t, 0),
	    sshsample_blob(SSHSAMPLE_LINE, bytes)));
}
END_TEST

START_TEST(pins_that_were_changed_meanwhile_are_left)
{
	const struct targetinfo t = { .name = name, .revision = 1 };
	uint8_t bytes[SSH_BLOB_MAX];
	const struct view blob = sshsample_blob(SSHSAMPLE_LINE, bytes);

	script_put_status(&p, OP_TARGET_PIN, FIRST_ID, COFRE_CONFLICT);
	script_flush(&p);
	ck_assert_int_eq(targetinfo_pin_all(&cmd, &t, &blob, 1),
	    status_exit_code(COFRE_CONFLICT));
	check_said("it was changed meanwhile; nothing was pinned");
}
END_TEST

/* Every function connects by itself, and says that it can't. */
START_TEST(without_a_daemon_nothing_is_known_of_a_target)
{
	const int unreachable = status_exit_code(COFRE_UNREACHABLE);
	struct cmd none = { .socket = "/nowhere/cofre.sock", .verb = "test" };
	uint8_t bytes[SSH_BLOB_MAX];
	struct targetinfo t = { .name = name };
	struct view v;

	switch (_i) {
	case 0:
		ck_assert_int_eq(targetinfo_get(&none, &name, &t),
		    unreachable);
		break;
	case 1:
		ck_assert_int_eq(targetinfo_reach(&none, &name, &t),
		    unreachable);
		break;
	case 2:
		ck_assert_int_eq(targetinfo_known(&none, &name, &t),
		    unreachable);
		break;
	case 3:
		ck_assert_int_eq(targetinfo_certify(&none, &t, bytes, &v),
		    COFRE_UNREACHABLE);
		break;
	default:
		ck_assert_int_eq(targetinfo_pin_all(&none, &t, NULL, 0),
		    unreachable);
	}
	check_said("connect to /nowhere/cofre.sock");
	cofre_close(none.c);
}
END_TEST

/* Beside the daemon's socket, unless it is said where. */
static const struct {
	const char *given, *socket, *env;
	const char *path; /* NULL: none can be */
} agents[] = {
	{ "/a/b", "/run/x/s", NULL, "/a/b" },
	{ NULL, "/run/x/s", "/other/s", "/run/x/agent" },
	{ NULL, NULL, "/other/s", "/other/agent" },
	{ NULL, "s", NULL, "agent" },
	{ "", "/run/x/s", NULL, NULL },
	{ NULL, NULL, "", COFRE_DEFAULT_SOCKET },
	{ NULL, NULL, NULL, COFRE_DEFAULT_SOCKET },
};

START_TEST(the_agents_socket_is_beside_the_daemons)
{
	char path[SSHAGENT_PATH] = "", expected[SSHAGENT_PATH] = "";
	const char *wanted = agents[_i].path;
	struct problem problem = { "" };
	enum cofre_status s;

	(void)unsetenv("COFRE_SOCKET");
	if (agents[_i].env != NULL)
		(void)setenv("COFRE_SOCKET", agents[_i].env, 1);
	s = sshagent_path(agents[_i].given, agents[_i].socket, path,
	    &problem);
	if (wanted == NULL) {
		ck_assert_int_eq(s, COFRE_ARGUMENT);
		ck_assert_ptr_nonnull(strstr(problem.text, "1 to 107 bytes"));
		return;
	}
	(void)strcpy(expected, wanted);
	if (strcmp(wanted, COFRE_DEFAULT_SOCKET) == 0)
		(void)strcpy(strrchr(expected, '/') + 1, "agent");
	ck_assert_int_eq(s, COFRE_OK);
	ck_assert_str_eq(path, expected);
}
END_TEST

/* A line has so many secrets, and hears of no others. */
START_TEST(a_line_hears_of_its_own_secrets)
{
	static struct line l;
	size_t which = 99, at;

	l = (struct line){ .c = p.c };
	(void)strcpy(l.workspace, "ml-prod");
	for (unsigned i = 0; i < WATCH_MAX; i++)
		ck_assert(line_add(&l, "a", 1, 0));
	ck_assert(!line_add(&l, "b", 1, 0));
	ck_assert_uint_eq(l.count, WATCH_MAX);
	at = script_reply(&p, OP_SECRET_WATCH, FIRST_ID, 0);
	secret_watch_reply_put(&p.w, &(struct secret_watch_reply){
		.name = view_of("b"), .version = 2 });
	frame_end(&p.w, at);
	script_flush(&p);
	ck_assert_int_eq(line_ask(&l, false), COFRE_OK);
	ck_assert_int_eq(line_take(&l, &which), COFRE_BAD_REPLY);
	ck_assert_uint_eq(which, 99);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("targetinfo");
	TCase *t = tcase_create("targetinfo");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_target_is_such_that_ssh_can_be_given_it, 0,
	    (int)COUNT(targets));
	tcase_add_loop_test(t, a_key_is_restricted_if_its_target_is, 0,
	    (int)COUNT(shown));
	tcase_add_test(t, a_certificate_says_whether_it_is_restricted);
	tcase_add_test(t, a_pin_is_the_whole_of_a_key);
	tcase_add_test(t, pins_that_were_changed_meanwhile_are_left);
	tcase_add_loop_test(t, without_a_daemon_nothing_is_known_of_a_target,
	    0, 5);
	tcase_add_loop_test(t, the_agents_socket_is_beside_the_daemons, 0,
	    (int)COUNT(agents));
	tcase_add_test(t, a_line_hears_of_its_own_secrets);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
