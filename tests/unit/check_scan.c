#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "scan.h"

static const char value[] = "+a secret, 7%/";
static uint8_t laid[65536], bytes[8192];

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
	size_t used;

	ck_assert(scan_lay_out(l, laid, sizeof(laid), &used));
	return scan_find(l, (struct view){ laid, used }, view_of(wanted));
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

/* Of each run of 11 characters or more those from the skip-th on, as bits,
   eight by eight, and a zero. */
static size_t
decoded(const char *text, unsigned skip, uint8_t *out)
{
	size_t n = 0;

	while (*text != '\0') {
		unsigned bits = 0, have = 0, left = skip;
		size_t len = 0;

		while (text[len] != '\0' && sextet(text[len]) != 64)
			len++;
		for (size_t i = 0; len >= 11 && i < len; i++) {
			unsigned v = sextet(text[i]);

			if (v > 64)
				continue;
			if (left > 0) {
				left--;
				continue;
			}
			bits = (bits << 6 | v) & 0xfff;
			have += 6;
			if (have >= 8) {
				have -= 8;
				out[n++] = (uint8_t)(bits >> have);
			}
		}
		if (len >= 11)
			out[n++] = 0;
		text += len + (text[len] != '\0');
	}
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
		size_t n = sample_next(&state) % 100, m = 0, used;
		/* With more and with fewer that end a run of base64. */
		size_t of = sizeof(alphabet) - 1 - i % 4;
		uint8_t want[7][101];

		for (size_t j = 0; j < n; j++)
			text[j] = alphabet[sample_next(&state) % of];
		text[n] = '\0';
		memset(want, 0, sizeof(want));
		memcpy(want[m++], text, n);
		(void)unescaped(text, false, want[m++]);
		(void)unescaped(text, true, want[m++]);
		for (unsigned skip = 0; skip < 4; skip++)
			(void)decoded(text, skip, want[m++]);
		ck_assert(scan_lay_out(list_of(texts), laid, sizeof(laid),
		    &used));
		ck_assert_uint_eq(used, 7 * (n + 1));
		for (m = 0; m < 7; m++)
			ck_assert_msg(memcmp(laid + m * (n + 1), want[m],
				n + 1) == 0, "form %zu of '%s'", m, text);
	}
}
END_TEST

START_TEST(what_is_behind_a_form_is_not_in_it)
{
	static const uint8_t longer[] = "+a secret, 7%/"; /* and a NUL */
	static const char *const texts[] = { "+a secret, 7%/", NULL };
	struct list l = list_of(texts);
	size_t used;

	ck_assert(scan_lay_out(l, laid, sizeof(laid), &used));
	ck_assert_uint_eq(scan_find(l, (struct view){ laid, used },
	    (struct view){ longer, sizeof(longer) }), 0);
	ck_assert_uint_eq(scan_find(l, (struct view){ laid, used },
	    (struct view){ longer, sizeof(longer) - 1 }), 1);
}
END_TEST

START_TEST(texts_that_do_not_fit_are_not_laid_out)
{
	static const char *const texts[] = { "0123456789", "+%41", NULL };
	struct list l = list_of(texts);
	size_t used, need = 0;

	for (size_t cap = 0; cap <= SCAN_ROOM(14, 2); cap++)
		if (scan_lay_out(l, laid, cap, &used)) {
			need = cap;
			ck_assert_uint_le(used, cap);
			break;
		}
	ck_assert_uint_gt(need, 0);
	l.items.len--;
	ck_assert(!scan_lay_out(l, laid, sizeof(laid), &used));
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
		size_t used;
		struct list l;

		for (size_t j = 0; j < n; j++)
			text[j] = alphabet[sample_next(&state) %
			    (sizeof(alphabet) - 1)];
		text[n] = '\0';
		l = list_of(texts);
		ck_assert(scan_lay_out(l, laid, SCAN_ROOM(n, 1), &used));
		ck_assert_uint_le(used, SCAN_ROOM(n, 1));
		if (n >= 12)
			ck_assert_uint_eq(scan_find(l, (struct view){ laid,
			    used }, (struct view){ (const uint8_t *)text + 3,
			    8 }), 1);
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
	tcase_add_test(t, random_texts_fit);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
