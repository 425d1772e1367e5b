"""One fault at a time: the daemon is struck in the middle of a request, and
afterwards all that there is is looked at."""
import collections
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", d) for d in ("system", "tamper")]

import cofre_wire as wire
import faults
import harness
import strikers
import verbs
import whole
from expect import Failure, check, same, status
from strikers import Point

NUMBER = 0x5eed         # of the request
REUSED = 40             # so often a daemon's directory is gone on with
ATTEMPTS = 60           # a request has fewer pages than that
# What these change is their connection's, or the next serial.
UNSEEN = ("secret.get", "resync.begin", "resync.stage", "ca.user", "ca.host")
OUTCOMES = ("there", "absent", "whole", "ended", "missed", "wrong",
            "crashed")


class Wrong(Exception):
    """What must never be."""


class Crashed(Wrong):
    pass


def must(condition, text):
    if not condition:
        raise Wrong(text)


class House:
    """The daemons of one worker, and what it does with them."""

    def __init__(self, t, base):
        self.t, self.base = t, base
        # However busy the machine is: who asks can be looked at.
        config = dict(log_segment="64K", look_timeout=60000)
        self.plain = harness.Daemon(t, config)
        self.tracer = strikers.Tracer()
        t.undo.append(self.tracer.close)
        self.preloaded = None
        if not t.has_sanitizer():
            self.preload = strikers.Preload(faults.Faults(t, config=config))
            self.preloaded = self.preload.f.daemon
        self.left = {}          # daemon: (plan, how often), to go on with
        self.images = {}

    # --- daemons ---

    def halt(self, d):
        if d.process is not None:
            d.kill()
        self.left.pop(d, None)

    def begin(self, d, image, keyed):
        self.halt(d)
        image.put_back(d.state_dir)
        d.keyfile = self.base.keyfile if keyed else None
        d.start()

    def look(self, d, plan):
        """All of it, as it is now."""
        c = d.connect()
        told = whole.plain(whole.whole(c), plan.old)
        c.close()
        return told

    def ready(self, d, plan):
        """A daemon that has what the verb begins with, and was started for
        it: the one that is there, or a new one."""
        last, times = self.left.pop(d, (None, 0))
        if last is plan and times < REUSED:
            self.left[d] = plan, times + 1
            return
        self.begin(d, plan.image, plan.verb.base != "locked")
        self.left[d] = plan, 0
        same(whole.difference(self.look(d, plan), plan.before), None,
             "another beginning")

    # --- plans ---

    def image_of(self, verb):
        d = self.plain
        if verb.base == "empty":
            os.makedirs(os.path.join(self.t.dir, "empty"), exist_ok=True)
            return whole.Image(os.path.join(self.t.dir, "empty"))
        if "now" not in self.images:
            self.images["now"] = whole.Image(self.base.states.now)
        if verb.setup is None:
            return self.images["now"]
        self.begin(d, self.images["now"], True)
        c = d.connect()
        verb.setup(c)
        c.close()
        d.stop()
        return whole.Image(d.state_dir)

    def plan(self, verb):
        """Do it once with nothing wrong, to know all about it."""
        plan, d = strikers.Plan(verb), self.plain
        plan.image = self.image_of(verb)
        self.begin(d, plan.image, verb.base != "locked")
        c = d.connect()
        first = whole.whole(c)
        c.close()
        plan.old = whole.known(first)
        plan.before = whole.plain(first, plan.old)
        reply, calls = self.do(d, plan, self.tracer,
                               Point("", "list", "-", 0, 0))[:2]
        status(reply, "OK", verb.name)
        plan.live = self.look(d, plan)
        plan.fds = self.descriptors(d)
        self.restart(d)
        plan.later = self.look(d, plan)
        if verb.late:
            same(plan.later, plan.before, verb.name + " after a restart")
        changes = plan.live != plan.before
        check(changes or verb.op in UNSEEN, verb.name + " changes nothing")
        self.halt(d)
        allocations = 0
        if self.preloaded is not None:
            d = self.preloaded
            self.begin(d, plan.image, verb.base != "locked")
            self.look(d, plan)
            reply, allocations = self.do(d, plan, self.preload, Point(
                "", "", "", 0, 0))[:2]
            status(reply, "OK", verb.name)
            self.halt(d)
        plan.points = strikers.points_of(calls, allocations)
        return plan

    # --- a request ---

    def values(self, verb):
        if verb.op not in ("vault.init", "vault.unlock"):
            return dict(verb.values)
        return dict(verb.values, key=self.base.key)

    def do(self, d, plan, striker, point):
        """The reply, or None; what the striker says; where the log was, and
        the connection."""
        verb = plan.verb
        c = d.connect()
        end = c.log_end() if c.state() == wire.OPEN else None
        values = self.values(verb)
        if verb.prepare is not None:
            values.update(verb.prepare(d, c))
        striker.arm(d, point)
        reply = None
        try:
            c.send(verb.op, number=NUMBER, **values)
            reply = c.receive()
        except TimeoutError:
            raise Crashed("no answer")
        except OSError:
            pass
        hit = striker.end()
        return reply, hit[1] if point.way == "list" or \
            point.kind == "" else hit[0], end, c

    def restart(self, d):
        if d.process is not None:
            d.kill()
        d.start()

    def descriptors(self, d):
        c = d.connect()
        c.barrier()
        # The log has more of them now and then: the next segment, an old one.
        found = collections.Counter(
            re.sub(r"\d+", "", name.split("/")[-1])
            for name in d.fds().values() if "/activity" not in name)
        c.close()
        return found

    # --- one point ---

    def ended(self, d):
        """Has the daemon ended, by itself and in good order?"""
        try:
            c = d.connect()
            c.close()
            return False
        except (OSError, wire.WireError):
            pass
        try:
            code = d.wait(20)
        except subprocess.TimeoutExpired:
            raise Crashed("it lives, and takes no connection")
        if code <= 0 or "cofred: " not in d.stderr():
            raise Crashed("it ended with %d: %s" % (code, d.stderr()))
        return True

    def takes_no_write(self, report):
        """After a flush that failed it says so, and writes nothing more:
        (a store does not, the log does not)."""
        own = "read-only" in report["store"]
        ssh = "read-only" in report["ssh store"]
        log = "until a restart" in report["activity log"]
        return own, ssh, log

    def holds_to_it(self, d, own, ssh, log):
        c = d.connect()
        if c.state() == wire.OPEN:
            refused = "LOG_FAILED" if log else "STORE_FAILED"
            got = c.get("third", "n")
            must(got.status_name == refused if log else got.ok,
                 "a read after a flush failed: %r" % got)
            for failed, put in (
                    (own, ("secret.put", dict(name="never"))),
                    (ssh, ("target.create", dict(name="never",
                                                 **verbs.SETTINGS)))):
                if failed or log:
                    r = c.call(put[0], workspace="third", **put[1])
                    must(r.status_name == refused,
                         "a write after a flush failed: %r" % r)
        c.close()

    def while_it_lives(self, d, plan, point, reply):
        """What the daemon says that has met with an error."""
        c = d.connect()
        report = c.report()
        c.close()
        own, ssh, log = self.takes_no_write(report)
        if own or ssh or log:
            self.holds_to_it(d, own, ssh, log)
        elif point.kind == "error" and point.name in strikers.FLUSHES and \
                not plan.verb.segment:
            raise Wrong("a flush failed, and the report says nothing")
        if log:
            return
        now = self.look(d, plan)
        if plan.verb.op == "vault.unlock" and point.kind == "allocation":
            # Runs that can't be looked at are over (doc/DESIGN.md).
            same(*map(whole.without_runs, (now, plan.live if reply.ok else
                                           plan.before)), "unlocked")
        elif reply is not None and reply.ok:
            must(now == plan.live, "acknowledged, and then " + str(
                whole.difference(now, plan.live)))
        elif reply is not None and reply.status_name != "LOG_FAILED":
            must(now == plan.before, "refused, and then " + str(
                whole.difference(now, plan.before)))
        else:
            must(now in (plan.before, plan.live), "half of it: " + str(
                whole.difference(now, plan.live)))
        more = self.descriptors(d) - plan.fds
        must(not more, "descriptors: %r" % more)

    def records(self, d, plan, reply, end, done):
        """One for what was acknowledged, and none of what was not done."""
        c = d.connect()
        if c.state() == wire.LOCKED:
            status(c.call("vault.unlock", key=self.base.key), "OK")
        if c.state() == wire.OPEN:
            code = wire.OPERATIONS[plan.verb.op][0]
            found = [e["status"] for e in c.events(start=end or 0)
                     if e["request"] == NUMBER and e["op"] == code]
            must(len(found) <= 1, "records: %r" % found)
            if reply is not None and reply.ok:
                must(found == [0], "acknowledged, with records %r" % found)
            elif reply is not None:
                must(found in ([], [reply.status]) or
                     (reply.status_name, found) == ("LOG_FAILED", [0]),
                     "%r, with records %r" % (reply, found))
            if not done and not plan.verb.late and \
                    plan.live != plan.before:
                must(0 not in found, "a record of what was not done")
        c.close()

    def no_serial_twice(self, d, reply):
        c = d.connect()
        told = status(c.call("ca.show", **verbs.lab()), "OK").fields
        c.close()
        must(told["next_serial"] > reply.fields["serial"],
             "the serial %d is given again" % reply.fields["serial"])

    def after_it(self, d, plan, reply, end):
        """What is there after a restart; how it is called in the table."""
        done = subprocess.run(
            [self.t.cofre(), "activity", "verify", d.state_dir],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        must(done.returncode == 0, "activity verify: %r" % done.stdout)
        try:
            self.restart(d)
        except Failure as e:
            raise Crashed(str(e))
        now = self.look(d, plan)
        if reply is not None and reply.ok:
            must(now == plan.later, "acknowledged, and after a restart " +
                 str(whole.difference(now, plan.later)))
        must(now in (plan.before, plan.later), "half of it: " + str(
            whole.difference(now, plan.later)))
        if reply is not None and reply.ok and "serial" in reply.fields:
            self.no_serial_twice(d, reply)
        self.records(d, plan, reply, end, now == plan.later)
        if now != plan.before or plan.verb.base != "full" or \
                not plan.verb.again:
            self.halt(d)
        if reply is not None and reply.ok:
            return "there"
        return "absent" if now == plan.before else "whole"

    def no_leak(self, d, plan, point):
        """Asked again and again, with the same allocation failing each time,
        it comes to an end of taking memory, or does it: LMDB keeps the pages
        that it has got, so that the next attempt needs fewer."""
        c, found = d.connect(), []
        while len(found) < 3 or len(set(found[-3:])) > 1:
            must(len(found) < ATTEMPTS, "allocations that are not freed: %r" %
                 found)
            self.preload.arm(d, point)
            r = c.call(plan.verb.op, NUMBER + 1, **self.values(plan.verb))
            self.preload.end()
            if r is None or r.ok:
                self.halt(d)
                break
            found.append(self.preload.f.live())
        c.close()

    def no_secret(self, reply, c):
        """In what is no success there is no value, and nothing after it."""
        data = c.buffer + (b"" if reply is None or reply.ok else reply.data)
        must(not any(v in data for v in self.base.values),
             "a secret in what is no success: %r" % data)

    def one(self, plan, point):
        """Strike there, and look.  What it is called in the table."""
        d, striker = self.plain, getattr(self, "tracer", None)
        if point.kind == "allocation":
            d, striker = self.preloaded, self.preload
        try:
            self.ready(d, plan)
            reply, hit, end, c = self.do(d, plan, striker, point)
            self.no_secret(reply, c)
            c.close()
            ended = False
            if point.kind == "kill" and hit:
                code = d.wait(20)
                if code != -signal.SIGKILL:
                    raise Crashed("it ended with %d" % code)
            else:
                ended = self.ended(d)
                if not ended:
                    self.while_it_lives(d, plan, point, reply)
            outcome = self.after_it(d, plan, reply, end)
            if point.kind == "allocation" and outcome == "absent" and \
                    plan.verb.prepare is None and d.process is not None:
                self.no_leak(d, plan, point)
            return "ended" if ended else outcome if hit else "missed"
        except BaseException as e:
            code = None if d.process is None else d.process.poll()
            self.halt(d)
            if code is not None and code < 0 and isinstance(e, Exception):
                raise Crashed("ended by signal %d" % -code) from e
            raise

    def tries(self, plan, point):
        """The same, with the text of what was wrong."""
        try:
            return self.one(plan, point), None
        except Crashed as e:
            return "crashed", str(e)
        except (Wrong, Failure, wire.WireError, OSError,
                AttributeError) as e:
            return "wrong", "%s: %s" % (type(e).__name__, e)
