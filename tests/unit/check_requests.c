/*
 * Requests that make no sense, or not here: each is refused with the status
 * that says why, and nothing is changed.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "housecall.h"

/* Lists that are not what they say: an item is cut, or there is none. */
#define CUT P_LIST, U8(1), P_ITEM, P_LIST_END
#define MORE P_LIST, U8(1), P_LIST_END
#define OVERFLOWN P_RAW32, 0, 0, 0xff, 0xfe /* an id that nobody has */
#define ONE_FIELD P_LIST, FIELD(PASSWORD, 1, VALUE), P_LIST_END
#define NOTHING DOES(ASK(STATUS), END)
#define SSH DOES(CONNECT_SSH(OPERATOR), SAY(27), WORD(EXT_QUERY), END)
#define DELETES DOES(ASK(SECRET_DELETE), WORD(ML), WORD(API), END)
#define RESYNCS ASK(RESYNC_BEGIN), WORD(ML), U8(0), END, ASK(RESYNC_LIST),   \
	WORD(ML), U64(0), END
#define PUT(kind, type, ...) DOES(ASK(SECRET_PUT), WORD(ML), WORD(API),      \
	U8(kind), U8(type), __VA_ARGS__, END)
#define GENERIC(...) PUT(COFRE_KIND_GENERIC, 0, U64(0), P_ANY, WORD(EMPTY),  \
	__VA_ARGS__)
#define SOURCE(...) DOES(ASK(SECRET_SOURCE), WORD(ML), WORD(API),            \
	WORD(SOURCE), __VA_ARGS__, END)
#define GRANT(...) DOES(ASK(GRANT_ADD), __VA_ARGS__, END)
#define EXPLAIN(...) DOES(ASK(POLICY_EXPLAIN), __VA_ARGS__, END)
#define STAGE(outcome, ...) DOES(ASK(RESYNC_STAGE), WORD(ML), WORD(STORE),   \
	U32(2), P_ORIGIN, U8(outcome), __VA_ARGS__, END)
#define RUN(...) DOES(ASK(RUN_START), WORD(ML), __VA_ARGS__, END)
#define LAST WORD(EMPTY), WORD(LABEL)
#define BIND(...) WORD(ML), __VA_ARGS__, WORD(EMPTY), WORD(EMPTY),           \
	WORD(EMPTY), END

