/*
 * Any bytes as what a daemon answers: no crash, no wait, and a secret or
 * list only when the call says so.
 *
 * The first byte chooses the call, and whether the hello was answered
 * before.  The handle is one that could not connect; it is given one end of
 * a socket pair.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static enum cofre_status
run_get(cofre *c, const char *field)
{
	cofre_secret *s = NULL;
	enum cofre_status status = cofre_get(c, "w", "n", 0, field, &s);

	must((status == COFRE_OK) == (s != NULL));
	for (size_t i = 0; s != NULL && i < cofre_secret_count(s); i++)
		must(cofre_secret_field(s, cofre_secret_field_name(s, i),
			 NULL) != NULL);
	must(s == NULL || field == NULL ||
	    cofre_secret_field(s, field, NULL) != NULL);
	cofre_secret_free(s);
	return status;
}

static enum cofre_status
run_put(cofre *c)
{
	cofre_secret *s = NULL;
	enum cofre_status status;

	must(cofre_secret_new(&s, COFRE_KIND_GENERIC, 0) == COFRE_OK);
	must(cofre_secret_add(s, "value", 1, "v", 1) == COFRE_OK);
	status = cofre_put(c, "w", "n", s, 0, COFRE_ANY_VERSION, NULL);
	cofre_secret_free(s);
	return status;
}

static enum cofre_status
run_list(cofre *c)
{
	struct cofre_entry *e = NULL;
	size_t n = 0;
	enum cofre_status status = cofre_list(c, "w", &e, &n);

	must((n > 0) == (e != NULL));
	for (size_t i = 0; i < n; i++)
		must(e[i].name[0] != '\0' &&
		    (i == 0 || strcmp(e[i - 1].name, e[i].name) <= 0));
	free(e);
	return status;
}

static enum cofre_status
run(cofre *c, unsigned choice)
{
	switch (choice % 5) {
	case 0:
		return run_get(c, NULL);
	case 1:
		return run_get(c, "value");
	case 2:
		return run_put(c);
	case 3:
		return run_list(c);
	default:
		return cofre_delete(c, "w", "n");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum cofre_status status;
	cofre *c = NULL;
	int pair[2];

	if (size == 0)
		return 0;
	must(cofre_open(&c, "/nowhere", 1000) == COFRE_UNREACHABLE);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	c->fd = pair[0];
	c->greeted = (data[0] & 0x80) != 0;
	(void)send(pair[1], data + 1, size - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	must(shutdown(pair[1], SHUT_WR) == 0);
	status = run(c, data[0] & 0x7fu);
	must((status == COFRE_OK) == (cofre_error(c)[0] == '\0'));
	must(status != COFRE_TIMEOUT);
	cofre_close(c);
	(void)close(pair[1]);
	return 0;
}
