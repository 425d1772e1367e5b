#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "policy_parts.h"

static const uint8_t digest[SHA256_LEN] = { 1, 2, 3 };
static const uint8_t other[SHA256_LEN] = { 1, 2, 4 };

/* All that can be bound, and what fits it. */
static struct binding
all(void)
{
	struct binding b = { .uid = USER, .gid = GROUP, .has_sha256 = true,
		.exe = "/usr/bin/agent", .unit = "agent.service",
		.cgroup = "/system.slice/agent.service" };

	memcpy(b.sha256, digest, sizeof(digest));
	return b;
}

static struct facts
fitting(void)
{
	struct facts f = { .exe = "/usr/bin/agent", .unit = "agent.service",
		.cgroup = "/system.slice/agent.service/worker", .sure = true,
		.hashed = true };

	memcpy(f.sha256, digest, sizeof(digest));
	return f;
}

static enum fit
fit(const struct binding *b, const struct facts *f)
{
	struct subject s = user();

	s.facts = f;
	return policy_binding_fit(b, &s);
}

START_TEST(all_of_a_binding_must_fit)
{
	const struct binding b = all();
	struct facts f = fitting();

	ck_assert_int_eq(fit(&b, &f), FIT_ALL);
	f.exe[3] = 'x';
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
	f = fitting();
	f.unit[0] = 'b';
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
	f = fitting();
	f.cgroup[1] = 'S';
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
	f = fitting();
	memcpy(f.sha256, other, sizeof(other));
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
	f = fitting();
	f.hashed = false;
	ck_assert_int_eq(fit(&b, &f), FIT_BUT_HASH);
	f.unit[0] = '\0';
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
	ck_assert_int_eq(fit(&b, NULL), FIT_IDS);
}
END_TEST

START_TEST(the_ids_must_fit_as_well)
{
	const struct facts f = fitting();
	struct binding b = all();

	b.uid = USER + 1;
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
	ck_assert_int_eq(fit(&b, NULL), FIT_NO);
	b.uid = OVERFLOW_ID;
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
	b.uid = NO_ID;
	ck_assert_int_eq(fit(&b, &f), FIT_ALL);
	b.gid = EXTRA_GROUP;
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
	b.gid = NO_ID;
	ck_assert_int_eq(fit(&b, &f), FIT_ALL);
}
END_TEST

START_TEST(a_program_that_is_not_sure_fits_nothing)
{
	const struct binding by_uid = { .uid = USER, .gid = NO_ID };
	struct binding b = { .uid = USER, .gid = NO_ID,
		.exe = "/usr/bin/agent" };
	struct facts f = fitting();

	ck_assert_int_eq(fit(&b, &f), FIT_ALL);
	f.sure = false;
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
	ck_assert_int_eq(fit(&by_uid, &f), FIT_ALL);
	b = by_uid;
	b.has_sha256 = true;
	memcpy(b.sha256, digest, sizeof(digest));
	ck_assert_int_eq(fit(&b, &f), FIT_NO);
}
END_TEST

START_TEST(what_is_not_known_fits_nothing)
{
	const struct facts none = { .uid = NO_ID, .gid = NO_ID };
	struct binding b = { .uid = NO_ID, .gid = NO_ID,
		.unit = "agent.service" };

	ck_assert_int_eq(fit(&b, &none), FIT_NO);
	b.unit[0] = '\0';
	/* Nor does a binding that says nothing. */
	ck_assert_int_eq(fit(&b, &none), FIT_NO);
	memcpy(b.cgroup, "/a", 3);
	ck_assert_int_eq(fit(&b, &none), FIT_NO);
}
END_TEST

START_TEST(what_is_not_bound_may_be_anything)
{
	const struct facts f = fitting();
	const struct binding bindings[] = {
		{ .uid = USER, .gid = NO_ID, .exe = "/usr/bin/agent" },
		{ .uid = NO_ID, .gid = NO_ID, .unit = "agent.service" },
		{ .uid = NO_ID, .gid = NO_ID, .cgroup = "/system.slice" },
	};

	for (size_t i = 0; i < COUNT(bindings); i++)
		ck_assert_int_eq(fit(&bindings[i], &f), FIT_ALL);
}
END_TEST

