#!/usr/bin/env python3
"""What is granted, bound, taken away, deleted or locked is so on the very
next request: on connections that are open already, on every one of them, and
between two requests of one write."""
import os
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from harness import KEY
from people import told_to_stop, Agent, send_message

ALICE, BOB, GROUP = 42001, 42002, 42801
VALUE = dict(value=b"of the workspace")


def grant(principal, who, role):
    return dict(workspace="w", principal=principal, id=who, role=role)


def statuses(replies):
    return ["CLOSED" if r is None else r.status_name for r in replies]


def build(root, name="w"):
    """A workspace that only the vault's owner, the test, has a role in."""
    status(root.call("workspace.create", workspace=name), "OK")
    status(root.put(name, "n", VALUE), "OK")


def by_grants(root, c, people):
    """Give and take away, and ask after each."""
    for kind, who, label in people:
        for role, reads in ((wire.OWNER, True), (wire.CONTRIBUTOR, True),
                            (wire.READER, False)):
            g = grant(kind, who, role)
            status(c.get("w", "n"), "DENIED", label + " before the grant")
            status(root.call("grant.add", **g), "OK")
            status(c.get("w", "n"), "OK" if reads else "DENIED", label)
            status(c.call("secret.list", workspace="w"), "OK", label)
            status(root.call("grant.remove", **g), "OK")
            status(c.get("w", "n"), "DENIED", label + " after the grant")
            status(c.call("secret.list", workspace="w"), "DENIED", label)
    # A role that is changed, and one of two that is taken.
    for role in (wire.OWNER, wire.READER):
        status(root.call("grant.add", **grant(wire.USER, ALICE, role)), "OK")
    status(c.get("w", "n"), "OK", "owner and reader")
    status(root.call("grant.remove", **grant(wire.USER, ALICE, wire.OWNER)),
           "OK")
    status(c.get("w", "n"), "DENIED", "what is left is a reader")
    status(c.call("secret.list", workspace="w"), "OK", "a reader lists")
    status(root.call("grant.remove", **grant(wire.USER, ALICE, "")), "OK")
    status(c.call("secret.list", workspace="w"), "DENIED", "no role left")
    show("grants to users and groups: at once, both ways")


def by_bindings(root, c):
    for gid in (wire.NO_ID, ALICE):
        b = dict(workspace="w", uid=ALICE, gid=gid)
        status(root.call("identity.bind", **b), "OK")
        status(c.get("w", "n"), "OK", "bound")
        status(c.put("w", "n", VALUE), "OK", "bound")
        status(root.call("identity.unbind", **b), "OK")
        status(c.get("w", "n"), "DENIED", "unbound")
    status(root.call("identity.bind", workspace="w", uid=ALICE, gid=BOB),
           "OK")
    status(c.get("w", "n"), "DENIED", "bound with another gid")
    status(root.call("identity.unbind", workspace="w", uid=ALICE, gid=BOB),
           "OK")
    show("bindings of the managed identity: at once, both ways")


def by_deletion(root, c):
    """The workspace goes, and comes back as another one."""
    g = grant(wire.USER, ALICE, wire.OWNER)
    status(root.call("grant.add", **g), "OK")
    status(c.get("w", "n"), "OK")
    status(root.call("workspace.delete", workspace="w"), "OK")
    status(c.get("w", "n"), "DENIED", "in a workspace that is deleted")
    same(c.call("workspace.list").fields["items"], [], "what Alice sees")
    status(root.call("workspace.create", workspace="w"), "EXISTS",
           "the name of one that is only deleted")
    status(root.call("workspace.undelete", workspace="w"), "OK")
    status(c.get("w", "n"), "OK", "in a workspace that is back")
    status(root.call("workspace.delete", workspace="w"), "OK")
    status(root.call("workspace.purge", workspace="w"), "OK")
    build(root)
    status(c.get("w", "n"), "DENIED", "in a new one of the same name")
    status(root.get("w", "n"), "OK")
    show("a deleted workspace: at once, and its grants do not come back")


def by_lock(root, people):
    everybody = people + [root]
    status(root.call("vault.lock"), "OK")
    for c in everybody:
        status(c.get("w", "n"), "LOCKED", "after the lock")
        same(c.state(), wire.LOCKED, "state")
    status(root.call("vault.unlock", key=KEY), "OK")
    status(root.get("w", "n"), "OK", "after the unlock")
    status(people[0].get("w", "n"), "DENIED", "after the unlock")
    show("lock and unlock: at once, for everybody")


def many_connections(t, d, root):
    """All of somebody's connections, not only the next one."""
    a = t.agent(ALICE)
    cs = [a.connect(d.socket) for _ in range(100)]
    g = grant(wire.USER, ALICE, wire.CONTRIBUTOR)
    status(root.call("grant.add", **g), "OK")
    for c in cs:
        status(c.get("w", "n"), "OK")
    status(root.call("grant.remove", **g), "OK")
    for c in cs:
        status(c.get("w", "n"), "DENIED", "one of 100 connections")
    a.end()
    show("100 connections of one uid lose the role together")


