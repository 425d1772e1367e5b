#!/usr/bin/env python3
"""make hostile: what one uid that does its worst costs another one.  Runs in
the build directory, which is the working directory, as root.

The victim fetches secrets of its own, by connections that it has.  Beside it
somebody who is the owner of another workspace does one thing without an end,
at all his limits, and at last all of them at once.  In each round the victim
is measured with and without each of them, one right after the other; what is
printed are medians of the ratios inside the rounds.

The daemon has one processor, victim and attackers another, where the victim
never waits for them (SCHED_FIFO): so what is measured is what the daemon does
for them, and not what their own programs use.  Both processors are kept awake
(SCHED_IDLE): else a victim without anybody beside it waits for them to wake up,
on a virtual machine for milliseconds.  The victim is measured in two ways:

paced   it asks RATE times a second, as somebody who has work to do besides.
        A time is from when a request was due.  Throughput is how many were
        answered.
closed  one connection asks as soon as it has its answer, so it takes all that
        it can get.  Beside somebody who does the same, half of the daemon is
        each one's share, so no more than half is to be expected.

To reach, paced: throughput at least 0.9, p99 at most 3 times.

Three rows have nothing to do with the daemon, and say what the machine does to
whoever is measured: "disk", where somebody flushes a file of his own as often
as the daemon would let him, "bytes", where he fills one as fast, and "nobody".

HOSTILE_ROUNDS=n   5
HOSTILE_SLICE=n    milliseconds of each measurement, 1000: of fewer requests
                   the worst hundredth is three or four, and then one flush
                   of the disk is all of it
HOSTILE_RATE=n     requests a second, 2000
HOSTILE_ONLY=name  that attack alone
"""
import ctypes
import mmap
import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "system"))

import cofre_wire as wire
import harness
from expect import check, same, show, status

ROUNDS = int(os.environ.get("HOSTILE_ROUNDS", "5"))
SLICE = int(os.environ.get("HOSTILE_SLICE", "1000"))
RATE = int(os.environ.get("HOSTILE_RATE", "2000"))
ONLY = os.environ.get("HOSTILE_ONLY", "")
VICTIM, HOSTILE = 43001, 43002
CAP = 128               # max_connections_per_uid, as it is without a file
CELL = 128              # LOG_CELL
SECRETS = 1000
MANY = 2000             # secrets of the hostile one's, for lists
NAME = "n" * 40 + "-%04d"


# --- the attacks: each is a process, until it is killed --------------------------

class Links:
    """Connections that are all kept busy, and of which all is read."""

    def __init__(self, path, count, greet=True):
        self.socks = []
        for _ in range(count):
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            if greet:
                s.sendall(wire.hello(1))
                s.recv(4096)
            s.setblocking(False)
            self.socks.append(s)

    def flood(self, data, read=True):
        """Send the same over and over; one that is cut is left out."""
        left = {s.fileno(): (s, b"") for s in self.socks}
        poll = select.epoll()
        for fd in left:
            poll.register(fd, select.EPOLLOUT | (select.EPOLLIN if read
                                                 else 0))
        while left:
            for fd, what in poll.poll():
                s, rest = left[fd]
                try:
                    if what & select.EPOLLIN and not s.recv(1 << 18):
                        raise ConnectionResetError
                    if what & select.EPOLLOUT:
                        rest = rest or data
                        left[fd] = s, rest[s.send(rest):]
                except BlockingIOError:
                    pass
                except OSError:
                    poll.unregister(fd)
                    del left[fd]
        signal.pause()


def many(op, count=64, **values):
    return b"".join(wire.request(op, i + 1, **values) for i in range(count))


def fetches(place, ready, cap):
    """Pipelined fetches by all connections."""
    links = Links(place.path, cap)
    ready()
    links.flood(many("secret.get", workspace="h", name=NAME % 1))


def unread(place, ready, cap):
    """Large secrets are asked for, and none is taken."""
    links = Links(place.path, cap)
    ready()
    links.flood(many("secret.get", workspace="h", name="large"), read=False)


