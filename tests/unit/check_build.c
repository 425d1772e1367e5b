#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "sdkauth.h"
#include "wire.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VIEW(s) ((struct view){ (const uint8_t *)(s), sizeof(s) - 1 })

static struct problem problem;
static cofre_secret *secret;

static void
setup(void)
{
	problem.text[0] = '\0';
	secret = NULL;
}

static void
teardown(void)
{
	cofre_secret_free(secret);
}

/* Make standard input a pipe with these bytes. */
static void
feed(struct view v)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], v.data, v.len), (int)v.len);
	(void)close(fds[1]);
	ck_assert_int_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(fds[0]);
}

static enum cofre_status
build(const struct build *b, struct view input)
{
	enum cofre_status s = build_check(b, &problem);

	if (s != COFRE_OK)
		return s;
	feed(input);
	return build_secret(b, &secret, &problem);
}

/* The field has that value, and is secret or not. */
static void
field_is(const char *name, int is_secret, struct view want)
{
	size_t len;
	const char *value = cofre_secret_field(secret, name, &len);

	ck_assert_msg(value != NULL, "%s", name);
	ck_assert_uint_eq(len, want.len);
	ck_assert_mem_eq(value, want.data, len);
	for (size_t i = 0; i < cofre_secret_count(secret); i++)
		if (strcmp(cofre_secret_field_name(secret, i), name) == 0)
			ck_assert_int_eq(cofre_secret_field_is_secret(secret,
			    i), is_secret);
}

START_TEST(a_generic_secret_is_every_byte_that_came)
{
	const struct build b = { .kind = COFRE_KIND_GENERIC };

	ck_assert_int_eq(build(&b, VIEW("a\0b\xff\n")), COFRE_OK);
	ck_assert_uint_eq(cofre_secret_count(secret), 1);
	field_is("value", 1, VIEW("a\0b\xff\n"));
}
END_TEST

START_TEST(strip_takes_one_newline_of_a_generic_secret)
{
	const struct build b = { .kind = COFRE_KIND_GENERIC, .strip = true };

	ck_assert_int_eq(build(&b, VIEW("a\n\n")), COFRE_OK);
	field_is("value", 1, VIEW("a\n"));
}
END_TEST

START_TEST(a_registry_has_a_password_without_its_newline)
{
	const struct build b = { .kind = COFRE_KIND_REGISTRY,
		.server = "r.example", .username = "u",
		.meta = { { "region=eu" }, 1 } };

	ck_assert_int_eq(build(&b, VIEW("pass word \n")), COFRE_OK);
	ck_assert_uint_eq(cofre_secret_count(secret), 4);
	field_is("password", 1, VIEW("pass word "));
	field_is("server", 0, VIEW("r.example"));
	field_is("username", 0, VIEW("u"));
	field_is("region", 0, VIEW("eu"));
}
END_TEST

START_TEST(a_text_is_read_in_the_usual_format_of_its_kind)
{
	const struct build b = { .kind = COFRE_KIND_DATASTORE,
		.datastore = COFRE_DATASTORE_AZURE_POSTGRES };

	ck_assert_int_eq(build(&b,
	    VIEW("postgresql://u:p%40ss@h.example/db\n")), COFRE_OK);
	field_is("password", 1, VIEW("p@ss"));
	field_is("user", 0, VIEW("u"));
}
END_TEST

START_TEST(a_text_can_be_in_another_format_of_its_kind)
{
	const struct build b = { .kind = COFRE_KIND_DATASTORE,
		.datastore = COFRE_DATASTORE_AZURE_POSTGRES,
		.format = "libpq" };

	ck_assert_int_eq(build(&b,
	    VIEW("host=h.example user=u password='p s'\n")), COFRE_OK);
	field_is("password", 1, VIEW("p s"));
}
END_TEST

START_TEST(the_error_of_a_text_does_not_hold_it)
{
	const struct build b = { .kind = COFRE_KIND_STORAGE };

	ck_assert_int_eq(build(&b, VIEW("AccountName=x;hunter2")),
	    COFRE_FORMAT);
	ck_assert_ptr_null(secret);
	ck_assert_ptr_null(strstr(problem.text, "hunter2"));
	ck_assert_ptr_nonnull(strstr(problem.text, "connection-string: "));
}
END_TEST

