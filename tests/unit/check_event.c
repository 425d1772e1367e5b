#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "logfmt.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VIEW(s) ((struct view){ (const uint8_t *)(s), sizeof(s) - 1 })

/* A stream that is read back. */
struct paper {
	FILE *f;
	char *text;
	size_t len;
};

static FILE *
paper_open(struct paper *p)
{
	p->f = open_memstream(&p->text, &p->len);
	ck_assert_ptr_nonnull(p->f);
	return p->f;
}

static void
paper_is(struct paper *p, const char *want)
{
	ck_assert_int_eq(fclose(p->f), 0);
	ck_assert_str_eq(p->text, want);
	free(p->text);
}

static struct event_item
event(void)
{
	return (struct event_item){
		.cell = 12,
		.time = 1790000000000001,
		.type = EVENT_REQUEST,
		.op = OP_SECRET_GET,
		.status = COFRE_DENIED,
		.uid = 2003,
		.gid = 2003,
		.pid = 77,
		.exe = VIEW("/tmp/x\n/bin/agent"),
		.object = VIEW("ml-prod/store"),
		.version = 2,
		.detail = VIEW("\x1b[2J"),
		.request = 5,
		.duration = 41,
		.connection = 10,
		.epoch = 3,
	};
}

START_TEST(an_event_is_a_line_whatever_is_in_it)
{
	struct event_item e = event();
	struct paper p;

	ck_assert(event_print(&e, false, paper_open(&p)));
	paper_is(&p, "2026-09-21T14:13:20.000001Z  secret.get        denied  "
	    "ml-prod/store v2  uid 2003 gid 2003 pid 77 "
	    "/tmp/x\\n/bin/agent  41 us  \\u{1b}[2J\n");
}
END_TEST

START_TEST(an_event_is_a_line_of_json)
{
	struct event_item e = event();
	struct paper p;

	ck_assert(event_print(&e, true, paper_open(&p)));
	paper_is(&p, "{\"time\": \"2026-09-21T14:13:20.000001Z\", "
	    "\"cell\": 12, \"type\": \"request\", \"op\": \"secret.get\", "
	    "\"status\": \"denied\", \"initiator\": {\"uid\": 2003, "
	    "\"gid\": 2003, \"pid\": 77, "
	    "\"exe\": \"/tmp/x\\n/bin/agent\", \"principal\": \"none\", "
	    "\"run\": null}, \"object\": \"ml-prod/store\", "
	    "\"version\": 2, \"requests\": 1, "
	    "\"detail\": \"\\u001B[2J\", \"request\": 5, "
	    "\"duration_us\": 41, \"connection\": 10, \"flags\": 0, "
	    "\"epoch\": 3}\n");
}
END_TEST

/* A record in place of many has their number where others have a version. */
START_TEST(an_event_can_stand_for_many_requests)
{
	struct event_item e = event();
	struct paper p;

	e.gid = NO_ID;
	e.pid = 0;
	e.exe = e.detail = (struct view){ NULL, 0 };
	e.object = view_of("ml-prod");
	e.flags = LOG_REPEATED;
	e.version = 70000;
	ck_assert(event_print(&e, false, paper_open(&p)));
	paper_is(&p, "2026-09-21T14:13:20.000001Z  secret.get        denied  "
	    "ml-prod  70000 more times  uid 2003  41 us\n");
	ck_assert(event_print(&e, true, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text,
	    "\"version\": 0, \"requests\": 70000, "));
	free(p.text);
	e.op = 0;
	ck_assert(event_print(&e, false, paper_open(&p)));
	paper_is(&p, "2026-09-21T14:13:20.000001Z  request           denied  "
	    "ml-prod  70000 more times  uid 2003  41 us\n");
}
END_TEST

