#include "runfile.h"

#include <errno.h>
#include <string.h>

#include "format.h"
#include "memfile.h"
#include "pgpass.h"
#include "reveal.h"

static enum cofre_status
make_file(struct view content, int *fd, struct problem *p)
{
	int made = memfile_make(content);

	if (made == -1)
		return problem_set(p, COFRE_INTERNAL,
		    "can't make a file in memory: %s", strerror(errno));
	*fd = made;
	return COFRE_OK;
}

static enum cofre_status
make_field(const cofre_secret *s, const char *field, int *fd,
    struct problem *p)
{
	struct view v = { NULL, 0 };

	v.data = (const uint8_t *)cofre_secret_field(s, field, &v.len);
	if (v.data == NULL)
		return problem_set(p, COFRE_NO_FIELD,
		    "the secret has no field '%s'", field);
	return make_file(v, fd, p);
}

static enum cofre_status
make_only(const cofre_secret *s, const char *name, int *fd, struct problem *p)
{
	const char *only = reveal_only(s);
	char names[200];

	if (only != NULL)
		return make_field(s, only, fd, p);
	return problem_set(p, COFRE_ARGUMENT,
	    "say what of it is wanted: --secret %s:FIELD with one of %s; or a "
	    "format: json, connection-string, sas, ado, libpq, postgres-uri, "
	    "mysql-uri or pgpass", name,
	    reveal_names(s, names, sizeof(names)));
}

static enum cofre_status
make_format(const cofre_secret *s, const char *format, int *fd,
    struct problem *p)
{
	char error[COFRE_ERROR_MAX];
	enum cofre_status status;
	char *text;
	size_t len;

	status = cofre_render(format_find(format), s, &text, &len, error);
	if (status != COFRE_OK)
		return problem_set(p, status, "%s: %s", format, error);
	status = make_file((struct view){ (const uint8_t *)text, len }, fd, p);
	cofre_text_free(text);
	return status;
}

static enum cofre_status
make_json(const cofre_secret *s, const char *object, int *fd,
    struct problem *p)
{
	enum cofre_status status;
	struct secmem m;
	struct view text;

	status = reveal_json(s, object, &m, &text);
	if (status != COFRE_OK)
		return problem_set(p, status, "out of memory");
	status = make_file(text, fd, p);
	secmem_free(&m);
	return status;
}

static enum cofre_status
make_pgpass(const cofre_secret *s, int *fd, struct problem *p)
{
	enum cofre_status status;
	struct secmem m;
	struct view text;

	status = pgpass_make(s, &m, &text, p);
	if (status != COFRE_OK)
		return status;
	status = make_file(text, fd, p);
	secmem_free(&m);
	return status;
}

enum cofre_status
runfile_make(const cofre_secret *s, const struct runspec_secret *spec,
    const char *object, int *fd, struct problem *p)
{
	switch (spec->content) {
	case RUNSPEC_ONLY:
		return make_only(s, spec->name, fd, p);
	case RUNSPEC_FIELD:
		return make_field(s, spec->part, fd, p);
	case RUNSPEC_FORMAT:
		return make_format(s, spec->part, fd, p);
	case RUNSPEC_JSON:
		return make_json(s, object, fd, p);
	case RUNSPEC_PGPASS:
		return make_pgpass(s, fd, p);
	}
	return problem_set(p, COFRE_ARGUMENT, "no such content");
}
