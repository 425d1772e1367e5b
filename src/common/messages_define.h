/*
 * Included with MESSAGES naming a .def file: defines what
 * messages_declare.h declares.
 */
#define NOTHING (void)w, (void)m;
#define U8(n) wire_put_u8(w, m->n);
#define U32(n) wire_put_u32(w, m->n);
#define U64(n) wire_put_u64(w, m->n);
#define BOOLEAN(n) wire_put_bool(w, m->n);
#define STRING(n, max) wire_put_string(w, m->n, max);
#define LIST(n, max) list_put(w, m->n, max);
#define MESSAGE(name, fields)                                                \
	void name##_put(struct wire_writer *w, const struct name *m)         \
	{                                                                    \
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

#define NOTHING (void)r, m->nothing = 0;
#define U8(n) m->n = wire_get_u8(r);
#define U32(n) m->n = wire_get_u32(r);
#define U64(n) m->n = wire_get_u64(r);
#define BOOLEAN(n) m->n = wire_get_bool(r);
#define STRING(n, max) m->n = wire_get_string(r, max);
#define LIST(n, max) m->n = list_get(r, max);
#define MESSAGE(name, fields)                                                \
	void name##_get(struct wire_reader *r, struct name *m)               \
	{                                                                    \
		fields                                                       \
	}                                                                    \
	bool name##_decode(struct view body, struct name *m)                 \
	{                                                                    \
		struct wire_reader r;                                        \
                                                                             \
		wire_reader_init(&r, body);                                  \
		name##_get(&r, m);                                           \
		return wire_reader_done(&r);                                 \
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
