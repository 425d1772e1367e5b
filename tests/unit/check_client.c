/*
 * Tests of client/api.c and call.c: fetching a secret, and what becomes of
 * answers that a daemon should not give.  The other calls are in
 * check_calls.c, connections in check_connection.c.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(the_hello_and_the_first_request_are_sent)
{
	struct secret_get_request q;
	struct hello_request h;
	cofre_secret *s = NULL;
	struct frame f;
	struct script p;
	size_t size;
	ssize_t n;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 3, script_one_field, 1);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_OK);
	n = recv(p.fd, p.in, sizeof(p.in), 0);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(frame_parse((struct view){ p.in, (size_t)n }, &f,
			     &size), FRAME_OK);
	ck_assert_uint_eq(f.version, PROTO_VERSION);
	ck_assert_uint_eq(f.kind, FRAME_REQUEST);
	ck_assert_uint_eq(f.op, OP_HELLO);
	ck_assert(hello_request_decode(f.body, &h));
	ck_assert_uint_eq(h.min_version, PROTO_VERSION);
	ck_assert_uint_eq(h.max_version, PROTO_VERSION);
	ck_assert(view_is(h.client, "libcofre " COFRE_VERSION));
	ck_assert_int_eq(frame_parse((struct view){ p.in + size,
			     (size_t)n - size }, &f, &size), FRAME_OK);
	ck_assert_uint_eq(f.op, OP_SECRET_GET);
	ck_assert(secret_get_request_decode(f.body, &q));
	ck_assert(view_is(q.workspace, "ml-prod"));
	ck_assert(view_is(q.name, "token"));
	ck_assert_uint_eq(q.field.len, 0);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

START_TEST(get_gives_the_fields_and_wipes_the_buffers)
{
	static const struct script_field two[] = {
		{ "value", 1, SCRIPT_SECRET },
		{ "note", 0, "" },
	};
	cofre_secret *s = NULL;
	struct script p;
	size_t len;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 3, two, 2);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_OK);
	ck_assert_str_eq(cofre_error(p.c), "");
	script_check_wiped(&p);
	ck_assert_uint_eq(cofre_secret_count(s), 2);
	ck_assert_str_eq(cofre_secret_field(s, "value", &len), SCRIPT_SECRET);
	ck_assert_uint_eq(len, strlen(SCRIPT_SECRET));
	ck_assert_int_eq(cofre_secret_field_is_secret(s, 0), 1);
	ck_assert_int_eq(cofre_secret_field_is_secret(s, 1), 0);
	ck_assert_uint_eq(cofre_secret_version(s), 3);
	ck_assert_uint_eq(cofre_secret_followed(s), 10);
	ck_assert_uint_eq(cofre_secret_created(s), 11);
	ck_assert_uint_eq(cofre_secret_expires(s), 12);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

START_TEST(no_second_hello_is_sent)
{
	cofre_secret *s = NULL;
	struct frame f;
	struct script p;
	size_t size;
	ssize_t n;

	script_open(&p, 1000);
	script_put_hello(&p);
	for (uint32_t i = 0; i < 3; i++) {
		script_put_secret(&p, FIRST_ID + i, 1, script_one_field, 1);
		script_flush(&p);
		ck_assert_int_eq(script_get(&p, "value", &s), COFRE_OK);
		cofre_secret_free(s);
		n = recv(p.fd, p.in, sizeof(p.in), 0);
	}
	ck_assert_int_eq(frame_parse((struct view){ p.in, (size_t)n }, &f,
			     &size), FRAME_OK);
	ck_assert_uint_eq(size, (size_t)n);
	ck_assert_uint_eq(f.id, FIRST_ID + 2);
	script_close(&p);
}
END_TEST

START_TEST(an_empty_list_is_no_such_field)
{
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, NULL, 0);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, "colour", &s), COFRE_NO_FIELD);
	script_check_error(&p, "get ml-prod/token: the secret has no field "
			       "'colour'; 'cofre show ml-prod/token' lists "
			       "the fields");
	script_put_secret(&p, FIRST_ID + 1, 1, NULL, 0);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_OK);
	ck_assert_uint_eq(cofre_secret_count(s), 0);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

/* Every status of the daemon comes through, and the connection stays. */
START_TEST(a_status_comes_through)
{
	const enum cofre_status status = (enum cofre_status)_i;
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_status(&p, OP_SECRET_GET, FIRST_ID, (uint32_t)_i);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), status);
	script_check_error(&p, "get ml-prod/token: ");
	script_check_error(&p, cofre_status_text(status));
	script_put_secret(&p, FIRST_ID + 1, 1, script_one_field, 1);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_OK);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

