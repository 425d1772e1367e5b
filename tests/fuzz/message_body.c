#include "message_body.h"

#include <string.h>
#include <unistd.h>

#include "ssh_key.h"
#include "ssh_tosign.h"

#define BODY_MAX (FRAME_MAX - FRAME_HEADER)
#define SESSION "a session's id, which is 32 long"
#define DEPTH 4u /* lists in lists; only one is in the protocol */

_Static_assert(WORDS <= P_STRING - P_WORD, "a piece for each word");

static const char *const words[] = {
#define WORD(id, text) text,
#include "words.def"
#undef WORD
};

struct view
message_word(enum word which)
{
	return view_of(words[which % WORDS]);
}

static uint8_t
take(struct wire_reader *r)
{
	return r->len > 0 ? wire_get_u8(r) : 0;
}

static struct view
take_some(struct wire_reader *r, size_t n)
{
	return wire_get_bytes(r, n < r->len ? n : r->len);
}

/* A number of so many bytes. */
static uint64_t
take_number(struct wire_reader *r, unsigned size)
{
	uint64_t v = 0;

	while (size-- > 0)
		v = v << 8 | take(r);
	return v;
}

/* The host that the session is with: its key is that of a seed that is known
   here. */
static void
make_host(uint8_t pair[CRYPTO_PAIR_LEN])
{
	static const uint8_t public[PUBLIC_KEY_LEN] = { 0xea, 0x4a, 0x6c,
		0x63, 0xe2, 0x9c, 0x52, 0x0a, 0xbe, 0xf5, 0x50, 0x7b, 0x13,
		0x2e, 0xc5, 0xf9, 0x95, 0x47, 0x76, 0xae, 0xbe, 0xbe, 0x7b,
		0x92, 0x42, 0x1e, 0xea, 0x69, 0x14, 0x46, 0xd2, 0x2c };

	memset(pair, 7, CRYPTO_PAIR_LEN - PUBLIC_KEY_LEN);
	memcpy(pair + CRYPTO_PAIR_LEN - PUBLIC_KEY_LEN, public,
	    PUBLIC_KEY_LEN);
}

static struct view
blob_of(const uint8_t public[PUBLIC_KEY_LEN], uint8_t buf[SSH_KEY_BLOB_LEN])
{
	struct wire_writer w;

	wire_writer_init(&w, buf, SSH_KEY_BLOB_LEN);
	ssh_key_put(&w, public);
	return (struct view){ w.data, w.len };
}

static void
put_blob(struct wire_writer *w, const uint8_t public[PUBLIC_KEY_LEN])
{
	uint8_t buf[SSH_KEY_BLOB_LEN];

	wire_put_string(w, blob_of(public, buf), BODY_MAX);
}

static void
put_bind(struct wire_writer *w)
{
	uint8_t pair[CRYPTO_PAIR_LEN], signature[SIGNATURE_LEN];
	size_t at;

	make_host(pair);
	crypto_ed25519_sign(signature, pair, view_of(SESSION));
	put_blob(w, pair + CRYPTO_PAIR_LEN - PUBLIC_KEY_LEN);
	wire_put_string(w, view_of(SESSION), BODY_MAX);
	at = wire_string_begin(w);
	wire_put_string(w, view_of("ssh-ed25519"), BODY_MAX);
	wire_put_string(w, (struct view){ signature, sizeof(signature) },
	    BODY_MAX);
	wire_string_end(w, at);
	wire_put_bool(w, false);
}

static void
put_login(struct wire_writer *w, const uint8_t public[PUBLIC_KEY_LEN])
{
	size_t at = wire_string_begin(w);

	wire_put_string(w, view_of(SESSION), BODY_MAX);
	wire_put_u8(w, 50); /* SSH_MSG_USERAUTH_REQUEST */
	wire_put_string(w, view_of("alice"), BODY_MAX);
	wire_put_string(w, view_of("ssh-connection"), BODY_MAX);
	wire_put_string(w, view_of("publickey"), BODY_MAX);
	wire_put_bool(w, true);
	wire_put_string(w, view_of("ssh-ed25519"), BODY_MAX);
	put_blob(w, public);
	wire_string_end(w, at);
}

