/*
 * Whatever fails while a request is served, once and at each place where it
 * can: the request is answered, nothing of it stays, and the next one works.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "housefault.h"

/* --- the requests --- */

#define GENERIC(name) WORD(ML), WORD(name), U8(COFRE_KIND_GENERIC), U8(0),   \
	U64(0), P_ANY, WORD(EMPTY), P_LIST, FIELD(PASSWORD, 1, VALUE2),      \
	P_LIST_END, END
#define NOTHING DOES(ASK(STATUS), END)
#define STARTS ASK(RUN_START), WORD(ML), U8(RUN_TOKEN_ONLY), U32(0), U64(0), \
	WORD(EMPTY), P_ANY, U32(0), U8(1), WORD(SALT), WORD(LABEL), P_LIST,  \
	WORD(STORE), P_ITEM, P_LIST_END, END
#define PROCESS ASK(RUN_START), WORD(ML), U8(RUN_PROCESS), P_PID, P_RAW64,   \
	0, 0, 0, 0, 0, 0, 3, 0xe8, WORD(EMPTY), P_ANY, U32(9), U8(0),        \
	WORD(EMPTY), WORD(EMPTY)
#define STAGES ASK(RESYNC_BEGIN), WORD(ML), U8(0), END, ASK(RESYNC_LIST),    \
	WORD(ML), U64(0), END, ASK(RESYNC_STAGE), WORD(ML), WORD(STORE),     \
	U32(2), P_ORIGIN, U8(1), U8(1), U8(2), U64(1), U64(0), WORD(EMPTY),  \
	P_LIST, FIELD(ACCOUNT_KEY, 1, VALUE64), P_LIST_END, END

