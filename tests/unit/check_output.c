#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "utf8.h"

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

/* UTF-8. */

static const struct {
	struct view bytes;
	size_t len; /* 0: no character */
	uint32_t c;
} characters[] = {
	{ VIEW("A"), 1, 'A' },
	{ VIEW("\0"), 1, 0 },
	{ VIEW("\x7f"), 1, 0x7f },
	{ VIEW("\xc2\x80"), 2, 0x80 },
	{ VIEW("\xdf\xbf"), 2, 0x7ff },
	{ VIEW("\xe0\xa0\x80"), 3, 0x800 },
	{ VIEW("\xed\x9f\xbf"), 3, 0xd7ff },
	{ VIEW("\xee\x80\x80"), 3, 0xe000 },
	{ VIEW("\xef\xbf\xbf"), 3, 0xffff },
	{ VIEW("\xf0\x90\x80\x80"), 4, 0x10000 },
	{ VIEW("\xf4\x8f\xbf\xbf"), 4, 0x10ffff },
	{ VIEW(""), 0, 0 },
	{ VIEW("\x80"), 0, 0 },
	{ VIEW("\xc0\x80"), 0, 0 },	    /* overlong NUL */
	{ VIEW("\xc1\xbf"), 0, 0 },	    /* overlong DEL */
	{ VIEW("\xe0\x9f\xbf"), 0, 0 },	    /* overlong */
	{ VIEW("\xf0\x8f\xbf\xbf"), 0, 0 }, /* overlong */
	{ VIEW("\xed\xa0\x80"), 0, 0 },	    /* surrogate */
	{ VIEW("\xed\xbf\xbf"), 0, 0 },	    /* surrogate */
	{ VIEW("\xf4\x90\x80\x80"), 0, 0 }, /* over the last one */
	{ VIEW("\xf5\x80\x80\x80"), 0, 0 },
	{ VIEW("\xff"), 0, 0 },
	{ VIEW("\xc3"), 0, 0 },		  /* cut off */
	{ VIEW("\xe2\x82"), 0, 0 },	  /* cut off */
	{ VIEW("\xf0\x9f\x98"), 0, 0 },	  /* cut off */
	{ VIEW("\xc3\x41"), 0, 0 },	  /* no continuation */
	{ VIEW("\xe2\x82\x41"), 0, 0 },	  /* no continuation */
};

START_TEST(a_character_has_one_form)
{
	uint32_t c = 0;

	ck_assert_uint_eq(utf8_next(characters[_i].bytes, &c),
	    characters[_i].len);
	ck_assert_uint_eq(c, characters[_i].c);
}
END_TEST

START_TEST(plain_text_has_no_nul)
{
	ck_assert(utf8_is_text(VIEW("a\0b")));
	ck_assert(!utf8_is_plain(VIEW("a\0b")));
	ck_assert(utf8_is_plain(VIEW("a\nb")));
	ck_assert(utf8_is_plain((struct view){ NULL, 0 }));
	ck_assert(!utf8_is_text(VIEW("a\xff")));
}
END_TEST

/* Escaping. */

