/*
 * runs: all runs of a vault: in memory, and in their rows.  What ends them
 * by itself is watched elsewhere (watch.h); here it is only noted.
 *
 * A run that is over stays: its process is to get no other rights by it, and
 * `run list` shows it.  When there is no place for a new one, the oldest one
 * that nobody is any more is forgotten.
 */
#ifndef COFRE_RUNS_H
#define COFRE_RUNS_H

#include "run.h"

struct vault;
struct workspace;

/* What is taken in at unlock: earlier daemons left rows behind when a turn
   failed, and a vault with too many of them is to be opened all the same. */
#define RUNS_LOADED_MAX (2 * RUNS_MAX)

struct runs {
	struct run *list[RUNS_LOADED_MAX]; /* in no order */
	size_t count;
	struct run *aside; /* they have made place in this turn, which may
			      yet be taken back */
	uint64_t changes; /* counted up when somebody may be another run */
	uint64_t watch_ids; /* the last one given */
	bool untold; /* an end is still to be recorded */
	bool reading; /* some have read in this turn */
	uint64_t log_end; /* the log's next cell: what is before it is in
			     what they have logged */
	uint64_t looked; /* when cgroups were last, by CLOCK_BOOTTIME */
	/* The first deadlines of those that go on, and changes when they were
	   looked up. */
	uint64_t due_real, due_boot, due_change;
};

/* Who asks, as far as it makes him a run. */
struct run_caller {
	uint32_t pid; /* 0: it can't be told */
	uint64_t start;
	uint64_t inode; /* of its pidfd; 0: it can't be told */
	uint32_t uid;
	const char *cgroup;	/* "": it can't be told */
	const uint8_t *attached; /* the id of the run whose token it has
				    shown; or NULL */
};

/*
 * The run that the caller is, or NULL: by its process before its cgroup (the
 * innermost one), that before a token; and by one that goes on before one
 * that is over.
 */
struct run *runs_match(const struct runs *rs, const struct run_caller *c);

/* The run with the id, or NULL. */
struct run *runs_find(const struct runs *rs, struct view id);

/* The one that goes on whose token has the hash, or NULL; it takes as long
   for each of them. */
struct run *runs_find_token(const struct runs *rs,
    const uint8_t hash[CRYPTO_HASH_LEN]);

/* How many runs that go on have read that version of a record last, itself
   or through what follows it. */
uint32_t runs_holders(const struct runs *rs, uint64_t record,
    uint32_t version);

/* The one that the log calls by this number, or NULL. */
struct run *runs_find_principal(const struct runs *rs, uint32_t id);

/* The one that epoll knows by the number, or NULL. */
struct run *runs_find_watch(const struct runs *rs, uint64_t watch_id);

/* The workspace's run with the least id behind after (any: empty), or
   NULL. */
struct run *runs_next(const struct runs *rs, uint64_t workspace,
    struct view after);

/* True when a run that goes on has the same process, or cgroup. */
bool runs_has_target(const struct runs *rs, const struct run *r);

/*
 * Take a new run in, and write its row: it is the vault's then, unless the
 * status is not OK.  LIMIT when there is no place, or who starts it has as
 * many that go on as there are places left.
 */
enum cofre_status runs_add(struct vault *v, struct workspace *ws,
    struct run *r);

/* Write its row anew; after runs_touch(), when it can be taken back.
   NOT_FOUND: its workspace is gone. */
enum cofre_status runs_save(struct vault *v, struct run *r);

/*
 * The rows of a workspace that is purged are deleted.  Those of its runs that
 * somebody still is get one in the vault's own scope, without secrets, token,
 * label and snapshot: he is to get no other rights by the purge.
 */
enum cofre_status runs_bare(struct vault *v, uint64_t workspace);

/*
 * What runs have read: the end of a turn.  What they read in it is in the
 * log, whose next cell is log_end; or nobody was given it.
 */
void runs_logged(struct runs *rs, uint64_t log_end);
void runs_unread(struct runs *rs);

/* About how many bytes the rows take that have less reads than the log;
   write these; and say that this was committed. */
size_t runs_unsaved(const struct runs *rs);
enum cofre_status runs_save_reads(struct vault *v);
void runs_saved(struct runs *rs);

/* What it is now comes back when the turn's commit fails. */
void runs_touch(struct run *r);

/* It is over, from now on; that is still to be recorded.  gone: nobody is it
   any more. */
void runs_end(struct runs *rs, struct run *r, enum run_end why, bool gone);

/* Nobody is it any more. */
void runs_gone(struct runs *rs, struct run *r);

/* Take a row in; at unlock. */
enum cofre_status runs_load(struct vault *v, const struct row_id *id,
    struct view plain);

/* Keep what changed, or take it back; free all of them, at lock. */
void runs_keep(struct vault *v);
void runs_undo(struct vault *v);
void runs_forget(struct vault *v);

#endif
