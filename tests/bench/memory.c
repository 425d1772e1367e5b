#include "memory.h"

#include <stdio.h>
#include <string.h>

bool
memory_read(pid_t pid, struct memory *m)
{
	size_t kib, anonymous = 0, lines = 0;
	char path[64], line[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	*m = (struct memory){ .own = 0 };
	while (fgets(line, sizeof(line), f) != NULL) {
		/* Of each mapping, Anonymous comes before Locked. */
		if (sscanf(line, "Anonymous: %zu", &kib) == 1) {
			anonymous = kib;
			m->own += kib;
			lines++;
		} else if (sscanf(line, "Rss: %zu", &kib) == 1) {
			m->resident += kib;
		} else if (sscanf(line, "Locked: %zu", &kib) == 1) {
			m->locked += kib;
			if (kib > anonymous)
				m->own += kib - anonymous;
		}
	}
	(void)fclose(f);
	return lines > 0;
}
