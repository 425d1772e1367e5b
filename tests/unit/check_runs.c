/*
 * Tests of client/api_run.c: the library's calls on runs, against a daemon
 * that follows a script.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "procstat.h"
#include "script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ID "000102030405060708090a0b0c0d0e0f"
#define TOKEN                                                                \
	"cofre_r_" SCRIPT_SECRET "-_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345012345"

static const uint8_t id[RUN_ID_LEN] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
	12, 13, 14, 15 };
static const char *const names[] = { "store", "images" };

static struct cofre_run_options
options(enum cofre_run_target target)
{
	return (struct cofre_run_options){ .size = sizeof(
		struct cofre_run_options), .workspace = "ml-prod",
		.secrets = names, .secret_count = 2, .target = target };
}

static void
put_start(struct script *p, struct view run, const char *token)
{
	const struct run_start_reply m = { run, 99, view_of(token) };
	size_t at = script_reply(p, OP_RUN_START, FIRST_ID, 0);

	run_start_reply_put(&p->w, &m);
	frame_end(&p->w, at);
}

/* The request with that operation among what the library sent. */
static struct view
heard(struct script *p, enum op_code op)
{
	struct view in = script_hear(p);
	struct frame f;
	size_t size;

	while (frame_parse(in, &f, &size) == FRAME_OK) {
		if (f.op == op)
			return f.body;
		in = (struct view){ in.data + size, in.len - size };
	}
	ck_abort_msg("the request was not sent");
	return (struct view){ NULL, 0 };
}

static void
start_sends(const struct cofre_run_options *o, char *token,
    struct run_start_request *q, struct script *p)
{
	struct cofre_run run;

	script_open(p, 1000);
	script_put_hello(p);
	put_start(p, (struct view){ id, RUN_ID_LEN },
	    token == NULL ? "" : TOKEN);
	script_flush(p);
	ck_assert_msg(cofre_run_start(p->c, o, &run, token,
	    token == NULL ? 0 : COFRE_RUN_TOKEN_SIZE) == COFRE_OK, "%s",
	    cofre_error(p->c));
	ck_assert_str_eq(run.id, ID);
	ck_assert_str_eq(run.workspace, "ml-prod");
	ck_assert_uint_eq(run.expires, 99);
	script_check_wiped(p);
	ck_assert(run_start_request_decode(heard(p, OP_RUN_START), q));
	ck_assert(view_is(q->workspace, "ml-prod"));
}

START_TEST(start_for_this_process_tells_when_it_began)
{
	struct cofre_run_options o = options(COFRE_RUN_SELF);
	struct run_start_request q;
	struct wire_reader r;
	struct name_item item;
	struct script p;
	uint64_t began;

	start_sends(&o, NULL, &q, &p);
	ck_assert(procstat_start(getpid(), &began));
	ck_assert_uint_eq(q.target, RUN_PROCESS);
	ck_assert_uint_eq(q.pid, (uint32_t)getpid());
	ck_assert_uint_eq(q.start, began);
	ck_assert_uint_eq(q.uid, NO_ID);
	ck_assert_uint_eq(q.lifetime, 0);
	ck_assert(!q.token);
	ck_assert_uint_eq(q.label.len + q.snapshot.len + q.cgroup.len, 0);
	ck_assert_uint_eq(q.secrets.count, 2);
	r = list_reader(q.secrets);
	name_item_get(&r, &item);
	ck_assert(view_is(item.name, "store"));
	name_item_get(&r, &item);
	ck_assert(view_is(item.name, "images"));
	ck_assert(wire_reader_done(&r));
	script_close(&p);
}
END_TEST