START_TEST(fields_come_from_files_of_their_own)
{
	char path[] = "/tmp/cofre-check-build-XXXXXX";
	char pair[80];
	int fd = mkstemp(path);
	struct build b = { .kind = COFRE_KIND_DATASTORE,
		.datastore = COFRE_DATASTORE_AZURE_DATA_LAKE_GEN1,
		.fields = { { pair, "certificate=-" }, 2 },
		.meta = { { "client_id=c", "note=a=b" }, 2 } };

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, "s3cret\n", 7), 7);
	(void)close(fd);
	(void)snprintf(pair, sizeof(pair), "client_secret=%s", path);
	ck_assert_msg(build(&b, VIEW("PEM")) == COFRE_OK, "%s", problem.text);
	(void)unlink(path);
	field_is("client_secret", 1, VIEW("s3cret"));
	field_is("certificate", 1, VIEW("PEM"));
	field_is("client_id", 0, VIEW("c"));
	field_is("note", 0, VIEW("a=b"));
}
END_TEST

START_TEST(a_generic_field_is_exact_too)
{
	const struct build b = { .kind = COFRE_KIND_GENERIC,
		.fields = { { "value=-" }, 1 } };

	ck_assert_int_eq(build(&b, VIEW("a\n")), COFRE_OK);
	field_is("value", 1, VIEW("a\n"));
}
END_TEST

START_TEST(dbfs_is_metadata_alone_and_reads_nothing)
{
	const struct build b = { .kind = COFRE_KIND_DATASTORE,
		.datastore = COFRE_DATASTORE_DBFS,
		.meta = { { "mount=x" }, 1 } };
	char rest[8];

	ck_assert_int_eq(build(&b, VIEW("unread")), COFRE_OK);
	ck_assert_uint_eq(cofre_secret_count(secret), 1);
	field_is("mount", 0, VIEW("x"));
	ck_assert_int_eq(read(STDIN_FILENO, rest, sizeof(rest)), 6);
}
END_TEST

START_TEST(a_field_is_there_once)
{
	const struct build b = { .kind = COFRE_KIND_REGISTRY, .server = "s",
		.username = "u", .meta = { { "server=t" }, 1 } };

	ck_assert_int_eq(build(&b, VIEW("p")), COFRE_ARGUMENT);
	ck_assert_str_eq(problem.text, "field server is there twice");
}
END_TEST

START_TEST(a_value_over_the_limit_is_refused)
{
	static uint8_t big[COFRE_VALUE_MAX + 1];
	static char meta[COFRE_SECRET_MAX] = "m=";
	char path[] = "/tmp/cofre-check-build-XXXXXX";
	struct build b = { .kind = COFRE_KIND_GENERIC, .file = path };
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, big, sizeof(big)), (int)sizeof(big));
	ck_assert_int_eq(build(&b, VIEW("")), COFRE_TOO_LARGE);
	ck_assert_int_eq(ftruncate(fd, COFRE_VALUE_MAX), 0);
	ck_assert_int_eq(build(&b, VIEW("")), COFRE_OK);
	field_is("value", 1, (struct view){ big, COFRE_VALUE_MAX });
	memset(meta + 2, 'v', COFRE_SECRET_MAX - COFRE_VALUE_MAX);
	b.meta = (struct option_list){ { meta }, 1 };
	ck_assert_int_eq(build(&b, VIEW("")), COFRE_TOO_LARGE);
	ck_assert_ptr_nonnull(strstr(problem.text, "together"));
	(void)close(fd);
	(void)unlink(path);
}
END_TEST

START_TEST(the_error_of_a_text_names_other_formats)
{
	const struct build storage = { .kind = COFRE_KIND_STORAGE };
	const struct build postgres = { .kind = COFRE_KIND_DATASTORE,
		.datastore = COFRE_DATASTORE_AZURE_POSTGRES };

	ck_assert_int_eq(build(&postgres, VIEW("host=h")), COFRE_FORMAT);
	ck_assert_ptr_nonnull(strstr(problem.text, "it may be libpq"));
	ck_assert_int_eq(build(&storage, VIEW("sv=1")), COFRE_FORMAT);
	ck_assert_ptr_nonnull(strstr(problem.text, "it may be sas"));
}
END_TEST

