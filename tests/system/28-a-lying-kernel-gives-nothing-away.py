#!/usr/bin/env python3
"""What fails, says half, or was set back gives nobody anything.

Clocks that are set make no run longer; a kernel that does not say who is
there, or says half of it, has said that it is nobody; and whichever call or
allocation fails while a secret, a run or a token is on its way, what comes
out is an error with nothing behind it, or the whole answer with its record.
"""
import errno
import os
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import faults
import harness
from expect import check, same, show, status
from people import start_of

USER, STRANGER, GROUP = 48101, 48102, 48103
SECRET = b"canary-of-the-vault"
DAY = 86400
AHEAD = 100000      # of the time since boot, in a time namespace
MOST_CALLS = 400


def make(d):
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.put("w", "n", dict(value=SECRET)), "OK")
    return root


def begin(c, **more):
    f = status(c.call("run.start", **dict(
        dict(workspace="w", target=wire.TOKEN_ONLY, uid=wire.NO_ID, token=1,
             secrets=[dict(name="n")]), **more)), "OK", "run.start").fields
    return f["run"], f["token"]


def state(c, run):
    return status(c.call("run.show", workspace="w", run=run),
                  "OK").fields["state"]


def is_over(c, run, limit, what):
    """Wait for it; how long that took."""
    begun = time.monotonic()
    while state(c, run) != wire.OVER:
        check(time.monotonic() - begun < limit, what + ": it goes on")
    return time.monotonic() - begun


def clocks_that_are_set(f, root):
    """Whatever the clocks say: no run is longer than it was to be."""
    for what, real, boot, limit in (
            ("a day back", -DAY, 0, 3), ("an hour back", -3600, 0, 3),
            ("ten years ahead", 3650 * DAY, 0, 2),
            ("a day asleep", 0, DAY, 2), ("a day asleep, and set back",
                                          -DAY, DAY, 2)):
        run, token = begin(root, lifetime=2)
        c = f.daemon.connect()
        status(c.call("run.attach", token=token), "OK", "before")
        f.set_clocks(real, boot)
        took = is_over(root, run, limit, what)
        check(took > 1.5 or real > 0 or boot > 0,
              "%s: over after %.1f s" % (what, took))
        f.set_clocks()
        same(state(root, run), wire.OVER, what + ", and set right again")
        status(f.daemon.connect().call("run.attach", token=token), "DENIED",
               what + ": the token")
    # Renewed while the clock is wrong: for so long, not until that day.
    run, _ = begin(root, lifetime=2)
    f.set_clocks(DAY)
    run2, _ = begin(root, lifetime=2)
    f.set_clocks(0)
    is_over(root, run2, 3, "made while the clock was ahead")
    is_over(root, run, 3, "made before")
    show("no setting of a clock makes a run longer")


def in_time(t, offset, state_dir=None, **more):
    """A daemon for which the machine has been up for longer, or less."""
    return harness.Daemon(t, prefix=("unshare", "--time", "--boottime",
                                     str(offset)), state=state_dir, **more)


