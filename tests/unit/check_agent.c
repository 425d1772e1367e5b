/* An ssh client's messages as requests, and the sessions that it binds. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "sample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What comes in, and which operation it is, with how much of a body. */
static const struct {
	const char *hex;
	uint16_t op;
	size_t body;
} messages[] = {
	{ "00000001" "0b", OP_SSH_IDENTITIES, 0 },
	{ "0000000d" "0d" "00000000" "00000000" "00000000", OP_SSH_SIGN, 12 },
	{ "0000000f" "0d" "00000001" "61" "00000001" "62" "00000000",
	    OP_SSH_SIGN, 14 },
	{ "0000000a" "1b" "00000005" "7175657279", OP_SSH_QUERY, 0 },
	{ "00000019" "1b" "0000000f" "776f726b737061636540636f667265"
	  "00000001" "77", OP_SSH_WORKSPACE, 5 },
	{ "0000000a" "1b" "00000005" "6f74686572", OP_SSH_OTHER, 1 },
	/* Damaged: of the number alone. */
	{ "00000002" "0b00", OP_SSH_OTHER, 1 },
	{ "00000002" "0d00", OP_SSH_OTHER, 1 },
	{ "00000001" "1b", OP_SSH_OTHER, 1 },
	{ "0000000b" "1b" "00000005" "717565727900", OP_SSH_OTHER, 1 },
	/* What an agent that has no keys of its own is not asked. */
	{ "00000001" "11", OP_SSH_OTHER, 1 },
	{ "00000005" "1600000000", OP_SSH_OTHER, 1 },
	{ "00000001" "00", OP_SSH_OTHER, 1 },
	{ "00000001" "ff", OP_SSH_OTHER, 1 },
};

START_TEST(a_message_is_a_request)
{
	struct agent a = { .requests = 6 };
	uint8_t buf[64];
	size_t n = sample_hex(messages[_i].hex, buf, sizeof(buf)), size;
	struct frame f;

	for (size_t cut = 0; cut < n; cut++) {
		ck_assert_int_eq(agent_parse(&a, (struct view){ buf, cut },
		    &f, &size), FRAME_MORE);
		ck_assert_uint_eq(size, cut < 4 ? 4 : n);
	}
	ck_assert_int_eq(agent_parse(&a, (struct view){ buf, sizeof(buf) },
	    &f, &size), FRAME_OK);
	ck_assert_uint_eq(size, n);
	ck_assert_uint_eq(f.op, messages[_i].op);
	ck_assert_uint_eq(f.id, 7);
	ck_assert_uint_eq(f.kind, FRAME_REQUEST);
	ck_assert_uint_eq(f.version, PROTO_VERSION);
	ck_assert_uint_eq(f.body.len, messages[_i].body);
	ck_assert_ptr_eq(f.body.data + f.body.len,
	    f.op == OP_SSH_OTHER ? buf + 5 : buf + n);
	ck_assert(agent_asks_nothing((struct view){ buf, n }) ==
	    (f.op == OP_SSH_WORKSPACE));
}
END_TEST

START_TEST(a_length_has_its_limits)
{
	static const uint32_t bad[] = { 0, FRAME_MAX - 3, 256 * 1024 + 1,
		UINT32_MAX };
	struct agent a = { .requests = 0 };
	uint8_t buf[5] = { 0 };
	struct wire_writer w;
	struct frame f;
	size_t size;

	for (size_t i = 0; i < COUNT(bad); i++) {
		wire_writer_init(&w, buf, 4);
		wire_put_u32(&w, bad[i]);
		ck_assert_int_eq(agent_parse(&a, (struct view){ buf, 5 }, &f,
		    &size), FRAME_BAD);
	}
	wire_writer_init(&w, buf, 4);
	wire_put_u32(&w, FRAME_MAX - 4);
	ck_assert_int_eq(agent_parse(&a, (struct view){ buf, 5 }, &f, &size),
	    FRAME_MORE);
	ck_assert_uint_eq(size, FRAME_MAX);
}
END_TEST

START_TEST(a_bind_is_its_fields)
{
	static const char name[] = "session-bind@openssh.com";
	struct agent a = { .requests = 0 };
	struct ssh_bind_request in;
	uint8_t buf[256];
	struct wire_writer w;
	struct frame f;
	size_t size, at;

	wire_writer_init(&w, buf, sizeof(buf));
	at = wire_string_begin(&w);
	wire_put_u8(&w, SSH_AGENT_EXTENSION);
	wire_put_string(&w, view_of(name), 64);
	wire_put_string(&w, view_of("key"), 64);
	wire_put_string(&w, view_of("session"), 64);
	wire_put_string(&w, view_of("signature"), 64);
	wire_put_bool(&w, true);
	wire_string_end(&w, at);
	ck_assert_int_eq(agent_parse(&a, (struct view){ buf, w.len }, &f,
	    &size), FRAME_OK);
	ck_assert_uint_eq(f.op, OP_SSH_BIND);
	ck_assert(ssh_bind_request_decode(f.body, &in));
	ck_assert(view_is(in.host_key, "key") && in.forwarding);
	ck_assert(view_is(in.session, "session"));
	ck_assert(view_is(in.signature, "signature"));
	ck_assert(agent_asks_nothing((struct view){ buf, w.len }));
	ck_assert(!agent_asks_nothing((struct view){ buf, w.len - 1 }));
	ck_assert(!agent_asks_nothing((struct view){ buf, w.len + 1 }));
}
END_TEST

