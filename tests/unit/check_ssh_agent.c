#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "ssh_agent.h"
#include "sshsample.h"

#define KEY "00000033" SSHSAMPLE_BLOB
#define SESSION "00000004" "b0b1b2b3"
#define SIGNATURE                                                            \
	"00000053" "0000000b7373682d6564323535313900000040"                 \
	"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"    \
	"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define BIND_NAME                                                            \
	"00000018" "73657373696f6e2d62696e64406f70656e7373682e636f6d"
#define BIND "1b" BIND_NAME KEY SESSION SIGNATURE "00"
#define SIGN "0d" KEY "00000003" "646174" "00000000"
#define QUERY "1b" "00000005" "7175657279"

static uint8_t buf[SSH_AGENT_MESSAGE_MAX + 64];

static struct view
bytes_of(const char *hex)
{
	return (struct view){ buf, sample_hex(hex, buf, sizeof(buf)) };
}

static struct ssh_agent_request
asked(const char *hex)
{
	struct ssh_agent_request q;

	ssh_agent_get(bytes_of(hex), &q);
	return q;
}

START_TEST(a_message_is_cut_off_when_it_is_whole)
{
	struct view in = bytes_of("00000001" "0b" "00000002" "1b"), m;
	size_t used = 0;

	for (size_t n = 0; n < 5; n++)
		ck_assert_int_eq(ssh_agent_cut((struct view){ buf, n }, &m,
		    &used), SSH_FRAME_MORE);
	ck_assert_uint_eq(used, 0);
	for (size_t n = 5; n <= in.len; n++) {
		ck_assert_int_eq(ssh_agent_cut((struct view){ buf, n }, &m,
		    &used), SSH_FRAME_WHOLE);
		ck_assert_uint_eq(used, 5);
		ck_assert_uint_eq(m.len, 1);
		ck_assert_ptr_eq(m.data, buf + 4);
	}
	ck_assert_int_eq(ssh_agent_cut((struct view){ buf + 5, 5 }, &m, &used),
	    SSH_FRAME_MORE);
}
END_TEST

/* A length, and what is said as soon as it is there, and with 16 bytes more. */
static const struct {
	const char *hex;
	enum ssh_agent_frame want;
} lengths[] = { { "00000000", SSH_FRAME_BAD }, { "00040001", SSH_FRAME_BAD },
	{ "7fffffff", SSH_FRAME_BAD }, { "80000000", SSH_FRAME_BAD },
	{ "ffffffff", SSH_FRAME_BAD }, { "fffffffc", SSH_FRAME_BAD },
	{ "00040000", SSH_FRAME_MORE }, { "00000100", SSH_FRAME_MORE } };

START_TEST(a_length_of_nothing_or_too_much_is_refused_at_once)
{
	struct view m;
	size_t used = 0;

	memset(buf, 0, sizeof(buf));
	ck_assert_uint_eq(bytes_of(lengths[_i].hex).len, 4);
	for (size_t n = 4; n <= 20; n += 16)
		ck_assert_int_eq(ssh_agent_cut((struct view){ buf, n }, &m,
		    &used), lengths[_i].want);
}
END_TEST

START_TEST(the_longest_message_is_taken)
{
	struct view m = { NULL, 0 };
	size_t used = 0;

	(void)bytes_of("00040000");
	ck_assert_int_eq(ssh_agent_cut((struct view){ buf, 4 +
	    SSH_AGENT_MESSAGE_MAX }, &m, &used), SSH_FRAME_WHOLE);
	ck_assert_uint_eq(used, 4 + SSH_AGENT_MESSAGE_MAX);
	ck_assert_uint_eq(m.len, SSH_AGENT_MESSAGE_MAX);
}
END_TEST

START_TEST(a_list_has_no_fields)
{
	ck_assert_int_eq(asked("0b").kind, SSH_ASKS_LIST);
	ck_assert_int_eq(asked("0b00").kind, SSH_ASKS_DAMAGED);
	ck_assert_int_eq(asked("").kind, SSH_ASKS_DAMAGED);
	ck_assert_uint_eq(asked("").number, 0);
}
END_TEST

START_TEST(a_signature_is_asked_for_with_key_data_and_flags)
{
	struct ssh_agent_request q =
	    asked("0d" KEY "00000003" "646174" "00000006");

	ck_assert_int_eq(q.kind, SSH_ASKS_SIGN);
	ck_assert_uint_eq(q.number, 13);
	sample_assert_hex(q.blob, SSHSAMPLE_BLOB);
	ck_assert(view_is(q.data, "dat"));
	ck_assert_uint_eq(q.flags, 6);
}
END_TEST

