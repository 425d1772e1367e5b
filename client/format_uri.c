#include "format_uri.h"

bool
uri_split(struct text_in *in, struct uri *u)
{
	struct view authority = text_until(in, "/?");
	size_t at = text_index(authority, '@');

	*u = (struct uri){ .hosts = authority };
	if (at < authority.len) {
		size_t colon;

		u->has_user = true;
		u->hosts = text_from(authority, at + 1);
		u->user = (struct view){ authority.data, at };
		colon = text_index(u->user, ':');
		u->has_password = colon < at;
		if (u->has_password)
			u->password = text_from(u->user, colon + 1);
		u->user.len = colon;
	}
	if (text_index(u->hosts, '@') < u->hosts.len)
		return text_fail(in->fault, NULL,
		    "an '@' in the user or password must be written %40");
	if (text_skip(in, '/'))
		u->path = text_until(in, "?");
	u->has_query = text_skip(in, '?');
	if (u->has_query)
		u->query = text_until(in, "");
	return true;
}

/* What follows a host's name: nothing, or a port, up to the comma. */
static bool
take_port(struct text_in *in, struct view *rest, struct uri_host *h)
{
	size_t end = text_index(*rest, ',');

	h->port = (struct view){ rest->data, end };
	if (end > 0 && rest->data[0] == ':')
		h->port = text_from(h->port, 1);
	else if (end > 0)
		return text_fail(in->fault, "server",
		    "something stands after the address");
	*rest = text_from(*rest, end < rest->len ? end + 1 : end);
	return true;
}

bool
uri_host(struct text_in *in, struct view *hosts, struct uri_host *h)
{
	size_t end = 0;

	*h = (struct uri_host){ .bracketed = hosts->len > 0 &&
		    hosts->data[0] == '[' };
	if (h->bracketed) {
		end = text_index(*hosts, ']');
		if (end == hosts->len)
			return text_fail(in->fault, "server",
			    "the closing bracket is missing");
		h->name = (struct view){ hosts->data + 1, end - 1 };
		*hosts = text_from(*hosts, end + 1);
		return take_port(in, hosts, h);
	}
	while (end < hosts->len && hosts->data[end] != ':' &&
	    hosts->data[end] != ',')
		end++;
	h->name = (struct view){ hosts->data, end };
	*hosts = text_from(*hosts, end);
	return take_port(in, hosts, h);
}

bool
uri_decode_host(struct text_in *in, const struct uri_host *h)
{
	size_t start = in->scratch.len;
	struct view name;

	if (!text_decode(in, "server", h->name, h->bracketed ? ":" : ""))
		return false;
	name = text_from(text_scratch(in), start);
	if (text_index(name, ',') < name.len)
		return text_fail(in->fault, "server",
		    "a host is not valid");
	if (h->bracketed && text_index(name, ':') == name.len)
		return text_fail(in->fault, "server",
		    "what stands in brackets is no IPv6 address");
	return true;
}

bool
uri_field(struct text_in *in, const char *field, struct view raw,
    const char *extra, text_check *check)
{
	in->scratch.len = 0;
	return text_decode(in, field, raw, extra) &&
	    text_field(in, field, text_scratch(in), check);
}

bool
uri_parameter(struct text_in *in, struct view *query, struct view *name,
    struct view *value)
{
	size_t end = text_index(*query, '&');
	struct view pair = { query->data, end };
	size_t equals = text_index(pair, '=');

	text_pair(in);
	if (equals == pair.len)
		return text_fail_pair(in, "a parameter without '='");
	*name = (struct view){ pair.data, equals };
	*value = text_from(pair, equals + 1);
	if (end == query->len) {
		*query = text_from(*query, end);
		return true;
	}
	*query = text_from(*query, end + 1);
	if (query->len == 0)
		return text_fail_pair(in, "nothing stands after the last '&'");
	return true;
}

void
uri_put_host(struct text_out *out, struct view name)
{
	bool path = name.len > 0 &&
	    (name.data[0] == '/' || name.data[0] == '@');

	if (path || text_index(name, ':') == name.len) {
		text_put_encoded(out, name);
		return;
	}
	text_put(out, "[");
	while (name.len > 0) {
		size_t colon = text_index(name, ':');

		text_put_encoded(out, (struct view){ name.data, colon });
		if (colon < name.len)
			text_put(out, ":");
		name = text_from(name, colon < name.len ? colon + 1 : colon);
	}
	text_put(out, "]");
}
