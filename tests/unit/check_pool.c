#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"
#include "sample.h"

#define CHUNKS 16u
#define PAGE 4096u

static struct pool p;

static void
setup(void)
{
	ck_assert(pool_init(&p, CHUNKS * PAGE));
}

static void
teardown(void)
{
	pool_free(&p);
}

/* What a chain should hold: byte i of everything ever appended is f(i). */
struct model {
	struct chain chain;
	size_t from, to; /* the bytes that are in it */
};

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) * 7 + 1);
}

static uint8_t scratch[CHUNKS * PAGE + 64];

static void
append(struct model *m, size_t n)
{
	ck_assert_uint_le(n, sizeof(scratch));
	for (size_t i = 0; i < n; i++)
		scratch[i] = byte_at(m->to + i);
	chain_append(&p, &m->chain, (struct view){ scratch, n });
	m->to += n;
}

static void
consume(struct model *m, size_t n)
{
	chain_consume(&p, &m->chain, n);
	m->from += n;
}

static void
cut(struct model *m, size_t n)
{
	chain_truncate(&p, &m->chain, n);
	m->to = m->from + n;
}

/* True when these are the chain's bytes from that place on. */
static bool
are(const struct model *m, size_t at, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != byte_at(m->from + at + i))
			return false;
	return true;
}

/* The chain holds what the model says, however one looks at it. */
static void
check_model(const struct model *m)
{
	struct iovec iov[CHUNKS + 1];
	size_t size = m->to - m->from, seen = 0;
	int n = chain_iov(&m->chain, iov, CHUNKS + 1);

	ck_assert_uint_eq(m->chain.size, size);
	ck_assert_uint_eq((size_t)n, m->chain.chunks);
	memset(scratch, 0x77, sizeof(scratch));
	chain_copy(&m->chain, scratch, size);
	ck_assert(are(m, 0, scratch, size));
	ck_assert_uint_eq(scratch[size], 0x77);
	memset(scratch, 0x77, sizeof(scratch));
	chain_copy(&m->chain, scratch, size / 2);
	ck_assert(are(m, 0, scratch, size / 2));
	ck_assert_uint_eq(scratch[size / 2], 0x77);
	for (int i = 0; i < n; i++) {
		ck_assert(iov[i].iov_len > 0);
		ck_assert(are(m, seen, iov[i].iov_base, iov[i].iov_len));
		seen += iov[i].iov_len;
	}
	ck_assert_uint_eq(seen, size);
	ck_assert((m->chain.head == NULL) == (size == 0));
	ck_assert((m->chain.tail == NULL) == (size == 0));
}

/* No chunk that is not in use holds anything but zeros. */
static void
check_wiped(void)
{
	const struct chunk *all = p.memory.base;
	size_t unused = 0;

	for (const struct chunk *c = p.unused; c != NULL; c = c->next) {
		uint8_t any = 0;

		for (size_t i = 0; i < CHUNK_DATA; i++)
			any |= c->data[i];
		ck_assert_msg(any == 0, "a chunk that was given back holds "
		    "something");
		unused++;
	}
	ck_assert_uint_eq(p.left, unused + p.count - p.fresh);
	for (size_t i = p.fresh; i < p.count; i++)
		ck_assert(all[i].end == 0 && all[i].data[0] == 0);
}

START_TEST(a_new_pool_is_whole_and_locked)
{
	ck_assert_uint_eq(p.count, CHUNKS);
	ck_assert_uint_eq(p.left, CHUNKS);
	ck_assert_int_ne(p.memory.kind, SECMEM_NONE);
	ck_assert_uint_le(sizeof(struct chunk), PAGE);
}
END_TEST

START_TEST(an_empty_chain_has_nothing)
{
	struct model m = { .from = 0 };
	struct iovec iov[1];

	check_model(&m);
	ck_assert_int_eq(chain_iov(&m.chain, iov, 1), 0);
	append(&m, 0);
	consume(&m, 0);
	cut(&m, 0);
	check_model(&m);
	ck_assert_uint_eq(p.left, CHUNKS);
}
END_TEST

