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

void
oneshot_start(struct oneshot *o)
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
	char *get[] = { arg(o->cofre), arg("--socket"), arg(o->cofre_path),
		arg("get"), object, arg("--field"), arg(FIXTURE_FIELD), NULL };
	char *cli[] = { arg(o->redis_cli), arg("-s"), arg(o->redis_path),
		arg("GET"), key, NULL };
	char *pipe_[] = { arg(o->keyctl), arg("pipe"), arg(o->key), NULL };
	char *nothing[] = { arg("/bin/true"), NULL };

	fixture_name(name, 0);
	(void)snprintf(object, sizeof(object), FIXTURE_WORKSPACE "/%s", name);
	redis_key(key, 0);
	return process_repeat(p == PEER_GET ? get :
	    p == PEER_KEYCTL		    ? pipe_ :
	    p == PEER_REDIS_CLI		    ? cli :
					      nothing, ns, s);
}
