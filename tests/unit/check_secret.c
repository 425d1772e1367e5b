/*
 * Tests of client/secret.c: the type that secrets are kept in.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cofre.h"
#include "secret.h"

/* AddressSanitizer makes mlock(2) do nothing, and say that it did. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define LOCKING_IS_REAL 0
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define LOCKING_IS_REAL 0
#endif
#ifndef LOCKING_IS_REAL
#define LOCKING_IS_REAL 1
#endif

static cofre_secret *
make_generic(void)
{
	cofre_secret *s = NULL;

	ck_assert_int_eq(cofre_secret_new(&s, COFRE_KIND_GENERIC,
			     COFRE_DATASTORE_NONE), COFRE_OK);
	return s;
}

static const struct {
	unsigned kind;
	unsigned datastore;
	enum cofre_status status;
} kinds[] = {
	{ COFRE_KIND_STORAGE, 0, COFRE_OK },
	{ COFRE_KIND_REGISTRY, 0, COFRE_OK },
	{ COFRE_KIND_GENERIC, 0, COFRE_OK },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_BLOB, COFRE_OK },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_DBFS, COFRE_OK },
	{ COFRE_KIND_DATASTORE, 0, COFRE_ARGUMENT },
	{ COFRE_KIND_DATASTORE, 9, COFRE_ARGUMENT },
	{ COFRE_KIND_GENERIC, COFRE_DATASTORE_DBFS, COFRE_ARGUMENT },
	{ COFRE_KIND_CERTIFICATE, 0, COFRE_ARGUMENT },
	{ COFRE_KIND_KEY, 0, COFRE_ARGUMENT },
	{ COFRE_KIND_SSH_KEY, 0, COFRE_ARGUMENT },
	{ 0, 0, COFRE_ARGUMENT },
	{ 8, 0, COFRE_ARGUMENT },
	{ 256 + COFRE_KIND_GENERIC, 0, COFRE_ARGUMENT },
	{ COFRE_KIND_GENERIC, 256, COFRE_ARGUMENT },
};

START_TEST(only_kinds_that_clients_store_can_be_made)
{
	cofre_secret *s = NULL;

	ck_assert_int_eq(cofre_secret_new(&s,
			     (enum cofre_kind)kinds[_i].kind,
			     (enum cofre_datastore)kinds[_i].datastore),
	    kinds[_i].status);
	ck_assert_int_eq(s != NULL, kinds[_i].status == COFRE_OK);
	if (s != NULL) {
		ck_assert_uint_eq(cofre_secret_kind(s), kinds[_i].kind);
		ck_assert_uint_eq(cofre_secret_datastore(s),
		    kinds[_i].datastore);
	}
	cofre_secret_free(s);
}
END_TEST

START_TEST(the_library_can_make_kinds_that_clients_cannot)
{
	cofre_secret *s = NULL;

	ck_assert_int_eq(secret_make(&s, COFRE_KIND_SSH_KEY, 0, 0), COFRE_OK);
	secret_describe(s, 7, 6, 8, 9);
	ck_assert_uint_eq(cofre_secret_version(s), 7);
	ck_assert_uint_eq(cofre_secret_followed(s), 6);
	ck_assert_uint_eq(cofre_secret_created(s), 8);
	ck_assert_uint_eq(cofre_secret_expires(s), 9);
	cofre_secret_free(s);
	ck_assert_int_eq(secret_make(&s, 8, 0, 0), COFRE_ARGUMENT);
}
END_TEST

START_TEST(a_datastore_can_follow_and_nothing_else)
{
	cofre_secret *s = make_generic();

	ck_assert_int_eq(cofre_secret_follow(NULL, "a"), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_secret_follow(s, "a"), COFRE_ARGUMENT);
	cofre_secret_free(s);
	ck_assert_int_eq(cofre_secret_new(&s, COFRE_KIND_DATASTORE,
			     COFRE_DATASTORE_AZURE_BLOB), COFRE_OK);
	ck_assert_str_eq(secret_follows(s), "");
	ck_assert_int_eq(cofre_secret_follow(s, "longer"), COFRE_OK);
	ck_assert_str_eq(secret_follows(s), "longer");
	ck_assert_int_eq(cofre_secret_follow(s, "-a"), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_secret_follow(s, ""), COFRE_ARGUMENT);
	ck_assert_str_eq(secret_follows(s), "longer");
	ck_assert_int_eq(cofre_secret_follow(s, "b"), COFRE_OK);
	ck_assert_str_eq(secret_follows(s), "b");
	ck_assert_int_eq(cofre_secret_follow(s, NULL), COFRE_OK);
	ck_assert_str_eq(secret_follows(s), "");
	cofre_secret_free(s);
}
END_TEST

START_TEST(free_takes_null)
{
	cofre_secret_free(NULL);
	cofre_text_free(NULL);
	cofre_close(NULL);
}
END_TEST

START_TEST(fields_come_back_in_order_and_end_with_a_nul)
{
	cofre_secret *s = make_generic();
	size_t len = 99;
	const char *v;

	ck_assert_int_eq(cofre_secret_add(s, "value", 1, "a\0b", 3), COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "note", 0, NULL, 0), COFRE_OK);
	ck_assert_uint_eq(cofre_secret_count(s), 2);
	ck_assert_str_eq(cofre_secret_field_name(s, 0), "value");
	ck_assert_str_eq(cofre_secret_field_name(s, 1), "note");
	ck_assert_ptr_null(cofre_secret_field_name(s, 2));
	ck_assert_int_eq(cofre_secret_field_is_secret(s, 0), 1);
	ck_assert_int_eq(cofre_secret_field_is_secret(s, 1), 0);
	ck_assert_int_eq(cofre_secret_field_is_secret(s, 2), 0);
	v = cofre_secret_field(s, "value", &len);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(v, "a\0b", 4);
	ck_assert_str_eq(cofre_secret_field(s, "note", &len), "");
	ck_assert_uint_eq(len, 0);
	ck_assert_ptr_null(cofre_secret_field(s, "Value", &len));
	ck_assert_ptr_null(cofre_secret_field(s, NULL, NULL));
	ck_assert_uint_eq(cofre_secret_version(s), 0);
	cofre_secret_free(s);
}
END_TEST

START_TEST(names_must_be_valid_and_new)
{
	static const char *const bad[] = { "", "1a", "a b", "a=b", "\xc3\xa4",
		".a" };
	char longest[COFRE_FIELD_NAME_MAX + 2];
	cofre_secret *s = make_generic();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(cofre_secret_add(s, bad[i], 0, "x", 1),
		    COFRE_ARGUMENT);
	memset(longest, 'n', sizeof(longest));
	longest[COFRE_FIELD_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(cofre_secret_add(s, longest, 0, "x", 1),
	    COFRE_ARGUMENT);
	longest[COFRE_FIELD_NAME_MAX] = '\0';
	ck_assert_int_eq(cofre_secret_add(s, longest, 0, "x", 1), COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, longest, 0, "x", 1),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_secret_add(s, NULL, 0, "x", 1),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_secret_add(s, "a", 0, NULL, 1),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_secret_add(NULL, "a", 0, "x", 1),
	    COFRE_ARGUMENT);
	ck_assert_uint_eq(cofre_secret_count(s), 1);
	cofre_secret_free(s);
}
END_TEST

START_TEST(values_and_secrets_have_a_limit)
{
	size_t rest = COFRE_SECRET_MAX - (COFRE_VALUE_MAX + 1);
	char *big = calloc(1, COFRE_VALUE_MAX + 1);
	cofre_secret *s = make_generic();

	ck_assert_ptr_nonnull(big);
	ck_assert_int_eq(cofre_secret_add(s, "a", 1, big,
			     COFRE_VALUE_MAX + 1), COFRE_TOO_LARGE);
	ck_assert_int_eq(cofre_secret_add(s, "a", 1, big, COFRE_VALUE_MAX),
	    COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "b", 1, big, rest),
	    COFRE_TOO_LARGE);
	ck_assert_int_eq(cofre_secret_add(s, "b", 1, big, rest - 1),
	    COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "c", 1, "", 0), COFRE_TOO_LARGE);
	cofre_secret_free(s);
	free(big);
}
END_TEST

START_TEST(there_is_a_most_of_fields)
{
	cofre_secret *s = make_generic();
	char name[16];

	for (unsigned i = 0; i < COFRE_FIELDS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		ck_assert_int_eq(cofre_secret_add(s, name, 0, "", 0),
		    COFRE_OK);
	}
	ck_assert_int_eq(cofre_secret_add(s, "one-more", 0, "", 0),
	    COFRE_TOO_LARGE);
	cofre_secret_free(s);
}
END_TEST

/* Areas are added, not moved: 60 fields of 2 kB need several. */
START_TEST(values_stay_where_they_are_while_others_are_added)
{
	cofre_secret *s = make_generic();
	const char *first;
	char value[2000];
	char name[16];

	memset(value, 'v', sizeof(value));
	ck_assert_int_eq(cofre_secret_add(s, "first", 1, "one", 3), COFRE_OK);
	first = cofre_secret_field(s, "first", NULL);
	for (unsigned i = 0; i < 60; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		ck_assert_int_eq(cofre_secret_add(s, name, 1, value,
				     sizeof(value)), COFRE_OK);
	}
	ck_assert_ptr_eq(cofre_secret_field(s, "first", NULL), first);
	ck_assert_str_eq(first, "one");
	ck_assert_mem_eq(cofre_secret_field(s, "f59", NULL), value,
	    sizeof(value));
	cofre_secret_free(s);
}
END_TEST

