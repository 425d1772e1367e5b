/*
 * Tests of client/entries.c and leak.c where several replies
 * belong together: lists of many pages, which end, and how names of a list
 * are told.  A child is the daemon.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "entries.h"
#include "leak.h"
#include "script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct page {
	const char *names[3];
	uint64_t next; /* or: there are more */
};

static struct script p;
static struct cmd cmd;

static void
put_secrets(struct wire_writer *w, const struct page *page)
{
	struct wire_list l;

	list_begin(&l, w);
	for (size_t i = 0; i < 3 && page->names[i] != NULL; i++) {
		secret_item_put(w, &(struct secret_item){
			.name = view_of(page->names[i]),
			.kind = COFRE_KIND_GENERIC, .version = 1 });
		list_item(&l);
	}
	list_end(&l);
	wire_put_u64(w, page->next);
}

static void
put_workspaces(struct wire_writer *w, const struct page *page)
{
	struct wire_list l;

	list_begin(&l, w);
	for (size_t i = 0; i < 3 && page->names[i] != NULL; i++) {
		workspace_item_put(w, &(struct workspace_item){
			.name = view_of(page->names[i]) });
		list_item(&l);
	}
	list_end(&l);
	wire_put_u8(w, page->next);
}

static void
put_scan(struct wire_writer *w, const struct page *page)
{
	run_scan_reply_put(w, &(struct run_scan_reply){ .next = page->next });
}

/* A child that answers each request with the next page. */
static pid_t
serve(enum op_code op, const struct page *pages, size_t count,
    void (*put)(struct wire_writer *w, const struct page *page))
{
	pid_t pid;

	script_open(&p, 10000);
	cmd = (struct cmd){ .c = p.c, .verb = "test" };
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid != 0)
		return pid;
	if (recv(p.fd, p.in, sizeof(p.in), 0) <= 0)
		_exit(1);
	script_put_hello(&p);
	script_flush(&p);
	for (size_t i = 0; i < count; i++) {
		size_t at;

		if (recv(p.fd, p.in, sizeof(p.in), 0) <= 0)
			_exit(1);
		at = script_reply(&p, op, FIRST_ID + (uint32_t)i, 0);
		put(&p.w, &pages[i]);
		frame_end(&p.w, at);
		script_flush(&p);
	}
	_exit(0);
}

static void
end(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	script_close(&p);
}

static const struct {
	struct page pages[3];
	size_t count;
	const char *names; /* NULL: it is a bad reply */
} secrets[] = {
	{ { { { NULL }, 0 } }, 1, "" },
	{ { { { "b", "c", "a" }, 0 } }, 1, "a, b, c" },
	{ { { { "c" }, 5 }, { { "b" }, 9 }, { { "a" }, 0 } }, 3, "a, b, c" },
	{ { { { NULL }, 5 }, { { "b" }, 0 } }, 2, "b" },
	{ { { { "c" }, 5 }, { { "b" }, 5 } }, 2, NULL },
	{ { { { "c" }, 5 }, { { "b" }, 4 } }, 2, NULL },
};

START_TEST(pages_of_secrets_go_forward)
{
	struct entries all = { NULL, 0 };
	char names[ENTRIES_NAMES];
	pid_t pid = serve(OP_SECRET_LIST, secrets[_i].pages,
	    secrets[_i].count, put_secrets);
	enum cofre_status s = entries_read(&cmd, view_of("w"), false, &all);

	if (secrets[_i].names == NULL) {
		ck_assert_int_eq(s, COFRE_BAD_REPLY);
	} else {
		ck_assert_int_eq(s, COFRE_OK);
		ck_assert_str_eq(entries_names(&all, names),
		    secrets[_i].names);
	}
	entries_free(&all);
	end(pid);
}
END_TEST

