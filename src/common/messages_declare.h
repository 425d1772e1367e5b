/*
 * Included with MESSAGES naming a .def file: declares, for each of its rows,
 * the struct and the three functions that proto.h describes.  No include
 * guard: it is meant to be included once for each .def file.
 */
#define NOTHING char nothing;
#define U8(n) uint8_t n;
#define U32(n) uint32_t n;
#define U64(n) uint64_t n;
#define BOOLEAN(n) bool n;
#define STRING(n, max) struct view n;
#define LIST(n, max) struct list n;
#define MESSAGE(name, fields)                                                \
	struct name {                                                        \
		fields                                                       \
	};                                                                   \
	void name##_put(struct wire_writer *w, const struct name *m);        \
	void name##_get(struct wire_reader *r, struct name *m);              \
	bool name##_decode(struct view body, struct name *m);
#include MESSAGES
#undef MESSAGE
#undef NOTHING
#undef U8
#undef U32
#undef U64
#undef BOOLEAN
#undef STRING
#undef LIST
