/* What an ssh client says besides asking for keys and signatures. */
#include "op_agent.h"

#include <stdio.h>
#include <string.h>

#include "names.h"
#include "quota.h"

void
op_agent_say(struct request *q, struct view session,
    const uint8_t host[SSH_KEY_LEN], const char *more)
{
	uint8_t blob[SSH_KEY_BLOB_LEN];
	char fingerprint[SSH_FINGERPRINT_SIZE], hex[9] = "";
	struct wire_writer w;

	wire_writer_init(&w, blob, sizeof(blob));
	ssh_key_put(&w, host);
	ssh_key_fingerprint(fingerprint, (struct view){ blob, w.len });
	for (size_t i = 0; i < session.len && i < 4; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", session.data[i]);
	(void)snprintf(q->detail, sizeof(q->detail), "session %s host %s%s",
	    hex, fingerprint, more);
}

enum cofre_status
op_agent_refuse(struct request *q, const char *why)
{
	(void)snprintf(q->detail, sizeof(q->detail), "%s", why);
	return COFRE_DENIED;
}

enum cofre_status
op_ssh_bind(struct request *q, const struct ssh_bind_request *in)
{
	const struct ssh_agent_bind bind = { in->host_key, in->session,
		in->signature, in->forwarding };
	const uint8_t *host, *signature;
	const char *why;

	quota_spent(q->conn);
	if (!ssh_agent_bind_check(&bind, &host, &signature))
		return op_agent_refuse(q, "the host's key is not ssh-ed25519");
	if (!crypto_ed25519_verify(signature, host, in->session))
		return op_agent_refuse(q, "the host has not signed it");
	why = sshbind_add(&q->conn->agent->bound, in->session, host,
	    in->forwarding);
	if (why != NULL)
		return op_agent_refuse(q, why);
	op_agent_say(q, in->session, host,
	    in->forwarding ? ", forwarded" : "");
	ssh_agent_put(q->reply, SSH_AGENT_SUCCESS);
	return COFRE_OK;
}

enum cofre_status
op_ssh_workspace(struct request *q, const struct ssh_workspace_request *in)
{
	char *to = q->conn->agent->workspace;

	if (!name_is_workspace(in->workspace))
		return COFRE_INVALID;
	/* Who was given the connection is held to it. */
	if (to[0] != '\0' && !view_is(in->workspace, to))
		return op_agent_refuse(q, "another workspace was chosen");
	/* Whether it is there is not told: it has what the caller may use. */
	(void)snprintf(q->detail, sizeof(q->detail), "%.*s",
	    (int)in->workspace.len, (const char *)in->workspace.data);
	memcpy(to, in->workspace.data, in->workspace.len);
	to[in->workspace.len] = '\0';
	ssh_agent_put(q->reply, SSH_AGENT_SUCCESS);
	return COFRE_OK;
}

enum cofre_status
op_ssh_query(struct request *q, const struct ssh_query_request *in)
{
	(void)in;
	ssh_agent_put_query(q->reply);
	return COFRE_OK;
}

enum cofre_status
op_ssh_other(struct request *q, const struct ssh_other_request *in)
{
	/* Keys are made in the vault: none is added, removed or locked here. */
	(void)snprintf(q->detail, sizeof(q->detail), "%s (message %u)",
	    ssh_agent_name(in->number), in->number);
	return COFRE_UNKNOWN_OPERATION;
}
