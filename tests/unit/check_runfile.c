/*
 * Tests of client/runfile.c, and of memfile.c and pgpass.c below it: the
 * files that a run's program gets.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memfile.h"
#include "pgpass.h"
#include "runfile.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VIEW(s) ((struct view){ (const uint8_t *)(s), sizeof(s) - 1 })

static const int all_seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW |
    F_SEAL_SEAL;

/* The file holds this; it is closed. */
static void
file_is(int fd, const char *want, size_t len)
{
	char got[1024];

	ck_assert_int_eq(read(fd, got, sizeof(got)), (ssize_t)len);
	ck_assert_mem_eq(got, want, len);
	ck_assert_int_eq(close(fd), 0);
}

START_TEST(a_file_has_its_bytes_and_mode_0600)
{
	int fd = memfile_make(VIEW("a\0b\n"));
	struct stat st;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(st.st_uid, geteuid());
	ck_assert_int_eq(st.st_size, 4);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
	file_is(fd, "a\0b\n", 4);
}
END_TEST

START_TEST(nobody_can_change_a_file)
{
	int fd = memfile_make(VIEW("secret"));
	char path[48];
	int again;

	ck_assert_int_eq(fcntl(fd, F_GET_SEALS) & all_seals, all_seals);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(errno, EBADF);
	/* Who opens it again, for writing, gets no further. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR);
	ck_assert_int_ge(again, 0);
	ck_assert_int_eq(write(again, "x", 1), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(again, 0), -1);
	ck_assert_int_eq(ftruncate(again, 100), -1);
	ck_assert_ptr_eq(mmap(NULL, 6, PROT_READ | PROT_WRITE, MAP_SHARED,
			     again, 0), MAP_FAILED);
	ck_assert_int_eq(fcntl(again, F_ADD_SEALS, F_SEAL_WRITE), -1);
	(void)close(again);
	file_is(fd, "secret", 6);
}
END_TEST

START_TEST(a_file_has_no_telling_name)
{
	int fd = memfile_make(VIEW("secret"));
	char path[48], name[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_gt(readlink(path, name, sizeof(name) - 1), 0);
	ck_assert_str_eq(name, "/memfd:cofre (deleted)");
	(void)close(fd);
}
END_TEST

START_TEST(a_file_may_be_empty_or_large)
{
	static uint8_t large[3 * COFRE_VALUE_MAX];
	struct stat st;
	int fd = memfile_make((struct view){ NULL, 0 });

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	file_is(fd, "", 0);
	fd = memfile_make((struct view){ large, sizeof(large) });
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, (off_t)sizeof(large));
	(void)close(fd);
}
END_TEST

/* As in the command: no dump, and no capability that opens every file. */
START_TEST(a_file_can_be_made_where_nobody_may_look_in)
{
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(41001, 41001, 41001), 0);
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
	(void)umask(0777);
	file_is(memfile_make(VIEW("secret")), "secret", 6);
}
END_TEST

START_TEST(what_has_no_descriptor_leaves_none_behind)
{
	int before = open("/dev/null", O_RDONLY), after;
	int fds[2];

	(void)close(before);
	fds[0] = memfile_make(VIEW("a"));
	fds[1] = memfile_make(VIEW("b"));
	(void)close(fds[0]);
	(void)close(fds[1]);
	after = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(after, before);
	(void)close(after);
}
END_TEST

/*
 * What a file holds.
 */

struct row {
	const char *name;
	const char *value;
	int is_secret;
};

static cofre_secret *
make_secret(enum cofre_kind kind, enum cofre_datastore type,
    const struct row *rows, size_t n)
{
	cofre_secret *s;

	ck_assert_int_eq(cofre_secret_new(&s, kind, type), COFRE_OK);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(cofre_secret_add(s, rows[i].name,
				     rows[i].is_secret, rows[i].value,
				     strlen(rows[i].value)), COFRE_OK);
	return s;
}

