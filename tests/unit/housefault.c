#include "housefault.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "loop.h"
#include "turn.h"

static struct {
	enum fault what;
	unsigned left; /* so many are let go first */
	bool serving;  /* a turn of the daemon */
	bool struck;
	enum table table; /* whose row is changed, and how */
	housefault_change *change;
} fault;

void
housefault_set(enum fault what, unsigned after)
{
	fault.what = what;
	fault.left = after;
	fault.struck = false;
}

void
housefault_row(enum table table, unsigned after, housefault_change *change)
{
	fault.table = table;
	fault.change = change;
	housefault_set(FAULT_ROW, after);
}

void
housefault_row_begin(struct wire_writer *w)
{
	static uint8_t bytes[ROW_MAX];

	wire_writer_init(w, bytes, sizeof(bytes));
}

struct list
housefault_cut(struct list l)
{
	ck_assert_uint_gt(l.count, 0);
	l.items.len--;
	return l;
}

struct list
housefault_fewer(struct list l)
{
	ck_assert_uint_gt(l.count, 0);
	l.count--;
	return l;
}

bool
housefault_end(void)
{
	fault.what = FAULT_NONE;
	return fault.struck;
}

static bool
strikes(enum fault what)
{
	if (!fault.serving || fault.what != what || fault.struck ||
	    fault.left-- > 0)
		return false;
	fault.struck = true;
	return true;
}

/* --- in their places --- */

void __real_loop_turn(struct server *sv, const struct epoll_event *e, int n);
void __wrap_loop_turn(struct server *sv, const struct epoll_event *e, int n);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);
enum cofre_status __real_store_begin(struct store *s, size_t n, bool reserve);
enum cofre_status __wrap_store_begin(struct store *s, size_t n, bool reserve);
enum cofre_status __real_store_put(struct store *s, struct view k,
    struct view v);
enum cofre_status __wrap_store_put(struct store *s, struct view k,
    struct view v);
enum cofre_status __real_store_delete(struct store *s, struct view k);
enum cofre_status __wrap_store_delete(struct store *s, struct view k);
enum cofre_status __real_store_get(struct store *s, struct view k,
    struct view *v);
enum cofre_status __wrap_store_get(struct store *s, struct view k,
    struct view *v);
enum cofre_status __real_store_next(struct store *s, struct view prefix,
    struct view from, struct view *k, struct view *v);
enum cofre_status __wrap_store_next(struct store *s, struct view prefix,
    struct view from, struct view *k, struct view *v);
enum cofre_status __real_store_walk(struct store *s, const struct view *after,
    store_visit *visit, void *arg);
enum cofre_status __wrap_store_walk(struct store *s, const struct view *after,
    store_visit *visit, void *arg);
enum cofre_status __real_vault_read(struct vault *v,
    const struct workspace *ws, const struct row_id *id, struct view *plain);
enum cofre_status __wrap_vault_read(struct vault *v,
    const struct workspace *ws, const struct row_id *id, struct view *plain);
enum cofre_status __real_sshstore_get(struct sshstore *s,
    const struct row_id *id, struct view *value);
enum cofre_status __wrap_sshstore_get(struct sshstore *s,
    const struct row_id *id, struct view *value);
bool __real_seal_open(uint8_t *out, const uint8_t key[KEY_LEN],
    const struct seal_place *place, struct view sealed, struct view *plain);
bool __wrap_seal_open(uint8_t *out, const uint8_t key[KEY_LEN],
    const struct seal_place *place, struct view sealed, struct view *plain);

void
__wrap_loop_turn(struct server *sv, const struct epoll_event *e, int n)
{
	fault.serving = true;
	__real_loop_turn(sv, e, n);
	fault.serving = false;
}

void *
__wrap_malloc(size_t n)
{
	return strikes(FAULT_MEMORY) ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return strikes(FAULT_MEMORY) ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t n)
{
	return strikes(FAULT_MEMORY) ? NULL : __real_realloc(old, n);
}

enum cofre_status
__wrap_store_begin(struct store *s, size_t n, bool reserve)
{
	return strikes(FAULT_WRITE) ? COFRE_STORE_FULL :
				__real_store_begin(s, n, reserve);
}

enum cofre_status
__wrap_store_put(struct store *s, struct view k, struct view v)
{
	return strikes(FAULT_WRITE) ? COFRE_STORE_FULL :
				      __real_store_put(s, k, v);
}

enum cofre_status
__wrap_store_delete(struct store *s, struct view k)
{
	return strikes(FAULT_WRITE) ? COFRE_STORE_FULL :
				      __real_store_delete(s, k);
}

enum cofre_status
__wrap_store_get(struct store *s, struct view k, struct view *v)
{
	return strikes(FAULT_READ) ? COFRE_STORE_FAILED :
				     __real_store_get(s, k, v);
}

enum cofre_status
__wrap_store_next(struct store *s, struct view prefix, struct view from,
    struct view *k, struct view *v)
{
	return strikes(FAULT_READ) ? COFRE_STORE_FAILED :
			       __real_store_next(s, prefix, from, k, v);
}

enum cofre_status
__wrap_store_walk(struct store *s, const struct view *after,
    store_visit *visit, void *arg)
{
	return strikes(FAULT_READ) ? COFRE_STORE_FAILED :
			       __real_store_walk(s, after, visit, arg);
}

enum cofre_status
__wrap_vault_read(struct vault *v, const struct workspace *ws,
    const struct row_id *id, struct view *plain)
{
	return strikes(FAULT_GONE) ? COFRE_NOT_FOUND :
			       __real_vault_read(v, ws, id, plain);
}

enum cofre_status
__wrap_sshstore_get(struct sshstore *s, const struct row_id *id,
    struct view *value)
{
	return strikes(FAULT_GONE) ? COFRE_NOT_FOUND :
			       __real_sshstore_get(s, id, value);
}

bool
__wrap_seal_open(uint8_t *out, const uint8_t key[KEY_LEN],
    const struct seal_place *place, struct view sealed, struct view *plain)
{
	if (!__real_seal_open(out, key, place, sealed, plain))
		return false;
	if (plain->len > 0 && strikes(FAULT_CUT))
		plain->len--;
	if (place->table == fault.table && strikes(FAULT_ROW))
		*plain = fault.change(*plain);
	return true;
}

bool __real_turn_reserve(struct server *sv);
bool __wrap_turn_reserve(struct server *sv);
bool
__wrap_turn_reserve(struct server *sv)
{
	return !strikes(FAULT_LOG) && __real_turn_reserve(sv);
}

bool __real_turn_has_room(const struct server *sv);
bool __wrap_turn_has_room(const struct server *sv);
bool
__wrap_turn_has_room(const struct server *sv)
{
	return !strikes(FAULT_TURN) && __real_turn_has_room(sv);
}

int __real_epoll_ctl(int to, int what, int fd, struct epoll_event *ev);
int __wrap_epoll_ctl(int to, int what, int fd, struct epoll_event *ev);
int
__wrap_epoll_ctl(int to, int what, int fd, struct epoll_event *ev)
{
	if (what == EPOLL_CTL_DEL || !strikes(FAULT_EPOLL))
		return __real_epoll_ctl(to, what, fd, ev);
	errno = ENOSPC;
	return -1;
}
