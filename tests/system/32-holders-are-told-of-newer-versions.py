#!/usr/bin/env python3
"""Who waits for newer versions is told of them, at once and of nothing else:
whatever the change is, whoever loses the right to know, and with any number
of others waiting.  What an agent reports as refused is kept, once, and told
to those who may see it."""
import json
import os
import socket
import subprocess
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from harness import KEY

ALICE, BOB, CAROL, MANY = 43001, 43002, 43003, 43100
VALUE = dict(value=b"something")


def watch(c, /, **versions):
    """Send it; the reply comes when it comes."""
    return c.send("secret.watch", workspace="w", wait=1, items=[
        dict(name=n, version=v, followed=0) for n, v in versions.items()])


def look(c, /, **versions):
    """What there is to tell now: (name, version), or None."""
    r = status(c.call("secret.watch", workspace="w", items=[
        dict(name=n, version=v, followed=0) for n, v in versions.items()]),
        "OK", "a look").fields
    return (r["name"].decode(), r["version"]) if r["name"] else None


def told(c, name, version, what=""):
    r = status(c.receive(), "OK", what or "what is told").fields
    same((r["name"].decode(), r["version"]), (name, version), what)


def quiet(root, c, what):
    """Nothing is told, although the daemon has done all there was to do."""
    root.barrier()
    check(not c.has_come(), what)


def grant(who, role="agent", workspace="w", prefix=""):
    return dict(workspace=workspace, principal=wire.USER, id=who, role=role,
                prefix=prefix)


def build(root):
    for w in ("w", "other"):
        status(root.call("workspace.create", workspace=w), "OK")
        for n in ("a", "b", "c"):
            status(root.put(w, n, VALUE), "OK")
    for who in (ALICE, BOB):
        status(root.call("grant.add", **grant(who, "secrets-officer")), "OK")


def by_change(root, c):
    """Every change of a version, and of nothing else."""
    watch(c, a=1, b=1)
    quiet(root, c, "told of what is known already")
    status(root.put("w", "c", VALUE), "OK")
    status(root.put("other", "a", VALUE), "OK")
    quiet(root, c, "told of another secret, or another workspace's")
    status(root.put("w", "b", VALUE), "OK")
    told(c, "b", 2)
    watch(c, a=1, b=2)
    status(root.call("secret.delete", workspace="w", name="a"), "OK")
    told(c, "a", 0, "a deleted one")
    watch(c, a=0, b=2)
    quiet(root, c, "told of what is deleted, and known to be")
    status(root.call("secret.undelete", workspace="w", name="a"), "OK")
    told(c, "a", 1, "one that came back")
    status(root.call("secret.delete", workspace="w", name="a"), "OK")
    status(root.call("secret.purge", workspace="w", name="a"), "OK")
    same(look(c, a=1), ("a", 0), "of a purged one")
    same(look(c, a=0), None, "of a purged one that is known to be")
    watch(c, a=0, fresh=0)
    status(root.put("w", "fresh", VALUE), "OK")
    told(c, "fresh", 1, "one that is made")
    status(root.put("w", "a", VALUE), "OK")
    same(look(c, a=0), ("a", 2), "a purged name that is put")
    # What came between the fetch and the watch is not lost.
    version = status(c.get("w", "b"), "OK").fields["version"]
    status(root.put("w", "b", VALUE), "OK")
    watch(c, b=version)
    told(c, "b", version + 1, "between fetch and watch")
    same(look(c, b=1), ("b", 3), "a version that is two behind")
    show("puts, deletes, undeletes, purges: each told, and nothing else")


