/*
 * start: the steps from an empty process to a daemon that may serve, in the
 * order in which main() calls them.  Each says what is wrong on standard
 * error and returns false when the daemon must not go on.
 */
#ifndef COFRE_START_H
#define COFRE_START_H

#include "server.h"

struct start {
	const char *config_path; /* of --config, or NULL */
	/* Of options, or NULL. */
	const char *state, *socket, *agent_socket, *keyfile, *user;
	int state_fd;
	uint32_t uid, gid; /* that the daemon will have */
	bool socket_made, agent_made; /* here, not by the service manager */
	bool have_key;
	uint8_t key[KEY_LEN]; /* of the keyfile; wiped when it was used */
};

/* Read the command line.  *exit_code is set when it ends the program. */
bool start_options(struct start *st, int argc, char **argv, int *exit_code);

/* Read the configuration; options stand above it. */
bool start_config(struct start *st, struct server *sv);

/* Open, or make, the state directory, take its lock, and go there. */
bool start_state(struct start *st, struct server *sv);

/*
 * Choose the daemon's user, and fork the witness, while nothing secret is in
 * memory.  What the kernel or the capabilities lack is an error, or told.
 */
bool start_witness(struct start *st, struct server *sv);

/* Make the sentry, while nothing secret is in memory. */
bool start_sentry(struct start *st, struct server *sv);

/* How many descriptors the daemon will need at most, by its configuration. */
size_t start_descriptors(const struct server *sv);

/*
 * Give the daemon's user the state directory, and have the stores in it
 * checked, while nothing secret is in memory.
 */
bool start_check(struct start *st, struct server *sv);

/* Read the keyfile: the configured one, or the service manager's. */
bool start_keyfile(struct start *st, struct server *sv);

/* Service manager, listening sockets, signals, limits. */
bool start_sockets(struct start *st, struct server *sv);

/* When started as root: become the daemon's own user. */
bool start_user(struct start *st, struct server *sv);

/* Memory for secrets, the store and the log. */
bool start_stores(struct start *st, struct server *sv);

/* Close the sandbox; from here on nothing new can be opened. */
bool start_sandbox(struct start *st, struct server *sv);

/* Open the vault, when there is a keyfile.  A key that does not open it is
   told and recorded; the daemon then runs locked. */
bool start_unlock(struct start *st, struct server *sv);

/* Give everything back; the keys first. */
void start_undo(struct start *st, struct server *sv);

#endif
