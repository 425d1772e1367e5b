/* The witness's side of its sockets. */
#include "house_witness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
house_witness_make(struct house_witness *m, struct witness *w)
{
	int pair[2];

	for (unsigned i = 0; i <= WITNESS_WORKERS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
			SOCK_CLOEXEC, 0, pair) == -1)
			abort();
		*(i == 0 ? &w->keeper : &w->worker[i - 1]) = pair[0];
		*(i == 0 ? &m->keeper : &m->worker[i - 1]) = pair[1];
	}
	m->watched = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (m->watched == -1)
		abort();
}

/* What the witness may say of a process. */
static const struct {
	uint32_t uid;
	const char *exe, *cgroup;
} processes[] = {
	{ 2001, "/usr/bin/train", "/system.slice/train.service" },
	{ 2002, "/usr/bin/other", "/user.slice/user-2002.slice" },
	{ 0, "/usr/sbin/root", "/" },
	{ NO_ID, "", "" },
};

static void
answer(struct house_witness *m, int to, uint64_t id, bool known, bool hash)
{
	unsigned which = m->facts % (sizeof(processes) /
	    sizeof(processes[0]));
	uint8_t buf[WITNESS_ANSWER], digest[SHA256_LEN] = { 7 };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct wire_writer w;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u64(&w, id);
	wire_put_bool(&w, known);
	wire_put_u64(&w, known ? 1000 : 0);
	wire_put_u32(&w, known ? processes[which].uid : NO_ID);
	wire_put_u32(&w, known ? processes[which].uid : NO_ID);
	wire_put_string(&w, view_of(known ? processes[which].exe : ""),
	    EXE_MAX);
	wire_put_string(&w, view_of(known ? processes[which].cgroup : ""),
	    CGROUP_MAX);
	wire_put_string(&w, (struct view){ digest, hash ? SHA256_LEN : 0 },
	    SHA256_LEN);
	iov = (struct iovec){ w.data, w.len };
	if (known) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &m->watched, sizeof(int));
	}
	if (sendmsg(to, &msg, MSG_NOSIGNAL) != (ssize_t)w.len)
		abort();
}

/* Answer what was asked: of a process; a cgroup is not known. */
static void
serve(struct house_witness *m, int fd)
{
	uint8_t buf[WITNESS_QUESTION];
	struct wire_reader r;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		uint64_t id;
		uint32_t pid;

		wire_reader_init(&r, (struct view){ buf, (size_t)n });
		id = wire_get_u64(&r);
		pid = wire_get_u32(&r);
		answer(m, fd, id, pid != 0, wire_get_bool(&r));
	}
}

/* A worker that was given up is ready again, and has forgotten. */
static void
renew(struct house_witness *m)
{
	uint8_t which, question[WITNESS_QUESTION];

	while (recv(m->keeper, &which, 1, MSG_DONTWAIT) == 1) {
		int fd = m->worker[which % WITNESS_WORKERS];

		while (recv(fd, question, sizeof(question), MSG_DONTWAIT) > 0)
			;
		answer(m, fd, 0, false, false);
	}
}

void
house_witness_serve(struct house_witness *m, unsigned facts, bool silent)
{
	m->facts = facts;
	renew(m);
	for (unsigned i = 0; !silent && i < WITNESS_WORKERS; i++)
		serve(m, m->worker[i]);
}
