#include "scan.h"

#include <string.h>

enum form { AS_IS, PERCENT, PLUS, BASE64, FORMS = BASE64 + 4 };

/* What a character is in base64, and as a hexadecimal digit. */
#define ENDS 64u  /* it ends a run of base64 */
#define WRAPS 65u /* a wrapped line goes on behind it */
#define NO_DIGIT 16u
/* What has fewer characters holds no value that is looked for anywhere. */
#define LEAST_RUN ((SCAN_ANYWHERE * 8 + 5) / 6)
struct alphabet {
	uint8_t sextet[256];
	uint8_t digit[256];
};

static void
learn(uint8_t table[256], const char *characters, uint8_t first)
{
	for (; *characters != '\0'; characters++)
		table[(uint8_t)*characters] = first++;
}

static void
alphabet_make(struct alphabet *a)
{
	memset(a->sextet, ENDS, sizeof(a->sextet));
	memset(a->digit, NO_DIGIT, sizeof(a->digit));
	learn(a->sextet, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 0);
	learn(a->sextet, "abcdefghijklmnopqrstuvwxyz", 26);
	learn(a->sextet, "0123456789+/", 52);
	learn(a->sextet, "-_", 62); /* of URLs */
	a->sextet['\n'] = a->sextet['\r'] = WRAPS;
	learn(a->digit, "0123456789abcdef", 0);
	learn(a->digit, "ABCDEF", 10);
}

/* With '+' as it is, and as a space: two forms of one length, which is
   returned. */
static size_t
percent(const struct alphabet *a, struct view text, uint8_t *out,
    uint8_t *spaced)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		spaced[n] = c == '+' ? ' ' : c;
		if (c == '%' && i + 2 < text.len) {
			uint8_t high = a->digit[text.data[i + 1]];
			uint8_t low = a->digit[text.data[i + 2]];

			if (high != NO_DIGIT && low != NO_DIGIT) {
				c = spaced[n] = (uint8_t)(high * 16 + low);
				i += 2;
			}
		}
		out[n++] = c;
	}
	return n;
}

/*
 * Decode a run of base64 characters, from its first one, its second, third
 * and fourth one on; what they give goes to to[0] and so on.  Returns how many
 * characters of the text it takes.
 *
 * Each sextet ends a byte for three of the four, which take turns: at[n] is
 * where the one goes on that has had n sextets of its four.
 */
static size_t
run(const struct alphabet *a, struct view text, uint8_t *to[4])
{
	uint8_t *at[4] = { to[0], to[3], to[2], to[1] }, *last;
	uint32_t pair = 0; /* ends with the last two sextets */
	size_t i, k = 0;

	for (i = 0; i < text.len; i++) {
		uint8_t v = a->sextet[text.data[i]];

		if (v == ENDS)
			break;
		if (v == WRAPS)
			continue;
		pair = pair << 6 | v;
		/* A byte counts if its first bits were in the run. */
		*at[1] = (uint8_t)(pair >> 4);
		at[1] += k >= 1;
		*at[2] = (uint8_t)(pair >> 2);
		at[2] += k >= 2;
		*at[3] = (uint8_t)pair;
		at[3] += k >= 3;
		k++;
		last = at[3];
		at[3] = at[2];
		at[2] = at[1];
		at[1] = at[0];
		at[0] = last;
	}
	for (size_t skip = 0; skip < 4; skip++)
		to[skip] = at[(k - skip) % 4];
	return i;
}

/* Where a run begins that is long enough, from the place on; the text's end
   when there is none. */
static size_t
next_run(const struct alphabet *a, struct view text, size_t from)
{
	while (text.len - from >= LEAST_RUN) {
		size_t at = from + LEAST_RUN;

		while (at > from && a->sextet[text.data[at - 1]] != ENDS)
			at--;
		if (at == from)
			return from;
		from = at; /* what ends a run is right before it */
	}
	return text.len;
}

