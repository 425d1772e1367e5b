#include "source_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "secmem.h"
#include "source_slot.h"
#include "source_text.h"

#define PASSWD "/etc/passwd"
#define SAID_BYTES OUTPUT_ESCAPED(SOURCE_TEXT_MAX)
/* What is shown of a source's own words in a reason. */
#define WORDS_MAX 300u
/* What the dead supervisors have left is killed for a second at most. */
#define SWEEPS 100
#define SWEEP_MS 10

struct source_pool {
	const struct source_dir *dir;
	struct source_options o;
	struct source_user user;
	char home[ACCOUNT_HOME_MAX];
	struct source_slot slots[SOURCE_AT_ONCE_MAX];
	size_t running;
	struct source_job *first, *last; /* that wait for their turn */
	bool stopped;
	bool orphans; /* of a supervisor that did not end by itself */
	struct secmem memory; /* of the slots; what a source says comes last */
	char *said;
};

/*
 * Making.
 */

static enum cofre_status
choose_user(struct source_pool *pool, struct problem *p)
{
	struct source_user *u = &pool->user;
	char why[200];

	u->change = geteuid() == 0;
	u->uid = geteuid();
	u->home = pool->home;
	if (u->change && !account_choose_apart(PASSWD, SOURCE_ACCOUNT,
		pool->dir->path, &u->uid, &u->gid, why, sizeof(why)))
		return problem_set(p, COFRE_INVALID,
		    "no account to run sources as: %s", why);
	(void)account_home(PASSWD, u->uid, pool->home);
	return COFRE_OK;
}

static enum cofre_status
make_slots(struct source_pool *pool, struct problem *p)
{
	size_t slots = pool->o.at_once * SOURCE_SLOT_BYTES;
	uint8_t *bytes;

	if (!secmem_init(&pool->memory, slots + SAID_BYTES, false, true))
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	bytes = pool->memory.base;
	for (size_t i = 0; i < pool->o.at_once; i++)
		source_slot_init(&pool->slots[i], bytes +
		    i * SOURCE_SLOT_BYTES);
	pool->said = (char *)bytes + slots;
	return COFRE_OK;
}

enum cofre_status
source_pool_new(const struct source_dir *dir, const struct source_options *o,
    struct source_pool **ret, struct problem *p)
{
	struct source_pool *pool = calloc(1, sizeof(*pool));
	enum cofre_status s;

	if (pool == NULL)
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	pool->dir = dir;
	pool->o = o != NULL ? *o : (struct source_options){ .stop_fd = -1 };
	if (pool->o.at_once == 0)
		pool->o.at_once = SOURCE_AT_ONCE;
	if (pool->o.at_once > SOURCE_AT_ONCE_MAX)
		pool->o.at_once = SOURCE_AT_ONCE_MAX;
	if (pool->o.deadline_ms == 0)
		pool->o.deadline_ms = SOURCE_DEADLINE;
	if (!source_child_can_kill())
		s = problem_set(p, COFRE_INVALID,
		    "sources can't be kept track of: /proc is not mounted, or "
		    "not of this pid namespace");
	else
		s = choose_user(pool, p);
	if (s == COFRE_OK)
		s = make_slots(pool, p);
	if (s == COFRE_OK)
		*ret = pool;
	else
		source_pool_free(pool);
	return s;
}

void
source_pool_free(struct source_pool *pool)
{
	if (pool == NULL)
		return;
	secmem_free(&pool->memory);
	free(pool);
}

void
source_pool_add(struct source_pool *pool, struct source_job *job)
{
	job->next = NULL;
	if (pool->first == NULL)
		pool->first = job;
	else
		pool->last->next = job;
	pool->last = job;
}

static struct source_job *
take_job(struct source_pool *pool)
{
	struct source_job *job = pool->first;

	pool->first = job->next;
	job->next = NULL;
	return job;
}

/*
 * What a source says, without values.
 */

static void
tell_said(struct source_pool *pool, struct source_slot *s,
    const struct source_answer *a)
{
	const struct source_request *asked = &s->job->request;
	const struct source_values values[] = {
		{ asked->fields, asked->field_count },
		{ a->fields, a->field_count },
	};
	struct source_text t = { s->said, s->said_len };

	source_text_scrub(&t, values, 2, s->said_more);
	source_text_trim(&t);
	(void)output_escape(pool->said, SAID_BYTES, (struct view){ t.data,
		t.len });
}

