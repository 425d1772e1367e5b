"""What ptrace(2) tells of a process: the filters of its system calls.

Only root may: the daemon's own users can't attach to it.
"""
import contextlib
import ctypes
import errno
import os
import signal

CONT, DETACH, SYSCALL, SEIZE, INTERRUPT = 7, 17, 24, 0x4206, 0x4207
GET_FILTER = 0x420c
TRACE_SYSCALL_GOOD, TRACE_FORK, SUSPEND_SECCOMP = 1, 1 << 1, 1 << 21
SYSCALL_STOP = signal.SIGTRAP | 0x80
WAIT_ALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(what, pid, address=0, data=0):
    result = libc.ptrace(what, pid, address, data)
    if result == -1:
        raise OSError(ctypes.get_errno(), "ptrace: " +
                      os.strerror(ctypes.get_errno()))
    return result


@contextlib.contextmanager
def stopped(tid, options=0):
    """The thread stands still meanwhile."""
    ptrace(SEIZE, tid, 0, options)
    try:
        ptrace(INTERRUPT, tid)
        os.waitpid(tid, WAIT_ALL)
        yield
    finally:
        ptrace(DETACH, tid)


@contextlib.contextmanager
def without_filters(pid):
    """Its filters of system calls are not asked meanwhile, and it runs."""
    ptrace(SEIZE, pid, 0, SUSPEND_SECCOMP)
    try:
        yield
    finally:
        release(pid)


def read_filters(tid, skip=0):
    """The filters of a thread that stands still, the first one first; skip
    are those which its starter had already."""
    found = []
    while True:
        room = ctypes.create_string_buffer(8 * 4096)
        try:
            count = ptrace(GET_FILTER, tid, skip + len(found),
                           ctypes.addressof(room))
        except OSError as e:
            # EINVAL: it has none at all.
            if e.errno not in (errno.ENOENT, errno.EINVAL):
                raise
            return found
        found.append(room.raw[:8 * count])


def own_filters():
    """How many this process has, and whatever it starts."""
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith("Seccomp_filters:"):
                return int(line.split()[1])
    return 0


def threads(pid):
    return [int(n) for n in os.listdir("/proc/%d/task" % pid)]


def filters(pid):
    """{thread: its filters} of a process."""
    found = {}
    for tid in threads(pid):
        with stopped(tid):
            found[tid] = read_filters(tid, own_filters())
    return found


def filters_of_children(pid, count):
    """Trace a process that has stopped itself, and all that it starts, until
    so many of them have ended that had filters: [(id, filters)] of these.
    A process that ends has none any more: they are read at the first system
    call that it makes with them."""
    options = TRACE_FORK | TRACE_SYSCALL_GOOD
    had, ended, traced = {}, [], {pid}
    ptrace(SEIZE, pid, 0, options)
    os.kill(pid, signal.SIGCONT)
    while len(ended) < count:
        tid, status = os.waitpid(-1, WAIT_ALL)
        traced.add(tid)
        if not os.WIFSTOPPED(status):
            traced.discard(tid)
            if tid in had:
                ended.append((tid, had[tid]))
            continue
        number = os.WSTOPSIG(status)
        if number == SYSCALL_STOP and tid not in had:
            found = read_filters(tid, own_filters())
            if found:
                had[tid] = found
        if number in (SYSCALL_STOP, signal.SIGTRAP, signal.SIGSTOP):
            number = 0
        ptrace(CONT if tid == pid or tid in had else SYSCALL, tid, 0,
               number)
    for tid in traced:
        release(tid)
    return ended


def release(tid):
    """No longer trace it, if it is still there."""
    with contextlib.suppress(OSError):
        ptrace(INTERRUPT, tid)
        os.waitpid(tid, WAIT_ALL)
        ptrace(DETACH, tid)