/* Every run of the text, from each of its first four characters on, so that
   one of these is the beginning of the encoded text, whatever stands before
   it; and a zero behind it. */
static void
base64(const struct alphabet *a, struct view text, uint8_t *out,
    size_t room, size_t len[4])
{
	uint8_t *to[4] = { out, out + room, out + 2 * room, out + 3 * room };
	size_t i = 0;

	while ((i = next_run(a, text, i)) < text.len) {
		i += run(a, (struct view){ text.data + i, text.len - i }, to);
		for (size_t skip = 0; skip < 4; skip++)
			*to[skip]++ = 0;
	}
	for (size_t skip = 0; skip < 4; skip++)
		len[skip] = (size_t)(to[skip] - (out + skip * room));
}

/* The text in every form, each with zeros behind it to one byte more than the
   text has; no form is longer than that. */
static void
put_forms(const struct alphabet *a, struct view text, uint8_t *out,
    size_t len[FORMS])
{
	size_t room = text.len + 1;

	memset(out, 0, FORMS * room);
	if (text.len > 0)
		memcpy(out, text.data, text.len);
	len[AS_IS] = text.len;
	len[PERCENT] = len[PLUS] = percent(a, text, out + PERCENT * room,
	    out + PLUS * room);
	base64(a, text, out + BASE64 * room, room, len + BASE64);
}

bool
scan_lay_out(struct list texts, uint8_t *out, size_t cap, size_t *used)
{
	struct wire_reader r = list_reader(texts);
	struct alphabet a;
	struct text_item item;
	size_t n = 0, len[FORMS];

	alphabet_make(&a);
	for (uint32_t i = 0; i < texts.count; i++) {
		text_item_get(&r, &item);
		if (r.bad || cap - n < SCAN_ROOM(item.text.len, 1))
			return false;
		put_forms(&a, item.text, out + n, len);
		n += SCAN_ROOM(item.text.len, 1);
	}
	*used = n;
	return wire_reader_done(&r);
}

/* The whole text, or all behind its first '='. */
static bool
is_all_of(struct view text, struct view value)
{
	const uint8_t *sign;

	if (view_equal(text, value))
		return true;
	if (text.len == 0 || (sign = memchr(text.data, '=', text.len)) == NULL)
		return false;
	sign++;
	return view_equal((struct view){ sign,
		text.len - (size_t)(sign - text.data) }, value);
}

static bool
is_in(struct view text, struct view value)
{
	return text.len >= value.len &&
	    memmem(text.data, text.len, value.data, value.len) != NULL;
}

/* Is the value in a form of the text, which stands laid out at the place? */
static bool
is_in_text(const struct alphabet *a, struct view text, const uint8_t *laid,
    struct view value)
{
	size_t room = text.len + 1, len[FORMS];
	bool found = false;
	uint8_t *to;

	/* How long each is: by doing it again, over what is there already. */
	memcpy(&to, &laid, sizeof(to));
	put_forms(a, text, to, len);
	for (unsigned f = AS_IS; f < FORMS; f++)
		found |= is_in((struct view){ laid + f * room, len[f] }, value);
	return found;
}

uint32_t
scan_find(struct list texts, struct view laid, struct view value)
{
	bool anywhere = value.len >= SCAN_ANYWHERE;
	struct wire_reader r = list_reader(texts);
	const uint8_t *at = laid.data;
	struct alphabet a;
	struct text_item item;

	if (value.len < SCAN_SHORTEST || (anywhere && !is_in(laid, value)))
		return 0;
	alphabet_make(&a);
	for (uint32_t i = 0; i < texts.count; i++) {
		text_item_get(&r, &item);
		if (anywhere ? is_in_text(&a, item.text, at, value) :
			       is_all_of(item.text, value))
			return i + 1;
		at += SCAN_ROOM(item.text.len, 1);
	}
	return 0;
}
