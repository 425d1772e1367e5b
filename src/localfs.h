/*
 * localfs: is a file on a file system that the kernel serves by itself?
 *
 * Others (FUSE, NFS) can take for ever to answer, and what answers is a
 * program, which may be anybody's.
 */
#ifndef COFRE_LOCALFS_H
#define COFRE_LOCALFS_H

#include <stdbool.h>
#include <stdint.h>

/* By the id of the mount, as statx(2) tells it (STATX_MNT_ID).  False also
   when it is not mounted here, or far down in a very long list of mounts. */
bool localfs(uint64_t mount);

#endif
