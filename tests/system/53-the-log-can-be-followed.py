#!/usr/bin/env python3
"""cofre activity --follow prints what is there, its own connection included,
and then each record as it comes, but for those that its reading makes; it ends
when nobody reads its output any more, also when nothing happens, and when the
daemon goes.  Oldest segments that were moved away are not missed; records that
were changed are told of, with an exit code of their own."""
import json
import os
import select
import shutil
import subprocess
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status

LIMIT = 20              # seconds until something is printed
CORRUPT = 13
CELL = 128
CELLS = 2048            # of the smallest segment


def pid(event):
    return event["initiator"]["pid"]


class Follower:
    def __init__(self, t, d, *more):
        self.data = b""
        self.process = subprocess.Popen(
            [t.cofre(), "--socket", d.socket, "activity", "--follow", *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        t.undo.append(self.process.kill)

    def line(self):
        """The next line, which must come."""
        end = time.monotonic() + LIMIT
        while b"\n" not in self.data:
            left = end - time.monotonic()
            check(left > 0 and select.select([self.process.stdout], [], [],
                                             left)[0], "no line comes")
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            check(more, "it has ended")
            self.data += more
        line, self.data = self.data.split(b"\n", 1)
        return line.decode()

    def until(self, op, name):
        """Records up to that one."""
        found = []
        while not found or (found[-1]["op"], found[-1]["object"]) != (op,
                                                                      name):
            found.append(json.loads(self.line()))
        return found

    def end(self):
        """Nobody reads it any more; (exit code, what it says)."""
        self.process.stdout.close()
        return self.gone()

    def gone(self):
        try:
            code = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            check(False, "it goes on")
        return code, self.process.stderr.read().decode()


def follows(t, d, root):
    f = Follower(t, d, "--json")
    before = f.until("secret.put", "w/first")
    check(any(e["op"] == "workspace.create" for e in before),
          "what was there already is missing")
    status(root.put("w", "second", dict(value=b"v")), "OK")
    status(root.get("w", "second"), "OK")
    later = f.until("secret.get", "w/second")
    # Its own connection is the last thing that was there already.
    same([(e["op"], pid(e)) for e in later],
         [("hello", f.process.pid)] + [(op, os.getpid()) for op in
                                       ("secret.put", "secret.get")],
         "what came later")
    # Some times later it has read the log again and again, for which there
    # are records; what somebody else reads is one of somebody else.
    root.events()
    status(root.put("w", "third", dict(value=b"v")), "OK")
    later = f.until("secret.put", "w/third")
    same([e["op"] for e in later if e["op"] != "activity.read"],
         ["secret.put"], "what came then")
    same({pid(e) for e in later}, {os.getpid()}, "whose that was")
    show("%d records, and each as it comes" % len(before))
    return f


def nobody_reads(f):
    code, said = f.end()
    same((code, said), (0, ""), "its end")
    show("it ends with its reader")


def daemon_goes(t, d):
    f = Follower(t, d)
    while "w/third" not in f.line():
        pass
    d.stop()
    code, said = f.gone()
    check(code > 0 and "daemon" in said, "exit code %d: %s" % (code, said))
    show("it ends with the daemon: " + said.strip())


def read_all(t, d):
    """Exit code, what it says, how many records."""
    done = subprocess.run(
        [t.cofre(), "--socket", d.socket, "activity", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    return done.returncode, done.stderr.decode(), done.stdout.count(b"\n")


def moved_away(t, d):
    """Who wants room moves the oldest segments away, at any time."""
    logs = os.path.join(d.state_dir, "activity")
    segments = sorted(n for n in os.listdir(logs) if n.endswith(".log"))
    check(len(segments) > 2, "%d segments" % len(segments))
    code, said, before = read_all(t, d)
    same(code, 0, "exit code: " + said)
    away, path = (os.path.join(x, segments[0]) for x in (d.dir, logs))
    os.rename(path, away)
    code, said, rest = read_all(t, d)
    same(code, 0, "exit code without the oldest segment: " + said)
    check(rest < before - CELLS // 2, "%d of %d records" % (rest, before))
    show("without the oldest segment %d of %d records" % (rest, before))
    os.rename(away, path)


def changed(t, d):
    """Records that somebody has changed while the daemon was away."""
    logs = os.path.join(d.state_dir, "activity")
    path = os.path.join(logs, sorted(os.listdir(logs))[0])
    whole = harness.read_file(path)

    def with_changes(*cells):
        data = bytearray(whole)
        for cell in cells:
            data[cell * CELL + 20] ^= 1
        harness.write_file(path, bytes(data))
        d.start()
        status(d.connect().call("vault.unlock", key=harness.KEY), "OK")
        code, said, lines = read_all(t, d)
        d.stop()
        same(code, CORRUPT, "exit code with changed records: " + said)
        return said, lines

    one, lines = with_changes(6)
    check("DOES NOT VERIFY" in one, one)
    check(lines > CELLS, "the others are not printed")
    many, _ = with_changes(6, 9)
    check("records are" in many, many)
    show(one.strip())


def verified(t, d):
    """What the check of the files tells besides that they are whole: where a
    value is that is known from before, what it begins with, and what a crash
    has left."""
    logs = os.path.join(t.dir, "copy")
    shutil.copytree(os.path.join(d.state_dir, "activity"), logs)
    segments = sorted(n for n in os.listdir(logs) if n.endswith(".log"))

    def verify(*options, code=0):
        done = subprocess.run(
            [t.cofre(), "activity", "verify", *options, logs],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
        same(done.returncode, code, done.stderr)
        return done.stdout.decode()

    found = json.loads(verify("--json"))
    chain, end = found["chain"], found["end_cell"]
    at = json.loads(verify("--json", "--known", chain))["known_cell"]
    check(at is not None and at < end, at)
    text = verify("--known", chain)
    check("known     at cell %d\n" % at in text and "note" not in text, text)
    check("DOES NOT VERIFY" in verify("--known", "0" * 64, code=CORRUPT),
          "a value that is not there")
    text = verify("--since-segment", segments[1])
    check("note      begins at cell" in text, text)
    for n, says in enumerate(("1 torn end,", "2 torn ends,")):
        harness.write_file(os.path.join(logs, "%d.torn" % n), b"x")
        check(says in verify(), says)
    path = os.path.join(logs, segments[-1])
    data = bytearray(harness.read_file(path))
    behind = -(-len(data.rstrip(b"\0")) // CELL) * CELL
    data[behind + 20] = 1
    harness.write_file(path, bytes(data))
    check("that a killed daemon did not complete" in verify(),
          "bytes behind the end")
    show("what the check tells of %d segments" % len(segments))


def test(t):
    d = t.daemon(dict(log_segment="256K"))
    root = d.init()
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.put("w", "first", dict(value=b"v")), "OK")
    nobody_reads(follows(t, d, root))
    daemon_goes(t, d)
    d.start()
    root = d.connect()
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    # What is changed in the segment that it goes on with stops its start.
    for _ in range(2 * CELLS // 64 + 1):
        root.send_raw(wire.request("secret.get", 9, workspace="w",
                                   name="first") * 64)
        for _ in range(64):
            status(root.receive(), "OK", "a read")
    moved_away(t, d)
    d.stop()
    verified(t, d)
    changed(t, d)


harness.main(test, limit=60)
