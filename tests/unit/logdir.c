#include "logdir.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static char state[64], error[256];
static int state_fd;
static const uint8_t tag_key[KEY_LEN] = { 1 }, name_key[KEY_LEN] = { 2 };
const struct log_keys logdir_keys = { tag_key, name_key };

void
logdir_setup(void)
{
	(void)strcpy(state, "/tmp/check_log.XXXXXX");
	ck_assert(crypto_init());
	ck_assert_ptr_nonnull(mkdtemp(state));
	state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(state_fd, -1);
}

void
logdir_teardown(void)
{
	char command[128];

	(void)umount2(state, MNT_DETACH);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", state);
	ck_assert_int_eq(system(command), 0);
	(void)close(state_fd);
}

bool
logdir_mount(const char *type, const char *options)
{
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", state, type, 0, options) == -1)
		return false;
	(void)close(state_fd);
	state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return state_fd != -1;
}

const char *
logdir_state(void)
{
	return state;
}

int
logdir_fd(void)
{
	return state_fd;
}

struct audit *
logdir_open(size_t size)
{
	struct audit *a = audit_open(state_fd, size, error, sizeof(error));

	ck_assert_msg(a != NULL, "%s", error);
	return a;
}

void
logdir_kill(struct audit *a)
{
	a->ready = false;
	audit_close(a);
}

struct log_record
logdir_record(uint64_t time)
{
	return (struct log_record){ .type = LOG_REQUEST, .op = 49,
		.time = time };
}

uint64_t
logdir_append(struct audit *a, uint64_t time, const char *object)
{
	struct log_record r = logdir_record(time);

	r.object = view_of(object);
	ck_assert(audit_room(a, logfmt_cells(&r)));
	return audit_append(a, &r);
}

void
logdir_append_many(struct audit *a, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i < from + n; i++)
		(void)logdir_append(a, i, "");
}

void
logdir_assert(struct audit *a, uint64_t count)
{
	uint64_t cell = audit_first(a), next = 0, n = 0;
	uint8_t text[LOG_CELLS_MAX * LOG_CELL];
	enum log_result result;
	struct log_record r;

	while ((result = audit_read(a, cell, &r, &next, text)) != LOG_END) {
		ck_assert_int_eq(result, LOG_OK);
		ck_assert_uint_eq(r.time, n++);
		ck_assert_uint_eq(r.cell, cell);
		ck_assert_uint_gt(next, cell);
		cell = next;
	}
	ck_assert_uint_eq(n, count);
	ck_assert_uint_eq(cell, audit_end(a));
}

char *
logdir_path(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/activity/%s", state, name);
	return path;
}

char *
logdir_segment(uint64_t first)
{
	char name[LOG_NAME_LEN];

	logfmt_name_put(name, first);
	return logdir_path(name);
}

bool
logdir_has(const char *name)
{
	return access(logdir_path(name), F_OK) == 0;
}

void
logdir_poke(const char *path, off_t at, const void *bytes, size_t len)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

void
logdir_flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t b;

	ck_assert_int_eq(pread(fd, &b, 1, at), 1);
	b ^= 1;
	ck_assert_int_eq(pwrite(fd, &b, 1, at), 1);
	ck_assert_int_eq(close(fd), 0);
}

off_t
logdir_at(uint64_t cell)
{
	return (off_t)((cell + 1) * LOG_CELL);
}

void
logdir_blank(uint64_t cell, off_t from, size_t len)
{
	static const uint8_t zeros[LOGDIR_SMALL];

	logdir_poke(logdir_segment(0), logdir_at(cell) + from, zeros, len);
}

void
logdir_assert_refused(const char *why)
{
	ck_assert_ptr_null(audit_open(state_fd, LOGDIR_SMALL, error,
	    sizeof(error)));
	ck_assert_msg(strstr(error, why) != NULL, "%s", error);
}

void
logdir_limit_files(rlim_t size)
{
	const struct rlimit l = { size, RLIM_INFINITY };

	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &l) == -1)
		abort();
}

void
logdir_refused_under(rlim_t size, const char *why)
{
	struct audit *a;

	logdir_limit_files(size);
	a = audit_open(state_fd, LOGDIR_SMALL, error, sizeof(error));
	logdir_limit_files(RLIM_INFINITY);
	ck_assert_ptr_null(a);
	ck_assert_msg(strstr(error, why) != NULL, "%s", error);
}

uint64_t
logdir_mark(uint64_t first)
{
	uint8_t cell[LOG_CELL];
	struct log_segment head;
	int fd = open(logdir_segment(first), O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(pread(fd, cell, LOG_CELL, 0), LOG_CELL);
	ck_assert(logfmt_segment_get(cell, &head));
	(void)close(fd);
	return head.mark;
}

void
logdir_reopen(size_t size, uint64_t count)
{
	struct audit *a = logdir_open(size);

	logdir_assert(a, count);
	audit_close(a);
}
