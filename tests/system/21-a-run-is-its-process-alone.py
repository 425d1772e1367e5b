#!/usr/bin/env python3
"""A run is one process, and no other one that could be taken for it.

It stays the run when it executes a program; another process that gets its
number is not the run, nor after a restart; who can't be seen from here is
one by its token alone.  And its reads stop when it is killed: how soon is
measured by "make run-end".
"""
import ctypes
import os
import signal
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from people import become, start_of

USER, OTHER = 49101, 49102
ROUNDS = 200
PID_REUSES = 20
CLONE_NEWPID = 0x20000000
PR_SET_PDEATHSIG = 1
TICKS = os.sysconf("SC_CLK_TCK")


def run_of(pid, **more):
    values = dict(workspace="w", target=wire.PROCESS, pid=pid,
                  start=start_of(pid), uid=wire.NO_ID,
                  secrets=[dict(name="a")])
    values.update(more)
    return values


class Child:
    """A process of a user that does something, and waits for its end."""

    def __init__(self, uid, what=lambda: b"r"):
        out, give = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                become(uid)
                # It ends with the test, whatever becomes of that.
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                os.write(give, what())
                signal.pause()
            finally:
                os._exit(1)
        os.close(give)
        self.said = os.read(out, 100)
        os.close(out)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def gone(self):
        os.waitpid(self.pid, 0)


def make(t, d):
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=USER, role=wire.CONTRIBUTOR), "OK")
    for name in ("a", "b"):
        status(root.put("w", name, dict(value=b"of " + name.encode())), "OK")
    return root


def reads_stop(d, root):
    longest = 0.0
    for _ in range(ROUNDS):
        child = Child(USER)
        f = status(root.call("run.start", **run_of(child.pid, uid=0,
                                                   token=1)), "OK").fields
        c = d.connect()
        status(c.call("run.attach", token=f["token"]), "OK")
        status(c.get("w", "a"), "OK")
        child.kill()
        begin = last = time.monotonic()
        while True:
            try:
                r = c.get("w", "a")
            except (BrokenPipeError, ConnectionResetError):
                r = None
            if r is None or not r.ok:
                break
            last = time.monotonic()
            check(last - begin < 20, "a read long after kill -9")
        longest = max(longest, last - begin)
        child.gone()
        c.close()
    show("%d runs: no read later than %.2f ms after kill -9" %
         (ROUNDS, longest * 1000))


def an_exec_changes_nothing(t, d, root):
    """The command connects for itself, as the process that the run is of."""
    out, give = os.pipe()
    wait, go = os.pipe()
    cofre = t.cofre()
    pid = os.fork()
    if pid == 0:
        try:
            become(USER)
            os.write(give, b"r")
            os.read(wait, 1)
            os.dup2(give, 1)
            os.execv("/bin/sh", ["sh", "-c", "%s --socket %s get w/b && "
                                 "echo b; exec %s --socket %s get w/a" %
                                 (cofre, d.socket, cofre, d.socket)])
        finally:
            os._exit(1)
    os.read(out, 1)
    run = status(root.call("run.start", **run_of(pid)), "OK").fields["run"]
    os.write(go, b"g")
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0,
         "exit code of the run's process")
    os.close(give)
    # Its child is another process: it has the rights of its user.
    same(os.read(out, 100), b"of bb\nof a", "what they get")
    end = time.monotonic() + 10
    while True:
        f = status(root.call("run.show", workspace="w", run=run), "OK").fields
        if f["state"] == wire.OVER:
            break
        check(time.monotonic() < end, "the run goes on without its process")
    same(f["reads"], 1, "reads of the run")
    show("a run's process may execute another program; its child is not it")


def next_pid(pid):
    with open("/proc/sys/kernel/ns_last_pid", "w") as f:
        f.write(str(pid - 1))


def asks(d, names=("a", "b")):
    c = d.connect()
    return " ".join(c.get("w", n).status_name for n in names).encode()


def another_with_its_number(d, root):
    """While the daemon watches, and while it does not."""
    if not os.access("/proc/sys/kernel/ns_last_pid", os.W_OK):
        show("the kernel lets no process id be chosen: not tried")
        return root
    hits = 0
    for n in range(PID_REUSES):
        child = Child(USER)
        values = run_of(child.pid)
        run = status(root.call("run.start", **values), "OK").fields["run"]
        if n % 5 == 0:
            d.kill()
        child.kill()
        child.gone()
        # Two that begin in one tick of the clock look alike.
        while time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS < \
                values["start"] + 1:
            pass
        next_pid(child.pid)
        if n % 5 == 0:
            thief = Child(OTHER, lambda: b"r")
            d.start()
            root = d.connect()
            status(root.call("vault.unlock", key=harness.KEY), "OK")
            f = status(root.call("run.show", workspace="w", run=run), "OK")
            same(f.fields["state"], wire.OVER, "a run whose number is used")
        else:
            thief = Child(OTHER, lambda: asks(d))
            same(thief.said, b"DENIED DENIED", "with the number of a run")
        hits += thief.pid == child.pid
        status(root.call("run.start", **values), "NO_PROCESS",
               "a run for a process that is gone")
        thief.kill()
        thief.gone()
    check(hits > 0, "the process id was never the same")
    show("%d of %d processes got the number of a run, none was it" %
         (hits, PID_REUSES))
    return root


def inside(pid, what):
    """Do it in the PID namespace of a process; what it writes."""
    libc = ctypes.CDLL(None, use_errno=True)
    out, give = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            fd = os.open("/proc/%d/ns/pid" % pid, os.O_RDONLY)
            if libc.setns(fd, CLONE_NEWPID) != 0:
                os._exit(1)
            if os.fork() == 0:
                os.write(give, what())
        finally:
            os._exit(0)
    os.close(give)
    os.waitpid(middle, 0)
    said = os.read(out, 100)
    os.close(out)
    return said


def who_is_not_seen(t):
    """A daemon in a PID namespace: outside of it only the token counts."""
    d = harness.Daemon(t, prefix=("unshare", "--pid", "--fork",
                                  "--kill-child", "--mount-proc"))
    d.start()
    with open("/proc/%d/task/%d/children" % (d.pid, d.pid)) as f:
        child = int(f.read().split()[0])

    def start():
        root = make(t, d)
        return status(root.call("run.start", workspace="w", token=1, uid=0,
                                target=wire.TOKEN_ONLY,
                                secrets=[dict(name="a")]), "OK").fields[
                                    "token"]
    token = inside(child, start)
    same(len(token), 57, "the token")
    c = d.connect()
    status(c.get("w", "a"), "DENIED", "who can't be seen")
    status(c.call("run.attach", token=token), "OK", "with the token")
    status(c.get("w", "a"), "OK", "with the token")
    status(c.get("w", "b"), "DENIED", "what the run has not")
    status(c.call("vault.lock"), "DENIED")
    c.close()
    os.kill(child, signal.SIGKILL)
    d.kill()
    show("who can't be seen is a run by its token alone")


def test(t):
    harness.need_root()
    d = t.daemon()
    root = make(t, d)
    an_exec_changes_nothing(t, d, root)
    root = another_with_its_number(d, root)
    reads_stop(d, root)
    who_is_not_seen(t)


harness.main(test, limit=180)