START_TEST(start_sends_every_option)
{
	struct cofre_run_options o = options(COFRE_RUN_CGROUP);
	char token[COFRE_RUN_TOKEN_SIZE];
	struct run_start_request q;
	struct script p;

	o.cgroup = "/ml.slice/job-7.scope";
	o.has_uid = 1;
	o.uid = 0;
	o.lifetime = 86400;
	o.label = "nightly";
	o.snapshot = "digest";
	o.snapshot_len = 6;
	start_sends(&o, token, &q, &p);
	ck_assert_str_eq(token, TOKEN);
	ck_assert_uint_eq(q.target, RUN_CGROUP);
	ck_assert_uint_eq(q.pid, 0);
	ck_assert_uint_eq(q.start, 0);
	ck_assert(view_is(q.cgroup, "/ml.slice/job-7.scope"));
	ck_assert_uint_eq(q.uid, 0);
	ck_assert_uint_eq(q.lifetime, 86400);
	ck_assert(q.token);
	ck_assert(view_is(q.label, "nightly"));
	ck_assert(view_is(q.snapshot, "digest"));
	script_close(&p);
}
END_TEST

START_TEST(start_for_another_process_looks_it_up)
{
	struct cofre_run_options o = options(COFRE_RUN_PROCESS);
	struct run_start_request q;
	struct script p;
	pid_t child = fork();

	if (child == 0) {
		(void)prctl(PR_SET_NAME, "a) b (c 1 2");
		for (;;)
			(void)pause();
	}
	o.pid = child;
	start_sends(&o, NULL, &q, &p);
	ck_assert_uint_eq(q.target, RUN_PROCESS);
	ck_assert_uint_eq(q.pid, (uint32_t)child);
	ck_assert_uint_gt(q.start, 0);
	script_close(&p);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
}
END_TEST

START_TEST(a_process_that_is_gone_gets_no_run)
{
	struct cofre_run_options o = options(COFRE_RUN_PROCESS);
	struct cofre_run run;
	struct script p;
	siginfo_t info;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	script_open(&p, 1000);
	o.pid = child;
	/* A zombie has a number still, but it is over. */
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &info,
			     WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(cofre_run_start(p.c, &o, &run, NULL, 0),
	    COFRE_NO_PROCESS);
	script_check_error(&p, "run start: there is no process");
	(void)waitpid(child, NULL, 0);
	ck_assert_int_eq(cofre_run_start(p.c, &o, &run, NULL, 0),
	    COFRE_NO_PROCESS);
	script_check_error(&p, "run start: there is no process");
	ck_assert_uint_eq(script_hear(&p).len, 0);
	script_close(&p);
}
END_TEST

/* What is wrong with options, one thing each. */
enum wrong {
	SMALL, UNKNOWN, NO_WORKSPACE, BAD_WORKSPACE, MANY_SECRETS,
	NULL_SECRETS, NULL_NAME, BAD_NAME, LONG, NOBODY, LONG_LABEL,
	LONG_SNAPSHOT, NULL_SNAPSHOT, NO_TARGET, BAD_TARGET, PID_ZERO,
	PID_NEGATIVE, NO_CGROUP, BAD_CGROUP, NO_TOKEN, WRONGS
};

static void
spoil(struct cofre_run_options *o, enum wrong what)
{
	static const char *const none[] = { NULL };
	static const char *const bad[] = { "a/b" };
	static char label[RUN_LABEL_MAX + 2];

	switch (what) {
	case SMALL: o->size--; break;
	case UNKNOWN: o->size = 5000; break;
	case NO_WORKSPACE: o->workspace = NULL; break;
	case BAD_WORKSPACE: o->workspace = "/"; break;
	case MANY_SECRETS: o->secret_count = 65; break;
	case NULL_SECRETS: o->secrets = NULL; break;
	case NULL_NAME: o->secrets = none; o->secret_count = 1; break;
	case BAD_NAME: o->secrets = bad; o->secret_count = 1; break;
	case LONG: o->lifetime = 86401; break;
	case NOBODY: o->has_uid = 1; o->uid = NO_ID; break;
	case LONG_LABEL:
		memset(label, 'l', RUN_LABEL_MAX + 1);
		o->label = label;
		break;
	case LONG_SNAPSHOT: o->snapshot = label; o->snapshot_len = 65; break;
	case NULL_SNAPSHOT: o->snapshot_len = 1; break;
	case NO_TARGET: o->target = (enum cofre_run_target)0; break;
	case BAD_TARGET: o->target = (enum cofre_run_target)5; break;
	case PID_ZERO: o->target = COFRE_RUN_PROCESS; break;
	case PID_NEGATIVE: o->target = COFRE_RUN_PROCESS; o->pid = -1; break;
	case NO_CGROUP: o->target = COFRE_RUN_CGROUP; break;
	case BAD_CGROUP:
		o->target = COFRE_RUN_CGROUP;
		o->cgroup = "/a/../b";
		break;
	case NO_TOKEN: o->target = COFRE_RUN_TOKEN; break;
	case WRONGS: break;
	}
}

