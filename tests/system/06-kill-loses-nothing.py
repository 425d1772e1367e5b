#!/usr/bin/env python3
"""kill -9 at random moments under write load, 200 times.

Several writers put, replace, delete and bring back secrets, some of them
many requests at a time.  After each kill the daemon starts again with its
keyfile; every write that was acknowledged is there with its exact value, one
that was not is there whole or not at all, and every acknowledged request has
its record in the log, which verifies.

COFRE_TEST_SEED repeats a run's choices, COFRE_TEST_KILLS sets how many."""
import collections
import hashlib
import itertools
import os
import select
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status

KILLS = 200
WRITERS, NAMES = 4, 12
SIZES = (1, 20, 200, 1000, 5000, 20000, 60000)
WS = "w"

# What a secret is: its version, the content of that, and whether it is
# there.  GONE: there is none (any more), and the version was the last.
State = collections.namedtuple("State", "version content life")
LIVE, DELETED, GONE = "OK", "DELETED", "NOT_FOUND"


def value(content):
    """The bytes that go with a number."""
    size = SIZES[content % len(SIZES)] + content % 97
    block = hashlib.sha256(b"%d" % content).digest()
    return (block * (size // 32 + 1))[:size]


class Secret:
    """What is known of one name, and the requests whose answer is missing."""

    def __init__(self):
        self.state = State(0, None, GONE)
        self.asked = []         # states that each request would lead to

    def next(self, op, content):
        """The state after one more request, as if all before were done."""
        s = self.asked[-1] if self.asked else self.state
        if op == "secret.put":
            return State(s.version + 1, content, LIVE)
        life = {"secret.delete": DELETED, "secret.undelete": LIVE,
                "secret.purge": GONE}[op]
        return State(s.version, s.content, life)

    def choose(self, r):
        """An operation that its state allows, or None for a pause.

        The version of a purged secret can't be seen.  So that it is known
        all the same, at most one of the states that the secret may be in
        after a kill is that of a purged one."""
        states = [self.state] + self.asked
        life = states[-1].life
        if life == GONE and self.asked:
            return None
        if life == DELETED:
            purge = not any(s.life == GONE for s in states)
            return r.choice(("secret.undelete", "secret.undelete",
                             "secret.purge" if purge else
                             "secret.undelete"))
        if life == LIVE and r.random() < 0.15:
            return "secret.delete"
        return "secret.put"


class Writer:
    """One connection, and the secrets that nobody else writes."""

    def __init__(self, test, number):
        self.test, self.number = test, number
        self.secrets = {"s%d-%d" % (number, i): Secret()
                        for i in range(NAMES)}
        self.connection = None
        self.waiting = collections.deque()

    def connect(self, path):
        self.connection = wire.Connection(path)
        self.waiting.clear()

    def send_some(self, r):
        """One request, or up to 20 in one write."""
        data = []
        for _ in range(r.choice((1, 1, 1, 2, 5, 20))):
            name = r.choice(list(self.secrets))
            secret = self.secrets[name]
            op = secret.choose(r)
            if op is None:
                continue
            content, number = next(self.test.contents), next(
                self.test.numbers)
            v = dict(workspace=WS, name=name)
            if op == "secret.put":
                v["fields"] = wire.fields(value=value(content))
            secret.asked.append(secret.next(op, content))
            self.waiting.append((number, name, op))
            data.append(wire.request(op, number, **v))
        self.connection.send_raw(b"".join(data))

    def take(self):
        """Take the replies that are there; False at the end."""
        going = self.connection.fill()
        while self.waiting:
            size = len(self.connection.buffer)
            if size < 4 or size < 4 + int.from_bytes(
                    self.connection.buffer[:4], "big"):
                break
            reply = self.connection.receive()
            number, name, op = self.waiting.popleft()
            same(reply.id, number, "the order of replies")
            status(reply, "OK", "%s of %s" % (op, name))
            secret = self.secrets[name]
            secret.state = secret.asked.pop(0)
            if op == "secret.put":
                same(reply.fields["version"], secret.state.version,
                     "the version of " + name)
            self.test.acknowledged[number] = wire.OPERATIONS[op][0]
        return going


class Durability:
    def __init__(self, t, r):
        self.t, self.r = t, r
        self.contents, self.numbers = itertools.count(1), itertools.count(1)
        self.acknowledged = {}  # request id: operation
        self.writers = [Writer(self, i) for i in range(WRITERS)]
        keyfile = t.keyfile()
        self.d = harness.Daemon(t, dict(log_segment="256K",
                                        store_limit="1G"), keyfile=keyfile)
        self.d.start()
        key = harness.slot_key(harness.read_file(keyfile))
        c = self.d.init(key)
        status(c.call("workspace.create", workspace=WS), "OK")
        c.close()
        self.starts = 0.0
        self.unanswered = 0

    def write(self, seconds):
        """Keep all writers busy, and kill in the middle of it."""
        for w in self.writers:
            w.connect(self.d.socket)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for w in self.writers:
                if not w.waiting:
                    w.send_some(self.r)
            ready = select.select([w.connection.socket
                                   for w in self.writers], [], [],
                                  max(0, end - time.monotonic()))[0]
            for w in self.writers:
                if w.connection.socket in ready:
                    check(w.take(), "the daemon closed a connection")
        self.d.kill()
        for w in self.writers:
            while w.take():     # what it had answered still counts
                pass
            w.connection.close()

    def restart(self):
        begin = time.monotonic()
        self.d.start()
        self.starts = max(self.starts, time.monotonic() - begin)

    def find(self, c, names):
        """The state of secrets as the daemon tells it now."""
        c.send_raw(b"".join(
            wire.request("secret.get", i, workspace=WS, name=name)
            for i, name in enumerate(names)))
        return [c.receive() for _ in names]

    def agrees(self, c, name, reply, s):
        """Is that what the secret is?"""
        if reply.status_name != s.life:
            return False
        if s.life == LIVE:
            return reply.fields["version"] == s.version and \
                reply.values() == {"value": value(s.content)}
        if s.life == DELETED:
            shown = c.call("secret.show", workspace=WS, name=name)
            return shown.ok and shown.fields["version"] == s.version
        return True

    def verify(self):
        """Every secret is as it was acknowledged, or as one of the requests
        behind that, in their order, would have made it."""
        c = self.d.connect()
        same(c.state(), wire.OPEN, "state after a start with the keyfile")
        for w in self.writers:
            names = list(w.secrets)
            for name, reply in zip(names, self.find(c, names)):
                s = w.secrets[name]
                possible = [s.state] + s.asked
                now = next((p for p in possible
                            if self.agrees(c, name, reply, p)), None)
                check(now is not None, "%s: %r (%s), and should be one of "
                      "%s" % (name, reply, reply.ok and (
                          reply.fields["version"],
                          len(reply.values()["value"])), possible))
                self.unanswered += now != s.state
                s.state, s.asked = now, []
        c.close()

    def verify_log(self):
        """The files, without the daemon; and each acknowledged request."""
        self.t.run_cofre(self.d, "activity", "verify", self.d.state_dir)
        c = self.d.connect()
        seen = collections.Counter()
        for e in c.events():
            if e["type"] == wire.REQUESTED and \
                    self.acknowledged.get(e["request"]) == e["op"]:
                same(e["status"], 0, "the status of an acknowledged request")
                seen[e["request"]] += 1
        missing = set(self.acknowledged) - set(seen)
        check(not missing, "%d acknowledged requests are not in the log" %
              len(missing))
        same([n for n, count in seen.items() if count != 1], [],
             "requests that are in the log twice")
        c.close()


def old_versions(t, x):
    """Every version of a secret that is kept opens."""
    c = x.d.connect()
    count = 0
    for w in x.writers:
        for name in w.secrets:
            r = c.call("secret.versions", workspace=WS, name=name)
            if not r.ok or w.secrets[name].state.life != LIVE:
                continue
            for v in r.fields["items"]:
                status(c.get(WS, name, version=v["version"]), "OK",
                       "version %d of %s" % (v["version"], name))
                count += 1
    return count


def test(t):
    r = harness.seed()
    x = Durability(t, r)
    kills = int(os.environ.get("COFRE_TEST_KILLS") or t.part(KILLS))
    for i in range(kills):
        x.write(r.choice((0.002, 0.01, 0.03, 0.08)) * r.random() * 2)
        x.restart()
        x.verify()
        if i % 50 == 49:
            x.verify_log()
    x.verify_log()
    versions = old_versions(t, x)
    torn = [n for n in os.listdir(os.path.join(x.d.state_dir, "activity"))
            if n.endswith(".torn")]
    x.d.stop()
    x.restart()
    x.verify()
    x.d.stop()
    show("%d kills: %d acknowledged writes, all there, each in the log; %d "
         "writes were done that nobody had been told of" %
         (kills, len(x.acknowledged), x.unanswered))
    show("%d old versions open; %d torn ends of the log; the slowest start "
         "took %.2f s; the store has %d KiB" %
         (versions, len(torn), x.starts, os.stat(os.path.join(
             x.d.state_dir, "data.mdb")).st_blocks / 2))
    check(len(x.acknowledged) > 2 * kills, "too few writes to say anything")


harness.main(test, limit=280)
