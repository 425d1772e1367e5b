#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "scan.h"

static const char value[] = "+a secret, 7%/";
static uint8_t room[SCAN_MAX], bytes[FRAME_MAX];

/* A list of texts, NULL at its end. */
static struct list
list_of(const char *const *texts)
{
	struct wire_writer w;
	struct wire_list l;

	wire_writer_init(&w, bytes, sizeof(bytes));
	list_begin(&l, &w);
	for (; *texts != NULL; texts++) {
		const struct text_item item = { view_of(*texts) };

		text_item_put(&w, &item);
		list_item(&l);
	}
	list_end(&l);
	ck_assert(!w.bad);
	return list_made(&w, 0, SCAN_TEXTS_MAX);
}

static uint32_t
find(const char *const *texts, const char *wanted)
{
	struct list l = list_of(texts);
	struct scan_laid laid;

	ck_assert(scan_lay_out(l, room, sizeof(room), &laid));
	return scan_find(l, &laid, view_of(wanted));
}

static uint32_t
find_in(const char *text, const char *wanted)
{
	const char *const texts[] = { "PATH=/bin:/usr/bin", text, "last",
		NULL };

	return find(texts, wanted);
}

static const struct {
	const char *what;
	const char *text;
} forms[] = {
	{ "it is the text",
	    "+a secret, 7%/" },
	{ "in the middle",
	    "x+a secret, 7%/y" },
	{ "percent",
	    "V=%2Ba%20secret%2C%207%25%2F" },
	{ "percent in lower case",
	    "V=%2ba%20secret%2c%207%25%2f" },
	{ "plus for a space",
	    "%2Ba+secret%2C+7%25%2F" },
	{ "base64",
	    "K2Egc2VjcmV0LCA3JS8=" },
	{ "base64 behind 1 byte",
	    "eCthIHNlY3JldCwgNyUv" },
	{ "base64 behind 2",
	    "eHkrYSBzZWNyZXQsIDclLw==" },
	{ "base64 behind 3, in a text",
	    "Authorization: Basic eHl6K2Egc2VjcmV0LCA3JS9tb3Jl" },
	{ "base64 of URLs",
	    "K2Egc2VjcmV0LCA3JS8=" },
	{ "base64 without padding",
	    "K2Egc2VjcmV0LCA3JS8" },
	{ "base64 in lines",
	    "K2Egc2Vjc\nmV0LCA3JS8=" },
	{ "base64 behind a letter",
	    "xK2Egc2VjcmV0LCA3JS8=" },
};

START_TEST(it_is_found_in_every_form)
{
	for (size_t i = 0; i < COUNT(forms); i++)
		ck_assert_msg(find_in(forms[i].text, value) == 2, "%s",
		    forms[i].what);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
	static const char *const texts[] = { "", "+a secret, 7%", "a secret",
		"V=%2Ba%20secret", "+A secret, 7%/", "+a secret,\t7%/" };

	for (size_t i = 0; i < COUNT(texts); i++)
		ck_assert_msg(find_in(texts[i], value) == 0, "%s", texts[i]);
}
END_TEST

START_TEST(two_texts_are_not_one)
{
	static const char *const texts[] = { "+a sec", "ret, 7%/", NULL };

	ck_assert_uint_eq(find(texts, value), 0);
}
END_TEST

