#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
all_there(const struct choice *c, const struct op *o, uint64_t piece)
{
	(void)o;
	(void)piece;
	return c->cut;
}

static void
load_effect(struct judge *j, const char *line)
{
	struct effect *e = &j->effects[j->effect_count++];
	char hash[2 * VALUE_SUM + 1];
	unsigned state;

	if (j->effect_count > STEPS_MAX ||
	    sscanf(line, "S %" SCNu32 " %" SCNu64 " %31s %" SCNu32 " %u %32s",
		&e->request, &e->secret.workspace, e->secret.name,
		&e->secret.version, &state, hash) != 6)
		die(line);
	e->secret.state = (uint8_t)state;
	for (size_t i = 0; i < VALUE_SUM; i++) {
		unsigned byte;

		if (sscanf(hash + 2 * i, "%2x", &byte) != 1)
			die(line);
		e->secret.value[i] = (uint8_t)byte;
	}
}

void
judge_load(struct judge *j, const char *plan, struct disk *d)
{
	FILE *f = fopen(plan, "re");
	char line[256];

	if (f == NULL)
		die(plan);
	j->disk = d;
	for (size_t i = 0; i < REQUESTS; i++)
		j->answered[i] = NEVER;
	for (size_t i = d->answer_count; i-- > 0;)
		j->answered[d->answers[i].request % REQUESTS] =
		    d->answers[i].tick;
	j->references =
	    must_alloc((d->commit_count + 1) * sizeof(*j->references));
	while (fgets(line, sizeof(line), f) != NULL) {
		struct step *s = &j->steps[j->step_count];
		unsigned op, status, admin;

		if (line[0] == 'S') {
			load_effect(j, line);
			continue;
		}
		if (j->step_count == STEPS_MAX ||
		    sscanf(line, "R %" SCNu32 " %u %u %u", &s->request, &op,
			&status, &admin) != 4)
			die(line);
		if (s->request >= REQUESTS)
			die("too many requests");
		j->by_request[s->request] = s;
		s->op = (uint16_t)op;
		s->status = (uint16_t)status;
		s->admin = admin != 0;
		j->step_count++;
	}
	(void)fclose(f);
}

/* Lock files have whatever they have: nothing in them lasts. */
static void
add_locks(struct image *im, unsigned variant)
{
	static uint8_t any[8192];
	static const char *const names[] = { "data.mdb-lock",
		"ssh.lmdb-lock" };

	if (variant % 3 == 0 || im->count + 2 > FILES_MAX)
		return;
	for (size_t i = 0; i < sizeof(any); i++)
		any[i] =
		    variant % 3 == 1 ? 0 : (uint8_t)(variant * 31 + i * 7);
	for (size_t i = 0; i < 2; i++) {
		struct file *f = &im->files[im->count++];

		(void)snprintf(f->name, sizeof(f->name), "%s", names[i]);
		f->data = any;
		f->size = f->used = sizeof(any);
	}
}

static void
try_image(struct judge *j, const struct choice *c, unsigned variant)
{
	struct image im;

	disk_image(j->disk, c, &im);
	add_locks(&im, variant);
	image_write(&im);
	trial_run(j->trial, j->key, false);
}

/* When commit n is there; for one of the SSH store all that comes before its
   next one, since it is committed before the vault is. */
static uint64_t
after_commit(const struct disk *d, size_t n)
{
	const struct commit *c = &d->commits[n];

	if (c->store == DATA_FILE)
		return c->tick + 1;
	for (n++; n < d->commit_count; n++)
		if (d->commits[n].store == SSH_FILE)
			return d->commits[n].tick;
	return d->ticks;
}

/* What the vault is once commit n is there, and all before it. */
static const struct reference *
reference(struct judge *j, size_t n)
{
	struct reference *r = &j->references[n];
	const struct choice c = { .cut = after_commit(j->disk, n),
		.flushes = NEVER,
		.grain = PAGE,
		.mapped = PAGE,
		.limit = all_there };
	struct trial *t = j->trial, saved;

	if (r->known)
		return r;
	saved = *t;
	try_image(j, &c, 0);
	r->known = true;
	memcpy(r->vault, t->vault, SUM_LEN);
	memcpy(r->runs, t->runs, SUM_LEN);
	memcpy(r->ssh, t->ssh, SUM_LEN);
	*t = saved;
	return r;
}

/* Is the store as a commit from first to last has left it?  *at says as
   which. */
static bool
is_one_of(
    struct judge *j, unsigned store, size_t first, size_t last, size_t *at)
{
	for (size_t n = last + 1; n-- > first;) {
		const struct reference *r;

		if (j->disk->commits[n].store != store)
			continue;
		r = reference(j, n);
		*at = n;
		if (store == SSH_FILE ?
			memcmp(r->ssh, j->trial->ssh, SUM_LEN) == 0 :
			memcmp(r->vault, j->trial->vault, SUM_LEN) == 0 &&
			    memcmp(r->runs, j->trial->runs, SUM_LEN) == 0)
			return true;
	}
	return false;
}

