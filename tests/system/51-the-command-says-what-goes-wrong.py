#!/usr/bin/env python3
"""Whatever goes wrong around the command, at any place: it is ended by no
signal, and says why it has not done what it was to do, with an exit code that
is not 0.  That is for each answer that is none, is a refusal, or has a byte
changed; for each allocation and each call that fails; and when standard
output is full.  What is interrupted, or does half of what it was to do,
changes nothing.  Nothing of an answer gets to a terminal that could steer it,
and no error tells a secret.  A daemon that makes its answers up is not
believed."""
import functools
import itertools
import os
import re
import struct
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import faults
import harness
import refusals
import rehearsal
from expect import check, show
from made_up import BAD_LIST, always, item, liar
from rehearsal import ALLOCATION, CALL, HALVE, INTERRUPT

# Of each answer, and of each way of failing of each command line, evenly
# chosen; OPS=n in place of that.  What is called from a place in the code from
# which nothing has failed yet comes besides.  COUNTED is for the build that
# counts what is reached.
ATTEMPTS = 1
COUNTED = {"answers": 12, "failures": 40, "outputs": 0}

HEADER = wire.HEADER
BODY = HEADER + 4               # what follows the status
STATUSES = ("DENIED", "NOT_FOUND", "CONFLICT", "INVALID", "LIMIT",
            "EXPIRED", "STORE_FAILED", "CORRUPT", "INTERNAL", "of a later one")
BYTES = 24                      # of an answer are changed, one at a time
KINDS = {ALLOCATION: "allocation", CALL: "call", INTERRUPT: "interruption",
         HALVE: "half"}
STEERING = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


def sized(frame):
    """With the length that it has."""
    return struct.pack(">I", len(frame) - 4) + frame[4:]


def refusal(name):
    def change(frame):
        code = wire.STATUS.get(name, 63)
        return sized(frame[:HEADER] + struct.pack(">I", code))
    return change


def flipped(at, value):
    def change(frame):
        return frame[:at] + bytes([value]) + frame[at + 1:]
    return change


# What is no answer at all.
BROKEN = {
    "nothing": lambda frame: None,
    "no header": lambda frame: frame[:HEADER - 1],
    "an impossible length": lambda frame: b"\xff" * 4 + frame[4:],
    "another version": flipped(4, 9),
    "a request": flipped(5, 0),
    "to another operation": flipped(7, 200),
    "to another request": flipped(11, 250),
    "a status of the library's": lambda frame: sized(
        frame[:HEADER] + struct.pack(">I", 64)),
    "no status": lambda frame: sized(frame[:HEADER + 3]),
    "a byte too many": lambda frame: sized(frame + b"\0"),
}

# What is asked before the last one must be answered as well: only who may not
# know it can go on without it.
EARLIER = [(name, BROKEN.get(name) or refusal(name), True) for name in
           ("CORRUPT", "LOG_FAILED", "a byte too many",
            "an impossible length")]
EARLIER_NAMES = [name for name, _, _ in EARLIER]