static const struct {
	const char *name;
	struct view before, request;
} requests[] = {
	{ "put", NOTHING, DOES(ASK(SECRET_PUT), GENERIC(API)) },
	{ "put new", NOTHING,
	    DOES(ASK(SECRET_PUT), GENERIC(NEW)) },
	{ "get", NOTHING, DOES(ASK(SECRET_GET), WORD(ML),
		WORD(API), U32(0), WORD(EMPTY), END) },
	{ "get an old one", NOTHING, DOES(ASK(SECRET_GET),
		WORD(ML), WORD(STORE), U32(1), WORD(ACCOUNT_KEY), END) },
	{ "get what follows", NOTHING, DOES(ASK(SECRET_GET),
		WORD(ML), WORD(DB), U32(0), WORD(EMPTY), END) },
	{ "list", NOTHING, DOES(ASK(SECRET_LIST), WORD(ML),
		U64(0), U8(0), END) },
	{ "show", NOTHING, DOES(ASK(SECRET_SHOW), WORD(ML),
		WORD(STORE), END) },
	{ "versions", NOTHING, DOES(ASK(SECRET_VERSIONS),
		WORD(ML), WORD(STORE), END) },
	{ "delete", NOTHING, DOES(ASK(SECRET_DELETE), WORD(ML),
		WORD(STORE), END) },
	{ "undelete", DOES(ASK(SECRET_DELETE), WORD(ML), WORD(API), END),
	    DOES(ASK(SECRET_UNDELETE), WORD(ML), WORD(API), END) },
	{ "purge", DOES(ASK(SECRET_DELETE), WORD(ML), WORD(API), END),
	    DOES(ASK(SECRET_PURGE), WORD(ML), WORD(API), END) },
	{ "source", NOTHING, DOES(ASK(SECRET_SOURCE), WORD(ML),
		WORD(API), WORD(SOURCE), P_LIST, WORD(ARGUMENT), WORD(PATH),
		P_ITEM, P_LIST_END, END) },
	{ "stale", NOTHING, DOES(ASK(SECRET_STALE), WORD(ML),
		WORD(STORE), U32(2), END) },
	{ "watch", NOTHING, DOES(ASK(SECRET_WATCH), WORD(ML),
		U8(0), P_LIST, WORD(STORE), U32(1), U32(0), P_ITEM, WORD(DB),
		U32(1), U32(1), P_ITEM, P_LIST_END, END) },
	{ "scan", NOTHING, DOES(ASK(RUN_SCAN), WORD(ML),
		U64(0), P_LIST, WORD(PROBLEM), P_ITEM, WORD(SALT), P_ITEM,
		P_LIST_END, END) },
	{ "resync list", DOES(ASK(RESYNC_BEGIN), WORD(ML), U8(0), END),
	    DOES(ASK(RESYNC_LIST), WORD(ML), U64(0), END) },
	{ "resync begin", NOTHING, DOES(ASK(RESYNC_BEGIN),
		WORD(ML), U8(0), END) },
	{ "resync stage", DOES(ASK(RESYNC_BEGIN), WORD(ML), U8(0), END,
	    ASK(RESYNC_LIST), WORD(ML), U64(0), END),
	    DOES(ASK(RESYNC_STAGE), WORD(ML), WORD(STORE), U32(2), P_ORIGIN,
		U8(1), U8(1), U8(2), U64(1), U64(0), WORD(EMPTY), P_LIST,
		FIELD(ACCOUNT_KEY, 1, VALUE64), P_LIST_END, END) },
	{ "resync commit", DOES(STAGES), DOES(ASK(RESYNC_COMMIT), WORD(ML),
		U32(9), U8(1), END) },
	{ "resync repairs", DOES(STAGES, ASK(IDENTITY_REVOKE), WORD(ML), END),
	    DOES(ASK(RESYNC_COMMIT), WORD(ML), U32(9), U8(1), END) },
	{ "repair", DOES(ASK(IDENTITY_REVOKE), WORD(ML), END),
	    DOES(ASK(IDENTITY_REPAIR), WORD(ML), U8(0), END) },
	{ "revoke", NOTHING, DOES(ASK(IDENTITY_REVOKE),
		WORD(ML), END) },
	{ "bind", NOTHING, DOES(ASK(IDENTITY_BIND), WORD(WEB),
		UID(2002), P_ANY, WORD(EMPTY), WORD(EMPTY), WORD(EMPTY),
		WORD(EMPTY), END) },
	{ "unbind", NOTHING, DOES(ASK(IDENTITY_UNBIND),
		WORD(ML), UID(2001), P_ANY, WORD(EXE), WORD(EMPTY),
		WORD(EMPTY), WORD(EMPTY), END) },
	{ "grant", NOTHING, DOES(ASK(GRANT_ADD), WORD(WEB),
		U8(PRINCIPAL_USER), UID(2003), WORD(EMPTY), WORD(READER),
		WORD(PREFIX), END) },
	{ "take a grant", NOTHING, DOES(ASK(GRANT_REMOVE),
		WORD(ML), U8(PRINCIPAL_USER), UID(2001), WORD(EMPTY),
		WORD(EMPTY), WORD(EMPTY), END) },
	{ "role", NOTHING, DOES(ASK(ROLE_PUT), WORD(LABEL),
		WORD(LABEL), P_LIST, WORD(LISTING), P_ITEM, P_LIST_END,
		NO_LIST, NO_LIST, NO_LIST, P_LIST, WORD(ML), WORD(EMPTY),
		P_ITEM, P_LIST_END, U32(0), END) },
	{ "role again", NOTHING, DOES(ASK(ROLE_PUT),
		WORD(ROLE), WORD(LABEL), P_LIST, WORD(LISTING), P_ITEM,
		P_LIST_END, NO_LIST, NO_LIST, NO_LIST, P_LIST, WORD(ML),
		WORD(EMPTY), P_ITEM, P_LIST_END, U32(1), END) },
	{ "roles", NOTHING, DOES(ASK(ROLE_LIST), WORD(ML),
		END) },
	{ "show a role", NOTHING, DOES(ASK(ROLE_SHOW),
		WORD(ML), WORD(ROLE), U32(0), END) },
	{ "delete a role", DOES(ASK(GRANT_REMOVE), WORD(ML),
	    U8(PRINCIPAL_USER), UID(2002), WORD(EMPTY), WORD(ROLE),
	    WORD(PREFIX), END), DOES(ASK(ROLE_DELETE), WORD(ROLE), END) },
	{ "workspace", NOTHING, DOES(ASK(WORKSPACE_CREATE),
		WORD(NEW), END) },
	{ "delete a workspace", NOTHING,
	    DOES(ASK(WORKSPACE_DELETE), WORD(ML), END) },
	{ "undelete it", DOES(ASK(WORKSPACE_DELETE), WORD(ML), END),
	    DOES(ASK(WORKSPACE_UNDELETE), WORD(ML), END) },
	{ "purge and delete at once", DOES(ASK(WORKSPACE_DELETE), WORD(ML),
	    END), DOES(I_UNCUT, ASK(WORKSPACE_PURGE), WORD(ML), END,
		ASK(WORKSPACE_DELETE), WORD(WEB), END, ASK(STATUS), END) },
	{ "purge it", DOES(ASK(WORKSPACE_DELETE), WORD(ML), END),
	    DOES(ASK(WORKSPACE_PURGE), WORD(ML), END) },
	{ "slot", NOTHING, DOES(ASK(SLOT_ADD),
		U8(SLOT_KEYFILE), U64(0), U64(0), WORD(EMPTY), WORD(OTHER_KEY),
		END) },
	{ "remove a slot", NOTHING, DOES(ASK(SLOT_REMOVE),
		U32(2), END) },
	{ "slots", NOTHING, DOES(ASK(SLOT_LIST), END) },
	{ "run", NOTHING, DOES(STARTS) },
	{ "run of a process", NOTHING, DOES(PROCESS, NO_LIST, END) },
	/* What it has read is noted when its time is over. */
	{ "the end of a run", DOES(STARTS, CONNECT(OPERATOR), ASK(RUN_ATTACH),
	    P_TOKEN, END, ASK(SECRET_GET), WORD(ML), WORD(STORE), U32(0),
	    WORD(EMPTY), END, I_SELECT, 0, ASK(STATUS), END),
	    DOES(I_TIME, 6, ASK(STATUS), END) },
	{ "renew a run", DOES(STARTS),
	    DOES(ASK(RUN_RENEW), WORD(ML), P_RUN, U32(9), END) },
	{ "renew it twice at once", DOES(STARTS), DOES(I_UNCUT,
	    ASK(RUN_RENEW), WORD(ML), P_RUN, U32(9), END, ASK(RUN_RENEW),
	    WORD(ML), P_RUN, U32(19), END, ASK(STATUS), END) },
	{ "end a run", DOES(STARTS),
	    DOES(ASK(RUN_END), WORD(ML), P_RUN, END) },
	{ "runs", NOTHING, DOES(ASK(RUN_LIST), WORD(ML),
		WORD(EMPTY), END) },
	{ "show a run", NOTHING, DOES(ASK(RUN_SHOW), WORD(ML),
		P_RUN, END) },
	{ "target", NOTHING, DOES(ASK(TARGET_CREATE), WORD(ML),
		WORD(NEW), WORD(ADDRESS), U32(22), WORD(LOGIN), U8(0),
		WORD(EMPTY), NO_LIST, END) },
	{ "target and ca", NOTHING, DOES(ASK(TARGET_CREATE),
		WORD(WEB), WORD(NEW), WORD(ADDRESS), U32(22), WORD(LOGIN),
		U8(1), WORD(EMPTY), NO_LIST, END) },
	{ "rotate", DOES(ASK(TARGET_SETTLE), WORD(ML), WORD(CLUSTER), U32(2),
	    END), DOES(ASK(TARGET_ROTATE), WORD(ML),
		WORD(CLUSTER), P_ANY, END) },
	{ "settle", NOTHING, DOES(ASK(TARGET_SETTLE), WORD(ML),
		WORD(CLUSTER), U32(2), END) },
	{ "pin", NOTHING, DOES(ASK(TARGET_PIN), WORD(ML),
		WORD(CLUSTER), P_ANY, P_LIST, P_HOST_KEY, P_ITEM, P_LIST_END,
		END) },
	{ "set", NOTHING, DOES(ASK(TARGET_SET), WORD(ML),
		WORD(CLUSTER), P_ANY, WORD(HOST), U32(23), WORD(LOGIN), U8(1),
		WORD(OPTIONS), NO_LIST, END) },
	{ "delete a target", NOTHING, DOES(ASK(TARGET_DELETE),
		WORD(ML), WORD(CLUSTER), END) },
	{ "targets", NOTHING, DOES(ASK(TARGET_LIST), WORD(ML),
		WORD(EMPTY), END) },
	{ "certify", NOTHING, DOES(ASK(CA_USER), WORD(ML),
		WORD(CLUSTER), U32(9), WORD(COMMAND), WORD(EMPTY), END) },
	{ "certify a host", NOTHING, DOES(ASK(CA_HOST),
		WORD(ML), WORD(CLUSTER), P_HOST_KEY, P_LIST, WORD(HOST),
		P_ITEM, P_LIST_END, U32(9), END) },
	{ "revoke one", NOTHING, DOES(ASK(CA_REVOKE), WORD(ML),
		U64(2), P_SOON, 99, END) },
	{ "krl", NOTHING, DOES(ASK(CA_KRL), WORD(ML), END) },
	{ "ca", NOTHING, DOES(ASK(CA_SHOW), WORD(ML), END) },
	{ "ssh sign", DOES(CONNECT_SSH(OPERATOR), SAY(27), WORD(EXT_BIND),
	    P_BIND, END), DOES(SAY(13), P_BLOB, P_LOGIN, U32(0), END) },
	{ "ssh list", DOES(PROCESS, NO_LIST, END, CONNECT_SSH(USER), SAY(27),
	    WORD(EXT_QUERY), END), DOES(SAY(11), END) },
	{ "connect", NOTHING, DOES(CONNECT(REAL), ASK(STATUS), END) },
	{ "ssh connect", NOTHING, DOES(CONNECT_SSH(REAL), SAY(27),
		WORD(EXT_QUERY), END) },
	{ "activity", NOTHING, DOES(ASK(ACTIVITY_READ),
		WORD(EMPTY), U64(0), U32(31), END) },
	{ "report", NOTHING, DOES(ASK(REPORT), END) },
};

