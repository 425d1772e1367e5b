#include "memcached.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "baseline.h"
#include "fixture.h"
#include "floor.h"
#include "process.h"
#include "stats.h"

/* With "get " and the end of the line it makes BASELINE_REQUEST bytes. */
#define KEY_LEN (BASELINE_REQUEST - 6)

static void
key_of(char key[KEY_LEN + 1], size_t i)
{
	char name[FIXTURE_NAME_LEN + 1];

	fixture_name(name, i);
	(void)snprintf(key, KEY_LEN + 1, "secret:%s/%s..............",
	    FIXTURE_WORKSPACE, name);
}

static bool
set(int fd, size_t i)
{
	static const char stored[] = "STORED\r\n";
	char key[KEY_LEN + 1], buf[KEY_LEN + FLOOR_VALUE + 64];
	char value[FLOOR_VALUE + 1], answer[sizeof(stored) - 1];
	int n;

	memset(value, (int)('a' + i % 26), FLOOR_VALUE);
	value[FLOOR_VALUE] = '\0';
	key_of(key, i);
	n = snprintf(buf, sizeof(buf), "set %s 0 0 %u\r\n%s\r\n", key,
	    FLOOR_VALUE, value);
	return n > 0 && dial_send(fd, buf, (size_t)n) &&
	    dial_receive(fd, answer, sizeof(answer)) &&
	    memcmp(answer, stored, sizeof(answer)) == 0;
}

/* "VALUE key 0 256\r\n", the value, "\r\nEND\r\n" comes back for each. */
static bool
make_requests(struct target *t, size_t count)
{
	char key[KEY_LEN + 1], buf[BASELINE_REQUEST + 1];
	unsigned *order = stats_order(count);
	bool good;

	t->count = count;
	t->request_len = BASELINE_REQUEST;
	t->reply_len = strlen("VALUE ") + KEY_LEN + strlen(" 0 256\r\n") +
	    FLOOR_VALUE + strlen("\r\nEND\r\n");
	memcpy(t->check, "VALU", sizeof(t->check));
	t->requests = calloc(count + DEPTH_MAX, BASELINE_REQUEST);
	good = t->requests != NULL && order != NULL;
	for (size_t i = 0; good && i < count + DEPTH_MAX; i++) {
		key_of(key, order[i % count]);
		good = snprintf(buf, sizeof(buf), "get %s\r\n", key) ==
		    (int)BASELINE_REQUEST;
		memcpy(t->requests + i * BASELINE_REQUEST, buf,
		    BASELINE_REQUEST);
	}
	free(order);
	return good;
}

bool
memcached_start(const char *program, const char *dir, size_t count,
    struct target *t)
{
	char log[512], user[] = "root";
	char *argv[] = { (char *)(uintptr_t)program, (char[]){ "-s" }, t->path,
		(char[]){ "-a" }, (char[]){ "777" }, (char[]){ "-t" },
		(char[]){ "1" }, (char[]){ "-m" }, (char[]){ "256" },
		(char[]){ "-u" }, user, NULL };

	*t = (struct target){ .name = "memcached get" };
	(void)snprintf(t->path, sizeof(t->path), "%.80s/memcached.sock", dir);
	(void)snprintf(log, sizeof(log), "%s/memcached.log", dir);
	if (getuid() != 0) /* it stays who it is */
		argv[9] = NULL;
	t->pid = process_start(dir, argv, log);
	if (t->pid > 0 && process_await(t->pid, t->path) &&
	    dial_fill(t->path, count, set) &&
	    make_requests(t, count))
		return true;
	warnx("memcached: see %s", log);
	process_stop(t->pid);
	t->pid = 0;
	return false;
}
