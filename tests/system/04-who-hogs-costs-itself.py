#!/usr/bin/env python3
"""A peer that sends slowly, does not read, opens connections without end,
or takes the last descriptor costs itself: its connections are cut or
refused, and somebody else is served meanwhile, from bounded memory."""
import array
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from people import Bystander, send_message, start_of, told_to_stop

TIMEOUT = 400           # ms: request_timeout of the daemon
PER_UID, TOTAL = 20, 64
HOGS = 110              # of a uid that may have as many as without a file
LIMITS = dict(request_timeout=TIMEOUT, max_connections=TOTAL,
              max_connections_per_uid=PER_UID)
VALUE = dict(value=b"a small one")
LARGE = dict(value=b"L" * 60000)
OWNERS = range(44001, 44008)
STRANGER = 44020


def wait_end(c, limit=10.0):
    """Seconds until the daemon closes the connection, and what it said."""
    begin = time.monotonic()
    c.socket.settimeout(limit)
    replies = [r.status_name for r in c.receive_all()]
    return time.monotonic() - begin, replies


# --- the disk ---------------------------------------------------------------

def no_wait_for_the_disk(t, d, root):
    """Who may do nothing has the log flushed, and nobody waits for that."""
    if "no asynchronous I/O" in d.stderr():
        show("the kernel flushes nothing ahead for cofred: not tried")
        return
    c = t.agent(STRANGER).connect(d.socket)
    calls = os.path.join(t.dir, "calls")
    p = harness.traced(d, "-o", calls, "-e",
                       "trace=fdatasync,io_submit,sendto")
    for op, want, values in (
            ("vault.lock", "DENIED", {}),
            ("vault.unlock", "DENIED", dict(key=b"k" * 32)),
            ("workspace.create", "DENIED", dict(workspace="x")),
            ("workspace.create", "INVALID", dict(workspace="")),
            ("workspace.purge", "DENIED", dict(workspace="w"))) * 4:
        status(c.call(op, **values), want, op)
    status(root.call("slot.remove", slot=9), "NOT_FOUND", "an operator's")
    p.terminate()
    p.wait()
    c.close()
    with open(calls) as f:
        made = re.findall(r"^(\w+)\(", f.read(), re.M)
    first = made.index("fdatasync")
    same(made[:first].count("sendto"), 20, "answers before the first flush")
    same(made[0], "io_submit", "before the first answer: %r" % made)
    same(made[first:].count("sendto"), 1, "answers after it: %r" % made)
    show("who may do nothing makes nobody wait for the disk")


# --- slow -------------------------------------------------------------------

def dribble(path, data, greet, gap):
    """A byte now and then, far too slowly: when, and how it ends."""
    c = wire.Connection(path, greet=greet)
    begin = time.monotonic()
    sent = 0
    c.socket.settimeout(0)
    while time.monotonic() < begin + 20:
        if select.select([c.socket], [], [], gap)[0]:
            c.socket.settimeout(5)
            replies = [r.status_name for r in c.receive_all()]
            return time.monotonic() - begin, sent, replies
        try:
            c.socket.send(data[sent % len(data):sent % len(data) + 1])
            sent += 1
        except (BrokenPipeError, ConnectionResetError):
            c.socket.settimeout(5)
            return time.monotonic() - begin, sent, [
                r.status_name for r in c.receive_all()]
    return 20.0, sent, ["never cut"]


def say_nothing(path):
    return wait_end(wire.Connection(path, greet=False))


def stay_idle(path):
    """A greeted connection with nothing to ask may stay."""
    c = wire.Connection(path)
    readable = select.select([c.socket], [], [], 3 * TIMEOUT / 1000)[0]
    check(not readable, "an idle connection is closed")
    status(c.get("w", "n"), "OK", "after a pause")


