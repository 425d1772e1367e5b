/* How a connection begins, and whose it is. */
#include "conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "attest.h"
#include "frame.h"
#include "known.h"
#include "quota.h"
#include "watch.h"
#include "witness.h"

#define HELLO_MAX (FRAME_HEADER + 4 + 16 + CLIENT_NAME_MAX) /* its frame */
#define GREETING_MAX 1024u /* likewise, with a session's bind */
#define TICKS 100u /* of /proc/PID/stat, in a second; on alpha they are 1024 */

/* A process that can't be watched, or told from a later one with its number,
   could be any program by now. */
static bool
is_unseen(const struct conn *c)
{
	return c->peer.pid == 0 ||
	    (conn_weak(c) != 0 && c->sv->config.attestation_required);
}

/* The run among all of them that it is; asked once for each change of any. */
static struct run *
find_run(const struct conn *c)
{
	bool unseen = is_unseen(c);
	const struct run_caller caller = {
		.pid = unseen ? 0 : c->peer.pid,
		.start = c->facts.start,
		.inode = c->inode,
		.uid = c->peer.uid,
		.cgroup = unseen ? "" : c->facts.cgroup,
		.attached = c->attached ? c->attached_run : NULL,
	};

	return runs_match(&c->sv->vault.runs, &caller);
}

struct run *
conn_run(struct conn *c)
{
	const struct runs *runs = &c->sv->vault.runs;

	if (c->sv->vault.state != VAULT_OPEN)
		return NULL;
	if (c->run_seen != runs->changes + 1) {
		c->run = find_run(c);
		c->run_seen = runs->changes + 1;
	}
	return c->run;
}

struct subject
conn_subject(struct conn *c)
{
	struct run *run = conn_run(c);

	return (struct subject){
		.uid = c->peer.uid,
		.gid = c->peer.gid,
		.groups = c->peer.groups,
		.group_count = c->peer.group_count,
		.operator_group = c->sv->config.operator_group,
		.nobody = is_unseen(c),
		.facts = &c->facts,
		.run = run == NULL ? NULL : &run->rights,
	};
}

uint16_t
conn_weak(const struct conn *c)
{
	return (uint16_t)((c->peer.pidfd == -1 ? LOG_NO_PIDFD : 0) |
	    (c->watch_fd == -1 ? LOG_NO_WATCH : 0));
}

/* Now, as the kernel counts the start of a process. */
static uint64_t
boot_ticks(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * TICKS +
	    (uint64_t)ts.tv_nsec / (1000000000 / TICKS);
}

/* Begin to read from it. */
static bool
listen_to(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	c->armed = EPOLLIN;
	return epoll_ctl(c->sv->epoll, EPOLL_CTL_ADD, c->fd, &ev) == 0;
}

/*
 * Without a pidfd the process that was looked at may be another one, that
 * got its number: not when it is older than the connection.
 */
static bool
is_its_process(const struct conn *c, const struct facts *f)
{
	return c->peer.pidfd != -1 ? peer_lives(&c->peer) :
	    f->start != 0 && f->start <= c->born;
}

/* Does this ask for nothing, whoever has sent it? */
static bool
is_greeting(const struct conn *c, struct view in)
{
	struct frame f;
	size_t size;

	if (c->agent != NULL)
		return agent_asks_nothing(in);
	return in.len <= HELLO_MAX &&
	    frame_parse(in, &f, &size) == FRAME_OK && f.op == OP_HELLO &&
	    size == in.len;
}

bool
conn_is_sure(const struct conn *c, struct view in, bool more)
{
	return c->watch_fd != -1 && !more && in.len <= GREETING_MAX &&
	    (in.len == 0 || is_greeting(c, in));
}

/* The same of what lies there to be read.  From now on an exec is noticed. */
static bool
is_sure(const struct conn *c)
{
	uint8_t bytes[GREETING_MAX + 1];
	size_t n;

	return sender_peek(c->fd, bytes, sizeof(bytes), &n) &&
	    conn_is_sure(c, (struct view){ bytes, n }, n >= sizeof(bytes));
}

/* What was found out stands for its next connections too.  The cgroup that
   was read must be the one that it was in before, and is in still. */
static void
keep(struct conn *c)
{
	if (c->watch_fd == -1 || c->inode == 0 || c->cgroup == 0 ||
	    peer_cgroup(c->peer.pidfd) != c->cgroup)
		return;
	c->known = known_add(c->sv, c->inode, c->cgroup, c->watch_fd,
	    &c->facts);
}

/* Is it known already who it is? */
static bool
recall(struct conn *c)
{
	if (c->inode == 0 || c->cgroup == 0)
		return false;
	c->known = known_find(c->sv, c->inode, c->cgroup);
	if (c->known == NULL)
		return false;
	watch_look(c->sv, c->known->facts.cgroup);
	c->watch_fd = c->known->watch_fd;
	c->facts = c->known->facts;
	return true;
}

/* Nobody knows what it is: it could be a run, or another program by now, and
   so it is not served, not even by its uid.  It may try again. */
