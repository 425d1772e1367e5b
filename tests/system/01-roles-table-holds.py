#!/usr/bin/env python3
"""Every operation against every role, and the verdict that it must have.

Each cell is a request over the socket from a process with a real uid of its
own: in its own workspace, in another one, in one that is not there, on the
vault; with the vault open, locked and not made yet.  The verdicts are
written down here once more, from requirements.md R21 to R43, and not taken
from the daemon's tables.  ops.def is read for one purpose: an operation
without a row here fails the test.
"""
import itertools
import os
import re
import sys
sys.dont_write_bytecode = True

import cofre_wire as wire
import harness
from expect import check, same, show, status
from harness import HERE, KEY

# The columns: owner, contributor, reader, managed identity, operator, nobody.
#                     OCRMPN
VERDICTS = {
    "hello":            "++++++",   # R8: who it is, the kernel says
    "status":           "++++++",
    "vault.report":     "....+.",   # the vault is the operators' alone
    "vault.init":       "....+.",
    "vault.unlock":     "....+.",
    "vault.lock":       "....+.",
    "slot.list":        "....+.",
    "slot.add":         "....+.",
    "slot.remove":      "....+.",
    "workspace.create": "++..+.",   # R23
    "workspace.list":   "++++++",   # shows each what it may see: below
    "workspace.show":   "+++++.",   # R30, R34
    "workspace.delete": "+...+.",   # R23, R36: not a contributor
    "identity.bind":    "+...+.",   # R24: sharing by another name
    "identity.unbind":  "+...+.",
    "identity.show":    "+++.+.",   # R43
    "grant.add":        "+...+.",   # R24
    "grant.remove":     "+...+.",
    "grant.list":       "+++.+.",
    "secret.put":       "++.+..",   # R28, R43
    "secret.get":       "++.+..",   # R41, R43; a reader never
    "secret.list":      "++++..",   # R34
    "secret.show":      "++++..",
    "secret.versions":  "++++..",
    "secret.delete":    "++.+..",
    "secret.undelete":  "++.+..",
    "secret.purge":     "+..+..",   # R43: all access for the identity
    "activity.read":    "+++.+.",   # R5
}
# What an allowed request gets where it is not OK: the vault is there, open.
ALLOWED = {"vault.init": "EXISTS", "vault.unlock": "CONFLICT"}
# While the vault is locked, or not made: what works at all, and for whom.
LOCKED = {"hello": "all", "status": "all", "vault.report": "operator",
          "vault.init": "operator", "vault.unlock": "operator",
          "vault.lock": "operator", "slot.list": "operator"}
EMPTY = {"hello": "all", "status": "all", "vault.report": "operator",
         "vault.init": "operator"}

# Who: uid, gid, groups, its column in own, in other workspaces, and on the
# vault, and as what the log must show it when it is allowed.
G_OWNER, G_CONTRIB, G_READER, G_VAULT, G_OPERATOR = range(41801, 41806)
ROLES = {
    "owner":              (41001, None, [], "O", "N", "N", wire.USER),
    "contributor":        (41002, None, [], "C", "N", "N", wire.USER),
    "reader":             (41003, None, [], "R", "N", "N", wire.USER),
    "owner group":        (41004, None, [41777, G_OWNER], "O", "N", "N",
                           wire.GROUP),
    "contributor group":  (41005, G_CONTRIB, [], "C", "N", "N", wire.GROUP),
    "reader group":       (41006, None, [G_READER], "R", "N", "N",
                           wire.GROUP),
    "identity":           (41007, None, [], "M", "N", "N", wire.IDENTITY),
    "identity with gid":  (41008, 41708, [], "M", "N", "N", wire.IDENTITY),
    "its uid, not gid":   (41008, 41709, [41708], "N", "N", "N", None),
    "vault owner":        (41009, None, [], "O", "O", "O", wire.USER),
    "vault contributor":  (41010, None, [], "C", "C", "C", wire.USER),
    "vault reader":       (41011, None, [], "R", "R", "R", wire.USER),
    "vault owner group":  (41012, None, [G_VAULT], "O", "O", "O",
                           wire.GROUP),
    "operator uid 0":     (0, 0, [], "P", "P", "P", wire.OPERATOR),
    "operator group":     (41013, None, [G_OPERATOR], "P", "P", "P",
                           wire.OPERATOR),
    "nobody":             (41014, None, [41777], "N", "N", "N", None),
}
FIXTURE = 41900     # an owner of the vault, who puts things back

