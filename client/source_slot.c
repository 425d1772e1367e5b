#include "source_slot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memfile.h"
#include "secmem.h"

/* How long after the deadline a supervisor is woken, and then killed. */
#define WAKING_MS 500
#define KILLING_MS 5000

/* What is made for a source, and given to its supervisor. */
struct given {
	struct source_program program;
	int in;
	int out[2];
	int err[2];
	int control[2];
};

int64_t
source_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

void
source_slot_init(struct source_slot *s, uint8_t *bytes)
{
	*s = (struct source_slot){ .answer = bytes,
		.said = bytes + SOURCE_ANSWER_MAX + 1, .control = -1,
		.out = -1, .err = -1 };
}

void
source_slot_wipe(struct source_slot *s)
{
	secmem_wipe(s->answer, s->answer_len);
	secmem_wipe(s->said, s->said_len);
	source_slot_init(s, s->answer);
}

/*
 * Starting.
 */

static enum cofre_status
check_rules(const struct source_dir *dir, const struct source_job *job,
    struct problem *p)
{
	const struct source_question q = { view_of(job->source),
		job->request.workspace, job->request.arguments,
		job->request.argument_count };
	char line[200];

	if (source_rules_allow((struct view){ (const uint8_t *)dir->rules,
		dir->rules_len }, &q))
		return COFRE_OK;
	return problem_set(p, COFRE_DENIED,
	    "no line of %s/rules allows it; it would be: %s", dir->path,
	    source_rules_line(&q, line, sizeof(line)));
}

static enum cofre_status
make_request(const struct source_job *job, int *fd, struct problem *p)
{
	struct source_bytes b;
	enum cofre_status s = source_request_make(&job->request, &b, p);

	if (s != COFRE_OK)
		return s;
	*fd = memfile_make((struct view){ b.data, b.len });
	if (*fd == -1)
		s = problem_set(p, COFRE_INTERNAL,
		    "can't make its request: %s", strerror(errno));
	source_bytes_free(&b);
	return s;
}

static bool
make_pipes(struct given *g)
{
	return pipe2(g->out, O_CLOEXEC) == 0 && pipe2(g->err, O_CLOEXEC) == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
		g->control) == 0 &&
	    fcntl(g->out[0], F_SETFL, O_NONBLOCK) == 0 &&
	    fcntl(g->err[0], F_SETFL, O_NONBLOCK) == 0;
}

/* A source that opens /dev/stdin anew has to be let. */
static bool
give_away(const struct given *g, const struct source_user *u)
{
	return !u->change || (fchown(g->in, u->uid, u->gid) == 0 &&
	    fchown(g->out[1], u->uid, u->gid) == 0 &&
	    fchown(g->err[1], u->uid, u->gid) == 0);
}

static enum cofre_status
make(struct given *g, const struct source_dir *dir,
    const struct source_user *user, const struct source_job *job,
    struct problem *p)
{
	enum cofre_status s = check_rules(dir, job, p);

	if (s == COFRE_OK)
		s = source_dir_program(dir, view_of(job->source), &g->program,
		    p);
	if (s == COFRE_OK)
		s = make_request(job, &g->in, p);
	if (s == COFRE_OK && (!make_pipes(g) || !give_away(g, user)))
		s = problem_set(p, COFRE_INTERNAL,
		    "can't give it its descriptors: %s", strerror(errno));
	return s;
}

