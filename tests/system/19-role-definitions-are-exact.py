#!/usr/bin/env python3
"""Custom roles: their names, patterns, scopes, versions, and their reach.

Nothing that looks like a built-in role can be made; a definition that is
changed counts from the next request on, also in the middle of a pipeline.
"""
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import same, show, status

ALICE, BOB = 48101, 48102
VALUES = dict(data=["*"])

BAD_NAMES = [
    "", ".", "..", "a/../b", "a//b", "/a", "a\0b", "a" * 64, "a" * 255,
    b"\xff", b"\xc0\xaf", "\u202er", "\ufeffr", "o\u0301", "\u00f3",
    "a\uff0fb", "a\n", "a\t", " a", "a ", "owner ", "owner\t", "\u043ewner",
    "-a", "*", "own*", "?"]
LIKE_BUILTIN = ["owner", "Owner", "OWNER", "reader", "Contributor", "aGENT",
                "Secrets-Officer"]
BAD_PATTERNS = [
    dict(actions=["nothing/read"]), dict(actions=[""]),
    dict(actions=["vault/read"]), dict(actions=["roles/*"]),
    dict(actions=["vault/*"]), dict(data=["workspaces/read"]),
    dict(actions=["workspaces/secrets/value/read"]),
    dict(actions=["*"], not_actions=["nothing"]),
    dict(data=["*"], not_data=["workspaces/read"]), dict(actions=["**x"])]


def put(c, name, if_version=wire.ANY_VERSION, **lists):
    return c.call("role.put", name=name, if_version=if_version,
                  **wire.role(**lists))


def to(uid, role, workspace="w", prefix=""):
    return dict(workspace=workspace, principal=wire.USER, id=uid, role=role,
                prefix=prefix)


def names(root):
    for name in BAD_NAMES:
        r = put(root, name, actions=["*"])
        if r.status_name not in ("INVALID", "BAD_FRAME"):
            status(r, "INVALID", "a role called %r" % name)
        r = root.call("grant.add", **to(ALICE, name))
        if r.status_name not in ("INVALID", "BAD_FRAME"):
            status(r, "INVALID", "a grant of %r" % name)
    for name in LIKE_BUILTIN:
        status(put(root, name, actions=["*"]),
               "EXISTS", "a role called " + name)
        want = "OK" if name == name.lower() else "INVALID"
        status(root.call("grant.add", **to(BOB, name)), want, name)
    status(put(root, "Made", actions=["*"]), "OK")
    status(put(root, "mADE", actions=["*"]), "EXISTS", "differs in case")
    listed = root.call("role.list", workspace="").fields["items"]
    same([i["name"] for i in listed if i["custom"]], [b"Made"],
         "the custom roles")
    status(root.call("role.delete", name="owner"), "CONFLICT")
    status(root.call("role.delete", name="made"), "NOT_FOUND")
    status(root.call("role.delete", name="Made"), "OK")
    show("%d names are refused, none gives a role" %
         (len(BAD_NAMES) + len(LIKE_BUILTIN)))


def patterns_and_scopes(root):
    for lists in BAD_PATTERNS:
        status(put(root, "p", **lists), "INVALID", str(lists))
    for scopes in ((), (("gone", ""),), (("", "a-"),), (("w", "/"),)):
        status(put(root, "p", actions=["*"], scopes=scopes), "INVALID",
               "scopes %r" % (scopes,))
    status(put(root, "p", scopes=(("w", "a-"),), **VALUES), "OK")
    for workspace, prefix, want in (
            ("w", "a-", "OK"), ("w", "a-b", "OK"), ("w", "a", "INVALID"),
            ("w", "", "INVALID"), ("x", "a-", "INVALID"),
            ("", "", "INVALID")):
        status(root.call("grant.add", **to(ALICE, "p", workspace, prefix)),
               want, "p on '%s' '%s'" % (workspace, prefix))
    status(put(root, "p", scopes=(("x", ""),), **VALUES), "CONFLICT",
           "scopes that leave a grant outside")
    status(root.call("role.delete", name="p"), "CONFLICT", "used")
    for prefix in ("a-", "a-b"):
        status(root.call("grant.remove", **to(ALICE, "p", "w", prefix)),
               "OK")
    status(root.call("role.delete", name="p"), "OK")
    show("patterns and scopes are exact")