def changes(reply):
    """Groups of (name, change, must it fail?) for an answer."""
    size = len(reply) - BODY
    cut = [("no body", lambda f: sized(f[:BODY]), True),
           ("a byte too few", lambda f: sized(f[:-1]), True)]
    places = [BODY + i * size // BYTES for i in range(BYTES)] \
        if size > BYTES else range(BODY, len(reply))
    return [[(name, refusal(name), name not in ("DENIED", "NOT_FOUND")) for name in STATUSES],
            cut if size > 0 else [],
            [("%#x at %d" % (value, at), flipped(at, value), False)
             for at in places for value in (0x1b, 0xff)],
            [(name, change, True) for name, change in BROKEN.items()]]


def chosen(reply, most, turn):
    """So many of them, from one group after the other; elsewhere in each
    turn."""
    groups = [g for g in changes(reply) if g]
    groups = groups[turn % len(groups):] + groups[:turn % len(groups)]
    rows = itertools.zip_longest(*(
        rehearsal.choose(g, most, turn * 0.618 % 1) for g in groups))
    found = [c for row in rows for c in row if c is not None]
    return found[:most] if most > 0 else found


def says_so(take, got):
    """These say it where they print what they have found."""
    return ("cofre" in got.err and "cofre: \n" not in got.err) or (
        got.out and take.words[0] in ("why", "resync-keys"))


def misled(take, got, must_fail, hello=False):
    """What it may not do after that answer; None when all is well.  A hello
    that is refused is the answer to what is asked first."""
    if got.code < 0:
        return "ended by signal %d" % -got.code
    if got.code == 0 and must_fail and take.code == 0:
        return "as if nothing were wrong: %r" % got.out
    if got.code != 0 and not says_so(take, got):
        return "exit code %d, and says %r" % (got.code, got.err)
    if "this handle has no connection" in got.err and not hello:
        return "does not say what has failed at first: " + got.err
    if STEERING.search(got.err.encode()) or (
            take.words[:1] != ["get"] and take.words[:2] != ["ca", "krl"] and
            STEERING.search(got.out)):
        return "prints %r" % (got.out + got.err.encode())
    return None


def only(place, change):
    """That one answer is changed; after half of one, or none, the end."""
    def answer(n, _, reply):
        return change(reply) if n == place else reply
    return answer


def answers(takes, most):
    """(take, what is wrong, how it is played, the judge)"""
    turns = itertools.count()
    for take in takes:
        replies = [r for c in take.connections for _, r in c]
        for place, reply in enumerate(replies):
            more = [] if place + 1 == len(replies) else EARLIER
            for name, change, must in more + chosen(reply, most, next(turns)):
                # Before the last one comes what it would like to know.
                must = must and (name in EARLIER_NAMES or name in BROKEN or
                                 place + 1 == len(replies))
                yield (take, "answer %d of %d, %s" % (
                    place + 1, len(replies), name),
                    dict(change=only(place, change)),
                    functools.partial(misled, must_fail=must, hello=reply is
                                      take.connections[0][0][1] and
                                      name == "DENIED"))


def failed(take, got, same):
    """What it may not do when something fails, or, if it is to be the same,
    does not."""
    if got.code < 0:
        return "ended by signal %d" % -got.code
    if got.code == take.code and got.out == take.out:
        return None
    if same:
        return "exit code %d, not %d: %s" % (got.code, take.code, got.err)
    if got.code == 0:
        return "it prints %r as if nothing were wrong" % got.out
    if not says_so(take, got):
        return "exit code %d, and says %r" % (got.code, got.err)
    if rehearsal.SECRET.decode() in got.err:
        return "tells a secret: " + got.err
    # With -n it prints the last lines of what it has read, others which of it
    # has failed.
    if not take.out.startswith(got.out) and "-n" not in take.words and \
            take.words[0] != "resync-keys" and "verify" not in take.words:
        return "it prints %r" % got.out
    return None


def failures(takes, most):
    choice = rehearsal.Choice(most)
    for take in takes:
        for kind, name in KINDS.items():
            for nth in choice.of(kind, take.met[kind]):
                yield (take, "%s %d of %d" % (name, nth,
                                              len(take.met[kind])),
                       dict(kind=kind, nth=nth),
                       functools.partial(failed, same=kind in (INTERRUPT,
                                                               HALVE)))


def full(take, got):
    if take.out and (got.code <= 0 or "standard output" not in got.err or
                     "No space left" not in got.err or
                     "out of memory" in got.err):
        return "exit code %d, and says %r" % (got.code, got.err)
    return None


def outputs(takes, _):
    for take in takes:
        yield take, "a full standard output", dict(out="/dev/full"), full


def misuses(stage, place):
    """What nobody can mean is refused, and nobody is asked anything."""
    bad = []

    def connection():
        bad.append("the daemon is asked")
        return lambda frame: None

    for line in refusals.MISUSES:
        before = len(bad)
        got = stage.run(place.words(line), b"secret", connection)
        if got.code != refusals.USAGE or got.out or \
                not got.err.startswith(("cofre: ", "usage: ")):
            bad.append("exit code %d, %r, %r" % (got.code, got.out, got.err))
        bad[before:] = ["cofre %s: %s" % (line, b) for b in bad[before:]]
    check(not bad, "\n".join(bad))
    show("%d command lines that are none: refused, and nothing is asked" %
         len(refusals.MISUSES))


# Pages that are the same again and again.
WORKSPACES = dict(items=[item("workspace", name="a")], more=1)
TARGETS = dict(items=[item("target", name="a", public="k" * 32)], more=1)
HOST = dict(host="h", user="u", port=22,
            keys=[item("target_key", public="k" * 32)])


def log_without_end(cell, **more):
    """Of each page the record is the one of that cell, or there is none."""
    def answer(name, q):
        if name != "activity.read":
            return {}
        items = [] if cell is None else [item("event", cell=cell, time=1)]
        return dict(dict(items=items, next=q["from"] + 1, end=1 << 41),
                    **{k: v(q["from"]) for k, v in more.items()})
    return answer


LOG_THAT_STOPS = log_without_end(None, next=lambda at: min(at + 1, 9),
                                 end=lambda at: 0 if at == 9 else 20)

# A command line, and what it is told; that can't be decoded.
LIES = [
    ("resync-keys ml --only grants",
     always(identity_show="DENIED", resync_commit=dict(skipped=BAD_LIST))),
    ("show ml/other --json", always(secret_show=dict(fields=BAD_LIST))),
    ("identity show ml --json", always(identity_show=dict(items=BAD_LIST))),
    ("status --json", always(vault_report=dict(items=BAD_LIST))),
    ("role show reader --json",
     always(role_show=dict(custom=1, patterns=BAD_LIST))),
    ("why user:7 secret.get ml --json",
     always(policy_explain=dict(items=BAD_LIST))),
    ("target show ml/host --json", always(target_show=dict(pins=BAD_LIST))),
    ("get ml/other --json",
     always(secret_get=dict(kind=wire.GENERIC, version=1, fields=BAD_LIST))),
    ("role list --json", always(role_list=dict(items=BAD_LIST))),
    ("doctor --json", always(vault_report=dict(items=BAD_LIST))),
    ("list ml --json", always(secret_list=dict(items=BAD_LIST))),
    ("versions ml/other --json", always(secret_versions=dict(items=BAD_LIST))),
    ("activity --json", always(activity_read=dict(items=BAD_LIST))),
    ("grants ml --json", always(grant_list=dict(items=BAD_LIST))),
    ("who ml --json", always(policy_who=dict(items=BAD_LIST))),
    ("slot list --json", always(slot_list=dict(items=BAD_LIST))),
    ("run list ml --json", always(run_list=dict(items=BAD_LIST))),
    ("source list ml --json", always(resync_list=dict(items=BAD_LIST))),
    ("workspace list", always(workspace_list=WORKSPACES)),
    ("workspace list --deleted", always(workspace_list=WORKSPACES)),
    ("identity list", always(workspace_list=WORKSPACES)),
    ("target list ml", always(target_list=TARGETS)),
    ("target known-hosts ml", always(target_list=TARGETS, target_show=HOST)),
    ("unused ml --days 3", log_without_end(0)),
    ("unused ml --days 3", LOG_THAT_STOPS),
    ("activity", LOG_THAT_STOPS),
]


def lies(stage, place):
    bad = []
    for line, answer in LIES:
        got = stage.run(place.words(line), b"", liar(answer))
        if got.code != refusals.BAD_REPLY or got.out or \
                "the answer can't be decoded" not in got.err:
            bad.append("cofre %s: exit code %d, %r, %r" % (
                line, got.code, got.out, got.err))
    check(not bad, "\n".join(bad))
    show("%d answers that are made up, and not believed" % len(LIES))


def each_by_itself(stage, place):
    """Three workspaces, and for the first one the connection is lost."""
    words = place.words("resync-keys --all --only grants")

    def run(failure):
        def answer(name, q):
            if name == "workspace.list":
                return dict(items=[item("workspace", name=n) for n in "abc"])
            if name == "resync.begin" and q["workspace"] == b"a":
                return failure()
            return "DENIED" if name == "identity.show" else {}
        return stage.run(words, b"", liar(answer))

    def gone():
        os.rename(stage.path, stage.path + ".gone")

    for failure in (lambda: b"x", lambda: None):
        got = run(failure)
        check(got.code == 3 and got.err.count("\n") == 1 and
              "resync-keys a: " in got.err, "exit code %d, %r" % (
                  got.code, got.err))
    got = run(gone)
    os.rename(stage.path + ".gone", stage.path)
    check(got.code == 4 and got.err.count("\n") == 3 and
          got.err.count("connect to ") == 2, "exit code %d, %r" % (
              got.code, got.err))
    show("after a lost connection the next workspaces are tried all the same")


def test(t):
    harness.need_root()
    if not faults.can_be(t):
        return
    stage, takes, place = rehearsal.repertoire(t)
    misuses(stage, place)
    lies(stage, place)
    each_by_itself(stage, place)
    bad = []
    for take in takes:
        again = stage.play(take)
        take.met = again.met
        if (again.code, again.out, again.err) != (take.code, take.out,
                                                  take.err):
            bad.append("cofre %s: twice not the same: %r, %r" % (
                take.line, (take.code, take.out, take.err), (
                again.code, again.out, again.err)))
    check(not bad, "\n".join(bad))
    for attempts in (answers, failures, outputs):
        begin, count = time.monotonic(), 0
        most = int(os.environ.get("OPS") or (
            COUNTED[attempts.__name__] if t.counts() else ATTEMPTS))
        for take, what, how, judge in attempts(takes, most):
            text = judge(take, stage.play(take, **how))
            count += 1
            if text is not None:
                bad.append("cofre %s, %s: %s" % (take.line, what, text))
        show("%d %s with %d command lines in %.1f s" % (
            count, attempts.__name__, len(takes), time.monotonic() - begin))
    check(not bad, "\n".join(bad))


harness.main(test, limit=24 * 3600 if "OPS" in os.environ else 300)
