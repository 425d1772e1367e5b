/*
 * Tests of client/cmd_run*.c: what 'cofre run' asks the daemon for, in which
 * order, and what it says.  The verb is run in a child process, and this one
 * is its daemon.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "hex.h"
#include "script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ID "00010203040506070000000000000000"
#define SAME "00010203ffffffff0000000000000000"
#define CONNECTIONS 4
#define LAST "f0000000000000000000000000000000"

/* A daemon: what it answers with, and what it was asked for. */
struct server {
	struct script p;
	const char *needle;	 /* secret that run.scan finds, or NULL */
	enum cofre_status get;	 /* of secret.get */
	const char *const *ids;	 /* of run.list, two a page; NULL ends */
	char log[400];		 /* names of operations */
	uint32_t secrets;	 /* of run.start */
	char ended[33];		 /* id of run.end */
	char said[2000];	 /* what the verb printed on standard error */
	int code;
};

static void
put_found(struct server *d, struct view body, uint32_t id)
{
	struct run_scan_reply m = { 0 };
	struct run_scan_request q;
	struct wire_reader r;
	struct text_item t;
	size_t at;

	ck_assert(run_scan_request_decode(body, &q));
	r = list_reader(q.texts);
	for (uint32_t i = 0; d->needle != NULL && i < q.texts.count; i++) {
		text_item_get(&r, &t);
		if (m.found == 0 && t.text.len > 0 && memmem(t.text.data,
			t.text.len, d->needle, strlen(d->needle)) != NULL)
			m.found = i + 1;
	}
	if (m.found > 0)
		m.name = view_of("store");
	at = script_reply(&d->p, OP_RUN_SCAN, id, 0);
	run_scan_reply_put(&d->p.w, &m);
	frame_end(&d->p.w, at);
}

static void
put_start(struct server *d, struct view body, uint32_t id)
{
	struct run_start_request q;
	uint8_t run[RUN_ID_LEN];
	const struct run_start_reply m = { { run, sizeof(run) }, 9,
		{ NULL, 0 } };
	size_t at = script_reply(&d->p, OP_RUN_START, id, 0);

	ck_assert(run_start_request_decode(body, &q));
	d->secrets = q.secrets.count;
	ck_assert(hex_decode(view_of(ID), run, sizeof(run)));
	run_start_reply_put(&d->p.w, &m);
	frame_end(&d->p.w, at);
}

/* The page of runs that stand, as they were written, behind q.after. */
static void
put_runs(struct server *d, struct view body, uint32_t id)
{
	const char *const *ids = d->ids;
	struct run_item m = { .state = RUN_ACTIVE };
	struct run_list_request q;
	uint8_t run[RUN_ID_LEN];
	char after[33] = "";
	struct wire_list l;
	size_t at;

	ck_assert(run_list_request_decode(body, &q));
	(void)hex_encode(after, q.after);
	if (*after != '\0')
		while (strcmp(*ids++, after) != 0)
			continue;
	at = script_reply(&d->p, OP_RUN_LIST, id, 0);
	list_begin(&l, &d->p.w);
	for (int i = 0; i < 2 && *ids != NULL; i++) {
		ck_assert(hex_decode(view_of(*ids++), run, sizeof(run)));
		m.run = (struct view){ run, sizeof(run) };
		run_item_put(&d->p.w, &m);
		list_item(&l);
	}
	list_end(&l);
	wire_put_bool(&d->p.w, *ids != NULL);
	frame_end(&d->p.w, at);
}

static void
take_end(struct server *d, struct view body, uint32_t id)
{
	struct run_end_request q;

	ck_assert(run_end_request_decode(body, &q));
	(void)hex_encode(d->ended, q.run);
	script_put_status(&d->p, OP_RUN_END, id, 0);
}

static void
put_hello(struct server *d, uint32_t id)
{
	const struct hello_reply m = { PROTO_VERSION, view_of("cofred") };
	size_t at = script_reply(&d->p, OP_HELLO, id, 0);

	hello_reply_put(&d->p.w, &m);
	frame_end(&d->p.w, at);
}

static void
answer(struct server *d, const struct frame *f)
{
	size_t len = strlen(d->log);

	(void)snprintf(d->log + len, sizeof(d->log) - len, "%s%s",
	    len == 0 ? "" : " ", op_name(f->op));
	if (f->op == OP_HELLO)
		put_hello(d, f->id);
	else if (f->op == OP_RUN_SCAN)
		put_found(d, f->body, f->id);
	else if (f->op == OP_RUN_START)
		put_start(d, f->body, f->id);
	else if (f->op == OP_RUN_LIST)
		put_runs(d, f->body, f->id);
	else if (f->op == OP_RUN_END)
		take_end(d, f->body, f->id);
	else if (f->op == OP_SECRET_GET && d->get == COFRE_OK)
		script_put_secret(&d->p, f->id, 1, script_one_field, 1);
	else
		script_put_status(&d->p, (enum op_code)f->op, f->id,
		    d->get == COFRE_OK ? COFRE_INTERNAL : d->get);
}

