#include "hex.h"

char *
hex_encode(char *to, struct view v)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < v.len; i++) {
		to[2 * i] = digits[v.data[i] >> 4];
		to[2 * i + 1] = digits[v.data[i] & 0xf];
	}
	to[2 * v.len] = '\0';
	return to;
}

/* The value of a digit, or -1. */
static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hex_is_digits(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (digit(text.data[i]) == -1)
			return false;
	return text.len > 0;
}

bool
hex_decode(struct view text, uint8_t *to, size_t len)
{
	if (text.len != 2 * len || !hex_is_digits(text))
		return false;
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(digit(text.data[2 * i]) * 16 +
		    digit(text.data[2 * i + 1]));
	return true;
}
