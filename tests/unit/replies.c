#include "replies.h"

#include <check.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct cmd replies_cmd;

static const struct replies_call *tested;
static struct script first;
static uint8_t body[4096];
static size_t body_len;
static struct {
	size_t at[3];
	size_t count;
} lists; /* of the reply, and where */

static void
setup(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ne(dup2(null, STDERR_FILENO), -1);
	(void)close(null);
	script_open(&first, 1000);
	replies_cmd = (struct cmd){ .c = first.c, .verb = "test" };
}

static void
teardown(void)
{
	script_close(&first);
}

void
replies_list(struct wire_writer *w)
{
	lists.at[lists.count++] = w->len;
}

static void
make_body(const struct replies_call *call)
{
	struct wire_writer w;

	lists.count = 0;
	wire_writer_init(&w, body, sizeof(body));
	call->put(&w);
	ck_assert(!w.bad);
	body_len = w.len;
}

/* Ask, and get so much of the body; nothing comes behind it. */
static enum cofre_status
ask(const struct replies_call *call, size_t len)
{
	static struct script p;
	cofre *c = replies_cmd.c;
	enum cofre_status ret;
	int pair[2];
	size_t at;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			     pair), 0);
	handle_give_up(c);
	c->fd = pair[0];
	c->greeted = true;
	c->cut = false;
	p.fd = pair[1];
	wire_writer_init(&p.w, p.buf, sizeof(p.buf));
	at = script_reply(&p, call->op, c->id + 1, 0);
	wire_put_bytes(&p.w, (struct view){ body, len });
	frame_end(&p.w, at);
	script_flush(&p);
	ck_assert_int_eq(shutdown(p.fd, SHUT_WR), 0);
	ret = call->ask();
	ck_assert_int_eq(handle_is_connected(c), ret == COFRE_OK);
	script_hang_up(&p);
	return ret;
}

START_TEST(a_reply_has_the_length_that_it_says)
{
	const struct replies_call *call = &tested[_i];

	make_body(call);
	ck_assert_int_eq(ask(call, body_len), COFRE_OK);
	for (size_t len = 0; len < body_len; len++)
		ck_assert_msg(ask(call, len) == COFRE_BAD_REPLY, "%zu bytes",
		    len);
	body[body_len] = 0;
	ck_assert_int_eq(ask(call, body_len + 1), COFRE_BAD_REPLY);
}
END_TEST

START_TEST(a_list_has_as_many_items_as_it_says)
{
	const struct replies_call *call = &tested[_i];

	make_body(call);
	for (size_t i = 0; i < lists.count; i++) {
		uint8_t *count = body + lists.at[i] + 3;

		ck_assert_uint_eq(*count, 1);
		*count = 0;
		ck_assert_int_eq(ask(call, body_len), COFRE_BAD_REPLY);
		*count = 2;
		ck_assert_int_eq(ask(call, body_len), COFRE_BAD_REPLY);
		*count = 1;
	}
}
END_TEST

START_TEST(no_changed_byte_does_harm)
{
	static const uint8_t changes[] = { 0x01, 0xff, 0x80 };
	const struct replies_call *call = &tested[_i];

	make_body(call);
	for (size_t i = 0; i < body_len; i++) {
		const uint8_t was = body[i];

		for (size_t n = 0; n < COUNT(changes); n++) {
			enum cofre_status s;

			body[i] = (uint8_t)(was + changes[n]);
			s = ask(call, body_len);
			ck_assert_msg(s == COFRE_OK ||
				s == COFRE_BAD_REPLY || s == COFRE_CLOSED,
			    "byte %zu: %s", i, cofre_status_name(s));
		}
		body[i] = was;
	}
}
END_TEST

int
replies_main(const char *suite, const struct replies_call *calls,
    size_t count)
{
	Suite *s = suite_create(suite);
	TCase *t = tcase_create(suite);
	SRunner *r;
	int failed;

	tested = calls;
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_reply_has_the_length_that_it_says, 0,
	    (int)count);
	tcase_add_loop_test(t, a_list_has_as_many_items_as_it_says, 0,
	    (int)count);
	tcase_add_loop_test(t, no_changed_byte_does_harm, 0, (int)count);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