/* The newest commit of a store before the tick; the first one if none. */
static size_t
commit_before(const struct disk *d, unsigned store, uint64_t tick)
{
	size_t found = SIZE_MAX;

	for (size_t n = 0; n < d->commit_count; n++)
		if (d->commits[n].store == store &&
		    (found == SIZE_MAX || d->commits[n].tick < tick))
			found = n;
	return found;
}

/* When the last reply before the cut was sent. */
static uint64_t
last_answer(const struct disk *d, uint64_t cut)
{
	uint64_t tick = 0;

	for (size_t i = 0; i < d->answer_count && d->answers[i].tick < cut;
	     i++)
		tick = d->answers[i].tick;
	return tick;
}

static bool
same_secret(const struct trial_secret *a, const struct trial_secret *b)
{
	return a->workspace == b->workspace && strcmp(a->name, b->name) == 0;
}

/* Is the secret what this effect, or a later one, has made of it? */
static bool
secret_is(const struct judge *j, size_t from)
{
	const struct trial_secret *want = &j->effects[from].secret,
				  *got = NULL;

	for (size_t i = 0; i < j->trial->secret_count; i++)
		if (same_secret(&j->trial->secrets[i], want))
			got = &j->trial->secrets[i];
	for (size_t i = from; i < j->effect_count; i++) {
		const struct trial_secret *may = &j->effects[i].secret;

		if (!same_secret(may, want))
			continue;
		if (got == NULL ?
			may->state == 0 :
			may->state == got->state &&
			    may->version == got->version &&
			    memcmp(may->value, got->value, VALUE_SUM) == 0)
			return true;
	}
	return false;
}

/* Every secret whose last change was acknowledged has its value. */
static bool
secrets_are_right(const struct judge *j, uint64_t cut)
{
	for (size_t i = 0; i < j->effect_count; i++) {
		bool last = true;

		if (j->answered[j->effects[i].request] >= cut)
			continue;
		for (size_t n = i + 1; n < j->effect_count && last; n++)
			last = !same_secret(&j->effects[n].secret,
				   &j->effects[i].secret) ||
			       j->answered[j->effects[n].request] >= cut;
		if (last && !secret_is(j, i))
			return false;
	}
	return true;
}

/* Each request that had to be recorded is, and none is twice. */
static bool
records_are_right(const struct judge *j, uint64_t cut, bool lies)
{
	static uint8_t seen[REQUESTS];

	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < j->trial->request_count; i++) {
		const struct trial_record *r = &j->trial->requests[i];
		const struct step *s = j->by_request[r->request % REQUESTS];

		if (s == NULL)
			continue;
		if (s->op != r->op || s->status != r->status)
			return false;
		seen[r->request]++;
	}
	for (size_t s = 0; s < j->step_count; s++) {
		const struct step *step = &j->steps[s];
		bool must = !lies && (step->admin || j->strict) &&
			    j->answered[step->request] < cut;
		unsigned count = seen[step->request];

		if (count > 1 || (must && count != 1))
			return false;
	}
	return true;
}

static enum outcome
judge(struct judge *j, const struct choice *c, bool lies, const char **why)
{
	const struct disk *d = j->disk;
	const struct trial *t = j->trial;
	uint64_t acknowledged = last_answer(d, c->cut);
	size_t own = commit_before(d, DATA_FILE, acknowledged), own_at = 0;
	size_t ssh = commit_before(d, SSH_FILE, acknowledged), ssh_at = 0;

	*why = "";
	if (t->signal != 0 && t->phase != PHASE_CHECK)
		return CRASHED;
	*why = t->phase == PHASE_CHECK ? "by the check of the stores" :
	       t->phase == PHASE_START ? "at start" :
					 "at unlock";
	if (t->empty && j->answered[j->steps[0].request] >= c->cut)
		return ACKNOWLEDGED;
	if (t->phase <= PHASE_UNLOCK)
		return j->answered[j->steps[0].request] < c->cut ? REFUSED :
								   UNBORN;
	*why = "a row is told to be bad";
	if (t->told)
		return lies ? REFUSED : WRONG;
	*why = "other after a write";
	if (t->phase != PHASE_DONE || t->unequal)
		return WRONG;
	*why = "the log does not verify";
	if (t->unverified_then)
		return lies ? REFUSED : WRONG;
	*why = "the vault's rows are of no time";
	if (!is_one_of(j, DATA_FILE, lies ? 0 : own,
		commit_before(d, DATA_FILE, c->cut), &own_at))
		return WRONG;
	*why = "the ssh store's rows are of no time";
	if (!is_one_of(j, SSH_FILE, lies ? 0 : ssh,
		commit_before(d, SSH_FILE, c->cut), &ssh_at))
		return WRONG;
	*why = "a record is missing, twice, or another";
	if (!records_are_right(j, c->cut, lies))
		return WRONG;
	if (own_at < own || ssh_at < ssh)
		return OLDER;
	*why = "a secret is not what was acknowledged";
	if (!secrets_are_right(j, c->cut))
		return WRONG;
	return own_at > own || ssh_at > ssh ? FARTHER : ACKNOWLEDGED;
}

enum outcome
judge_image(struct judge *j, const struct choice *c, bool lies,
    unsigned variant, const char **why)
{
	try_image(j, c, variant);
	return judge(j, c, lies, why);
}
