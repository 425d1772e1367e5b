#!/usr/bin/env python3
"""Files that somebody changed while no daemon ran.  In the log every change
of a record is found without a key and without the daemon, and a forged tag
by the daemon; in the stores a change is refused, told, or without effect,
never gives a wrong value, and never ends the daemon by a signal.  The real
daemon is started with some changed files, and its code, in a driver, with
some hundreds: `make tamper` tries all.

COFRE_TEST_SEED repeats the choices."""
import collections
import json
import os
import shutil
import subprocess
import sys
sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tamper"))

import cofre_wire as wire
import harness
import states
from expect import check, same, show, status
from harness import read_file

CELL, MARK = 128, 112   # doc/FORMAT.md
STORE_CHANGES = 60
ATTEMPTS = 900


class Log:
    """A log of a few segments, changed in copies."""

    def __init__(self, t, d):
        self.t, self.d = t, d
        self.good = os.path.join(d.state_dir, "activity")
        self.copy = os.path.join(t.dir, "activity")
        names = sorted(os.listdir(self.good))
        self.segments = {n: read_file(os.path.join(self.good, n))
                         for n in names}
        self.records = [(n, at, cells) for n in names
                        for at, cells in self.walk(self.segments[n])]

    @staticmethod
    def walk(data):
        """(offset, cells) of each record behind the header."""
        at = CELL
        while at < len(data) and data[at] != 0:
            yield at, data[at + 1]
            at += data[at + 1] * CELL

    def verify(self, changed, *options):
        """What the command says of the log with these files changed."""
        shutil.rmtree(self.copy, ignore_errors=True)
        os.mkdir(self.copy)
        for name, data in {**self.segments, **changed}.items():
            if data is not None:
                harness.write_file(os.path.join(self.copy, name), data)
        done = subprocess.run(
            [self.t.cofre(), "activity", "verify", "--json", *options,
             self.copy], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=60)
        check(done.returncode in (0, 13), "verify: exit code %d: %s" %
              (done.returncode, done.stderr))
        found = json.loads(done.stdout)
        same(found["verified"], done.returncode == 0, "verified")
        return found

    def spoil(self, what, name, data, cell=None):
        """That must not verify, and name the cell where it is known."""
        found = self.verify({name: bytes(data)})
        check(not found["verified"], what + " is not noticed")
        if cell is not None:
            same(found["problem"]["cell"], cell, what + ": the first bad "
                 "cell")
            same(found["problem"]["file"], name, what + ": the file")

    def number(self, name, at):
        return int(name.split(".")[0], 16) + (at - CELL) // CELL


def change_log(log, r):
    good = log.verify({})
    check(good["verified"], "the log itself: %s" % good)
    # A bit of every record: of what it says, of its chain value.
    for name, at, cells in log.records:
        data = bytearray(log.segments[name])
        place = r.randrange(CELL - 16)
        data[at + place] ^= 1 << r.randrange(8)
        log.spoil("a bit of byte %d" % place, name, data,
                  log.number(name, at) if place < 80 else None)
    for name, at, cells in log.records:
        if cells > 1:       # its text
            data = bytearray(log.segments[name])
            data[at + CELL + r.randrange((cells - 1) * CELL)] ^= 0x20
            log.spoil("a changed text", name, data, log.number(name, at))
    middle = [x for x in log.records[5:-5] if x[2] == 1]
    for name, at, _ in r.sample(middle, 12):
        data = log.segments[name]
        one = data[at:at + CELL]
        log.spoil("a record that was taken out", name,
                  data[:at] + data[at + CELL:] + bytes(CELL))
        log.spoil("a record that is there twice", name,
                  data[:at] + one + data[at:-CELL])
        log.spoil("two records in another order", name,
                  data[:at] + data[at + CELL:at + 2 * CELL] + one +
                  data[at + 2 * CELL:])
        log.spoil("a record that was wiped", name,
                  data[:at] + bytes(CELL) + data[at + CELL:])
    names = sorted(log.segments)
    check(len(names) >= 3, "only %d segments" % len(names))
    check(not log.verify({names[1]: None})["verified"],
          "a segment that is missing is not noticed")
    check(not log.verify({names[1]: log.segments[names[2]]})["verified"],
          "a segment in another's place is not noticed")
    # Cut at the end: the mark shows it.  With the mark set back, only
    # somebody can see it who has noted the chain.
    name, at, _ = log.records[-3]
    cut = log.segments[name][:at] + bytes(len(log.segments[name]) - at)
    log.spoil("an end that was cut off", name, cut)
    cut = {name: cut[:MARK] + log.number(name, at).to_bytes(8, "big") +
           cut[MARK + 8:]}
    known = ("--known", good["chain"])
    check(log.verify({}, *known)["verified"], "the known end")
    check(log.verify(cut)["verified"], "an end that was cut off, and the "
          "mark set back")
    check(not log.verify(cut, *known)["verified"],
          "an end that was cut off is not noticed with --known")
    show("log: a bit in each of %d records, records taken out, doubled, "
         "moved, wiped, segments missing: each is found, and where" %
         len(log.records))


