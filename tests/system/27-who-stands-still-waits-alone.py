#!/usr/bin/env python3
"""Who makes the witness stand still waits for it himself.

A user's processes stand still in the middle of an exec, so that whoever looks
at them does too.  Others get new connections meanwhile; the looks are given
up, and the workers that stood still are replaced.  While such a look is under
way, the vault is locked, workspaces are deleted, and who has asked goes.
"""
import os
import signal
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from stall import Stalls

USER, SECOND, OTHER = 48101, 48102, 48103
VALUE = dict(value=b"not held up")
LOOK = 0.5              # look_timeout
SOON = 1.0              # others are served within
NOTE = "looks into processes were given up"


def keep_connecting(path):
    """New connections until told to stop: how many, and the longest time."""
    import people
    count, longest = 0, 0.0
    while not people.told_to_stop():
        begin = time.monotonic()
        c = wire.Connection(path)
        status(c.get("w", "n"), "OK", "of somebody else")
        longest = max(longest, time.monotonic() - begin)
        c.close()
        count += 1
    return count, longest


class Others:
    """Somebody else, who connects all the time."""

    def __init__(self, agent, d, limit):
        self.agent, self.limit = agent, limit
        agent.start(keep_connecting, d.socket)

    def __enter__(self):
        return self

    def __exit__(self, kind, *error):
        import people
        people.send_message(self.agent.here, "stop")
        self.count, self.longest = self.agent.finish()
        if kind is None:
            check(self.count > 0, "nobody else was served")
            check(self.longest < self.limit, "others waited %.2f s" %
                  self.longest)


def refusal(data):
    """The status of a whole reply, and nothing else, to no request."""
    same(len(data), 16, "bytes that it was answered: %r" % data)
    same(data[8:12], b"\0\0\0\0", "the id of the reply")
    return int.from_bytes(data[12:], "big")


def refused(s, pid, count):
    """All of its connections are, and say why."""
    for i in range(count):
        same(refusal(s.use(pid, "read", i)), wire.STATUS["BUSY"],
             "status of connection %d" % i)


def looks_given_up(root):
    """As the log says."""
    root.barrier()
    return sum(int(e["detail"].split()[0]) for e in root.events()
               if NOTE.encode() in e["detail"])


def whole(d, root):
    """All workers are there, and can look; nothing is left of others."""
    end = time.monotonic() + 20
    while True:
        keeper, workers = harness.witness_of(d)
        states = []
        for pid in workers:
            try:
                with open("/proc/%d/stat" % pid) as f:
                    states.append(f.read().rsplit(")", 1)[1].split()[0])
            except (FileNotFoundError, ProcessLookupError):
                states.append("gone")
        if len(workers) == 4 and set(states) == {"S"}:
            break
        check(time.monotonic() < end, "workers: %r" % states)
        root.barrier()
    for _ in range(8):
        c = d.connect()
        status(c.get("w", "n"), "OK", "afterwards")
        c.close()
    return workers


def held_up(t, d, root):
    """One user's processes: nobody else notices."""
    before = whole(d, root)
    same(root.report()["looks given up"], "0 since the start", "at first")
    with Stalls(t, USER) as s:
        with Others(t.agent(OTHER), d, SOON) as others:
            begin = time.monotonic()
            pids = [s.process(d, 6) for _ in range(2)]
            s.use(pids[0], "shutdown", 1)
            s.use(pids[0], "hello", 2)
            for pid in pids:
                refused(s, pid, 6)
            took = time.monotonic() - begin
        check(took > 12 / 2 * LOOK - 1, "the looks took %.2f s only" % took)
        after = whole(d, root)
        check(set(before) - set(after), "no worker was replaced")
        for pid in set(before) - set(after):
            check(not os.path.exists("/proc/%d" % pid), "an old worker")
        status(t.agent(USER).connect(d.socket).get("w", "n"), "OK",
               "of the same user's other processes")
    end = time.monotonic() + 20
    while looks_given_up(root) < 12:
        check(time.monotonic() < end, "the log does not tell of 12 looks")
    same(looks_given_up(root), 12, "looks in the log")
    same(root.report()["looks given up"], "12 since the start", "the report")
    show("one user's 12 looks took %.1f s; others had %d connections, the "
         "slowest %.0f ms" % (took, others.count, others.longest * 1000))


def all_workers(t, d, root):
    """Two users have all workers: a third one waits for one of them."""
    with Stalls(t, USER) as a, Stalls(t, SECOND) as b:
        with Others(t.agent(OTHER), d, LOOK + SOON) as others:
            pids = [(s, s.process(d, 12)) for s in (a, b)]
            for s, pid in pids:
                refused(s, pid, 12)
        whole(d, root)
    show("with all workers standing still others had %d connections, the "
         "slowest %.0f ms" % (others.count, others.longest * 1000))


