#!/usr/bin/env python3
"""make run-end: how long a run's secrets can still be had once its process is
killed.  Runs in the build directory, which is the working directory.

One run after the other: a process of its own that has read its secret as the
run, and another one that has joined the run with its token and fetches that
secret without a pause.  The process gets SIGKILL.  From then on it is
measured, by who has joined, until

- the process is gone, which is the kernel's part, and long on a machine that
  is busy,
- the connection that the process has made, of which somebody else has a
  descriptor too, is closed, and
- the first fetch fails.

It fails when a secret was still given out LATE after the signal.

RUN_END_RUNS=n    how many runs; 1000
"""
import os
import select
import signal
import socket
import sys
import time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "system"))

import cofre_wire as wire
import harness
from expect import Failure, check, show, status

USER = 49102
RUNS = int(os.environ.get("RUN_END_RUNS", "1000"))
LATE = 0.1              # seconds
NEVER = 10.0
SECRET = dict(value=b"of a run")


def start_of(pid):
    with open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(")", 1)[1].split()[19])


# --- the process of a run ------------------------------------------------------

def work(channel, path):
    """Read the secret, hand on a descriptor of the connection, and wait."""
    try:
        channel.recv(1)
        c = wire.Connection(path)
        if c.get("w", "a").values() == SECRET:
            socket.send_fds(channel, [b"x"], [c.socket.fileno()])
            signal.pause()
    finally:
        os._exit(1)


class Worker:
    def __init__(self, path):
        self.channel, there = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self.channel.close()
            work(there, path)
        there.close()
        self.pidfd = os.pidfd_open(self.pid)
        self.kept = None

    def read(self):
        """It is a run by now; afterwards it has read."""
        self.channel.send(b"x")
        fds = socket.recv_fds(self.channel, 1, 1)[1]
        check(len(fds) == 1, "the process of the run got no secret")
        self.kept = socket.socket(fileno=fds[0])

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.pidfd)
        self.channel.close()
        if self.kept is not None:
            self.kept.close()


# --- what is measured ------------------------------------------------------------

def is_given(c):
    try:
        r = c.get("w", "a")
    except (BrokenPipeError, ConnectionResetError):
        return False
    return r is not None and r.ok


def is_ready(thing):
    return select.select([thing], [], [], 0)[0] != []


def is_closed(s):
    if not is_ready(s):
        return False
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True


class Ending:
    """Seconds from the signal on."""

    def __init__(self, worker, joined):
        self.gone = self.closed = self.refused = None
        self.given = []         # when a secret came
        self.begin = time.monotonic()
        os.kill(worker.pid, signal.SIGKILL)
        while None in (self.gone, self.closed, self.refused):
            if self.gone is None and is_ready(worker.pidfd):
                self.gone = self.now()
            if self.closed is None and is_closed(worker.kept):
                self.closed = self.now()
            if self.refused is None:
                self.fetch(joined)
            if self.now() > NEVER:
                raise Failure("a run goes on without its process")

    def now(self):
        return time.monotonic() - self.begin

    def fetch(self, joined):
        given, now = is_given(joined), self.now()
        if given:
            self.given.append(now)
        else:
            self.refused = now


def end_one(c, path):
    worker = Worker(path)
    try:
        f = status(c.call("run.start", workspace="w", target=wire.PROCESS,
                          pid=worker.pid, start=start_of(worker.pid),
                          uid=wire.NO_ID, token=1,
                          secrets=[dict(name="a")]), "OK", "run.start").fields
        joined = wire.Connection(path)
        status(joined.call("run.attach", token=f["token"]), "OK", "the token")
        worker.read()
        check(is_given(joined), "who has joined the run gets no secret")
        ending = Ending(worker, joined)
        joined.close()
    finally:
        worker.end()
    # The token is dead too, for a connection that is new.
    again = wire.Connection(path)
    status(again.call("run.attach", token=f["token"]), "DENIED",
           "the token of a run that is over")
    again.close()
    return ending


def end_all(path, count):
    """In the user's process."""
    c = wire.Connection(path)
    return [end_one(c, path) for _ in range(count)]


# --- what is printed ---------------------------------------------------------------

def row(name, values):
    values = sorted(values)
    n = len(values)
    some = (values[0], values[n // 2], values[min(n - 1, n * 99 // 100)],
            values[-1])
    late = sum(v > LATE for v in values)
    show("| %-40s | %s | %11d |" %
         (name, " | ".join("%7.3f" % (v * 1000) for v in some), late))


def report(ends):
    show("%d runs, each of a process of its own, killed one after the other; "
         "milliseconds after kill -9" % len(ends))
    show("")
    show("| %-40s | %7s | %7s | %7s | %7s | %11s |" %
         ("until", "min", "median", "p99", "max", "over %.0f ms" %
          (LATE * 1000)))
    show("|%s|%s%s:|" % ("-" * 42, "--------:|" * 4, "-" * 12))
    row("the process is gone", [e.gone for e in ends])
    row("the process's own connection is closed", [e.closed for e in ends])
    row("a fetch of who has its token fails", [e.refused for e in ends])
    show("")
    given = [v for e in ends for v in e.given]
    late = sum(v > LATE for v in given)
    show("After the signal secrets were given out %d times, the last time "
         "after %.3f ms; %d times after %.0f ms." %
         (len(given), max(given, default=0) * 1000, late, LATE * 1000))
    check(late == 0, "a run's secret was given out without its process")


def test(t):
    d = t.daemon()
    root = d.init()
    uid = USER if harness.IS_ROOT else os.geteuid()
    check(RUNS > 0, "RUN_END_RUNS is no number of runs")
    status(root.call("workspace.create", workspace="w"), "OK")
    if harness.IS_ROOT:
        status(root.call("grant.add", workspace="w", principal=wire.USER,
                         id=uid, role=wire.CONTRIBUTOR), "OK")
    status(root.put("w", "a", SECRET), "OK")
    report(t.agent(uid).do(end_all, d.socket, RUNS) if harness.IS_ROOT else
           end_all(d.socket, RUNS))
    d.stop()


harness.main(test, limit=3600)