def time_namespaces(t):
    """The real thing: time namespaces, and restarts into them."""
    d = in_time(t, AHEAD).start()
    root = make(d)
    run, _ = begin(root, lifetime=1)
    is_over(root, run, 3, "in a time namespace")
    # Its own processes have another start there than here: a run of one is
    # not begun by mistake.
    a = t.agent(USER)
    start = start_of(a.pid)
    values = dict(workspace="w", target=wire.PROCESS, pid=a.pid,
                  uid=wire.NO_ID, secrets=[dict(name="n")])
    status(root.call("run.start", start=start, **values), "NO_PROCESS",
           "the start of a process, as it is outside")
    ticks = os.sysconf("SC_CLK_TCK") * AHEAD
    status(root.call("run.start", start=start + ticks, **values), "OK",
           "as it is in there")
    status(a.connect(d.socket).get("w", "n"), "OK", "as the run")
    d.stop()
    for offset, lives in ((AHEAD, False), (0, True)):
        d = t.daemon()
        root = make(d)
        run, token = begin(root, lifetime=3600)
        short, _ = begin(root, lifetime=2)
        begun = time.monotonic()
        held, _ = begin(root, target=wire.PROCESS, pid=a.pid, start=start,
                        token=0)
        d.stop()
        e = in_time(t, offset, d.state_dir).start() if offset else d.start()
        root = e.connect()
        status(root.call("vault.unlock", key=harness.KEY), "OK")
        same(state(root, run), wire.ACTIVE if lives else wire.OVER,
             "a run of an hour, %d s later" % offset)
        same(state(root, held), wire.ACTIVE if lives else wire.OVER,
             "that of a process")
        is_over(root, short, 4, "a run of two seconds")
        check(time.monotonic() - begun < 5, "it took too long")
        e.stop()
    # The machine has been up for less than it was: that is no longer run.
    d = in_time(t, AHEAD).start()
    root = make(d)
    run, token = begin(root, lifetime=2)
    d.stop()
    e = harness.Daemon(t, state=d.state_dir).start()
    root = e.connect()
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    is_over(root, run, 4, "up for less than before")
    status(e.connect().call("run.attach", token=token), "DENIED")
    e.stop()
    a.end()
    show("time namespaces: expiry holds, and no process is another one")


def said(path, *requests):
    """The bytes of the answers to them, sent in one write after a hello.
    Who is refused is told so, but for that may be too late to ask.  A daemon
    whose first call failed may be gone before it is asked at all."""
    data, more = b"", b""
    try:
        c = wire.Connection(path, greet=False, timeout=20.0)
    except ConnectionRefusedError:
        return data
    try:
        c.send_raw(wire.hello(1) + b"".join(requests))
        c.half_close()
    except (BrokenPipeError, ConnectionResetError):
        pass
    while True:
        try:
            more = c.socket.recv(1 << 16)
        except ConnectionResetError:    # told once, before what came
            continue
        if not more:
            break
        data += more
    c.close()
    return data


def replies(data):
    """Every whole one; none of them is half one with something in it."""
    found = []
    while len(data) >= 4:
        size = 4 + int.from_bytes(data[:4], "big")
        if len(data) < size:
            break
        found.append(wire.Reply(data[:size]))
        data = data[size:]
    return found, data


def half_said(t, f, root):
    """SO_PEERCRED, SO_PEERPIDFD and SO_PEERGROUPS fail, or say half."""
    d = f.daemon
    get = wire.request("secret.get", 9, workspace="w", name="n")
    status(root.call("grant.add", workspace="w", principal=wire.GROUP,
                     id=GROUP, role=wire.CONTRIBUTOR), "OK")
    member = t.agent(USER, groups=[GROUP])
    before = len(d.fds())

    def try_as(who, refused, what):
        data = said(d.socket, get) if who is None else \
            who.do(said, d.socket, get)
        check(SECRET not in data, what + ": the secret")
        found, rest = replies(data)
        same([r.status_name for r in found][-1:],
             ["DENIED"] if refused is None else [refused], what)
        same(rest, b"", what + ": afterwards")

    check(SECRET in said(d.socket, get), "the owner, with nothing wrong")
    check(SECRET in member.do(said, d.socket, get), "the member, likewise")
    errors = (errno.EINVAL, errno.ESRCH, errno.ENOMEM, errno.EPERM,
              errno.ENOTCONN, errno.EIO, errno.ENOPROTOOPT)
    for option, who, short in (
            (faults.SO_PEERCRED, None, (0, 1, 4, 8, 11, 13)),
            (faults.SO_PEERPIDFD, None, (0, 1, 2, 3, 8)),
            (faults.SO_PEERGROUPS, member, (0, 1, 3, 5, 6, 7))):
        for error in errors:
            f.fails(option, error)
            try_as(who, None, "option %d: %s" % (option,
                                                 os.strerror(error)))
        for length in short:
            f.cuts(option, length)
            try_as(who, None, "option %d: %d bytes" % (option, length))
        f.none()
    f.fails(faults.SO_PEERPIDFD, errno.EMFILE)
    try_as(None, "LIMIT", "no descriptor for the pidfd")
    f.none()
    check(SECRET in said(d.socket, get), "the owner, when all is well again")
    check(SECRET in member.do(said, d.socket, get), "the member, likewise")
    d.has_fds(before, root)
    status(root.call("grant.remove", workspace="w", principal=wire.GROUP,
                     id=GROUP, role=""), "OK")
    member.end()
    show("who is there is told whole, or it is nobody")


