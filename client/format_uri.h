/*
 * format_uri: what the URIs of the databases have in common.
 */
#ifndef COFRE_FORMAT_URI_H
#define COFRE_FORMAT_URI_H

#include "format_text.h"

/* What RFC 3986 lets stand in a part, besides unreserved characters. */
#define URI_USER "!$&'()*+,;="
#define URI_PATH "!$&'()*+,;=:"
#define URI_QUERY "!$'()*+,;:@/?"

/* The parts as they stand in the text, still encoded. */
struct uri {
	bool has_user;	   /* there is an '@' */
	bool has_password; /* there is a ':' before it */
	bool has_query;
	struct view user;
	struct view password;
	struct view hosts; /* HOST[:PORT][,HOST[:PORT]...] */
	struct view path;  /* without its first '/' */
	struct view query; /* without the '?' */
};

/* Take the text, from behind the scheme's "//" to its end, apart. */
bool uri_split(struct text_in *in, struct uri *u);

/* One item of uri.hosts. */
struct uri_host {
	struct view name; /* still encoded; an address without brackets */
	bool bracketed;
	struct view port; /* empty when there is none */
};

/* Take the first host off *hosts, with the comma behind it. */
bool uri_host(struct text_in *in, struct view *hosts, struct uri_host *h);

/* Append the decoded name of a host to the scratch. */
bool uri_decode_host(struct text_in *in, const struct uri_host *h);

/* Decode raw, and add it as the field. */
bool uri_field(struct text_in *in, const char *field, struct view raw,
    const char *extra, text_check *check);

/* Take the next "name=value" off the query, with the '&' behind it. */
bool uri_parameter(struct text_in *in, struct view *query,
    struct view *name, struct view *value);

/* Append a host's name, in brackets or encoded where it needs them. */
void uri_put_host(struct text_out *out, struct view name);

#endif
