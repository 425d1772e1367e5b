#include "program.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "input.h"
#include "output.h"
#include "reveal.h"
#include "utf8.h"
#include "wiping.h"

static enum cofre_status
bad_request(struct problem *p, const char *what)
{
	return problem_set(p, COFRE_FORMAT, "the request %s", what);
}

static enum cofre_status
no_memory(struct problem *p)
{
	return problem_set(p, COFRE_NO_MEMORY, "out of memory");
}

/* An object of strings, or an empty one when it is not there. */
static bool
is_object_of_strings(json_t *object)
{
	if (object == NULL)
		return true;
	if (!json_is_object(object))
		return false;
	for (void *i = json_object_iter(object); i != NULL;
	     i = json_object_iter_next(object, i))
		if (!json_is_string(json_object_iter_value(i)))
			return false;
	return true;
}

static enum cofre_status
take_operation(const json_t *all, struct request *q, struct problem *p)
{
	static const struct {
		const char *name;
		enum operation operation;
	} rows[] = {
		{ "pull", OPERATION_PULL },
		{ "probe", OPERATION_PROBE },
		{ "regenerate", OPERATION_REGENERATE },
	};
	const char *name = json_string_value(json_object_get(all,
	    "operation"));

	if (name == NULL)
		return bad_request(p, "has no operation");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0) {
			q->operation = rows[i].operation;
			return COFRE_OK;
		}
	return problem_set(p, COFRE_ARGUMENT,
	    "the operation '%.40s' is not known", name);
}

static enum cofre_status
take_request(const json_t *all, struct request *q, struct problem *p)
{
	const json_t *version = json_object_get(all, "version");
	const json_t *slot = json_object_get(all, "slot");
	json_int_t n = json_integer_value(slot); /* 0 when it is not there */

	if (!json_is_integer(version) || json_integer_value(version) != 1)
		return bad_request(p, "is not of version 1");
	q->kind = json_string_value(json_object_get(all, "kind"));
	if (q->kind == NULL)
		return bad_request(p, "has no kind");
	q->arguments = json_object_get(all, "arguments");
	q->fields = json_object_get(all, "fields");
	if (!is_object_of_strings(q->arguments) ||
	    !is_object_of_strings(q->fields))
		return bad_request(p,
		    "has arguments or fields that are no strings");
	if ((slot != NULL && !json_is_integer(slot)) || n < 0 || n > 2)
		return bad_request(p, "has a slot that is not 0, 1 or 2");
	q->slot = (unsigned)n;
	return take_operation(all, q, p);
}

/* What jansson prints, in the memory of an input. */
struct printed {
	struct input text;
	bool full;
};

static int
keep_part(const char *part, size_t n, void *to)
{
	struct printed *out = to;

	out->full = n > out->text.max - out->text.len;
	if (out->full)
		return -1;
	memcpy(out->text.data + out->text.len, part, n);
	out->text.len += n;
	return 0;
}

static enum cofre_status
print(const json_t *answer, struct problem *p)
{
	struct printed out = { .full = false };
	enum cofre_status s = input_init(&out.text, PROGRAM_TEXT_MAX, p);

	if (s != COFRE_OK)
		return s;
	if (json_dump_callback(answer, keep_part, &out,
		JSON_COMPACT | JSON_ENSURE_ASCII) != 0 ||
	    keep_part("\n", 1, &out) != 0)
		s = out.full ? problem_set(p, COFRE_TOO_LARGE,
				   "the answer is too large") :
			       no_memory(p);
	else if (!reveal_write(STDOUT_FILENO, input_view(&out.text)))
		s = problem_set(p, COFRE_ARGUMENT,
		    "can't write the answer: %s", strerror(errno));
	input_free(&out.text);
	return s;
}

static enum cofre_status
offer(const struct program *program, json_t *answer, struct problem *p)
{
	const unsigned o = program->operations;

	if (((o & OPERATION_PROBE) != 0 &&
		json_object_set_new(answer, "probe", json_true()) != 0) ||
	    ((o & OPERATION_REGENERATE) != 0 &&
		json_object_set_new(answer, "rotate", json_true()) != 0))
		return no_memory(p);
	return COFRE_OK;
}

static enum cofre_status
serve(const struct program *program, const struct request *q,
    struct problem *p)
{
	json_t *answer;
	enum cofre_status s;