def follows(root, c):
    """The version of the credential that a datastore follows is a part of
    what is asked about it, whoever may read the credential."""
    def account(n, name="account"):
        status(root.put("w", name, dict(AccountName=b"acct",
                                        AccountKey=n * 64),
                        kind=wire.STORAGE), "OK", name)

    def datastore(follows="account", name="data"):
        status(root.call("secret.put", workspace="w", name=name, type=1,
                         kind=wire.DATASTORE, follows=follows, fields=[
                             dict(name="container", flags=0, value=b"x")]),
               "OK", name)

    def known(c, version, followed, **more):
        return c.call("secret.watch", workspace="w", items=[
            dict(name="data", version=version, followed=followed)], **more)

    def wait(version, followed):
        c.send("secret.watch", workspace="w", wait=1, items=[
            dict(name="data", version=version, followed=followed)])
        quiet(root, c, "told of what is known already")

    def came(version, followed, what):
        r = status(c.receive(), "OK", what).fields
        same((r["name"], r["version"], r["followed"]),
             (b"data", version, followed), what)

    account(b"1")
    account(b"1", "another")
    datastore()
    r = status(c.get("w", "data"), "OK").fields
    same((r["version"], r["followed"]), (1, 1), "what was fetched")
    wait(1, 1)
    status(root.put("w", "c", VALUE), "OK")
    account(b"2", "another")
    quiet(root, c, "told of a key that it does not follow")
    account(b"2")
    came(1, 2, "a newer key of the account")
    same(status(c.get("w", "data"), "OK").fields["followed"], 2,
         "what is fetched then")
    wait(1, 2)
    status(root.call("secret.delete", workspace="w", name="account"), "OK")
    came(1, 0, "a deleted account")
    wait(1, 0)
    status(root.call("secret.undelete", workspace="w", name="account"), "OK")
    came(1, 2, "an account that came back")
    wait(1, 2)
    datastore("another")
    came(2, 2, "a datastore that follows another one")
    wait(2, 2)
    account(b"3")
    quiet(root, c, "told of a key that it does not follow any more")
    account(b"3", "another")
    came(2, 3, "a newer key of the other account")
    # Purged, and made anew as something else, and as an account again.
    for op in ("delete", "purge"):
        status(root.call("secret." + op, workspace="w", name="another"), "OK")
    wait(2, 0)
    status(root.put("w", "another", VALUE), "OK")
    quiet(root, c, "told of what can't be followed")
    for op in ("delete", "purge"):
        status(root.call("secret." + op, workspace="w", name="another"), "OK")
    account(b"4", "another")
    r = status(c.receive(), "OK", "an account that is made anew").fields
    check(r["followed"] > 0, "an account that is made anew: %r" % r)
    # It is known after an unlock too.
    status(root.call("vault.lock"), "OK")
    status(root.call("vault.unlock", key=KEY), "OK")
    same(status(known(c, 2, 0), "OK").fields["followed"], r["followed"],
         "after an unlock")
    same(status(known(c, 2, r["followed"]), "OK").fields["name"], b"",
         "after an unlock, what is known")
    # Who may read the datastore alone is told of its key's version as well.
    status(root.call("grant.remove", **grant(BOB, "")), "OK")
    status(root.call("grant.add", **grant(BOB, "secrets-officer",
                                          prefix="data")), "OK")
    wait(2, r["followed"])
    account(b"5", "another")
    came(2, r["followed"] + 1, "who may not read the account")
    status(c.get("w", "another"), "DENIED", "the account itself")
    status(root.call("grant.remove", **grant(BOB, "", prefix="data")), "OK")
    status(root.call("grant.add", **grant(BOB, "secrets-officer")), "OK")
    show("a datastore's watch ends with a new key of its account")


