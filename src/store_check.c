#include "store_check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "sandbox.h"
#include "store.h"
#include "store_file.h"
#include "store_pages.h"

#define REPORT_FD CHECKER_REPORT_FD
#define FILE_FD (REPORT_FD + 1)
#define TEXT_MAX 200u
#define MS 1000

/* A child that reads slower than this hangs: 10 s, and 1 s for each 4 MiB
   that the file has on the disk. */
#define SECONDS 10u
#define SECOND_BYTES (4u << 20)

bool
store_check_file(const char *path, int fd, char *text, size_t text_size)
{
	char why[TEXT_MAX / 2] = "";
	const char *problem = store_file_problem(fd);
	struct stat st;
	void *map;
	bool good;

	if (problem != NULL || fstat(fd, &st) == -1) {
		(void)snprintf(text, text_size, "%s", problem != NULL ?
			problem : strerror(errno));
		return false;
	}
	if (st.st_size == 0)
		return true;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		(void)snprintf(text, text_size, "it can't be mapped: %s",
		    strerror(errno));
		return false;
	}
	good = store_pages_check(map, (size_t)st.st_size, why, sizeof(why));
	(void)munmap(map, (size_t)st.st_size);
	good = good && store_try(path, (uint64_t)st.st_size, why,
	    sizeof(why));
	if (!good)
		(void)snprintf(text, text_size, "it is damaged: %s; "
		    STORE_ADVICE, why);
	return good;
}

/* The report and the file, and nothing else; not standard error, which is
   not needed to say what is wrong. */
static bool
keep_two(int *report, int *file)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2; fd++)
		if (null == -1 || dup2(null, fd) == -1)
			return false;
	/* Up first, so that neither is where the other one goes. */
	*report = fcntl(*report, F_DUPFD_CLOEXEC, FILE_FD + 1);
	*file = fcntl(*file, F_DUPFD_CLOEXEC, FILE_FD + 1);
	if (*report == -1 || *file == -1 ||
	    dup2(*report, REPORT_FD) == -1 || dup2(*file, FILE_FD) == -1)
		return false;
	sandbox_close_from(FILE_FD + 1);
	*report = REPORT_FD;
	*file = FILE_FD;
	return true;
}

struct order {
	const char *path;
	uid_t uid;
	gid_t gid;
	bool required;
	unsigned seconds;
};

static void __attribute__((noreturn))
work(const struct order *o, int report)
{
	char text[TEXT_MAX] = "";
	bool good = false;
	int file = -1;

	sandbox_clear_environment();
	(void)signal(SIGBUS, SIG_DFL);
	if ((geteuid() == 0 && !account_become(o->uid, o->gid)) ||
	    ((file = open(o->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		  O_CLOEXEC)) == -1 && errno != ENOENT) ||
	    (file != -1 && !keep_two(&report, &file)))
		(void)snprintf(text, sizeof(text), "%s", strerror(errno));
	else
		good = file == -1 ||
		    (sandbox_enter_checker(file, o->seconds, o->required, text,
			 sizeof(text)) &&
			store_check_file(o->path, file, text, sizeof(text)));
	(void)!write(report, text, strlen(text));
	_exit(good ? 0 : 1);
}

static int64_t
clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * MS + ts.tv_nsec / 1000000;
}

/* Read what it says, until its end; false when that does not come in time.
   text has room for TEXT_MAX bytes. */
static bool
hear(int report, unsigned seconds, char *text)
{
	int64_t end = clock_ms() + (int64_t)seconds * MS, left;
	struct pollfd p = { .fd = report, .events = POLLIN };
	size_t have = 0;
	ssize_t n;

	while ((left = end - clock_ms()) > 0) {
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(report, text + have, TEXT_MAX - 1 - have);
		if (n > 0)
			have += (size_t)n;
		else if (n == 0 || errno != EINTR)
			break;
	}
	text[have] = '\0';
	/* What it read may have taken it over. */
	for (size_t i = 0; i < have; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
	return left > 0;
}

/* What came of it, as a text; true when it found nothing. */
static bool
judge(int status, bool in_time, char *text)
{
	if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    text[0] == '\0')
		return true;
	if (!in_time || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
		(void)snprintf(text, TEXT_MAX, "it is damaged, or the disk "
		    "is: reading it takes too long; " STORE_ADVICE);
	else if (WIFSIGNALED(status))
		(void)snprintf(text, TEXT_MAX, "it is damaged: a process that "
		    "read it was ended by signal %d; " STORE_ADVICE,
		    WTERMSIG(status));
	else if (text[0] == '\0')
		(void)snprintf(text, TEXT_MAX, "it could not be checked");
	return false;
}

bool
store_check(const char *path, uid_t uid, gid_t gid, bool required,
    char *error, size_t error_size)
{
	struct order o = { path, uid, gid, required, SECONDS };
	char text[TEXT_MAX] = "";
	int report[2], status = 0;
	bool in_time = false;
	struct stat st;
	pid_t pid;

	if (lstat(path, &st) == 0)
		o.seconds += (unsigned)((uint64_t)st.st_blocks * 512 /
		    SECOND_BYTES);
	if (pipe2(report, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		(void)snprintf(error, error_size, "store %s: it can't be "
		    "checked: %s", path, strerror(errno));
		return false;
	}
	if (pid == 0)
		work(&o, report[1]);
	(void)close(report[1]);
	in_time = hear(report[0], o.seconds, text);
	(void)close(report[0]);
	if (!in_time)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (judge(status, in_time, text))
		return true;
	(void)snprintf(error, error_size, "store %s: %s", path, text);
	return false;
}
