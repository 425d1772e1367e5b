#include "format_impl.h"

#include <string.h>

#include "format_uri.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const schemes[] = { "mysql", "mysqlx", "mysqlx+srv" };

/* The parameters, in the order in which they are written. */
static const char *const parameters[] = {
	"ssl-mode", "ssl-ca", "ssl-capath", "ssl-cert", "ssl-cipher",
	"ssl-crl", "ssl-crlpath", "ssl-key", "tls-version", "tls-versions",
	"tls-ciphersuites", "auth-method", "get-server-public-key",
	"server-public-key-path", "connect-timeout", "compression",
	"compression-algorithms", "compression-level",
	"connection-attributes", "local-infile", "max-allowed-packet",
	"mysql-plugin-dir", "net-buffer-length", "net-read-timeout",
	"net-write-timeout",
};

static const char *
find_parameter(struct view name)
{
	for (size_t i = 0; i < COUNT(parameters); i++)
		if (text_is(name, parameters[i]))
			return parameters[i];
	return NULL;
}

/* A name, an address, or the path of a socket. */
static const char *
check_server(struct view v)
{
	if (v.len == 0)
		return "missing";
	return v.data[0] == '/' || text_only(v, ".-_:%") ?
	    NULL : "not the name or address of a server";
}

/*
 * Reading.
 */

/* The scheme is optional, and what looks like another one is an error. */
static bool
take_scheme(struct text_in *in)
{
	size_t n = text_index(in->left, ':');
	struct view rest = text_from(in->left, n);

	if (rest.len < 3 || memcmp(rest.data, "://", 3) != 0)
		return true;
	for (size_t i = 0; i < COUNT(schemes); i++)
		if (n == strlen(schemes[i]) &&
		    memcmp(in->left.data, schemes[i], n) == 0) {
			in->left = text_from(rest, 3);
			return text_field(in, "scheme", view_of(schemes[i]),
			    NULL);
		}
	return text_fail(in->fault, "scheme",
	    "neither mysql nor mysqlx nor mysqlx+srv");
}

/* "user@" leaves the password open, "user:@" says that it is empty. */
static bool
add_user(struct text_in *in, const struct uri *u)
{
	if (!u->has_user)
		return true;
	if (!uri_field(in, "user", u->user, URI_USER, text_check_filled))
		return false;
	return !u->has_password ||
	    uri_field(in, "password", u->password, URI_USER ":", NULL);
}

static bool
add_host(struct text_in *in, struct view hosts)
{
	struct uri_host h;

	in->scratch.len = 0;
	if (text_index(hosts, ',') < hosts.len)
		return text_fail(in->fault, "server", "more than one host");
	if (!uri_host(in, &hosts, &h) || !uri_decode_host(in, &h) ||
	    !text_field(in, "server", text_scratch(in), check_server))
		return false;
	return h.port.len == 0 ||
	    text_field(in, "port", h.port, text_check_port);
}

static bool
has_list_sign(struct view v)
{
	return text_index(v, ',') < v.len || text_index(v, '[') < v.len ||
	    text_index(v, ']') < v.len;
}

/* The items of a list like [a,b], which is kept in that form. */
static bool
decode_list(struct text_in *in, const char *name, struct view list)
{
	size_t start;
	size_t comma;

	wire_put_u8(&in->scratch, '[');
	for (;;) {
		comma = text_index(list, ',');
		start = in->scratch.len;
		if (!text_decode(in, name, (struct view){ list.data, comma },
		    "!$'()*+;:@/?"))
			return false;
		if (has_list_sign(text_from(text_scratch(in), start)))
			return text_fail(in->fault, name,
			    "an item with a comma or bracket");
		if (comma == list.len)
			break;
		wire_put_u8(&in->scratch, ',');
		list = text_from(list, comma + 1);
	}
	wire_put_u8(&in->scratch, ']');
	return true;
}

static bool
decode_value(struct text_in *in, const char *name, struct view raw)
{
	in->scratch.len = 0;
	if (raw.len >= 2 && raw.data[0] == '[' &&
	    raw.data[raw.len - 1] == ']')
		return decode_list(in, name,
		    (struct view){ raw.data + 1, raw.len - 2 });
	if (!text_decode(in, name, raw, URI_QUERY))
		return false;
	if (in->scratch.len > 0 && in->scratch.data[0] == '[')
		return text_fail(in->fault, name,
		    "a list must be written [a,b]");
	return true;
}

static bool
add_parameter(struct text_in *in, struct view *query)
{
	struct view name;
	struct view value;
	const char *field;

	if (!uri_parameter(in, query, &name, &value))
		return false;
	field = find_parameter(name);
	if (field == NULL)
		return text_fail_pair(in, "not a parameter of a MySQL URI");
	return decode_value(in, field, value) &&
	    text_field(in, field, text_scratch(in), NULL);
}

bool
format_mysql_parse(struct text_in *in)
{
	struct uri u;

	if (!take_scheme(in) || !uri_split(in, &u) || !add_user(in, &u) ||
	    !add_host(in, u.hosts))
		return false;
	if (u.path.len > 0 &&
	    !uri_field(in, "database", u.path, URI_PATH, NULL))
		return false;
	if (u.has_query)
		do {
			if (!add_parameter(in, &u.query))
				return false;
		} while (u.query.len > 0);
	return true;
}

/*
 * Writing.
 */

static void
put_value(struct text_out *out, struct view v)
{
	if (v.len < 2 || v.data[0] != '[' || v.data[v.len - 1] != ']') {
		text_put_encoded(out, v);
		return;
	}
	v = (struct view){ v.data + 1, v.len - 2 };
	text_put(out, "[");
	for (;;) {
		size_t comma = text_index(v, ',');

		text_put_encoded(out, (struct view){ v.data, comma });
		if (comma == v.len)
			break;
		text_put(out, ",");
		v = text_from(v, comma + 1);
	}
	text_put(out, "]");
}

/* A password has no place without a user: it is not left out in silence. */
static bool
put_user(struct text_out *out)
{
	struct view user = text_value(out, "user");
	struct view password = text_value(out, "password");

	if (user.data == NULL && password.data != NULL)
		return text_fail(out->fault, "user", "missing");
	if (user.data == NULL)
		return true;
	text_put_encoded(out, user);
	if (password.data != NULL) {
		text_put(out, ":");
		text_put_encoded(out, password);
	}
	text_put(out, "@");
	return true;
}

static bool
put_place(struct text_out *out)
{
	struct view scheme = text_value(out, "scheme");
	struct view port = text_value(out, "port");
	struct view database = text_value(out, "database");

	if (scheme.data != NULL) {
		text_put_view(out, scheme);
		text_put(out, "://");
	}
	if (!put_user(out))
		return false;
	uri_put_host(out, text_value(out, "server"));
	if (port.data != NULL) {
		text_put(out, ":");
		text_put_view(out, port);
	}
	if (database.len > 0) {
		text_put(out, "/");
		text_put_encoded(out, database);
	}
	return true;
}

bool
format_mysql_render(struct text_out *out)
{
	const char *before = "?";

	if (!put_place(out))
		return false;
	for (size_t i = 0; i < COUNT(parameters); i++) {
		struct view v = text_value(out, parameters[i]);

		if (v.data == NULL)
			continue;
		text_put(out, before);
		text_put(out, parameters[i]);
		text_put(out, "=");
		put_value(out, v);
		before = "&";
	}
	return true;
}
