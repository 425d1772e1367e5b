/*
 * Tests of store_pages.c and store_check.c: a store that is whole is let
 * through, whatever was written to it; one with a changed byte is refused, or
 * LMDB does not die of it.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "in_sandbox.h"
#include "statedir.h"
#include "store_check.h"
#include "store_pages.h"

#define PAGE 4096u
#define ROWS 400u
#define LONGEST 13000u

static struct store *s;

static void
put(uint32_t i, size_t size)
{
	static uint8_t value[LONGEST];
	uint8_t key[40];
	struct wire_writer w;

	/* Keys of several lengths, some of them long. */
	memset(key, 'k', sizeof(key));
	wire_writer_init(&w, key, sizeof(key));
	wire_put_u32(&w, i * 2654435761u);
	memset(value, (int)i + 1, size);
	ck_assert_int_eq(store_put(s, (struct view){ key, 4 + i % 36 },
			     (struct view){ value, size }), COFRE_OK);
}

static void
delete(uint32_t i)
{
	uint8_t key[40];
	struct wire_writer w;

	memset(key, 'k', sizeof(key));
	wire_writer_init(&w, key, sizeof(key));
	wire_put_u32(&w, i * 2654435761u);
	(void)store_delete(s, (struct view){ key, 4 + i % 36 });
}

static size_t
any_size(uint32_t r)
{
	return r % 5 == 0 ? r % LONGEST : r % 300;
}

/* Look at the file as it is; the text why not, or "". */
static const char *
problem(void)
{
	static char text[200];
	size_t size = (size_t)statedir_size(STATEDIR_FILE);
	int fd = open(STATEDIR_FILE, O_RDONLY | O_CLOEXEC);
	uint8_t *file = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(file, MAP_FAILED);
	text[0] = '\0';
	(void)store_pages_check(file, size, text, sizeof(text));
	(void)munmap(file, size);
	(void)close(fd);
	return text;
}

/* A store with a past: rows put, replaced and deleted in some commits. */
static void
make_store(uint32_t seed, unsigned commits)
{
	srandom(seed);
	s = statedir_open(64 * MIB);
	for (unsigned n = 0; n < commits; n++) {
		ck_assert_int_eq(store_begin(s, MIB, false), COFRE_OK);
		for (unsigned i = 0; i < 60; i++) {
			uint32_t r = (uint32_t)random();

			if (r % 3 == 0)
				delete(r % ROWS);
			else
				put(r % ROWS, any_size(r / 7));
		}
		ck_assert_int_eq(store_commit(s), COFRE_OK);
		ck_assert_msg(problem()[0] == '\0', "commit %u: %s", n,
		    problem());
	}
	store_close(s);
}

START_TEST(a_whole_store_is_let_through_after_each_commit)
{
	make_store((uint32_t)_i + 1, 120);
	ck_assert_str_eq(statedir_checked(), "");
}
END_TEST

START_TEST(a_store_that_was_emptied_is_let_through)
{
	make_store(5, 40);
	s = statedir_open(64 * MIB);
	for (unsigned at = 0; at < ROWS; at += 50) {
		ck_assert_int_eq(store_begin(s, MIB, true), COFRE_OK);
		for (unsigned i = at; i < at + 50; i++)
			delete(i);
		ck_assert_int_eq(store_commit(s), COFRE_OK);
		ck_assert_msg(problem()[0] == '\0', "%s", problem());
	}
	store_close(s);
}
END_TEST

/* What the daemon may do to a store, in a process that may die of it. */
static bool
visit(void *arg, struct view key, struct view value)
{
	unsigned *sum = arg;

	for (size_t i = 0; i < value.len; i++)
		*sum += value.data[i];
	return key.len > 0;
}

static int
use(uint32_t seed)
{
	unsigned sum = 0;
	char error[256];
	pid_t pid = fork();
	int status;

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		srandom(seed);
		(void)alarm(20);
		if ((s = store_open(STATEDIR_FILE, 64 * MIB, error,
			 sizeof(error))) == NULL)
			_exit(0);
		(void)store_walk(s, NULL, visit, &sum);
		store_release(s);
		for (unsigned n = 0; n < 3; n++) {
			if (store_begin(s, MIB, false) != COFRE_OK)
				_exit(0);
			for (unsigned i = 0; i < 150; i++)
				if (random() % 2 == 0)
					delete((uint32_t)random() % ROWS);
			for (unsigned i = 0; i < 30; i++)
				put((uint32_t)random() % ROWS,
				    any_size((uint32_t)random()));
			if (store_commit(s) != COFRE_OK)
				_exit(0);
		}
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Does LMDB keep its own things there: a meta page, a branch or a leaf? */
static bool
is_for_lmdb(const uint8_t *file, uint64_t page)
{
	return memcmp(file + page * PAGE, &page, sizeof(page)) == 0 &&
	    (file[page * PAGE + 10] & 0x0b) != 0;
}

START_TEST(what_is_let_through_lmdb_does_not_die_of)
{
	size_t size, used = 0, passed = 0, refused = 0;
	uint8_t *file;

	make_store(7, 1);
	s = statedir_open(64 * MIB);
	ck_assert_int_eq(store_begin(s, MIB, false), COFRE_OK);
	for (uint32_t i = 0; i < ROWS; i++)
		put(i, any_size(i));
	ck_assert_int_eq(store_commit(s), COFRE_OK);
	store_close(s);
	file = statedir_read(STATEDIR_FILE, &size);
	for (size_t at = 0; at < size; at++)
		if (file[at] != 0)
			used = at;
	/* Without what was never used it is quicker. */
	size = (used / PAGE + 1) * PAGE;
	while (passed < 150) {
		size_t page = (size_t)random() % (size / PAGE);
		size_t at = page * PAGE +
		    (size_t)random() % (random() % 4 > 0 ? 40 : PAGE);
		uint8_t change = (uint8_t)(random() % 2 == 0 ? 0xff :
			1 << random() % 8);

		if (!is_for_lmdb(file, page))
			continue;
		file[at] ^= change;
		statedir_write(STATEDIR_FILE, file, size);
		if (problem()[0] != '\0')
			refused++;
		else {
			passed++;
			ck_assert_msg(use((uint32_t)at) == 0,
			    "byte %zu, changed by %02x", at, change);
		}
		file[at] ^= change;
	}
	ck_assert_uint_gt(refused, 50);
	free(file);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_pages");
	TCase *t = tcase_create("store_pages");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, statedir_setup, statedir_teardown);
	tcase_add_loop_test(t, a_whole_store_is_let_through_after_each_commit,
	    0, 6);
	tcase_add_test(t, a_store_that_was_emptied_is_let_through);
	tcase_add_test(t, what_is_let_through_lmdb_does_not_die_of);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
