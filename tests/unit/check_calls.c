/*
 * Tests of client/api.c and call.c: putting, deleting and listing, and the
 * calls of call.h that the cofre command makes.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Take the request with the operation out of what the library sent. */
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

START_TEST(put_sends_all_fields_and_gives_the_version)
{
	const struct secret_put_reply m = { .version = 5 };
	struct secret_put_request q;
	struct field_item f[2];
	struct wire_reader r;
	cofre_secret *s;
	uint32_t version = 0;
	struct script p;
	size_t at;

	ck_assert_int_eq(cofre_secret_new(&s, COFRE_KIND_DATASTORE,
			     COFRE_DATASTORE_AZURE_SQL), COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "password", 1, SCRIPT_SECRET,
			     strlen(SCRIPT_SECRET)), COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "server", 0, "h", 1), COFRE_OK);
	script_open(&p, 1000);
	script_put_hello(&p);
	at = script_reply(&p, OP_SECRET_PUT, FIRST_ID, 0);
	secret_put_reply_put(&p.w, &m);
	frame_end(&p.w, at);
	script_flush(&p);
	ck_assert_int_eq(cofre_put(p.c, "ml-prod", "sql", s, 99,
			     COFRE_ANY_VERSION, &version), COFRE_OK);
	ck_assert_uint_eq(version, 5);
	script_check_wiped(&p);
	ck_assert(secret_put_request_decode(heard(&p, OP_SECRET_PUT), &q));
	ck_assert(view_is(q.workspace, "ml-prod"));
	ck_assert(view_is(q.name, "sql"));
	ck_assert_uint_eq(q.kind, COFRE_KIND_DATASTORE);
	ck_assert_uint_eq(q.type, COFRE_DATASTORE_AZURE_SQL);
	ck_assert_uint_eq(q.expires, 99);
	ck_assert_uint_eq(q.if_version, NO_ID);
	ck_assert_uint_eq(q.fields.count, 2);
	r = list_reader(q.fields);
	field_item_get(&r, &f[0]);
	field_item_get(&r, &f[1]);
	ck_assert(wire_reader_done(&r));
	ck_assert(view_is(f[0].name, "password"));
	ck_assert(view_is(f[0].value, SCRIPT_SECRET));
	ck_assert_uint_eq(f[0].flags, FIELD_SECRET);
	ck_assert(view_is(f[1].name, "server"));
	ck_assert_uint_eq(f[1].flags, 0);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

START_TEST(put_says_what_a_datastore_follows)
{
	const struct secret_put_reply m = { .version = 5 };
	struct secret_put_request q;
	cofre_secret *s;
	struct script p;
	size_t at;

	ck_assert_int_eq(cofre_secret_new(&s, COFRE_KIND_DATASTORE,
			     COFRE_DATASTORE_AZURE_BLOB), COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "container", 0, "c", 1),
	    COFRE_OK);
	ck_assert_int_eq(cofre_secret_follow(s, "store"), COFRE_OK);
	script_open(&p, 1000);
	script_put_hello(&p);
	at = script_reply(&p, OP_SECRET_PUT, FIRST_ID, 0);
	secret_put_reply_put(&p.w, &m);
	frame_end(&p.w, at);
	script_flush(&p);
	ck_assert_int_eq(cofre_put(p.c, "w", "ds", s, 0, COFRE_ANY_VERSION,
			     NULL), COFRE_OK);
	ck_assert(secret_put_request_decode(heard(&p, OP_SECRET_PUT), &q));
	ck_assert(view_is(q.follows, "store"));
	ck_assert_uint_eq(q.fields.count, 1);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

/* The largest secret fits the largest frame; the longest names too. */
START_TEST(the_largest_secret_can_be_put)
{
	static char value[COFRE_VALUE_MAX];
	char workspace[COFRE_WORKSPACE_NAME_MAX + 1];
	char name[COFRE_SECRET_NAME_MAX + 1];
	size_t rest = COFRE_SECRET_MAX - sizeof(value) - 2;
	cofre_secret *s;
	struct script p;

	memset(workspace, 'w', sizeof(workspace));
	workspace[COFRE_WORKSPACE_NAME_MAX] = '\0';
	memset(name, 'n', sizeof(name));
	name[COFRE_SECRET_NAME_MAX] = '\0';
	ck_assert_int_eq(cofre_secret_new(&s, COFRE_KIND_GENERIC, 0),
	    COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "a", 1, value, sizeof(value)),
	    COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "b", 1, value, rest), COFRE_OK);
	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_status(&p, OP_SECRET_PUT, FIRST_ID, COFRE_STORE_FULL);
	script_flush(&p);
	ck_assert_int_eq(cofre_put(p.c, workspace, name, s, 0, 0, NULL),
	    COFRE_STORE_FULL);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

