#include "trial_list.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "logcheck.h"
#include "sandbox.h"
#include "start.h"
#include "store_check.h"
#include "target.h"

#define SECONDS 30 /* for one attempt */
#define BUFFERS ((size_t)256 * 1024)
#define WRITES 12u
#define VERSIONS 64u

/* What is known of all that was read so far. */
struct sums {
	crypto_generichash_state vault, runs, ssh, log;
};

struct reading {
	struct server *sv;
	struct trial *t;
	struct sums sums;
	bool kept;
	uint64_t skip; /* a workspace that is not looked at; 0: none */
};

static void
add(crypto_generichash_state *s, struct view v)
{
	const uint64_t len = v.len;

	(void)crypto_generichash_update(s, (const uint8_t *)&len,
	    sizeof(len));
	if (v.len > 0)
		(void)crypto_generichash_update(s, v.data, v.len);
}

/* All versions of a secret, as its head lists them. */
static void
read_bodies(struct reading *r, const struct workspace *ws,
    const struct row_id *id, const struct head_row *head)
{
	uint32_t versions[VERSIONS], count = 0;
	char name[COFRE_SECRET_NAME_MAX];
	struct wire_reader list = list_reader(head->versions);
	struct trial_secret *s = trial_secret(r->t, id, head);
	struct row_id body = *id;
	struct version_row v;
	struct view plain;

	memcpy(name, head->name.data, head->name.len);
	body.table = TABLE_BODY;
	body.kind = head->kind;
	body.name = (struct view){ (uint8_t *)name, head->name.len };
	while (count < VERSIONS && count < head->versions.count) {
		version_row_get(&list, &v);
		versions[count++] = v.version;
	}
	for (uint32_t i = 0; i < count; i++) {
		body.version = versions[i];
		r->t->rows++;
		if (vault_read(&r->sv->vault, ws, &body, &plain) !=
		    COFRE_OK) {
			r->t->told = true;
			continue;
		}
		add(&r->sums.vault, plain);
		if (s != NULL && versions[i] == s->version)
			trial_value(s, plain);
	}
}

static void
read_sealed(struct reading *r, const struct row_id *id, struct view value)
{
	struct vault *v = &r->sv->vault;
	const struct workspace *ws = NULL;
	struct head_row head;
	struct view plain;

	if (id->table == TABLE_HEAD || id->table == TABLE_RUN)
		ws = vault_workspace_kept(v, id->workspace);
	if (vault_unseal(v, ws, id, value, &plain) != COFRE_OK) {
		r->t->told = true;
		return;
	}
	add(id->table == TABLE_RUN ? &r->sums.runs : &r->sums.vault, plain);
	if (id->table == TABLE_HEAD && head_row_decode(plain, &head))
		read_bodies(r, ws, id, &head);
}

/* A row of the vault's store.  The state row changes with each start. */
static bool
read_row(void *arg, struct view key, struct view value)
{
	struct reading *r = arg;
	struct row_id id;

	if (!row_key_parse(key, &id)) {
		r->t->told = true;
		return true;
	}
	if (id.table == TABLE_STATE || id.table == TABLE_SSH_MARK ||
	    id.table == TABLE_BODY ||
	    (r->skip != 0 && id.workspace == r->skip))
		return true;
	r->t->rows++;
	add(&r->sums.vault, key);
	if (id.table == TABLE_HEADER || id.table == TABLE_SLOT)
		add(&r->sums.vault, value);
	else
		read_sealed(r, &id, value);
	return true;
}

static bool
read_ssh_row(void *arg, struct view key, struct view value)
{
	struct reading *r = arg;
	struct row_id id;
	struct view plain;

	if (!row_key_parse(key, &id)) {
		r->t->told = true;
		return true;
	}
	if (id.table == TABLE_SSH_STATE)
		return true;
	r->t->rows++;
	add(&r->sums.ssh, key);
	/* Private keys are opened below, by what has them. */
	if (id.table == TABLE_SSH_HEADER || id.table == TABLE_SSH_KEY)
		add(&r->sums.ssh, value);
	else if (sshstore_unseal(&r->sv->vault.ssh, &id, value, &plain) !=
	    COFRE_OK)
		r->t->told = true;
	else
		add(&r->sums.ssh, plain);
	return true;
}

