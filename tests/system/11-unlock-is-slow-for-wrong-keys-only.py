#!/usr/bin/env python3
"""Unlock slots and wrong keys.  A key opens its own slot; a wrong one gets
one and the same answer, whatever is wrong with it, and the next attempt has
to wait, twice as long each time.  Nobody but those who try has to wait: the
daemon answers others while it is hammered, and while it opens a large vault.
The last slot stays."""
import collections
import os
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from harness import KEY
from people import send_message, told_to_stop

SECOND, THIRD, WRONG = b"2" * 32, b"3" * 32, b"w" * 32
FIRST_ID = 4000000000   # of requests that are looked for in the log
PASSPHRASE = dict(type=wire.PASSPHRASE, ops=3, mem=1 << 20, salt=b"s" * 16)


def lock(c):
    status(c.call("vault.lock"), "OK", "lock")


def unlock(c, key=KEY, want="OK", what="unlock", **more):
    return status(c.call("vault.unlock", key=key, **more), want, what)


def settle(c, limit=20.0):
    """Unlock with the right key as soon as it is taken: after how long."""
    begin = time.monotonic()
    while True:
        r = c.call("vault.unlock", key=KEY)
        took = time.monotonic() - begin
        if r.ok:
            return took
        status(r, "BUSY", "the right key while it must wait")
        check(took < limit, "still busy after %.1f s" % took)


def slots(c):
    """Which key opens what, and that the last one stays."""
    status(c.call("slot.remove", slot=1), "LAST_SLOT", "the only slot")
    same(c.call("slot.add", key=SECOND, **PASSPHRASE).fields["slot"], 2,
         "the next slot")
    same(c.call("slot.add", type=wire.KEYFILE, key=THIRD).fields["slot"], 3,
         "the one after")
    listed = c.call("slot.list").fields["items"]
    same([(s["slot"], s["type"], s["ops"], s["mem"], s["salt"], s["uid"])
          for s in listed],
         [(1, 1, 0, 0, b"", os.geteuid()),
          (2, 2, 3, 1 << 20, b"s" * 16, os.geteuid()),
          (3, 1, 0, 0, b"", os.geteuid())], "slots")
    for key, slot in ((KEY, 0), (KEY, 1), (THIRD, 0), (THIRD, 3),
                      (SECOND, 2)):
        lock(c)
        unlock(c, key, what="key in slot %d" % slot, slot=slot)
    unlock(c, KEY, "CONFLICT", "an open vault")
    unlock(c, WRONG, "CONFLICT", "an open vault, a wrong key")
    status(c.call("slot.remove", slot=9), "NOT_FOUND", "no such slot")
    status(c.call("slot.remove", slot=3), "OK")
    lock(c)
    same(len(c.call("slot.list").fields["items"]), 2, "slots, while locked")
    status(c.call("slot.remove", slot=2), "LOCKED")
    status(c.call("slot.add", type=1, key=THIRD), "LOCKED")
    unlock(c, THIRD, "WRONG_KEY", "a key whose slot was removed")
    settle(c)
    for bad in (dict(type=0), dict(type=3), dict(key=b"k" * 31),
                dict(ops=1), dict(mem=1), dict(salt=b"s" * 16),
                dict(PASSPHRASE, ops=0), dict(PASSPHRASE, mem=0),
                dict(PASSPHRASE, salt=b"s" * 15)):
        status(c.call("slot.add", **{**dict(type=wire.KEYFILE, key=THIRD),
                                     **bad}), "INVALID", "slot.add %s" % bad)
    for n in range(3, 17):
        same(c.call("slot.add", type=1, key=b"%032d" % n).fields["slot"], n,
             "a slot")
    status(c.call("slot.add", type=1, key=THIRD), "LIMIT", "a 17th slot")
    lock(c)
    unlock(c, b"%032d" % 16, what="the 16th slot")
    for n in range(2, 17):
        status(c.call("slot.remove", slot=n), "OK")
    status(c.call("slot.remove", slot=1), "LAST_SLOT")
    lock(c)
    unlock(c)
    show("keyfile and passphrase slots: each key opens its own; the last one "
         "stays; 16 at most")


