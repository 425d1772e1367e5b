/*
 * victim: somebody who fetches, while others do as they like.
 *
 *	victim PATH PID REQUESTS LENGTH REPLY HELLO GREETED CONNECTIONS
 *
 * The daemon's socket and process; a file with requests of LENGTH bytes each,
 * and how long an answer is; a file with a hello, and how long the answer to
 * that is.  hostile.py starts it as another user, and says on its standard
 * input, a line each:
 *
 *	paced RATE MS	ask so many times a second, whatever happens
 *	closed LINKS MS	ask when the answer to the last one is there
 *
 * It answers with a line: p50 and p99 in microseconds, answers a second.
 * Paced, a time begins when the request was due, not when it could be sent.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "stats.h"

#define TIMES_MAX (1u << 16)
#define ANSWER_MAX 4096u
#define FILE_MAX (1u << 20)

struct victim {
	struct target target;
	struct lane *lane; /* for what is not paced */
	int fd;		   /* for what is */
	size_t next;
};

static unsigned
number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n > 10000000)
		errx(2, "what is '%s'?", text);
	return (unsigned)n;
}

/* The requests, and the first DEPTH_MAX of them once more. */
static void
read_requests(struct target *t, const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t len;

	t->requests = calloc(1, FILE_MAX);
	if (f == NULL || t->requests == NULL)
		err(1, "%s", path);
	len = fread(t->requests, 1, FILE_MAX / 2, f);
	(void)fclose(f);
	if (len < DEPTH_MAX * t->request_len || len % t->request_len != 0)
		errx(1, "%s: no requests of %zu bytes", path, t->request_len);
	t->count = len / t->request_len;
	memcpy(t->requests + len, t->requests, DEPTH_MAX * t->request_len);
}

static void
sleep_until(uint64_t ns)
{
	const struct timespec ts = { .tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000) };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static bool
fetch(struct victim *v)
{
	const struct target *t = &v->target;
	uint8_t answer[ANSWER_MAX];

	if (!dial_send(v->fd, t->requests + v->next * t->request_len,
		t->request_len) ||
	    !dial_receive(v->fd, answer, t->reply_len))
		return false;
	v->next = (v->next + 1) % t->count;
	return memcmp(answer + t->check_at, t->check, sizeof(t->check)) == 0;
}

static bool
paced(struct victim *v, unsigned rate, uint64_t ns, struct slice *s)
{
	static uint32_t took[TIMES_MAX];
	uint64_t start = stats_clock(), due = start, now = start;
	size_t n = 0;

	while (due - start < ns && now - start < ns && n < TIMES_MAX) {
		if (now < due)
			sleep_until(due);
		if (!fetch(v))
			return false;
		now = stats_clock();
		took[n++] = (uint32_t)(now - due);
		due += UINT64_C(1000000000) / rate;
	}
	/* Whoever keeps up has asked until the end. */
	load_summarise(s, took, n, n, now - start > ns ? now - start : ns, 0);
	return true;
}

static bool
closed(struct victim *v, unsigned links, uint64_t ns, struct slice *s)
{
	return load_warm(v->lane, links, 1, WAIT_RECV, ns, s);
}

/* The hello that every connection begins with. */
static void
read_greeting(struct target *t, const char *path)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		err(1, "%s", path);
	t->greeting_len = fread(t->greeting, 1, sizeof(t->greeting), f);
	(void)fclose(f);
}

int
main(int argc, char **argv)
{
	struct victim v = { .fd = -1 };
	struct target *t = &v.target;
	unsigned most, n, ms;
	struct slice s;
	char how[16];
	bool good = true;

	if (argc != 9)
		errx(2, "usage: victim PATH PID REQUESTS LENGTH REPLY HELLO "
			"GREETED CONNECTIONS");
	*t = (struct target){ .name = "cofre", .pid = (pid_t)number(argv[2]),
		.uid = getuid(), .request_len = number(argv[4]),
		.reply_len = number(argv[5]),
		.greeting_reply = number(argv[7]), .check_at = 12 };
	(void)snprintf(t->path, sizeof(t->path), "%s", argv[1]);
	most = number(argv[8]);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	if (t->reply_len > ANSWER_MAX)
		errx(2, "a reply of %zu bytes", t->reply_len);
	read_requests(t, argv[3]);
	read_greeting(t, argv[6]);
	if ((v.lane = load_open(t, most)) == NULL)
		return 1;
	v.fd = load_greeted(t);
	(void)printf("ready\n");
	(void)fflush(stdout);
	while (good && scanf("%15s %u %u", how, &n, &ms) == 3) {
		good = (strcmp(how, "paced") == 0 ? paced : closed)(&v, n,
		    ms * UINT64_C(1000000), &s);
		if (good)
			(void)printf("%.2f %.2f %.2f\n", s.p50, s.p99, s.rate);
		(void)fflush(stdout);
	}
	load_close(v.lane);
	free(t->requests);
	return good ? 0 : 1;
}
