/* The source "http": values in the JSON that a web server answers.  curl asks
   for it.  All that it is told stands in a configuration on its standard
   input, what is secret on descriptors. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "plainfile.h"
#include "pointer.h"
#include "program.h"
#include "url.h"
#include "utf8.h"

#define CONFIG_MAX (16u * 1024u)
#define HEADER_MAX 1024u

/* No proxy, no redirection (that would be 'location'), nothing of what a
   server could ask for besides.  The last line of what curl prints is the
   status. */
static const char flags[] =
    "silent\nshow-error\n"
    "globoff\ndisallow-username-in-url\nnoproxy = \"*\"\n"
    "tlsv1.2\nconnect-timeout = 10\nmax-time = 20\n"
    "max-filesize = 262000\nwrite-out = \"\\n%{http_code}\"\n";

/* The arguments that are not a field and its place. */
static const char *const own[] = { "url", "netrc", "header", "header-file",
	"cacert", "serial", "expires" };

/* A pull for the second key looks where "NAME.2" says. */
static const char second[] = ".2";

/* What an argument is, and curl's name for it. */
static const struct given {
	const char *argument;
	const char *option;
	const char *before; /* the number of the descriptor */
	mode_t refused;
} files[CHILD_KEEP_MAX] = {
	{ "netrc", "netrc-file", "/proc/self/fd/", S_IRWXO | S_IWGRP },
	{ "header-file", "header", "@/proc/self/fd/", S_IRWXO | S_IWGRP },
	{ "cacert", "cacert", "/proc/self/fd/", S_IWOTH | S_IWGRP },
};

struct config {
	char text[CONFIG_MAX];
	size_t len;
	bool is_full;
	int fds[CHILD_KEEP_MAX];
};

static void
put(struct config *c, const char *text)
{
	size_t n = strlen(text);

	c->is_full = c->is_full || n > sizeof(c->text) - c->len;
	if (c->is_full)
		return;
	memcpy(c->text + c->len, text, n);
	c->len += n;
}

/* One line of the configuration: the value is quoted. */
static void
put_option(struct config *c, const char *option, const char *before,
    const char *value)
{
	char one[2] = "";

	put(c, option);
	put(c, " = \"");
	put(c, before);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			put(c, "\\");
		one[0] = *value;
		put(c, one);
	}
	put(c, "\"\n");
}

/* "Name: value", so that it can't be the name of a file, which has '@'
   first, nor take a header away. */
static enum cofre_status
check_header(const char *header, struct problem *p)
{
	struct view v = { (const uint8_t *)header, strlen(header) };
	size_t name = strspn(header, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
	bool good = v.len <= HEADER_MAX && utf8_is_text(v) && name > 0 &&
	    header[0] != '-' && strncmp(header + name, ": ", 2) == 0 &&
	    header[name + 2] != '\0';

	while (good && v.len > 0) {
		uint32_t c;
		size_t n = utf8_next(v, &c);

		good = !utf8_is_control(c);
		v = (struct view){ v.data + n, v.len - n };
	}
	if (!good)
		return problem_set(p, COFRE_ARGUMENT,
		    "the argument 'header' is no header: 'Name: value', at "
		    "most %u bytes", HEADER_MAX);
	return COFRE_OK;
}

/* Open what an argument names, and tell curl the number of it. */
static enum cofre_status
give(const struct request *q, const struct given *g, struct config *c,
    int *fd, struct problem *p)
{
	const char *path = request_argument(q, g->argument);
	char number[16];

	if (path == NULL)
		return COFRE_OK;
	*fd = plainfile_open(path, PROGRAM_TEXT_MAX, g->refused, p);
	if (*fd == -1)
		return COFRE_ARGUMENT;
	(void)snprintf(number, sizeof(number), "%d", *fd);
	put_option(c, g->option, g->before, number);
	return COFRE_OK;
}

static enum cofre_status
make_config(const struct request *q, struct config *c, struct problem *p)
{
	const char *url;
	const char *header = request_argument(q, "header");
	enum cofre_status s = request_need(q, "url", &url, p);
	bool is_tls = false;

	if (s == COFRE_OK)
		s = url_check(url, &is_tls, p);
	if (s == COFRE_OK && header != NULL)
		s = check_header(header, p);
	if (s != COFRE_OK)
		return s;
	put(c, flags);
	put_option(c, "proto", "=", is_tls ? "https" : "http");
	put_option(c, "url", "", url);
	if (header != NULL)
		put_option(c, "header", "", header);
	for (size_t i = 0; i < CHILD_KEEP_MAX && s == COFRE_OK; i++)
		s = give(q, &files[i], c, &c->fds[i], p);
	if (s == COFRE_OK && c->is_full)
		s = problem_set(p, COFRE_TOO_LARGE,
		    "the arguments are too long");
	return s;
}

/* Cut the status, which the flags have curl print in a last line, off. */
static enum cofre_status
take_status(struct input *out, int code, struct problem *p)
{
	size_t n = out->len;

	if (code != 0)
		return problem_set(p, COFRE_NOT_FOUND,
		    "curl ended with exit code %d", code);
	if (n < 4 || out->data[n - 4] != '\n')
		return problem_set(p, COFRE_FORMAT, "curl printed no status");
	if (memcmp(out->data + n - 3, "200", 3) != 0)
		return problem_set(p, COFRE_NOT_FOUND,
		    "the server answered with status %.3s",
		    out->data + n - 3);
	out->len = n - 4;
	return COFRE_OK;
}

/* Have curl ask, with nothing from a file or a variable of whose account it
   runs as. */
static enum cofre_status
ask(const struct request *q, struct config *c, struct input *out,
    struct problem *p)
{
	static const char *const argv[] = { "curl", "--disable", "--config",
		"-", NULL };
	struct child child = { .argv = argv, .keep_count = CHILD_KEEP_MAX };
	enum cofre_status s = make_config(q, c, p);
	int code;

	if (s != COFRE_OK)
		return s;
	child.text = (struct view){ (const uint8_t *)c->text, c->len };
	memcpy(child.keep, c->fds, sizeof(child.keep));
	s = child_run(&child, out, &code, p);
	return s == COFRE_OK ? take_status(out, code, p) : s;
}

static bool
is_own(const char *name)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i], name) == 0)
			return true;
	return false;
}