/* No signal reaches a supervisor that still has this process's handlers. */
static pid_t
start(const struct given *g, const struct source_user *user,
    unsigned deadline_ms, const struct source_job *job)
{
	const struct source_child c = { job->source, g->program, g->in,
		g->out[1], g->err[1], g->control[1], user, deadline_ms,
		getpid() };
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		source_child_supervise(&c);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

enum cofre_status
source_slot_start(struct source_slot *s, const struct source_dir *dir,
    const struct source_user *user, unsigned deadline_ms,
    struct source_job *job, struct problem *p)
{
	struct given g = { { -1, false }, -1, { -1, -1 }, { -1, -1 },
		{ -1, -1 } };
	enum cofre_status status = make(&g, dir, user, job, p);

	if (status == COFRE_OK) {
		s->supervisor = start(&g, user, deadline_ms, job);
		if (s->supervisor == -1)
			status = problem_set(p, COFRE_INTERNAL,
			    "can't start it: %s", strerror(errno));
	}
	if (status == COFRE_OK) {
		s->job = job;
		s->end = source_now() + deadline_ms + WAKING_MS;
		s->control = g.control[0];
		s->out = g.out[0];
		s->err = g.err[0];
	} else {
		close_fd(&g.control[0]);
		close_fd(&g.out[0]);
		close_fd(&g.err[0]);
	}
	close_fd(&g.program.fd);
	close_fd(&g.in);
	close_fd(&g.out[1]);
	close_fd(&g.err[1]);
	close_fd(&g.control[1]);
	return status;
}

/*
 * Running.
 */

void
source_slot_stop(struct source_slot *s, enum cofre_status status,
    const char *reason)
{
	if (s->status != COFRE_OK)
		return;
	s->status = problem_set(&s->problem, status, "%s", reason);
	(void)shutdown(s->control, SHUT_WR);
}

void
source_slot_read_answer(struct source_slot *s)
{
	ssize_t n;

	do {
		n = read(s->out, s->answer + s->answer_len,
		    SOURCE_ANSWER_MAX + 1 - s->answer_len);
		if (n > 0)
			s->answer_len += (size_t)n;
		if (s->answer_len > SOURCE_ANSWER_MAX) {
			struct problem p;

			(void)problem_set(&p, COFRE_TOO_LARGE,
			    "it answered more than %u KiB",
			    SOURCE_ANSWER_MAX / 1024);
			source_slot_stop(s, COFRE_TOO_LARGE, p.text);
			n = 0;
		}
	} while (n > 0 || (n == -1 && errno == EINTR));
	if (n == 0 || errno != EAGAIN)
		close_fd(&s->out);
}

/* What is over the limit is read all the same: a source that tells much is
   not kept from its work.  But not more at a time than others wait for. */
void
source_slot_read_said(struct source_slot *s)
{
	uint8_t rest[16384];
	size_t room = SOURCE_TEXT_MAX - s->said_len;
	ssize_t n = read(s->err, room > 0 ? s->said + s->said_len : rest,
	    room > 0 ? room : sizeof(rest));

	if (n > 0 && room > 0)
		s->said_len += (size_t)n;
	else if (n > 0)
		s->said_more = true;
	if (room == 0)
		secmem_wipe(rest, sizeof(rest));
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		close_fd(&s->err);
}

bool
source_slot_hear(struct source_slot *s)
{
	struct source_report r;
	ssize_t n = recv(s->control, &r, sizeof(r), MSG_DONTWAIT);

	if (n == sizeof(r) && s->report.event == 0)
		s->report = r;
	return n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR);
}

void
source_slot_hurry(struct source_slot *s)
{
	(void)kill(s->supervisor, s->woken ? SIGKILL : SIGCONT);
	s->end = s->woken ? INT64_MAX : source_now() + KILLING_MS;
	s->woken = true;
}

void
source_slot_end(struct source_slot *s)
{
	int status = 0;
	pid_t pid;

	do
		pid = waitpid(s->supervisor, &status, 0);
	while (pid == -1 && errno == EINTR);
	s->lost = pid == -1 || !WIFEXITED(status);
	if (s->out != -1)
		source_slot_read_answer(s);
	while (s->err != -1 && s->said_len < SOURCE_TEXT_MAX) {
		size_t before = s->said_len;

		source_slot_read_said(s);
		if (s->said_len == before)
			break;
	}
	close_fd(&s->out);
	close_fd(&s->err);
	close_fd(&s->control);
}
