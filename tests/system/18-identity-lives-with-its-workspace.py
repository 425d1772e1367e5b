#!/usr/bin/env python3
"""The managed identity: its grants, revoked, repaired, and gone with it.

What it should have stands beside what it has; what it should have can only
be taken as a whole; a new workspace of an old name inherits nothing.
"""
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status

ALICE, AGENT, READER, DELETER, KEEPER, BINDER, SYNC, CROWD = range(48001, 48009)
SHOULD = [("w", "agent", "w", ""), ("w", "secrets-officer", "w", "")]


def rows(items):
    return sorted((i["who"].decode(), i["role"].decode(),
                   i["scope"].decode(), i["prefix"].decode()) for i in items)


def identity(role, workspace="w", who="w"):
    return dict(workspace=workspace, principal=wire.IDENTITY, id=0, who=who,
                role=role)


def shown(root):
    f = status(root.call("identity.show", workspace="w"), "OK").fields
    same(rows(f["canonical"]), SHOULD, "the grants that it should have")
    return rows(f["actual"])


def make(root, uid):
    for w in ("w", "x"):
        status(root.call("workspace.create", workspace=w), "OK")
    status(root.call("identity.bind", workspace="w", uid=uid), "OK")
    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=ALICE, role=wire.OWNER), "OK")


def revoke_and_repair(root, alice, agent):
    same(shown(root), SHOULD, "what it has at first")
    status(alice.put("w", "n", dict(value=b"v")), "OK")
    status(agent.get("w", "n"), "OK")
    for role in ("agent", "secrets-officer", ""):
        status(root.call("grant.remove", **identity(role)), "CONFLICT",
               "to take '%s' from it singly" % role)
    same(shown(root), SHOULD, "what it has after that")
    status(agent.call("identity.revoke", workspace="w"), "DENIED")
    r = status(alice.call("identity.revoke", workspace="w"), "OK")
    same(r.fields["removed"], 2, "grants that were taken")
    status(agent.get("w", "n"), "DENIED", "after the revocation")
    same(shown(root), [], "what it has then")
    status(root.call("identity.revoke", workspace="w"), "NOT_FOUND")
    status(agent.call("identity.repair", workspace="w"), "DENIED")

    r = alice.call("identity.repair", workspace="w", dry_run=1)
    same(rows(r.fields["restored"]), SHOULD, "what a dry run would do")
    same(shown(root), [], "what a dry run has done")
    status(agent.get("w", "n"), "DENIED", "after the dry run")
    r = alice.call("identity.repair", workspace="w")
    same(rows(r.fields["restored"]), SHOULD, "what was put back")
    status(agent.get("w", "n"), "OK", "after the repair")
    r = alice.call("identity.repair", workspace="w")
    same(rows(r.fields["restored"]), [], "what a second repair does")
    show("the identity's grants: revoked as a whole, and repaired")


def extra(root, agent):
    """What it has besides is told, and stays; itself it repairs nothing."""
    status(root.call("grant.add", **identity("contributor", "x")), "OK")
    status(root.call("grant.add", **identity("contributor", "w")), "OK")
    r = status(root.call("identity.repair", workspace="w"), "OK")
    same(rows(r.fields["extra"]), [("w", "contributor", "w", ""),
                                   ("w", "contributor", "x", "")], "extra")
    status(agent.call("identity.repair", workspace="w"), "DENIED",
           "the identity's own repair, as a contributor")
    status(root.call("grant.remove", **identity("contributor")), "OK",
           "to take what is not canonical")
    status(agent.put("x", "m", dict(value=b"v")), "OK")
    show("what it has elsewhere is told, and none repairs itself")


