/*
 * Included with MESSAGES naming a .def file: makes a static array "messages"
 * with a row for each of its messages, of the type in message.h.  The same
 * technique as in messages_define.h, so that no message can be forgotten.
 */
#define NOTHING (void)f, m->nothing = 0;
#define U8(n) m->n = (uint8_t)fill_int(f, UINT8_MAX);
#define U32(n) m->n = (uint32_t)fill_int(f, UINT32_MAX);
#define U64(n) m->n = fill_int(f, UINT64_MAX);
#define BOOLEAN(n) m->n = fill_int(f, 1) != 0;
#define STRING(n, max) m->n = fill_text(f, max);
#define LIST(n, max) m->n = fill_list(f, max);
#define MESSAGE(name, fields)                                                \
	static void fill_##name(struct fill *f, void *to)                    \
	{                                                                    \
		struct name *m = to;                                         \
                                                                             \
		fields                                                       \
	}                                                                    \
	static void put_##name(struct wire_writer *w, const void *from)      \
	{                                                                    \
		name##_put(w, from);                                         \
	}                                                                    \
	static bool decode_##name(struct view body, void *to)                \
	{                                                                    \
		return name##_decode(body, to);                              \
	}
#include MESSAGES
#undef MESSAGE
#undef NOTHING
#undef U8
#undef U32
#undef U64
#undef BOOLEAN
#undef STRING
#undef LIST

#define NOTHING (void)w, (void)m, (void)f;
#define U8(n) (void)f, wire_put_u8(w, m->n);
#define U32(n) (void)f, wire_put_u32(w, m->n);
#define U64(n) (void)f, wire_put_u64(w, m->n);
#define BOOLEAN(n) wire_put_u8(w, fill_bool(f, m->n));
#define STRING(n, max) (void)f, wire_put_string(w, m->n, SIZE_MAX);
#define LIST(n, max)                                                         \
	(void)f, wire_put_u32(w, m->n.count);                                \
	wire_put_string(w, m->n.items, SIZE_MAX);
#define MESSAGE(name, fields)                                                \
	static void loose_##name(struct wire_writer *w, const void *from,    \
	    struct fill *f)                                                  \
	{                                                                    \
		const struct name *m = from;                                 \
                                                                             \
		fields                                                       \
	}
#include MESSAGES
#undef MESSAGE
#undef NOTHING
#undef U8
#undef U32
#undef U64
#undef BOOLEAN
#undef STRING
#undef LIST

#define NOTHING a->nothing == b->nothing &&
#define U8(n) a->n == b->n &&
#define U32(n) a->n == b->n &&
#define U64(n) a->n == b->n &&
#define BOOLEAN(n) a->n == b->n &&
#define STRING(n, max) view_equal(a->n, b->n) &&
#define LIST(n, max)                                                         \
	a->n.count == b->n.count && view_equal(a->n.items, b->n.items) &&
#define MESSAGE(name, fields)                                                \
	static bool equal_##name(const void *x, const void *y)               \
	{                                                                    \
		const struct name *a = x, *b = y;                            \
                                                                             \
		return fields true;                                          \
	}
#include MESSAGES
#undef MESSAGE
#undef NOTHING
#undef U8
#undef U32
#undef U64
#undef BOOLEAN
#undef STRING
#undef LIST

static const struct message messages[] = {
#define MESSAGE(name, fields)                                                \
	{ #name, sizeof(struct name), fill_##name, put_##name, loose_##name, \
		decode_##name, equal_##name },
#include MESSAGES
#undef MESSAGE
};