/* "Locked: N kB" of the mapping that holds p, and whether it is dumped. */
static void
look_up_mapping(const void *p, unsigned long *locked, bool *dumped)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start;
	unsigned long end;
	bool here = false;
	char line[512];

	*locked = 0;
	*dumped = true;
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = (unsigned long)p >= start &&
			    (unsigned long)p < end;
		else if (here && strncmp(line, "Locked:", 7) == 0)
			*locked = strtoul(line + 7, NULL, 10);
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			*dumped = strstr(line, " dd") == NULL;
	}
	(void)fclose(f);
}

START_TEST(memory_is_locked_and_left_out_of_core_dumps)
{
	cofre_secret *s = make_generic();
	unsigned long locked;
	bool dumped;

	ck_assert_int_eq(cofre_secret_add(s, "value", 1, "x", 1), COFRE_OK);
	look_up_mapping(cofre_secret_field(s, "value", NULL), &locked,
	    &dumped);
	ck_assert(!dumped);
	if (LOCKING_IS_REAL)
		ck_assert_int_eq(locked > 0, cofre_secret_is_locked(s));
	cofre_secret_free(s);
}
END_TEST

/*
 * Root may lock without limit, so that the limit only says something once
 * the process is somebody else; the test runs in a process of its own.
 */
START_TEST(it_works_and_says_so_where_locking_is_refused)
{
	const struct rlimit none = { 0, 0 };
	cofre_secret *s;

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	s = make_generic();
	ck_assert_int_eq(cofre_secret_add(s, "value", 1, "x", 1), COFRE_OK);
	ck_assert_str_eq(cofre_secret_field(s, "value", NULL), "x");
	ck_assert_int_eq(cofre_secret_is_locked(s), !LOCKING_IS_REAL);
	cofre_secret_free(s);
}
END_TEST

