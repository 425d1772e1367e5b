/*
 * in_sandbox: run a function in a child process that has entered the
 * sandbox, and see how it ends.  For check_sandbox.c and
 * check_sandbox_calls.c.
 */
#ifndef COFRE_IN_SANDBOX_H
#define COFRE_IN_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "ahead.h"
#include "sandbox.h"

#if defined(__has_feature)
#define IN_SANDBOX_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define IN_SANDBOX_ASAN 1
#else
#define IN_SANDBOX_ASAN 0
#endif

#define OTHER_UID 2001 /* what the child becomes when the test runs as root */

/* What the child has at hand: all of it was opened before the sandbox. */
struct inside {
	struct sandbox s;
	int state;   /* the state directory, which is the working directory;
			it has a file "old" of 8192 bytes; outside of it is
			"../file", and nothing at "../made" */
	int old;     /* that file */
	pid_t parent;
	int status;  /* /proc/self/status */
	int limits;  /* /proc/self/limits */
	int pair[2]; /* connected stream sockets */
	int datagram; /* a connected datagram socket */
	int listener; /* at "socket", with a client that waits */
	int epoll;
	int signals; /* a signalfd; SIGUSR1 is pending */
	char *page;  /* "old" mapped shared, 8192 bytes */
	struct ahead ahead; /* of "old" */
};

/* What to do; inside, the child's exit code is the returned value. */
typedef int in_sandbox_fn(struct inside *in);

/* How the child came to be. */
struct in_sandbox {
	bool other_uid;	    /* become OTHER_UID, when this is root */
	bool required;	    /* argument of sandbox_enter() */
	in_sandbox_fn *before; /* last thing before sandbox_enter(), or NULL:
				  0 when it went well */
	in_sandbox_fn *inside;
};

/* The temporary directory of a test: made, and removed. */
void in_sandbox_setup(void);
void in_sandbox_teardown(void);

/* Run, and return the status of waitpid(2). */
int in_sandbox_run(const struct in_sandbox *how);

/* What sandbox_enter() said in the last child, "" when it went well. */
const char *in_sandbox_error(void);

/* True when a child made "../made". */
bool in_sandbox_made(void);

/* Exit codes of a child that did not get to its function. */
#define IN_SANDBOX_PREPARE 201
#define IN_SANDBOX_FAILED 202

/*
 * From here on, in this process, the call gives error: a filter of its own,
 * for in_sandbox.before.  Root's goes without no_new_privs.
 */
int in_sandbox_deny(const char *name, int error);

#endif
