#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

/* What the headers of Debian 12 do not have yet. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HOT 255
#define COLD 0
#define LOW 0xffffffffULL
#define OWN_PID UINT64_MAX /* stands for the id of the process itself */
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

struct test {
	unsigned arg;
	uint64_t mask; /* 0: no test */
	uint64_t value;
};

struct call {
	const char *name; /* NULL: not in the document */
	int nr;
	uint8_t order;
	const char *rule;
	struct test test[2];
};

#define NO_TEST { 0, 0, 0 }
#define ANY { NO_TEST, NO_TEST }
#define SET(a, bits, v) { { a, (unsigned)(bits), (unsigned)(v) }, NO_TEST }
#define NOT_SET(a, bits) SET(a, bits, 0)
#define IS(a, v) { { a, LOW, (v) }, NO_TEST }
#define BOTH(a, v, b, w) { { a, LOW, (v) }, { b, LOW, (w) } }
#define BITS(a, bits, v, b, more, w) \
	{ { a, (unsigned)(bits), (v) }, { b, (unsigned)(more), (w) } }
#define POINTER_NULL(a) { { a, UINT64_MAX, 0 }, NO_TEST }

static const struct call daemon_calls[] = {
#define CALL(name, order, rule, test, why) \
	{ #name, SCMP_SYS(name), order, rule, test },
#define UNLISTED(name, test) { NULL, SCMP_SYS(name), COLD, "", test },
#include "sandbox.def"
};

static const struct call keeper_calls[] = {
#include "keeper.def"
};

static const struct call witness_calls[] = {
#include "witness.def"
};

static const struct call sentry_calls[] = {
#include "sentry.def"
};

static const struct call checker_calls[] = {
#include "checker.def"
#undef CALL
#undef UNLISTED
};

static const struct table {
	const struct call *calls;
	size_t count;
} tables[] = {
	[FILTER_DAEMON] = { daemon_calls, COUNT(daemon_calls) },
	[FILTER_KEEPER] = { keeper_calls, COUNT(keeper_calls) },
	[FILTER_WITNESS] = { witness_calls, COUNT(witness_calls) },
	[FILTER_CHECKER] = { checker_calls, COUNT(checker_calls) },
	[FILTER_SENTRY] = { sentry_calls, COUNT(sentry_calls) },
};

const char *
filter_row(enum filter which, size_t i, const char **rule)
{
	const struct table *t = &tables[which];

	if (i >= t->count)
		return NULL;
	*rule = t->calls[i].rule;
	return t->calls[i].name;
}

static int
add_call(scmp_filter_ctx ctx, const struct call *c)
{
	struct scmp_arg_cmp cmp[COUNT(c->test)];
	unsigned n = 0;
	int r;

	for (size_t i = 0; i < COUNT(c->test); i++) {
		const struct test *t = &c->test[i];
		uint64_t value = t->value;

		if (t->mask == 0)
			continue;
		if (value == OWN_PID)
			value = (uint64_t)getpid();
		cmp[n++] = SCMP_CMP64(t->arg, SCMP_CMP_MASKED_EQ, t->mask,
		    value);
	}
	r = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, c->nr, n, cmp);
	if (r == 0 && c->order != COLD)
		r = seccomp_syscall_priority(ctx, c->nr, c->order);
	return r;
}

int
filter_load(enum filter which)
{
	const struct table *t = &tables[which];
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (ctx == NULL)
		return ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	for (size_t i = 0; r == 0 && i < t->count; i++)
		r = add_call(ctx, &t->calls[i]);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return -r;
}

int
filter_problem(void)
{
	const uint32_t action = SCMP_ACT_KILL_PROCESS;

	if (syscall(SYS_seccomp, 2U /* SECCOMP_GET_ACTION_AVAIL */, 0U,
		&action) == 0)
		return 0;
	return errno;
}
