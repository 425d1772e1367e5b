/* The source "file": values that stand in files. */
#include <string.h>
#include <sys/stat.h>

#include "plainfile.h"
#include "program.h"

/* "path.NAME" is the path of one more field; the other in the second slot. */
static const char first[] = "path.";
static const char second[] = "path2.";

/* What a name has behind the beginning, or NULL. */
static const char *
behind(const char *name, const char *beginning)
{
	size_t n = strlen(beginning);

	return strncmp(name, beginning, n) == 0 && name[n] != '\0' ?
	    name + n : NULL;
}

/* "path2.NAME" stands beside "path.NAME". */
static bool
has_first(const struct request *q, const char *name)
{
	char other[sizeof(first) + 64];

	(void)snprintf(other, sizeof(other), "%s%s", first,
	    behind(name, second));
	return request_argument(q, other) != NULL;
}

static enum cofre_status
check_names(const struct request *q, struct problem *p)
{
	for (void *i = json_object_iter(q->arguments); i != NULL;
	     i = json_object_iter_next(q->arguments, i)) {
		const char *name = json_object_iter_key(i);

		if (strcmp(name, "path") != 0 && strcmp(name, "path2") != 0 &&
		    strcmp(name, "field") != 0 &&
		    behind(name, first) == NULL &&
		    behind(name, second) == NULL)
			return problem_set(p, COFRE_ARGUMENT,
			    "the argument '%.64s' is not known", name);
		if (behind(name, second) != NULL && !has_first(q, name))
			return problem_set(p, COFRE_ARGUMENT,
			    "'%.64s' is for the second key alone: there is no "
			    "'path.' of that name", name);
	}
	return COFRE_OK;
}

/* The field that the value is, when the request does not say it. */
static const char *
usual_field(const char *kind)
{
	static const char *const rows[][2] = {
		{ "storage", "AccountKey" },
		{ "registry", "password" },
		{ "generic", "value" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i][0], kind) == 0)
			return rows[i][1];
	return NULL;
}

static enum cofre_status
take(const char *path, const char *field, json_t *answer, struct problem *p)
{
	struct input in;
	enum cofre_status s = input_init(&in, PROGRAM_VALUE_MAX, p);

	if (s != COFRE_OK)
		return s;
	s = plainfile_read(path, &in, S_IWOTH, p);
	input_strip(&in);
	if (s == COFRE_OK)
		s = answer_field(answer, field, input_view(&in), p);
	input_free(&in);
	return s;
}

/* Each "path.NAME", or "path2.NAME" in its place. */
static enum cofre_status
take_others(const struct request *q, bool is_second, json_t *answer,
    struct problem *p)
{
	enum cofre_status s = COFRE_OK;

	for (void *i = json_object_iter(q->arguments);
	     i != NULL && s == COFRE_OK;
	     i = json_object_iter_next(q->arguments, i)) {
		const char *name = json_object_iter_key(i);
		const char *field = behind(name, first);
		const char *path = json_string_value(
		    json_object_iter_value(i));
		char other[sizeof(second) + 64];

		if (field == NULL)
			continue;
		(void)snprintf(other, sizeof(other), "%s%s", second, field);
		if (is_second && request_argument(q, other) != NULL)
			path = request_argument(q, other);
		s = take(path, field, answer, p);
	}
	return s;
}

static enum cofre_status
run(const struct request *q, json_t *answer, struct problem *p)
{
	const char *path2 = request_argument(q, "path2");
	const char *field = request_argument(q, "field");
	bool is_second = path2 != NULL && q->slot == 2;
	const char *path;
	enum cofre_status s;

	if ((s = check_names(q, p)) != COFRE_OK ||
	    (s = request_need(q, "path", &path, p)) != COFRE_OK)
		return s;
	if (field == NULL)
		field = usual_field(q->kind);
	if (field == NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument 'field' is missing: a %.20s has no usual "
		    "one", q->kind);
	if ((s = take(is_second ? path2 : path, field, answer, p)) !=
		COFRE_OK ||
	    (s = take_others(q, is_second, answer, p)) != COFRE_OK)
		return s;
	if (path2 != NULL)
		s = answer_number(answer, "slot", is_second ? 2 : 1, p);
	return s;
}

int
main(void)
{
	static const struct program program = { "file", OPERATION_PULL, run };

	return program_main(&program);
}
