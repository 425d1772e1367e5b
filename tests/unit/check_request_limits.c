/*
 * Where requests come to an end: limits of a workspace, of a user and of a
 * reply, and what time does to them.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "housecall.h"
#include "vault.h"

#define RUN_PROGRAM(...)                                                     \
	housecall((struct view){ (const uint8_t[]){ __VA_ARGS__ },           \
	    sizeof((const uint8_t[]){ __VA_ARGS__ }) })
#define ASSERT(status, ...)                                                  \
	ck_assert_int_eq(RUN_PROGRAM(__VA_ARGS__), COFRE_##status)
#define SELECT(i) I_SELECT, (i)
#define SECONDS_5 I_TIME, 1
#define SECONDS_900 I_TIME, 4
#define RESYNC(name) ASK(RESYNC_BEGIN), WORD(name), U8(0), END
#define RESYNCS RESYNC(ML), ASK(RESYNC_LIST), WORD(ML), U64(0), END
#define STAGE(version, slot, retire, serial, ...) ASK(RESYNC_STAGE),         \
	WORD(ML), WORD(STORE), U32(version), P_ORIGIN, U8(1), U8(slot),      \
	U8(retire), U64(serial), __VA_ARGS__, P_LIST_END, END
#define COMMIT(grace) ASK(RESYNC_COMMIT), WORD(ML), U32(grace), U8(0), END

/* --- limits --- */

START_TEST(a_workspace_has_so_many_grants)
{
	enum cofre_status st = COFRE_OK;
	uint8_t i = 0;

	for (; st == COFRE_OK; i++)
		st = RUN_PROGRAM(ASK(GRANT_ADD), WORD(WEB),
		    U8(PRINCIPAL_USER), P_RAW32, 0, 0, 9, i, WORD(EMPTY),
		    WORD(READER), WORD(EMPTY), END);
	ck_assert_int_eq(st, COFRE_LIMIT);
	ck_assert_uint_gt(i, GRANTS_MAX - 10);
	housecall_look();
	ASSERT(LIMIT, ASK(GRANT_ADD), WORD(WEB), U8(PRINCIPAL_GROUP), U32(9),
	    WORD(EMPTY), WORD(READER), WORD(EMPTY), END);
	ck_assert(housecall_is_same());
	/* Those that are there can be taken away. */
	ASSERT(OK, ASK(GRANT_REMOVE), WORD(WEB), U8(PRINCIPAL_USER), P_RAW32,
	    0, 0, 9, 0, WORD(EMPTY), WORD(EMPTY), WORD(EMPTY), END);
	ASSERT(OK, ASK(GRANT_ADD), WORD(WEB), U8(PRINCIPAL_GROUP), U32(9),
	    WORD(EMPTY), WORD(READER), WORD(EMPTY), END);
}
END_TEST

START_TEST(an_identity_has_so_many_bindings)
{
	enum cofre_status st = COFRE_OK;
	uint8_t i = 0;

	for (; st == COFRE_OK; i++)
		st = RUN_PROGRAM(ASK(IDENTITY_BIND), WORD(WEB), P_RAW32, 0, 0,
		    9, i, P_ANY, WORD(EMPTY), WORD(EMPTY), WORD(EMPTY),
		    WORD(EMPTY), END);
	ck_assert_int_eq(st, COFRE_LIMIT);
	ck_assert_uint_eq(i, BINDINGS_MAX + 1);
	housecall_look();
	ASSERT(LIMIT, ASK(IDENTITY_BIND), WORD(WEB), U32(9), P_ANY,
	    WORD(EMPTY), WORD(EMPTY), WORD(EMPTY), WORD(EMPTY), END);
	ck_assert(housecall_is_same());
	ASSERT(OK, ASK(IDENTITY_UNBIND), WORD(WEB), P_RAW32, 0, 0, 9, 0,
	    P_ANY, WORD(EMPTY), WORD(EMPTY), WORD(EMPTY), WORD(EMPTY), END);
	ASSERT(OK, ASK(IDENTITY_BIND), WORD(WEB), U32(9), P_ANY, WORD(EMPTY),
	    WORD(EMPTY), WORD(EMPTY), WORD(EMPTY), END);
}
END_TEST