class Tries:
    """Requests that are made again and again, each time with one fault."""

    def __init__(self, t, f, root):
        self.t, self.f, self.root = t, f, root
        self.stranger = t.agent(STRANGER)
        self.run, self.token = begin(root, uid=USER)
        self.user = t.agent(USER)
        self.whole = self.failed = self.dead = 0

    def again(self):
        """The daemon has ended, or its store takes no more: a new one."""
        d = self.f.daemon
        self.f.none()
        if d.alive():
            d.kill()
        d.start()
        self.root = d.connect()
        status(self.root.call("vault.unlock", key=harness.KEY), "OK",
               "after a fault")

    def active(self):
        f = status(self.root.call("run.list", workspace="w"), "OK").fields
        return {i["run"] for i in f["items"] if i["state"] == wire.ACTIVE}

    def is_well(self):
        """Can it still write?"""
        d = self.f.daemon
        return d.alive() and self.root.put(
            "w", "other", dict(value=b"x")).status_name == "OK"

    def is_well_or_ended(self):
        try:
            return self.is_well()
        except (BrokenPipeError, ConnectionResetError):
            try:
                self.root = self.f.daemon.connect()     # his was the fault
            except ConnectionRefusedError:
                same(self.f.daemon.wait(), 1, "it ends, and says why")
                return False
            return self.is_well()

    def check_reply(self, what, data, may):
        """The answer to the request, if there is one."""
        found = replies(data)[0]
        answer = found[1] if len(found) > 1 else None
        check(may or SECRET not in data, what + ": the secret")
        check(may or answer is None or not answer.ok, what + ": it is done")
        same(found[2:], [], what + ": more than two replies")
        if answer is None or not answer.ok:
            self.failed += 1
            check(SECRET not in data and b"cofre_r_" not in data,
                  what + ": a secret or a token and no success")
            return answer
        self.whole += 1
        return answer

    def one(self, name, kind, nth, who, may, request):
        f, call = self.f, kind == faults.CALL
        what = "%s, %s %d" % (name, "call" if call else "allocation", nth)
        before, end = self.active(), self.root.log_end()
        f.fail(kind, nth, errno.EIO if call else errno.ENOMEM)
        try:
            data = who.do(said, f.daemon.socket, request)
        except TimeoutError:
            check(False, what + ": no answer, and no end")
        count = f.none()
        if not f.daemon.alive() or not self.alive_at_all():
            self.dead += 1
            check(f.daemon.wait() == 1, "%s: it ended with %d" %
                  (what, f.daemon.code))
            self.again()
        answer = self.check_reply(what, data, may)
        if not self.is_well():
            self.again()
        if answer is not None and not answer.ok and \
                answer.status_name != "LOG_FAILED":
            same(self.active() - before, set(), what + ": a run was begun")
        if answer is not None and answer.ok and \
                answer.name in ("secret.get", "run.start"):
            last = [e for e in self.root.events(start=end)
                    if e["uid"] == who.uid and
                    wire.CODE_NAME.get(e["op"]) == answer.name]
            check(last and last[-1]["status"] == 0, what + ": no record")
        for run in self.active() - before - {self.run}:
            status(self.root.call("run.end", workspace="w", run=run), "OK")
        return count

    def alive_at_all(self):
        try:
            return self.root.call("status") is not None
        except (BrokenPipeError, ConnectionResetError):
            return False

    def all(self, name, who, may, request):
        """Every call and every allocation, until there are no more."""
        for kind in (faults.CALL, faults.ALLOCATION):
            nth = 1
            while self.one(name, kind, nth, who, may, request) >= nth:
                nth += 1
                check(nth < MOST_CALLS, name + ": it never ends")