START_TEST(delete_asks_for_the_object)
{
	struct secret_delete_request q;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_status(&p, OP_SECRET_DELETE, FIRST_ID, 0);
	script_flush(&p);
	ck_assert_int_eq(cofre_delete(p.c, "ml-prod", "token"), COFRE_OK);
	ck_assert(secret_delete_request_decode(heard(&p, OP_SECRET_DELETE),
	    &q));
	ck_assert(view_is(q.workspace, "ml-prod"));
	ck_assert(view_is(q.name, "token"));
	script_close(&p);
}
END_TEST

/* A page of a list; kind 4 is generic. */
static void
put_page(struct script *p, uint32_t id, uint64_t next, uint8_t kind,
    const char *const *names, size_t n)
{
	struct secret_list_reply m = { .next = next };
	uint8_t items[1024];
	struct wire_writer w;
	size_t at = script_reply(p, OP_SECRET_LIST, id, 0);

	wire_writer_init(&w, items, sizeof(items));
	for (size_t i = 0; i < n; i++) {
		const struct secret_item item = { .name = view_of(names[i]),
			.kind = kind, .state = SECRET_LIVE, .version = 2,
			.created = 3, .updated = 4, .expires = 5,
			.follows = view_of(i == 1 ? "store" : "") };

		secret_item_put(&w, &item);
	}
	m.items = (struct list){ (uint32_t)n, { items, w.len } };
	secret_list_reply_put(&p->w, &m);
	frame_end(&p->w, at);
	script_flush(p);
}

START_TEST(list_is_sorted_and_may_be_empty)
{
	static const char *const names[] = { "b", "a.1", "a-1", "B" };
	struct cofre_entry none, *e = &none;
	struct script p;
	size_t n = 9;

	script_open(&p, 1000);
	script_put_hello(&p);
	put_page(&p, FIRST_ID, 0, 4, names, 4);
	ck_assert_int_eq(cofre_list(p.c, "ml-prod", &e, &n), COFRE_OK);
	ck_assert_uint_eq(n, 4);
	ck_assert_str_eq(e[0].name, "B");
	ck_assert_str_eq(e[1].name, "a-1");
	ck_assert_str_eq(e[2].name, "a.1");
	ck_assert_str_eq(e[3].name, "b");
	ck_assert_str_eq(e[1].follows, "");
	ck_assert_str_eq(e[2].follows, "store");
	ck_assert_int_eq(e[0].kind, COFRE_KIND_GENERIC);
	ck_assert_uint_eq(e[0].version, 2);
	ck_assert_uint_eq(e[0].created, 3);
	ck_assert_uint_eq(e[0].updated, 4);
	ck_assert_uint_eq(e[0].expires, 5);
	free(e);
	put_page(&p, FIRST_ID + 1, 0, 4, NULL, 0);
	ck_assert_int_eq(cofre_list(p.c, "ml-prod", &e, &n), COFRE_OK);
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_null(e);
	script_close(&p);
}
END_TEST

/* Bad names and kinds. */
static const struct {
	const char *name;
	uint8_t kind;
} bad_pages[] = {
	{ "../x", 4 },
	{ "", 4 },
	{ "x", 0 },
	{ "x", 99 },
};

START_TEST(a_bad_list_is_a_bad_reply)
{
	struct cofre_entry *e = NULL;
	struct script p;
	size_t n = 9;

	script_open(&p, 1000);
	script_put_hello(&p);
	put_page(&p, FIRST_ID, 0, bad_pages[_i].kind, &bad_pages[_i].name, 1);
	ck_assert_int_eq(cofre_list(p.c, "ml-prod", &e, &n),
	    COFRE_BAD_REPLY);
	ck_assert_ptr_null(e);
	ck_assert_uint_eq(n, 9);
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

/* A child that answers each request with the next page. */
static pid_t
answer_pages(struct script *p, const uint64_t *next, size_t pages)
{
	static const char *const names[] = { "z", "y", "x" };
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid != 0)
		return pid;
	if (recv(p->fd, p->in, sizeof(p->in), 0) <= 0)
		_exit(1);
	script_put_hello(p);
	script_flush(p);
	for (size_t i = 0; i < pages; i++) {
		if (recv(p->fd, p->in, sizeof(p->in), 0) <= 0)
			_exit(1);
		put_page(p, (uint32_t)(FIRST_ID + i), next[i], 4, &names[i],
		    1);
	}
	_exit(0);
}

static const struct {
	uint64_t next[3];
	size_t pages;
	enum cofre_status status;
} cursors[] = {
	{ { 1, 2, 0 }, 3, COFRE_OK },
	{ { 7, UINT64_MAX, 0 }, 3, COFRE_OK },
	{ { 2, 2, 0 }, 2, COFRE_BAD_REPLY },
	{ { 2, 1, 0 }, 2, COFRE_BAD_REPLY },
};

START_TEST(pages_are_followed_forward_only)
{
	struct cofre_entry *e = NULL;
	struct script p;
	size_t n = 9;
	int status;
	pid_t pid;

	script_open(&p, 10000);
	pid = answer_pages(&p, cursors[_i].next, cursors[_i].pages);
	ck_assert_int_eq(cofre_list(p.c, "ml-prod", &e, &n),
	    cursors[_i].status);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(n, cursors[_i].status == COFRE_OK ? 3 : 9);
	if (e != NULL) {
		ck_assert_str_eq(e[0].name, "x");
		ck_assert_str_eq(e[2].name, "z");
	}
	free(e);
	script_close(&p);
}
END_TEST