START_TEST(the_oldest_version_goes_when_there_are_too_many)
{
	struct secret_versions_reply out;
	struct version_item item;
	struct wire_reader r;

	for (unsigned i = 0; i < VERSIONS_MAX + 2; i++)
		ASSERT(OK, ASK(SECRET_PUT), WORD(ML), WORD(NEW),
		    U8(COFRE_KIND_GENERIC), U8(0), U64(0), P_ANY, WORD(EMPTY),
		    P_LIST, FIELD(PASSWORD, 1, VALUE), P_LIST_END, END);
	ASSERT(OK, ASK(SECRET_VERSIONS), WORD(ML), WORD(NEW), END);
	ck_assert(secret_versions_reply_decode(housecall_reply(), &out));
	ck_assert_uint_eq(out.items.count, VERSIONS_MAX);
	r = list_reader(out.items);
	version_item_get(&r, &item);
	ck_assert_uint_eq(item.version, 3);
	ASSERT(NOT_FOUND, ASK(SECRET_GET), WORD(ML), WORD(NEW), U32(2),
	    WORD(EMPTY), END);
	ASSERT(OK, ASK(SECRET_GET), WORD(ML), WORD(NEW), U32(3), WORD(EMPTY),
	    END);
	ck_assert(house_adds_up(housecall_house()));
}
END_TEST

/* --- resyncs --- */

START_TEST(a_user_has_so_many_resyncs)
{
	ASSERT(OK, ASK(WORKSPACE_CREATE), WORD(NEW), END);
	ASSERT(OK, ASK(WORKSPACE_CREATE), WORD(SECOND), END);
	ASSERT(OK, RESYNC(ML));
	ASSERT(UNDER_WAY, CONNECT(OPERATOR), RESYNC(ML));
	ASSERT(OK, RESYNC(WEB));
	ASSERT(OK, CONNECT(OPERATOR), RESYNC(OLD));
	ASSERT(OK, CONNECT(OPERATOR), RESYNC(NEW));
	ASSERT(BUSY, CONNECT(OPERATOR), RESYNC(SECOND));
	/* A rehearsal is in nobody's way. */
	ASSERT(OK, ASK(RESYNC_BEGIN), WORD(SECOND), U8(1), END);
	/* One that nothing was heard of for long is given up. */
	ASSERT(OK, SECONDS_900, RESYNC(SECOND));
	ASSERT(CONFLICT, SELECT(0), COMMIT(0));
}
END_TEST

/* Two versions are given out for the grace, and the other key is made anew
   upstream when it is over. */
START_TEST(a_key_is_retired_when_its_version_is_over)
{
	struct resync_list_reply out;
	struct resync_item item;
	struct wire_reader r;

	for (unsigned later = 0; later < 2; later++) {
		housecall_begin(HOUSE_OPEN);
		ASSERT(OK, RESYNCS, STAGE(2, 1, 2, 1, U64(0), WORD(EMPTY),
		    P_LIST, FIELD(ACCOUNT_KEY, 1, VALUE)));
		ASSERT(OK, COMMIT(3));
		if (later == 1)
			ASSERT(OK, SECONDS_5, ASK(STATUS), END);
		ASSERT(OK, RESYNCS);
		ck_assert(resync_list_reply_decode(housecall_reply(), &out));
		r = list_reader(out.items);
		resync_item_get(&r, &item);
		ck_assert(!r.bad && item.retire == 2 && item.version == 3);
		ck_assert_uint_eq(item.retire_version, 2);
		ck_assert(item.due == (later == 1));
		ck_assert((item.until != 0) == (later == 0));
		/* And the old version is given out so long. */
		ck_assert_int_eq(RUN_PROGRAM(ASK(SECRET_GET), WORD(ML),
		    WORD(STORE), U32(2), WORD(EMPTY), END),
		    later == 0 ? COFRE_OK : COFRE_NOT_FOUND);
		ASSERT(OK, ASK(SECRET_VERSIONS), WORD(ML), WORD(STORE), END);
	}
}
END_TEST

/* What was changed by hand since it was staged is newer than that. */
START_TEST(what_is_gone_by_the_commit_is_skipped)
{
	struct resync_commit_reply out;
	static const uint8_t meanwhile[3][2] = { { R_SECRET_DELETE, 0 },
		{ R_SECRET_DELETE, R_SECRET_PURGE }, { R_STATUS, 0 } };

	for (size_t i = 0; i < COUNT(meanwhile); i++) {
		housecall_begin(HOUSE_OPEN);
		ASSERT(OK, RESYNCS, STAGE(2, 1, 2, 1, U64(0), WORD(EMPTY),
		    P_LIST, FIELD(ACCOUNT_KEY, 1, VALUE)));
		for (unsigned j = 0; j < 2 && meanwhile[i][j] != 0; j++)
			if (meanwhile[i][j] != R_STATUS)
				ASSERT(OK, I_REQUEST, meanwhile[i][j],
				    WORD(ML), WORD(STORE), END);
		ASSERT(OK, COMMIT(3));
		ck_assert(resync_commit_reply_decode(housecall_reply(),
		    &out));
		ck_assert_uint_eq(out.skipped.count, i < 2);
		ck_assert_uint_eq(out.updated, i == 2);
		ck_assert(house_adds_up(housecall_house()));
	}
}
END_TEST