/* The weaker modes of attestation are in each line that was made in them. */
START_TEST(what_could_not_be_told_of_a_caller_is_told)
{
	static const struct {
		uint32_t flags;
		const char *end;
	} rows[] = {
		{ 0, "\\u{1b}[2J\n" },
		{ LOG_NO_PIDFD, "2J  (pid may be another process's)\n" },
		{ LOG_NO_WATCH, "2J  (an exec would not be noticed)\n" },
		{ LOG_NO_PIDFD | LOG_NO_WATCH | LOG_SEALED,
		    "2J  (pid may be another process's)  "
		    "(an exec would not be noticed)\n" },
	};
	struct event_item e = event();
	size_t end = strlen(rows[_i].end);
	struct paper p;

	e.flags = rows[_i].flags;
	ck_assert(event_print(&e, false, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	ck_assert_uint_gt(p.len, end);
	ck_assert_str_eq(p.text + p.len - end, rows[_i].end);
	free(p.text);
}
END_TEST

START_TEST(what_is_not_known_of_an_initiator_is_left_out)
{
	struct event_item e = event();
	struct paper p;

	e.gid = NO_ID;
	e.pid = 0;
	e.exe = e.detail = e.object = (struct view){ NULL, 0 };
	e.version = 0;
	e.principal = PRINCIPAL_GROUP;
	e.principal_id = 100;
	e.status = COFRE_OK;
	ck_assert(event_print(&e, false, paper_open(&p)));
	paper_is(&p, "2026-09-21T14:13:20.000001Z  secret.get        ok"
	    "  uid 2003 as group:100  41 us\n");
	ck_assert(event_print(&e, true, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text,
	    "\"gid\": null, \"pid\": null, \"exe\": null"));
	free(p.text);
}
END_TEST

START_TEST(a_principal_is_written_as_in_grants)
{
	static const struct {
		uint8_t kind;
		const char *text;
	} rows[] = {
		{ PRINCIPAL_OPERATOR, "as operator  " },
		{ PRINCIPAL_USER, "as user:2002  " },
		{ PRINCIPAL_GROUP, "as group:2002  " },
		{ PRINCIPAL_IDENTITY, "as identity:#2002  " },
	};
	struct event_item e = event();
	struct paper p;

	e.principal_id = 2002;
	e.principal = rows[_i].kind;
	ck_assert(event_print(&e, false, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text, rows[_i].text));
	free(p.text);
}
END_TEST

#define RUN "0123456789abcdef0123456789abcdef"

/* The run as which it was done: by its id, or what the record has of it. */
START_TEST(a_run_is_told_by_its_id)
{
	struct event_item e = event();
	struct paper p;

	e.principal = PRINCIPAL_RUN;
	e.principal_id = 0x01234567;
	ck_assert(event_print(&e, false, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text, "agent as run:01234567  41 us"));
	free(p.text);
	e.who = VIEW(RUN);
	ck_assert(event_print(&e, false, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text, "agent as run:" RUN "  41 us"));
	free(p.text);
	ck_assert(event_print(&e, true, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text, "\"principal\": \"run:" RUN
	    "\", \"run\": \"" RUN "\"}"));
	free(p.text);
}
END_TEST

START_TEST(a_filter_chooses_what_concerns_a_run)
{
	static const struct {
		const char *wanted;
		bool by_record, by_id, by_detail;
	} rows[] = {
		{ "01234567", true, true, true },
		{ "0123456789a", true, true, true },
		{ RUN, true, true, true },
		{ "0123456789b", true, false, false },
		{ "01234568", false, false, false },
	};
	const struct event_filter f = { .run = rows[_i].wanted };
	struct event_item e = event();

	ck_assert(!event_is_wanted(&e, &f));
	e.detail = VIEW("run " RUN " process 7 1 secrets");
	ck_assert(event_is_wanted(&e, &f) == rows[_i].by_detail);
	e.detail = VIEW("run 0123");
	ck_assert(!event_is_wanted(&e, &f));
	e.principal = PRINCIPAL_RUN;
	e.principal_id = 0x01234567;
	ck_assert(event_is_wanted(&e, &f) == rows[_i].by_record);
	e.who = VIEW(RUN);
	ck_assert(event_is_wanted(&e, &f) == rows[_i].by_id);
}
END_TEST

/* What a daemon says of a principal is escaped like all else. */
START_TEST(a_principal_can_not_write_on_the_terminal)
{
	struct event_item e = event();
	struct paper p;

	e.principal = PRINCIPAL_IDENTITY;
	e.who = VIEW("a\x1b[2J\xff");
	ck_assert(event_print(&e, false, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text,
	    " as identity:a\\u{1b}[2J\\xff  "));
	free(p.text);
	ck_assert(event_print(&e, true, paper_open(&p)));
	ck_assert_int_eq(fclose(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text,
	    "\"principal\": \"identity:a\\\\u{1b}[2J\\\\xff\""));
	free(p.text);
}
END_TEST

START_TEST(a_daemon_start_has_no_initiator)
{
	struct event_item e = { .time = 1, .type = EVENT_SYSTEM,
		.detail = VIEW("start") };
	struct paper p;

	ck_assert(event_print(&e, false, paper_open(&p)));
	paper_is(&p, "1970-01-01T00:00:00.000001Z  system             "
	    "start\n");
}
END_TEST

static const struct {
	struct event_filter filter;
	bool wanted; /* the event above */
	bool connection; /* the connection of the same uid */
} filters[] = {
	{ { .uid = 1, .status = 1 }, true, true }, /* not set: not asked */
	{ { .by_uid = true, .uid = 2003 }, true, true },
	{ { .by_uid = true, .uid = 0 }, false, false },
	{ { .op = OP_SECRET_GET }, true, false },
	{ { .op = OP_SECRET_PUT }, false, false },
	{ { .by_status = true, .status = COFRE_DENIED }, true, false },
	{ { .by_status = true, .status = COFRE_OK }, false, false },
	{ { .since = 1790000000000001 }, true, true },
	{ { .since = 1790000000000002 }, false, false },
	{ { .by_uid = true, .uid = 2003, .op = OP_SECRET_PUT }, false,
	    false },
};

START_TEST(a_filter_chooses_events)
{
	struct event_item e = event();

	ck_assert(event_is_wanted(&e, &filters[_i].filter) ==
	    filters[_i].wanted);
	e.type = EVENT_CONNECTION;
	e.op = e.status = 0;
	ck_assert(event_is_wanted(&e, &filters[_i].filter) ==
	    filters[_i].connection);
}
END_TEST

/* What the daemon notes by itself has a status, and is found by it. */
START_TEST(a_note_is_told_like_a_request)
{
	const struct event_filter by_op = { .op = OP_SECRET_GET };
	const struct event_filter by_status = { .by_status = true,
		.status = COFRE_DENIED };
	const struct event_filter other = { .by_status = true,
		.status = COFRE_OK };
	struct event_item e = event();
	struct paper p;

	e.type = EVENT_NOTE;
	ck_assert(event_is_wanted(&e, &by_op));
	ck_assert(event_is_wanted(&e, &by_status));
	ck_assert(!event_is_wanted(&e, &other));
	ck_assert(event_print(&e, false, paper_open(&p)));
	ck_assert_int_eq(fflush(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text, "  secret.get        denied  "));
	ck_assert_int_eq(fclose(p.f), 0);
	free(p.text);
	e.op = 0;
	ck_assert(event_print(&e, true, paper_open(&p)));
	ck_assert_int_eq(fflush(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text, "\"type\": \"note\""));
	ck_assert_ptr_nonnull(strstr(p.text, "\"status\": \"denied\""));
	ck_assert_int_eq(fclose(p.f), 0);
	free(p.text);
	/* Without an operation it is told by its kind. */
	ck_assert(event_print(&e, false, paper_open(&p)));
	ck_assert_int_eq(fflush(p.f), 0);
	ck_assert_ptr_nonnull(strstr(p.text, "Z  note "));
	ck_assert_int_eq(fclose(p.f), 0);
	free(p.text);
}
END_TEST

static TCase *
events(void)
{
	TCase *tc = tcase_create("events");

	tcase_add_test(tc, an_event_is_a_line_whatever_is_in_it);
	tcase_add_test(tc, an_event_is_a_line_of_json);
	tcase_add_test(tc, an_event_can_stand_for_many_requests);
	tcase_add_loop_test(tc, what_could_not_be_told_of_a_caller_is_told, 0,
	    4);
	tcase_add_test(tc, what_is_not_known_of_an_initiator_is_left_out);
	tcase_add_loop_test(tc, a_principal_is_written_as_in_grants, 0, 4);
	tcase_add_test(tc, a_run_is_told_by_its_id);
	tcase_add_loop_test(tc, a_filter_chooses_what_concerns_a_run, 0, 5);
	tcase_add_test(tc, a_principal_can_not_write_on_the_terminal);
	tcase_add_test(tc, a_daemon_start_has_no_initiator);
	tcase_add_test(tc, a_note_is_told_like_a_request);
	tcase_add_loop_test(tc, a_filter_chooses_events, 0,
	    (int)COUNT(filters));
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("event");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, events());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