static const struct {
	struct build build;
	const char *why;
} refused[] = {
	{ { .kind = COFRE_KIND_REGISTRY }, "needs --server and --username" },
	{ { .kind = COFRE_KIND_REGISTRY, .server = "s" },
	    "needs --server and --username" },
	{ { .kind = COFRE_KIND_GENERIC, .username = "u" },
	    "are for --kind registry" },
	{ { .kind = COFRE_KIND_GENERIC, .meta = { { "value=hunter2" }, 1 } },
	    "--meta value: that field is secret" },
	{ { .kind = COFRE_KIND_STORAGE,
	      .meta = { { "a=b", "AccountKey=hunter2" }, 2 } },
	    "--meta AccountKey: that field is secret" },
	{ { .kind = COFRE_KIND_DATASTORE,
	      .datastore = COFRE_DATASTORE_AZURE_SQL,
	      .meta = { { "password=hunter2" }, 1 } },
	    "--meta password: that field is secret" },
	{ { .kind = COFRE_KIND_GENERIC, .meta = { { "hunter2" }, 1 } },
	    "--meta: NAME=" },
	{ { .kind = COFRE_KIND_GENERIC, .fields = { { "value" }, 1 } },
	    "--field: NAME=" },
	{ { .kind = COFRE_KIND_GENERIC, .fields = { { "a=-", "b=-" }, 2 } },
	    "only one field" },
	{ { .kind = COFRE_KIND_GENERIC, .fields = { { "a=-" }, 1 },
	      .file = "f" },
	    "--file has nothing" },
	{ { .kind = COFRE_KIND_STORAGE, .fields = { { "a=-" }, 1 },
	      .format = "sas" },
	    "--format does not go with --field" },
	{ { .kind = COFRE_KIND_GENERIC, .format = "ado" },
	    "--format does not go with --kind generic" },
	{ { .kind = COFRE_KIND_REGISTRY, .server = "s", .username = "u",
	      .format = "ado" },
	    "--format does not go with --kind registry" },
	{ { .kind = COFRE_KIND_DATASTORE, .datastore = COFRE_DATASTORE_DBFS,
	      .format = "ado" },
	    "--format does not go with --type dbfs" },
	{ { .kind = COFRE_KIND_STORAGE, .format = "hunter" },
	    "'hunter' is no format" },
	{ { .kind = COFRE_KIND_STORAGE, .format = "sdk-auth" },
	    "is for the datastore types" },
	{ { .kind = COFRE_KIND_STORAGE, .strip = true },
	    "--strip is for --kind generic" },
	{ { .kind = COFRE_KIND_DATASTORE,
	      .datastore = COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2 },
	    "has no text format" },
	{ { .kind = COFRE_KIND_DATASTORE, .datastore = COFRE_DATASTORE_DBFS,
	      .fields = { { "a=-" }, 1 } },
	    "dbfs datastore has no secret" },
	{ { .kind = COFRE_KIND_DATASTORE, .datastore = COFRE_DATASTORE_DBFS,
	      .file = "f" },
	    "--file has nothing" },
};

START_TEST(options_that_do_not_go_together_are_refused)
{
	ck_assert_int_eq(build_check(&refused[_i].build, &problem),
	    COFRE_ARGUMENT);
	ck_assert_msg(strstr(problem.text, refused[_i].why) != NULL, "%s",
	    problem.text);
	ck_assert_ptr_null(strstr(problem.text, "hunter2"));
}
END_TEST

/* The JSON of a service principal. */

#define UUID(d) "0000000" d "-1111-2222-3333-444444444444"
#define THREE                                                                \
	"\"clientId\": \"" UUID("1") "\", \"tenantId\": \"" UUID("2")        \
	    "\", \"clientSecret\": \"hunter2\""

static enum cofre_status
read_json(const char *text)
{
	ck_assert_int_eq(cofre_secret_new(&secret, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2), COFRE_OK);
	return sdkauth_parse(view_of(text), secret, &problem);
}

START_TEST(a_service_principal_has_one_secret)
{
	ck_assert_msg(read_json("{" THREE ", \"subscriptionId\": \"" UUID("3")
	    "\", \"activeDirectoryEndpointUrl\": \"https://login.example\","
	    " \"resourceManagerEndpointUrl\": \"https://rm.example/\","
	    " \"activeDirectoryGraphResourceId\": \"https://graph.example/\","
	    " \"sqlManagementEndpointUrl\": \"https://sql.example:8443/\","
	    " \"galleryEndpointUrl\": \"https://gallery.example/\","
	    " \"managementEndpointUrl\": \"https://m.example/\"}\n") ==
	    COFRE_OK, "%s", problem.text);
	ck_assert_uint_eq(cofre_secret_count(secret), 10);
	field_is("client_secret", 1, VIEW("hunter2"));
	field_is("client_id", 0, VIEW(UUID("1")));
	field_is("tenant_id", 0, VIEW(UUID("2")));
	field_is("subscription_id", 0, VIEW(UUID("3")));
	field_is("authority_url", 0, VIEW("https://login.example"));
	field_is("resource_manager_url", 0, VIEW("https://rm.example/"));
	field_is("graph_url", 0, VIEW("https://graph.example/"));
	field_is("sql_management_url", 0, VIEW("https://sql.example:8443/"));
	field_is("gallery_url", 0, VIEW("https://gallery.example/"));
	field_is("management_url", 0, VIEW("https://m.example/"));
}
END_TEST