def wrong_keys(c):
    """One answer for everything that is wrong."""
    status(c.call("slot.add", key=SECOND, **PASSPHRASE), "OK")
    lock(c)
    shapes = set()
    for what, key, slot in (("a wrong key", WRONG, 0), ("slot 1", WRONG, 1),
                            ("slot 2", WRONG, 2), ("no slot", WRONG, 7),
                            ("far out", WRONG, 0xfffffffe),
                            ("another slot's key", SECOND, 1),
                            ("a passphrase as a keyfile", SECOND, 0),
                            ("zeros", bytes(32), 0)):
        r = unlock(c, key, "WRONG_KEY", what, slot=slot)
        shapes.add((len(r.data), r.data[:8], r.status))
        settle(c)
        lock(c)
    same(len(shapes), 1, "kinds of answers to wrong keys")
    unlock(c, b"k" * 31, "INVALID", "a short key")
    unlock(c, b"", "INVALID", "no key")
    settle(c)
    status(c.call("slot.remove", slot=2), "OK")
    show("eight kinds of wrong: one answer")


def slower_and_slower(c):
    """How far the attempts that are tried lie apart."""
    mark = c.log_end()
    lock(c)
    times, busy = [], 0
    begin = time.monotonic()
    while len(times) < 4:
        r = c.call("vault.unlock", key=WRONG)
        if r.status_name == "WRONG_KEY":
            times.append(time.monotonic() - begin)
        else:
            status(r, "BUSY", "an attempt too early")
            busy += 1
        check(time.monotonic() - begin < 20, "only %d attempts" % len(times))
    gaps = [b - a for a, b in zip(times, times[1:])]
    for gap, least in zip(gaps, (0.25, 0.5, 1.0)):
        check(least * 0.9 < gap < least + 1.0, "gaps: %s" % gaps)
    took = settle(c)
    check(1.5 < took < 4, "the right key had to wait %.1f s" % took)
    end = time.monotonic() + 5
    while True:
        recorded = collections.Counter()
        for e in c.events(start=mark):
            # Of those that came too early only the number may be recorded.
            if e["op"] == 9:
                recorded[wire.STATUS_NAME[e["status"]]] += \
                    e["version"] if e["flags"] & wire.REPEATED else 1
        if recorded["BUSY"] >= busy or time.monotonic() > end:
            break
    check(recorded["BUSY"] >= busy and recorded["WRONG_KEY"] >= 4,
          "records of attempts: %s" % recorded)
    # A right one makes up for it.
    lock(c)
    unlock(c, WRONG, "WRONG_KEY")
    took = settle(c)
    check(took < 1.0, "after a success the wait is %.2f s" % took)
    show("wrong keys are tried after %s s; %d attempts between were turned "
         "away; all are recorded" % (
             ", ".join("%.2f" % g for g in gaps), busy))


def hammer(path, key, seconds):
    """Try a key as often as it goes: {status: times}."""
    c = wire.Connection(path)
    seen = collections.Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for r in c.pipeline([("vault.unlock", dict(key=key))] * 50):
            seen[r.status_name] += 1
    return seen


def ask_status(path):
    """status, again and again: how often, and the longest time."""
    c = wire.Connection(path)
    count, longest = 0, 0.0
    while not told_to_stop(0.001):
        begin = time.monotonic()
        check(c.state() in (wire.LOCKED, wire.OPEN), "state")
        longest = max(longest, time.monotonic() - begin)
        count += 1
    return count, longest


class Watcher:
    """Somebody who asks for the status meanwhile, and must be answered."""

    def __init__(self, t, d):
        self.agent = t.agent(49002)
        self.agent.start(ask_status, d.socket)

    def finish(self, what):
        send_message(self.agent.here, "stop")
        count, longest = self.agent.finish()
        check(count > 0 and longest < 1.0, "%s: status took %.2f s" %
              (what, longest))
        return "%d times, %.0f ms at most" % (count, longest * 1000)