/* However short it is, it is asked for. */
START_TEST(one_character_binds)
{
	const struct binding bindings[] = {
		{ .uid = USER, .gid = NO_ID, .exe = "/" },
		{ .uid = NO_ID, .gid = NO_ID, .unit = "u" },
		{ .uid = NO_ID, .gid = NO_ID, .cgroup = "c" },
	};
	const struct facts another = fitting();
	struct facts f = { .exe = "/", .unit = "u", .cgroup = "c",
		.sure = true };

	for (size_t i = 0; i < COUNT(bindings); i++) {
		ck_assert_int_eq(fit(&bindings[i], &f), FIT_ALL);
		ck_assert_int_eq(fit(&bindings[i], &another), FIT_NO);
		ck_assert_int_eq(fit(&bindings[i], NULL), FIT_IDS);
	}
	f.sure = false;
	ck_assert_int_eq(fit(&bindings[0], &f), FIT_NO);
	ck_assert_int_eq(fit(&bindings[1], &f), FIT_ALL);
}
END_TEST

START_TEST(a_cgroup_is_itself_and_what_is_below)
{
	static const struct {
		const char *cgroup;
		enum fit fit;
	} rows[] = {
		{ "/a/b", FIT_ALL }, { "/a/b/c", FIT_ALL },
		{ "/a/b/c/d", FIT_ALL }, { "/a/bc", FIT_NO },
		{ "/a", FIT_NO }, { "/", FIT_NO }, { "", FIT_NO },
		{ "/x/a/b", FIT_NO }, { "/a/B", FIT_NO },
	};
	const struct binding b = { .uid = NO_ID, .gid = NO_ID,
		.cgroup = "/a/b" };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct facts f = { .uid = NO_ID };

		memcpy(f.cgroup, rows[i].cgroup, strlen(rows[i].cgroup) + 1);
		ck_assert_msg(fit(&b, &f) == rows[i].fit, "%s",
		    rows[i].cgroup);
	}
}
END_TEST

START_TEST(who_cant_be_seen_fits_nothing)
{
	const struct binding b = all();
	const struct facts f = fitting();
	struct subject s = user();

	s.facts = &f;
	s.nobody = true;
	ck_assert_int_eq(policy_binding_fit(&b, &s), FIT_NO);
}
END_TEST

START_TEST(an_item_comes_back_as_it_was)
{
	const struct binding b = all();
	const struct binding_item item = binding_item(&b);
	struct binding again;

	ck_assert(binding_take(&item, &again));
	ck_assert(binding_same(&b, &again));
	again.sha256[31] ^= 1;
	ck_assert(!binding_same(&b, &again));
}
END_TEST

START_TEST(a_binding_without_a_digest_has_none_as_an_item)
{
	const struct binding b = { .uid = USER, .gid = NO_ID };
	const struct binding_item item = binding_item(&b);
	struct binding again = all();

	ck_assert_uint_eq(item.sha256.len, 0);
	ck_assert(binding_take(&item, &again));
	ck_assert(!again.has_sha256 && binding_same(&b, &again));
}
END_TEST

START_TEST(bindings_that_differ_in_one_thing_are_two)
{
	const struct binding b = all();
	struct binding c[7];

	for (size_t i = 0; i < COUNT(c); i++)
		c[i] = b;
	c[0].uid++;
	c[1].gid++;
	c[2].has_sha256 = false;
	c[3].sha256[0] ^= 1;
	c[4].exe[3] = 'x';
	c[5].unit[0] = 'x';
	c[6].cgroup[1] = 'x';
	for (size_t i = 0; i < COUNT(c); i++)
		ck_assert_msg(!binding_same(&b, &c[i]) &&
		    !binding_same(&c[i], &b), "%zu", i);
}
END_TEST

/* Without what need not be there, one thing after the other. */
START_TEST(an_item_needs_only_what_tells_who_it_is)
{
	const struct binding b = all();
	struct binding_item items[7];
	struct binding to;

	for (size_t i = 0; i < COUNT(items); i++)
		items[i] = binding_item(&b);
	items[0].gid = NO_ID;
	items[1].exe.len = 0;
	items[2].sha256.len = 0;
	items[3].unit.len = 0;
	items[4].cgroup.len = 0;
	items[5].uid = NO_ID;
	items[5].unit.len = 0;
	items[6].uid = NO_ID;
	items[6].cgroup.len = 0;
	for (size_t i = 0; i < COUNT(items); i++)
		ck_assert_msg(binding_take(&items[i], &to), "%zu", i);
	ck_assert(to.has_sha256 && to.cgroup[0] == '\0' && to.uid == NO_ID);
	ck_assert_str_eq(to.unit, "agent.service");
	items[0].exe = view_of("/a"); /* the shortest there is */
	ck_assert(binding_take(&items[0], &to));
	ck_assert_str_eq(to.exe, "/a");
}
END_TEST