def order(root, c):
    """One after the other: the next request ends the wait."""
    now = look(c, b=0)[1]
    first = watch(c, b=now)
    second = watch(c, b=now)
    r = status(c.receive(), "OK", "a watch with another behind it")
    same((r.id, r.fields["name"]), (first, b""), "the first one's answer")
    quiet(root, c, "the second one is answered with nothing to tell")
    third = c.send("status")
    r = status(c.receive(), "OK", "a watch with a request behind it")
    same((r.id, r.fields["name"]), (second, b""), "the second one's answer")
    same(c.receive().id, third, "the request behind it")
    # In one write, and with half a frame behind.
    body = dict(workspace="w", wait=1,
                items=[dict(name="b", version=now, followed=0)])
    replies = c.pipeline([("secret.watch", body), ("status", {})] * 40)
    for i, r in enumerate(replies):
        status(r, "OK", "pipelined")
        if i % 2 == 0:
            same(r.fields["name"], b"", "pipelined")
    status(root.put("w", "b", VALUE), "OK")
    replies = c.pipeline([("secret.watch", body)] * 3)
    same([r.fields["version"] for r in replies], [now + 1] * 3, "pipelined")
    watch(c, b=now + 1)
    data = wire.request("status", 77)
    c.send_raw(data[:7])
    status(c.receive(), "OK", "a watch with half a frame behind it")
    c.send_raw(data[7:])
    same(c.receive().id, 77, "what was half there")
    show("what comes behind a watch ends it, in order")


def invalid(root, c):
    for items, want in (([], "INVALID"), ([("bad name!", 1)], "INVALID"),
                        ([("a", 0)] * 65, "BAD_FRAME"),
                        ([("a", 0)] * 64, "OK"),
                        ([("n" * 127, 1)] * 64, "OK")):
        status(c.call("secret.watch", workspace="w", wait=1, items=[
            dict(name=n, version=v, followed=0) for n, v in items]), want,
            "%d items" % len(items))
    status(c.call("secret.watch", workspace="nowhere", wait=1,
                  items=[dict(name="a", version=0, followed=0)]), "NOT_FOUND")
    show("what is no list of names is refused")


def half_closed(root, d, alice):
    c = d.connect()
    watch(c, b=look(c, b=0)[1])
    root.barrier()
    c.half_close()
    r = c.receive()
    same(r and r.fields["name"], b"", "the watch of who has half closed")
    same(c.receive(), None, "and then")
    c.close()
    c = d.connect()
    watch(c, b=look(c, b=0)[1])
    root.barrier()
    before = len(d.fds())
    c.close()
    root.barrier()
    check(len(d.fds()) < before, "the connection of who is gone stays")
    status(root.put("w", "b", VALUE), "OK")
    # A process that is killed while it waits.
    mine = alice.connect(d.socket)
    mine.send("secret.watch", workspace="w", wait=1,
              items=[dict(name="a", version=2, followed=0)])
    root.barrier()
    alice.kill()
    status(root.put("w", "a", VALUE), "OK")
    status(root.get("w", "a"), "OK")
    show("who half closes, closes or dies while it waits")


def revoked(root, c):
    """Whoever loses the right is told so at once, and of nothing else."""
    def wait():
        watch(c, b=look(c, b=0)[1])
        quiet(root, c, "told before it is due")

    wait()
    status(root.call("grant.add", **grant(CAROL)), "OK")
    quiet(root, c, "told of a grant of somebody else")
    status(root.call("grant.remove", **grant(BOB, "")), "OK")
    status(c.receive(), "DENIED", "who lost his grant while he waits")
    status(root.call("grant.add", **grant(BOB, "secrets-officer",
                                          prefix="b")), "OK")
    wait()
    watch(c, b=0, a=0)
    status(c.receive(), "OK", "a wait that is ended")
    status(c.receive(), "DENIED", "one name of two that may be read")
    # By the definition of a role.
    status(root.call("role.put", name="values", **wire.role(
        data=["workspaces/secrets/value/read"])), "OK")
    status(root.call("grant.remove", **grant(BOB, "", prefix="b")), "OK")
    status(root.call("grant.add", **grant(BOB, "values")), "OK")
    wait()
    status(root.call("role.put", name="values", **wire.role(
        data=["workspaces/secrets/use/action"])), "OK")
    status(c.receive(), "DENIED", "whose role came to less while he waits")
    status(root.call("grant.add", **grant(BOB, "secrets-officer")), "OK")
    # The right and the version, in one write.
    wait()
    replies = root.pipeline([
        ("grant.remove", grant(BOB, "")),
        ("secret.put", dict(workspace="w", name="b",
                            fields=wire.fields(**VALUE)))])
    for r in replies:
        status(r, "OK")
    status(c.receive(), "DENIED", "a version that comes after the right")
    status(root.call("grant.add", **grant(BOB, "secrets-officer")), "OK")
    # The identity's binding.
    status(root.call("grant.remove", **grant(BOB, "")), "OK")
    status(root.call("identity.bind", workspace="w", uid=BOB), "OK")
    wait()
    status(root.call("identity.unbind", workspace="w", uid=BOB), "OK")
    status(c.receive(), "DENIED", "who is the identity no more")
    status(root.call("grant.add", **grant(BOB, "secrets-officer")), "OK")
    show("grants, roles, bindings: who loses them does not wait any longer")


