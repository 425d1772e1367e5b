#include "script.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
script_listen(struct script *p, int backlog)
{
	memset(p, 0, sizeof(*p));
	(void)strcpy(p->dir, "/tmp/check_client.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->dir));
	p->addr.sun_family = AF_UNIX;
	(void)snprintf(p->addr.sun_path, sizeof(p->addr.sun_path), "%s/s",
	    p->dir);
	p->fd = -1;
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(p->listener, -1);
	ck_assert_int_eq(bind(p->listener, (struct sockaddr *)&p->addr,
			     sizeof(p->addr)), 0);
	ck_assert_int_eq(listen(p->listener, backlog), 0);
	wire_writer_init(&p->w, p->buf, sizeof(p->buf));
}

void
script_open(struct script *p, unsigned timeout_ms)
{
	script_listen(p, 1);
	ck_assert_int_eq(cofre_open(&p->c, p->addr.sun_path, timeout_ms),
	    COFRE_OK);
	p->fd = accept(p->listener, NULL, NULL);
	ck_assert_int_ne(p->fd, -1);
}

void
script_close(struct script *p)
{
	cofre_close(p->c);
	if (p->fd != -1)
		(void)close(p->fd);
	(void)close(p->listener);
	(void)unlink(p->addr.sun_path);
	(void)rmdir(p->dir);
}

void
script_hang_up(struct script *p)
{
	(void)close(p->fd);
	p->fd = -1;
}

void
script_say(struct script *p, const void *data, size_t len)
{
	ck_assert_int_eq(send(p->fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

struct view
script_hear(struct script *p)
{
	ssize_t n = recv(p->fd, p->in, sizeof(p->in), MSG_DONTWAIT);

	return (struct view){ p->in, n < 0 ? 0 : (size_t)n };
}

void
script_flush(struct script *p)
{
	ck_assert(!p->w.bad);
	script_say(p, p->buf, p->w.len);
	p->w.len = 0;
}

size_t
script_reply(struct script *p, enum op_code op, uint32_t id, uint32_t status)
{
	size_t at = frame_begin(&p->w, FRAME_REPLY, (uint16_t)op, id);

	wire_put_u32(&p->w, status);
	return at;
}

void
script_put_status(struct script *p, enum op_code op, uint32_t id,
    uint32_t status)
{
	frame_end(&p->w, script_reply(p, op, id, status));
}

void
script_put_hello(struct script *p)
{
	const struct hello_reply m = { PROTO_VERSION, view_of("cofred") };
	size_t at = script_reply(p, OP_HELLO, HELLO_ID, 0);

	hello_reply_put(&p->w, &m);
	frame_end(&p->w, at);
}

void
script_put_secret(struct script *p, uint32_t id, uint32_t version,
    const struct script_field *fields, size_t n)
{
	const struct secret_get_reply m = { .kind = COFRE_KIND_GENERIC,
		.version = version, .created = 11, .expires = 12,
		.followed = 10 };
	size_t at = script_reply(p, OP_SECRET_GET, id, 0);
	struct wire_list l;

	secret_get_reply_put(&p->w, &m);
	p->w.len -= 8; /* the empty list */
	list_begin(&l, &p->w);
	for (size_t i = 0; i < n; i++) {
		const struct field_item f = { view_of(fields[i].name),
			fields[i].flags, view_of(fields[i].value) };

		field_item_put(&p->w, &f);
		list_item(&l);
	}
	list_end(&l);
	frame_end(&p->w, at);
}

const struct script_field script_one_field[1] = {
	{ "value", 1, SCRIPT_SECRET },
};

enum cofre_status
script_get(struct script *p, const char *field, cofre_secret **s)
{
	return cofre_get(p->c, "ml-prod", "token", 0, field, s);
}

void
script_check_wiped(const struct script *p)
{
	ck_assert_ptr_null(memmem(p->c->mem.base, p->c->mem.size, SCRIPT_SECRET,
	    strlen(SCRIPT_SECRET)));
}

void
script_check_error(const struct script *p, const char *part)
{
	ck_assert_msg(strstr(cofre_error(p->c), part) != NULL,
	    "got '%s', not '%s'", cofre_error(p->c), part);
	ck_assert_ptr_null(strstr(cofre_error(p->c), SCRIPT_SECRET));
}

void
script_check_closed(struct script *p)
{
	cofre_secret *s = NULL;

	script_check_wiped(p);
	ck_assert_int_eq(script_get(p, NULL, &s), COFRE_CLOSED);
	script_check_error(p, "get ml-prod/token: this handle has no "
			      "connection; open a new one");
	ck_assert_ptr_null(s);
}
