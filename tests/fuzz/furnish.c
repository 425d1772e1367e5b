#include "furnish.h"

#include <stdio.h>
#include <stdlib.h>

#define ASK(id) I_REQUEST, R_##id
#define WORD(id) P_WORD + W_##id
#define U8(n) P_U8 + (n)
#define U32(n) P_U32 + (n)
#define U64(n) P_U64 + (n)
#define NO_LIST P_LIST, P_LIST_END
#define END P_END

/* A field of a secret. */
#define FIELD(name, secret, value) WORD(name), U8(secret), WORD(value), P_ITEM

static const uint8_t program[] = {
	I_CONNECT, CLIENT_OPERATOR,
	ASK(INIT), U8(SLOT_KEYFILE), U64(0), U64(0), WORD(EMPTY), WORD(KEY),
	END,
	ASK(SLOT_ADD), U8(SLOT_PASSPHRASE), U64(3), U64(8), WORD(SALT),
	WORD(OTHER_KEY), END,
	ASK(WORKSPACE_CREATE), WORD(ML), END,
	ASK(WORKSPACE_CREATE), WORD(WEB), END,
	ASK(WORKSPACE_CREATE), WORD(OLD), END,
	ASK(SECRET_PUT), WORD(OLD), WORD(API), U8(COFRE_KIND_GENERIC), U8(0),
	U64(0), P_ANY, WORD(EMPTY), P_LIST, FIELD(PASSWORD, 1, VALUE),
	P_LIST_END, END,
	ASK(WORKSPACE_DELETE), WORD(OLD), END,

	/* Secrets: two versions, one that follows, one that is deleted. */
	ASK(SECRET_PUT), WORD(ML), WORD(STORE), U8(COFRE_KIND_STORAGE), U8(0),
	U64(0), P_ANY, WORD(EMPTY), P_LIST, FIELD(ACCOUNT, 0, USER),
	FIELD(ACCOUNT_KEY, 1, VALUE64), P_LIST_END, END,
	ASK(SECRET_PUT), WORD(ML), WORD(STORE), U8(COFRE_KIND_STORAGE), U8(0),
	U64(0), U32(1), WORD(EMPTY), P_LIST, FIELD(ACCOUNT, 0, USER),
	FIELD(ACCOUNT_KEY, 1, VALUE2), P_LIST_END, END,
	ASK(SECRET_SOURCE), WORD(ML), WORD(STORE), WORD(SOURCE), P_LIST,
	WORD(ARGUMENT), WORD(PATH), P_ITEM, P_LIST_END, END,
	ASK(SECRET_PUT), WORD(ML), WORD(DB), U8(COFRE_KIND_DATASTORE), U8(1),
	U64(0), P_ANY, WORD(STORE), P_LIST, FIELD(ACCOUNT, 0, USER),
	P_LIST_END, END,
	ASK(SECRET_PUT), WORD(ML), WORD(API), U8(COFRE_KIND_GENERIC), U8(0),
	U64(0), P_ANY, WORD(EMPTY), P_LIST, FIELD(PASSWORD, 1, VALUE),
	FIELD(USER, 0, LOGIN), P_LIST_END, END,
	ASK(SECRET_PUT), WORD(ML), WORD(SECOND), U8(COFRE_KIND_GENERIC),
	U8(0), U64(0), P_ANY, WORD(EMPTY), NO_LIST, END,
	ASK(SECRET_DELETE), WORD(ML), WORD(SECOND), END,

	/* Who may what. */
	ASK(ROLE_PUT), WORD(ROLE), WORD(LABEL), P_LIST, WORD(LISTING), P_ITEM,
	WORD(RUNS), P_ITEM, P_LIST_END, NO_LIST, P_LIST, WORD(READ), P_ITEM,
	P_LIST_END, NO_LIST, P_LIST, WORD(ML), WORD(EMPTY), P_ITEM,
	P_LIST_END, U32(0), END,
	ASK(GRANT_ADD), WORD(ML), U8(PRINCIPAL_USER), P_RAW32, 0, 0, 7, 0xd1,
	WORD(EMPTY), WORD(CONTRIBUTOR), WORD(EMPTY), END,
	ASK(GRANT_ADD), WORD(ML), U8(PRINCIPAL_USER), P_RAW32, 0, 0, 7, 0xd1,
	WORD(EMPTY), WORD(AGENT), WORD(EMPTY), END,
	ASK(GRANT_ADD), WORD(ML), U8(PRINCIPAL_USER), P_RAW32, 0, 0, 7, 0xd2,
	WORD(EMPTY), WORD(ROLE), WORD(PREFIX), END,
	ASK(GRANT_ADD), WORD(WEB), U8(PRINCIPAL_GROUP), P_RAW32, 0, 0, 11,
	0xb8, WORD(EMPTY), WORD(READER), WORD(EMPTY), END,
	ASK(GRANT_ADD), WORD(WEB), U8(PRINCIPAL_UNIT), U32(0), WORD(UNIT),
	WORD(READER), WORD(EMPTY), END,
	ASK(IDENTITY_BIND), WORD(ML), P_RAW32, 0, 0, 7, 0xd1, P_ANY,
	WORD(EXE), WORD(EMPTY), WORD(EMPTY), WORD(EMPTY), END,
	ASK(GRANT_ADD), WORD(WEB), U8(PRINCIPAL_IDENTITY), U32(0), WORD(ML),
	WORD(READER), WORD(EMPTY), END,

	/* Runs, and compute targets. */
	ASK(RUN_START), WORD(ML), U8(RUN_TOKEN_ONLY), U32(0), U64(0),
	WORD(EMPTY), P_RAW32, 0, 0, 7, 0xd3, U32(0), U8(1), WORD(SALT),
	WORD(LABEL), P_LIST, WORD(STORE), P_ITEM, WORD(API), P_ITEM, P_LIST_END, END,
	ASK(TARGET_CREATE), WORD(ML), WORD(CLUSTER), WORD(HOST), U32(22),
	WORD(LOGIN), U8(1), WORD(OPTIONS), P_LIST, WORD(NAMESPACE), P_ITEM,
	P_LIST_END, END,
	ASK(TARGET_PIN), WORD(ML), WORD(CLUSTER), P_ANY, P_LIST, P_HOST_KEY,
	P_ITEM, P_LIST_END, END,
	ASK(CA_SHOW), WORD(ML), END,
	ASK(CA_USER), WORD(ML), WORD(CLUSTER), U32(0), WORD(COMMAND),
	WORD(EMPTY), END,
	ASK(CA_REVOKE), WORD(ML), U64(1), P_SOON, 200, END,
};

