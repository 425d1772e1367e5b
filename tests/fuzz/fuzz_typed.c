/*
 * Any bytes as what the command is given as a text or as a file: a secret of
 * `run exec`, a lifetime, a text with labels, a text to be looked through for
 * secrets, a file of host keys, an SDK's file, and the kernel's words on a
 * process.  What is refused has a reason; what is taken is within its limits
 * and says what the text says.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expand.h"
#include "hostkeys.h"
#include "leak.h"
#include "names.h"
#include "procstat.h"
#include "runspec.h"
#include "sdkauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LIMIT (128u << 10)
#define HOST "node7.example.org"

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The name, the part and the label are the text's, in this order. */
static void
check_spec(const char *text)
{
	struct runspec_secret s;
	struct problem p = { "" };
	uint8_t digest[SHA256_LEN];
	uint32_t seconds;

	if (runspec_secret(text, &s, &p) == COFRE_OK) {
		size_t n = strlen(s.name), part = strlen(s.part);

		must(name_is_secret(view_of(s.name)));
		must(name_is_secret(view_of(s.label)));
		must(strncmp(text, s.name, n) == 0);
		must((s.content == RUNSPEC_ONLY) == (part == 0));
		must(part == 0 || (text[n] == ':' &&
		    strncmp(text + n + 1, s.part, part) == 0));
		n += part > 0 ? 1 + part : 0;
		must(text[n] == '\0' ? strcmp(s.label, s.name) == 0 :
			text[n] == '=' && strcmp(text + n + 1, s.label) == 0);
	} else
		must(p.text[0] != '\0');
	if (runspec_lifetime(text, &seconds, &p) == COFRE_OK)
		must(seconds > 0 && seconds <= RUN_LIFETIME_MAX);
	if (runspec_snapshot(text, digest, &p) == COFRE_OK)
		must(strlen(text) == strlen("sha256:") + (size_t)2 * SHA256_LEN);
	if (runspec_id(text, &p) == COFRE_OK)
		must(strlen(text) <= (size_t)2 * RUN_ID_LEN);
}

/* The text, so written that nothing in it is a label. */
static char *
escaped(const char *text)
{
	char *made = malloc(2 * strlen(text) + 1), *to = made;

	must(made != NULL);
	for (; *text != '\0'; text++) {
		if (*text == '{')
			*to++ = '{';
		else if (strncmp(text, "${", 2) == 0)
			*to++ = *text++;
		*to++ = *text;
	}
	*to = '\0';
	return made;
}

/* What is escaped becomes what it was; and what a label stands for is there
   when it is used, and only then. */
static void
check_labels(const char *text)
{
	struct expand_label labels[] = {
		{ "key", "\1\2\3", false },
		{ "", "empty", false },
		{ "a.b", "", false },
	};
	char *whole = escaped(text), *same = expand_make(whole, labels, 3);
	char *made;

	must(same != NULL && strcmp(same, text) == 0);
	must(!labels[0].used && !labels[1].used && !labels[2].used);
	must((made = expand_make(text, labels, 3)) != NULL);
	must(strstr(text, "\1\2\3") != NULL ||
	    labels[0].used == (strstr(made, "\1\2\3") != NULL));
	free(whole);
	free(same);
	free(made);
}

/* The pieces of a text are all of it, each with the end of the last one. */
static void
check_pieces(struct view text)
{
	struct view piece, last = { text.data, 0 }, name, value;
	size_t i = 0;

	for (; leak_piece(text, i, &piece); i++) {
		must(piece.len <= LEAK_PIECE);
		must(i == 0 ? piece.data == text.data :
			piece.data == last.data + last.len - LEAK_OVERLAP);
		last = piece;
	}
	must(i > 0 && last.data + last.len == text.data + text.len);
	if (leak_variable(text, &name, &value))
		must(name.len > 0 && name.len + 1 + value.len == text.len);
}

/* In memory, where there is such a file system. */
static char path[64];

static void
remove_file(void)
{
	(void)unlink(path);
}

/* Make it the content of the one file that there is. */
static void
write_file(struct view v)
{
	static int fd = -1;

	if (fd == -1) {
		(void)snprintf(path, sizeof(path), "%s/cofre-typed-XXXXXX",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		must((fd = mkostemp(path, O_CLOEXEC)) != -1);
		must(atexit(remove_file) == 0);
	}
	must(ftruncate(fd, 0) == 0);
	must(pwrite(fd, v.data, v.len, 0) == (ssize_t)v.len);
}

static void
check_host_keys(const char *text, struct view bytes)
{
	static struct hostkeys h;
	struct problem p = { "" };

	write_file(bytes);
	for (uint32_t port = 22; port <= 23; port++) {
		h.count = 0;
		h.host = HOST;
		h.port = port;
		if (hostkeys_add(&h, path, &p) != COFRE_OK)
			must(p.text[0] != '\0');
		else
			must(h.count > 0);
		if (strchr(text, ' ') != NULL)
			(void)hostkeys_add(&h, text, &p);
		must(h.count <= TARGET_PINS_MAX);
		for (size_t i = 0; i < h.count; i++)
			must(ssh_key_get(h.views[i]) != NULL);
	}
}

/* The one field that is secret is there, and no problem has it. */
static void
check_sdk(struct view text)
{
	cofre_secret *s;
	struct problem p = { "" };

	must(cofre_secret_new(&s, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2) == COFRE_OK);
	if (sdkauth_parse(text, s, &p) == COFRE_OK) {
		size_t n;

		must(cofre_secret_field(s, "tenant_id", &n) != NULL && n == 36);
		must(cofre_secret_field(s, "client_secret", &n) != NULL);
	} else
		must(p.text[0] != '\0');
	cofre_secret_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct view in = { data, size };
	uint64_t start;
	char *text;

	if (size > SIZE_LIMIT)
		return 0;
	must((text = malloc(size + 1)) != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	check_spec(text);
	check_labels(text);
	check_pieces(in);
	check_host_keys(text, in);
	check_sdk(in);
	(void)procstat_parse(in, &start);
	free(text);
	return 0;
}
