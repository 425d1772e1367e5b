/*
 * sandbox: what the daemon can't do any more once it has started.
 *
 * sandbox_early() runs first of all in main; sandbox_enter() last, when
 * every file and socket is open and the user is no longer root.  The list
 * of system calls is sandbox.def; doc/SANDBOX.md shows it, and a test
 * compares the two.
 */
#ifndef COFRE_SANDBOX_H
#define COFRE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* Exit code of the SIGBUS handler: EX_IOERR of sysexits.h. */
#define SANDBOX_EXIT_SIGBUS 74

struct sandbox {
	int landlock_abi; /* 0: the kernel has none */
	bool seccomp;
	bool no_new_privs;
	bool no_caps;
	bool not_dumpable;
};

/*
 * Descriptors 0 to 2 open, umask 077, no core files, not dumpable, no
 * capability to gain (bounding set), SIGPIPE and SIGXFSZ ignored, a SIGBUS
 * handler that says why and ends the process.  False with the reason in
 * error.  The environment is left alone.
 */
bool sandbox_early(char *error, size_t error_size);

/*
 * Close what the parent left open, from the descriptor lowest up: 3, or 4
 * when a listening socket was passed as 3.  For main, before it opens
 * anything of its own.
 */
void sandbox_close_from(unsigned lowest);

/*
 * Empty the environment.  For main, when notify_open(), notify_listen_fd()
 * and the look at CREDENTIALS_DIRECTORY are done.
 */
void sandbox_clear_environment(void);

/*
 * No capabilities, no_new_privs, limits, Landlock on the state directory,
 * and the seccomp filter in kill mode.  Fails, with the reason in error,
 * when a step fails; a facility that the kernel does not have is an error
 * when required, and otherwise is left out and told in *s.  There is no way
 * back, not even from half-way: after a failure the caller exits.
 */
bool sandbox_enter(struct sandbox *s, int state_fd, bool required,
    char *error, size_t error_size);

/*
 * The reason why user and group ids would mean nothing here (the daemon is
 * in a user namespace that does not map ids one to one), or NULL.  Reads
 * /proc/self, so it comes before sandbox_enter().
 */
const char *sandbox_identity_problem(void);

/*
 * The table, for the test of the document: the name of the i-th row, NULL
 * at the end; *rule gets the text of its argument rule or "".  A call with
 * several rules has several rows.
 */
const char *sandbox_syscall(size_t i, const char **rule);

#endif
