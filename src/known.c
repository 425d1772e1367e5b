#include "known.h"

#include <stdlib.h>
#include <unistd.h>

#include "witness.h"

static struct known **
bucket_of(struct known_list *list, uint64_t inode)
{
	return &list->buckets[inode % KNOWN_BUCKETS];
}

static void
forget(struct known_list *list, struct known *k)
{
	struct known **at = bucket_of(list, k->inode);

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	(void)close(k->watch_fd);
	free(k);
}

/* It has a connection again, or is to be forgotten. */
static void
take_out(struct known_list *list, struct known *k)
{
	if (k->earlier != NULL)
		k->earlier->later = k->later;
	else
		list->first = k->later;
	if (k->later != NULL)
		k->later->earlier = k->earlier;
	else
		list->last = k->earlier;
	k->later = k->earlier = NULL;
	list->idle--;
}

static void
forget_first(struct known_list *list)
{
	struct known *k = list->first;

	take_out(list, k);
	forget(list, k);
}

struct known *
known_find(struct server *sv, uint64_t inode, uint64_t cgroup)
{
	struct known_list *list = &sv->known;
	struct known *k = *bucket_of(list, inode);

	/* There may be one of a program that it executed before. */
	while (k != NULL && (k->inode != inode || k->cgroup != cgroup ||
	    !witness_same(k->watch_fd)))
		k = k->next;
	if (k != NULL && k->users++ == 0)
		take_out(list, k);
	return k;
}

struct known *
known_add(struct server *sv, uint64_t inode, uint64_t cgroup, int watch_fd,
    const struct facts *facts)
{
	struct known **at = bucket_of(&sv->known, inode);
	struct known *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->inode = inode;
	k->cgroup = cgroup;
	k->watch_fd = watch_fd;
	k->users = 1;
	k->facts = *facts;
	k->next = *at;
	*at = k;
	return k;
}

void
known_leave(struct server *sv, struct known *k)
{
	struct known_list *list = &sv->known;

	if (--k->users > 0)
		return;
	if (list->most == 0 || !witness_same(k->watch_fd)) {
		forget(list, k);
		return;
	}
	k->until = sv->clock + KNOWN_TIME;
	k->earlier = list->last;
	if (list->last != NULL)
		list->last->later = k;
	else
		list->first = k;
	list->last = k;
	if (++list->idle > list->most)
		forget_first(list);
}

void
known_tick(struct server *sv)
{
	while (sv->known.first != NULL && sv->known.first->until <= sv->clock)
		forget_first(&sv->known);
}

void
known_clear(struct server *sv)
{
	while (sv->known.first != NULL)
		forget_first(&sv->known);
}

int
known_timeout(const struct server *sv)
{
	const struct known *k = sv->known.first;

	if (k == NULL)
		return -1;
	return k->until <= sv->clock ? 0 :
				       (int)((k->until - sv->clock) / 1000) + 1;
}