OWN, OTHER, GONE, NEW = "ws-own", "ws-other", "ws-gone", "ws-new"
SECRET = b"canary-of-a-secret-field"
METADATA = b"canary-of-a-metadata-field"
FIELDS = [dict(name="value", flags=1, value=SECRET),
          dict(name="host", flags=0, value=METADATA)]
SOMEBODY = 41999    # is granted roles, and bound

ids = itertools.count(1000)


def operations():
    """The names in ops.def."""
    with open(os.path.join(HERE, "../../src/common/ops.def")) as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    return re.findall(r'^OP\(\d+, \w+, \w+, "([a-z.]+)"', text, re.M)


def scope(op):
    """none, vault, any, workspace or secret: what the request names."""
    if op in ("hello", "status", "workspace.list"):
        return "none"
    if op.startswith(("vault.", "slot.")):
        return "vault"
    if op.startswith("grant.") or op == "activity.read":
        return "any"
    return "secret" if op.startswith("secret.") and op != "secret.list" \
        else "workspace"


def values(op, workspace, name):
    """A valid request."""
    v = dict(workspace=workspace, name=name)
    if op.startswith("identity."):
        v["uid"] = SOMEBODY
    elif op.startswith("grant."):
        v.update(principal=wire.USER, id=SOMEBODY, role=wire.READER)
    elif op == "secret.put":
        v["fields"] = FIELDS
    elif op in ("vault.init", "slot.add"):
        v.update(type=wire.KEYFILE, key=b"s" * 32)
    elif op == "vault.unlock":
        v["key"] = KEY
    elif op == "slot.remove":
        v["slot"] = 2
    return v


class Vault:
    """The daemon, its people, and the state that each cell begins with."""

    def __init__(self, t):
        self.d = t.daemon(dict(operator_group=G_OPERATOR))
        self.root = self.d.init()
        self.people = {role: t.agent(*row[:3]).connect(self.d.socket)
                       for role, row in ROLES.items()}
        self.root_call("grant.add", workspace="", principal=wire.USER,
                       id=FIXTURE, role=wire.OWNER)
        self.fixture = t.agent(FIXTURE).connect(self.d.socket)
        for kind, who, role in ((wire.USER, 41009, wire.OWNER),
                                (wire.USER, 41010, wire.CONTRIBUTOR),
                                (wire.USER, 41011, wire.READER),
                                (wire.GROUP, G_VAULT, wire.OWNER)):
            self.root_call("grant.add", workspace="", principal=kind, id=who,
                           role=role)
        self.build(OWN)
        self.build(OTHER)
        self.cells = {}     # request id: (uid, op, status, principal)
        self.secrets_seen = 0

    def root_call(self, op, **v):
        return status(self.root.call(op, **v), "OK", op)

    def fix(self, op, *fine, **v):
        r = self.fixture.call(op, **v)
        check(r.ok or r.status_name in fine, "%s to put back: %r" % (op, r))

    def build(self, workspace):
        self.fix("workspace.create", workspace=workspace)
        if workspace == OWN:
            for kind, who, role in ((wire.USER, 41001, wire.OWNER),
                                    (wire.USER, 41002, wire.CONTRIBUTOR),
                                    (wire.USER, 41003, wire.READER),
                                    (wire.GROUP, G_OWNER, wire.OWNER),
                                    (wire.GROUP, G_CONTRIB,
                                     wire.CONTRIBUTOR),
                                    (wire.GROUP, G_READER, wire.READER)):
                self.fix("grant.add", workspace=workspace, principal=kind,
                         id=who, role=role)
            self.fix("identity.bind", workspace=workspace, uid=41007)
            self.fix("identity.bind", workspace=workspace, uid=41008,
                     gid=41708)
        self.fix("secret.put", workspace=workspace, name="n", fields=FIELDS)

    def prepare(self, op, place):
        """Make what an allowed request needs."""
        v = values(op, place, "n")
        if op == "slot.remove":
            self.root_call("slot.add", type=wire.KEYFILE, key=b"s" * 32)
        elif op == "identity.unbind":
            self.fix("identity.bind", "EXISTS", **v)
        elif op == "grant.remove":
            self.fix("grant.add", "EXISTS", **v)
        elif op in ("secret.undelete", "secret.purge"):
            self.fix("secret.delete", "DELETED", workspace=place, name="n")

    def restore(self, op, place):
        """Undo what it did."""
        if op == "vault.lock":
            self.root_call("vault.unlock", key=KEY)
        elif op == "slot.add":
            self.root_call("slot.remove", slot=2)
        elif op == "workspace.create" and place == NEW:
            self.fix("workspace.delete", workspace=NEW)
        elif op == "workspace.delete":
            self.build(place)
        elif op == "identity.bind":
            self.fix("identity.unbind", workspace=place, uid=SOMEBODY)
        elif op == "grant.add":
            self.fix("grant.remove", **values(op, place, ""))
        elif op == "secret.delete":
            self.fix("secret.undelete", workspace=place, name="n")
        elif op == "secret.purge":
            self.fix("secret.put", workspace=place, name="n", fields=FIELDS)

    def judge(self, role, op, number, reply, want, what):
        """One cell: the status, and no secret where none may be."""
        row = ROLES[role]
        status(reply, want, what)
        same(reply.id, number, what + ": id")
        if not reply.ok:
            same(len(reply.data), 16, what + ": length of the reply")
        given = reply.ok and op == "secret.get"
        same(SECRET in reply.data, given, what + ": the secret is given out")
        same(METADATA in reply.data, reply.ok and
             op in ("secret.get", "secret.show"), what + ": metadata")
        if given:
            same(reply.values(), dict(value=SECRET, host=METADATA), what)
            self.secrets_seen += 1
        if reply.ok and op == "secret.show":
            same([(f["flags"], f["value"]) for f in reply.fields["fields"]],
                 [(1, b""), (0, METADATA)], what + ": fields")
        allowed = want in ("OK", ALLOWED.get(op), "NOT_FOUND", "EXISTS")
        nobody_asked = scope(op) == "none"
        check(number not in self.cells, "an id is used twice")
        self.cells[number] = (
            row[0], wire.OPERATIONS[op][0], reply.status,
            0 if nobody_asked or not allowed else row[6])

    def ask(self, role, op, place, name="n"):
        number = next(ids)
        return number, self.people[role].call(op, number,
                                              **values(op, place, name))


