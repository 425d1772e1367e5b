/*
 * marks: what is a secret is made undefined for valgrind's memcheck, which
 * then reports each branch and each index that depends on it (A. Langley,
 * "ctgrind").  By the linker (--wrap) it stands where secrets come into the
 * daemon, and where something that was computed from them is no secret any
 * more:
 *
 *	recvmsg         a value, an unlock key or a token in a request
 *	crypto_random   a key that is made in the keyring
 *	decrypt         what was opened: a key in the keyring, a value; not
 *	                their lengths, which the size of a row tells
 *	base64 to bytes whether it is base64 at all
 *	memcmp          of libsodium: whether it is equal
 *	encrypt, sign   ciphertext and signature
 *	derive_wide     its second half: the commitment, which is on disk
 *	blake2b         with the keys of digests and of the log: what is shown
 *	short_hash      the place of a name in the catalogue
 *	key pair        its public half
 *	send, writev    what leaves in a reply
 *
 * At the end it prints how much was secret, where, so that it shows when
 * nothing was.
 */
#ifndef TESTS_MARKS_H
#define TESTS_MARKS_H

#include <stddef.h>

/* Bytes that are not defined among these; 0 without valgrind. */
size_t marks_count(const void *p, size_t len);

#endif
