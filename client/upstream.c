#include "upstream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "reveal.h"
#include "wire.h"

/* draft-miller-ssh-agent: a length, and what follows is of this type. */
#define AGENT_SUCCESS 6
#define AGENT_REQUEST_IDENTITIES 11
#define AGENT_IDENTITIES_ANSWER 12
#define AGENT_EXTENSION 27
#define EXTENSION_NAME "workspace@cofre"
#define EXTENSION_MAX 128u

bool
upstream_address(struct sockaddr_un *a, const char *path)
{
	size_t len = strlen(path);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len == 0 || len >= sizeof(a->sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(a->sun_path, path, len + 1);
	return true;
}

static int
connect_to(const char *path, unsigned seconds)
{
	const struct timeval t = { (time_t)seconds, 0 };
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0 &&
	    upstream_address(&a, path) &&
	    connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

static bool
say_workspace(int fd, const char *workspace)
{
	uint8_t bytes[EXTENSION_MAX];
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	wire_put_u32(&w, (uint32_t)(1 + 4 + strlen(EXTENSION_NAME) + 4 +
		strlen(workspace)));
	wire_put_u8(&w, AGENT_EXTENSION);
	wire_put_string(&w, view_of(EXTENSION_NAME), EXTENSION_MAX);
	wire_put_string(&w, view_of(workspace), EXTENSION_MAX);
	errno = EINVAL;
	return !w.bad && reveal_write(fd, (struct view){ bytes, w.len });
}

/* With a time-out recv(2) is interrupted also by a stop and a go on. */
static ssize_t
hear(int fd, uint8_t *to, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, to, size, MSG_WAITALL);
	while (n == -1 && errno == EINTR);
	return n;
}

enum cofre_status
upstream_begin(const char *path, const char *workspace, unsigned seconds,
    int *ret, struct problem *p)
{
	int fd = connect_to(path, seconds);
	enum cofre_status s;

	if (fd == -1)
		return problem_set(p, COFRE_UNREACHABLE,
		    "connect to the daemon's ssh agent at %s: %s; does "
		    "cofred.conf set agent_socket, and may this user reach "
		    "it?", path, strerror(errno));
	if (say_workspace(fd, workspace)) {
		*ret = fd;
		return COFRE_OK;
	}
	s = problem_set(p, COFRE_UNREACHABLE, "the daemon's ssh agent: %s",
	    strerror(errno));
	(void)close(fd);
	return s;
}

/* What recv(2) or send(2) has said. */
static enum cofre_status
fail_errno(struct problem *p)
{
	if (errno == EAGAIN)
		return problem_set(p, COFRE_TIMEOUT,
		    "the daemon's ssh agent: no answer");
	return problem_set(p, COFRE_UNREACHABLE,
	    "the daemon's ssh agent: %s", strerror(errno));
}

enum cofre_status
upstream_judge(const uint8_t said[UPSTREAM_ANSWER], ssize_t n,
    const char *workspace, struct problem *p)
{
	static const uint8_t success[UPSTREAM_ANSWER] = { 0, 0, 0, 1,
		AGENT_SUCCESS };

	if (n == -1)
		return fail_errno(p);
	if (n == 0)
		return problem_set(p, COFRE_DENIED,
		    "the daemon's ssh agent does not speak with this process");
	if (n == (ssize_t)sizeof(success) &&
	    memcmp(said, success, sizeof(success)) == 0)
		return COFRE_OK;
	return problem_set(p, COFRE_DENIED,
	    "the daemon's ssh agent has nothing for this process in "
	    "'%s': there is no such workspace, it may not use targets there, "
	    "or the vault is locked", workspace);
}

/* Begin, and wait for the answer. */
static enum cofre_status
open_one(const char *path, const char *workspace, int *ret,
    struct problem *p)
{
	uint8_t said[UPSTREAM_ANSWER];
	int fd = -1;
	enum cofre_status s = upstream_begin(path, workspace, UPSTREAM_SECONDS,
	    &fd, p);

	if (s != COFRE_OK)
		return s;
	s = upstream_judge(said, hear(fd, said, sizeof(said)),
	    workspace, p);
	if (s == COFRE_OK)
		*ret = fd;
	else
		(void)close(fd);
	return s;
}

enum cofre_status
upstream_try(const char *path, const char *workspace, struct problem *p)
{
	int fd;
	enum cofre_status s = open_one(path, workspace, &fd, p);

	if (s == COFRE_OK)
		(void)close(fd);
	return s;
}

/* The list itself is left unread: the connection is of no more use. */
static enum cofre_status
hear_count(int fd, uint32_t *ret, struct problem *p)
{
	static const uint8_t ask[] = { 0, 0, 0, 1, AGENT_REQUEST_IDENTITIES };
	uint8_t said[9];
	ssize_t n = -1;
	struct wire_reader r;

	if (reveal_write(fd, (struct view){ ask, sizeof(ask) }))
		n = hear(fd, said, sizeof(said));
	if (n == -1)
		return fail_errno(p);
	if (n != (ssize_t)sizeof(said) || said[4] != AGENT_IDENTITIES_ANSWER)
		return problem_set(p, COFRE_DENIED,
		    "the daemon's ssh agent lists no keys for this process");
	wire_reader_init(&r, (struct view){ said + 5, 4 });
	*ret = wire_get_u32(&r);
	return COFRE_OK;
}

enum cofre_status
upstream_count(const char *path, const char *workspace, uint32_t *ret,
    struct problem *p)
{
	int fd;
	enum cofre_status s = open_one(path, workspace, &fd, p);

	if (s != COFRE_OK)
		return s;
	s = hear_count(fd, ret, p);
	(void)close(fd);
	return s;
}
