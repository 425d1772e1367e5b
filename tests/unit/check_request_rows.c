/*
 * Rows that are read while a request is served, were sealed with the right
 * key, and say what can't be: there is no value, and nothing is changed.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "housefault.h"

#define ROW HOUSEFAULT_ROW

/* A pattern that no action of values fits. */
static struct list
no_pattern(void)
{
	static uint8_t items[64];
	const struct pattern_item item = { view_of("x") };
	struct wire_writer w;

	wire_writer_init(&w, items, sizeof(items));
	pattern_item_put(&w, &item);
	return (struct list){ 1, { w.data, w.len } };
}

ROW(head, versions_cut, row.versions = housefault_cut(row.versions))
ROW(head, versions_fewer, row.versions = housefault_fewer(row.versions))
ROW(head, last_version, row.version = UINT32_MAX - 1)
ROW(body, fields_cut, row.fields = housefault_cut(row.fields))
ROW(body, fields_fewer, row.fields = housefault_fewer(row.fields))
ROW(role, scopes_cut, row.scopes = housefault_cut(row.scopes))
ROW(role, scopes_fewer, row.scopes = housefault_fewer(row.scopes))
ROW(role, no_action, row.data_actions = no_pattern())

#define NOTHING DOES(ASK(STATUS), END)
#define ASKS(op, name, ...) DOES(ASK(op), WORD(ML), WORD(name), __VA_ARGS__)
#define PUT ASKS(SECRET_PUT, STORE, U8(COFRE_KIND_STORAGE), U8(0), U64(0),   \
	P_ANY, WORD(EMPTY), P_LIST, FIELD(ACCOUNT, 0, USER),                 \
	FIELD(ACCOUNT_KEY, 1, VALUE64), P_LIST_END, END)
#define RESYNCS ASK(RESYNC_BEGIN), WORD(ML), U8(0), END, ASK(RESYNC_LIST),   \
	WORD(ML), U64(0), END
#define STAGES ASK(RESYNC_STAGE), WORD(ML), WORD(STORE), U32(2), P_ORIGIN,   \
	U8(1), U8(1), U8(2), U64(1), U64(0), WORD(EMPTY), P_LIST,            \
	FIELD(ACCOUNT_KEY, 1, VALUE), P_LIST_END, END
#define SCAN DOES(ASK(RUN_SCAN), WORD(ML), U64(0), P_LIST, WORD(PROBLEM),    \
	P_ITEM, P_LIST_END, END)
#define ROLE_AGAIN DOES(ASK(ROLE_PUT), WORD(ROLE), WORD(LABEL), P_LIST,      \
	WORD(LISTING), P_ITEM, P_LIST_END, NO_LIST, NO_LIST, NO_LIST,        \
	P_LIST, WORD(ML), WORD(EMPTY), P_ITEM, P_LIST_END, U32(1), END)
#define SAYS(table, after, change) table, after, change, #change

static const struct {
	enum table table;
	unsigned after; /* so many rows of the table are right */
	housefault_change *change;
	const char *name;
	struct view before, request;
} rows[] = {
	{ SAYS(TABLE_HEAD, 0, versions_cut), NOTHING, PUT },
	{ SAYS(TABLE_HEAD, 0, versions_fewer), NOTHING, PUT },
	{ SAYS(TABLE_HEAD, 0, versions_cut), NOTHING,
	    ASKS(SECRET_VERSIONS, STORE, END) },
	{ SAYS(TABLE_HEAD, 0, versions_fewer), NOTHING,
	    ASKS(SECRET_VERSIONS, STORE, END) },
	{ SAYS(TABLE_HEAD, 0, versions_cut), ASKS(SECRET_DELETE, API, END),
	    ASKS(SECRET_PURGE, API, END) },
	{ SAYS(TABLE_HEAD, 0, versions_fewer), ASKS(SECRET_DELETE, API, END),
	    ASKS(SECRET_PURGE, API, END) },
	/* The third time that the commit reads it: it is about to write. */
	{ SAYS(TABLE_HEAD, 2, versions_cut), DOES(RESYNCS, STAGES),
	    DOES(ASK(RESYNC_COMMIT), WORD(ML), U32(9), U8(0), END) },
	{ SAYS(TABLE_BODY, 0, fields_cut), NOTHING,
	    ASKS(SECRET_GET, API, U32(0), WORD(USER), END) },
	{ SAYS(TABLE_BODY, 0, fields_fewer), NOTHING,
	    ASKS(SECRET_GET, API, U32(0), WORD(USER), END) },
	{ SAYS(TABLE_BODY, 1, fields_cut), NOTHING,
	    ASKS(SECRET_GET, DB, U32(0), WORD(EMPTY), END) },
	{ SAYS(TABLE_BODY, 1, fields_fewer), NOTHING,
	    ASKS(SECRET_GET, DB, U32(0), WORD(EMPTY), END) },
	{ SAYS(TABLE_BODY, 0, fields_cut), NOTHING, SCAN },
	{ SAYS(TABLE_BODY, 0, fields_cut), DOES(RESYNCS), DOES(STAGES) },
	{ SAYS(TABLE_BODY, 0, fields_fewer), DOES(RESYNCS), DOES(STAGES) },
	{ SAYS(TABLE_ROLE, 0, scopes_cut), NOTHING,
	    ASKS(ROLE_SHOW, ROLE, U32(0), END) },
	{ SAYS(TABLE_ROLE, 0, scopes_fewer), NOTHING,
	    ASKS(ROLE_SHOW, ROLE, U32(0), END) },
	{ SAYS(TABLE_ROLE, 0, no_action), ROLE_AGAIN,
	    ASKS(ROLE_SHOW, ROLE, U32(1), END) },
};

