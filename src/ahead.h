/*
 * ahead: put what a file has on the disk, without waiting for it.
 *
 * The kernel's own asynchronous I/O does it (io_setup(2), io_submit(2), with
 * IOCB_CMD_FDSYNC: Linux 4.18): an fdatasync(2) in a thread of the kernel.  It
 * is a help for who flushes later, and no more: that it has failed is not
 * looked at.  So it goes by an open file description of its own, and whoever
 * flushes by another one is told of each failure all the same: an error is
 * reported once to each description (errseq_t, lib/errseq.c).
 *
 * Not thread-safe.
 */
#ifndef COFRE_AHEAD_H
#define COFRE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

struct ahead {
	unsigned long context; /* of io_setup(2); 0: there is none */
	int fd;		       /* of the file; -1: none */
	bool busy;	       /* a flush may be under way */
};

/*
 * Be ready for it.  False, with errno, when the kernel has no such thing
 * (ENOSYS), a filter of whoever started this forbids it (EPERM), or the
 * machine has no more of it (EAGAIN: /proc/sys/fs/aio-max-nr); then nothing
 * that is asked for is done.  There is no end of it but that of the process:
 * one context is made for as long as that lives.
 */
bool ahead_init(struct ahead *a);

/* From now on it is about that file; another one is left, finished or not.
   What can't be opened is not flushed ahead. */
void ahead_open(struct ahead *a, int dir, const char *name);

/* Leave the file.  Nothing happens to none. */
void ahead_close(struct ahead *a);

/* Begin to flush the file, unless an earlier flush is under way.  True when
   one was begun. */
bool ahead_flush(struct ahead *a);

#endif
