/* Tests of client/authscript.c: the script runs, in a real shell. */
#include <check.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authline.h"
#include "authscript.h"
#include "crypto.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FILE_SIZE 4096u

/* The keys with 32 bytes of 1, 2 and 3. */
#define KEY1 "AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define KEY2 "AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
#define KEY3 "AAAAC3NzaC1lZDI1NTE5AAAAIAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"
#define LINE1 "restrict ssh-ed25519 " KEY1 " cofre:w/a#1"
#define LINE2 "restrict ssh-ed25519 " KEY2 " cofre:w/a#2"

static char dir[] = "/tmp/check_authscript.XXXXXX";
static char path[64], new[80], script[AUTHSCRIPT_SIZE];
static const struct passwd *me;
static const char *shell = "sh";

static void
setup(void)
{
	(void)strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/keys", dir);
	(void)snprintf(new, sizeof(new), "%s.cofre", path);
	me = getpwuid(geteuid());
	ck_assert_ptr_nonnull(me);
}

static void
teardown(void)
{
	(void)unlink(new);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
put(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	(void)close(fd);
}

static const char *
get(void)
{
	static char text[FILE_SIZE];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	(void)close(fd);
	return text;
}

/* The exit status of the shell that is sent len bytes of the script. */
static int
send_to_shell(size_t len)
{
	FILE *f;
	char line[64];
	int status;

	(void)snprintf(line, sizeof(line), "%s -s 2>/dev/null", shell);
	f = popen(line, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(script, 1, len, f), len);
	status = pclose(f);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
run(const struct authscript *a)
{
	ck_assert(authscript_make(script, sizeof(script), a));
	return send_to_shell(strlen(script));
}

static int
run_with(const char *line, const char *other, const uint8_t *gone)
{
	uint8_t bytes[SSH_KEY_BLOB_LEN];
	struct authscript a = { .user = me->pw_name, .file = path,
		.lines = { line, other },
		.line_count = other != NULL ? 2 : line != NULL ? 1 : 0 };
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	if (gone != NULL) {
		ssh_key_put(&w, gone);
		a.gone[a.gone_count++] = (struct view){ bytes, w.len };
	}
	return run(&a);
}

static const struct {
	const char *before, *after; /* NULL: there is no file */
} additions[] = {
	{ NULL, LINE1 "\n" },
	{ "", LINE1 "\n" },
	{ "# nothing\n", "# nothing\n" LINE1 "\n" },
	/* The last line has no newline. */
	{ "ssh-rsa AAAA a", "ssh-rsa AAAA a\n" LINE1 "\n" },
	/* Other keys, and what only looks like this one. */
	{ LINE2 "\n", LINE2 "\n" LINE1 "\n" },
	{ "# ssh-ed25519 " KEY1 "\n", "# ssh-ed25519 " KEY1 "\n" LINE1 "\n" },
	{ "ssh-ed25519 " KEY1 "x\n", "ssh-ed25519 " KEY1 "x\n" LINE1 "\n" },
	{ "ssh-ed25519 " KEY2 " " KEY1 "\n",
	    "ssh-ed25519 " KEY2 " " KEY1 "\n" LINE1 "\n" },
	{ "command=\"echo ssh-ed25519 " KEY1 " \\\" ssh-ed25519 " KEY1
	  "\" ssh-ed25519 " KEY3 "\n",
	    "command=\"echo ssh-ed25519 " KEY1 " \\\" ssh-ed25519 " KEY1
	    "\" ssh-ed25519 " KEY3 "\n" LINE1 "\n" },
	{ "ssh-rsa " KEY1 "\n", "ssh-rsa " KEY1 "\n" LINE1 "\n" },
	{ "a b\\nc\\ $(touch x) `id` %s\n",
	    "a b\\nc\\ $(touch x) `id` %s\n" LINE1 "\n" },
	/* The same key is written otherwise: it gets this line, in its place. */
	{ "ssh-ed25519 " KEY1 "\n" LINE2 "\n", LINE1 "\n" LINE2 "\n" },
	{ " \tno-pty,command=\"a b\"\tssh-ed25519  " KEY1 " x y\r\nzz\n",
	    LINE1 "\nzz\n" },
	{ "ssh-ed25519 " KEY1 "\r\n", LINE1 "\n" },
	/* And once only. */
	{ LINE1 "\nssh-ed25519 " KEY1 "\n" LINE2 "\n" LINE1 "\n",
	    LINE1 "\n" LINE2 "\n" },
};

START_TEST(a_line_is_added_once)
{
	struct stat st;

	if (additions[_i].before != NULL)
		put(additions[_i].before, 0644);
	ck_assert_int_eq(run_with(LINE1, NULL, NULL), AUTHSCRIPT_CHANGED);
	ck_assert_str_eq(get(), additions[_i].after);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(access(new, F_OK), -1);
	/* Again: nothing is written. */
	ck_assert_int_eq(run_with(LINE1, NULL, NULL), AUTHSCRIPT_UNCHANGED);
	ck_assert_str_eq(get(), additions[_i].after);
}
END_TEST

static const char *const shells[] = { "sh", "bash", "bash --posix" };

START_TEST(keys_are_changed_for_others)
{
	static const uint8_t one[SSH_KEY_LEN] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1 };

	shell = shells[_i];
	put("# mine\n" LINE1 "\nssh-rsa AAAA me\nssh-ed25519 " KEY1, 0600);
	ck_assert_int_eq(run_with(LINE1, LINE2, NULL), AUTHSCRIPT_CHANGED);
	ck_assert_str_eq(get(), "# mine\n" LINE1 "\nssh-rsa AAAA me\n" LINE2
				"\n");
	ck_assert_int_eq(run_with(LINE2, NULL, one), AUTHSCRIPT_CHANGED);
	ck_assert_str_eq(get(), "# mine\nssh-rsa AAAA me\n" LINE2 "\n");
	ck_assert_int_eq(run_with(NULL, NULL, one), AUTHSCRIPT_UNCHANGED);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(run_with(NULL, NULL, one), AUTHSCRIPT_UNCHANGED);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(access(new, F_OK), -1);
}
END_TEST

#define DEAD(options, comment) options "ssh-ed25519 " KEY3 " " comment "\n"

/* Which lines go when the target w/a has the keys 1 and 4. */
static const struct {
	const char *line;
	bool goes, goes_all; /* with newer ones too */
} comments[] = {
	{ DEAD("", "cofre:w/a#2"), true, true },
	{ DEAD("restrict ", "cofre:w/a#4"), true, true },
	{ DEAD("from=\"a b\" ", " cofre:w/a#1 \t\r"), true, true },
	{ DEAD("", "cofre:w/a#5"), false, true },
	{ DEAD("", "cofre:w/a#4294967295"), false, true },
	/* Others'. */
	{ DEAD("", "cofre:w/b#2"), false, false },
	{ DEAD("", "cofre:w/a"), false, false },
	{ DEAD("", "cofre:w/a#"), false, false },
	{ DEAD("", "cofre:w/a#2x"), false, false },
	{ DEAD("", "cofre:w/a#2 x"), false, false },
	{ DEAD("", "x cofre:w/a#2"), false, false },
	{ DEAD("", "xcofre:w/a#2"), false, false },
	{ DEAD("", "cofre:w/a#-2"), false, false },
	{ DEAD("", "COFRE:w/a#2"), false, false },
	{ DEAD("command=\"cofre:w/a#2\" ", ""), false, false },
	{ "ssh-rsa AAAA cofre:w/a#2\n", false, false },
	{ "# cofre:w/a#2\n", false, false },
	{ "# ssh-ed25519 " KEY3 " cofre:w/a#2\n", false, false },
	{ "cofre:w/a#2\n", false, false },
};

START_TEST(a_line_of_a_destroyed_key_goes)
{
	const char *line = comments[_i].line;
	struct authscript a = { .user = me->pw_name, .file = path,
		.lines = { LINE1 }, .line_count = 1, .comment = "cofre:w/a#",
		.newest = 4 };
	char text[1024];

	for (int all = 0; all < 2; all++) {
		bool goes = all ? comments[_i].goes_all : comments[_i].goes;

		a.newest = all ? UINT32_MAX : 4;
		(void)snprintf(text, sizeof(text), "%s" LINE1 "\n%s", line,
		    line);
		put(text, 0600);
		ck_assert_int_eq(run(&a), goes ? AUTHSCRIPT_CHANGED :
						 AUTHSCRIPT_UNCHANGED);
		ck_assert_str_eq(get(), goes ? LINE1 "\n" : text);
	}
}
END_TEST

/* A connection that breaks off in the middle. */
START_TEST(half_a_script_does_nothing)
{
	size_t len;

	put("# mine\n", 0640);
	ck_assert_int_eq(run_with(NULL, NULL, NULL), AUTHSCRIPT_UNCHANGED);
	ck_assert(authscript_make(script, sizeof(script),
	    &(struct authscript){ .user = me->pw_name, .file = path,
		.lines = { LINE1 }, .line_count = 1 }));
	len = strlen(script);
	for (size_t i = 0; i + 6 < len; i += 211)
		(void)send_to_shell(i);
	(void)send_to_shell(len - 7);
	ck_assert_str_eq(get(), "# mine\n");
	ck_assert_int_eq(access(new, F_OK), -1);
	ck_assert_int_eq(send_to_shell(len), AUTHSCRIPT_CHANGED);
}
END_TEST

/* Where it would write there is something: it is not opened, and it stays. */
START_TEST(what_is_in_its_way_is_not_touched)
{
	struct stat st, after;
	char to[80];

	(void)snprintf(to, sizeof(to), "%s/other", dir);
	put("# mine\n", 0600);
	if (_i == 0)
		ck_assert_int_eq(mkfifo(new, 0600), 0);
	else if (_i == 1)
		ck_assert_int_eq(symlink(to, new), 0);
	else if (_i == 2)
		ck_assert_int_eq(symlink("/dev/tty", new), 0);
	else
		ck_assert_int_eq(symlink(path, new), 0);
	ck_assert_int_eq(lstat(new, &st), 0);
	ck_assert_int_eq(run_with(LINE1, NULL, NULL), 1);
	ck_assert_int_eq(lstat(new, &after), 0);
	ck_assert_uint_eq(st.st_ino, after.st_ino);
	ck_assert_int_eq(access(to, F_OK), -1);
	ck_assert_str_eq(get(), "# mine\n");
	ck_assert_int_eq(unlink(new), 0);
	ck_assert_int_eq(run_with(LINE1, NULL, NULL), AUTHSCRIPT_CHANGED);
	ck_assert_int_eq(access(new, F_OK), -1);
}
END_TEST

START_TEST(what_is_no_file_is_left_alone)
{
	char to[80];

	(void)snprintf(to, sizeof(to), "%s/other", dir);
	ck_assert_int_eq(symlink(to, path), 0);
	ck_assert_int_eq(run_with(LINE1, NULL, NULL), 1);
	ck_assert_int_eq(access(to, F_OK), -1);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(run_with(LINE1, NULL, NULL), 1);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* Several hosts' administrators at once, on one account. */
START_TEST(two_at_once_lose_nothing)
{
	enum { PEOPLE = 4 };
	char line[SSH_LINE_SIZE], blob[128];
	int status;

	for (int i = 0; i < PEOPLE; i++) {
		uint8_t key[SSH_KEY_LEN];

		memset(key, 'a' + i, sizeof(key));
		ck_assert(authline_make(line, view_of("restrict"), key, "x"));
		if (fork() == 0)
			_exit(run_with(line, NULL, NULL));
	}
	for (int i = 0; i < PEOPLE; i++) {
		ck_assert_int_ne(wait(&status), -1);
		ck_assert_int_eq(WEXITSTATUS(status), AUTHSCRIPT_CHANGED);
	}
	for (int i = 0; i < PEOPLE; i++) {
		uint8_t key[SSH_KEY_LEN];

		memset(key, 'a' + i, sizeof(key));
		ck_assert(crypto_base64(blob, sizeof(blob),
		    (struct view){ key, sizeof(key) }));
		ck_assert(authline_make(line, view_of("restrict"), key, "x"));
		ck_assert_ptr_nonnull(strstr(get(), line));
	}
}
END_TEST

static const struct {
	const char *user, *file, *line;
} wrong[] = {
	{ "", "f", "l" }, { "-x", "f", "l" }, { "a b", "f", "l" },
	{ "a'b", "f", "l" }, { "a;b", "f", "l" }, { "a/b", "f", "l" },
	{ "$a", "f", "l" }, { "~a", "f", "l" }, { "1a", "f", "l" },
	{ "a\nb", "f", "l" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "f", "l" },
	{ "a", "", "l" }, { "a", "-f", "l" }, { "a", "f'f", "l" },
	{ "a", "f f", "l" }, { "a", "../f", "l" }, { "a", "f/../g", "l" },
	{ "a", "f/", "l" }, { "a", "$f", "l" }, { "a", "f\nf", "l" },
	{ "a", "f", "l'l" }, { "a", "f", "l\nl" }, { "a", "f", "l\tl" },
	{ "a", "f", "l\x7f" }, { "a", "f", "\xc3\xa9" },
};

START_TEST(what_could_be_a_command_is_refused)
{
	const struct authscript a = { .user = wrong[_i].user,
		.file = wrong[_i].file, .lines = { wrong[_i].line },
		.line_count = 1 };
	static const char *const texts[] = { "a b", "a'b", "a\nb", "$a",
		"a\\b", "\xc3\xa9" };
	struct authscript good = { .user = "a_b.C-9",
		.file = "/etc/ssh/keys/a@b+c_d.pub", .lines = { "a \"b\" \\" },
		.line_count = 1 };

	ck_assert(!authscript_make(script, sizeof(script), &a));
	ck_assert(authscript_make(script, sizeof(script), &good));
	good.comment = "cofre:a_b-1/C.d_e-2#";
	ck_assert(authscript_make(script, sizeof(script), &good));
	for (size_t i = 0; i < COUNT(texts); i++) {
		good.comment = texts[i];
		ck_assert(!authscript_make(script, sizeof(script), &good));
	}
}
END_TEST

START_TEST(no_room_is_no_script)
{
	const struct authscript a = { .user = "_a", .file = "f",
		.lines = { LINE1, LINE2 }, .line_count = 2,
		.gone = { view_of("x"), view_of("y") }, .gone_count = 2,
		.comment = "cofre:w/a#", .newest = 2 };
	char command[256];
	size_t len;

	ck_assert(authscript_make(script, sizeof(script), &a));
	ck_assert_ptr_nonnull(strstr(script, "\ngone='eA== eQ=='\n"));
	len = strlen(script);
	for (size_t i = 0; i <= len; i++)
		ck_assert(!authscript_make(script, i, &a));
	ck_assert(authscript_make(script, len + 1, &a));
	ck_assert(authscript_command(command, sizeof(command), "alice", true));
	ck_assert_ptr_nonnull(strstr(command, "runuser -u alice -- /bin/sh"));
	ck_assert(!authscript_command(command, strlen(command), "alice", true));
	ck_assert(!authscript_command(command, sizeof(command), "a b", false));
	ck_assert(authscript_command(command, sizeof(command), "a", false));
	ck_assert_str_eq(command, "/bin/sh -s");
}
END_TEST

static Suite *
authscript_suite(void)
{
	Suite *s = suite_create("authscript");
	TCase *t = tcase_create("authscript");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 15);
	tcase_add_loop_test(t, a_line_is_added_once, 0,
	    (int)COUNT(additions));
	tcase_add_loop_test(t, keys_are_changed_for_others, 0,
	    (int)COUNT(shells));
	tcase_add_loop_test(t, a_line_of_a_destroyed_key_goes, 0,
	    (int)COUNT(comments));
	tcase_add_test(t, half_a_script_does_nothing);
	tcase_add_loop_test(t, what_is_in_its_way_is_not_touched, 0, 4);
	tcase_add_test(t, what_is_no_file_is_left_alone);
	tcase_add_test(t, two_at_once_lose_nothing);
	tcase_add_loop_test(t, what_could_be_a_command_is_refused, 0,
	    (int)COUNT(wrong));
	tcase_add_test(t, no_room_is_no_script);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(authscript_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