/* Is everything as it was?  But a serial that was taken
   for a certificate is never given again. */
static bool
is_unchanged(const char *name)
{
	return strncmp(name, "certify", 7) == 0 ||
		    strcmp(name, "ssh list") == 0 ?
	    house_adds_up(housecall_house()) :
	    housecall_is_same();
}

/* What comes of asking again; with a commit that fails a resync is over. */
static bool
works(const char *name, enum cofre_status st)
{
	return st == COFRE_OK ||
	    (st == COFRE_CONFLICT && strncmp(name, "resync ", 7) == 0);
}

/*
 * The request, of which the n-th such call fails; false when it has fewer.
 * What can be done without is left out: then it has worked.
 */
static bool
ask(size_t i, enum fault what, unsigned n, enum cofre_status want)
{
	const char *name = requests[i].name;
	enum cofre_status st;
	bool struck;

	housecall_begin(HOUSE_OPEN);
	ck_assert_int_eq(housecall(requests[i].before), COFRE_OK);
	housecall_look();
	housefault_set(what, n);
	st = housecall(requests[i].request);
	struck = housefault_end();
	if (st == COFRE_OK) {
		ck_assert_msg(house_adds_up(housecall_house()),
		    "%s, %u: it does not add up", name, n);
		return struck;
	}
	/* An ssh client is told no more than that. */
	want = strncmp(name, "ssh ", 4) == 0 ? COFRE_DENIED : want;
	ck_assert_msg(struck && (st == want || st == COFRE_CLOSED),
	    "%s, %u: %s", name, n, cofre_status_name(st));
	ck_assert_msg(is_unchanged(name), "%s, %u: %s, and changed", name, n,
	    cofre_status_name(st));
	if (st == COFRE_CLOSED) {
		housecall_excuse();
		return true;
	}
	st = housecall(requests[i].request);
	ck_assert_msg(works(name, st), "%s, %u: %s the next time", name, n,
	    cofre_status_name(st));
	return true;
}

