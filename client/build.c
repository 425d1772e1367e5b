#include "build.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "format.h"
#include "input.h"
#include "names.h"
#include "prompt.h"
#include "sdkauth.h"
#include "secret.h"

#define SDK_AUTH "sdk-auth"

/* What the kind's secret is read as. */
enum source {
	SOURCE_NONE,	/* nothing is read: metadata alone */
	SOURCE_FIELDS,	/* each --field from its own file */
	SOURCE_TEXT,	/* a text in a format */
	SOURCE_SDK_AUTH, /* the JSON of a service principal */
	SOURCE_VALUE,	/* the bytes of one field */
};

static bool
takes_sdk_auth(const struct build *b)
{
	return b->kind == COFRE_KIND_DATASTORE &&
	    (b->datastore == COFRE_DATASTORE_AZURE_DATA_LAKE_GEN1 ||
		b->datastore == COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2 ||
		b->datastore == COFRE_DATASTORE_AZURE_SQL);
}

static enum source
source_of(const struct build *b)
{
	if (b->fields.count > 0)
		return SOURCE_FIELDS;
	if (b->datastore == COFRE_DATASTORE_DBFS ||
	    (b->follows != NULL && b->format == NULL))
		return SOURCE_NONE;
	if (b->format != NULL && strcmp(b->format, SDK_AUTH) == 0)
		return SOURCE_SDK_AUTH;
	if (b->kind == COFRE_KIND_REGISTRY || b->kind == COFRE_KIND_GENERIC)
		return SOURCE_VALUE;
	return SOURCE_TEXT;
}

static enum cofre_format
format_of(const struct build *b)
{
	if (b->format != NULL)
		return format_find(b->format);
	return format_default(b->kind, b->datastore);
}

static enum cofre_status
check_format(const struct build *b, struct problem *p)
{
	enum source source = source_of(b);

	if (source == SOURCE_SDK_AUTH && !takes_sdk_auth(b))
		return problem_set(p, COFRE_ARGUMENT,
		    "--format " SDK_AUTH " is for the datastore types "
		    "azure-data-lake-gen1, azure-data-lake-gen2 and "
		    "azure-sql");
	if (b->format != NULL && source != SOURCE_TEXT &&
	    source != SOURCE_SDK_AUTH)
		return problem_set(p, COFRE_ARGUMENT,
		    "--format does not go with %s",
		    b->kind == COFRE_KIND_GENERIC	   ? "--kind generic" :
		    b->kind == COFRE_KIND_REGISTRY	   ? "--kind registry" :
		    b->datastore == COFRE_DATASTORE_DBFS ? "--type dbfs" :
							     "--field");
	if (source == SOURCE_TEXT && b->format == NULL && format_of(b) == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "type %s has no text format: give the fields with --meta "
		    "NAME=VALUE and --field NAME=FILE%s",
		    datastore_name((uint8_t)b->datastore),
		    takes_sdk_auth(b) ? ", or --format " SDK_AUTH : "");
	if (source == SOURCE_TEXT && format_of(b) == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.40s' is no format: connection-string, sas, ado, "
		    "libpq, postgres-uri, mysql-uri or " SDK_AUTH, b->format);
	return COFRE_OK;
}

static enum cofre_status
check_registry(const struct build *b, struct problem *p)
{
	bool both = b->server != NULL && b->username != NULL;
	bool some = b->server != NULL || b->username != NULL;

	if (b->kind == COFRE_KIND_REGISTRY && !both)
		return problem_set(p, COFRE_ARGUMENT,
		    "a registry needs --server and --username");
	if (b->kind != COFRE_KIND_REGISTRY && some)
		return problem_set(p, COFRE_ARGUMENT,
		    "--server and --username are for --kind registry; "
		    "otherwise say --meta NAME=VALUE");
	return COFRE_OK;
}

/* What follows has its key elsewhere. */
static enum cofre_status
check_follows(const struct build *b, struct problem *p)
{
	if (b->follows == NULL)
		return COFRE_OK;
	if (b->datastore != COFRE_DATASTORE_AZURE_BLOB &&
	    b->datastore != COFRE_DATASTORE_AZURE_FILE &&
	    b->datastore != COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2)
		return problem_set(p, COFRE_ARGUMENT,
		    "--follows is for datastores of the types azure-blob, "
		    "azure-file and azure-data-lake-gen2");
	if (!name_is_secret(view_of(b->follows)))
		return problem_set(p, COFRE_ARGUMENT,
		    "--follows takes the name of a storage credential of the "
		    "same workspace, without the workspace");
	if (source_of(b) == SOURCE_TEXT)
		return problem_set(p, COFRE_ARGUMENT,
		    "--follows and --format exclude each other: the key and "
		    "the account come from the storage credential");
	for (size_t i = 0; i < b->fields.count; i++) {
		size_t n = strcspn(b->fields.items[i], "=");
		struct view name = { (const uint8_t *)b->fields.items[i], n };

		if (view_is(name, "AccountKey") ||
		    view_is(name, "SharedAccessSignature"))
			return problem_set(p, COFRE_ARGUMENT,
			    "--follows: the datastore has no %.*s of its own",
			    (int)n, b->fields.items[i]);
	}
	return COFRE_OK;
}

