#!/usr/bin/env python3
"""SSH keys of compute targets: made in the vault, and never out of it.

What targets are, and who may do what with them; that nothing acknowledged is
lost by a restart or a kill; that a store of SSH keys which was changed, put
back, or taken away is noticed; and that no private key is anywhere: what is
looked for is read out of a copy with the root key, by a helper.
"""
import errno
import os
import re
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import faults
import harness
import sshagent
from expect import check, same, show, status
from search import (Needles, search_memory, search_processes, search_tree,
                    seeds_of, vault_keys, words)

OWNER, CONTRIBUTOR, READER, AGENT, OFFICER, NOBODY = range(43001, 43007)
WS = "lab"
SETTINGS = dict(host="login.example", port=22, user="train")
HIDDEN = b"gpu-17.hidden.example"


def host_key(byte):
    return sshagent.Key(bytes([byte])).blob


class People:
    """Connections of everybody, and all that they were answered."""

    def __init__(self, t, d):
        self.heard = []
        self.d = d
        self.agents = {uid: t.agent(uid) for uid in
                       (OWNER, CONTRIBUTOR, READER, AGENT, OFFICER, NOBODY)}
        self.connect()

    def connect(self):
        self.root = self.d.connect()
        self.of = {uid: a.connect(self.d.socket)
                   for uid, a in self.agents.items()}

    def ask(self, uid, op, want="OK", name="cluster", **v):
        v.setdefault("workspace", WS)
        r = (self.root if uid == 0 else self.of[uid]).call(op, name=name, **v)
        status(r, want, "%s of uid %d" % (op, uid))
        self.heard.append(r.data)
        return r.fields

    def make(self, name, uid=OWNER, want="OK", **more):
        return self.ask(uid, "target.create", want, name,
                        **{**SETTINGS, **more})

    def show(self, name="cluster", uid=OWNER, **more):
        return self.ask(uid, "target.show", name=name, **more)


def set_up(p):
    for workspace in (WS, "other"):
        status(p.root.call("workspace.create", workspace=workspace), "OK")
    for uid, role in ((OWNER, "owner"), (CONTRIBUTOR, "contributor"),
                      (READER, "reader"), (OFFICER, "secrets-officer")):
        status(p.root.call("grant.add", workspace=WS, principal=wire.USER,
                           id=uid, role=role), "OK", role)
    status(p.root.call("identity.bind", workspace=WS, uid=AGENT,
                       gid=wire.NO_ID), "OK")
    # Root made it; from now on it is an operator and no more.
    status(p.root.call("grant.remove", workspace=WS, principal=wire.USER,
                       id=0, role="owner"), "OK")


def made(p):
    made = p.make("cluster", options='restrict,from="10.0.0.0/8,!10.1.*"',
                  namespaces=[dict(namespace="git")], for_runs=1)
    same((made["version"], len(made["public"])), (1, 32), "a new key")
    f = p.show()
    same([(k["version"], k["public"]) for k in f["keys"]],
         [(1, made["public"])], "its keys")
    same((f["host"], f["port"], f["user"], f["for_runs"], f["options"],
          f["uid"], f["revision"]),
         (b"login.example", 22, b"train", 1,
          b'restrict,from="10.0.0.0/8,!10.1.*"', OWNER, 1), "its settings")
    same(f["namespaces"], [dict(namespace=b"git")], "its namespaces")
    p.make("cluster", want="EXISTS")
    p.make("b.2-x_y", CONTRIBUTOR)
    listed = p.ask(READER, "target.list")
    same([i["name"] for i in listed["items"]], [b"b.2-x_y", b"cluster"],
         "the list")
    same(listed["items"][1]["public"], made["public"], "its public key")
    same([i["name"] for i in p.ask(READER, "target.list",
                                   after="b.2-x_y")["items"]],
         [b"cluster"], "the list behind a name")
    p.ask(OWNER, "target.show", "NOT_FOUND", "none")
    p.ask(OWNER, "target.delete", name="b.2-x_y")
    p.ask(OWNER, "target.delete", "NOT_FOUND", "b.2-x_y")
    other = p.make("b.2-x_y")
    p.ask(OWNER, "target.delete", name="b.2-x_y")
    check(other["public"] != p.make("b.2-x_y")["public"],
          "a deleted key comes back")
    p.ask(OWNER, "target.delete", name="b.2-x_y")