static const struct {
	enum cofre_status status;
	const char *name;
	struct view before, request;
} refused[] = {
	/* Secrets. */
	{ COFRE_INVALID, "no kind", NOTHING, PUT(31, 0, U64(0), P_ANY,
		WORD(EMPTY), ONE_FIELD) },
	{ COFRE_INVALID, "no type", NOTHING, PUT(COFRE_KIND_DATASTORE, 31,
		U64(0), P_ANY, WORD(EMPTY), ONE_FIELD) },
	{ COFRE_INVALID, "type is missing", NOTHING, PUT(COFRE_KIND_DATASTORE,
		0, U64(0), P_ANY, WORD(EMPTY), ONE_FIELD) },
	{ COFRE_INVALID, "type of another kind", NOTHING, PUT(
		COFRE_KIND_GENERIC, 1, U64(0), P_ANY, WORD(EMPTY),
		ONE_FIELD) },
	{ COFRE_INVALID, "expired", NOTHING, PUT(COFRE_KIND_GENERIC, 0,
		U64(5), P_ANY, WORD(EMPTY), ONE_FIELD) },
	{ COFRE_INVALID, "half a field", NOTHING, GENERIC(CUT) },
	{ COFRE_INVALID, "more than fields", NOTHING, GENERIC(MORE) },
	{ COFRE_TOO_LARGE, "large fields", NOTHING, GENERIC(P_LIST,
		WORD(PASSWORD), U8(1), P_LONG, 250, P_ITEM, WORD(USER), U8(1),
		P_LONG, 250, P_ITEM, P_LIST_END) },
	{ COFRE_DELETED, "put to a deleted one", DELETES,
	    GENERIC(ONE_FIELD) },
	{ COFRE_DELETED, "delete a deleted one", DELETES, DELETES },
	{ COFRE_CONFLICT, "undelete a live one", NOTHING,
	    DOES(ASK(SECRET_UNDELETE), WORD(ML), WORD(API), END) },
	{ COFRE_CONFLICT, "purge a live one", NOTHING,
	    DOES(ASK(SECRET_PURGE), WORD(ML), WORD(API), END) },
	{ COFRE_DELETED, "a deleted one is stale", DELETES,
	    DOES(ASK(SECRET_STALE), WORD(ML), WORD(API), U32(0), END) },
	/* Sources. */
	{ COFRE_INVALID, "argument is no text", NOTHING, SOURCE(P_LIST,
		WORD(ARGUMENT), P_STRING, 2, 'a', 0x7f, P_ITEM,
		P_LIST_END) },
	{ COFRE_INVALID, "half an argument", NOTHING, SOURCE(CUT) },
	{ COFRE_INVALID, "more than arguments", NOTHING, SOURCE(MORE) },
	{ COFRE_DELETED, "source of a deleted one", DELETES,
	    SOURCE(NO_LIST) },
	/* Watching. */
	{ COFRE_INVALID, "half a watch", NOTHING, DOES(ASK(SECRET_WATCH),
		WORD(ML), U8(1), CUT, END) },
	{ COFRE_INVALID, "more than watches", NOTHING, DOES(ASK(SECRET_WATCH),
		WORD(ML), U8(1), P_LIST, WORD(API), U32(0), U32(0), P_ITEM,
		U8(0), P_LIST_END, END) },
	{ COFRE_INVALID, "half a text", NOTHING, DOES(ASK(RUN_SCAN), WORD(ML),
		U64(0), CUT, END) },
	/* Grants. */
	{ COFRE_INVALID, "user by name", NOTHING, GRANT(WORD(ML),
		U8(PRINCIPAL_USER), U32(9), WORD(UNIT), WORD(READER),
		WORD(EMPTY)) },
	{ COFRE_INVALID, "nobody", NOTHING, GRANT(WORD(ML),
		U8(PRINCIPAL_USER), OVERFLOWN, WORD(EMPTY), WORD(READER),
		WORD(EMPTY)) },
	{ COFRE_INVALID, "unit by number", NOTHING, GRANT(WORD(ML),
		U8(PRINCIPAL_UNIT), U32(9), WORD(UNIT), WORD(READER),
		WORD(EMPTY)) },
	{ COFRE_INVALID, "no unit", NOTHING, GRANT(WORD(ML),
		U8(PRINCIPAL_UNIT), U32(0), WORD(EXE), WORD(READER),
		WORD(EMPTY)) },
	{ COFRE_INVALID, "no principal", NOTHING, GRANT(WORD(ML), U8(31),
		U32(0), WORD(UNIT), WORD(READER), WORD(EMPTY)) },
	{ COFRE_INVALID, "identity by number", NOTHING, GRANT(WORD(ML),
		U8(PRINCIPAL_IDENTITY), U32(9), WORD(WEB), WORD(READER),
		WORD(EMPTY)) },
	{ COFRE_INVALID, "no identity", NOTHING, GRANT(WORD(ML),
		U8(PRINCIPAL_IDENTITY), U32(0), WORD(BAD_NAME), WORD(READER),
		WORD(EMPTY)) },
	{ COFRE_NOT_FOUND, "identity that is gone", NOTHING, GRANT(WORD(ML),
		U8(PRINCIPAL_IDENTITY), U32(0), WORD(ABSENT), WORD(READER),
		WORD(EMPTY)) },
	{ COFRE_INVALID, "prefix in the vault", NOTHING, GRANT(WORD(EMPTY),
		U8(PRINCIPAL_USER), U32(9), WORD(EMPTY), WORD(READER),
		WORD(PREFIX)) },
	{ COFRE_INVALID, "no prefix", NOTHING, DOES(ASK(GRANT_REMOVE),
		WORD(ML), U8(PRINCIPAL_USER), U32(9), WORD(EMPTY),
		WORD(READER), WORD(BAD_NAME), END) },
	{ COFRE_EXISTS, "grant of before", NOTHING, GRANT(WORD(ML),
		U8(PRINCIPAL_USER), UID(2001), WORD(EMPTY), WORD(AGENT),
		WORD(EMPTY)) },
	{ COFRE_CONFLICT, "what an identity should have", NOTHING,
	    DOES(ASK(GRANT_REMOVE), WORD(ML), U8(PRINCIPAL_IDENTITY), U32(0),
		WORD(ML), WORD(EMPTY), WORD(EMPTY), END) },
	/* Identities. */
	{ COFRE_EXISTS, "binding of before", NOTHING,
	    DOES(ASK(IDENTITY_BIND), BIND(UID(2001), P_ANY, WORD(EXE))) },
	{ COFRE_INVALID, "unbind all", NOTHING,
	    DOES(ASK(IDENTITY_UNBIND), BIND(P_ANY, P_ANY, WORD(EMPTY))) },
	{ COFRE_NOT_FOUND, "unbind none", NOTHING,
	    DOES(ASK(IDENTITY_UNBIND), BIND(U32(9), P_ANY, WORD(EXE))) },
	/* Questions about the policy. */
	{ COFRE_INVALID, "name in the vault", NOTHING, EXPLAIN(WORD(EMPTY),
		WORD(API), U8(PRINCIPAL_USER), U32(9), WORD(EMPTY), P_ANY,
		NO_LIST, WORD(READ)) },
	{ COFRE_INVALID, "no name", NOTHING, EXPLAIN(WORD(ML), WORD(BAD_NAME),
		U8(PRINCIPAL_USER), U32(9), WORD(EMPTY), P_ANY, NO_LIST,
		WORD(READ)) },
	{ COFRE_INVALID, "no action", NOTHING, EXPLAIN(WORD(ML), WORD(API),
		U8(PRINCIPAL_USER), U32(9), WORD(EMPTY), P_ANY, NO_LIST,
		WORD(ALL)) },
	{ COFRE_INVALID, "groups fall", NOTHING, EXPLAIN(WORD(ML), WORD(API),
		U8(PRINCIPAL_USER), U32(9), WORD(EMPTY), P_ANY, P_LIST,
		U32(3), P_ITEM, U32(3), P_ITEM, P_LIST_END, WORD(READ)) },
	{ COFRE_INVALID, "half a group", NOTHING, EXPLAIN(WORD(ML), WORD(API),
		U8(PRINCIPAL_USER), U32(9), WORD(EMPTY), P_ANY, CUT,
		WORD(READ)) },
	{ COFRE_INVALID, "more than groups", NOTHING, EXPLAIN(WORD(ML),
		WORD(API), U8(PRINCIPAL_USER), U32(9), WORD(EMPTY), P_ANY,
		MORE, WORD(READ)) },
	{ COFRE_INVALID, "about nobody", NOTHING, EXPLAIN(WORD(ML), WORD(API),
		U8(PRINCIPAL_USER), OVERFLOWN, WORD(EMPTY), P_ANY, NO_LIST,
		WORD(READ)) },
	{ COFRE_INVALID, "about no group", NOTHING, EXPLAIN(WORD(ML),
		WORD(API), U8(PRINCIPAL_GROUP), OVERFLOWN, WORD(EMPTY), P_ANY,
		NO_LIST, WORD(READ)) },
	{ COFRE_INVALID, "about no unit", NOTHING, EXPLAIN(WORD(ML),
		WORD(API), U8(PRINCIPAL_UNIT), U32(0), WORD(EXE), P_ANY,
		NO_LIST, WORD(READ)) },
	{ COFRE_INVALID, "about nothing", NOTHING, EXPLAIN(WORD(ML),
		WORD(API), U8(31), U32(0), WORD(EMPTY), P_ANY, NO_LIST,
		WORD(READ)) },
	{ COFRE_NOT_FOUND, "about the vault's identity", NOTHING, EXPLAIN(
		WORD(ML), WORD(API), U8(PRINCIPAL_IDENTITY), U32(0),
		WORD(EMPTY), P_ANY, NO_LIST, WORD(READ)) },
	{ COFRE_NOT_FOUND, "about no identity", NOTHING, EXPLAIN(WORD(ML),
		WORD(API), U8(PRINCIPAL_IDENTITY), U32(0), WORD(ABSENT),
		P_ANY, NO_LIST, WORD(READ)) },
	{ COFRE_NOT_FOUND, "a role of another workspace", NOTHING,
	    DOES(ASK(ROLE_SHOW), WORD(WEB), WORD(ROLE), U32(0), END) },
	{ COFRE_NOT_FOUND, "another version of a built-in role", NOTHING,
	    DOES(ASK(ROLE_SHOW), WORD(ML), WORD(READER), U32(1), END) },
	/* Resyncs. */
	{ COFRE_INVALID, "no slot", DOES(RESYNCS), STAGE(1, U8(3), U8(0),
		U64(1), U64(0), WORD(EMPTY), ONE_FIELD) },
	{ COFRE_INVALID, "no slot to retire", DOES(RESYNCS), STAGE(1, U8(1),
		U8(3), U64(1), U64(0), WORD(EMPTY), ONE_FIELD) },
	{ COFRE_INVALID, "a value and a problem", DOES(RESYNCS), STAGE(1,
		U8(1), U8(2), U64(1), U64(0), WORD(PROBLEM), ONE_FIELD) },
	{ COFRE_INVALID, "no value", DOES(RESYNCS), STAGE(1, U8(1), U8(2),
		U64(1), U64(0), WORD(EMPTY), NO_LIST) },
	{ COFRE_INVALID, "a problem and fields", DOES(RESYNCS), STAGE(2,
		U8(0), U8(0), U64(0), U64(0), WORD(PROBLEM), ONE_FIELD) },
	{ COFRE_INVALID, "a problem and a slot", DOES(RESYNCS), STAGE(2,
		U8(1), U8(0), U64(0), U64(0), WORD(PROBLEM), NO_LIST) },
	{ COFRE_INVALID, "a problem retires", DOES(RESYNCS), STAGE(2, U8(0),
		U8(1), U64(0), U64(0), WORD(PROBLEM), NO_LIST) },
	{ COFRE_INVALID, "a problem has a serial", DOES(RESYNCS), STAGE(2,
		U8(0), U8(0), U64(1), U64(0), WORD(PROBLEM), NO_LIST) },
	{ COFRE_INVALID, "a problem expires", DOES(RESYNCS), STAGE(2, U8(0),
		U8(0), U64(0), P_SOON, 9, WORD(PROBLEM), NO_LIST) },
	{ COFRE_INVALID, "no problem", DOES(RESYNCS), STAGE(2, U8(0), U8(0),
		U64(0), U64(0), WORD(EMPTY), NO_LIST) },
	{ COFRE_INVALID, "no outcome", DOES(RESYNCS), STAGE(9, U8(0), U8(0),
		U64(0), U64(0), WORD(EMPTY), NO_LIST) },
	{ COFRE_INVALID, "an expired value", DOES(RESYNCS), STAGE(1, U8(1),
		U8(2), U64(1), U64(5), WORD(EMPTY), ONE_FIELD) },
	{ COFRE_CONFLICT, "nothing retired", DOES(RESYNCS), STAGE(3, U8(0),
		U8(0), U64(0), U64(0), WORD(EMPTY), NO_LIST) },
	{ COFRE_CONFLICT, "a deleted one", DOES(RESYNCS, ASK(SECRET_DELETE),
	    WORD(ML), WORD(STORE), END), STAGE(1, U8(1), U8(2), U64(1),
		U64(0), WORD(EMPTY), ONE_FIELD) },
	{ COFRE_CONFLICT, "resync of another workspace", DOES(RESYNCS),
	    DOES(ASK(RESYNC_COMMIT), WORD(WEB), U32(0), U8(0), END) },
	{ COFRE_CONFLICT, "commit of a rehearsal", DOES(ASK(RESYNC_BEGIN),
	    WORD(ML), U8(1), END), DOES(ASK(RESYNC_COMMIT), WORD(ML), U32(0),
		U8(0), END) },
	{ COFRE_INVALID, "grace for ever", DOES(RESYNCS),
	    DOES(ASK(RESYNC_COMMIT), WORD(ML), P_ANY, U8(0), END) },
	/* Runs. */
	{ COFRE_INVALID, "no target", NOTHING, RUN(U8(9), U32(0), U64(0),
		WORD(EMPTY), P_ANY, U32(0), U8(1), LAST, NO_LIST) },
	{ COFRE_INVALID, "a run for ever", NOTHING, RUN(U8(RUN_TOKEN_ONLY),
		U32(0), U64(0), WORD(EMPTY), P_ANY, P_ANY, U8(1), LAST,
		NO_LIST) },
	{ COFRE_INVALID, "a token and no token", NOTHING, RUN(
		U8(RUN_TOKEN_ONLY), U32(0), U64(0), WORD(EMPTY), P_ANY,
		U32(0), U8(0), LAST, NO_LIST) },
	{ COFRE_INVALID, "a run of nobody", NOTHING, RUN(U8(RUN_TOKEN_ONLY),
		U32(0), U64(0), WORD(EMPTY), OVERFLOWN, U32(0), U8(1), LAST,
		NO_LIST) },
	{ COFRE_INVALID, "no process", NOTHING, RUN(U8(RUN_PROCESS), U32(0),
		U64(9), WORD(EMPTY), P_ANY, U32(0), U8(0), LAST, NO_LIST) },
	{ COFRE_INVALID, "a process of any time", NOTHING, RUN(
		U8(RUN_PROCESS), P_PID, U64(0), WORD(EMPTY), P_ANY, U32(0),
		U8(0), LAST, NO_LIST) },
	{ COFRE_INVALID, "a process's cgroup", NOTHING, RUN(U8(RUN_PROCESS),
		P_PID, U64(9), WORD(CGROUP), P_ANY, U32(0), U8(0), LAST,
		NO_LIST) },
	{ COFRE_INVALID, "no path", NOTHING, RUN(U8(RUN_CGROUP), U32(0),
		U64(0), WORD(UNIT), P_ANY, U32(0), U8(0), LAST, NO_LIST) },
	{ COFRE_INVALID, "a label with an end", NOTHING, RUN(
		U8(RUN_TOKEN_ONLY), U32(0), U64(0), WORD(EMPTY), P_ANY,
		U32(0), U8(1), WORD(EMPTY), P_STRING, 3, 'a', 0, 'b',
		NO_LIST) },
	{ COFRE_INVALID, "no name of a secret", NOTHING, RUN(
		U8(RUN_TOKEN_ONLY), U32(0), U64(0), WORD(EMPTY), P_ANY,
		U32(0), U8(1), LAST, P_LIST, WORD(BAD_NAME), P_ITEM,
		P_LIST_END) },
	{ COFRE_INVALID, "a secret twice", NOTHING, RUN(U8(RUN_TOKEN_ONLY),
		U32(0), U64(0), WORD(EMPTY), P_ANY, U32(0), U8(1), LAST,
		P_LIST, WORD(API), P_ITEM, WORD(API), P_ITEM, P_LIST_END) },
	{ COFRE_INVALID, "half a name", NOTHING, RUN(U8(RUN_TOKEN_ONLY),
		U32(0), U64(0), WORD(EMPTY), P_ANY, U32(0), U8(1), LAST,
		CUT) },
	{ COFRE_INVALID, "more than names", NOTHING, RUN(U8(RUN_TOKEN_ONLY),
		U32(0), U64(0), WORD(EMPTY), P_ANY, U32(0), U8(1), LAST,
		MORE) },
	{ COFRE_DELETED, "a run with a deleted one", DELETES, RUN(
		U8(RUN_TOKEN_ONLY), U32(0), U64(0), WORD(EMPTY), P_ANY,
		U32(0), U8(1), WORD(SALT), WORD(LABEL), P_LIST, WORD(API),
		P_ITEM, P_LIST_END) },
	{ COFRE_NOT_FOUND, "a run with a purged one", NOTHING, RUN(
		U8(RUN_TOKEN_ONLY), U32(0), U64(0), WORD(EMPTY), P_ANY,
		U32(0), U8(1), WORD(SALT), WORD(LABEL), P_LIST, WORD(SECOND),
		P_ITEM, P_LIST_END) },
	{ COFRE_NO_PROCESS, "a process that nobody knows", DOES(I_WITNESS, 3,
	    ASK(STATUS), END), RUN(U8(RUN_PROCESS), P_PID, P_RAW64, 0, 0, 0,
		0, 0, 0, 3, 0xe8, WORD(EMPTY), P_ANY, U32(0), U8(0), LAST,
		NO_LIST) },
	{ COFRE_INVALID, "no id of a run", NOTHING, DOES(ASK(RUN_SHOW),
		WORD(ML), WORD(UNIT), END) },
	{ COFRE_INVALID, "after no run", NOTHING, DOES(ASK(RUN_LIST),
		WORD(ML), WORD(UNIT), END) },
	/* SSH clients. */
	{ COFRE_DENIED, "bound by no key", SSH, DOES(SAY(27), WORD(EXT_BIND),
		WORD(KEY), WORD(SALT), WORD(KEY), U8(0), END) },
	{ COFRE_DENIED, "bound by no host", SSH, DOES(SAY(27),
		WORD(EXT_BIND), P_HOST_KEY, WORD(SALT), WORD(KEY), U8(0),
		END) },
	{ COFRE_DENIED, "no name of a workspace", SSH, DOES(SAY(27),
		WORD(EXT_WORKSPACE), WORD(BAD_NAME), END) },
	{ COFRE_DENIED, "more than a workspace", SSH, DOES(SAY(27),
		WORD(EXT_WORKSPACE), WORD(ML), U8(1), END) },
	{ COFRE_DENIED, "another workspace than before", DOES(
	    CONNECT_SSH(OPERATOR), SAY(27), WORD(EXT_WORKSPACE), WORD(ML),
	    END), DOES(SAY(27), WORD(EXT_WORKSPACE), WORD(WEB), END) },
	{ COFRE_DENIED, "signed by another's key", SSH, DOES(SAY(13),
		P_HOST_KEY, P_LOGIN, U32(0), END) },
	{ COFRE_DENIED, "signed by no key", SSH, DOES(SAY(13), WORD(KEY),
		P_LOGIN, U32(0), END) },
	{ COFRE_DENIED, "a login without a session", SSH, DOES(SAY(13),
		P_BLOB, P_LOGIN, U32(0), END) },
	{ COFRE_DENIED, "signed what is nothing", SSH, DOES(SAY(13), P_BLOB,
		WORD(VALUE), U32(0), END) },
	{ COFRE_DENIED, "a file in a workspace that is not chosen", DOES(
	    CONNECT_SSH(OPERATOR), SAY(27), WORD(EXT_WORKSPACE), WORD(WEB),
	    END), DOES(SAY(13), P_BLOB, P_FILE, U32(0), END) },
	{ COFRE_DENIED, "attach with nothing", NOTHING,
	    DOES(ASK(RUN_ATTACH), WORD(SALT), END) },
};

