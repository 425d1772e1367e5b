#include "custodia.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "floor.h"
#include "process.h"

#define COUNT 20u /* secrets: it is slow at taking them, too */
#define ANSWER_MAX 4096u
#define REQUEST_MAX 128u

static bool
write_config(const char *path, const char *dir, uid_t uid)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		warn("%s", path);
		return false;
	}
	(void)fprintf(f,
	    "[global]\nserver_socket = %s/custodia.sock\n"
	    "auditlog = %s/custodia.audit\numask = 000\n"
	    "[store:sqlite]\nhandler = SqliteStore\n"
	    "dburi = %s/custodia.db\ntable = secrets\n"
	    "[store:sealed]\nhandler = EncryptedOverlay\n"
	    "backing_store = sqlite\nmaster_key = %s/custodia.key\n"
	    "master_enctype = A128CBC-HS256\nautogen_master_key = true\n"
	    "[auth:creds]\nhandler = SimpleCredsAuth\nuid = %u\ngid = %u\n"
	    "[authz:paths]\nhandler = SimplePathAuthz\npaths = /. /secrets\n"
	    "[/]\nhandler = Root\n"
	    "[/secrets]\nhandler = Secrets\nstore = sealed\n",
	    dir, dir, dir, dir, (unsigned)uid, (unsigned)getgid());
	return fclose(f) == 0;
}

/* Send a request; the answer up to its end, and how long it is. */
static bool
ask(const struct target *t, const char *request, char answer[ANSWER_MAX],
    size_t *len)
{
	int fd = dial_connect(t->path, getuid());
	bool good = fd != -1 && dial_send(fd, request, strlen(request));
	ssize_t n = 1;

	for (*len = 0; good && n > 0; *len += (size_t)n) {
		n = recv(fd, answer + *len, ANSWER_MAX - 1 - *len, 0);
		good = n >= 0;
	}
	if (fd != -1)
		(void)close(fd);
	answer[good ? *len : 0] = '\0';
	if (good && strncmp(answer, "HTTP/1.0 20", 11) == 0)
		return true;
	warnx("custodia: %.60s", answer);
	return false;
}

static bool
fill(const struct target *t)
{
	char request[1024], answer[ANSWER_MAX], value[FLOOR_VALUE + 1];
	char name[FIXTURE_NAME_LEN + 1];
	size_t len;

	if (!ask(t, "POST /secrets/" FIXTURE_WORKSPACE "/ HTTP/1.0\r\n\r\n",
		answer, &len))
		return false;
	for (size_t i = 0; i < COUNT; i++) {
		memset(value, (int)('a' + i % 26), FLOOR_VALUE);
		value[FLOOR_VALUE] = '\0';
		fixture_name(name, i);
		(void)snprintf(request, sizeof(request),
		    "PUT /secrets/" FIXTURE_WORKSPACE "/%s HTTP/1.0\r\n"
		    "Content-Type: application/json\r\n"
		    "Content-Length: %u\r\n\r\n"
		    "{\"type\":\"simple\",\"value\":\"%s\"}",
		    name, FLOOR_VALUE + 28, value);
		if (!ask(t, request, answer, &len))
			return false;
	}
	return true;
}

static bool
make_requests(struct target *t)
{
	char request[REQUEST_MAX], answer[ANSWER_MAX];
	char name[FIXTURE_NAME_LEN + 1];

	t->count = COUNT;
	t->requests = calloc(COUNT, REQUEST_MAX);
	for (size_t i = 0; t->requests != NULL && i < COUNT; i++) {
		fixture_name(name, i);
		t->request_len = (size_t)snprintf(request, sizeof(request),
		    "GET /secrets/" FIXTURE_WORKSPACE "/%s HTTP/1.0\r\n\r\n",
		    name);
		memcpy(t->requests + i * t->request_len, request,
		    t->request_len);
	}
	t->check_at = strlen("HTTP/1.0 ");
	memcpy(t->check, "200 ", sizeof(t->check));
	return t->requests != NULL && ask(t, request, answer, &t->reply_len);
}

bool
custodia_start(const char *program, const char *dir, uid_t uid,
    struct target *t)
{
	char log[512], config[512];
	char *argv[] = { (char *)(uintptr_t)program, config, NULL };

	*t = (struct target){ .name = "custodia", .uid = uid };
	(void)snprintf(t->path, sizeof(t->path), "%.80s/custodia.sock", dir);
	(void)snprintf(config, sizeof(config), "%s/custodia.conf", dir);
	(void)snprintf(log, sizeof(log), "%s/custodia.log", dir);
	if (!write_config(config, dir, uid))
		return false;
	t->pid = process_start(dir, argv, log);
	if (t->pid > 0 && process_await(t->pid, t->path) && fill(t) &&
	    make_requests(t))
		return true;
	warnx("custodia: see %s", log);
	process_stop(t->pid);
	t->pid = 0;
	return false;
}
