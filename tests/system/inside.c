/*
 * inside: code of somebody else's inside the daemon.
 *
 * Preloaded into cofred (LD_PRELOAD), it does what a test tells it in a page
 * that both have mapped (50-code-inside-reaches-nothing.py), the next time
 * that the daemon receives a message: a system call, by the rules of x86-64
 * or of i386, or a walk over memory from the buffer of the message on, up or
 * down, reading or writing, until something faults.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE_SIZE (4u << 20)
#define ROOM (2u << 20) /* bytes that a walk takes at most */
#define REQUEST_ROOM 4096 /* that the buffer for requests has at least */

enum order { NOTHING, CALL, CALL_I386, READ_UP, READ_DOWN, WRITE_UP,
	WRITE_DOWN };

/* The test has the same, as "=IIIIqQ6q", with texts behind it. */
struct control {
	uint32_t order;	  /* what to do; it is set back before that */
	uint32_t number;  /* of the system call */
	uint32_t done;	  /* of orders */
	uint32_t walked;  /* bytes of a walk so far */
	int64_t result;	  /* of the system call: -errno */
	uint64_t at;	  /* where this page is */
	int64_t args[6];
	char text[4096 - 80];
	uint8_t taken[ROOM]; /* what a walk has read */
};

static struct control *control;
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);

/* It is not told to the witness. */
static void
forget(void)
{
	control = NULL;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("INSIDE");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *at = dlsym(RTLD_NEXT, "recvmsg");

	memcpy(&real_recvmsg, &at, sizeof(at));
	if (fd == -1)
		return;
	at = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (at == MAP_FAILED)
		abort();
	(void)pthread_atfork(NULL, NULL, forget);
	control = at;
	control->at = (uint64_t)(uintptr_t)at;
}

static long
call(const struct control *c)
{
	long r = syscall(c->number, c->args[0], c->args[1], c->args[2],
	    c->args[3], c->args[4], c->args[5]);

	return r == -1 ? -errno : r;
}

static long
call_i386(const struct control *c)
{
	long r = -ENOSYS;

#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "=a"(r) : "0"((long)c->number),
	    "b"(c->args[0]), "c"(c->args[1]), "d"(c->args[2]) : "memory",
	    "r8", "r9", "r10", "r11");
#endif
	return r;
}

static void
walk(struct control *c, uint32_t order, volatile uint8_t *from)
{
	int step = order == READ_UP || order == WRITE_UP ? 1 : -1;

	for (c->walked = 0; c->walked < ROOM; from += step) {
		if (order == READ_UP || order == READ_DOWN)
			c->taken[c->walked] = *from;
		else
			*from = 0xaa;
		c->walked++;
	}
}

static void
obey(struct control *c, void *buffer)
{
	uint32_t order = c->order;

	c->order = NOTHING;
	if (order == CALL)
		c->result = call(c);
	else if (order == CALL_I386)
		c->result = call_i386(c);
	else if (order != NOTHING)
		walk(c, order, buffer);
	c->done += order != NOTHING;
}

ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	/* An answer of the witness has little room, and that on the stack. */
	if (control != NULL && control->order != NOTHING &&
	    msg->msg_iovlen > 0 && msg->msg_iov[0].iov_len >= REQUEST_ROOM)
		obey(control, msg->msg_iov[0].iov_base);
	return real_recvmsg(fd, msg, flags);
}