START_TEST(a_row_that_says_what_can_not_be_gives_nothing)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		enum cofre_status st;

		housecall_begin(HOUSE_OPEN);
		ck_assert_int_eq(housecall(rows[i].before), COFRE_OK);
		housecall_look();
		housefault_row(rows[i].table, rows[i].after, rows[i].change);
		st = housecall(rows[i].request);
		ck_assert_msg(housefault_end(), "%u, %s: no such row", i,
		    rows[i].name);
		ck_assert_msg(st == COFRE_CORRUPT, "%u, %s: %s", i,
		    rows[i].name, cofre_status_name(st));
		ck_assert_msg(housecall_is_same(), "%u, %s: changed", i,
		    rows[i].name);
		ck_assert_int_eq(housecall(rows[i].request), COFRE_OK);
	}
}
END_TEST

/* No number is given twice, so the last one ends it. */
START_TEST(a_secret_with_the_last_number_takes_no_more)
{
	static const uint8_t unlock[] = { ASK(UNLOCK), U32(0), WORD(KEY),
		U8(0), END };
	static const uint8_t stage[] = { RESYNCS, ASK(RESYNC_STAGE),
		WORD(ML), WORD(STORE), P_RAW32, 0xff, 0xff, 0xff, 0xfe,
		P_ORIGIN, U8(1), U8(1), U8(2), U64(1), U64(0), WORD(EMPTY),
		P_LIST, FIELD(ACCOUNT_KEY, 1, VALUE64), P_LIST_END, END };
	const struct view put = PUT;

	housecall_begin(HOUSE_LOCKED);
	housefault_row(TABLE_HEAD, 0, last_version);
	ck_assert_int_eq(housecall((struct view){ unlock, sizeof(unlock) }),
	    COFRE_OK);
	ck_assert(housefault_end());
	housecall_look();
	ck_assert_int_eq(housecall(put), COFRE_LIMIT);
	ck_assert_int_eq(housecall((struct view){ stage, sizeof(stage) }),
	    COFRE_CONFLICT);
	ck_assert(housecall_is_same());
}
END_TEST

/* Somebody waits for a newer version, or is told that he can't. */
START_TEST(who_can_not_wait_is_told_so)
{
	static const uint8_t watch[] = { ASK(SECRET_WATCH), WORD(ML), U8(1),
		P_LIST, WORD(STORE), U32(2), U32(0), P_ITEM, P_LIST_END,
		END };
	static const uint8_t meanwhile[] = { CONNECT(OPERATOR),
		ASK(SECRET_DELETE), WORD(ML), WORD(API), END, ASK(SECRET_PUT),
		WORD(ML), WORD(STORE), U8(COFRE_KIND_STORAGE), U8(0), U64(0),
		P_ANY, WORD(EMPTY), P_LIST, FIELD(ACCOUNT, 0, USER),
		P_LIST_END, END, I_TURNS, 1, I_SELECT, 0 };
	enum cofre_status st = COFRE_LIMIT;
	unsigned n = 0;

	for (; st == COFRE_LIMIT; n++) {
		housefault_set(FAULT_MEMORY, n);
		st = housecall((struct view){ watch, sizeof(watch) });
		ck_assert(housefault_end() == (st == COFRE_LIMIT));
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_int_eq(st, COFRE_CLOSED); /* no answer yet */
	ck_assert_int_eq(housecall((struct view){ meanwhile,
	    sizeof(meanwhile) }), COFRE_OK);
}
END_TEST

/* What an unlock without the SSH store makes anew, or not at all. */
START_TEST(an_ssh_store_that_can_not_be_made_is_not_there)
{
	static const uint8_t unlock[] = { ASK(UNLOCK), U32(0), WORD(KEY),
		U8(1), END };
	static const uint8_t report[] = { ASK(REPORT), END };
	static const uint8_t create[] = { ASK(TARGET_CREATE), WORD(ML),
		WORD(NEW), WORD(ADDRESS), U32(22), WORD(LOGIN), U8(0),
		WORD(EMPTY), NO_LIST, END };
	const struct view ask = { unlock, sizeof(unlock) };
	struct house *h = housecall_house();
	static struct rows without[2];
	unsigned n = 0;
	bool struck;

	do {
		housecall_begin(HOUSE_LOCKED);
		memcpy(without, h->rows, sizeof(without));
		without[1].count = 0;
		house_reset_rows(h, without);
		housefault_set(FAULT_WRITE, n++);
		ck_assert_int_eq(housecall(ask), COFRE_OK);
		struck = housefault_end();
		ck_assert(house_adds_up(h));
		ck_assert_int_eq(housecall((struct view){ report,
		    sizeof(report) }), COFRE_OK);
		ck_assert((housecall((struct view){ create,
		    sizeof(create) }) == COFRE_OK) == h->sv->vault.ssh.open);
		vault_lock(&h->sv->vault);
		ck_assert_int_eq(housecall(ask), COFRE_OK);
		ck_assert(h->sv->vault.ssh.open);
	} while (struck);
	ck_assert_uint_gt(n, 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("request_rows");
	TCase *t = tcase_create("request_rows");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, housecall_setup, housecall_teardown);
	tcase_add_test(t, a_row_that_says_what_can_not_be_gives_nothing);
	tcase_add_test(t, a_secret_with_the_last_number_takes_no_more);
	tcase_add_test(t, who_can_not_wait_is_told_so);
	tcase_add_test(t, an_ssh_store_that_can_not_be_made_is_not_there);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