static void
refuse(struct conn *c)
{
	uint8_t buf[FRAME_REFUSAL];
	size_t n = c->agent == NULL ? frame_refusal(buf, COFRE_BUSY) :
				      agent_refusal(buf, OP_SSH_OTHER);

	sentry_claim(&c->sv->sentry);
	(void)send(c->fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	conn_close(c);
	sentry_unclaim(&c->sv->sentry);
}

/*
 * What the witness says of the connection's process.  When a descriptor came
 * with that, and there was none free for it, the connection is closed.
 */
static void
attested(struct ask *a, const struct witness_answer *answer, int fd)
{
	struct conn *c = a->context;

	c->watch_fd = fd;
	if (answer->late) {
		refuse(c);
		return;
	}
	/* Before it has that cgroup: a run of a cgroup that was removed has
	   nothing to do with this one of the same path. */
	watch_look(c->sv, answer->facts.cgroup);
	if (is_its_process(c, &answer->facts) &&
	    (!answer->watched || fd != -1) && listen_to(c)) {
		c->facts = answer->facts;
		keep(c);
		c->facts.sure = is_sure(c);
		c->run_seen = 0; /* what it is, is known only now */
	} else
		conn_close(c);
}

/* What a request has asked. */
static void
looked(struct ask *a, const struct witness_answer *answer, int fd)
{
	struct conn *c = a->context;

	c->look.state = LOOK_DONE;
	c->look.late = answer->late;
	c->look.facts = answer->facts;
	c->look.facts.sure = true; /* it is about what it is now */
	if (c->look.cgroup[0] != '\0')
		c->look.fd = fd;
	else if (fd != -1)
		(void)close(fd);
	conn_go_on(c);
}

/* The program's digest; it may be none.  The process must still be what it
   was when it connected, or it is another program's. */
static void
hashed(struct ask *a, const struct witness_answer *answer, int fd)
{
	struct conn *c = a->context;

	if (answer->facts.hashed && witness_same(c->watch_fd)) {
		c->facts.hashed = true;
		memcpy(c->facts.sha256, answer->facts.sha256, SHA256_LEN);
	}
	if (fd != -1)
		(void)close(fd);
	c->look.state = LOOK_NONE;
	conn_go_on(c);
}

/* Is somebody bound to a digest who could be this one? */
static bool
wants_hash(struct conn *c)
{
	const struct vault *v = &c->sv->vault;
	struct subject s = conn_subject(c);

	for (size_t i = 0; i < v->scope_count; i++)
		if (v->scopes[i] != NULL && v->scopes[i]->binding_count > 0 &&
		    policy_identity_fit(v->scopes[i], &s) == FIT_BUT_HASH)
			return true;
	return false;
}

bool
conn_hash(struct conn *c)
{
	if (c->look.state != LOOK_NONE ||
	    c->hash_asked == c->sv->bindings || !c->facts.sure ||
	    c->facts.hashed || c->sv->vault.state != VAULT_OPEN)
		return false;
	c->hash_asked = c->sv->bindings;
	if (!wants_hash(c))
		return false;
	c->ask = (struct ask){ .uid = c->peer.uid, .pid = c->peer.pid,
		.hash = true,
		.cgroup = "", .answered = hashed, .context = c };
	if (!attest_ask(c->sv, &c->ask))
		return false;
	c->look.state = LOOK_OPEN;
	return true;
}

bool
conn_look(struct conn *c, uint32_t pid, int pidfd, bool hash,
    struct view cgroup)
{
	struct look *l = &c->look;

	memcpy(l->cgroup, cgroup.len > 0 ? (const char *)cgroup.data : "",
	    cgroup.len);
	l->cgroup[cgroup.len] = '\0';
	c->ask = (struct ask){ .uid = c->peer.uid, .pid = pid, .hash = hash,
		.cgroup = l->cgroup,
		.answered = looked, .context = c };
	if (!attest_ask(c->sv, &c->ask))
		return false;
	l->fd = pidfd;
	l->state = LOOK_OPEN;
	return true;
}

void
conn_look_end(struct conn *c)
{
	if (c->look.state == LOOK_NONE)
		return;
	if (c->look.fd != -1)
		(void)close(c->look.fd);
	c->look = (struct look){ .state = LOOK_NONE, .fd = -1 };
}

/* An ssh client says no hello, and may be silent for as long as it likes: it
   connects when it starts, and asks when its user is to log in. */
static bool
make_agent(struct conn *c)
{
	c->agent = calloc(1, sizeof(*c->agent));
	c->greeted = true;
	return c->agent != NULL;
}

/* Have the kernel tell of its process's end, once, and ask who it is. */
static bool
join(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.ptr = c };
	int pidfd = c->peer.pidfd;

	if (pidfd != -1 &&
	    epoll_ctl(c->sv->ends, EPOLL_CTL_ADD, pidfd, &ev) == -1)
		return false;
	if ((!recall(c) && attest_ask(c->sv, &c->ask)) || listen_to(c))
		return true;
	if (c->known != NULL)
		known_leave(c->sv, c->known);
	if (pidfd != -1)
		(void)epoll_ctl(c->sv->ends, EPOLL_CTL_DEL, pidfd, NULL);
	return false;
}

bool
conn_new(struct server *sv, int fd, struct peer *peer, bool agent)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return false;
	c->sv = sv;
	c->fd = fd;
	c->peer = *peer;
	c->watch_fd = c->look.fd = -1;
	c->ask = (struct ask){ .uid = peer->uid, .pid = peer->pid,
		.cgroup = "",
		.answered = attested, .context = c };
	c->born = boot_ticks();
	c->inode = sv->has_inodes ? peer_inode(peer->pidfd) : 0;
	c->cgroup = sv->has_inodes ? peer_cgroup(peer->pidfd) : 0;
	if ((agent && !make_agent(c)) || !join(c)) {
		free(c->agent);
		free(c);
		return false;
	}
	c->next = sv->conns;
	if (sv->conns != NULL)
		sv->conns->prev = c;
	sv->conns = c;
	sv->conn_count++;
	sentry_join(&sv->sentry, fd, agent);
	quota_deadline(c, !c->greeted);
	if (c->known != NULL && !conn_begin(c))
		c->facts.sure = is_sure(c);
	return true;
}
