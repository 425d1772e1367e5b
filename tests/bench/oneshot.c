#include "oneshot.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"
#include "process.h"
#include "redis.h"

#define SESSION_KEYRING (-3) /* KEY_SPEC_SESSION_KEYRING */
#define KEYCTL_INVALIDATE 21
#define KEYCTL_JOIN_SESSION 1

/* A greeting and the first fetch, which is of any secret. */
static bool
write_asked(struct oneshot *o, const char *dir)
{
	const struct target *t = o->vault;
	FILE *f;
	bool good;

	(void)snprintf(o->asked, sizeof(o->asked), "%s/asked", dir);
	if ((f = fopen(o->asked, "wb")) == NULL) {
		warn("%s", o->asked);
		return false;
	}
	good = fwrite(t->greeting, t->greeting_len, 1, f) == 1 &&
	    fwrite(t->requests, t->request_len, 1, f) == 1;
	if (fclose(f) != 0 || !good) {
		warn("%s", o->asked);
		return false;
	}
	return true;
}

static void
make_key(struct oneshot *o)
{
	char value[FIXTURE_VALUE];
	long key;

	if (o->keyctl == NULL)
		return;
	memset(value, 'a', sizeof(value));
	/* A session of its own is what the programs inherit, and may read. */
	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION, NULL);
	key = syscall(SYS_add_key, "user", "cofre-bench", value,
	    sizeof(value), SESSION_KEYRING);
	if (key == -1) {
		warn("no key for keyctl");
		o->keyctl = NULL;
		return;
	}
	(void)snprintf(o->key, sizeof(o->key), "%ld", key);
}

bool
oneshot_start(struct oneshot *o, const char *dir)
{
	make_key(o);
	return write_asked(o, dir);
}

void
oneshot_stop(struct oneshot *o)
{
	if (o->key[0] != '\0')
		(void)syscall(SYS_keyctl, KEYCTL_INVALIDATE,
		    strtol(o->key, NULL, 10));
	o->key[0] = '\0';
}

bool
oneshot_is_there(const struct oneshot *o, enum peer p)
{
	if (p == PEER_GET)
		return o->cofre != NULL;
	if (p == PEER_LEAST)
		return o->least != NULL;
	if (p == PEER_KEYCTL)
		return o->keyctl != NULL;
	if (p == PEER_REDIS_CLI)
		return o->redis_cli != NULL && o->redis_path != NULL;
	return p == PEER_TRUE;
}

static char *
arg(const char *text)
{
	return (char *)(uintptr_t)text;
}

bool
oneshot_run(const struct oneshot *o, enum peer p, uint64_t ns,
    struct slice *s)
{
	char name[FIXTURE_NAME_LEN + 1], object[128], key[REDIS_KEY_MAX];
	char length[32];
	char *get[] = { arg(o->cofre), arg("--socket"), arg(o->vault->path),
		arg("get"), object, arg("--field"), arg(FIXTURE_FIELD), NULL };
	char *least[] = { arg(o->least), arg(o->vault->path), arg(o->asked),
		length, NULL };
	char *cli[] = { arg(o->redis_cli), arg("-s"), arg(o->redis_path),
		arg("GET"), key, NULL };
	char *pipe_[] = { arg(o->keyctl), arg("pipe"), arg(o->key), NULL };
	char *nothing[] = { arg("/bin/true"), NULL };

	fixture_name(name, 0);
	(void)snprintf(object, sizeof(object), FIXTURE_WORKSPACE "/%s", name);
	redis_key(key, 0);
	(void)snprintf(length, sizeof(length), "%zu",
	    o->vault->greeting_reply + o->vault->reply_len);
	return process_repeat(p == PEER_GET ? get :
	    p == PEER_LEAST		    ? least :
	    p == PEER_KEYCTL		    ? pipe_ :
	    p == PEER_REDIS_CLI		    ? cli :
					      nothing, ns, s);
}
