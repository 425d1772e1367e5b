#include "fixture.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "keyfile.h"
#include "process.h"
#include "proto.h"
#include "stats.h"
#include "talk.h"

#define WINDOW 64u	     /* puts that are on their way at once */
#define START_SECONDS 300u   /* for a start that verifies many secrets */
#define PUT_REPLY (STATUS_REPLY + 4)

void
fixture_name(char name[FIXTURE_NAME_LEN + 1], size_t i)
{
	(void)snprintf(name, FIXTURE_NAME_LEN + 1, "bench.storage.account-%07u",
	    (unsigned)(i % 10000000));
}

static void
put_get(struct wire_writer *w, size_t i)
{
	char name[FIXTURE_NAME_LEN + 1];
	struct secret_get_request get = {
		.workspace = view_of(FIXTURE_WORKSPACE),
		.version = 0,
		.field = { (const uint8_t *)"", 0 },
	};

	fixture_name(name, i);
	get.name = view_of(name);
	REQUEST(w, OP_SECRET_GET, secret_get, (uint32_t)i, &get);
}

static void
put_put(struct wire_writer *w, size_t i)
{
	uint8_t value[FIXTURE_VALUE], buf[FIXTURE_VALUE + 64];
	char name[FIXTURE_NAME_LEN + 1];
	const struct field_item field = { view_of(FIXTURE_FIELD),
		FIELD_SECRET, { value, sizeof(value) } };
	struct secret_put_request put = {
		.workspace = view_of(FIXTURE_WORKSPACE),
		.kind = COFRE_KIND_GENERIC,
		.if_version = COFRE_ANY_VERSION,
	};
	struct wire_writer item;

	for (size_t n = 0; n < sizeof(value); n++)
		value[n] = (uint8_t)('a' + (n * 7 + i) % 26);
	wire_writer_init(&item, buf, sizeof(buf));
	field_item_put(&item, &field);
	put.fields = (struct list){ 1, { buf, item.len } };
	fixture_name(name, i);
	put.name = view_of(name);
	REQUEST(w, OP_SECRET_PUT, secret_put, (uint32_t)i, &put);
}

/* Put the secrets, many at a time. */
static bool
put_all(struct talk *t, size_t count)
{
	uint8_t reply[PUT_REPLY];
	struct wire_reader r;

	for (size_t sent = 0, done = 0; done < count; done++) {
		for (; sent < count && sent < done + WINDOW; sent++) {
			wire_writer_init(&t->w, t->out, sizeof(t->out));
			put_put(&t->w, sent);
			if (t->w.bad || !dial_send(t->fd, t->out, t->w.len))
				return false;
		}
		if (!dial_receive(t->fd, reply, sizeof(reply)))
			return false;
		wire_reader_init(&r, (struct view){ reply + FRAME_HEADER, 4 });
		if (wire_get_u32(&r) != COFRE_OK) {
			warnx("cofred: a put failed");
			return false;
		}
	}
	wire_writer_init(&t->w, t->out, sizeof(t->out));
	return true;
}

static bool
fill(struct talk *t, const struct fixture *x, const uint8_t *key)
{
	const struct init_request init = { .type = SLOT_KEYFILE,
		.key = { key, KEY_LEN } };
	const struct workspace_create_request create = { view_of(
	    FIXTURE_WORKSPACE) };
	const struct identity_bind_request bind = { .workspace = view_of(
		FIXTURE_WORKSPACE), .uid = x->agent, .gid = NO_ID };

	REQUEST(&t->w, OP_INIT, init, 1, &init);
	if (!talk_reply(t))
		return false;
	REQUEST(&t->w, OP_WORKSPACE_CREATE, workspace_create, 2, &create);
	if (!talk_reply(t))
		return false;
	REQUEST(&t->w, OP_IDENTITY_BIND, identity_bind, 3, &bind);
	return talk_reply(t) && put_all(t, x->secrets);
}

static bool
write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd != -1 && write(fd, data, len) == (ssize_t)len;

	if (!good)
		warn("%s", path);
	if (fd != -1)
		(void)close(fd);
	return good;
}