static void
sweep(enum fault what, enum cofre_status want)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		unsigned n = 0;

		/* Of another user, says the witness of the house. */
		if (geteuid() != 0 &&
		    strcmp(requests[i].name, "run of a process") == 0)
			continue;
		while (ask(i, what, n, want))
			n++;
	}
}

START_TEST(without_memory_a_request_changes_nothing)
{
	sweep(FAULT_MEMORY, COFRE_LIMIT);
}
END_TEST

START_TEST(what_the_store_does_not_take_changes_nothing)
{
	sweep(FAULT_WRITE, COFRE_STORE_FULL);
}
END_TEST

START_TEST(what_the_store_does_not_give_changes_nothing)
{
	sweep(FAULT_READ, COFRE_STORE_FAILED);
}
END_TEST

START_TEST(a_row_that_is_gone_is_no_answer)
{
	sweep(FAULT_GONE, COFRE_CORRUPT);
}
END_TEST

START_TEST(a_row_that_is_cut_is_no_answer)
{
	sweep(FAULT_CUT, COFRE_CORRUPT);
}
END_TEST

START_TEST(what_can_not_be_recorded_is_not_done)
{
	sweep(FAULT_LOG, COFRE_LOG_FAILED);
}
END_TEST

START_TEST(a_full_turn_is_nothing_but_a_delay)
{
	sweep(FAULT_TURN, COFRE_OK);
}
END_TEST

START_TEST(what_can_not_be_watched_is_not_begun)
{
	sweep(FAULT_EPOLL, COFRE_LIMIT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("request_faults");
	TCase *t = tcase_create("request_faults");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, housecall_setup, housecall_teardown);
	tcase_add_test(t, without_memory_a_request_changes_nothing);
	tcase_add_test(t, what_the_store_does_not_take_changes_nothing);
	tcase_add_test(t, what_the_store_does_not_give_changes_nothing);
	tcase_add_test(t, a_row_that_is_gone_is_no_answer);
	tcase_add_test(t, a_row_that_is_cut_is_no_answer);
	tcase_add_test(t, what_can_not_be_recorded_is_not_done);
	tcase_add_test(t, a_full_turn_is_nothing_but_a_delay);
	tcase_add_test(t, what_can_not_be_watched_is_not_begun);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
