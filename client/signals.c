#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Not by sigaction(2) of libc, which does not touch the signals that are its
 * own: those may have been ignored by whoever started this.  The kernel's
 * structure has 32 bytes at most, and all zero is the default.
 */
void
signals_reset(void)
{
	const uint64_t dfl[4] = { 0 };
	sigset_t none;

	for (int i = 1; i <= SIGRTMAX; i++)
		(void)syscall(SYS_rt_sigaction, i, dfl, NULL,
		    sizeof(uint64_t));
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
