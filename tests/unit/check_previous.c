/*
 * Tests of src/previous.c: which old versions are deleted, when, and what
 * becomes of those that can't be.  The rows are made up; check_endings.c is
 * about the list.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "previous.h"
#include "sample.h"
#include "secret_rows.h"
#include "turn.h"

#define NOON ((uint64_t)1000000 * 86400)
#define SECOND 1000000u
#define RECORD 5u
#define MANY 70u /* more than are deleted in one turn */

static struct server *sv;
static uint8_t reply[FRAME_MAX];
static const char *failing; /* the call that fails */
static bool over = true;    /* the version's run has ended */
static bool workspace_gone;
static uint32_t current;    /* version of each secret */
static uint64_t until;	    /* the end that the head says */
static struct list kept;    /* versions in the head that was saved */
static unsigned dropped, notes;
static char note[256];

static bool
fails(const char *name)
{
	return strcmp(name, failing) == 0;
}

bool __wrap_turn_has_room(const struct server *s);
bool __wrap_turn_reserve(struct server *s);
struct turn_entry *__wrap_turn_add(struct server *s, struct conn *c,
    bool recorded);
struct view __wrap_turn_text(struct server *s, struct view text);
enum cofre_status __wrap_vault_begin(struct vault *v, size_t need,
    bool reserve);
void __wrap_vault_poison(struct vault *v, enum cofre_status st);
struct workspace *__wrap_vault_workspace_kept(struct vault *v, uint64_t id);
enum cofre_status __wrap_secret_head(struct request *q,
    const struct catalog_entry *e, struct head_row *head);
enum cofre_status __wrap_secret_drop_body(struct request *q, uint64_t record,
    uint32_t version);
enum cofre_status __wrap_secret_save_head(struct request *q, uint64_t record,
    const struct head_row *head);
bool __wrap_secret_version_ended(const struct server *s, uint64_t record,
    const struct version_row *row);

static bool poisoned;

bool
__wrap_turn_has_room(const struct server *s)
{
	(void)s;
	return !fails("turn_has_room");
}

bool
__wrap_turn_reserve(struct server *s)
{
	(void)s;
	return !fails("turn_reserve");
}

struct turn_entry *
__wrap_turn_add(struct server *s, struct conn *c, bool recorded)
{
	static struct turn_entry entry;

	(void)s;
	ck_assert(c == NULL && recorded);
	notes++;
	return &entry;
}

struct view
__wrap_turn_text(struct server *s, struct view text)
{
	(void)s;
	(void)snprintf(note, sizeof(note), "%.*s", (int)text.len,
	    (const char *)text.data);
	return view_of(note);
}

enum cofre_status
__wrap_vault_begin(struct vault *v, size_t need, bool reserve)
{
	(void)v;
	ck_assert(need > 0 && reserve);
	return fails("vault_begin") ? COFRE_STORE_FULL : COFRE_OK;
}

void
__wrap_vault_poison(struct vault *v, enum cofre_status st)
{
	(void)v;
	ck_assert_int_eq(st, COFRE_STORE_FAILED);
	poisoned = true;
}

struct workspace *
__wrap_vault_workspace_kept(struct vault *v, uint64_t id)
{
	static struct workspace ws;

	(void)v;
	ck_assert_uint_eq(id, 1);
	return workspace_gone ? NULL : &ws;
}

/* Three versions, of which the middle one has an end. */
enum cofre_status
__wrap_secret_head(struct request *q, const struct catalog_entry *e,
    struct head_row *head)
{
	static uint8_t buf[512];
	struct wire_writer w;
	struct wire_list l;

	(void)q;
	ck_assert_uint_ge(e->record, RECORD);
	wire_writer_init(&w, buf, sizeof(buf));
	list_begin(&l, &w);
	for (uint32_t v = 1; v <= 3; v++) {
		version_row_put(&w, &(struct version_row){ .version = v,
		    .until = v == 2 ? until : 0 });
		list_item(&l);
	}
	list_end(&l);
	memset(head, 0, sizeof(*head));
	head->version = current;
	head->name = view_of("name");
	head->versions = list_made(&w, 0, VERSIONS_MAX);
	return fails("secret_head") ? COFRE_NOT_FOUND : COFRE_OK;
}

enum cofre_status
__wrap_secret_drop_body(struct request *q, uint64_t record, uint32_t version)
{
	ck_assert(q->workspace != NULL && view_is(q->name, "name"));
	ck_assert(record >= RECORD && version == 2);
	dropped++;
	return fails("drop_body") ? COFRE_STORE_FAILED : COFRE_OK;
}

enum cofre_status
__wrap_secret_save_head(struct request *q, uint64_t record,
    const struct head_row *head)
{
	(void)q;
	(void)record;
	kept = head->versions;
	return fails("save_head") ? COFRE_STORE_FAILED : COFRE_OK;
}

bool
__wrap_secret_version_ended(const struct server *s, uint64_t record,
    const struct version_row *row)
{
	(void)record;
	return over || row->until <= s->now;
}

/* An end a second from now. */
static void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	sv->reply = reply;
	sv->vault.state = VAULT_OPEN;
	sv->now = NOON;
	until = NOON + SECOND;
	current = 3;
	failing = "";
}

