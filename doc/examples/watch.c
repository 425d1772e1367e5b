/*
 * watch: what an agent does that lives longer than its keys: it fetches a
 * secret, works with it, and fetches it again when there is a newer version.
 *
 *	watch SOCKET WORKSPACE NAME
 *
 * It prints the number of each version that it has fetched, and ends when the
 * secret is deleted, or may not be read any more.
 *
 *	cc -o watch watch.c $(pkg-config --cflags --libs libcofre)
 */
#include <cofre.h>
#include <poll.h>
#include <stdio.h>

/* Fetch the current version; a real agent would begin to use it here. */
static enum cofre_status
fetch(cofre *c, const char *workspace, const char *name)
{
	cofre_secret *secret = NULL;
	enum cofre_status s;

	s = cofre_get(c, workspace, name, 0, NULL, &secret);
	if (s != COFRE_OK)
		return s;
	(void)printf("version %u\n", (unsigned)cofre_secret_version(secret));
	(void)fflush(stdout);
	cofre_secret_free(secret);
	return COFRE_OK;
}

/* Fetch again all that has changed. */
static enum cofre_status
fetch_changes(cofre *c)
{
	struct cofre_change change;
	enum cofre_status s;

	while ((s = cofre_watch_next(c, &change)) == COFRE_OK) {
		s = fetch(c, change.workspace, change.name);
		if (s != COFRE_OK)
			return s;
	}
	return s == COFRE_NO_CHANGE ? COFRE_OK : s;
}

int
main(int argc, char *argv[])
{
	struct pollfd p = { .events = POLLIN };
	enum cofre_status s;
	cofre *c = NULL;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: watch SOCKET WORKSPACE NAME\n");
		return 2;
	}
	s = cofre_open(&c, argv[1], 0);
	if (s == COFRE_OK)
		s = fetch(c, argv[2], argv[3]);
	if (s == COFRE_OK)
		s = cofre_watch_fd(c, &p.fd);
	/* Here would be whatever else the agent waits for. */
	while (s == COFRE_OK && poll(&p, 1, -1) == 1)
		s = fetch_changes(c);
	if (s != COFRE_OK)
		(void)fprintf(stderr, "watch: %s\n", cofre_error(c));
	cofre_close(c);
	return s == COFRE_OK || s == COFRE_DELETED ? 0 : 1;
}
