#include "marks.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <valgrind/memcheck.h>

#include "../fuzz/house.h"
#include "../fuzz/message_body.h"
#include "token.h"

#define TOKEN "cofre_r_"

static struct {
	const struct house *house;
	size_t received; /* bytes of requests */
	size_t opened;	 /* bytes of rows and of wrapped keys */
	size_t replied;	 /* bytes of replies that have come from secrets */
	size_t signatures, compared, tokens;
} marks;

/* What requests have in them that nobody may see. */
static const enum word secrets[] = { W_KEY, W_OTHER_KEY, W_VALUE, W_VALUE2,
	W_VALUE64 };

static void
print(void)
{
	(void)printf("secret: %zu bytes received, %zu opened, %zu replied; "
		     "%zu tokens, %zu comparisons, %zu signatures\n",
	    marks.received, marks.opened, marks.replied, marks.tokens,
	    marks.compared, marks.signatures);
}

struct house *__real_house_make(void);
struct house *__wrap_house_make(void);

struct house *
__wrap_house_make(void)
{
	struct house *h = __real_house_make();

	marks.house = h;
	if (atexit(print) != 0)
		abort();
	return h;
}

size_t
marks_count(const void *p, size_t len)
{
	uint8_t bits[4096];
	size_t count = 0;

	for (size_t at = 0; at < len; at += sizeof(bits)) {
		size_t n = len - at < sizeof(bits) ? len - at : sizeof(bits);

		memset(bits, 0, n);
		(void)VALGRIND_GET_VBITS((const uint8_t *)p + at, bits, n);
		for (size_t i = 0; i < n; i++)
			count += bits[i] != 0;
	}
	return count;
}

/* Is it in the memory of the keyring? */
static bool
is_key(const void *p)
{
	const struct secmem *m;

	if (marks.house == NULL)
		return false;
	m = &marks.house->sv->vault.keyring.memory;
	return (uintptr_t)p - (uintptr_t)m->base < m->size;
}

/* Mark each place that the secret stands at, in what is defined now. */
static size_t
mark_text(uint8_t *p, size_t len, struct view secret)
{
	size_t count = 0;
	uint8_t *at;

	while (len >= secret.len &&
	    (at = memmem(p, len, secret.data, secret.len)) != NULL) {
		(void)VALGRIND_MAKE_MEM_UNDEFINED(at, secret.len);
		count += secret.len;
		len -= (size_t)(at - p) + secret.len;
		p = at + secret.len;
	}
	return count;
}

/* Values first: a token has none of them in it. */
static size_t
mark_values(uint8_t *p, size_t len)
{
	static uint8_t copy[FRAME_MAX];
	const struct view begins = view_of(TOKEN);
	size_t count = 0;
	uint8_t *at;

	if (len > sizeof(copy))
		return 0;
	memcpy(copy, p, len);
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		const struct view secret = message_word(secrets[i]);
		uint8_t *from = copy;

		while ((at = memmem(from, len - (size_t)(from - copy),
			    secret.data, secret.len)) != NULL) {
			from = at + secret.len;
			count += mark_text(p + (at - copy), secret.len,
			    secret);
		}
	}
	at = memmem(copy, len, begins.data, begins.len);
	if (at != NULL && len - (size_t)(at - copy) >= TOKEN_LEN) {
		(void)VALGRIND_MAKE_MEM_UNDEFINED(p + (at - copy) + begins.len,
		    TOKEN_LEN - begins.len);
		marks.tokens++;
		count += TOKEN_LEN - begins.len;
	}
	return count;
}

/* --- where secrets come in --- */

ssize_t __real_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);

ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n = __real_recvmsg(fd, msg, flags);
	size_t left = n > 0 ? (size_t)n : 0;

	for (size_t i = 0; i < msg->msg_iovlen && left > 0; i++) {
		size_t len = msg->msg_iov[i].iov_len < left ?
		    msg->msg_iov[i].iov_len :
		    left;

		marks.received +=
		    mark_values(msg->msg_iov[i].iov_base, len);
		left -= len;
	}
	return n;
}

void __real_crypto_random(void *out, size_t len);
void __wrap_crypto_random(void *out, size_t len);

void
__wrap_crypto_random(void *out, size_t len)
{
	__real_crypto_random(out, len);
	if (is_key(out))
		(void)VALGRIND_MAKE_MEM_UNDEFINED(out, len);
}