def slow(t, d, root):
    a, b = t.agent(44001), t.agent(44002)
    b.start(stay_idle, d.socket)
    get = wire.request("secret.get", 1, workspace="w", name="n")
    mark = root.log_end()
    for what, data, greet, want in (
            ("a slow hello", wire.hello(), False, [["BAD_FRAME"]]),
            ("a slow request", get, True, [["BAD_FRAME"]]),
            ("a slow length", b"\0\1\xff\xfc" + bytes(99), True,
             [["BAD_FRAME"]])):
        took, sent, replies = a.do(dribble, d.socket, data, greet, 0.03)
        check(sent < len(data), what + " came through whole")
        check(replies in want, "%s ends with %s" % (what, replies))
        check(TIMEOUT / 1000 * 0.9 < took < TIMEOUT / 1000 + 3,
              "%s was cut after %.2f s" % (what, took))
        show("%s: cut after %d ms, %d bytes in (the limit is %d ms)" %
             (what, took * 1000, sent, TIMEOUT))
    took, replies = a.do(say_nothing, d.socket)
    same(replies, [], "to a peer that says nothing")
    check(took < TIMEOUT / 1000 + 3, "silence was cut after %.2f s" % took)
    b.finish()
    slow_notes = [e for e in root.events(start=mark) if e["uid"] == 44001
                  and e["detail"] == b"too slow"]
    same(len(slow_notes), 3, "records of slow peers")
    show("silence before hello: cut; an idle connection stays")


# --- not reading ------------------------------------------------------------

def never_read(path, connections, limit):
    """Ask for large secrets on many connections, and take none of them.

    How many bytes of requests the daemon took, and how many connections it
    has cut after limit seconds."""
    ask = b"".join(wire.request("secret.get", i, workspace="w", name="large")
                   for i in range(2000))
    socks = []
    for _ in range(connections):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.setblocking(False)
        s.send(wire.hello())
        socks.append(s)
    took, end = 0, time.monotonic() + limit
    left = {s: ask * 4 for s in socks}
    gone = set()
    while len(gone) < len(socks) and time.monotonic() < end:
        writable = select.select([], [s for s in socks if s not in gone],
                                 [], 0.05)[1]
        for s in writable:
            try:
                n = s.send(left[s][:65536])
                took += n
                left[s] = left[s][n:] or ask
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                gone.add(s)
    for s in socks:
        s.close()
    return took, len(gone)


def keeps_serving(t, d, root, hogs, what, limit):
    """Hogs that never read, and somebody else who is served all the time."""
    before = d.rss()
    agents = [t.agent(uid) for uid in hogs]
    for a in agents:
        a.start(never_read, d.socket, PER_UID if len(hogs) == 1 else 8, 15)
    with Bystander(t.agent(44007), d, "w", "n", VALUE, limit) as b:
        done = [a.finish() for a in agents]
    for a in agents:
        a.end()
    took, cut = sum(n for n, _ in done), sum(n for _, n in done)
    same(cut, PER_UID if len(hogs) == 1 else 8 * len(hogs),
         "connections of hogs that were cut")
    grown = d.rss() - before
    check(grown < 8192 or t.has_sanitizer(), "%d KiB more" % grown)
    check(root.get("w", "large").values() == LARGE, "a large one after that")
    show("%s: %d KiB of requests taken, all cut; a bystander was served %d "
         "times and waited %.0f ms at most; %d KiB more memory" %
         (what, took >> 10, b.count, b.longest * 1000, grown))


def answer_no_more(path, timeout):
    """Each connection has had all the replies that fit its socket, and the
    beginning of a frame; then all frames are whole, and nobody reads.  Others
    have half a frame, and no more.  How many of these are open when both must
    be cut."""
    large, huge = (wire.request("secret.get", 1, workspace="w", name=n)
                   for n in ("large", "huge"))

    def connect(more):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.sendall(wire.hello() + more)
        return s
    hogs = [connect(large * 3 + huge[:5]) for _ in range(HOGS)]
    halves = [connect(b"") for _ in range(8)]
    for s in halves:
        s.recv(4096)
        s.sendall(huge[:5])
    time.sleep(0.5)             # what they have asked for is on its way
    for s in hogs:
        try:
            s.sendall(huge[5:])
        except (BrokenPipeError, ConnectionResetError):
            pass                # it was late, on a busy machine, and is cut
    cut, end = 0, time.monotonic() + 3 * timeout
    poll = select.poll()
    for s in halves:
        poll.register(s, select.POLLRDHUP)
    while cut < len(halves) and time.monotonic() < end:
        for fd, _ in poll.poll(100):
            poll.unregister(fd)
            cut += 1
    return len(halves) - cut


