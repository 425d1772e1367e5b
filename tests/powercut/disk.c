#include "disk.h"

#include <stdio.h>
#include <string.h>

bool
disk_pending(const struct choice *c, const struct op *o)
{
	return o->flushed >= c->cut || o->flushed >= c->flushes;
}

size_t
disk_find(const struct disk *d, uint64_t tick)
{
	size_t low = 0, high = d->op_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->ops[mid].tick < tick)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Is the op's piece with that number there? */
static bool
there(const struct choice *c, const struct op *o, uint64_t piece)
{
	return !disk_pending(c, o) || o->tick < c->limit(c, o, piece);
}

static void
set_size(size_t *size, const struct op *o)
{
	if (o->len == 0 || o->at > *size)
		*size = (size_t)o->at;
}

static void
copy(
    uint8_t *to, size_t *used, const struct op *o, uint64_t from, uint64_t end)
{
	memcpy(to + from, o->data + (from - o->at), end - from);
	if (end > *used)
		*used = (size_t)end;
}

/* The pieces of a write that are there. */
static void
copy_pieces(struct inode *f, const struct choice *c, const struct op *o)
{
	const uint64_t end = o->at + o->len;
	const unsigned grain = o->mapped ? c->mapped : c->grain;

	if (!disk_pending(c, o)) {
		copy(f->now, &f->used, o, o->at, end);
		return;
	}
	for (uint64_t at = o->at; at < end;) {
		uint64_t piece = at / grain, stop = (piece + 1) * grain;

		if (stop > end)
			stop = end;
		if (there(c, o, piece))
			copy(f->now, &f->used, o, at, stop);
		at = stop;
	}
}

/* Go on with what is all on the disk; begin anew where that was too far. */
static void
settle(struct disk *d, struct inode *f, const struct choice *c)
{
	const struct op *o;

	if (f->next > 0) {
		o = &d->ops[f->own[f->next - 1]];
		if (o->tick >= c->cut || disk_pending(c, o)) {
			memset(f->base, 0, f->most);
			f->next = f->base_size = f->base_used = 0;
		}
	}
	for (; f->next < f->own_count; f->next++) {
		o = &d->ops[f->own[f->next]];
		if (o->tick >= c->cut || disk_pending(c, o))
			break;
		if (o->kind == OP_SIZE)
			set_size(&f->base_size, o);
		else
			copy(f->base, &f->base_used, o, o->at, o->at + o->len);
	}
}

static void
make_file(struct disk *d, struct inode *f, const struct choice *c)
{
	settle(d, f, c);
	memcpy(
	    f->now, f->base, f->base_used > f->used ? f->base_used : f->used);
	f->size = f->base_size;
	f->used = f->base_used;
	for (size_t i = f->next; i < f->own_count; i++) {
		const struct op *o = &d->ops[f->own[i]];

		if (o->tick >= c->cut)
			break;
		if (o->kind == OP_DATA)
			copy_pieces(f, c, o);
		else if (there(c, o, 0))
			set_size(&f->size, o);
	}
	if (f->used > f->size) {
		memset(f->now + f->size, 0, f->used - f->size);
		f->used = f->size;
	}
}

static void
forget(struct image *im, const char *name)
{
	int i = image_find(im, name);

	if (i != -1)
		im->files[i] = im->files[--im->count];
}

static void
name_file(struct disk *d, struct image *im, const struct op *o)
{
	const struct inode *f = &d->inodes[o->inode];
	struct file *file;

	if (o->from != NULL)
		forget(im, o->from);
	if (o->to == NULL)
		return;
	forget(im, o->to);
	if (im->count == FILES_MAX)
		die("too many files");
	file = &im->files[im->count++];
	(void)snprintf(file->name, sizeof(file->name), "%s", o->to);
	file->data = f->now;
	file->size = f->size;
	file->used = f->used;
}

void
disk_image(struct disk *d, const struct choice *c, struct image *im)
{
	for (size_t i = 0; i < d->inode_count; i++)
		make_file(d, &d->inodes[i], c);
	im->count = 0;
	for (size_t i = 0; i < d->op_count && d->ops[i].tick < c->cut; i++)
		if (d->ops[i].kind == OP_NAME && there(c, &d->ops[i], i))
			name_file(d, im, &d->ops[i]);
}
