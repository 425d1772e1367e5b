"""What strikes at the daemon, and where it can be struck."""
import collections
import errno
import os
import subprocess

import faults
import harness
from expect import check, same

FLUSHES = ("fdatasync", "fsync", "msync")
WAITS = ("epoll_wait", "epoll_pwait")
FULL = (errno.EIO, errno.ENOSPC, errno.EINTR)
ERRORS = {
    **dict.fromkeys(("write", "pwrite64", "writev", "ftruncate", "fallocate",
                     "renameat", "renameat2", "unlinkat") + FLUSHES, FULL),
    **dict.fromkeys(("openat",), FULL + (errno.EMFILE,)),
    **dict.fromkeys(("mmap", "mremap", "munmap", "epoll_ctl", "pidfd_open",
                     "getsockopt"), (errno.ENOMEM,)),
    **dict.fromkeys(("sendto", "recvmsg", "pread64", "epoll_wait",
                     "epoll_pwait"), (errno.EIO, errno.EINTR)),
    **dict.fromkeys(("lseek", "newfstatat", "fcntl", "poll", "ppoll",
                     "ioctl"), (errno.EIO,)),
}
KINDS = ("kill", "error", "short", "allocation")

# kind, way of inject.c, call, which one of them, errno
Point = collections.namedtuple("Point", "kind way name nth value")


class Tracer:
    """inject.c, one for all daemons of a worker."""

    def __init__(self):
        path = harness.program("INJECT", os.path.join(
            os.environ.get("BUILD", "."), "tests/faults/inject"))
        self.p = subprocess.Popen([path], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)

    def say(self, text):
        self.p.stdin.write(text + "\n")
        self.p.stdin.flush()

    def hear(self):
        line = self.p.stdout.readline().split()
        check(line, "the tracer has ended")
        return line

    def arm(self, d, point):
        self.say("follow %d %s %s %d %d" % (d.pid, point.way, point.name,
                                            point.nth, point.value))
        same(self.hear(), ["armed"], "the tracer")

    def end(self):
        """Was it struck; and [(call, size)]."""
        self.say("end")
        first, *calls = self.hear()
        calls = [c.split(":") for c in calls]
        return first == "hit", [(n, int(size)) for n, size in calls]

    def close(self):
        self.p.stdin.close()
        self.p.wait()


class Preload:
    """faults.c, for allocations."""

    def __init__(self, f):
        self.f = f

    def arm(self, d, point):
        self.f.fail(faults.ALLOCATION, point.nth, errno.ENOMEM)

    def end(self):
        count = self.f.none()
        return count, count


class Plan:
    """What a verb begins with, what it does, and where it can be struck."""

    def __init__(self, verb):
        self.verb = verb
        self.image = self.old = self.before = None
        self.live = self.later = None   # after it; and after a restart
        self.fds = collections.Counter()
        self.points = []


def points_of(calls, allocations):
    """Every one that there is."""
    seen, found = collections.Counter(), []
    for name, size in calls:
        seen[name] += 1
        n = seen[name]
        found += [Point("kill", way, name, n, 0)
                  for way in ("before", "after")
                  if way == "before" or name not in WAITS]
        found += [Point("error", "error", name, n, e)
                  for e in ERRORS.get(name, ())]
        if size > 1:
            found.append(Point("short", "short", name, n, 0))
    found += [Point("allocation", "", "", n, errno.ENOMEM)
              for n in range(1, allocations + 1)]
    return found