START_TEST(what_makes_no_sense_is_refused_and_changes_nothing)
{
	for (size_t i = 0; i < COUNT(refused); i++) {
		enum cofre_status st;

		housecall_begin(HOUSE_OPEN);
		st = housecall(refused[i].before);
		ck_assert_msg(st == COFRE_OK, "%s: %s before",
		    refused[i].name, cofre_status_name(st));
		housecall_look();
		st = housecall(refused[i].request);
		ck_assert_msg(st == refused[i].status, "%s: %s",
		    refused[i].name, cofre_status_name(st));
		ck_assert_msg(housecall_is_same(), "%s: changed",
		    refused[i].name);
	}
}
END_TEST

/* A body that is none of any operation's, but begins as one. */
START_TEST(a_body_that_is_another_is_a_bad_frame)
{
	static const uint16_t flags[] = {
#define OP(code, ID, id, name, scope, action, flags) flags,
#include "ops.def"
#undef OP
	};

	for (unsigned i = 0; i < OP_ROWS; i++) {
		const uint8_t body[] = { I_REQUEST, (uint8_t)i, WORD(ML),
			WORD(STORE), U8(7), END };
		enum cofre_status st;

		housecall_begin(HOUSE_OPEN);
		housecall_look();
		st = housecall((struct view){ body, sizeof(body) });
		ck_assert_msg(st == ((flags[i] & OPF_AGENT) != 0 ?
		    COFRE_UNKNOWN_OPERATION : COFRE_BAD_FRAME), "%u: %s", i,
		    cofre_status_name(st));
		ck_assert(housecall_is_same());
	}
}
END_TEST

