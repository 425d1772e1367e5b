/*
 * config: what cofred.conf and the command line say.
 *
 * A line is "key = value"; '#' begins a comment.  An unknown key, a key
 * given twice and a value that is not valid are errors that name the file
 * and line; nothing is taken from a file with an error.
 */
#ifndef COFRE_CONFIG_H
#define COFRE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONFIG_PATH_MAX 1024u
#define CONFIG_ERROR_MAX 512u
#define CONFIG_NAME_MAX 64u

struct config {
	/* Read at start only. */
	char state[CONFIG_PATH_MAX];	 /* state */
	char socket[CONFIG_PATH_MAX];	 /* socket */
	char agent_socket[CONFIG_PATH_MAX]; /* agent_socket, or empty: none */
	char keyfile[CONFIG_PATH_MAX];	 /* keyfile, or empty */
	char user[CONFIG_NAME_MAX];	 /* user: a name or number, or empty */
	mode_t socket_mode;		 /* socket_mode, octal; 0666: of
					    both */
	uint64_t store_limit;		 /* store_limit, bytes; 16 GiB */
	uint64_t log_segment;		 /* log_segment, bytes; 4 MiB */
	uint64_t buffer_memory;		 /* buffer_memory, bytes; 4 MiB */
	bool memory_required;		 /* memory_lock = required|optional */
	bool attestation_required;	 /* attestation = required|optional:
					    likewise, of what tells callers
					    from one another */
	bool sandbox_required;		 /* sandbox = required|optional: what
					    the kernel lacks is told, or is
					    an error */
	/* Read again at SIGHUP. */
	uint32_t operator_group;	 /* operator_group; NO_ID: none, or a
					    name that is not looked up yet */
	char operator_name[CONFIG_NAME_MAX]; /* the name, or empty */
	bool log_strict;		 /* log = strict|buffered */
	uint32_t max_connections;	 /* max_connections; 1024 */
	uint32_t max_per_uid;		 /* max_connections_per_uid; 128 */
	uint32_t request_timeout;	 /* request_timeout, ms; 10000: for a
					    request to come in whole, and for
					    a reply to be taken */
	uint32_t look_timeout;		 /* look_timeout, ms; 500: for a
					    process to be looked at */
};

/* Every value's default. */
void config_defaults(struct config *c);

/* The i-th key, NULL at the end: for the tests of the documents. */
const char *config_key(size_t i);

/*
 * Take one setting, as if from a file: for the command line.  False, with
 * the reason in error, when it is not valid; *c is then unchanged.
 */
bool config_set(struct config *c, const char *key, const char *value,
    char error[CONFIG_ERROR_MAX]);

/*
 * Take the settings of a file's text.  Sizes may end in K, M or G.  False,
 * with the reason in error ("name:3: ..."), when it is not valid; *c is
 * then unchanged.  No file is opened here.
 */
bool config_parse(struct config *c, const char *name, const char *text,
    size_t len, char error[CONFIG_ERROR_MAX]);

/*
 * Read an opened file, from its beginning, and take its settings.  It must
 * be a regular file, owned by root or by the caller, and not writable by
 * group or others: that is checked on the descriptor.  The same descriptor
 * may be read again at SIGHUP, when the sandbox lets no file be opened; a
 * file that was replaced meanwhile is an error that says so.
 */
bool config_read_fd(struct config *c, const char *name, int fd,
    char error[CONFIG_ERROR_MAX]);

/*
 * Look the operator group's name up, if it has one, in group_path
 * (/etc/group): at start, before the sandbox.  False, with the reason in
 * error, when it is not there or may not be one.
 */
bool config_resolve(struct config *c, const char *group_path,
    char error[CONFIG_ERROR_MAX]);

/*
 * Take from fresh what may change while the daemon runs, and say in changed
 * (a text for the log) which of the others differ and need a restart: the
 * keys, with commas between, or "".  An operator group by name is taken
 * only when it is the one that was looked up at start; another name needs a
 * restart, a number does not.
 */
void config_reload(struct config *c, const struct config *fresh,
    char changed[CONFIG_ERROR_MAX]);

#endif
