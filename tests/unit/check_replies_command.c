/*
 * What the command makes of replies that a daemon should not give, where it
 * asks for lists and for targets.
 */
#include <check.h>
#include <stdlib.h>

#include "call.h"
#include "entries.h"
#include "replies.h"
#include "sshsample.h"
#include "status.h"
#include "targetinfo.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct arg_object object = { "ml-prod", "store" };
static uint8_t bytes[SSH_BLOB_MAX];

/*
 * The replies.
 */

static void
put_secrets(struct wire_writer *w)
{
	REPLIES_LIST(w, secret_item, { .name = view_of("a"),
		.kind = COFRE_KIND_GENERIC, .version = 1,
		.follows = view_of("b") });
	wire_put_u64(w, 0);
}

static void
put_workspaces(struct wire_writer *w)
{
	REPLIES_LIST(w, workspace_item, { .name = view_of("ml-prod") });
	wire_put_u8(w, 0);
}

static struct view
public_key(void)
{
	return (struct view){ bytes, SSH_KEY_LEN };
}

static void
put_keys(struct wire_writer *w)
{
	uint8_t room[SSH_BLOB_MAX];

	REPLIES_LIST(w, target_key_item, { 1, 2, public_key() });
	REPLIES_LIST(w, pin_item, { sshsample_blob(SSHSAMPLE_LINE, room) });
}

static void
put_target(struct wire_writer *w)
{
	target_show_reply_put(w, &(struct target_show_reply){ .revision = 1,
		.host = view_of("h"), .port = 22, .user = view_of("u") });
	lists_take_back(w, 3);
	put_keys(w);
	REPLIES_LIST(w, namespace_item, { view_of("git") });
}

static void
put_reach(struct wire_writer *w)
{
	target_reach_reply_put(w, &(struct target_reach_reply){
		.host = view_of("h"), .port = 22, .user = view_of("u") });
	lists_take_back(w, 2);
	put_keys(w);
}

static void
put_pinned(struct wire_writer *w)
{
	target_pin_reply_put(w, &(struct target_pin_reply){ 2 });
}

static void
put_certificate(struct wire_writer *w)
{
	ca_user_reply_put(w, &(struct ca_user_reply){
		sshsample_base64(SSHSAMPLE_CERT, bytes, sizeof(bytes)), 42, 9 });
}

/*
 * Who asks.
 */

/* A function of the command: it prints what went wrong. */
static enum cofre_status
status_of(int code)
{
	if (code == CMD_GO)
		return COFRE_OK;
	if (code == status_exit_code(COFRE_BAD_REPLY))
		return COFRE_BAD_REPLY;
	return COFRE_CLOSED;
}

static enum cofre_status
ask_entries(void)
{
	struct entries all = { NULL, 0 };
	enum cofre_status ret = entries_followers(&replies_cmd, view_of("ml-prod"), "b",
	    &all);

	ck_assert(ret == COFRE_OK || all.count == 0);
	entries_free(&all);
	return ret;
}

static enum cofre_status
ask_workspaces(void)
{
	struct workspaces all;
	enum cofre_status ret = workspaces_read(&replies_cmd, &all);

	free(all.at);
	return ret;
}

static enum cofre_status
ask_target(void)
{
	struct targetinfo t;

	return status_of(targetinfo_get(&replies_cmd, &object, &t));
}

static enum cofre_status
ask_reach(void)
{
	struct targetinfo t;

	return status_of(targetinfo_reach(&replies_cmd, &object, &t));
}

static enum cofre_status
ask_pin(void)
{
	const struct targetinfo t = { .name = object, .revision = 1 };
	uint8_t room[SSH_BLOB_MAX];
	const struct view blob = sshsample_blob(SSHSAMPLE_LINE, room);

	return status_of(targetinfo_pin_all(&replies_cmd, &t, &blob, 1));
}

static enum cofre_status
ask_certificate(void)
{
	const struct targetinfo t = { .name = object };
	uint8_t room[SSH_BLOB_MAX];
	struct view v = { NULL, 0 };
	enum cofre_status ret = targetinfo_certify(&replies_cmd, &t, room, &v);

	ck_assert_int_eq(v.data != NULL, ret == COFRE_OK);
	return ret;
}

static const struct replies_call calls[] = {
	{ OP_SECRET_LIST, put_secrets, ask_entries },
	{ OP_WORKSPACE_LIST, put_workspaces, ask_workspaces },
	{ OP_TARGET_SHOW, put_target, ask_target },
	{ OP_TARGET_REACH, put_reach, ask_reach },
	{ OP_TARGET_PIN, put_pinned, ask_pin },
	{ OP_CA_USER, put_certificate, ask_certificate },
};

int
main(void)
{
	return replies_main("replies to the command", calls, COUNT(calls));
}