def restore(d, good):
    """The state directory as it was, with its owner."""
    st = os.stat(d.state_dir)
    for base, _, leaves in os.walk(good):
        to = os.path.join(d.state_dir, os.path.relpath(base, good))
        for leaf in set(os.listdir(to)) - set(leaves):
            if not os.path.isdir(os.path.join(to, leaf)):
                os.unlink(os.path.join(to, leaf))
        for leaf in leaves:
            path = os.path.join(to, leaf)
            shutil.copyfile(os.path.join(base, leaf), path)
            os.chmod(path, 0o600)
            os.chown(path, st.st_uid, st.st_gid)


def forge_tag(d, log, good):
    """The tag of a record: the daemon checks it, with the key."""
    name, at, _ = log.records[-4]
    data = bytearray(log.segments[name])
    check(data[at + 7] & 4, "that record has no tag")
    data[at + CELL - 1] ^= 1
    check(log.verify({name: bytes(data)})["verified"],
          "a tag can be checked without the key")
    restore(d, good)
    with open(os.path.join(log.good, name), "r+b") as f:
        f.write(data)
    before = len(d.stderr())
    d.start()
    same(d.connect().state(), wire.LOCKED, "state with a forged tag")
    check("verification" in d.stderr()[before:], "it says " +
          d.stderr()[before:])
    d.stop()
    show("log: a forged tag is found at unlock")


class Outcome:
    """What the daemon makes of a changed store."""

    def __init__(self, d, secrets):
        self.d, self.secrets = d, secrets

    def ended(self):
        d = self.d
        d.wait()
        check(d.code > 0, "ended by signal %d: %s" % (-d.code, d.stderr()))
        return "refused at start"

    def look(self):
        d = self.d
        d.spawn()
        if not d.wait_note("READY=1"):
            return self.ended()
        try:
            c = d.connect()
            if c.state() != wire.OPEN:
                d.kill()
                return "locked, and told"
            statuses = self.read_all(c)
        except (wire.WireError, OSError, AttributeError):
            return self.ended()
        d.kill()
        return "harmless" if statuses == {"OK"} else \
            "opened, and told: " + " ".join(sorted(statuses))

    def read_all(self, c):
        seen = set()
        for name, value in self.secrets.items():
            r = c.get("w", name)
            seen.add(r.status_name)
            if r.ok:
                same(r.values(), value, "A WRONG VALUE of " + name)
        seen.add(c.call("secret.list", workspace="w").status_name)
        seen.add(c.put("w", "new", dict(value=b"x")).status_name)
        return seen


def change_store(d, secrets, good, r, name):
    path = os.path.join(d.state_dir, name)
    whole = read_file(os.path.join(good, name))
    pages = [p for p in range(0, len(whole), 4096)
             if whole[p:p + 4096].strip(b"\0")]
    outcomes = collections.Counter()
    changes = d.test.part(STORE_CHANGES)
    for i in range(changes):
        restore(d, good)
        # Half of them anywhere, half where LMDB keeps what it needs.
        at = r.choice(pages) + r.randrange(4096 if i % 2 else 128)
        with open(path, "r+b") as f:
            f.seek(at)
            f.write(bytes([whole[at] ^ r.choice((0xff, 1 <<
                                                 r.randrange(8)))]))
        try:
            outcomes[Outcome(d, secrets).look()] += 1
        except harness.Failure as e:
            raise harness.Failure("byte %d of %s: %s" % (at, name, e))
    show("%s: %d changed bytes, no wrong value: %s" % (
        name, changes, ", ".join(
            "%d %s" % (n, what) for what, n in outcomes.most_common())))


def tamper(t, r):
    table, lines, good = states.States(t).tamper(t.part(ATTEMPTS),
                                                 r.getrandbits(32))
    states.print_table(table, lines)
    found = states.total(table)
    check(good and found["tried"] > t.part(500) and
          found["detected"] > t.part(100), "the driver")
    same((found["wrong"], found["crashed"]), (0, 0), "wrong and crashed")


def test(t):
    r = harness.seed()
    keyfile = t.keyfile()
    d = t.daemon(dict(log_segment="64K"), keyfile=keyfile)
    c = d.init(harness.slot_key(read_file(keyfile)))
    status(c.call("workspace.create", workspace="w"), "OK")
    secrets = {}
    for i in range(40):
        name = "n%d" % i
        secrets[name] = dict(value=b"%04d" % i * (1 if i % 3 else 3000))
        status(c.put("w", name, secrets[name]), "OK")
    status(c.get("w", "none"), "NOT_FOUND")
    c.pipeline([("secret.get", dict(workspace="w", name="n1"))] * 1100)
    for name in ("gone", "away"):
        status(c.get("w", name), "NOT_FOUND")
    d.stop()
    good = os.path.join(t.dir, "good")
    shutil.copytree(d.state_dir, good)
    log = Log(t, d)
    log.records = log.records[:t.part(40)] + \
        r.sample(log.records[40:-20], t.part(80)) + log.records[-20:]
    change_log(log, r)
    forge_tag(d, log, good)
    for name in ("data.mdb", "ssh.lmdb"):
        change_store(d, secrets, good, r, name)
    tamper(t, r)


harness.main(test, limit=240)
