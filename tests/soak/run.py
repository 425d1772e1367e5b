#!/usr/bin/env python3
"""Everything that a compute node asks of a daemon, again and again, for as
many operations as wanted, and does anything grow? `make soak`.

OPS=n       about so many operations; default: 100000
COFRE_TEST_SEED
            repeats the choices

The operations come in laps.  After each lap nobody is connected, and what
the daemon has is measured.  What is compared is the second quarter of the
laps with the last one."""
import datetime
import os
import re
import sys
import time
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

import cofre_wire as wire
import harness
import sshagent
from expect import check, same, show, status

READERS = (46001, 46002, 46003)
STRANGER = 46009
RUNS_MAX = 1024         # runs that are over stay until there are so many
NAMES = 40
SEGMENT = 1 << 20
CELL = 128
BATCH = 25              # requests in one turn
LAPS = 40
HEAD = "%8s %6s %6s %4s %6s %5s %6s %6s %7s %8s %9s"
LINE = "%8d %6d %6d %4d %6d %5d %6d %6d %7.1f %8.0f %9.0f"

# What may be more in the last quarter than in the second, for good reasons:
# a page of the allocator's here and there; the descriptor of a segment of the
# log that is made ahead; a purged workspace keeps a row, and its entry in
# memory (a KiB for each is allowed); the processor is shared with others,
# which the time of an answer shows more than the daemon's own time.
ANON = 256              # KiB
FDS = 1
STORE = 256             # KiB in use
CPU = 1.3               # times the processor time of an operation
SLOWER = 10.0           # times the p99 of a single get


def value(n):
    return b"%d" % n * (n % 60 + 1)


# --- in the processes of other users -----------------------------------------

def ok(reply, what):
    check(reply is not None and reply.ok, "%s: %r" % (what, reply))
    return reply


def found(reply, what):
    """It is there, or somebody has just deleted or purged it."""
    check(reply is not None and reply.status_name in (
        "OK", "DELETED", "NOT_FOUND"), "%s: %r" % (what, reply))


def read(path, agent_path, count):
    """Gets, mostly: how many operations, and how long single ones took."""
    done, took = 0, []
    c = wire.Connection(path)
    signer = sshagent.Client(agent_path, "lab")
    key = signer.keys()[0][0]
    while done < count:
        for r in c.pipeline([("secret.get", dict(
                workspace="lab", name="n%d" % (i % NAMES)))
                for i in range(done, done + BATCH)]):
            found(r, "a get")
        for _ in range(5):
            begin = time.monotonic()
            found(c.get("lab", "n0"), "a get")
            took.append(time.monotonic() - begin)
        ok(c.call("secret.list", workspace="lab"), "a list")
        found(c.call("secret.show", workspace="lab", name="n1"), "a show")
        found(c.call("secret.versions", workspace="lab", name="n1"),
              "versions")
        check(signer.signs(key, sshagent.sshsig("soak")), "no signature")
        cold = wire.Connection(path)
        found(cold.get("lab", "n2"), "a cold get")
        cold.close()
        done += BATCH + 5 + 3 + 1 + 2
    c.close()
    signer.socket.close()
    return done, took