START_TEST(three_keys_are_enough)
{
	ck_assert_int_eq(read_json("{" THREE "}"), COFRE_OK);
	ck_assert_uint_eq(cofre_secret_count(secret), 3);
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} bad_json[] = {
	{ "", "no JSON" },
	{ "hunter2", "no JSON" },
	{ "\"hunter2\"", "no JSON" },
	{ "[\"hunter2\"]", "no JSON object" },
	{ "{" THREE, "line 1" },
	{ "{" THREE "} hunter2", "no JSON" },
	{ "{" THREE ", \"clientSecret\": \"x\"}", "there twice" },
	{ "{" THREE ", \"apiKey\": \"hunter2\"}", "not known: 'apiKey'" },
	{ "{" THREE ", \"subscriptionId\": null}", "subscriptionId is no" },
	{ "{" THREE ", \"subscriptionId\": 5}", "subscriptionId is no string" },
	{ "{" THREE ", \"subscriptionId\": \"x\"}", "subscriptionId is no UUID" },
	{ "{" THREE ", \"galleryEndpointUrl\": \"http://x\"}", "https://" },
	{ "{" THREE ", \"galleryEndpointUrl\": \"https://x y\"}",
	    "galleryEndpointUrl is empty, or" },
	{ "{" THREE ", \"galleryEndpointUrl\": \"\"}",
	    "galleryEndpointUrl is empty" },
	{ "{\"clientSecret\": \"hunter2\"}", "tenantId is missing" },
	{ "{\"clientSecret\": \"hunter2\\u0007\"}", "clientSecret is empty" },
	{ "{\"clientSecret\": \"hunter2\\u0000\"}", "no JSON" },
	{ "{\"clientSecret\": \"hunter2\xff\"}", "no JSON" },
	{ "{}", "tenantId is missing" },
};

START_TEST(other_json_is_refused_without_showing_it)
{
	ck_assert_int_eq(read_json(bad_json[_i].text), COFRE_FORMAT);
	ck_assert_msg(strstr(problem.text, bad_json[_i].why) != NULL, "%s",
	    problem.text);
	ck_assert_ptr_null(strstr(problem.text, "hunter2"));
}
END_TEST

START_TEST(jansson_has_its_own_memory_again_afterwards)
{
	json_malloc_t before_malloc, after_malloc;
	json_free_t before_free, after_free;

	json_get_alloc_funcs(&before_malloc, &before_free);
	ck_assert_int_eq(read_json("{" THREE "}"), COFRE_OK);
	json_get_alloc_funcs(&after_malloc, &after_free);
	ck_assert(before_malloc == after_malloc && before_free == after_free);
}
END_TEST

static TCase *
builds(void)
{
	TCase *tc = tcase_create("builds");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_generic_secret_is_every_byte_that_came);
	tcase_add_test(tc, strip_takes_one_newline_of_a_generic_secret);
	tcase_add_test(tc, a_registry_has_a_password_without_its_newline);
	tcase_add_test(tc, a_text_is_read_in_the_usual_format_of_its_kind);
	tcase_add_test(tc, a_text_can_be_in_another_format_of_its_kind);
	tcase_add_test(tc, the_error_of_a_text_does_not_hold_it);
	tcase_add_test(tc, fields_come_from_files_of_their_own);
	tcase_add_test(tc, a_generic_field_is_exact_too);
	tcase_add_test(tc, dbfs_is_metadata_alone_and_reads_nothing);
	tcase_add_test(tc, a_field_is_there_once);
	tcase_add_test(tc, a_value_over_the_limit_is_refused);
	tcase_add_test(tc, the_error_of_a_text_names_other_formats);
	tcase_add_loop_test(tc, options_that_do_not_go_together_are_refused,
	    0, (int)COUNT(refused));
	return tc;
}

static TCase *
principals(void)
{
	TCase *tc = tcase_create("principals");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_service_principal_has_one_secret);
	tcase_add_test(tc, three_keys_are_enough);
	tcase_add_loop_test(tc, other_json_is_refused_without_showing_it, 0,
	    (int)COUNT(bad_json));
	tcase_add_test(tc, jansson_has_its_own_memory_again_afterwards);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("build");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, builds());
	suite_add_tcase(s, principals());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
