#include "format_impl.h"

#include <string.h>

#include "utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Checks of the values.
 */

static const char *
check_only_false(struct view v)
{
	if (text_is(v, "false") || text_is(v, "no"))
		return NULL;
	return "only False is accepted: anything else gives the password or "
	       "the connection away";
}

static const char *
check_integrated(struct view v)
{
	return text_is(v, "sspi") ? NULL : text_check_boolean(v);
}

static const char *
check_encrypt(struct view v)
{
	if (text_is(v, "strict") || text_is(v, "mandatory") ||
	    text_is(v, "optional"))
		return NULL;
	return text_check_boolean(v);
}

static const char *
check_number(struct view v)
{
	if (v.len == 0 || v.len > 9)
		return "not a number";
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] < '0' || v.data[i] > '9')
			return "not a number";
	return NULL;
}

/* A host, HOST\INSTANCE, or an IPv6 address; TCP is what it is reached by. */
static const char *
check_server(struct view v)
{
	static const char hex[] = "0123456789abcdefABCDEF:.";

	if (v.len == 0 || !text_only(v, ".-_\\()$:%"))
		return "not the name or address of a server";
	if (text_index(v, ':') == v.len)
		return NULL;
	for (size_t i = 0; i < v.len; i++)
		if (strchr(hex, v.data[i]) == NULL)
			return "only tcp: may stand before the server";
	return NULL;
}

/*
 * The keywords of SqlClient.  Rows with the same field are synonyms; the
 * first one is written, and the table's order is that of the output.
 */
static const struct keyword {
	const char *name;
	const char *field;
	text_check *check;
} keywords[] = {
	{ "Server", "server", check_server },
	{ "Data Source", "server", check_server },
	{ "Address", "server", check_server },
	{ "Addr", "server", check_server },
	{ "Network Address", "server", check_server },
	{ "Initial Catalog", "database", text_check_filled },
	{ "Database", "database", text_check_filled },
	{ "Persist Security Info", "persist_security_info",
	    check_only_false },
	{ "PersistSecurityInfo", "persist_security_info", check_only_false },
	{ "User ID", "user", text_check_filled },
	{ "UID", "user", text_check_filled },
	{ "User", "user", text_check_filled },
	{ "Password", "password", text_check_filled },
	{ "PWD", "password", text_check_filled },
	{ "AccessToken", "AccessToken", text_check_filled },
	{ "Access Token", "AccessToken", text_check_filled },
	{ "Authentication", "authentication", text_check_filled },
	{ "Integrated Security", "integrated_security", check_integrated },
	{ "Trusted_Connection", "integrated_security", check_integrated },
	{ "MultipleActiveResultSets", "multiple_active_result_sets",
	    text_check_boolean },
	{ "Multiple Active Result Sets", "multiple_active_result_sets",
	    text_check_boolean },
	{ "Encrypt", "encrypt", check_encrypt },
	{ "TrustServerCertificate", "trust_server_certificate",
	    check_only_false },
	{ "Trust Server Certificate", "trust_server_certificate",
	    check_only_false },
	{ "HostNameInCertificate", "host_name_in_certificate",
	    text_check_filled },
	{ "Host Name In Certificate", "host_name_in_certificate",
	    text_check_filled },
	{ "Connection Timeout", "connect_timeout", check_number },
	{ "Connect Timeout", "connect_timeout", check_number },
	{ "Timeout", "connect_timeout", check_number },
	{ "Command Timeout", "command_timeout", check_number },
	{ "ConnectRetryCount", "connect_retry_count", check_number },
	{ "Connect Retry Count", "connect_retry_count", check_number },
	{ "ConnectRetryInterval", "connect_retry_interval", check_number },
	{ "Connect Retry Interval", "connect_retry_interval", check_number },
	{ "Application Name", "application_name", text_check_filled },
	{ "App", "application_name", text_check_filled },
	{ "ApplicationIntent", "application_intent", text_check_filled },
	{ "Application Intent", "application_intent", text_check_filled },
	{ "MultiSubnetFailover", "multi_subnet_failover",
	    text_check_boolean },
	{ "Multi Subnet Failover", "multi_subnet_failover",
	    text_check_boolean },
	{ "Failover Partner", "failover_partner", text_check_filled },
	{ "Workstation ID", "workstation_id", text_check_filled },
	{ "WSID", "workstation_id", text_check_filled },
	{ "Current Language", "current_language", text_check_filled },
	{ "Language", "current_language", text_check_filled },
	{ "Packet Size", "packet_size", check_number },
	{ "Pooling", "pooling", text_check_boolean },
	{ "Min Pool Size", "min_pool_size", check_number },
	{ "Max Pool Size", "max_pool_size", check_number },
	{ "PoolBlockingPeriod", "pool_blocking_period", text_check_filled },
	{ "Pool Blocking Period", "pool_blocking_period",
	    text_check_filled },
	{ "Load Balance Timeout", "load_balance_timeout", check_number },
	{ "Connection Lifetime", "load_balance_timeout", check_number },
	{ "Enlist", "enlist", text_check_boolean },
	{ "Replication", "replication", text_check_boolean },
	{ "Transaction Binding", "transaction_binding", text_check_filled },
	{ "Type System Version", "type_system_version", text_check_filled },
	{ "Column Encryption Setting", "column_encryption_setting",
	    text_check_filled },
};

static const struct keyword *
find_keyword(struct view name)
{
	for (size_t i = 0; i < COUNT(keywords); i++)
		if (text_is(name, keywords[i].name))
			return &keywords[i];
	return NULL;
}