def locked(root, c):
    watch(c, b=look(c, b=0)[1])
    quiet(root, c, "told before it is due")
    status(root.call("vault.lock"), "OK")
    status(c.receive(), "LOCKED", "who waits when the vault is locked")
    status(root.call("vault.unlock", key=KEY), "OK")
    watch(c, b=look(c, b=0)[1])
    quiet(root, c, "told after the unlock")
    status(root.put("w", "b", VALUE), "OK")
    told(c, "b", look(root, b=0)[1], "after an unlock")
    show("a lock is told to who waits; after the unlock it goes on")


def run_ends(t, root, d):
    """A run's watch ends with it; a process that becomes a run waits as one
    from then on."""
    a = t.agent(CAROL)
    status(root.call("grant.add", **grant(CAROL, "contributor")), "OK")
    c = a.connect(d.socket)
    with open("/proc/%d/stat" % a.pid) as f:
        start = int(f.read().rsplit(")", 1)[1].split()[19])
    c.send("secret.watch", workspace="w", wait=1, items=[
        dict(name="c", version=look(root, c=0)[1], followed=0)])
    quiet(root, c, "told before it is due")
    run = dict(workspace="w", target=wire.PROCESS, pid=a.pid, start=start,
               uid=wire.NO_ID)
    r = status(root.call("run.start", secrets=[dict(name="b")], **run), "OK")
    status(c.receive(), "DENIED", "a secret that the run does not have")
    b = c.call("secret.get", workspace="w", name="b").fields["version"]
    c.send("secret.watch", workspace="w", wait=1, items=[
        dict(name="b", version=b, followed=0)])
    root.barrier()
    status(root.put("w", "b", VALUE), "OK")
    same(c.receive().fields["version"], b + 1, "told to a run")
    c.send("secret.watch", workspace="w", wait=1, items=[
        dict(name="b", version=b + 1, followed=0)])
    root.barrier()
    status(root.call("run.end", workspace="w", run=r.fields["run"]), "OK")
    same(c.receive(), None, "the watch of a run that has ended")
    a.end()
    show("a run's watch ends with the run")


def deleted(d, root, c):
    """The workspace of those who wait is deleted."""
    watch(c, b=look(c, b=0)[1])
    mine = d.connect()
    watch(mine, b=look(mine, b=0)[1])
    root.barrier()
    status(root.call("workspace.delete", workspace="w"), "OK")
    status(c.receive(), "DENIED", "who waits in a workspace that is deleted")
    r = mine.receive()
    check(r.status_name in ("NOT_FOUND", "DENIED"), "the vault's own: %r" % r)
    mine.close()
    show("a workspace that is deleted lets go of those who wait in it")


