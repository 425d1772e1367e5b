/*
 * resync_answer: what is made of the answers of one credential's source, until
 * it is staged or has failed.
 *
 * pull -> (as usual) compared; if it is new and the source offers that, tried;
 *	   staged
 *	-> (to rotate) the idle key made anew, tried, staged
 * retire -> the key that nobody has any more was made anew: noted
 */
#ifndef COFRE_RESYNC_ANSWER_H
#define COFRE_RESYNC_ANSWER_H

#include "resync_work.h"

/* A resync that is under way. */
struct work {
	struct cmd *cmd;    /* whose connection the resync is on */
	struct cmd compare; /* another one, with a dry run that compares */
	const struct resync_options *o;
	struct resync *r;
	struct source_pool *pool;
	size_t finished;
	enum cofre_status status; /* of the whole: the connection is lost */
};

/* The workspace's name. */
struct view work_workspace(const struct work *w);

/* Ask the key's source for the first time. */
void work_begin(struct work *w, struct resync_key *k);

/* Nothing comes of the key: its note says why, and is kept with it. */
void work_fail(struct work *w, struct resync_key *k);

/* A source has ended: for source_pool_run(), with the work as arg. */
void work_answered(void *arg, struct source_job *job,
    const struct source_result *result);

/* Say how far it is, or wipe that away. */
void work_progress(const struct work *w, bool end);

#endif
