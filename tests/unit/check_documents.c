/*
 * The examples of doc/PROTOCOL.md and doc/FORMAT.md are what the code makes
 * of the inputs that stand there.  An example is a fenced block whose first
 * line names it; a line of it is hexadecimal digits, and a note behind ';'.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyfile.h"
#include "logfmt.h"
#include "proto.h"
#include "rows.h"
#include "sample.h"
#include "tally.h"

struct block {
	char name[32];
	char hex[8192];
	size_t len;
	unsigned line; /* where it begins */
};

struct document {
	FILE *file;
	const char *path;
	unsigned line;
};

static void
open_document(struct document *d, const char *path)
{
	const char *dir = getenv("srcdir");
	char full[4096];

	(void)snprintf(full, sizeof(full), "%s/%s", dir == NULL ? "." : dir,
	    path);
	*d = (struct document){ fopen(full, "r"), path, 0 };
	ck_assert_msg(d->file != NULL, "%s can't be opened", full);
}

static void
take_line(struct block *b, const char *line)
{
	for (; *line != '\0' && *line != ';'; line++) {
		if (isspace((unsigned char)*line))
			continue;
		ck_assert_uint_lt(b->len, sizeof(b->hex) - 1);
		b->hex[b->len++] = *line;
	}
	b->hex[b->len] = '\0';
}

/* The next block that has a name; false when there is none. */
static bool
next_block(struct document *d, struct block *b)
{
	char line[1024];
	bool inside = false;

	*b = (struct block){ .len = 0 };
	while (fgets(line, sizeof(line), d->file) != NULL) {
		d->line++;
		if (strncmp(line, "```", 3) != 0) {
			if (inside)
				take_line(b, line);
			continue;
		}
		if (inside)
			return true;
		inside = sscanf(line, "```%31s", b->name) == 1;
		b->line = d->line;
	}
	return false;
}

/* The bytes of the block of that name in doc/FORMAT.md. */
static size_t
example(const char *name, uint8_t *out, size_t size)
{
	struct document d;
	struct block b;
	bool found = false;

	open_document(&d, "doc/FORMAT.md");
	while (!found && next_block(&d, &b))
		found = strcmp(b.name, name) == 0;
	(void)fclose(d.file);
	ck_assert_msg(found, "doc/FORMAT.md has no example '%s'", name);
	return sample_hex(b.hex, out, size);
}

/* The example is exactly these bytes; if not, the right ones are shown. */
static void
check_example(const char *name, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint8_t shown[4096];
	size_t n = example(name, shown, sizeof(shown));

	if (n == len && memcmp(shown, p, len) == 0)
		return;
	(void)printf("%s should be:", name);
	for (size_t i = 0; i < len; i++)
		(void)printf("%s%02x", i % 16 == 0 ? "\n" : "", p[i]);
	(void)printf("\n");
	(void)fflush(stdout);
	ck_abort_msg("the example '%s' is not what the code makes", name);
}

static void
count_up(uint8_t *out, size_t len, uint8_t from)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(from + i);
}

/* Decode a body, encode it again, and compare: both must go, and agree. */
static uint8_t again[FRAME_MAX];

static bool
is_same(const struct wire_writer *w, struct view body)
{
	return !w->bad &&
	    view_equal((struct view){ w->data, w->len }, body);
}