START_TEST(a_refusal_says_nothing)
{
	uint8_t buf[AGENT_REFUSAL];

	ck_assert_uint_eq(agent_refusal(buf, OP_SSH_SIGN), sizeof(buf));
	sample_assert_hex((struct view){ buf, sizeof(buf) }, "0000000105");
	ck_assert_uint_eq(agent_refusal(buf, OP_SSH_BIND), sizeof(buf));
	sample_assert_hex((struct view){ buf, sizeof(buf) }, "000000011c");
}
END_TEST

/* Sessions. */

static const uint8_t one[SSH_KEY_LEN] = { 1 }, two[SSH_KEY_LEN] = { 2 };

START_TEST(the_session_that_is_bound_last_counts)
{
	struct sshbind b = { .count = 0 };
	const char *why = NULL;

	ck_assert_ptr_null(sshbind_host(&b, view_of("a"), &why));
	ck_assert_str_eq(why, "no session is bound");
	ck_assert_ptr_null(sshbind_add(&b, view_of("a"), one, false));
	ck_assert_mem_eq(sshbind_host(&b, view_of("a"), &why), one, 32);
	ck_assert_ptr_null(sshbind_host(&b, view_of("b"), &why));
	ck_assert_ptr_null(sshbind_host(&b, view_of(""), &why));
	ck_assert_ptr_null(sshbind_host(&b, view_of("aa"), &why));
	/* Again, and not with another host, nor another session. */
	ck_assert_ptr_null(sshbind_add(&b, view_of("a"), one, false));
	ck_assert_ptr_nonnull(sshbind_add(&b, view_of("a"), two, false));
	ck_assert_ptr_nonnull(sshbind_add(&b, view_of("b"), one, false));
	ck_assert_ptr_nonnull(sshbind_add(&b, view_of("b"), one, true));
	ck_assert_ptr_nonnull(sshbind_add(&b, view_of(""), one, true));
	ck_assert_uint_eq(b.count, 1);
	ck_assert_mem_eq(sshbind_host(&b, view_of("a"), &why), one, 32);
}
END_TEST

START_TEST(what_was_forwarded_stays_so)
{
	struct sshbind b = { .count = 0 };
	const char *why = NULL;

	ck_assert_ptr_null(sshbind_add(&b, view_of("a"), one, true));
	ck_assert_ptr_null(sshbind_add(&b, view_of("b"), two, false));
	ck_assert_ptr_null(sshbind_host(&b, view_of("b"), &why));
	ck_assert_str_eq(why, "the agent was forwarded");
	ck_assert_ptr_null(sshbind_add(&b, view_of("a"), one, false));
	ck_assert_ptr_null(sshbind_host(&b, view_of("a"), &why));
	/* A session that was not can become one. */
	b = (struct sshbind){ .count = 0 };
	ck_assert_ptr_null(sshbind_add(&b, view_of("a"), one, false));
	ck_assert_ptr_null(sshbind_add(&b, view_of("a"), one, true));
	ck_assert_ptr_null(sshbind_host(&b, view_of("a"), &why));
}
END_TEST

START_TEST(sessions_are_not_without_number_or_end)
{
	struct sshbind b = { .count = 0 };
	uint8_t id[SSH_SESSION_MAX + 1] = { 0 };

	ck_assert_ptr_nonnull(sshbind_add(&b,
	    (struct view){ id, sizeof(id) }, one, true));
	for (unsigned i = 0; i < SSHBIND_MAX; i++) {
		id[0] = (uint8_t)i;
		ck_assert_ptr_null(sshbind_add(&b,
		    (struct view){ id, SSH_SESSION_MAX }, one, true));
	}
	id[0] = SSHBIND_MAX;
	ck_assert_ptr_nonnull(sshbind_add(&b,
	    (struct view){ id, SSH_SESSION_MAX }, one, true));
	id[0] = 3;
	ck_assert_ptr_null(sshbind_add(&b,
	    (struct view){ id, SSH_SESSION_MAX }, one, true));
	ck_assert_uint_eq(b.count, SSHBIND_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("agent");
	TCase *t = tcase_create("messages");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, a_message_is_a_request, 0, COUNT(messages));
	tcase_add_test(t, a_length_has_its_limits);
	tcase_add_test(t, a_bind_is_its_fields);
	tcase_add_test(t, a_refusal_says_nothing);
	suite_add_tcase(s, t);
	t = tcase_create("sessions");
	tcase_add_test(t, the_session_that_is_bound_last_counts);
	tcase_add_test(t, what_was_forwarded_stays_so);
	tcase_add_test(t, sessions_are_not_without_number_or_end);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
