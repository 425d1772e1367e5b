/* The source "docker": what a docker credential helper has for a server. */
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "program.h"
#include "utf8.h"

#define HELPER_MAX 64u
#define SERVER_MAX 1024u
#define ANSWER_MAX (64u * 1024u)

/* A helper prints why it fails on its standard output. */
#define SAID_MAX 200u

/* What the name of a helper is made of: it becomes part of a program's. */
static bool
is_helper(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = strlen(name);

	return n > 0 && n <= HELPER_MAX && strchr(letters, name[0]) != NULL &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

/* Printable ASCII: a helper would drop a newline, and find another server. */
static bool
is_server(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return n > 0 && n <= SERVER_MAX;
}

static enum cofre_status
take_arguments(const struct request *q, const char **helper,
    const char **server, struct problem *p)
{
	static const char *const names[] = { "helper", "server", NULL };
	enum cofre_status s;

	if ((s = request_only(q, names, p)) != COFRE_OK ||
	    (s = request_need(q, "helper", helper, p)) != COFRE_OK ||
	    (s = request_need(q, "server", server, p)) != COFRE_OK)
		return s;
	if (strcmp(q->kind, "registry") != 0 &&
	    strcmp(q->kind, "generic") != 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "a username and a password are for a registry or a "
		    "generic secret, this is a %.20s", q->kind);
	if (!is_helper(*helper))
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument 'helper' is no name of a helper: at most "
		    "%u of a-z 0-9 . _ - , a letter or digit first",
		    HELPER_MAX);
	if (!is_server(*server))
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument 'server' is no server: at most %u "
		    "characters, ASCII without blanks", SERVER_MAX);
	return COFRE_OK;
}

/* What it says goes into the report, unless it could be a credential. */
static enum cofre_status
refused(struct input *out, int code, struct problem *p)
{
	size_t n = out->len;

	while (n > 0 && out->data[n - 1] == '\n')
		n--;
	if (n == 0 || n > SAID_MAX || memchr(out->data, '{', n) != NULL ||
	    !utf8_is_plain((struct view){ (uint8_t *)out->data, n }))
		return problem_set(p, COFRE_NOT_FOUND,
		    "the helper ended with exit code %d", code);
	return problem_set(p, COFRE_NOT_FOUND, "the helper says: %.*s",
	    (int)n, out->data);
}

static enum cofre_status
take_string(const json_t *all, const char *key, const char *field,
    json_t *answer, struct problem *p)
{
	const json_t *value = json_object_get(all, key);

	if (!json_is_string(value))
		return problem_set(p, COFRE_FORMAT,
		    "what the helper printed has no %s", key);
	/* How some of them say that they have none. */
	if (json_string_length(value) == 0)
		return problem_set(p, COFRE_NOT_FOUND,
		    "the helper has no %s for this server", key);
	if (strcmp(json_string_value(value), "<token>") == 0 &&
	    strcmp(key, "Username") == 0)
		return problem_set(p, COFRE_FORMAT,
		    "the helper has an identity token for this server, no "
		    "password");
	return answer_field(answer, field,
	    (struct view){ (const uint8_t *)json_string_value(value),
		json_string_length(value) }, p);
}

static enum cofre_status
take_credential(const struct input *out, json_t *answer, struct problem *p)
{
	json_t *all = program_parse(input_view(out), "what the helper printed",
	    p);
	enum cofre_status s;

	if (all == NULL)
		return COFRE_FORMAT;
	s = take_string(all, "Username", "username", answer, p);
	if (s == COFRE_OK)
		s = take_string(all, "Secret", "password", answer, p);
	json_decref(all);
	return s;
}

static enum cofre_status
ask(const char *helper, const char *server, struct input *out,
    struct problem *p)
{
	char name[HELPER_MAX + 32];
	const char *const argv[] = { name, "get", NULL };
	const struct child c = { .argv = argv,
		.text = { (const uint8_t *)server, strlen(server) } };
	int code;
	enum cofre_status s;

	(void)snprintf(name, sizeof(name), "docker-credential-%s", helper);
	s = child_run(&c, out, &code, p);
	if (s == COFRE_OK && code != 0)
		s = refused(out, code, p);
	return s;
}

static enum cofre_status
run(const struct request *q, json_t *answer, struct problem *p)
{
	const char *helper, *server;
	struct input out;
	enum cofre_status s = take_arguments(q, &helper, &server, p);

	if (s == COFRE_OK)
		s = input_init(&out, ANSWER_MAX, p);
	if (s != COFRE_OK)
		return s;
	s = ask(helper, server, &out, p);
	if (s == COFRE_OK)
		s = take_credential(&out, answer, p);
	input_free(&out);
	return s;
}

int
main(void)
{
	static const struct program program = { "docker", OPERATION_PULL,
		run };

	return program_main(&program);
}