START_TEST(a_session_is_bound_with_all_that_is_to_be_verified)
{
	struct ssh_agent_request q = asked(BIND);
	const uint8_t *key = NULL, *signature = NULL;

	ck_assert_int_eq(q.kind, SSH_ASKS_BIND);
	sample_assert_hex(q.bind.host_key, SSHSAMPLE_BLOB);
	sample_assert_hex(q.bind.session, "b0b1b2b3");
	ck_assert(!q.bind.is_forwarding);
	ck_assert(ssh_agent_bind_check(&q.bind, &key, &signature));
	sample_assert_hex((struct view){ key, 32 }, SSHSAMPLE_KEY);
	ck_assert_uint_eq(signature[0], 0x5a);
	ck_assert_uint_eq(signature[63], 0x5a);
	ck_assert(asked("1b" BIND_NAME KEY SESSION SIGNATURE "01")
		      .bind.is_forwarding);
}
END_TEST

START_TEST(a_query_has_no_fields_and_other_extensions_are_named)
{
	struct ssh_agent_request q = asked(QUERY);

	ck_assert_int_eq(q.kind, SSH_ASKS_QUERY);
	ck_assert(view_is(q.name, "query"));
	ck_assert_int_eq(asked(QUERY "00").kind, SSH_ASKS_DAMAGED);
	q = asked("1b" "00000003" "614062" "0102");
	ck_assert_int_eq(q.kind, SSH_ASKS_EXTENSION);
	ck_assert(view_is(q.name, "a@b"));
	sample_assert_hex(q.rest, "0102");
	q = asked("1b" "00000003" "614062");
	ck_assert_int_eq(q.kind, SSH_ASKS_EXTENSION);
	ck_assert_uint_eq(q.rest.len, 0);
	ck_assert_int_eq(asked("1b" "00000000").kind, SSH_ASKS_DAMAGED);
	ck_assert_int_eq(asked("1b" "00000001" "0a").kind, SSH_ASKS_DAMAGED);
	ck_assert_int_eq(asked("1b" "ffffffff" "0a").kind, SSH_ASKS_DAMAGED);
}
END_TEST

static const char *const damaged[] = {
	"0d" KEY "00000003" "646174" "0000000000",
	"0d" KEY "ffffffff" "646174" "00000000",
	"0d" "ffffffff" "646174" "00000000",
	"0d" KEY "00000003" "646174",
	"0d",
	"1b",
	"1b" BIND_NAME,
	"1b" BIND_NAME KEY SESSION SIGNATURE,
	"1b" BIND_NAME KEY SESSION SIGNATURE "02",
	"1b" BIND_NAME KEY SESSION SIGNATURE "0000",
	"1b" BIND_NAME KEY "00000000" SIGNATURE "00",
	"1b" BIND_NAME "00000000" SESSION SIGNATURE "00",
	"1b" BIND_NAME KEY SESSION "00000000" "00",
	"1b" BIND_NAME KEY "ffffffff" SIGNATURE "00",
};

START_TEST(wrong_fields_are_told_from_another_request)
{
	ck_assert_int_eq(asked(damaged[_i]).kind, SSH_ASKS_DAMAGED);
	ck_assert_uint_ne(asked(damaged[_i]).number, 0);
}
END_TEST

START_TEST(a_request_that_is_cut_is_damaged)
{
	static const char *const whole[] = { SIGN, BIND };
	struct ssh_agent_request q;

	for (size_t i = 0; i < COUNT(whole); i++) {
		struct view v = bytes_of(whole[i]);

		for (size_t n = 0; n < v.len; n++) {
			uint8_t *copy = malloc(n + 1);

			ck_assert_ptr_nonnull(copy);
			memcpy(copy + 1, buf, n);
			ssh_agent_get((struct view){ copy + 1, n }, &q);
			ck_assert_int_eq(q.kind, SSH_ASKS_DAMAGED);
			free(copy);
		}
		ssh_agent_get(v, &q);
		ck_assert_int_ne(q.kind, SSH_ASKS_DAMAGED);
	}
}
END_TEST

START_TEST(whatever_else_is_asked_for_is_refused)
{
	for (unsigned n = 0; n < 256; n++) {
		struct ssh_agent_request q;

		if (n == 11 || n == 13 || n == 27)
			continue;
		memset(buf, 0xff, 64);
		buf[0] = (uint8_t)n;
		ssh_agent_get((struct view){ buf, 1 + n % 60 }, &q);
		ck_assert_int_eq(q.kind, SSH_ASKS_REFUSED);
		ck_assert_uint_eq(q.number, n);
	}
	ck_assert_int_eq(SSH_ASKS_DAMAGED, 0);
}
END_TEST

