/*
 * sandbox: what the daemon can't do any more once it has started.
 *
 * sandbox_early() runs first of all in main; sandbox_enter() last, when
 * every file and socket is open and the user is no longer root.  The lists
 * of system calls are filter.h's.
 */
#ifndef COFRE_SANDBOX_H
#define COFRE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "filter.h"

struct sandbox {
	int landlock_abi; /* 0: the kernel has none */
	bool seccomp;
	bool no_new_privs;
	bool no_caps;
	bool can_look; /* the witness: it has both of its capabilities */
	bool not_dumpable;
};

/*
 * Descriptors 0 to 2 open, umask 077, no core files, not dumpable, no
 * capability to gain (bounding set), SIGPIPE and SIGXFSZ ignored, SIGBUS
 * handled by bus.h.  False with the reason in
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
 * The same for the keeper of the witness (witness.h), which has no files of
 * its own: of its capabilities CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH stay,
 * where it has them, and the filter is its own.  No Landlock: that would take
 * the right to look into other processes.
 */
bool sandbox_enter_keeper(struct sandbox *s, bool required, char *error,
    size_t error_size);

/*
 * What is more for a worker, a process that the keeper has made: it makes no
 * other one, ends with the keeper, and has the narrower filter.
 */
bool sandbox_enter_witness(bool required, char *error, size_t error_size);

/*
 * For the process that checks a store (store_check.h): it ends with the
 * daemon, makes no process, can write to no file, gets at the opened file
 * alone, and has so many seconds and as much memory as that takes.
 */
bool sandbox_enter_checker(int file, unsigned seconds, bool required,
    char *error, size_t error_size);

/*
 * For the sentry (sentry.h): it ends with the daemon, which that process must
 * still be, makes no process, writes and opens no file, and stays in memory as
 * far as it may be locked: what it is to do it must not have to read from a
 * disk.
 */
bool sandbox_enter_sentry(pid_t daemon, bool required, char *error,
    size_t error_size);

#endif