/* A reply about the connection, in place of one or of the hello's: whoever
   asks is told why the daemon closes it. */
START_TEST(a_refused_connection_says_why)
{
	static const enum cofre_status refusals[] = { COFRE_BUSY, COFRE_LIMIT,
		COFRE_BAD_FRAME, COFRE_BAD_VERSION };
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	if (_i % 2 == 1)
		script_put_hello(&p);
	script_put_status(&p, (enum op_code)0, 0, refusals[_i / 2]);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), refusals[_i / 2]);
	script_check_error(&p, cofre_status_text(refusals[_i / 2]));
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_CLOSED);
	script_close(&p);
}
END_TEST

/* No role helps whoever is not let in: what he is told is about his ids. */
START_TEST(who_is_not_let_in_is_told_by_which_ids)
{
	bool nobody = _i == 1;
	cofre_secret *s = NULL;
	char text[64];
	struct script p;

	if (nobody)
		ck_assert_int_eq(setegid(65534), 0);
	script_open(&p, 1000);
	script_put_status(&p, (enum op_code)0, 0, COFRE_DENIED);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_DENIED);
	(void)snprintf(text, sizeof(text), "uid %u, gid %u",
	    (unsigned)geteuid(), (unsigned)getegid());
	script_check_error(&p, text);
	script_check_error(&p, nobody ? "use a user and a group of this host" :
					"can't tell who connects");
	ck_assert_ptr_null(strstr(cofre_error(p.c), "operator"));
	script_close(&p);
}
END_TEST

/* It can't be that all is well. */
START_TEST(a_connection_is_not_refused_with_ok)
{
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_status(&p, (enum op_code)0, 0, COFRE_OK);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_BAD_REPLY);
	script_close(&p);
}
END_TEST

START_TEST(denied_tells_who_one_is_and_whom_to_ask)
{
	cofre_secret *s = NULL;
	char text[256];
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_status(&p, OP_SECRET_GET, FIRST_ID, COFRE_DENIED);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_DENIED);
	(void)snprintf(text, sizeof(text),
	    "get ml-prod/token: permission denied, or there is no such "
	    "object (you are uid %u; ask an owner of ml-prod, or an "
	    "operator, for a role)",
	    (unsigned)geteuid());
	ck_assert_str_eq(cofre_error(p.c), text);
	script_close(&p);
}
END_TEST

START_TEST(what_is_for_operators_is_said_to_be)
{
	static const struct {
		enum op_code op;
		const char *object;
		const char *error;
	} rows[] = {
		{ OP_SLOT_REMOVE, "1", "cofred.conf); you are uid" },
		{ OP_LOCK, "", "cofred.conf); you are uid" },
		{ OP_WORKSPACE_CREATE, "w", "has a role for it in '/'; you" },
		{ OP_GRANT_LIST, "/", "has a role for it in '/'; you" },
		{ OP_GRANT_LIST, "w", "ask an owner of w, or an operator" },
		{ OP_ROLE_SHOW, "A Role", "an operator may, and who has" },
		{ OP_ROLE_SHOW, "A Role", "role show --workspace W')" },
		{ OP_ROLE_LIST, "", "cofre role list WORKSPACE'" },
		{ OP_ROLE_LIST, "w", "ask an owner of w, or an operator" },
	};
	struct script p;
	struct view body;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		script_open(&p, 1000);
		script_put_hello(&p);
		script_put_status(&p, rows[i].op, FIRST_ID, COFRE_DENIED);
		script_flush(&p);
		(void)call_begin(p.c, rows[i].op);
		ck_assert_int_eq(call_run(p.c, "try", rows[i].object, &body),
		    COFRE_DENIED);
		script_check_error(&p, rows[i].error);
		script_close(&p);
	}
}
END_TEST

