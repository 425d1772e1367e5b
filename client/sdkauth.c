#include "sdkauth.h"

#include <jansson.h>
#include <string.h>

#include "secmem.h"
#include "utf8.h"
#include "wiping.h"

enum form { FORM_TEXT, FORM_UUID, FORM_URL };

static const struct row {
	const char *key;
	const char *field;
	enum form form;
	bool is_secret;
	bool is_needed;
} rows[] = {
	{ "tenantId", "tenant_id", FORM_UUID, false, true },
	{ "clientId", "client_id", FORM_UUID, false, true },
	{ "clientSecret", "client_secret", FORM_TEXT, true, true },
	{ "subscriptionId", "subscription_id", FORM_UUID, false, false },
	{ "activeDirectoryEndpointUrl", "authority_url", FORM_URL, false,
	    false },
	{ "resourceManagerEndpointUrl", "resource_manager_url", FORM_URL,
	    false, false },
	{ "activeDirectoryGraphResourceId", "graph_url", FORM_URL, false,
	    false },
	{ "sqlManagementEndpointUrl", "sql_management_url", FORM_URL, false,
	    false },
	{ "galleryEndpointUrl", "gallery_url", FORM_URL, false, false },
	{ "managementEndpointUrl", "management_url", FORM_URL, false, false },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct row *
find(const char *key)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	    (c >= 'A' && c <= 'F');
}

static bool
is_uuid(const char *text, size_t len)
{
	if (len != 36)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !is_hex(text[i]))
			return false;
	}
	return true;
}

/* True for printable ASCII without blanks. */
static bool
is_graphic(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0;
}

static enum cofre_status
check_form(const struct row *r, const char *text, size_t len,
    struct problem *p)
{
	if (!is_graphic(text, len))
		return problem_set(p, COFRE_FORMAT,
		    "%s is empty, or has characters that it can't have",
		    r->key);
	if (r->form == FORM_UUID && !is_uuid(text, len))
		return problem_set(p, COFRE_FORMAT, "%s is no UUID", r->key);
	if (r->form == FORM_URL && strncmp(text, "https://", 8) != 0)
		return problem_set(p, COFRE_FORMAT,
		    "%s does not begin with https://", r->key);
	return COFRE_OK;
}

static enum cofre_status
add(const char *key, const json_t *value, cofre_secret *secret,
    struct problem *p)
{
	const struct row *r = find(key);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	enum cofre_status s;

	if (r == NULL)
		return problem_set(p, COFRE_FORMAT,
		    "a key that is not known: '%.60s'", key);
	if (text == NULL)
		return problem_set(p, COFRE_FORMAT, "%s is no string", r->key);
	s = check_form(r, text, len, p);
	if (s != COFRE_OK)
		return s;
	s = cofre_secret_add(secret, r->field, r->is_secret, text, len);
	if (s != COFRE_OK)
		return problem_set(p, s, "%s: %s", r->key,
		    cofre_status_text(s));
	return COFRE_OK;
}

static enum cofre_status
take_object(json_t *object, cofre_secret *secret, struct problem *p)
{
	enum cofre_status s = COFRE_OK;

	for (void *i = json_object_iter(object); i != NULL && s == COFRE_OK;
	     i = json_object_iter_next(object, i))
		s = add(json_object_iter_key(i), json_object_iter_value(i),
		    secret, p);
	for (size_t i = 0; i < COUNT(rows) && s == COFRE_OK; i++)
		if (rows[i].is_needed &&
		    json_object_get(object, rows[i].key) == NULL)
			s = problem_set(p, COFRE_FORMAT, "%s is missing",
			    rows[i].key);
	return s;
}

/* jansson's own text of an error may quote what it read: it is not used. */
static enum cofre_status
parse(struct view text, cofre_secret *secret, struct problem *p)
{
	json_error_t error;
	json_t *all = json_loadb((const char *)text.data, text.len,
	    JSON_REJECT_DUPLICATES, &error);
	enum cofre_status s;

	/* It has none for a lack of memory. */
	if (all == NULL && error.text[0] == '\0')
		s = problem_set(p, COFRE_NO_MEMORY, "out of memory");
	else if (all == NULL)
		s = problem_set(p, COFRE_FORMAT,
		    "line %d, column %d: no JSON, or a key is there twice",
		    error.line, error.column);
	else if (!json_is_object(all))
		s = problem_set(p, COFRE_FORMAT, "it is no JSON object");
	else
		s = take_object(all, secret, p);
	json_decref(all);
	secmem_wipe(&error, sizeof(error));
	return s;
}

enum cofre_status
sdkauth_parse(struct view text, cofre_secret *secret, struct problem *p)
{
	json_malloc_t before_malloc;
	json_free_t before_free;
	enum cofre_status s;

	json_get_alloc_funcs(&before_malloc, &before_free);
	json_set_alloc_funcs(wiping_malloc, wiping_free);
	s = parse(text, secret, p);
	json_set_alloc_funcs(before_malloc, before_free);
	return s;
}