/* All of it must have worked. */
static void
check(const struct program *p)
{
	size_t sent = 0, got = 0;
	struct exchange x;
	bool good = true;

	while (client_next(&p->clients[0], &sent, &got, &x)) {
		if (x.answered && x.status == COFRE_OK)
			continue;
		(void)fprintf(stderr, "furnish: %s: status %u\n",
		    op_name(x.request.op), x.status);
		good = false;
	}
	if (!good)
		abort();
}

static const uint8_t more[] = {
	I_CONNECT, CLIENT_OPERATOR,
	ASK(SECRET_PUT), WORD(ML), WORD(API), U8(COFRE_KIND_GENERIC), U8(0),
	U64(0), P_ANY, WORD(EMPTY), P_LIST, FIELD(PASSWORD, 1, PROBLEM),
	FIELD(USER, 0, LOGIN), P_LIST_END, END,
	ASK(SECRET_PURGE), WORD(ML), WORD(SECOND), END,
	ASK(GRANT_REMOVE), WORD(WEB), U8(PRINCIPAL_UNIT), U32(0), WORD(UNIT),
	WORD(EMPTY), WORD(EMPTY), END,
	ASK(WORKSPACE_UNDELETE), WORD(OLD), END,
	ASK(TARGET_ROTATE), WORD(ML), WORD(CLUSTER), P_ANY, END,
	ASK(RUN_END), WORD(ML), P_RUN, END,
};

static void
run(struct house *h, struct known *k, struct view in)
{
	struct program p;

	program_run(&p, h, k, in);
	program_finish(&p);
	check(&p);
	*k = p.known;
	program_free(&p);
	house_keep(h);
}

void
furnish(struct house *h, struct known *k)
{
	*k = (struct known){ .token_len = 0 };
	house_reset(h, HOUSE_EMPTY);
	run(h, k, (struct view){ program, sizeof(program) });
}

void
furnish_more(struct house *h, struct known *k)
{
	house_reset(h, HOUSE_OPEN);
	run(h, k, (struct view){ more, sizeof(more) });
}
