#include "scan.h"

#include <string.h>

enum form { AS_IS, PERCENT, PLUS, BASE64, FORMS = BASE64 + 4 };

/* What a character is in base64, and as a hexadecimal digit. */
#define ENDS 64u  /* it ends a run of base64 */
#define WRAPS 65u /* a wrapped line goes on behind it */
#define NO_DIGIT 16u
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
 * Where the next byte of a form goes.  pair ends with the last two sextets of the
 * run, k its characters before this one, the first skip of which are left out.
 * There is no branch, so that no text takes longer than others of its length.
 */
static inline uint8_t *
emit(uint8_t *to, uint32_t pair, size_t k, unsigned skip, bool ends,
    bool counts)
{
	unsigned place = (unsigned)(k - skip) % 4;

	*to = ends ? 0 : (uint8_t)(pair >> (6 - 2 * place));
	return to + (ends | (counts & (k > skip) & (place != 0)));
}

/*
 * Decode every run of base64 characters, from its first one, its second,
 * third and fourth one on, so that one of these is the beginning of the
 * encoded text, whatever stands before it.  What ends a run is a zero.
 */
static void
base64(const struct alphabet *a, struct view text, uint8_t *out,
    size_t room, size_t len[4])
{
	uint8_t *to0 = out, *to1 = to0 + room, *to2 = to1 + room;
	uint8_t *to3 = to2 + room;
	uint32_t pair = 0;
	size_t k = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t v = a->sextet[text.data[i]];
		bool ends = v == ENDS, counts = v < ENDS;

		pair = counts ? pair << 6 | v : pair;
		to0 = emit(to0, pair, k, 0, ends, counts);
		to1 = emit(to1, pair, k, 1, ends, counts);
		to2 = emit(to2, pair, k, 2, ends, counts);
		to3 = emit(to3, pair, k, 3, ends, counts);
		k = ends ? 0 : k + counts;
	}
	*to0 = *to1 = *to2 = *to3 = 0; /* a byte may stand there */
	len[0] = (size_t)(to0 - out);
	len[1] = (size_t)(to1 - (out + room));
	len[2] = (size_t)(to2 - (out + 2 * room));
	len[3] = (size_t)(to3 - (out + 3 * room));
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
