/* Tests of bus.c: a file that is cut short under its map. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus.h"
#include "statedir.h"

#define SIZE (4u * 4096)
#define AREA 4096u

/* Shared with the test, so that it sees what the handler has left. */
static uint8_t *area;
static uint8_t *map;
static int fd;

static void
setup(void)
{
	static const uint8_t zeros[SIZE];

	statedir_setup();
	statedir_write("file", zeros, SIZE);
	fd = open("file", O_RDWR | O_CLOEXEC);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(fd != -1 && map != MAP_FAILED && area != MAP_FAILED);
	memset(area, 'k', AREA);
}

/* What a process says and how it ends that does that. */
static int
run(void (*fn)(void), char *text, size_t size)
{
	int said[2], status;
	size_t have = 0;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(said), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)dup2(said[1], 2);
		if (!bus_catch())
			_exit(9);
		bus_wipe(area, AREA);
		bus_file(fd, SIZE, "the file");
		fn();
		_exit(0);
	}
	(void)close(said[1]);
	while ((n = read(said[0], text + have, size - 1 - have)) > 0)
		have += (size_t)n;
	text[have] = '\0';
	(void)close(said[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
cut(void)
{
	(void)!ftruncate(fd, 4096);
}

static void
read_beyond(void)
{
	cut();
	(void)*(volatile uint8_t *)(map + 2 * 4096);
}

static void
write_beyond(void)
{
	cut();
	*(volatile uint8_t *)(map + SIZE - 1) = 1;
}

static void
look(void)
{
	bus_check();
	cut();
	bus_check();
}

static void
be_sent_one(void)
{
	(void)raise(SIGBUS);
}

static void
touch_an_unknown_map(void)
{
	bus_forget(fd);
	read_beyond();
}

static void
look_at_none(void)
{
	bus_forget(-1);
	bus_forget(fd);
	bus_forget(fd);
	cut();
	bus_check();
}

static void
grow_and_look(void)
{
	bus_file(fd, 2 * SIZE, "the longer file");
	bus_check();
}

static void
be_wiped_before(void)
{
	bus_wiped();
	read_beyond();
}

static const struct end {
	void (*fn)(void);
	int code;
	const char *says;
	bool wiped;
} ends[] = {
	{ read_beyond, BUS_EXIT, "cofred: the file was cut short", true },
	{ write_beyond, BUS_EXIT, "cofred: the file was cut short", true },
	{ look, BUS_EXIT, "cofred: the file was cut short", true },
	{ be_sent_one, BUS_EXIT, "cofred: a mapped file", true },
	{ touch_an_unknown_map, BUS_EXIT, "cofred: a mapped file", true },
	{ look_at_none, 0, "", false },
	{ grow_and_look, BUS_EXIT, "cofred: the longer file was", true },
	{ be_wiped_before, BUS_EXIT, "cofred: the file was cut short",
	    false },
};

START_TEST(it_is_told_and_the_keys_are_wiped)
{
	static const uint8_t zeros[AREA];
	const struct end *e = &ends[_i];
	char text[512];

	ck_assert_int_eq(run(e->fn, text, sizeof(text)), e->code);
	ck_assert_msg(strncmp(text, e->says, strlen(e->says)) == 0, "%s",
	    text);
	ck_assert_int_eq(memcmp(area, zeros, AREA) == 0, e->wiped);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bus");
	TCase *t = tcase_create("bus");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, statedir_teardown);
	tcase_add_loop_test(t, it_is_told_and_the_keys_are_wiped, 0,
	    sizeof(ends) / sizeof(ends[0]));
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