static enum cofre_status
check_meta(const struct build *b, struct problem *p)
{
	for (size_t i = 0; i < b->meta.count; i++) {
		struct view name;
		const char *value;

		if (arg_pair(b->meta.items[i], "--meta", &name, &value, p) !=
		    COFRE_OK)
			return COFRE_ARGUMENT;
		if (field_is_secret((uint8_t)b->kind, name))
			return problem_set(p, COFRE_ARGUMENT,
			    "--meta %.*s: that field is secret, and what "
			    "stands on a command line can be read by everyone "
			    "on this machine: say --field %.*s=FILE, or "
			    "--field %.*s=- for standard input",
			    (int)name.len, (const char *)name.data,
			    (int)name.len, (const char *)name.data,
			    (int)name.len, (const char *)name.data);
	}
	return COFRE_OK;
}

static enum cofre_status
check_fields(const struct build *b, struct problem *p)
{
	size_t from_stdin = 0;

	if (b->fields.count > 0 && b->datastore == COFRE_DATASTORE_DBFS)
		return problem_set(p, COFRE_ARGUMENT,
		    "a dbfs datastore has no secret: say --meta alone");
	for (size_t i = 0; i < b->fields.count; i++) {
		struct view name;
		const char *file;

		if (arg_pair(b->fields.items[i], "--field", &name, &file,
			p) != COFRE_OK)
			return COFRE_ARGUMENT;
		if (strcmp(file, "-") == 0)
			from_stdin++;
	}
	if (from_stdin > 1)
		return problem_set(p, COFRE_ARGUMENT,
		    "only one field can come from standard input");
	return COFRE_OK;
}

enum cofre_status
build_check(const struct build *b, struct problem *p)
{
	enum source source = source_of(b);
	bool reads = source != SOURCE_NONE && source != SOURCE_FIELDS;
	enum cofre_status s = check_registry(b, p);

	if (s == COFRE_OK)
		s = check_follows(b, p);
	if (s == COFRE_OK)
		s = check_meta(b, p);
	if (s == COFRE_OK)
		s = check_fields(b, p);
	if (s == COFRE_OK)
		s = check_format(b, p);
	if (s != COFRE_OK)
		return s;
	if (b->file != NULL && !reads)
		return problem_set(p, COFRE_ARGUMENT,
		    "--file has nothing to be read for here");
	if (b->strip && b->kind != COFRE_KIND_GENERIC)
		return problem_set(p, COFRE_ARGUMENT,
		    "--strip is for --kind generic; the others drop the final "
		    "newline anyway");
	return COFRE_OK;
}

static enum cofre_status
add(cofre_secret *secret, struct view name, bool is_secret, struct view value,
    struct problem *p)
{
	enum cofre_status s = secret_add(secret, name, is_secret, value);

	if (s == COFRE_ARGUMENT)
		return problem_set(p, s, "field %.*s is there twice",
		    (int)name.len, (const char *)name.data);
	if (s == COFRE_TOO_LARGE && value.len <= COFRE_VALUE_MAX)
		return problem_set(p, s, "field %.*s is one too many: all "
		    "fields together are too large (%u fields, and %u bytes of "
		    "names and values, are the most)", (int)name.len,
		    (const char *)name.data, COFRE_FIELDS_MAX,
		    COFRE_SECRET_MAX);
	if (s != COFRE_OK)
		return problem_set(p, s, "field %.*s: %s", (int)name.len,
		    (const char *)name.data, cofre_status_text(s));
	return COFRE_OK;
}

static enum cofre_status
add_meta(const struct build *b, cofre_secret *secret, struct problem *p)
{
	enum cofre_status s = COFRE_OK;
	struct view name;
	const char *value;

	if (b->server != NULL)
		s = add(secret, view_of("server"), false, view_of(b->server),
		    p);
	if (b->username != NULL && s == COFRE_OK)
		s = add(secret, view_of("username"), false,
		    view_of(b->username), p);
	for (size_t i = 0; i < b->meta.count && s == COFRE_OK; i++) {
		s = arg_pair(b->meta.items[i], "--meta", &name, &value, p);
		if (s == COFRE_OK)
			s = add(secret, name, false, view_of(value), p);
	}
	return s;
}

/* Read a secret: a file, standard input, or, at a terminal, a prompt. */
static enum cofre_status
read_source(struct input *in, struct view name, const char *file,
    struct problem *p)
{
	bool from_stdin = file == NULL || strcmp(file, "-") == 0;
	enum cofre_status s;
	char text[COFRE_FIELD_NAME_MAX + 32];

	if (from_stdin && isatty(STDIN_FILENO) == 1) {
		(void)snprintf(text, sizeof(text), "%.*s (is not shown): ",
		    (int)name.len, (const char *)name.data);
		s = prompt_secret(in, text, p);
	} else
		s = input_file(in, from_stdin ? "-" : file, p);
	if (s == COFRE_OK && in->len == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "%s is empty: nothing is stored",
		    from_stdin ? "standard input" : file);
	return s;
}