def forms(p):
    """What does not have the form that it must have."""
    bad = [dict(host=h) for h in ("", "-oProxyCommand=x", "a b", "a\nb",
                                  "a,b", "h" * 256, 'a"b', "\x00")]
    bad += [dict(user=u) for u in ("", "-l", "1000", "0x", "a b", "a@b", "u" * 64, "a\n")]
    bad += [dict(port=n) for n in (0, 65536, 2 ** 32 - 1)]
    bad += [dict(options=o) for o in (
        "command=\"x\"", "restrict,", ",restrict", "restrict restrict",
        "restrict,restrict", 'from=""', 'from="a,,b"', 'from=",a"',
        'from="a"x', 'from="a', "from=a", 'from="a\nb"', 'from="a b"',
        "pty", 'from="::1",restrict', "restrict,port-forwarding", 'from="a",from="b"')]
    bad += [dict(namespaces=[dict(namespace=n)]) for n in (
        "", "a b", "a\n", "-a", "n" * 64)]
    refused = 0
    for v in bad:
        r = p.of[OWNER].call("target.create", workspace=WS, name="bad",
                             **{**SETTINGS, **v})
        check(r.status_name in ("INVALID", "BAD_FRAME"), "%r: %r" % (v, r))
        refused += 1
    good = [dict(host="::1"), dict(host="10.0.0.1"), dict(port=65535),
            dict(options="restrict"), dict(options='from="*.a.example,!b"'),
            dict(options='restrict,from="::1"'), dict(user="_a.b-c"),
            dict(namespaces=[dict(namespace="file@cofre.example")])]
    for v in good:
        p.make("good", **v)
        p.ask(OWNER, "target.delete", name="good")
    show("%d requests have a wrong form, and are refused; %d have not" %
         (refused, len(good)))


def rotated(p):
    first = p.show()["keys"][0]
    p.ask(OWNER, "target.rotate", "CONFLICT", if_version=2)
    second = p.ask(CONTRIBUTOR, "target.rotate", if_version=1)
    check(second["public"] != first["public"], "the same key again")
    same([k["version"] for k in p.show()["keys"]], [1, 2], "both of them")
    same(p.ask(OWNER, "target.list")["items"][0]["version"], 2, "the newest")
    p.ask(OWNER, "target.rotate", "UNDER_WAY")
    p.ask(OWNER, "target.settle", "NOT_FOUND", version=3)
    p.ask(OWNER, "target.settle", version=2)
    p.ask(OWNER, "target.settle", version=2)
    p.ask(OWNER, "target.settle", "NOT_FOUND", version=1)
    same([k["public"] for k in p.show()["keys"]], [second["public"]],
         "the one that stays")
    # The other way: what was tried did not work.
    third = p.ask(OWNER, "target.rotate")
    same(third["version"], 3, "no version twice")
    p.ask(OWNER, "target.settle", version=2)
    same(p.ask(OWNER, "target.rotate")["version"], 4, "nor that of a key that "
         "was never used")
    p.ask(OWNER, "target.settle", version=4)


def pinned(p):
    seen = p.show()["revision"]
    pins = [dict(key=host_key(i)) for i in (1, 2)]
    r = p.ask(OWNER, "target.pin", if_revision=seen, pins=pins)
    same(r["revision"], seen + 1, "revision")
    same(p.show()["pins"], pins, "host keys")
    p.ask(OWNER, "target.pin", "CONFLICT", if_revision=seen, pins=[])
    for bad in ([pins[0], pins[0]], [dict(key=host_key(1)[:-1])],
                [dict(key=host_key(1) + b"\0")], [dict(key=b"")],
                # Of small order; of no curve; not in its one form.
                *([dict(key=sshagent.blob(point))] for point in (
                    bytes(32), b"\1" + bytes(31), b"\2" + bytes(31),
                    b"\xec" + b"\xff" * 30 + b"\x7f", b"\xff" * 32)),
                [dict(key=b"\0\0\0\x07ssh-rsa" + host_key(1)[15:])]):
        p.ask(OWNER, "target.pin", "INVALID", pins=bad)
    p.ask(OWNER, "target.pin", "BAD_FRAME",
          pins=[dict(key=host_key(i)) for i in range(9)])
    p.ask(OWNER, "target.set", host="other.example", port=2222, user="root")
    f = p.show()
    same((f["host"], f["port"], f["user"], f["for_runs"], f["pins"]),
         (b"other.example", 2222, b"root", 0, pins), "other settings")
    p.ask(OWNER, "target.set", "CONFLICT", if_revision=1, **SETTINGS)
    p.ask(OWNER, "target.set", "INVALID", host="a b", port=1, user="u")
    same(p.show()["revision"], f["revision"], "what failed changed nothing")


