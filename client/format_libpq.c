#include "format_libpq.h"

#include <string.h>

#include "format_impl.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Checks of the values.
 */

/* A name, an address, or the directory of a socket; may be empty. */
static const char *
check_host(struct view v)
{
	if (v.len > 0 && (v.data[0] == '/' || v.data[0] == '@'))
		return NULL;
	return text_only(v, ".-_:%") ? NULL : "a host is not valid";
}

static const char *
check_port(struct view v)
{
	return v.len == 0 ? NULL : text_check_port(v);
}

static const char *
check_each(struct view list, text_check *check)
{
	for (;;) {
		size_t comma = text_index(list, ',');
		const char *why = check((struct view){ list.data, comma });

		if (why != NULL || comma == list.len)
			return why;
		list = text_from(list, comma + 1);
	}
}

static const char *
check_hosts(struct view v)
{
	return check_each(v, check_host);
}

static const char *
check_ports(struct view v)
{
	return check_each(v, check_port);
}

static const char *
check_sslmode(struct view v)
{
	static const char *const modes[] = { "disable", "allow", "prefer",
		"require", "verify-ca", "verify-full" };

	for (size_t i = 0; i < COUNT(modes); i++)
		if (view_is(v, modes[i]))
			return NULL;
	return "not a mode that libpq knows";
}

/*
 * libpq takes a database name with '=' in it, or one that begins like a URI,
 * for a connection string of its own: it could name a service or a file.
 */
const char *
libpq_check_database(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] == '=' || v.data[i] == ':')
			return "may hold neither '=' nor ':'";
	return NULL;
}

#define INDIRECT "refused: it reads a file of whoever uses the string"

static const struct libpq_option options[] = {
	{ "host", "server", check_hosts, NULL },
	{ "port", "port", check_ports, NULL },
	{ "dbname", "database", libpq_check_database, NULL },
	{ "user", "user", NULL, NULL },
	{ "password", "password", NULL, NULL },
	{ "sslmode", "sslmode", check_sslmode, NULL },
	{ "application_name", "application_name", NULL, NULL },
	{ "channel_binding", "channel_binding", NULL, NULL },
	{ "client_encoding", "client_encoding", NULL, NULL },
	{ "connect_timeout", "connect_timeout", NULL, NULL },
	{ "fallback_application_name", "fallback_application_name", NULL,
	    NULL },
	{ "gssdelegation", "gssdelegation", NULL, NULL },
	{ "gssencmode", "gssencmode", NULL, NULL },
	{ "gsslib", "gsslib", NULL, NULL },
	{ "hostaddr", "hostaddr", check_hosts, NULL },
	{ "keepalives", "keepalives", NULL, NULL },
	{ "keepalives_count", "keepalives_count", NULL, NULL },
	{ "keepalives_idle", "keepalives_idle", NULL, NULL },
	{ "keepalives_interval", "keepalives_interval", NULL, NULL },
	{ "krbsrvname", "krbsrvname", NULL, NULL },
	{ "load_balance_hosts", "load_balance_hosts", NULL, NULL },
	{ "options", "options", NULL, NULL },
	{ "replication", "replication", NULL, NULL },
	{ "require_auth", "require_auth", NULL, NULL },
	{ "requirepeer", "requirepeer", NULL, NULL },
	{ "requiressl", "requiressl", NULL, NULL },
	{ "ssl_max_protocol_version", "ssl_max_protocol_version", NULL,
	    NULL },
	{ "ssl_min_protocol_version", "ssl_min_protocol_version", NULL,
	    NULL },
	{ "sslcert", "sslcert", NULL, NULL },
	{ "sslcertmode", "sslcertmode", NULL, NULL },
	{ "sslcompression", "sslcompression", NULL, NULL },
	{ "sslcrl", "sslcrl", NULL, NULL },
	{ "sslcrldir", "sslcrldir", NULL, NULL },
	{ "sslkey", "sslkey", NULL, NULL },
	{ "sslnegotiation", "sslnegotiation", NULL, NULL },
	{ "sslpassword", "sslpassword", NULL, NULL },
	{ "sslrootcert", "sslrootcert", NULL, NULL },
	{ "sslsni", "sslsni", NULL, NULL },
	{ "target_session_attrs", "target_session_attrs", NULL, NULL },
	{ "tcp_user_timeout", "tcp_user_timeout", NULL, NULL },
	{ "passfile", "passfile", NULL, INDIRECT },
	{ "service", "service", NULL, INDIRECT },
	{ "servicefile", "servicefile", NULL, INDIRECT },
};

