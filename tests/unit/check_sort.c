/* sort: any array comes out in order, and none of it is lost. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "sort.h"

#define MOST 300u

struct item {
	uint32_t key;
	uint8_t mark[9]; /* a size that is no multiple of a word's */
};

static int
compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static void
sort_and_check(struct item *v, size_t count)
{
	size_t marks = 0, wrong = 0;

	for (size_t i = 0; i < count; i++)
		memset(v[i].mark, (int)(v[i].key % 251), sizeof(v[i].mark));
	for (size_t i = 0; i < count; i++)
		marks += v[i].key;
	sort(v, count, sizeof(*v), compare);
	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; n < sizeof(v[i].mark); n++)
			wrong += v[i].mark[n] != v[i].key % 251;
		wrong += i > 0 && v[i - 1].key > v[i].key;
		marks -= v[i].key;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(marks, 0);
}

START_TEST(any_order_and_any_count)
{
	static struct item v[MOST];
	uint64_t seed = sample_seed("sort");

	sort(NULL, 0, sizeof(*v), compare);
	for (size_t count = 0; count <= MOST; count++)
		for (uint32_t range = 1; range <= 1000; range *= 10) {
			for (size_t i = 0; i < count; i++)
				v[i].key = sample_below(&seed, range);
			sort_and_check(v, count);
		}
}
END_TEST

START_TEST(what_is_in_order_or_in_reverse)
{
	static struct item v[MOST];

	for (uint32_t i = 0; i < MOST; i++)
		v[i].key = i;
	sort_and_check(v, MOST);
	for (uint32_t i = 0; i < MOST; i++)
		v[i].key = MOST - i;
	sort_and_check(v, MOST);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sort");
	TCase *t = tcase_create("sort");
	SRunner *sr;
	int failed;

	tcase_add_test(t, any_order_and_any_count);
	tcase_add_test(t, what_is_in_order_or_in_reverse);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
