/* Tests of client/signer.c: whose signature has passed. */
#include <check.h>
#include <string.h>

#include "signer.h"
#include "ssh_agent.h"

#define ROOM 1024u

static uint8_t sent[ROOM];
static struct wire_writer w;
static struct signer signer;

static void
setup(void)
{
	wire_writer_init(&w, sent, sizeof(sent));
	signer = (struct signer){ .waiting = 0 };
}

/* What a client sends that wants a signature. */
static void
ask_signature(struct wire_writer *to, struct view key, struct view data)
{
	size_t at = wire_string_begin(to);

	wire_put_u8(to, SSH_AGENT_SIGN);
	wire_put_string(to, key, SSH_BLOB_MAX);
	wire_put_string(to, data, SSH_AGENT_MESSAGE_MAX);
	wire_put_u32(to, 0);
	wire_string_end(to, at);
}

/* The blob of the key whose bytes are all c. */
static struct view
blob(uint8_t c)
{
	static uint8_t bytes[SSH_KEY_BLOB_LEN];
	uint8_t key[SSH_KEY_LEN];
	struct wire_writer to;

	memset(key, c, sizeof(key));
	wire_writer_init(&to, bytes, sizeof(bytes));
	ssh_key_put(&to, key);
	return (struct view){ bytes, to.len };
}

static void
put_signature(void)
{
	const uint8_t signature[SSH_SIGNATURE_LEN] = { 1 };

	ssh_agent_put_signature(&w, signature);
}

/* What was put goes by, in parts of that size. */
static bool
pass(bool up, size_t size, struct view *by)
{
	bool any = false;

	ck_assert(!w.bad);
	for (size_t at = 0; at < w.len; at += size) {
		const struct view part = { sent + at,
			w.len - at < size ? w.len - at : size };

		if (up)
			signer_asks(&signer, part);
		else
			any = signer_answers(&signer, part, by) || any;
	}
	wire_writer_init(&w, sent, sizeof(sent));
	return any;
}

static bool
is_by(struct view by, uint8_t c)
{
	return by.len == SSH_KEY_BLOB_LEN &&
	    memcmp(by.data, blob(c).data, by.len) == 0;
}

static const size_t sizes[] = { 1, 2, 3, 5, 59, 60, 61, ROOM };

START_TEST(a_signature_is_by_the_key_that_was_asked_for)
{
	struct view by = { NULL, 0 };

	for (uint8_t c = 1; c < 4; c++) {
		wire_put_string(&w, (struct view){ (const uint8_t *)"\x0b", 1 },
		    ROOM);
		(void)pass(true, sizes[_i], NULL);
		wire_put_string(&w, (struct view){ (const uint8_t *)
			"\x0c\0\0\0\0", 5 }, ROOM);
		ck_assert(!pass(false, sizes[_i], &by));
		ask_signature(&w, blob(c), view_of("data"));
		(void)pass(true, sizes[_i], NULL);
		put_signature();
		ck_assert(pass(false, sizes[_i], &by));
		ck_assert(is_by(by, c));
	}
	/* What was refused is no signature. */
	ask_signature(&w, blob(7), view_of("data"));
	(void)pass(true, sizes[_i], NULL);
	ssh_agent_put(&w, SSH_AGENT_FAILURE);
	ck_assert(!pass(false, sizes[_i], &by));
}
END_TEST

START_TEST(by_another_kind_of_key_is_by_none)
{
	struct view by = blob(1);
	uint8_t longer[SSH_KEY_BLOB_LEN + 1];

	memcpy(longer, blob(1).data, SSH_KEY_BLOB_LEN);
	longer[SSH_KEY_BLOB_LEN] = 0;
	ask_signature(&w, _i == 0 ? (struct view){ longer,
	    sizeof(longer) } : _i == 1 ? (struct view){ longer, 20 } :
	    view_of("ssh-rsa, of as many bytes as an ed25519 one has...."),
	    view_of(""));
	(void)pass(true, 7, NULL);
	put_signature();
	ck_assert(pass(false, 7, &by));
	ck_assert_uint_eq(by.len, 0);
}
END_TEST

START_TEST(who_does_not_wait_for_answers_has_no_signer)
{
	struct view by = blob(1);

	for (uint8_t c = 1; c < 3; c++)
		ask_signature(&w, blob(c), view_of("data"));
	(void)pass(true, ROOM, NULL);
	put_signature();
	ck_assert(pass(false, ROOM, &by));
	ck_assert_uint_eq(by.len, 0);
	/* One more before the second answer has come. */
	ask_signature(&w, blob(3), view_of("data"));
	(void)pass(true, ROOM, NULL);
	put_signature();
	put_signature();
	ck_assert(pass(false, ROOM, &by));
	ck_assert_uint_eq(by.len, 0);
	/* And with one at a time there is one again. */
	ask_signature(&w, blob(4), view_of("data"));
	(void)pass(true, ROOM, NULL);
	put_signature();
	ck_assert(pass(false, ROOM, &by));
	ck_assert(is_by(by, 4));
}
END_TEST

START_TEST(what_nobody_asked_for_is_by_none)
{
	struct view by = blob(1);

	wire_put_u32(&w, 0); /* a message of no bytes */
	put_signature();
	ck_assert(pass(false, ROOM, &by));
	ck_assert_uint_eq(by.len, 0);
	wire_put_u32(&w, 0);
	wire_put_u32(&w, 1);
	wire_put_u8(&w, SSH_AGENT_SIGN); /* and no key */
	(void)pass(true, ROOM, NULL);
	put_signature();
	put_signature();
	ck_assert(pass(false, ROOM, &by));
	ck_assert_uint_eq(by.len, 0);
}
END_TEST

static Suite *
signer_suite(void)
{
	Suite *s = suite_create("signer");
	TCase *t = tcase_create("signer");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, a_signature_is_by_the_key_that_was_asked_for, 0,
	    (int)(sizeof(sizes) / sizeof(sizes[0])));
	tcase_add_loop_test(t, by_another_kind_of_key_is_by_none, 0, 3);
	tcase_add_test(t, who_does_not_wait_for_answers_has_no_signer);
	tcase_add_test(t, what_nobody_asked_for_is_by_none);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(signer_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
