#include "format.h"

#include <string.h>

#include "format_impl.h"
#include "secmem.h"
#include "utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct format {
	enum cofre_format code;
	const char *name;
	bool (*parse)(struct text_in *in);
	bool (*render)(struct text_out *out);
} formats[] = {
	{ COFRE_FORMAT_CONNECTION_STRING, "connection-string",
	    format_storage_parse, format_storage_render },
	{ COFRE_FORMAT_SAS, "sas", format_sas_parse, format_sas_render },
	{ COFRE_FORMAT_ADO, "ado", format_ado_parse, format_ado_render },
	{ COFRE_FORMAT_LIBPQ, "libpq", format_libpq_parse,
	    format_libpq_render },
	{ COFRE_FORMAT_POSTGRES_URI, "postgres-uri", format_postgres_parse,
	    format_postgres_render },
	{ COFRE_FORMAT_MYSQL_URI, "mysql-uri", format_mysql_parse,
	    format_mysql_render },
};

/* Which secrets have which formats; the first one is the default. */
static const struct use {
	enum cofre_kind kind;
	enum cofre_datastore datastore;
	enum cofre_format format;
} uses[] = {
	{ COFRE_KIND_STORAGE, COFRE_DATASTORE_NONE,
	    COFRE_FORMAT_CONNECTION_STRING },
	{ COFRE_KIND_STORAGE, COFRE_DATASTORE_NONE, COFRE_FORMAT_SAS },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_BLOB,
	    COFRE_FORMAT_CONNECTION_STRING },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_BLOB,
	    COFRE_FORMAT_SAS },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_FILE,
	    COFRE_FORMAT_CONNECTION_STRING },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_FILE,
	    COFRE_FORMAT_SAS },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_SQL, COFRE_FORMAT_ADO },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_POSTGRES,
	    COFRE_FORMAT_POSTGRES_URI },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_POSTGRES,
	    COFRE_FORMAT_LIBPQ },
	{ COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_MYSQL,
	    COFRE_FORMAT_MYSQL_URI },
};

static const struct format *
find_format(enum cofre_format code)
{
	for (size_t i = 0; i < COUNT(formats); i++)
		if (formats[i].code == code)
			return &formats[i];
	return NULL;
}

/* The format, or NULL when secrets of the kind do not have it. */
static const struct format *
find_used(enum cofre_format format, enum cofre_kind kind,
    enum cofre_datastore datastore)
{
	for (size_t i = 0; i < COUNT(uses); i++)
		if (uses[i].kind == kind && uses[i].datastore == datastore &&
		    uses[i].format == format)
			return find_format(format);
	return NULL;
}

enum cofre_format
format_default(enum cofre_kind kind, enum cofre_datastore datastore)
{
	for (size_t i = 0; i < COUNT(uses); i++)
		if (uses[i].kind == kind && uses[i].datastore == datastore)
			return uses[i].format;
	return (enum cofre_format)0;
}

const char *
format_name(enum cofre_format format)
{
	const struct format *f = find_format(format);

	return f == NULL ? "?" : f->name;
}