def many(t, d, root):
    """200 wait, of two users and in two workspaces, and one is told."""
    agents = [t.agent(MANY + i) for i in range(2)]
    for a in agents:
        status(root.call("grant.add", **grant(a.uid)), "OK")
        status(root.call("grant.add", **grant(a.uid, "secrets-officer")),
               "OK")
    cs = [a.connect(d.socket) for a in agents for _ in range(100)]
    now = look(root, c=0)[1]
    for i, c in enumerate(cs):
        watch(c, c=now, **({"b": look(root, b=0)[1]} if i % 4 == 0 else {}))
    root.barrier()
    before = d.cpu()
    for _ in range(500):
        status(root.get("w", "b"), "OK")
    show("500 gets beside 200 who wait: %.2f s of processor time" %
         (d.cpu() - before))
    start = root.log_end()
    status(root.put("w", "b", VALUE), "OK")
    for i, c in enumerate(cs):
        if i % 4 == 0:
            told(c, "b", look(root, b=0)[1], "one of 50")
    asked = [e for e in root.events(start=start) if e["op"] == 57 and
             e["uid"] >= MANY]
    same(len(asked), 50, "records: of those who were told, and no others")
    status(root.put("w", "c", VALUE), "OK")
    for i, c in enumerate(cs):
        if i % 4 != 0:
            told(c, "c", now + 1, "one of 150")
    for a in agents:
        a.end()
    show("200 who wait are told, each of what it has asked for")


def recorded(root, c):
    start = root.log_end()
    now = look(c, b=0)[1]
    watch(c, b=now)
    root.barrier()
    status(root.put("w", "b", VALUE), "OK")
    told(c, "b", now + 1)
    found = [(e["uid"], e["object"], e["version"], e["status"])
             for e in root.events(start=start) if e["op"] == 57]
    same(found, [(BOB, b"w/b", now, 0), (BOB, b"w/b", now + 1, 0)],
         "the records of a watch")
    status(root.call("grant.remove", **grant(BOB, "")), "OK")
    status(root.call("grant.add", **grant(BOB, "secrets-officer",
                                          prefix="a")), "OK")
    start = root.log_end()
    watch(c, a=1, b=1)
    status(c.receive(), "DENIED", "one name that may not be read")
    found = [(e["uid"], e["object"]) for e in root.events(start=start)
             if e["op"] == 57]
    same(found, [(BOB, b"w/b")], "the record names it")
    status(root.call("grant.remove", **grant(BOB, "", prefix="a")), "OK")
    status(root.call("grant.add", **grant(BOB, "secrets-officer")), "OK")
    show("what is told is recorded, with the name and the version")


def stale(t, d, root, c):
    """Reports, and where they are told."""
    def count():
        return root.report()["stale secrets"]

    def report(name, want="OK", who=c, **more):
        return status(who.call("secret.stale", workspace="w", name=name,
                               **more), want, "stale %s" % name)

    same(count(), "none", "at first")
    now = look(c, b=0)[1]
    report("b", version=now)
    same(count(), "1 in w", "after a report")
    epoch = root.report()["epoch"]
    report("b", version=now)
    same(root.report()["epoch"], epoch, "a repeated report writes")
    report("b", "CONFLICT", version=now - 1)
    report("b", "NOT_FOUND", version=now + 1)
    report("none", "NOT_FOUND")
    report("c")
    same(count(), "2 in w", "after another one")
    status(root.call("secret.delete", workspace="w", name="c"), "OK")
    same(count(), "1 in w", "of a deleted one")
    report("c", "DELETED")
    status(root.call("secret.undelete", workspace="w", name="c"), "OK")
    same(count(), "2 in w", "of one that came back")
    # After a lock and after the end of the daemon.
    status(root.call("vault.lock"), "OK")
    check("stale secrets" not in root.report(), "told of a locked vault")
    status(root.call("vault.unlock", key=KEY), "OK")
    same(count(), "2 in w", "after an unlock")
    # A newer version is not the one that was refused.
    status(root.put("w", "c", VALUE), "OK")
    same(count(), "1 in w", "after a newer version")
    # Others are not told of what they may not see.
    operator = t.agent(CAROL + 50, None, [43900]).connect(d.socket)
    same(operator.report()["stale secrets"], "1 in w", "told to an operator")
    status(c.call("vault.report"), "DENIED", "who is no operator")
    status(root.call("grant.remove", **grant(BOB, "")), "OK")
    report("b", "DENIED")
    status(root.call("grant.add", **grant(BOB, "secrets-officer")), "OK")
    status(root.put("w", "b", VALUE), "OK")
    same(count(), "none", "in the end")
    show("reports: once for a version, told, and gone with the next one")


