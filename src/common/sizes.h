/*
 * sizes: the sizes that the protocol and the store share.  The public ones
 * stand in cofre.h; a test asserts that both agree with doc/PROTOCOL.md.
 */
#ifndef COFRE_SIZES_H
#define COFRE_SIZES_H

#include "cofre.h"

#define PROTO_VERSION 1u

/* The whole frame, with its length field. */
#define FRAME_MAX (128u * 1024)
/* A sealed row's plaintext: a little less, so that its reply fits a frame. */
#define ROW_MAX (124u * 1024)

#define CLIENT_NAME_MAX 64u
#define DETAIL_MAX 200u	  /* text of a record in the activity log */
#define OBJECT_MAX 200u	  /* WORKSPACE/NAME with its slash */
#define EXE_MAX 240u	  /* path of an executable in a record */
#define REPORT_TEXT_MAX 255u
#define ROLE_NAME_MAX 63u
#define ROLE_TEXT_MAX 255u /* description of a role */
#define PATTERN_MAX 127u   /* an action with wildcards */
#define PATTERNS_MAX 64u   /* in one list of a role */
#define ROLE_SCOPES_MAX 64u
#define ROLES_MAX 256u		/* custom roles of a vault */
#define ROLE_VERSIONS_MAX 64u	/* kept definitions of a role */
#define CGROUP_MAX 240u	   /* path of a cgroup */
#define UNIT_NAME_MAX 127u /* of a systemd unit */
#define WHO_MAX 127u	   /* a principal by name: a unit, a workspace */
#define SHA256_LEN 32u
#define RUN_ID_LEN 16u
#define BOOT_ID_LEN 16u /* of the kernel, since it has started */
#define RUN_LABEL_MAX 127u
#define RUN_TOKEN_MAX 63u
#define RUN_SECRETS_MAX 64u
#define RUN_LIFETIME 3600u	/* seconds, unless told otherwise */
#define RUN_LIFETIME_MAX 86400u
#define RUNS_MAX 1024u		/* of a vault */
#define SNAPSHOT_MAX 64u	/* bytes of a snapshot's digest */
#define SCAN_TEXTS_MAX 1024u	/* texts of one run.scan */
#define SCAN_BYTES_MAX 65536u	/* bytes of them, one whole value at least */
#define WATCH_MAX 64u		/* secrets of one secret.watch */
#define PEER_GROUPS_MAX 1024u	/* supplementary groups that are looked at */
#define SOURCE_NAME_MAX 63u
#define SOURCE_ARGUMENTS_MAX 16u /* of a credential's source */
#define SOURCE_VALUE_MAX 1024u	 /* bytes of one of them */
#define RESYNC_ITEMS_MAX 4096u	 /* secrets of one resync */
#define RESYNC_BYTES_MAX (4u * 1024 * 1024) /* of new values in it, sealed */
#define RESYNCS_MAX 8u		 /* that are under way at once in a vault */
#define RESYNC_GRACE_MAX 2592000u /* seconds that an old version stays */
#define DIGEST_LEN 16u		 /* of a secret's fields, keyed */
#define PROBLEM_MAX 200u	 /* why a source came to nothing */
#define HOST_MAX 255u		 /* name or address of a target's host */
#define LOGIN_MAX 63u		 /* the user that is logged in as */
#define TARGET_OPTIONS_MAX 1024u /* of its line of authorized_keys */
#define HOST_KEY_MAX 64u	 /* bytes of a host's key, as a blob */
#define NAMESPACE_MAX 63u	 /* of SSHSIG */
#define TARGETS_MAX 4096u	 /* compute targets of a vault */
#define TARGETS_WORKSPACE_MAX 256u /* and of a workspace */
#define TARGET_KEYS_MAX 2u	 /* while one is rotated */
#define TARGET_PINS_MAX 8u	 /* keys that its host may have */
#define TARGET_NAMESPACES_MAX 8u /* that it may sign for */
#define CA_REVOKED_MAX 1024u	 /* certificates, before they are over */
#define CA_HOSTS_MAX 16u	 /* names in a host's certificate */
#define CA_HOST_LIFE 2592000u	 /* seconds that it lasts, unless told otherwise */
#define CA_HOST_LIFE_MAX 31536000u /* seconds that it lasts at most */
#define CA_USER_LIFE 900u	 /* likewise, of a user's */
#define CA_USER_LIFE_MAX 3600u
#define CA_TEXT_MAX 1024u	 /* bytes of its command, and of its addresses */
#define KRL_MAX 122880u		 /* bytes of a key revocation list */
#define AGENT_BLOB_MAX 8192u	 /* a key or certificate of an ssh client */
#define AGENT_SESSION_MAX 128u	 /* bytes of its session's id */
#define SLOTS_MAX 16u	  /* unlock slots of a vault */
#define GRANTS_MAX 256u	  /* grants of a workspace */
#define BINDINGS_MAX 64u  /* selectors of a managed identity */
#define VERSIONS_MAX 256u /* kept versions of a secret; older ones go */
#define WORKSPACES_MAX 1024u
#define LIST_MAX 4096u	  /* items of one list in one message */
#define EVENTS_MAX 256u	  /* events of one reply */

#define KEY_LEN 32u  /* every symmetric key */
#define SALT_LEN 16u /* of Argon2id */
#define PUBLIC_KEY_LEN 32u /* of Ed25519 */
#define SIGNATURE_LEN 64u  /* likewise */
#define VAULT_ID_LEN 16u
#define NO_ID 0xffffffffu /* "any" or "none" for a uid, gid or version */

#endif