/* A final newline belongs to a generic secret, and to no other. */
static bool
is_exact(const struct build *b)
{
	return b->kind == COFRE_KIND_GENERIC && !b->strip;
}

/* Take the newline off that is no part of it: something must be left. */
static enum cofre_status
strip(const struct build *b, struct input *in, struct problem *p)
{
	if (!is_exact(b))
		input_strip(in);
	if (in->len == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "there is nothing but a newline: nothing is stored");
	return COFRE_OK;
}

static enum cofre_status
add_field(const struct build *b, const char *pair, struct input *in,
    cofre_secret *secret, struct problem *p)
{
	struct view name;
	const char *file;
	enum cofre_status s = arg_pair(pair, "--field", &name, &file, p);

	if (s == COFRE_OK)
		s = read_source(in, name, file, p);
	if (s != COFRE_OK)
		return s;
	s = strip(b, in, p);
	return s == COFRE_OK ? add(secret, name, true, input_view(in), p) : s;
}

static enum cofre_status
from_fields(const struct build *b, struct input *in, cofre_secret **ret,
    struct problem *p)
{
	enum cofre_status s;

	s = cofre_secret_new(ret, b->kind, b->datastore);
	if (s != COFRE_OK)
		return problem_set(p, s, "%s", cofre_status_text(s));
	for (size_t i = 0; i < b->fields.count && s == COFRE_OK; i++)
		s = add_field(b, b->fields.items[i], in, *ret, p);
	return s;
}

/* What the text might have been in, had it been said; or NULL. */
static const char *
other_format(const struct build *b)
{
	if (format_of(b) == COFRE_FORMAT_CONNECTION_STRING)
		return format_name(COFRE_FORMAT_SAS);
	if (format_of(b) == COFRE_FORMAT_POSTGRES_URI)
		return format_name(COFRE_FORMAT_LIBPQ);
	return takes_sdk_auth(b) ? SDK_AUTH : NULL;
}

static enum cofre_status
from_text(const struct build *b, struct input *in, cofre_secret **ret,
    struct problem *p)
{
	char error[COFRE_ERROR_MAX];
	enum cofre_status s;

	input_strip(in);
	s = cofre_parse(format_of(b), b->kind, b->datastore, in->data,
	    in->len, ret, error);
	if (s == COFRE_FORMAT && b->format == NULL && other_format(b) != NULL)
		return problem_set(p, s, "%s: %s (with --format it may be %s "
		    "as well: see cofre(1), FORMATS)",
		    format_name(format_of(b)), error, other_format(b));
	if (s != COFRE_OK)
		return problem_set(p, s, "%s: %s", format_name(format_of(b)),
		    error);
	return COFRE_OK;
}

static enum cofre_status
from_value(const struct build *b, struct input *in, cofre_secret **ret,
    struct problem *p)
{
	bool registry = b->kind == COFRE_KIND_REGISTRY;
	enum cofre_status s = strip(b, in, p);

	if (s != COFRE_OK)
		return s;
	s = cofre_secret_new(ret, b->kind, b->datastore);
	if (s != COFRE_OK)
		return problem_set(p, s, "%s", cofre_status_text(s));
	return add(*ret, view_of(registry ? "password" : "value"), true,
	    input_view(in), p);
}

/* What a person is asked for. */
static const char *
datum_name(const struct build *b)
{
	if (b->kind == COFRE_KIND_REGISTRY)
		return "password";
	if (b->kind == COFRE_KIND_GENERIC)
		return "value";
	return b->format != NULL ? b->format : format_name(format_of(b));
}

static enum cofre_status
from_source(const struct build *b, struct input *in, cofre_secret **ret,
    struct problem *p)
{
	enum source source = source_of(b);
	enum cofre_status s = COFRE_OK;

	if (source != SOURCE_NONE && source != SOURCE_FIELDS)
		s = read_source(in, view_of(datum_name(b)), b->file, p);
	if (s != COFRE_OK)
		return s;
	switch (source) {
	case SOURCE_TEXT:
		return from_text(b, in, ret, p);
	case SOURCE_VALUE:
		return from_value(b, in, ret, p);
	case SOURCE_SDK_AUTH:
		s = cofre_secret_new(ret, b->kind, b->datastore);
		return s == COFRE_OK ? sdkauth_parse(input_view(in), *ret, p) :
				       problem_set(p, s, "%s",
					   cofre_status_text(s));
	case SOURCE_NONE:
	case SOURCE_FIELDS:
		break;
	}
	return from_fields(b, in, ret, p);
}

enum cofre_status
build_secret(const struct build *b, cofre_secret **ret, struct problem *p)
{
	cofre_secret *secret = NULL;
	struct input in;
	enum cofre_status s = input_init(&in, COFRE_VALUE_MAX, p);

	if (s == COFRE_OK)
		s = from_source(b, &in, &secret, p);
	if (s == COFRE_OK)
		s = add_meta(b, secret, p);
	if (s == COFRE_OK && b->follows != NULL)
		s = cofre_secret_follow(secret, b->follows);
	input_free(&in);
	if (s == COFRE_OK)
		*ret = secret;
	else
		cofre_secret_free(secret);
	return s;
}