static const struct row postgres[] = {
	{ "server", "db.example", 0 }, { "port", "5432", 0 },
	{ "database", "sales", 0 }, { "user", "app", 0 },
	{ "password", "p:w\\d*#", 1 },
};

static enum cofre_status
make(const cofre_secret *s, const char *text, int *fd, struct problem *p)
{
	struct runspec_secret spec;

	ck_assert_int_eq(runspec_secret(text, &spec, p), COFRE_OK);
	return runfile_make(s, &spec, "ml-prod/sql", fd, p);
}

static const struct {
	const char *text;
	const char *holds;	  /* NULL: what that format makes of it */
	enum cofre_format format;
} contents[] = {
	{ "sql", "p:w\\d*#", 0 },
	{ "sql:user", "app", 0 },
	{ "sql:pgpass", "db.example:5432:sales:app:p\\:w\\\\d*#\n", 0 },
	{ "sql:libpq", NULL, COFRE_FORMAT_LIBPQ },
	{ "sql:postgres-uri", NULL, COFRE_FORMAT_POSTGRES_URI },
};

START_TEST(a_file_holds_what_was_asked_for)
{
	cofre_secret *s = make_secret(COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_POSTGRES, postgres, COUNT(postgres));
	const char *holds = contents[_i].holds;
	struct problem p = { "" };
	char *text = NULL;
	int fd = -1;

	if (holds == NULL) {
		ck_assert_int_eq(cofre_render(contents[_i].format, s, &text,
				     NULL, NULL), COFRE_OK);
		holds = text;
	}
	ck_assert_msg(make(s, contents[_i].text, &fd, &p) == COFRE_OK, "%s",
	    p.text);
	file_is(fd, holds, strlen(holds));
	cofre_text_free(text);
	cofre_secret_free(s);
}
END_TEST

START_TEST(json_is_that_of_get)
{
	cofre_secret *s = make_secret(COFRE_KIND_GENERIC, 0,
	    &(const struct row){ "value", "v", 1 }, 1);
	static const char want[] = "{\"name\": \"ml-prod/sql\", \"kind\": "
	    "\"generic\", \"type\": null, \"version\": 0, \"created\": null, "
	    "\"expires\": null, \"fields\": {\"value\": {\"secret\": true, "
	    "\"value\": \"v\"}}}\n";
	struct problem p;
	int fd = -1;

	ck_assert_int_eq(make(s, "sql:json", &fd, &p), COFRE_OK);
	file_is(fd, want, sizeof(want) - 1);
	cofre_secret_free(s);
}
END_TEST

START_TEST(what_is_not_clear_is_refused_with_the_choices)
{
	static const struct row two[] = { { "a", "1", 1 }, { "b", "2", 1 },
		{ "note", "n", 0 } };
	cofre_secret *s = make_secret(COFRE_KIND_GENERIC, 0, two, 3);
	struct problem p;
	int fd = -7;

	ck_assert_int_eq(make(s, "sql", &fd, &p), COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(p.text, "a, b, note"));
	ck_assert_ptr_nonnull(strstr(p.text, "pgpass"));
	ck_assert_int_eq(make(s, "sql:c", &fd, &p), COFRE_NO_FIELD);
	ck_assert_ptr_nonnull(strstr(p.text, "'c'"));
	ck_assert_int_eq(make(s, "sql:libpq", &fd, &p), COFRE_ARGUMENT);
	ck_assert_int_eq(make(s, "sql:pgpass", &fd, &p), COFRE_FORMAT);
	ck_assert_int_eq(fd, -7);
	ck_assert_int_eq(make(s, "sql:b", &fd, &p), COFRE_OK);
	file_is(fd, "2", 1);
	cofre_secret_free(s);
}
END_TEST

/*
 * The line of a passfile.
 */

