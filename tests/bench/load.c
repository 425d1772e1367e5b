#include "load.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"
#include "stats.h"

#define TIMES_MAX (1u << 17) /* answers of one slice whose time is kept */
#define VISITS_MAX (1u << 14)
#define READ_SIZE (64u * 1024)
#define SPREAD UINT64_C(2654435761)

struct link {
	int fd;
	unsigned next;	/* the request that is sent next */
	size_t got;	/* bytes of the batch's answers */
	uint64_t sent;	/* when the batch was */
};

struct lane {
	const struct target *target;
	int epoll;
	unsigned count;
	struct link links[LINKS_MAX];
	uint32_t took[TIMES_MAX];
	uint8_t buf[READ_SIZE];
};

/* A slice that is under way. */
struct run {
	struct lane *lane;
	unsigned depth;
	enum wait wait;
	uint64_t start, until, end;
	uint64_t requests;
	size_t times;
};

static bool
greet(const struct target *t, int fd)
{
	uint8_t buf[512];

	return t->greeting_len == 0 ||
	    (dial_send(fd, t->greeting, t->greeting_len) &&
		dial_receive(fd, buf, t->greeting_reply));
}

int
load_greeted(const struct target *t)
{
	int fd = dial_connect(t->path, t->uid);

	if (fd == -1 || greet(t, fd))
		return fd;
	(void)close(fd);
	return -1;
}

bool
load_grow(struct lane *l, unsigned count)
{
	const struct target *t = l->target;

	for (; l->count < count && l->count < LINKS_MAX; l->count++) {
		struct link *k = &l->links[l->count];
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = k };

		/* They start all over the secrets. */
		k->next = (unsigned)(l->count * SPREAD % t->count);
		k->fd = dial_connect(t->path, t->uid);
		if (k->fd == -1 || !greet(t, k->fd) ||
		    epoll_ctl(l->epoll, EPOLL_CTL_ADD, k->fd, &ev) == -1) {
			warnx("%s: no connection %u", t->name, l->count);
			l->count += k->fd != -1;
			return false;
		}
	}
	return true;
}

struct lane *
load_open(const struct target *t, unsigned count)
{
	struct lane *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->target = t;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load_grow(l, count))
		return l;
	load_close(l);
	return NULL;
}

void
load_close(struct lane *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < l->count; i++)
		(void)close(l->links[i].fd);
	(void)close(l->epoll);
	free(l);
}

/* Send a batch. */
static bool
ask(struct run *r, struct link *k, uint64_t now)
{
	const struct target *t = r->lane->target;

	k->got = 0;
	k->sent = now;
	if (!dial_send(k->fd, t->requests + k->next * t->request_len,
		r->depth * t->request_len))
		return false;
	k->next = (unsigned)((k->next + r->depth) % t->count);
	return true;
}

/* Take n bytes that came; false when they are not what should come. */
static bool
take(const struct run *r, struct link *k, ssize_t n)
{
	const struct target *t = r->lane->target;
	size_t want = r->depth * t->reply_len;

	if (n <= 0 || k->got + (size_t)n > want) {
		warnx("%s: %s", t->name,
		    n < 0	? strerror(errno) :
			n == 0 ? "closed the connection" :
				 "a longer answer than it should be");
		return false;
	}
	if (k->got == 0 && (size_t)n >= t->check_at + sizeof(t->check) &&
	    memcmp(r->lane->buf + t->check_at, t->check, sizeof(t->check)) !=
		0) {
		warnx("%s: an answer that is an error", t->name);
		return false;
	}
	k->got += (size_t)n;
	return true;
}

static bool
is_whole(const struct run *r, const struct link *k)
{
	return k->got == r->depth * r->lane->target->reply_len;
}

/* Count a batch that was answered. */
static void
count(struct run *r, const struct link *k, uint64_t now)
{
	r->requests += r->depth;
	if (r->times < TIMES_MAX)
		r->lane->took[r->times++] = (uint32_t)(now - k->sent);
}

/* Wait for the answer, or a part of it, and read it. */
static ssize_t
wait_and_read(const struct run *r, const struct link *k)
{
	struct pollfd p = { .fd = k->fd, .events = POLLIN };

	if (r->wait == WAIT_RECV)
		return recv(k->fd, r->lane->buf, READ_SIZE, 0);
	(void)poll(&p, 1, WAIT_MS);
	return recv(k->fd, r->lane->buf, READ_SIZE, MSG_DONTWAIT);
}

/* One connection: send, and wait for the answer. */
static bool
run_one(struct run *r)
{
	struct link *k = &r->lane->links[0];
	uint64_t now = r->start;

	do {
		if (!ask(r, k, now))
			return false;
		while (!is_whole(r, k))
			if (!take(r, k, wait_and_read(r, k)))
				return false;
		now = stats_clock();
		count(r, k, now);
	} while (now < r->until);
	r->end = now;
	return true;
}

