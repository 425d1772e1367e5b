/* Answers. */
#include "source_json.h"

#include <string.h>
#include <strings.h>

#include "names.h"
#include "secmem.h"

/* The last second of the year 9999, behind which no time is written. */
#define EXPIRES_MAX 253402300799

#define PULLS (1u << SOURCE_PULL | 1u << SOURCE_REGENERATE)
#define PROBES (1u << SOURCE_PROBE)

/* An answer on its way: its texts are copied to the end of its bytes. */
struct taking {
	struct source_answer a;
	size_t used; /* of a.bytes */
};

/* How a member is taken. */
typedef enum cofre_status taker(struct taking *t, json_t *value,
    const char *name, struct problem *p);

/* Copy a text; no text is longer than it was in JSON, so there is room. */
static struct view
keep(struct taking *t, const char *text, size_t len)
{
	struct view kept = { t->a.bytes.data + t->used, len };

	memcpy(t->a.bytes.data + t->used, text, len);
	t->used += len;
	return kept;
}

static enum cofre_status
wrong(const char *name, const char *what, struct problem *p)
{
	return problem_set(p, COFRE_FORMAT, "its answer: %s %s", name, what);
}

/*
 * Members.
 */

/* A name that is another one but for its case is a slip, or a trick. */
static bool
is_there(const struct source_answer *a, const char *name, size_t len)
{
	for (size_t i = 0; i < a->field_count; i++)
		if (a->fields[i].name.len == len &&
		    strncasecmp((const char *)a->fields[i].name.data, name,
			len) == 0)
			return true;
	return false;
}

/* Fields are counted in messages, not named: a name may be a value that has
   come into the wrong place. */
static enum cofre_status
take_field(struct taking *t, const char *name, json_t *value,
    size_t *total, struct problem *p)
{
	struct source_answer *a = &t->a;
	struct source_pair *f = &a->fields[a->field_count];
	unsigned number = (unsigned)a->field_count + 1;
	size_t len = json_string_length(value);

	if (!name_is_field(view_of(name)))
		return problem_set(p, COFRE_FORMAT,
		    "its answer: the name of field %u is not valid", number);
	if (is_there(a, name, strlen(name)))
		return problem_set(p, COFRE_FORMAT,
		    "its answer: field %u has the name of another one, but "
		    "for upper and lower case", number);
	if (!json_is_string(value) || len == 0)
		return problem_set(p, COFRE_FORMAT,
		    "its answer: field %u is %s", number,
		    len == 0 && json_is_string(value) ? "empty" :
							"no string");
	if (len > COFRE_VALUE_MAX)
		return problem_set(p, COFRE_TOO_LARGE,
		    "its answer: field %u has %zu bytes, %u are allowed",
		    number, len, COFRE_VALUE_MAX);
	*total += strlen(name) + len;
	if (*total > COFRE_SECRET_MAX)
		return problem_set(p, COFRE_TOO_LARGE,
		    "its answer: the fields have over %u bytes",
		    COFRE_SECRET_MAX);
	f->name = keep(t, name, strlen(name));
	f->value = keep(t, json_string_value(value), len);
	a->field_count++;
	return COFRE_OK;
}

static enum cofre_status
take_fields(struct taking *t, json_t *value, const char *name,
    struct problem *p)
{
	enum cofre_status s = COFRE_OK;
	size_t total = 0;

	if (!json_is_object(value))
		s = wrong(name, "is no object", p);
	else if (json_object_size(value) > COFRE_FIELDS_MAX)
		s = problem_set(p, COFRE_TOO_LARGE,
		    "its answer has %zu fields, %u are allowed",
		    json_object_size(value), COFRE_FIELDS_MAX);
	for (void *i = json_object_iter(value); i != NULL && s == COFRE_OK;
	     i = json_object_iter_next(value, i))
		s = take_field(t, json_object_iter_key(i),
		    json_object_iter_value(i), &total, p);
	return s;
}

static enum cofre_status
take_number(const json_t *value, const char *name, json_int_t max,
    uint64_t *ret, struct problem *p)
{
	if (!json_is_integer(value))
		return wrong(name, "is no whole number", p);
	if (json_integer_value(value) < 0 || json_integer_value(value) > max)
		return wrong(name, "is out of range", p);
	*ret = (uint64_t)json_integer_value(value);
	return COFRE_OK;
}

static enum cofre_status
take_slot(struct taking *t, json_t *value, const char *name,
    struct problem *p)
{
	uint64_t slot = 0;
	enum cofre_status s = take_number(value, name, 2, &slot, p);

	t->a.slot = (uint8_t)slot;
	return s;
}

static enum cofre_status
take_serial(struct taking *t, json_t *value, const char *name,
    struct problem *p)
{
	t->a.has_serial = true;
	return take_number(value, name, INT64_MAX, &t->a.serial, p);
}

static enum cofre_status
take_expires(struct taking *t, json_t *value, const char *name,
    struct problem *p)
{
	return take_number(value, name, EXPIRES_MAX, &t->a.expires, p);
}

static enum cofre_status
take_bool(const json_t *value, const char *name, bool *ret,
    struct problem *p)
{
	if (!json_is_boolean(value))
		return wrong(name, "is neither true nor false", p);
	*ret = json_is_true(value);
	return COFRE_OK;
}

static enum cofre_status
take_probe(struct taking *t, json_t *value, const char *name,
    struct problem *p)
{
	return take_bool(value, name, &t->a.probe, p);
}

static enum cofre_status
take_rotate(struct taking *t, json_t *value, const char *name,
    struct problem *p)
{
	return take_bool(value, name, &t->a.rotate, p);
}