/* The key that the keyfile stands for. */
static bool
read_key(const struct fixture *x, uint8_t key[KEY_LEN])
{
	uint8_t content[KEY_LEN];
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.key", x->dir, x->name);
	if ((f = fopen(path, "rb")) == NULL ||
	    fread(content, sizeof(content), 1, f) != 1) {
		warn("%s", path);
		if (f != NULL)
			(void)fclose(f);
		return false;
	}
	(void)fclose(f);
	keyfile_key(content, sizeof(content), key);
	return true;
}

static bool
write_config(const struct fixture *x, const char *path)
{
	char text[256], group[64] = "";

	/* Whoever is not root must be made an operator. */
	if (getuid() != 0)
		(void)snprintf(group, sizeof(group), "operator_group = %u\n",
		    (unsigned)getgid());
	(void)snprintf(text, sizeof(text),
	    "max_connections = 1200\nmax_connections_per_uid = 600\n"
	    "log = %s\n%s", x->strict ? "strict" : "buffered", group);
	return write_file(path, text, strlen(text));
}

/* Wait until the daemon answers; not before it has opened the vault. */
static bool
wait_for(const struct fixture *x, struct target *t)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	uint64_t until = stats_clock() + START_SECONDS * UINT64_C(1000000000);
	struct talk *talk;

	while (!dial_probe(t->path)) {
		if (process_is_gone(t->pid) || stats_clock() > until) {
			warnx("cofred did not start: see %s/%s.log", x->dir,
			    x->name);
			return false;
		}
		(void)nanosleep(&pause, NULL);
	}
	talk = talk_open(t->path, getuid());
	talk_close(talk);
	return talk != NULL;
}

static bool
start(const struct fixture *x, struct target *t)
{
	char state[512], key[512], config[512], log[512];
	char *argv[] = { (char *)(uintptr_t)x->cofred,
		(char[]){ "--state" }, state, (char[]){ "--socket" }, t->path,
		(char[]){ "--keyfile" }, key, (char[]){ "--config" }, config,
		NULL };

	(void)snprintf(state, sizeof(state), "%s/%s.state", x->dir, x->name);
	(void)snprintf(key, sizeof(key), "%s/%s.key", x->dir, x->name);
	(void)snprintf(config, sizeof(config), "%s/%s.conf", x->dir, x->name);
	(void)snprintf(log, sizeof(log), "%s/%s.log", x->dir, x->name);
	(void)unlink(t->path);
	t->pid = process_start(x->dir, argv, log);
	return t->pid > 0 && wait_for(x, t);
}

/* The frames of the fetches. */
static bool
make_fetches(struct target *t)
{
	size_t size = (t->count + DEPTH_MAX) * t->request_len;
	unsigned *order = stats_order(t->count);
	struct wire_writer w = { .bad = true };

	t->requests = calloc(1, size);
	if (t->requests != NULL && order != NULL) {
		wire_writer_init(&w, t->requests, size);
		for (size_t i = 0; i < t->count + DEPTH_MAX; i++)
			put_get(&w, order[i % t->count]);
	}
	free(order);
	return !w.bad;
}

/* The greeting, the frames of the fetches, and how long the answers are. */
static bool
learn(struct target *t, size_t secrets)
{
	struct talk *talk = talk_open(t->path, t->uid);
	struct wire_writer w;
	bool good;

	if (talk == NULL)
		return false;
	wire_writer_init(&w, t->greeting, sizeof(t->greeting));
	talk_hello(&w);
	t->greeting_len = w.len;
	t->greeting_reply = talk->reply.body.len + STATUS_REPLY;
	put_get(&talk->w, 0);
	t->request_len = talk->w.len;
	good = talk_reply(talk);
	t->reply_len = talk->reply.body.len + STATUS_REPLY;
	talk_close(talk);
	t->count = secrets;
	t->check_at = FRAME_HEADER;
	return good && make_fetches(t);
}