def who_may(p):
    writes = ("target.create", "target.rotate", "target.settle", "target.pin",
              "target.set", "target.delete")
    for uid, reads in ((0, False), (READER, True), (AGENT, False),
                       (OFFICER, False), (NOBODY, False)):
        for op in writes:
            v = dict(SETTINGS) if op in ("target.create", "target.set") else {}
            if op == "target.settle":
                v["version"] = 4
            p.ask(uid, op, "DENIED", **v)
        for op in ("target.list", "target.show"):
            p.ask(uid, op, "OK" if reads else "DENIED")
    for uid in (OWNER, READER):
        p.ask(uid, "target.list", "DENIED", workspace="other")
    # Who may use it is told how to reach it, and who may not is not.
    for uid in (0, READER, OFFICER, NOBODY):
        p.ask(uid, "target.reach", "DENIED")
    p.ask(AGENT, "target.reach", "NOT_FOUND", "none")
    f, shown = p.ask(AGENT, "target.reach"), p.show()
    same(f, {k: shown[k] for k in f}, "what the identity is told")
    same(sorted(f), ["host", "keys", "pins", "port", "user"], "fields")
    # A role that is given for some names.
    status(p.root.call("grant.add", workspace=WS, principal=wire.USER,
                       id=NOBODY, role="contributor", prefix="mine-"), "OK")
    p.make("mine-1", NOBODY)
    p.make("not-mine", NOBODY, "DENIED")
    same([i["name"] for i in p.ask(NOBODY, "target.list")["items"]],
         [b"mine-1"], "what somebody sees who has some names")
    p.ask(NOBODY, "target.show", "DENIED")
    p.ask(NOBODY, "target.delete", name="mine-1")


def run_may_not(p):
    """A run may use targets; it does not manage or see them."""
    status(p.of[OWNER].put(WS, "n", dict(value=b"x")), "OK")
    token = status(p.of[OWNER].call(
        "run.start", workspace=WS, target=wire.TOKEN_ONLY, token=1,
        uid=NOBODY, secrets=[dict(name="n")]), "OK").fields["token"]
    c = p.agents[NOBODY].connect(p.d.socket)
    status(c.call("run.attach", token=token), "OK")
    for op, v in (("target.create", SETTINGS), ("target.show", {}),
                  ("target.delete", {}), ("target.rotate", {})):
        status(c.call(op, workspace=WS, name="cluster", **v), "DENIED", op)
    status(c.call("target.list", workspace=WS), "DENIED")
    p.make("not-for-runs")
    status(c.call("target.reach", workspace=WS, name="not-for-runs"),
           "DENIED", "one that is not for runs")
    p.make("for-runs", for_runs=1)
    status(c.call("target.reach", workspace=WS, name="for-runs"), "OK")
    for name in ("for-runs", "not-for-runs"):
        p.ask(OWNER, "target.delete", name=name)


def run_has_no_more(p):
    """Who may not use targets starts no run that may."""
    status(p.root.call("role.put", name="starter", if_version=0, **wire.role(
        actions=["workspaces/runs/write"],
        data=["workspaces/secrets/value/read"])), "OK")
    given = dict(workspace=WS, principal=wire.USER, id=NOBODY, role="starter")
    status(p.root.call("grant.add", **given), "OK")
    p.make("for-runs", for_runs=1)
    for use in (False, True):
        if use:
            more = dict(given, role="agent")
            status(p.root.call("grant.add", **more), "OK")
        token = status(p.of[NOBODY].call(
            "run.start", workspace=WS, target=wire.TOKEN_ONLY, token=1,
            uid=NOBODY, secrets=[dict(name="n")]), "OK").fields["token"]
        c = p.agents[NOBODY].connect(p.d.socket)
        status(c.call("run.attach", token=token), "OK")
        for again in range(2):
            status(c.call("target.reach", workspace=WS, name="for-runs"),
                   "OK" if use else "DENIED", "use %r, %d" % (use, again))
            status(c.get(WS, "n"), "OK")
            if again == 0:
                p.d.stop()
                p.d.start()
                p.connect()
                c = p.agents[NOBODY].connect(p.d.socket)
                status(c.call("run.attach", token=token), "OK")
    for grant in (given, more):
        status(p.root.call("grant.remove", **grant), "OK")
    p.ask(OWNER, "target.delete", name="for-runs")


