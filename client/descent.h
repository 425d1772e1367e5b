/*
 * descent: is a process one that this process has made, or that such a one
 * has made, and so on?
 *
 * Numbers of processes are given anew, so the way up is read twice, the
 * second time from the top down.  A process whose parent has the same number
 * in both readings has had that parent all the while, because an orphan goes
 * to somebody who was there before; and so that number was one process's at
 * the time when its own parent was read.
 */
#ifndef COFRE_DESCENT_H
#define COFRE_DESCENT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A pidfd of the process that has connected to a socket, and its credentials
 * then.  Where the kernel (before 6.5) does not give the pidfd itself, it is
 * made of the number, and can be of another process that has got the same
 * since.  False, with errno; *pidfd is the caller's to close.
 */
struct ucred;
bool descent_peer(int socket, struct ucred *who, int *pidfd);

/*
 * True when the process pid, which pidfd holds, lives and descends from this
 * one.  This process itself does not.
 */
bool descent_is_mine(pid_t pid, int pidfd);

#endif
