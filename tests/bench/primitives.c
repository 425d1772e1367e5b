#include "primitives.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fixture.h"
#include "logfmt.h"
#include "proto.h"
#include "seal.h"
#include "stats.h"

#define SERIES 101u
#define OF_ONE 100u
#define ROW 310u /* a row's text with a value of FIXTURE_VALUE bytes in it */

struct work {
	uint8_t key[KEY_LEN], nonce[CRYPTO_NONCE_LEN];
	uint8_t chain[LOG_CHAIN_LEN];
	uint8_t plain[ROW], out[ROW + 256], cell[LOG_CELL];
	uint8_t sealed[FIXTURE_VALUE + CRYPTO_TAG_LEN];
	uint8_t row[ROW + 256];
	char name[FIXTURE_NAME_LEN + 1];
	uint8_t vault[VAULT_ID_LEN];
	struct seal_place place;
	struct log_keys keys;
};

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
open_plain(struct work *w)
{
	must(crypto_aead_open(w->out, w->key, w->nonce, (struct view){ NULL, 0 },
	    (struct view){ w->sealed, sizeof(w->sealed) }));
}

static void
open_row(struct work *w)
{
	struct view plain;

	must(seal_open(w->out, w->key, &w->place,
	    (struct view){ w->row, seal_size(sizeof(w->plain)) }, &plain));
}

/* A fetch's record is one cell: who asked, and which secret, are numbers. */
static void
record(struct work *w)
{
	const struct log_record r = { .type = LOG_REQUEST, .op = OP_SECRET_GET,
		.workspace = 1, .record = 1, .version = 1 };

	must(logfmt_put(w->cell, &r, &w->keys, w->chain) == 1);
}

static double
measure(struct work *w, void (*one)(struct work *))
{
	double took[SERIES];

	for (unsigned i = 0; i < SERIES; i++) {
		uint64_t start = stats_clock();

		for (unsigned n = 0; n < OF_ONE; n++)
			one(w);
		took[i] = (double)(stats_clock() - start) / 1000 / OF_ONE;
	}
	return stats_summary(took, SERIES).middle;
}

struct primitives
primitives_measure(void)
{
	static struct work w;
	struct primitives p;

	fixture_name(w.name, 0);
	w.place = (struct seal_place){ .vault = w.vault, .table = 1,
		.workspace = 1, .record = 1, .version = 1, .kind = 1,
		.name = view_of(w.name) };
	crypto_random(w.key, sizeof(w.key));
	crypto_random(w.nonce, sizeof(w.nonce));
	w.keys = (struct log_keys){ w.key, w.key };
	crypto_aead_seal(w.sealed, w.key, w.nonce, (struct view){ NULL, 0 },
	    (struct view){ w.plain, FIXTURE_VALUE });
	seal_close(w.row, w.key, 1, &w.place,
	    (struct view){ w.plain, sizeof(w.plain) }, w.nonce);
	p.plain = measure(&w, open_plain);
	p.open = measure(&w, open_row);
	p.record = measure(&w, record);
	return p;
}

void
primitives_print(const struct primitives *p, double floor_rate)
{
	double whole = 1e6 / floor_rate;
	double least = whole - p->plain + p->open + p->record;

	printf("Apart, on that processor: opening a value as the floor does "
	    "takes %.2f us, opening its row as cofre seals it %.2f us, making "
	    "the record of a fetch %.2f us.  A floor that did these two and "
	    "not the first, pipelined, would have %.2f of its rate.\n\n",
	    p->plain, p->open, p->record, whole / least);
}