static const struct {
	struct row rows[5];
	size_t n;
	const char *line; /* NULL: refused */
	const char *error;
} lines[] = {
	{ { { "password", "x", 1 } }, 1, "*:*:*:*:x\n", "" },
	{ { { "password", "x", 1 }, { "server", "", 0 } }, 2, "*:*:*:*:x\n",
	    "" },
	{ { { "password", "a:b", 1 }, { "server", "::1", 0 } }, 2,
	    "\\:\\:1:*:*:*:a\\:b\n", "" },
	{ { { "password", "\\", 1 }, { "server", "/run/pg", 0 } }, 2,
	    "/run/pg:*:*:*:\\\\\n", "" },
	{ { { "password", "#x", 1 }, { "server", "#h", 0 },
	      { "user", "*", 0 }, { "database", "a*", 0 } }, 4,
	    "\\#h:*:a*:\\*:\\#x\n", "" },
	{ { { "server", "h", 0 } }, 1, NULL, "no password" },
	{ { { "password", "", 1 } }, 1, NULL, "no password" },
	{ { { "password", "a\nb", 1 } }, 1, NULL, "password has a line" },
	{ { { "password", "a\rb", 1 } }, 1, NULL, "password has a line" },
	{ { { "password", "a", 1 }, { "server", "a,b", 0 } }, 2, NULL,
	    "several hosts" },
};

START_TEST(a_passfile_has_one_line)
{
	cofre_secret *s = make_secret(COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_POSTGRES, lines[_i].rows, lines[_i].n);
	struct problem p = { "" };
	struct secmem m;
	struct view text;

	if (lines[_i].line != NULL) {
		ck_assert_int_eq(pgpass_make(s, &m, &text, &p), COFRE_OK);
		ck_assert_uint_eq(text.len, strlen(lines[_i].line));
		ck_assert_mem_eq(text.data, lines[_i].line, text.len);
		secmem_free(&m);
	} else {
		ck_assert_int_eq(pgpass_make(s, &m, &text, &p), COFRE_FORMAT);
		ck_assert_ptr_nonnull(strstr(p.text, lines[_i].error));
	}
	cofre_secret_free(s);
}
END_TEST

/* Of another type, or with what would end the line. */
START_TEST(a_passfile_is_of_postgres_alone)
{
	cofre_secret *s = make_secret(COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_MYSQL, lines[0].rows, lines[0].n);
	struct problem p = { "" };
	struct secmem m;
	struct view text;

	ck_assert_int_eq(pgpass_make(s, &m, &text, &p), COFRE_FORMAT);
	ck_assert_str_eq(p.text,
	    "pgpass is for datastores of type azure-postgres");
	cofre_secret_free(s);
	s = NULL;
	ck_assert_int_eq(cofre_secret_new(&s, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_POSTGRES), COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "password", 1, "a\0b", 3),
	    COFRE_OK);
	ck_assert_int_eq(pgpass_make(s, &m, &text, &p), COFRE_FORMAT);
	ck_assert_ptr_nonnull(strstr(p.text, "password has a line break or"));
	cofre_secret_free(s);
}
END_TEST

static Suite *
runfile_suite(void)
{
	Suite *s = suite_create("runfile");
	TCase *t = tcase_create("runfile");

	tcase_add_test(t, a_file_has_its_bytes_and_mode_0600);
	tcase_add_test(t, nobody_can_change_a_file);
	tcase_add_test(t, a_file_has_no_telling_name);
	tcase_add_test(t, a_file_may_be_empty_or_large);
	tcase_add_test(t, a_file_can_be_made_where_nobody_may_look_in);
	tcase_add_test(t, what_has_no_descriptor_leaves_none_behind);
	tcase_add_loop_test(t, a_file_holds_what_was_asked_for, 0,
	    (int)COUNT(contents));
	tcase_add_test(t, json_is_that_of_get);
	tcase_add_test(t, what_is_not_clear_is_refused_with_the_choices);
	tcase_add_test(t, a_passfile_is_of_postgres_alone);
	tcase_add_loop_test(t, a_passfile_has_one_line, 0,
	    (int)COUNT(lines));
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(runfile_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