def pipelined(root, alice):
    """Between two requests of one write."""
    get = ("secret.get", dict(workspace="w", name="n"))
    mine = grant(wire.USER, ALICE, wire.OWNER)
    other = grant(wire.USER, BOB, wire.READER)
    status(root.call("grant.add", **mine), "OK")
    same(statuses(alice.pipeline([
        get, ("grant.add", other), ("grant.remove", mine), get,
        ("grant.add", mine), get])),
        ["OK", "OK", "OK", "DENIED", "DENIED", "DENIED"],
        "an owner who gives up the role")
    same(statuses(root.pipeline([
        ("grant.add", mine), get, ("vault.lock", {}), get, ("status", {}),
        ("vault.unlock", dict(slot=0, key=KEY)), get, ("status", {})])),
        ["OK", "OK", "OK", "LOCKED", "OK", "OK", "OK", "OK"],
        "lock and unlock in one write")
    same(statuses(root.pipeline([
        get, ("workspace.delete", dict(workspace="w")), get,
        ("workspace.create", dict(workspace="w")),
        ("workspace.undelete", dict(workspace="w")), get,
        ("workspace.purge", dict(workspace="w")),
        ("workspace.delete", dict(workspace="w")),
        ("workspace.purge", dict(workspace="w")),
        ("workspace.undelete", dict(workspace="w")),
        ("workspace.create", dict(workspace="w")), get,
        ("grant.list", dict(workspace="w"))])),
        ["OK", "OK", "NOT_FOUND", "EXISTS", "OK", "OK", "CONFLICT", "OK",
         "OK", "NOT_FOUND", "OK", "NOT_FOUND", "OK"],
        "delete, undelete, purge and create in one write")
    status(alice.get("w", "n"), "DENIED", "the new workspace")
    status(root.put("w", "n", VALUE), "OK")
    same(statuses(root.pipeline([
        get, ("secret.delete", dict(workspace="w", name="n")), get,
        ("secret.undelete", dict(workspace="w", name="n")), get,
        ("secret.delete", dict(workspace="w", name="n")),
        ("secret.purge", dict(workspace="w", name="n")), get,
        ("secret.put", dict(workspace="w", name="n",
                            fields=wire.fields(**VALUE))), get])),
        ["OK", "OK", "DELETED", "OK", "OK", "OK", "OK", "NOT_FOUND", "OK",
         "OK"], "delete, undelete and purge in one write")
    show("pipelined: each request sees what the one before it did")


def ask_on(path):
    """Get, as fast as it goes; the statuses, in order."""
    c = wire.Connection(path)
    seen = []
    first = True
    while not told_to_stop():
        replies = c.pipeline([("secret.get", dict(workspace="w", name="n"))
                              for _ in range(8)])
        seen += statuses(replies)
        if first:
            send_message(Agent.channel, (True, "running"))
            first = False
    # Told that the role is gone: every request from now on is denied.
    after = statuses(c.pipeline([("secret.get",
                                  dict(workspace="w", name="n"))] * 8))
    return seen, after


def under_load(t, d, root):
    """Somebody who never stops asking is cut off once, for good."""
    g = grant(wire.USER, ALICE, wire.CONTRIBUTOR)
    allowed = denied = 0
    for _ in range(20):
        status(root.call("grant.add", **g), "OK")
        a = t.agent(ALICE)
        a.start(ask_on, d.socket)
        same(a.finish(), "running", "the one who asks")
        status(root.call("grant.remove", **g), "OK")
        send_message(a.here, "stop")
        seen, after = a.finish()
        same(after, ["DENIED"] * 8, "requests after the answer to ungrant")
        cut = seen.index("DENIED") if "DENIED" in seen else len(seen)
        same(set(seen[:cut]), {"OK"}, "answers before the change")
        check(set(seen[cut:]) <= {"DENIED"}, "allowed after a denial: %s" %
              seen[cut:])
        allowed += cut
        denied += len(seen) - cut + len(after)
        a.end()
    show("under load, 20 times: %d answers, then %d denials, and nothing "
         "mixed" % (allowed, denied))


def connect_and_lend(path, go, told):
    """Connect, give the socket to a child, and let that one speak."""
    c = wire.Connection(path)
    status(c.get("w", "n"), "OK", "the process itself")
    if os.fork() != 0:
        return
    with open(go, "rb") as f:
        f.read()
    try:
        reply = c.get("w", "n")
        text = "CLOSED" if reply is None else reply.status_name
    except OSError:
        text = "CLOSED"
    with open(told, "w") as f:
        f.write(text)
    os._exit(0)


def by_end_of_process(t, d, root):
    """A connection ends with the process that made it, also when a child
    has the socket still."""
    status(root.call("grant.add", **grant(wire.USER, BOB, wire.OWNER)), "OK")
    go, told = (os.path.join(t.dir, n) for n in ("go", "told"))
    for path in (go, told):
        os.mkfifo(path)
        os.chmod(path, 0o666)
    before = d.settled(root)
    a = t.agent(BOB)
    a.do(connect_and_lend, d.socket, go, told)
    a.kill()
    with open(go, "wb") as f:
        f.write(b"x")
    same(harness.read_file(told), b"CLOSED", "what the child got")
    d.has_fds(before, root)
    show("a connection is closed with the process that made it")


def test(t):
    harness.need_root()
    d = t.daemon()
    root = d.init()
    # The test itself may read everything, to see what there is.
    status(root.call("grant.add", workspace="", principal=wire.USER, id=0,
                     role=wire.OWNER), "OK")
    build(root)
    alice = t.agent(ALICE, groups=[GROUP]).connect(d.socket)
    bob = t.agent(BOB).connect(d.socket)
    by_grants(root, alice, ((wire.USER, ALICE, "a user"),
                            (wire.GROUP, GROUP, "a group"),
                            (wire.GROUP, ALICE, "the primary group")))
    by_bindings(root, alice)
    by_deletion(root, alice)
    by_lock(root, [alice, bob])
    pipelined(root, alice)
    many_connections(t, d, root)
    under_load(t, d, root)
    if root.report()["peer process"].startswith("pidfd"):
        by_end_of_process(t, d, root)
    else:
        show("no SO_PEERPIDFD here: the end of a process is not seen")
    d.stop()


harness.main(test, limit=90)
