#include "account.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWD "/etc/passwd"
#define FILE_MAX (1024u * 1024)
#define NO_ID UINT32_MAX
#define NOBODY 65534u /* what an id that is not mapped looks like */
#define OWN_ACCOUNT "cofre"

/* The range of DynamicUser=, systemd's doc/UIDS-GIDS. */
#define DYNAMIC_FIRST 61184u
#define DYNAMIC_LAST 65519u

/* A line of passwd (seven fields) or group (four), as far as it is used. */
struct entry {
	const char *name;
	size_t name_len;
	uint32_t uid; /* of passwd */
	uint32_t gid;
	char home[ACCOUNT_HOME_MAX]; /* of passwd; empty: none that is usable */
};

/* Digits and nothing else, no leading zero, below NO_ID. */
static bool
parse_id(const char *s, size_t len, uint32_t *id)
{
	uint64_t v = 0;

	if (len == 0 || len > 10 || (len > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (v >= NO_ID)
		return false;
	*id = (uint32_t)v;
	return true;
}

/* The whole file, to be freed; NULL with errno. */
static char *
read_file(const char *path, size_t *len)
{
	char *text = malloc(FILE_MAX + 1);
	int fd = -1, saved;
	ssize_t n = 1;

	*len = 0;
	if (text != NULL)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (fd != -1 && n > 0 && *len <= FILE_MAX) {
		n = read(fd, text + *len, FILE_MAX + 1 - *len);
		if (n > 0)
			*len += (size_t)n;
	}
	if (fd != -1 && n == 0) {
		(void)close(fd);
		return text;
	}
	saved = *len > FILE_MAX ? EFBIG : errno;
	if (fd != -1)
		(void)close(fd);
	free(text);
	errno = saved;
	return NULL;
}

/* Cut a line at its colons; false when it has not exactly n fields. */
static bool
split(const char *line, size_t len, const char **field, size_t *flen,
    size_t n)
{
	size_t at = 0;

	field[0] = line;
	flen[0] = 0;
	for (size_t i = 0; i < len; i++) {
		if (line[i] != ':') {
			flen[at]++;
			continue;
		}
		if (++at == n)
			return false;
		field[at] = line + i + 1;
		flen[at] = 0;
	}
	return at == n - 1;
}

/* fields: 7 for a line of passwd, 4 for one of group. */
static bool
parse_entry(const char *line, size_t len, size_t fields, struct entry *e)
{
	const char *field[7] = { NULL };
	size_t flen[7] = { 0 };

	if (!split(line, len, field, flen, fields) || flen[0] == 0 ||
	    memchr(line, '\0', len) != NULL)
		return false;
	if (line[0] == '+' || line[0] == '-')
		return false; /* a word to a name service, not an account */
	e->name = field[0];
	e->name_len = flen[0];
	e->uid = NO_ID;
	if (fields == 4)
		return parse_id(field[2], flen[2], &e->gid);
	e->home[0] = '\0';
	if (flen[5] > 0 && flen[5] < sizeof(e->home) && field[5][0] == '/') {
		memcpy(e->home, field[5], flen[5]);
		e->home[flen[5]] = '\0';
	}
	return parse_id(field[2], flen[2], &e->uid) &&
	    parse_id(field[3], flen[3], &e->gid);
}

/*
 * The first entry that fits: by name, or with name NULL by uid.  A line
 * that is not of the form is passed over.  False with errno, ESRCH when
 * there is none.
 */
static bool
find(const char *path, size_t fields, const char *name, uint32_t uid,
    struct entry *found)
{
	size_t len, start = 0;
	char *text = read_file(path, &len);
	bool ok = false;

	if (text == NULL)
		return false;
	while (!ok && start < len) {
		const char *line = text + start;
		const char *end = memchr(line, '\n', len - start);
		size_t n = end == NULL ? len - start : (size_t)(end - line);

		start += n + 1;
		ok = parse_entry(line, n, fields, found) &&
		    (name == NULL ? found->uid == uid :
				    found->name_len == strlen(name) &&
				memcmp(found->name, name, found->name_len) ==
				    0);
	}
	free(text);
	found->name = NULL;
	if (!ok)
		errno = ESRCH;
	return ok;
}

bool
account_find(const char *passwd_path, const char *user, uid_t *uid,
    gid_t *gid)
{
	const char *colon = strchr(user, ':');
	struct entry e;
	uint32_t number = NO_ID;
	bool by_number;

	if (colon != NULL) {
		if (parse_id(user, (size_t)(colon - user), &e.uid) &&
		    parse_id(colon + 1, strlen(colon + 1), &e.gid)) {
			*uid = e.uid;
			*gid = e.gid;
			return true;
		}
		errno = EINVAL;
		return false;
	}
	by_number = parse_id(user, strlen(user), &number);
	if (!find(passwd_path, 7, by_number ? NULL : user, number, &e))
		return false;
	*uid = e.uid;
	*gid = e.gid;
	return true;
}

bool
account_find_group(const char *group_path, const char *group, uint32_t *gid)
{
	struct entry e;

	if (parse_id(group, strlen(group), gid))
		return true;
	if (!find(group_path, 4, group, NO_ID, &e))
		return false;
	*gid = e.gid;
	return true;
}

static bool
is_usable(uid_t uid, gid_t gid)
{
	return uid != 0 && gid != 0 && uid != NOBODY && gid != NOBODY;
}

static bool
choose_configured(const char *passwd_path, const char *user, uid_t *uid,
    gid_t *gid, char *error, size_t error_size)
{
	if (!account_find(passwd_path, user, uid, gid)) {
		(void)snprintf(error, error_size,
		    "user %s: %s", user, errno == ESRCH ?
			"not in " PASSWD "; a number alone must be there too, "
			"UID:GID need not" : strerror(errno));
		return false;
	}
	if (is_usable(*uid, *gid))
		return true;
	(void)snprintf(error, error_size,
	    "user %s: is, or has the group of, root or nobody: choose an "
	    "account of its own", user);
	return false;
}

static bool
choose_owner(int state_fd, uid_t *uid, gid_t *gid)
{
	struct stat st;
	struct entry e;

	if (fstat(state_fd, &st) == -1 || st.st_uid == 0)
		return false;
	*uid = st.st_uid;
	*gid = st.st_gid != 0 ? st.st_gid : st.st_uid;
	if (find(PASSWD, 7, NULL, st.st_uid, &e))
		*gid = e.gid;
	return is_usable(*uid, *gid);
}

/* In passwd, or given to a service by systemd at this moment. */
static bool
is_taken(uint32_t uid)
{
	char path[64];
	struct entry e;

	(void)snprintf(path, sizeof(path), "/run/systemd/dynamic-uid/%u",
	    (unsigned)uid);
	return find(PASSWD, 7, NULL, uid, &e) || access(path, F_OK) == 0;
}

/* Does a process run as that user?  What can't be looked at is none. */
static bool
has_process(uint32_t uid)
{
	DIR *d = opendir("/proc");
	const struct dirent *e;
	struct stat st;
	bool found = false;

	while (d != NULL && !found && (e = readdir(d)) != NULL)
		found = e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
		    st.st_uid == uid;
	if (d != NULL)
		(void)closedir(d);
	return found;
}

/* The same path gives the same uid: FNV-1a.  apart: from every process. */
static bool
choose_dynamic(const char *state_path, bool apart, uid_t *uid, gid_t *gid)
{
	const uint32_t count = DYNAMIC_LAST - DYNAMIC_FIRST + 1;
	uint64_t h = 0xcbf29ce484222325u;

	for (; *state_path != '\0'; state_path++)
		h = (h ^ (uint8_t)*state_path) * 0x100000001b3u;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t id = DYNAMIC_FIRST + (uint32_t)((h + i) % count);

		if (is_taken(id) || (apart && has_process(id)))
			continue;
		*uid = id;
		*gid = id;
		return true;
	}
	return false;
}

bool
account_choose(const char *configured, const char *state_path, int state_fd,
    uid_t *uid, gid_t *gid, const char **how, char *error, size_t error_size)
{
	*how = "the configured user";
	if (configured != NULL && configured[0] != '\0')
		return choose_configured(PASSWD, configured, uid, gid, error,
		    error_size);
	*how = "the account " OWN_ACCOUNT;
	if (account_find(PASSWD, OWN_ACCOUNT, uid, gid))
		return choose_configured(PASSWD, OWN_ACCOUNT, uid, gid, error,
		    error_size);
	*how = "the owner of the state directory";
	if (choose_owner(state_fd, uid, gid))
		return true;
	*how = "a number that no account has, from the state directory's path";
	if (choose_dynamic(state_path, false, uid, gid))
		return true;
	(void)snprintf(error, error_size, "no free user id from %u to %u",
	    DYNAMIC_FIRST, DYNAMIC_LAST);
	return false;
}

bool
account_choose_apart(const char *passwd_path, const char *name,
    const char *path, uid_t *uid, gid_t *gid, char *error, size_t error_size)
{
	if (account_find(passwd_path, name, uid, gid))
		return choose_configured(passwd_path, name, uid, gid, error,
		    error_size);
	if (errno != ESRCH && errno != ENOENT) {
		(void)snprintf(error, error_size, "%s: %s", passwd_path,
		    strerror(errno));
		return false;
	}
	if (choose_dynamic(path, true, uid, gid))
		return true;
	(void)snprintf(error, error_size, "no free user id from %u to %u",
	    DYNAMIC_FIRST, DYNAMIC_LAST);
	return false;
}

char *
account_home(const char *passwd_path, uid_t uid, char to[ACCOUNT_HOME_MAX])
{
	struct entry e;

	if (find(passwd_path, 7, NULL, uid, &e) && e.home[0] != '\0')
		memcpy(to, e.home, ACCOUNT_HOME_MAX);
	else
		memcpy(to, "/", 2);
	return to;
}

/* Nothing of what the process was is left, and it can't be got again. */
static bool
is_changed(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	return getresuid(&r, &e, &s) == 0 && r == uid && e == uid &&
	    s == uid && getresgid(&rg, &eg, &sg) == 0 && rg == gid &&
	    eg == gid && sg == gid && getgroups(0, NULL) == 0 &&
	    setuid(0) == -1 && setgid(0) == -1;
}

bool
account_become(uid_t uid, gid_t gid)
{
	if (!is_usable(uid, gid) || uid == NO_ID || gid == NO_ID) {
		errno = EINVAL;
		return false;
	}
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		return false;
	if (is_changed(uid, gid))
		return true;
	errno = EPERM;
	return false;
}