def nothing_half_done(t, f, root):
    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=USER, role=wire.CONTRIBUTOR), "OK")
    tries = Tries(t, f, root)
    get = wire.request("secret.get", 9, workspace="w", name="n")
    start = wire.request("run.start", 9, workspace="w", token=1,
                         target=wire.TOKEN_ONLY, uid=wire.NO_ID,
                         secrets=[dict(name="n")])
    attach = wire.request("run.attach", 9, token=tries.token)
    for name, who, may, request in (
            ("get", tries.user, True, get),
            ("a stranger's get", tries.stranger, False, get),
            ("run.start", tries.user, True, start),
            ("a stranger's run.start", tries.stranger, False, start),
            ("run.attach", tries.user, True, attach),
            ("a stranger's run.attach", tries.stranger, False, attach)):
        tries.all(name, who, may, request)
    check(tries.failed > 50 and tries.whole > 10,
          "%d failed, %d whole" % (tries.failed, tries.whole))
    show("%d faults: %d errors with nothing behind them, %d whole answers, "
         "%d ends of the daemon" % (tries.failed + tries.whole, tries.failed,
                                    tries.whole, tries.dead))
    nobody_is_forgotten(f, tries)


def read_late(f, request, times):
    """Ask so often, and read nothing before the daemon waits for that.  The
    last answer, and whether there is an end, are waited for."""
    data, more = b"", b"x"
    c = wire.Connection(f.daemon.socket, greet=False, timeout=10.0)
    try:
        c.send_raw(wire.hello(1) + request * times)
        f.idle_or_ended()
        while more and len(replies(data)[0]) < 1 + times:
            more = c.socket.recv(1 << 20)
            data += more
        f.idle_or_ended()
        c.send_raw(request)
        while more:
            more = c.socket.recv(1 << 20)
            data += more
            if len(replies(data)[0]) == 2 + times:
                break
    except (BrokenPipeError, ConnectionResetError):
        pass
    c.close()
    return len(replies(data)[0])


def nobody_is_forgotten(f, tries):
    """Who waits for answers that he reads late, or for somebody to take his
    connection, waits no longer than it takes to see what has failed."""
    status(tries.root.put("w", "large", dict(value=b"v" * 60000)), "OK")
    get, times = wire.request("secret.get", 9, workspace="w",
                              name="large"), 8
    same(read_late(f, get, times), 2 + times, "read late, with no fault")
    nth = count = 1
    while count >= nth:
        f.fail(faults.CALL, nth, errno.EIO)
        what = "read late, call %d" % nth
        try:
            read_late(f, get, times)
        except TimeoutError:
            check(False, what + ": no answer, and no end")
        except ConnectionRefusedError:
            pass
        count, nth = f.none(), nth + 1
        if not tries.is_well_or_ended():
            tries.again()
    check(nth > 10, "only %d calls" % nth)
    show("read late: %d calls, and it was answered or ended each time" % nth)
    nth = count = 1
    while count >= nth:
        f.idle()
        f.write(faults.CALL, nth, errno.EIO, faults.SO_PEERPIDFD,
                option_error=errno.EMFILE)
        what = "no descriptors, call %d" % nth
        try:
            said(f.daemon.socket, get)
            tries.root.call("status")       # another turn
        except TimeoutError:
            check(False, what + ": no answer, and no end")
        except (BrokenPipeError, ConnectionResetError):
            pass
        count, nth = f.none(), nth + 1
        if not tries.is_well_or_ended():
            tries.again()
        try:
            check(said(f.daemon.socket, get), what + ": afterwards")
        except TimeoutError:
            check(False, what + ": nobody is let in any more")
    check(nth > 4, "only %d calls" % nth)
    show("no descriptors: %d calls, and who came later was let in" % nth)


def test(t):
    harness.need_root()
    time_namespaces(t)
    if not faults.can_be(t):
        return
    f = faults.Faults(t, config=dict(request_timeout=300))
    f.daemon.start()
    root = make(f.daemon)
    half_said(t, f, root)
    clocks_that_are_set(f, root)
    nothing_half_done(t, f, root)


harness.main(test, limit=180)
