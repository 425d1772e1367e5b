#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secmem.h"

struct run *
run_new(size_t secrets)
{
	struct run *r = calloc(1, sizeof(*r) + secrets * sizeof(r->secrets[0]));

	if (r == NULL)
		return NULL;
	r->watch_fd = -1;
	r->rights.secrets = r->secrets;
	r->rights.count = secrets;
	return r;
}

void
run_free(struct run *r)
{
	if (r == NULL)
		return;
	if (r->watch_fd != -1)
		(void)close(r->watch_fd);
	secmem_wipe(r, sizeof(*r) + r->rights.count * sizeof(r->secrets[0]));
	free(r);
}

void
run_set_rights(struct run *r, uint64_t workspace, size_t secrets)
{
	r->rights.workspace = workspace;
	r->rights.id = (uint32_t)r->id[0] << 24 | (uint32_t)r->id[1] << 16 |
	    (uint32_t)r->id[2] << 8 | r->id[3];
	r->rights.secrets = r->secrets;
	r->rights.count = secrets;
}

static void
put_secrets(struct wire_writer *w, const struct run *r)
{
	struct wire_list l;

	list_begin(&l, w);
	for (size_t i = 0; !r->bare && i < r->rights.count; i++) {
		const struct run_secret *s = &r->secrets[i];
		const struct run_secret_row row = { s->record,
			view_of(s->name), s->logged.version,
			s->logged.reads, s->logged.followed_record,
			s->logged.followed };

		run_secret_row_put(w, &row);
		list_item(&l);
	}
	list_end(&l);
}

void
run_put(struct wire_writer *w, const struct run *r)
{
	const struct run_row row = {
		.run = { r->id, sizeof(r->id) },
		.state = r->rights.over || r->bare ? RUN_OVER : RUN_ACTIVE,
		.target = r->target,
		.pid = r->pid,
		.start = r->start,
		.inode = r->inode,
		.cgroup = view_of(r->cgroup),
		.uid = r->uid,
		.boot = { r->boot, sizeof(r->boot) },
		.hash = { r->hash, r->has_token && !r->bare ?
			    sizeof(r->hash) :
			    0 },
		.label = view_of(r->bare ? "" : r->label),
		.snapshot = { r->snapshot, r->bare ? 0 : r->snapshot_len },
		.created = r->created,
		.real_deadline = r->real_deadline,
		.boot_deadline = r->boot_deadline,
		.by = r->by,
		.read_end = r->read_end,
		.targets = r->rights.targets,
	};

	run_row_put(w, &row);
	lists_take_back(w, 1);
	put_secrets(w, r);
}

/* What is known now is what was logged. */
static void
read_back(struct run_secret *s)
{
	s->version = s->logged.version;
	s->reads = s->logged.reads;
	s->followed_record = s->logged.followed_record;
	s->followed = s->logged.followed;
}

static bool
get_secrets(struct run *r, struct list secrets)
{
	struct wire_reader reader = list_reader(secrets);
	struct run_secret_row row;

	for (uint32_t i = 0; i < secrets.count; i++) {
		run_secret_row_get(&reader, &row);
		if (reader.bad)
			return false;
		r->secrets[i].record = row.record;
		r->secrets[i].logged = (struct run_read){ row.version,
			row.reads, row.followed_record, row.followed };
		read_back(&r->secrets[i]);
		view_copy(r->secrets[i].name, row.name);
	}
	return wire_reader_done(&reader);
}

static bool
row_is_valid(const struct run_row *row)
{
	return row->run.len == RUN_ID_LEN && row->boot.len == BOOT_ID_LEN &&
	    (row->hash.len == 0 || row->hash.len == CRYPTO_HASH_LEN) &&
	    (row->state == RUN_ACTIVE || row->state == RUN_OVER) &&
	    row->target <= RUN_CGROUP &&
	    (row->target != RUN_TOKEN_ONLY || row->hash.len > 0) &&
	    (row->target == RUN_CGROUP) == (row->cgroup.len > 0);
}