static void
teardown(void)
{
	endings_forget(&sv->vault.endings);
	free(sv);
}

static void
add(uint64_t record)
{
	const struct version_row row = { .version = 2,
		.until = NOON + SECOND };

	ck_assert_int_eq(endings_add(&sv->vault.endings, 1, record, &row),
	    COFRE_OK);
}

START_TEST(a_version_goes_when_its_time_is_over_and_no_other)
{
	struct version_row row;

	over = false;
	add(RECORD);
	previous_tick(sv);
	ck_assert_uint_eq(dropped, 0);
	ck_assert_int_eq(previous_timeout(sv), 1000);
	sv->now = NOON + SECOND;
	ck_assert_int_eq(previous_timeout(sv), 0);
	previous_tick(sv);
	ck_assert_uint_eq(dropped, 1);
	ck_assert_uint_eq(notes, 1);
	ck_assert_str_eq(note, "version 2 is gone: its grace is over");
	ck_assert_uint_eq(kept.count, 2);
	ck_assert(secret_find_version(kept, 1, &row));
	ck_assert(!secret_find_version(kept, 2, &row));
	ck_assert(secret_find_version(kept, 3, &row));
	ck_assert(!poisoned);
	/* The list learns of it when it has been kept. */
	ck_assert_uint_eq(sv->vault.endings.count, 1);
	ck_assert_int_eq(previous_timeout(sv), 1000);
}
END_TEST

START_TEST(the_last_run_that_ends_is_noted_as_the_reason)
{
	add(RECORD);
	over = false;
	previous_tick(sv);
	over = true;
	previous_tick(sv); /* nothing has changed: it is not looked at */
	ck_assert_uint_eq(dropped, 0);
	sv->vault.runs.changes++;
	previous_tick(sv);
	ck_assert_uint_eq(dropped, 1);
	ck_assert_str_eq(note, "version 2 is gone: no run that has read it "
	    "goes on");
}
END_TEST

static void
no_workspace(void)
{
	workspace_gone = true;
}

static void
no_secret(void)
{
	failing = "secret_head";
}

static void
later_end(void)
{
	until = NOON + 9 * SECOND;
}

static void
is_current(void)
{
	current = 2;
}

static void (*const others[])(void) = { no_workspace, no_secret, later_end,
	is_current };

/* The list is old: rows say what is true. */
START_TEST(what_the_rows_do_not_say_is_not_deleted)
{
	add(RECORD);
	others[_i]();
	sv->now = NOON + SECOND;
	previous_tick(sv);
	ck_assert_uint_eq(dropped, 0);
	ck_assert_uint_eq(notes, 0);
	ck_assert_uint_eq(sv->vault.endings.count, 0);
	ck_assert_int_eq(previous_timeout(sv), -1);
}
END_TEST

static const char *const busy[] = { "vault_begin", "turn_has_room",
	"turn_reserve" };

/* Nothing goes without its record. */
START_TEST(what_cant_be_deleted_now_is_tried_again)
{
	add(RECORD);
	sv->now = NOON + SECOND;
	failing = busy[_i];
	previous_tick(sv);
	ck_assert_uint_eq(dropped, 0);
	ck_assert_int_eq(previous_timeout(sv), 1000);
	failing = "";
	sv->now += SECOND;
	previous_tick(sv);
	ck_assert_uint_eq(dropped, 1);
}
END_TEST

/* Half of it must not be kept. */
START_TEST(a_store_that_fails_meanwhile_keeps_nothing_of_the_turn)
{
	add(RECORD);
	sv->now = NOON + SECOND;
	failing = _i == 0 ? "drop_body" : "save_head";
	previous_tick(sv);
	ck_assert(poisoned);
}
END_TEST

START_TEST(many_that_end_at_once_do_not_hold_up_a_turn)
{
	for (unsigned i = 0; i < MANY; i++)
		add(RECORD + i);
	sv->now = NOON + SECOND;
	previous_tick(sv);
	ck_assert_uint_gt(dropped, 0);
	ck_assert_uint_lt(dropped, MANY);
	ck_assert_int_eq(previous_timeout(sv), 0); /* the rest is due */
}
END_TEST

START_TEST(a_locked_vault_deletes_nothing)
{
	add(RECORD);
	sv->now = NOON + SECOND;
	sv->vault.state = VAULT_LOCKED;
	previous_tick(sv);
	ck_assert_uint_eq(dropped, 0);
	ck_assert_int_eq(previous_timeout(sv), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("previous");
	TCase *t = tcase_create("previous");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_version_goes_when_its_time_is_over_and_no_other);
	tcase_add_test(t, the_last_run_that_ends_is_noted_as_the_reason);
	tcase_add_loop_test(t, what_the_rows_do_not_say_is_not_deleted, 0,
	    (int)COUNT(others));
	tcase_add_loop_test(t, what_cant_be_deleted_now_is_tried_again, 0,
	    (int)COUNT(busy));
	tcase_add_loop_test(t,
	    a_store_that_fails_meanwhile_keeps_nothing_of_the_turn, 0, 2);
	tcase_add_test(t, many_that_end_at_once_do_not_hold_up_a_turn);
	tcase_add_test(t, a_locked_vault_deletes_nothing);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