START_TEST(wrong_options_are_refused_before_anything_is_sent)
{
	struct cofre_run_options o = options(COFRE_RUN_SELF);
	struct cofre_run run;
	struct script p;

	spoil(&o, (enum wrong)_i);
	script_open(&p, 1000);
	ck_assert_int_eq(cofre_run_start(p.c, &o, &run, NULL, 0),
	    COFRE_ARGUMENT);
	script_check_error(&p, "run start: ");
	ck_assert_uint_eq(script_hear(&p).len, 0);
	script_close(&p);
}
END_TEST

/* A program with a later header, that uses nothing of what is new. */
START_TEST(longer_options_are_taken_when_the_rest_is_zero)
{
	struct {
		struct cofre_run_options o;
		uint64_t later;
	} longer = { options(COFRE_RUN_SELF), 0 };
	struct run_start_request q;
	struct cofre_run run;
	struct script p;

	longer.o.size = sizeof(longer);
	start_sends(&longer.o, NULL, &q, &p);
	longer.later = 1;
	ck_assert_int_eq(cofre_run_start(p.c, &longer.o, &run, NULL, 0),
	    COFRE_ARGUMENT);
	script_close(&p);
}
END_TEST

START_TEST(other_arguments_are_checked_too)
{
	struct cofre_run_options o = options(COFRE_RUN_TOKEN);
	char token[COFRE_RUN_TOKEN_SIZE];
	struct cofre_run run;
	struct script p;

	script_open(&p, 1000);
	ck_assert_int_eq(cofre_run_start(NULL, &o, &run, NULL, 0),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_start(p.c, NULL, &run, NULL, 0),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_start(p.c, &o, NULL, token,
			     sizeof(token)), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_start(p.c, &o, &run, token,
			     sizeof(token) - 1), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_end(NULL, "ml-prod", ID), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_end(p.c, "ml-prod", NULL), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_end(p.c, "ml-prod", "0001020304"),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_end(p.c, "/", ID), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_renew(p.c, "ml-prod", ID, 86401, NULL),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_attach(p.c, NULL, &run), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_attach(p.c, TOKEN, NULL), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_attach(p.c, "hunter2", &run),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_run_attach(p.c, TOKEN "\n", &run),
	    COFRE_ARGUMENT);
	script_check_error(&p, "that is not the token of a run");
	ck_assert_uint_eq(script_hear(&p).len, 0);
	script_close(&p);
}
END_TEST

static const struct {
	size_t id_len;
	const char *token;
	bool wanted;
} bad_starts[] = {
	{ 15, "", false }, { 0, "", false }, { 16, TOKEN, false },
	{ 16, "", true }, { 16, "hunter2", true },
	{ 16, "cofre_r_a b", true },
};