static bool
is_second(const char *name)
{
	size_t n = strlen(name);

	return n > strlen(second) &&
	    strcmp(name + n - strlen(second), second) == 0;
}

static bool
has_second(const struct request *q)
{
	for (void *i = json_object_iter(q->arguments); i != NULL;
	     i = json_object_iter_next(q->arguments, i))
		if (is_second(json_object_iter_key(i)))
			return true;
	return false;
}

static enum cofre_status
take_field(const char *name, const char *place, json_t *all, json_t *answer,
    struct problem *p)
{
	const json_t *value = pointer_find(all, place);

	if (!json_is_string(value))
		return problem_set(p, COFRE_FORMAT,
		    "the answer has no string at '%.100s', for '%.64s'", place,
		    name);
	return answer_field(answer, name,
	    (struct view){ (const uint8_t *)json_string_value(value),
		json_string_length(value) }, p);
}

/* Each argument that is a field: where it stands in the slot asked for. */
static enum cofre_status
take_fields(const struct request *q, json_t *all, json_t *answer,
    struct problem *p)
{
	enum cofre_status s = COFRE_OK;

	for (void *i = json_object_iter(q->arguments);
	     i != NULL && s == COFRE_OK;
	     i = json_object_iter_next(q->arguments, i)) {
		const char *name = json_object_iter_key(i);
		const char *place = json_string_value(
		    json_object_iter_value(i));
		char other[sizeof(second) + 64];

		if (is_own(name) || is_second(name))
			continue;
		(void)snprintf(other, sizeof(other), "%s%s", name, second);
		if (q->slot == 2 && request_argument(q, other) != NULL)
			place = request_argument(q, other);
		s = take_field(name, place, all, answer, p);
	}
	if (s == COFRE_OK && json_object_get(answer, "fields") == NULL)
		s = problem_set(p, COFRE_ARGUMENT,
		    "no argument says which field stands where: FIELD=/PLACE");
	if (s == COFRE_OK && has_second(q))
		s = answer_number(answer, "slot", q->slot == 2 ? 2 : 1, p);
	return s;
}

/* A number, which some servers write as a string. */
static enum cofre_status
take_number(const struct request *q, const char *name, json_t *all,
    json_t *answer, struct problem *p)
{
	const char *place = request_argument(q, name);
	const json_t *value;
	const char *text;
	json_int_t number = -1;

	if (place == NULL)
		return COFRE_OK;
	value = pointer_find(all, place);
	text = json_string_value(value);
	if (json_is_integer(value))
		number = json_integer_value(value);
	else if (text != NULL && strlen(text) <= 18 && text[0] != '\0' &&
	    strspn(text, "0123456789") == strlen(text))
		number = strtoll(text, NULL, 10);
	if (number < 0)
		return problem_set(p, COFRE_FORMAT,
		    "the answer has no number at '%.100s', for '%s'", place,
		    name);
	return answer_number(answer, name, (uint64_t)number, p);
}

static enum cofre_status
take_answer(const struct request *q, const struct input *out, json_t *answer,
    struct problem *p)
{
	json_t *all = program_parse(input_view(out), "the answer", p);
	enum cofre_status s;

	if (all == NULL)
		return COFRE_FORMAT;
	s = take_fields(q, all, answer, p);
	if (s == COFRE_OK)
		s = take_number(q, "serial", all, answer, p);
	if (s == COFRE_OK)
		s = take_number(q, "expires", all, answer, p);
	json_decref(all);
	return s;
}

static enum cofre_status
run(const struct request *q, json_t *answer, struct problem *p)
{
	struct config c = { .len = 0, .fds = { -1, -1, -1 } };
	struct input out;
	enum cofre_status s = input_init(&out, PROGRAM_TEXT_MAX, p);

	if (s != COFRE_OK)
		return s;
	s = ask(q, &c, &out, p);
	if (s == COFRE_OK)
		s = take_answer(q, &out, answer, p);
	for (size_t i = 0; i < CHILD_KEEP_MAX; i++)
		if (c.fds[i] != -1)
			(void)close(c.fds[i]);
	input_free(&out);
	return s;
}

int
main(void)
{
	static const struct program program = { "http", OPERATION_PULL, run };

	return program_main(&program);
}