def verdict(op, column):
    return VERDICTS[op]["OCRMPN".index(column)] == "+"


def plan(role, op):
    """The cells: (place, secret's name, the status that is due)."""
    own, other, vault = ROLES[role][3:6]
    kind = scope(op)
    due = ALLOWED.get(op, "OK")
    if kind == "none":
        return [("", "", "OK")]
    if kind == "vault":
        return [("", "", due if verdict(op, vault) else "DENIED")]
    if op == "workspace.create":
        return [(place, "", due if verdict(op, column) else "DENIED")
                for place, column, due in ((OWN, own, "EXISTS"),
                                           (OTHER, other, "EXISTS"),
                                           (NEW, vault, "OK"))]
    cells = [(OWN, "n", "OK" if verdict(op, own) else "DENIED"),
             (OTHER, "n", "OK" if verdict(op, other) else "DENIED"),
             (GONE, "n", "NOT_FOUND" if verdict(op, vault) else "DENIED")]
    if kind == "any":
        cells.append(("", "", "OK" if verdict(op, vault) else "DENIED"))
    if kind == "secret" and op != "secret.put":
        cells += [(place, "no-such-secret",
                   "NOT_FOUND" if verdict(op, column) else "DENIED")
                  for place, column in ((OWN, own), (OTHER, other))]
    return cells


def run_denied(v, role, cells):
    """All that is refused to one: in one write, and nothing changes."""
    before = v.root.report()["epoch"]
    numbers = [next(ids) for _ in cells]
    c = v.people[role]
    c.send_raw(b"".join(wire.request(op, n, **values(op, place, name))
                        for n, (op, place, name) in zip(numbers, cells)))
    for n, (op, place, name) in zip(numbers, cells):
        v.judge(role, op, n, c.receive(), "DENIED",
                "%s: %s on '%s' '%s'" % (role, op, place, name))
    same(v.root.report()["epoch"], before, role + ": the store has changed")


def run_open(v):
    for role in ROLES:
        denied = []
        for op in VERDICTS:
            for place, name, want in plan(role, op):
                if want == "DENIED":
                    denied.append((op, place, name))
                    continue
                done = want == "OK"
                if done:
                    v.prepare(op, place)
                number, reply = v.ask(role, op, place, name or "n")
                what = "%s: %s on '%s' '%s'" % (role, op, place, name)
                v.judge(role, op, number, reply, want, what)
                if done:
                    v.restore(op, place)
        run_denied(v, role, denied)
    show("%d cells with the vault open" % len(v.cells))


