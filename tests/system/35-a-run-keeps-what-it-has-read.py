#!/usr/bin/env python3
"""What a run has read is known whenever the daemon is killed.

How often it has read which version stands in the log with each answer, and
in the run's row with the next commit of anything.  After kill -9 at any
point the counts, the holders of old versions and the record of the end are
as without it: nothing is lost, and nothing counted twice.
"""
import hashlib
import os
import signal
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status

OWNER = 51001
GRACE = 3600
BOUND = 65536       # RECOUNT_CELLS in src/recount.h


def start_of(pid):
    with open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(")", 1)[1].split()[19])


class Run:
    """A process that is a run, and what it must be known to have read."""

    def __init__(self, x, names):
        self.x, self.read = x, {name: (0, 0) for name in names}
        self.agent = x.t.agent(OWNER)
        self.agent.do(os.getpid)
        f = status(x.c.call(
            "run.start", workspace="w", target=wire.PROCESS,
            pid=self.agent.pid, start=start_of(self.agent.pid),
            uid=wire.NO_ID, secrets=[dict(name=n) for n in names]),
            "OK", "run.start").fields
        self.id = f["run"]
        self.connect()

    def connect(self):
        self.own = self.agent.connect(self.x.d.socket)

    def note(self, name, r):
        status(r, "OK", "get " + name)
        self.read[name] = (r.fields["version"], self.read[name][1] + 1)
        return r

    def get(self, name, **more):
        return self.note(name, self.own.get("w", name, **more))

    def shown(self):
        f = status(self.x.c.call("run.show", workspace="w", run=self.id),
                   "OK", "run.show").fields
        same(f["reads"], sum(n for _, n in self.read.values()),
             "reads, all in all")
        return {i["name"].decode(): (i["version"], i["reads"])
                for i in f["items"]}


class Scene:
    def __init__(self, t):
        self.t, self.d, self.runs = t, t.daemon(), []
        self.root = self.d.init()
        status(self.root.call("workspace.create", workspace="w"), "OK")
        status(self.root.call("grant.add", workspace="w", principal=wire.USER,
                              id=OWNER, role=wire.CONTRIBUTOR), "OK")
        self.person = t.agent(OWNER)
        self.c = self.person.connect(self.d.socket)
        for name in ("a", "b"):
            status(self.c.put("w", name, dict(value=b"of " + name.encode())),
                   "OK", "put")
        for name in ("k", "kk"):
            status(self.c.call(
                "secret.put", workspace="w", name=name, kind=wire.STORAGE,
                fields=[dict(name="AccountName", flags=0, value=b"acct"),
                        dict(name="AccountKey", flags=1, value=b"k-one")]),
                "OK")
            status(self.c.call("secret.source", workspace="w", name=name,
                               source="file"), "OK", "source")
        status(self.c.call("secret.put", workspace="w", name="ds",
                           kind=wire.DATASTORE, type=1, follows="k",
                           fields=[dict(name="container", flags=0,
                                        value=b"c")]), "OK", "datastore")

    def run(self, *names):
        self.runs.append(Run(self, names))
        return self.runs[-1]

    def holders(self, name):
        f = status(self.c.call("secret.versions", workspace="w", name=name),
                   "OK").fields
        return {i["version"]: i["holders"] for i in f["items"]}

    def commit(self):
        """Something that has nothing to do with runs."""
        status(self.root.call("workspace.create", workspace="x%d" %
                              time.monotonic_ns()), "OK")

    def resync(self, name, new, grace=GRACE, **more):
        now = max(self.holders(name))
        for op, values in (
                ("begin", {}),
                ("stage", dict(name=name, version=now, outcome=wire.VALUE,
                               origin=self.c.origins("w")[name],
                               fields=wire.fields(AccountKey=new), **more)),
                ("commit", dict(grace=grace))):
            status(self.c.call("resync." + op, workspace="w", **values), "OK",
                   "resync." + op)

    def start(self):
        """Start, unlock; how long the unlock took."""
        self.d.start()
        self.root = self.d.connect()
        begun = time.monotonic()
        status(self.root.call("vault.unlock", key=harness.KEY), "OK",
               "unlock")
        took = time.monotonic() - begun
        self.again()
        return took

    def again(self):
        self.c = self.person.connect(self.d.socket)
        for run in self.runs:
            run.connect()

    def kill(self):
        self.d.kill()
        return self.start()

    def hold(self):
        """Stop the daemon until SIGCONT: what comes in meanwhile is one
        turn's."""
        self.d.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.d.pid, os.WSTOPPED)

    def together(self, *calls):
        """Send requests on several connections, so that one turn has all;
        calls are (connection, op, values)."""
        self.hold()
        for c, op, values in calls:
            c.send(op, **values)
        self.d.signal(signal.SIGCONT)
        return [c.receive() for c, _, _ in calls]

    def is_right(self, when):
        same([r.shown() for r in self.runs], [r.read for r in self.runs],
             "what the runs have read, " + when)


