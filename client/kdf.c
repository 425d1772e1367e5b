#include "kdf.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "keyfile.h"
#include "path.h"
#include "prompt.h"
#include "proto.h"
#include "reveal.h"

/* What libsodium calls moderate: three passes over 256 MiB. */
#define OPS crypto_pwhash_argon2id_OPSLIMIT_MODERATE
#define MEMORY crypto_pwhash_argon2id_MEMLIMIT_MODERATE

/* What a slot may ask of this machine; the vault is not to choose freely. */
#define OPS_MOST 64u
#define MEMORY_MOST ((uint64_t)4 << 30)

_Static_assert(SALT_LEN == crypto_pwhash_argon2id_SALTBYTES, "salt");

enum cofre_status
kdf_init(struct kdf *k, struct problem *p)
{
	memset(k, 0, sizeof(*k));
	k->file = NEWFILE_NONE;
	if (!secmem_init(&k->mem, KEY_LEN, true, false))
		return problem_set(p, COFRE_NO_MEMORY,
		    "no memory for a key: %s", strerror(errno));
	k->key = k->mem.base;
	return COFRE_OK;
}

void
kdf_free(struct kdf *k)
{
	(void)newfile_close(&k->file);
	secmem_free(&k->mem);
	k->key = NULL;
}

static bool
fill_random(void *to, size_t len)
{
	return getrandom(to, len, 0) == (ssize_t)len;
}

/* The key of a new file; *k->file is the file. */
static enum cofre_status
make_keyfile(struct kdf *k, const char *path, struct problem *p)
{
	struct secmem m;

	if (!secmem_init(&m, KEYFILE_MIN, true, false))
		return problem_set(p, COFRE_NO_MEMORY,
		    "no memory for a key: %s", strerror(errno));
	if (!fill_random(m.base, KEYFILE_MIN) ||
	    !reveal_write(k->file.fd, (struct view){ m.base, KEYFILE_MIN }) ||
	    !newfile_sync(&k->file)) {
		(void)problem_set(p, COFRE_ARGUMENT, "can't write %s: %s",
		    path, strerror(errno));
		newfile_remove(&k->file);
		secmem_free(&m);
		return COFRE_ARGUMENT;
	}
	keyfile_key(m.base, KEYFILE_MIN, k->key);
	secmem_free(&m);
	return COFRE_OK;
}

/* As keyfile_read(), but through nobody's symbolic links. */
static enum cofre_status
read_keyfile(struct kdf *k, const char *path, struct problem *p)
{
	int fd = path_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
		O_NOCTTY | O_NONBLOCK);
	char why[160];
	bool good;

	if (fd == -1)
		return problem_set(p, COFRE_ARGUMENT, "%s: %s", path,
		    errno == ELOOP ? "is a symbolic link, or behind one of "
				     "another user's" :
				     strerror(errno));
	good = keyfile_read_fd(fd, k->key, why, sizeof(why));
	(void)close(fd);
	return good ? COFRE_OK :
		      problem_set(p, COFRE_ARGUMENT, "%s: %s", path, why);
}

enum cofre_status
kdf_keyfile(struct kdf *k, const char *path, bool make, struct problem *p)
{
	k->type = SLOT_KEYFILE;
	if (make && newfile_create(&k->file, path))
		return make_keyfile(k, path, p);
	if (make && errno != EEXIST)
		return problem_set(p, COFRE_ARGUMENT, "can't make %s: %s",
		    path, strerror(errno));
	return read_keyfile(k, path, p);
}

/*
 * Is it sure that the daemon has changed nothing?  Those that are not listed
 * may come after a change, and a status of a later daemon may too.
 */
static bool
is_refusal(enum cofre_status s)
{
	switch ((unsigned)s) {
	case COFRE_DENIED:
	case COFRE_LOCKED:
	case COFRE_UNINITIALIZED:
	case COFRE_EXISTS:
	case COFRE_INVALID:
	case COFRE_TOO_LARGE:
	case COFRE_BUSY:
	case COFRE_LIMIT:
	case COFRE_STORE_FULL:
	case COFRE_ROLLBACK:
	case COFRE_BAD_FRAME:
	case COFRE_UNKNOWN_OPERATION:
	case COFRE_BAD_VERSION:
	case COFRE_OTHER_PROCESS:
	case COFRE_RUN_ENDED:
	case COFRE_UNREACHABLE:
	case COFRE_NO_MEMORY:
	case COFRE_ARGUMENT:
		return true;
	default:
		return false;
	}
}