def one_after_the_other(t):
    """Nobody gets at all buffers by leaving one reply after the other lying;
    and no half a frame outlives its time."""
    d = t.daemon(dict(request_timeout=2000))
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    for uid in OWNERS:
        status(root.call("grant.add", workspace="w", principal=wire.USER,
                         id=uid, role=wire.OWNER), "OK")
    status(root.put("w", "n", VALUE), "OK")
    status(root.put("w", "large", LARGE), "OK")
    status(root.put("w", "huge", dict(a=b"A" * 60000, b=b"B" * 60000)), "OK")
    a = t.agent(44001)
    with Bystander(t.agent(44007), d, "w", "n", VALUE, 1.0) as b:
        same(a.do(answer_no_more, d.socket, 2.0), 0,
             "connections with half a frame that are not cut")
    a.end()
    show("%d connections with a reply that nobody takes: a bystander was "
         "served %d times and waited %.0f ms at most" %
         (HOGS, b.count, b.longest * 1000))
    d.stop()


# --- at once ------------------------------------------------------------------

def ask_at_once(path, connections, data, answers, size):
    """Send the same on all connections, and take what comes: how many of
    them had that many answers, of so many bytes, in time."""
    left, got = {}, {}
    for _ in range(connections):
        s = wire.Connection(path).socket
        s.setblocking(False)
        left[s], got[s] = data, 0
    end = time.monotonic() + 20
    while time.monotonic() < end:
        open_ = [s for s in got if got[s] < answers * size]
        if not open_:
            break
        readable, writable = select.select(
            open_, [s for s in open_ if left[s]], [], 0.1)[:2]
        for s in writable:
            left[s] = left[s][s.send(left[s]):]
        for s in readable:
            got[s] += len(s.recv(1 << 20))
    for s in got:
        s.close()
    return sum(n == answers * size for n in got.values())


def at_once(t):
    """What is half there on one connection waits for the rest, and never for
    the buffers of its neighbours."""
    d = t.daemon(dict(request_timeout=5000, buffer_memory="512K"))
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=44001, role=wire.OWNER), "OK")
    status(root.put("w", "large", LARGE), "OK")
    big = wire.request("secret.put", workspace="w", name="big",
                       fields=wire.fields(a=b"A" * 60000, b=b"B" * 60000))
    many = wire.request("status", 1) * 5400
    a = t.agent(44001)
    for n in (1, PER_UID):
        same(a.do(ask_at_once, d.socket, n, big, 1, 20), n,
             "connections whose large request was answered")
        same(a.do(ask_at_once, d.socket, n, many, 5400, 17), n,
             "connections whose many requests were answered")
    a.end()
    d.stop()
    show("%d connections at once, with more requests than there are buffers: "
         "all answered" % PER_UID)


# --- without end ------------------------------------------------------------

def connect_many(path, n):
    """Open n connections, keep them: how many work, and what others got."""
    kept, refused = [], []
    for _ in range(n):
        c = wire.Connection(path, greet=False)
        try:
            c.send_raw(wire.hello())
        except BrokenPipeError:
            pass
        r = c.receive()
        if r is not None and r.ok:
            kept.append(c)
        else:
            refused.append(r and r.status_name)
            same(c.receive(), None, "behind a refusal")
            c.close()
    connect_many.kept = kept
    return len(kept), refused


