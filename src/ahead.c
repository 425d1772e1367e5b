#include "ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

bool
ahead_init(struct ahead *a)
{
	*a = (struct ahead){ .fd = -1 };
	return syscall(SYS_io_setup, 1, &a->context) == 0;
}

void
ahead_open(struct ahead *a, int dir, const char *name)
{
	ahead_close(a);
	if (a->context != 0)
		a->fd = openat(dir, name,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

void
ahead_close(struct ahead *a)
{
	int saved = errno;

	if (a->fd != -1)
		(void)close(a->fd);
	a->fd = -1;
	errno = saved;
}

/* Has the last one come to its end? */
static bool
is_over(struct ahead *a)
{
	struct io_event event;

	if (a->busy &&
	    syscall(SYS_io_getevents, a->context, 0, 1, &event, NULL) == 1)
		a->busy = false;
	return !a->busy;
}

bool
ahead_flush(struct ahead *a)
{
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_FDSYNC,
		.aio_fildes = (uint32_t)a->fd };
	struct iocb *list = &request;
	int saved = errno;

	if (a->fd != -1 && is_over(a))
		a->busy = syscall(SYS_io_submit, a->context, 1, &list) == 1;
	else
		list = NULL;
	errno = saved;
	return list != NULL && a->busy;
}
