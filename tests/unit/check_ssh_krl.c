#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "sshsample.h"
#include "ssh_krl.h"

/* What ssh-keygen -k has made of the sample's CA, of "serial: 42", "serial:
   99999", "id: ws1/run/abc", and of the sample's key. */
#define HEADER                                                               \
	"5353484b524c0a00" "00000001" "0000000000000007" "000000006b091257"  \
	"0000000000000000" "00000000"
#define CERTIFICATES                                                         \
	"01" "00000064" "00000033"                                           \
	"0000000b7373682d6564323535313900000020" SSHSAMPLE_CA "00000000"   \
	"20" "00000010" "000000000000002a" "000000000001869f"                \
	"23" "0000000f" "0000000b7773312f72756e2f616263"
#define KEYS "02" "00000037" "00000033" SSHSAMPLE_BLOB

static uint8_t ca[SSH_KEY_BLOB_LEN], key_ids[512], keys[SSH_BLOB_MAX];
static uint8_t out[1024];
static const uint64_t serials[] = { 42, 99999 };

/* A list with one string. */
static struct view
one(uint8_t *to, size_t size, struct view v)
{
	struct wire_writer w;

	wire_writer_init(&w, to, size);
	wire_put_string(&w, v, size);
	ck_assert(!w.bad);
	return (struct view){ to, w.len };
}

static struct ssh_krl
sample(void)
{
	uint8_t blob[SSH_KEY_BLOB_LEN];

	(void)sample_hex("0000000b7373682d6564323535313900000020" SSHSAMPLE_CA,
	    ca, sizeof(ca));
	(void)sample_hex(SSHSAMPLE_BLOB, blob, sizeof(blob));
	return (struct ssh_krl){ .version = 7, .generated = 0x6b091257,
		.ca = { ca, sizeof(ca) }, .serials = serials,
		.serial_count = COUNT(serials),
		.key_ids = one(key_ids, sizeof(key_ids),
		    view_of("ws1/run/abc")),
		.keys = one(keys, sizeof(keys),
		    (struct view){ blob, sizeof(blob) }) };
}

static struct view
made(const struct ssh_krl *k)
{
	struct wire_writer w;

	wire_writer_init(&w, out, sizeof(out));
	ssh_krl_put(&w, k);
	ck_assert(!w.bad);
	return (struct view){ out, w.len };
}

static bool
is_refused(const struct ssh_krl *k)
{
	struct wire_writer w;

	wire_writer_init(&w, out, sizeof(out));
	ssh_krl_put(&w, k);
	return w.bad && w.len == 0;
}

START_TEST(the_list_is_that_of_ssh_keygen)
{
	struct ssh_krl k = sample();

	sample_assert_hex(made(&k), HEADER "00000000" CERTIFICATES KEYS);
	k.comment = view_of("ws1");
	sample_assert_hex(made(&k), HEADER "00000003" "777331" CERTIFICATES
	    KEYS);
	k.keys.len = k.comment.len = 0;
	sample_assert_hex(made(&k), HEADER "00000000" CERTIFICATES);
}
END_TEST

START_TEST(a_section_without_anything_is_left_out)
{
	struct ssh_krl k = sample();

	k.serial_count = 0;
	k.serials = NULL;
	k.keys.len = 0;
	sample_assert_hex(made(&k), HEADER "00000000" "01" "0000004f"
	    "00000033" "0000000b7373682d6564323535313900000020" SSHSAMPLE_CA
	    "00000000" "23" "0000000f" "0000000b7773312f72756e2f616263");
	k.key_ids = (struct view){ NULL, 0 };
	sample_assert_hex(made(&k), HEADER "00000000");
}
END_TEST

START_TEST(a_writer_without_room_is_bad)
{
	struct ssh_krl k = sample();
	size_t n = made(&k).len;
	struct wire_writer w;

	for (size_t cap = 0; cap <= n; cap++) {
		memset(out, 0x77, sizeof(out));
		wire_writer_init(&w, out, cap);
		ssh_krl_put(&w, &k);
		ck_assert(w.bad == (cap < n));
		ck_assert_uint_eq(out[cap], 0x77);
	}
}
END_TEST

/* What sshd(8) would refuse with the whole list, and so everybody. */
START_TEST(serials_ascend_from_one)
{
	static const uint64_t bad[][2] = { { 0, 1 }, { 2, 1 }, { 2, 2 },
		{ 1, 0 } };
	static const uint64_t good[2] = { 1, UINT64_MAX };
	struct ssh_krl k = sample();

	for (size_t i = 0; i < COUNT(bad); i++) {
		k.serials = bad[i];
		ck_assert(is_refused(&k));
	}
	k.serials = good;
	ck_assert(!is_refused(&k));
}
END_TEST

START_TEST(a_part_that_is_not_as_it_should_be_is_refused)
{
	static char text[SSH_CERT_ID_MAX + 2];
	struct ssh_krl k = sample();

	k.ca.len--;
	ck_assert(is_refused(&k));
	k.ca.len = 0; /* which would mean: any CA's */
	ck_assert(is_refused(&k));
	k = sample();
	k.key_ids.len--;
	ck_assert(is_refused(&k));
	k.key_ids = one(key_ids, sizeof(key_ids), view_of(""));
	ck_assert(is_refused(&k));
	k.key_ids = one(key_ids, sizeof(key_ids), view_of("a\nb"));
	ck_assert(is_refused(&k));
	memset(text, 'a', sizeof(text) - 1);
	k.key_ids = one(key_ids, sizeof(key_ids), view_of(text));
	ck_assert(is_refused(&k));
	text[SSH_CERT_ID_MAX] = '\0';
	k.key_ids = one(key_ids, sizeof(key_ids), view_of(text));
	ck_assert(!is_refused(&k));
	k = sample();
	k.keys.len--;
	ck_assert(is_refused(&k));
	k.keys = one(keys, sizeof(keys), view_of("ssh-ed25519"));
	ck_assert(is_refused(&k));
	k = sample();
	k.comment = view_of("a\nb");
	ck_assert(is_refused(&k));
	memset(text, 'a', sizeof(text) - 1);
	k.comment = view_of(text);
	ck_assert(is_refused(&k));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ssh_krl");
	TCase *t = tcase_create("ssh_krl");
	SRunner *sr;
	int failed;

	tcase_add_test(t, the_list_is_that_of_ssh_keygen);
	tcase_add_test(t, a_section_without_anything_is_left_out);
	tcase_add_test(t, a_writer_without_room_is_bad);
	tcase_add_test(t, serials_ascend_from_one);
	tcase_add_test(t, a_part_that_is_not_as_it_should_be_is_refused);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