START_TEST(a_request_has_a_name)
{
	ck_assert_str_eq(ssh_agent_name(17), "add-identity");
	ck_assert_str_eq(ssh_agent_name(26), "add-smartcard-constrained");
	ck_assert_str_eq(ssh_agent_name(11), "list");
	ck_assert_str_eq(ssh_agent_name(22), "lock");
	ck_assert_str_eq(ssh_agent_name(0), "unknown");
	ck_assert_str_eq(ssh_agent_name(12), "unknown");
	ck_assert_str_eq(ssh_agent_name(255), "unknown");
}
END_TEST

START_TEST(a_session_has_128_bytes_at_most)
{
	struct ssh_agent_request q;
	struct wire_writer w;
	static const uint8_t session[200];

	for (size_t n = 1; n < sizeof(session); n++) {
		wire_writer_init(&w, buf, sizeof(buf));
		wire_put_u8(&w, 27);
		wire_put_string(&w, view_of("session-bind@openssh.com"), 64);
		wire_put_string(&w, view_of("k"), 1);
		wire_put_string(&w, (struct view){ session, n },
		    sizeof(session));
		wire_put_string(&w, view_of("s"), 1);
		wire_put_bool(&w, true);
		ssh_agent_get((struct view){ buf, w.len }, &q);
		ck_assert((q.kind == SSH_ASKS_BIND) == (n <= 128));
	}
}
END_TEST

START_TEST(only_an_ed25519_host_key_can_be_checked)
{
	struct ssh_agent_request q = asked(BIND);
	const uint8_t *key = NULL, *signature = NULL;
	uint8_t other[SSH_BLOB_MAX];

	q.bind.signature.len--;
	ck_assert(!ssh_agent_bind_check(&q.bind, &key, &signature));
	q.bind.signature.len++;
	q.bind.host_key = sshsample_blob(SSHSAMPLE_RSA, other);
	ck_assert(!ssh_agent_bind_check(&q.bind, &key, &signature));
	q.bind.host_key = sshsample_blob(SSHSAMPLE_NISTP256, other);
	ck_assert(!ssh_agent_bind_check(&q.bind, &key, &signature));
	/* A user's certificate is no host's. */
	q.bind.host_key = sshsample_base64(SSHSAMPLE_CERT, other,
	    sizeof(other));
	ck_assert(!ssh_agent_bind_check(&q.bind, &key, &signature));
	ck_assert_ptr_null(key);
	ck_assert_ptr_null(signature);
}
END_TEST

START_TEST(a_hosts_certificate_is_checked_by_the_key_in_it)
{
	struct ssh_agent_request q = asked(BIND);
	const uint8_t *key = NULL, *signature = NULL;
	uint8_t cert[SSH_BLOB_MAX], other[SSH_BLOB_MAX];
	struct ssh_cert c;
	struct wire_writer w;

	ck_assert(ssh_cert_get(sshsample_base64(SSHSAMPLE_CERT, cert,
	    sizeof(cert)), &c));
	c.type = SSH_CERT_HOST;
	c.force_command = c.source_address = (struct view){ NULL, 0 };
	c.extensions = 0;
	wire_writer_init(&w, other, sizeof(other));
	ssh_cert_put(&w, &c);
	ssh_cert_put_signature(&w, ssh_signature_get(c.signature));
	ck_assert(!w.bad);
	q.bind.host_key = (struct view){ other, w.len };
	ck_assert(ssh_agent_bind_check(&q.bind, &key, &signature));
	sample_assert_hex((struct view){ key, 32 }, SSHSAMPLE_KEY);
}
END_TEST

static TCase *
requests_case(void)
{
	TCase *t = tcase_create("requests");

	tcase_add_test(t, a_list_has_no_fields);
	tcase_add_test(t, a_signature_is_asked_for_with_key_data_and_flags);
	tcase_add_test(t, a_session_is_bound_with_all_that_is_to_be_verified);
	tcase_add_test(t, a_query_has_no_fields_and_other_extensions_are_named);
	tcase_add_loop_test(t, wrong_fields_are_told_from_another_request, 0,
	    (int)COUNT(damaged));
	tcase_add_test(t, a_request_that_is_cut_is_damaged);
	tcase_add_test(t, whatever_else_is_asked_for_is_refused);
	tcase_add_test(t, a_request_has_a_name);
	tcase_add_test(t, a_session_has_128_bytes_at_most);
	tcase_add_test(t, only_an_ed25519_host_key_can_be_checked);
	tcase_add_test(t, a_hosts_certificate_is_checked_by_the_key_in_it);
	return t;
}

int
main(void)
{
	Suite *s = suite_create("ssh_agent");
	TCase *t = tcase_create("frames");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_message_is_cut_off_when_it_is_whole);
	tcase_add_loop_test(t,
	    a_length_of_nothing_or_too_much_is_refused_at_once, 0,
	    (int)COUNT(lengths));
	tcase_add_test(t, the_longest_message_is_taken);
	suite_add_tcase(s, t);
	suite_add_tcase(s, requests_case());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