/* Its own words of an answer, where they lie. */
static struct view
without_values(const struct source_job *job, struct view words)
{
	const struct source_values asked = { job->request.fields,
		job->request.field_count };
	struct source_text t = { (uint8_t *)(uintptr_t)words.data, words.len };

	source_text_scrub(&t, &asked, 1, false);
	source_text_trim(&t);
	return (struct view){ t.data, t.len };
}

static void
tell_words(const struct source_job *job, struct view words, const char *what,
    struct problem *p)
{
	char escaped[WORDS_MAX];

	(void)output_escape(escaped, sizeof(escaped), without_values(job,
		words));
	(void)problem_set(p, COFRE_OK, "%s: %s", what, escaped);
	secmem_wipe(escaped, sizeof(escaped));
}

/*
 * What came of it.
 */

/* A source that has ended by itself. */
static enum cofre_status
take_answer(const struct source_slot *s, struct source_answer *a,
    struct problem *p)
{
	int status = s->report.value;
	enum cofre_status ret;

	if (WIFSIGNALED(status))
		return problem_set(p, COFRE_INTERNAL, "killed by signal %d",
		    WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return problem_set(p, COFRE_INTERNAL, "exit status %d",
		    WEXITSTATUS(status));
	ret = source_answer_parse(s->job->request.operation,
	    (struct view){ s->answer, s->answer_len }, a, p);
	if (ret != COFRE_OK)
		return ret;
	if (a->failed) {
		tell_words(s->job, a->error, "it says", p);
		return COFRE_INTERNAL;
	}
	a->reason = without_values(s->job, a->reason);
	return COFRE_OK;
}

static enum cofre_status
judge(const struct source_pool *pool, const struct source_slot *s,
    struct source_answer *a, struct problem *p)
{
	if (s->status != COFRE_OK)
		return problem_set(p, s->status, "%s", s->problem.text);
	switch (s->report.event) {
	case SOURCE_CANT:
		return problem_set(p, COFRE_INTERNAL, "can't %s: %s",
		    source_step_text(s->report.step),
		    strerror(s->report.value));
	case SOURCE_LATE:
		return problem_set(p, COFRE_TIMEOUT, "timed out after %g s",
		    pool->o.deadline_ms / 1000.0);
	case SOURCE_ENDED:
		return take_answer(s, a, p);
	}
	return problem_set(p, COFRE_INTERNAL,
	    "its supervisor was killed before it had ended");
}

static void
finish(struct source_pool *pool, struct source_slot *s, source_done *done,
    void *arg)
{
	struct source_job *job = s->job;
	struct source_result r = { .said = pool->said };
	struct problem p = { "" };

	source_slot_end(s);
	pool->orphans = pool->orphans || s->lost;
	r.status = judge(pool, s, &r.answer, &p);
	tell_said(pool, s, &r.answer);
	r.reason = p.text;
	source_slot_wipe(s);
	pool->running--;
	done(arg, job, &r);
	source_answer_free(&r.answer);
	secmem_wipe(pool->said, strlen(pool->said));
}

static void
stop_all(struct source_pool *pool)
{
	pool->stopped = true;
	for (size_t i = 0; i < pool->o.at_once; i++)
		if (pool->slots[i].job != NULL)
			source_slot_stop(&pool->slots[i], COFRE_CLOSED,
			    "it was stopped");
}

/* What runs is given up, without a word to its caller. */
static void
abandon(struct source_pool *pool)
{
	stop_all(pool);
	for (size_t i = 0; i < pool->o.at_once; i++) {
		if (pool->slots[i].job == NULL)
			continue;
		source_slot_end(&pool->slots[i]);
		source_slot_wipe(&pool->slots[i]);
	}
	pool->running = 0;
}

/* A job that is not even begun. */
static void
refuse(struct source_job *job, enum cofre_status status, struct problem *p,
    source_done *done, void *arg)
{
	const struct source_result r = { .status = status, .reason = p->text,
		.said = "" };

	done(arg, job, &r);
}

/*
 * Running.
 */

static void
begin(struct source_pool *pool, source_done *done, void *arg)
{
	struct problem p;

	for (size_t i = 0; i < pool->o.at_once && pool->first != NULL; i++) {
		struct source_slot *s = &pool->slots[i];

		while (s->job == NULL && pool->first != NULL) {
			struct source_job *job = take_job(pool);
			enum cofre_status status = pool->stopped ?
			    problem_set(&p, COFRE_CLOSED, "it was stopped") :
			    source_slot_start(s, pool->dir, &pool->user,
				pool->o.deadline_ms, job, &p);

			if (status == COFRE_OK)
				pool->running++;
			else
				refuse(job, status, &p, done, arg);
		}
	}
}

/* Kill what dead supervisors have left: it is this process's now. */
static bool
sweep(struct source_pool *pool)
{
	pid_t ours[SOURCE_AT_ONCE_MAX];
	size_t count = 0;

	for (size_t i = 0; i < pool->o.at_once; i++)
		if (pool->slots[i].job != NULL)
			ours[count++] = pool->slots[i].supervisor;
	return source_child_kill(ours, count, false);
}

static enum cofre_status
wait_for_any(struct source_pool *pool,
    struct pollfd fds[3 * SOURCE_AT_ONCE_MAX + 1], struct problem *p)
{
	nfds_t n = 3 * pool->o.at_once;
	int64_t next = INT64_MAX, left;

