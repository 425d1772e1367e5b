/*
 * proto: the operations, and the messages that go with them.
 *
 * For each row "foo" of proto.def there is a struct foo and
 *
 *	void foo_put(struct wire_writer *, const struct foo *);
 *	void foo_get(struct wire_reader *, struct foo *);
 *	bool foo_decode(struct view, struct foo *);
 *
 * _put and _get carry their error in the writer or reader.  _decode takes a
 * whole body and is false when it is cut, over a limit, or has trailing
 * bytes.  Strings and lists of a decoded message point into the body.
 *
 * A list is written item by item:
 *
 *	struct wire_list l;
 *	list_begin(&l, w);
 *	field_item_put(w, &item); list_item(&l);	(for each)
 *	list_end(&l);
 *
 * or put whole as bytes that another message was decoded from.  It is read
 * with list_reader() and item_get() as often as .count says.  Decoding a
 * message does not look into its lists: whoever walks one must check the
 * reader at its end with wire_reader_done().
 */
#ifndef COFRE_PROTO_H
#define COFRE_PROTO_H

#include "frame.h"
#include "sizes.h"
#include "wire.h"

enum op_code {
#define OP(code, ID, id, name, scope, action, flags) OP_##ID = code,
#include "ops.def"
#undef OP
};

enum action {
#define ACTION(bit, ID, name, plane) ACTION_##ID = bit,
#include "actions.def"
#undef ACTION
};

enum scope { SCOPE_NONE, SCOPE_VAULT, SCOPE_WORKSPACE, SCOPE_ANY, SCOPE_SECRET,
	SCOPE_KEY };

enum op_flag {
	OPF_LOCKED = 1,
	OPF_EMPTY = 2,
	OPF_ADMIN = 4,
	OPF_WRITE = 8,
	OPF_SECRET = 16,
	OPF_SHARED = 32,
	OPF_PARTIAL = 64,
	OPF_DELETED = 128,
	OPF_SSH = 256,
	OPF_AGENT = 512,
};

/* The state of the vault, in status_reply. */
enum vault_state { VAULT_EMPTY = 0, VAULT_LOCKED = 1, VAULT_OPEN = 2 };

/* Who a grant is for, and as whom an event was allowed. */
enum principal_kind {
	PRINCIPAL_NONE = 0,
	PRINCIPAL_OPERATOR = 1,
	PRINCIPAL_USER = 2,
	PRINCIPAL_GROUP = 3,
	PRINCIPAL_IDENTITY = 4,
	PRINCIPAL_UNIT = 5,
	PRINCIPAL_RUN = 6,
};

/* What a run is bound to besides its token. */
enum run_target { RUN_TOKEN_ONLY = 0, RUN_PROCESS = 1, RUN_CGROUP = 2 };

/* A number of a workspace_item that is not the caller's to know; the shorter
   ones are NO_ID then. */
#define NOT_TOLD UINT64_MAX

/* Why a run is over. */
enum run_end {
	RUN_END_NONE = 0,  /* it is not, or it was over when it was loaded */
	RUN_END_ASKED,	   /* somebody has ended it */
	RUN_END_LIFETIME,
	RUN_END_PROCESS,   /* it has exited */
	RUN_END_CGROUP,	   /* it is empty, or was removed */
	RUN_END_WORKSPACE, /* it was deleted */
	RUN_END_UNSEEN,	   /* its process exited while nobody watched it */
	RUN_END_REBOOT,
};

enum run_state { RUN_ACTIVE = 1, RUN_OVER = 2 };

/* What resync.stage brings, and what comes of it. */
enum resync_outcome {
	RESYNC_VALUE = 1,   /* fields, as the source has them now */
	RESYNC_FAILED = 2,  /* nothing: why not */
	RESYNC_RETIRED = 3, /* the old key was made anew upstream */
};
enum resync_result {
	RESYNC_UNCHANGED = 1, /* they are those of the current version */
	RESYNC_UPDATED = 2,   /* they will be the next version */
	RESYNC_NOTED = 3,     /* it is kept with the secret */
};

/* What policy.explain says of a grant. */
enum explain_outcome {
	EXPLAIN_ALLOWS = 1,	  /* it is what allows it */
	EXPLAIN_NO_ACTION = 2,	  /* its role does not have the action */
	EXPLAIN_OTHER_NAMES = 3, /* it is for names with another prefix */
	EXPLAIN_IF_PROCESS = 4, /* it is for some processes of that user only */
};

/* The verdicts of policy_check(), as policy.explain tells them. */
enum verdict {
	VERDICT_ERROR = 0, /* the question makes no sense: refused */
	VERDICT_NO_MATCH = 1, /* nothing here is about the subject: refused */
	VERDICT_DENY = 2, /* it has roles, but none with the action */
	VERDICT_ALLOW = 3,
};

enum slot_type { SLOT_KEYFILE = 1, SLOT_PASSPHRASE = 2 };

enum secret_state { SECRET_LIVE = 1, SECRET_DELETED = 2, SECRET_PURGED = 3 };

enum field_flag { FIELD_SECRET = 1 };

enum report_level { REPORT_INFO = 0, REPORT_GOOD = 1, REPORT_WARN = 2 };

struct op {
	uint16_t code;
	enum scope scope;
	enum action action;
	unsigned flags; /* enum op_flag */
	const char *name;
};

/* The operation's row, or NULL when there is no such code. */
const struct op *op_find(uint16_t code);

/* The name of an operation or principal kind; "?" when unknown. */
const char *op_name(uint16_t code);
const char *principal_name(uint8_t kind);

struct list {
	uint32_t count;
	struct view items; /* from the first item to the end of the last */
};

/* Put a list whole, and take one without looking into it. */
void list_put(struct wire_writer *w, struct list l, uint32_t max);
struct list list_get(struct wire_reader *r, uint32_t max);

struct wire_list {
	struct wire_writer *w;
	size_t at;
	uint32_t count;
};

/* Begin a list at the writer's end; its head is filled in later. */
void list_begin(struct wire_list *l, struct wire_writer *w);
/* Count the item that was just written. */
void list_item(struct wire_list *l);
/* Fill in the head: nothing was written after the last item. */
void list_end(struct wire_list *l);

/*
 * Take back the empty lists, so many, with which the message ends that was
 * written last: they can be written item by item then.
 */
void lists_take_back(struct wire_writer *w, unsigned count);

/*
 * The list that begins at that place of the writer, whole; it points into
 * what was written.  More items than max, a list that was not ended or a
 * writer that is bad: none.
 */
struct list list_made(const struct wire_writer *w, size_t at, uint32_t max);

/* Start reading the items of a list. */
struct wire_reader list_reader(struct list l);

#define MESSAGES "proto.def"
#include "messages_declare.h"
#undef MESSAGES

#endif
