#include "watching.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "call.h"
#include "handle.h"
#include "line.h"

#define FETCHED_MAX 256u /* secrets of a handle that are watched */
#define LINES_MAX 8u	 /* connections that wait for them */

struct fetched {
	char workspace[COFRE_WORKSPACE_NAME_MAX + 1];
	char name[COFRE_SECRET_NAME_MAX + 1];
	uint32_t version;
	uint32_t followed;
};

struct watching {
	struct fetched *of;
	size_t count, size;
	bool failed; /* it is not all of them */
	pid_t pid;   /* whose what follows is */
	int epoll;   /* that the connections are in, or -1 */
	struct line *lines[LINES_MAX];
	size_t line_count;
};

static struct fetched *
find(const struct watching *w, const char *workspace, const char *name)
{
	for (size_t i = 0; w != NULL && i < w->count; i++)
		if (strcmp(w->of[i].name, name) == 0 &&
		    strcmp(w->of[i].workspace, workspace) == 0)
			return &w->of[i];
	return NULL;
}

/* Room for one more; NULL when there is none. */
static struct fetched *
add(struct watching *w)
{
	size_t size = w->size == 0 ? 4 : w->size * 2;
	struct fetched *of;

	if (w->count < w->size)
		return &w->of[w->count++];
	if (size > FETCHED_MAX ||
	    (of = reallocarray(w->of, size, sizeof(*of))) == NULL)
		return NULL;
	w->of = of;
	w->size = size;
	return &w->of[w->count++];
}

static struct watching *
make(cofre *c)
{
	if (c->watching == NULL &&
	    (c->watching = calloc(1, sizeof(*c->watching))) != NULL)
		c->watching->epoll = -1;
	return c->watching;
}

void
watching_note(cofre *c, const char *workspace, const char *name,
    uint32_t version, uint32_t followed)
{
	struct watching *w = make(c);
	struct fetched *f = find(w, workspace, name);

	if (w == NULL)
		return;
	if (f == NULL && (f = add(w)) == NULL) {
		w->failed = true;
		return;
	}
	memcpy(f->workspace, workspace, strlen(workspace) + 1);
	memcpy(f->name, name, strlen(name) + 1);
	f->version = version;
	f->followed = followed;
}

void
watching_forget(cofre *c, const char *workspace, const char *name)
{
	struct watching *w = c->watching;
	struct fetched *f = find(w, workspace, name);

	if (f != NULL)
		*f = w->of[--w->count];
}

static void
drop_line(struct watching *w, size_t i)
{
	line_close(w->lines[i]);
	free(w->lines[i]);
	w->lines[i] = w->lines[--w->line_count];
}

static void
drop_lines(struct watching *w)
{
	while (w->line_count > 0)
		drop_line(w, w->line_count - 1);
}

/* In a child all of that is the parent's, and goes on there. */
static void
drop_parent(struct watching *w)
{
	if (w->pid == getpid())
		return;
	drop_lines(w);
	if (w->epoll != -1)
		(void)close(w->epoll);
	w->epoll = -1;
	w->pid = getpid();
}

void
watching_free(cofre *c)
{
	struct watching *w = c->watching;

	if (w == NULL)
		return;
	drop_lines(w);
	if (w->epoll != -1)
		(void)close(w->epoll);
	free(w->of);
	free(w);
	c->watching = NULL;
}