/* Bytes of a good answer, changed at a place. */
static const struct {
	size_t at; /* in the answer's frame */
	uint8_t value;
	const char *error;
} changed[] = {
	{ 0, 0x01, "length is not possible" }, /* over the cap */
	{ 3, 0x07, "length is not possible" }, /* under the header */
	{ 4, 2, "another version" },
	{ 5, FRAME_REQUEST, "another question" },
	{ 5, 2, "another question" },
	{ 7, OP_SECRET_LIST, "another question" },
	{ 11, FIRST_ID + 1, "another question" },
	{ 11, HELLO_ID, "another question" },
	{ 15, COFRE_UNREACHABLE, "can't be decoded" }, /* not on the wire */
	{ 15, COFRE_DENIED, "can't be decoded" }, /* a body after a failure */
	{ 12, 0x80, "can't be decoded" },
	{ 16, 0, "can't be decoded" }, /* kind */
	{ 16, 8, "can't be decoded" },
	{ 17, 1, "can't be decoded" }, /* a type, without a datastore */
	{ 45, 2, "can't be decoded" }, /* fields, one too many */
	{ 45, 0, "can't be decoded" }, /* none, but bytes of one */
	{ 42, 1, "can't be decoded" }, /* over the limit of a list */
	{ 53, 6, "can't be decoded" }, /* length of the field's name */
	{ 54, '1', "can't be decoded" }, /* a name that is not valid */
	{ 59, 2, "can't be decoded" }, /* a flag that does not exist */
};

START_TEST(a_changed_answer_is_a_bad_reply)
{
	cofre_secret *s = NULL;
	struct script p;
	size_t hello;

	script_open(&p, 1000);
	script_put_hello(&p);
	hello = p.w.len;
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	ck_assert_mem_eq(p.buf + hello + 54, "value", 5);
	p.buf[hello + changed[_i].at] = changed[_i].value;
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_BAD_REPLY);
	script_check_error(&p, changed[_i].error);
	script_check_error(&p, "get ml-prod/token: ");
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

/* Whatever bit is wrong: no crash, and nothing of the wrong secret. */
START_TEST(no_flipped_bit_does_harm)
{
	cofre_secret *s;
	struct script p;
	size_t len;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	len = p.w.len;
	script_close(&p);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		enum cofre_status status;

		script_open(&p, 1000);
		script_put_hello(&p);
		script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
		p.buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		script_flush(&p);
		ck_assert_int_eq(shutdown(p.fd, SHUT_WR), 0);
		s = NULL;
		status = script_get(&p, NULL, &s);
		ck_assert_int_eq(s != NULL, status == COFRE_OK);
		script_check_wiped(&p);
		cofre_secret_free(s);
		script_close(&p);
	}
}
END_TEST


START_TEST(another_field_than_asked_for_is_a_bad_reply)
{
	static const struct script_field other[] = { { "colour", 0, "red" },
		{ "value", 1, "x" } };
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, other, (size_t)_i + 1);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, "value", &s), COFRE_BAD_REPLY);
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

START_TEST(another_version_than_asked_for_is_a_bad_reply)
{
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 4, script_one_field, 1);
	script_flush(&p);
	ck_assert_int_eq(cofre_get(p.c, "ml-prod", "token", 3, NULL, &s),
	    COFRE_BAD_REPLY);
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

START_TEST(a_field_given_twice_is_a_bad_reply)
{
	static const struct script_field twice[] = { { "value", 1, "x" },
		{ "value", 1, "y" } };
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, twice, 2);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_BAD_REPLY);
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

static Suite *
client_suite(void)
{
	Suite *s = suite_create("client");
	TCase *t = tcase_create("client");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, the_hello_and_the_first_request_are_sent);
	tcase_add_test(t, get_gives_the_fields_and_wipes_the_buffers);
	tcase_add_test(t, no_second_hello_is_sent);
	tcase_add_test(t, an_empty_list_is_no_such_field);
	tcase_add_loop_test(t, a_status_comes_through, COFRE_DENIED,
	    COFRE_NO_PROCESS + 1);
	tcase_add_loop_test(t, a_refused_connection_says_why, 0, 8);
	/* Whoever has another gid than his own is root. */
	tcase_add_loop_test(t, who_is_not_let_in_is_told_by_which_ids, 0,
	    geteuid() == 0 ? 2 : 1);
	tcase_add_test(t, a_connection_is_not_refused_with_ok);
	tcase_add_test(t, denied_tells_who_one_is_and_whom_to_ask);
	tcase_add_test(t, what_is_for_operators_is_said_to_be);
	tcase_add_loop_test(t, a_changed_answer_is_a_bad_reply, 0,
	    (int)COUNT(changed));
	tcase_add_test(t, no_flipped_bit_does_harm);
	tcase_add_loop_test(t, another_field_than_asked_for_is_a_bad_reply,
	    0, 2);
	tcase_add_test(t, another_version_than_asked_for_is_a_bad_reply);
	tcase_add_test(t, a_field_given_twice_is_a_bad_reply);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(client_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
