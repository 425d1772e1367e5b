/*
 * Any bytes as cofred.conf: no crash; what is refused has a reason and
 * changes nothing; what is taken is within the limits and can be taken
 * again with the same result.
 */
#include <stdlib.h>
#include <string.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_limits(const struct config *c)
{
	must(c->state[0] == '/' && c->socket[0] == '/');
	must(c->keyfile[0] == '/' || c->keyfile[0] == '\0');
	must((c->socket_mode & ~0666u) == 0);
	must(c->store_limit % 4096 == 0 && c->store_limit > 0);
	must(c->log_segment % 4096 == 0 && c->log_segment > 0);
	must(c->buffer_memory % 4096 == 0 && c->buffer_memory > 0);
	must(c->operator_group != 0 && c->operator_group != 65534);
	must(c->max_connections > 0 && c->max_per_uid > 0);
	must(c->request_timeout >= 100 && c->look_timeout >= 100);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config before, once, twice;
	char error[CONFIG_ERROR_MAX] = "";

	config_defaults(&before);
	once = before;
	if (!config_parse(&once, "f", (const char *)data, size, error)) {
		must(strncmp(error, "f:", 2) == 0);
		must(memcmp(&once, &before, sizeof(once)) == 0);
		return 0;
	}
	check_limits(&once);
	twice = once;
	must(config_parse(&twice, "f", (const char *)data, size, error));
	must(memcmp(&once, &twice, sizeof(once)) == 0);
	config_reload(&twice, &before, error);
	return 0;
}