static const struct {
	struct page pages[3];
	size_t count;
	size_t names; /* SIZE_MAX: it is a bad reply */
} workspaces[] = {
	{ { { { NULL }, 0 } }, 1, 0 },
	{ { { { "a", "b" }, 1 }, { { "c" }, 0 } }, 2, 3 },
	{ { { { "a", "b" }, 1 }, { { NULL }, 0 } }, 2, 2 },
	{ { { { NULL }, 1 } }, 1, SIZE_MAX },
	{ { { { "b", "a" }, 0 } }, 1, SIZE_MAX },
	{ { { { "a", "a" }, 0 } }, 1, SIZE_MAX },
	{ { { { "" }, 0 } }, 1, SIZE_MAX },
	{ { { { "a", "b" }, 1 }, { { "b" }, 0 } }, 2, SIZE_MAX },
};

START_TEST(pages_of_workspaces_go_forward)
{
	struct workspaces all;
	pid_t pid = serve(OP_WORKSPACE_LIST, workspaces[_i].pages,
	    workspaces[_i].count, put_workspaces);
	enum cofre_status s = workspaces_read(&cmd, &all);

	if (workspaces[_i].names == SIZE_MAX) {
		ck_assert_int_eq(s, COFRE_BAD_REPLY);
	} else {
		ck_assert_int_eq(s, COFRE_OK);
		ck_assert_uint_eq(all.count, workspaces[_i].names);
	}
	free(all.at);
	end(pid);
}
END_TEST

static const struct {
	struct page pages[3];
	size_t count;
	enum cofre_status status;
} scans[] = {
	{ { { { NULL }, 5 }, { { NULL }, 9 }, { { NULL }, 0 } }, 3,
	    COFRE_OK },
	{ { { { NULL }, 5 }, { { NULL }, 5 } }, 2, COFRE_BAD_REPLY },
	{ { { { NULL }, 5 }, { { NULL }, 4 } }, 2, COFRE_BAD_REPLY },
};

START_TEST(a_scan_goes_forward)
{
	char name[COFRE_SECRET_NAME_MAX + 1] = "";
	const struct view text = view_of("x");
	size_t found = 0;
	pid_t pid = serve(OP_RUN_SCAN, scans[_i].pages, scans[_i].count,
	    put_scan);

	ck_assert_int_eq(leak_scan(cmd.c, "w", &text, 1, &found, name),
	    scans[_i].status);
	ck_assert_uint_eq(found, 0);
	ck_assert_str_eq(name, "");
	end(pid);
}
END_TEST

/* What does not fit is counted. */
START_TEST(names_that_do_not_fit_are_counted)
{
	struct entry at[100];
	struct entries all = { at, 0 };
	char names[ENTRIES_NAMES], end_of[32];
	size_t shown = 0;

	memset(at, 0, sizeof(at));
	for (size_t i = 0; i < COUNT(at); i++)
		(void)snprintf(at[i].name, sizeof(at[i].name), "secret-%02zu",
		    i);
	for (all.count = 1; all.count <= COUNT(at); all.count++) {
		(void)entries_names(&all, names);
		ck_assert_uint_lt(strlen(names), ENTRIES_NAMES);
		if (strstr(names, " other") == NULL) {
			ck_assert_uint_eq(all.count, ++shown);
			continue;
		}
		(void)snprintf(end_of, sizeof(end_of), "%02zu and %zu other%s",
		    shown - 1, all.count - shown,
		    all.count - shown == 1 ? "" : "s");
		ck_assert_ptr_nonnull(strstr(names, end_of));
		ck_assert_str_eq(strstr(names, end_of), end_of);
	}
	ck_assert_uint_gt(shown, 10);
	ck_assert_uint_lt(shown, COUNT(at));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("entries");
	TCase *t = tcase_create("entries");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, pages_of_secrets_go_forward, 0,
	    (int)COUNT(secrets));
	tcase_add_loop_test(t, pages_of_workspaces_go_forward, 0,
	    (int)COUNT(workspaces));
	tcase_add_loop_test(t, a_scan_goes_forward, 0, (int)COUNT(scans));
	tcase_add_test(t, names_that_do_not_fit_are_counted);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