def get(run, name):
    return run.own, "secret.get", dict(workspace="w", name=name)


def nothing_is_lost_or_counted_twice(x):
    run, other = x.run("a", "b", "ds"), x.run("a")
    for name in ("a", "a", "ds", "a"):
        run.get(name)
    other.get("a")
    x.kill()
    x.is_right("after a kill before any commit")
    x.kill()
    x.is_right("after another one, with nothing between")
    run.get("b")
    x.kill()
    x.is_right("after a read between two kills")
    x.commit()
    x.kill()
    x.is_right("after a kill behind a commit")
    run.get("a")
    x.commit()
    run.get("a", field="value")
    other.get("a")
    x.kill()
    x.is_right("with reads before a commit and behind it")
    status(run.own.get("w", "a", version=9), "NOT_FOUND")
    status(run.own.get("w", "k"), "DENIED")
    status(x.c.get("w", "a"), "OK", "somebody else")
    x.kill()
    x.is_right("after what is no read of a run's")
    show("reads outlive kill -9, with and without a commit behind them")


def in_the_turn_that_commits(x):
    """Its records stand behind the end that the commit notes."""
    run, other = x.runs
    # With a sanitizer one read takes all that a uid has of a turn.
    want = 1 if x.t.is_slow() else 3
    for _ in range(50):     # a slow machine has not the time in one turn
        mark = x.root.log_end()
        replies = x.together(
            get(run, "a"), (x.c, "secret.put", dict(
                workspace="w", name="b", fields=wire.fields(value=b"two"))),
            get(other, "a"), get(run, "ds"))
        status(replies[1], "OK", "put")
        for r, name, i in ((run, "a", 0), (other, "a", 2), (run, "ds", 3)):
            r.note(name, replies[i])
        turns = [(wire.CODE_NAME.get(e["op"]), e["time"])
                 for e in x.root.events(start=mark)]
        commit, = [at for op, at in turns if op == "secret.put"]
        reads = turns.count(("secret.get", commit))
        if reads >= want:
            break
    check(reads >= want, "%d reads in the turn of the put" % reads)
    x.kill()
    x.is_right("after reads in a turn that commits")
    x.kill()
    x.is_right("after another kill")
    # The vault is locked by the turn that has the last reads.
    for _ in range(50):     # whom the lock was before gets nothing
        replies = x.together(get(run, "b"), get(other, "a"),
                             (x.root, "vault.lock", {}))
        status(replies[2], "OK", "lock")
        status(x.root.call("vault.unlock", key=harness.KEY), "OK", "unlock")
        x.again()
        late = [r.status_name == "LOCKED" for r in replies[:2]]
        for r, name, i in ((run, "b", 0), (other, "a", 1)):
            if not late[i]:
                r.note(name, replies[i])
        if late.count(False) >= min(want, 2):
            break
    check(late.count(False) >= min(want, 2), "reads came after the lock")
    x.is_right("after a lock")
    run.get("ds")
    x.d.stop()
    x.start()
    x.is_right("after a stop")
    show("reads in the turn of a commit, of a lock and of a stop count once")


def old_versions_stay_held(x):
    """Nobody makes a key anew upstream that a run still has."""
    direct, through = x.run("kk"), x.run("ds")
    direct.get("kk")
    through.get("ds")
    before = [x.holders(n) for n in ("k", "kk")]
    x.kill()
    same([x.holders(n) for n in ("k", "kk")], before, "holders")
    same(before[1], {1: 1}, "who has read the account itself")
    for name in ("k", "kk"):
        x.resync(name, b"k-two", slot=2, retire=1)
    x.kill()
    same([x.holders(n) for n in ("k", "kk")],
         [{**before[0], 2: 0}, {1: 1, 2: 0}], "holders after a rotation")
    r = status(direct.own.get("w", "kk", version=1), "OK", "in its grace")
    direct.note("kk", r)
    same(r.values()["AccountKey"], b"k-one", "the old key")
    same(through.get("ds").fields["followed"], 2, "through the datastore")
    x.kill()
    same(x.holders("kk"), {1: 1, 2: 0}, "who still has the old key")
    same(x.holders("k")[2], 1, "who has read the new one by its datastore")
    direct.get("kk")
    x.kill()
    same(x.holders("kk"), {2: 1}, "once it has read the new key")
    status(direct.own.get("w", "kk", version=1), "NOT_FOUND", "the old one")
    f = status(x.c.call("resync.list", workspace="w"), "OK").fields
    same({i["name"]: (i["retire"], i["due"]) for i in f["items"]},
         {b"k": (1, 0), b"kk": (1, 1)}, "which old key may be made anew")
    x.is_right("at the end")
    show("a version is held, through a kill, until its run has read another")


