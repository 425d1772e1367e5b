/*
 * Any rows in the stores: the changes of a real vault's rows that the input
 * says (rowedit.h), with and without sums made anew for what comes of them,
 * and of what is sealed in them too.  The vault is looked at, unlocked and,
 * when it opens, shown to a client that reads all of it and changes some.
 *
 * What was not changed opens.  What was changed without new sums does not,
 * unless the whole store is an older one: then when that is accepted.  No
 * value is given out that was not put under that name, whatever the sums say.
 * What an open vault writes opens again.
 */
#include <stdlib.h>

#include "furnish.h"
#include "message_body.h"
#include "rowedit.h"
#include "summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LIMIT 4096u
#define ASK(id) I_REQUEST, R_##id
#define WORD(id) P_WORD + W_##id
#define END P_END
#define GET(workspace, name)                                                 \
	ASK(SECRET_GET), WORD(workspace), WORD(name), P_U32, WORD(EMPTY), END
#define OF(op, workspace, name) ASK(op), WORD(workspace), WORD(name), END

static const uint8_t reading[] = {
	ASK(WORKSPACE_LIST), WORD(EMPTY), P_U8 + 1, END,
	ASK(SECRET_LIST), WORD(ML), P_U64, P_U8 + 1, END,
	ASK(SECRET_LIST), WORD(OLD), P_U64, P_U8 + 1, END,
	GET(ML, STORE), GET(ML, DB), GET(ML, API), GET(ML, SECOND),
	GET(WEB, STORE), GET(WEB, API), GET(OLD, API),
	ASK(SECRET_GET), WORD(ML), WORD(API), P_U32 + 1, WORD(EMPTY), END,
	ASK(SECRET_GET), WORD(ML), WORD(STORE), P_U32 + 1, WORD(EMPTY), END,
	OF(SECRET_SHOW, ML, STORE), OF(SECRET_VERSIONS, ML, STORE),
	ASK(IDENTITY_SHOW), WORD(ML), END,
	ASK(GRANT_LIST), WORD(EMPTY), END, ASK(GRANT_LIST), WORD(ML), END,
	ASK(ROLE_LIST), WORD(EMPTY), END,
	ASK(ROLE_SHOW), WORD(EMPTY), WORD(ROLE), P_U32, END,
	ASK(POLICY_WHO), WORD(ML), WORD(STORE), WORD(READ), END,
	ASK(RUN_LIST), WORD(ML), WORD(EMPTY), END, OF(RUN_SHOW, ML, SALT),
	ASK(RUN_SCAN), WORD(ML), P_U64, P_LIST, WORD(VALUE), P_ITEM,
	P_LIST_END, END,
	ASK(TARGET_LIST), WORD(ML), WORD(EMPTY), END,
	OF(TARGET_SHOW, ML, CLUSTER), ASK(CA_SHOW), WORD(ML), END,
	ASK(CA_KRL), WORD(ML), END, OF(TARGET_REACH, ML, CLUSTER),
	ASK(ACTIVITY_READ), WORD(ML), P_U64, P_ANY, END,
	ASK(SLOT_LIST), END, ASK(REPORT), END,
	I_CONNECT, CLIENT_USER | CONNECT_AGENT, I_MESSAGE, 11, END,
	I_MESSAGE, 27, WORD(EXT_BIND), P_BIND, END,
	I_MESSAGE, 13, P_BLOB, P_LOGIN, P_U32, END,
};

static const uint8_t writing[] = {
	I_SELECT, 0,
	ASK(WORKSPACE_CREATE), WORD(NEW), END,
	ASK(SECRET_PUT), WORD(NEW), WORD(API), P_U8 + 4, P_U8, P_U64, P_ANY,
	WORD(EMPTY), P_LIST, P_LIST_END, END,
	ASK(SECRET_PUT), WORD(ML), WORD(STORE), P_U8 + 1, P_U8, P_U64, P_ANY,
	WORD(EMPTY), P_LIST, P_LIST_END, END,
	ASK(RESYNC_BEGIN), WORD(ML), P_U8, END,
	ASK(RESYNC_LIST), WORD(ML), P_U64, END,
	ASK(RESYNC_COMMIT), WORD(ML), P_U32, P_U8 + 1, END,
	ASK(TARGET_ROTATE), WORD(ML), WORD(CLUSTER), P_ANY, END,
	ASK(CA_USER), WORD(ML), WORD(CLUSTER), P_U32, WORD(EMPTY),
	WORD(EMPTY), END,
	ASK(IDENTITY_REPAIR), WORD(ML), P_U8, END,
	OF(SECRET_DELETE, ML, API), OF(SECRET_PURGE, ML, API),
	OF(ROLE_DELETE, ROLE, EMPTY),
	ASK(WORKSPACE_DELETE), WORD(ML), END,
	ASK(WORKSPACE_PURGE), WORD(ML), END,
};