/* An answer, or a part of one; *open counts connections that wait. */
static bool
serve(struct run *r, struct link *k, unsigned *open)
{
	struct lane *l = r->lane;

	if (!take(r, k, recv(k->fd, l->buf, READ_SIZE, MSG_DONTWAIT)))
		return false;
	if (!is_whole(r, k))
		return true;
	r->end = stats_clock();
	count(r, k, r->end);
	if (r->end < r->until)
		return ask(r, k, r->end);
	(*open)--;
	return true;
}

static bool
run_many(struct run *r, unsigned links)
{
	struct epoll_event events[LINKS_MAX];
	struct lane *l = r->lane;
	unsigned open = links;

	for (unsigned i = 0; i < links; i++)
		if (!ask(r, &l->links[i], stats_clock()))
			return false;
	while (open > 0) {
		int n = epoll_wait(l->epoll, events, LINKS_MAX, WAIT_MS);

		if (n <= 0) {
			warnx("%s: no answer", l->target->name);
			return false;
		}
		for (int i = 0; i < n; i++)
			if (!serve(r, events[i].data.ptr, &open))
				return false;
	}
	return true;
}

void
load_summarise(struct slice *s, uint32_t *took, size_t n, uint64_t requests,
    uint64_t ns, uint64_t cpu)
{
	stats_sort(took, n);
	s->p50 = stats_quantile(took, n, 0.5) / 1e3;
	s->p99 = stats_quantile(took, n, 0.99) / 1e3;
	s->p999 = stats_quantile(took, n, 0.999) / 1e3;
	s->rate = ns == 0 ? 0 : (double)requests * 1e9 / (double)ns;
	s->cpu = requests == 0 ? 0 : (double)cpu / 1e3 / (double)requests;
	s->count = requests;
}

bool
load_warm(struct lane *l, unsigned links, unsigned depth, enum wait wait,
    uint64_t ns, struct slice *s)
{
	uint64_t cpu = process_cpu(l->target->pid);
	struct run r = { .lane = l, .depth = depth, .wait = wait,
		.start = stats_clock() };

	r.until = r.start + ns;
	if (!(links == 1 ? run_one(&r) : run_many(&r, links)))
		return false;
	load_summarise(s, l->took, r.times, r.requests, r.end - r.start,
	    process_cpu(l->target->pid) - cpu);
	return true;
}

bool
load_some(struct lane *l, size_t many, double *p99)
{
	struct run r = { .lane = l, .depth = 1, .wait = WAIT_RECV };
	struct link *k = &l->links[0];

	while (r.times < many) {
		if (!ask(&r, k, stats_clock()))
			return false;
		while (!is_whole(&r, k))
			if (!take(&r, k, wait_and_read(&r, k)))
				return false;
		count(&r, k, stats_clock());
	}
	stats_sort(l->took, r.times);
	*p99 = stats_quantile(l->took, r.times, 0.99) / 1e3;
	return true;
}

/* One connection, with one request. */
static bool
visit(const struct target *t, const uint8_t *write, size_t len)
{
	uint8_t buf[4096];
	size_t want = t->greeting_reply + t->reply_len;
	int fd = dial_plain(t->path);
	bool good = false;

	if (fd != -1) {
		good = dial_send(fd, write, len) &&
		    dial_receive(fd, buf, want) &&
		    memcmp(buf + t->greeting_reply + t->check_at, t->check,
			sizeof(t->check)) == 0;
		(void)close(fd);
	}
	if (!good)
		warnx("%s: a visit that failed", t->name);
	return good;
}

bool
load_cold(const struct target *t, uint64_t ns, struct slice *s)
{
	uint32_t took[VISITS_MAX];
	uint8_t write[GREETING_MAX + 512];
	uint64_t cpu = process_cpu(t->pid), start, now, end;
	size_t n = 0;
	bool good;

	if (t->request_len > 512 || t->greeting_reply + t->reply_len > 4096)
		return false;
	memcpy(write, t->greeting, t->greeting_len);
	dial_as(t->uid);
	start = now = stats_clock();
	do {
		memcpy(write + t->greeting_len,
		    t->requests + n % t->count * t->request_len,
		    t->request_len);
		good = visit(t, write, t->greeting_len + t->request_len);
		end = stats_clock();
		took[n++] = (uint32_t)(end - now);
		now = end;
	} while (good && now - start < ns && n < VISITS_MAX);
	dial_as(getuid());
	load_summarise(s, took, n, n, now - start, process_cpu(t->pid) - cpu);
	return good;
}
