#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "sizes.h"

static bool
parse(struct config *c, const char *text, char *error)
{
	error[0] = '\0';
	return config_parse(c, "f", text, strlen(text), error);
}

/* Lines that are taken, and what is then in the structure. */

static const struct good {
	const char *text;
	size_t at;
	size_t size;
	uint64_t value;
} good[] = {
#define FIELD(f) offsetof(struct config, f), sizeof(((struct config *)0)->f)
	{ "socket_mode = 0660", FIELD(socket_mode), 0660 },
	{ "socket_mode = 600", FIELD(socket_mode), 0600 },
	{ "socket_mode=0", FIELD(socket_mode), 0 },
	{ "store_limit = 1M", FIELD(store_limit), 1 << 20 },
	{ "store_limit = 1024G", FIELD(store_limit), 1ull << 40 },
	{ "store_limit = 1048576", FIELD(store_limit), 1 << 20 },
	{ "\tlog_segment\t=\t64K\t", FIELD(log_segment), 65536 },
	{ "log_segment = 64M", FIELD(log_segment), 64 << 20 },
	{ "buffer_memory = 512K", FIELD(buffer_memory), 512 << 10 },
	{ "memory_lock = optional", FIELD(memory_required), 0 },
	{ "memory_lock = required", FIELD(memory_required), 1 },
	{ "sandbox = optional # why", FIELD(sandbox_required), 0 },
	{ "sandbox = required#", FIELD(sandbox_required), 1 },
	{ "log = strict", FIELD(log_strict), 1 },
	{ "log = buffered", FIELD(log_strict), 0 },
	{ "operator_group = 1", FIELD(operator_group), 1 },
	{ "operator_group = 4294967294", FIELD(operator_group), 4294967294 },
	{ "operator_group = vault-ops", FIELD(operator_group), NO_ID },
	{ "max_connections = 1", FIELD(max_connections), 1 },
	{ "max_connections = 65536", FIELD(max_connections), 65536 },
	{ "max_connections_per_uid = 2", FIELD(max_per_uid), 2 },
	{ "request_timeout = 100", FIELD(request_timeout), 100 },
	{ "request_timeout = 600000", FIELD(request_timeout), 600000 },
	{ "look_timeout = 100", FIELD(look_timeout), 100 },
	{ "look_timeout = 600000", FIELD(look_timeout), 600000 },
};

START_TEST(a_valid_line_sets_its_value)
{
	const struct good *g = &good[_i];
	struct config c;
	char error[CONFIG_ERROR_MAX];
	uint64_t v = 0;

	config_defaults(&c);
	ck_assert_msg(parse(&c, g->text, error), "%s: %s", g->text, error);
	memcpy(&v, (char *)&c + g->at, g->size);
	ck_assert_msg(v == g->value, "%s", g->text);
}
END_TEST

START_TEST(texts_are_taken_as_they_are)
{
	struct config c;
	char error[CONFIG_ERROR_MAX];

	config_defaults(&c);
	ck_assert(parse(&c, "# first\n\n state = /a b/c \nsocket = /s\n"
	    "keyfile = /k=1\nuser = cofre\noperator_group = ops", error));
	ck_assert_str_eq(c.state, "/a b/c");
	ck_assert_str_eq(c.socket, "/s");
	ck_assert_str_eq(c.keyfile, "/k=1");
	ck_assert_str_eq(c.user, "cofre");
	ck_assert_str_eq(c.operator_name, "ops");
	ck_assert(parse(&c, "operator_group = 7", error));
	ck_assert_str_eq(c.operator_name, "");
}
END_TEST

/* Lines that are refused, and what the reason tells. */