def the_end_tells_all(x):
    run = x.run("a", "b", "ds")
    for name in ("a", "a", "ds"):
        run.get(name)
    x.d.kill()
    run.agent.kill()
    x.runs.remove(run)
    x.start()
    f = status(x.c.call("run.show", workspace="w", run=run.id), "OK").fields
    same((f["state"], f["reads"]), (wire.OVER, 3), "the run that is over")
    same([(e["detail"].decode(), e["object"].decode(), e["version"])
          for e in x.root.events() if run.id.hex() in e["detail"].decode() and
          wire.CODE_NAME.get(e["op"]) == "run.end"],
         [("run %s: its process or cgroup went while the vault was closed; "
           "read 2 of 3 secrets" % run.id.hex(), "w", 0),
          ("run %s read it 2 times" % run.id.hex(), "w/a", 1),
          ("run %s read it 1 times" % run.id.hex(), "w/ds", 1)],
         "the records of the end")
    x.kill()
    f = status(x.c.call("run.show", workspace="w", run=run.id), "OK").fields
    same(f["reads"], 3, "the run that is over, once more")
    show("the record of an end has the reads from before the kill")


def activity(d):
    return os.path.join(d.state_dir, "activity")


def change_last(d, change):
    """Put what change() makes of the log's last cell in its place."""
    path = os.path.join(activity(d), sorted(os.listdir(activity(d)))[-1])
    with open(path, "r+b") as f:
        data = f.read()
        last = max(i for i in range(0, len(data), 128)
                   if data[i:i + 128].strip(b"\0"))
        f.seek(last)
        f.write(change(data[last:last + 128]))


def with_a_forged_read(cell):
    """Behind the record of a read one more, with a right chain, but without
    a tag, as records are that were made while the vault was locked."""
    number = int.from_bytes(cell[8:16], "big") + 1
    body = cell[:6] + bytes(2) + number.to_bytes(8, "big") + cell[16:48] + \
        (99).to_bytes(4, "big") + cell[52:80]
    chain = hashlib.blake2b(cell[80:112] + body, digest_size=32).digest()
    return cell + body + chain + bytes(16)


def a_record_without_a_tag_counts_for_nothing(x):
    """Else whoever can write the files could make a key look unused."""
    run = x.runs[0]
    run.get("a")
    x.d.kill()
    change_last(x.d, with_a_forged_read)
    x.start()
    same([(e["version"], e["object"]) for e in x.root.events()
          if wire.CODE_NAME.get(e["op"]) == "secret.get"][-1],
         (99, b"w/a"), "the last read in the log")
    x.is_right("with a record that has no tag")
    show("a read that is written into the log without the key is none")


def a_log_that_is_not_whole(x):
    """It is no reason to stay locked, and what it still has is counted."""
    run = x.runs[0]
    x.commit()
    run.get("a")
    was = dict(run.read)
    run.get("a")
    x.d.kill()
    change_last(x.d, lambda cell: bytes(8) + cell[8:])
    run.read = was
    x.start()
    check("activity log note" in x.root.report(), "a torn end")
    x.is_right("without the record of the last read")
    run.get("a")
    x.kill()
    x.is_right("behind a torn end")
    # None of the log is left, but what was read before a stop is in rows.
    run.get("a")
    x.d.stop()
    os.rename(activity(x.d), activity(x.d) + ".moved")
    x.start()
    check("activity log gap" in x.root.report(), "a gap")
    x.is_right("without a log")
    run.get("a")
    x.kill()
    x.is_right("in a new log")
    show("a torn log, or none, does not keep the vault closed")


def pour(run, n):
    """That many reads; they are a cell each."""
    while n > 0:
        some = min(n, 2000)
        for r in run.own.pipeline([("secret.get", dict(
                workspace="w", name="a"))] * some):
            run.note("a", r)
        n -= some


def an_unlock_has_little_to_do(x):
    run = x.runs[0]
    x.commit()
    epoch = int(x.root.report()["epoch"])
    pour(run, BOUND - 500)
    same(int(x.root.report()["epoch"]), epoch, "no commit for reads alone")
    full = x.kill()
    x.is_right("after as many reads as an unlock counts")
    epoch = int(x.root.report()["epoch"])
    pour(run, 1000)
    same(int(x.root.report()["epoch"]), epoch + 1, "a commit at the bound")
    short = x.kill()
    x.is_right("behind that commit")
    show("an unlock counts %d reads: %.0f ms; behind a commit it takes "
         "%.0f ms" % (BOUND - 500, full * 1000, short * 1000))


def test(t):
    x = Scene(t)
    nothing_is_lost_or_counted_twice(x)
    in_the_turn_that_commits(x)
    old_versions_stay_held(x)
    the_end_tells_all(x)
    a_record_without_a_tag_counts_for_nothing(x)
    a_log_that_is_not_whole(x)
    an_unlock_has_little_to_do(x)
    x.d.stop()


harness.main(test, limit=180)
