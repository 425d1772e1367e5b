/* Start: the daemon's user, the witness, and the sentry. */
#include "start.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "sentry.h"
#include "witness.h"

/* Say it, and hand the result back. */
static bool
tell(const char *before, const char *what, bool result)
{
	(void)fprintf(stderr, "cofred: %s%s\n", before, what);
	return result;
}

static bool
choose_user(struct start *st, struct server *sv)
{
	char error[CONFIG_ERROR_MAX];
	const char *how;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0) {
		if (!account_choose(sv->config.user, sv->config.state,
			st->state_fd, &uid, &gid, &how, error, sizeof(error)))
			return tell("", error, false);
		(void)fprintf(stderr, "cofred: runs as uid %u, %s\n", uid,
		    how);
	}
	st->uid = uid;
	st->gid = gid;
	return true;
}

/* What is missing is an error, or, where it may be so, told. */
static bool
miss(const struct server *sv, const char *what)
{
	if (!sv->config.attestation_required)
		return tell("warning: 'attestation = optional': ", what, true);
	(void)tell("", what, false);
	return tell("", "set 'attestation = optional' to run without "
	    "(cofred.conf(5) says what is lost)", false);
}

/* When the kernel was started, as an id; all zeros when it does not tell:
   then no run goes on over a restart. */
static void
read_boot_id(uint8_t id[BOOT_ID_LEN])
{
	char text[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);
	unsigned digits = 0;

	if (fd != -1)
		(void)close(fd);
	for (ssize_t i = 0; i < n && digits < 2 * BOOT_ID_LEN; i++) {
		const char *hex = "0123456789abcdef";
		const char *at = text[i] == '\0' ? NULL : strchr(hex, text[i]);

		if (at == NULL)
			continue;
		id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | (at - hex));
		digits++;
	}
	if (digits != 2 * BOOT_ID_LEN)
		memset(id, 0, BOOT_ID_LEN);
}

bool
start_witness(struct start *st, struct server *sv)
{
	char error[CONFIG_ERROR_MAX];

	if (!choose_user(st, sv))
		return false;
	read_boot_id(sv->boot_id);
	if (!witness_start(&sv->witness, st->uid, st->gid,
		sv->config.sandbox_required, &sv->can_look, error,
		sizeof(error)))
		return tell("its witness can't be started: ", error, false);
	sv->has_pidfd = peer_has_pidfd();
	sv->has_inodes = peer_has_inodes();
	return (sv->has_pidfd || miss(sv, "the kernel can't tell a caller's "
			"process from a later one with its number "
			"(SO_PEERPIDFD, Linux 6.5)")) &&
	    (sv->can_look || miss(sv, "without CAP_SYS_PTRACE and "
			"CAP_DAC_READ_SEARCH a program that a caller executes "
			"is not told from it"));
}

bool
start_sentry(struct start *st, struct server *sv)
{
	char error[CONFIG_ERROR_MAX];

	return sentry_start(&sv->sentry, start_descriptors(sv), st->uid,
		   st->gid, sv->config.sandbox_required, error,
		   sizeof(error)) ||
	    tell("its sentry can't be started: ", error, false);
}
