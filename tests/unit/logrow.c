#include "logrow.h"

#include <check.h>
#include <string.h>

static const uint8_t tag_key[KEY_LEN] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
	0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
	0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
};
static const uint8_t name_key[KEY_LEN] = {
	0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
	0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f,
	0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37,
	0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
};
const struct log_keys logrow_keys = { tag_key, name_key };
const uint8_t logrow_id[16] = {
	0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
	0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
};

void
logrow_setup(void)
{
	ck_assert(crypto_init());
}

struct log_record
logrow_request(const char *object, const char *detail)
{
	return (struct log_record){
		.type = LOG_REQUEST, .op = 49, .status = 1,
		.time = 0x0102030405060708, .connection = 0x1112131415161718,
		.workspace = 0x2122232425262728, .record = 0x3132333435363738,
		.version = 0x41424344, .request = 0x51525354,
		.duration = 0x61626364, .uid = 0x71727374, .principal = 4,
		.principal_id = 0x81828384, .epoch = 0x9192939495969798,
		.object = view_of(object), .detail = view_of(detail),
	};
}

void
logrow_init(struct logrow *w)
{
	memset(w, 0, sizeof(*w));
	logfmt_genesis(w->chain, logrow_id);
}

unsigned
logrow_put(struct logrow *w, struct log_record r, const struct log_keys *k)
{
	unsigned n;

	r.cell = w->end;
	n = logfmt_put(w->cells + LOGROW_CELLS(w->end), &r, k, w->chain);
	ck_assert_uint_le(n, logfmt_cells(&r));
	w->end += n;
	return n;
}

enum log_result
logrow_walk(struct logrow *w, const struct log_keys *k, unsigned *count)
{
	uint8_t chain[LOG_CHAIN_LEN];
	enum log_result result;
	struct log_record r;
	uint64_t at = 0;
	unsigned n = 0;

	logfmt_genesis(chain, logrow_id);
	for (*count = 0;; (*count)++, at += n) {
		struct view in = { w->cells + LOGROW_CELLS(at),
			sizeof(w->cells) - LOGROW_CELLS(at) };

		result = logfmt_get(in, at, chain, k, &r, &n, w->text);
		if (result != LOG_OK)
			return result;
	}
}