typedef int decrypt_fn(unsigned char *m, unsigned long long *len,
    unsigned char *nsec, const unsigned char *c, unsigned long long clen,
    const unsigned char *ad, unsigned long long adlen,
    const unsigned char *npub, const unsigned char *k);
decrypt_fn __real_crypto_aead_xchacha20poly1305_ietf_decrypt;
decrypt_fn __wrap_crypto_aead_xchacha20poly1305_ietf_decrypt;

/* Inside, the tag is compared, and that tells whether it is right. */
int
__wrap_crypto_aead_xchacha20poly1305_ietf_decrypt(unsigned char *m,
    unsigned long long *len, unsigned char *nsec, const unsigned char *c,
    unsigned long long clen, const unsigned char *ad,
    unsigned long long adlen, const unsigned char *npub,
    const unsigned char *k)
{
	size_t size = (size_t)clen - CRYPTO_TAG_LEN;
	struct wire_reader r;
	size_t n;
	int rc;

	VALGRIND_DISABLE_ERROR_REPORTING;
	rc = __real_crypto_aead_xchacha20poly1305_ietf_decrypt(m, len, nsec, c,
	    clen, ad, adlen, npub, k);
	VALGRIND_ENABLE_ERROR_REPORTING;
	(void)VALGRIND_MAKE_MEM_DEFINED(&rc, sizeof(rc));
	(void)VALGRIND_MAKE_MEM_DEFINED(m, size);
	if (rc != 0)
		return rc;
	if (!is_key(m)) {
		marks.opened += mark_values(m, size);
		return rc;
	}
	wire_reader_init(&r, (struct view){ m, size });
	n = wire_get_u32(&r);
	if (!r.bad && n <= r.len) {
		(void)VALGRIND_MAKE_MEM_UNDEFINED(r.data, n);
		marks.opened += n;
	}
	return rc;
}

/* --- what is no secret --- */

int __real_sodium_base642bin(unsigned char *bin, size_t max, const char *text,
    size_t len, const char *ignore, size_t *got, const char **end,
    int variant);
int __wrap_sodium_base642bin(unsigned char *bin, size_t max, const char *text,
    size_t len, const char *ignore, size_t *got, const char **end,
    int variant);

int
__wrap_sodium_base642bin(unsigned char *bin, size_t max, const char *text,
    size_t len, const char *ignore, size_t *got, const char **end, int variant)
{
	int rc;

	VALGRIND_DISABLE_ERROR_REPORTING;
	rc = __real_sodium_base642bin(bin, max, text, len, ignore, got, end,
	    variant);
	VALGRIND_ENABLE_ERROR_REPORTING;
	(void)VALGRIND_MAKE_MEM_DEFINED(&rc, sizeof(rc));
	(void)VALGRIND_MAKE_MEM_DEFINED(got, sizeof(*got));
	return rc;
}

int __real_sodium_memcmp(const void *a, const void *b, size_t len);
int __wrap_sodium_memcmp(const void *a, const void *b, size_t len);

int
__wrap_sodium_memcmp(const void *a, const void *b, size_t len)
{
	int rc = __real_sodium_memcmp(a, b, len);

	marks.compared += marks_count(&rc, sizeof(rc)) > 0;
	(void)VALGRIND_MAKE_MEM_DEFINED(&rc, sizeof(rc));
	return rc;
}

typedef int encrypt_fn(unsigned char *c, unsigned long long *clen,
    const unsigned char *m, unsigned long long len, const unsigned char *ad,
    unsigned long long adlen, const unsigned char *nsec,
    const unsigned char *npub, const unsigned char *k);
encrypt_fn __real_crypto_aead_xchacha20poly1305_ietf_encrypt;
encrypt_fn __wrap_crypto_aead_xchacha20poly1305_ietf_encrypt;

int
__wrap_crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *c,
    unsigned long long *clen, const unsigned char *m, unsigned long long len,
    const unsigned char *ad, unsigned long long adlen,
    const unsigned char *nsec, const unsigned char *npub,
    const unsigned char *k)
{
	int rc = __real_crypto_aead_xchacha20poly1305_ietf_encrypt(c, clen, m,
	    len, ad, adlen, nsec, npub, k);

	(void)VALGRIND_MAKE_MEM_DEFINED(c, (size_t)len + CRYPTO_TAG_LEN);
	return rc;
}

