#include "format_impl.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Checks of the values.
 */

static const char *
check_true(struct view v)
{
	return text_is(v, "true") ? NULL : "the only value is true";
}

static const char *
check_protocol(struct view v)
{
	if (text_is(v, "http"))
		return "http is refused: the key would be used without TLS";
	return text_is(v, "https") ? NULL : "the only value is https";
}

static const char *
check_account(struct view v)
{
	static const char why[] =
	    "not 3 to 24 lower-case letters and digits";

	if (v.len < 3 || v.len > 24 || !text_only(v, ""))
		return why;
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] >= 'A' && v.data[i] <= 'Z')
			return why;
	return NULL;
}

/* The storage emulator's key, which everybody knows. */
static const char emulator_key[] =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K"
    "1SZFPTOtr/KBHBeksoGMGw==";

static const char *
check_key(struct view v)
{
	if (text_base64_len(v) != 64)
		return "not the base64 of 64 bytes (88 characters)";
	if (view_is(v, emulator_key))
		return "the public key of the storage emulator is no secret; "
		       "say UseDevelopmentStorage=true instead";
	return NULL;
}

static const char *
check_key_name(struct view v)
{
	if (v.len == 0 || !text_only(v, "._-"))
		return "not a name of letters, digits, '.', '_' and '-'";
	return NULL;
}

/* Labels with single dots between them. */
static const char *
check_dns(struct view v)
{
	bool label = false;

	if (v.len == 0 || v.len > 253 || !text_only(v, ".-"))
		return "not a DNS name";
	for (size_t i = 0; i < v.len; i++) {
		if (v.data[i] == '.' && !label)
			return "not a DNS name";
		label = v.data[i] != '.';
	}
	return label ? NULL : "not a DNS name";
}

static bool
starts_with(struct view v, const char *prefix)
{
	size_t n = strlen(prefix);

	return v.len >= n && text_is((struct view){ v.data, n }, prefix);
}

/* HOST[:PORT] of an endpoint. */
static bool
is_authority(struct view v)
{
	size_t colon;

	if (v.len > 0 && v.data[0] == '[') {
		colon = text_index(v, ']');
		if (colon < 3 || colon == v.len ||
		    !text_only((struct view){ v.data + 1, colon - 1 }, ":."))
			return false;
		v = text_from(v, colon + 1);
		return v.len == 0 ||
		    (v.data[0] == ':' &&
			text_check_port(text_from(v, 1)) == NULL);
	}
	colon = text_index(v, ':');
	if (check_dns((struct view){ v.data, colon }) != NULL)
		return false;
	return colon == v.len ||
	    text_check_port(text_from(v, colon + 1)) == NULL;
}

/* The scheme, the authority and a path; nothing that may hold a secret. */
static const char *
check_uri(struct view v, size_t scheme)
{
	struct view rest = text_from(v, scheme);
	size_t slash = text_index(rest, '/');

	if (!is_authority((struct view){ rest.data, slash }))
		return "the host is not valid";
	if (!text_only(text_from(rest, slash), "/-._~%!$&'()*+,=:"))
		return "not a plain URI: it must have no user, query or "
		       "fragment";
	return NULL;
}

static const char *
check_endpoint(struct view v)
{
	if (starts_with(v, "http://"))
		return "http is refused: the key would be used without TLS";
	if (!starts_with(v, "https://"))
		return "not an absolute https URI";
	return check_uri(v, strlen("https://"));
}

/* The emulator has no secret and no TLS. */
static const char *
check_proxy(struct view v)
{
	if (starts_with(v, "http://"))
		return check_uri(v, strlen("http://"));
	return check_endpoint(v);
}

/*
 * The keys, in the order in which they are written.
 */