def limits(p):
    """So many in a workspace, and pages of the list."""
    c = p.agents[OWNER].connect(p.d.socket)
    have = len(p.ask(OWNER, "target.list")["items"])
    calls = [("target.create", dict(workspace=WS, name="many-%03d" % i,
                                    **SETTINGS)) for i in range(256)]
    got = [r.status_name for r in c.pipeline(calls)]
    same((got.count("OK"), got.count("LIMIT")), (256 - have, have),
         "targets that fit")
    names, after = [], b""
    while True:
        f = p.ask(OWNER, "target.list", after=after)
        names += [i["name"] for i in f["items"]]
        if not f["more"]:
            break
        after = names[-1]
    same((len(names), names == sorted(set(names))), (256, True), "the list")
    keys = {i["public"] for i in f["items"]}
    same(len(keys), len(f["items"]), "keys that differ")
    # Who sees but some of them is not told that there are others.
    some = ["many-0", "many-10", "many-11"] + ["many-12%d" % i
                                               for i in range(8)]
    given = [dict(workspace=WS, principal=wire.USER, id=NOBODY, role="reader",
                  prefix=prefix) for prefix in some]
    for grant in given:
        status(p.root.call("grant.add", **grant), "OK")
    f = p.ask(NOBODY, "target.list")
    same((len(f["items"]), f["more"]), (128, 0), "a whole page of some")
    for grant in given:
        status(p.root.call("grant.remove", **grant), "OK")
    gone = [n for n in names if n.startswith(b"many-")]
    done = c.pipeline([("target.delete", dict(workspace=WS, name=n))
                       for n in gone])
    check(all(r.ok for r in done), "a delete failed")


def in_one_turn(p):
    """Many at once, with a workspace that is made a moment before."""
    c = p.d.connect()
    target = dict(workspace="new", name="n", **SETTINGS)
    got = c.pipeline([("workspace.create", dict(workspace="new")),
                      ("target.create", target), ("target.create", target),
                      ("workspace.create", dict(workspace="new")),
                      ("target.rotate", target)])
    same([r.status_name for r in got], ["OK", "OK", "EXISTS", "EXISTS", "OK"],
         "one after the other")
    for op in ("workspace.delete", "workspace.purge"):
        status(c.call(op, workspace="new"), "OK", op)


def recorded(p):
    """Each change, by name, also of what is gone; no key."""
    events = [e for e in p.root.events() if 96 <= e["op"] <= 103]
    seen = {(wire.CODE_NAME[e["op"]], e["object"], e["status"])
            for e in events}
    for op in ("target.create", "target.rotate", "target.settle",
               "target.pin", "target.set", "target.delete", "target.show"):
        check(any(s[0] == op and s[2] == 0 for s in seen), op)
    check(("target.delete", b"lab/b.2-x_y", 0) in seen, "%s" % seen)
    details = [e["detail"] for e in events
               if e["op"] == 100 and e["status"] == 0 and e["detail"]]
    same(details[0], b"key 1 is destroyed", "what a settle says")
    check(all(e["epoch"] > 0 for e in events
              if e["status"] == 0 and e["op"] in (96, 99, 102)),
          "a change has its epoch")


def restarted(p):
    before = p.show()
    p.d.stop()
    p.d.start()
    p.connect()
    same(p.show(), before, "after a restart")
    p.d.kill()
    p.d.start()
    p.connect()
    same(p.show(), before, "after a kill")