	for (size_t i = 0; i < pool->o.at_once; i++) {
		const struct source_slot *s = &pool->slots[i];

		fds[3 * i] = (struct pollfd){ s->out, POLLIN, 0 };
		fds[3 * i + 1] = (struct pollfd){ s->err, POLLIN, 0 };
		fds[3 * i + 2] = (struct pollfd){ s->control, POLLIN, 0 };
		if (s->job != NULL && s->end < next)
			next = s->end;
	}
	fds[n] = (struct pollfd){ pool->stopped ? -1 : pool->o.stop_fd,
		POLLIN, 0 };
	left = next - source_now();
	left = left < 0 ? 0 : left;
	if (poll(fds, n + 1, left > INT32_MAX ? INT32_MAX : (int)left) >= 0)
		return COFRE_OK;
	if (errno != EINTR)
		return problem_set(p, COFRE_INTERNAL, "poll: %s",
		    strerror(errno));
	for (nfds_t i = 0; i <= n; i++)
		fds[i].revents = 0;
	return COFRE_OK;
}

static void
serve(struct source_pool *pool, const struct pollfd *fds, source_done *done,
    void *arg)
{
	for (size_t i = 0; i < pool->o.at_once; i++, fds += 3) {
		struct source_slot *s = &pool->slots[i];

		if (s->job == NULL)
			continue;
		if (s->out != -1 && fds[0].revents != 0)
			source_slot_read_answer(s);
		if (s->err != -1 && fds[1].revents != 0)
			source_slot_read_said(s);
		if (fds[2].revents != 0 && source_slot_hear(s))
			finish(pool, s, done, arg);
		else if (source_now() >= s->end)
			source_slot_hurry(s);
	}
}

static enum cofre_status
run(struct source_pool *pool, source_done *done, void *arg,
    struct problem *p)
{
	struct pollfd fds[3 * SOURCE_AT_ONCE_MAX + 1];
	enum cofre_status s = COFRE_OK;

	for (;;) {
		begin(pool, done, arg);
		if (pool->running == 0)
			return COFRE_OK;
		s = wait_for_any(pool, fds, p);
		if (s != COFRE_OK)
			return s;
		if (fds[3 * pool->o.at_once].revents != 0)
			stop_all(pool);
		serve(pool, fds, done, arg);
		if (pool->orphans)
			(void)sweep(pool);
	}
}

enum cofre_status
source_pool_run(struct source_pool *pool, source_done *done, void *arg,
    struct problem *p)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct sigaction before;
	enum cofre_status s;
	int reaper = 0;

	(void)sigaction(SIGCHLD, &dfl, &before);
	(void)prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	s = run(pool, done, arg, p);
	if (s != COFRE_OK)
		abandon(pool);
	for (int i = 0; pool->orphans && i < SWEEPS && !sweep(pool); i++)
		(void)poll(NULL, 0, SWEEP_MS);
	pool->orphans = false;
	(void)prctl(PR_SET_CHILD_SUBREAPER, reaper);
	(void)sigaction(SIGCHLD, &before, NULL);
	return s;
}
