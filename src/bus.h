/*
 * bus: what becomes of the daemon when a file is cut short under its map.
 *
 * The kernel then ends it by SIGBUS, at whatever it was doing.  Here is a
 * handler that wipes the keys, says which file it was, and exits with a code
 * of its own.  A signal handler is given no context, so what it needs stands
 * in this module: the only one of the daemon that has such a thing.
 */
#ifndef COFRE_BUS_H
#define COFRE_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit code of the handler: EX_IOERR of sysexits.h. */
#define BUS_EXIT 74

/* Have SIGBUS handled.  False with errno. */
bool bus_catch(void);

/*
 * The file behind a descriptor is mapped, size bytes of it; name is how it is
 * called in what is said, of which 63 bytes are kept.  What was said of that
 * descriptor before does not count any more.
 */
void bus_file(int fd, uint64_t size, const char *name);

/* It is not mapped any more, before it is closed.  Nothing happens to -1. */
void bus_forget(int fd);

/* Memory that the handler is to zero, until bus_wiped(). */
void bus_wipe(void *area, size_t size);

/* The areas go: each is wiped by its owner. */
void bus_wiped(void);

/*
 * Is every file still as long as its map?  If not this ends the daemon as the
 * handler does: a write would make the file long again, with a hole in it.
 */
void bus_check(void);

#endif