/* Sizes around the edges of a chunk. */
static const size_t sizes[] = { 1, 2, CHUNK_DATA - 1, CHUNK_DATA,
	CHUNK_DATA + 1, 2 * CHUNK_DATA - 1, 2 * CHUNK_DATA,
	2 * CHUNK_DATA + 1, CHUNKS * CHUNK_DATA };

START_TEST(appended_bytes_come_out_in_order)
{
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct model m = { .from = 0 };

		append(&m, sizes[i]);
		check_model(&m);
		ck_assert_uint_eq(m.chain.chunks,
		    (sizes[i] + CHUNK_DATA - 1) / CHUNK_DATA);
		ck_assert_uint_eq(p.left, CHUNKS - m.chain.chunks);
		consume(&m, sizes[i]);
		check_model(&m);
		ck_assert_uint_eq(p.left, CHUNKS);
		check_wiped();
	}
}
END_TEST

START_TEST(bytes_are_consumed_from_the_front)
{
	for (size_t i = 0; i < COUNT(sizes) - 1; i++)
		for (size_t j = 0; j <= i; j++) {
			struct model m = { .from = 0 };

			append(&m, sizes[i]);
			consume(&m, sizes[j]);
			check_model(&m);
			append(&m, 100);
			check_model(&m);
			consume(&m, m.to - m.from);
			check_wiped();
		}
}
END_TEST

START_TEST(a_chain_is_cut_to_its_first_bytes)
{
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t j = 0; j <= i; j++) {
			struct model m = { .from = 0 };

			append(&m, sizes[i]);
			cut(&m, sizes[j]);
			check_model(&m);
			check_wiped();
			if (chain_fits(&p, &m.chain, 10)) {
				append(&m, 10);
				check_model(&m);
			}
			cut(&m, 0);
			check_model(&m);
			check_wiped();
		}
}
END_TEST

START_TEST(what_is_cut_off_within_a_chunk_is_wiped_there)
{
	struct model m = { .from = 0 };
	const struct chunk *c;

	append(&m, 300);
	consume(&m, 10);
	cut(&m, 90);
	c = m.chain.head;
	for (size_t i = 100; i < 300; i++)
		ck_assert_uint_eq(c->data[i], 0);
	check_model(&m);
	cut(&m, 0);
	check_wiped();
}
END_TEST

START_TEST(what_fits_is_told_to_the_byte)
{
	struct model m = { .from = 0 }, other = { .from = 0 };

	ck_assert(chain_fits(&p, &m.chain, CHUNKS * CHUNK_DATA));
	ck_assert(!chain_fits(&p, &m.chain, CHUNKS * CHUNK_DATA + 1));
	append(&m, 100);
	ck_assert(chain_fits(&p, &m.chain, CHUNKS * CHUNK_DATA - 100));
	ck_assert(!chain_fits(&p, &m.chain, CHUNKS * CHUNK_DATA - 99));
	/* What is left in one chain's chunk is not the other's. */
	ck_assert(chain_fits(&p, &other.chain, (CHUNKS - 1) * CHUNK_DATA));
	ck_assert(!chain_fits(&p, &other.chain,
	    (CHUNKS - 1) * CHUNK_DATA + 1));
	/* A chunk is used to its last byte. */
	append(&m, CHUNK_DATA - 101);
	append(&m, (CHUNKS - 1) * CHUNK_DATA + 1);
	ck_assert_uint_eq(p.left, 0);
	check_model(&m);
	cut(&m, 100);
	/* Nor is what was consumed. */
	consume(&m, 50);
	ck_assert(!chain_fits(&p, &m.chain, CHUNKS * CHUNK_DATA - 99));
}
END_TEST

START_TEST(an_empty_pool_says_so_and_recovers)
{
	struct model m = { .from = 0 }, other = { .from = 0 };

	append(&m, CHUNKS * CHUNK_DATA);
	ck_assert_uint_eq(p.left, 0);
	ck_assert(!chain_fits(&p, &m.chain, 1));
	ck_assert(!chain_fits(&p, &other.chain, 1));
	ck_assert(chain_fits(&p, &other.chain, 0));
	consume(&m, CHUNK_DATA - 1);
	ck_assert(!chain_fits(&p, &other.chain, 1));
	consume(&m, 1);
	ck_assert(chain_fits(&p, &other.chain, CHUNK_DATA));
	append(&other, CHUNK_DATA);
	check_model(&m);
	check_model(&other);
}
END_TEST

