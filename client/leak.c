#include "leak.h"

#include <string.h>

#include "names.h"

_Static_assert(LEAK_PIECE <= SCAN_BYTES_MAX, "a piece fits a message");
_Static_assert(FRAME_HEADER + 4 + COFRE_WORKSPACE_NAME_MAX + 8 + 8 +
	    SCAN_BYTES_MAX + 4 * SCAN_TEXTS_MAX <= FRAME_MAX,
    "so many texts of so many bytes fit a frame");

/* What a hostile daemon can make a scan last. */
#define PAGES_MAX (1u << 20)

/* The pieces of one message, and where the next one goes on. */
struct batch {
	struct view pieces[SCAN_TEXTS_MAX];
	size_t texts[SCAN_TEXTS_MAX]; /* of which text each is a piece */
	size_t count;
	size_t text; /* the next piece */
	size_t piece;
};

bool
leak_piece(struct view text, size_t i, struct view *ret)
{
	const size_t step = LEAK_PIECE - LEAK_OVERLAP;
	size_t at;

	if (i > 0 && (text.len <= LEAK_PIECE ||
	    i > (text.len - LEAK_PIECE + step - 1) / step))
		return false;
	at = i * step;
	ret->data = text.data + at;
	ret->len = text.len - at < LEAK_PIECE ? text.len - at : LEAK_PIECE;
	return true;
}

/* Take the pieces that fit the next message; false when all were taken. */
static bool
next_batch(struct batch *b, const struct view *texts, size_t n)
{
	size_t room = SCAN_BYTES_MAX;
	struct view piece;

	b->count = 0;
	while (b->text < n && b->count < SCAN_TEXTS_MAX) {
		if (!leak_piece(texts[b->text], b->piece, &piece)) {
			b->text++;
			b->piece = 0;
			continue;
		}
		if (piece.len > room)
			break;
		room -= piece.len;
		b->pieces[b->count] = piece;
		b->texts[b->count++] = b->text;
		b->piece++;
	}
	return b->count > 0;
}

/* The message ends with its list: as in put_request() of api.c. */
static void
put_request(struct wire_writer *w, const char *workspace, uint64_t after,
    const struct batch *b)
{
	const struct run_scan_request q = { .workspace = view_of(workspace),
		.after = after };
	struct wire_list l;

	run_scan_request_put(w, &q);
	lists_take_back(w, 1);
	list_begin(&l, w);
	for (size_t i = 0; i < b->count; i++) {
		const struct text_item item = { b->pieces[i] };

		text_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
}

/* A reply that can be; one that goes backwards would never end. */
static bool
take_reply(struct view body, uint64_t after, const struct batch *b,
    struct run_scan_reply *m)
{
	return run_scan_reply_decode(body, m) && m->found <= b->count &&
	    (m->found == 0 ? m->name.len == 0 : name_is_secret(m->name)) &&
	    (m->next == 0 || m->next > after);
}

/* Compare the batch with every secret, or up to the first that it holds. */
static enum cofre_status
scan_batch(cofre *c, const char *workspace, const struct batch *b,
    size_t *found, char name[COFRE_SECRET_NAME_MAX + 1])
{
	struct run_scan_reply m;
	uint64_t after = 0;
	unsigned pages = 0;
	struct view body;
	enum cofre_status s;

	do {
		put_request(call_begin(c, OP_RUN_SCAN), workspace, after, b);
		s = call_run(c, "run exec", workspace, &body);
		if (s == COFRE_BUSY)
			return call_fail(c, s, "run exec %s: too much was "
			    "compared with secrets that you may use and not "
			    "read: wait some seconds and try again", workspace);
		if (s != COFRE_OK)
			return s;
		if (!take_reply(body, after, b, &m) || ++pages > PAGES_MAX)
			return call_bad_reply(c);
		after = m.next;
	} while (m.found == 0 && after != 0);
	if (m.found != 0) {
		*found = b->texts[m.found - 1] + 1;
		memset(name, 0, COFRE_SECRET_NAME_MAX + 1);
		memcpy(name, m.name.data, m.name.len);
	}
	return COFRE_OK;
}

enum cofre_status
leak_scan(cofre *c, const char *workspace, const struct view *texts,
    size_t n, size_t *found, char name[COFRE_SECRET_NAME_MAX + 1])
{
	struct batch b = { .count = 0 };
	enum cofre_status s = COFRE_OK;
	size_t hit = 0;

	while (s == COFRE_OK && hit == 0 && next_batch(&b, texts, n))
		s = scan_batch(c, workspace, &b, &hit, name);
	call_done(c);
	if (s == COFRE_OK)
		*found = hit;
	return s;
}

static bool
is_plain(struct view name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t b = name.data[i];

		if (!(b >= 'a' && b <= 'z') && !(b >= 'A' && b <= 'Z') &&
		    !(b >= '0' && b <= '9') && b != '_')
			return false;
	}
	return name.len > 0;
}

bool
leak_variable(struct view text, struct view *name, struct view *value)
{
	const uint8_t *eq = text.len == 0 ? NULL :
	    memchr(text.data, '=', text.len);
	size_t len;

	if (eq == NULL)
		return false;
	len = (size_t)(eq - text.data);
	*name = (struct view){ text.data, len };
	*value = (struct view){ eq + 1, text.len - len - 1 };
	return is_plain(*name);
}