def slow_frames(place, ready, cap):
    """The greatest frames, a few bytes at a time."""
    links = Links(place.path, cap)
    head = wire.frame(48, bytes(wire.FRAME_MAX - wire.HEADER))
    for s in links.socks:
        s.send(head[:wire.FRAME_MAX // 2])
    ready()
    while True:
        for s in links.socks:
            try:
                s.send(b"\0")
            except OSError:
                pass


def cold(place, ready, cap):
    """Connect, hello, fetch, close, and at once again."""
    del cap
    data = wire.hello(1) + wire.request("secret.get", 2, workspace="h",
                                        name=NAME % 1)
    ready()
    while True:
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(place.path)
                s.sendall(data)
                s.recv(4096)
            except OSError:
                pass


def over_cap(place, ready, cap):
    """All connections that one may have, and one more, over and over."""
    links = Links(place.path, cap)
    ready()
    while links:
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(place.path)
                s.recv(100)
            except OSError:
                pass


def denied(place, ready, cap):
    """Fetches of the victim's secrets, which are all denied."""
    links = Links(place.path, cap)
    ready()
    links.flood(many("secret.get", workspace="v", name="x" * 120))


def lists(place, ready, cap):
    """Lists of as many secrets as fit a reply."""
    links = Links(place.path, cap)
    ready()
    links.flood(many("secret.list", 8, workspace="h"))


def activity(place, ready, cap):
    """The log, from its beginning."""
    links = Links(place.path, cap)
    ready()
    links.flood(many("activity.read", 8, workspace="h", **{"from": 0,
                                                           "max": 256}))


def watches(place, ready, cap):
    """All connections watch as much as they may, and are woken."""
    items = [dict(name=NAME % i, version=1, followed=0) for i in range(63)] + \
        [dict(name="woken", version=0, followed=0)]
    links = Links(place.path, max(cap - 1, 1))
    c = wire.Connection(place.path)
    ask = wire.request("secret.watch", 7, workspace="h", wait=1, items=items)
    c.put("h", "woken", dict(value=b"0"))
    ready()
    for s in links.socks:
        s.send(ask)
    while True:
        c.put("h", "woken", dict(value=b"x"))
        for s in links.socks:
            try:
                if s.recv(4096):
                    s.send(ask)
            except OSError:
                pass


def agent_lists(place, ready, cap):
    """The agent's socket: lists of keys by all connections."""
    links = Links(place.agent, cap, greet=False)
    ready()
    links.flood(b"\0\0\0\1\x0b" * 64)


def tokens(place, ready, cap):
    """Guesses of the tokens of runs."""
    links = Links(place.path, cap)
    data = b"".join(wire.request("run.attach", i, token="%062d" % i)
                    for i in range(64))
    ready()
    links.flood(data)


def keys(place, ready, cap):
    """Guesses of the key of the vault."""
    links = Links(place.path, cap)
    ready()
    links.flood(many("vault.unlock", key=bytes(32)))


def scans(place, ready, cap):
    """Texts to be looked through for secrets."""
    links = Links(place.path, cap)
    texts = [dict(text=b"%t+t" * 250) for _ in range(65)]
    ready()
    links.flood(many("run.scan", 1, workspace="h", texts=texts))


def writes(place, ready, cap):
    """Durable writes by all connections."""
    links = Links(place.path, cap)
    data = b"".join(wire.request("secret.put", i, workspace="h",
                                 name="w-%d" % (i % 8), kind=wire.GENERIC,
                                 fields=wire.fields(value=b"v" * 256))
                    for i in range(16))
    ready()
    links.flood(data)


def disk(place, ready, cap):
    """Nothing of the daemon: pages of a file of one's own are written, and
    flushed, as often as the daemon lets one uid keep the disk."""
    del cap
    pages = [b"%d" % i * 4096 for i in range(8)]
    fd = os.open(os.path.join(place.own, "pages"), os.O_RDWR | os.O_CREAT,
                 0o600)

    def write():
        begin = time.monotonic()
        for i, page in enumerate(pages):
            os.pwrite(fd, page[:4096], i * 16384)
        os.fdatasync(fd)
        return time.monotonic() - begin
    write()
    ready()
    while True:
        time.sleep(199 * write())


def bytes_(place, ready, cap):
    """Nothing of the daemon: a file of one's own, mapped, is filled as fast as
    the daemon lets one uid fill its log, and flushed as often."""
    del cap
    size, step, rate = 16 << 20, 512 << 10, 4 << 20
    fd = os.open(os.path.join(place.own, "log"), os.O_RDWR | os.O_CREAT, 0o600)
    os.posix_fallocate(fd, 0, size)
    os.fsync(fd)
    at = memoryview(mmap.mmap(fd, size))
    ready()
    begin, done = time.monotonic(), 0
    while True:
        at[done % size:done % size + 4096] = b"%4d" % (done >> 20 & 1023) * 1024
        done += 4096
        if done % step == 0:
            os.fdatasync(fd)
        time.sleep(max(0, begin + done / rate - time.monotonic()))


ATTACKS = [fetches, unread, slow_frames, cold, over_cap, denied, lists,
           activity, watches, agent_lists, tokens, keys, scans, writes]


# --- processes ---------------------------------------------------------------------

class Attackers:
    """Processes of the hostile uid, on the other processor."""

    def __init__(self, place, attacks):
        self.pids = []
        here, there = os.pipe()
        wait, go = os.pipe()
        cap = CAP // max(1, len(attacks))
        for attack in attacks:
            pid = os.fork()
            if pid == 0:
                os.close(here)
                os.close(go)
                self.child(place, attack, cap, there, wait)
            self.pids.append(pid)
        os.close(there)
        os.close(wait)
        for _ in attacks:
            if os.read(here, 1) != b".":
                self.end()
                check(False, "an attack did not begin")
        os.close(here)
        os.close(go)            # all are connected: now they begin

    @staticmethod
    def child(place, attack, cap, there, wait):
        def ready():
            os.write(there, b".")
            os.close(there)
            os.read(wait, 1)
        try:
            for n in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
                signal.signal(n, signal.SIG_DFL)
            signal.alarm(0)
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
            os.sched_setaffinity(0, {place.other})
            os.setgroups([])
            os.setresgid(HOSTILE, HOSTILE, HOSTILE)
            os.setresuid(HOSTILE, HOSTILE, HOSTILE)
            attack(place, ready, cap)
        except BaseException as e:
            sys.stderr.write("%s: %r\n" % (attack.__name__, e))
        finally:
            os._exit(1)

    def end(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.pids = []


def come_first(pid, core):
    """On that processor, before everybody who is not of this kind."""
    os.sched_setaffinity(pid, {core})
    os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(20))


def have_alone(pid, core):
    """On that processor, beside nobody but keep_awake(), whom it displaces at
    once.  Not by SCHED_FIFO: who has all of a processor so is stopped for 50 ms
    of each second (the fair server of Linux 6.12; sched_rt_runtime_us)."""
    os.sched_setaffinity(pid, {core})
    os.setpriority(os.PRIO_PROCESS, pid, -20)


def keep_awake(t, core):
    """A process that does nothing, on that processor, when nobody else wants
    it."""
    pid = os.fork()
    if pid == 0:
        try:
            for n in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
                signal.signal(n, signal.SIG_DFL)
            signal.alarm(0)
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
            os.sched_setaffinity(0, {core})
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            os.closerange(3, 4096)      # others wait for the ends of these
            while True:
                pass
        finally:
            os._exit(1)
    t.undo.append(lambda: (os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)))


class Victim:
    def __init__(self, t, d, core):
        c = t.agent(VICTIM).connect(d.socket)
        answer = status(c.get("v", NAME % 0), "OK")
        data = b"".join(wire.request("secret.get", i, workspace="v",
                                     name=NAME % i) for i in range(SECRETS))
        file = harness.write_file(os.path.join(t.dir, "fetches"), data, 0o644)
        greet = harness.write_file(os.path.join(t.dir, "hello"),
                                   wire.hello(1), 0o644)
        program = t.copy("VICTIM", "./tests/bench/victim")
        self.process = subprocess.Popen(
            [program, d.socket, str(d.pid), file, str(len(data) // SECRETS),
             str(len(answer.data)), greet, str(len(c.greeting.data)), "64"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=VICTIM,
            group=VICTIM, extra_groups=[])
        t.undo.append(self.process.kill)
        come_first(self.process.pid, core)
        same(self.process.stdout.readline(), b"ready\n", "the victim")

    def measure(self, how, n, ms):
        """p50, p99, rate."""
        self.process.stdin.write(b"%s %d %d\n" % (how.encode(), n, ms))
        self.process.stdin.flush()
        line = self.process.stdout.readline().split()
        check(len(line) == 3, "the victim was not served")
        return [float(x) for x in line]

    def both(self):
        return self.measure("paced", RATE, SLICE) + \
            self.measure("closed", 1, SLICE // 2)


# --- the run -----------------------------------------------------------------------

class Place:
    """Where the daemon is, and which processor is whose."""


def set_up(t):
    d = harness.Daemon(t)
    place = Place()
    place.path, place.agent = d.socket, os.path.join(d.dir, "agent")
    place.own = os.path.join(t.dir, "own")
    os.mkdir(place.own, 0o700)
    os.chown(place.own, HOSTILE, HOSTILE)
    d.configure(agent_socket=place.agent)
    d.start()
    cores = sorted(os.sched_getaffinity(0))
    check(len(cores) > 1, "one processor is not enough for this")
    place.core, place.other = cores[-1], cores[-2]
    have_alone(d.pid, place.core)
    root = d.init()
    for w, uid, role in (("v", VICTIM, wire.CONTRIBUTOR),
                         ("h", HOSTILE, wire.OWNER)):
        status(root.call("workspace.create", workspace=w), "OK")
        status(root.call("grant.add", workspace=w, principal=wire.USER,
                         id=uid, role=role), "OK")
    for w, count in (("v", SECRETS), ("h", MANY)):
        for at in range(0, count, 250):
            for r in root.pipeline([("secret.put", dict(
                    workspace=w, name=NAME % i, kind=wire.GENERIC,
                    fields=wire.fields(value=b"x" * 256)))
                    for i in range(at, at + 250)]):
                status(r, "OK")
    status(root.put("h", "large", dict(value=b"L" * 60000)), "OK")
    return d, place, root


def one(place, root, victim, attacks):
    """Ratios of one round: the victim beside them, over without them, and how
    much the log grew, in bytes a second."""
    without = victim.both()
    attackers = Attackers(place, attacks)
    try:
        time.sleep(0.25)                # all are at work, and used to it
        begin, cells = time.monotonic(), root.log_end()
        beside = victim.both()
        cells = root.log_end() - cells
        took = time.monotonic() - begin
    finally:
        attackers.end()
    root.barrier()
    return without, beside, cells * CELL / took


def row(name, rounds):
    def ratio(i):
        return statistics.median(b[i] / w[i] for w, b, _ in rounds)

    def middle(which, i):
        return statistics.median(r[which][i] for r in rounds)
    log = statistics.median(r[2] for r in rounds)
    good = ratio(2) >= 0.9 and ratio(1) <= 3
    show("| %-12s | %4.2f | %7.1f | %7.1f | %6.2f | %7.1f | %7.1f | %6.2f | "
         "%4.2f | %6.2f | %7.0f | %-3s |" %
         (name, ratio(2), middle(0, 0), middle(1, 0), ratio(0), middle(0, 1),
          middle(1, 1), ratio(1), ratio(5), ratio(4), log / 1024,
          "yes" if good else "no"))
    return good


def test(t):
    harness.need_root("the attackers are another user")
    d, place, root = set_up(t)
    victim = Victim(t, d, place.other)
    for core in (place.core, place.other):
        keep_awake(t, core)
    trials = {a.__name__: [a] for a in ATTACKS if ONLY in ("", a.__name__)}
    if not ONLY:
        trials["all"] = ATTACKS
    trials["disk"] = [disk]
    trials["bytes"] = [bytes_]
    trials["nobody"] = []
    found = {name: [] for name in trials}
    order = list(trials)
    chance = harness.seed()
    for _ in range(ROUNDS):
        chance.shuffle(order)
        for name in order:
            found[name].append(one(place, root, victim, trials[name]))
    show("the victim beside each attack, over without it: medians of %d rounds"
         " of %d ms; times in microseconds" % (ROUNDS, SLICE))
    show("")
    show("| attack       | paced: rate | p50 without | beside | ratio | "
         "p99 without | beside | ratio | closed: rate | p99 | log, KiB/s | "
         "reached |")
    show("|%s" % ("---|" * 12))
    bad = [name for name in trials if not row(name, found[name])]
    show("")
    show("not reached: %s" % (", ".join(bad) or "none"))
    d.stop()


harness.main(test, limit=1800)
