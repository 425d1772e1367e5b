#include "authority.h"

#include <stdlib.h>
#include <string.h>

static struct ca *
copy_of(const struct ca *ca)
{
	struct ca *copy = ca_new();

	if (copy == NULL)
		return NULL;
	*copy = *ca;
	memcpy(copy->revoked, ca->revoked,
	    ca->revoked_count * sizeof(ca->revoked[0]));
	return copy;
}

/* The next serial; *ca is another one then, if a block had to be set apart. */
static enum cofre_status
next_serial(struct targets *ts, struct sshstore *s, struct ca **ca,
    uint64_t now, uint64_t *serial)
{
	struct ca *copy;
	enum cofre_status st;

	if ((*ca)->given == (*ca)->next_serial) {
		if ((st = sshstore_begin(s, 2 * SSH_ROW_MAX, false)) !=
		    COFRE_OK)
			return st;
		if ((copy = copy_of(*ca)) == NULL)
			return COFRE_LIMIT;
		if (copy->next_serial < now)
			copy->given = copy->next_serial = now;
		copy->next_serial += AUTHORITY_BLOCK;
		if ((st = targets_save_ca(ts, s, *ca, copy)) != COFRE_OK)
			return st;
		*ca = copy;
	}
	*serial = (*ca)->given++;
	return COFRE_OK;
}

static enum cofre_status
sign(struct sshstore *s, const struct ca *ca, struct wire_writer *w)
{
	const struct row_id id = ca_key_id(ca);
	uint8_t signature[SIGNATURE_LEN];
	struct view sealed;
	enum cofre_status st = sshstore_get(s, &id, &sealed);

	if (st != COFRE_OK)
		return st == COFRE_NOT_FOUND ? COFRE_CORRUPT : st;
	if (!keyring_pair_sign(s->keyring, ca->public, sealed,
		row_place(s->vault, &id), (struct view){ w->data, w->len },
		signature))
		return COFRE_CORRUPT;
	ssh_cert_put_signature(w, signature);
	return w->bad ? COFRE_TOO_LARGE : COFRE_OK;
}

enum cofre_status
authority_certify(struct targets *ts, struct sshstore *s, uint64_t workspace,
    uint64_t now, struct ssh_cert *c, struct wire_writer *w)
{
	struct ca *ca = targets_ca(ts, workspace);
	uint8_t nonce[SSH_CERT_NONCE_LEN], blob[SSH_KEY_BLOB_LEN];
	struct wire_writer key;
	enum cofre_status st;

	if (ca == NULL)
		return COFRE_NOT_FOUND;
	wire_writer_init(&key, blob, sizeof(blob));
	ssh_key_put(&key, ca->public);
	crypto_random(nonce, sizeof(nonce));
	c->nonce = nonce;
	c->ca = (struct view){ blob, key.len };
	/* A serial is not spent on what can't be certified. */
	c->serial = ca->given;
	ssh_cert_put(w, c);
	if (w->bad)
		return COFRE_INVALID;
	w->len = 0;
	if ((st = next_serial(ts, s, &ca, now, &c->serial)) != COFRE_OK)
		return st;
	ssh_cert_put(w, c);
	st = sign(s, ca, w);
	c->nonce = NULL;
	c->ca = (struct view){ NULL, 0 };
	return st;
}

/* Drop what is over, and find the place of a serial. */
static uint32_t
find_place(struct ca *ca, uint64_t serial, uint64_t now)
{
	uint32_t kept = 0, place = 0;

	for (uint32_t i = 0; i < ca->revoked_count; i++) {
		if (ca->revoked[i].until <= now)
			continue;
		if (ca->revoked[i].serial < serial)
			place = kept + 1;
		ca->revoked[kept++] = ca->revoked[i];
	}
	ca->revoked_count = kept;
	return place;
}

static enum cofre_status
add_revoked(struct ca *ca, const struct ca_revoked *r, uint64_t now)
{
	uint32_t i = find_place(ca, r->serial, now);

	ca->krl_version++;
	if (i < ca->revoked_count && ca->revoked[i].serial == r->serial) {
		if (ca->revoked[i].until < r->until)
			ca->revoked[i].until = r->until;
		return COFRE_OK;
	}
	if (ca->revoked_count == CA_REVOKED_MAX)
		return COFRE_LIMIT;
	memmove(ca->revoked + i + 1, ca->revoked + i,
	    (ca->revoked_count - i) * sizeof(*r));
	ca->revoked[i] = *r;
	ca->revoked_count++;
	return COFRE_OK;
}

enum cofre_status
authority_revoke(struct targets *ts, struct sshstore *s, uint64_t workspace,
    uint64_t serial, uint64_t until, uint64_t now)
{
	const struct ca_revoked r = { serial, until };
	struct ca *ca = targets_ca(ts, workspace), *copy;
	enum cofre_status st;

	if (ca == NULL || serial == 0 || serial >= ca->given)
		return COFRE_NOT_FOUND;
	if (until <= now ||
	    until - now > (uint64_t)CA_HOST_LIFE_MAX * 1000000)
		return COFRE_INVALID;
	if ((st = sshstore_begin(s, 2 * SSH_ROW_MAX, true)) != COFRE_OK)
		return st;
	if ((copy = copy_of(ca)) == NULL)
		return COFRE_LIMIT;
	if ((st = add_revoked(copy, &r, now)) != COFRE_OK) {
		free(copy);
		return st;
	}
	return targets_save_ca(ts, s, ca, copy);
}
