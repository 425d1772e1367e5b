#include "putfile.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "newfile.h"
#include "reveal.h"

#define PATH_SIZE 4096u

static enum cofre_status
fail(struct problem *p, enum cofre_status s, const char *option,
    const char *path)
{
	return problem_set(p, s, "%s %.200s can't be written: %s", option,
	    path, strerror(errno));
}

/* What the path calls the file in its directory. */
static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

enum cofre_status
putfile(const char *path, struct view content, const char *option,
    struct problem *p)
{
	char beside[PATH_SIZE];
	struct newfile f;
	unsigned tail;

	if (path == NULL)
		return reveal_write(STDOUT_FILENO, content) ? COFRE_OK :
		    fail(p, COFRE_INTERNAL, "standard", "output");
	errno = EISDIR;
	if (*base_of(path) == '\0')
		return fail(p, COFRE_ARGUMENT, option, path);
	/* A name that nobody has: one of another run may have been left. */
	if (getrandom(&tail, sizeof(tail), 0) != (ssize_t)sizeof(tail))
		return fail(p, COFRE_INTERNAL, option, path);
	errno = ENAMETOOLONG;
	if (snprintf(beside, sizeof(beside), "%s.%08x", path,
		tail) >= (int)sizeof(beside) ||
	    !newfile_create(&f, beside))
		return fail(p, COFRE_ARGUMENT, option, path);
	if (fchmod(f.fd, 0644) == -1 || !reveal_write(f.fd, content)) {
		enum cofre_status s = fail(p, COFRE_INTERNAL, option, path);

		newfile_remove(&f);
		return s;
	}
	return newfile_replace(&f, base_of(path)) ? COFRE_OK :
	    fail(p, COFRE_ARGUMENT, option, path);
}