static const struct {
	struct view in;
	const char *out;
} escapes[] = {
	{ VIEW(""), "" },
	{ VIEW("plain text"), "plain text" },
	{ VIEW("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
	    "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ VIEW("a\nb\tc\rd\\e"), "a\\nb\\tc\\rd\\\\e" },
	{ VIEW("\x1b]0;owned\x07"), "\\u{1b}]0;owned\\u{7}" },
	{ VIEW("\0\x01\x7f"), "\\u{0}\\u{1}\\u{7f}" },
	{ VIEW("\xc2\x9b" "31m"), "\\u{9b}31m" },	/* C1: CSI */
	{ VIEW("\x9b" "31m"), "\\x9b31m" },		/* the same, 8 bit */
	{ VIEW("\xe2\x80\xae" "fdp.exe"), "\\u{202e}fdp.exe" },
	{ VIEW("\xe2\x81\xa6x\xe2\x81\xa9"), "\\u{2066}x\\u{2069}" },
	{ VIEW("\xe2\x80\xa8"), "\\u{2028}" },
	{ VIEW("\xef\xbb\xbf"), "\\u{feff}" },
	{ VIEW("\xf3\xa0\x81\x81"), "\\u{e0041}" },
	{ VIEW("\xff\xfe"), "\\xff\\xfe" },
	{ VIEW("\xc3"), "\\xc3" },
	{ VIEW("\xc0\xaf"), "\\xc0\\xaf" },
};

START_TEST(what_a_terminal_acts_upon_is_escaped)
{
	char to[OUTPUT_ESCAPED(64)];
	struct paper p;

	ck_assert_uint_eq(output_escape(to, sizeof(to), escapes[_i].in),
	    strlen(escapes[_i].out));
	ck_assert_str_eq(to, escapes[_i].out);
	output_text(paper_open(&p), escapes[_i].in);
	paper_is(&p, escapes[_i].out);
}
END_TEST

START_TEST(an_escaped_text_is_cut_between_characters)
{
	char to[16];

	ck_assert_uint_eq(output_escape(to, 5, VIEW("abc\x1b")), 3);
	ck_assert_str_eq(to, "abc");
	ck_assert_uint_eq(output_escape(to, 4, VIEW("abcd")), 3);
	ck_assert_str_eq(to, "abc");
	ck_assert_uint_eq(output_escape(to, 4, VIEW("ab\xe2\x82\xac")), 2);
	ck_assert_str_eq(to, "ab");
	ck_assert_uint_eq(output_escape(to, 1, VIEW("a")), 0);
	ck_assert_str_eq(to, "");
}
END_TEST

START_TEST(every_byte_fits_what_the_header_promises)
{
	for (unsigned b = 0; b < 256; b++) {
		uint8_t in[3] = { (uint8_t)b, (uint8_t)b, (uint8_t)b };
		char to[OUTPUT_ESCAPED(3)];
		char room[64];
		struct view v = { in, 3 };

		ck_assert_uint_eq(output_escape(to, sizeof(to), v),
		    output_escape(room, sizeof(room), v));
	}
}
END_TEST

/* Times and base64. */

START_TEST(a_time_has_six_digits_and_a_z)
{
	char to[OUTPUT_TIME];

	ck_assert_str_eq(output_time(1, to), "1970-01-01T00:00:00.000001Z");
	ck_assert_str_eq(output_time(1790000000123456, to),
	    "2026-09-21T14:13:20.123456Z");
	ck_assert_str_eq(output_time(253402300799999999, to),
	    "9999-12-31T23:59:59.999999Z");
	ck_assert_str_eq(output_time(253402300800000000, to), "-");
	ck_assert_str_eq(output_time(UINT64_MAX, to), "-");
	ck_assert_str_eq(output_time(0, to), "-");
}
END_TEST

static const struct {
	struct view in;
	const char *out;
} base64[] = { /* RFC 4648, section 10, and both of the odd characters */
	{ VIEW(""), "" },
	{ VIEW("f"), "Zg==" },
	{ VIEW("fo"), "Zm8=" },
	{ VIEW("foo"), "Zm9v" },
	{ VIEW("foob"), "Zm9vYg==" },
	{ VIEW("fooba"), "Zm9vYmE=" },
	{ VIEW("foobar"), "Zm9vYmFy" },
	{ VIEW("\xfb\xff\xfe"), "+//+" },
};

START_TEST(base64_is_that_of_rfc_4648)
{
	char to[16];
	size_t len = output_base64(to, base64[_i].in);

	ck_assert_uint_eq(len, strlen(base64[_i].out));
	ck_assert_mem_eq(to, base64[_i].out, len);
}
END_TEST

START_TEST(every_six_bits_have_their_base64_character)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char to[4];

	for (uint8_t i = 0; i < 64; i++) {
		uint8_t b = (uint8_t)(i << 2);

		(void)output_base64(to, (struct view){ &b, 1 });
		ck_assert_int_eq(to[0], all[i]);
	}
}
END_TEST

/* JSON. */

static void
json_is(json_t *value, const char *want)
{
	struct paper p;

	ck_assert(output_json(value, paper_open(&p)));
	paper_is(&p, want);
}

START_TEST(json_is_ascii_without_control_characters)
{
	json_is(output_json_view(VIEW("a\"\\\n\x1b\x7f\xc2\x9b\xe2\x80\xae")),
	    "\"a\\\"\\\\\\n\\u001B\\u007F\\u009B\\u202E\"\n");
	json_is(output_json_view(VIEW("\xf0\x9f\x98\x80")),
	    "\"\\uD83D\\uDE00\"\n");
	json_is(output_json_view(VIEW("x\xff")), "\"x\\\\xff\"\n");
	json_is(output_json_view((struct view){ NULL, 0 }), "\"\"\n");
}
END_TEST

START_TEST(json_times_and_numbers)
{
	json_is(output_json_time(0), "null\n");
	json_is(output_json_time(1), "\"1970-01-01T00:00:00.000001Z\"\n");
	json_is(output_json_number(4294967295), "4294967295\n");
}
END_TEST

START_TEST(a_metadata_field_is_a_string_or_base64)
{
	json_is(output_json_field(false, VIEW("v")),
	    "{\"secret\": false, \"value\": \"v\"}\n");
	json_is(output_json_field(false, (struct view){ NULL, 0 }),
	    "{\"secret\": false, \"value\": \"\"}\n");
	json_is(output_json_field(false, VIEW("\xff")),
	    "{\"secret\": false, \"encoding\": \"base64\", "
	    "\"value\": \"/w==\"}\n");
	json_is(output_json_field(false, VIEW("a\0b")),
	    "{\"secret\": false, \"encoding\": \"base64\", "
	    "\"value\": \"YQBi\"}\n");
	json_is(output_json_field(true, VIEW("v")), "{\"secret\": true}\n");
}
END_TEST

START_TEST(json_without_memory_is_not_printed)
{
	struct paper p;

	ck_assert(!output_json(NULL, paper_open(&p)));
	paper_is(&p, "");
}
END_TEST

static TCase *
texts(void)
{
	TCase *tc = tcase_create("texts");

	tcase_add_loop_test(tc, a_character_has_one_form, 0,
	    (int)COUNT(characters));
	tcase_add_test(tc, plain_text_has_no_nul);
	tcase_add_loop_test(tc, what_a_terminal_acts_upon_is_escaped, 0,
	    (int)COUNT(escapes));
	tcase_add_test(tc, an_escaped_text_is_cut_between_characters);
	tcase_add_test(tc, every_byte_fits_what_the_header_promises);
	tcase_add_test(tc, a_time_has_six_digits_and_a_z);
	tcase_add_loop_test(tc, base64_is_that_of_rfc_4648, 0,
	    (int)COUNT(base64));
	tcase_add_test(tc, every_six_bits_have_their_base64_character);
	return tc;
}

static TCase *
json(void)
{
	TCase *tc = tcase_create("json");

	tcase_add_test(tc, json_is_ascii_without_control_characters);
	tcase_add_test(tc, json_times_and_numbers);
	tcase_add_test(tc, a_metadata_field_is_a_string_or_base64);
	tcase_add_test(tc, json_without_memory_is_not_printed);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("output");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, texts());
	suite_add_tcase(s, json());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