/* Freed is unmapped: the address is not readable any more. */
START_TEST(freed_memory_is_gone)
{
	cofre_secret *s = make_generic();
	unsigned char there;
	void *page;

	ck_assert_int_eq(cofre_secret_add(s, "value", 1, "x", 1), COFRE_OK);
	page = (void *)((uintptr_t)cofre_secret_field(s, "value", NULL) &
	    ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1));
	ck_assert_int_eq(mincore(page, 1, &there), 0);
	cofre_secret_free(s);
	ck_assert_int_eq(mincore(page, 1, &there), -1);
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

START_TEST(a_child_process_does_not_get_the_secret)
{
	cofre_secret *s = make_generic();
	const char *value;
	unsigned char there;
	int status;
	pid_t pid;

	ck_assert_int_eq(cofre_secret_add(s, "value", 1, "x", 1), COFRE_OK);
	value = cofre_secret_field(s, "value", NULL);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		void *page = (void *)((uintptr_t)value &
		    ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1));

		_exit(mincore(page, 1, &there) == -1 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	cofre_secret_free(s);
}
END_TEST

static Suite *
secret_suite(void)
{
	Suite *s = suite_create("secret");
	TCase *t = tcase_create("secret");

	tcase_add_loop_test(t, only_kinds_that_clients_store_can_be_made, 0,
	    (int)(sizeof(kinds) / sizeof(kinds[0])));
	tcase_add_test(t, the_library_can_make_kinds_that_clients_cannot);
	tcase_add_test(t, a_datastore_can_follow_and_nothing_else);
	tcase_add_test(t, free_takes_null);
	tcase_add_test(t, fields_come_back_in_order_and_end_with_a_nul);
	tcase_add_test(t, names_must_be_valid_and_new);
	tcase_add_test(t, values_and_secrets_have_a_limit);
	tcase_add_test(t, there_is_a_most_of_fields);
	tcase_add_test(t,
	    values_stay_where_they_are_while_others_are_added);
	tcase_add_test(t, memory_is_locked_and_left_out_of_core_dumps);
	tcase_add_test(t, it_works_and_says_so_where_locking_is_refused);
	tcase_add_test(t, freed_memory_is_gone);
	tcase_add_test(t, a_child_process_does_not_get_the_secret);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(secret_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