static void
take_row(struct run *r, const struct run_row *row)
{
	memcpy(r->id, row->run.data, sizeof(r->id));
	memcpy(r->boot, row->boot.data, sizeof(r->boot));
	r->target = row->target;
	r->pid = row->pid;
	r->start = row->start;
	r->inode = row->inode;
	view_copy(r->cgroup, row->cgroup);
	r->uid = row->uid;
	r->has_token = row->hash.len > 0;
	if (r->has_token)
		memcpy(r->hash, row->hash.data, sizeof(r->hash));
	view_copy(r->label, row->label);
	r->snapshot_len = row->snapshot.len;
	if (r->snapshot_len > 0)
		memcpy(r->snapshot, row->snapshot.data, r->snapshot_len);
	r->created = row->created;
	r->real_deadline = row->real_deadline;
	r->boot_deadline = row->boot_deadline;
	r->by = row->by;
	r->read_end = row->read_end;
	r->rights.over = row->state == RUN_OVER;
	r->rights.targets = row->targets;
}

struct run *
run_get(uint64_t workspace, uint64_t number, struct view plain,
    enum cofre_status *st)
{
	struct run_row row;
	struct run *r;

	*st = COFRE_CORRUPT;
	if (!run_row_decode(plain, &row) || !row_is_valid(&row))
		return NULL;
	if ((r = run_new(row.secrets.count)) == NULL) {
		*st = COFRE_LIMIT;
		return NULL;
	}
	r->number = number;
	take_row(r, &row);
	run_set_rights(r, workspace, row.secrets.count);
	if (get_secrets(r, row.secrets))
		return r;
	run_free(r);
	return NULL;
}

struct run_secret *
run_find_secret(struct run *r, struct view name)
{
	for (size_t i = 0; i < r->rights.count; i++)
		if (view_is(name, r->secrets[i].name))
			return &r->secrets[i];
	return NULL;
}

void
run_count(struct run *r, struct run_secret *s, uint32_t version,
    uint64_t followed_record, uint32_t followed)
{
	s->reads++;
	s->version = version;
	s->followed_record = followed_record;
	s->followed = followed;
	r->reading = true;
}

void
run_logged(struct run *r)
{
	for (size_t i = 0; i < r->rights.count; i++) {
		struct run_secret *s = &r->secrets[i];

		s->logged = (struct run_read){ s->version, s->reads,
			s->followed_record, s->followed };
	}
	r->reading = false;
	r->unsaved = true;
}

void
run_unread(struct run *r)
{
	for (size_t i = 0; i < r->rights.count; i++)
		read_back(&r->secrets[i]);
	r->reading = false;
}

uint32_t
run_reads(const struct run *r)
{
	uint32_t reads = 0;

	for (size_t i = 0; i < r->rights.count; i++)
		reads += r->secrets[i].reads;
	return reads;
}

size_t
run_read_secrets(const struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rights.count; i++)
		n += r->secrets[i].reads > 0;
	return n;
}

const char *
run_hex(const struct run *r, char hex[RUN_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < RUN_ID_LEN; i++) {
		hex[2 * i] = digits[r->id[i] >> 4];
		hex[2 * i + 1] = digits[r->id[i] & 15];
	}
	hex[RUN_HEX - 1] = '\0';
	return hex;
}

const char *
run_end_text(enum run_end why)
{
	switch (why) {
	case RUN_END_NONE:
		break;
	case RUN_END_ASKED:
		return "ended on request";
	case RUN_END_LIFETIME:
		return "its lifetime is over";
	case RUN_END_PROCESS:
		return "its process has ended";
	case RUN_END_CGROUP:
		return "its cgroup is empty";
	case RUN_END_WORKSPACE:
		return "its workspace was deleted";
	case RUN_END_UNSEEN:
		return "its process or cgroup went while the vault was closed";
	case RUN_END_REBOOT:
		return "the machine was started anew";
	}
	return "over";
}