START_TEST(a_short_one_is_found_as_a_whole_alone)
{
	static const struct {
		const char *text;
		const char *wanted;
		uint32_t found;
	} rows[] = {
		{ "abc1", "abc1", 2 },
		{ "V=abc1", "abc1", 2 },
		{ "V=W=abc1", "abc1", 0 },
		{ "V=W=abc1", "W=abc1", 2 },
		{ "xabc1", "abc1", 0 },
		{ "abc1x", "abc1", 0 },
		{ "V=abc", "abc", 0 }, /* too short to mean anything */
		{ "abc", "abc", 0 },
		{ "", "", 0 },
		{ "V=1234567", "1234567", 2 },
		{ "xx1234567", "1234567", 0 },
		{ "xx12345678yy", "12345678", 2 },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(find_in(rows[i].text, rows[i].wanted) ==
			rows[i].found, "%s in %s", rows[i].wanted,
		    rows[i].text);
}
END_TEST

START_TEST(the_first_text_that_has_it_is_told)
{
	static const char *const texts[] = { "a", "b", "+a secret, 7%/",
		"+a secret, 7%/", NULL };

	ck_assert_uint_eq(find(texts, value), 3);
}
END_TEST

/* ---- each form, by its definition ---- */

/* The sextet of a character, 64 when it is none, 65 for the end of a line. */
static unsigned
sextet(char c)
{
	static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL :
	    strchr(standard, c == '-' ? '+' : c == '_' ? '/' : c);

	return c == '\n' || c == '\r' ? 65 :
	    at != NULL ? (unsigned)(at - standard) : 64;
}

/* Of each character of base64 one more than its sextet, and a zero for what is
   none; lines joined. */
static size_t
sextets(const char *text, uint8_t *out)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		if (sextet(*text) != 65)
			out[n++] = (uint8_t)(sextet(*text) == 64 ? 0 :
						sextet(*text) + 1);
	return n;
}

static size_t
unescaped(const char *text, bool plus, uint8_t *out)
{
	size_t n = 0, len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		char hex[3] = { 0 };

		if (text[i] == '%' && i + 2 < len)
			memcpy(hex, text + i + 1, 2);
		if (isxdigit(hex[0]) && isxdigit(hex[1])) {
			out[n++] = (uint8_t)strtoul(hex, NULL, 16);
			i += 2;
		} else
			out[n++] = plus && text[i] == '+' ? ' ' :
							    (uint8_t)text[i];
	}
	return n;
}

START_TEST(each_form_is_what_it_is_by_definition)
{
	static const char alphabet[] = "0aZ/9b+4-C_B3\nfE7\r%= ";
	uint64_t state = sample_seed("forms");
	char text[101];
	const char *const texts[] = { text, NULL };

	for (unsigned i = 0; i < 20000; i++) {
		size_t n = sample_next(&state) % 100, m = 0;
		/* With more and with fewer that end a run of base64. */
		size_t of = sizeof(alphabet) - 1 - i % 4;
		uint8_t want[4][101];
		struct scan_laid laid;

		for (size_t j = 0; j < n; j++)
			text[j] = alphabet[sample_next(&state) % of];
		text[n] = '\0';
		memset(want, 0, sizeof(want));
		memcpy(want[m++], text, n);
		if (strpbrk(text, "%+") != NULL) {
			(void)unescaped(text, false, want[m++]);
			(void)unescaped(text, true, want[m++]);
		}
		(void)sextets(text, want[3]);
		ck_assert(scan_lay_out(list_of(texts), room, sizeof(room),
		    &laid));
		ck_assert_uint_eq(laid.forms.len, 3 * (n + 1));
		ck_assert_uint_eq(laid.sextets.len, n + 1);
		for (m = 0; m < 3; m++)
			ck_assert_msg(memcmp(laid.forms.data + m * (n + 1),
				want[m], n + 1) == 0, "form %zu of '%s'", m,
			    text);
		ck_assert_mem_eq(laid.sextets.data, want[3], n + 1);
	}
}
END_TEST

START_TEST(what_is_behind_a_form_is_not_in_it)
{
	static const uint8_t longer[] = "+a secret, 7%/"; /* and a NUL */
	static const char *const texts[] = { "+a secret, 7%/", NULL };
	struct list l = list_of(texts);
	struct scan_laid laid;

	ck_assert(scan_lay_out(l, room, sizeof(room), &laid));
	ck_assert_uint_eq(scan_find(l, &laid,
	    (struct view){ longer, sizeof(longer) }), 0);
	ck_assert_uint_eq(scan_find(l, &laid,
	    (struct view){ longer, sizeof(longer) - 1 }), 1);
}
END_TEST

