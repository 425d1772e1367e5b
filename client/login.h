/*
 * login: log in to a target with ssh(1), and say what went wrong when its
 * host key is another one.
 */
#ifndef COFRE_LOGIN_H
#define COFRE_LOGIN_H

#include "attend.h"
#include "sshline.h"

struct login {
	const struct targetinfo *t;
	const char *agent; /* the daemon's agent socket, if the target's own
			      keys are what opens the door; NULL: what the user
			      has */
	uint32_t only;	   /* the one version of its key that is meant, or 0 */
	struct view certificate; /* of its newest key, offered before it; or
				    empty */
	const char *user;  /* to log in as */
	struct view pins[TARGET_PINS_MAX]; /* host keys, one of which it has */
	size_t pin_count;		   /* 0: as the user's ssh decides */
	char *const *options;		   /* words for ssh, NULL at the end */
	char *const *command;		   /* words; count 0: a shell */
	size_t count;
	int in; /* its standard input, or -1: this process's */
	bool quiet; /* what it says goes to standard error, as said.h passes it
		       on */
	unsigned seconds; /* it is ended then; 0: it may take its time */

	/* Set: the host key that was met; its len is 0 when none was. */
	struct view met;
	uint8_t bytes[SSH_BLOB_MAX];
	bool refused; /* it is none of the pins: that was printed, and the exit
			 code is that of DENIED */
	bool late;    /* it was ended after its time */
	bool by_only; /* the last signature that was made for it is by that one
			 version of the key */
};

/* What ssh exits with when it could not log in, or lost the connection. */
#define LOGIN_FAILED 255

/* Pin what the target has pinned. */
void login_pin(struct login *l);

/*
 * Log in, and run the command.  Returns its exit code, or ssh's, or that of
 * what went wrong here, which was printed.
 */
int login_run(struct cmd *cmd, struct login *l);

#endif