/* Open the private keys of all targets, as a signature does. */
static void
read_keys(struct reading *r)
{
	struct vault *v = &r->sv->vault;
	uint8_t seed[WRAPPED_LEN];
	struct view sealed, plain;

	for (size_t i = 0; v->ssh.open && i < v->targets.all.count; i++) {
		const struct target *t =
		    (const struct target *)v->targets.all.list[i];

		for (uint32_t k = 0; k < t->key_count; k++) {
			const struct row_id id =
			    target_key_id(t, t->keys[k].version);
			struct seal_place place = row_place(v->id, &id);

			place.name = (struct view){ t->keys[k].public,
				PUBLIC_KEY_LEN };
			if (sshstore_get(&v->ssh, &id, &sealed) != COFRE_OK ||
			    !seal_open(seed, keyring_ssh(&v->keyring), &place,
				sealed, &plain))
				r->t->told = true;
			else
				add(&r->sums.ssh, plain);
		}
	}
}

/* All records that were there at the start. */
static void
read_log(struct reading *r, uint64_t end)
{
	uint8_t text[LOG_CELLS_MAX * LOG_CELL];
	struct audit *a = r->sv->audit;
	uint64_t next = 0;

	for (uint64_t at = audit_first(a); at < end; at = next) {
		struct log_record l;
		enum log_result got = audit_read(a, at, &l, &next, text);

		if (got != LOG_OK) {
			r->t->told = true;
			continue;
		}
		trial_request(r->t, &l);
		const uint64_t all[] = { l.type, l.op, l.status, l.flags,
			l.cell, l.time, l.connection, l.workspace, l.record,
			l.version, l.request, l.duration, l.uid, l.principal,
			l.principal_id, l.epoch };

		add(&r->sums.log, (struct view){ (const uint8_t *)all,
		    sizeof(all) });
		add(&r->sums.log, l.object);
		add(&r->sums.log, l.detail);
		if (r->kept && r->t->records < RECORDS_MAX) {
			crypto_generichash_state so_far = r->sums.log;

			(void)crypto_generichash_final(&so_far,
			    r->t->prefixes[r->t->records], SUM_LEN);
		}
		r->t->records++;
	}
}

static void
read_everything(struct server *sv, struct trial *t, uint64_t log_end,
    uint64_t skip, bool kept)
{
	struct reading r = { .sv = sv, .t = t, .skip = skip, .kept = kept };
	struct vault *v = &sv->vault;

	t->rows = t->records = 0;
	t->secret_count = t->request_count = 0;
	(void)crypto_generichash_init(&r.sums.vault, NULL, 0, SUM_LEN);
	(void)crypto_generichash_init(&r.sums.runs, NULL, 0, SUM_LEN);
	(void)crypto_generichash_init(&r.sums.ssh, NULL, 0, SUM_LEN);
	(void)crypto_generichash_init(&r.sums.log, NULL, 0, SUM_LEN);
	if (store_walk(v->store, NULL, read_row, &r) != COFRE_OK ||
	    store_walk(v->ssh.store, NULL, read_ssh_row, &r) != COFRE_OK)
		t->told = true;
	read_keys(&r);
	if (skip == 0)
		read_log(&r, log_end);
	(void)crypto_generichash_final(&r.sums.vault, t->vault, SUM_LEN);
	(void)crypto_generichash_final(&r.sums.runs, t->runs, SUM_LEN);
	(void)crypto_generichash_final(&r.sums.ssh, t->ssh, SUM_LEN);
	(void)crypto_generichash_final(&r.sums.log, t->log, SUM_LEN);
}

/* A new workspace, and rows of all sizes in it; 0: it is told to fail. */
static uint64_t
write_some(struct server *sv)
{
	static uint8_t value[9000];
	struct vault *v = &sv->vault;
	struct workspace *ws;

	if (vault_begin(v, 65536, false) != COFRE_OK ||
	    workspace_create(v, view_of("tampered"), 0, 1, &ws) != COFRE_OK)
		return 0;
	for (uint32_t i = 1; i <= WRITES; i++) {
		const struct row_id id = { .table = TABLE_BODY,
			.workspace = ws->id, .record = i, .version = 1,
			.kind = 1, .name = view_of("n") };

		if (vault_write(v, ws, &id, (struct view){ value,
			    i * sizeof(value) / WRITES }) != COFRE_OK)
			return 0;
	}
	return vault_commit(v, 1, audit_end(sv->audit)) == COFRE_OK ? ws->id :
								      0;
}

/* A record more, and what the log is then. */
static bool
record_some(struct server *sv)
{
	const struct log_record r = { .type = LOG_SYSTEM,
		.detail = view_of("tampered") };
	struct logcheck l = { .since = NULL };
	struct problem p;

	if (!audit_room(sv->audit, LOG_CELLS_MAX))
		return false;
	(void)audit_append(sv->audit, &r);
	return audit_flush(sv->audit) &&
	    logcheck_run(&l, "activity", &p) == COFRE_OK && !l.unfinished;
}