/* A line of the workspace with room, or a new one; NULL: no more. */
static struct line *
line_for(struct watching *w, const char *workspace)
{
	struct line *l;

	for (size_t i = 0; i < w->line_count; i++)
		if (w->lines[i]->count < WATCH_MAX &&
		    strcmp(w->lines[i]->workspace, workspace) == 0)
			return w->lines[i];
	if (w->line_count == LINES_MAX ||
	    (l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	memcpy(l->workspace, workspace, strlen(workspace) + 1);
	w->lines[w->line_count++] = l;
	return l;
}

static bool
make_lines(struct watching *w)
{
	struct line *l;

	for (size_t i = 0; i < w->count; i++) {
		l = line_for(w, w->of[i].workspace);
		if (l == NULL || !line_add(l, w->of[i].name,
			w->of[i].version, w->of[i].followed))
			return false;
	}
	return true;
}

/* Connect the line as what the handle is, and let it wait. */
static enum cofre_status
start(cofre *c, struct line *l)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct cofre_run run;
	enum cofre_status s;

	s = cofre_open(&l->c, c->addr.sun_path, c->timeout_ms);
	if (s == COFRE_OK && c->token != NULL && c->token[0] != '\0')
		s = cofre_run_attach(l->c, c->token, &run);
	if (s == COFRE_OK)
		s = line_ask(l, true);
	if (s != COFRE_OK)
		return call_fail(c, s, "%s", cofre_error(l->c));
	if (epoll_ctl(c->watching->epoll, EPOLL_CTL_ADD, line_fd(l), &ev) ==
	    -1)
		return call_fail(c, COFRE_NO_MEMORY, "watch: %m");
	l->c->epoll = c->watching->epoll;
	return COFRE_OK;
}

/* What must be so before anything is sent. */
static enum cofre_status
prepare(cofre *c)
{
	struct watching *w = c->watching;

	if (w == NULL || w->count == 0)
		return call_fail(c, COFRE_ARGUMENT,
		    "watch: this handle has fetched nothing yet");
	if (w->failed)
		return call_fail(c, COFRE_LIMIT,
		    "watch: a handle watches %u secrets at most, and this "
		    "one has fetched more", FETCHED_MAX);
	if (!make_lines(w))
		return call_fail(c, COFRE_LIMIT,
		    "watch: a handle watches secrets of %u workspaces at "
		    "most", LINES_MAX);
	if (w->epoll == -1)
		w->epoll = epoll_create1(EPOLL_CLOEXEC);
	return w->epoll == -1 ? call_fail(c, COFRE_NO_MEMORY, "watch: %m") :
				COFRE_OK;
}

enum cofre_status
cofre_watch_fd(cofre *c, int *fd)
{
	enum cofre_status s;
	struct watching *w;

	if (c == NULL)
		return COFRE_ARGUMENT;
	if (fd == NULL)
		return call_fail(c, COFRE_ARGUMENT, "watch: fd is NULL");
	handle_own(c); /* the token of a parent's run is not there */
	if ((w = c->watching) != NULL) {
		drop_parent(w);
		drop_lines(w);
	}
	s = prepare(c);
	for (size_t i = 0; s == COFRE_OK && i < w->line_count; i++)
		s = start(c, w->lines[i]);
	if (s == COFRE_OK)
		*fd = w->epoll;
	else if (w != NULL)
		drop_lines(w);
	return s;
}

/* Is it something that the handle has not fetched meanwhile? */
static bool
is_new(const struct fetched *f, const struct line_item *item)
{
	return f != NULL && (f->version != item->version ||
	    f->followed != item->followed);
}

/* Take what the line has to tell, and let it wait again. */
static enum cofre_status
next(cofre *c, struct line *l, struct cofre_change *ret)
{
	const struct line_item *item;
	struct fetched *f;
	size_t which;
	enum cofre_status s = line_take(l, &which);

	if (s == COFRE_OK)
		s = line_ask(l, true);
	if (s != COFRE_OK)
		return call_fail(c, s, "%s", cofre_error(l->c));
	item = &l->items[which];
	f = which == l->count ? NULL :
	    find(c->watching, l->workspace, item->name);
	if (!is_new(f, item))
		return COFRE_NO_CHANGE;
	f->version = item->version;
	f->followed = item->followed;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->workspace, l->workspace, sizeof(l->workspace));
	memcpy(ret->name, item->name, sizeof(item->name));
	ret->version = item->version;
	return COFRE_OK;
}

enum cofre_status
cofre_watch_next(cofre *c, struct cofre_change *ret)
{
	enum cofre_status s = COFRE_NO_CHANGE;
	struct watching *w;

	if (c == NULL)
		return COFRE_ARGUMENT;
	if (ret == NULL)
		return call_fail(c, COFRE_ARGUMENT, "watch: ret is NULL");
	w = c->watching;
	if (w == NULL || w->pid != getpid() || w->line_count == 0)
		return call_fail(c, COFRE_CLOSED,
		    "watch: nothing is watched; cofre_watch_fd() comes first");
	c->error[0] = '\0';
	for (size_t i = 0; s == COFRE_NO_CHANGE && i < w->line_count; i++) {
		if (!line_ready(w->lines[i]))
			continue;
		s = next(c, w->lines[i], ret);
		if (s != COFRE_OK && s != COFRE_NO_CHANGE)
			drop_line(w, i);
	}
	return s;
}