static enum cofre_status
take_ok(struct taking *t, json_t *value, const char *name,
    struct problem *p)
{
	return take_bool(value, name, &t->a.ok, p);
}

static enum cofre_status
take_text(struct taking *t, json_t *value, const char *name,
    struct view *ret, struct problem *p)
{
	if (!json_is_string(value))
		return wrong(name, "is no string", p);
	*ret = keep(t, json_string_value(value), json_string_length(value));
	return COFRE_OK;
}

static enum cofre_status
take_reason(struct taking *t, json_t *value, const char *name,
    struct problem *p)
{
	return take_text(t, value, name, &t->a.reason, p);
}

static enum cofre_status
take_error(struct taking *t, json_t *value, const char *name,
    struct problem *p)
{
	t->a.failed = true;
	return take_text(t, value, name, &t->a.error, p);
}

/* All members, and whose answers they are for. */
static const struct {
	const char *name;
	unsigned operations;
	taker *take;
} members[] = {
	{ "error", PULLS | PROBES, take_error },
	{ "fields", PULLS, take_fields },
	{ "slot", PULLS, take_slot },
	{ "serial", PULLS, take_serial },
	{ "expires", PULLS, take_expires },
	{ "probe", PULLS, take_probe },
	{ "rotate", PULLS, take_rotate },
	{ "ok", PROBES, take_ok },
	{ "reason", PROBES, take_reason },
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

/*
 * The object.
 */

/* Take what is known; as many members as there are must have been known. */
static enum cofre_status
take_members(struct taking *t, enum source_operation operation,
    const json_t *all, struct problem *p)
{
	enum cofre_status s = COFRE_OK;
	size_t known = 0;

	for (size_t i = 0; i < MEMBERS && s == COFRE_OK; i++) {
		json_t *value = json_object_get(all, members[i].name);

		if (value == NULL ||
		    (members[i].operations & 1u << operation) == 0)
			continue;
		known++;
		s = members[i].take(t, value, members[i].name, p);
	}
	if (s == COFRE_OK && known != json_object_size(all))
		s = problem_set(p, COFRE_FORMAT,
		    "its answer has a member that an answer to %s does not "
		    "have", source_operation_name(operation));
	if (s == COFRE_OK && t->a.failed && known > 1)
		s = problem_set(p, COFRE_FORMAT,
		    "its answer has an error, and something else");
	return s;
}

static enum cofre_status
take_object(struct taking *t, enum source_operation operation,
    const json_t *all, struct problem *p)
{
	enum cofre_status s;

	if (!json_is_object(all))
		return problem_set(p, COFRE_FORMAT,
		    "its answer is no JSON object");
	s = take_members(t, operation, all, p);
	if (s != COFRE_OK || t->a.failed)
		return s;
	if (operation == SOURCE_PROBE && json_object_get(all, "ok") == NULL)
		return problem_set(p, COFRE_FORMAT,
		    "its answer does not say whether it is ok");
	if (operation != SOURCE_PROBE && t->a.field_count == 0)
		return problem_set(p, COFRE_FORMAT,
		    "its answer has no fields");
	return COFRE_OK;
}

/* jansson's own text has a piece of the answer in it. */
static enum cofre_status
not_json(const json_error_t *error, size_t len, struct problem *p)
{
	static const struct {
		enum json_error_code code;
		const char *text;
	} texts[] = {
		{ json_error_premature_end_of_input, "it ends too early" },
		{ json_error_end_of_input_expected,
		    "something follows the object" },
		{ json_error_invalid_utf8, "it is no UTF-8" },
		{ json_error_duplicate_key, "a name is there twice" },
		{ json_error_null_character, "it has a NUL" },
		{ json_error_null_byte_in_key, "it has a NUL" },
		{ json_error_stack_overflow, "it is nested too deep" },
		{ json_error_numeric_overflow, "a number is too large" },
	};
	enum json_error_code code = json_error_code(error);
	const char *text = "it is no JSON";

	/* jansson has no words for that. */
	if (error->text[0] == '\0')
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	if (len == 0)
		return problem_set(p, COFRE_FORMAT, "its answer is empty");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].code == code)
			text = texts[i].text;
	return problem_set(p, COFRE_FORMAT,
	    "its answer, line %d, column %d: %s", error->line, error->column,
	    text);
}

enum cofre_status
source_answer_parse(enum source_operation operation, struct view text,
    struct source_answer *ret, struct problem *p)
{
	struct source_allocator before;
	struct taking t = { .used = 0 };
	json_error_t error;
	enum cofre_status s;
	json_t *all;

	if (text.len > SOURCE_ANSWER_MAX)
		return problem_set(p, COFRE_TOO_LARGE,
		    "it answered more than %u KiB", SOURCE_ANSWER_MAX / 1024);
	if (!source_bytes_new(&t.a.bytes, text.len))
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	source_allocator_set(&before);
	all = json_loadb(text.len > 0 ? (const char *)text.data : "",
	    text.len, JSON_REJECT_DUPLICATES, &error);
	if (all == NULL)
		s = not_json(&error, text.len, p);
	else
		s = take_object(&t, operation, all, p);
	json_decref(all);
	secmem_wipe(&error, sizeof(error));
	source_allocator_reset(&before);
	if (s == COFRE_OK)
		*ret = t.a;
	else
		source_answer_free(&t.a);
	return s;
}

void
source_answer_free(struct source_answer *a)
{
	source_bytes_free(&a->bytes);
	memset(a, 0, sizeof(*a));
}