/* Somebody who is not there: a group, a unit, an operator, an identity. */
static const struct {
	enum verdict verdict;
	struct view request;
} supposed[] = {
	{ VERDICT_ALLOW, EXPLAIN(WORD(WEB), WORD(EMPTY), U8(PRINCIPAL_GROUP),
		UID(3000), WORD(EMPTY), P_ANY, NO_LIST, WORD(LISTING)) },
	{ VERDICT_NO_MATCH, EXPLAIN(WORD(WEB), WORD(EMPTY),
		U8(PRINCIPAL_GROUP),
		UID(3001), WORD(EMPTY), P_ANY, NO_LIST, WORD(LISTING)) },
	{ VERDICT_NO_MATCH, EXPLAIN(WORD(WEB), WORD(EMPTY), U8(PRINCIPAL_UNIT),
		U32(0), WORD(UNIT), P_ANY, NO_LIST, WORD(LISTING)) },
	{ VERDICT_ALLOW, EXPLAIN(WORD(EMPTY), WORD(EMPTY),
		U8(PRINCIPAL_OPERATOR), U32(0), WORD(EMPTY), P_ANY, NO_LIST,
		WORD(ROLES_READ)) },
	{ VERDICT_DENY, EXPLAIN(WORD(WEB), WORD(API), U8(PRINCIPAL_OPERATOR),
		U32(0), WORD(EMPTY), P_ANY, NO_LIST, WORD(READ)) },
	{ VERDICT_ALLOW, EXPLAIN(WORD(WEB), WORD(EMPTY),
		U8(PRINCIPAL_IDENTITY), U32(0), WORD(ML), P_ANY, NO_LIST,
		WORD(LISTING)) },
};

