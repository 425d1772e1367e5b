/*
 * target: one compute target, and the SSH CA of a workspace: what is known of
 * them without their private keys, and their rows.  Pure.
 */
#ifndef COFRE_TARGET_H
#define COFRE_TARGET_H

#include "rows.h"
#include "sshindex.h"

struct target_key {
	uint32_t version;
	uint64_t created;
	uint8_t public[PUBLIC_KEY_LEN];
};

struct target_pin {
	size_t len;
	uint8_t blob[HOST_KEY_MAX];
};

struct target {
	struct sshitem item; /* workspace and name; first */
	uint64_t record;
	uint32_t revision; /* every change counts it up */
	uint32_t port;
	uint64_t created;
	uint64_t updated;
	uint32_t uid; /* who made it */
	uint32_t last_version; /* of a key that it has, or had */
	bool for_runs;	       /* runs may use it */
	bool for_ca; /* who may change any target has said whose login it is */
	uint32_t key_count, pin_count, namespace_count;
	struct target_key keys[TARGET_KEYS_MAX]; /* the newest last */
	struct target_pin pins[TARGET_PINS_MAX]; /* keys that its host has */
	char namespaces[TARGET_NAMESPACES_MAX][NAMESPACE_MAX + 1];
	char host[HOST_MAX + 1];
	char user[LOGIN_MAX + 1];
	char options[TARGET_OPTIONS_MAX + 1];
};

/* A certificate that was revoked, until it would be over anyway. */
struct ca_revoked {
	uint64_t serial;
	uint64_t until;
};

struct ca {
	struct sshitem item; /* workspace, and no name; first */
	uint64_t record;
	uint64_t created;
	uint32_t uid;
	uint64_t next_serial; /* every one below may be given, */
	uint64_t given;	      /* and was, below this one, or never will be */
	uint64_t krl_version;
	uint32_t revoked_count;
	uint8_t public[PUBLIC_KEY_LEN];
	struct ca_revoked revoked[]; /* CA_REVOKED_MAX, never more are used */
};

/* What a target is told about itself: of target.create and target.set. */
struct target_settings {
	struct view host;
	uint32_t port;
	struct view user;
	bool for_runs;
	struct view options;
	struct list namespaces; /* namespace_item */
};

/* Take settings.  False, with nothing of use in it, when one of them has not
   the form that it must have (sshnames.h, ssh_text.h). */
bool target_set(struct target *t, const struct target_settings *in);

/* Is the blob one of them? */
bool target_has_pin(const struct target *t, struct view blob);

/* Take the keys of its host: pin_item.  False when one is no ssh-ed25519
   key, or is there twice. */
bool target_pin(struct target *t, struct list pins);

/* The key with that version; key_count when it has none. */
uint32_t target_find_key(const struct target *t, uint32_t version);

/* The id of its row, and of that of a private key; for a CA likewise, whose
   key has the version 1. */
struct row_id target_row_id(const struct target *t);
struct row_id target_key_id(const struct target *t, uint32_t version);
struct row_id ca_row_id(const struct ca *ca);
struct row_id ca_key_id(const struct ca *ca);

/* Write what its row holds, and what messages hold of it: its lists. */
void target_put(struct wire_writer *w, const struct target *t);
void target_put_keys(struct wire_writer *w, const struct target *t);
void target_put_pins(struct wire_writer *w, const struct target *t);
void target_put_namespaces(struct wire_writer *w, const struct target *t);
void ca_put(struct wire_writer *w, const struct ca *ca);

/*
 * Make one of its row: to be freed with sshitem_free().  NULL, with *st: CORRUPT when
 * no target_put() or ca_put() has written it, LIMIT without memory.
 */
struct target *target_get(uint64_t workspace, uint64_t record,
    struct view plain, enum cofre_status *st);
struct ca *ca_get(uint64_t workspace, uint64_t record, struct view plain,
    enum cofre_status *st);

/* One that is empty, or a copy: to be freed with sshitem_free().  NULL without
   memory. */
struct target *target_new(void);
struct target *target_copy(const struct target *t);

/* An empty CA with room for what it may revoke, or NULL. */
struct ca *ca_new(void);

#endif
