/*
 * trace: what a daemon has written to its state directory, in order: a file
 * with a count of its bytes (uint64_t) and events one behind the other.  The
 * recorder in the daemon writes it, and powercut reads it.
 */
#ifndef TESTS_POWERCUT_TRACE_H
#define TESTS_POWERCUT_TRACE_H

#include <stdint.h>

#define TRACE_MAX ((uint64_t)256 << 20)

enum trace_kind {
	TRACE_BEGIN = 1, /* a daemon begins; it has no descriptors yet */
	TRACE_OPEN,	 /* bytes: the name; offset: the flags of open(2) */
	TRACE_CLOSE,
	TRACE_WRITE,  /* bytes at offset */
	TRACE_MAPPED, /* the same, through a mapping, at any time since the
			 event before */
	TRACE_SIZE,   /* the file has length bytes; no bytes follow */
	TRACE_GROW,   /* it has at least so many */
	TRACE_SYNC,   /* what was written to fd is on the disk */
	TRACE_RENAME, /* bytes: both names, each with its zero */
	TRACE_UNLINK, /* bytes: the name */
	TRACE_MKDIR,  /* likewise */
	TRACE_SEND,   /* bytes that a client gets */
	TRACE_PATCH,  /* a test, and no daemon, has changed a file, for good:
			 the name with its zero, and bytes for offset */
};

/* Bytes follow, and zeros up to a multiple of 8. */
struct trace_event {
	uint32_t kind;
	int32_t fd;
	uint64_t offset;
	uint64_t length;
};

#endif