START_TEST(a_description_for_writev_may_be_shorter)
{
	struct model m = { .from = 0 };
	struct iovec iov[3];

	append(&m, 5 * CHUNK_DATA);
	consume(&m, 10);
	ck_assert_int_eq(chain_iov(&m.chain, iov, 2), 2);
	ck_assert_uint_eq(iov[0].iov_len, CHUNK_DATA - 10);
	ck_assert_uint_eq(iov[1].iov_len, CHUNK_DATA);
	ck_assert(are(&m, 0, iov[0].iov_base, iov[0].iov_len));
	ck_assert(are(&m, CHUNK_DATA - 10, iov[1].iov_base, CHUNK_DATA));
	ck_assert_int_eq(chain_iov(&m.chain, iov, 0), 0);
}
END_TEST

START_TEST(used_chunks_are_used_again_before_fresh_ones)
{
	for (unsigned i = 0; i < 100; i++) {
		struct model m = { .from = 0 };

		append(&m, CHUNK_DATA + 1);
		consume(&m, CHUNK_DATA + 1);
	}
	ck_assert_uint_eq(p.fresh, 2);
}
END_TEST

static void
random_step(uint64_t *state, struct model *m)
{
	size_t size = m->to - m->from;
	uint32_t n = sample_below(state, 3) == 0 ?
	    (uint32_t)sizes[sample_below(state, COUNT(sizes))] :
	    sample_below(state, 6000);

	switch (sample_below(state, 4)) {
	case 0:
	case 1:
		if (chain_fits(&p, &m->chain, n))
			append(m, n);
		break;
	case 2:
		consume(m, n > size ? size : n);
		break;
	default:
		cut(m, n > size ? size : size - n);
		break;
	}
}

START_TEST(thousands_of_random_steps_do_what_a_model_does)
{
	struct model m[4];
	uint64_t state = sample_seed("pool model");

	memset(m, 0, sizeof(m));
	for (unsigned step = 0; step < 5000; step++) {
		size_t chunks = 0;

		random_step(&state, &m[sample_below(&state, COUNT(m))]);
		for (size_t i = 0; i < COUNT(m); i++)
			chunks += m[i].chain.chunks;
		ck_assert_uint_eq(p.left, CHUNKS - chunks);
		if (step % 8 == 0) {
			for (size_t i = 0; i < COUNT(m); i++)
				check_model(&m[i]);
			check_wiped();
		}
	}
	for (size_t i = 0; i < COUNT(m); i++)
		cut(&m[i], 0);
	ck_assert_uint_eq(p.left, CHUNKS);
	check_wiped();
}
END_TEST

START_TEST(a_pool_may_be_freed_twice)
{
	pool_free(&p);
	ck_assert_uint_eq(p.count, 0);
	pool_free(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pool");
	TCase *t = tcase_create("pool");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_new_pool_is_whole_and_locked);
	tcase_add_test(t, an_empty_chain_has_nothing);
	tcase_add_test(t, appended_bytes_come_out_in_order);
	tcase_add_test(t, bytes_are_consumed_from_the_front);
	tcase_add_test(t, a_chain_is_cut_to_its_first_bytes);
	tcase_add_test(t, what_is_cut_off_within_a_chunk_is_wiped_there);
	tcase_add_test(t, what_fits_is_told_to_the_byte);
	tcase_add_test(t, an_empty_pool_says_so_and_recovers);
	tcase_add_test(t, a_description_for_writev_may_be_shorter);
	tcase_add_test(t, used_chunks_are_used_again_before_fresh_ones);
	tcase_add_test(t, thousands_of_random_steps_do_what_a_model_does);
	tcase_add_test(t, a_pool_may_be_freed_twice);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