static bool
set_up(const struct fixture *x, struct target *t, uint64_t *unlock)
{
	uint8_t content[KEY_LEN], key[KEY_LEN];
	char path[512];
	struct talk *talk;
	uint64_t began;
	bool good;

	if (getrandom(content, sizeof(content), 0) != sizeof(content))
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s.key", x->dir, x->name);
	if (!write_file(path, content, sizeof(content)))
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s.conf", x->dir, x->name);
	if (!write_config(x, path) || !start(x, t))
		return false;
	keyfile_key(content, sizeof(content), key);
	talk = talk_open(t->path, getuid());
	good = talk != NULL && fill(talk, x, key);
	talk_close(talk);
	process_stop(t->pid);
	t->pid = 0;
	began = stats_clock();
	if (!good || !start(x, t))
		return false;
	*unlock = stats_clock() - began;
	return learn(t, x->secrets);
}

bool
fixture_start(const struct fixture *x, struct target *t, uint64_t *unlock)
{
	*t = (struct target){ .name = x->name, .uid = x->agent };
	(void)snprintf(t->path, sizeof(t->path), "%.80s/%.16s.sock", x->dir,
	    x->name);
	if (set_up(x, t, unlock))
		return true;
	warnx("%s: the vault can't be set up; see %s/%s.log", x->name, x->dir,
	    x->name);
	process_stop(t->pid);
	t->pid = 0;
	free(t->requests);
	t->requests = NULL;
	return false;
}

bool
fixture_restart(const struct fixture *x, struct target *t, uint64_t *took)
{
	uint64_t began;

	process_stop(t->pid);
	t->pid = 0;
	began = stats_clock();
	if (!start(x, t))
		return false;
	*took = stats_clock() - began;
	return true;
}

bool
fixture_unlock(const struct fixture *x, const struct target *t, uint64_t *took)
{
	const struct lock_request lock = { .nothing = 0 };
	struct unlock_request unlock = { .slot = 0 };
	struct talk *talk = talk_open(t->path, getuid());
	uint8_t key[KEY_LEN];
	uint64_t began;
	bool good;

	if (talk == NULL || !read_key(x, key)) {
		talk_close(talk);
		return false;
	}
	unlock.key = (struct view){ key, KEY_LEN };
	REQUEST(&talk->w, OP_LOCK, lock, 1, &lock);
	good = talk_reply(talk);
	began = stats_clock();
	REQUEST(&talk->w, OP_UNLOCK, unlock, 2, &unlock);
	good = good && talk_reply(talk);
	*took = stats_clock() - began;
	talk_close(talk);
	return good;
}

bool
fixture_writer(const struct target *t, size_t count, struct target *w)
{
	struct wire_writer out;
	uint8_t one[1024];

	*w = *t;
	wire_writer_init(&out, one, sizeof(one));
	put_put(&out, 0);
	w->request_len = out.len;
	w->reply_len = PUT_REPLY;
	w->count = count;
	w->requests = calloc(count + DEPTH_MAX, w->request_len);
	if (w->requests == NULL) {
		warn("requests");
		return false;
	}
	wire_writer_init(&out, w->requests,
	    (count + DEPTH_MAX) * w->request_len);
	for (size_t i = 0; i < count + DEPTH_MAX; i++)
		put_put(&out, i % count);
	return !out.bad;
}

bool
fixture_report(const struct target *t)
{
	const struct report_request ask = { .nothing = 0 };
	struct talk *talk = talk_open(t->path, getuid());
	struct report_reply got = { .items = { .count = 0 } };
	struct report_item item;
	struct wire_reader r;
	unsigned said = 0;
	bool good;

	if (talk == NULL)
		return false;
	REQUEST(&talk->w, OP_REPORT, report, 1, &ask);
	good = talk_reply(talk) && report_reply_decode(talk->reply.body, &got);
	r = list_reader(got.items);
	printf("cofred says:");
	for (uint32_t i = 0; good && i < got.items.count; i++) {
		report_item_get(&r, &item);
		if (item.level == REPORT_INFO)
			continue;
		printf("%s %s%.*s: %.*s", said++ == 0 ? "" : ";",
		    item.level == REPORT_WARN ? "WARNING " : "",
		    (int)item.key.len, (const char *)item.key.data,
		    (int)item.value.len, (const char *)item.value.data);
	}
	printf(".\n");
	talk_close(talk);
	return good && wire_reader_done(&r);
}