def run_state(v, table, otherwise, place):
    """The cells of a vault that is locked, or is not there."""
    before = len(v.cells)
    for role, row in ROLES.items():
        operator = row[5] == "P"
        for op in VERDICTS:
            if op not in table:
                want = otherwise
            elif table[op] == "all" or operator:
                want = "OK"
                if op == "vault.init":
                    want = "EXISTS"
            else:
                want = "DENIED"
            number, reply = v.ask(role, op, place if scope(op) not in
                                  ("none", "vault") else "")
            v.judge(role, op, number, reply, want, "%s, %s: %s" %
                    (otherwise.lower(), role, op))
            if op == "vault.unlock" and want == "OK":
                v.root_call("vault.lock")
    show("%d cells with the vault %s" % (len(v.cells) - before,
                                         otherwise.lower()))


def run_empty(t):
    """No vault yet: every operation and role, then each operator's init."""
    cells = 0
    for maker in ("operator uid 0", "operator group"):
        d = t.daemon(dict(operator_group=G_OPERATOR))
        for role, row in ROLES.items():
            c = t.agent(*row[:3]).connect(d.socket)
            for op in VERDICTS:
                if op == "vault.init" and row[5] == "P":
                    continue
                want = "UNINITIALIZED" if op not in EMPTY else \
                    "OK" if EMPTY[op] == "all" or row[5] == "P" else "DENIED"
                r = c.call(op, **values(op, OWN, "n"))
                status(r, want, "no vault, %s: %s" % (role, op))
                cells += 1
            c.close()
        c = t.agent(*ROLES[maker][:3]).connect(d.socket)
        status(c.call("vault.init", **values("vault.init", "", "")), "OK",
               maker + ": init")
        cells += 1
        d.stop()
    show("%d cells with no vault" % cells)
    return cells


def check_listing(v):
    """Each sees the workspaces that it may see, and only what is theirs."""
    for role, row in ROLES.items():
        seen = {i["name"].decode() for i in v.people[role].call(
            "workspace.list").fields["items"]}
        want = {place for place, column in ((OWN, row[3]), (OTHER, row[4]))
                if column != "N"}
        same(seen, want, role + ": workspaces in the list")
    for role in ("owner", "contributor", "reader"):
        objects = {e["object"].split(b"/")[0]
                   for e in v.people[role].events(OWN)}
        same(objects, {OWN.encode()}, role + ": the activity that it reads")


def check_log(v):
    """Each cell is in the log, once, with who did it as what."""
    seen = {}
    for e in v.root.events():
        if e["type"] == wire.REQUESTED and e["request"] in v.cells:
            check(e["request"] not in seen, "a cell is recorded twice")
            seen[e["request"]] = (e["uid"], e["op"], e["status"],
                                  e["principal"])
    for number, cell in v.cells.items():
        check(number in seen, "not in the log: %s" % (cell,))
        same(seen[number], cell, "the record of %s" %
             wire.CODE_NAME[cell[1]])
    show("%d cells are in the activity log, each once, with its initiator, "
         "status and principal" % len(seen))


def check_no_identity(t, v):
    """What the kernel shows for nobody at all is nobody."""
    for principal in (wire.USER, wire.GROUP):
        for who in (65534, wire.NO_ID):
            status(v.root.call("grant.add", workspace=OWN, id=who,
                               principal=principal, role=wire.OWNER),
                   "INVALID", "a grant to %d" % who)
    status(v.root.call("identity.bind", workspace=OWN, uid=65534),
           "INVALID", "a binding to 65534")
    for uid, gid in ((65534, 41000), (41000, 65534)):
        a = t.agent(uid, gid)
        raw = a.connect(v.d.socket, greet=False)
        r = raw.receive()
        status(r, "DENIED", "a connection as %d:%d" % (uid, gid))
        same(raw.receive(), None, "after the refusal")
    show("uid and gid 65534 are nobody: no grant, no binding, no connection")


def test(t):
    harness.need_root()
    same(sorted(VERDICTS), sorted(operations()),
         "operations of ops.def, and rows of this table")
    v = Vault(t)
    run_open(v)
    check_listing(v)
    check_no_identity(t, v)
    v.root_call("vault.lock")
    run_state(v, LOCKED, "LOCKED", OWN)
    v.root_call("vault.unlock", key=KEY)
    check_log(v)
    check(v.secrets_seen > 0, "no secret was ever given out")
    v.d.stop()
    cells = len(v.cells) + run_empty(t)
    show("%d operations, %d roles, %d cells, the secret given out %d times" %
         (len(VERDICTS), len(ROLES), cells, v.secrets_seen))


harness.main(test, limit=180)
