#include "starting.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int printed;

void
starting_setup(void)
{
	char name[] = "/tmp/starting.XXXXXX";

	printed = mkstemp(name);
	ck_assert_int_ne(printed, -1);
	ck_assert_int_eq(unlink(name), 0);
}

void
starting_teardown(void)
{
	(void)close(printed);
}

int
starting_file(void)
{
	return printed;
}

bool
starting_run(starting_step *step, struct start *st, struct server *sv,
    const char **text)
{
	static char buf[4096];
	int out = dup(STDERR_FILENO);
	ssize_t n;
	bool good;

	ck_assert_int_eq(ftruncate(printed, 0), 0);
	ck_assert_int_eq(dup2(printed, STDERR_FILENO), STDERR_FILENO);
	good = step(st, sv);
	ck_assert_int_eq(dup2(out, STDERR_FILENO), STDERR_FILENO);
	(void)close(out);
	n = pread(printed, buf, sizeof(buf) - 1, 0);
	(void)lseek(printed, 0, SEEK_SET);
	buf[n > 0 ? n : 0] = '\0';
	*text = buf;
	return good;
}

void
starting_refused(starting_step *step, struct start *st, struct server *sv,
    const char *why)
{
	const char *text;

	ck_assert_msg(!starting_run(step, st, sv, &text),
	    "it goes on, without '%s'", why);
	ck_assert_msg(strstr(text, why) != NULL, "'%s' instead of '%s'", text,
	    why);
}