static bool
check_stores(void)
{
	static const char *const names[] = { "data.mdb", "ssh.lmdb" };
	char text[200];

	for (size_t i = 0; i < 2; i++) {
		int fd = open(names[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC);

		if (fd == -1)
			continue;
		if (!store_check_file(names[i], fd, text, sizeof(text)))
			return false;
		(void)close(fd);
	}
	return true;
}

static struct server *
new_server(struct start *st, const uint8_t key[KEY_LEN])
{
	struct server *sv = must_alloc(sizeof(*sv));

	config_defaults(&sv->config);
	sv->config.buffer_memory = BUFFERS;
	sv->config.log_segment = 64 * 1024;
	sv->config.memory_required = false;
	sv->listen_fd = sv->agent_fd = sv->signal_fd = sv->config_fd =
	    sv->epoll = -1;
	memset(&sv->witness, 0xff, sizeof(sv->witness));
	*st = (struct start){ .have_key = true };
	st->state_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memcpy(st->key, key, KEY_LEN);
	sv->now = sv->clock = sv->boot_clock = 1;
	return sv;
}

/* The log is shorter than it was, or its end was torn: it is said. */
static bool
log_is_told(const struct server *sv)
{
	const char *note = audit_open_note(sv->audit);

	return sv->log_gap || note != NULL;
}

/* What a child does; where it ends is in t->phase. */
static void
go(struct trial *t, const uint8_t key[KEY_LEN], bool kept)
{
	static struct trial again;
	struct logcheck l = { .since = NULL };
	struct problem p;
	struct start st;
	struct server *sv;
	uint64_t end, made;

	if (!check_stores())
		return;
	t->phase = PHASE_VERIFY;
	/* That it begins later than it should is told, too. */
	t->unverified = logcheck_run(&l, "activity", &p) != COFRE_OK ||
	    l.first > 0;
	t->phase = PHASE_START;
	sv = new_server(&st, key);
	if (!start_stores(&st, sv))
		return;
	end = audit_end(sv->audit);
	t->phase = PHASE_UNLOCK;
	t->empty = sv->vault.state == VAULT_EMPTY;
	if (!start_unlock(&st, sv) || sv->vault.state != VAULT_OPEN)
		return;
	t->phase = PHASE_READ;
	t->noted = log_is_told(sv);
	read_everything(sv, t, end, 0, kept);
	t->phase = PHASE_WRITE;
	made = write_some(sv);
	again = *t;
	if (made == 0)
		t->told = true;
	read_everything(sv, &again, end, made, false);
	/* What runs have read is written with the next commit. */
	memcpy(again.runs, t->runs, SUM_LEN);
	memcpy(again.log, t->log, SUM_LEN);
	again.records = t->records;
	t->unverified_then = !record_some(sv);
	again.unverified_then = t->unverified_then;
	again.request_count = t->request_count;
	t->unequal = made != 0 && memcmp(&again, t, offsetof(struct trial,
	    prefixes)) != 0;
	t->phase = PHASE_DONE;
}

struct trial *
trial_new(void)
{
	struct trial *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		die("mmap");
	if ((t->errors = memfd_create("errors", MFD_CLOEXEC)) == -1)
		die("memfd_create");
	return t;
}

void
trial_said(const struct trial *t, char *line, size_t size)
{
	ssize_t n = pread(t->errors, line, size - 1, 0);
	char *end;

	line[n < 0 ? 0 : n] = '\0';
	while ((end = strchr(line, '\n')) != NULL && end[1] != '\0')
		memmove(line, end + 1, strlen(end + 1) + 1);
	if (end != NULL)
		*end = '\0';
}

void
trial_run(struct trial *t, const uint8_t key[KEY_LEN], bool kept)
{
	int status, errors = t->errors;
	sigset_t child;
	pid_t pid;

	memset(t, 0, offsetof(struct trial, prefixes));
	t->errors = errors;
	if (ftruncate(errors, 0) == -1 || lseek(errors, 0, SEEK_SET) == -1)
		die("ftruncate");
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	if ((pid = fork()) == -1)
		die("fork");
	if (pid == 0) {
		char error[128];
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		(void)sigprocmask(SIG_UNBLOCK, &child, NULL);
		(void)dup2(null, 1);
		(void)dup2(errors, 2);
		if (!sandbox_early(error, sizeof(error)))
			_exit(98);
		go(t, key, kept);
		_exit(0);
	}
	status = must_end(pid, &child, SECONDS);
	if (WIFSIGNALED(status))
		t->signal = WTERMSIG(status);
	else if (WEXITSTATUS(status) != 0)
		t->signal = 256 + WEXITSTATUS(status);
}
