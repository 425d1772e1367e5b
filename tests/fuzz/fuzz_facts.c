/*
 * Any bytes as what the kernel says of a process in /proc, and as what a
 * worker of the witness answers: it is another process than the daemon, and
 * reads what users can have a hand in.  What is taken is within its limits;
 * an answer that is taken has one form.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LIMIT 4096u

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_texts(struct view in)
{
	char path[CGROUP_MAX + 1] = "?", unit[UNIT_NAME_MAX + 1] = "?";

	if (facts_cgroup(in, path)) {
		must(path[0] == '/' && strlen(path) <= CGROUP_MAX);
		must(facts_cgroup_within(path, "/"));
		must(facts_cgroup_within(path, path));
		must(!facts_cgroup_within("", path));
		must(facts_unit(path, unit) == (unit[0] != '\0'));
		must(unit[0] == '\0' || facts_unit_is_valid(view_of(unit)));
		must(unit[0] == '\0' || strstr(path, unit) != NULL);
	} else
		must(path[0] == '\0');
	(void)facts_unit_is_valid(in);
	(void)facts_start(in);
	(void)facts_id(in, "Uid:");
	(void)facts_id(in, "Gid:");
}

/* Its bytes, as a worker would have written them. */
static void
check_form(const struct witness_answer *a, struct view in)
{
	uint8_t buf[WITNESS_ANSWER];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u64(&w, a->id);
	wire_put_bool(&w, a->watched);
	wire_put_u64(&w, a->facts.start);
	wire_put_u32(&w, a->facts.uid);
	wire_put_u32(&w, a->facts.gid);
	wire_put_string(&w, view_of(a->facts.exe), EXE_MAX);
	wire_put_string(&w, view_of(a->facts.cgroup), CGROUP_MAX);
	wire_put_string(&w, (struct view){ a->facts.sha256,
	    a->facts.hashed ? SHA256_LEN : 0 }, SHA256_LEN);
	must(!w.bad && view_equal((struct view){ w.data, w.len }, in));
}

static bool
has_nul(const char *text, size_t size, struct view in)
{
	/* A NUL in the middle of a text cuts it: it is then in the bytes. */
	return strlen(text) < size && memchr(in.data, 0, in.len) != NULL;
}

static void
check_answer(struct view in)
{
	static int pair[2] = { -1, -1 };
	struct witness_answer a;
	char unit[UNIT_NAME_MAX + 1] = "";
	int fd = -2;

	if (in.len == 0)
		return;
	if (pair[0] == -1)
		must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
		    pair) == 0);
	must(witness_take(pair[0], &a, &fd) == WITNESS_NONE);
	must(send(pair[1], in.data, in.len, MSG_DONTWAIT) ==
	    (ssize_t)in.len);
	if (witness_take(pair[0], &a, &fd) != WITNESS_ANSWERED)
		return;
	must(fd == -1 && !a.late && !a.facts.sure);
	must(has_nul(a.facts.exe, sizeof(a.facts.exe), in));
	must(has_nul(a.facts.cgroup, sizeof(a.facts.cgroup), in));
	(void)facts_unit(a.facts.cgroup, unit);
	must(strcmp(unit, a.facts.unit) == 0);
	check_form(&a, in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct view in = { data, size };

	if (size > SIZE_LIMIT)
		return 0;
	check_texts(in);
	check_answer(in);
	return 0;
}
