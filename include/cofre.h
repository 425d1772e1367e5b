/*
 * cofre.h: libcofre, the client library of the cofre credential vault.
 *
 * A handle is one connection to cofred.  The daemon knows the caller by
 * what the kernel says of it, so there is nothing to log in with and no
 * token to keep.  Secrets are in memory that is locked where the system
 * allows it, and that wipes itself when it is freed.  No call here reads a
 * secret from the environment or puts one there.
 *
 * Every function that can fail returns a status; COFRE_OK is 0.  Out
 * parameters are changed on success only.  A handle may be used by one
 * thread at a time; threads that each have a handle do not disturb one
 * another.  The library keeps no global state, starts no thread, and
 * neither blocks nor raises signals (a broken connection is a status).  A
 * handle that a child process uses after fork(2) connects anew there.
 *
 * The protocol behind it is described in doc/PROTOCOL.md.
 */
#ifndef COFRE_H
#define COFRE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COFRE_VERSION "0.1.0"

/* Where cofred listens unless it is told otherwise. */
#define COFRE_DEFAULT_SOCKET "/run/cofre/cofre.sock"

/* Limits, in bytes unless said; names are ASCII (cofre(1), NAMES). */
#define COFRE_WORKSPACE_NAME_MAX 63u
#define COFRE_SECRET_NAME_MAX 127u
#define COFRE_FIELD_NAME_MAX 64u
#define COFRE_VALUE_MAX 65536u /* the value of one field */
#define COFRE_FIELDS_MAX 64u   /* fields of one secret */
#define COFRE_SECRET_MAX 122880u /* all names and values of one secret */
#define COFRE_METADATA_MAX 32768u /* all values that are not secret */

/*
 * What came of a call.  Codes below 64 come from the daemon, the others
 * from the library.  cofre_status_text() says what each means.
 */
enum cofre_status {
	COFRE_OK = 0,
	COFRE_DENIED = 1,	/* not allowed, or no such object */
	COFRE_LOCKED = 2,	/* the vault is locked */
	COFRE_UNINITIALIZED = 3,	/* there is no vault yet */
	COFRE_NOT_FOUND = 4,	/* no such object (for those who may list) */
	COFRE_EXISTS = 5,	/* it exists already */
	COFRE_INVALID = 6,	/* a name, kind or field is not valid */
	COFRE_TOO_LARGE = 7,	/* over a size limit */
	COFRE_WRONG_KEY = 8,	/* the key opens no unlock slot */
	COFRE_BUSY = 9,		/* too many attempts, or too slow; try again */
	COFRE_CONFLICT = 10,	/* not in the state that was expected */
	COFRE_LIMIT = 11,	/* a limit of the vault is reached */
	COFRE_EXPIRED = 12,	/* the secret's expiry date has passed */
	COFRE_DELETED = 13,	/* the secret is (softly) deleted */
	COFRE_STORE_FULL = 14,	/* no room for a write; reading works */
	COFRE_STORE_FAILED = 15,	/* a write failed, at least until a restart */
	COFRE_LOG_FAILED = 16,	/* the activity log can't be written; when its
				   disk fails just then, a change may stand */
	COFRE_CORRUPT = 17,	/* what is stored fails verification */
	COFRE_ROLLBACK = 18,	/* the store is older than its log */
	COFRE_BAD_FRAME = 19,	/* a message that can't be decoded */
	COFRE_UNKNOWN_OPERATION = 20,	/* the daemon is older than that */
	COFRE_BAD_VERSION = 21,	/* no protocol version in common */
	COFRE_INTERNAL = 22,	/* an error of the daemon's own */
	COFRE_LAST_SLOT = 23,	/* the last unlock slot stays */
	COFRE_OTHER_PROCESS = 24, /* the connection is another process's */
	COFRE_RUN_ENDED = 25,	/* this process's run has ended */
	COFRE_NO_PROCESS = 26,	/* no such process or cgroup, or not yours */
	COFRE_UNDER_WAY = 27,	/* another one does this already: wait */
	COFRE_FOLLOWED_GONE = 28, /* the credential that it follows is gone */
	COFRE_BLOCKED = 29,	/* the daemon's disk does not answer */

