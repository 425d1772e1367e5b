/* SHA-256 of what comes in pieces. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "sample.h"

/* A text that is given out so many bytes at a time. */
struct pieces {
	const char *text;
	size_t len, at, size;
	size_t fails; /* where it can't be read any more; 0: nowhere */
};

static struct view
next(void *context, bool *failed)
{
	struct pieces *p = context;
	const char *from = p->text + p->at;
	size_t n = p->len - p->at < p->size ? p->len - p->at : p->size;

	if (p->fails != 0 && p->at >= p->fails) {
		*failed = true;
		n = 0;
	}
	p->at += n;
	return (struct view){ (const uint8_t *)from, n };
}

/* FIPS 180-2, appendix B, and the one of nothing. */
static const struct {
	const char *text, *hash;
} known[] = {
	{ "",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	},
	{ "abc",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	},
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
	},
};

START_TEST(sha256_gives_the_known_answers_for_pieces_of_every_size)
{
	const char *text = known[_i].text;

	for (size_t size = 1; size <= strlen(text) + 1; size++) {
		struct pieces p = { text, strlen(text), 0, size, 0 };
		uint8_t out[SHA256_LEN];

		ck_assert(crypto_sha256(out, next, &p));
		sample_assert_hex((struct view){ out, sizeof(out) },
		    known[_i].hash);
		ck_assert_uint_eq(p.at, p.len);
	}
}
END_TEST

START_TEST(what_cant_be_read_has_no_hash)
{
	const char *text = known[2].text;

	for (size_t at = 1; at < strlen(text); at++) {
		struct pieces p = { text, strlen(text), 0, 1, at };
		uint8_t out[SHA256_LEN];

		ck_assert(!crypto_sha256(out, next, &p));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sha256");
	TCase *t = tcase_create("sha256");
	SRunner *sr;
	int failed;

	if (!crypto_init())
		return EXIT_FAILURE;
	tcase_add_loop_test(t,
	    sha256_gives_the_known_answers_for_pieces_of_every_size, 0,
	    (int)COUNT(known));
	tcase_add_test(t, what_cant_be_read_has_no_hash);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