START_TEST(who_is_supposed_may_what_his_grants_say)
{
	for (size_t i = 0; i < COUNT(supposed); i++) {
		struct policy_explain_reply out;

		ck_assert_int_eq(housecall(supposed[i].request), COFRE_OK);
		ck_assert(policy_explain_reply_decode(housecall_reply(),
		    &out));
		ck_assert_msg(out.verdict == supposed[i].verdict, "%zu: %u",
		    i, out.verdict);
	}
}
END_TEST

/* Where processes have no number, a run is known by its start alone. */
START_TEST(a_run_needs_no_number_of_its_process)
{
	const struct view run = RUN(U8(RUN_PROCESS), P_PID, P_RAW64, 0,
	    0, 0, 0, 0, 0, 3, 0xe8, WORD(EMPTY), P_ANY, U32(0), U8(0), LAST,
	    NO_LIST);
	struct server *sv = housecall_house()->sv;
	bool has = sv->has_inodes;

	if (geteuid() != 0)
		return; /* it is another user's, says the witness */
	sv->has_inodes = false;
	ck_assert_int_eq(housecall(run), COFRE_OK);
	ck_assert_uint_eq(sv->vault.runs.list[sv->vault.runs.count - 1]->inode,
	    0);
	ck_assert_int_eq(housecall((struct view)DOES(ASK(REPORT), END)),
	    COFRE_OK);
	sv->has_inodes = has;
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("requests");
	TCase *t = tcase_create("requests");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, housecall_setup, housecall_teardown);
	tcase_add_test(t,
	    what_makes_no_sense_is_refused_and_changes_nothing);
	tcase_add_test(t, a_body_that_is_another_is_a_bad_frame);
	tcase_add_test(t, who_is_supposed_may_what_his_grants_say);
	tcase_add_test(t, a_run_needs_no_number_of_its_process);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