	COFRE_UNREACHABLE = 64,	/* can't connect to the socket */
	COFRE_TIMEOUT = 65,	/* no answer in time */
	COFRE_CLOSED = 66,	/* the daemon closed the connection */
	COFRE_NO_MEMORY = 67,	/* out of memory, or of locked memory */
	COFRE_ARGUMENT = 68,	/* an argument of the call is not valid */
	COFRE_NO_FIELD = 69,	/* the secret has no such field */
	COFRE_FORMAT = 70,	/* a text is not in the format asked for */
	COFRE_BAD_REPLY = 71,	/* an answer that can't be decoded */
	COFRE_NO_CHANGE = 72	/* nothing that is watched has changed yet */
};

/* One English sentence for a status; never NULL, lives for ever. */
const char *cofre_status_text(enum cofre_status status);

/* The status as one word ("not-found"); never NULL, lives for ever. */
const char *cofre_status_name(enum cofre_status status);

/* What a secret is.  The codes are those of the protocol. */
enum cofre_kind {
	COFRE_KIND_STORAGE = 1,	  /* a storage account's connection string */
	COFRE_KIND_REGISTRY = 2,  /* a container registry's login */
	COFRE_KIND_DATASTORE = 3, /* what a datastore is reached with */
	COFRE_KIND_GENERIC = 4,	  /* anything else */
	COFRE_KIND_CERTIFICATE = 5,
	COFRE_KIND_KEY = 6,
	COFRE_KIND_SSH_KEY = 7
};

/* What kind of datastore; 0 for every other kind of secret. */
enum cofre_datastore {
	COFRE_DATASTORE_NONE = 0,
	COFRE_DATASTORE_AZURE_BLOB = 1,
	COFRE_DATASTORE_AZURE_FILE = 2,
	COFRE_DATASTORE_AZURE_DATA_LAKE_GEN1 = 3,
	COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2 = 4,
	COFRE_DATASTORE_AZURE_SQL = 5,
	COFRE_DATASTORE_AZURE_POSTGRES = 6,
	COFRE_DATASTORE_AZURE_MYSQL = 7,
	COFRE_DATASTORE_DBFS = 8
};

/* A connection. */
typedef struct cofre cofre;

/* A secret, with its fields: fetched from the vault, or to be put there. */
typedef struct cofre_secret cofre_secret;

/*
 * Connect to cofred.  path NULL means what COFRE_SOCKET names, or else
 * COFRE_DEFAULT_SOCKET; a program that runs with other rights than its
 * caller ignores COFRE_SOCKET.  timeout_ms bounds every later call as well;
 * 0 means 10 seconds.  The first request travels together with the hello.
 * On failure *ret is still a handle when there was memory for one, so that
 * cofre_error() can be asked; otherwise it is NULL.  Close it in any case.
 *
 * A child process that got the handle by fork(2) never speaks on its
 * parent's connection: its first call connects anew, as the child, and it
 * may close its handle without disturbing the parent's.
 *
 * Errors: UNREACHABLE, ARGUMENT (a path that is too long), NO_MEMORY.
 */
enum cofre_status cofre_open(cofre **ret, const char *path,
    unsigned timeout_ms);

/* Close the connection and free the handle; NULL is allowed. */
void cofre_close(cofre *c);

/*
 * What went wrong in the handle's last call, as text for a person: what
 * failed, with which object, and what to do next.  Never holds a secret.
 * Never NULL; valid until the next call with this handle.
 */
const char *cofre_error(const cofre *c);

/*
 * Fetch a secret.  version 0 is the current one.  field NULL fetches every
 * field, otherwise only the field of that name leaves the daemon.  The
 * secret is the caller's, to be freed with cofre_secret_free().
 *
 * Errors: DENIED, NOT_FOUND, DELETED, EXPIRED, FOLLOWED_GONE, LOCKED,
 * UNINITIALIZED, NO_FIELD, CORRUPT, LOG_FAILED, and those of every call:
 * TIMEOUT, CLOSED, BAD_REPLY, BAD_VERSION, NO_MEMORY, ARGUMENT.
 */
enum cofre_status cofre_get(cofre *c, const char *workspace,
    const char *name, uint32_t version, const char *field,
    cofre_secret **ret);