def versions(root):
    status(put(root, "v", 1, **VALUES), "CONFLICT", "none there")
    same(put(root, "v", 0, **VALUES).fields["version"], 1, "version")
    status(put(root, "v", 0, **VALUES), "CONFLICT", "there already")
    for n in range(1, 66):
        r = status(put(root, "v", n, actions=["workspaces/read"]), "OK")
        same(r.fields["version"], n + 1, "version")
    for n, want in ((1, "NOT_FOUND"), (2, "NOT_FOUND"), (3, "OK"),
                    (66, "OK"), (67, "NOT_FOUND"), (0, "OK")):
        status(root.call("role.show", workspace="", name="v",
                         version=n), want,
               "version %d" % n)
    status(root.call("role.delete", name="v"), "OK")
    show("the last 64 versions are kept, and if_version holds")


def at_once(root, alice):
    """Changed under an open connection, and within one pipeline."""
    status(put(root, "r", **VALUES), "OK")
    status(root.call("grant.add", **to(ALICE, "r")), "OK")
    for _ in range(200):
        status(alice.get("w", "n"), "OK", "with the data action")
        status(put(root, "r", actions=["*"]), "OK")
        status(alice.get("w", "n"), "DENIED", "after it was taken")
        status(put(root, "r", **VALUES), "OK")
    # An owner of the vault, who is one by a grant: it ends with itself.
    status(root.call("grant.add", **to(ALICE, "owner", "")), "OK")
    status(root.call("grant.remove", **to(ALICE, "r")), "OK")
    got = [r.status_name for r in alice.pipeline(
        [("secret.get", dict(workspace="w", name="n")),
         ("grant.remove", to(ALICE, "owner", "")),
         ("secret.get", dict(workspace="w", name="n")),
         ("role.put", dict(wire.role(["*"]), name="late"))])]
    same(got, ["OK", "OK", "DENIED", "DENIED"], "in one pipeline")
    show("a definition counts from the next request on, 200 times both ways")


def no_more_than_one_has(root, alice):
    """Who may share gives nothing that he has not."""
    status(put(root, "sharer", actions=["workspaces/grants/*"]), "OK")
    status(put(root, "r", **VALUES), "OK")
    status(root.call("grant.add", **to(ALICE, "sharer")), "OK")
    for role in ("owner", "reader", "agent", "r", "secrets-officer"):
        status(alice.call("grant.add", **to(ALICE, role)), "DENIED", role)
    status(alice.call("grant.add", **to(BOB, "sharer")), "OK")
    status(alice.call("grant.add", **to(BOB, "sharer", "")), "DENIED")
    # A grant counts before being an operator, and makes nobody less of one.
    status(root.call("grant.remove", **to(0, "")), "OK")
    status(root.call("grant.add", **to(0, "sharer")), "OK")
    status(root.call("grant.add", **to(BOB, "contributor")), "OK",
           "by an operator with a small role")
    status(root.call("grant.remove", **to(0, "sharer")), "OK")
    show("nobody gives what he has not")


def test(t):
    d = t.daemon()
    root = d.init()
    for w in ("w", "x"):
        status(root.call("workspace.create", workspace=w), "OK")
    status(root.put("w", "n", dict(value=b"v")), "OK")
    alice = t.agent(ALICE).connect(d.socket)
    names(root)
    patterns_and_scopes(root)
    versions(root)
    at_once(root, alice)
    no_more_than_one_has(root, alice)
    d.stop()


harness.main(test)