#define OP(code, ID, id, name, scope, action, flags)                         \
	static bool check_##id(bool reply, struct view body)                 \
	{                                                                    \
		struct id##_request request;                                 \
		struct id##_reply answer;                                    \
		struct wire_writer w;                                        \
                                                                             \
		wire_writer_init(&w, again, sizeof(again));                  \
		if (reply && id##_reply_decode(body, &answer))               \
			id##_reply_put(&w, &answer);                         \
		else if (!reply && id##_request_decode(body, &request))      \
			id##_request_put(&w, &request);                      \
		else                                                         \
			return false;                                        \
		return is_same(&w, body);                                    \
	}
#include "ops.def"
#undef OP

static bool
check_body(uint16_t op, bool reply, struct view body)
{
	struct wire_reader r;

	if (reply) {
		wire_reader_init(&r, body);
		if (wire_get_u32(&r) != COFRE_OK || op == 0)
			return wire_reader_done(&r);
		body = (struct view){ r.data, r.len };
	}
	switch (op) {
#define OP(code, ID, id, name, scope, action, flags)                         \
	case code:                                                           \
		return check_##id(reply, body);
#include "ops.def"
#undef OP
	default:
		return false;
	}
}

/* Every frame of an example is one, and its message has the right form. */
static unsigned
check_frames(struct view in, unsigned line)
{
	unsigned count = 0;
	struct frame f;
	size_t size;

	for (; in.len > 0; count++) {
		ck_assert_msg(frame_parse(in, &f, &size) == FRAME_OK &&
			f.version == PROTO_VERSION,
		    "doc/PROTOCOL.md:%u: frame %u is none", line, count + 1);
		ck_assert_msg(check_body(f.op, f.kind == FRAME_REPLY, f.body),
		    "doc/PROTOCOL.md:%u: frame %u has a body that is no %s",
		    line, count + 1, op_name(f.op));
		in.data += size;
		in.len -= size;
	}
	return count;
}

START_TEST(every_exchange_in_PROTOCOL_is_one)
{
	static uint8_t bytes[4096];
	struct document d;
	struct block b;
	unsigned count = 0;

	open_document(&d, "doc/PROTOCOL.md");
	while (next_block(&d, &b)) {
		ck_assert_str_eq(b.name, "wire");
		count += check_frames((struct view){ bytes,
		    sample_hex(b.hex, bytes, sizeof(bytes)) }, b.line);
	}
	(void)fclose(d.file);
	ck_assert_uint_ge(count, 6);
}
END_TEST

START_TEST(the_keys_in_FORMAT_are_derived_so)
{
	uint8_t root[KEY_LEN], keys[8][KEY_LEN], content[32];

	count_up(root, sizeof(root), 0);
	for (unsigned i = 0; i < 8; i++)
		crypto_subkey(keys[i], root, i + 1, "cofrevlt");
	check_example("subkeys", keys, sizeof(keys));
	count_up(content, sizeof(content), 0);
	keyfile_key(content, sizeof(content), keys[0]);
	check_example("keyfile", keys[0], KEY_LEN);
}
END_TEST

START_TEST(the_sealed_row_in_FORMAT_is_sealed_so)
{
	uint8_t key[KEY_LEN], vault[VAULT_ID_LEN], nonce[CRYPTO_NONCE_LEN];
	const struct row_id id = { .table = TABLE_WORKSPACE };
	struct seal_place place;
	uint8_t row[256];

	count_up(key, sizeof(key), 0);
	count_up(vault, sizeof(vault), 0xc0);
	count_up(nonce, sizeof(nonce), 0xa0);
	place = row_place(vault, &id);
	seal_close(row, key, 1, &place, view_of("hello"), nonce);
	check_example("sealed", row, seal_size(5));
}
END_TEST

START_TEST(the_row_and_its_term_in_FORMAT_are_made_so)
{
	const struct row_id id = { .table = TABLE_HEADER };
	struct row_key key = row_key(&id);
	struct tally t = { .rows = 0 };
	uint8_t vault[VAULT_ID_LEN], tally_key[KEY_LEN], row[64], sum[32];
	struct header_row header = { view_of(ROWS_MAGIC), ROWS_FORMAT,
		{ vault, sizeof(vault) } };
	struct wire_writer w;

	count_up(vault, sizeof(vault), 0xc0);
	count_up(tally_key, sizeof(tally_key), 0);
	wire_writer_init(&w, row, sizeof(row));
	header_row_put(&w, &header);
	check_example("header-row", row, w.len);
	tally_add(&t, tally_key, (struct view){ key.bytes, key.len },
	    (struct view){ row, w.len });
	tally_encode(&t, sum);
	check_example("term", sum, sizeof(sum));
}
END_TEST

START_TEST(the_log_in_FORMAT_is_written_so)
{
	uint8_t tag[KEY_LEN], name[KEY_LEN], cells[2 * LOG_CELL];
	const struct log_keys keys = { tag, name };
	struct log_segment head = { .first = 0, .mark = 0 };
	const struct log_record r = { .type = LOG_REQUEST,
		.op = OP_SECRET_GET, .time = 1700000000000000, .workspace = 1,
		.record = 2, .version = 3, .request = 4, .duration = 50,
		.uid = 2001, .principal = PRINCIPAL_IDENTITY };

	count_up(tag, sizeof(tag), 0);
	count_up(name, sizeof(name), 0x20);
	count_up(head.log_id, sizeof(head.log_id), 0xd0);
	logfmt_genesis(head.chain, head.log_id);
	logfmt_segment_put(cells, &head);
	ck_assert_uint_eq(logfmt_put(cells + LOG_CELL, &r, &keys, head.chain),
	    1);
	check_example("log", cells, sizeof(cells));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("documents");
	TCase *t = tcase_create("examples");
	SRunner *sr;
	int failed;

	tcase_add_test(t, every_exchange_in_PROTOCOL_is_one);
	tcase_add_test(t, the_keys_in_FORMAT_are_derived_so);
	tcase_add_test(t, the_sealed_row_in_FORMAT_is_sealed_so);
	tcase_add_test(t, the_row_and_its_term_in_FORMAT_are_made_so);
	tcase_add_test(t, the_log_in_FORMAT_is_written_so);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
