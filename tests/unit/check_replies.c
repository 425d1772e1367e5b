/*
 * What the library makes of replies that a daemon should not give: whoever
 * asks is told so; nothing of it is used, and the connection is given up.
 */
#include <check.h>
#include <stdlib.h>

#include "call.h"
#include "leak.h"
#include "replies.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ID "00010203040506070000000000000000"
#define TOKEN "cofre_r_AZaz09-_"

/*
 * The replies.
 */

static void
put_nothing(struct wire_writer *w)
{
	(void)w;
}

static void
put_version(struct wire_writer *w)
{
	secret_put_reply_put(w, &(struct secret_put_reply){ 7 });
}

static void
put_secret(struct wire_writer *w)
{
	secret_get_reply_put(w, &(struct secret_get_reply){
		.kind = COFRE_KIND_GENERIC, .version = 3 });
	lists_take_back(w, 1);
	REPLIES_LIST(w, field_item, { view_of("value"), FIELD_SECRET,
		view_of("v") });
}

static void
put_secrets(struct wire_writer *w)
{
	REPLIES_LIST(w, secret_item, { .name = view_of("a"),
		.kind = COFRE_KIND_GENERIC, .version = 1,
		.follows = view_of("b") });
	wire_put_u64(w, 0);
}

static void
put_started(struct wire_writer *w)
{
	const struct view id = { (const uint8_t *)"0123456789abcdef", 16 };

	run_start_reply_put(w, &(struct run_start_reply){ id, 9,
		view_of(TOKEN) });
}

static void
put_renewed(struct wire_writer *w)
{
	run_renew_reply_put(w, &(struct run_renew_reply){ 9 });
}

static void
put_attached(struct wire_writer *w)
{
	const struct view id = { (const uint8_t *)"0123456789abcdef", 16 };

	run_attach_reply_put(w, &(struct run_attach_reply){ id,
		view_of("ml-prod"), 9 });
}

static void
put_scanned(struct wire_writer *w)
{
	run_scan_reply_put(w, &(struct run_scan_reply){ 0, 1,
		view_of("store") });
}

/*
 * Who asks.
 */

static enum cofre_status
ask_put(void)
{
	cofre_secret *s = NULL;
	uint32_t version = 0;
	enum cofre_status ret;

	ck_assert_int_eq(cofre_secret_new(&s, COFRE_KIND_GENERIC, 0),
	    COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "value", 1, "v", 1), COFRE_OK);
	ret = cofre_put(replies_cmd.c, "ml-prod", "store", s, 0, COFRE_ANY_VERSION,
	    &version);
	ck_assert(ret == COFRE_OK || version == 0);
	cofre_secret_free(s);
	return ret;
}

static enum cofre_status
ask_get(void)
{
	cofre_secret *s = NULL;
	enum cofre_status ret = cofre_get(replies_cmd.c, "ml-prod", "store", 3,
	    "value", &s);

	ck_assert_int_eq(s != NULL, ret == COFRE_OK);
	cofre_secret_free(s);
	return ret;
}

static enum cofre_status
ask_list(void)
{
	struct cofre_entry *e = NULL;
	size_t n = 0;
	enum cofre_status ret = cofre_list(replies_cmd.c, "ml-prod", &e, &n);

	ck_assert_int_eq(e != NULL, n > 0);
	ck_assert(ret == COFRE_OK || n == 0);
	free(e);
	return ret;
}

static enum cofre_status
ask_delete(void)
{
	return cofre_delete(replies_cmd.c, "ml-prod", "store");
}

static enum cofre_status
ask_stale(void)
{
	return cofre_report_stale(replies_cmd.c, "ml-prod", "store", 3);
}

static enum cofre_status
ask_start(void)
{
	const struct cofre_run_options o = { .size = sizeof(o),
		.workspace = "ml-prod", .target = COFRE_RUN_SELF };
	char token[COFRE_RUN_TOKEN_SIZE] = "";
	struct cofre_run run = { .expires = 0 };
	enum cofre_status ret = cofre_run_start(replies_cmd.c, &o, &run, token,
	    sizeof(token));

	ck_assert(ret == COFRE_OK || token[0] == '\0');
	return ret;
}

static enum cofre_status
ask_end(void)
{
	return cofre_run_end(replies_cmd.c, "ml-prod", ID);
}

static enum cofre_status
ask_renew(void)
{
	uint64_t expires = 0;
	enum cofre_status ret = cofre_run_renew(replies_cmd.c, "ml-prod", ID, 60,
	    &expires);

	ck_assert(ret == COFRE_OK || expires == 0);
	return ret;
}

static enum cofre_status
ask_attach(void)
{
	struct cofre_run run = { .expires = 0 };

	return cofre_run_attach(replies_cmd.c, TOKEN, &run);
}

static enum cofre_status
ask_scan(void)
{
	const struct view text = view_of("x");
	char name[COFRE_SECRET_NAME_MAX + 1] = "";
	size_t found = 0;
	enum cofre_status ret = leak_scan(replies_cmd.c, "ml-prod", &text, 1, &found,
	    name);

	ck_assert(ret == COFRE_OK || found == 0);
	return ret;
}

static const struct replies_call calls[] = {
	{ OP_SECRET_PUT, put_version, ask_put },
	{ OP_SECRET_GET, put_secret, ask_get },
	{ OP_SECRET_LIST, put_secrets, ask_list },
	{ OP_SECRET_DELETE, put_nothing, ask_delete },
	{ OP_SECRET_STALE, put_nothing, ask_stale },
	{ OP_RUN_START, put_started, ask_start },
	{ OP_RUN_END, put_nothing, ask_end },
	{ OP_RUN_RENEW, put_renewed, ask_renew },
	{ OP_RUN_ATTACH, put_attached, ask_attach },
	{ OP_RUN_SCAN, put_scanned, ask_scan },
};

int
main(void)
{
	return replies_main("replies", calls, COUNT(calls));
}