START_TEST(texts_that_do_not_fit_are_not_laid_out)
{
	static const char *const texts[] = { "0123456789", "+%41", NULL };
	struct list l = list_of(texts);
	struct scan_laid laid;

	ck_assert(!scan_lay_out(l, room, SCAN_ROOM(14, 2) - 1, &laid));
	ck_assert(scan_lay_out(l, room, SCAN_ROOM(14, 2), &laid));
	ck_assert_ptr_eq(laid.forms.data, room);
	ck_assert_ptr_eq(laid.sextets.data, room + laid.forms.len);
	ck_assert_ptr_eq(laid.needle,
	    room + laid.forms.len + laid.sextets.len);
	ck_assert_uint_eq(laid.forms.len + 2 * laid.sextets.len,
	    SCAN_ROOM(14, 2));
	l.items.len--;
	ck_assert(!scan_lay_out(l, room, sizeof(room), &laid));
	l.items.len = 7; /* not even the lengths of two */
	ck_assert(!scan_lay_out(l, room, sizeof(room), &laid));
}
END_TEST

/* ---- base64: every length, every place, and each bit ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
    "wxyz0123456789+/";

/* RFC 4648, section 4, without padding. */
static void
encoded(const uint8_t *in, size_t len, char *out)
{
	for (size_t bit = 0; bit < len * 8; bit += 6) {
		unsigned v = (unsigned)in[bit / 8] << 8;

		if (bit / 8 + 1 < len)
			v |= in[bit / 8 + 1];
		*out++ = digits[v >> (10 - bit % 8) & 63];
	}
	*out = '\0';
}

/* A value between bytes that are not its own is found, and none that differs
   from it in a bit. */
START_TEST(one_bit_more_or_less_is_another_value)
{
	uint64_t state = sample_seed("bits");

	for (size_t len = SCAN_ANYWHERE; len < 20; len++)
		for (size_t before = 0; before < 6; before++) {
			uint8_t all[40];
			char text[60];
			const char *const texts[] = { "first", text, NULL };
			size_t behind = sample_next(&state) % 4;
			struct scan_laid laid;
			struct list l;

			for (size_t i = 0; i < sizeof(all); i++)
				all[i] = (uint8_t)sample_next(&state);
			encoded(all, before + len + behind, text);
			l = list_of(texts);
			ck_assert(scan_lay_out(l, room, sizeof(room), &laid));
			ck_assert_uint_eq(scan_find(l, &laid,
			    (struct view){ all + before, len }), 2);
			for (size_t bit = 0; bit < len * 8; bit++) {
				uint8_t other[20];

				memcpy(other, all + before, len);
				other[bit / 8] ^= (uint8_t)(1 << bit % 8);
				ck_assert_msg(scan_find(l, &laid,
					(struct view){ other, len }) == 0,
				    "%zu behind %zu, bit %zu", len, before,
				    bit);
			}
		}
}
END_TEST

/* What begins or ends outside a run of base64, or in another text, is not
   there. */
START_TEST(a_run_of_base64_has_the_whole_value)
{
	static const char *const texts[] = { "K2Egc2VjcmV0LCA3JS", "8=", NULL };
	static const char *const cut[] = { "K2Egc2VjcmV0LCA3JS 8=",
		"K 2Egc2VjcmV0LCA3JS8=", "2Egc2VjcmV0LCA3JS8=",
		"eHkrYSBzZWNyZXQsIDclL", "rYSBzZWNyZXQsIDclLw==",
		"eHk=rYSBzZWNyZXQsIDclLw==" };

	ck_assert_uint_eq(find(texts, value), 0);
	for (size_t i = 0; i < COUNT(cut); i++)
		ck_assert_msg(find_in(cut[i], value) == 0, "%s", cut[i]);
}
END_TEST

/* Wherever so much would fit, it takes no more than it would at one place:
   of those that agree in all but 2 bits the fifth is taken for it. */
