/*
 * fetch: what a compute agent does at run start: fetch, field by field,
 * what the run needs.
 *
 *	fetch SOCKET WORKSPACE NAME FIELD...
 *
 * It prints the name and length of each field; a real agent would use the
 * value, which lies in memory of its own until it is freed.
 *
 *	cc -o fetch fetch.c $(pkg-config --cflags --libs libcofre)
 */
#include <cofre.h>
#include <stdio.h>

/* Fetch one field; only this one leaves the daemon. */
static enum cofre_status
fetch(cofre *c, const char *workspace, const char *name, const char *field)
{
	cofre_secret *secret = NULL;
	const char *value;
	size_t len = 0;
	enum cofre_status s;

	s = cofre_get(c, workspace, name, 0, field, &secret);
	if (s != COFRE_OK)
		return s;
	value = cofre_secret_field(secret, field, &len);
	if (value != NULL)
		(void)printf("%s: %zu bytes, version %u%s\n", field, len,
		    (unsigned)cofre_secret_version(secret),
		    cofre_secret_is_locked(secret) ? "" : ", not locked");
	cofre_secret_free(secret);
	return COFRE_OK;
}

int
main(int argc, char *argv[])
{
	enum cofre_status s;
	cofre *c = NULL;

	if (argc < 5) {
		(void)fprintf(stderr,
		    "usage: fetch SOCKET WORKSPACE NAME FIELD...\n");
		return 2;
	}
	s = cofre_open(&c, argv[1], 0);
	for (int i = 4; i < argc && s == COFRE_OK; i++)
		s = fetch(c, argv[2], argv[3], argv[i]);
	if (s != COFRE_OK)
		(void)fprintf(stderr, "fetch: %s\n", cofre_error(c));
	cofre_close(c);
	return s == COFRE_OK ? 0 : 1;
}
