#include "ssh_text.h"

#include <arpa/inet.h>
#include <string.h>

#define ALNUM                                                                \
	"abcdefghijklmnopqrstuvwxyz" "ABCDEFGHIJKLMNOPQRSTUVWXYZ" "0123456789"

typedef bool one_item(struct view v);

/* Are all of 1 to max bytes among those of set? */
static bool
is_of(struct view v, size_t max, const char *set)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] == '\0' || strchr(set, v.data[i]) == NULL)
			return false;
	return v.len >= 1 && v.len <= max;
}

bool
ssh_text_is_ascii(struct view v, size_t max)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] < ' ' || v.data[i] > '~')
			return false;
	return v.len <= max;
}

bool
ssh_text_is_line(struct view v, size_t max)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] < ' ' || v.data[i] == 0x7f)
			return false;
	return v.len <= max;
}

bool
ssh_text_is_principal(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (strchr(" ,\"'`\\", v.data[i]) != NULL)
			return false;
	return v.len >= 1 && ssh_text_is_ascii(v, SSH_NAME_MAX);
}

bool
ssh_text_is_host(struct view v)
{
	return is_of(v, SSH_NAME_MAX, ALNUM "._:-") && v.data[0] != '-';
}

/* Is every item of a list with commas as it should be? */
static bool
is_list(struct view v, one_item *is_item)
{
	const uint8_t *comma;
	struct view item;

	if (v.len > SSH_LIST_MAX)
		return false;
	while ((comma = v.len == 0 ? NULL : memchr(v.data, ',', v.len)) !=
	    NULL) {
		item = (struct view){ v.data, (size_t)(comma - v.data) };
		if (!is_item(item))
			return false;
		v = (struct view){ comma + 1, v.len - item.len - 1 };
	}
	return is_item(v);
}

bool
ssh_text_is_principals(struct view v)
{
	return is_list(v, ssh_text_is_principal);
}

/* The length of a prefix; -1 when it is no number of up to three digits. */
static int
prefix_of(struct view v)
{
	int n = 0;

	if (!is_of(v, 3, "0123456789") || (v.len > 1 && v.data[0] == '0'))
		return -1;
	for (size_t i = 0; i < v.len; i++)
		n = 10 * n + (v.data[i] - '0');
	return n;
}

/* Is no bit of the address set behind the first n? */
static bool
is_network(const uint8_t *address, size_t size, size_t n)
{
	for (size_t bit = n; bit < 8 * size; bit++)
		if ((address[bit / 8] & 0x80u >> bit % 8) != 0)
			return false;
	return n <= 8 * size;
}

static bool
is_address(struct view v)
{
	const uint8_t *slash = v.len == 0 ? NULL : memchr(v.data, '/', v.len);
	size_t len = slash == NULL ? v.len : (size_t)(slash - v.data);
	char text[INET6_ADDRSTRLEN] = "";
	uint8_t address[16];
	bool is_6;
	int n;

	if (!is_of((struct view){ v.data, len }, sizeof(text) - 1,
		"0123456789abcdefABCDEF:."))
		return false;
	memcpy(text, v.data, len);
	is_6 = strchr(text, ':') != NULL;
	if (inet_pton(is_6 ? AF_INET6 : AF_INET, text, address) != 1)
		return false;
	if (slash == NULL)
		return true;
	n = prefix_of((struct view){ slash + 1, v.len - len - 1 });
	return n >= 0 && is_network(address, is_6 ? 16 : 4, (size_t)n);
}

bool
ssh_text_is_addresses(struct view v)
{
	return is_list(v, is_address);
}

static bool
is_pattern(struct view v)
{
	if (v.len > 0 && v.data[0] == '!')
		v = (struct view){ v.data + 1, v.len - 1 };
	return is_of(v, SSH_NAME_MAX, ALNUM "._:-*?") || is_address(v);
}

bool
ssh_text_is_from(struct view v)
{
	return is_list(v, is_pattern);
}
