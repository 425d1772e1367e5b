#include "process.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "stats.h"

#define RUNS_MAX 4096u

static void
note(const char *dir, pid_t pid)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/pids", dir);
	if ((f = fopen(path, "a")) == NULL)
		return;
	(void)fprintf(f, "%d\n", (int)pid);
	(void)fclose(f);
}

pid_t
process_fork(const char *dir)
{
	pid_t parent = getpid(), pid;
	sigset_t none;

	(void)fflush(NULL);
	if ((pid = fork()) == -1)
		warn("fork");
	if (pid > 0)
		note(dir, pid);
	if (pid != 0)
		return pid;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

pid_t
process_start(const char *dir, char *const argv[], const char *log)
{
	pid_t pid = process_fork(dir);
	int fd;

	if (pid != 0)
		return pid;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(fd, STDERR_FILENO) == -1)
		_exit(126);
	(void)execv(argv[0], argv);
	warn("%s", argv[0]);
	_exit(127);
}

bool
process_is_gone(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) != 0;
}

bool
process_await(pid_t pid, const char *path)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	for (int i = 0; i < 6000; i++) {
		if (dial_probe(path))
			return true;
		if (process_is_gone(pid))
			break;
		(void)nanosleep(&pause, NULL);
	}
	warnx("nobody listens at %s", path);
	return false;
}

void
process_stop(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	if (pid <= 0)
		return;
	(void)kill(pid, SIGTERM);
	for (int i = 0; i < 2000; i++) {
		if (process_is_gone(pid))
			return;
		(void)nanosleep(&pause, NULL);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static bool
pin_one(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(tid, sizeof(set), &set) == 0)
		return true;
	warn("can't pin %d to processor %d", (int)tid, cpu);
	return false;
}

bool
process_pin(pid_t pid, int cpu)
{
	char path[64];
	struct dirent *e;
	bool good = true;
	DIR *d;

	if (pid == 0)
		return pin_one(0, cpu);
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	if ((d = opendir(path)) == NULL) {
		warn("%s", path);
		return false;
	}
	while (good && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			good = pin_one((pid_t)atoi(e->d_name), cpu);
	(void)closedir(d);
	return good;
}

uint64_t
process_cpu(pid_t pid)
{
	struct timespec ts = { .tv_sec = 0 };
	clockid_t clock;

	if (pid <= 0 || clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &ts) == -1)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool
run_once(char *const argv[], const posix_spawn_file_actions_t *actions)
{
	static char *const environment[] = { NULL };
	int rc, status;
	pid_t pid;

	rc = posix_spawn(&pid, argv[0], actions, NULL, argv, environment);
	if (rc != 0) {
		warnx("%s: %s", argv[0], strerror(rc));
		return false;
	}
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0)
		return true;
	warnx("%s: did not exit with 0", argv[0]);
	return false;
}

bool
process_repeat(char *const argv[], uint64_t ns, struct slice *s)
{
	uint32_t took[RUNS_MAX];
	uint64_t start = stats_clock(), at = start, end;
	posix_spawn_file_actions_t actions;
	bool good = true;
	size_t n = 0;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
	    "/dev/null", O_WRONLY, 0);
	do {
		good = run_once(argv, &actions);
		end = stats_clock();
		took[n++] = (uint32_t)(end - at);
		at = end;
	} while (good && at - start < ns && n < RUNS_MAX);
	(void)posix_spawn_file_actions_destroy(&actions);
	load_summarise(s, took, n, n, at - start, 0);
	return good;
}
