#include "seal.h"

#include <stdlib.h>
#include <string.h>

#include "secmem.h"

#define FORMAT 1u
#define ALGORITHM 1u
#define PLACE_MAX 256u

static const char personal[16] = "cofre.commit.v1";

static size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* The padded size of n bytes and their length field. */
static size_t
padded_size(size_t n)
{
	n += 4;
	if (n <= 1024)
		return round_up(n, 64);
	if (n <= 8192)
		return round_up(n, 256);
	return round_up(n, 4096);
}

size_t
seal_size(size_t n)
{
	return padded_size(n) + SEAL_OVERHEAD;
}

/* Write the associated data: the row's first bytes, and its place. */
static struct view
bind(uint8_t buf[PLACE_MAX], const uint8_t *header,
    const struct seal_place *place)
{
	struct wire_writer w;

	wire_writer_init(&w, buf, PLACE_MAX);
	wire_put_bytes(&w, (struct view){ header, SEAL_HEADER });
	wire_put_bytes(&w, (struct view){ place->vault, VAULT_ID_LEN });
	wire_put_u8(&w, place->table);
	wire_put_u64(&w, place->workspace);
	wire_put_u64(&w, place->record);
	wire_put_u32(&w, place->version);
	wire_put_u8(&w, place->kind);
	wire_put_string(&w, place->name, COFRE_SECRET_NAME_MAX);
	if (w.bad)
		abort(); /* a name that is too long: nothing would be bound */
	return (struct view){ buf, w.len };
}

/* The row's own key, and the commitment to it, in one derivation. */
static void
derive(uint8_t wide[CRYPTO_WIDE_LEN], const uint8_t *key,
    const struct seal_place *place, const uint8_t *nonce)
{
	struct wire_writer w;
	uint8_t salt[16];

	wire_writer_init(&w, salt, sizeof(salt));
	wire_put_u64(&w, place->workspace);
	wire_put_u64(&w, place->record);
	crypto_derive_wide(wide, key, salt, personal,
	    (struct view){ nonce, CRYPTO_NONCE_LEN });
}

void
seal_close(uint8_t *out, const uint8_t key[KEY_LEN], uint32_t key_version,
    const struct seal_place *place, struct view plain, const uint8_t *nonce)
{
	uint8_t ad[PLACE_MAX], wide[CRYPTO_WIDE_LEN];
	uint8_t *body = out + SEAL_HEADER + CRYPTO_NONCE_LEN + KEY_LEN;
	size_t size = padded_size(plain.len);
	struct wire_writer w;

	wire_writer_init(&w, out, SEAL_HEADER);
	wire_put_u8(&w, FORMAT);
	wire_put_u8(&w, ALGORITHM);
	wire_put_u16(&w, 0);
	wire_put_u32(&w, key_version);
	if (nonce == NULL)
		crypto_random(out + SEAL_HEADER, CRYPTO_NONCE_LEN);
	else
		memcpy(out + SEAL_HEADER, nonce, CRYPTO_NONCE_LEN);
	derive(wide, key, place, out + SEAL_HEADER);
	memcpy(out + SEAL_HEADER + CRYPTO_NONCE_LEN, wide + KEY_LEN, KEY_LEN);

	wire_writer_init(&w, body, size);
	wire_put_string(&w, plain, plain.len);
	memset(body + w.len, 0, size - w.len);
	crypto_aead_seal(body, wide, out + SEAL_HEADER, bind(ad, out, place),
	    (struct view){ body, size });
	secmem_wipe(wide, sizeof(wide));
}

bool
seal_key_version(struct view sealed, uint32_t *version)
{
	struct wire_reader r;
	bool known;

	wire_reader_init(&r, sealed);
	known = wire_get_u8(&r) == FORMAT;
	known = wire_get_u8(&r) == ALGORITHM && known;
	known = wire_get_u16(&r) == 0 && known;
	*version = wire_get_u32(&r);
	return known && sealed.len > SEAL_OVERHEAD;
}

/* Take the plaintext out of its padding, which must be zeros. */
static bool
unpad(struct view padded, struct view *plain)
{
	struct wire_reader r;
	uint8_t rest = 0;

	wire_reader_init(&r, padded);
	*plain = wire_get_string(&r, padded.len);
	for (size_t i = 0; i < r.len; i++)
		rest |= r.data[i];
	return !r.bad && rest == 0 && padded_size(plain->len) == padded.len;
}

bool
seal_open(uint8_t *out, const uint8_t key[KEY_LEN],
    const struct seal_place *place, struct view sealed, struct view *plain)
{
	uint8_t ad[PLACE_MAX], wide[CRYPTO_WIDE_LEN];
	const uint8_t *nonce, *commit;
	struct view body;
	uint32_t version;
	bool good;

	if (!seal_key_version(sealed, &version))
		return false;
	nonce = sealed.data + SEAL_HEADER;
	commit = nonce + CRYPTO_NONCE_LEN;
	body.data = commit + KEY_LEN;
	body.len = sealed.len - (size_t)(body.data - sealed.data);
	derive(wide, key, place, nonce);
	good = crypto_equal(commit, wide + KEY_LEN, KEY_LEN) &&
	    crypto_aead_open(out, wide, nonce, bind(ad, sealed.data, place),
		body);
	secmem_wipe(wide, sizeof(wide));
	body.len -= CRYPTO_TAG_LEN;
	if (good && !unpad((struct view){ out, body.len }, plain)) {
		secmem_wipe(out, body.len);
		good = false;
	}
	return good;
}
