/* From the events of a trace to ops, commits and answers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"
#include "logfmt.h"
#include "trace.h"
#include "wire.h"

#define FDS 1024u
#define WORD 8u
#define ENTRIES 64u
#define ANSWER 16u /* bytes of a reply up to its status */

/* What a descriptor is. */
enum { NOTHING, STATE_DIRECTORY, LOG_DIRECTORY, A_FILE };

struct descriptor {
	int what;
	uint32_t inode;
	bool flushing; /* O_DSYNC */
};

struct entry {
	char *name;
	uint32_t inode;
};

struct loading {
	struct disk *d;
	struct descriptor fds[FDS];
	struct entry entries[ENTRIES];
	size_t entry_count;
	size_t room, commit_room, answer_room;
};

static void *
more(void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	*room = *room == 0 ? 1024 : *room * 2;
	if ((list = reallocarray(list, *room, size)) == NULL)
		die("memory");
	return list;
}

/* The name in the state directory; NULL: nothing of the vault's. */
static char *
name_of(const char *path)
{
	const char *base = strrchr(path, '/'), *end;
	char *name;

	base = base == NULL ? path : base + 1;
	end = strrchr(base, '.');
	if (end == NULL)
		return NULL;
	if (strcmp(base, "data.mdb") != 0 && strcmp(base, "ssh.lmdb") != 0 &&
	    strcmp(end, ".log") != 0 && strcmp(end, ".tmp") != 0 &&
	    strcmp(end, ".torn") != 0)
		return NULL;
	name = must_alloc(strlen(base) + 10);
	(void)sprintf(name, "%s%s",
	    base[0] == 'd' || base[0] == 's' ? "" : "activity/", base);
	return name;
}

static struct entry *
find_entry(struct loading *l, const char *name)
{
	for (size_t i = 0; i < l->entry_count; i++)
		if (strcmp(l->entries[i].name, name) == 0)
			return &l->entries[i];
	return NULL;
}

static struct op *
add_op(struct loading *l, enum op_kind kind, uint32_t inode)
{
	struct disk *d = l->d;
	struct op *o;

	d->ops = more(d->ops, d->op_count, &l->room, sizeof(*d->ops));
	o = &d->ops[d->op_count++];
	*o = (struct op){ .kind = kind,
		.inode = inode,
		.flushed = NEVER,
		.tick = d->ticks++ };
	return o;
}

static void
add_data(struct loading *l, uint32_t inode, uint64_t at, const uint8_t *data,
    uint64_t len, bool mapped)
{
	struct inode *f = &l->d->inodes[inode];
	struct op *o = add_op(l, OP_DATA, inode);

	o->at = at;
	o->data = data;
	o->len = len;
	o->mapped = mapped;
	if (at + len > f->most)
		f->most = (size_t)(at + len);
}

static void
add_size(struct loading *l, uint32_t inode, uint64_t size, bool at_least)
{
	struct op *o = add_op(l, OP_SIZE, inode);

	o->at = size;
	o->len = at_least;
}

static uint32_t
make_inode(struct loading *l, char *name)
{
	struct disk *d = l->d;
	uint32_t inode = (uint32_t)d->inode_count++;

	if (d->inode_count > INODES_MAX || l->entry_count == ENTRIES)
		die("too many files");
	d->inodes[inode].store = strchr(name, '/') == NULL;
	l->entries[l->entry_count++] = (struct entry){ name, inode };
	add_op(l, OP_NAME, inode)->to = name;
	return inode;
}

static void
on_open(struct loading *l, const struct trace_event *e, const char *path)
{
	struct descriptor *fd = &l->fds[e->fd];
	char *name = name_of(path);
	struct entry *entry;

	*fd = (struct descriptor){ .what = NOTHING };
	if ((e->offset & O_DIRECTORY) != 0) {
		fd->what = strstr(path, "activity") != NULL ? LOG_DIRECTORY :
							      STATE_DIRECTORY;
		return;
	}
	if (name == NULL)
		return;
	entry = find_entry(l, name);
	if (entry == NULL && (e->offset & O_CREAT) == 0)
		return;
	*fd = (struct descriptor){ A_FILE,
		entry != NULL ? entry->inode : make_inode(l, name),
		(e->offset & O_DSYNC) == O_DSYNC };
}

