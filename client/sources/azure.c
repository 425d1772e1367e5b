/* The source "azure": the two keys of a storage account, or the two passwords
   of a container registry, by Azure's command az. */
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "program.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* The longest of an option with its value. */
#define OPTION_MAX 160u
#define ANSWER_MAX (64u * 1024u)

/* What upstream calls the two, and how az wants to be asked. */
struct service {
	const char *argument;	  /* which names the account */
	const char *kind;	  /* of the credential */
	const char *name_option;  /* of az */
	const char *slot_option;
	const char *show[4];	  /* the words of the command, NULL last */
	const char *renew[5];
	const char *slots[2];	  /* as az is told */
	const char *keys[2];	  /* as az prints them */
	const char *key_name;	  /* the member with the name */
	const char *field;	  /* of the credential */
};

static const struct service services[] = {
	{ "account", "storage", "--account-name", "--key",
	    { "storage", "account", "keys", "list" },
	    { "storage", "account", "keys", "renew", NULL },
	    { "primary", "secondary" }, { "key1", "key2" }, "keyName",
	    "AccountKey" },
	{ "registry", "registry", "--name", "--password-name",
	    { "acr", "credential", "show", NULL },
	    { "acr", "credential", "renew", NULL, NULL },
	    { "password", "password2" }, { "password", "password2" }, "name",
	    "password" },
};

/* What may stand in an argument.  None begins with '-'. */
static const struct form {
	const char *argument;
	size_t min, max;
	const char *characters;
} forms[] = {
	{ "account", 3, 24, LOWER DIGITS },
	{ "registry", 5, 50, LOWER UPPER DIGITS },
	{ "resource-group", 1, 90, LOWER UPPER DIGITS "._-()" },
	{ "subscription", 1, 90, LOWER UPPER DIGITS "._-() " },
};

static enum cofre_status
check_form(const struct request *q, const struct form *f, struct problem *p)
{
	const char *value = request_argument(q, f->argument);
	size_t n;

	if (value == NULL)
		return COFRE_OK;
	n = strlen(value);
	if (n < f->min || n > f->max || strspn(value, f->characters) != n ||
	    value[0] == '-')
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument '%s' is not one: %zu to %zu of %s, no - "
		    "first", f->argument, f->min, f->max, f->characters);
	return COFRE_OK;
}

/* The service that is asked for: its argument tells. */
static const struct service *
service_of(const struct request *q)
{
	const struct service *s = &services[0];

	return request_argument(q, s->argument) != NULL ? s : s + 1;
}

static enum cofre_status
check_arguments(const struct request *q, const struct service *s,
    struct problem *p)
{
	static const char *const names[] = { "account", "registry",
		"resource-group", "subscription", NULL };
	enum cofre_status status = request_only(q, names, p);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]) &&
	     status == COFRE_OK; i++)
		status = check_form(q, &forms[i], p);
	if (status != COFRE_OK)
		return status;
	if ((request_argument(q, "account") != NULL) ==
	    (request_argument(q, "registry") != NULL))
		return problem_set(p, COFRE_ARGUMENT,
		    "give one of the arguments 'account' and 'registry'");
	if (strcmp(q->kind, s->kind) != 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument '%s' is for a %s, this is a %.20s",
		    s->argument, s->kind, q->kind);
	return COFRE_OK;
}

/* The line of az.  A value stands in one word with its option, so that it
   can't be taken for another. */
struct line {
	const char *argv[16];
	size_t count;
	char options[4][OPTION_MAX];
	size_t option_count;
};

static void
add_words(struct line *l, const char *const words[], size_t max)
{
	for (size_t i = 0; i < max && words[i] != NULL; i++)
		l->argv[l->count++] = words[i];
}

static void
add_option(struct line *l, const char *option, const char *value)
{
	char *to = l->options[l->option_count];

	if (value == NULL)
		return;
	l->option_count++;
	(void)snprintf(to, OPTION_MAX, "%s=%s", option, value);
	l->argv[l->count++] = to;
}

static void
make_line(const struct request *q, const struct service *s, struct line *l)
{
	static const char *const first[] = { "az", NULL };
	static const char *const last[] = { "--output=json",
		"--only-show-errors", NULL };

	*l = (struct line){ .count = 0 };
	add_words(l, first, 2);
	if (q->operation == OPERATION_REGENERATE)
		add_words(l, s->renew, 5);
	else
		add_words(l, s->show, 4);
	add_option(l, s->name_option, request_argument(q, s->argument));
	add_option(l, "--resource-group",
	    request_argument(q, "resource-group"));
	add_option(l, "--subscription", request_argument(q, "subscription"));
	if (q->operation == OPERATION_REGENERATE)
		add_option(l, s->slot_option, s->slots[q->slot - 1]);
	add_words(l, last, 3);
}