static const struct bad {
	const char *text;
	const char *reason;
} bad[] = {
	{ "nonsense", "f:1: this is not of the form" },
	{ "a_word_of_nonsense_that_is_longer_than_any_key_there_is_or_will_"
	  "be_for_it_does_not_end_until_it_is_longer_than_the_place_it_has",
	    "f:1: this is not of the form" },
	{ "= x", "f:1: this is not of the form" },
	{ "a_key_that_is_longer_than_any_that_is_known = 1",
	    "unknown key 'a_key_that_is_longer_than_an...'" },
	{ "  a_key_that_is_longer_than_any_that_is_known = 1",
	    "unknown key 'a_key_that_is_longer_than_an...'" },
	{ "state                                  x = 1",
	    "unknown key 'state  " },
	{ "st\xc3\xa4te = 1", "f:1: unknown key 'st??te'" },
	{ "State = /x", "f:1: unknown key 'State'" },
	{ "state x = /x", "f:1: unknown key 'state x'" },
	{ "\n\nunknown = 1\n", "f:3: unknown key 'unknown'" },
	{ "log = strict\nlog = strict", "f:2: log is given twice" },
	{ "log =", "f:1: log must be not empty" },
	{ "log = # strict", "f:1: log must be not empty" },
	{ "log = Strict", "f:1: log must be strict or buffered" },
	{ "memory_lock = yes", "f:1: memory_lock must be required or" },
	{ "sandbox = off", "f:1: sandbox must be required or optional" },
	{ "state = relative", "f:1: state must be an absolute path" },
	{ "state = \"/x\"", "f:1: state must be an absolute path" },
	{ "state = /x\r\n", "f:1: a control character" },
	{ "state = /x\x1b", "f:1: a control character" },
	{ "state = /x\x7f", "f:1: a control character" },
	{ "socket_mode = 0700", "f:1: socket_mode must be octal" },
	{ "socket_mode = 04666", "f:1: socket_mode must be octal" },
	{ "socket_mode = 668", "f:1: socket_mode must be octal" },
	{ "socket_mode = -1", "f:1: socket_mode must be octal" },
	{ "store_limit = 1T", "f:1: store_limit must be bytes" },
	{ "store_limit = M", "f:1: store_limit must be bytes" },
	{ "store_limit = 1 M", "f:1: store_limit must be bytes" },
	{ "store_limit = 0x100000", "f:1: store_limit must be bytes" },
	{ "store_limit = 1023K", "store_limit must be within 1M to 1024G" },
	{ "store_limit = 1025G", "store_limit must be within 1M to 1024G" },
	{ "store_limit = 18446744073709551616", "store_limit must be bytes" },
	{ "store_limit = 17179869185G", "store_limit must be bytes" },
	{ "store_limit = 1048577", "f:1: store_limit must be a multiple" },
	{ "log_segment = 60K", "f:1: log_segment must be within 64K to 64M" },
	{ "log_segment = 65M", "f:1: log_segment must be within 64K to 64M" },
	{ "buffer_memory = 511K", "f:1: buffer_memory must be within 512K to 1G" },
	{ "max_connections = 0", "f:1: max_connections must be within 1 to 65536" },
	{ "max_connections = 65537", "max_connections must be within 1 to 65536" },
	{ "max_connections = 4294967297",
	    "max_connections must be within 1 to 65536" },
	{ "max_connections = +5", "f:1: max_connections must be a number" },
	{ "max_connections_per_uid = 0", "per_uid must be within 1 to 65536" },
	{ "request_timeout = 99",
	    "f:1: request_timeout must be within 100 to 600000" },
	{ "request_timeout = 600001",
	    "request_timeout must be within 100 to 600000" },
	{ "look_timeout = 99", "f:1: look_timeout must be within 100 to 600000" },
	{ "look_timeout = 600001", "look_timeout must be within 100 to 600000" },
	{ "operator_group = 0", "f:1: operator_group must be a group of" },
	{ "operator_group = 00", "f:1: operator_group must be a group of" },
	{ "operator_group = 65534", "operator_group must be a group of" },
	{ "operator_group = 4294967295", "operator_group must be a group of" },
	{ "operator_group = 4294967296", "operator_group must be a group of" },
	{ "log = strict\nstate", "f:2: this is not of the form" },
};

START_TEST(an_invalid_line_is_refused_and_changes_nothing)
{
	const struct bad *b = &bad[_i];
	struct config before, c;
	char error[CONFIG_ERROR_MAX];

	config_defaults(&before);
	c = before;
	ck_assert_msg(!parse(&c, b->text, error), "%s", b->text);
	ck_assert_msg(strstr(error, b->reason) != NULL, "%s: %s", b->text,
	    error);
	ck_assert(memcmp(&c, &before, sizeof(c)) == 0);
}
END_TEST

