#include "house.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "house_log.h"
#include "house_witness.h"
#include "listen.h"
#include "loop.h"
#include "ops.h"
#include "scan.h"

#define EVENTS 64
/* The least that may be configured, so that inputs come to the end of it. */
#define SEGMENT (64u * 1024)
#define BUFFERS (512u * 1024)
#define PER_UID 5u
#define PATIENT 600000u	      /* look_timeout: for ever */

struct made {
	struct house house;
	struct house_log log;
	struct house_witness witness;
	int state;   /* the state directory */
	char path[64];
};

/* The only one. */
static struct made *made;

static void
need(bool holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	abort();
}

/* --- random numbers that are the same for the same input --- */

static uint64_t random_state;

static const char *
random_name(void)
{
	return "of the fuzz target";
}

static uint32_t
random_next(void)
{
	random_state += 0x9e3779b97f4a7c15u;
	return (uint32_t)((random_state ^ random_state >> 31) *
		0xbf58476d1ce4e5b9u >> 32);
}

static void
random_fill(void *const buf, const size_t size)
{
	uint8_t *at = buf;

	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)random_next();
}

static randombytes_implementation randoms = {
	.implementation_name = random_name,
	.random = random_next,
	.buf = random_fill,
};

/* --- commits that fail --- */

enum cofre_status
__wrap_store_commit(struct store *s)
{
	struct house *h = &made->house;
	unsigned bit = s == h->sv->vault.store ? 1 : 2;

	if ((h->failing & bit) == 0 || !store_writing(s))
		return __real_store_commit(s);
	h->failing &= ~bit;
	store_abort(s);
	return COFRE_STORE_FULL;
}

/* --- made once --- */

static void
remove_all(void)
{
	house_log_remove(&made->log);
	(void)unlinkat(made->state, "socket", 0);
	(void)unlinkat(made->state, "agent", 0);
	(void)rmdir(made->path);
}

/* Where no disk is slow, unless told otherwise. */
static void
make_directory(struct made *m)
{
	const char *where = getenv("TMPDIR");

	if (where == NULL || strlen(where) > sizeof(m->path) - 24)
		where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(m->path, sizeof(m->path), "%s/cofre-fuzz.XXXXXX",
	    where);
	need(mkdtemp(m->path) != NULL, m->path);
	m->state = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(m->state != -1, m->path);
	need(atexit(remove_all) == 0, "atexit");
}

static struct store *
make_store(const char *name, const char *lock)
{
	char error[256] = "";
	struct store *s = store_open(name, 64u << 20, error, sizeof(error));

	need(s != NULL, error);
	/* Nobody else opens it, and so nothing is left of it. */
	(void)unlink(name);
	(void)unlink(lock);
	return s;
}

/* In the directory, which is left again: a fuzzer's paths are relative. */
static void
make_stores(struct made *m)
{
	struct server *sv = m->house.sv;
	struct store *store, *ssh;
	char error[256] = "";
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	need(here != -1 && fchdir(m->state) == 0, "directory");
	store = make_store("data.mdb", "data.mdb-lock");
	ssh = make_store("ssh.lmdb", "ssh.lmdb-lock");
	need(vault_open(&sv->vault, store, ssh, error, sizeof(error)), error);
	sv->listen_fd = listen_open("socket", 0600, error, sizeof(error));
	need(sv->listen_fd != -1, error);
	sv->agent_fd = listen_open("agent", 0600, error, sizeof(error));
	need(sv->agent_fd != -1, error);
	need(fchdir(here) == 0, "directory");
	(void)close(here);
}

static void
make_server(struct made *m)
{
	struct server *sv = m->house.sv;
	sigset_t none;

	config_defaults(&sv->config);
	sv->config.log_segment = SEGMENT;
	sv->config.buffer_memory = BUFFERS;
	sv->config.max_per_uid = PER_UID;
	sv->config.look_timeout = PATIENT;
	/* Whoever runs this is an operator, also when it is not root. */
	sv->config.operator_group = getegid();
	sv->filed = sv->config;
	sv->bindings = 1;
	sv->config_fd = -1;
	sv->can_look = sv->has_pidfd = true;
	sv->has_inodes = peer_has_inodes();
	sv->most_connections = sv->config.max_connections;
	memset(sv->boot_id, 1, sizeof(sv->boot_id));
	need(secmem_init(&sv->io, IO_MAX, false, true) &&
		secmem_init(&sv->scan, SCAN_MAX, false, true) &&
		pool_init(&sv->pool, sv->config.buffer_memory), "memory");
	sv->in = sv->io.base;
	sv->kept = sv->in + IN_MAX;
	sv->reply = sv->kept + FRAME_MAX;
	(void)sigemptyset(&none);
	sv->signal_fd = signalfd(-1, &none, SFD_NONBLOCK | SFD_CLOEXEC);
	need(sv->signal_fd != -1, "signalfd");
}

struct house *
house_make(void)
{
	struct made *m = calloc(1, sizeof(*m));

	need(m != NULL, "memory");
	made = m;
	need(randombytes_set_implementation(&randoms) == 0 && crypto_init(),
	    "libsodium");
	m->house.sv = calloc(1, sizeof(*m->house.sv));
	need(m->house.sv != NULL, "memory");
	make_directory(m);
	make_server(m);
	make_stores(m);
	house_witness_make(&m->witness, &m->house.sv->witness);
	need(loop_init(m->house.sv), "epoll");
	house_log_make(&m->log, m->state);
	m->house.pool_left = m->house.sv->pool.left;
	m->house.sv->audit = house_log_open(&m->log, false, SEGMENT);
	return &m->house;
}