def annoy(path, count):
    """Requests that are denied, frames that are none, ends in the middle."""
    for i in range(count // 5):
        c = wire.Connection(path)
        for r in c.pipeline([("secret.get", dict(workspace="lab",
                                                 name="n%d" % i))] * 3):
            same(r.status_name, "DENIED", "a stranger's get")
        c.send_raw(os.urandom(i % 200) if i % 2 else
                   wire.request("secret.get", 9, workspace="lab",
                                name="n1")[:-1 - i % 20])
        c.close()
    return count // 5 * 5, []


# --- the operator ------------------------------------------------------------

class Soak:
    def __init__(self, t):
        self.t, self.number, self.purged = t, 0, 0
        self.agent_path = os.path.join(t.dir, "agent")
        self.d = harness.Daemon(t, dict(
            log_segment=SEGMENT, agent_socket=self.agent_path,
            max_connections=200))
        self.d.start()
        c = self.d.init()
        os.chmod(self.agent_path, 0o666)
        ok(c.call("workspace.create", workspace="lab"), "workspace.create")
        for uid in READERS:
            ok(c.call("grant.add", workspace="lab", principal=wire.USER,
                      id=uid, role="owner"), "grant.add")
        ok(c.call("target.create", workspace="lab", name="t", host="h",
                  port=22, user="u",
                  namespaces=[dict(namespace="soak")]), "target.create")
        for i in range(NAMES):
            ok(c.put("lab", "n%d" % i, dict(value=value(i))), "a put")
        # As many runs as there can be: then a new one takes an old place.
        for _ in range(RUNS_MAX // 16 + 1):
            self.runs(c, 16)
        c.close()
        self.readers = [t.agent(uid) for uid in READERS]
        self.stranger = t.agent(STRANGER)

    def all(self, c, calls):
        for (op, _), r in zip(calls, replies := c.pipeline(calls)):
            ok(r, op)
        return replies

    def runs(self, c, count):
        started = self.all(c, [("run.start", dict(
            workspace="lab", target=wire.TOKEN_ONLY, token=1, uid=0,
            secrets=[dict(name="n1")], lifetime=3600))] * count)
        self.all(c, [("run.end", dict(workspace="lab",
                                      run=r.fields["run"]))
                     for r in started])
        return 2 * count

    def change(self, c):
        """Every value anew; some are deleted, purged and put again."""
        def names(op, which):
            self.all(c, [(op, dict(workspace="lab", name="n%d" % i))
                         for i in which])
        self.number += 1
        gone = [i for i in range(5, NAMES) if i % 5 == self.number % 5]
        names("secret.delete", gone)
        names("secret.undelete", gone)
        names("secret.delete", gone)
        names("secret.purge", gone)
        puts = [("secret.put", dict(
            workspace="lab", name="n%d" % i,
            fields=wire.fields(value=value(i + self.number))))
            for i in range(NAMES)]
        for at in range(0, NAMES, BATCH):
            self.all(c, puts[at:at + BATCH])
        return 4 * len(gone) + NAMES

    def first_ones(self, c):
        """Those that are always read, whose old versions would heap up."""
        if self.number % 5 == 0:
            for i in range(5):
                at = dict(workspace="lab", name="n%d" % i)
                self.all(c, [("secret.delete", at), ("secret.purge", at),
                             ("secret.put", dict(at, fields=wire.fields(
                                 value=value(i))))])
            return 15
        return 0

    def watch(self, c):
        w = self.d.connect()
        version = ok(c.get("lab", "n7"), "a get").fields["version"]
        w.send("secret.watch", workspace="lab", wait=1,
               items=[dict(name="n7", version=version, followed=0)])
        ok(c.put("lab", "n7", dict(value=value(7))), "a put")
        ok(w.receive(), "a watch")
        w.close()
        return 3

    def resync(self, c):
        at = dict(workspace="lab", name="n8")
        ok(c.call("secret.source", source="file", arguments=[
            dict(name="path", value="/x")], **at), "secret.source")
        ok(c.call("resync.begin", workspace="lab"), "resync.begin")
        version = ok(c.get("lab", "n8"), "a get").fields["version"]
        ok(c.call("resync.stage", version=version,
                  origin=c.origins("lab")["n8"], outcome=wire.VALUE,
                  fields=wire.fields(value=b"%d" % time.time_ns()), **at),
           "resync.stage")
        ok(c.call("resync.commit", workspace="lab", grace=0),
           "resync.commit")
        return 6

    def workspace(self, c):
        at = dict(workspace="short")
        ok(c.call("workspace.create", **at), "workspace.create")
        ok(c.put("short", "n", dict(value=b"v")), "a put")
        ok(c.call("target.create", name="t", host="h", port=22, user="u",
                  **at), "target.create")
        for op in ("delete", "undelete", "delete", "purge"):
            ok(c.call("workspace." + op, **at), "workspace." + op)
        self.purged += 1
        return 7

    def lap(self, count):
        """About so many operations: how many, and how long gets took."""
        each = count // (len(READERS) + 1)
        for a in self.readers:
            a.start(read, self.d.socket, self.agent_path, each)
        self.stranger.start(annoy, self.d.socket, min(100, each // 2))
        c, done, took = self.d.connect(), 0, []
        while done < each:
            done += self.change(c) + self.first_ones(c) + self.runs(c, 8)
            done += self.watch(c) + self.resync(c)
        done += self.workspace(c)
        c.close()
        for a in self.readers + [self.stranger]:
            more, times = a.finish()
            done += more
            took += times
        return done, sorted(took)

    # What it has.

    def measure(self):
        """Once it has seen that all the others have gone."""
        c = self.d.connect()
        end = time.monotonic() + 30
        while True:
            c.barrier()
            report = c.report()
            if report["connections"].split()[0] == "1":
                break
            check(time.monotonic() < end, "connections stay")
        rows, used = map(int, re.match(r"(\d+) rows, (\d+) of",
                                       report["store"]).groups())
        ssh_rows, ssh_used = map(int, re.match(
            r"(\d+) rows, (\d+) of", report["ssh store"]).groups())
        cells = int(report["activity log"].split()[0])
        fds = len(self.d.fds())
        memory = self.d.proc_status()
        c.close()
        log = os.path.join(self.d.state_dir, "activity")
        segments = [n for n in os.listdir(log) if n.endswith(".log")]
        return dict(
            anon=int(memory["RssAnon"].split()[0]),
            rss=int(memory["VmRSS"].split()[0]), fds=fds, rows=rows,
            ssh_rows=ssh_rows, used=used + ssh_used,
            segments=len(segments), cells=cells, purged=self.purged)


def quarter(rows, n, key):
    part = rows[len(rows) * n // 4:len(rows) * (n + 1) // 4]
    return sum(r[key] for r in part) / len(part)


def live(rows, n):
    """The most rows in a quarter that are there for something, which is not
    for a workspace that was purged.  How many it is changes from lap to lap,
    by where in a round of its requests one ends: so no mean."""
    return max(r["rows"] - r["purged"]
               for r in rows[len(rows) * n // 4:len(rows) * (n + 1) // 4])


def middle(rows, n, key):
    """The middle one of the laps in a quarter."""
    part = sorted(r[key] for r in rows[len(rows) * n // 4:
                                         len(rows) * (n + 1) // 4])
    return part[len(part) // 2]


def compare(rows):
    """[(what, second quarter, last quarter, what it may be, good)]"""
    def pair(key):
        return quarter(rows, 1, key), quarter(rows, 3, key)
    purged = pair("purged")
    purged = purged[1] - purged[0]
    found = []
    for key, more in (("anon", ANON + purged), ("fds", FDS),
                      ("ssh_rows", 0), ("used", STORE + purged)):
        a, b = pair(key)
        found.append((key, a, b, a + more, b <= a + more + 1e-6))
    a, b = live(rows, 1), live(rows, 3)
    found.append(("live rows", a, b, a, b <= a))
    for key, factor in (("cpu", CPU), ("p99", SLOWER)):
        a, b = (middle(rows, n, key) for n in (1, 3))
        found.append((key, a, b, a * factor, b <= a * factor))
    last = rows[-1]
    least = last["cells"] * CELL / (SEGMENT - CELL)
    # A turn's records may not fit the rest of a segment.
    most = least * 1.05 + 1
    found.append(("segments", least, last["segments"], most,
                  least <= last["segments"] <= most))
    return found


def test(t):
    harness.need_root()
    ops = int(os.environ.get("OPS") or 100000)
    begin = datetime.datetime.now()
    s, rows, done = Soak(t), [], 0
    show(HEAD % ("ops", "anon", "rss", "fds", "rows", "ssh", "used",
                 "segm.", "cpu us", "p50 us", "p99 us"))
    while len(rows) < LAPS:
        before = s.d.cpu()
        more, took = s.lap(ops // LAPS)
        done += more
        m = s.measure()
        m["cpu"] = (s.d.cpu() - before) / more * 1e6
        m.update(ops=done, p50=took[len(took) // 2] * 1e6,
                 p99=took[len(took) * 99 // 100] * 1e6)
        rows.append(m)
        show(LINE % tuple(m[k] for k in (
            "ops", "anon", "rss", "fds", "rows", "ssh_rows", "used",
            "segments", "cpu", "p50", "p99")))
    s.d.stop()
    found = compare(rows)
    show("%-10s %14s %14s %14s" % ("", "second quarter", "last quarter",
                                   "may be"))
    for what, a, b, most, good in found:
        show("%-10s %14.1f %14.1f %14.1f%s" % (
            what, a, b, most, "" if good else "  GROWS"))
    show("%s: %d operations, %s" % (begin.date(), done, str(
        datetime.datetime.now() - begin)[:7]))
    check(all(f[4] for f in found), "see above")


harness.main(test, limit=24 * 3600)