def deleted_and_back(root, alice, agent, reader):
    """A deleted workspace is there for nobody; it comes back with all but
    what its identity had, and that with the repair."""
    def listed(c, deleted):
        f = status(c.call("workspace.list", deleted=deleted), "OK").fields
        return [i["name"] for i in f["items"]]

    def of_x():
        f = status(root.call("identity.show", workspace="x"), "OK").fields
        return sorted({i["scope"] for i in f["actual"]})

    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=READER, role=wire.READER), "OK")
    same(listed(reader, 0), [b"w"], "what a reader sees, before")
    status(agent.get("w", "n"), "OK", "the identity, before")
    status(root.call("grant.add", **identity("reader", "w", "x")), "OK")
    same(of_x(), [b"w", b"x"], "where another identity has something")
    status(alice.call("workspace.delete", workspace="w"), "OK")
    status(agent.get("w", "n"), "DENIED", "the identity, deleted")
    status(alice.get("w", "n"), "DENIED", "the owner, deleted")
    status(root.call("workspace.show", workspace="w"), "NOT_FOUND",
           "an operator, deleted")
    for c, what in ((alice, "the owner"), (root, "an operator")):
        check(b"w" not in listed(c, 0), what + " sees it as if it were there")
        same(listed(c, 1), [b"w"], "deleted ones that %s sees" % what)
    for c, what in ((agent, "the identity"), (reader, "a reader")):
        same(listed(c, 1), [], "deleted ones that %s sees" % what)
    same(of_x(), [b"x"], "where it has, deleted")
    for op in ("undelete", "purge"):
        status(agent.call("workspace." + op, workspace="w"), "DENIED", op)
    status(root.call("vault.lock"), "OK")
    status(root.call("vault.unlock", key=harness.KEY), "OK")
    status(alice.get("w", "n"), "DENIED", "deleted, unlocked anew")
    status(alice.call("workspace.undelete", workspace="w"), "OK")
    status(alice.get("w", "n"), "OK", "the owner, undeleted")
    status(agent.get("w", "n"), "DENIED", "the identity, undeleted")
    same(shown(root), [], "what the identity has")
    same(of_x(), [b"w", b"x"], "where the other has, undeleted")
    status(root.call("grant.remove", **identity("reader", "w", "x")), "OK")
    status(alice.call("workspace.undelete", workspace="w"), "CONFLICT")
    status(alice.call("workspace.purge", workspace="w"), "CONFLICT")
    status(alice.get("w", "n"), "OK", "after the purge that was none")
    status(alice.call("identity.repair", workspace="w"), "OK")
    status(agent.get("w", "n"), "OK", "the identity, repaired")
    same(listed(reader, 0), [b"w"], "what a reader sees")
    same(listed(alice, 1), [], "deleted ones at the end")
    show("a deleted workspace comes back, its identity with the repair")


def only_deletes(root, c):
    """Who may delete a workspace, and not look at it, sees its name alone:
    before and after."""
    def numbers(deleted):
        f = status(c.call("workspace.list", deleted=deleted), "OK").fields
        return [(i["name"], i["secrets"] < 2 ** 63, i["grants"] < 2 ** 31,
                 i["created"] > 0) for i in f["items"]]

    status(root.call("role.put", name="deleter",
                     **wire.role(["workspaces/delete"])), "OK")
    grant = dict(workspace="w", principal=wire.USER, id=DELETER,
                 role="deleter")
    status(root.call("grant.add", **grant), "OK")
    same(numbers(0), [(b"w", False, False, False)], "what is told, live")
    status(c.call("workspace.delete", workspace="w"), "OK")
    same(numbers(1), [(b"w", False, False, False)], "what is told, deleted")
    status(c.call("workspace.undelete", workspace="w"), "OK")
    status(root.call("identity.repair", workspace="w"), "OK")
    show("of a deleted workspace no more is told than before")


def new_of_old_name(root, alice, agent):
    """Grants, bindings and canonical grants end with the workspace."""
    def identities():
        return sorted(g["who"] for g in root.call(
            "grant.list", workspace="x").fields["items"]
            if g["principal"] == wire.IDENTITY)

    same(identities(), [b"w", b"x", b"x"], "identities with a grant in x")
    status(root.call("workspace.delete", workspace="w"), "OK")
    status(agent.get("x", "m"), "DENIED", "elsewhere, at once")
    same(identities(), [b"x", b"x"], "after one of them is gone")
    status(root.call("grant.add", **identity("reader", "x")), "NOT_FOUND",
           "a grant to an identity that is gone")
    status(root.call("workspace.create", workspace="w"), "EXISTS")
    status(alice.call("workspace.purge", workspace="w"), "OK")
    status(alice.call("workspace.undelete", workspace="w"), "DENIED")
    status(root.call("workspace.undelete", workspace="w"), "NOT_FOUND")
    status(root.call("workspace.create", workspace="w"), "OK")
    same(shown(root), SHOULD, "what the new one has")
    f = root.call("identity.show", workspace="w").fields
    same(f["items"], [], "bindings of the new one")
    for who, c in (("alice", alice), ("the old identity", agent)):
        status(c.get("w", "n"), "DENIED", who + " in the new workspace")
        status(c.get("x", "m"), "DENIED", who + " elsewhere")
    show("a new workspace of an old name inherits nothing")


def repaired_whole_or_not(root, crowd):
    """With a place for one of two grants the repair gives neither, not in
    memory either."""
    def state():
        f = status(root.call("grant.list", workspace="crowd"), "OK").fields
        return f["version"], len(f["items"])

    status(root.call("workspace.create", workspace="crowd"), "OK")
    status(root.call("identity.bind", workspace="crowd", uid=CROWD), "OK")
    status(root.put("crowd", "n", dict(value=b"v")), "OK")
    status(root.call("identity.revoke", workspace="crowd"), "OK")
    grants = [("grant.add", dict(workspace="crowd", principal=wire.USER,
                                 id=49000 + n, role=wire.READER))
              for n in range(254)]
    for i in range(0, len(grants), 32):
        for r in root.pipeline(grants[i:i + 32]):
            status(r, "OK")
    before = state()
    same(before[1], 255, "grants, of 256")
    status(root.call("identity.repair", workspace="crowd"), "LIMIT")
    same(state(), before, "version and grants after it")
    status(crowd.get("crowd", "n"), "DENIED", "the identity")
    r = root.call("identity.repair", workspace="crowd", dry_run=1)
    same(len(r.fields["restored"]), 2, "what a dry run says")
    status(root.call("grant.remove", workspace="crowd", principal=wire.USER,
                     id=49000, role=wire.READER), "OK")
    status(root.call("identity.repair", workspace="crowd"), "OK")
    status(crowd.get("crowd", "n"), "OK", "the identity, repaired")
    show("a repair gives all that is missing, or nothing")


