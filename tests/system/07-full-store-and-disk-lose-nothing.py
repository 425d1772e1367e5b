#!/usr/bin/env python3
"""A store at its limit, a full disk, and a log that can't be written: each
is a status, reading goes on as long as it can be recorded, nothing that was
acknowledged is lost, and all is well again when there is room."""
import errno
import os
import subprocess
import sys
import time
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import Skip, check, same, show, status
from people import Bystander

OTHER = 47001
SMALL = dict(value=b"a small one of somebody else")


def value(n, size):
    return dict(value=(b"%06d." % n * (size // 7 + 1))[:size])


def fill(k, size, acknowledged, first=0):
    """Put new secrets until the store says no; how many there are then."""
    n = first
    while True:
        r = k.put("w", "n%d" % n, value(n, size))
        if not r.ok:
            status(r, "STORE_FULL", "put when there is no room")
            return n
        acknowledged["n%d" % n] = value(n, size)
        n += 1
        check(n < 20000, "the store does not get full")


def all_there(k, acknowledged, what):
    for name, v in acknowledged.items():
        r = status(k.get("w", name), "OK", "%s: get of %s" % (what, name))
        same(r.values(), v, "%s: %s" % (what, name))
    same(len(list_all(k)), len(acknowledged), what + ": secrets in the list")


def list_all(k):
    names, after = [], 0
    while True:
        r = status(k.call("secret.list", workspace="w", after=after), "OK",
                   "list")
        names += [i["name"].decode() for i in r.fields["items"]]
        after = r.fields["next"]
        if after == 0:
            return names


def build(t, d):
    """A workspace, and somebody who has a small secret in another one."""
    k = d.init()
    for ws in ("w", "other"):
        status(k.call("workspace.create", workspace=ws), "OK")
    if harness.IS_ROOT:
        status(k.call("grant.add", workspace="other", principal=wire.USER,
                      id=OTHER, role=wire.CONTRIBUTOR), "OK")
    status(k.put("other", "small", SMALL), "OK")
    return k


def full_store(t):
    d = t.daemon(dict(store_limit="16M"), keyfile=t.keyfile(harness.KEY))
    k = build(t, d)
    key = harness.slot_key(harness.KEY)
    status(k.call("slot.add", type=wire.KEYFILE, key=key), "OK")
    acknowledged = {}
    large = fill(k, 60000, acknowledged)
    count = fill(k, 1, acknowledged, large)
    for _ in range(20):
        status(k.put("w", "n0", value(1, 60000)), "STORE_FULL", "a put")
    all_there(k, acknowledged, "full")
    # What makes room, or takes rights away, works.
    status(k.call("secret.delete", workspace="w", name="n0"), "OK")
    status(k.get("w", "n0"), "DELETED")
    status(k.call("secret.undelete", workspace="w", name="n0"), "OK")
    for who in range(5):
        g = dict(workspace="w", principal=wire.USER, id=47100 + who,
                 role=wire.READER)
        status(k.call("grant.add", **g), "OK", "a grant when it is full")
        status(k.call("grant.remove", **g), "OK")
    d.stop()
    d.start()
    k = d.connect()
    all_there(k, acknowledged, "full, after a restart")
    half = [n for n in list(acknowledged) if int(n[1:]) % 2]
    for name in half:
        for op in ("secret.delete", "secret.purge"):
            status(k.call(op, workspace="w", name=name), "OK", op)
        del acknowledged[name]
    again = fill(k, 60000, acknowledged, count)
    check(again > count + large // 4, "%d large ones fit after %d of %d were "
          "purged" % (again - count, len(half), count))
    all_there(k, acknowledged, "filled again")
    status(k.call("workspace.delete", workspace="w"), "OK",
           "the workspace of a full store")
    status(k.call("workspace.undelete", workspace="w"), "OK")
    status(k.call("workspace.delete", workspace="w"), "OK")
    status(k.call("workspace.purge", workspace="w"), "OK")
    status(k.call("workspace.create", workspace="w"), "OK")
    count2 = fill(k, 60000, {})
    check(count2 > large / 2, "%d large ones fit in the empty store, %d did "
          "at first" % (count2, large))
    d.stop()
    show("a store of 16 MiB: full after %d large and %d small secrets; %d "
         "more large ones when half was purged, %d when the workspace was "
         "purged; nothing lost" % (large, count - large, again - count,
                                    count2))
    show("the store's limit is raised: it goes on")
    d.configure(store_limit="32M")
    d.start()
    k = d.connect()
    status(k.put("w", "n%d" % count2, value(0, 60000)), "OK",
           "a put with a higher limit")
    d.stop()


def two_at_once(k, n):
    """A delete, or its contrary, and a put behind it in one turn."""
    for op in ("secret.delete", "secret.undelete"):
        a, b = k.pipeline([(op, dict(workspace="w", name="n0")),
                           ("secret.put", dict(
                               workspace="w", name="more%d" % n,
                               fields=wire.fields(**value(n, 20000))))])
        status(a, "OK", op + " when the store is full")
        check(b.ok or b.status_name == "STORE_FULL", "the put: %r" % b)
        n += b.ok
    return n


def kept_room(t):
    """What is kept for deleting is not to be had behind a delete either."""
    d = t.daemon(dict(store_limit="16M"), keyfile=t.keyfile(harness.KEY, "k4"))
    k = build(t, d)
    count = fill(k, 1, {}, fill(k, 60000, {}))
    more = 0
    for _ in range(100):
        more = two_at_once(k, more)
    check(more < 10, "%d secrets behind a delete" % more)
    grant = dict(workspace="w", principal=wire.USER, id=47100,
                 role=wire.READER)
    for op in ("grant.add", "grant.remove"):
        status(k.call(op, **grant), "OK", op)
    d.stop()
    show("a full store of %d secrets: 200 puts behind deletes had %d of what "
         "is kept" % (count, more))


def many_at_once(t):
    """However many share a turn, each gets what it would get alone."""
    d = t.daemon(dict(store_limit="16M"), keyfile=t.keyfile(harness.KEY, "k5"))
    k = build(t, d)
    count = fill(k, 60000, {})
    for n in range(20):
        for op in ("secret.delete", "secret.purge"):
            status(k.call(op, workspace="w", name="n%d" % n), "OK", op)
    for at in range(count, count + 192, 64):
        for r in k.pipeline([("secret.put", dict(
                workspace="w", name="n%d" % n, fields=wire.fields(value=b"v")))
                for n in range(at, at + 64)]):
            status(r, "OK", "one of 64 puts")
    d.stop()
    show("64 small puts at once have the room that one has")


# --- a full disk ------------------------------------------------------------

class Disk:
    """A small file system, and a file on it that takes the room."""

    def __init__(self, t, name, size):
        self.path = os.path.join(t.dir, name)
        os.mkdir(self.path)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=" +
                           size, "none", self.path]).returncode != 0:
            raise Skip("no tmpfs can be mounted: the part with a full disk "
                       "did not run")
        t.undo.append(lambda: subprocess.run(["umount", "-l", self.path]))
        self.state = os.path.join(self.path, "state")
        self.ballast = os.path.join(self.path, "ballast")

    def take(self, size):
        with open(self.ballast, "wb") as f:
            f.write(bytes(size))

    def take_all(self):
        with open(self.ballast, "ab", 0) as f:
            for size in (1 << 16, 4096):
                try:
                    while True:
                        f.write(bytes(size))
                except OSError as e:
                    same(e.errno, errno.ENOSPC, "filling the disk")

    def give(self):
        os.unlink(self.ballast)


def full_disk(t):
    disk = Disk(t, "small", "8M")
    disk.take(2 << 20)
    d = t.daemon(dict(log_segment="1M"), state=disk.state,
                 keyfile=t.keyfile(harness.KEY, "key2"))
    k = build(t, d)
    status(k.call("slot.add", type=wire.KEYFILE,
                  key=harness.slot_key(harness.KEY)), "OK")
    acknowledged = {}
    with Bystander(t.agent(OTHER), d, "other", "small", SMALL) as b:
        count = fill(k, 60000, acknowledged)
        count = fill(k, 3000, acknowledged, count)
        count = fill(k, 1, acknowledged, count)
        for i in range(50):
            status(k.put("w", "n0", value(1, 60000)), "STORE_FULL", "a put")
        all_there(k, acknowledged, "full")
    r = k.call("secret.delete", workspace="w", name="n0")
    check(r.status_name in ("OK", "STORE_FULL"), "delete: %r" % r)
    if r.ok:
        status(k.call("secret.undelete", workspace="w", name="n0"), "OK")
    all_there(k, acknowledged, "after a delete")
    check("read-only" not in k.report()["store"], "the store has given up: " +
          k.report()["store"])
    d.kill()
    d.start()
    k = d.connect()
    all_there(k, acknowledged, "full, killed, and started again")
    disk.give()
    for i in range(3):
        name = "n%d" % (count + i)
        status(k.put("w", name, value(i, 60000)), "OK",
               "a put when there is room again")
        acknowledged[name] = value(i, 60000)
    all_there(k, acknowledged, "with room again")
    d.stop()
    t.run_cofre(d, "activity", "verify", disk.state)
    show("a full disk: full after %d secrets, reading goes on (somebody else "
         "fetched %d times), nothing lost by kill -9, writing goes on when "
         "there is room, without a restart" % (count, b.count))


def full_log(t):
    """The log needs a new segment, and there is no room for it."""
    disk = Disk(t, "log", "8M")
    d = t.daemon(dict(log_segment="64K"), state=disk.state,
                 keyfile=t.keyfile(harness.KEY, "key3"))
    k = build(t, d)
    status(k.call("slot.add", type=wire.KEYFILE,
                  key=harness.slot_key(harness.KEY)), "OK")
    status(k.put("w", "n", value(1, 2000)), "OK")
    secret = value(1, 2000)["value"]
    disk.take_all()
    served = 0
    while True:
        r = k.get("w", "n")
        if not r.ok:
            break
        served += 1
        check(served < 5000, "the log does not get full")
    status(r, "LOG_FAILED", "get without a record")
    check(secret[:16] not in r.data, "the secret is given out all the same")
    for op, v in (("secret.get", dict(workspace="w", name="n")),
                  ("secret.put", dict(workspace="w", name="n",
                                      fields=wire.fields(value="new"))),
                  ("secret.show", dict(workspace="w", name="n")),
                  ("secret.list", dict(workspace="w")),
                  ("secret.delete", dict(workspace="w", name="n")),
                  ("workspace.create", dict(workspace="x")),
                  ("grant.add", dict(workspace="w", principal=wire.USER,
                                     id=47200, role=wire.OWNER)),
                  ("activity.read", dict(workspace="")),
                  ("vault.lock", {})):
        for _ in range(3):
            begin = time.monotonic()
            r = status(k.call(op, **v), "LOG_FAILED", op)
            check(time.monotonic() - begin < 1, op + " took too long")
            check(secret[:16] not in r.data, op + " gives the secret out")
    replies = k.pipeline([("secret.get", dict(workspace="w", name="n"))] *
                         300)
    same({r.status_name for r in replies}, {"LOG_FAILED"}, "300 gets")
    fresh = d.connect()
    same(fresh.state(), wire.OPEN, "a new connection, and its status")
    check("can't be written" in fresh.report()["activity log"],
          "the report says %s" % fresh.report()["activity log"])
    told = t.run_cofre(d, "status").decode()
    check("can't be written, nothing is given out" in told,
          "cofre status says " + told)
    disk.give()
    status(k.get("w", "n"), "OK", "get when there is room again")
    told = t.run_cofre(d, "status").decode()
    check("can't be written" not in told, "and then " + told)
    same(k.get("w", "n").values(), value(1, 2000), "what was not changed")
    same([g["id"] for g in k.call("grant.list", workspace="w")
          .fields["items"] if g["principal"] == wire.USER], [0],
         "grants")
    status(k.put("w", "n", value(2, 10)), "OK")
    status(k.call("vault.lock"), "OK")
    d.stop()
    t.run_cofre(d, "activity", "verify", disk.state)
    show("a log without room: %d gets, and then no secret and no change, "
         "with a status; status still answers; it goes on by itself" %
         served)
    return disk, d


def start_on_full_disk(t, disk, d):
    """It starts, or says that there is no space; it loses nothing."""
    disk.take_all()
    d.spawn()
    if d.wait_note("READY=1"):
        status(d.connect().call("status"), "OK")
        d.stop()
        show("on a full disk it starts")
    else:
        d.wait()
        check("No space" in d.stderr(), "on a full disk: " + d.stderr())
        show("on a full disk it says: " + d.stderr().splitlines()[-1])
    disk.give()
    d.start()
    same(d.connect().get("w", "n").values(), value(2, 10), "after that")
    d.stop()


def test(t):
    full_store(t)
    kept_room(t)
    many_at_once(t)
    harness.need_root("only root can make a small disk: the part with a "
                      "full one did not run")
    harness.own_mounts()
    full_disk(t)
    start_on_full_disk(t, *full_log(t))


harness.main(test, limit=120)
