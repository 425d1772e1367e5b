/* The two ends of a worker's socket, and the start. */
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "account.h"
#include "sandbox.h"

#define OWN_FD 3 /* the keeper's; behind it the workers' */
#define READY_MS 10000
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define READY_MAX 256u /* the first message: can it look, or what is wrong */

/* Room for one descriptor, sent or received. */
union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

/* Send it, and with it the descriptor unless that is -1. */
static bool
send_with(int to, struct view v, int fd)
{
	union control control;
	struct iovec iov = { (void *)(uintptr_t)v.data, v.len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(to, &msg, MSG_NOSIGNAL) == (ssize_t)v.len;
}

/* As recv(2); *fd is the descriptor that came with it, or -1. */
static ssize_t
receive_with(int from, void *buf, size_t size, int flags, int *fd)
{
	union control control;
	struct iovec iov = { buf, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = fd == NULL ? NULL : control.room,
		.msg_controllen = fd == NULL ? 0 : sizeof(control.room) };
	ssize_t n = recvmsg(from, &msg, flags | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c;

	if (fd == NULL)
		return n;
	*fd = -1;
	if (n >= 0 && (c = CMSG_FIRSTHDR(&msg)) != NULL &&
	    c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return n;
}

bool
witness_ask(int fd, uint64_t id, uint32_t pid, bool hash, const char *cgroup)
{
	uint8_t buf[WITNESS_QUESTION];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u64(&w, id);
	wire_put_u32(&w, pid);
	wire_put_bool(&w, hash);
	wire_put_string(&w, view_of(cgroup), CGROUP_MAX);
	return !w.bad && send(fd, buf, w.len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)w.len;
}

static bool
answer(int to, uint64_t id, uint32_t pid, bool hash, struct view cgroup)
{
	char path[CGROUP_MAX + 1];
	uint8_t buf[WITNESS_ANSWER];
	struct wire_writer w;
	struct facts f;
	int fd;
	bool sent;

	(void)snprintf(path, sizeof(path), "%.*s", (int)cgroup.len,
	    cgroup.len > 0 ? (const char *)cgroup.data : "");
	fd = cgroup.len == 0 ? witness_look(pid, hash, &f) :
			       witness_look_cgroup(path, &f);
	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u64(&w, id);
	wire_put_bool(&w, fd != -1);
	wire_put_u64(&w, f.start);
	wire_put_u32(&w, f.uid);
	wire_put_u32(&w, f.gid);
	wire_put_string(&w, view_of(f.exe), EXE_MAX);
	wire_put_string(&w, view_of(f.cgroup), CGROUP_MAX);
	wire_put_string(&w, (struct view){ f.sha256,
	    f.hashed ? SHA256_LEN : 0 }, SHA256_LEN);
	sent = !w.bad && send_with(to, (struct view){ buf, w.len }, fd);
	if (fd != -1)
		(void)close(fd);
	return sent;
}

void
witness_serve(int fd)
{
	uint8_t buf[WITNESS_QUESTION + 1];
	struct wire_reader r;
	ssize_t n;

	/* It is ready: an answer that nobody has asked for. */
	if (!answer(fd, 0, 0, false, (struct view){ NULL, 0 }))
		return;
	for (;;) {
		struct view cgroup;
		uint64_t id;
		uint32_t pid;
		bool hash;

		n = receive_with(fd, buf, sizeof(buf), 0, NULL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		wire_reader_init(&r, (struct view){ buf, (size_t)n });
		id = wire_get_u64(&r);
		pid = wire_get_u32(&r);
		hash = wire_get_bool(&r);
		cgroup = wire_get_string(&r, CGROUP_MAX);
		if (!wire_reader_done(&r) || !answer(fd, id, pid, hash, cgroup))
			return;
	}
}

static void
get_text(struct wire_reader *r, char *to, size_t max)
{
	struct view v = wire_get_string(r, max);

	if (v.len > 0 && memchr(v.data, '\0', v.len) != NULL)
		r->bad = true;
	memcpy(to, v.len > 0 ? (const char *)v.data : "", v.len);
	to[v.len] = '\0';
}

enum witness_result
witness_take(int fd, struct witness_answer *a, int *watch_fd)
{
	uint8_t buf[WITNESS_ANSWER + 1];
	struct wire_reader r;
	struct view sha256;
	int passed;
	ssize_t n = receive_with(fd, buf, sizeof(buf), MSG_DONTWAIT, &passed);

	*watch_fd = passed;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return WITNESS_NONE;
	memset(a, 0, sizeof(*a));
	wire_reader_init(&r, (struct view){ buf, n > 0 ? (size_t)n : 0 });
	a->id = wire_get_u64(&r);
	a->watched = wire_get_bool(&r);
	a->facts.start = wire_get_u64(&r);
	a->facts.uid = wire_get_u32(&r);
	a->facts.gid = wire_get_u32(&r);
	get_text(&r, a->facts.exe, EXE_MAX);
	get_text(&r, a->facts.cgroup, CGROUP_MAX);
	sha256 = wire_get_string(&r, SHA256_LEN);
	if ((a->facts.hashed = sha256.len == SHA256_LEN))
		memcpy(a->facts.sha256, sha256.data, SHA256_LEN);
	else if (sha256.len > 0)
		r.bad = true;
	(void)facts_unit(a->facts.cgroup, a->facts.unit);
	if (n > 0 && wire_reader_done(&r))
		return WITNESS_ANSWERED;
	if (passed != -1)
		(void)close(passed);
	return WITNESS_GONE;
}

/* The start. */

/* /proc must be that of this PID namespace: else its numbers are others'. */
static bool
proc_is_ours(void)
{
	char text[16], own[16];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	(void)snprintf(own, sizeof(own), "%d", (int)getpid());
	return strcmp(text, own) == 0;
}

/*
 * The daemon's user, and the two capabilities: without them a user that owns
 * nothing here, and with them nothing but looking.  As root it would own
 * what root owns, whatever its capabilities.
 */
static bool
become(uid_t uid, gid_t gid)
{
	return geteuid() != 0 ||
	    (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 &&
		account_become(uid, gid));
}

/* It stands elsewhere now; or where it was, to say by it what is wrong. */
static bool
move(int *fd, int to)
{
	if (to != -1)
		*fd = to;
	return to != -1;
}

/* Keep these and standard error alone. */
static bool
close_the_rest(struct witness *ends)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int *all[1 + WITNESS_WORKERS], high = OWN_FD + COUNT(all);

	all[0] = &ends->keeper;
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		all[1 + i] = &ends->worker[i];
	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1)
		return false;
	/* Up first, so that none is where another one goes. */
	for (size_t i = 0; i < COUNT(all); i++)
		if (!move(all[i], fcntl(*all[i], F_DUPFD_CLOEXEC, high)))
			return false;
	for (size_t i = 0; i < COUNT(all); i++)
		if (!move(all[i], dup2(*all[i], OWN_FD + (int)i)))
			return false;
	sandbox_close_from((unsigned)high);
	return true;
}

static void __attribute__((noreturn))
run(struct witness *ends, uid_t uid, gid_t gid, bool required)
{
	char text[READY_MAX] = "";
	uint8_t buf[READY_MAX + 8];
	struct sandbox s = { .can_look = false };
	struct wire_writer w;

	/* The service manager ends the daemon; the witness ends with it. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	sandbox_clear_environment();
	if (!close_the_rest(ends) || !become(uid, gid))
		(void)snprintf(text, sizeof(text), "%s", strerror(errno));
	else if (!proc_is_ours())
		(void)snprintf(text, sizeof(text), "/proc is not there, or "
		    "not that of this PID namespace");
	else
		(void)sandbox_enter_keeper(&s, required, text, sizeof(text));
	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_bool(&w, s.can_look);
	wire_put_string(&w, view_of(text), READY_MAX);
	if (send_with(ends->keeper, (struct view){ buf, w.len }, -1) &&
	    text[0] == '\0')
		witness_keep(ends, required);
	_exit(0);
}

static bool
wait_keeper(int fd, bool *can_look, char *error, size_t error_size)
{
	uint8_t buf[READY_MAX + 8];
	struct wire_reader r;
	struct view text;
	ssize_t n;

	do
		n = receive_with(fd, buf, sizeof(buf), 0, NULL);
	while (n < 0 && errno == EINTR);
	wire_reader_init(&r, (struct view){ buf, n > 0 ? (size_t)n : 0 });
	*can_look = wire_get_bool(&r);
	text = wire_get_string(&r, READY_MAX);
	if (!wire_reader_done(&r))
		text = view_of("it ended at once");
	(void)snprintf(error, error_size, "%.*s", (int)text.len,
	    text.len > 0 ? (const char *)text.data : "");
	return text.len == 0;
}

static bool
wait_worker(int fd, char *error, size_t error_size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct witness_answer a;
	int ignored;

	while (poll(&p, 1, READY_MS) == -1 && errno == EINTR)
		;
	if (witness_take(fd, &a, &ignored) == WITNESS_ANSWERED && a.id == 0)
		return true;
	(void)snprintf(error, error_size, "a worker ended at once");
	return false;
}

/* The two ends of each socket, in the order of struct witness. */
static bool
make_sockets(struct witness *w, struct witness *ends)
{
	int pair[2];

	for (unsigned i = 0; i <= WITNESS_WORKERS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			pair) == -1)
			return false;
		*(i == 0 ? &w->keeper : &w->worker[i - 1]) = pair[0];
		*(i == 0 ? &ends->keeper : &ends->worker[i - 1]) = pair[1];
	}
	return true;
}

static void
close_sockets(const struct witness *w)
{
	if (w->keeper != -1)
		(void)close(w->keeper);
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		if (w->worker[i] != -1)
			(void)close(w->worker[i]);
}

bool
witness_start(struct witness *w, uid_t uid, gid_t gid, bool required,
    bool *can_look, char *error, size_t error_size)
{
	struct witness ends;
	pid_t pid = -1;
	bool good;

	memset(w, 0xff, sizeof(*w)); /* no descriptors: all are -1 */
	memset(&ends, 0xff, sizeof(ends));
	good = make_sockets(w, &ends) && (pid = fork()) != -1;
	if (!good)
		(void)snprintf(error, error_size, "%s", strerror(errno));
	else if (pid == 0)
		run(&ends, uid, gid, required);
	close_sockets(&ends);
	good = good && wait_keeper(w->keeper, can_look, error, error_size);
	for (unsigned i = 0; good && i < WITNESS_WORKERS; i++)
		good = wait_worker(w->worker[i], error, error_size);
	if (!good) {
		close_sockets(w);
		memset(w, 0xff, sizeof(*w));
	}
	return good;
}