def killed(p, random, rounds=6):
    """Whatever was answered is there, however soon the kill comes."""
    for i in range(rounds):
        c = p.agents[OWNER].connect(p.d.socket)
        names = ["k%d-%d" % (i, n) for n in range(60)]
        c.send_raw(b"".join(wire.request("target.create", n, workspace=WS,
                                         name=name, **SETTINGS)
                            for n, name in enumerate(names)))
        answered = {}
        for _ in range(random.randrange(1, 50)):
            r = c.receive()
            answered[names[r.id]] = status(r, "OK").fields["public"]
        p.d.kill()
        p.d.start()
        p.connect()
        for name, public in answered.items():
            same(p.show(name)["keys"][0]["public"], public, name)
        there = [x["name"] for x in p.ask(OWNER, "target.list",
                                          after="k")["items"]]
        c = p.agents[OWNER].connect(p.d.socket)
        check(all(r.ok for r in c.pipeline(
            [("target.delete", dict(workspace=WS, name=n)) for n in there
             if n.startswith(b"k")])), "a delete")
    show("%d kills in the middle of many: nothing that was answered is gone" %
         rounds)


def locked(p, want, words_of_it, key):
    """The daemon has started, and its SSH store is not what it should be."""
    c = p.d.connect()
    same(c.state(), wire.LOCKED, "state")
    check(words_of_it in p.d.stderr(), "cofred says " + p.d.stderr()[-400:])
    status(c.call("vault.unlock", key=key), want)
    line = c.report()["ssh store"]
    check("at unlock it was" in line, "the report says " + line)
    return c


def tampered(p, key):
    store = os.path.join(p.d.state_dir, "ssh.lmdb")
    before = p.show()
    p.d.stop()
    good = harness.read_file(store)
    owner = os.stat(store)

    def put(data):
        harness.write_file(store, data)
        os.chown(store, owner.st_uid, owner.st_gid)

    p.d.start()
    p.connect()
    rotated_ = p.ask(OWNER, "target.rotate")["version"]
    p.d.stop()
    newer = harness.read_file(store)
    put(good)
    p.d.start()
    locked(p, "ROLLBACK", "older than the vault", key)
    p.d.stop()
    os.unlink(store)
    p.d.start()
    locked(p, "ROLLBACK", "gone", key)
    p.d.stop()
    # LMDB leaves older copies of a page about: one byte in each of them.
    changed = bytearray(newer)
    for found in re.finditer(b"cofre ssh store", newer):
        changed[found.end() + 45] ^= 1
    put(changed)
    p.d.start()
    locked(p, "CORRUPT", "changed or damaged", key)
    p.d.stop()
    put(newer)
    p.d.start()
    p.connect()
    same([k["version"] for k in p.show()["keys"]],
         [before["keys"][0]["version"], rotated_], "the right one put back")
    p.ask(OWNER, "target.settle", version=before["keys"][0]["version"])
    # At each start with the keyfile, and at each request.
    said = [e["detail"] for e in p.root.events() if e["type"] == wire.SYSTEM]
    same(sum(b"SSH store" in e for e in said), 6, "what the log says of it")


def purged(p):
    """A deleted workspace has its targets still, a purged one has not."""
    c = p.root
    rows = int(c.report()["ssh store"].split()[0])
    status(c.call("workspace.create", workspace="brief"), "OK")
    status(c.call("grant.add", workspace="brief", principal=wire.USER,
                  id=OWNER, role="owner"), "OK")
    public = p.make("n", workspace="brief")["public"]
    p.make("m", workspace="brief")
    same(int(c.report()["ssh store"].split()[0]), rows + 6, "rows")
    status(c.call("workspace.delete", workspace="brief"), "OK")
    p.ask(OWNER, "target.show", "DENIED", name="n", workspace="brief")
    p.d.kill()
    p.d.start()
    p.connect()
    c = p.root
    status(c.call("workspace.undelete", workspace="brief"), "OK")
    same(p.show("n", workspace="brief")["keys"][0]["public"], public,
         "the key of one that was brought back")
    for op in ("workspace.delete", "workspace.purge"):
        status(c.call(op, workspace="brief"), "OK", op)
    c.barrier()
    same(int(c.report()["ssh store"].split()[0]), rows, "rows after a purge")
    status(c.call("workspace.create", workspace="brief"), "OK")
    status(c.call("grant.add", workspace="brief", principal=wire.USER,
                  id=OWNER, role="owner"), "OK")
    same(p.ask(OWNER, "target.list", workspace="brief")["items"], [],
         "targets of another workspace of that name")
    p.d.stop()
    p.d.start()
    p.connect()