START_TEST(a_zero_byte_is_refused)
{
	struct config c;
	char error[CONFIG_ERROR_MAX];

	config_defaults(&c);
	ck_assert(!config_parse(&c, "f", "user = a\0b", 10, error));
	ck_assert_str_eq(error, "f:1: a control character");
}
END_TEST

/* A text of exactly size - 1 bytes fits, one of size bytes does not. */
static void
check_length(const char *key, const char *begin, size_t size)
{
	char value[CONFIG_PATH_MAX + 1], line[CONFIG_PATH_MAX + 64];
	char error[CONFIG_ERROR_MAX];
	struct config c;

	for (size_t len = size - 1; len <= size; len++) {
		memset(value, 'x', sizeof(value));
		memcpy(value, begin, strlen(begin));
		value[len] = '\0';
		(void)snprintf(line, sizeof(line), "%s = %s", key, value);
		config_defaults(&c);
		ck_assert_int_eq(parse(&c, line, error), len < size);
	}
}

START_TEST(texts_have_their_maximum)
{
	check_length("state", "/", CONFIG_PATH_MAX);
	check_length("keyfile", "/", CONFIG_PATH_MAX);
	check_length("user", "", CONFIG_NAME_MAX);
	check_length("operator_group", "", CONFIG_NAME_MAX);
}
END_TEST

START_TEST(a_long_name_of_a_file_fits_the_error)
{
	char name[CONFIG_PATH_MAX], error[CONFIG_ERROR_MAX];
	struct config c;

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	config_defaults(&c);
	ck_assert(!config_parse(&c, name, "x", 1, error));
	ck_assert(strstr(error, ":1: this is not of the form") != NULL);
}
END_TEST

START_TEST(one_setting_is_taken_like_a_line)
{
	struct config c;
	char error[CONFIG_ERROR_MAX];

	config_defaults(&c);
	ck_assert(config_set(&c, "state", "/s", error));
	ck_assert_str_eq(c.state, "/s");
	ck_assert(!config_set(&c, "state", "s", error));
	ck_assert_str_eq(error, "state must be an absolute path");
	ck_assert_str_eq(c.state, "/s");
	ck_assert(!config_set(&c, "nothing", "s", error));
	ck_assert_str_eq(error, "unknown key 'nothing'");
}
END_TEST

/* Reading again. */

START_TEST(reload_takes_what_may_change_and_tells_the_rest)
{
	struct config c, fresh;
	char text[CONFIG_ERROR_MAX];

	config_defaults(&c);
	fresh = c;
	config_reload(&c, &fresh, text);
	ck_assert_str_eq(text, "");
	ck_assert(parse(&fresh, "state = /n\nsandbox = optional\nlog = strict\n"
	    "max_connections = 9\nmax_connections_per_uid = 8\n"
	    "request_timeout = 700\nlook_timeout = 800\n"
	    "operator_group = 55\n", text));
	config_reload(&c, &fresh, text);
	ck_assert_str_eq(text, "state, sandbox");
	ck_assert_str_eq(c.state, "/var/lib/cofre");
	ck_assert(c.sandbox_required && c.log_strict);
	ck_assert_uint_eq(c.max_connections, 9);
	ck_assert_uint_eq(c.max_per_uid, 8);
	ck_assert_uint_eq(c.request_timeout, 700);
	ck_assert_uint_eq(c.look_timeout, 800);
	ck_assert_uint_eq(c.operator_group, 55);
}
END_TEST

START_TEST(reload_keeps_a_looked_up_group_and_takes_no_other_name)
{
	struct config c, fresh;
	char text[CONFIG_ERROR_MAX];

	config_defaults(&c);
	ck_assert(config_set(&c, "operator_group", "ops", text));
	c.operator_group = 700;
	config_defaults(&fresh);
	ck_assert(config_set(&fresh, "operator_group", "ops", text));
	config_reload(&c, &fresh, text);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(c.operator_group, 700);
	ck_assert(config_set(&fresh, "operator_group", "others", text));
	config_reload(&c, &fresh, text);
	ck_assert_str_eq(text, "operator_group");
	ck_assert_uint_eq(c.operator_group, 700);
	config_defaults(&fresh);
	config_reload(&c, &fresh, text);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(c.operator_group, NO_ID);
	ck_assert_str_eq(c.operator_name, "");
}
END_TEST

