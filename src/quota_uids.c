/* Whom the daemon knows: connections and buffers by uid. */
#include "quota_impl.h"

#include <stdlib.h>

/* What one request may need: to come in, and to be answered, twice. */
#define REQUEST_CHUNKS (2 * (FRAME_MAX + READ_MAX) / CHUNK_DATA)
#define ROOT_EXTRA 8u /* connections that are kept for uid 0 */

struct uid_use *
quota_use(const struct server *sv, uint32_t uid)
{
	for (size_t i = 0; i < sv->use_count; i++)
		if (sv->uses[i].uid == uid)
			return &sv->uses[i];
	return NULL;
}

/* Is there nothing left that it has to be known for?  Who closes his last
   connection rests all the same, has had what he had of the turn, and asks for
   one long thing after the other if he comes again for the next one. */
static bool
is_past(const struct server *sv, const struct uid_use *use)
{
	return use->connections == 0 && use->rests <= sv->stopped &&
	    use->logged <= sv->stopped && use->turn != sv->turns &&
	    (use->long_at == 0 || use->long_at + QUOTA_LATELY <= sv->stopped);
}

static void
sweep(struct server *sv)
{
	for (size_t i = sv->use_count; i-- > 0;)
		if (is_past(sv, &sv->uses[i]))
			sv->uses[i] = sv->uses[--sv->use_count];
}

static struct uid_use *
add(struct server *sv, uint32_t uid)
{
	if (sv->use_count == sv->use_size)
		sweep(sv);
	if (sv->use_count == sv->use_size) {
		size_t size = sv->use_size == 0 ? 16 : sv->use_size * 2;
		struct uid_use *uses =
		    realloc(sv->uses, size * sizeof(*uses));

		if (uses == NULL)
			return NULL;
		sv->uses = uses;
		sv->use_size = size;
	}
	sv->uses[sv->use_count] = (struct uid_use){ .uid = uid };
	return &sv->uses[sv->use_count++];
}

bool
quota_admit(struct server *sv, uint32_t uid)
{
	struct uid_use *use = quota_use(sv, uid);

	/* Root gets in when all others have taken every place. */
	if (sv->conn_count >= sv->config.max_connections +
		    (uid == 0 ? ROOT_EXTRA : 0) ||
	    (use == NULL && (use = add(sv, uid)) == NULL) ||
	    use->connections >= sv->config.max_per_uid)
		return false;
	if (use->connections++ == 0)
		sv->uids++;
	return true;
}

void
quota_charge(struct conn *c)
{
	struct uid_use *use = quota_use(c->sv, c->peer.uid);
	size_t chunks = c->in.chunks + c->out.chunks;

	if (use == NULL || chunks == c->counted)
		return;
	use->chunks += chunks - c->counted;
	c->counted = chunks;
}

void
quota_leave(struct conn *c)
{
	struct uid_use *use = quota_use(c->sv, c->peer.uid);

	if (use == NULL)
		return;
	use->chunks -= c->counted;
	c->counted = 0;
	quota_forget(c->sv, c->peer.uid);
}

void
quota_forget(struct server *sv, uint32_t uid)
{
	struct uid_use *use = quota_use(sv, uid);

	if (use == NULL || --use->connections > 0)
		return;
	sv->uids--;
	if (is_past(sv, use))
		*use = sv->uses[--sv->use_count];
}

/* Has it sent something that could be served now? */
static bool
can_go_on(const struct conn *c)
{
	return c->in.size > 0 && !c->paused && c->look.state != LOOK_OPEN &&
	    !c->tell.waits;
}

/*
 * The oldest connection of the uid that has something kept, and can go on.  If
 * none did, each would wait for the buffers that the others hold.  A frame that
 * has begun has a deadline, and what is whole is served: so it will be another
 * one's turn.  But nobody's while a reply is not taken, for what that holds
 * comes back, it has a deadline as well; else one after the other would leave
 * its reply lying.
 */
static const struct conn *
find_first(const struct server *sv, uint32_t uid)
{
	const struct conn *first = NULL;

	for (const struct conn *c = sv->conns; c != NULL; c = c->next) {
		if (c->peer.uid != uid)
			continue;
		if (c->out.size > 0)
			return NULL;
		if (can_go_on(c))
			first = c;
	}
	return first;
}

/* It is looked for once a turn, by the first one that asks: all may ask. */
static bool
is_first(const struct conn *c, struct uid_use *use)
{
	if (use->sought != c->sv->turns) {
		use->sought = c->sv->turns;
		use->first = find_first(c->sv, use->uid);
	}
	return use->first == c && c->out.size == 0;
}

bool
quota_within_share(const struct conn *c)
{
	struct uid_use *use = quota_use(c->sv, c->peer.uid);

	return use != NULL &&
	    (use->chunks == 0 ||
		use->chunks + REQUEST_CHUNKS < c->sv->pool.left ||
		is_first(c, use));
}
