#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "message_body.h"

#define TURNS_MAX 4000	 /* until all must have come to an end */
#define SECOND 1000000u

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The next byte of the program. */
static uint8_t
take(struct wire_reader *r)
{
	return r->len > 0 ? wire_get_u8(r) : 0;
}

static struct client *
actor(struct program *p)
{
	return &p->clients[p->acts];
}

static void
keep(uint8_t *to, size_t size, struct view v, size_t *len)
{
	if (v.len == 0 || v.len > size)
		return;
	memcpy(to, v.data, v.len);
	if (len != NULL)
		*len = v.len;
}

/* Take what later requests may name out of an answer. */
static void
learn_of(struct program *p, const struct exchange *x)
{
	struct view body = { x->reply.body.data + 4, x->reply.body.len - 4 };
	struct known *k = &p->known;
	struct run_start_reply run;
	struct target_create_reply target;
	struct resync_list_reply list;
	struct resync_item item;
	struct wire_reader r;

	if (x->request.op == OP_RUN_START && run_start_reply_decode(body, &run)) {
		keep(k->token, sizeof(k->token), run.token, &k->token_len);
		keep(k->run, sizeof(k->run), run.run, NULL);
	} else if ((x->request.op == OP_TARGET_CREATE ||
	    x->request.op == OP_TARGET_ROTATE) &&
	    target_create_reply_decode(body, &target))
		keep(k->public, sizeof(k->public), target.public, NULL);
	else if (x->request.op == OP_RESYNC_LIST &&
	    resync_list_reply_decode(body, &list) && list.items.count > 0) {
		r = list_reader(list.items);
		resync_item_get(&r, &item);
		if (!r.bad)
			keep(k->origin, sizeof(k->origin), item.origin, NULL);
	}
	/* The connections of a run are closed when it ends. */
	if (x->request.op == OP_RUN_START || x->request.op == OP_RUN_ATTACH)
		p->excused = true;
}

static void
look_at(struct program *p, const struct client *c)
{
	size_t sent = 0, got = 0;
	struct exchange x;

	while (client_next(c, &sent, &got, &x)) {
		p->asked_lock |= x.request.op == OP_LOCK;
		p->asked_init |= x.request.op == OP_INIT;
		p->asked_slot |= x.request.op == OP_SLOT_ADD ||
		    x.request.op == OP_SLOT_REMOVE;
		if (x.answered && x.status == COFRE_OK)
			learn_of(p, &x);
	}
}

static bool
turn(struct program *p)
{
	bool more = house_turn(p->house);

	for (unsigned i = 0; i < CLIENTS; i++)
		if (p->clients[i].fd != -1 && !p->clients[i].deaf)
			client_read(&p->clients[i]);
	/* The daemon's own clock says that the witness was late. */
	p->excused |= p->house->sv->asked.late_all > 0;
	return more;
}

static void
settle(struct program *p)
{
	for (unsigned i = 0; i < 8 && turn(p); i++)
		;
	for (unsigned i = 0; i < CLIENTS; i++)
		look_at(p, &p->clients[i]);
}

static void
flush(struct program *p)
{
	client_send(actor(p), (struct view){ p->together.data,
	    p->together.len });
	p->together.len = 0;
	p->uncut = false;
	settle(p);
}

static void
send_out(struct program *p, struct view v)
{
	if (p->uncut && p->together.len + v.len <= 4 * FRAME_MAX) {
		bytes_append(&p->together, v);
		return;
	}
	client_send(actor(p), v);
	if (actor(p)->piece == 0)
		settle(p);
}

static void
send_request(struct program *p, uint16_t op, struct wire_reader *r)
{
	static uint8_t buf[FRAME_MAX];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	(void)frame_begin(&w, FRAME_REQUEST, op, ++actor(p)->ids);
	message_body(p, r, &w);
	frame_end(&w, 0);
	if (!w.bad)
		send_out(p, (struct view){ w.data, w.len });
}

static void
send_message(struct program *p, uint8_t number, struct wire_reader *r)
{
	static uint8_t buf[FRAME_MAX];
	struct wire_writer w;
	size_t at;

	wire_writer_init(&w, buf, sizeof(buf));
	at = wire_string_begin(&w);
	wire_put_u8(&w, number);
	message_body(p, r, &w);
	wire_string_end(&w, at);
	if (!w.bad)
		send_out(p, (struct view){ w.data, w.len });
}

static void
say_hello(struct program *p)
{
	const struct hello_request hello = { 1, 1, view_of("fuzz") };
	uint8_t buf[128];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	(void)frame_begin(&w, FRAME_REQUEST, OP_HELLO, ++actor(p)->ids);
	hello_request_put(&w, &hello);
	frame_end(&w, 0);
	send_out(p, (struct view){ w.data, w.len });
}