/*
 * Store a secret, as a new version when there is one of that name.
 * expires is the time at which it may no longer be fetched, in microseconds
 * since 1970 UTC, or 0.  if_version makes the call fail with CONFLICT unless
 * it is the current version (0: unless there is none); COFRE_ANY_VERSION
 * does not ask.  On success *version, when not NULL, is the new version, and
 * the secret is on disk.
 *
 * Errors: DENIED, CONFLICT, DELETED, INVALID (a name, a kind, a field that
 * must be secret), FOLLOWED_GONE, TOO_LARGE, LIMIT, STORE_FULL, STORE_FAILED,
 * and as above.
 */
#define COFRE_ANY_VERSION UINT32_MAX
enum cofre_status cofre_put(cofre *c, const char *workspace,
    const char *name, const cofre_secret *secret, uint64_t expires,
    uint32_t if_version, uint32_t *version);

/*
 * Delete a secret, softly: it can't be fetched any more, and comes back
 * with 'cofre undelete' until it is purged.
 *
 * Errors: DENIED, NOT_FOUND, DELETED, and as above.
 */
enum cofre_status cofre_delete(cofre *c, const char *workspace,
    const char *name);

/* What cofre_list() tells of a secret: metadata only. */
struct cofre_entry {
	char name[COFRE_SECRET_NAME_MAX + 1];
	enum cofre_kind kind;
	enum cofre_datastore datastore;
	uint32_t version; /* the current one */
	uint64_t created; /* microseconds since 1970 UTC, as all times */
	uint64_t updated;
	uint64_t expires; /* 0: never */
	/* the storage credential that a datastore follows, or "" */
	char follows[COFRE_SECRET_NAME_MAX + 1];
};

/*
 * List the secrets of a workspace, sorted by name.  *ret is an array of
 * *count entries, to be freed with free(); NULL when there are none.
 *
 * Errors: DENIED, NOT_FOUND, and as above.
 */
enum cofre_status cofre_list(cofre *c, const char *workspace,
    struct cofre_entry **ret, size_t *count);

/*
 * Say that the version (0: the current one) was refused by what it is for;
 * cofre_watch_fd() tells of the next.  Reporting it again is no error.
 *
 * Errors: CONFLICT (there is a newer version: fetch it), BUSY (more than 64 at
 * once, and one a second), NOT_FOUND, DELETED, DENIED, and as above.
 */
enum cofre_status cofre_report_stale(cofre *c, const char *workspace,
    const char *name, uint32_t version);

/*
 * Wait for newer versions of all that the handle has fetched so far: up to
 * 256 secrets, in up to 8 workspaces (of each 64 fill one of these places).
 * *fd polls readable when cofre_watch_next() is to be called; it belongs to
 * the handle, stays the same, and is only to be polled.  A change that came
 * between the fetch and this call is told as well.  Call it again when more
 * was fetched, and after cofre_watch_next() has failed.
 *
 * There is a connection for each of these places, made by this process, and
 * of the run if the handle was attached to one.  In a child process nothing
 * is watched, and *fd is the parent's, until the child calls this.
 *
 * Errors: ARGUMENT (nothing was fetched), LIMIT (more than that was),
 * UNREACHABLE and as above.
 */
enum cofre_status cofre_watch_fd(cofre *c, int *fd);

/* A secret of which another version would be fetched, or of what it follows. */
struct cofre_change {
	char workspace[COFRE_WORKSPACE_NAME_MAX + 1];
	char name[COFRE_SECRET_NAME_MAX + 1];
	uint32_t version; /* the current one; 0: it is deleted */
};

/*
 * Take one change, without waiting; call it until it returns NO_CHANGE.  What
 * was told, or fetched meanwhile, is not told again.
 * Errors: NO_CHANGE; DENIED (one of the secrets may not be read any more),
 * RUN_ENDED, LOCKED, NOT_FOUND, CLOSED (also: nothing is watched) and those of
 * every call: of that workspace nothing is watched any more, of others it goes
 * on.  The next cofre_watch_fd() leaves out what cofre_get() failed to get.
 */
enum cofre_status cofre_watch_next(cofre *c, struct cofre_change *ret);

/*
 * Runs.  A run is what a compute agent starts for a piece of work: it may
 * read the secrets that it is started with, and nothing else, and it ends
 * with its process, by its lifetime, or when it is told to.  Its process
 * needs nothing to show that it is the run: the kernel says so.
 */

