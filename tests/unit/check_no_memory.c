/*
 * What reads and makes texts, when there is no memory: each allocation fails
 * in turn.  That is said to be so, not taken for a mistake in the text, and
 * nothing is given out.
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing.h"
#include "rolejson.h"
#include "runfile.h"
#include "sdkauth.h"
#include "secret.h"
#include "source_json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct problem problem;
static bool given; /* anything */

/* jansson's memory is ours, where it is not wiped. */
static void *
take(size_t size)
{
	return malloc(size);
}

static enum cofre_status
parse_answer(void)
{
	static const char text[] = "{\"fields\": {\"AccountKey\": \"k\"}, "
	    "\"slot\": 1, \"serial\": 7, \"rotate\": true}";
	struct source_answer a = { .field_count = 0 };
	enum cofre_status s = source_answer_parse(SOURCE_PULL, view_of(text),
	    &a, &problem);

	given = a.field_count > 0;
	source_answer_free(&a);
	return s;
}

static enum cofre_status
make_request(void)
{
	const struct source_pair pairs[] = { { view_of("a"), view_of("b") } };
	const struct source_request q = { SOURCE_PROBE, view_of("w"),
		view_of("n"), view_of("storage"), pairs, 1, 1, pairs, 1 };
	struct source_bytes b = { NULL, 0 };
	enum cofre_status s = source_request_make(&q, &b, &problem);

	given = b.data != NULL;
	source_bytes_free(&b);
	return s;
}

static enum cofre_status
parse_role(void)
{
	static const char text[] = "{\"Name\": \"r\", \"Actions\": "
	    "[\"workspaces/read\"], \"AssignableScopes\": [\"/\"]}";
	struct rolejson r = { .bytes = NULL };
	enum cofre_status s = rolejson_parse(view_of(text), &r, &problem);

	given = r.bytes != NULL;
	rolejson_free(&r);
	return s;
}

static struct list
patterns(void)
{
	static uint8_t bytes[64];
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	pattern_item_put(&w, &(struct pattern_item){ view_of("*/read") });
	return (struct list){ 1, { bytes, w.len } };
}

static struct list
scopes(void)
{
	static uint8_t bytes[64];
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	scope_item_put(&w, &(struct scope_item){ .workspace = view_of("w"),
		.prefix = view_of("p") });
	return (struct list){ 1, { bytes, w.len } };
}

static enum cofre_status
make_role(const struct role_show_reply *m)
{
	json_t *all = NULL;
	enum cofre_status s = rolejson_make(m, &all);

	given = all != NULL;
	json_decref(all);
	return s;
}

static enum cofre_status
make_custom_role(void)
{
	return make_role(&(struct role_show_reply){ .name = view_of("r"),
		.custom = true, .patterns = patterns(),
		.not_actions = patterns(), .data_actions = patterns(),
		.not_data_actions = patterns(), .scopes = scopes() });
}

static enum cofre_status
make_role_of_ours(void)
{
	return make_role(&(struct role_show_reply){ .name = view_of("r"),
		.actions = UINT64_MAX });
}

static enum cofre_status
parse_principal(void)
{
	static const char text[] = "{\"tenantId\": "
	    "\"01234567-89ab-cdef-0123-456789abcdef\", \"clientId\": "
	    "\"01234567-89AB-CDEF-0123-456789ABCDEF\", \"clientSecret\": "
	    "\"x\", \"managementEndpointUrl\": \"https://h\"}";
	cofre_secret *secret = NULL;
	enum cofre_status s = cofre_secret_new(&secret,
	    COFRE_KIND_GENERIC, 0);

	if (s == COFRE_OK)
		s = sdkauth_parse(view_of(text), secret, &problem);
	given = s == COFRE_OK;
	cofre_secret_free(secret);
	return s;
}

static enum cofre_status
parse_format(void)
{
	static const char text[] = "Server=h;User ID=u;Password=p";
	cofre_secret *secret = NULL;
	char error[COFRE_ERROR_MAX];
	enum cofre_status s = cofre_parse(COFRE_FORMAT_ADO,
	    COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_SQL, text,
	    strlen(text), &secret, error);

	given = secret != NULL;
	cofre_secret_free(secret);
	return s;
}

/* A line of a passfile, and all of it as JSON. */
static enum cofre_status
make_files(void)
{
	const struct runspec_secret passfile = { "s", RUNSPEC_PGPASS, "", "" };
	const struct runspec_secret json = { "s", RUNSPEC_JSON, "", "" };
	cofre_secret *secret = NULL;
	int fd = -1;
	enum cofre_status s = cofre_secret_new(&secret, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_POSTGRES);

	if (s == COFRE_OK)
		s = cofre_secret_add(secret, "password", 1, "p", 1);
	if (s == COFRE_OK)
		s = runfile_make(secret, &passfile, "w/s", &fd, &problem);
	(void)close(fd);
	fd = -1;
	if (s == COFRE_OK)
		s = runfile_make(secret, &json, "w/s", &fd, &problem);
	given = fd != -1;
	(void)close(fd);
	cofre_secret_free(secret);
	return s;
}

/* A secret of more than one area. */
static enum cofre_status
fill_secret(void)
{
	static const char value[COFRE_VALUE_MAX] = "";
	cofre_secret *secret = NULL;
	enum cofre_status s = cofre_secret_new(&secret, COFRE_KIND_GENERIC, 0);

	if (s == COFRE_OK)
		s = cofre_secret_add(secret, "a", 1, value, sizeof(value));
	given = s == COFRE_OK;
	if (secret != NULL && !given &&
	    cofre_secret_field(secret, "a", NULL) != NULL)
		given = true;
	cofre_secret_free(secret);
	return s;
}

static enum cofre_status
open_handle(void)
{
	cofre *c = NULL;
	enum cofre_status s = cofre_open(&c, "/nowhere/cofre.sock", 0);

	given = false;
	cofre_close(c);
	if (s != COFRE_UNREACHABLE)
		return s;
	given = true;
	return COFRE_OK;
}

static const struct {
	enum cofre_status (*run)(void);
	bool parses; /* JSON: a word without memory is no word for jansson */
} all[] = {
	{ parse_answer, true },
	{ make_request, false },
	{ parse_role, true },
	{ make_custom_role, false },
	{ make_role_of_ours, false },
	{ parse_principal, true },
	{ parse_format, false },
	{ make_files, false },
	{ fill_secret, false },
	{ open_handle, false },
};

static const char *const calls[] = { "alloc", "secmem" };

START_TEST(a_lack_of_memory_is_called_so)
{
	const char *call = calls[_i % 2];
	unsigned n = 0;
	enum cofre_status s;
	bool failed;

	json_set_alloc_funcs(take, free);
	do {
		failing_next(call, ++n, ENOMEM);
		s = all[_i / 2].run();
		failed = failing_end();
		ck_assert_int_eq(given, s == COFRE_OK);
		ck_assert_int_eq(s != COFRE_OK, failed);
		ck_assert_msg(!failed || s == COFRE_NO_MEMORY ||
			(all[_i / 2].parses && s == COFRE_FORMAT &&
			    strstr(problem.text, "-1") == NULL),
		    "%s %u: %s: %s", call, n, cofre_status_name(s),
		    problem.text);
	} while (failed);
	ck_assert(n > 1 || _i % 2 == 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("no memory");
	TCase *t = tcase_create("no memory");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, a_lack_of_memory_is_called_so, 0,
	    2 * (int)COUNT(all));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