/* Which values of secrets have been put. */
static const struct {
	enum word name, field, value;
} put[] = {
	{ W_API, W_PASSWORD, W_VALUE }, { W_API, W_PASSWORD, W_PROBLEM },
	{ W_API, W_USER, W_LOGIN }, { W_STORE, W_ACCOUNT, W_USER },
	{ W_STORE, W_ACCOUNT_KEY, W_VALUE64 },
	{ W_STORE, W_ACCOUNT_KEY, W_VALUE2 }, { W_DB, W_ACCOUNT, W_USER },
	{ W_DB, W_ACCOUNT_KEY, W_VALUE64 }, { W_DB, W_ACCOUNT_KEY, W_VALUE2 },
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
was_put(struct view name, const struct field_item *field)
{
	for (size_t i = 0; i < sizeof(put) / sizeof(put[0]); i++)
		if (view_equal(name, message_word(put[i].name)) &&
		    view_equal(field->name, message_word(put[i].field)) &&
		    view_equal(field->value, message_word(put[i].value)))
			return true;
	return false;
}

static void
check_get(const struct exchange *x)
{
	struct view body = { x->reply.body.data + 4, x->reply.body.len - 4 };
	struct secret_get_request in;
	struct secret_get_reply out;
	struct field_item field;
	struct wire_reader r;

	must(secret_get_request_decode(x->request.body, &in));
	must(secret_get_reply_decode(body, &out));
	r = list_reader(out.fields);
	for (uint32_t i = 0; i < out.fields.count; i++) {
		field_item_get(&r, &field);
		must(!r.bad && was_put(in.name, &field));
	}
}

static void
check_values(const struct program *p)
{
	size_t sent = 0, got = 0;
	struct exchange x;

	while (client_next(&p->clients[0], &sent, &got, &x))
		if (x.answered && x.request.op == OP_SECRET_GET &&
		    x.status == COFRE_OK)
			check_get(&x);
}

/* May rows that nobody has made sums for open? */
static void
check_opened(const struct rowedit *e, unsigned flags, bool opened)
{
	bool accept = (flags & STORE_ACCEPT) != 0;
	bool same = rowedit_same(&e->rows[0], &e->base[0]);
	bool ssh_same = rowedit_same(&e->rows[1], &e->base[1]);
	bool older = rowedit_same(&e->rows[0], &e->older[0]);
	bool ssh_older = rowedit_same(&e->rows[1], &e->older[1]) ||
	    e->rows[1].count == 0;

	if (same && ssh_same)
		must(opened);
	if (!opened || e->resealed)
		return;
	if ((flags & STORE_SUMS) == 0)
		must(same || (older && accept));
	if ((flags & STORE_SSH_SUMS) == 0)
		must(ssh_same || (ssh_older && accept) ||
		    (flags & STORE_SUMS) != 0);
}

/* What the start does before anybody asks. */
static bool
is_vault(struct house *h)
{
	static struct vault v;
	char error[256];

	if (!vault_open(&v, h->sv->vault.store, h->sv->vault.ssh.store, error,
		sizeof(error)))
		return false;
	must(v.state != VAULT_OPEN);
	h->sv->vault.state = v.state;
	vault_close(&v);
	return h->sv->vault.state == VAULT_LOCKED;
}

/* Ask for the unlock; true when it worked. */
static bool
unlock(struct program *p, struct house *h, const struct known *k,
    unsigned flags)
{
	const uint8_t program[] = { I_CONNECT, CLIENT_OPERATOR, ASK(UNLOCK),
		P_U32, WORD(KEY), P_U8 + ((flags & STORE_ACCEPT) != 0), END };

	program_run(p, h, k, (struct view){ program, sizeof(program) });
	must((h->sv->vault.state == VAULT_OPEN) ==
	    (program_count_ok(p, OP_UNLOCK) == 1));
	return h->sv->vault.state == VAULT_OPEN;
}

/* All that it has and can do; afterwards it is as right as it was. */
static void
use(struct program *p, const struct rowedit *e)
{
	static struct summary before, after;
	struct house *h = p->house;

	program_go_on(p, (struct view){ reading, sizeof(reading) });
	if (!e->resealed)
		check_values(p);
	program_go_on(p, (struct view){ writing, sizeof(writing) });
	program_finish(p);
	must(house_adds_up(h));
	summary_make(&before, &h->sv->vault);
	(void)audit_set_keys(h->sv->audit, NULL);
	vault_lock(&h->sv->vault);
	if (house_unlocks(h)) {
		summary_make(&after, &h->sv->vault);
		must(summary_equal(&before, &after) || e->resealed);
	} else
		must(e->resealed);
}

static void
make(struct house *h, struct known *k, struct rowedit *e)
{
	char error[256];
	struct vault *v = &h->sv->vault;

	furnish(h, k);
	rows_read(&e->older[0], v->store);
	rows_read(&e->older[1], v->ssh.store);
	furnish_more(h, k);
	rows_read(&e->base[0], v->store);
	rows_read(&e->base[1], v->ssh.store);
	e->model = calloc(1, sizeof(*e->model));
	must(e->model != NULL && vault_open(e->model, v->store, v->ssh.store,
	    error, sizeof(error)));
	must(vault_unlock_begin(e->model, 0, house_key(), false, 0) ==
	    COFRE_OK);
	while (vault_unlock_step(e->model))
		;
	must(e->model->unlock.status == COFRE_OK);
	store_release(v->store);
	store_release(v->ssh.store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct house *house;
	static struct known known;
	static struct rowedit edit;
	struct program p;
	bool opened;

	if (size == 0 || size > SIZE_LIMIT)
		return 0;
	if (house == NULL) {
		house = house_make();
		make(house, &known, &edit);
	}
	rowedit_run(&edit, data[0], (struct view){ data + 1, size - 1 });
	house_reset_rows(house, edit.rows);
	if (!is_vault(house)) {
		check_opened(&edit, data[0], false);
		return 0;
	}
	opened = unlock(&p, house, &known, data[0]);
	check_opened(&edit, data[0], opened);
	if (opened)
		use(&p, &edit);
	else
		program_finish(&p);
	program_free(&p);
	vault_lock(&house->sv->vault);
	return 0;
}
