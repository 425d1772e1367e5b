/*
 * replies: what is made of replies that a daemon should not give: cut short,
 * too long, with more or fewer items than they say, or changed in one place,
 * each reply in every way.
 *
 * The handle of replies_cmd has a new connection for each, as if it had said
 * hello there.
 */
#ifndef TESTS_REPLIES_H
#define TESTS_REPLIES_H

#include "cmd.h"

/* How a reply is made, and who asks for it and says what it was. */
struct replies_call {
	enum op_code op;
	void (*put)(struct wire_writer *w);
	enum cofre_status (*ask)(void);
};

extern struct cmd replies_cmd;

/* A list of one item: note where it begins, and put it. */
void replies_list(struct wire_writer *w);
#define REPLIES_LIST(w, item, ...)                                           \
	do {                                                                 \
		struct wire_list l_;                                         \
		replies_list(w);                                             \
		list_begin(&l_, (w));                                        \
		item##_put((w), &(struct item)__VA_ARGS__);                  \
		list_item(&l_);                                              \
		list_end(&l_);                                               \
	} while (0)

/*
 * The tests of these calls, and the exit code of the program: each reply is
 * taken as it is, and no shorter or longer; with as many items as its lists
 * say; and no byte that is changed does harm.  Where it can be another reply, it
 * may be taken for one; more of it than there is is asked for in vain.
 */
int replies_main(const char *suite, const struct replies_call *calls,
    size_t count);

#endif
