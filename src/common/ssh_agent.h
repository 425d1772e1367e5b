/*
 * ssh_agent: the messages of the SSH agent protocol (RFC 9987), and OpenSSH's
 * extension session-bind@openssh.com (PROTOCOL.agent), as an agent that
 * lists keys and signs with them reads and writes them.  Whatever would
 * bring it a key, take one away or lock it is known by its number alone.
 *
 * A message is a string: its length, its number, its fields.
 */
#ifndef COFRE_SSH_AGENT_H
#define COFRE_SSH_AGENT_H

#include "ssh_cert.h"
#include "ssh_tosign.h"

/* A message without its length field, as OpenSSH limits it. */
#define SSH_AGENT_MESSAGE_MAX (256u * 1024)
#define SSH_AGENT_KEYS_MAX 2048u /* keys of one list, likewise */

enum ssh_agent_number {
	SSH_AGENT_FAILURE = 5,
	SSH_AGENT_SUCCESS = 6,
	SSH_AGENT_LIST = 11,
	SSH_AGENT_LIST_ANSWER = 12,
	SSH_AGENT_SIGN = 13,
	SSH_AGENT_SIGN_ANSWER = 14,
	SSH_AGENT_EXTENSION = 27,
	SSH_AGENT_EXTENSION_FAILURE = 28,
	SSH_AGENT_EXTENSION_ANSWER = 29,
};

enum ssh_agent_frame {
	SSH_FRAME_MORE, /* what is there is good, but not all */
	SSH_FRAME_WHOLE,
	SSH_FRAME_BAD, /* of no length, or of too much: close the connection */
};

/*
 * Cut the first message off the bytes that came in.  *message (number and
 * fields, without the length) and *used (bytes, with it) are set for
 * SSH_FRAME_WHOLE.
 */
enum ssh_agent_frame ssh_agent_cut(struct view in, struct view *message,
    size_t *used);

/* What a client asks for, and how an agent answers it that can't do it. */
enum ssh_agent_kind {
	SSH_ASKS_DAMAGED = 0, /* its fields are wrong: FAILURE */
	SSH_ASKS_REFUSED,   /* anything but list, sign and extension: FAILURE */
	SSH_ASKS_LIST,
	SSH_ASKS_SIGN,	    /* FAILURE */
	SSH_ASKS_BIND,	    /* session-bind@openssh.com: EXTENSION_FAILURE */
	SSH_ASKS_QUERY,	    /* which extensions there are */
	SSH_ASKS_EXTENSION, /* another one, by its name: FAILURE */
};

/* A client says to which session, with which host, it belongs. */
struct ssh_agent_bind {
	struct view host_key; /* its blob: plain, or as a certificate */
	struct view session;  /* its id: 1 to SSH_SESSION_MAX bytes */
	struct view signature; /* over the id, by that key */
	bool is_forwarding;    /* the agent goes on to that host */
};

/* All of it points into the message. */
struct ssh_agent_request {
	enum ssh_agent_kind kind;
	uint8_t number; /* as it came; 0 when there was none */

	/* SIGN */
	struct view blob; /* of the key: plain, or as a certificate */
	struct view data;
	uint32_t flags; /* of RSA alone: nothing to an ssh-ed25519 key */

	struct ssh_agent_bind bind; /* BIND */

	/* QUERY and EXTENSION */
	struct view name; /* ASCII, not empty */

	struct view rest; /* what follows the number, or the extension's name,
			     as it came */
};

/* Take a message apart.  There is a kind for each: nothing fails. */
void ssh_agent_get(struct view message, struct ssh_agent_request *q);

/* What a number stands for, such as "add-identity"; "unknown" else. */
const char *ssh_agent_name(uint8_t number);

/*
 * What has to be verified before a session counts as bound: that *signature
 * (SSH_SIGNATURE_LEN) is one over the bytes of b->session by *key
 * (SSH_KEY_LEN).  The key of a host's certificate is the one in it.
 *
 * False when the host's key is not ssh-ed25519 or the signature is not by
 * such a key.  Hosts may have ecdsa-sha2-* and ssh-rsa keys as well, and
 * nothing that this program links verifies those: such a session can't be
 * bound.  ssh(1) goes on without, and asks for a signature all the same; a
 * host that has several keys uses the ssh-ed25519 one for a client with
 * "HostKeyAlgorithms ssh-ed25519".
 */
bool ssh_agent_bind_check(const struct ssh_agent_bind *b,
    const uint8_t **key, const uint8_t **signature);

/*
 * Answers, with their length field, appended to the writer.
 */

/* FAILURE, SUCCESS or EXTENSION_FAILURE, which have no fields. */
void ssh_agent_put(struct wire_writer *w, enum ssh_agent_number number);

struct ssh_agent_list {
	struct wire_writer *w;
	size_t at; /* where the answer begins */
	uint32_t count;
};

/*
 * The keys, one by one.  A blob that is neither a plain ssh-ed25519 key nor a
 * user's certificate for one makes the writer bad: ssh-add(1) would not show
 * any of the others either.  So does a comment that is not ASCII or has
 * over SSH_COMMENT_MAX bytes, and a key beyond SSH_AGENT_KEYS_MAX.
 */
void ssh_agent_list_begin(struct ssh_agent_list *l, struct wire_writer *w);
void ssh_agent_list_key(struct ssh_agent_list *l, struct view blob,
    struct view comment);
void ssh_agent_list_end(struct ssh_agent_list *l);

/* A signature by an ssh-ed25519 key. */
void ssh_agent_put_signature(struct wire_writer *w,
    const uint8_t signature[SSH_SIGNATURE_LEN]);

/* The extensions that there are: session-bind@openssh.com. */
void ssh_agent_put_query(struct wire_writer *w);

#endif