/* What was done to the file or directory until now is on the disk. */
static void
flush(struct loading *l, const struct descriptor *fd, bool sizes_alone)
{
	struct disk *d = l->d;

	for (size_t i = d->op_count; i-- > 0;) {
		struct op *o = &d->ops[i];
		bool log = !d->inodes[o->inode].store;

		if (o->flushed != NEVER)
			continue;
		if (fd->what == A_FILE ?
			o->inode == fd->inode &&
			    (o->kind == OP_SIZE ||
				(o->kind == OP_DATA && !sizes_alone)) :
			o->kind == OP_NAME &&
			    log == (fd->what == LOG_DIRECTORY))
			o->flushed = d->ticks;
	}
	d->ticks++;
}

static void
on_write(struct loading *l, const struct trace_event *e, const uint8_t *bytes)
{
	struct disk *d = l->d;
	const struct descriptor *fd = &l->fds[e->fd];
	struct op *o;

	if (fd->what != A_FILE)
		return;
	add_size(l, fd->inode, e->offset + e->length, true);
	add_data(l, fd->inode, e->offset, bytes, e->length, false);
	if (!fd->flushing)
		return;
	o = &d->ops[d->op_count - 1];
	if (fd->inode > 1 ||
	    strcmp(l->entries[fd->inode].name,
		fd->inode == DATA_FILE ? "data.mdb" : "ssh.lmdb") != 0)
		die("the stores are not the first files");
	d->commits = more(
	    d->commits, d->commit_count, &l->commit_room, sizeof(*d->commits));
	d->commits[d->commit_count++] = (struct commit){ o->tick, fd->inode };
	o->flushed = d->ticks;
	flush(l, fd, true);
}

/* Words in the order in which segment_write() and its like store them: of a
   record those behind the first one, and then that one. */
static void
on_mapped(struct loading *l, const struct trace_event *e, const uint8_t *bytes)
{
	const struct descriptor *fd = &l->fds[e->fd];
	uint64_t at = e->offset, end = at + e->length;

	if (fd->what != A_FILE)
		return;
	while (at < end) {
		const uint8_t *p = bytes + (at - e->offset);
		uint64_t stop = end;
		bool record = at % LOG_CELL == 0 && at > 0 && p[1] >= 1 &&
			      p[1] <= LOG_CELLS_MAX;

		if (record && at + p[1] * (uint64_t)LOG_CELL < end)
			stop = at + p[1] * (uint64_t)LOG_CELL;
		for (uint64_t w = record ? at + WORD : at; w < stop; w += WORD)
			add_data(l, fd->inode, w, bytes + (w - e->offset),
			    WORD, true);
		if (record)
			add_data(l, fd->inode, at, p, WORD, true);
		at = stop;
	}
}

static void
on_rename(struct loading *l, const char *from)
{
	char *old = name_of(from), *new = name_of(from + strlen(from) + 1);
	struct entry *entry = old == NULL ? NULL : find_entry(l, old);
	struct entry *replaced = new == NULL ? NULL : find_entry(l, new);
	struct op *o;

	if (entry == NULL || new == NULL)
		die("a file that is renamed is not known");
	o = add_op(l, OP_NAME, entry->inode);
	o->from = old;
	o->to = new;
	entry->name = new;
	if (replaced != NULL)
		*replaced = l->entries[--l->entry_count];
}

static void
on_unlink(struct loading *l, const char *path)
{
	char *name = name_of(path);
	struct entry *entry = name == NULL ? NULL : find_entry(l, name);

	if (entry == NULL)
		return;
	add_op(l, OP_NAME, entry->inode)->from = name;
	*entry = l->entries[--l->entry_count];
}

