#include "scan.h"

#include <string.h>

#include "secmem.h"

enum form { AS_IS, PERCENT, PLUS, FORMS };

/* What a character is in base64, one more than its sextet, and as a
   hexadecimal digit. */
#define ENDS 0u   /* it ends a run of base64 */
#define WRAPS 65u /* a wrapped line goes on behind it */
#define NO_DIGIT 16u
/* Who fits in so many places, but for bits that it shares with others, is
   taken for it: to look at all of them could take a second. */
#define NEAR_MAX 4u
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
	learn(a->sextet, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1);
	learn(a->sextet, "abcdefghijklmnopqrstuvwxyz", 27);
	learn(a->sextet, "0123456789+/", 53);
	learn(a->sextet, "-_", 63); /* of URLs */
	a->sextet['\n'] = a->sextet['\r'] = WRAPS;
	learn(a->digit, "0123456789abcdef", 0);
	learn(a->digit, "ABCDEF", 10);
}

/* With '+' as it is, and as a space: two forms of one length, which is
   returned.  None of a text that is the same in them. */
static size_t
percent(const struct alphabet *a, struct view text, uint8_t *out,
    uint8_t *spaced)
{
	size_t n = 0;

	if (text.len == 0 ||
	    (memchr(text.data, '%', text.len) == NULL &&
		memchr(text.data, '+', text.len) == NULL))
		return 0;
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

/* The text in each form, with zeros behind it to one byte more than the text
   has; no form is longer than that. */
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
}

/* Of each character one more than its sextet, zeros between runs and behind
   the last one, to one byte more than the text has. */
static void
put_sextets(const struct alphabet *a, struct view text, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		out[n] = a->sextet[text.data[i]];
		n += out[n] != WRAPS;
	}
	memset(out + n, 0, text.len + 1 - n);
}

bool
scan_lay_out(struct list texts, uint8_t *out, size_t cap,
    struct scan_laid *laid)
{
	size_t lengths = (size_t)texts.count * 4, room, n = 0, len[FORMS];
	struct wire_reader r = list_reader(texts);
	uint8_t *sextets;
	struct alphabet a;
	struct text_item item;

	if (texts.items.len < lengths)
		return false;
	/* Each text, and a zero. */
	room = texts.items.len - lengths + texts.count;
	if (room > cap / SCAN_TIMES)
		return false;
	sextets = out + FORMS * room;
	*laid = (struct scan_laid){ { out, FORMS * room }, { sextets, room },
		sextets + room };
	alphabet_make(&a);
	for (uint32_t i = 0; i < texts.count; i++) {
		text_item_get(&r, &item);
		if (r.bad || room - n < item.text.len + 1)
			return false;
		put_forms(&a, item.text, out + FORMS * n, len);
		put_sextets(&a, item.text, sextets + n);
		n += item.text.len + 1;
	}
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

/* The value as sextets, the first of which has so many bits before it that are
   not the value's.  Returns how many there are. */
static size_t
encode(struct view value, unsigned before, uint8_t *out)
{
	unsigned bits = 0, have = before;
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		bits = bits << 8 | value.data[i];
		have += 8;
		for (; have >= 6; have -= 6)
			out[n++] = bits >> (have - 6) & 63;
	}
	if (have > 0)
		out[n++] = (uint8_t)(bits << (6 - have) & 63);
	return n;
}

/* Are the bits that the mask has the same, of a sextet that is there? */
static bool
fits(uint8_t at, uint8_t wanted, unsigned mask)
{
	return at != ENDS && ((at - 1u) & mask) == (wanted & mask);
}

/*
 * Does the value stand in sextets, with so many bits before it in its first
 * one?  What is looked for are those that are the value's alone; those at the
 * ends, which it may share, are looked at where these are found.
 */
static bool
is_encoded_so(struct view sextets, struct view value, unsigned before,
    uint8_t *needle)
{
	unsigned behind = (unsigned)((6 - (before + 8 * value.len) % 6) % 6);
	size_t count = encode(value, before, needle);
	size_t first = before > 0, len = count - first - (behind > 0);
	struct view left = sextets;
	const uint8_t *at;
	unsigned near = 0;
	bool found = false;

	for (size_t i = first; i < first + len; i++)
		needle[i]++;
	while (!found &&
	    (at = memmem(left.data, left.len, needle + first, len)) != NULL) {
		found = ++near > NEAR_MAX ||
		    ((before == 0 ||
			 (at > sextets.data &&
			     fits(at[-1], needle[0], 63u >> before))) &&
			(behind == 0 ||
			    (at + len < sextets.data + sextets.len &&
				fits(at[len], needle[count - 1],
				    63u << behind & 63))));
		left.len -= (size_t)(at + 1 - left.data);
		left.data = at + 1;
	}
	secmem_wipe(needle, count);
	return found;
}

/* Does the value stand in sextets, wherever its first byte begins? */
static bool
is_encoded(struct view sextets, struct view value, uint8_t *needle)
{
	/* With the zero behind them there are as many as a needle takes. */
	if (sextets.len <= (value.len * 8 + 5) / 6)
		return false;
	return is_encoded_so(sextets, value, 0, needle) ||
	    is_encoded_so(sextets, value, 2, needle) ||
	    is_encoded_so(sextets, value, 4, needle);
}

/* Is the value in a form of the text, n bytes of texts and zeros behind the
   first one? */
static bool
is_in_text(const struct alphabet *a, struct view text,
    const struct scan_laid *laid, size_t n, struct view value)
{
	const uint8_t *forms = laid->forms.data + FORMS * n;
	size_t room = text.len + 1, len[FORMS];
	bool found = is_encoded((struct view){ laid->sextets.data + n, room },
	    value, laid->needle);
	uint8_t *to;

	/* How long each is: by doing it again, over what is there already. */
	memcpy(&to, &forms, sizeof(to));
	put_forms(a, text, to, len);
	for (unsigned f = AS_IS; f < FORMS; f++)
		found |= is_in((struct view){ forms + f * room, len[f] },
		    value);
	return found;
}

uint32_t
scan_find(struct list texts, const struct scan_laid *laid, struct view value)
{
	bool anywhere = value.len >= SCAN_ANYWHERE;
	struct wire_reader r = list_reader(texts);
	struct alphabet a;
	struct text_item item;
	size_t n = 0;

	if (value.len < SCAN_SHORTEST ||
	    (anywhere && !is_in(laid->forms, value) &&
		!is_encoded(laid->sextets, value, laid->needle)))
		return 0;
	alphabet_make(&a);
	for (uint32_t i = 0; i < texts.count; i++) {
		text_item_get(&r, &item);
		if (anywhere ? is_in_text(&a, item.text, laid, n, value) :
			       is_all_of(item.text, value))
			return i + 1;
		n += item.text.len + 1;
	}
	return 0;
}