/* Who is the run.  0 is refused, so that none is taken by mistake. */
enum cofre_run_target {
	COFRE_RUN_SELF = 1,    /* this process, from now on */
	COFRE_RUN_PROCESS = 2, /* the process with a pid */
	COFRE_RUN_CGROUP = 3,  /* every process in a cgroup, or below it */
	COFRE_RUN_TOKEN = 4    /* nobody but who shows the token */
};

/*
 * What a run is to be.  Set it to zeros, then size and what is needed:
 *
 *	struct cofre_run_options o = { 0 };
 *
 *	o.size = sizeof(o);
 *	o.workspace = "ml-prod";
 */
struct cofre_run_options {
	size_t size; /* sizeof(struct cofre_run_options) */
	const char *workspace;
	const char *const *secrets; /* names, each once */
	size_t secret_count;	    /* 0 to 64 */
	enum cofre_run_target target;
	int pid;		    /* for PROCESS */
	const char *cgroup;	    /* for CGROUP: "/ml.slice/job-7.scope" */
	int has_uid;		    /* 0: the process's uid, anybody in the
				       cgroup, or the caller's for TOKEN */
	uint32_t uid;		    /* whose connections are the run's */
	uint32_t lifetime;	    /* seconds, at most 86400; 0: an hour */
	const char *label;	    /* for people, sealed; or NULL */
	const void *snapshot;	    /* digest of what is run; or NULL */
	size_t snapshot_len;	    /* at most 64 */
};

#define COFRE_RUN_ID_SIZE 33u	 /* 32 hexadecimal digits, and a NUL */
#define COFRE_RUN_TOKEN_SIZE 64u /* room for every token, and a NUL */

/* A run that was started, or that was joined with its token. */
struct cofre_run {
	char id[COFRE_RUN_ID_SIZE];
	char workspace[COFRE_WORKSPACE_NAME_MAX + 1];
	uint64_t expires; /* microseconds since 1970 UTC */
};

/*
 * Start a run.  With target SELF this connection, and every other one of
 * this process, is the run's from then on: it may get the run's secrets and
 * do nothing else.  For PROCESS the library finds out when the process
 * began, so that the run can't become another one's that gets its number;
 * who is not uid 0 may name processes and cgroups of its own alone.
 *
 * token, when not NULL, gets a text that makes the connection of whoever
 * shows it (cofre_run_attach()) the run's too, and TOKEN needs it.  Hand it
 * over on a descriptor, never in the environment, an argument or a file,
 * and wipe it.  token_size is at least COFRE_RUN_TOKEN_SIZE.
 *
 * Errors: DENIED, NO_PROCESS, CONFLICT (the process is in a run already),
 * LIMIT, INVALID, and those of every call.
 */
enum cofre_status cofre_run_start(cofre *c,
    const struct cofre_run_options *options, struct cofre_run *ret,
    char *token, size_t token_size);

/*
 * End a run: its access is gone and its connections are closed when this
 * returns.  Errors: DENIED, NOT_FOUND, and those of every call.
 */
enum cofre_status cofre_run_end(cofre *c, const char *workspace,
    const char *id);

/*
 * Give a run a new lifetime, in seconds from now; 0 is an hour.  *expires,
 * when not NULL, is when it ends.  Errors: DENIED, NOT_FOUND, RUN_ENDED,
 * INVALID, and those of every call.
 */
enum cofre_status cofre_run_renew(cofre *c, const char *workspace,
    const char *id, uint32_t lifetime, uint64_t *expires);

/*
 * Make this connection the run's that the token is of.  Errors: DENIED,
 * always the same for a token that is not valid, for one of a run that is
 * over, and for one that is another uid's; and those of every call.
 */
enum cofre_status cofre_run_attach(cofre *c, const char *token,
    struct cofre_run *ret);

/*
 * Make an empty secret, to be filled and put.  Errors: NO_MEMORY, ARGUMENT
 * (a kind that clients can't store, a datastore type with another kind).
 */
enum cofre_status cofre_secret_new(cofre_secret **ret, enum cofre_kind kind,
    enum cofre_datastore datastore);