/* Break one thing of an item that is good. */
static void
refuse(void (*break_it)(struct binding_item *))
{
	const struct binding b = all();
	struct binding_item item = binding_item(&b);
	struct binding to;

	break_it(&item);
	ck_assert(!binding_take(&item, &to));
}

static void
overflow_uid(struct binding_item *i)
{
	i->uid = OVERFLOW_ID;
}

static void
overflow_gid(struct binding_item *i)
{
	i->gid = OVERFLOW_ID;
}

static void
short_digest(struct binding_item *i)
{
	i->sha256.len--;
}

static void
one_byte_of_a_unit(struct binding_item *i)
{
	i->unit = view_of("u");
}

static void
one_byte_of_a_cgroup(struct binding_item *i)
{
	i->cgroup = view_of("c");
}

static void
relative_exe(struct binding_item *i)
{
	i->exe = view_of("bin/sh");
}

static void
only_the_root(struct binding_item *i)
{
	i->exe = view_of("/");
}

static void
zero_in_exe(struct binding_item *i)
{
	i->exe = (struct view){ (const uint8_t *)"/bin/\0sh", 8 };
}

static void
no_unit(struct binding_item *i)
{
	i->unit = view_of("agent");
}

static void
no_cgroup(struct binding_item *i)
{
	i->cgroup = view_of("/a/../b");
}

static void
nobody(struct binding_item *i)
{
	i->uid = NO_ID;
	i->unit = i->cgroup = view_of("");
}

START_TEST(an_item_that_cant_be_true_is_refused)
{
	refuse(overflow_uid);
	refuse(overflow_gid);
	refuse(short_digest);
	refuse(relative_exe);
	refuse(only_the_root);
	refuse(zero_in_exe);
	refuse(one_byte_of_a_unit);
	refuse(one_byte_of_a_cgroup);
	refuse(no_unit);
	refuse(no_cgroup);
	refuse(nobody);
}
END_TEST

START_TEST(a_description_says_what_is_bound_and_stays_in_its_room)
{
	struct binding b = all();
	char text[200], small[24];

	binding_describe(&b, text, sizeof(text));
	ck_assert_str_eq(text, "uid 2001 gid 3001 unit agent.service "
	    "exe /usr/bin/agent sha256 0102030000000000 "
	    "cgroup /system.slice/agent.service");
	binding_describe(&b, small, sizeof(small));
	ck_assert_str_eq(small, "uid 2001 gid 3001 unit ");
	b = (struct binding){ .uid = NO_ID, .gid = NO_ID,
		.unit = "agent.service" };
	binding_describe(&b, text, sizeof(text));
	ck_assert_str_eq(text, "unit agent.service");
	b = (struct binding){ .uid = NO_ID, .gid = NO_ID, .unit = "u",
		.exe = "/", .cgroup = "/" };
	binding_describe(&b, text, sizeof(text));
	ck_assert_str_eq(text, "unit u exe / cgroup /");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("binding");
	TCase *t = tcase_create("binding");
	SRunner *sr;
	int failed;

	tcase_add_test(t, all_of_a_binding_must_fit);
	tcase_add_test(t, the_ids_must_fit_as_well);
	tcase_add_test(t, a_program_that_is_not_sure_fits_nothing);
	tcase_add_test(t, what_is_not_known_fits_nothing);
	tcase_add_test(t, what_is_not_bound_may_be_anything);
	tcase_add_test(t, one_character_binds);
	tcase_add_test(t, a_cgroup_is_itself_and_what_is_below);
	tcase_add_test(t, who_cant_be_seen_fits_nothing);
	tcase_add_test(t, an_item_comes_back_as_it_was);
	tcase_add_test(t, a_binding_without_a_digest_has_none_as_an_item);
	tcase_add_test(t, bindings_that_differ_in_one_thing_are_two);
	tcase_add_test(t, an_item_needs_only_what_tells_who_it_is);
	tcase_add_test(t, an_item_that_cant_be_true_is_refused);
	tcase_add_test(t,
	    a_description_says_what_is_bound_and_stays_in_its_room);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
