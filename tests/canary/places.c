#include "places.h"

#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECE (1u << 20)

#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE 0x202
#endif

static const char *const places[] = { "stack", "heap", "data", "mapped",
	"arena", "registers", "arguments", "environment", "state", "said" };
static const char *const moments[] = { "idle", "end", "command", "other" };

struct look {
	struct tally *tally;
	const struct needles *needles;
	enum moment moment;
	enum place place;
	const char *program;
	char detail[300];
};

static void
note(void *arg, const char *name, enum form form, size_t at)
{
	struct look *l = arg;
	uint64_t *hits = &l->tally->of[l->moment][l->place].hits;

	if ((*hits)++ < 200)
		(void)fprintf(l->tally->report,
		    "hit %s %s %s %s \"%s\" %s+%zx\n", l->program,
		    moments[l->moment], places[l->place], name,
		    form_name(form), l->detail, at);
}

static void
look_at(struct look *l, const uint8_t *p, size_t len)
{
	l->tally->of[l->moment][l->place].bytes += len;
	needles_search(l->needles, p, len, note, l);
}

/* One region of smaps. */
struct region {
	uintptr_t start, end;
	char mode[8], name[256];
	bool locked, undumped;
	unsigned long swap;
};

static enum place
place_of(const struct region *r)
{
	if (strstr(r->name, "[stack") != NULL)
		return PLACE_STACK;
	if (strcmp(r->name, "[heap]") == 0)
		return PLACE_HEAP;
	if (r->locked && r->undumped)
		return PLACE_ARENA;
	return r->name[0] == '/' ? PLACE_DATA : PLACE_MAPPED;
}

/* Files that are mapped shared are looked at as files; the others can't be
   written to. */
static bool
is_left_out(const struct region *r)
{
	return r->mode[0] != 'r' || strncmp(r->name, "[vvar", 5) == 0 ||
	    strncmp(r->name, "[vsys", 5) == 0 ||
	    (r->mode[3] == 's' && r->name[0] == '/' &&
		strstr(r->name, "secretmem") == NULL) ||
	    (r->name[0] == '/' && r->mode[1] != 'w');
}

static void
look_at_region(struct look *l, const struct region *r, int mem, uint8_t *buf)
{
	size_t kept = 0;

	if (is_left_out(r))
		return;
	l->place = place_of(r);
	l->tally->unlocked += l->place == PLACE_ARENA && r->swap > 0;
	l->tally->of[l->moment][l->place].looks++;
	for (uintptr_t at = r->start; at < r->end;) {
		size_t want = r->end - at < PIECE ? r->end - at : PIECE;
		ssize_t n = pread(mem, buf + kept, want, (off_t)at);

		if (n <= 0) {
			l->tally->hidden += r->end - at;
			return;
		}
		(void)snprintf(l->detail, sizeof(l->detail), "%s %lx",
		    r->name[0] == '\0' ? "-" : r->name,
		    (unsigned long)(at - kept));
		look_at(l, buf, kept + (size_t)n);
		at += (size_t)n;
		/* What begins at its end may go on behind it. */
		n += (ssize_t)kept;
		kept = (size_t)n < NEEDLE_OVERLAP ? (size_t)n : NEEDLE_OVERLAP;
		memmove(buf, buf + (size_t)n - kept, kept);
	}
}

static void
look_at_registers(struct look *l, pid_t pid)
{
	static const int sets[] = { NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE,
		0x405 };
	static uint8_t buf[1 << 16];

	l->place = PLACE_REGISTERS;
	l->tally->of[l->moment][l->place].looks++;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct iovec iov = { buf, sizeof(buf) };

		if (ptrace(PTRACE_GETREGSET, pid, (void *)(intptr_t)sets[i],
			&iov) != 0)
			continue;
		(void)snprintf(l->detail, sizeof(l->detail), "set-%d",
		    sets[i]);
		look_at(l, buf, iov.iov_len);
	}
}