/* Answer what came on a connection, whole frames; false at its end. */
static bool
serve(struct server *d, int fd)
{
	size_t have = 0, done = 0, size;
	struct frame f;
	ssize_t n;

	do {
		n = recv(fd, d->p.in + have, sizeof(d->p.in) - have, 0);
		if (n <= 0)
			return false;
		have += (size_t)n;
		while (frame_parse((struct view){ d->p.in + done,
			   have - done }, &f, &size) == FRAME_OK) {
			answer(d, &f);
			done += size;
		}
	} while (done < have);
	d->p.fd = fd;
	script_flush(&d->p);
	return true;
}

/*
 * Serve all connections until the other end of over, which is closed with
 * the verb, is gone.
 */
static void
serve_all(struct server *d, int over)
{
	struct pollfd fds[CONNECTIONS + 2] = { { over, POLLIN, 0 },
		{ d->p.listener, POLLIN, 0 } };
	nfds_t n = 2;

	for (;;) {
		bool idle = true;

		ck_assert_int_gt(poll(fds, n, -1), 0);
		for (nfds_t i = 2; i < n; i++)
			if (fds[i].revents != 0) {
				idle = false;
				if (!serve(d, fds[i].fd)) {
					(void)close(fds[i].fd);
					fds[i].fd = -1;
				}
			}
		if (fds[1].revents != 0) {
			ck_assert_uint_lt(n, COUNT(fds));
			fds[n].events = POLLIN;
			fds[n++].fd = accept4(d->p.listener, NULL, NULL,
			    SOCK_CLOEXEC);
		} else if (idle)
			break;
	}
	for (nfds_t i = 2; i < n; i++)
		if (fds[i].fd != -1)
			(void)close(fds[i].fd);
	d->p.fd = -1;
}

/* The verb's own process; over is closed with it. */
static void
be_verb(struct server *d, int errors, const char *const *line)
{
	struct cmd cmd = { .socket = d->p.addr.sun_path, .umask = 022,
		.verb = "run" };
	char *argv[32] = { NULL };
	int argc = 0;

	for (; line[argc] != NULL; argc++)
		argv[argc] = strdup(line[argc]);
	(void)dup2(errors, STDERR_FILENO);
	_exit(cmd_runs(&cmd, argc, argv));
}