START_TEST(a_reply_that_can_not_be_gives_no_run)
{
	struct cofre_run_options o = options(COFRE_RUN_SELF);
	char token[COFRE_RUN_TOKEN_SIZE] = "old";
	struct cofre_run run = { .id = "old" };
	bool wanted = bad_starts[_i].wanted;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	put_start(&p, (struct view){ id, bad_starts[_i].id_len },
	    bad_starts[_i].token);
	script_flush(&p);
	ck_assert_int_eq(cofre_run_start(p.c, &o, &run,
			     wanted ? token : NULL, sizeof(token)),
	    COFRE_BAD_REPLY);
	ck_assert_str_eq(run.id, "old");
	ck_assert_str_eq(token, "old");
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

START_TEST(end_and_renew_name_the_run)
{
	const struct run_renew_reply m = { 77 };
	struct run_renew_request r;
	struct run_end_request q;
	uint64_t expires = 0;
	struct script p;
	size_t at;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_status(&p, OP_RUN_END, FIRST_ID, 0);
	script_flush(&p);
	ck_assert_int_eq(cofre_run_end(p.c, "ml-prod", ID), COFRE_OK);
	ck_assert(run_end_request_decode(heard(&p, OP_RUN_END), &q));
	ck_assert(view_is(q.workspace, "ml-prod"));
	ck_assert(view_equal(q.run, (struct view){ id, RUN_ID_LEN }));
	at = script_reply(&p, OP_RUN_RENEW, FIRST_ID + 1, 0);
	run_renew_reply_put(&p.w, &m);
	frame_end(&p.w, at);
	script_flush(&p);
	ck_assert_int_eq(cofre_run_renew(p.c, "ml-prod", ID, 60, &expires),
	    COFRE_OK);
	ck_assert_uint_eq(expires, 77);
	ck_assert(run_renew_request_decode(heard(&p, OP_RUN_RENEW), &r));
	ck_assert(view_equal(r.run, (struct view){ id, RUN_ID_LEN }));
	ck_assert_uint_eq(r.lifetime, 60);
	script_put_status(&p, OP_RUN_END, FIRST_ID + 2, COFRE_NOT_FOUND);
	script_flush(&p);
	ck_assert_int_eq(cofre_run_end(p.c, "ml-prod", ID), COFRE_NOT_FOUND);
	script_check_error(&p, "run end ml-prod/" ID ": there is no such");
	script_close(&p);
}
END_TEST

START_TEST(attach_shows_the_token_and_tells_the_run)
{
	const struct run_attach_reply m = { { id, RUN_ID_LEN },
		view_of("ml-prod"), 55 };
	struct run_attach_request q;
	struct cofre_run run;
	struct script p;
	size_t at;

	script_open(&p, 1000);
	script_put_hello(&p);
	at = script_reply(&p, OP_RUN_ATTACH, FIRST_ID, 0);
	run_attach_reply_put(&p.w, &m);
	frame_end(&p.w, at);
	script_flush(&p);
	ck_assert_int_eq(cofre_run_attach(p.c, TOKEN, &run), COFRE_OK);
	ck_assert_str_eq(run.id, ID);
	ck_assert_str_eq(run.workspace, "ml-prod");
	ck_assert_uint_eq(run.expires, 55);
	/* It is kept for the connections that wait, and nowhere else. */
	ck_assert_str_eq(p.c->token, TOKEN);
	memset(p.c->token, 0, strlen(TOKEN));
	script_check_wiped(&p);
	ck_assert(run_attach_request_decode(heard(&p, OP_RUN_ATTACH), &q));
	ck_assert(view_is(q.token, TOKEN));
	script_put_status(&p, OP_RUN_ATTACH, FIRST_ID + 1, COFRE_DENIED);
	script_flush(&p);
	ck_assert_int_eq(cofre_run_attach(p.c, TOKEN, &run), COFRE_DENIED);
	script_check_error(&p, "the token is not valid: its run is over");
	script_check_wiped(&p);
	script_close(&p);
}
END_TEST

static Suite *
runs_suite(void)
{
	Suite *s = suite_create("runs");
	TCase *t = tcase_create("runs");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, start_for_this_process_tells_when_it_began);
	tcase_add_test(t, start_sends_every_option);
	tcase_add_test(t, start_for_another_process_looks_it_up);
	tcase_add_test(t, a_process_that_is_gone_gets_no_run);
	tcase_add_loop_test(t,
	    wrong_options_are_refused_before_anything_is_sent, 0, WRONGS);
	tcase_add_test(t, longer_options_are_taken_when_the_rest_is_zero);
	tcase_add_test(t, other_arguments_are_checked_too);
	tcase_add_loop_test(t, a_reply_that_can_not_be_gives_no_run, 0,
	    (int)COUNT(bad_starts));
	tcase_add_test(t, end_and_renew_name_the_run);
	tcase_add_test(t, attach_shows_the_token_and_tells_the_run);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(runs_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