def nowhere(t, p, keyfile):
    """Not one private key, in any form, in whatever anybody can read."""
    p.make("hidden", host=HIDDEN.decode())
    p.ask(OWNER, "target.rotate", name="hidden")
    public = [k["public"] for k in p.show()["keys"]]
    keys = vault_keys(t, p.d, keyfile)
    seeds = seeds_of(keys)
    check(all(k.hex() in keys for k in public), "the helper knows %s" %
          sorted(keys))
    needles = Needles(seeds)
    same(Needles({n: k for n, k in seeds.items()}).find(
        b"x" + seeds["ssh"] + b"y") != [], True, "the search finds")
    same(needles.find(b"\0".join(p.heard)), [], "in replies")
    files, size, found = search_tree(needles, p.d.state_dir)
    same(found, [], "in the state directory")
    same(needles.find(p.d.stderr().encode()), [], "in stderr")
    same(search_processes(needles), [], "in /proc")
    memory, found, _ = search_memory(needles, p.d.pid)
    check(search_memory(Needles(dict(host=HIDDEN)), p.d.pid)[1],
          "the host of a target is in memory while the vault is open")
    kept = p.root.report()["keys in"] == "memfd_secret"
    if kept:
        same(found, [], "in the daemon's memory")
        same(search_memory(Needles(seeds, words), p.d.pid)[1], [],
             "parts of them in the daemon's memory")
    else:
        # What root can read there is the key of the store, never a seed.
        same([f for f in found if not f[0].startswith("ssh")], [], "in memory")
    show("%d private keys in no reply of %d, in none of %d files of %d KiB, "
         "nor in %d KiB of memory" % (len(seeds) - 1, len(p.heard), files,
                                      size >> 10, memory >> 10))
    status(p.root.call("vault.lock"), "OK")
    p.d.connect().barrier()
    same(search_memory(Needles(seeds, words), p.d.pid)[1], [], "after lock")
    # Nor what was known of it.
    same(search_memory(Needles(dict(host=HIDDEN)), p.d.pid)[1], [],
         "the host of a target after lock")


def lost_store(p, key):
    """To accept that it is gone is to begin anew."""
    made = p.make("first")
    p.d.stop()
    os.unlink(os.path.join(p.d.state_dir, "ssh.lmdb"))
    p.d.start()
    same(p.d.connect().state(), wire.LOCKED, "without it")
    status(p.d.connect().call("vault.unlock", key=key, accept_rollback=1),
           "OK")
    p.connect()
    same(p.ask(OWNER, "target.list")["items"], [], "targets")
    check(p.make("first")["public"] != made["public"], "the same key")


def each_call_fails(t, key, keyfile):
    """A turn that writes both stores, of which each call to the kernel fails
    once: what is answered is true, also behind a kill."""
    if not faults.can_be(t):
        return
    f = faults.Faults(t, keyfile=keyfile)
    d = f.daemon.start()
    c = d.init(key)
    status(c.call("workspace.create", workspace=WS), "OK")
    outcomes, nth, count = set(), 0, 0
    while nth <= count:     # behind the last one none fails
        nth += 1
        name, workspace = "t%d" % nth, "w%d" % nth
        c = d.connect()
        f.fail(faults.CALL, nth, errno.EIO)
        c.send_raw(wire.request("target.create", 1, workspace=WS, name=name,
                                **SETTINGS) +
                   wire.request("workspace.create", 2, workspace=workspace))
        made, other = c.receive(), c.receive()
        count = f.none()
        d.kill()
        d.start()
        c = d.connect()
        same(c.state(), wire.OPEN, "call %d: state\n%s" % (nth, d.stderr()))
        now = c.call("target.show", workspace=WS, name=name)
        there = c.call("workspace.show", workspace=workspace)
        if made is not None and made.ok:
            same(status(now, "OK", "call %d" % nth).fields["keys"][0][
                "public"], made.fields["public"], "call %d: its key" % nth)
        if other is not None and other.ok:
            status(there, "OK", "call %d: the workspace" % nth)
        # A commit that failed at its very end may be on disk all the same.
        if made is not None:
            outcomes.add((made.status_name,
                          other.status_name if other else "-"))
    check(("OK", "OK") in outcomes and
          ("STORE_FAILED", "STORE_FAILED") in outcomes and
          ("OK", "STORE_FAILED") in outcomes, "what came of it: %s" %
          sorted(outcomes))
    show("each of %d calls failed once: %s" % (count, ", ".join(
        "%s and %s" % o for o in sorted(outcomes))))
    d.kill()


