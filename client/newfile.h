/*
 * newfile: a file that this program makes, that was not there before, and
 * that only its owner may read.  Its directory is held open, so that it is
 * removed where it was made, whatever happens to the path meanwhile; path.h
 * says how it is found.
 */
#ifndef COFRE_NEWFILE_H
#define COFRE_NEWFILE_H

#include <stdbool.h>

struct newfile {
	int dir; /* the directory, -1 when there is no file */
	int fd;
	const char *base; /* the name in it; points into the path */
};

/* What newfile_close() and newfile_remove() do nothing with. */
#define NEWFILE_NONE ((struct newfile){ -1, -1, "" })

/*
 * Make the file, mode 0600, open for writing.  path must live as long as f.
 * False, with errno: EEXIST when there is something of that name.
 */
bool newfile_create(struct newfile *f, const char *path);

/* Wait until file and name are on disk.  False, with errno. */
bool newfile_sync(const struct newfile *f);

/*
 * Give it that name in its directory, in place of what has it, wait until that
 * is on disk, and close it.  False, with errno, and it is removed.
 */
bool newfile_replace(struct newfile *f, const char *name);

/* Close it; it stays.  False, with errno, when a write was lost. */
bool newfile_close(struct newfile *f);

/* Remove and close it. */
void newfile_remove(struct newfile *f);

#endif