/* Read a file of /proc; its length. */
static size_t
read_proc(pid_t pid, const char *name, uint8_t *buf, size_t size)
{
	char path[64];
	size_t len = 0;
	ssize_t n = 1;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	while (len < size && (n = read(fd, buf + len, size - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	return len;
}

/* Where the strings of arguments and environment begin, at the stack's end. */
static uintptr_t
strings_of(pid_t pid)
{
	char text[2048];
	size_t len = read_proc(pid, "stat", (uint8_t *)text, sizeof(text) - 1);
	char *at;

	text[len] = '\0';
	/* The 48th field; two of them stand before the bracket. */
	if ((at = strrchr(text, ')')) == NULL)
		return UINTPTR_MAX;
	for (int i = 2; at != NULL && i < 48; i++)
		at = strchr(at + 1, ' ');
	return at == NULL ? UINTPTR_MAX : strtoul(at, NULL, 10);
}

/* Read the regions with their flags: a header line, and then "Key: value". */
static void
each_region(struct look *l, FILE *smaps, int mem, uint8_t *buf,
    uintptr_t strings)
{
	struct region r = { .start = 0 };
	char line[512];

	while (fgets(line, sizeof(line), smaps) != NULL) {
		unsigned long start, end;
		int at = 0;

		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %n", &start, &end,
			r.mode, &at) >= 3 && at > 0) {
			r.start = start;
			r.end = end;
			r.locked = r.undumped = false;
			r.swap = 0;
			line[strcspn(line, "\n")] = '\0';
			(void)snprintf(r.name, sizeof(r.name), "%s",
			    line + at);
		} else if (strncmp(line, "Swap:", 5) == 0)
			r.swap = strtoul(line + 5, NULL, 10);
		else if (strncmp(line, "VmFlags:", 8) == 0) {
			r.locked = strstr(line, " lo") != NULL;
			r.undumped = strstr(line, " dd") != NULL;
			/* They are looked at by themselves. */
			if (r.start < strings && strings < r.end)
				r.end = strings;
			look_at_region(l, &r, mem, buf);
		}
	}
}

void
places_memory(struct tally *t, const struct needles *n, pid_t pid,
    enum moment moment, const char *program)
{
	struct look l = { .tally = t, .needles = n, .moment = moment,
		.program = program };
	uint8_t *buf = malloc(PIECE + NEEDLE_OVERLAP);
	char path[64];
	FILE *smaps;
	int mem;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	smaps = fopen(path, "re");
	if (buf == NULL || mem == -1 || smaps == NULL)
		(void)fprintf(t->report, "blind %s %s\n", program, path);
	else {
		each_region(&l, smaps, mem, buf, strings_of(pid));
		look_at_registers(&l, pid);
	}
	if (smaps != NULL)
		(void)fclose(smaps);
	if (mem != -1)
		(void)close(mem);
	free(buf);
}

void
places_arguments(struct tally *t, const struct needles *n, pid_t pid,
    enum moment moment, const char *program)
{
	static uint8_t buf[1 << 18];
	struct look l = { .tally = t, .needles = n, .moment = moment,
		.program = program };
	static const char *const files[] = { "cmdline", "environ" };

	for (int i = 0; i < 2; i++) {
		size_t len = read_proc(pid, files[i], buf, sizeof(buf));

		l.place = i == 0 ? PLACE_ARGUMENTS : PLACE_ENVIRONMENT;
		(void)snprintf(l.detail, sizeof(l.detail), "%s", files[i]);
		t->of[moment][l.place].looks++;
		look_at(&l, buf, len);
	}
}

/* nftw(3) takes no argument. */
static struct look *walking;

static int
look_at_file(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	static uint8_t buf[PIECE];
	off_t at = 0, data;
	int fd;

	(void)ftw;
	(void)snprintf(walking->detail, sizeof(walking->detail), "%s", path);
	needles_search(walking->needles, (const uint8_t *)path, strlen(path),
	    note, walking);
	if (type != FTW_F || !S_ISREG(st->st_mode) ||
	    (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return 0;
	walking->tally->of[walking->moment][walking->place].looks++;
	/* The stores are sparse. */
	while ((data = lseek(fd, at, SEEK_DATA)) >= 0) {
		ssize_t n = pread(fd, buf, sizeof(buf), data);

		if (n <= 0)
			break;
		look_at(walking, buf, (size_t)n);
		at = data + (n < (ssize_t)sizeof(buf) ?
			n : n - (ssize_t)NEEDLE_OVERLAP);
		if (n < (ssize_t)sizeof(buf))
			break;
	}
	(void)close(fd);
	return 0;
}

void
places_files(struct tally *t, const struct needles *n, pid_t pid,
    const char *program)
{
	static uint8_t line[1 << 16];
	struct look l = { .tally = t, .needles = n, .moment = MOMENT_END,
		.place = PLACE_STATE, .program = program };
	size_t len = read_proc(pid, "cmdline", line, sizeof(line) - 1);
	const char *at = (const char *)line, *state = NULL;
	char path[64];

	line[len] = '\0';
	while (at < (const char *)line + len) {
		const char *next = at + strlen(at) + 1;

		if (strcmp(at, "--state") == 0 &&
		    next < (const char *)line + len)
			state = next;
		at = next;
	}
	walking = &l;
	if (state != NULL && state[0] == '/')
		(void)nftw(state, look_at_file, 16, FTW_PHYS);
	l.place = PLACE_SAID;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/2", (int)pid);
	if ((len = (size_t)readlink(path, (char *)line, sizeof(line) - 1)) <
	    sizeof(line) && line[0] == '/') {
		line[len] = '\0';
		(void)nftw((const char *)line, look_at_file, 4, FTW_PHYS);
	}
}

void
places_print(const struct tally *t)
{
	for (int m = 0; m < MOMENTS; m++)
		for (int p = 0; p < PLACES; p++)
			if (t->of[m][p].looks > 0)
				(void)fprintf(t->report,
				    "sum %s %s %llu %llu %llu\n", moments[m],
				    places[p],
				    (unsigned long long)t->of[m][p].looks,
				    (unsigned long long)t->of[m][p].bytes,
				    (unsigned long long)t->of[m][p].hits);
	(void)fprintf(t->report, "hidden %llu\nunlocked %llu\n",
	    (unsigned long long)t->hidden, (unsigned long long)t->unlocked);
	(void)fflush(t->report);
}