def no_right_that_was_not_kept(t, key, keyfile):
    """A grant, and what it allows, asked for at once: the second is not kept
    without the first, whichever call to the kernel fails."""
    if not faults.can_be(t):
        return
    f = faults.Faults(t, keyfile=keyfile)
    d = f.daemon.start()
    d.init(key)
    outcomes, nth, count = set(), 0, 0
    while nth <= count:
        nth += 1
        c = d.connect()
        workspace = "w%d" % nth
        status(c.call("workspace.create", workspace=workspace), "OK")
        status(c.call("grant.remove", workspace=workspace, id=0,
                      principal=wire.USER, role="owner"), "OK")
        f.fail(faults.CALL, nth, errno.EIO)
        c.send_raw(wire.request("grant.add", 1, workspace=workspace, id=0,
                                principal=wire.USER, role="contributor") +
                   wire.request("target.create", 2, workspace=workspace,
                                name="n", **SETTINGS))
        given, made = c.receive(), c.receive()
        count = f.none()
        outcomes.add(tuple(r.status_name if r else "-" for r in (given, made)))
        check(made is None or not made.ok or given.ok,
              "call %d: made without a right" % nth)
        d.kill()
        d.start()
    check(("OK", "OK") in outcomes and ("STORE_FAILED", "DENIED") in outcomes,
          "what came of it: %s" % sorted(outcomes))
    show("a grant and its use: %s" % ", ".join("%s and %s" % o
                                               for o in sorted(outcomes)))
    d.kill()


def full_for_a_moment(t, key, keyfile):
    """A disk that is full once, at any call: the daemon goes on, and what it
    writes then can be unlocked."""
    if not faults.can_be(t):
        return
    f = faults.Faults(t, keyfile=keyfile)
    d = f.daemon.start()
    status(d.init(key).call("workspace.create", workspace=WS), "OK")
    outcomes, nth, count = set(), 0, 0
    while nth <= count:
        nth += 1
        c = d.connect()
        f.fail(faults.CALL, nth, errno.ENOSPC)
        c.send_raw(wire.request("target.create", 1, workspace=WS,
                                name="a%d" % nth, **SETTINGS))
        first = c.receive()
        count = f.none()
        try:
            second = d.connect().call("target.create", workspace=WS,
                                      name="b%d" % nth, **SETTINGS)
        except (OSError, wire.WireError):
            second = None       # the call was the loop's own: it has ended
        outcomes.add((first.status_name if first else "-",
                      second.status_name if second else "-"))
        d.kill()
        d.start()
        same(d.connect().state(), wire.OPEN, "call %d: state\n%s" %
             (nth, d.stderr()))
    check(("STORE_FULL", "OK") in outcomes, "%s" % sorted(outcomes))
    d.kill()


def test(t):
    harness.need_root()
    random = harness.seed()
    keyfile = t.keyfile()
    key = harness.slot_key(harness.read_file(keyfile))
    d = t.daemon(keyfile=keyfile)
    d.init(key).close()
    p = People(t, d)
    set_up(p)
    for part in (made, forms, rotated, pinned, who_may, run_may_not,
                 run_has_no_more, limits, in_one_turn, recorded, restarted):
        part(p)
    killed(p, random)
    tampered(p, key)
    purged(p)
    nowhere(t, p, keyfile)
    status(p.d.connect().call("vault.unlock", key=key), "OK")
    lost_store(p, key)
    p.d.stop()
    each_call_fails(t, key, keyfile)
    no_right_that_was_not_kept(t, key, keyfile)
    full_for_a_moment(t, key, keyfile)


harness.main(test, limit=120)
