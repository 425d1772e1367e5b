/*
 * Whole sessions as a state machine: the daemon's own loop, connections,
 * dispatch and vault, with real sockets, stores and log, and what several
 * peers do (program.h), ssh clients among them.
 *
 * Each whole request is answered once and in order, or its connection is
 * closed with a word; no reply is longer than a frame; what the vault is in
 * memory is what its stores say, also when commits have failed; it is open or
 * locked as the answers say; what was committed opens again; and when all
 * have gone the daemon has nothing left of them.
 */
#include <stdlib.h>

#include "furnish.h"
#include "summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LIMIT 8192u

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Nothing is left of those who have gone. */
static void
check_left(const struct house *h)
{
	const struct server *sv = h->sv;

	must(sv->conns == NULL && sv->conn_count == 0 && sv->dead == NULL);
	must(sv->ready == NULL && sv->timed == NULL);
	must(sv->uids == 0 && sv->pool.left == h->pool_left);
	must(sv->tellers.count == 0 && sv->asked.first == NULL);
	must(sv->turn.count == 0 && sv->turn.dirty == NULL);
	must(!sv->waiting.active && !sv->lock_pending);
	must(!sv->failed && !sv->stopping);
	must(!store_writing(sv->vault.store));
	must(!store_writing(sv->vault.ssh.store));
}

/* The vault is open, locked, or not there, as the answers say. */
static void
check_state(const struct program *p, enum house_state first)
{
	const struct vault *v = &p->house->sv->vault;
	bool opened = first == HOUSE_OPEN ||
	    program_count_ok(p, OP_UNLOCK) + program_count_ok(p, OP_INIT) > 0;

	must(v->keyring.open == (v->state == VAULT_OPEN));
	if (v->state == VAULT_EMPTY)
		must(first == HOUSE_EMPTY);
	else if (v->state == VAULT_OPEN)
		must(opened || p->excused || p->gone);
	else if (first != HOUSE_LOCKED)
		must(p->asked_lock || p->gone);
	if (v->state == VAULT_LOCKED && first != HOUSE_LOCKED)
		must(program_count_ok(p, OP_LOCK) > 0 || p->excused ||
		    p->gone);
}

/* What the stores have is right, and opens again. */
static void
check_stores(const struct program *p)
{
	static struct summary before, after;
	struct house *h = p->house;
	struct vault *v = &h->sv->vault;
	bool open = v->state == VAULT_OPEN;

	if (v->state == VAULT_EMPTY)
		return;
	if (open) {
		must(house_adds_up(h));
		summary_make(&before, v);
	}
	(void)audit_set_keys(h->sv->audit, NULL);
	vault_lock(v);
	if (house_unlocks(h)) {
		summary_make(&after, v);
		must(!open || summary_equal(&before, &after));
	} else /* somebody has taken the slot of the key that is known here */
		must(p->asked_slot || p->asked_init);
	vault_lock(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct house *house;
	static struct known known;
	struct program p;
	enum house_state first;

	if (size == 0 || size > SIZE_LIMIT)
		return 0;
	if (house == NULL) {
		house = house_make();
		furnish(house, &known);
	}
	first = (enum house_state)(data[0] % 3);
	house_reset(house, first);
	program_run(&p, house, &known, (struct view){ data + 1, size - 1 });
	program_finish(&p);
	check_left(house);
	check_state(&p, first);
	check_stores(&p);
	program_free(&p);
	return 0;
}