/* The same value with another expiry is a new version; with the same one it
   is none. */
START_TEST(a_new_expiry_is_a_new_version)
{
	struct resync_stage_reply out;

	ASSERT(OK, RESYNCS, STAGE(2, 1, 0, 1, P_SOON, 9, WORD(EMPTY), P_LIST,
	    FIELD(ACCOUNT_KEY, 1, VALUE2)));
	ck_assert(resync_stage_reply_decode(housecall_reply(), &out));
	ck_assert_uint_eq(out.result, RESYNC_UPDATED);
	ck_assert_uint_eq(out.version, 3);
	ASSERT(OK, COMMIT(0));
	ASSERT(OK, RESYNCS, STAGE(3, 1, 0, 1, P_SOON, 9, WORD(EMPTY), P_LIST,
	    FIELD(ACCOUNT_KEY, 1, VALUE2)));
	ck_assert(resync_stage_reply_decode(housecall_reply(), &out));
	ck_assert_uint_eq(out.result, RESYNC_UNCHANGED);
}
END_TEST

/* What a source brings has no room beside what is there. */
START_TEST(a_value_that_makes_it_too_large_is_refused)
{
	ASSERT(OK, ASK(SECRET_PUT), WORD(ML), WORD(STORE),
	    U8(COFRE_KIND_STORAGE), U8(0), U64(0), P_ANY, WORD(EMPTY), P_LIST,
	    WORD(ACCOUNT_KEY), U8(1), P_LONG, 250, P_ITEM, WORD(PASSWORD),
	    U8(1), P_LONG, 220, P_ITEM, P_LIST_END, END);
	ASSERT(OK, RESYNCS);
	housecall_look();
	ASSERT(TOO_LARGE, STAGE(3, 1, 2, 1, U64(0), WORD(EMPTY), P_LIST,
	    WORD(USER), U8(1), P_LONG, 250, P_ITEM));
	ck_assert(housecall_is_same());
}
END_TEST

/* --- time --- */

START_TEST(what_follows_an_expired_one_has_no_key)
{
	ASSERT(OK, ASK(SECRET_PUT), WORD(ML), WORD(STORE),
	    U8(COFRE_KIND_STORAGE), U8(0), P_SOON, 3, P_ANY, WORD(EMPTY),
	    P_LIST, FIELD(ACCOUNT, 0, USER), FIELD(ACCOUNT_KEY, 1, VALUE64),
	    P_LIST_END, END);
	ASSERT(OK, ASK(SECRET_GET), WORD(ML), WORD(DB), U32(0), WORD(EMPTY),
	    END);
	ASSERT(FOLLOWED_GONE, SECONDS_5, ASK(SECRET_GET), WORD(ML), WORD(DB),
	    U32(0), WORD(EMPTY), END);
	ASSERT(EXPIRED, ASK(SECRET_GET), WORD(ML), WORD(STORE), U32(0),
	    WORD(EMPTY), END);
}
END_TEST

/* Each wrong key makes the next attempt wait twice as long, and at last half a
   minute. */
START_TEST(wrong_keys_are_waited_for_longer_and_longer)
{
	const struct server *sv = housecall_house()->sv;
	uint64_t delay = 250000;

	housecall_begin(HOUSE_LOCKED);
	for (unsigned i = 0; i < 10; i++) {
		ASSERT(WRONG_KEY, ASK(UNLOCK), U32(0), WORD(OTHER_KEY), U8(0),
		    END);
		ck_assert_uint_eq(sv->unlock_after - sv->clock, delay);
		delay = 2 * delay < 30000000 ? 2 * delay : 30000000;
		ASSERT(BUSY, ASK(UNLOCK), U32(0), WORD(KEY), U8(0), END);
		ASSERT(OK, I_TIME, 3, ASK(STATUS), END);
	}
	ck_assert_uint_eq(delay, 30000000);
	ASSERT(OK, ASK(UNLOCK), U32(0), WORD(KEY), U8(0), END);
}
END_TEST

/* What was revoked until a time is forgotten then, and so is a run that has
   ended longer ago than any certificate of its is good for. */