enum cofre_format
format_find(const char *name)
{
	for (size_t i = 0; i < COUNT(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].code;
	return (enum cofre_format)0;
}

/* Set a fault that is not the text's; returns its status. */
static enum cofre_status
fail(struct text_fault *fault, enum cofre_status s, const char *why)
{
	(void)text_fail(fault, NULL, why);
	fault->status = s;
	return s;
}

/* What no format allows. */
static enum cofre_status
check_whole(struct view text, struct text_fault *fault)
{
	if (text.len > TEXT_MAX)
		return fail(fault, COFRE_TOO_LARGE,
		    "the text is longer than 8192 bytes");
	if (text.len == 0)
		return fail(fault, COFRE_FORMAT, "the text is empty");
	if (text_index(text, '\0') < text.len)
		return fail(fault, COFRE_FORMAT, "the text has a NUL");
	if (text_index(text, '\r') < text.len ||
	    text_index(text, '\n') < text.len)
		return fail(fault, COFRE_FORMAT,
		    "the text has a line break");
	if (!utf8_is_text(text))
		return fail(fault, COFRE_FORMAT, "the text is not UTF-8");
	return COFRE_OK;
}

/* Read a text of a format that the kind has, with a scratch of its own. */
static enum cofre_status
parse_text(const struct format *f, cofre_secret *secret, struct view text,
    struct text_fault *fault)
{
	struct text_in in = { .left = text, .secret = secret,
		.fault = fault };
	enum cofre_status s = COFRE_OK;
	struct secmem m;

	if (!secmem_init(&m, TEXT_MAX, false, false))
		return fail(fault, COFRE_NO_MEMORY, "out of memory");
	wire_writer_init(&in.scratch, m.base, m.size);
	if (!f->parse(&in))
		s = fault->status;
	else if (cofre_secret_count(secret) == 0)
		s = fail(fault, COFRE_FORMAT, "the text says nothing");
	secmem_free(&m);
	return s;
}

static enum cofre_status
parse(const struct format *f, enum cofre_kind kind,
    enum cofre_datastore datastore, struct view text, cofre_secret **ret,
    struct text_fault *fault)
{
	cofre_secret *secret = NULL;
	enum cofre_status s = check_whole(text, fault);

	if (s != COFRE_OK)
		return s;
	/* Decoded values are no longer than the text; names are extra. */
	if (cofre_secret_new(&secret, kind, datastore) != COFRE_OK)
		return fail(fault, COFRE_NO_MEMORY, "out of memory");
	s = parse_text(f, secret, text, fault);
	if (s != COFRE_OK) {
		cofre_secret_free(secret);
		return s;
	}
	*ret = secret;
	return COFRE_OK;
}

static enum cofre_status
tell(const struct text_fault *fault, enum cofre_status s,
    char error[COFRE_ERROR_MAX])
{
	if (error != NULL)
		memcpy(error, fault->text, sizeof(fault->text));
	return s;
}

enum cofre_status
cofre_parse(enum cofre_format format, enum cofre_kind kind,
    enum cofre_datastore datastore, const char *text, size_t len,
    cofre_secret **ret, char error[COFRE_ERROR_MAX])
{
	const struct view whole = { (const uint8_t *)text, len };
	const struct format *f = find_used(format, kind, datastore);
	struct text_fault fault = { COFRE_OK, "" };
	enum cofre_status s;

	if (ret == NULL || (text == NULL && len > 0))
		s = fail(&fault, COFRE_ARGUMENT, "an argument is NULL");
	else if (f == NULL)
		s = fail(&fault, COFRE_ARGUMENT,
		    "secrets of this kind do not have this format");
	else
		s = parse(f, kind, datastore, whole, ret, &fault);
	return tell(&fault, s, error);
}

/*
 * Rendering.  A text is given out only when it reads back as the same
 * fields: so no value can add a key of its own, and what is in the vault
 * but not valid in the format is noticed here.
 */

/* Every field that the text has is the secret's; SAS notes may be absent. */
static enum cofre_status
compare(const cofre_secret *read, const cofre_secret *secret,
    struct text_fault *fault)
{
	for (size_t i = 0; i < cofre_secret_count(read); i++) {
		const char *name = cofre_secret_field_name(read, i);
		struct view a;
		struct view b = { NULL, 0 };

		a.data = (const uint8_t *)cofre_secret_field(read, name,
		    &a.len);
		b.data = (const uint8_t *)cofre_secret_field(secret, name,
		    &b.len);
		if (b.data == NULL && format_sas_is_note(name))
			continue;
		if (b.data == NULL || !view_equal(a, b)) {
			(void)text_fail(fault, name,
			    "the value can't be written in this format");
			return COFRE_FORMAT;
		}
	}
	return COFRE_OK;
}

static enum cofre_status
check_rendered(const struct format *f, const cofre_secret *secret,
    struct view text, struct text_fault *fault)
{
	cofre_secret *read = NULL;
	enum cofre_status s = parse(f, cofre_secret_kind(secret),
	    cofre_secret_datastore(secret), text, &read, fault);

	if (s == COFRE_OK)
		s = compare(read, secret, fault);
	cofre_secret_free(read);
	return s == COFRE_OK || s == COFRE_NO_MEMORY ? s : COFRE_FORMAT;
}

static enum cofre_status
render(const struct format *f, const cofre_secret *secret, char **ret,
    size_t *len, struct text_fault *fault)
{
	struct text_out out = { .secret = secret, .fault = fault };
	enum cofre_status s;
	struct secmem m;
	char *text;

	if (!secmem_init(&m, sizeof(m) + TEXT_MAX + 1, false, false))
		return fail(fault, COFRE_NO_MEMORY, "out of memory");
	text = (char *)m.base + sizeof(m);
	wire_writer_init(&out.w, text, TEXT_MAX);
	if (!f->render(&out))
		s = fault->status;
	else if (out.w.bad)
		s = fail(fault, COFRE_FORMAT,
		    "the text would be longer than 8192 bytes");
	else
		s = check_rendered(f, secret,
		    (struct view){ out.w.data, out.w.len }, fault);
	if (s != COFRE_OK) {
		secmem_free(&m);
		return s;
	}
	/* The text's area begins with what it takes to free it. */
	memcpy(m.base, &m, sizeof(m));
	*ret = text;
	if (len != NULL)
		*len = out.w.len;
	return COFRE_OK;
}

enum cofre_status
cofre_render(enum cofre_format format, const cofre_secret *s, char **ret,
    size_t *len, char error[COFRE_ERROR_MAX])
{
	struct text_fault fault = { COFRE_OK, "" };
	const struct format *f;
	enum cofre_status status;

	if (s == NULL || ret == NULL)
		status = fail(&fault, COFRE_ARGUMENT, "an argument is NULL");
	else if ((f = find_used(format, cofre_secret_kind(s),
	    cofre_secret_datastore(s))) == NULL)
		status = fail(&fault, COFRE_ARGUMENT,
		    "secrets of this kind do not have this format");
	else
		status = render(f, s, ret, len, &fault);
	return tell(&fault, status, error);
}

void
cofre_text_free(char *text)
{
	struct secmem m;

	if (text == NULL)
		return;
	memcpy(&m, text - sizeof(m), sizeof(m));
	secmem_free(&m);
}