def limited(t, d, root, c):
    """Who reports without end uses up his own reports alone."""
    other = t.agent(ALICE).connect(d.socket)
    calls = [("secret.stale", dict(workspace="w", name="b"))] * 300
    replies = [r.status_name for r in c.pipeline(calls)]
    check(set(replies) == {"OK", "BUSY"}, "300 reports: %s" % set(replies))
    # The clock goes on meanwhile: one more with each second.
    check(64 <= replies.count("OK") + 30 and replies.count("OK") <= 64 + 30,
          "%d of 300 reports are taken" % replies.count("OK"))
    mine = t.agent(BOB).connect(d.socket)
    replies = [r.status_name for r in mine.pipeline(calls[:30])]
    check(replies.count("BUSY") > 15, "on another connection: %s" % replies)
    status(other.call("secret.stale", workspace="w", name="b"), "OK",
           "somebody else's")
    status(c.get("w", "b"), "OK", "a get of who may not report")
    status(root.put("w", "b", VALUE), "OK")
    show("reports are limited by uid, and nobody uses up another's")


class Holder:
    """tests/system/holder, as another user."""

    def __init__(self, t, d, uid):
        path = t.copy("HOLDER", "./tests/system/holder")
        self.process = subprocess.Popen(
            [path, d.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            user=uid, group=uid, extra_groups=[])
        t.undo.append(self.end)

    def __call__(self, line, want, what=""):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        same(self.process.stdout.readline().decode().rstrip("\n"), want,
             what or line)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(30)


def library(t, d, root):
    """cofre_watch_fd() and what goes with it."""
    h = Holder(t, d, BOB)
    now = look(root, b=0)[1]
    h("fd", "argument", "nothing is fetched")
    h("next", "closed", "nothing is watched")
    h("get w b", "ok %d" % now)
    h("get other a", "denied")
    status(root.put("w", "b", VALUE), "OK")
    h("fd", "ok")
    h("poll 30000", "1", "a change between the fetch and the watch")
    h("next", "ok w/b %d" % (now + 1))
    h("next", "no-change")
    h("poll 0", "0")
    status(root.put("w", "c", VALUE), "OK")
    status(root.put("w", "b", VALUE), "OK")
    h("poll 30000", "1")
    h("get w b", "ok %d" % (now + 2))
    h("next", "no-change", "what was fetched meanwhile")
    h("child next;fd;next;poll 0", "closed;ok;no-change;0;",
      "a child has none of its parent's")
    status(root.put("w", "b", VALUE), "OK")
    h("poll 30000", "1", "the parent's, after a child")
    h("next", "ok w/b %d" % (now + 3))
    h("stale w b %d" % (now + 2), "conflict")
    h("stale w b %d" % (now + 3), "ok")
    status(root.put("w", "b", VALUE), "OK")
    h("poll 30000", "1")
    h("next", "ok w/b %d" % (now + 4))
    status(root.call("secret.delete", workspace="w", name="b"), "OK")
    h("poll 30000", "1")
    h("next", "ok w/b 0", "a deleted one")
    status(root.call("secret.undelete", workspace="w", name="b"), "OK")
    h("poll 30000", "1")
    h("next", "ok w/b %d" % (now + 4), "one that came back")
    status(root.call("grant.remove", **grant(BOB, "")), "OK")
    h("poll 30000", "1")
    h("next", "denied", "a right that is lost")
    h("next", "closed", "and then")
    h("get w b", "denied")
    h("fd", "argument", "nothing is left to be watched")
    status(root.call("grant.add", **grant(BOB, "secrets-officer")), "OK")
    # By the token of a run, whose the second connection has to be too.
    r = status(root.call("run.start", workspace="w", target=wire.TOKEN_ONLY,
                         token=1, uid=CAROL, secrets=[dict(name="b")]), "OK")
    c = Holder(t, d, CAROL)
    c("get w b", "denied")
    c("attach " + r.fields["token"].decode(), "ok")
    c("get w b", "ok %d" % (now + 4))
    c("fd", "ok")
    status(root.put("w", "b", VALUE), "OK")
    c("poll 30000", "1")
    c("next", "ok w/b %d" % (now + 5), "told to a run with a token")
    status(root.call("run.end", workspace="w", run=r.fields["run"]), "OK")
    c("poll 30000", "1")
    c("next", "closed", "a run that has ended")
    for who in (h, c):
        same(who.end(), 0, "the end of a holder")
    show("the library tells of it, to parents, children and runs")


def watcher(t, d, root, *options, **more):
    """cofre watch of w/b and w/c, once it waits."""
    start = root.log_end()
    p = subprocess.Popen([t.cofre(), "--socket", d.socket, "watch", "w/b",
                          "w/c", *options], user=BOB, group=BOB,
                         extra_groups=[], **more)
    t.undo.append(p.kill)
    # It waits once it has been told of both, and that there is no more.
    while len([e for e in root.events(start=start)
               if e["op"] == 57 and e["uid"] == BOB and
               e["pid"] == p.pid]) < 3:
        root.barrier()
    return p


def unread(t, d, root):
    """What cofre watch prints has no reader, or no place."""
    here, there = socket.socketpair()
    pipe = os.pipe()
    for out, reader in ((there.detach(), here.detach()), pipe[::-1]):
        p = watcher(t, d, root, stdout=out)
        os.close(out)
        os.close(reader)
        same(p.wait(30), 0, "exit code without a reader")
    for options in ((), ("--json",)):
        with open("/dev/full", "wb") as full:
            p = watcher(t, d, root, *options, stdout=full,
                        stderr=subprocess.PIPE)
        status(root.put("w", "b", VALUE), "OK")
        said = p.communicate(timeout=30)[1].decode()
        same((p.returncode, said), (1, "cofre: watch: standard output: No "
                                    "space left on device\n"), "full")
    show("the command ends with its reader, and says when it is full")


def command(t, d, root):
    """cofre watch, cofre report-stale, and the example."""
    now = look(root, b=0)[1]
    lines = []
    user = dict(user=BOB, group=BOB, extra_groups=[], stdout=subprocess.PIPE)
    example = subprocess.Popen([t.copy("WATCH", "./doc/examples/watch"),
                                d.socket, "w", "b"], **user)
    same(example.stdout.readline(), b"version %d\n" % now, "the example")
    for options in ((), ("--once",), ("--json", "--once")):
        p = watcher(t, d, root, *options, stdout=subprocess.PIPE)
        status(root.put("w", "b", VALUE), "OK")
        now += 1
        line = p.stdout.readline()
        lines.append(line)
        if not options:
            p.terminate()
        same(p.wait(30), 0 if options else -15, "exit code of %r" % (options,))
        p.stdout.close()
        same(example.stdout.readline(), b"version %d\n" % now, "the example")
    same(lines[:2], [b"w/b version %d\n" % (now - 2),
                     b"w/b version %d\n" % (now - 1)], "what is printed")
    same(json.loads(lines[2]), dict(workspace="w", name="b", version=now),
         "JSON")
    t.run_cofre(d, "report-stale", "w/b", "--version", str(now - 1), uid=BOB,
                code=8)
    old = subprocess.run([t.cofre(), "--socket", d.socket, "report-stale",
                          "w/b", "--version", str(now - 1)],
                         stderr=subprocess.PIPE)
    same((old.returncode, b"newer version than %d already" % (now - 1) in
          old.stderr), (8, True), "of an older one")
    t.run_cofre(d, "report-stale", "w/b", uid=BOB)
    check(b"1 in w" in t.run_cofre(d, "doctor"), "doctor tells of it")
    status(root.call("secret.delete", workspace="w", name="b"), "OK")
    same(example.wait(30), 0, "the example ends when it is deleted")
    example.stdout.close()
    status(root.call("secret.undelete", workspace="w", name="b"), "OK")
    # The other example stores what it is given, if it is given something.
    put = [harness.program("PUT_EXAMPLE", "./doc/examples/put"), d.socket,
           "w", "of-example"]
    for value, code, version in ((b"", 1, b""), (b"v\n", 0, b"version 1\n")):
        done = subprocess.run(put, input=value, capture_output=True)
        same((done.returncode, done.stdout[-len(b"version 1\n"):],
              b"is empty" in done.stderr), (code, version, code == 1),
             "put %r" % value)
    status(root.call("secret.delete", workspace="w", name="of-example"), "OK")
    t.run_cofre(d, "watch", "w/none", "other/a", uid=BOB, code=5)
    t.run_cofre(d, "watch", "nonsense", uid=BOB, code=2)
    show("the command and the example print it")


def commit_fails(t):
    """A put that is not kept is told to nobody."""
    d = t.daemon(dict(store_limit="16M"))
    root = d.init()
    status(root.call("grant.add", workspace="", principal=wire.USER, id=0,
                     role="owner"), "OK")
    status(root.call("workspace.create", workspace="w"), "OK")
    status(root.put("w", "b", VALUE), "OK")
    status(root.call("secret.stale", workspace="w", name="b"), "OK")
    c = d.connect()
    big = dict(value=b"x" * 60000, more=b"y" * 60000)
    i = 0
    while root.put("w", "fill%d" % i, big).ok:
        i += 1
    watch(c, b=1)
    status(root.put("w", "b", big), "STORE_FULL", "a put")
    quiet(root, c, "told of a version that was not kept")
    same(root.report()["stale secrets"], "1 in w", "after a put that failed")
    for j in range(i):
        status(root.call("secret.delete", workspace="w", name="fill%d" % j),
               "OK")
        status(root.call("secret.purge", workspace="w", name="fill%d" % j),
               "OK")
    status(root.put("w", "b", VALUE), "OK")
    told(c, "b", 2, "a version that is kept")
    same(root.report()["stale secrets"], "none", "after a put")
    d.stop()
    show("what is not kept is not told")


def stops(t):
    """The daemon does not wait for who waits."""
    d = t.daemon()
    root = d.init()
    status(root.call("grant.add", workspace="", principal=wire.USER, id=0,
                     role="owner"), "OK")
    status(root.call("workspace.create", workspace="w"), "OK")
    c = d.connect()
    watch(c, b=0)
    root.barrier()
    d.stop()
    same(c.receive(), None, "who waits when the daemon stops")
    show("a daemon that stops lets go of who waits")


def test(t):
    harness.need_root()
    d = t.daemon(dict(operator_group=43900, max_connections_per_uid=128))
    root = d.init()
    status(root.call("grant.add", workspace="", principal=wire.USER, id=0,
                     role="owner"), "OK")
    build(root)
    alice, bob = t.agent(ALICE), t.agent(BOB)
    c = d.connect()
    by_change(root, c)
    order(root, c)
    invalid(root, c)
    half_closed(root, d, alice)
    c = bob.connect(d.socket)
    follows(root, c)
    revoked(root, c)
    locked(root, c)
    recorded(root, c)
    stale(t, d, root, c)
    library(t, d, root)
    run_ends(t, root, d)
    many(t, d, root)
    unread(t, d, root)
    command(t, d, root)
    limited(t, d, root, c)
    deleted(d, root, c)
    d.stop()
    commit_fails(t)
    stops(t)


if __name__ == "__main__":
    harness.main(test, limit=120)