static struct view
trim_end(struct view v)
{
	while (v.len > 0 && strchr(TEXT_BLANKS, v.data[v.len - 1]) != NULL)
		v.len--;
	return v;
}

/* What SqlClient takes for a blank or a control character outside ASCII. */
static bool
is_unplain(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	    c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool
has_unplain(struct view v)
{
	uint32_t c = 0;

	while (v.len > 0) {
		size_t n = utf8_next(v, &c);

		if (n == 0 || is_unplain(c))
			return true;
		v = text_from(v, n);
	}
	return false;
}

static bool
is_quote(int c)
{
	return c == '"' || c == '\'';
}

/*
 * Reading.
 */

/* A value in quotes; a quote in it is doubled. */
static bool
quoted_value(struct text_in *in, const char *field, struct view *ret)
{
	const char quote[2] = { (char)text_peek(in), '\0' };

	(void)text_skip(in, quote[0]);
	for (;;) {
		wire_put_bytes(&in->scratch, text_until(in, quote));
		if (!text_skip(in, quote[0]))
			return text_fail(in->fault, field,
			    "the closing quote is missing");
		if (!text_skip(in, quote[0]))
			break;
		wire_put_u8(&in->scratch, (uint8_t)quote[0]);
	}
	text_skip_blanks(in);
	if (in->left.len > 0 && text_peek(in) != ';')
		return text_fail(in->fault, field,
		    "something stands after the closing quote");
	*ret = text_scratch(in);
	return true;
}

static bool
plain_value(struct text_in *in, const char *field, struct view *ret)
{
	struct view v = trim_end(text_until(in, ";"));

	if (v.len > 0 && is_quote(v.data[v.len - 1]))
		return text_fail(in->fault, field,
		    "a value that ends with a quote must be quoted");
	if (has_unplain(v))
		return text_fail(in->fault, field,
		    "a value with control characters or unusual blanks must "
		    "be quoted");
	*ret = v;
	return true;
}

/* [tcp:]HOST[,PORT] */
static bool
add_server(struct text_in *in, struct view v)
{
	size_t comma = text_index(v, ',');

	if (v.len >= 4 && text_is((struct view){ v.data, 4 }, "tcp:")) {
		v = text_from(v, 4);
		comma -= 4;
	}
	if (!text_field(in, "server", (struct view){ v.data, comma },
	    check_server))
		return false;
	return comma == v.len ||
	    text_field(in, "port", text_from(v, comma + 1), text_check_port);
}

static bool
parse_pair(struct text_in *in)
{
	struct view name = trim_end(text_until(in, "=;"));
	const struct keyword *k = find_keyword(name);
	struct view value;

	text_pair(in);
	if (!text_skip(in, '='))
		return text_fail_pair(in, "there is no '='");
	/* A doubled '=' belongs to the keyword, and no keyword has one. */
	if (k == NULL || text_peek(in) == '=')
		return text_fail_pair(in,
		    "not a keyword of an ADO.NET connection string");
	text_skip_blanks(in);
	if (is_quote(text_peek(in)) ? !quoted_value(in, k->field, &value) :
				      !plain_value(in, k->field, &value))
		return false;
	if (strcmp(k->field, "server") == 0)
		return add_server(in, value);
	return text_field(in, k->field, value, k->check);
}

static bool
check_together(struct text_in *in)
{
	if (!text_has(in, "server"))
		return text_fail(in->fault, "server", "missing");
	if (text_has(in, "password") && !text_has(in, "user"))
		return text_fail(in->fault, "user", "missing");
	if (text_has(in, "password") && text_has(in, "AccessToken"))
		return text_fail(in->fault, "AccessToken",
		    "excludes password");
	return true;
}

bool
format_ado_parse(struct text_in *in)
{
	do {
		text_skip_blanks(in);
		if (in->left.len == 0 || text_peek(in) == ';')
			continue;
		if (!parse_pair(in))
			return false;
	} while (text_skip(in, ';'));
	return check_together(in);
}

/*
 * Writing.
 */

/* Quoted whenever there is anything that a parser might stop at. */
static void
put_value(struct text_out *out, struct view v)
{
	if (v.len > 0 && text_only(v, ".,:-_\\@+/!#$%&*()<>[]{}|~^?`")) {
		text_put_view(out, v);
		return;
	}
	text_put(out, "\"");
	for (size_t i = 0; i < v.len; i++) {
		if (v.data[i] == '"')
			wire_put_u8(&out->w, '"');
		wire_put_u8(&out->w, v.data[i]);
	}
	text_put(out, "\"");
}

static bool
put_server(struct text_out *out)
{
	struct view port = text_value(out, "port");

	text_put(out, "tcp:");
	text_put_view(out, text_value(out, "server"));
	if (port.data != NULL) {
		text_put(out, ",");
		text_put_view(out, port);
	}
	return true;
}

bool
format_ado_render(struct text_out *out)
{
	const char *last = "";

	for (size_t i = 0; i < COUNT(keywords); i++) {
		const struct keyword *k = &keywords[i];
		struct view v = text_value(out, k->field);

		if (v.data == NULL || strcmp(k->field, last) == 0)
			continue;
		last = k->field;
		text_put(out, k->name);
		text_put(out, "=");
		if (strcmp(k->field, "server") == 0)
			(void)put_server(out);
		else
			put_value(out, v);
		text_put(out, ";");
	}
	return true;
}
