#include "bus.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 8u /* two stores, and two segments of the log */
#define AREAS_MAX 8u
#define NAME_SIZE 64u

struct mapped {
	bool used;
	int fd;
	uint64_t size;
	char name[NAME_SIZE];
};

static struct mapped files[FILES_MAX];
static struct {
	volatile uint64_t *at;
	size_t words;
} areas[AREAS_MAX];
static unsigned area_count;

/* Only what is not zero is written to: much of it was never touched. */
static void
wipe_all(void)
{
	for (unsigned i = 0; i < area_count; i++)
		for (size_t n = 0; n < areas[i].words; n++)
			if (areas[i].at[n] != 0)
				areas[i].at[n] = 0;
}

static void
say(const char *text)
{
	(void)!write(2, text, strlen(text));
}

static bool
is_whole(const struct mapped *f)
{
	struct stat st;

	return fstat(f->fd, &st) == -1 || (uint64_t)st.st_size >= f->size;
}

/* The file that is shorter than its map, or NULL. */
static const struct mapped *
find_short(void)
{
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (files[i].used && !is_whole(&files[i]))
			return &files[i];
	return NULL;
}

static _Noreturn void
end(const struct mapped *f)
{
	wipe_all();
	say("cofred: ");
	say(f == NULL ? "a mapped file can't be read: the disk fails" :
			f->name);
	say(f == NULL ? "" : " was cut short while it was in use");
	say("; stopping.  Keys are wiped; what was acknowledged had been "
	    "written, and this loses none of it.\n");
	_exit(BUS_EXIT);
}

/* All that it calls may be called by a handler. */
static void
on_sigbus(int sig)
{
	(void)sig;
	end(find_short());
}

bool
bus_catch(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_sigbus;
	/* A second one ends the process at once, without a core file. */
	sa.sa_flags = (int)SA_RESETHAND;
	return sigaction(SIGBUS, &sa, NULL) == 0;
}

static struct mapped *
find(int fd)
{
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (files[i].used && files[i].fd == fd)
			return &files[i];
	return NULL;
}

static struct mapped *
find_unused(void)
{
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (!files[i].used)
			return &files[i];
	return NULL;
}

void
bus_file(int fd, uint64_t size, const char *name)
{
	struct mapped *f = find(fd);

	if (f == NULL && (f = find_unused()) == NULL)
		return; /* it has no name then */
	f->used = false;
	atomic_signal_fence(memory_order_seq_cst);
	f->fd = fd;
	f->size = size;
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	atomic_signal_fence(memory_order_seq_cst);
	f->used = true;
}

void
bus_forget(int fd)
{
	struct mapped *f = find(fd);

	if (f != NULL)
		f->used = false;
}

void
bus_wipe(void *area, size_t size)
{
	if (area_count == AREAS_MAX)
		abort();
	areas[area_count].at = area;
	areas[area_count].words = size / sizeof(uint64_t);
	area_count++;
}

void
bus_wiped(void)
{
	area_count = 0;
}

void
bus_check(void)
{
	const struct mapped *f = find_short();

	if (f != NULL)
		end(f);
}