def let_go():
    for c in connect_many.kept:
        c.close()
    connect_many.kept = []


def without_end(t, d, root):
    mark = root.log_end()
    hogs = [t.agent(uid) for uid in (44001, 44002, 44003)]
    for a in hogs:
        kept, refused = a.do(connect_many, d.socket, 200)
        same(kept, PER_UID, "connections of a uid")
        same(set(refused), {"LIMIT"}, "what the others got")
        status(t_fetch(t, d), "OK", "somebody else")
    # The three have 60 of 64: with root's there are 3 left for all others.
    last = t.agent(44004)
    kept, refused = last.do(connect_many, d.socket, 30)
    same(kept, TOTAL - 3 * PER_UID - 1, "connections up to the total")
    same(set(refused), {"LIMIT"}, "what the others got")
    status(root.call("status"), "OK", "a connection that was there")
    hogs[0].do(let_go)
    root.barrier()
    kept, refused = hogs[0].do(connect_many, d.socket, PER_UID)
    same((kept, refused), (PER_UID, []), "connections after others ended")
    for a in hogs + [last]:
        a.end()
    root.barrier()
    status(t_fetch(t, d), "OK", "somebody else, at the end")
    noted = 0
    end = time.monotonic() + 5
    while noted < 3 * (200 - PER_UID) and time.monotonic() < end:
        noted = sum(int(e["detail"].split()[0])
                    for e in root.events(start=mark)
                    if e["type"] == wire.NOTE and
                    e["detail"].endswith(b"connections refused"))
    check(noted >= 3 * (200 - PER_UID), "%d refusals noted" % noted)
    show("600 connections of three uids: %d each, the rest refused with a "
         "status; the total of %d holds too; %d refusals are in the log" %
         (PER_UID, TOTAL, noted))


def t_fetch(t, d):
    a = t.agent(44007)
    r = a.connect(d.socket).get("w", "n")
    a.end()
    return r


# --- descriptors ------------------------------------------------------------

def connect_silently(path, n):
    """Connect n times; nobody answers yet."""
    connect_silently.kept = []
    for _ in range(n):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(path)
        try:
            s.send(wire.hello())
        except BrokenPipeError:
            pass        # refused already
        connect_silently.kept.append(s)
    return len(connect_silently.kept)


def answered():
    """What they have been answered, without waiting: [status or None]."""
    waiting = set(connect_silently.kept)
    waiting -= set(select.select(connect_silently.kept, [], [], 0)[0])
    return [None if s in waiting else
            wire.Reply(s.recv(4096, socket.MSG_PEEK)).status_name
            for s in connect_silently.kept]


def has_pidfds(root):
    return root.report()["peer process"].startswith("pidfd")


def out_of_descriptors(t, limit):
    """A daemon that was given few descriptors, and more peers than those."""
    d = t.daemon(dict(max_connections_per_uid=PER_UID), uid=44900,
                 prefix=["prlimit", "--nofile=%d:%d" % (limit, limit)])
    check("descriptors: max_connections is" in d.stderr(),
          "nothing is said of so few descriptors")
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.put("w", "n", VALUE), "OK")
    fds = len(d.fds())
    a = t.agent(44005)
    a.do(connect_silently, d.socket, PER_UID)
    status(root.get("w", "n"), "OK", "a connection that was there")
    cpu, begin = d.cpu(), time.monotonic()
    select.select([], [], [], 1.5)
    used = (d.cpu() - cpu) / (time.monotonic() - begin)
    check(used < 0.1, "%d%% of a processor without descriptors" %
          (used * 100))
    before = a.do(answered)
    check("OK" in before, "nobody is served")
    check(before.count("OK") < PER_UID, "there are descriptors for all")
    check(set(before) <= {"OK", "LIMIT", None}, "answers: %s" % before)
    status(root.get("w", "n"), "OK", "a connection that was there, later")
    lacking = [e for e in root.events() if e["uid"] == 44005 and
               e["type"] == wire.CONNECTION and e["flags"] & 8]
    check(not lacking or not has_pidfds(root),
          "%d connections were taken without their pidfd, for want of a "
          "descriptor: they would outlive their process" % len(lacking))
    a.end()
    root.barrier()
    b = t.agent(44006)
    same(b.do(connect_silently, d.socket, 2), 2, "connections after that")
    end = time.monotonic() + 10
    while b.do(answered) != ["OK"] * 2 and time.monotonic() < end:
        root.barrier()
    same(b.do(answered), ["OK"] * 2, "peers served once there is room")
    b.end()
    root.barrier()
    same(len(d.fds()), fds, "descriptors at the end")
    d.stop()
    show("descriptors for %d of %d connections: %.1f%% of a processor; "
         "%d wait, %d are refused; others are served as soon as there is "
         "room" % (before.count("OK"), PER_UID, used * 100,
                   before.count(None), before.count("LIMIT")))