static void
connect_one(struct program *p, uint8_t how)
{
	bool agent = (how & CONNECT_AGENT) != 0;
	unsigned i = 0;

	while (i < CLIENTS && p->clients[i].fd != -1)
		i++;
	if (i == CLIENTS)
		return;
	p->acts = i;
	client_open(&p->clients[i], p->house,
	    (enum client_kind)((how & 7) % CLIENT_KINDS), agent);
	settle(p);
	if ((how & CONNECT_SILENT) == 0 && !agent)
		say_hello(p);
}

static void
pass_time(struct program *p, uint8_t which)
{
	static const uint64_t seconds[] = { 1, 5, 11, 61, 900, 3601, 86401,
		2592001 };

	p->house->time += seconds[which % (sizeof(seconds) /
	    sizeof(seconds[0]))] * SECOND;
	p->excused = true;
	settle(p);
}

static void
set_witness(struct program *p, uint8_t how)
{
	p->house->facts = how & 3;
	p->house->silent = (how & WITNESS_SILENT) != 0;
	p->house->late = (how & WITNESS_LATE) != 0;
	settle(p);
}

/* Its answers end in the middle, if nobody has taken them. */
static void
go_away(struct program *p)
{
	struct client *c = actor(p);

	client_read(c);
	look_at(p, c);
	client_check(c, false);
	client_close(c);
	p->gone = true;
	settle(p);
}

static void
step(struct program *p, enum instruction i, struct wire_reader *r)
{
	static const uint16_t codes[] = {
#define OP(code, ID, id, name, scope, action, flags) code,
#include "ops.def"
#undef OP
	};
	struct client *c = actor(p);
	uint16_t code;

	switch (i) {
	case I_CONNECT:
		connect_one(p, take(r));
		break;
	case I_SELECT:
		p->acts = take(r) % CLIENTS;
		break;
	case I_REQUEST:
		send_request(p, codes[take(r) % OP_ROWS], r);
		break;
	case I_CODE:
		code = take(r);
		send_request(p, (uint16_t)(code << 8 | take(r)), r);
		break;
	case I_RAW:
		code = take(r);
		send_out(p, wire_get_bytes(r, code < r->len ? code : r->len));
		break;
	case I_PIECES:
		c->piece = take(r);
		break;
	case I_TURNS:
		for (unsigned n = take(r) % 8 + 1; n > 0; n--)
			(void)turn(p);
		break;
	case I_HALF:
		client_half(c);
		settle(p);
		break;
	case I_GONE:
		go_away(p);
		break;
	case I_DEAF:
		c->deaf = !c->deaf;
		break;
	case I_TIME:
		pass_time(p, take(r));
		break;
	case I_WITNESS:
		set_witness(p, take(r));
		break;
	case I_FOREIGN:
		c->foreign = !c->foreign;
		c->excused = true; /* it is refused from then on */
		break;
	case I_MESSAGE:
		send_message(p, take(r), r);
		break;
	case I_UNCUT:
		p->uncut = true;
		break;
	case I_FAIL:
		p->house->failing = take(r) & 3;
		break;
	case PROGRAM_INSTRUCTIONS:
		break;
	}
}

static bool
goes_on(enum instruction i)
{
	return i == I_REQUEST || i == I_CODE || i == I_RAW || i == I_MESSAGE ||
	    i == I_UNCUT;
}

void
program_run(struct program *p, struct house *h, const struct known *k,
    struct view in)
{
	*p = (struct program){ .house = h, .known = *k };
	for (unsigned i = 0; i < CLIENTS; i++)
		p->clients[i].fd = -1;
	program_go_on(p, in);
}

void
program_go_on(struct program *p, struct view in)
{
	struct wire_reader r;

	wire_reader_init(&r, in);
	while (r.len > 0) {
		enum instruction i = (enum instruction)take(&r);

		if (i >= PROGRAM_INSTRUCTIONS)
			continue;
		if (p->uncut && !goes_on(i))
			flush(p);
		step(p, i, &r);
	}
	flush(p);
}

void
program_finish(struct program *p)
{
	struct server *sv = p->house->sv;
	unsigned turns = 0;

	p->house->silent = p->house->late = false;
	p->house->failing = 0;
	for (unsigned i = 0; i < CLIENTS; i++) {
		p->clients[i].deaf = false;
		client_half(&p->clients[i]);
	}
	while (sv->conns != NULL || sv->waiting.active) {
		must(turns++ < TURNS_MAX);
		(void)turn(p);
		if (turns % 64 == 0) { /* who hogs its buffers loses them */
			p->house->time += 11 * SECOND;
			p->excused = true;
		}
	}
	settle(p);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &p->clients[i];

		if (c->fd == -1)
			continue;
		client_read(c);
		c->excused = c->excused || p->excused;
		must(c->over);
		client_check(c, true);
	}
}

unsigned
program_count_ok(const struct program *p, uint16_t op)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		size_t sent = 0, got = 0;
		struct exchange x;

		while (client_next(&p->clients[i], &sent, &got, &x))
			count += x.answered && x.request.op == op &&
			    x.status == COFRE_OK;
	}
	return count;
}

void
program_free(struct program *p)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		client_close(&p->clients[i]);
	free(p->together.data);
	p->together = (struct bytes){ .data = NULL };
}
