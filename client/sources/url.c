#include "url.h"

#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What RFC 3986 lets stand in a path and a query, '%' with it. */
static const char tail[] = LETTERS DIGITS "-._~!$&'()*+,;=:@%/?";

/* The length of a number of at most max at the beginning; 0: there is none. */
static size_t
number(const char *text, unsigned max)
{
	size_t n = strspn(text, DIGITS);
	unsigned v = 0;

	if (n == 0 || n > 5 || (n > 1 && text[0] == '0'))
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned)(text[i] - '0');
	return v <= max ? n : 0;
}

/* 127. and three more numbers, each written out in decimal. */
static bool
is_loopback(const char *host, size_t len)
{
	size_t at = 3;

	if (len < 9 || strncmp(host, "127", 3) != 0)
		return false;
	for (int i = 0; i < 3; i++) {
		size_t n;

		if (host[at++] != '.' || (n = number(host + at, 255)) == 0)
			return false;
		at += n;
	}
	return at == len;
}

static bool
is(const char *host, size_t len, const char *other)
{
	return len == strlen(other) && strncmp(host, other, len) == 0;
}

static bool
is_near(const char *host, size_t len)
{
	return is(host, len, "localhost") || is(host, len, "[::1]") ||
	    is(host, len, "169.254.169.254") || is_loopback(host, len);
}

/* The length of a host; 0: it is none. */
static size_t
host_length(const char *text)
{
	size_t n;

	if (text[0] != '[')
		return strspn(text, LETTERS DIGITS "-.");
	n = strspn(text + 1, "0123456789abcdefABCDEF:.");
	return n > 1 && text[n + 1] == ']' ? n + 2 : 0;
}

/* What stands behind the host: a port, then a path or a query. */
static bool
is_rest(const char *text)
{
	size_t n;

	if (*text == ':') {
		if ((n = number(text + 1, 65535)) == 0)
			return false;
		text += n + 1;
	}
	if (*text != '\0' && *text != '/' && *text != '?')
		return false;
	return strspn(text, tail) == strlen(text);
}

enum cofre_status
url_check(const char *url, bool *is_tls, struct problem *p)
{
	static const char secure[] = "https://", plain[] = "http://";
	bool tls = strncmp(url, secure, strlen(secure)) == 0;
	const char *host = url + strlen(tls ? secure : plain);
	size_t len;

	if (strlen(url) > URL_MAX)
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument 'url' has over %u bytes", URL_MAX);
	if ((!tls && strncmp(url, plain, strlen(plain)) != 0) ||
	    (len = host_length(host)) == 0 || !is_rest(host + len))
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument 'url' is no address: "
		    "https://HOST[:PORT][/PATH][?QUERY]");
	if (!tls && !is_near(host, len))
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument 'url' is not https, and its host is neither "
		    "this machine nor 169.254.169.254");
	*is_tls = tls;
	return COFRE_OK;
}
