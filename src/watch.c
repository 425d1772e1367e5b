#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attest.h"
#include "quota.h"
#include "recount.h"
#include "turn.h"

#define PULSE_MS 1000u /* a clock that is set does not wake us */
#define RETRY_MS 100   /* a record that had no room */

int
watch_open_process(uint32_t pid)
{
	return pid == 0 || pid > INT32_MAX ?
	    -1 :
	    (int)syscall(SYS_pidfd_open, (int)pid, 0);
}

bool
watch_lives(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

bool
watch_is_populated(int fd)
{
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, "populated 1") != NULL;
}

bool
watch_add(struct server *sv, struct run *r, int fd)
{
	struct epoll_event ev = {
		.events = r->target == RUN_CGROUP ? EPOLLPRI : EPOLLIN
	};
	uint64_t id = sv->vault.runs.watch_ids + 1;

	/* It tells of what has changed since it was read: one that is empty
	   now is to be filled. */
	if (r->target == RUN_CGROUP)
		(void)watch_is_populated(fd);
	ev.data.u64 = id << 2 | WATCH_TAG;
	if (epoll_ctl(sv->epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		return false;
	sv->vault.runs.watch_ids = id;
	r->watch_id = id;
	r->watch_fd = fd;
	return true;
}

void
watch_end(struct server *sv, struct run *r, enum run_end why, bool gone)
{
	struct conn *c, *next;

	for (c = sv->conns; c != NULL; c = next) {
		next = c->next;
		if (conn_run(c) == r)
			conn_close(c);
	}
	if (!r->rights.over)
		r->ended_at = sv->now;
	runs_end(&sv->vault.runs, r, why, gone);
}

void
watch_event(struct server *sv, uint64_t tagged)
{
	struct run *r = runs_find_watch(&sv->vault.runs, tagged >> 2);

	if (r == NULL)
		return;
	if (r->target == RUN_PROCESS)
		watch_end(sv, r, RUN_END_PROCESS, true);
	else if (!watch_is_populated(r->watch_fd))
		watch_end(sv, r, RUN_END_CGROUP, true);
}

/* Is nothing of its cgroup left?  When nothing has ever been in it, epoll does
   not tell that it was removed; poll says so to who asks. */
static bool
is_deserted(const struct run *r)
{
	struct pollfd p = { .fd = r->watch_fd, .events = POLLPRI };

	return poll(&p, 1, 0) == 1 && !watch_is_populated(r->watch_fd);
}

void
watch_look(struct server *sv, const char *cgroup)
{
	struct runs *rs = &sv->vault.runs;

	for (size_t i = 0; i < rs->count; i++) {
		struct run *r = rs->list[i];

		if (r->target == RUN_CGROUP && r->watch_fd != -1 &&
		    (cgroup == NULL ||
			facts_cgroup_within(cgroup, r->cgroup)) &&
		    is_deserted(r))
			watch_end(sv, r, RUN_END_CGROUP, true);
	}
}

void
watch_end_workspace(struct server *sv, uint64_t workspace)
{
	struct runs *rs = &sv->vault.runs;

	for (size_t i = 0; i < rs->count; i++) {
		struct run *r = rs->list[i];

		if (r->rights.workspace != workspace || r->rights.over)
			continue;
		runs_touch(r);
		watch_end(sv, r, RUN_END_WORKSPACE, false);
	}
}

static void
find_due(struct runs *rs)
{
	if (rs->due_change == rs->changes)
		return;
	rs->due_change = rs->changes;
	rs->due_real = rs->due_boot = UINT64_MAX;
	for (size_t i = 0; i < rs->count; i++) {
		const struct run *r = rs->list[i];

		if (r->rights.over)
			continue;
		if (r->real_deadline < rs->due_real)
			rs->due_real = r->real_deadline;
		if (r->boot_deadline < rs->due_boot)
			rs->due_boot = r->boot_deadline;
	}
}

void
watch_tick(struct server *sv)
{
	struct runs *rs = &sv->vault.runs;

	if (sv->boot_clock - rs->looked >= PULSE_MS * 1000) {
		rs->looked = sv->boot_clock;
		watch_look(sv, NULL);
	}
	find_due(rs);
	if (rs->count == 0 ||
	    (rs->due_real > sv->now && rs->due_boot > sv->boot_clock))
		return;
	for (size_t i = 0; i < rs->count; i++) {
		struct run *r = rs->list[i];

		if (!r->rights.over && (r->real_deadline <= sv->now ||
			r->boot_deadline <= sv->boot_clock))
			watch_end(sv, r, RUN_END_LIFETIME, false);
	}
}

void
watch_describe(const struct run *r, char *text, size_t size)
{
	char hex[RUN_HEX];

	(void)snprintf(text, size, "run %s: %s; read %zu of %zu secrets",
	    run_hex(r, hex), run_end_text(r->ended), run_read_secrets(r),
	    r->rights.count);
}

/* Who answers for the run, and pays for what it costs. */
static uint32_t
owner(const struct run *r)
{
	return r->uid == NO_ID ? r->by : r->uid;
}

/* Record the end, or what was read of one secret (NULL: the end). */
static bool
note(struct server *sv, const struct run *r, const struct run_secret *s)
{
	char text[DETAIL_MAX + 1], hex[RUN_HEX];
	struct turn_entry *e;

	if (!turn_has_room(sv) || !turn_reserve(sv))
		return false;
	e = turn_add(sv, NULL, true);
	e->record.type = LOG_REQUEST;
	e->record.op = OP_RUN_END;
	e->record.uid = owner(r);
	e->record.principal = PRINCIPAL_RUN;
	e->record.principal_id = r->rights.id;
	e->record.workspace = r->rights.workspace;
	watch_describe(r, text, sizeof(text));
	if (s != NULL) {
		(void)snprintf(text, sizeof(text), "run %s read it %u times",
		    run_hex(r, hex), s->reads);
		e->record.record = s->record;
		e->record.version = s->version;
	}
	e->record.detail = turn_text(sv, view_of(text));
	return true;
}

/*
 * Its row says that it is over once the log does: until then it would be
 * ended, and recorded, again after a restart.  All wait for the disk then, so
 * somebody who has many runs end is charged with that; and when he has kept the
 * disk long enough, the row goes with the next commit of anything.  The record
 * of the end is the turn's last one.
 */
static void
save(struct server *sv, struct run *r)
{
	struct vault *v = &sv->vault;

	if (vault_workspace_kept(v, r->rights.workspace) == NULL)
		return;
	/* Until a commit has it; this turn's may fail. */
	r->unsaved = true;
	if (!store_writing(v->store) && quota_owes(sv, owner(r)))
		return;
	if (vault_begin(v, 32768, true) == COFRE_OK) {
		sv->turn.entries[sv->turn.count - 1].flushed = true;
		(void)runs_save(v, r);
	}
}

void
watch_save(struct server *sv)
{
	if (sv->vault.state == VAULT_OPEN &&
	    runs_unsaved(&sv->vault.runs) > 0)
		(void)vault_begin(&sv->vault, 4096, false);
}

void
watch_checkpoint(struct server *sv)
{
	struct vault *v = &sv->vault;

	if (v->state != VAULT_OPEN || v->runs.count == 0 ||
	    v->runs.log_end < v->read_due)
		return;
	v->read_due = v->runs.log_end + RECOUNT_CELLS;
	(void)vault_begin(v, 4096, false);
}

/* True when all of it is recorded. */
static bool
note_run(struct server *sv, struct run *r)
{
	if (!r->told && !note(sv, r, NULL))
		return false;
	r->told = true;
	for (; r->noted < r->rights.count; r->noted++)
		if (r->secrets[r->noted].reads > 0 &&
		    !note(sv, r, &r->secrets[r->noted]))
			return false;
	r->untold = false;
	return true;
}

void
watch_note(struct server *sv)
{
	struct runs *rs = &sv->vault.runs;

	if (!rs->untold || sv->vault.state != VAULT_OPEN)
		return;
	for (size_t i = 0; i < rs->count; i++) {
		struct run *r = rs->list[i];
		bool asked = r->told;

		if (!r->untold)
			continue;
		if (!note_run(sv, r)) {
			/* The log has the end: the row follows. */
			r->unsaved |= !asked && r->told;
			return;
		}
		/* One that was asked to end was saved by who has asked. */
		if (!asked)
			save(sv, r);
	}
	rs->untold = false;
}

/* Milliseconds from now to a deadline. */
static int
left(uint64_t deadline, uint64_t now)
{
	uint64_t ms = deadline > now ? (deadline - now) / 1000 + 1 : 0;

	return ms > PULSE_MS ? (int)PULSE_MS : (int)ms;
}

int
watch_timeout(struct server *sv)
{
	struct runs *rs = &sv->vault.runs;
	int real, boot;

	if (rs->count == 0)
		return -1;
	if (rs->untold)
		return RETRY_MS;
	find_due(rs);
	if (rs->due_real == UINT64_MAX)
		return -1;
	real = left(rs->due_real, sv->now);
	boot = left(rs->due_boot, sv->boot_clock);
	return real < boot ? real : boot;
}

/* A run that was there before the vault was opened, while it is looked at. */
struct resumed {
	struct ask ask;
	struct server *sv;
	struct run *run;
	int pidfd;
	bool lives;
	bool unseen; /* an error, or no answer, is no verdict */
	size_t *left; /* how many are still looked at */
};

/* Is it the process, or cgroup, of the run? */
static void
recognise(struct ask *a, const struct witness_answer *answer, int fd)
{
	struct resumed *s = a->context;
	struct run *r = s->run;
	bool cgroup = r->target == RUN_CGROUP;
	int watched = cgroup ? fd : s->pidfd;

	(*s->left)--;
	s->unseen = answer->late || (cgroup && answer->watched && fd == -1);
	if (cgroup)
		s->lives = fd != -1 && watch_is_populated(fd) &&
		    (r->inode == 0 || peer_inode(fd) == r->inode);
	else
		s->lives = !answer->late && answer->facts.start == r->start &&
		    (r->inode == 0 || !s->sv->has_inodes ||
			peer_inode(s->pidfd) == r->inode) &&
		    watch_lives(s->pidfd);
	if (s->lives && !watch_add(s->sv, r, watched)) {
		s->lives = false;
		s->unseen = true;
	}
	if (fd != -1 && !(cgroup && s->lives))
		(void)close(fd);
}

/* Is it of this start of the machine? */
static bool
is_of_this_boot(const struct server *sv, const struct run *r)
{
	static const uint8_t unknown[BOOT_ID_LEN];

	return memcmp(sv->boot_id, unknown, BOOT_ID_LEN) != 0 &&
	    memcmp(sv->boot_id, r->boot, BOOT_ID_LEN) == 0;
}

static void
look_at(struct server *sv, struct run *r, struct resumed *s, size_t *left)
{
	*s = (struct resumed){ .sv = sv, .run = r, .pidfd = -1, .left = left };
	if (!is_of_this_boot(sv, r))
		return;
	if (r->target == RUN_TOKEN_ONLY) {
		s->lives = !r->rights.over;
		return;
	}
	s->ask = (struct ask){ .uid = r->uid, .pid = r->pid,
		.cgroup = r->cgroup,
		.answered = recognise, .context = s };
	if (r->target == RUN_PROCESS &&
	    (s->pidfd = watch_open_process(r->pid)) == -1) {
		s->unseen = errno == EMFILE || errno == ENFILE ||
		    errno == ENOMEM;
		return;
	}
	s->unseen = attest_ask(sv, &s->ask);
	*left += s->unseen;
}

static void
judge(struct server *sv, struct resumed *s)
{
	struct run *r = s->run;

	attest_forget(sv, &s->ask);
	if (s->pidfd != -1 && !s->lives)
		(void)close(s->pidfd);
	if (s->lives) {
		/* It was deleted, and the daemon killed before it could say
		   in the run's row that it is over. */
		if (vault_workspace_by_id(&sv->vault, r->rights.workspace) ==
		    NULL)
			watch_end(sv, r, RUN_END_WORKSPACE, false);
		return;
	}
	/* Somebody may be one that was not seen: he gets nothing back. */
	runs_end(&sv->vault.runs, r,
	    is_of_this_boot(sv, r) ? RUN_END_UNSEEN : RUN_END_REBOOT,
	    !s->unseen);
}

void
watch_resume(struct server *sv)
{
	struct runs *rs = &sv->vault.runs;
	struct resumed *all;
	size_t left = 0;

	if (rs->count == 0)
		return;
	all = calloc(rs->count, sizeof(*all));
	for (size_t i = 0; i < rs->count; i++) {
		if (all != NULL)
			look_at(sv, rs->list[i], &all[i], &left);
		else /* nobody can be told from anybody */
			runs_end(rs, rs->list[i], RUN_END_UNSEEN,
			    !is_of_this_boot(sv, rs->list[i]));
	}
	if (all == NULL)
		return;
	attest_wait(sv, &left);
	for (size_t i = 0; i < rs->count; i++)
		judge(sv, &all[i]);
	free(all);
	watch_tick(sv);
}
