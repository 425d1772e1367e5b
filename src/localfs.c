#include "localfs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOUNTS_MAX (1u << 20) /* bytes of the list of mounts */

/* File systems that the kernel serves by itself. */
static const char *const local[] = { "bcachefs", "btrfs", "erofs", "ext2",
	"ext3", "ext4", "f2fs", "jfs", "overlay", "ramfs", "reiserfs",
	"rootfs", "squashfs", "tmpfs", "xfs", "zfs" };

/* Is what the text begins with, up to a blank, the name of one of them? */
static bool
is_local_type(const char *text)
{
	size_t len = strcspn(text, " ");

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (strlen(local[i]) == len && memcmp(text, local[i], len) == 0)
			return true;
	return false;
}

/* Does the line of mountinfo tell of that mount, and of a local file system?
   It begins with the mount's id, and the type follows " - ". */
static bool
is_local_line(const char *line, uint64_t mount)
{
	const char *dash = strstr(line, " - ");
	char *end;

	return strtoull(line, &end, 10) == mount && *end == ' ' &&
	    dash != NULL && is_local_type(dash + strlen(" - "));
}

bool
localfs(uint64_t mount)
{
	static char text[MOUNTS_MAX + 1];
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char *line = text, *end;
	size_t len = 0;
	ssize_t n;

	if (fd == -1)
		return false;
	while (len < MOUNTS_MAX &&
	    (n = read(fd, text + len, MOUNTS_MAX - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	text[len] = '\0';
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (is_local_line(line, mount))
			return true;
	}
	return false;
}