const struct libpq_option *
libpq_find(struct view name)
{
	for (size_t i = 0; i < COUNT(options); i++)
		if (view_is(name, options[i].name))
			return &options[i];
	return NULL;
}

const struct libpq_option *
libpq_at(size_t i)
{
	return i < COUNT(options) ? &options[i] : NULL;
}

bool
libpq_add(struct text_in *in, const struct libpq_option *option,
    struct view value)
{
	if (option->refused != NULL)
		return text_fail(in->fault, option->name, option->refused);
	return text_field(in, option->field, value, option->check);
}

size_t
libpq_list_count(struct view list)
{
	size_t n = 1;

	for (size_t i = 0; i < list.len; i++)
		if (list.data[i] == ',')
			n++;
	return n;
}

/* A field's items; a field that is not there, or empty, is one default. */
static size_t
items(const struct text_in *in, const char *field)
{
	struct view v = { NULL, 0 };

	v.data = (const uint8_t *)cofre_secret_field(in->secret, field,
	    &v.len);
	return v.data == NULL ? 0 : libpq_list_count(v);
}

bool
libpq_check_together(struct text_in *in)
{
	size_t hosts = items(in, "server");
	size_t addresses = items(in, "hostaddr");
	size_t ports = items(in, "port");

	if (hosts > 0 && addresses > 0 && hosts != addresses)
		return text_fail(in->fault, "hostaddr",
		    "there must be as many as hosts");
	if (hosts == 0)
		hosts = addresses > 0 ? addresses : 1;
	if (ports > 1 && ports != hosts)
		return text_fail(in->fault, "port",
		    "there must be one, or as many as hosts");
	return true;
}

/*
 * Keywords and values.
 */

/*
 * A value up to a byte of stop; a backslash makes the next byte stand for
 * itself.
 */
static bool
take_value(struct text_in *in, const char *field, const char *stop)
{
	for (;;) {
		wire_put_bytes(&in->scratch, text_until(in, stop));
		if (!text_skip(in, '\\'))
			return true;
		if (in->left.len == 0)
			return text_fail(in->fault, field,
			    "nothing stands after the last backslash");
		wire_put_u8(&in->scratch, in->left.data[0]);
		in->left = text_from(in->left, 1);
	}
}

static bool
quoted_value(struct text_in *in, const char *field)
{
	if (!take_value(in, field, "\\'"))
		return false;
	if (!text_skip(in, '\''))
		return text_fail(in->fault, field,
		    "the closing quote is missing");
	if (in->left.len > 0 && strchr(TEXT_BLANKS, in->left.data[0]) == NULL)
		return text_fail(in->fault, field,
		    "no blank stands after the closing quote");
	return true;
}

static bool
plain_value(struct text_in *in, const char *field)
{
	if (in->left.len == 0)
		return text_fail(in->fault, field,
		    "an empty value is written ''");
	return take_value(in, field, "\\" TEXT_BLANKS);
}

static bool
parse_pair(struct text_in *in)
{
	struct view name = text_until(in, "=" TEXT_BLANKS);
	const struct libpq_option *option = libpq_find(name);

	text_pair(in);
	text_skip_blanks(in);
	if (!text_skip(in, '='))
		return text_fail_pair(in, "there is no '='");
	if (option == NULL)
		return text_fail_pair(in, "not a keyword of libpq");
	text_skip_blanks(in);
	if (text_skip(in, '\'') ? !quoted_value(in, option->field) :
				  !plain_value(in, option->field))
		return false;
	return libpq_add(in, option, text_scratch(in));
}

bool
format_libpq_parse(struct text_in *in)
{
	for (text_skip_blanks(in); in->left.len > 0; text_skip_blanks(in))
		if (!parse_pair(in))
			return false;
	return libpq_check_together(in);
}

static void
put_value(struct text_out *out, struct view v)
{
	if (v.len > 0 && text_only(v, ".,:-_@/+")) {
		text_put_view(out, v);
		return;
	}
	text_put(out, "'");
	for (size_t i = 0; i < v.len; i++) {
		if (v.data[i] == '\'' || v.data[i] == '\\')
			text_put(out, "\\");
		wire_put_u8(&out->w, v.data[i]);
	}
	text_put(out, "'");
}

bool
format_libpq_render(struct text_out *out)
{
	const struct libpq_option *option;

	for (size_t i = 0; (option = libpq_at(i)) != NULL; i++) {
		struct view v = text_value(out, option->field);

		if (v.data == NULL || option->refused != NULL)
			continue;
		if (out->w.len > 0)
			text_put(out, " ");
		text_put(out, option->name);
		text_put(out, "=");
		put_value(out, v);
	}
	return true;
}
