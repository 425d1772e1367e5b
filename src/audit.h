/*
 * audit: the activity log's files.  Records are put into the current
 * segment, a preallocated shared mapping, at the moment of audit_append();
 * a killed daemon leaves them there.  audit_flush() puts them on the disk.
 *
 * Segments are STATE/activity/<first cell, 16 hex digits>.log.  The next one
 * is made as "next.tmp" before the current one is full.  When the current
 * one runs out it is put on the disk whole, and only then the next one gets
 * its header and its name.  So every segment but the last is complete, and a
 * crash can only have broken the end of the last one.  A next.tmp that is
 * found at start is removed.
 *
 * What a crash leaves, and what becomes of it
 *
 * A record becomes visible with one store of its first 8 bytes, after the
 * rest of it.  A killed process therefore leaves whole records, and behind
 * them at most bytes of one that was never seen (nor answered for).
 *
 * A power cut can lose more.  What was written since the last flush reaches
 * the disk in any order, so that pages are missing while later ones are
 * there.  What was flushed is never lost.  The segment's mark says how far
 * that goes: it is moved on after a flush, every AUDIT_MARK_STEP cells, when
 * a segment is full, and at the end.
 *
 * At start the last segment is read to the first place that does not follow
 * from what is before it.  Zeros from there to the end of the file: that is
 * the end of the log.  Otherwise:
 *  - before the mark: no crash does that.  The log was changed or damaged,
 *    and audit_open() fails and names file and cell.
 *  - after it, and something is missing at that place (the first 8 bytes, or
 *    a line of 64 bytes, are zeros): a torn end.  All from there on is
 *    copied to activity/<cell>.torn, flushed, and then zeroed;
 *    audit_open_note() says so, for the caller to record.
 *  - after it, and nothing is missing: a crash leaves out bytes, it does not
 *    write other ones.  audit_open() fails.
 *
 * Somebody who can write the file while no daemon runs, and has no key, can
 * make an end look torn: zero a record, and set the mark back.  He gains
 * nothing by it.  He could as well zero everything from there on, which
 * looks like a log that ended earlier and leaves no note and no copy.
 * Cutting the end off is what a chain in one place can't show; against it
 * stand the store's epoch (audit_last_epoch() is then older than the store)
 * and chain values that were noted elsewhere.  What the log has before that
 * place he can't change: those records carry tags.
 *
 * Flushing is fdatasync(2).  On Linux that writes the pages of a shared
 * mapping too: msync(MS_SYNC) is vfs_fsync_range(file, start, end, 1)
 * (mm/msync.c), and fdatasync the same call for the whole file
 * (fs/sync.c, do_fsync with datasync 1).
 *
 * System calls after audit_open(): openat, fallocate, pwrite64 (where there
 * is no fallocate), mmap, munmap, pread64, fdatasync, fsync, renameat,
 * unlinkat, close, io_submit, io_getevents; getrandom for nonces, and those of
 * malloc.
 */
#ifndef COFRE_AUDIT_H
#define COFRE_AUDIT_H

#include "logfmt.h"

struct audit;

#define AUDIT_MARK_STEP 256u

/*
 * So many cells are flushed ahead, without waiting for them, as soon as they
 * are written: 512 KiB.  What is left for audit_flush(), and for the end of a
 * segment, is then little.
 */
#define AUDIT_AHEAD_STEP 4096u

/*
 * Open the log under the state directory, or begin one.  The last segment
 * is read and its chain checked, and that it follows from the one before.
 * segment_size is for new segments, in bytes (a multiple of the page size,
 * at most AUDIT_SEGMENT_MAX).  state_fd stays the caller's and is not used
 * later.  On failure NULL, with the reason in error: what is wrong with
 * which file.
 */
#define AUDIT_SEGMENT_MAX ((size_t)1 << 30)
struct audit *audit_open(int state_fd, size_t segment_size, char *error,
    size_t error_size);

/* What audit_open() had to repair, as text for a record; NULL: nothing.
   Lives as long as the log is open. */
const char *audit_open_note(const struct audit *a);

/* Flush, unmap and close; NULL is allowed. */
void audit_close(struct audit *a);

/*
 * The keys of the vault, or NULL when it locks.  They stay the caller's.
 * With the keys, the last segment is checked: false when its chain does not
 * fit any more or a tag is forged (the keys are taken all the same).
 */
bool audit_set_keys(struct audit *a, const struct log_keys *keys);

/*
 * True when cells more cells can be written: now, and whatever happens.
 * They must fit one segment.  Makes the next segment when the current one is
 * three quarters full (and if that fails there is time to try again), and
 * takes it into use when cells don't fit the current one: that flushes.
 * False when it can't be done (no space); asked again it tries again.
 */
bool audit_room(struct audit *a, size_t cells);

/* A number that is another one once audit_room() had to do with files, which
   takes long: that is for what all have in the log. */
uint64_t audit_files(const struct audit *a);

/*
 * Write a record and return the number of its cell.  r->cell is ignored.
 * There must be room: the caller asked for it, and is ended otherwise.
 */
uint64_t audit_append(struct audit *a, const struct log_record *r);

/* Put all records on the disk.  False when that failed: the log is broken
   from then on, and audit_room() is false until it is opened anew. */
bool audit_flush(struct audit *a);

/* Begin to put them there, and do not wait for it; where a flush is under way
   already, with the next record.  False when it can't be done: audit_flush()
   is left. */
bool audit_flush_soon(struct audit *a);

/* Is it broken? */
bool audit_broken(const struct audit *a);

/* Can it be flushed ahead (ahead.h)?  Without that all goes as well, but every
   request waits for what a flush, and a segment's end, has to write. */
bool audit_goes_ahead(const struct audit *a);

/* The number that the next record gets, and that of the first one kept. */
uint64_t audit_end(const struct audit *a);
uint64_t audit_first(const struct audit *a);

/*
 * Take note of oldest segments that were moved away since the log was opened,
 * as a start does: audit_first() is then that of the first one that is there.
 * A gap behind it stays one.  Before reading.
 */
void audit_drop_gone(struct audit *a);

/* The epoch in the newest record that has one; 0 when there is none. */
uint64_t audit_last_epoch(const struct audit *a);

/*
 * Read the record at cell, which must be the first cell of a record, for
 * showing it.  The text is opened when keys are set.  LOG_BROKEN: there is
 * no record, or it does not follow from the one before it (a cell before
 * audit_first() is broken too).  LOG_FORGED: *r is filled in, without sealed
 * text, and is not to be trusted.  LOG_END: cell is audit_end() or later.
 * *next is always set: where the next record begins, past a broken place the
 * next one that looks like a record.  r lives as long as text.
 */
enum log_result audit_read(struct audit *a, uint64_t cell,
    struct log_record *r, uint64_t *next,
    uint8_t text[LOG_CELLS_MAX * LOG_CELL]);

#endif
