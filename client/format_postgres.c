#include "format_impl.h"

#include <string.h>

#include "format_libpq.h"
#include "format_uri.h"

/*
 * Reading.
 */

static bool
take_scheme(struct text_in *in)
{
	static const char *const schemes[] = { "postgresql://",
		"postgres://" };

	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(schemes[i]);

		if (in->left.len < n ||
		    memcmp(in->left.data, schemes[i], n) != 0)
			continue;
		in->left = text_from(in->left, n);
		return true;
	}
	return text_fail(in->fault, NULL,
	    "the text does not begin with postgresql:// or postgres://");
}

/*
 * The hosts, as the list with commas that libpq has them in.  The ports of
 * the same URI follow as another one.
 */
static bool
add_hosts(struct text_in *in, struct view hosts)
{
	size_t left = libpq_list_count(hosts);
	struct uri_host h;

	in->scratch.len = 0;
	for (; left > 0; left--) {
		if (!uri_host(in, &hosts, &h) || !uri_decode_host(in, &h))
			return false;
		if (left > 1)
			wire_put_u8(&in->scratch, ',');
	}
	/* One empty host, with a port perhaps, is libpq's default. */
	return in->scratch.len == 0 ||
	    libpq_add(in, libpq_find(view_of("host")), text_scratch(in));
}

static bool
add_ports(struct text_in *in, struct view hosts)
{
	size_t left = libpq_list_count(hosts);
	struct uri_host h;
	bool any = false;

	in->scratch.len = 0;
	for (; left > 0; left--) {
		if (!uri_host(in, &hosts, &h))
			return false;
		any = any || h.port.len > 0;
		wire_put_bytes(&in->scratch, h.port);
		if (left > 1)
			wire_put_u8(&in->scratch, ',');
	}
	return !any ||
	    libpq_add(in, libpq_find(view_of("port")), text_scratch(in));
}

/* JDBC's way to ask for TLS, which libpq understands as well. */
static bool
is_jdbc_ssl(struct view name, struct view value)
{
	return view_is(name, "ssl") && view_is(value, "true");
}

static bool
add_parameter(struct text_in *in, struct view name, struct view value)
{
	const struct libpq_option *option = libpq_find(name);

	if (is_jdbc_ssl(name, value))
		return libpq_add(in, libpq_find(view_of("sslmode")),
		    view_of("require"));
	if (option == NULL)
		return text_fail_pair(in, "not a parameter of libpq");
	in->scratch.len = 0;
	return text_decode(in, option->field, value, URI_QUERY) &&
	    libpq_add(in, option, text_scratch(in));
}

bool
format_postgres_parse(struct text_in *in)
{
	struct view name;
	struct view value;
	struct uri u;

	if (!take_scheme(in) || !uri_split(in, &u))
		return false;
	if (u.user.len > 0 && !uri_field(in, "user", u.user, URI_USER, NULL))
		return false;
	/* For libpq an empty password is none. */
	if (u.password.len > 0 &&
	    !uri_field(in, "password", u.password, URI_USER ":", NULL))
		return false;
	if (u.hosts.len > 0 &&
	    (!add_hosts(in, u.hosts) || !add_ports(in, u.hosts)))
		return false;
	if (u.path.len > 0 &&
	    !uri_field(in, "database", u.path, URI_PATH,
		libpq_check_database))
		return false;
	if (u.has_query)
		do {
			if (!uri_parameter(in, &u.query, &name, &value) ||
			    !add_parameter(in, name, value))
				return false;
		} while (u.query.len > 0);
	return libpq_check_together(in);
}

/*
 * Writing.
 */

static void
put_user(struct text_out *out)
{
	struct view user = text_value(out, "user");
	struct view password = text_value(out, "password");

	if (user.len == 0 && password.len == 0)
		return;
	text_put_encoded(out, user);
	if (password.len > 0) {
		text_put(out, ":");
		text_put_encoded(out, password);
	}
	text_put(out, "@");
}

/* Take the first item off a list with commas. */
static struct view
list_next(struct view *list)
{
	size_t comma = text_index(*list, ',');
	struct view item = { list->data, comma };

	*list = text_from(*list, comma < list->len ? comma + 1 : comma);
	return item;
}

/* Ports stand beside their hosts when there are as many. */
static bool
ports_fit(const struct text_out *out)
{
	struct view hosts = text_value(out, "server");
	struct view ports = text_value(out, "port");

	return hosts.data != NULL && ports.data != NULL &&
	    libpq_list_count(hosts) == libpq_list_count(ports);
}

static void
put_hosts(struct text_out *out)
{
	struct view hosts = text_value(out, "server");
	struct view ports = text_value(out, "port");
	size_t left = hosts.data == NULL ? 0 : libpq_list_count(hosts);
	bool fit = ports_fit(out);

	for (; left > 0; left--) {
		uri_put_host(out, list_next(&hosts));
		if (fit) {
			struct view port = list_next(&ports);

			text_put(out, port.len > 0 ? ":" : "");
			text_put_view(out, port);
		}
		text_put(out, left > 1 ? "," : "");
	}
}

/* True for what stands before the parameters; nothing empty can. */
static bool
is_placed(const struct text_out *out, const char *field)
{
	static const char *const placed[] = { "server", "user", "password",
		"database" };

	for (size_t i = 0; i < sizeof(placed) / sizeof(placed[0]); i++)
		if (strcmp(field, placed[i]) == 0)
			return text_value(out, field).len > 0;
	return strcmp(field, "port") == 0 && ports_fit(out);
}

static void
put_parameters(struct text_out *out)
{
	const struct libpq_option *option;
	const char *before = "?";

	for (size_t i = 0; (option = libpq_at(i)) != NULL; i++) {
		struct view v = text_value(out, option->field);

		if (v.data == NULL || option->refused != NULL ||
		    is_placed(out, option->field))
			continue;
		text_put(out, before);
		text_put(out, option->name);
		text_put(out, "=");
		text_put_encoded(out, v);
		before = "&";
	}
}

bool
format_postgres_render(struct text_out *out)
{
	struct view database = text_value(out, "database");

	text_put(out, "postgresql://");
	put_user(out);
	put_hosts(out);
	if (database.len > 0) {
		text_put(out, "/");
		text_put_encoded(out, database);
	}
	put_parameters(out);
	return true;
}
