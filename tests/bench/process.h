/*
 * process: the servers as processes: started, pinned to a processor, their
 * processor time read, and ended, by their own id.
 */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct slice;

/*
 * Fork.  In the child, which gets the signals that the parent blocks and
 * dies with it, the return value is 0; in the parent it is the child's id,
 * which is noted in the file "pids" of dir for whoever has to clean up when
 * the parent can't.  -1, with a message, when it fails.
 */
pid_t process_fork(const char *dir);

/* Start a program; what it prints goes to the file log.  -1 as above. */
pid_t process_start(const char *dir, char *const argv[], const char *log);

/* Ask it to end, with SIGTERM, and wait; after 10 seconds force it.  Nothing
   happens to an id that is not positive. */
void process_stop(pid_t pid);

/* Wait until somebody listens at path.  False, with a message, when the
   process has ended, or after 30 seconds. */
bool process_await(pid_t pid, const char *path);

/* True when it has ended; it is reaped then. */
bool process_is_gone(pid_t pid);

/* Let all of its threads run on that processor alone; pid 0 is the caller.
   False with a message. */
bool process_pin(pid_t pid, int cpu);

/* Nanoseconds of processor time that all of its threads have had. */
uint64_t process_cpu(pid_t pid);

/*
 * Run the program again and again for ns nanoseconds, one after the other,
 * its output to nowhere.  *s tells how long it took from start to end.
 * False, with a message, when it can't be run or does not exit with 0.
 */
bool process_repeat(char *const argv[], uint64_t ns, struct slice *s);

#endif