	if ((program->operations & q->operation) == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "this source does not offer %s",
		    q->operation == OPERATION_PROBE ? "probe" : "regenerate");
	if ((answer = json_object()) == NULL)
		return no_memory(p);
	s = program->run(q, answer, p);
	if (s == COFRE_OK && q->operation != OPERATION_PROBE)
		s = offer(program, answer, p);
	if (s == COFRE_OK)
		s = print(answer, p);
	json_decref(answer);
	return s;
}

static enum cofre_status
serve_input(const struct program *program, struct problem *p)
{
	struct request q = { .kind = NULL };
	struct input in;
	json_t *all = NULL;
	enum cofre_status s = input_init(&in, PROGRAM_TEXT_MAX, p);

	if (s != COFRE_OK)
		return s;
	s = input_fd(&in, STDIN_FILENO, "the request", p);
	if (s == COFRE_OK &&
	    (all = program_parse(input_view(&in), "the request", p)) == NULL)
		s = COFRE_FORMAT;
	if (s == COFRE_OK)
		s = take_request(all, &q, p);
	if (s == COFRE_OK)
		s = serve(program, &q, p);
	json_decref(all);
	input_free(&in);
	return s;
}

int
program_main(const struct program *program)
{
	const struct rlimit none = { 0, 0 };
	struct problem p;

	/* Nobody of the same uid looks into its memory, and no core does. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	/* A program that does not read its input ends with its own words. */
	(void)signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(wiping_malloc, wiping_free);
	if (serve_input(program, &p) == COFRE_OK)
		return 0;
	(void)fprintf(stderr, "%s: ", program->name);
	output_text(stderr, (struct view){ (const uint8_t *)p.text,
		strlen(p.text) });
	(void)fputc('\n', stderr);
	return 1;
}

const char *
request_argument(const struct request *q, const char *name)
{
	return json_string_value(json_object_get(q->arguments, name));
}

enum cofre_status
request_need(const struct request *q, const char *name, const char **ret,
    struct problem *p)
{
	const char *value = request_argument(q, name);

	if (value == NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument '%s' is missing", name);
	*ret = value;
	return COFRE_OK;
}

static bool
is_among(const char *const names[], const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

enum cofre_status
request_only(const struct request *q, const char *const names[],
    struct problem *p)
{
	for (void *i = json_object_iter(q->arguments); i != NULL;
	     i = json_object_iter_next(q->arguments, i))
		if (!is_among(names, json_object_iter_key(i)))
			return problem_set(p, COFRE_ARGUMENT,
			    "the argument '%.64s' is not known",
			    json_object_iter_key(i));
	return COFRE_OK;
}

/* jansson's own text of an error may quote what it read: it is not used. */
json_t *
program_parse(struct view text, const char *what, struct problem *p)
{
	json_error_t error;
	json_t *all = json_loadb(text.len > 0 ? (const char *)text.data : "",
	    text.len, JSON_REJECT_DUPLICATES, &error);

	/* It has none for a lack of memory. */
	if (all == NULL && error.text[0] == '\0')
		(void)no_memory(p);
	else if (all == NULL)
		(void)problem_set(p, COFRE_FORMAT, "%s is no JSON", what);
	secmem_wipe(&error, sizeof(error));
	return all;
}

enum cofre_status
answer_field(json_t *answer, const char *name, struct view value,
    struct problem *p)
{
	json_t *fields = json_object_get(answer, "fields");

	if (value.len == 0)
		return problem_set(p, COFRE_FORMAT,
		    "the value of '%.64s' is empty", name);
	if (!utf8_is_plain(value))
		return problem_set(p, COFRE_FORMAT,
		    "the value of '%.64s' is no text: no UTF-8, or with a NUL",
		    name);
	if (fields == NULL && ((fields = json_object()) == NULL ||
		json_object_set_new(answer, "fields", fields) != 0))
		return no_memory(p);
	if (json_object_set_new(fields, name,
		json_stringn((const char *)value.data, value.len)) != 0)
		return no_memory(p);
	return COFRE_OK;
}

enum cofre_status
answer_number(json_t *answer, const char *name, uint64_t number,
    struct problem *p)
{
	if (json_object_set_new(answer, name,
		json_integer((json_int_t)number)) != 0)
		return no_memory(p);
	return COFRE_OK;
}
