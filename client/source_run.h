/*
 * source_run: runs sources, many at once.
 *
 * Each source is started by a supervisor, a process of this command that
 * collects all descendants of the source, also those that have forked away,
 * and kills them when the source has ended, at the deadline, when too much is
 * answered, or when this process ends, however it does.  A source has
 * nothing of its caller: a clean environment (PATH, HOME, LC_ALL), "/" as its
 * directory, its own session, no descriptor but 0, 1 and 2 (a script has 3
 * too: itself), signals as they are at first, no core, no_new_privs.  Run as
 * root it is the account cofre-source, or without one a uid of the range for
 * dynamic users; never root.  Another user's source runs as that user.
 *
 *	source_dir_open(path, &dir, &p);
 *	source_pool_new(&dir, NULL, &pool, &p);
 *	for each credential
 *		source_pool_add(pool, &jobs[i]);
 *	source_pool_run(pool, done, arg, &p);	(calls done for each)
 *	source_pool_free(pool);
 *	source_dir_close(&dir);
 */
#ifndef COFRE_SOURCE_RUN_H
#define COFRE_SOURCE_RUN_H

#include "output.h"
#include "source_dir.h"
#include "source_json.h"

#define SOURCE_AT_ONCE 16u     /* sources that run at the same time */
#define SOURCE_AT_ONCE_MAX 64u
#define SOURCE_DEADLINE 30000u /* ms */
#define SOURCE_ACCOUNT "cofre-source"

struct source_pool;

/* The caller's; it stays as it is until done is called for it. */
struct source_job {
	const char *source; /* the program's name */
	struct source_request request;
	struct source_job *next; /* the pool's */
};

/* Valid until done returns; then the answer is wiped. */
struct source_result {
	enum cofre_status status;    /* OK: there is an answer */
	struct source_answer answer; /* parsed; never one that failed.  Its
					reason is not escaped */
	const char *reason; /* else: why not, one line, escaped; no value */
	const char *said;   /* what it wrote to standard error: escaped, at
			       most SOURCE_TEXT_MAX bytes of it; may be empty */
};

/*
 * Called once for each job, in the order in which they end.  More jobs may be
 * added here, also the same one anew; once stopped, they fail at once.
 */
typedef void source_done(void *arg, struct source_job *job,
    const struct source_result *r);

struct source_options {
	unsigned at_once;     /* 0: SOURCE_AT_ONCE */
	unsigned deadline_ms; /* of one source; 0: SOURCE_DEADLINE */
	int stop_fd; /* once it is readable, all jobs that have not ended fail
			with the status CLOSED; -1: none */
};

/*
 * Make a pool of sources of that directory, which must stay as long.  o may
 * be NULL.  Errors: INVALID (no account to run them as, no /proc), NO_MEMORY.
 */
enum cofre_status source_pool_new(const struct source_dir *dir,
    const struct source_options *o, struct source_pool **ret,
    struct problem *p);

/*
 * Have a job done.  Whether the rules allow it is asked when it is its turn;
 * one that they do not allow fails with DENIED, and nothing is run.
 */
void source_pool_add(struct source_pool *pool, struct source_job *job);

/*
 * Run until every job is done.  It can be called again when more were added.
 * What fails for one job is in its result: DENIED (no rule), INVALID (no
 * such program, or one that is not as it has to be), TIMEOUT (the deadline),
 * TOO_LARGE, FORMAT, CLOSED (stopped), INTERNAL (exit status, signal).  The
 * error of this function is INTERNAL: poll(2) failed, and jobs may not have
 * been done.  Should a supervisor die before its time, what it leaves becomes
 * this process's: then every other child of this process is killed too.
 */
enum cofre_status source_pool_run(struct source_pool *pool,
    source_done *done, void *arg, struct problem *p);

/* Free; jobs that were not done are left alone.  NULL is allowed. */
void source_pool_free(struct source_pool *pool);

#endif