START_TEST(what_nearly_fits_everywhere_is_taken_for_it)
{
	static uint8_t zeros[30000];
	static char text[SCAN_BYTES_MAX + 1];
	const char *const texts[] = { text, NULL };
	struct scan_laid laid;
	struct list l;

	memset(text, 'A', sizeof(text) - 1);
	zeros[sizeof(zeros) - 1] = 1;
	l = list_of(texts);
	ck_assert(scan_lay_out(l, room, sizeof(room), &laid));
	for (size_t len = sizeof(zeros) - 3; len < sizeof(zeros); len++)
		ck_assert_uint_eq(scan_find(l, &laid, (struct view){
		    zeros + sizeof(zeros) - len, len }), 1);
	/* As many as may be looked at are, and no more. */
	for (size_t n = 4; n <= 5; n++) {
		memset(text, ' ', sizeof(text) - 1);
		for (size_t i = 0; i < n; i++)
			memset(text + i * 20, 'A', 10);
		l = list_of(texts);
		ck_assert(scan_lay_out(l, room, sizeof(room), &laid));
		ck_assert_uint_eq(scan_find(l, &laid,
		    (struct view){ zeros + sizeof(zeros) - 8, 8 }), n == 5);
	}
}
END_TEST

/* A value that is longer than all texts takes no more room than they have. */
START_TEST(a_value_longer_than_the_texts_stays_in_its_room)
{
	static uint8_t large[2000];
	static const char *const texts[] = { "AAAAAAAAAAAAAAAAAAAAAAAA", "",
		NULL };
	struct list l = list_of(texts);
	struct scan_laid laid;
	uint8_t *end = room + SCAN_ROOM(24, 2);

	memset(large, 0xff, sizeof(large));
	for (size_t len = SCAN_ANYWHERE; len < sizeof(large); len++) {
		ck_assert(scan_lay_out(l, room, sizeof(room), &laid));
		memset(end, 0x5a, 64);
		ck_assert_uint_eq(scan_find(l, &laid,
		    (struct view){ large, len }), 0);
		for (size_t i = 0; i < 64; i++)
			ck_assert_uint_eq(end[i], 0x5a);
		for (size_t i = 0; i < 26; i++)
			ck_assert_uint_eq(laid.needle[i] & 0x3f, 0);
	}
}
END_TEST

/* Whatever the bytes, the room is enough. */
START_TEST(random_texts_fit)
{
	uint64_t state = sample_seed("scan");
	char text[301];
	const char *const texts[] = { text, NULL };

	for (unsigned i = 0; i < 20000; i++) {
		static const char alphabet[] = "%+=/-_aZ09\n ";
		size_t n = sample_next(&state) % 300;
		struct scan_laid laid;
		struct list l;

		for (size_t j = 0; j < n; j++)
			text[j] = alphabet[sample_next(&state) %
			    (sizeof(alphabet) - 1)];
		text[n] = '\0';
		l = list_of(texts);
		ck_assert(scan_lay_out(l, room, SCAN_ROOM(n, 1), &laid));
		if (n >= 12)
			ck_assert_uint_eq(scan_find(l, &laid,
			    (struct view){ (const uint8_t *)text + 3, 8 }), 1);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("scan");
	TCase *t = tcase_create("scan");
	SRunner *sr;
	int failed;

	tcase_add_test(t, it_is_found_in_every_form);
	tcase_add_test(t, what_is_not_there_is_not_found);
	tcase_add_test(t, two_texts_are_not_one);
	tcase_add_test(t, a_short_one_is_found_as_a_whole_alone);
	tcase_add_test(t, the_first_text_that_has_it_is_told);
	tcase_add_test(t, each_form_is_what_it_is_by_definition);
	tcase_add_test(t, what_is_behind_a_form_is_not_in_it);
	tcase_add_test(t, texts_that_do_not_fit_are_not_laid_out);
	tcase_add_test(t, one_bit_more_or_less_is_another_value);
	tcase_add_test(t, a_run_of_base64_has_the_whole_value);
	tcase_add_test(t, what_nearly_fits_everywhere_is_taken_for_it);
	tcase_add_test(t, a_value_longer_than_the_texts_stays_in_its_room);
	tcase_add_test(t, random_texts_fit);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