# --- descriptors that are sent ----------------------------------------------

def send_descriptors(path):
    c = send_descriptors.kept = wire.Connection(path)
    refused = 0
    for count in (1, 8, 64, 253):
        fds = array.array("i", [0] * count)
        data = wire.request("status", count)
        try:
            c.socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                       fds)])
        except PermissionError:
            refused += 1
            c.send_raw(data)
        status(c.receive(), "OK", "a request with descriptors")
    return refused


def descriptors(t, d, root):
    before = d.settled(root)
    a = t.agent(44006)
    refused = a.do(send_descriptors, d.socket)
    # Its socket, its pidfd, and what its process is watched with.
    same(len(d.fds()), before + 3, "descriptors of the daemon")
    a.end()
    show("sent descriptors: %d of 4 messages refused by the kernel, none "
         "is kept" % refused)


def crowd(path, rounds):
    """Connect, ask, and go away in the middle."""
    r = bytes(range(256))
    for i in range(rounds):
        c = wire.Connection(path)
        c.send_raw(wire.request("secret.get", i, workspace="w",
                                name="large") * 3 + r[:i % 12])
        c.close()


def gone_before_reply(t, d, root):
    a = t.agent(44006)
    a.do(crowd, d.socket, 300)
    a.end()
    root.barrier()
    same(root.report()["connections"].split()[0], "1", "connections left")
    status(root.get("w", "n"), "OK")
    show("300 peers gone before their replies: nothing is left of them")


# --- refused again and again --------------------------------------------------