static void
put_file(struct wire_writer *w)
{
	size_t at = wire_string_begin(w);

	wire_put_bytes(w, view_of("SSHSIG"));
	wire_put_string(w, view_of("git"), BODY_MAX);
	wire_put_string(w, view_of(""), BODY_MAX);
	wire_put_string(w, view_of("sha256"), BODY_MAX);
	wire_put_string(w, view_of(SESSION), BODY_MAX); /* 32 bytes */
	wire_string_end(w, at);
}

static void
put_long(struct wire_writer *w, size_t n)
{
	size_t at = wire_string_begin(w);

	while (n-- > 0 && !w->bad)
		wire_put_u8(w, 'x');
	wire_string_end(w, at);
}

static void
put_string(struct wire_writer *w, const uint8_t *bytes, size_t len)
{
	wire_put_string(w, (struct view){ bytes, len }, BODY_MAX);
}

struct lists {
	struct wire_list open[DEPTH];
	unsigned depth;
};

static void
put_list(struct lists *l, uint8_t piece, struct wire_writer *w)
{
	if (piece == P_LIST && l->depth < DEPTH)
		list_begin(&l->open[l->depth++], w);
	else if (piece == P_ITEM && l->depth > 0)
		list_item(&l->open[l->depth - 1]);
	else if (piece == P_LIST_END && l->depth > 0)
		list_end(&l->open[--l->depth]);
}

/* What has come back before, and what is made of it. */
static void
put_known(const struct program *p, uint8_t piece, struct wire_writer *w)
{
	uint8_t pair[CRYPTO_PAIR_LEN];

	if (piece == P_TOKEN)
		put_string(w, p->known.token, p->known.token_len);
	else if (piece == P_RUN)
		put_string(w, p->known.run, sizeof(p->known.run));
	else if (piece == P_ORIGIN)
		put_string(w, p->known.origin, sizeof(p->known.origin));
	else if (piece == P_HOST_KEY) {
		make_host(pair);
		put_blob(w, pair + CRYPTO_PAIR_LEN - PUBLIC_KEY_LEN);
	} else if (piece == P_BLOB)
		put_blob(w, p->known.public);
	else if (piece == P_BIND)
		put_bind(w);
	else if (piece == P_LOGIN)
		put_login(w, p->known.public);
	else if (piece == P_FILE)
		put_file(w);
}

static void
put_given(const struct program *p, uint8_t piece, struct wire_reader *r,
    struct wire_writer *w)
{
	struct view v;

	if (piece == P_STRING) {
		v = take_some(r, take(r));
		wire_put_string(w, v, BODY_MAX);
	} else if (piece == P_BYTES) {
		v = take_some(r, take(r));
		wire_put_bytes(w, v);
	} else if (piece == P_RAW32)
		wire_put_u32(w, take_number(r, 4));
	else if (piece == P_RAW64)
		wire_put_u64(w, take_number(r, 8));
	else if (piece == P_ANY)
		wire_put_u32(w, NO_ID);
	else if (piece == P_PID)
		wire_put_u32(w, (uint32_t)getpid());
	else if (piece == P_LONG)
		put_long(w, (size_t)take(r) * 256);
	else if (piece == P_SOON)
		wire_put_u64(w, p->house->sv->now + take(r) * 1000000u);
}

void
message_body(const struct program *p, struct wire_reader *r,
    struct wire_writer *w)
{
	struct lists lists = { .depth = 0 };

	while (r->len > 0) {
		uint8_t piece = take(r);

		if (piece < P_U32)
			wire_put_u8(w, piece);
		else if (piece < P_U64)
			wire_put_u32(w, piece - P_U32);
		else if (piece < P_WORD)
			wire_put_u64(w, piece - P_U64);
		else if (piece < P_STRING)
			wire_put_string(w, message_word(piece - P_WORD),
			    BODY_MAX);
		else if (piece <= P_FILE && piece >= P_TOKEN)
			put_known(p, piece, w);
		else if (piece >= P_LIST && piece <= P_LIST_END)
			put_list(&lists, piece, w);
		else if (piece < P_TOKEN)
			put_given(p, piece, r, w);
		else
			break;
	}
	while (lists.depth > 0)
		list_end(&lists.open[--lists.depth]);
}