def run_of(s, pid, workspace="w"):
    return dict(workspace=workspace, target=wire.PROCESS, pid=pid,
                start=s.starts[pid], uid=wire.NO_ID,
                secrets=[dict(name="n")])


def make(root, workspace):
    status(root.call("workspace.create", workspace=workspace), "OK")
    status(root.put(workspace, "n", VALUE), "OK")


def meanwhile(t, d, root):
    """What can happen while a request waits for a look."""
    with Stalls(t, USER) as s:
        pid = s.process(d)
        ask = d.connect()
        begin = time.monotonic()
        status(ask.call("run.start", **run_of(s, pid)), "BUSY",
               "a run of a process that stands still")
        check(LOOK - 0.1 < time.monotonic() - begin < LOOK + SOON,
              "it took %.2f s" % (time.monotonic() - begin))
        make(root, "x")
        ask.send("run.start", **run_of(s, pid, "x"))
        root.barrier()
        status(root.call("workspace.delete", workspace="x"), "OK")
        r = ask.receive()
        check(r.status_name in ("DENIED", "NOT_FOUND"),
              "in a workspace that was deleted meanwhile: %r" % r)
        ask.send("run.start", **run_of(s, pid))
        root.barrier()
        status(root.call("vault.lock"), "OK")
        status(ask.receive(), "LOCKED", "in a vault that was locked")
        status(root.call("vault.unlock", key=harness.KEY), "OK")
        # Who has asked closes one half, or all; asked once, or twice.
        for how in ("half", "all", "half of two"):
            gone = d.connect()
            gone.send("run.start", **run_of(s, pid))
            if how == "half of two":
                gone.send("run.start", **run_of(s, pid))
            root.barrier()
            if how == "all":
                gone.close()
                continue
            gone.socket.shutdown(1)
            said = gone.receive_all()
            same([r.status_name for r in said],
                 ["BUSY"] * (2 if how == "half of two" else 1), how)
        whole(d, root)
    show("lock, deletion and ends of connections while a look is under way")


def at_unlock(t, d, root):
    """A run whose process stands still is over, and the unlock goes on."""
    with Stalls(t, USER) as s:
        pid = s.prepare(d)
        other = t.agent(OTHER)
        run = status(root.call("run.start", **run_of(s, pid)), "OK").fields
        with open("/proc/%d/stat" % other.pid) as f:
            start = int(f.read().rsplit(")", 1)[1].split()[19])
        status(root.call("run.start", workspace="w", target=wire.PROCESS,
                         pid=other.pid, start=start, uid=wire.NO_ID,
                         secrets=[dict(name="n")]), "OK")
        s.stop(d, pid)
        status(root.call("vault.lock"), "OK")
        begin = time.monotonic()
        status(root.call("vault.unlock", key=harness.KEY), "OK")
        check(time.monotonic() - begin < LOOK + SOON, "the unlock took %.2f s"
              % (time.monotonic() - begin))
        status(root.call("run.renew", workspace="w", run=run["run"],
                         lifetime=60), "RUN_ENDED", "the run of who stands")
        c = other.connect(d.socket)
        status(c.get("w", "n"), "OK", "the run of somebody else")
        status(c.get("w", "m"), "DENIED", "what is not his run's")
        other.end()
    show("an unlock ends the run of who stands still, and no other one")


def at_the_end(t):
    """The daemon's end, and its keeper's, is that of stalled workers."""
    for kill in (signal.SIGTERM, signal.SIGKILL, None):
        d = t.daemon(config=dict(look_timeout=60000))
        d.init().close()
        with Stalls(t, USER) as s:
            s.process(d, 3)
            keeper, workers = harness.witness_of(d)
            fds = [os.pidfd_open(p) for p in workers + [keeper]]
            t.agent(OTHER).connect(d.socket)    # the looks are under way
            os.kill(d.pid if kill else keeper, kill or signal.SIGKILL)
            d.wait()
            for fd in fds:
                check(harness.select.select([fd], [], [], 20)[0],
                      "a process is left")
                os.close(fd)
    show("no worker outlives its daemon or its keeper, standing still or not")


def test(t):
    harness.need_root()
    d = t.daemon()
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    for name in ("n", "m"):
        status(root.put("w", name, VALUE), "OK")
    for uid in (USER, OTHER):
        status(root.call("grant.add", workspace="w", principal=wire.USER,
                         id=uid, role=wire.CONTRIBUTOR), "OK")
    held_up(t, d, root)
    all_workers(t, d, root)
    meanwhile(t, d, root)
    at_unlock(t, d, root)
    d.stop()
    at_the_end(t)


harness.main(test)
