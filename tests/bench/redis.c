#include "redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "baseline.h"
#include "fixture.h"
#include "floor.h"
#include "process.h"
#include "stats.h"

void
redis_key(char key[REDIS_KEY_MAX], size_t i)
{
	char name[FIXTURE_NAME_LEN + 1];

	fixture_name(name, i);
	(void)snprintf(key, REDIS_KEY_MAX, "secret:" FIXTURE_WORKSPACE "/%s",
	    name);
}

static bool
set(int fd, size_t i)
{
	char key[REDIS_KEY_MAX], buf[REDIS_KEY_MAX + FLOOR_VALUE + 64];
	char value[FLOOR_VALUE + 1], ok[5];
	int n;

	memset(value, (int)('a' + i % 26), FLOOR_VALUE);
	value[FLOOR_VALUE] = '\0';
	redis_key(key, i);
	n = snprintf(buf, sizeof(buf),
	    "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%u\r\n%s\r\n", strlen(key), key,
	    FLOOR_VALUE, value);
	return n > 0 && dial_send(fd, buf, (size_t)n) &&
	    dial_receive(fd, ok, sizeof(ok)) &&
	    memcmp(ok, "+OK\r\n", sizeof(ok)) == 0;
}

/* "$256\r\n", the value, "\r\n" comes back for each. */
static bool
make_requests(struct target *t, size_t count)
{
	char key[REDIS_KEY_MAX], buf[BASELINE_REQUEST + 1];
	unsigned *order = stats_order(count);
	bool good;

	t->count = count;
	t->request_len = BASELINE_REQUEST;
	t->reply_len = FLOOR_VALUE + 8;
	memcpy(t->check, "$256", sizeof(t->check));
	t->requests = calloc(count + DEPTH_MAX, BASELINE_REQUEST);
	good = t->requests != NULL && order != NULL;
	for (size_t i = 0; good && i < count + DEPTH_MAX; i++) {
		redis_key(key, order[i % count]);
		good = snprintf(buf, sizeof(buf),
		    "*2\r\n$3\r\nGET\r\n$%zu\r\n%s\r\n", strlen(key),
		    key) == (int)BASELINE_REQUEST;
		memcpy(t->requests + i * BASELINE_REQUEST, buf,
		    BASELINE_REQUEST);
	}
	free(order);
	return good;
}

bool
redis_start(const char *program, const char *dir, size_t count,
    struct target *t)
{
	char log[512], workdir[512];
	char *argv[] = { (char *)(uintptr_t)program, (char[]){ "--port" },
		(char[]){ "0" }, (char[]){ "--unixsocket" }, t->path,
		(char[]){ "--unixsocketperm" }, (char[]){ "777" },
		(char[]){ "--save" }, (char[]){ "" },
		(char[]){ "--appendonly" }, (char[]){ "no" },
		(char[]){ "--dir" }, workdir, NULL };

	*t = (struct target){ .name = "redis GET" };
	(void)snprintf(t->path, sizeof(t->path), "%.80s/redis.sock", dir);
	(void)snprintf(workdir, sizeof(workdir), "%s", dir);
	(void)snprintf(log, sizeof(log), "%s/redis.log", dir);
	t->pid = process_start(dir, argv, log);
	if (t->pid > 0 && process_await(t->pid, t->path) &&
	    dial_fill(t->path, count, set) &&
	    make_requests(t, count))
		return true;
	process_stop(t->pid);
	t->pid = 0;
	return false;
}