/*
 * Add a field; its bytes are copied.  is_secret is 0 for metadata, which
 * readers of the workspace may see.  Errors: ARGUMENT (a name that is not
 * valid or there already), TOO_LARGE, NO_MEMORY.
 */
enum cofre_status cofre_secret_add(cofre_secret *s, const char *name,
    int is_secret, const void *value, size_t len);

/*
 * Make a datastore follow a storage credential: the secret of that name in
 * the workspace that it is put into.  A fetch gives the fields of that one's
 * current version besides the datastore's own, so the key has one place and
 * a new one reaches every datastore at once.  The datastore then has no
 * AccountKey or SharedAccessSignature itself.  NULL: it follows none again.
 *
 * cofre_put() fails with DENIED when the caller may not read that credential,
 * INVALID when it has a key or is no azure-blob, -file or -data-lake-gen2,
 * FOLLOWED_GONE without one.  Errors: ARGUMENT (no datastore, or bad name).
 */
enum cofre_status cofre_secret_follow(cofre_secret *s, const char *name);

/* Wipe and free; NULL is allowed. */
void cofre_secret_free(cofre_secret *s);

/* What the secret is; version, created and expires are 0 before a fetch. */
enum cofre_kind cofre_secret_kind(const cofre_secret *s);
enum cofre_datastore cofre_secret_datastore(const cofre_secret *s);
uint32_t cofre_secret_version(const cofre_secret *s);
/* The version of the credential that was followed; 0: none. */
uint32_t cofre_secret_followed(const cofre_secret *s);
uint64_t cofre_secret_created(const cofre_secret *s);
uint64_t cofre_secret_expires(const cofre_secret *s);

/* 1 when the memory of the secret is locked against swapping, else 0. */
int cofre_secret_is_locked(const cofre_secret *s);

/*
 * A field's value, or NULL when there is no such field.  It ends with a NUL
 * that *len, when not NULL, does not count; a value may hold NULs itself.
 * Valid until the secret is freed.
 */
const char *cofre_secret_field(const cofre_secret *s, const char *name,
    size_t *len);

/* Walk the fields: 0 <= i < cofre_secret_count(). */
size_t cofre_secret_count(const cofre_secret *s);
const char *cofre_secret_field_name(const cofre_secret *s, size_t i);
int cofre_secret_field_is_secret(const cofre_secret *s, size_t i);

/*
 * Formats: the texts that storage accounts, databases and service
 * principals are described by.  doc/cofre.1 has their grammar.
 */
enum cofre_format {
	COFRE_FORMAT_CONNECTION_STRING = 1, /* storage account */
	COFRE_FORMAT_SAS = 2,		    /* storage SAS token */
	COFRE_FORMAT_ADO = 3,		    /* ADO.NET, SQL databases */
	COFRE_FORMAT_LIBPQ = 4,		    /* PostgreSQL keyword=value */
	COFRE_FORMAT_POSTGRES_URI = 5,
	COFRE_FORMAT_MYSQL_URI = 6
};

/*
 * Turn a text into a secret of the kind and datastore type, field by field.
 * Strict: what the format does not allow is an error, and nothing of it is
 * kept.  error, when not NULL, gets the reason: it names the field and
 * never holds a value.  The text may hold NULs only to be refused.
 *
 * Errors: FORMAT, TOO_LARGE, ARGUMENT (a format that the kind can't have),
 * NO_MEMORY.
 */
#define COFRE_ERROR_MAX 200u
enum cofre_status cofre_parse(enum cofre_format format, enum cofre_kind kind,
    enum cofre_datastore datastore, const char *text, size_t len,
    cofre_secret **ret, char error[COFRE_ERROR_MAX]);

/*
 * The other way: make the text of a secret.  Fields that the format does not
 * know are left out.  It is the caller's, ends with a NUL that *len (when not
 * NULL) does not count, and is freed, and wiped, with cofre_text_free().  Errors: FORMAT (the secret lacks what the format
 * needs), ARGUMENT, NO_MEMORY; error as above.
 */
enum cofre_status cofre_render(enum cofre_format format,
    const cofre_secret *s, char **ret, size_t *len,
    char error[COFRE_ERROR_MAX]);

/* Wipe and free a text of cofre_render(); NULL is allowed. */
void cofre_text_free(char *text);
#ifdef __cplusplus
}
#endif

#endif