bool
kdf_settle(struct kdf *k, enum cofre_status s)
{
	if (is_refusal(s))
		newfile_remove(&k->file);
	else if (s == COFRE_OK)
		(void)newfile_close(&k->file);
	else
		return k->file.dir == -1;
	return true;
}

enum cofre_status
kdf_ask(struct input *in, bool is_new, struct problem *p)
{
	enum cofre_status s;

	if (isatty(STDIN_FILENO) != 1)
		s = input_line(in, STDIN_FILENO, p);
	else if (is_new)
		s = prompt_twice(in, KDF_PASSPHRASE_MIN, "New passphrase: ",
		    "The same again: ", p);
	else
		s = prompt_secret(in, "Passphrase: ", p);
	if (s != COFRE_OK)
		return s;
	if (in->len == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "the passphrase is empty");
	if (is_new && in->len < KDF_PASSPHRASE_MIN)
		return problem_set(p, COFRE_ARGUMENT,
		    "the passphrase is too short: %u characters at least, "
		    "better five random words", KDF_PASSPHRASE_MIN);
	return COFRE_OK;
}

enum cofre_status
kdf_new(struct kdf *k, struct problem *p)
{
	k->type = SLOT_PASSPHRASE;
	k->ops = OPS;
	k->memory = MEMORY;
	k->salt_len = SALT_LEN;
	if (!fill_random(k->salt, SALT_LEN))
		return problem_set(p, COFRE_INTERNAL, "no random numbers: %s",
		    strerror(errno));
	return COFRE_OK;
}

enum cofre_status
kdf_use(struct kdf *k, uint64_t ops, uint64_t memory, struct view salt,
    struct problem *p)
{
	if (ops < crypto_pwhash_argon2id_OPSLIMIT_MIN || ops > OPS_MOST ||
	    memory < crypto_pwhash_argon2id_MEMLIMIT_MIN ||
	    memory > MEMORY_MOST || salt.len != SALT_LEN)
		return problem_set(p, COFRE_INVALID,
		    "a slot asks for an Argon2id that is not done here "
		    "(%llu passes, %llu bytes of memory)",
		    (unsigned long long)ops, (unsigned long long)memory);
	k->type = SLOT_PASSPHRASE;
	k->ops = ops;
	k->memory = memory;
	k->salt_len = SALT_LEN;
	memcpy(k->salt, salt.data, SALT_LEN);
	return COFRE_OK;
}

enum cofre_status
kdf_derive(struct kdf *k, const struct input *passphrase, struct problem *p)
{
	int rc;

	if (sodium_init() == -1)
		return problem_set(p, COFRE_INTERNAL,
		    "libsodium can't be initialised");
	rc = crypto_pwhash_argon2id(k->key, KEY_LEN, passphrase->data,
	    passphrase->len, k->salt, k->ops, (size_t)k->memory,
	    crypto_pwhash_argon2id_ALG_ARGON2ID13);
	/* What it leaves of passphrase and key. */
	secmem_wipe_stack();
	secmem_wipe_registers();
	if (rc == 0)
		return COFRE_OK;
	return problem_set(p, COFRE_NO_MEMORY,
	    "Argon2id needs %llu MiB of memory and can't get them",
	    (unsigned long long)(k->memory >> 20));
}

enum cofre_status
kdf_make(struct kdf *k, const char *keyfile, struct problem *p)
{
	struct input passphrase;
	enum cofre_status s;

	if (keyfile != NULL)
		return kdf_keyfile(k, keyfile, true, p);
	s = input_init(&passphrase, KDF_PASSPHRASE_MAX, p);
	if (s == COFRE_OK)
		s = kdf_ask(&passphrase, true, p);
	if (s == COFRE_OK)
		s = kdf_new(k, p);
	if (s == COFRE_OK)
		s = kdf_derive(k, &passphrase, p);
	input_free(&passphrase);
	return s;
}
