#include "memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reveal.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Shown in /proc/PID/maps and /proc/PID/fd: it says nothing of the secret. */
#define NAME "cofre"

/* A file that can't be executed, where the kernel (6.3) knows of that. */
static int
make(void)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(NAME, flags | MFD_NOEXEC_SEAL);

	if (fd == -1 && errno == EINVAL)
		fd = memfd_create(NAME, flags);
	return fd;
}

/* Open the file once more: what fd was written through stays its own. */
static int
open_for_reading(int fd)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int
memfile_make(struct view content)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_SEAL;
	int fd = make();
	int ret = -1;
	int error;

	if (fd == -1)
		return -1;
	if (fchmod(fd, S_IRUSR | S_IWUSR) == 0 && reveal_write(fd, content) &&
	    fcntl(fd, F_ADD_SEALS, seals) == 0)
		ret = open_for_reading(fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return ret;
}
