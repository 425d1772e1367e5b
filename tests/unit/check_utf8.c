/* Tests of client/utf8.c: which characters do something to a terminal. */
#include <check.h>
#include <stdbool.h>

#include "utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* All of them: C0 and C1, marks of direction, and what has no width. */
static const struct {
	uint32_t first, last;
} controls[] = {
	{ 0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
};

START_TEST(these_characters_are_controls_and_no_others)
{
	size_t next = 0;

	for (uint32_t c = 0; c < 0x110000; c++) {
		bool wanted;

		if (next < COUNT(controls) && c > controls[next].last)
			next++;
		wanted = next < COUNT(controls) && c >= controls[next].first;
		if (utf8_is_control(c) != wanted)
			ck_abort_msg("U+%x", (unsigned)c);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("utf8");
	TCase *t = tcase_create("utf8");
	SRunner *r;
	int failed;

	tcase_add_test(t, these_characters_are_controls_and_no_others);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