/* --- each input --- */

void
house_keep(struct house *h)
{
	struct server *sv = h->sv;

	rows_read(&h->rows[0], sv->vault.store);
	rows_read(&h->rows[1], sv->vault.ssh.store);
	memcpy(h->vault_id, sv->vault.id, VAULT_ID_LEN);
	audit_close(sv->audit);
	house_log_keep(&made->log);
	sv->audit = house_log_open(&made->log, true, SEGMENT);
}

static void
set_clocks(struct house *h)
{
	h->sv->now = HOUSE_START + h->time;
	h->sv->clock = h->sv->boot_clock = 1000000000 + h->time;
}

/* What the server itself remembers of the last input. */
static void
forget(struct server *sv)
{
	sv->bindings = 1;
	memset(&sv->guesses, 0, sizeof(sv->guesses));
	memset(&sv->reports, 0, sizeof(sv->reports));
	sv->asked.turn = sv->asked.ids = 0;
	sv->asked.late = sv->asked.late_all = sv->late_noted = 0;
	sv->refused = sv->refused_noted = 0;
	sv->unlock_after = 0;
	sv->unlock_failures = 0;
	sv->lock_pending = sv->log_gap = false;
	sv->turns = 1;
}

/* Everything but what the stores have. */
static void
begin(struct house *h, bool empty)
{
	struct server *sv = h->sv;
	struct vault *v = &sv->vault;

	h->time = h->facts = 0;
	h->silent = h->late = false;
	h->failing = 0;
	random_state = 0;
	set_clocks(h);
	forget(sv);
	(void)audit_set_keys(sv->audit, NULL);
	vault_lock(v);
	audit_close(sv->audit);
	sv->audit = house_log_open(&made->log, !empty, SEGMENT);
	v->state = empty ? VAULT_EMPTY : VAULT_LOCKED;
	v->epoch = v->log_end = v->read_end = v->read_due = 0;
	memcpy(v->id, h->vault_id, VAULT_ID_LEN);
}

void
house_reset_rows(struct house *h, const struct rows rows[2])
{
	begin(h, false);
	rows_write(&rows[0], h->sv->vault.store);
	rows_write(&rows[1], h->sv->vault.ssh.store);
}

void
house_reset(struct house *h, enum house_state state)
{
	const struct rows nothing = { .count = 0 };

	if (state == HOUSE_EMPTY) {
		begin(h, true);
		rows_write(&nothing, h->sv->vault.store);
		rows_write(&nothing, h->sv->vault.ssh.store);
		return;
	}
	house_reset_rows(h, h->rows);
	if (state == HOUSE_OPEN)
		need(op_unlock_now(h->sv, house_key()) == COFRE_OK, "unlock");
}

void
house_connect(struct house *h, int fd, const struct sockaddr_un *at)
{
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)h;
	need(here != -1 && fchdir(made->state) == 0 &&
		connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 &&
		fchdir(here) == 0, "connect");
	(void)close(here);
}

struct view
house_key(void)
{
	static uint8_t key[KEY_LEN];

	memset(key, HOUSE_KEY, sizeof(key));
	return (struct view){ key, sizeof(key) };
}

bool
house_unlocks(struct house *h)
{
	struct vault *v = &h->sv->vault;

	if (vault_unlock_begin(v, 0, house_key(), false,
		audit_last_epoch(h->sv->audit)) != COFRE_OK)
		return false;
	while (vault_unlock_step(v))
		store_release(v->store);
	return v->unlock.status == COFRE_OK;
}

struct sum {
	struct rowwalk walk;
	bool good;
};

static bool
add_row(void *arg, struct view key, struct view value)
{
	struct sum *sum = arg;
	struct row_id id;

	sum->good = rowwalk_next(&sum->walk, key, value, &id);
	return sum->good;
}

static bool
sum_is(struct store *s, const struct keyring *k, const struct tally *want)
{
	struct sum sum = { .walk = { .store = s,
		.tally_key = keyring_tally(k) }, .good = true };
	enum cofre_status st = store_walk(s, NULL, add_row, &sum);

	store_release(s);
	return st == COFRE_OK && sum.good &&
	    tally_equal(&sum.walk.sum, want);
}

bool
house_adds_up(struct house *h)
{
	struct vault *v = &h->sv->vault;

	return sum_is(v->store, &v->keyring, &v->now.tally) &&
	    (!v->ssh.open ||
		sum_is(v->ssh.store, &v->keyring, &v->ssh.now.tally));
}

bool
house_turn(struct house *h)
{
	struct epoll_event events[EVENTS];
	struct server *sv = h->sv;
	int n;

	house_witness_serve(&made->witness, h->facts, h->silent);
	/* At the end of an unlock the daemon itself waits for the witness,
	   which is this very thread. */
	sv->config.look_timeout =
	    h->late || sv->waiting.active ? 1 : PATIENT;
	n = epoll_wait(sv->epoll, events, EVENTS, 0);
	set_clocks(h);
	loop_turn(sv, events, n);
	return n > 0 || sv->ready != NULL || sv->waiting.active;
}
