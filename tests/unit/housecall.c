#include "housecall.h"

#include <check.h>
#include <string.h>

#include "../fuzz/furnish.h"
#include "../fuzz/summary.h"
#include "ssh_agent.h"

/* One in a test's own process. */
static struct house *house;
static struct known known;
static struct program running;
static struct exchange last;
static bool open_before;

void
housecall_setup(void)
{
	house = house_make();
	furnish(house, &known);
	furnish_more(house, &known);
	housecall_begin(HOUSE_OPEN);
}

void
housecall_teardown(void)
{
	program_free(&running);
}

struct house *
housecall_house(void)
{
	return house;
}

void
housecall_begin(enum house_state state)
{
	static const uint8_t connect[] = { I_CONNECT, CLIENT_OPERATOR };

	if (running.house != NULL) {
		program_finish(&running);
		program_free(&running);
	}
	house_reset(house, state);
	program_run(&running, house, &known,
	    (struct view){ connect, sizeof(connect) });
}

/* What an ssh client was answered last. */
static enum cofre_status
agent_status(const struct client *c)
{
	struct view rest = { c->got.data, c->got.len }, message;
	uint8_t number = SSH_AGENT_FAILURE;
	size_t size;

	while (rest.len > 0 && ssh_agent_cut(rest, &message, &size) ==
	    SSH_FRAME_WHOLE) {
		number = message.data[0];
		rest.data += size;
		rest.len -= size;
	}
	return number == SSH_AGENT_FAILURE ||
		number == SSH_AGENT_EXTENSION_FAILURE ?
	    COFRE_DENIED :
	    COFRE_OK;
}

enum cofre_status
housecall(struct view program)
{
	const struct client *c;
	size_t sent = 0, got = 0;
	struct exchange x;

	program_go_on(&running, program);
	c = &running.clients[running.acts];
	last = (struct exchange){ .answered = false };
	if (c->agent)
		return agent_status(c);
	while (client_next(c, &sent, &got, &x))
		last = x;
	return last.answered ? (enum cofre_status)last.status : COFRE_CLOSED;
}

void
housecall_excuse(void)
{
	running.excused = true;
}

struct view
housecall_reply(void)
{
	struct view body = last.reply.body;

	ck_assert(last.answered && body.len >= 4);
	return (struct view){ body.data + 4, body.len - 4 };
}

/* Two, for what was and what is. */
static struct summary summaries[2];

void
housecall_look(void)
{
	open_before = house->sv->vault.state == VAULT_OPEN;
	if (open_before)
		summary_make(&summaries[0], &house->sv->vault);
}

bool
housecall_is_same(void)
{
	if ((house->sv->vault.state == VAULT_OPEN) != open_before)
		return false;
	if (!open_before)
		return true;
	summary_make(&summaries[1], &house->sv->vault);
	return house_adds_up(house) &&
	    summary_equal(&summaries[0], &summaries[1]);
}