def many_times(c, frames, n):
    """n requests, a hundred at a time: what came back."""
    got = {}
    for _ in range(n // 100):
        c.send_raw(frames)
        for _ in range(100):
            name = c.receive().status_name
            got[name] = got.get(name, 0) + 1
    return got


def ask_in_vain(path, n):
    """Requests that are denied."""
    frame = wire.request("secret.get", 1, workspace="w", name="n")
    return many_times(wire.Connection(path), frame * 99 +
                      wire.request("vault.lock", 1), n)


def ask_for_nothing(path, n):
    """Operations that there are none of."""
    frame = wire.request("status", 1)
    return many_times(wire.Connection(path),
                      (frame[:6] + b"\x7f\xfe" + frame[8:]) * 100, n)


def ask_as_another(path, n):
    """What any process may ask, by another one, and it is no request."""
    c = wire.Connection(path)
    frame = wire.frame(wire.OPERATIONS["status"][0], b"garbage", 1)
    pid = os.fork()
    if pid == 0:
        try:
            got = many_times(c, frame * 100, n)
            os._exit(0 if got == {"BAD_FRAME": n} else 1)
        finally:
            os._exit(1)
    return {"BAD_FRAME": n} if os.waitpid(pid, 0)[1] == 0 else {}


def refused(t, d, root):
    """What is refused can't fill the log, and none of it is left out."""
    n, uid = 20000, 44099
    start = root.log_end()
    same(t.agent(uid).do(ask_in_vain, d.socket, n), {"DENIED": n}, "replies")
    end = time.monotonic() + 10
    total = 0
    while total < n:
        check(time.monotonic() < end, "%d of %d are in the log" % (total, n))
        events = [e for e in root.events(start=start) if e["uid"] == uid and
                  e["type"] == wire.REQUESTED]
        total = sum(e["version"] if e["flags"] & wire.REPEATED else 1
                    for e in events)
    same(total, n, "refused requests in the log")
    same({e["status"] for e in events}, {wire.STATUS["DENIED"]}, "status")
    by_op = {}
    for e in events:
        by_op[e["op"]] = by_op.get(e["op"], 0) + (
            e["version"] if e["flags"] & wire.REPEATED else 1)
    same(by_op, {wire.OPERATIONS["secret.get"][0]: n - n // 100,
                 wire.OPERATIONS["vault.lock"][0]: n // 100}, "by operation")
    check(len(events) < 1000, "%d records" % len(events))
    # The next user's are recorded one by one, as ever.
    start = root.log_end()
    other = t.agent(uid + 1).connect(d.socket)
    for _ in range(20):
        status(other.get("w", "n"), "DENIED")
    same(len([e for e in root.events(start=start) if e["uid"] == uid + 1 and
              e["type"] == wire.REQUESTED]), 20, "records of another user")
    # What was counted last is recorded at the end.
    t.agent(uid).do(ask_in_vain, d.socket, 1000)
    d.stop()
    d.start()
    root = d.connect()
    status(root.call("vault.unlock", type=wire.KEYFILE, key=harness.KEY),
           "OK")
    events = [e for e in root.events(start=start) if e["uid"] == uid and
              e["type"] == wire.REQUESTED]
    same(sum(e["version"] if e["flags"] & wire.REPEATED else 1 for e in events),
         1000, "refused requests before a stop")
    for who, ask, answer in ((uid + 2, ask_for_nothing, "UNKNOWN_OPERATION"),
                             (uid + 3, ask_as_another, "BAD_FRAME")):
        start = root.log_end()
        same(t.agent(who).do(ask, d.socket, n), {answer: n}, "replies")
        count = len([e for e in root.events(start=start) if e["uid"] == who])
        check(count < 1000, "%d records of %s" % (count, answer))
    show("%d refused requests: all of them counted, in fewer than 1000 "
         "records" % n)


def put_all(path, seconds):
    c, n, end = wire.Connection(path), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        status(c.put("w", "b", VALUE), "OK")
        n += 1
    return n


def keep_asking_in_vain(path):
    c = wire.Connection(path)
    while not told_to_stop(0.02):
        status(c.get("w", "n"), "DENIED")


def start_runs(path, n):
    c = wire.Connection(path)
    start_runs.kept = [subprocess.Popen(["sleep", "1000"]) for _ in range(n)]
    for p in start_runs.kept:
        status(c.call("run.start", workspace="w", target=wire.PROCESS,
                      pid=p.pid, start=start_of(p.pid), uid=wire.NO_ID,
                      secrets=[dict(name="n")]), "OK")


def end_runs():
    for p in start_runs.kept:
        p.kill()
        p.wait()
        time.sleep(0.05)


def count_slow(path, limit):
    """Fetch until told to stop: how many took longer than the limit."""
    c, slow = wire.Connection(path), 0
    while not told_to_stop(0.002):
        begin = time.monotonic()
        status(c.get("w", "n"), "OK")
        slow += time.monotonic() - begin > limit
    return slow


def runs_end(t, d):
    """Whoever has one run after the other end keeps the disk no longer than
    with writes; all of it is kept."""
    n, delay = 24, 0.02
    a, b = t.agent(44001), t.agent(44002)
    a.do(start_runs, d.socket, n)
    b.do(os.getpid)
    p = harness.traced(d, "-e", "trace=fdatasync", "-e",
                       "inject=fdatasync:delay_enter=%d" % (delay * 1e6))
    b.start(count_slow, d.socket, delay)
    a.do(end_runs)
    send_message(b.here, "stop")
    slow = b.finish()
    p.terminate()
    p.wait()
    check(slow < n / 2, "%d fetches waited for the disk, of %d runs" % (
        slow, n))
    # What was not written at once is written all the same.
    root = d.connect()
    root.barrier()
    states = [r["state"] for r in status(root.call(
        "run.list", workspace="w"), "OK").fields["items"]]
    same(states.count(wire.OVER), n, "runs that are over")
    d.stop()
    d.start()
    root = d.connect()
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    ends = [e for e in root.events() if e["op"] == wire.OPERATIONS["run.end"][0]
            and b"its process has ended" in e["detail"]]
    same(len(ends), n, "records of ends")
    show("%d runs end, one after the other: %d fetches of another uid waited "
         "for the disk" % (n, slow))


def writes_go_on(t, d):
    """Who may do nothing can't have others' writes wait for what he does not
    read."""
    a, b = t.agent(44001), t.agent(STRANGER)
    a.do(os.getpid)
    b.do(os.getpid)
    p = harness.traced(d, "-e", "trace=fdatasync", "-e",
                       "inject=fdatasync:delay_enter=5000")
    for _ in range(3):          # what else the machine does comes and goes
        alone = a.do(put_all, d.socket, 1.0)
        b.start(keep_asking_in_vain, d.socket)
        beside = a.do(put_all, d.socket, 1.0)
        send_message(b.here, "stop")
        b.finish()
        if beside > alone / 4:
            break
    p.terminate()
    p.wait()
    check(beside > alone / 4, "%d writes in a second, and %d beside somebody "
          "who is denied all" % (alone, beside))
    show("%d writes in a second, and %d beside somebody who is denied all" %
         (alone, beside))


# --- what takes long --------------------------------------------------------

def ask_without_end(path, op, values):
    """On many connections, much at a time, until told to stop: how many
    bytes came."""
    ask, socks, came = wire.request(op, 1, **values) * 8, [], 0
    for _ in range(PER_UID - 4):
        s = wire.Connection(path).socket
        s.setblocking(False)
        socks.append(s)
    left = dict.fromkeys(socks, ask)
    while not told_to_stop():
        readable, writable = select.select(socks, socks, [], 0.1)[:2]
        for s in readable:
            came += len(s.recv(1 << 20))
        for s in writable:
            try:
                left[s] = left[s][s.send(left[s]):] or ask
            except BlockingIOError:
                pass
    return came


def served_for(t, d, seconds):
    """How often somebody is served in that time."""
    with Bystander(t.agent(44007), d, "w", "n", VALUE, 30.0) as b:
        time.sleep(seconds)
    return b.count


def long_ones(t, d, root):
    """Who asks for what takes long leaves others most of the time."""
    status(root.call("workspace.create", workspace="many"), "OK")
    status(root.call("grant.add", workspace="many", principal=wire.USER,
                     id=44001, role=wire.OWNER), "OK")
    for at in range(0, 2000, 250):
        for r in root.pipeline([("secret.put", dict(
                workspace="many", name="n-%d" % i, kind=wire.GENERIC,
                fields=wire.fields(value=b"x"))) for i in range(at, at + 250)]):
            status(r, "OK")
    texts = [dict(text=b"t" * 1000) for _ in range(100)]
    for op, values in (("secret.list", dict(workspace="many")),
                       ("activity.read", {"workspace": "many", "from": 0}),
                       ("run.scan", dict(workspace="many", texts=texts)),
                       ("secret.put", dict(workspace="many", name="n-1",
                                           kind=wire.GENERIC,
                                           fields=wire.fields(value=b"y")))):
        for _ in range(3):      # something else may have had the processors
            alone = served_for(t, d, 1)
            a = t.agent(44001)
            a.start(ask_without_end, d.socket, op, values)
            beside = served_for(t, d, 1)
            send_message(a.here, "stop")
            check(a.finish() > 0, "nobody was served %s" % op)
            a.end()
            if beside >= alone / 5:
                break
        check(beside >= alone / 5, "beside %s without end somebody else was "
              "served %d times, and else %d times" % (op, beside, alone))
        show("beside %s without end a bystander was served %d times, else "
             "%d" % (op, beside, alone))


def end_turns(path):
    """Pipeline, on some connections, what each ends the turn that it is in:
    a target waits for the turn behind one that changes who may what."""
    set_target = dict(workspace="w", host="h.example", port=22, user="u",
                      for_runs=False, options="", namespaces=[])
    links = [wire.Connection(path) for _ in range(3)]
    data, left = {}, {}
    for i, c in enumerate(links):
        who = dict(workspace="w", principal=wire.USER, id=44900 + i,
                   role=wire.READER)
        status(c.call("target.create", name="t-%d" % i, **set_target), "OK")
        data[c.socket] = b"".join(
            wire.request(op, 1, **values) for op, values in (
                ("grant.add", who), ("grant.remove", who),
                ("target.set", dict(set_target, name="t-%d" % i,
                                    if_revision=wire.NO_ID)))) * 100
        left[c.socket] = b""
        c.socket.setblocking(False)
    came = 0
    while not told_to_stop():
        readable, writable, _ = select.select(list(left), list(left), [], 0.1)
        for s in readable:
            came += len(s.recv(1 << 20))
        for s in writable:
            try:
                left[s] = left[s][s.send(left[s]):] or data[s]
            except BlockingIOError:
                pass
    return came


def turns_are_taken(t, d, root):
    """Who ends each turn that he is served in comes behind who waits."""
    c = t.agent(44007).connect(d.socket)
    a = t.agent(44001)
    begin = time.monotonic()
    for i in range(5):
        status(root.put("w", "n", VALUE, version=wire.NO_ID), "OK")
    limit = 0.2 + 4 * (time.monotonic() - begin)
    a.start(end_turns, d.socket)
    longest = 0
    for i in range(10):
        time.sleep(0.1)         # nobody has been there lately
        begin = time.monotonic()
        status(c.get("w", "n"), "OK")
        longest = max(longest, time.monotonic() - begin)
    send_message(a.here, "stop")
    check(a.finish() > 0, "nobody ended turns")
    a.end()
    check(longest < limit, "who came beside one who ends each turn waited "
          "%.2f s" % longest)
    show("who comes beside one who ends each turn waits %.1f ms" %
         (longest * 1000))


def test(t):
    harness.need_root()
    d = t.daemon(LIMITS)
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    for uid in OWNERS:
        status(root.call("grant.add", workspace="w", principal=wire.USER,
                         id=uid, role=wire.OWNER), "OK")
    status(root.put("w", "n", VALUE), "OK")
    status(root.put("w", "large", LARGE), "OK")
    no_wait_for_the_disk(t, d, root)
    slow(t, d, root)
    # The others may not have to wait until the hogs' time is up.
    d.configure(**dict(LIMITS, request_timeout=2000))
    d.signal(signal.SIGHUP)
    check(d.wait_note("RELOADING=1"), "no reload")
    for n in (1, 3):
        keeps_serving(t, d, root, list(OWNERS)[:n],
                      "%d uid%s that never read" % (n, "s"[n == 1:]), 1.0)
    one_after_the_other(t)
    at_once(t)
    without_end(t, d, root)
    descriptors(t, d, root)
    gone_before_reply(t, d, root)
    for limit in (35, 36):      # a connection takes two: odd and even
        out_of_descriptors(t, limit)
    long_ones(t, d, root)
    turns_are_taken(t, d, root)
    refused(t, d, root)
    writes_go_on(t, d)
    runs_end(t, d)
    check(d.rss() < 64 * 1024 or t.has_sanitizer(), "%d KiB" % d.rss())
    show("resident at the end: %d KiB" % d.rss())
    d.stop()


harness.main(test, limit=120)