START_TEST(reload_names_every_key_that_needs_a_restart)
{
	static const char *const kept = "state, socket, agent_socket, keyfile, "
	    "user, "
	    "socket_mode, store_limit, log_segment, buffer_memory, "
	    "memory_lock, sandbox";
	struct config c, fresh;
	char text[CONFIG_ERROR_MAX];

	config_defaults(&c);
	fresh = c;
	ck_assert(parse(&fresh, "state = /n\nsocket = /n\nagent_socket = /n\n"
	    "keyfile = /n\n"
	    "user = n\nsocket_mode = 0\nstore_limit = 1M\nlog_segment = 64K\n"
	    "buffer_memory = 1M\nmemory_lock = optional\nsandbox = optional\n",
	    text));
	config_reload(&c, &fresh, text);
	ck_assert_str_eq(text, kept);
}
END_TEST

/* The documents. */

static char *
read_document(const char *name)
{
	const char *top = getenv("srcdir");
	char path[CONFIG_PATH_MAX];
	char *text = calloc(1, 65536);
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/doc/%s",
	    top == NULL ? "." : top, name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL && text != NULL, "%s", path);
	ck_assert_uint_gt(fread(text, 1, 65535, f), 0);
	(void)fclose(f);
	return text;
}

/* "#key = value" becomes "key = value"; "# a sentence" stays a comment. */
static void
uncomment(char *text)
{
	for (char *p = text; p != NULL; p = strchr(p + 1, '\n')) {
		char *hash = *p == '\n' ? p + 1 : p;

		if (hash[0] == '#' && hash[1] >= 'a' && hash[1] <= 'z')
			hash[0] = ' ';
	}
}

START_TEST(the_example_has_every_key_with_its_default)
{
	static const char *const unset[] = { "keyfile", "user",
		"operator_group" };
	struct config defaults, c;
	char error[CONFIG_ERROR_MAX];
	char *text = read_document("examples/cofred.conf");

	config_defaults(&defaults);
	c = defaults;
	ck_assert_msg(parse(&c, text, error), "%s", error);
	ck_assert(memcmp(&c, &defaults, sizeof(c)) == 0);
	uncomment(text);
	ck_assert_msg(parse(&c, text, error), "%s", error);
	for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++)
		ck_assert(strstr(text, unset[i]) != NULL);
	for (size_t i = 0; config_key(i) != NULL; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "\n %s = ", config_key(i));
		ck_assert_msg(strstr(text, line) != NULL, "%s", line);
	}
	memset(c.agent_socket, 0, sizeof(c.agent_socket));
	memset(c.keyfile, 0, sizeof(c.keyfile));
	memset(c.user, 0, sizeof(c.user));
	memset(c.operator_name, 0, sizeof(c.operator_name));
	ck_assert(memcmp(&c, &defaults, sizeof(c)) == 0);
	free(text);
}
END_TEST

START_TEST(the_manual_page_has_every_key)
{
	char *text = read_document("cofred.conf.5");
	size_t items = 0, i;

	for (i = 0; config_key(i) != NULL; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "\n.It Ic %s\n",
		    config_key(i));
		ck_assert_msg(strstr(text, line) != NULL, "%s", line);
	}
	for (const char *p = text; (p = strstr(p, "\n.It Ic ")) != NULL; p++)
		items++;
	ck_assert_uint_eq(items, i);
	free(text);
}
END_TEST

static Suite *
config_suite(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_loop_test(t, a_valid_line_sets_its_value, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_test(t, texts_are_taken_as_they_are);
	tcase_add_loop_test(t, an_invalid_line_is_refused_and_changes_nothing,
	    0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, a_zero_byte_is_refused);
	tcase_add_test(t, texts_have_their_maximum);
	tcase_add_test(t, a_long_name_of_a_file_fits_the_error);
	tcase_add_test(t, one_setting_is_taken_like_a_line);
	tcase_add_test(t, reload_takes_what_may_change_and_tells_the_rest);
	tcase_add_test(t,
	    reload_keeps_a_looked_up_group_and_takes_no_other_name);
	tcase_add_test(t, reload_names_every_key_that_needs_a_restart);
	tcase_add_test(t, the_example_has_every_key_with_its_default);
	tcase_add_test(t, the_manual_page_has_every_key);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(config_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