/* Replies, each in one piece. */
static void
on_send(struct loading *l, const uint8_t *p, uint64_t len)
{
	struct disk *d = l->d;
	struct wire_reader r;
	uint32_t size;

	for (; len >= ANSWER; p += size + 4, len -= size + 4) {
		struct answer *a;

		wire_reader_init(&r, (struct view){ p, (size_t)len });
		size = wire_get_u32(&r);
		if (size + 4 > len || size + 4 < ANSWER || p[5] != 1)
			return;
		d->answers = more(d->answers, d->answer_count, &l->answer_room,
		    sizeof(*d->answers));
		a = &d->answers[d->answer_count++];
		a->tick = d->ticks;
		(void)wire_get_u16(&r);
		a->op = wire_get_u16(&r);
		a->request = wire_get_u32(&r);
		a->status = wire_get_u32(&r);
	}
	d->ticks++;
}

static void
on_patch(struct loading *l, const struct trace_event *e, const char *path)
{
	size_t name = strlen(path) + 1;
	struct entry *entry = find_entry(l, path);
	struct descriptor fd = { .what = A_FILE };

	if (entry == NULL)
		die(path);
	fd.inode = entry->inode;
	add_data(l, fd.inode, e->offset, (const uint8_t *)path + name,
	    e->length - name, false);
	flush(l, &fd, false);
}

static void
take(struct loading *l, const struct trace_event *e, const uint8_t *bytes)
{
	struct descriptor *fd = e->fd < 0 ? NULL : &l->fds[e->fd];

	switch ((enum trace_kind)e->kind) {
	case TRACE_BEGIN:
		memset(l->fds, 0, sizeof(l->fds));
		break;
	case TRACE_OPEN:
		on_open(l, e, (const char *)bytes);
		break;
	case TRACE_CLOSE:
		fd->what = NOTHING;
		break;
	case TRACE_WRITE:
		on_write(l, e, bytes);
		break;
	case TRACE_MAPPED:
		on_mapped(l, e, bytes);
		break;
	case TRACE_SIZE:
	case TRACE_GROW:
		if (fd->what == A_FILE)
			add_size(
			    l, fd->inode, e->length, e->kind == TRACE_GROW);
		break;
	case TRACE_SYNC:
		if (fd->what != NOTHING)
			flush(l, fd, false);
		break;
	case TRACE_RENAME:
		on_rename(l, (const char *)bytes);
		break;
	case TRACE_UNLINK:
		on_unlink(l, (const char *)bytes);
		break;
	case TRACE_MKDIR:
		break;
	case TRACE_SEND:
		on_send(l, bytes, e->length);
		break;
	case TRACE_PATCH:
		on_patch(l, e, (const char *)bytes);
		break;
	}
}

/* Give each file its own ops, and place for its bytes. */
static void
finish(struct disk *d)
{
	for (size_t i = 0; i < d->inode_count; i++) {
		struct inode *f = &d->inodes[i];

		f->base = must_alloc(f->most + 1);
		f->now = must_alloc(f->most + 1);
		f->own = must_alloc(d->op_count * sizeof(*f->own));
		for (size_t o = 0; o < d->op_count; o++)
			if (d->ops[o].inode == i && d->ops[o].kind != OP_NAME)
				f->own[f->own_count++] = o;
	}
}

void
disk_load(struct disk *d, const char *path)
{
	struct loading *l = must_alloc(sizeof(*l));
	struct trace_event e;
	uint64_t used, at = 0;
	uint8_t *all;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || read(fd, &used, sizeof(used)) != sizeof(used))
		die(path);
	all = must_alloc(used + 1);
	for (uint64_t n = 0; n < used;) {
		ssize_t r = read(fd, all + n, used - n);

		if (r <= 0)
			die(path);
		n += (uint64_t)r;
	}
	(void)close(fd);
	memset(d, 0, sizeof(*d));
	l->d = d;
	while (at < used) {
		bool bytes;

		memcpy(&e, all + at, sizeof(e));
		at += sizeof(e);
		bytes = e.kind != TRACE_SIZE && e.kind != TRACE_GROW;
		take(l, &e, all + at);
		if (bytes)
			at += (e.length + WORD - 1) / WORD * WORD;
	}
	finish(d);
	free(l);
}