START_TEST(what_can_not_be_used_any_more_is_in_no_list)
{
	size_t all, late, later;

	ASSERT(OK, ASK(CA_REVOKE), WORD(ML), U64(2), P_SOON, 3, END);
	ASSERT(OK, ASK(CA_KRL), WORD(ML), END);
	all = housecall_reply().len;
	ASSERT(OK, SECONDS_5, ASK(CA_KRL), WORD(ML), END);
	late = housecall_reply().len;
	ck_assert_uint_lt(late, all);
	/* A month. */
	ASSERT(OK, I_TIME, 7, ASK(CA_KRL), WORD(ML), END);
	later = housecall_reply().len;
	ck_assert_uint_lt(later, late);
}
END_TEST

/* Whether it is another start of the machine, or nobody knows. */
START_TEST(no_run_outlives_a_reboot)
{
	struct server *sv = housecall_house()->sv;
	struct run_list_reply out;
	struct run_item item;
	struct wire_reader r;
	uint8_t kept[BOOT_ID_LEN];

	memcpy(kept, sv->boot_id, sizeof(kept));
	for (int known = 0; known < 2; known++) {
		housecall_begin(HOUSE_OPEN);
		ASSERT(OK, ASK(RUN_START), WORD(WEB), U8(RUN_TOKEN_ONLY),
		    U32(0), U64(0), WORD(EMPTY), P_ANY, U32(0), U8(1),
		    WORD(SALT), WORD(LABEL), P_LIST, P_LIST_END, END);
		ASSERT(OK, ASK(LOCK), END);
		memset(sv->boot_id, known ? 9 : 0, sizeof(sv->boot_id));
		ASSERT(OK, ASK(UNLOCK), U32(0), WORD(KEY), U8(0), END);
		ASSERT(OK, ASK(RUN_LIST), WORD(WEB), WORD(EMPTY), END);
		memcpy(sv->boot_id, kept, sizeof(kept));
		ck_assert(run_list_reply_decode(housecall_reply(), &out));
		ck_assert_uint_eq(out.items.count, 1);
		r = list_reader(out.items);
		run_item_get(&r, &item);
		ck_assert_uint_eq(item.state, RUN_OVER);
		ck_assert_uint_eq(item.why, RUN_END_REBOOT);
		ASSERT(DENIED, CONNECT(USER), ASK(RUN_ATTACH), P_TOKEN, END);
	}
}
END_TEST

/* It is made anew when what is gone is given up. */
START_TEST(an_ssh_store_that_is_gone_is_accepted_as_such)
{
	struct house *h = housecall_house();
	static struct rows rows[2];

	housecall_begin(HOUSE_LOCKED);
	memcpy(rows, h->rows, sizeof(rows));
	rows[1].count = 0;
	house_reset_rows(h, rows);
	ASSERT(ROLLBACK, ASK(UNLOCK), U32(0), WORD(KEY), U8(0), END);
	ck_assert_int_eq(h->sv->vault.state, VAULT_LOCKED);
	ASSERT(OK, ASK(UNLOCK), U32(0), WORD(KEY), U8(1), END);
	ck_assert(house_adds_up(h));
	ASSERT(NOT_FOUND, ASK(TARGET_SHOW), WORD(ML), WORD(CLUSTER), END);
	ASSERT(OK, ASK(TARGET_CREATE), WORD(ML), WORD(CLUSTER),
	    WORD(ADDRESS), U32(22), WORD(LOGIN), U8(0), WORD(EMPTY), NO_LIST,
	    END);
	ASSERT(OK, ASK(LOCK), END);
	ASSERT(OK, ASK(UNLOCK), U32(0), WORD(KEY), U8(0), END);
	ASSERT(OK, ASK(TARGET_SHOW), WORD(ML), WORD(CLUSTER), END);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("request_limits");
	TCase *t = tcase_create("request_limits");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, housecall_setup, housecall_teardown);
	tcase_add_test(t, a_workspace_has_so_many_grants);
	tcase_add_test(t, an_identity_has_so_many_bindings);
	tcase_add_test(t, the_oldest_version_goes_when_there_are_too_many);
	tcase_add_test(t, a_user_has_so_many_resyncs);
	tcase_add_test(t, a_key_is_retired_when_its_version_is_over);
	tcase_add_test(t, what_is_gone_by_the_commit_is_skipped);
	tcase_add_test(t, a_new_expiry_is_a_new_version);
	tcase_add_test(t, a_value_that_makes_it_too_large_is_refused);
	tcase_add_test(t, what_follows_an_expired_one_has_no_key);
	tcase_add_test(t, wrong_keys_are_waited_for_longer_and_longer);
	tcase_add_test(t, what_can_not_be_used_any_more_is_in_no_list);
	tcase_add_test(t, no_run_outlives_a_reboot);
	tcase_add_test(t, an_ssh_store_that_is_gone_is_accepted_as_such);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
