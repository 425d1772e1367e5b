/*
 * Any bytes as a text of each format: no crash; what is refused has a
 * reason; what is taken can be written, and reads back as the same fields.
 *
 * The first byte chooses the format and the kind of secret.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cofre.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct subject {
	enum cofre_format format;
	enum cofre_kind kind;
	enum cofre_datastore datastore;
} subjects[] = {
	{ COFRE_FORMAT_CONNECTION_STRING, COFRE_KIND_STORAGE,
	    COFRE_DATASTORE_NONE },
	{ COFRE_FORMAT_SAS, COFRE_KIND_STORAGE, COFRE_DATASTORE_NONE },
	{ COFRE_FORMAT_ADO, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_SQL },
	{ COFRE_FORMAT_LIBPQ, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_POSTGRES },
	{ COFRE_FORMAT_POSTGRES_URI, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_POSTGRES },
	{ COFRE_FORMAT_MYSQL_URI, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_MYSQL },
	{ COFRE_FORMAT_CONNECTION_STRING, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_BLOB },
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static enum cofre_status
parse(const struct subject *t, const char *text, size_t len,
    cofre_secret **ret)
{
	char error[COFRE_ERROR_MAX] = "";
	enum cofre_status s = cofre_parse(t->format, t->kind, t->datastore,
	    text, len, ret, error);

	must((s == COFRE_OK) == (error[0] == '\0'));
	must(memchr(error, '\0', sizeof(error)) != NULL);
	return s;
}

static void
check_same(const cofre_secret *a, const cofre_secret *b)
{
	must(cofre_secret_count(a) == cofre_secret_count(b));
	for (size_t i = 0; i < cofre_secret_count(a); i++) {
		const char *name = cofre_secret_field_name(a, i);
		size_t n = 0;
		size_t m = 0;
		const char *x = cofre_secret_field(a, name, &n);
		const char *y = cofre_secret_field(b, name, &m);

		must(y != NULL && n == m && memcmp(x, y, n) == 0);
	}
}

/* Two texts, for a text that one format wrote can be changed no more. */
static void
check_round_trip(const struct subject *t, const cofre_secret *s)
{
	cofre_secret *again = NULL;
	char *text = NULL;
	char *second = NULL;
	size_t len = 0;

	must(cofre_render(t->format, s, &text, &len, NULL) == COFRE_OK);
	must(strlen(text) == len);
	must(parse(t, text, len, &again) == COFRE_OK);
	check_same(s, again);
	must(cofre_render(t->format, again, &second, NULL, NULL) ==
	    COFRE_OK);
	must(strcmp(text, second) == 0);
	cofre_text_free(text);
	cofre_text_free(second);
	cofre_secret_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct subject *t;
	cofre_secret *s = NULL;

	if (size == 0)
		return 0;
	t = &subjects[data[0] % (sizeof(subjects) / sizeof(subjects[0]))];
	if (parse(t, (const char *)data + 1, size - 1, &s) == COFRE_OK)
		check_round_trip(t, s);
	else
		must(s == NULL);
	cofre_secret_free(s);
	return 0;
}