def under_attack(t, d, c):
    lock(c)
    # Those who may not unlock are not tried at all, and keep nobody back.
    stranger = t.agent(49001)
    denied = stranger.do(hammer, d.socket, KEY, 0.5)
    same(set(denied), {"DENIED"}, "what a stranger gets, with the right key")
    begin = time.monotonic()
    unlock(c, what="the operator's key after a stranger's attempts")
    check(time.monotonic() - begin < 1.0, "it had to wait")
    lock(c)
    watcher = Watcher(t, d)
    attackers = [t.agent(0, 0) for _ in range(3)]
    for a in attackers:
        a.start(hammer, d.socket, WRONG, 2.0)
    seen = sum((a.finish() for a in attackers), collections.Counter())
    served = watcher.finish("while three hammer unlock")
    same(set(seen), {"BUSY", "WRONG_KEY"}, "what attackers get")
    check(seen["WRONG_KEY"] <= 4, "%d keys were tried in 2 s" %
          seen["WRONG_KEY"])
    settle(c)
    show("%d attempts by three at once: %d were tried; status was answered "
         "meanwhile %s; a stranger's %d were denied and cost nobody" %
         (sum(seen.values()), seen["WRONG_KEY"], served, denied["DENIED"]))


def large_vault(t, d, c):
    """An unlock that takes its time."""
    status(c.call("workspace.create", workspace="w"), "OK")
    n = 12000
    for first in range(0, n, 400):
        replies = c.pipeline([("secret.put", dict(
            workspace="w", name="n%d" % i, fields=wire.fields(value=b"x")))
            for i in range(first, first + 400)])
        check(all(r is not None and r.ok for r in replies), "puts: %r" %
              replies[-1])
    mark = c.log_end()
    lock(c)
    watcher = Watcher(t, d)
    begin = time.monotonic()
    unlock(c)
    took = time.monotonic() - begin
    served = watcher.finish("while a large vault opens")
    status(c.get("w", "n%d" % (n - 1)), "OK")
    # Somebody else's attempt, a lock, and an end of the one who waits.
    lock(c)
    other = d.connect()
    c.send("vault.unlock", FIRST_ID + 1, key=KEY)
    two = [other.call("vault.unlock", key=KEY).status_name,
           c.receive().status_name]
    check("OK" in two and ("BUSY" in two or "CONFLICT" in two),
          "two who unlock at once get %s" % two)
    lock(c)
    c.send("vault.unlock", FIRST_ID + 2, key=KEY)
    status(other.call("vault.lock"), "OK", "lock during an unlock")
    r = c.receive()
    check(r.status_name in ("OK", "LOCKED", "CONFLICT", "BUSY"),
          "an unlock during which somebody locks: %r" % r)
    same(other.state(), wire.LOCKED, "state after that lock")
    status(other.get("w", "n1"), "LOCKED", "get after that lock")
    gone = d.connect()
    gone.send("vault.unlock", FIRST_ID + 3, key=KEY)
    gone.close()
    end = time.monotonic() + 10
    while other.state() != wire.OPEN and time.monotonic() < end:
        pass
    state = other.state()
    if state != wire.OPEN:
        unlock(other, what="unlock after the one who asked has gone")
    seen = {e["request"]: e["status"]
            for e in other.events(start=mark)
            if e["op"] == 9 and e["request"] > FIRST_ID}
    same(sorted(n - FIRST_ID for n in seen), [1, 2, 3], "records of unlocks")
    show("a vault of %d secrets opens in %.2f s; status was answered "
         "meanwhile %s; a lock in the middle locks it" % (n, took, served))


def by_command(t, d):
    """A passphrase, as a person uses it."""
    for line, code in ((b"short\n", 2), (b"correct horse battery\n", 0)):
        t.run_cofre(d, "slot", "add", "--passphrase", stdin=line, code=code)
    t.run_cofre(d, "lock")
    t.run_cofre(d, "unlock", "--passphrase", stdin=b"correct horse\n",
                code=11)
    end = time.monotonic() + 20
    while True:
        try:
            t.run_cofre(d, "unlock", "--passphrase",
                        stdin=b"correct horse battery\n")
            break
        except harness.Failure:
            check(time.monotonic() < end, "the passphrase does not open it")
    t.run_cofre(d, "slot", "remove", "1")
    t.run_cofre(d, "slot", "remove", "2", code=8)
    t.run_cofre(d, "unlock", "--passphrase", stdin=b"whatever it is\n",
                code=8)
    show("a passphrase through the command: right, wrong, too short")


def test(t):
    harness.need_root()
    d = t.daemon()
    c = d.init()
    slots(c)
    wrong_keys(c)
    slower_and_slower(c)
    under_attack(t, d, c)
    large_vault(t, d, c)
    by_command(t, d)
    d.stop()


harness.main(test, limit=120)