START_TEST(arguments_are_checked_before_anything_is_sent)
{
	struct cofre_entry *e;
	cofre_secret *s = NULL;
	struct script p;
	size_t n;

	script_open(&p, 1000);
	ck_assert_int_eq(cofre_get(NULL, "w", "n", 0, NULL, &s),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_get(p.c, "W", "n", 0, NULL, &s),
	    COFRE_ARGUMENT);
	script_check_error(&p, "get: the workspace's name is not valid");
	ck_assert_int_eq(cofre_get(p.c, NULL, "n", 0, NULL, &s),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_get(p.c, "w", "a/b", 0, NULL, &s),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_get(p.c, "w", NULL, 0, NULL, &s),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_get(p.c, "w", "n", 0, "", &s),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_get(p.c, "w", "n", 0, NULL, NULL),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_put(p.c, "w", "n", NULL, 0, 0, NULL),
	    COFRE_ARGUMENT);
	script_check_error(&p, "put: secret is NULL");
	ck_assert_int_eq(cofre_put(NULL, "w", "n", NULL, 0, 0, NULL),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_delete(p.c, "w", NULL), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_delete(NULL, "w", "n"), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_list(p.c, "w/n", &e, &n), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_list(p.c, "w", NULL, &n), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_list(p.c, "w", &e, NULL), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_list(NULL, "w", &e, &n), COFRE_ARGUMENT);
	ck_assert_uint_eq(script_hear(&p).len, 0);
	ck_assert_str_ne(cofre_error(NULL), "");
	script_close(&p);
}
END_TEST

/* What is too large is not sent, and the connection is still good. */
START_TEST(a_request_that_does_not_fit_is_not_sent)
{
	static const uint8_t zeros[FRAME_MAX];
	cofre_secret *s = NULL;
	struct view body;
	struct script p;

	script_open(&p, 1000);
	wire_put_bytes(call_begin(p.c, OP_STATUS),
	    (struct view){ zeros, FRAME_MAX - FRAME_HEADER + 1 });
	ck_assert_int_eq(call_run(p.c, "status", "", &body),
	    COFRE_TOO_LARGE);
	ck_assert_uint_eq(script_hear(&p).len, 0);
	/* The first request, and a hello with it, were counted. */
	script_put_hello(&p);
	p.buf[11] = 3;
	script_put_secret(&p, 4, 1, script_one_field, 1);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_OK);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

START_TEST(the_client_may_have_a_name)
{
	struct hello_request q;
	struct view body;
	struct frame f;
	struct script p;
	size_t size;

	script_open(&p, 1000);
	call_set_client(p.c, "cofre 0.1.0");
	script_put_hello(&p);
	script_put_status(&p, OP_LOCK, FIRST_ID, 0);
	script_flush(&p);
	(void)call_begin(p.c, OP_LOCK);
	ck_assert_int_eq(call_run(p.c, "lock", "", &body), COFRE_OK);
	ck_assert_uint_eq(body.len, 0);
	ck_assert_int_eq(frame_parse(script_hear(&p), &f, &size), FRAME_OK);
	ck_assert(hello_request_decode(f.body, &q));
	ck_assert(view_is(q.client, "cofre 0.1.0"));
	ck_assert_int_eq(call_bad_reply(p.c), COFRE_BAD_REPLY);
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

START_TEST(the_client_may_say_what_to_do_after_a_timeout)
{
	struct view body;
	struct script p;

	script_open(&p, 1);
	call_set_retry(p.c, "run it again");
	(void)call_begin(p.c, OP_LOCK);
	ck_assert_int_eq(call_run(p.c, "lock", "", &body), COFRE_TIMEOUT);
	script_check_error(&p, "lock: no answer in 1 ms; run it again");
	script_close(&p);
}
END_TEST

static Suite *
calls_suite(void)
{
	Suite *s = suite_create("calls");
	TCase *t = tcase_create("calls");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, put_sends_all_fields_and_gives_the_version);
	tcase_add_test(t, put_says_what_a_datastore_follows);
	tcase_add_test(t, the_largest_secret_can_be_put);
	tcase_add_test(t, delete_asks_for_the_object);
	tcase_add_test(t, list_is_sorted_and_may_be_empty);
	tcase_add_loop_test(t, a_bad_list_is_a_bad_reply, 0,
	    (int)COUNT(bad_pages));
	tcase_add_loop_test(t, pages_are_followed_forward_only, 0,
	    (int)COUNT(cursors));
	tcase_add_test(t, arguments_are_checked_before_anything_is_sent);
	tcase_add_test(t, a_request_that_does_not_fit_is_not_sent);
	tcase_add_test(t, the_client_may_have_a_name);
	tcase_add_test(t, the_client_may_say_what_to_do_after_a_timeout);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(calls_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
