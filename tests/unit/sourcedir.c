#include "sourcedir.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static struct sourcedir_result last;
static char texts[1 << 20]; /* of results */
static size_t texts_len;

bool
sourcedir_is_root(void)
{
	if (geteuid() != 0)
		(void)printf("skipped: sources are root's, and this is not\n");
	return geteuid() == 0;
}

const char *
sourcedir_path(void)
{
	return root;
}

char *
sourcedir_file(const char *name)
{
	static char path[2][160];
	static int turn;

	turn ^= 1;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", root, name);
	return path[turn];
}

void
sourcedir_write(const char *name, const char *text, unsigned mode)
{
	int fd = open(sourcedir_file(name),
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ssize_t len = (ssize_t)strlen(text);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, (size_t)len), len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(close(fd), 0);
}

/* The program lies where this one does. */
static void
copy_program(void)
{
	char path[256];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);
	struct stat st;
	char *slash;
	int from, to;

	ck_assert(n > 0);
	path[n] = '\0';
	slash = strrchr(path, '/');
	(void)strcpy(slash + 1, "source_program");
	from = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(from != -1, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(fstat(from, &st), 0);
	to = open(sourcedir_file("program"), O_WRONLY | O_CREAT | O_CLOEXEC,
	    0755);
	ck_assert_int_ne(to, -1);
	ck_assert_int_eq(sendfile(to, from, NULL, (size_t)st.st_size),
	    st.st_size);
	ck_assert_int_eq(fchmod(to, 0755), 0);
	ck_assert_int_eq(close(to), 0);
	ck_assert_int_eq(close(from), 0);
}

void
sourcedir_setup(void)
{
	(void)strcpy(root, "/tmp/check_source.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chmod(root, 0755), 0);
	copy_program();
	sourcedir_write("rules", "# for tests\nprogram * do=*\n"
	    "script *\n", 0644);
}

void
sourcedir_teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

struct sourcedir *
sourcedir_open(void)
{
	struct sourcedir *d = calloc(1, sizeof(*d));
	struct problem p = { "" };

	ck_assert_ptr_nonnull(d);
	d->options = (struct source_options){ .deadline_ms = 20000,
		.stop_fd = -1 };
	ck_assert_msg(source_dir_open(root, &d->dir, &p) == COFRE_OK, "%s",
	    p.text);
	return d;
}

void
sourcedir_close(struct sourcedir *d)
{
	source_dir_close(&d->dir);
	free(d);
}

struct source_job *
sourcedir_add(struct sourcedir *d, const char *source, const char *what)
{
	struct source_job *job = &d->jobs[d->count];
	struct source_pair *argument = &d->arguments[d->count];

	ck_assert_uint_lt(d->count, SOURCEDIR_JOBS);
	*argument = (struct source_pair){ view_of("do"), view_of(what) };
	*job = (struct source_job){ .source = source, .request = {
		.operation = SOURCE_PULL, .workspace = view_of("ml-prod"),
		.name = view_of("store"), .kind = view_of("storage"),
		.arguments = argument,
		.argument_count = what[0] != '\0' } };
	d->count++;
	return job;
}

static struct view
copy(struct view v)
{
	char *to = texts + texts_len;

	ck_assert_uint_lt(v.len, sizeof(texts) - texts_len);
	memcpy(to, v.data, v.len);
	to[v.len] = '\0';
	texts_len += v.len + 1;
	return (struct view){ (const uint8_t *)to, v.len };
}

static void
keep(struct sourcedir_result *to, const struct source_result *r)
{
	const struct source_answer *a = &r->answer;

	to->done++;
	to->status = r->status;
	(void)snprintf(to->reason, sizeof(to->reason), "%s", r->reason);
	(void)snprintf(to->said, sizeof(to->said), "%s", r->said);
	if (r->status != COFRE_OK)
		return;
	to->slot = a->slot;
	to->serial = a->serial;
	to->ok = a->ok;
	(void)snprintf(to->probe_reason, sizeof(to->probe_reason), "%.*s",
	    (int)a->reason.len, a->reason.len > 0 ?
		(const char *)a->reason.data : "");
	for (size_t i = 0; i < a->field_count && i < 8; i++) {
		to->fields[i].name = copy(a->fields[i].name);
		to->fields[i].value = copy(a->fields[i].value);
		to->field_count = i + 1;
	}
}

static void
done(void *arg, struct source_job *job, const struct source_result *r)
{
	struct sourcedir *d = arg;

	d->done++;
	keep(&d->results[job - d->jobs], r);
}

void
sourcedir_run(struct sourcedir *d)
{
	struct source_pool *pool = NULL;
	struct problem p = { "" };

	ck_assert_msg(source_pool_new(&d->dir, &d->options, &pool, &p) ==
	    COFRE_OK, "%s", p.text);
	for (size_t i = 0; i < d->count; i++)
		source_pool_add(pool, &d->jobs[i]);
	if (d->ready != NULL)
		d->ready();
	ck_assert_msg(source_pool_run(pool, done, d, &p) == COFRE_OK, "%s",
	    p.text);
	source_pool_free(pool);
	ck_assert_uint_eq(d->done, d->count);
}

struct sourcedir_result *
sourcedir_one(const char *source, const char *what, unsigned deadline_ms)
{
	struct sourcedir *d = sourcedir_open();

	(void)sourcedir_add(d, source, what);
	d->options.deadline_ms = deadline_ms;
	sourcedir_run(d);
	last = d->results[0];
	sourcedir_close(d);
	return &last;
}

const char *
sourcedir_field(const struct sourcedir_result *r, const char *name)
{
	for (size_t i = 0; i < r->field_count; i++)
		if (strcmp((const char *)r->fields[i].name.data, name) == 0)
			return (const char *)r->fields[i].value.data;
	ck_abort_msg("no field %s: %s (%s)", name, r->reason, r->said);
	return NULL;
}

unsigned
sourcedir_processes(void)
{
	DIR *d = opendir("/proc");
	const struct dirent *e;
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		char path[300], exe[160] = "";
		ssize_t len;

		(void)snprintf(path, sizeof(path), "/proc/%s/exe", e->d_name);
		len = readlink(path, exe, sizeof(exe) - 1);
		if (len > 0 && strncmp(exe, root, strlen(root)) == 0)
			n++;
	}
	(void)closedir(d);
	return n;
}
