/*
 * path: open what a path names, and not what somebody else has made it lead
 * to.  A path that goes through a directory of another user's could be led
 * away by a symbolic link of his: root would read, or make, a file elsewhere
 * on his behalf.
 */
#ifndef COFRE_PATH_H
#define COFRE_PATH_H

/*
 * As open(2), without a file being made.  Symbolic links are followed when
 * root or the caller has made them; ELOOP for others, and for too many.
 */
int path_open(const char *path, int flags);

#endif