static const struct key {
	const char *name;
	text_check *check;
} keys[] = {
	{ "UseDevelopmentStorage", check_true },
	{ "DevelopmentStorageProxyUri", check_proxy },
	{ "DefaultEndpointsProtocol", check_protocol },
	{ "AccountName", check_account },
	{ "AccountKey", check_key },
	{ "AccountKeyName", check_key_name },
	{ "SharedAccessSignature", NULL },
	{ "BlobEndpoint", check_endpoint },
	{ "BlobSecondaryEndpoint", check_endpoint },
	{ "QueueEndpoint", check_endpoint },
	{ "QueueSecondaryEndpoint", check_endpoint },
	{ "FileEndpoint", check_endpoint },
	{ "FileSecondaryEndpoint", check_endpoint },
	{ "TableEndpoint", check_endpoint },
	{ "TableSecondaryEndpoint", check_endpoint },
	{ "EndpointSuffix", check_dns },
};

#define KEY_SAS "SharedAccessSignature"

static const struct key *
find_key(struct view name)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (text_is(name, keys[i].name))
			return &keys[i];
	return NULL;
}

static bool
parse_pair(struct text_in *in, struct view pair)
{
	size_t equals = text_index(pair, '=');
	const struct key *key = find_key((struct view){ pair.data, equals });

	text_pair(in);
	if (equals == pair.len)
		return text_fail_pair(in, "there is no '='");
	if (key == NULL)
		return text_fail_pair(in,
		    "not a key of a storage connection string");
	pair = text_from(pair, equals + 1);
	if (strcmp(key->name, KEY_SAS) == 0)
		return format_sas_add(in, pair);
	return text_field(in, key->name, pair, key->check);
}

/*
 * Which keys may stand together.
 */

/* A primary endpoint is there; every secondary one has its primary. */
static bool
check_endpoints(struct text_in *in, bool *any)
{
	static const char *const pairs[][2] = {
		{ "BlobEndpoint", "BlobSecondaryEndpoint" },
		{ "QueueEndpoint", "QueueSecondaryEndpoint" },
		{ "FileEndpoint", "FileSecondaryEndpoint" },
		{ "TableEndpoint", "TableSecondaryEndpoint" },
	};

	*any = false;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		if (text_has(in, pairs[i][0]))
			*any = true;
		else if (text_has(in, pairs[i][1]))
			return text_fail(in->fault, pairs[i][1],
			    "the primary endpoint is missing");
	}
	return true;
}

static bool
check_development(struct text_in *in)
{
	size_t allowed = text_has(in, "DevelopmentStorageProxyUri") ? 2 : 1;

	if (cofre_secret_count(in->secret) != allowed)
		return text_fail(in->fault, "UseDevelopmentStorage",
		    "only DevelopmentStorageProxyUri may stand beside it");
	return true;
}

static bool
check_together(struct text_in *in)
{
	bool key = text_has(in, "AccountKey");
	bool sas = text_has(in, KEY_SAS);
	bool endpoint;

	if (text_has(in, "UseDevelopmentStorage"))
		return check_development(in);
	if (text_has(in, "DevelopmentStorageProxyUri"))
		return text_fail(in->fault, "DevelopmentStorageProxyUri",
		    "UseDevelopmentStorage=true is missing");
	if (!check_endpoints(in, &endpoint))
		return false;
	if (key == sas)
		return text_fail(in->fault, NULL, key ?
			"AccountKey and SharedAccessSignature exclude each "
			"other" :
			"neither AccountKey nor SharedAccessSignature");
	if (text_has(in, "AccountKeyName") && !key)
		return text_fail(in->fault, "AccountKeyName",
		    "AccountKey is missing");
	if ((key || !endpoint) && !text_has(in, "AccountName"))
		return text_fail(in->fault, NULL, "AccountName is missing");
	return true;
}

bool
format_storage_parse(struct text_in *in)
{
	struct view pair;

	do {
		pair = text_until(in, ";");
		if (pair.len > 0 && !parse_pair(in, pair))
			return false;
	} while (text_skip(in, ';'));
	return check_together(in);
}

bool
format_storage_render(struct text_out *out)
{
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct view v = text_value(out, keys[i].name);

		if (v.data == NULL)
			continue;
		if (out->w.len > 0)
			text_put(out, ";");
		text_put(out, keys[i].name);
		text_put(out, "=");
		text_put_view(out, v);
	}
	return true;
}