static void
run_verb(struct server *d, const char *const *line)
{
	FILE *errors = tmpfile();
	int status, ends[2];
	size_t n;
	pid_t child;

	ck_assert_ptr_nonnull(errors);
	script_listen(&d->p, 4);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0)
		be_verb(d, fileno(errors), line);
	(void)close(ends[1]);
	serve_all(d, ends[0]);
	(void)close(ends[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	d->code = WEXITSTATUS(status);
	rewind(errors);
	n = fread(d->said, 1, sizeof(d->said) - 1, errors);
	d->said[n] = '\0';
	(void)fclose(errors);
	ck_assert_ptr_null(strstr(d->said, SCRIPT_SECRET));
	script_close(&d->p);
}

static void
says(const struct server *d, const char *text)
{
	ck_assert_msg(strstr(d->said, text) != NULL, "it says '%s', not '%s'",
	    d->said, text);
}

/*
 * Exec.
 */

#define EXEC "exec", "-w", "ml-prod", "--secret", "store", "--"
#define GOT "hello run.scan run.start secret.get"

START_TEST(secrets_are_looked_for_before_the_run_is_started)
{
	const char *line[] = { "run", EXEC, "test", "-s", "{store}", NULL };
	struct server d = { .needle = NULL };

	run_verb(&d, line);
	ck_assert_str_eq(d.said, "");
	ck_assert_int_eq(d.code, 0);
	ck_assert_str_eq(d.log, GOT);
}
END_TEST

START_TEST(a_secret_is_fetched_for_each_of_its_files)
{
	const char *line[] = { "run", "exec", "-w", "ml-prod", "--secret", "a",
		"--secret", "a:value=b", "--", "cmp", "{a}", "{b}", NULL };
	struct server d = { .needle = NULL };

	run_verb(&d, line);
	ck_assert_str_eq(d.said, "");
	ck_assert_int_eq(d.code, 0);
	ck_assert_str_eq(d.log, GOT " secret.get");
	ck_assert_uint_eq(d.secrets, 1);
}
END_TEST

/* The run itself may not: it is another connection that ends it. */
START_TEST(a_run_whose_command_can_not_be_executed_is_ended)
{
	const char *line[] = { "run", EXEC, "/no/such", "{store}", NULL };
	struct server d = { .needle = NULL };

	run_verb(&d, line);
	ck_assert_int_eq(d.code, 127);
	says(&d, "can't execute /no/such: No such file");
	ck_assert_str_eq(d.log, GOT " hello run.end");
	ck_assert_str_eq(d.ended, ID);
}
END_TEST

START_TEST(a_run_that_gets_no_secret_is_ended)
{
	const char *line[] = { "run", EXEC, "true", "{store}", NULL };
	struct server d = { .get = COFRE_EXPIRED };

	run_verb(&d, line);
	ck_assert_int_eq(d.code, 6);
	says(&d, "run exec ml-prod/store: the secret's expiry date");
	ck_assert_str_eq(d.log, GOT " hello run.end");
}
END_TEST

/* In argument 2, and in the name of the command. */
START_TEST(a_secret_in_an_argument_is_refused)
{
	const char *line[] = { "run", EXEC, _i == 0 ? SCRIPT_SECRET : "echo",
		"{store}", _i == 0 ? "x" : "x" SCRIPT_SECRET, NULL };
	struct server d = { .needle = SCRIPT_SECRET };

	run_verb(&d, line);
	ck_assert_int_eq(d.code, 9);
	says(&d, _i == 0 ? "argument 0 of the command (0 is its name) holds" :
	    "argument 2 of the command (0 is its name) holds");
	ck_assert_str_eq(d.log, "hello run.scan");
}
END_TEST

/* Its name is told only when no part of the secret is in it. */
static const struct {
	const char *name;
	const char *value;
	const char *needle;
	const char *says;
} variables[] = {
	{ "PLAIN", SCRIPT_SECRET, SCRIPT_SECRET, "variable PLAIN holds" },
	{ "PLAIN", "xqz=" SCRIPT_SECRET, SCRIPT_SECRET, "variable PLAIN" },
	{ SCRIPT_SECRET, "1", SCRIPT_SECRET, " of the environment holds" },
	{ SCRIPT_SECRET, SCRIPT_SECRET, SCRIPT_SECRET,
	    " of the environment holds" },
	{ SCRIPT_SECRET, "rest", SCRIPT_SECRET "=rest",
	    " of the environment holds" },
};

START_TEST(a_secret_in_a_variable_is_refused)
{
	const char *line[] = { "run", EXEC, "true", "{store}", NULL };
	struct server d = { .needle = variables[_i].needle };

	ck_assert_int_eq(setenv(variables[_i].name, variables[_i].value, 1),
	    0);
	run_verb(&d, line);
	ck_assert_int_eq(d.code, 9);
	says(&d, variables[_i].says);
	ck_assert_ptr_null(strstr(d.log, "run.start"));
}
END_TEST

/*
 * Ids.
 */

static const char *const some[] = { ID, SAME, LAST, NULL };

static const struct {
	const char *id;
	int code;
	const char *ended;
	const char *log;
	const char *says;
} ends[] = {
	{ "f0000000", 0, LAST, "hello run.list run.list run.end", "" },
	{ "00010203", 2, "", "hello run.list run.list",
	    "the ids of 2 runs begin with 00010203" },
	{ "abcdef01", 6, "", "hello run.list run.list",
	    "no run's id begins with abcdef01" },
	{ ID, 0, ID, "hello run.end", "" },
	{ "0001020", 2, "", "", "is no id of a run" },
};

START_TEST(a_unique_beginning_of_an_id_will_do)
{
	const char *line[] = { "run", "end", "ml-prod", ends[_i].id, NULL };
	struct server d = { .ids = some };

	run_verb(&d, line);
	says(&d, ends[_i].says);
	ck_assert_int_eq(d.code, ends[_i].code);
	ck_assert_str_eq(d.log, ends[_i].log);
	ck_assert_str_eq(d.ended, ends[_i].ended);
}
END_TEST

/* Otherwise a list might never end, or name a run twice. */
START_TEST(a_list_goes_upwards)
{
	static const char *const down[] = { SAME, ID, NULL };
	const char *line[] = { "run", "end", "ml-prod", "ffffffff", NULL };
	struct server d = { .ids = down };

	run_verb(&d, line);
	ck_assert_int_eq(d.code, 10);
	says(&d, "the answer can't be decoded");
}
END_TEST

static Suite *
run_verbs_suite(void)
{
	Suite *s = suite_create("run_verbs");
	TCase *t = tcase_create("run_verbs");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, secrets_are_looked_for_before_the_run_is_started);
	tcase_add_test(t, a_secret_is_fetched_for_each_of_its_files);
	tcase_add_test(t,
	    a_run_whose_command_can_not_be_executed_is_ended);
	tcase_add_test(t, a_run_that_gets_no_secret_is_ended);
	tcase_add_loop_test(t, a_secret_in_an_argument_is_refused, 0, 2);
	tcase_add_loop_test(t, a_secret_in_a_variable_is_refused, 0,
	    (int)COUNT(variables));
	tcase_add_loop_test(t, a_unique_beginning_of_an_id_will_do, 0,
	    (int)COUNT(ends));
	tcase_add_test(t, a_list_goes_upwards);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(run_verbs_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
