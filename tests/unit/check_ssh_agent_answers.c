#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "ssh_agent.h"
#include "sshsample.h"

#define KEY "00000033" SSHSAMPLE_BLOB
#define SIGNATURE                                                            \
	"00000053" "0000000b7373682d6564323535313900000040"                 \
	"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"    \
	"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define BIND_NAME                                                            \
	"00000018" "73657373696f6e2d62696e64406f70656e7373682e636f6d"

static uint8_t buf[SSH_AGENT_MESSAGE_MAX + 64];

static struct view
bytes_of(const char *hex)
{
	return (struct view){ buf, sample_hex(hex, buf, sizeof(buf)) };
}

START_TEST(an_answer_without_fields_is_its_number)
{
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	ssh_agent_put(&w, SSH_AGENT_FAILURE);
	ssh_agent_put(&w, SSH_AGENT_SUCCESS);
	ssh_agent_put(&w, SSH_AGENT_EXTENSION_FAILURE);
	sample_assert_hex((struct view){ buf, w.len },
	    "00000001" "05" "00000001" "06" "00000001" "1c");
}
END_TEST

START_TEST(a_list_has_keys_and_comments)
{
	struct view blob = bytes_of(SSHSAMPLE_BLOB);
	struct ssh_agent_list l;
	struct wire_writer w;
	uint8_t out[256];

	for (size_t cap = 0; cap <= 9 + 55 + 5 + 9; cap++) {
		memset(out, 0x77, sizeof(out));
		wire_writer_init(&w, out, cap);
		ssh_agent_put(&w, SSH_AGENT_SUCCESS);
		ssh_agent_list_begin(&l, &w);
		ssh_agent_list_key(&l, blob, view_of("abcde"));
		ssh_agent_list_end(&l);
		ck_assert(w.bad == (cap < 5 + 9 + 55 + 9));
		ck_assert_uint_eq(out[cap], 0x77);
	}
	sample_assert_hex((struct view){ out, w.len }, "0000000106"
	    "00000045" "0c" "00000001" KEY "00000005" "6162636465");
	wire_writer_init(&w, out, sizeof(out));
	ssh_agent_list_begin(&l, &w);
	ssh_agent_list_end(&l);
	sample_assert_hex((struct view){ out, w.len },
	    "00000005" "0c" "00000000");
}
END_TEST

static bool
is_listed(struct view blob, struct view comment)
{
	struct ssh_agent_list l;
	struct wire_writer w;
	uint8_t out[1024];

	wire_writer_init(&w, out, sizeof(out));
	ssh_agent_list_begin(&l, &w);
	ssh_agent_list_key(&l, blob, comment);
	ssh_agent_list_end(&l);
	return !w.bad;
}

START_TEST(nothing_is_listed_that_ssh_add_would_stumble_over)
{
	struct view blob = bytes_of(SSHSAMPLE_BLOB), none = { NULL, 0 };
	static char comment[SSH_COMMENT_MAX + 2];
	uint8_t other[SSH_BLOB_MAX];

	ck_assert(is_listed(blob, none));
	ck_assert(!is_listed(none, none));
	ck_assert(!is_listed((struct view){ blob.data, 50 }, none));
	ck_assert(!is_listed(sshsample_blob(SSHSAMPLE_RSA, other), none));
	ck_assert(is_listed(sshsample_base64(SSHSAMPLE_CERT, other,
	    sizeof(other)), none));
	ck_assert(!is_listed(blob, view_of("a\nb")));
	ck_assert(!is_listed(blob, view_of("\x1b[31m")));
	memset(comment, 'c', SSH_COMMENT_MAX);
	ck_assert(is_listed(blob, view_of(comment)));
	comment[SSH_COMMENT_MAX] = 'c';
	ck_assert(!is_listed(blob, view_of(comment)));
}
END_TEST

START_TEST(a_list_ends_with_the_most_keys_that_openssh_takes)
{
	uint8_t blob[SSH_KEY_BLOB_LEN];
	struct ssh_agent_list l;
	struct wire_writer w;

	(void)sample_hex(SSHSAMPLE_BLOB, blob, sizeof(blob));
	for (unsigned more = 0; more <= 1; more++) {
		wire_writer_init(&w, buf, sizeof(buf));
		ssh_agent_list_begin(&l, &w);
		for (unsigned i = 0; i < SSH_AGENT_KEYS_MAX + more; i++)
			ssh_agent_list_key(&l,
			    (struct view){ blob, sizeof(blob) },
			    (struct view){ NULL, 0 });
		ssh_agent_list_end(&l);
		ck_assert(w.bad == (more == 1));
	}
	/* With comments they don't fit a message before that. */
	static uint8_t large[2 * SSH_AGENT_MESSAGE_MAX];

	wire_writer_init(&w, large, sizeof(large));
	ssh_agent_list_begin(&l, &w);
	for (unsigned i = 0; i < SSH_AGENT_KEYS_MAX; i++)
		ssh_agent_list_key(&l, (struct view){ blob, sizeof(blob) },
		    view_of("a comment with quite some text that has to be "
			    "carried along with it, and more"));
	ck_assert(!w.bad);
	ssh_agent_list_end(&l);
	ck_assert(w.bad);
}
END_TEST

START_TEST(a_signature_is_a_string_in_a_string)
{
	uint8_t signature[SSH_SIGNATURE_LEN];
	struct wire_writer w;

	memset(signature, 0x5a, sizeof(signature));
	wire_writer_init(&w, buf, sizeof(buf));
	ssh_agent_put_signature(&w, signature);
	ck_assert(!w.bad);
	sample_assert_hex((struct view){ buf, w.len },
	    "00000058" "0e" SIGNATURE);
}
END_TEST

START_TEST(a_query_is_answered_with_the_one_extension)
{
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	ssh_agent_put_query(&w);
	sample_assert_hex((struct view){ buf, w.len },
	    "00000026" "1d" "00000005" "7175657279" BIND_NAME);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ssh_agent_answers");
	TCase *t = tcase_create("answers");
	SRunner *sr;
	int failed;

	tcase_add_test(t, an_answer_without_fields_is_its_number);
	tcase_add_test(t, a_list_has_keys_and_comments);
	tcase_add_test(t, nothing_is_listed_that_ssh_add_would_stumble_over);
	tcase_add_test(t, a_list_ends_with_the_most_keys_that_openssh_takes);
	tcase_add_test(t, a_signature_is_a_string_in_a_string);
	tcase_add_test(t, a_query_is_answered_with_the_one_extension);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
