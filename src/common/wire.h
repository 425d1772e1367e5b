/*
 * wire: writing and reading the data types of RFC 4251, section 5.
 *
 * Both sides of the socket, the rows of the store and the fuzzers use this
 * one codec.  A writer and a reader stand on memory of the caller, never
 * allocate, and carry their error: after the first one every further call
 * does nothing, so that a sequence of calls needs one test at its end.
 *
 * Integers are big-endian.  A string is a uint32 length and that many bytes.
 */
#ifndef COFRE_WIRE_H
#define COFRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else; valid as long as their owner says. */
struct view {
	const uint8_t *data;
	size_t len;
};

/* A view of a C string, without its final NUL. */
struct view view_of(const char *s);

/* True when the view holds exactly the bytes of the C string. */
bool view_is(struct view v, const char *s);

/* True when both views hold the same bytes; not for secrets. */
bool view_equal(struct view a, struct view b);

/* Copy what the view holds, and a NUL behind it; there must be room. */
void view_copy(char *to, struct view v);

struct wire_writer {
	uint8_t *data;
	size_t len; /* bytes written so far */
	size_t cap;
	bool bad; /* something did not fit, or was over its limit */
};

struct wire_reader {
	const uint8_t *data; /* what is still to be read */
	size_t len;
	bool bad; /* something was cut off, or over its limit */
};

/* Start writing at data, at most cap bytes. */
void wire_writer_init(struct wire_writer *w, void *data, size_t cap);

/* Start reading the bytes of v. */
void wire_reader_init(struct wire_reader *r, struct view v);

/*
 * Append one value.  The integer putters take 64 bits and refuse what is
 * too wide for the type.  wire_put_string refuses more than max bytes.
 */
void wire_put_u8(struct wire_writer *w, uint64_t v);
void wire_put_u16(struct wire_writer *w, uint64_t v);
void wire_put_u32(struct wire_writer *w, uint64_t v);
void wire_put_u64(struct wire_writer *w, uint64_t v);
void wire_put_bool(struct wire_writer *w, bool v);
void wire_put_string(struct wire_writer *w, struct view v, size_t max);
/* Append bytes as they are, without a length. */
void wire_put_bytes(struct wire_writer *w, struct view v);

/*
 * A string that is written piece by piece: begin it at the writer's end, put
 * what is in it, and end it with what the first call gave.
 */
size_t wire_string_begin(struct wire_writer *w);
void wire_string_end(struct wire_writer *w, size_t at);

/*
 * Take one value; 0 or an empty view once the reader is bad.  A view points
 * into the reader's bytes.  A boolean other than 0 or 1 is bad, although
 * RFC 4251 lets a reader be lenient: one value has one form here.
 */
uint8_t wire_get_u8(struct wire_reader *r);
uint16_t wire_get_u16(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
bool wire_get_bool(struct wire_reader *r);
struct view wire_get_string(struct wire_reader *r, size_t max);
struct view wire_get_bytes(struct wire_reader *r, size_t len);

/* True when nothing went wrong and every byte was taken. */
bool wire_reader_done(const struct wire_reader *r);

#endif
