/*
 * cofred: the vault's daemon.  What it does at start, in order; from
 * start_sandbox() on it can open nothing, execute nothing and reach no
 * network any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "start.h"

/*
 * The leak checker of AddressSanitizer stops the process with ptrace(2) when
 * it ends, which the sandbox kills it for; the unit tests look for leaks.
 */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static bool
start(struct start *st, struct server *sv)
{
	char error[256];

	sandbox_close_from(3 + notify_passed());
	if (!sandbox_early(error, sizeof(error))) {
		(void)fprintf(stderr, "cofred: %s\n", error);
		return false;
	}
	if (!crypto_init()) {
		(void)fprintf(stderr, "cofred: libsodium can't be used\n");
		return false;
	}
	return start_config(st, sv) && start_state(st, sv) &&
	    start_witness(st, sv) && start_sentry(st, sv) &&
	    start_check(st, sv) &&
	    start_keyfile(st, sv) &&
	    start_sockets(st, sv) && start_user(st, sv) &&
	    start_stores(st, sv) && start_sandbox(st, sv) &&
	    start_unlock(st, sv);
}

int
main(int argc, char **argv)
{
	struct start st = { .state_fd = -1 };
	struct server *sv = calloc(1, sizeof(*sv));
	int code = 1;

	if (sv == NULL) {
		(void)fprintf(stderr, "cofred: out of memory\n");
		return 1;
	}
	sv->bindings = 1; /* a new connection has seen none */
	sv->listen_fd = sv->agent_fd = sv->signal_fd = sv->config_fd = sv->epoll = -1;
	memset(&sv->witness, 0xff, sizeof(sv->witness)); /* all are -1 */
	if (!start_options(&st, argc, argv, &code)) {
		free(sv);
		return code;
	}
	code = 1;
	if (start(&st, sv)) {
		(void)fprintf(stderr, "cofred: ready\n");
		notify_send(&sv->notify, "READY=1");
		loop_run(sv);
		code = sv->failed ? 1 : 0;
	}
	start_undo(&st, sv);
	free(sv);
	return code;
}
