#include "disk.h"

#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "stats.h"

#define BLOCK 4096u
#define BLOCKS 1024u
#define TIMES_MAX 16384u

int
disk_open(const char *path)
{
	uint8_t block[BLOCK];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	memset(block, 0x55, sizeof(block));
	for (unsigned i = 0; fd != -1 && i < BLOCKS; i++)
		if (pwrite(fd, block, BLOCK, (off_t)(i * BLOCK)) != BLOCK) {
			(void)close(fd);
			fd = -1;
		}
	if (fd != -1 && fsync(fd) == 0)
		return fd;
	warn("%s", path);
	if (fd != -1)
		(void)close(fd);
	return -1;
}

bool
disk_slice(int fd, uint64_t ns, struct slice *s)
{
	uint32_t took[TIMES_MAX];
	uint64_t start = stats_clock(), now = start, end;
	uint8_t block[BLOCK];
	size_t n = 0;

	memset(block, 0x55, sizeof(block));
	do {
		block[0]++;
		if (pwrite(fd, block, BLOCK,
			(off_t)(now % BLOCKS * BLOCK)) != BLOCK ||
		    fdatasync(fd) == -1) {
			warn("write and flush");
			return false;
		}
		end = stats_clock();
		took[n++] = (uint32_t)(end - now);
		now = end;
	} while (now - start < ns && n < TIMES_MAX);
	load_summarise(s, took, n, n, now - start, 0);
	return true;
}