def bound_by_who_has_it(root, alice, keeper, binder):
    """To bind somebody is to give him what the identity has, or gets back."""
    def define(uid, name, actions, data=()):
        status(root.call("role.put", name=name,
                         **wire.role(actions=actions, data=data)), "OK")
        status(root.call("grant.add", workspace="w", principal=wire.USER,
                         id=uid, role=name), "OK")

    def binds(c, want, what):
        status(c.call("identity.bind", workspace="w", uid=KEEPER), want, what)
        if want == "OK":
            status(root.call("identity.unbind", workspace="w", uid=KEEPER),
                   "OK")

    define(KEEPER, "keeper", ["*"])
    define(BINDER, "binder", ["workspaces/read", "workspaces/secrets/*",
                              "workspaces/runs/*",
                              "workspaces/identity/write"], ["*"])
    status(alice.put("w", "kept", dict(value=b"v")), "OK")
    binds(keeper, "DENIED", "without the right to values")
    status(keeper.get("w", "kept"), "DENIED", "who would have bound itself")
    binds(binder, "OK", "who has all that it has")
    status(root.call("grant.add", **identity("reader", "w")), "OK")
    binds(binder, "DENIED", "who has less than it was given besides")
    binds(alice, "OK", "an owner")
    status(root.call("identity.revoke", workspace="w"), "OK")
    binds(keeper, "DENIED", "revoked: the repair would give it back")
    binds(binder, "OK", "revoked: the rest is gone")
    status(root.call("grant.remove", workspace="w", principal=wire.USER,
                     id=0, role=""), "OK")
    binds(root, "OK", "an operator, with no grant")
    status(root.call("identity.repair", workspace="w"), "OK")
    show("who binds an identity gives no more than he has")


def whatever_lets_it_in(root, alice, c):
    """It does not repair itself as a user either; who might bind it may."""
    def tried(c, want, what):
        for op, more in (("identity.repair", {}),
                         ("resync.begin", dict(dry_run=1)),
                         ("resync.list", {}),
                         ("resync.commit", dict(repair=1))):
            # Of a dry run there is nothing to commit.
            if want == "OK" and op == "resync.commit":
                want = "CONFLICT"
            status(c.call(op, workspace="w", **more), want,
                   op + " by " + what)

    def bind(what="bind", **by):
        status(root.call("identity." + what, workspace="w", **by), "OK")

    status(root.call("role.put", name="sync", **wire.role(
        actions=["workspaces/resync/action"])), "OK")
    status(root.call("grant.add", workspace="w", principal=wire.USER,
                     id=SYNC, role="sync"), "OK")
    tried(c, "OK", "who is nothing else")
    bind(uid=SYNC)
    tried(c, "DENIED", "the identity, that has all")
    status(root.call("identity.revoke", workspace="w"), "OK")
    tried(c, "DENIED", "the identity, revoked")
    same(shown(root), [], "what it has then")
    status(c.get("w", "kept"), "DENIED", "after it has tried")
    bind("unbind", uid=SYNC)

    bind(uid=ALICE)
    bind(uid=0)
    tried(alice, "OK", "an owner who is bound")
    same(shown(root), SHOULD, "what it has then")
    status(root.call("identity.revoke", workspace="w"), "OK")
    status(root.call("grant.add", **identity("contributor")), "OK")
    tried(root, "OK", "an operator who is bound, and let in as that")
    status(root.call("grant.remove", **identity("contributor")), "OK")
    bind("unbind", uid=ALICE)
    bind("unbind", uid=0)
    show("none repairs itself, whatever else it is")


def test(t):
    d = t.daemon()
    root = d.init()
    alice = t.agent(ALICE).connect(d.socket)
    agent = t.agent(AGENT).connect(d.socket)
    make(root, AGENT)
    revoke_and_repair(root, alice, agent)
    deleted_and_back(root, alice, agent,
                     t.agent(READER).connect(d.socket))
    only_deletes(root, t.agent(DELETER).connect(d.socket))
    bound_by_who_has_it(root, alice, t.agent(KEEPER).connect(d.socket),
                        t.agent(BINDER).connect(d.socket))
    whatever_lets_it_in(root, alice, t.agent(SYNC).connect(d.socket))
    extra(root, agent)
    new_of_old_name(root, alice, agent)
    repaired_whole_or_not(root, t.agent(CROWD).connect(d.socket))
    d.stop()


harness.main(test)