/* What az printed, as JSON; its own words on standard error are ours. */
static json_t *
ask(const struct request *q, const struct service *s, struct problem *p)
{
	struct line l;
	const struct child c = { .argv = l.argv };
	struct input out;
	json_t *all = NULL;
	int code;

	make_line(q, s, &l);
	if (input_init(&out, ANSWER_MAX, p) != COFRE_OK)
		return NULL;
	/* It would tell its maker of each call. */
	(void)setenv("AZURE_CORE_COLLECT_TELEMETRY", "0", 1);
	if (child_run(&c, &out, &code, p) == COFRE_OK) {
		if (code != 0)
			(void)problem_set(p, COFRE_NOT_FOUND,
			    "az ended with exit code %d", code);
		else
			all = program_parse(input_view(&out),
			    "what az printed", p);
	}
	input_free(&out);
	return all;
}

/* The list of keys: az prints it alone, or as "passwords" of an object. */
static const json_t *
keys_of(const json_t *all)
{
	return json_is_array(all) ? all : json_object_get(all, "passwords");
}

/* The value of the key in that slot, or NULL. */
static const json_t *
key_of(const json_t *all, const struct service *s, unsigned slot)
{
	const json_t *keys = keys_of(all);

	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *one = json_array_get(keys, i);
		const char *name = json_string_value(json_object_get(one,
		    s->key_name));
		const json_t *value = json_object_get(one, "value");

		if (name != NULL && strcmp(name, s->keys[slot - 1]) == 0 &&
		    json_is_string(value))
			return value;
	}
	return NULL;
}

static struct view
text_of(const json_t *value)
{
	return (struct view){ (const uint8_t *)json_string_value(value),
		json_string_length(value) };
}

static enum cofre_status
take_key(const struct request *q, const struct service *s, const json_t *all,
    json_t *answer, struct problem *p)
{
	unsigned slot = q->slot == 0 ? 1 : q->slot;
	const json_t *key = key_of(all, s, slot);
	const json_t *user = json_object_get(all, "username");
	enum cofre_status status;

	if (key == NULL)
		return problem_set(p, COFRE_FORMAT,
		    "what az printed has no %s '%s'", s->key_name,
		    s->keys[slot - 1]);
	status = answer_field(answer, s->field, text_of(key), p);
	if (status == COFRE_OK && json_is_string(user))
		status = answer_field(answer, "username", text_of(user), p);
	if (status == COFRE_OK)
		status = answer_number(answer, "slot", slot, p);
	return status;
}

/* A key works when upstream has it: nothing of it leaves this machine. */
static enum cofre_status
probe(const struct request *q, const struct service *s, const json_t *all,
    json_t *answer, struct problem *p)
{
	const json_t *mine = json_object_get(q->fields, s->field);
	bool has = false;

	for (unsigned slot = 1; slot <= 2; slot++)
		has = has || json_equal(mine, key_of(all, s, slot)) == 1;
	if (json_object_set_new(answer, "ok", json_boolean(has)) != 0 ||
	    (!has && json_object_set_new(answer, "reason",
		json_string("upstream has no such key")) != 0))
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	return COFRE_OK;
}

static enum cofre_status
run(const struct request *q, json_t *answer, struct problem *p)
{
	const struct service *s = service_of(q);
	enum cofre_status status = check_arguments(q, s, p);
	json_t *all;

	if (status != COFRE_OK)
		return status;
	if (q->operation == OPERATION_REGENERATE && q->slot == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "regenerate needs a slot, 1 or 2");
	if (q->operation == OPERATION_PROBE &&
	    json_object_get(q->fields, s->field) == NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "there is no field '%s' to probe", s->field);
	if ((all = ask(q, s, p)) == NULL)
		return COFRE_FORMAT;
	status = q->operation == OPERATION_PROBE ?
	    probe(q, s, all, answer, p) : take_key(q, s, all, answer, p);
	json_decref(all);
	return status;
}

int
main(void)
{
	static const struct program program = { "azure",
		OPERATION_PULL | OPERATION_PROBE | OPERATION_REGENERATE, run };

	return program_main(&program);
}