int __real_crypto_sign_ed25519_detached(unsigned char *sig,
    unsigned long long *siglen, const unsigned char *m,
    unsigned long long len, const unsigned char *sk);
int __wrap_crypto_sign_ed25519_detached(unsigned char *sig,
    unsigned long long *siglen, const unsigned char *m,
    unsigned long long len, const unsigned char *sk);

int
__wrap_crypto_sign_ed25519_detached(unsigned char *sig,
    unsigned long long *siglen, const unsigned char *m,
    unsigned long long len, const unsigned char *sk)
{
	int rc = __real_crypto_sign_ed25519_detached(sig, siglen, m, len, sk);

	marks.signatures += marks_count(sig, SIGNATURE_LEN) > 0;
	(void)VALGRIND_MAKE_MEM_DEFINED(sig, SIGNATURE_LEN);
	return rc;
}

int __wrap_crypto_sign_ed25519_keypair(unsigned char *pk, unsigned char *sk);

/* Of a seed that is secret before anything is computed from it. */
int
__wrap_crypto_sign_ed25519_keypair(unsigned char *pk, unsigned char *sk)
{
	uint8_t seed[KEY_LEN];
	int rc;

	randombytes_buf(seed, sizeof(seed));
	(void)VALGRIND_MAKE_MEM_UNDEFINED(seed, sizeof(seed));
	rc = crypto_sign_ed25519_seed_keypair(pk, sk, seed);
	(void)VALGRIND_MAKE_MEM_DEFINED(pk, PUBLIC_KEY_LEN);
	(void)VALGRIND_MAKE_MEM_DEFINED(sk + KEY_LEN, PUBLIC_KEY_LEN);
	return rc;
}

void __real_crypto_derive_wide(uint8_t *out, const uint8_t *key,
    const uint8_t *salt, const char *personal, struct view message);
void __wrap_crypto_derive_wide(uint8_t *out, const uint8_t *key,
    const uint8_t *salt, const char *personal, struct view message);

void
__wrap_crypto_derive_wide(uint8_t *out, const uint8_t *key,
    const uint8_t *salt, const char *personal, struct view message)
{
	__real_crypto_derive_wide(out, key, salt, personal, message);
	(void)VALGRIND_MAKE_MEM_DEFINED(out + KEY_LEN, KEY_LEN);
}

void __real_crypto_blake2b(void *out, size_t len, const uint8_t *key,
    const struct view *parts, size_t count);
void __wrap_crypto_blake2b(void *out, size_t len, const uint8_t *key,
    const struct view *parts, size_t count);

void
__wrap_crypto_blake2b(void *out, size_t len, const uint8_t *key,
    const struct view *parts, size_t count)
{
	__real_crypto_blake2b(out, len, key, parts, count);
	if (key != NULL && is_key(key)) {
		const struct keyring *k = &marks.house->sv->vault.keyring;

		if (key == keyring_digest(k) || key == keyring_log(k).tag)
			(void)VALGRIND_MAKE_MEM_DEFINED(out, len);
	}
}

void __real_crypto_short_hash(uint8_t *out, const uint8_t *key,
    struct view v);
void __wrap_crypto_short_hash(uint8_t *out, const uint8_t *key,
    struct view v);

void
__wrap_crypto_short_hash(uint8_t *out, const uint8_t *key, struct view v)
{
	__real_crypto_short_hash(out, key, v);
	(void)VALGRIND_MAKE_MEM_DEFINED(out, CRYPTO_SHORT_LEN);
}

/* --- where they leave --- */

static void
let_go(void *p, size_t len)
{
	marks.replied += marks_count(p, len);
	(void)VALGRIND_MAKE_MEM_DEFINED(p, len);
}

ssize_t __real_send(int fd, const void *p, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t len, int flags);

ssize_t
__wrap_send(int fd, const void *p, size_t len, int flags)
{
	let_go((void *)(uintptr_t)p, len);
	return __real_send(fd, p, len, flags);
}

ssize_t __real_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);

ssize_t
__wrap_writev(int fd, const struct iovec *iov, int count)
{
	for (int i = 0; i < count; i++)
		let_go(iov[i].iov_base, iov[i].iov_len);
	return __real_writev(fd, iov, count);
}
